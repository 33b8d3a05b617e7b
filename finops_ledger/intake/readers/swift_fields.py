"""The fields of SWIFT messages: tag, place and lines of each, and the envelope around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from finops_ledger.intake.readers.statement import Collector

_TAG = re.compile(r":(\d{2}[A-Z]?|\d{3,4}[A-Z]?|NS):(.*)")
KNOWN: Final = {
    "20", "21", "25", "25P", "28", "28C", "60F", "60M", "61", "86", "62F", "62M", "64", "65",
    "NS", "13", "13D", "34F", "90D", "90C", "940", "942",
}  # fmt: skip
HEADINGS: Final = {"940", "942"}  #: the message type, written as a field before the first one
_TAIL = {"62F", "62M", "64", "65", "90D", "90C"}  #: behind these a message may end


@dataclass(slots=True)
class Field:
    """One field of a message; the tag ``-`` is the end of one."""

    tag: str
    line: int
    lines: list[str]


def fields(
    lines: Iterable[tuple[int, str]], out: Collector, *, interim: bool = False
) -> Iterator[Field]:
    """Cut a file into fields; the envelope around messages becomes notes.

    A line that begins with ``-}`` ends a message. One of ``-`` does so behind a closing balance only
    (it is text before), and anywhere in an interim report, whose totals may be left out.
    """
    current: Field | None = None
    inside = closed = False
    block = 0  #: line in which an envelope was opened that is not closed yet
    for number, text in lines:
        ends = inside and text.startswith("-") and (
            closed or text.startswith("-}") or (interim and text.strip() == "-")
        )  # fmt: skip
        if ends:
            if current is not None:
                yield current
            yield Field("-", number, [text])
            current, inside, closed, block = None, False, False, 0
            if "{4:" not in text:
                out.note(number, text)
                continue
        if not inside and (start := text.find("{4:")) >= 0:
            _unclosed(block, out)
            block = number
            if text[start + 3 :].startswith(":"):
                out.note(number, text[: start + 3])
                text = text[start + 3 :]
        if tag := _TAG.match(text):
            if current is not None:
                yield current
            inside = inside or tag[1] not in HEADINGS
            closed = tag[1] in _TAIL or (closed and tag[1] in {"86", "NS"})
            current = Field(tag[1], number, [tag[2]])
        elif inside and current is not None and not (current.tag in _TAIL and text.strip()):
            current.lines.append(text)
        elif text.strip():
            if text.startswith(":"):
                out.fault("statement-tag", "not a field of a statement", number, text, ":20:")
            if inside and "{4:" in text:
                _unclosed(block, out)
                block = number
            out.note(number, text)
    if current is not None:
        yield current
    _unclosed(block, out)


def _unclosed(block: int, out: Collector) -> None:
    if block:
        out.fault(
            "file-short", "a message without its end: the file came short", block, "{4:", "-}"
        )
