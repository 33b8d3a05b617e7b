"""From a leg, a counterparty and a day to a job: the spans, limits and accounts that its SOP gives."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from finops_ledger.books import crossing, statement
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import Window, zone
from finops_ledger.core.ids import account_component
from finops_ledger.recon import due, payments
from finops_ledger.recon.job import Job
from finops_ledger.recon.legs import (
    EVERYBODY,
    GATEWAY_FEE,
    PAYMENT_BANK,
    REFUND_PAYABLE,
    SALE_GATEWAY,
    SALE_SUPPLY,
    SUPPLY_STATEMENT,
    TOPUP_BANK,
    Leg,
)
from finops_ledger.recon.returns import Rows
from finops_ledger.recon.rules import PAIRS, SUMS, Rule, known
from finops_ledger.recon.tickets import Rules
from finops_ledger.sop import contracts
from finops_ledger.sop.contracts import Contract
from finops_ledger.sop.matching import LEGS_OF, Pass
from finops_ledger.sop.model import Version
from finops_ledger.sop.terms import Tolerance

#: For so many days a bank line without a code may be taken for a payment by its amount.
_NEAR = 7


def component_of(space: Workspace, counterparty: str) -> str:
    """Return the component by which a counterparty stands in account names."""
    sop = space.registry.sops.get(counterparty)
    return account_component(sop.name if sop else counterparty)


def claims_account(space: Workspace, counterparty: str) -> str:
    """Return the account on which claims against a counterparty stand."""
    sop = space.registry.sops.get(counterparty)
    kind = "Gateway" if sop and sop.type == "gateway" else "Partner"
    return f"Assets:Claims:{kind}:{component_of(space, counterparty)}"


def _shift(window: Window, day: date) -> int:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone(window.zone))
    offset = noon.utcoffset() or timedelta(0)
    return int((offset + window.shift()).total_seconds())


def job(space: Workspace, leg: Leg, counterparty: str, day: date) -> Job:
    """Return what to run for a leg of a counterparty on a day, under the SOP version of that day."""
    leg = space.legs.of(leg.name, counterparty, day)
    window = Window(zone=space.config.company.zone)
    grace, pending, tolerance = timedelta(0), timedelta(0), Decimal(0)
    fees: tuple[Contract, ...] = ()
    rules = Rules()
    passes: tuple[str, ...] = ("ref",)
    matching: tuple[Rule, ...] = ()
    if counterparty == EVERYBODY:
        limits = space.config.limits
        grace = limits.refund if leg.name == REFUND_PAYABLE else limits.undelivered
    else:
        version = space.registry.of(counterparty).on(day)
        if version.supply is not None:
            window = version.supply.window.window()
            grace, pending = version.supply.grace, version.supply.pending
        passes = version.match.names or ("ref",)
        matching = rules_of(version, leg)
        if leg.name == TOPUP_BANK:
            grace = version.deposit.crediting
        if leg.name == PAYMENT_BANK and version.supply is not None:
            grace = version.supply.transit
        if version.settlement is not None and leg.party == "gateway":
            grace = timedelta(days=version.settlement.lag) + version.settlement.grace
            fees = contracts.in_force(space.registry.of(counterparty))
        if "cost" in version.tolerance:
            tolerance = version.tolerance["cost"].limit
        rules = _rules(leg, version, day)
    if leg.declared:
        grace, tolerance = leg.grace, leg.tolerance
    return Job(
        leg=leg,
        counterparty=counterparty,
        component=component_of(space, counterparty),
        day=day,
        grace=grace,
        pending=pending,
        tolerance=tolerance,
        shift_s=_shift(window, day),
        ours_s=_shift(Window(zone=space.config.company.zone), day),
        claims=claims_account(space, counterparty),
        fees=fees,
        orders=_orders(space, leg, fees, day),
        passes=passes,
        rules=matching,
        others=_others(space, leg, counterparty, day),
        gaps=statement.gaps(space, leg, counterparty, day),
        payments=paid(space, counterparty, day) if leg.name == PAYMENT_BANK else (),
        tickets=rules,
        stated=space.registry.stated(counterparty, day),
        sources=tuple(s.name for s in space.config.sources if s.counterparty == counterparty),
        **_goods(space, leg, counterparty, day),
        partners=crossing.partners(space, leg, counterparty, day),
        due=_due(space, leg, counterparty, day),
        payment_rows=_payment_rows(space, leg, counterparty, day),
    )


def _orders(space: Workspace, leg: Leg, fees: tuple[Contract, ...], day: date) -> tuple[Path, ...]:
    """Return the orders that may say under which contract a payment was, where it has changed lately."""
    first = day - contracts.RATED
    if leg.name != GATEWAY_FEE or not any(first < one.first <= day for one in fees):
        return ()
    return tuple(
        space.root / b.file
        for _, b in sorted(space.state.batches.items())
        if b.role == "sale" and b.days and b.days[0] <= day and b.days[-1] >= first
    )


def _due(
    space: Workspace, leg: Leg, counterparty: str, day: date
) -> tuple[tuple[date, date], ...] | None:
    """Return which days' settlements are not due yet, by the gateway's schedule; None when it has none."""
    if leg.name not in due.LEGS:
        return None
    settlement = space.registry.of(counterparty).on(day).settlement
    if settlement is None or settlement.schedule is None:
        return None
    start = space.config.company.start
    return due.waiting(settlement.schedule, space.calendar, leg.name, start, day, settlement.grace)


def _payment_rows(space: Workspace, leg: Leg, counterparty: str, day: date) -> tuple[Rows, ...]:
    """Return the files in which payments stand that a gateway's rows may undo, the newest first.

    None where the gateway's reports do not say what a row undoes.
    """
    if leg.name != SALE_GATEWAY:
        return ()
    reports = [s for s in space.config.sources if s.counterparty == counterparty]
    if not any("orig_ref" in space.format(s.format).fields for s in reports):
        return ()
    found = [
        b
        for b in space.state.batches.values()
        if b.days and b.days[0] <= day
        if b.role == "sale" or (b.role == "settlement" and b.counterparty == counterparty)
    ]
    found.sort(key=lambda b: (b.days[0], b.id), reverse=True)
    return tuple(Rows(space.root / b.file, b.key) for b in found)


def _goods(space: Workspace, leg: Leg, counterparty: str, day: date) -> dict[str, Any]:
    """What the goods of a day are compared with: the partner's codes, and the rows of the days before."""
    if leg.name != SALE_SUPPLY:
        return {}
    supply = space.registry.of(counterparty).on(day).supply
    span = supply.serials if supply is not None else timedelta(0)
    first = day - span
    rows = [
        space.root / b.file
        for _, b in sorted(space.state.batches.items())
        if b.role == "supply" and b.counterparty == counterparty and b.days
        if b.days[0] < day and b.days[-1] >= first
    ]
    return {
        "products": space.registry.their_products(counterparty),
        "serials": tuple(rows),
        "serials_s": int(span.total_seconds()),
    }


def paid(space: Workspace, counterparty: str, day: date) -> tuple[payments.Payment, ...]:
    """Return what payment lists of a day put in transit to a supplier."""
    name = component_of(space, counterparty)
    found = payments.read(space.decision_files())
    return tuple(p for p in found if p.component == name and p.day == day)


def rules_of(version: Version, leg: Leg) -> tuple[Rule, ...]:
    """Return the passes of a leg after the exact key, as the SOP lists them."""
    made = []
    own = LEGS_OF["gateway" if leg.party == "gateway" else "supplier"]
    for one in version.match.passes:
        if one.known:
            # Between two files of one partner, the first pass names the item.
            first = version.match.names[0] if leg.name == SUPPLY_STATEMENT else "ref"
            if leg.name in LEGS_OF["supplier"] and one.name != first:
                made.append(known(one.name, leg.name))
        elif (one.leg or own[0]) == leg.name:
            made.append(_rule(one, leg.name))
    return tuple(made)


def _rule(one: Pass, leg: str) -> Rule:
    within = one.within
    forms = one.normalise
    return Rule(
        name=one.name,
        leg=leg,
        pairs=tuple(
            (a, b, tuple(dict.fromkeys((*forms.get(a, ()), *forms.get(b, ())))))
            for a, b in one.pairs
        ),
        products=one.products,
        categories=one.categories,
        exact=one.exact,
        limit=within.limit if within else None,
        account=within.account if within else "",
        minutes=one.minutes,
        cardinality=one.cardinality,
        bound=one.bound or (SUMS if one.cardinality == "subset" else PAIRS),
        suggest=one.suggest,
    )


def _rules(leg: Leg, version: Version, day: date) -> Rules:
    """Return what top-ups and payouts may be off by, and how a row without a reference finds its ticket."""
    if leg.name == TOPUP_BANK:
        within = version.tolerance.get("topup", Tolerance())
        tax = version.deposit.tax
        taxed = partial(tax.of, day=day) if tax.code else None
        return Rules(within.limit, tax.on_top(day), version.deposit.nearest, taxed=taxed)
    if leg.name == PAYMENT_BANK:
        return Rules(by_amount=_NEAR, alike=False)
    if version.settlement is not None and leg.party == "gateway":
        days = int(version.settlement.by_amount / timedelta(days=1))
        return Rules(by_amount=days, alike=False)
    return Rules()


def absorbs(space: Workspace, counterparty: str, day: date) -> dict[str, str]:
    """Return the account, by rule, to which goes what reconciliation lets pass."""
    version = space.registry.of(counterparty).on(day)
    within = version.tolerance.get("topup", Tolerance())
    passes = {p.name: p.within.account for p in version.match.passes if p.within}
    return {
        "tolerance": within.account or "Expenses:Deposit-Fee",
        "tax": version.deposit.tax.account,
        **passes,
    }


def _others(space: Workspace, leg: Leg, counterparty: str, day: date) -> tuple[Path, ...]:
    """Return what stands open on the other legs of a counterparty: the day before, or by their run of the day."""
    state = space.state
    lines = []
    for other in dict.fromkeys(one.name for one in space.legs if one.who in ("", counterparty)):
        run = space.legs.place(other) < space.legs.place(leg.name)  # the order in which a day runs
        line = state.reconciled.get((other, counterparty, day)) if run else None
        line = line or state.proof_before(other, counterparty, day)
        if other != leg.name and line is not None:
            lines.append(line)
    return tuple(space.root / f for line in lines for f in line["files"] if "/breaks/" in f)
