"""What a new batch means beside those that are in: shared keys, dispositions, shares, days touched.

A batch answers for the rows that it is the first to state, and for each change that it brings. When a file
of an earlier day comes late, it takes over what a later file had been first to state: the line then says so for
both (``standing``), so that the books are the same in whatever order files arrive.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.store import LineStore
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch, Line, State

_CONTROL = {
    "sale": ("paid", "paid - coalesce(prev_paid, 0)"),
    "supply": ("deposit", "d_deposit"),
    "deposit": ("deposit", "d_deposit"),
    "settlement": ("net", "d_net"),
    "bank": ("moved", "d_moved"),
    "report": ("moved", "d_moved"),
}
_DAYS = {
    "sale": ("day_paid", "day_state", "day_refund"),
    "supply": ("day_post",),
    "deposit": ("day_post",),
    "settlement": ("day_post",),
    "bank": ("day_post",),
    "report": ("day_post",),
}


def describe(
    engine: en.Engine,
    root: Path,
    registry: Registry,
    state: State,
    body: Line,
    parquet: Path,
    *,
    versions: bool = False,
) -> Line:
    """Return the parts of a batch line that only the rows beside other batches can tell.

    Keys: ``rows`` and ``control`` (new, revised, known, and ``replaced``: what revisions replace), ``days`` (on
    which its rows can post, whatever else is in), ``touches`` (days that it really changes), ``neighbours``,
    ``keys`` (lowest and highest), ``standing`` (by batch: rows and control to post), ``issue`` (how often the
    file, as its sender calls it, is in already) and ``absent`` (rows and control of those files that this
    one no longer has; they stand until their batch is withdrawn).

    ``versions`` says whether the file may hold several versions of one row. Such a batch is a neighbour of
    itself: its keys are looked at as those are that two files share.
    """
    batch = _candidate(state, body, parquet)
    low_high = _key_bounds(engine, parquet, batch.key)
    neighbours = _neighbours(engine, root, state, batch, low_high)
    others = list(neighbours)
    if versions and _repeats(engine, parquet, batch.key):
        neighbours = sorted([*neighbours, batch.id])
    batch = replace(batch, neighbours=tuple(neighbours), keys=low_high)
    same = {b.id: b for b in state.of_source(batch.source)}  # a row's versions are of one source
    trial = State(batches={**same, batch.id: batch}, closes=state.closes)
    role = batch.role
    LineStore(engine, root, registry, trial).load_batches([batch], [role])
    value, change = _CONTROL[role]
    counts = engine.rows(
        f"select disposition, count(*) as n, sum({value}) as total, sum({change}) as moved "
        f"from {role}_lines where batch = {en.literal(batch.id)} group by disposition"
    )
    by = {c["disposition"]: c for c in counts}
    rows = {d: by[d]["n"] if d in by else 0 for d in ("new", "revised", "known")}
    totals = {d: by[d]["total"] if d in by else ZERO for d in rows}
    replaced = by["revised"]["total"] - by["revised"]["moved"] if "revised" in by else ZERO
    own = f"batch = {en.literal(batch.id)}"
    touched = {r["d"] for r in engine.rows(days_sql(role, own))}
    names = ", ".join(_DAYS[role])
    found = engine.rows(f"select distinct unnest([{names}]) as d from {role}_lines where {own}")
    standing = {
        batch.id: {
            "rows": rows["new"] + rows["revised"],
            "control": plain(totals["new"] + totals["revised"] - replaced),
        }
    }
    if others:
        touched |= _restate(engine, root, registry, state, trial, batch, standing)
    return {
        "rows": rows,
        "control": {**{d: plain(v) for d, v in totals.items()}, "replaced": plain(replaced)},
        "days": [d.isoformat() for d in sorted(r["d"] for r in found)],
        "touches": [d.isoformat() for d in sorted(touched)],
        "neighbours": neighbours,
        "keys": list(low_high),
        "standing": standing,
        "issue": batch.issue,
        "absent": _absent(engine, root, state, batch),
    }


def _candidate(state: State, body: Line, parquet: Path) -> Batch:
    batch = state.stamped(_of_body(body, parquet))
    return replace(batch, issue=max((b.issue + 1 for b in state.issues(batch)), default=0))


def _of_body(body: Line, parquet: Path) -> Batch:
    first, last = (date.fromisoformat(d) for d in body["covers"])
    return Batch(
        id=body["batch"],
        source=body["source"],
        role=body["role"],
        day=date.fromisoformat(body["day"]),
        covers=(first, last),
        counterparty=body["counterparty"],
        file=str(parquet),
        archive="",
        name=body["original"]["name"],
        member=body["original"].get("member", {}).get("name"),
        part=(body["part"]["number"], body["part"]["of"]) if "part" in body else None,
        sha256="",
        format="",
        format_version=0,
        key=tuple(body["key"]),
        order=body["order"],
        neighbours=(),
        keys=(None, None),
        days=(),
        rows=pq.read_metadata(parquet).num_rows,
        issue=0,
        line={},
    )


def _absent(engine: en.Engine, root: Path, state: State, batch: Batch) -> Line:
    """Count and control of rows that earlier issues of the file state and this one does not, each once."""
    earlier = state.issues(batch)
    if not earlier:
        return {"rows": 0, "control": "0"}
    theirs = " union all ".join(
        f"select {_key_sql(b.key)} as key, occurrence, record, amount, {b.issue} as issue "
        f"from ({en.parquet([root / b.file])})"
        for b in earlier
    )
    found = engine.rows(
        "select count(*) as n, coalesce(sum(amount), 0) as total from ("
        f"select key, occurrence, last(amount order by issue, record) as amount from ({theirs}) "
        "group by key, occurrence) as before "
        f"anti join (select {_key_sql(batch.key)} as key, occurrence "
        f"from ({en.parquet([Path(batch.file)])})) using (key, occurrence)"
    )[0]
    return {"rows": found["n"], "control": plain(found["total"])}


def _key_sql(key: tuple[str, ...]) -> str:
    return " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in key)


def _key_bounds(
    engine: en.Engine, parquet: Path, key: tuple[str, ...]
) -> tuple[str | None, str | None]:
    k = _key_sql(key)
    found = engine.rows(f"select min({k}) as low, max({k}) as high from ({en.parquet([parquet])})")[
        0
    ]
    return found["low"], found["high"]


def _repeats(engine: en.Engine, parquet: Path, key: tuple[str, ...]) -> bool:
    """Say whether a row stands in the file more than once, as versions of it."""
    row = f"{_key_sql(key)} || chr(31) || cast(occurrence as varchar)"
    found = engine.rows(
        f"select count(*) > count(distinct {row}) as twice from ({en.parquet([parquet])})"
    )
    return bool(found[0]["twice"])


def _neighbours(
    engine: en.Engine,
    root: Path,
    state: State,
    batch: Batch,
    bounds: tuple[str | None, str | None],
) -> list[str]:
    """Batches of the same source that hold a key of this one; files are pruned by their key bounds."""
    low, high = bounds
    if low is None or high is None:
        return []
    near = [
        b
        for b in state.of_source(batch.source)
        if b.keys[0] is not None
        and b.keys[1] is not None
        and b.keys[0] <= high
        and b.keys[1] >= low
    ]
    if not near:
        return []
    theirs = " union all ".join(
        f"select {en.literal(b.id)} as batch, {_key_sql(b.key)} as key from "
        f"({en.parquet([root / b.file])})"
        for b in near
    )
    found = engine.rows(
        f"select distinct batch from ({theirs}) where key in "
        f"(select {_key_sql(batch.key)} from ({en.parquet([Path(batch.file)])})) order by batch"
    )
    return [r["batch"] for r in found]


def days_sql(role: str, where: str) -> str:
    """Return SQL of the days on which lines of a role really move something."""
    moving = f"select * from {role}_lines where disposition <> 'known' and {where}"
    if role != "sale":
        return f"select distinct day_post as d from ({moving})"
    return (
        f"select distinct unnest(case when disposition = 'new' then [day_paid, day_state, day_refund] "
        f"else [day_state, day_refund] end) as d from ({moving})"
    )


def _restate(
    engine: en.Engine,
    root: Path,
    registry: Registry,
    state: State,
    trial: State,
    batch: Batch,
    standing: dict[str, dict[str, Any]],
) -> set[date]:
    """Compare what the neighbours post of the shared keys with and without the new batch.

    Fills ``standing`` of those whose share changes; returns the days on which anything changes.
    """
    role = batch.role
    keep_moves(engine, "with_it", role)
    engine.keep(
        "shared_keys", f"select distinct key from {role}_lines where batch = {en.literal(batch.id)}"
    )
    others = [trial.batches[n] for n in batch.neighbours if n != batch.id]
    LineStore(engine, root, registry, state).load_batches(others, [role])
    keep_moves(engine, "without_it", role, "key in (select key from shared_keys)")
    found, days = changes(engine, role, "with_it", "without_it")
    for name, (rows, moved) in found.items():
        held = state.standing[name]
        standing[name] = {
            "rows": held.rows + rows,
            "control": plain(Decimal(held.control) + moved),
        }
    return days


def keep_moves(engine: en.Engine, name: str, role: str, where: str = "true") -> None:
    """Keep what each line of a role at hand is and moves, to be compared with other circumstances."""
    _, change = _CONTROL[role]
    engine.keep(
        name,
        f"select batch, record, key, disposition, {change} as moved, {', '.join(_DAYS[role])} "
        f"from {role}_lines where {where}",
    )


def changes(
    engine: en.Engine, role: str, after: str, before: str
) -> tuple[dict[str, tuple[int, Decimal]], set[date]]:
    """Compare two tables of :func:`keep_moves` row by row: what each batch posts more, and on which days.

    Only rows that stand in both are compared.
    """
    changed = (
        f"select w.batch, w.record from {after} as w join {before} as o using (batch, record) "
        "where w.disposition <> o.disposition or w.moved <> o.moved"
    )
    shares = engine.rows(
        "select batch, sum(case when disposition = 'known' then 0 else n end) as rows, "
        "sum(moved) as moved from ("
        "select batch, disposition, 1 as n, case when disposition = 'known' then 0 else moved end as moved "
        f"from {after} semi join ({changed}) using (batch, record) union all "
        "select batch, disposition, -1 as n, case when disposition = 'known' then 0 else -moved end "
        f"from {before} semi join ({changed}) using (batch, record)) group by batch"
    )
    names = ", ".join(_DAYS[role])
    found = engine.rows(
        f"select distinct unnest([{names}]) as d from ("
        f"select {names} from {after} semi join ({changed}) using (batch, record))"
    )
    return {s["batch"]: (int(s["rows"]), s["moved"]) for s in shares}, {r["d"] for r in found}
