"""Files as items of the break list: missing, late, short, with rows refused (leg ``files``).

They follow from the calendar of files and from what the manifest recorded when a file came; nothing here reads the
clock. A file has no money of its own: residue and exposure are 0. The days of a closed period ask for nothing more.

=================  ==========================================================================================
``file_missing``   a leg of the day waits for the file, or for a part of it
``file_short``     the same, where what came of it was refused because its own total says more
``file_late``      it came after the source's ``due``; open until a later file of the source comes in time
``file_defect``    it was taken with rows refused; open until it is issued again without any
=================  ==========================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from finops_ledger.books.config import Config, Source
from finops_ledger.core.days import days
from finops_ledger.core.ids import item_id
from finops_ledger.recon.legs import EVERYBODY
from finops_ledger.subledger.manifest import Batch, Line, State

if TYPE_CHECKING:
    from finops_ledger.books.expected import Expected

LEG: Final = "files"
#: What a file is refused for when it came short of its own total.
_SHORT: Final = ("file-short", "total-wrong")
_CODE: Final = re.compile(r"\[([a-z]+(?:-[a-z]+)*)\]")


@dataclass(frozen=True, slots=True)
class FileItem:
    """One file of one day and what is wrong with it; ``batch`` is what came of it, if anything counts."""

    class_: str
    source: str
    counterparty: str
    day: date
    reason: str
    also: tuple[str, ...] = ()
    batch: str | None = None

    @property
    def ref(self) -> str:
        """What the item is about: source and day of the file."""
        return f"{self.source} {self.day.isoformat()}"

    @property
    def id(self) -> str:
        """The id, the same whatever is wrong with the file."""
        return item_id(LEG, self.counterparty, self.ref)


def items(expected: Expected, as_of: date | None = None) -> list[FileItem]:
    """Return what is wrong with files of the open days up to ``as_of``, by source and day.

    Of several things that are wrong with one file the first by precedence is its class.
    """
    last = as_of or expected.as_of
    if last is None:
        return []
    found: dict[tuple[str, date], FileItem] = {}
    for one in (*_missing(expected, last), *_defects(expected, last), *_late(expected, last)):
        key = (one.source, one.day)
        before = found.get(key)
        found[key] = one if before is None else _both(before, one)
    return [found[key] for key in sorted(found)]


def _both(first: FileItem, second: FileItem) -> FileItem:
    also = (*first.also, second.class_)
    reason = f"{first.reason}; {second.reason}"
    return FileItem(
        first.class_, first.source, first.counterparty, first.day, reason, also, first.batch
    )


def whose(source: Source) -> str:
    """Return whose file it is: of our own sales, everybody's."""
    return source.counterparty or EVERYBODY


def _missing(expected: Expected, last: date) -> Iterator[FileItem]:
    state, config = expected.state, expected.config
    lacking: set[tuple[str, date]] = set()
    for leg, counterparty in expected.parties():
        span = expected.span(leg, counterparty)
        if span is None:
            continue
        for day in days(max(span[0], state.first_open or span[0]), min(span[1], last)):
            for name in expected.lacking(leg, counterparty, day):
                lacking.add((name.partition(" ")[0], day))
    refused = _refused(config, state)
    for name, day in sorted(lacking):
        part = expected.part_missing(name, day)
        line = refused.get((name, day))
        reason = f"{part} is not in" if part else "not in"
        short = False
        if line is not None:
            code = _CODE.search(line["first"])
            short = code is not None and code.group(1) in _SHORT
            reason = f"{line['original']['name']} was refused: {code.group(1) if code else 'see its report'}"
        who = whose(config.source(name))
        if short:
            yield FileItem("file_short", name, who, day, reason, ("file_missing",))
        else:
            yield FileItem("file_missing", name, who, day, reason)


def _refused(config: Config, state: State) -> dict[tuple[str, date], Line]:
    """The last refusal of a file of each source and day, where its name says the day."""
    found = {}
    known = {s.name: s for s in config.sources}
    for line in state.refused:
        source = known.get(line["source"])
        try:
            day = source.day_of(PurePosixPath(line["original"]["name"]).name) if source else None
        except ValueError:
            continue
        if day is not None:
            found[line["source"], day] = line
    return found


def _defects(expected: Expected, last: date) -> Iterator[FileItem]:
    for (name, day), batch in sorted(defects(expected.state).items()):
        if day <= last and not expected.state.is_locked(day):
            who = whose(expected.config.source(name))
            reason = f"{batch.name}: {refused_rows(batch)}"
            yield FileItem("file_defect", name, who, day, reason, batch=batch.id)


def defects(state: State) -> dict[tuple[str, date], Batch]:
    """Return the files, by source and day, that speak for their day and of which rows were refused."""
    return {
        (b.source, b.covers[1]): b
        for b in sorted(state.batches.values(), key=lambda b: b.id)
        if b.line["rows"]["refused"] and state.speaks(b)
    }


def refused_rows(batch: Batch) -> str:
    """Write ``1 row refused``, ``2 rows refused``."""
    count = batch.line["rows"]["refused"]
    return f"{count} row{'s' * (count != 1)} refused"


def came_late(config: Config, state: State) -> dict[str, list[tuple[date, bool, str]]]:
    """Return, of each source with a ``due``, its file days: whether the file came late, and how it is told.

    A file in parts has come with its last part; one that is issued again came when its first issue did.
    """
    zone = config.company.zone
    found: dict[str, list[tuple[date, bool, str]]] = {}
    for source in config.sources:
        by_day: dict[date, dict[int, datetime]] = {}
        for batch in state.of_source(source.name) if source.due else ():
            at = datetime.fromisoformat(batch.line["at"])
            parts = by_day.setdefault(batch.covers[1], {})
            number = batch.part[0] if batch.part else 0
            parts[number] = min(at, parts.get(number, at))
        for day, parts in sorted(by_day.items()):
            at, due = max(parts.values()), source.due_at(day, zone)
            assert due is not None
            told = f"came {at.astimezone(due.tzinfo):%Y-%m-%d %H:%M}, due {due:%Y-%m-%d %H:%M}"
            found.setdefault(source.name, []).append((day, at > due, told))
    return found


def _late(expected: Expected, last: date) -> Iterator[FileItem]:
    for name, told in sorted(came_late(expected.config, expected.state).items()):
        upto = [t for t in told if t[0] <= last]
        in_time = max((day for day, late, _ in upto if not late), default=date.min)
        who = whose(expected.config.source(name))
        for day, late, reason in upto:
            if late and day > in_time and not expected.state.is_locked(day):
                yield FileItem("file_late", name, who, day, reason)
