"""Items of earlier days that a day touches again: only what the day leaves unmatched is looked up (DESIGN §8).

The manifest keeps, of each file of matches, the lowest and the highest key and the same of the right rows' own keys;
a file is opened only when a key that is looked for lies between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from finops_ledger.recon import place
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import matches
from finops_ledger.subledger.compiled import query

#: The columns by which matches are looked up: an item's key, and the own key of the right row that it consumed.
_BY = ("key", "right_key")


#: Bounds between which no key lies: those of a column of nulls.
NOTHING: Final = ("\U0010ffff", "")


@dataclass(frozen=True, slots=True)
class Matched:
    """A file of matches, with the bounds of each column by which it is looked up; None: they are not known."""

    path: Path
    key: tuple[str, str] | None = None
    right_key: tuple[str, str] | None = None


def bounds(engine: en.Engine, path: Path) -> dict[str, list[str]]:
    """Return the bounds of a file of matches, as the manifest keeps them; no entry for a column of nulls."""
    measures = ", ".join(f"min({c}) as low_{c}, max({c}) as high_{c}" for c in _BY)
    found = engine.rows(f"select {measures} from ({en.parquet([path])})")[0]
    return {
        c: [found[f"low_{c}"], found[f"high_{c}"]] for c in _BY if found[f"low_{c}"] is not None
    }


def add(engine: en.Engine, job: Job, history: Sequence[Matched]) -> None:
    """Add to ``prior`` what earlier days matched of the keys that the day leaves over.

    The latest state counts; what is open stands in the items of the day before. A version of a right row, or what
    gives a right row back, is looked up by that row's own key too: a pass may have given the row to an item of
    another key.
    """
    if job.leg.cardinality != "consume" or not history:
        return
    if not engine.keep("leftover", query(place.leftover_keys)):
        return
    if engine.keep("leftover_rows", query(place.leftover_rows)):
        met = _near(engine, history, "right_key", "leftover_rows")
        if met:
            engine.keep(
                "leftover",
                "select key from leftover union select key from "
                f"({matches.read(met, _BY)}) where right_key in (select key from leftover_rows)",
            )
    near = _near(engine, history, "key", "leftover")
    if not near:
        return
    types = rt.sql_types(rt.ITEM)
    kept = [c for c in rt.ITEM if c not in rt.WHILE_OPEN]
    listed = ", ".join(
        f'cast(null as {types[c]}) as "{c}"' if c not in kept else f'"{c}"' for c in rt.ITEM
    )
    engine.keep(
        "found",
        f"select {listed}, day as matched_on from ({matches.read(near, [*kept, 'day'])}) "
        "where key in (select key from leftover)",
    )
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    engine.keep(
        "prior",
        f"select {columns} from prior union all select {columns} from (select *, row_number() over "
        "(partition by key, occurrence order by matched_on desc) as latest from found) as f "
        "where latest = 1 and not exists (select 1 from prior as p "
        "where p.key = f.key and p.occurrence = f.occurrence)",
    )


def _near(engine: en.Engine, history: Sequence[Matched], by: str, wanted: str) -> list[Path]:
    """Return the files that may hold one of the ``wanted`` keys, in the order given."""
    known = [(n, getattr(m, by)) for n, m in enumerate(history)]
    columns = {
        "n": pa.array([n for n, b in known if b is not None], pa.int64()),
        "low": pa.array([b[0] for _, b in known if b is not None], pa.string()),
        "high": pa.array([b[1] for _, b in known if b is not None], pa.string()),
    }
    engine.give("bounds", pa.table(columns))
    met = engine.rows(
        f"select distinct n from bounds join (select distinct key from {wanted} where key is not null) as w "
        "on w.key >= low and w.key <= high"
    )
    chosen = {r["n"] for r in met} | {n for n, b in known if b is None}
    return [history[n].path for n in sorted(chosen)]
