"""What a run leaves behind: sums by class and the bridge, the matches and the items."""

from __future__ import annotations

from pathlib import Path

from finops_ledger.core.money import ZERO
from finops_ledger.core.money import plain as money
from finops_ledger.recon import plain
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job, Outcome
from finops_ledger.recon.legs import GATEWAY_FEE
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import matches


def sum_up(engine: en.Engine, result: Outcome) -> None:
    """Count and add up the outcomes by class; make up both sides of the bridge."""
    found = engine.rows(
        "select class, count(*) as n, sum(left_now) as l, sum(right_now) as r "
        "from outcome where touched or class not in ('matched', 'excluded') group by class order by class"
    )
    sums = {r["class"]: [r["n"], r["l"] or ZERO, r["r"] or ZERO] for r in found}
    pairs = result.pairs
    if pairs.count:
        count, left, right = sums.get("matched", [0, ZERO, ZERO])
        sums["matched"] = [count + pairs.count, left + pairs.left, right - pairs.left]
    for class_, (count, left, right) in sorted(sums.items()):
        result.classes[class_] = {"count": count, "left": money(left), "right": money(right)}
    moved = engine.rows(
        "select (select coalesce(sum(move), 0) from lhs) as l, "
        "(select coalesce(sum(move), 0) from rhs) as r, "
        "(select coalesce(sum(recon_amount - amount_before + released + absorbed + recovered), 0) "
        "from outcome) as homes, "
        "(select count(*) from outcome where touched and class in "
        "('matched', 'matched_within_tolerance') and left_batch is not null) as m"
    )[0]
    result.left, result.right = moved["l"] + pairs.left, moved["r"] - pairs.left
    result.residual = moved["l"] + moved["r"] - moved["homes"]
    result.matched = moved["m"] + pairs.count


def write(engine: en.Engine, job: Job, out: Path, result: Outcome) -> None:
    """Write what is done into matches, and what is open or has moved into items; keep both in key order."""
    stamp = (
        f"{en.literal(job.leg.name)} as leg, {en.literal(job.counterparty)} as counterparty, "
        f"date '{job.day}' as day"
    )
    waiting = "('pending', 'unknown')"
    open_ = (
        "(amount <> 0 or claimed <> 0 or right_held <> 0 "
        "or (class = 'partner_failed' and recon_amount = 0) or class in ('product_mismatch', 'serial_reused') "
        f"or (class <> 'matched' and (coalesce(left_state, '') in {waiting} "
        f"or coalesce(right_state, '') in {waiting})))"
    )
    closed = f"id in ({', '.join(en.literal(i) for i in result.closed) or 'null'})"
    done = f"not {open_} and (touched or amount_before <> 0 or coalesce({closed}, false))"
    if job.leg.cardinality == "sum" and job.leg.right and job.leg.name != GATEWAY_FEE:
        # One line an item, as of pairs; each is named by its first rows.
        both = "left_batch is not null and right_batch is not null"
        told = f"({both} or rule in (select rule from links))"
        _write_proofs(engine, stamp, f"{done} and {told}", out, result)
    if job.leg.cardinality == "consume":
        columns = ", ".join(f'"{c}"' for c in matches.COLUMNS)
        if result.pairs.count or engine.rows(f"select 1 from outcome where {done} limit 1"):
            result.files["matches"] = out / "matches.parquet"
            rest = f"select {stamp}, {columns} from outcome where {done} order by key, occurrence"
            plain.write(engine, result.pairs, stamp, rest, result.files["matches"])
    # No row touched it and it is open no more: a decision has settled the claim (ruling 36).
    decided = "(id is not null and not touched)"
    shown = (
        f"({open_} or amount_before <> 0 or recon_amount <> 0 or released <> 0 or absorbed <> 0 "
        # What was written off is carried on: it may come back.
        f"or lost <> 0 or recovered <> 0 or {decided} or coalesce({closed}, false))"
    )
    if engine.rows(f"select 1 from outcome where {shown} limit 1"):
        columns = ", ".join(f'"{c}"' for c in rt.OUTCOME)
        result.files["items"] = out / "items.parquet"
        query = f"select {stamp}, {columns}, not {open_} as is_closed from outcome where {shown}"
        items = en.Part(f"{query} order by key, occurrence", ("key", "occurrence"))
        engine.write([items], result.files["items"])


def _write_proofs(engine: en.Engine, stamp: str, which: str, out: Path, result: Outcome) -> None:
    if engine.rows(f"select 1 from outcome where {which} limit 1"):
        columns = ", ".join(f'"{c}"' for c in matches.COLUMNS)
        result.files["matches"] = out / "matches.parquet"
        rows = f"select {stamp}, {columns} from outcome where {which} order by key, occurrence"
        engine.write([en.Part(rows, ("key", "occurrence"))], result.files["matches"])
