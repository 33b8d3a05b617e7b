"""What a run reads: both sides of the day, and the items that were open the day before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finops_ledger.core.money import plain as money
from finops_ledger.recon import fees, goods, plain, returns, sides
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Gap, Job
from finops_ledger.recon.legs import GATEWAY_FEE, PAYMENT_BANK, SUPPLY_STATEMENT
from finops_ledger.recon.payments import Payment
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query


def lay_out(engine: en.Engine, job: Job) -> plain.Pairs:
    """Lay out both sides as ``lhs`` and ``rhs``; where rows are matched one by one, only what is no plain pair.

    ``prior`` must stand.
    """
    none = en.empty(rt.sql_types(rt.SIDE))
    pairs = plain.Pairs()
    if job.leg.name == GATEWAY_FEE:
        for name, part in (("lhs", "fee"), ("rhs", "vat")):
            engine.keep(name, fees.excess(job, part) or none)
        return pairs
    if job.leg.cardinality == "consume" or job.leg.name == SUPPLY_STATEMENT:
        passes = (job.passes or ("ref",)) if job.leg.name == SUPPLY_STATEMENT else ()
        engine.view("left_side", query(sides.left, job.leg, *passes))
        engine.view("right_side", query(sides.right, job.leg, *passes))
        if goods.compared(job):
            goods.lay_out(engine, job)
        pairs = plain.split(engine, *passes[:1], goods=goods.compared(job))
        for name in ("lhs", "rhs") if job.leg.cardinality == "consume" else ():
            plain.join_versions(engine, name)
    elif job.leg.name == PAYMENT_BANK:
        told = " union all ".join(_payment(job, p) for p in job.payments)
        engine.keep("lhs", told or none)
        engine.keep("rhs", query(sides.right, job.leg))
    else:
        sources = job.sources if job.leg.by_source else ()
        names = tuple(rule.name for rule in job.own_rules)
        engine.keep("lhs", query(sides.left, job.leg, *names, sources=sources))
        more = {"returned": True} if job.payment_rows and returns.lay_out(engine, job) else {}
        right = query(sides.right, job.leg, *names, sources=sources, **more)
        engine.keep("rhs", right if job.leg.right else none)
    if job.gaps:
        told = " union all ".join(_gap(job, gap) for gap in job.gaps)
        engine.keep("rhs", f"select * from rhs union all {told}")
    return pairs


def _payment(job: Job, one: Payment) -> str:
    """Return SQL of the row that a posting of a payment list stands for; its batch is the file of decisions."""
    said = {
        "key": en.literal(one.key(job.counterparty)),
        "occurrence": "''",
        "batch": en.literal(f"decisions/{one.path.parent.name}/{one.path.name}"),
        "record": str(one.line),
        "own_key": en.literal(one.settlement),
        "kind": "'payment'",
        "state": "'success'",
        "move": f"'{money(one.amount)}'",
        "held": "0",
        "value": f"'{money(abs(one.amount))}'",
        "anchor": str(job.day_number),
        "renewed": "false",
        "copy": "0",
        "step": "0",
    }
    return f"select {rt.columns(said)}"


def _gap(job: Job, gap: Gap) -> str:
    """Return SQL of the row that a gap of a statement stands for."""
    said = {
        "key": en.literal(gap.key),
        "occurrence": "''",
        "batch": en.literal(gap.batch),
        "record": str(gap.record),
        "own_key": en.literal(gap.key),
        "kind": "'gap'",
        "state": "'success'",
        "move": f"'{money(-gap.amount)}'",
        "held": "0",
        "value": f"'{money(abs(gap.amount))}'",
        "anchor": str(job.day_number),
        "renewed": en.literal(gap.renewed),
        "via": "'ref'",
        "copy": "0",
        "step": "0",
        "operands": "null" if gap.told is None else en.literal(gap.told),
    }
    return f"select {rt.columns(said)}"


def nothing(engine: en.Engine, pairs: plain.Pairs) -> bool:
    """Say whether a run has nothing to look at: neither rows of the day nor items from before."""
    sides = " union all ".join(f"select 1 from {name}" for name in ("lhs", "rhs", "prior"))
    return not pairs.count and not engine.rows(f"{sides} limit 1")


def lay_out_prior(engine: en.Engine, before: Sequence[Path]) -> None:
    """Lay out the items that were open the day before, or written off, as ``prior``."""
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    opened = (
        f"select {columns} from ({en.parquet(before)}) where not is_closed or lost <> 0"
        if before
        else en.empty(rt.sql_types(rt.ITEM))
    )
    engine.keep("prior", opened)
