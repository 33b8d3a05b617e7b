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
    if job.leg.cardinality != "consume" or not history:
        return
    if not engine.keep("leftover", query(place.leftover_keys)):
        return
    types = rt.sql_types(rt.ITEM)
    kept = ", ".join(
        f'cast(null as {types[c]}) as "{c}"' if c in rt.WHILE_OPEN else f'"{c}"' for c in rt.ITEM
    )
    files = ", ".join(en.literal(str(h)) for h in history)
    engine.keep(
        "found",
        f"select {kept}, filename from read_parquet([{files}], filename = true, hive_partitioning = false) "
        "where key in (select key from leftover)",
    )
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    engine.keep(
        "prior",
        f"select {columns} from prior union all select {columns} from (select *, row_number() over "
        "(partition by key, occurrence order by filename desc) as latest from found) as f "
        "where latest = 1 and not exists (select 1 from prior as p "
        "where p.key = f.key and p.occurrence = f.occurrence)",
    )
