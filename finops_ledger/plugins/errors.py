"""What the plugins share: the shape of an error, strict configuration, figures from metadata.

An error is a value with the place (file and line) that Fava and ``bean-check`` show, a message that
starts with its stable code, and the entry::

    books/journal/2026/2026-03-02.beancount:41: [deposit-closing] Assets:Deposits:AggA on ...
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from beancount.core.amount import Amount
from beancount.core.data import Directive

Check = Callable[[object], Any]


class ProofError(NamedTuple):
    """An assertion about the books that does not hold; beancount reads the first three fields."""

    source: dict[str, Any]
    message: str
    entry: Directive | None
    code: str


class Report:
    """Collects the errors of one run and knows where each belongs."""

    def __init__(self, options_map: Mapping[str, Any]) -> None:
        self.errors: list[ProofError] = []
        self._main = str(options_map.get("filename") or "<ledger>")

    def add(self, code: str, message: str, entry: Directive | None = None) -> None:
        """Add an error at ``entry``, else at the first line of the main file."""
        meta = getattr(entry, "meta", None) or {}
        filename, line = meta.get("filename"), meta.get("lineno")
        if isinstance(filename, str) and isinstance(line, int):
            source = {"filename": filename, "lineno": line}
        else:
            source = {"filename": self._main, "lineno": 1}
        self.errors.append(ProofError(source, f"[{code}] {message}", entry, code))


def read_config(
    report: Report, plugin: str, config: str | None, checks: Mapping[str, Check]
) -> dict[str, Any]:
    """Return the settings in ``config``; what is wrong becomes an error and is left out.

    ``config`` is the string of the plugin line, a Python dictionary of literals. Each value goes
    through the check of its key, which returns it or raises :class:`ValueError` with what it wants.
    """
    settings: dict[str, Any] = {}
    if config is None or not config.strip():
        return settings

    def wrong(what: str) -> None:
        known = ", ".join(sorted(checks)) or "none"
        report.add("plugin-config", f"{plugin}: {what}; its keys are: {known}")

    try:
        given = ast.literal_eval(config.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        wrong(f"cannot read the configuration {config!r}; write it like {{'key': 'value'}}")
        return settings
    if not isinstance(given, dict):
        wrong(f"the configuration {config!r} is not a dictionary; write it like {{'key': 'value'}}")
        return settings
    for key, value in given.items():
        if key not in checks:
            close = difflib.get_close_matches(str(key), checks, n=1)
            wrong(f"unknown key {key!r}" + (f", did you mean {close[0]!r}?" if close else ""))
            continue
        try:
            settings[key] = checks[key](value)
        except ValueError as error:
            wrong(f"{key!r} is {value!r}, expected {error}")
    return settings


def flag(value: object) -> bool:
    """Check a setting that is ``True`` or ``False``."""
    if isinstance(value, bool):
        return value
    raise ValueError("True or False")


def figure(value: object) -> Decimal | None:
    """Return the number in a metadata value (``7``, ``7 IDR``), or None if it holds none."""
    if isinstance(value, Amount):
        value = value.number
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def whole(value: object) -> int | None:
    """Return the whole number in a metadata value, or None."""
    if isinstance(value, Decimal) and value.is_finite():
        number = int(value)
        return number if number == value else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def word(value: object) -> str | None:
    """Return the text in a metadata value, or None (an amount may not be compared with text)."""
    return value if isinstance(value, str) else None


def units(posting: Any) -> tuple[Decimal, str] | None:
    """Return number and currency of a posting, or None if it has none (yet)."""
    amount = posting.units
    if isinstance(amount, Amount):
        number = amount.number
        if isinstance(number, Decimal) and number.is_finite():
            return number, amount.currency
    return None


def plain(value: Decimal) -> str:
    """Write a number without exponent and without needless zeros: ``49800``, ``-0.5``.

    >>> plain(Decimal("4.98E+4"))
    '49800'
    """
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
