"""Items of earlier days that a day touches again: only what the day leaves unmatched is looked up (DESIGN §8).

The manifest keeps, of each file of matches, between which keys its items lie, and its right rows by their own keys;
a file is opened only when a key that is looked for lies there. Ids that say nothing of their day (random ones) lie
everywhere: then the key column of every file is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from finops_ledger.recon import place
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job
from finops_ledger.recon.legs import SALE_GATEWAY
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import matches
from finops_ledger.subledger.compiled import query

#: The columns by which matches are looked up (an item's key, and the own key of the right row that it consumed), and
#: whose files say in which order they come.
_BY: Final = {"key": "left_batch", "right_key": "right_batch"}


#: Runs of neighbouring keys: the lowest and the highest of each.
Spans = tuple[tuple[str, str], ...]
#: Into so many runs at most the keys are cut that are not of plain pairs: what is settled late is of many days.
_RUNS: Final = 8
#: How much of a key says that it is a neighbour; the longest that makes few enough runs is taken.
_PREFIXES: Final = (32, 24, 20, 16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)


@dataclass(frozen=True, slots=True)
class Matched:
    """A file of matches, with the spans of each column by which it is looked up; None: they are not known."""

    path: Path
    key: Spans | None = None
    right_key: Spans | None = None

    @classmethod
    def of(cls, path: Path, told: Mapping[str, Any] | None) -> Matched:
        """A file, with what the manifest's line says of it."""
        if told is None:
            return cls(path)
        return cls(path, *(tuple((low, high) for low, high in told[c]) for c in _BY))


def bounds(engine: en.Engine, path: Path) -> dict[str, list[list[str]]]:
    """Return the spans of a file of matches, as the manifest keeps them.

    The keys of plain pairs are one span a file of the day; the others, of which a few are of days long past, are cut
    into some.
    """
    return {column: _spans(engine, path, column, of) for column, of in _BY.items()}


def _spans(engine: en.Engine, path: Path, column: str, batch: str) -> list[list[str]]:
    rows = f"select {column} as k, {batch} as batch, class is null as plain from ({en.parquet([path])})"
    by = f"select min(k) as low, max(k) as high from ({rows}) where "
    plain = engine.rows(f"{by} plain group by batch order by low, high limit {_RUNS + 1}")
    if len(plain) > _RUNS:
        plain = engine.rows(f"{by} plain")
    outside = "".join(
        f" and not k between {en.literal(r['low'])} and {en.literal(r['high'])}" for r in plain
    )
    rest: list[dict[str, Any]] = []
    for length in _PREFIXES:
        rest = engine.rows(
            f"{by} not plain and k is not null{outside} group by left(k, {length}) "
            f"order by low, high limit {_RUNS + 1}"
        )
        if len(rest) <= _RUNS:
            break
    return [[r["low"], r["high"]] for r in (*plain, *rest)]


def add(engine: en.Engine, job: Job, history: Sequence[Matched]) -> None:
    """Add to ``prior`` what earlier days matched of the keys that the day leaves over.

    The latest state counts; what is open stands in the items of the day before. A version of a right row, or what
    gives a right row back, is looked up by that row's own key too: a pass may have given the row to an item of
    another key.
    """
    summed = job.leg.cardinality == "sum"
    if history and (job.leg.name == SALE_GATEWAY or job.leg.declared):
        _settled_before(engine, job, history)
    if not history or (summed and not job.own_rules):
        return
    if not engine.keep("leftover", query(place.leftover_keys)):
        return
    if engine.keep("leftover_rows", query(place.leftover_rows, summed=summed)):
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
    engine.keep(
        "found",
        f"{_items_of(near)} where key in (select key from leftover){_put_together(job)}",
    )
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    engine.keep(
        "prior",
        f"select {columns} from prior union all select {columns} from (select *, row_number() over "
        "(partition by key, occurrence order by matched_on desc) as latest, row_number() over (partition by "
        # A row stands on one item: where a pass has given it to another one since, on that.
        "coalesce(right_key, key || chr(31) || occurrence) order by matched_on desc, key, occurrence) as last "
        "from found) as f where latest = 1 and last = 1 and not exists (select 1 from prior as p "
        "where (p.key = f.key and p.occurrence = f.occurrence) or p.right_key = f.right_key)",
    )


def _settled_before(engine: en.Engine, job: Job, history: Sequence[Matched]) -> None:
    """Add to ``prior`` what an earlier day settled and one side says again, or has corrected.

    What a gateway pays a second time is a difference of that order, and not money for an order that nobody knows.
    Of a company's own leg that pairs row by row only corrections are: a further row is an item of its own.
    """
    alone = "(select key, occurrence from {0}) except (select key, occurrence from {1})"
    changed = " union ".join(
        f"select key, occurrence from {n} where renewed" for n in ("lhs", "rhs")
    )
    asked = [changed]
    if not job.leg.one_to_one:
        asked.append(alone.format("rhs", "lhs"))
    if job.leg.declared and not job.leg.one_to_one:
        asked.append(alone.format("lhs", "rhs"))
    wanted = " union ".join(f"({one})" for one in asked)
    asked_for = f"({wanted}) except (select key, occurrence from prior)"
    if not engine.keep("leftover", asked_for):
        return
    near = _near(engine, history, "key", "leftover")
    if not near:
        return
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    engine.keep(
        "found",
        f"{_items_of(near)} where (key, occurrence) in (select key, occurrence from leftover)",
    )
    engine.keep(
        "prior",
        f"select {columns} from prior union all select {columns} from (select *, row_number() over "
        "(partition by key, occurrence order by matched_on desc) as latest from found) where latest = 1",
    )


def _items_of(paths: Sequence[Path]) -> str:
    """SQL of matches as items, with the day of each: what only an open item keeps is empty."""
    types = rt.sql_types(rt.ITEM)
    kept = [c for c in rt.ITEM if c not in rt.WHILE_OPEN]
    listed = ", ".join(
        f'cast(null as {types[c]}) as "{c}"' if c not in kept else f'"{c}"' for c in rt.ITEM
    )
    return f"select {listed}, day as matched_on from ({matches.read(paths, [*kept, 'day'])})"


def _put_together(job: Job) -> str:
    """SQL that leaves out of sums what no pass has put together: its rows meet by their key, on whatever day."""
    if job.leg.cardinality != "sum":
        return ""
    return f" and rule in ({', '.join(en.literal(rule.name) for rule in job.own_rules)})"


def _near(engine: en.Engine, history: Sequence[Matched], by: str, wanted: str) -> list[Path]:
    """Return the files that may hold one of the ``wanted`` keys, in the order given."""
    known = [(n, getattr(m, by)) for n, m in enumerate(history)]
    spans = [(n, low, high) for n, found in known for low, high in found or ()]
    columns = {
        "n": pa.array([n for n, _, _ in spans], pa.int64()),
        "low": pa.array([low for _, low, _ in spans], pa.string()),
        "high": pa.array([high for _, _, high in spans], pa.string()),
    }
    engine.give("bounds", pa.table(columns))
    met = engine.rows(
        f"select distinct n from bounds join (select distinct key from {wanted} where key is not null) as w "
        "on w.key >= low and w.key <= high"
    )
    chosen = {r["n"] for r in met} | {n for n, found in known if found is None}
    return [history[n].path for n in sorted(chosen)]
