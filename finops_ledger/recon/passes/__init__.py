"""The passes, in order: which right row belongs to which item.

A pass is a re-keying. Each takes only what no earlier one met: rows of the day, and items of one side that stood
open, at least one of the two fresh. It gives a right row (or the open item of one) the key of the item that it
belongs to; what follows is the same for all of them. What it cannot decide it suggests.
"""

from __future__ import annotations

from finops_ledger.recon import place, sides, ticketing
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job, Outcome
from finops_ledger.recon.legs import SUPPLY_STATEMENT
from finops_ledger.recon.passes import applying, finding, units
from finops_ledger.recon.passes import tables as pt
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query


def run(engine: en.Engine, job: Job, result: Outcome, absent_keys: str | None = None) -> None:
    """Lay out ``placed`` (right rows with their item) and ``additions`` from ``lhs``, ``rhs`` and ``prior``.

    ``absent_keys``: SQL of keys whose sale is known and not reconciled; a row of theirs waits for it. Which bounds
    were hit is written into ``result.bounds``.
    """
    summed = job.leg.cardinality == "sum"
    for name in ("links", "shares", "doubts"):
        engine.keep(name, en.empty(rt.sql_types(getattr(pt, name[:-1].upper()))))
    moved = "select 1 from prior where right_key is not null and rule <> 'ref' limit 1"
    if not job.leg.tickets and not job.leg.declared and engine.rows(moved):
        engine.keep("rhs", query(applying.versions, summed=summed))
    found = _run_rules(engine, job, result, absent_keys, summed=summed)
    if job.leg.name == SUPPLY_STATEMENT:
        _add_up(engine)
    elif job.leg.tickets:
        ticketing.assign(engine, job)
    if job.leg.tickets or job.leg.declared or (summed and found):
        _sum_up(engine)
    if summed:
        engine.keep("placed", "select * from rhs")
        engine.keep("additions", en.empty(rt.sql_types(rt.ADDITION)))
    else:
        engine.keep("void", query(place.void))
        engine.keep("placed", query(place.placed))
        engine.keep("additions", query(place.additions))
    if engine.keep("transfers", query(applying.transfers)):
        engine.keep("additions", query(applying.additions))


def _run_rules(
    engine: en.Engine, job: Job, result: Outcome, absent_keys: str | None, *, summed: bool
) -> bool:
    """Run the passes after the exact key; say whether any of them found something."""
    if not job.own_rules:
        return False
    for side in ("lhs", "rhs"):
        name = "left_units" if side == "lhs" else "right_units"
        found = engine.keep(name, query(units.unmet, side, summed=summed))
        if found and absent_keys and side == "rhs":
            found = engine.keep(name, f"select * from {name} where key not in ({absent_keys})")
        if not found:
            return False
    if not engine.rows("select 1 from left_units where fresh union all "
                       "select 1 from right_units where fresh limit 1"):  # fmt: skip
        return False
    moved = False
    for rule in job.own_rules:
        if not finding.find(engine, rule, job.passes[0] if job.passes else "ref", result):
            continue
        moved = True
        engine.keep("rhs", query(applying.rows, summed=summed))
        engine.keep("prior", query(applying.items, summed=summed))
        for side in ("left", "right"):
            engine.keep(f"{side}_units", query(applying.left_over, side))
    return moved


def _add_up(engine: en.Engine) -> None:
    """Add up both files of a partner, once the passes have said which rows are of one order."""
    if engine.keep("given_back", query(place.given_back)):
        engine.keep(
            "rhs",
            "select r.* replace (coalesce(f.new_key, r.key) as key) from rhs as r left join "
            "(select own_key, min(new_key) as new_key from given_back group by own_key) as f "
            "on r.own_key = f.own_key",
        )
    _sum_up(engine)


def _sum_up(engine: en.Engine) -> None:
    """Add up the rows of each item on both sides."""
    for name in ("lhs", "rhs"):
        engine.keep(name, query(sides.added_up, name))
