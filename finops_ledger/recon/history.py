"""Items of earlier days that a day touches again: only what the day leaves unmatched is looked up (DESIGN §8)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finops_ledger.recon import place
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query


def add(engine: en.Engine, job: Job, history: Sequence[Path]) -> None:
    """Add to ``prior`` what earlier days matched of the keys that the day leaves over.

    The latest state counts; what is open stands in the items of the day before.
    """
    if not history:
        return
    rows = engine.keep("leftover_rows", query(place.leftover_rows, summed=job.leg.cardinality == "sum"))
    if not engine.keep("leftover", query(place.leftover_keys)) and not rows:
        return
    types = rt.sql_types(rt.ITEM)
    kept = ", ".join(
        f'cast(null as {types[c]}) as "{c}"' if c in rt.WHILE_OPEN else f'"{c}"' for c in rt.ITEM
    )
    files = ", ".join(en.literal(str(h)) for h in history)
    engine.keep(
        "found",
        f"select {kept}, filename from read_parquet([{files}], filename = true, hive_partitioning = false) "
        "where key in (select key from leftover)"
        + (" or right_key in (select right_key from leftover_rows)" if rows else ""),
    )
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    engine.keep(
        "prior",
        f"select {columns} from prior union all select {columns} from (select *, row_number() over "
        "(partition by key, occurrence order by filename desc) as latest, row_number() over (partition by "
        # A row stands in one item: where a pass has moved it since, the later one.
        "coalesce(right_key, key || chr(31) || occurrence) order by filename desc, key, occurrence) as last "
        "from found) as f where latest = 1 and last = 1 and not exists (select 1 from prior as p "
        "where p.key = f.key and p.occurrence = f.occurrence)",
    )
