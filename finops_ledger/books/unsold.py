"""Rows of a status that no format maps, of suppliers for whom no sales file is declared.

Their rows meet no sale, so that no leg runs on which the break would arise; the money waits on Supply-Pending all the
same, and somebody must ask what the status means. The id is the one that the item bears on the leg sale↔supply.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.ids import item_id
from finops_ledger.core.money import ZERO
from finops_ledger.posting.reading import STATED, partner_day
from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch


def items(space: Workspace, as_of: date | None = None) -> list[dict[str, Any]]:
    """Return the rows that stand as ``unknown`` at the end of a day, shaped as items of a reconciliation.

    A row stands until a later version of it says what became of it.
    """
    made: list[dict[str, Any]] = []
    for sop in space.registry.named("supplier"):
        who = sop.counterparty
        expected = space.expected
        if expected.feeding("sale", who):
            continue
        for source in expected.feeding("supply", who):
            batches = [b for b in space.state.of_source(source.name) if b.rows]
            made += _standing(space, who, batches, as_of or date.max)
    return made


def _standing(
    space: Workspace, who: str, batches: list[Batch], last: date
) -> Iterator[dict[str, Any]]:
    if not batches:
        return
    rows = " union all ".join(_rows(space, who, b) for b in batches)
    found = space.engine.rows(
        f"select * from (select * from ({rows}) where day <= date '{last}' "
        "qualify row_number() over (partition by key, occurrence "
        "order by seen desc, status = 'unknown', batch desc, record desc) = 1) "
        "where status = 'unknown' order by day, key, occurrence"
    )
    for row in found:
        ref = row["ref"] or f"~{row['key']}"
        amount = -(row["amount"] or ZERO)
        yield {
            "id": item_id(SALE_SUPPLY, who, ref),
            "leg": SALE_SUPPLY,
            "counterparty": who,
            "key": ref,
            "occurrence": "",
            "class": "status_unknown",
            "amount": ZERO,
            "claimed": ZERO,
            "exposure": abs(amount),
            "opened": row["day"],
            "since": row["day"],
            "day": row["day"],
            "breaks_on": None,
            "also": None,
            "operands": None,
            "reason": f"the format maps no status {row['status_raw']!r}",
            "home": None,
            "left_batch": None,
            "right_batch": row["batch"],
            "right_record": row["record"],
            "right_state": "unknown",
            "right_now": ZERO,
        }


def _rows(space: Workspace, who: str, batch: Batch) -> str:
    key = " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in batch.key)
    source = en.parquet([space.root / batch.file], position=True)
    first, last = (f"date '{d}'" for d in batch.covers)
    window = f"cast({partner_day(space.registry, who, batch.day)} as date)"
    return (
        f"select {en.literal(batch.id)} as batch, coalesce(record, file_row_number + 1) as record, {key} as key, "
        f"occurrence, ref, status, status_raw, amount, coalesce({STATED}, {last}) as seen, "
        f"case when {window} between {first} and {last} then {window} else {last} end as day from ({source})"
    )
