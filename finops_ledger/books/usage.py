"""Usage of deposits by the hour, from the sub-ledger: one query over the files of the days that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from finops_ledger.books import statement
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import zone
from finops_ledger.core.kinds import STATUS_RANK
from finops_ledger.posting.reading import STATED
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch

#: What is drawn by sales, less what is given back. Top-ups, bonuses, taxes and adjustments are no usage.
USAGE: Final = ("usage", "refund", "fee")
#: The order of statuses in life, as SQL: of two versions of one moment the later word counts.
_RANK: Final = (
    "case status "
    + " ".join(f"when {en.literal(name)} then {rank}" for name, rank in STATUS_RANK.items())
    + " else 0 end"
)


def batches(space: Workspace, counterparty: str, first: date, last: date) -> list[Batch]:
    """Return the files that move a supplier's deposit and cover any of the days, the last issue of each."""
    found = []
    for source in space.config.sources:
        if source.counterparty != counterparty or source.role not in ("supply", "deposit"):
            continue
        for batch in space.state.of_source(source.name):
            if batch.covers[1] < first or batch.covers[0] > last:
                continue
            if statement.moves(space, batch) and space.state.issues(batch)[-1].id == batch.id:
                found.append(batch)
    return found


def hourly(
    space: Workspace, chosen: Mapping[str, Iterable[Batch]], until: datetime
) -> dict[str, dict[datetime, Decimal]]:
    """Return what was drawn by supplier and hour (UTC; by the quarter in zones that are off by parts of an hour).

    ``chosen``: the files of each supplier. A row that stands in several files counts once, by its last version; what
    has no time at all counts at noon of its file's day. Nothing after ``until`` is looked at.
    """
    of_source = {b.source: who for who, listed in chosen.items() for b in listed}
    files = [b for listed in chosen.values() for b in listed if b.rows]
    if not files:
        return {who: {} for who in chosen}
    slot = _slot(space, files)
    again = {
        b.source for b in files if int(b.line["rows"]["known"]) or int(b.line["rows"]["revised"])
    }
    by_key: dict[tuple[str, ...], list[Batch]] = {}
    for batch in files:
        by_key.setdefault(batch.key if batch.source in again else (), []).append(batch)
    noon = "(file_day + interval 12 hour)::timestamptz"
    told = f"coalesce({STATED}, {noon})"
    parts = [
        _rows(space, number, key, members, told)
        for number, (key, members) in enumerate(sorted(by_key.items()))
    ]
    kinds = ", ".join(en.literal(k) for k in USAGE)
    moment = en.literal(until.astimezone(UTC).isoformat())
    rows = space.local.rows(
        f"select source, slot, sum(-amount) as used from (select source, amount, "
        f"epoch_us(happened) // {slot * 1_000_000} as slot from ({' union all '.join(parts)}) "
        f"where kind in ({kinds}) and amount <> 0 and happened <= timestamptz {moment}) "
        "group by source, slot"
    )
    made: dict[str, dict[datetime, Decimal]] = {who: {} for who in chosen}
    for row in rows:
        at = datetime.fromtimestamp(int(row["slot"]) * slot, UTC)
        mine = made[of_source[row["source"]]]
        mine[at] = mine.get(at, Decimal(0)) + row["used"]
    return made


def _rows(
    space: Workspace, number: int, key: tuple[str, ...], members: list[Batch], told: str
) -> str:
    """SQL of the rows of files: as they stand, or where rows come again (``key``) the last version of each."""
    read = en.parquet([space.root / b.file for b in members], position=bool(key))
    columns = f"source, amount, coalesce(kind, 'usage') as kind, {told} as happened"
    if not key:
        return f"select {columns} from ({read})"
    named = " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in key)
    issue = " ".join(f"when {en.literal(b.id)} then {b.issue}" for b in members if b.issue)
    issue = f"case batch {issue} else 0 end" if issue else "0"
    # Most keys stand once: only rows whose key (by its hash) stands twice are put in order.
    marked = f"select *, hash({named}) as mark from ({read})"
    twice = f"select mark from usage_twice_{number}"
    space.local.keep(
        f"usage_twice_{number}",
        f"select mark from (select hash({named}) as mark from ({read})) group by mark having count(*) > 1",
    )
    return (
        f"select {columns} from ({marked}) where mark not in ({twice}) union all select {columns} from "
        f"(select * from ({marked}) where mark in ({twice})) qualify row_number() over (partition by source, {named}, "
        f"occurrence, coalesce(ref, '') order by coalesce(occurred_at, file_day::timestamptz) desc, {_RANK} desc, "
        f"{issue} desc, batch desc, coalesce(record, file_row_number + 1) desc) = 1"
    )


def _slot(space: Workspace, files: Iterable[Batch]) -> int:
    """Seconds of a slot: an hour, unless a zone is off by parts of one."""
    zones = {space.config.company.zone}
    for who in {b.counterparty for b in files if b.counterparty is not None}:
        zones |= {v.supply.window.zone for v in space.registry.of(who).versions if v.supply}
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    offsets = [noon.astimezone(zone(name)).utcoffset() or timedelta(0) for name in zones]
    return 3600 if all(offset % timedelta(hours=1) == timedelta(0) for offset in offsets) else 900
