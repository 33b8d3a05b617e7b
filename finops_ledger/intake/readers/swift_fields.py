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


def fields(lines: Iterable[tuple[int, str]], out: Collector) -> Iterator[Field]:
    """Cut a file into fields; the envelope around messages becomes notes.

    A line of ``-`` ends a message only behind its closing balance: it is text before.
    """
    current: Field | None = None
    inside = closed = False
    for number, text in lines:
        if not inside and (block := text.find("{4:")) >= 0 and text[block + 3 :].startswith(":"):
            out.note(number, text[: block + 3])
            text = text[block + 3 :]
        if tag := _TAG.match(text):
            if current is not None:
                yield current
            inside = inside or tag[1] not in HEADINGS
            closed = tag[1] in _TAIL or (closed and tag[1] in {"86", "NS"})
            current = Field(tag[1], number, [tag[2]])
        elif closed and text.startswith("-"):
            if current is not None:
                yield current
            yield Field("-", number, [text])
            current, inside, closed = None, False, False
            out.note(number, text)
        elif inside and current is not None and not (current.tag in _TAIL and text.strip()):
            current.lines.append(text)
        elif text.strip():
            if text.startswith(":"):
                out.fault("statement-tag", "not a field of a statement", number, text, ":20:")
            out.note(number, text)
    if current is not None:
        yield current
