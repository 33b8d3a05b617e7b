"""A settlement is billed in one file: a code that comes again in another one, for more, is refused.

The same file under its own name corrects itself (decision 0010), and rows that an earlier file has under the same key
are known, or later versions of it: neither bills anything twice. Any other row under a code that is billed already
would be owed on top of it, and would be paid with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from finops_ledger.books.arrivals import Arrival, Found
from finops_ledger.books.parts import Part
from finops_ledger.books.settling_rows import bare
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import FinopsError, InputRefused, Problem
from finops_ledger.intake.read import locate
from finops_ledger.subledger.engine import literal, parquet

_CODE = "coalesce(settlement_ref, '')"


class File(Protocol):
    """A file that has been read, and not committed yet."""

    @property
    def arrival(self) -> Arrival: ...
    @property
    def found(self) -> Found: ...
    @property
    def batch(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def part(self) -> Part | None: ...
    @property
    def temp(self) -> Path: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Other:
    """A file of the same supplier's invoices that is in already, or comes with this one."""

    path: Path
    name: str
    batch: str
    source: str
    committed: bool


def check(space: Workspace, new: File, ready: Sequence[File]) -> None:
    """Refuse a supplier's invoices whose code another file has billed, but for rows that that file has, too.

    ``ready``: files of the same container that are read and not committed yet.
    """
    source = new.found.source
    who = source.counterparty
    if source.role != "settlement" or who is None or not space.registry.supplies(who):
        return
    others = list(_others(space, new, ready))
    codes = _codes(space, [new.temp], who)
    if not others or not codes:
        return
    billed = {c for c in _codes(space, [o.path for o in others], who) if c in codes}
    problems = []
    for code in sorted(billed):
        problem = _again(space, new, who, code, codes[code], others)
        if problem is not None:
            problems.append(problem)
    if problems:
        raise InputRefused(new.name, problems)


def _others(space: Workspace, new: File, ready: Sequence[File]) -> Iterator[_Other]:
    """Yield the other files: not issues of this one, nor parts of its day."""
    source = new.found.source
    sent_as = new.arrival.member or new.arrival.name
    for b in space.state.batches.values():
        if b.role != "settlement" or b.counterparty != source.counterparty:
            continue
        same_day = b.source == source.name and b.day == new.day
        if same_day and b.part == new.part and (b.member or b.name) == sent_as:
            continue
        if same_day and b.part is not None and new.part is not None and b.part != new.part:
            continue
        yield _Other(space.root / b.file, b.name, b.id, b.source, committed=True)
    for one in ready:
        own = one.found.source
        if own.role == "settlement" and own.counterparty == source.counterparty:
            if own == source and one.day == new.day and None not in (one.part, new.part):
                continue
            yield _Other(one.temp, one.name, one.batch, own.name, committed=False)


def _codes(space: Workspace, paths: Sequence[Path], who: str) -> dict[str, set[str]]:
    """Return the codes that files bill, each with the ways in which it is written; rows without one bill none."""
    found: dict[str, set[str]] = {}
    query = f"select distinct code from ({parquet(paths, f'{_CODE} as code')}) where code <> ''"
    for row in space.local.rows(query):
        found.setdefault(bare(who, row["code"]), set()).add(row["code"])
    return found


def _again(
    space: Workspace,
    new: File,
    who: str,
    code: str,
    written: set[str],
    others: Sequence[_Other],
) -> Problem | None:
    """Return what is wrong with the first row of a billed code that no other file has; None where they have all."""
    fmt = new.found.format
    key = " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in fmt.key)
    listed = ", ".join(literal(w) for w in sorted(written))
    own = [o.path for o in others if o.source == new.found.source.name]
    known = parquet(own, f"{key} as k") if own else "select null as k where false"
    place = "coalesce(record, file_row_number + 1)"
    rows = parquet([new.temp], f"{place} as record, {_CODE} as code, {key} as k", position=True)
    [first] = space.local.rows(
        f"select min(record) as record from ({rows}) where code in ({listed}) "
        f"and k not in (select k from ({known}) where k is not null)"
    )
    if first["record"] is None:
        return None
    other = next(o for o in others if code in _codes(space, [o.path], who))
    undo = (
        f"if that one was wrong, call: finops withdraw {other.batch} --reason … --by …; "
        if other.committed
        else ""
    )
    return Problem(
        "billed-again",
        f"{other.name} bills this settlement of {who} already ({other.batch}), and this is another file with rows "
        f"that it does not have: if it corrects that file, give it its name and day; {undo}if it bills something "
        "else, ask for a code of its own",
        new.name,
        _line(new, int(first["record"])),
        value=code,
    )


def _line(new: File, record: int) -> int | None:
    try:
        return locate(new.arrival.path, new.found.format, record)[0]
    except (OSError, LookupError, FinopsError):
        return None  # the file is refused all the same, by its name
