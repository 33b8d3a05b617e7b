"""The passes, in order: which right row belongs to which item.

A pass is a re-keying. Each takes only rows that no earlier one met, and gives a right row the key of the item that
it belongs to; what follows is the same for all of them.
"""

from __future__ import annotations

from finops_ledger.recon import place, sides, ticketing
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job
from finops_ledger.recon.legs import SUPPLY_STATEMENT
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query


def run(engine: en.Engine, job: Job) -> None:
    """Lay out ``placed`` (right rows with their item) and ``additions`` from ``lhs``, ``rhs`` and ``prior``."""
    if job.leg.name == SUPPLY_STATEMENT:
        _add_up(engine, job)
    if job.leg.tickets:
        ticketing.assign(engine, job)
    if job.leg.tickets or job.leg.declared:
        _sum_up(engine)
    if job.leg.cardinality == "sum":
        engine.keep("placed", "select * from rhs")
        engine.keep("additions", en.empty(rt.sql_types(rt.ADDITION)))
        return
    if "partner_ref" in job.passes:
        _second_pass(engine, "partner_ref")
    engine.keep("void", query(place.void))
    engine.keep("placed", query(place.placed))
    engine.keep("additions", query(place.additions))


def _second_pass(engine: en.Engine, rule: str, **how: bool) -> None:
    """Give right rows that the first pass leaves alone the key of the item that the second finds."""
    if not engine.rows("select 1 from lhs where other_ref is not null limit 1"):
        return
    if engine.keep("second_pass", query(place.second_pass, **how)):
        _rename(engine, "second_pass", rule)


def _rename(engine: en.Engine, found: str, rule: str | None = None) -> None:
    """Give the right rows named in ``found`` (own_key, new_key) their new key."""
    via = "r.via" if rule is None else f"case when f.new_key is null then r.via else '{rule}' end"
    engine.keep(
        "rhs",
        f"select r.* replace (coalesce(f.new_key, r.key) as key, {via} as via) from rhs as r "
        f"left join (select own_key, min(new_key) as new_key from {found} group by own_key) as f "
        "on r.own_key = f.own_key",
    )


def _add_up(engine: en.Engine, job: Job) -> None:
    """Add up both files of a partner, once the passes have said which rows are of one order."""
    for rule in job.passes[1:]:
        _second_pass(engine, rule, of_the_day=True)
    if engine.keep("given_back", query(place.given_back)):
        _rename(engine, "given_back")
    _sum_up(engine)


def _sum_up(engine: en.Engine) -> None:
    """Add up the rows of each item on both sides."""
    for name in ("lhs", "rhs"):
        engine.keep("summed", query(sides.added_up, name))
        engine.keep(name, "select * from summed")
