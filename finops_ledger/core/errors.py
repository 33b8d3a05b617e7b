"""What can go wrong, and with which exit code the command line says so.

Faults in *data* are values (:class:`Problem`), collected and shown together. Exceptions are for what
a caller cannot go on from::

    FinopsError              5  a bug, unless a subclass says otherwise
    ├── UsageError           2  wrong usage or configuration
    ├── InputRefused         3  a file was refused; carries its problems
    └── IntegrityError       4  the books do not prove themselves
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field


def shown(text: str) -> str:
    """Return a text with what cannot be seen in it written out: ``\\u200f``, ``\\xa0``.

    Marks of direction and of width, blanks that are no blanks, and control characters would make two
    texts look the same, or one look like another. Tabs and line ends stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if _unseen(c) else c for c in text)


def _unseen(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind in {"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"} and char not in " \t\n\r"


def _escaped(char: str) -> str:
    code = ord(char)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in one place of a file: where it is, what stands there, what was expected.

    What cannot be seen in a text of the file is written out; see :func:`shown`.
    """

    code: str
    message: str
    file: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    expected: str | None = None

    def __post_init__(self) -> None:
        for name in ("message", "column", "value", "expected"):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, shown(text))

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [place]
        if self.column is not None:
            parts.append(self.column)
        if self.value is not None:
            parts.append(repr(self.value))
        text = ": ".join([*parts, f"[{self.code}] {self.message}"])
        return text if self.expected is None else f"{text}; expected {self.expected}"


class FinopsError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line ends with."""

    exit_code = 5


class UsageError(FinopsError):
    """Wrong usage or configuration: a missing workspace, an unknown key, a bad option."""

    exit_code = 2


@dataclass
class InputRefused(FinopsError):
    """A file was refused as a whole. ``problems`` lists the first faults, ``total`` counts all."""

    file: str
    problems: Sequence[Problem]
    total: int = 0
    exit_code: int = field(default=3, init=False)

    def __post_init__(self) -> None:
        self.total = max(self.total, len(self.problems))
        super().__init__(str(self))

    def __str__(self) -> str:
        first = str(self.problems[0]) if self.problems else "refused"
        more = f" (and {self.total - 1} more)" if self.total > 1 else ""
        return f"{first}{more}"


class IntegrityError(FinopsError):
    """A proof failed: a hash, the chain, conservation, or sub-ledger against books."""

    exit_code = 4
