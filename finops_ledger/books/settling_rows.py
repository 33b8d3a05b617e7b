"""The rows behind settlements, added up in the engine: by counterparty, channel, day and rule.

Few lines come back, however many rows there are. A row counts on the day on which it posts; where a schedule has a
cut-off of its own, on the day of its own time, from the cut-off on the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from finops_ledger.books.items import files_of
from finops_ledger.books.settling_terms import schedules
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import zone
from finops_ledger.core.schema import MONEY
from finops_ledger.core.schema import UTC as UTC_TIME
from finops_ledger.posting import due, reading, settlement, supply
from finops_ledger.posting import tables as t
from finops_ledger.posting.store import LineStore
from finops_ledger.sop import contracts, levies, prices
from finops_ledger.sop.contracts import Contract
from finops_ledger.sop.levies import Rate, tax_sql
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury import naming

Row = dict[str, Any]
_DAY: Final = timedelta(days=1)
#: SQL: the reference is a day, and no number of a bill.
ALONE: Final = f"regexp_full_match(coalesce(ref, ''), '{naming.DAY_ALONE}')"
_UNSEEN: Final = (
    " and not exists (select 1 from settlement_due as d where d.gateway = i.counterparty and d.payment_ref = i.key "
    "and d.kind = 'payment' and i.occurrence = '' and d.day_post > i.day)"
)
_BUILD: Final = {"supply": supply.lines, "settlement": settlement.lines}
_TERMS: Final = pa.schema(
    [
        ("term_partner", pa.string()),
        ("term_category", pa.string()),
        ("withhold", pa.int32()),
        ("rule", pa.string()),
        ("starts", UTC_TIME),
        ("ends", UTC_TIME),
    ]
)
#: The columns of a contract's VAT, as whole numbers: of what part which rate is taken; half up or down.
_VAT: Final = ("base_over", "base_under", "vat_over", "vat_under", "vat_up")
_FEES: Final = pa.schema(
    [
        ("fee_gateway", pa.string()),
        ("contract", pa.int32()),
        ("rate", pa.decimal128(9, 6)),
        *((name, pa.int64()) for name in _VAT),
        ("each", MONEY),
        ("per", pa.string()),
        ("starts", pa.date32()),
        ("ends", pa.date32()),
    ]
)
_DUE_VAT: Final = tax_sql("due_fee", _VAT)


def lay_out(space: Workspace, role: str, batches: Sequence[Batch]) -> None:
    """Register ``<role>_due``: the lines of these batches with every column that rows have."""
    engine = space.local
    reading.give_rules(engine, space.registry)
    shared, locked = reading.read(engine, space.root, space.registry, batches, space.state, role)
    models = space.registry.models if role == "supply" else ()
    more = {"models": models} if models else {}
    engine.view(f"{role}_due", query(_BUILD[role], shared=shared, locked=locked, **more))


def supplied(space: Workspace, batches: Sequence[Batch], last: str) -> list[Row]:
    """Return what postpaid suppliers delivered up to a day, by supplier, channel, day and rule.

    ``gross`` is what their rows state; ``commission`` and ``vat`` by the contract of each row's own time, each step
    rounded half up on the row; ``granted`` and ``granted_vat`` what their rows grant; ``unpriced`` counts rows of
    products that no price list knows. A revision counts by what it changes, on the day on which it posts.
    """
    lay_out(space, "supply", batches)
    engine = space.local
    taxes = _terms(space)
    names = "partner channel product face quantity payable commission vat".split()
    moved = (
        f"select {', '.join(names)}, day_post, stated_at, coalesce(paid_at, stated_at, version_at) as moment, "
        "cast(1 as bigint) as sign from supply_due where disposition <> 'known' and payable <> 0 "
        f"union all select {', '.join(f'prev_{n}' for n in names)}, day_post, stated_at, "
        "coalesce(prev_paid_at, prev_stated_at, prev_version_at), -1 "
        "from supply_due where disposition = 'revised' and coalesce(prev_payable, 0) <> 0"
    )
    engine.view("supply_moved", moved)
    engine.view("supply_granted", query(due.granted))
    rows = (
        "select * from supply_granted left join terms on partner = term_partner and category = term_category "
        "and moment >= starts and moment < ends"
    )
    found = engine.rows(
        f"select partner, coalesce(channel, '') as channel, {_day(space, 'supplier', 'partner')} as day, "
        "rule, withhold, sum(sign) as rows, "
        f"{_sum('-sign * payable')} as gross, {_sum('sign * due')} as commission, "
        f"{_sum('sign * due_vat')} as vat, {_sum('sign * commission')} as granted, "
        f"{_sum('sign * vat')} as granted_vat, "
        "sum(case when due is null then sign else 0 end) as unpriced "
        f"from ({rows}) where day_post <= date '{last}' group by all order by all"
    )
    return [
        {**r, "withhold": None if r["withhold"] is None else taxes[r["withhold"]]} for r in found
    ]


def invoiced(space: Workspace, batches: Sequence[Batch], last: str) -> list[Row]:
    """Return the invoices of suppliers up to a day: one line for each code, day that it names, and posting day."""
    lay_out(space, "settlement", batches)
    return space.local.rows(
        "select gateway as party, settlement_ref as code, named, day_post, "
        "coalesce(channel, '') as channel, currency, "
        f"{_sum('d_billed')} as gross, {_sum('coalesce(commission, 0) + coalesce(fee, 0)')} as commission, "
        f"{_sum('coalesce(vat, 0)')} as vat, {_sum('coalesce(withheld, 0)')} as withheld, "
        f"{_sum('d_net')} as net, bool_or(price is not null) as has_gross, "
        "bool_or(commission is not null) as has_commission, bool_or(vat is not null) as has_vat, "
        "bool_or(withheld is not null) as has_withheld, count(*) as rows "
        f"from (select *, {named('gateway, settlement_ref')} as named from settlement_due "
        f"where disposition <> 'known' and kind = 'invoice' and day_post <= date '{last}') "
        "group by all order by all"
    )


def named(code: str) -> str:
    """Return SQL of what a row of an invoice says of its period: its reference, but for bills that are listed.

    An invoice of several references lists bills, whose numbers name no period; days alone do. ``code``: the columns
    of the invoice that a row belongs to.
    """
    one = f"min(ref) over (partition by {code}) is not distinct from max(ref) over (partition by {code})"
    return f"case when {ALONE} or {one} then coalesce(ref, '') else '' end"


def _sum(value: str) -> str:
    return f"cast(coalesce(sum({value}), 0) as {t.SUM})"


def _terms(space: Workspace) -> list[Rate]:
    """Register ``terms``: what is withheld of a category's commission, and by which version of an SOP, in which time.

    Cut where the table of taxes changes; return the taxes by their number.
    """
    taxes: list[Rate] = []
    columns: dict[str, list[Any]] = {n: [] for n in _TERMS.names}
    for sop in space.registry.named("supplier"):
        for number, version in enumerate(sop.versions):
            later = sop.versions[number + 1 :]
            first = version.effective if number else date.min
            last = later[0].effective - _DAY if later else date.max
            for category in version.recognition:
                granted = version.commission.get(category)
                levy = granted.withheld if granted is not None else Decimal(0)
                for start, end, tax in levies.stretches(levy, first, last):
                    values = (
                        sop.counterparty,
                        category,
                        len(taxes),
                        sop.rule_id(version.effective),
                        prices.FIRST if start == date.min else _midnight(space, start),
                        prices.LAST if end == date.max else _midnight(space, end + _DAY),
                    )
                    for column, value in zip(_TERMS.names, values, strict=True):
                        columns[column].append(value)
                    taxes.append(tax)
    space.local.give("terms", pa.table(columns, schema=_TERMS))
    return taxes


def _midnight(space: Workspace, day: date) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=zone(space.registry.zone))
    return local.astimezone(UTC)


def _day(
    space: Workspace, type_: str, party: str, moment: str = "stated_at", own: str = "day_post"
) -> str:
    """Return SQL of the schedule's day of a row: its own, or by its time where a cut-off is said."""
    listed = list(schedules(space, type_))
    if not any(schedule.shift for _, _, _, schedule in listed):
        return own
    cases = []
    for who, start, channel, schedule in listed:
        noon = datetime(2026, 1, 1, 12, tzinfo=zone(schedule.zone))
        seconds = int(((noon.utcoffset() or timedelta(0)) + schedule.shift).total_seconds())
        day = f"date '1970-01-01' + cast((epoch_us({moment}) + {seconds}000000) // 86400000000 as integer)"
        where = f"{party} = {en.literal(who)} and {own} >= date '{start}'"
        where += f" and channel = {en.literal(channel)}" if channel else ""
        cases.append(f"when {where} then {f'coalesce({day}, {own})' if schedule.shift else own}")
    return f"case {' '.join(cases)} else {own} end"


def settled(
    space: Workspace, batches_: Sequence[Batch], sales: Sequence[Batch], last: str
) -> list[Row]:
    """Return what gateways' reports settle up to a day, by settlement, kind, channel, day and rule.

    A row's day is that on which its order was paid, else what the row itself says of it: by it the settlement has its
    period. The rate of the fee is that of the day of payment which the report says, else the order, as
    reconciliation has it: a day of the books' zone, whatever the cut-off. ``due_fee`` and
    ``due_vat`` are by the contract, rounded row by row; ``gross`` of payments with ``per = "report"`` is for whoever
    adds up the report.
    """
    lay_out(space, "settlement", batches_)
    _orders(space, sales)
    agreed = _fees(space)
    rows = (
        "select s.gateway as party, coalesce(s.settlement_ref, '') as code, s.day_post, s.kind, "
        "coalesce(s.channel, o.channel, '') as channel, s.currency, "
        "coalesce(o.own, s.paid_day, s.day, s.day_post) as own, coalesce(s.paid_day, o.own, s.day_rated) as day_rated, "
        "coalesce(o.at, s.paid_at, s.stated_at) as moment, "
        "s.d_gross, s.d_net, s.d_fees, s.d_taxes, s.d_held, "
        "s.d_levied, "
        "case when s.disposition = 'new' then 1 else 0 end as one "
        "from settlement_due s left join orders_paid o on o.k = coalesce(s.payment_ref, s.ref) "
        "and o.gateway = s.gateway and s.kind = 'payment' "
        f"where s.disposition <> 'known' and s.kind <> 'invoice' and s.day_post <= date '{last}'"
    )
    fee = "case when per = 'row' and kind = 'payment' then round(d_gross * rate, 0) + sign(d_gross) * each else 0 end"
    rated = (
        f"select *, {_DUE_VAT} as due_vat from (select *, {fee} as due_fee from ({rows}) "
        "left join fees on fee_gateway = party and day_rated between starts and ends)"
    )
    found = space.local.rows(
        f"select party, code, day_post, kind, channel, currency, {_day(space, 'gateway', 'party', 'moment', 'own')} "
        "as day, contract, sum(one) as rows, "
        f"{_sum('d_gross')} as gross, {_sum('d_net')} as net, {_sum('d_fees')} as fees, {_sum('d_taxes')} as taxes, "
        f"{_sum('d_held')} as held, {_sum('d_levied')} as withheld, {_sum('due_fee')} as due_fee, "
        f"{_sum('due_vat')} as due_vat from ({rated}) group by all order by all"
    )
    return [{**row, "contract": _of(agreed, row)} for row in found]


def pending(
    space: Workspace, items: Sequence[Path], sales: Sequence[Batch], *, reported: bool = False
) -> list[Row]:
    """Return what customers paid and no report has settled: the open items of gateways, by channel, day and rule.

    ``reported``: ``settlement_due`` stands; a payment in a report of a day that is not reconciled yet is settled too.
    """
    if not items:
        return []
    reading.read(space.local, space.root, space.registry, sales, space.state, "sale")
    agreed = _fees(space)
    rows = (
        "select i.counterparty as party, coalesce(s.channel, '') as channel, i.amount, i.class, "
        "case when i.occurrence = '' then coalesce(s.paid_day, s.day, s.file_day, i.opened) "
        "else coalesce(s.refund_day, s.day, s.file_day, i.opened) end as own, "
        "case when i.occurrence = '' then coalesce(s.paid_at, s.stated_at) else s.refunded_at end as moment "
        f"from ({en.parquet(items)}) i left join sale_rows s on s.batch = i.left_batch and s.record = i.left_record "
        "where not i.is_closed and i.right_batch is null and i.amount <> 0"
        + (_UNSEEN if reported else "")
    )
    fee = "case when per = 'row' and amount > 0 then round(amount * rate, 0) + each else 0 end"
    rated = (
        f"select *, {_DUE_VAT} as due_vat from (select *, {fee} as due_fee from ({rows}) "
        "left join fees on fee_gateway = party and own between starts and ends)"
    )
    found = space.local.rows(
        f"select party, channel, {_day(space, 'gateway', 'party', 'moment', 'own')} as day, contract, "
        f"count(*) as rows, {_sum('greatest(amount, 0)')} as gross, {_sum('greatest(-amount, 0)')} as refunds, "
        f"{_sum('due_fee')} as due_fee, {_sum('due_vat')} as due_vat "
        f"from ({rated}) group by all order by all"
    )
    return [{**row, "contract": _of(agreed, row)} for row in found]


def _of(agreed: Sequence[Contract], row: Row) -> Contract | None:
    return None if row["contract"] is None else agreed[row["contract"]]


def banked(
    space: Workspace, kind: str, batches_: Sequence[Batch], last: str
) -> dict[tuple[str, str], date]:
    """Return the last day on which the bank names a settlement, by counterparty and code, up to a day."""
    store = LineStore(space.local, space.root, space.registry, space.state)
    store.load_batches(batches_, ["bank"])
    found = space.local.rows(
        "select who, line_ref, max(day_post) as day from bank_lines "
        f"where line_kind = '{kind}' and day_post <= date '{last}' group by all order by all"
    )
    return {(r["who"], bare(r["who"], r["line_ref"])): r["day"] for r in found}


def standing(space: Workspace, leg: str, who: str, last: date) -> dict[str, Row]:
    """Return what a leg to the bank last said of each settlement that was ever open at a day's end, by bare code."""
    days = [d for d in space.state.days_of.get((leg, who), []) if d <= last]
    lines = [space.state.reconciled[leg, who, d] for d in days]
    paths = files_of(space, lines, "breaks")
    if not paths:
        return {}
    found = space.local.rows(
        "select key, sum(left_now) as left_now, sum(right_now) as right_now, sum(amount) as amount, "
        "sum(claimed) as claimed, bool_and(is_closed) as closed, max(day) as day, max(class) as class from "
        f"(select * from ({en.parquet(paths)}) "
        "qualify row_number() over (partition by key, occurrence order by day desc) = 1) group by key order by key"
    )
    return {bare(who, r["key"]): r for r in found}


def bare(who: str, code: str) -> str:
    """Return a settlement's code without prefix and counterparty: ``STL-AggB-7``, ``AggB-7`` and ``7`` are one."""
    return code.removeprefix("STL-").removeprefix(f"{who}-")


def _orders(space: Workspace, sales: Sequence[Batch]) -> None:
    """Register ``orders_paid``: when, and through which channel, the customer of a payment paid."""
    engine = space.local
    reading.read(engine, space.root, space.registry, sales, space.state, "sale")
    engine.view(
        "orders_paid",
        "select gateway, coalesce(payment_ref, ref) as k, min(coalesce(paid_day, day, file_day)) as own, "
        "min(coalesce(paid_at, stated_at)) as at, min(channel) as channel from sale_rows group by all",
    )


def _fees(space: Workspace) -> list[Contract]:
    """Register ``fees``: the contracts of gateways, by the day of the row; return them by their number."""
    agreed: list[Contract] = []
    columns: dict[str, list[Any]] = {n: [] for n in _FEES.names}
    for sop in space.registry.named("gateway"):
        for one in contracts.of(sop):
            fee, vat = one.fee, one.vat
            values = (
                sop.counterparty,
                len(agreed),
                fee.rate if fee else Decimal(0),
                *vat.base.as_integer_ratio(),
                *vat.rate.as_integer_ratio(),
                int(vat.half_up),
                fee.amount if fee else Decimal(0),
                fee.per if fee else "none",
                one.first,
                one.last,
            )
            for column, value in zip(_FEES.names, values, strict=True):
                columns[column].append(value)
            agreed.append(one)
    space.local.give("fees", pa.table(columns, schema=_FEES))
    return agreed


def batches(space: Workspace, role: str, parties: Iterable[str]) -> list[Batch]:
    """Return the live batches of a role that are of some counterparties."""
    wanted = set(parties)
    return [b for b in space.state.batches.values() if b.role == role and b.counterparty in wanted]
