"""A day in parts: files ``_1`` and ``_2``, or ``0001of0003``, that make one day's file only together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Protocol

from finops_ledger.books.config import Source
from finops_ledger.intake.raw import refuse

Part = tuple[int, int]


def part_of(source: Source, name: str, shown: str) -> Part | None:
    """Return which part of its day a file is by its name, and of how many; None for a source without parts.

    Raises InputRefused when the name does not say, or says what cannot be.
    """
    if source.parts is None:
        return None
    found = re.search(source.parts.name, name)
    groups = found.groupdict() if found else {}
    texts = [groups.get("part"), groups.get("of")]
    if not texts[0] or not all(t is None or (t.isascii() and t.isdigit()) for t in texts):
        raise refuse(
            shown,
            "part-name",
            f"the name {name!r} does not carry the number of the part as {source.parts.name!r}",
        )
    number, stated = int(texts[0]), int(texts[1]) if texts[1] else None
    count = source.parts.count
    if stated is not None and count is not None and stated != count:
        message = f"the name says {stated} parts, the source {source.name} has {count}"
        raise refuse(shown, "part-count", message)
    of = stated if count is None else count
    if of is None:
        raise refuse(shown, "part-name", "the name does not say how many parts there are")
    if not 1 <= number <= of:
        raise refuse(
            shown, "part-range", f"part {number} of {of}", expected=f"a part from 1 to {of}"
        )
    return number, of


class There(Protocol):
    """What is known of a file of the same source: a batch that is in, or one about to be."""

    @property
    def name(self) -> str: ...

    @property
    def day(self) -> date: ...

    @property
    def sha256(self) -> str: ...

    @property
    def rows(self) -> int: ...

    @property
    def part(self) -> Part | None: ...


def check(part: Part | None, shown: str, sha256: str, day: date, there: Iterable[There]) -> None:
    """Refuse a part that does not go with the parts of its day: another count, or the bytes of another part.

    Parts without rows may be alike: a header is all that an empty part has.
    """
    for other in there:
        if part is None or other.part is None or other.day != day:
            continue
        if other.part[1] != part[1]:
            message = f"part {part[0]} of {part[1]}, but {other.name} is part {other.part[0]} of {other.part[1]}"
            raise refuse(shown, "part-count", message)
        if other.part[0] != part[0] and other.sha256 == sha256 and other.rows:
            message = (
                f"part {part[0]} has the bytes of part {other.part[0]}, imported as {other.name}"
            )
            raise refuse(shown, "part-twice", message)


def slot(part: Part | None, member: str | None) -> str:
    """Return what stands for the member's name in a batch's id: two empty parts of one day are two files."""
    return member if member is not None else f"part {part[0]}" if part else ""
