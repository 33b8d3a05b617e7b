"""The fee of a gateway: what its report took above, or below, the contract (worked-cases 20).

A leg of its own: left is the excess of the fee, right the excess of its VAT, one item a settlement.
Both were posted as taken; reconciliation moves the excess to ``fee_mismatch``.
"""

from __future__ import annotations

from datetime import date

from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job
from finops_ledger.sop.contracts import Contract
from finops_ledger.subledger.engine import literal, parquet

_TAKEN = {"fee": "fees", "vat": "taxes"}


def excess(job: Job, part: str) -> str:
    """Return SQL of one side of the leg on a day: the excess of the fee, or of its VAT; empty without a contract.

    The contract is that of each row's own day: of its payment, where the report says when that was, else our order.
    It is the day in the books' zone; a cut-off only says which settlement a payment is of. It is taken on gross
    payments and rounded half up to the rupiah: on the whole of a settlement, or on each row, as the SOP says.
    """
    rows = (
        "select settlement_ref as key, batch, record, stated_at, d_fees as fees, d_taxes as taxes, "
        f"case when kind = 'payment' then d_gross else 0 end as gross from {_rated(job)} "
        f"where disposition <> 'known' and day_post = date '{job.day}' and gateway = {literal(job.counterparty)}"
    )
    parts = []
    for one in job.fees:
        always = (one.first, one.last) == (date.min, date.max)
        within = (
            "" if always else f" and day_rated between date '{one.first}' and date '{one.last}'"
        )
        parts.append(_taken_above(one, rows + within, part))
    if not parts:
        return ""
    over = "cast(sum(over) as decimal(18, 4))"
    said = {
        "key": "key",
        "occurrence": "''",
        "batch": "min(batch)",
        "record": "min(record)",
        "own_key": "key",
        "kind": "'fee'",
        "state": "'success'",
        "move": over,
        "held": "0",
        "value": f"abs({over})",
        "at": "min(stated_at)",
        "anchor": f"date '{job.day}' - date '1970-01-01'",
        "renewed": "false",
        "via": "'ref'",
        "copy": "0",
        "step": "0",
    }
    both = " union all ".join(parts)
    return f"select {rt.columns(said)} from ({both}) group by key having {over} <> 0"


def _rated(job: Job) -> str:
    """Return SQL of the report's rows; ``day_rated`` is the order's where the report does not say when it was paid."""
    if not job.orders:
        return "settlement_lines"
    told = (
        "select coalesce(payment_ref, ref) as k, min(coalesce(paid_day, day)) as paid "
        f"from ({parquet(job.orders)}) where gateway is null or gateway = {literal(job.counterparty)} group by all"
    )
    return (
        "(select s.* replace (case when s.kind = 'payment' then coalesce(s.paid_day, o.paid, s.day_rated) "
        f"else s.day_rated end as day_rated) from settlement_lines s left join ({told}) o "
        "on o.k = coalesce(s.payment_ref, s.ref))"
    )


def _taken_above(one: Contract, rows: str, part: str) -> str:
    """Return SQL of what was taken above one contract, one line a settlement."""
    fee = one.fee
    if fee is None:
        raise ValueError("a contract without a fee has nothing to be above")
    summed = (
        "select key, min(batch) as batch, min(record) as record, min(stated_at) as stated_at, "
        "sum(fees) as fees, sum(taxes) as taxes, {} from ({}) group by key"
    )
    # Spark's sign() is a float.
    sign = "case when gross > 0 then 1 when gross < 0 then -1 else 0 end"
    fixed = f" + ({sign}) * cast('{fee.amount}' as decimal(18, 4))" if fee.amount else ""
    contract = (
        f"round(cast(gross as decimal(22, 4)) * cast('{fee.rate}' as decimal(9, 6)), 0){fixed}",
        one.vat.sql("due_fee"),
    )
    if fee.per == "report":
        rows = summed.format("sum(gross) as gross", rows)
    due = f"select *, {contract[0]} as due_fee from ({rows})"
    due = f"select *, {contract[1]} as due_vat from ({due})"
    if fee.per == "row":
        due = summed.format("sum(due_fee) as due_fee, sum(due_vat) as due_vat", due)
    over = f"cast({_TAKEN[part]} - due_{part} as decimal(18, 4))"
    return f"select key, batch, record, stated_at, {over} as over from ({due})"
