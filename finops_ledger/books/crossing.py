"""Suppliers beside each other: whose day is complete, and what stood there before (worked-cases 2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import days
from finops_ledger.core.ids import account_component as part
from finops_ledger.core.money import ZERO
from finops_ledger.posting.entries import Posting
from finops_ledger.recon.job import Absent, Crossed, Partner
from finops_ledger.recon.legs import SALE_SUPPLY, Leg
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Line

#: How far back a delivery without a sale is looked up in what other suppliers matched.
_SPAN = timedelta(days=31)


def partners(space: Workspace, leg: Leg, counterparty: str, day: date) -> tuple[Partner, ...]:
    """Return the suppliers whose day is complete, this one among them; none where there is one supplier."""
    if leg.name != SALE_SUPPLY or len(space.registry.named("supplier")) < 2:
        return ()
    found = sorted({counterparty, *_complete(space, leg, day)})
    return tuple(_partner(space, who, day) for who in found)


def _complete(space: Workspace, leg: Leg, day: date) -> Iterator[str]:
    expected = space.expected
    for sop in space.registry.named("supplier"):
        who = sop.counterparty
        if not expected.feeding(leg.left, who) or not expected.feeding(leg.right, who):
            continue
        span = expected.span(leg, who)
        if span is not None and span[0] <= day and not expected.lacking(leg, who, day):
            yield who


def absent(space: Workspace, leg: Leg, counterparty: str, day: date) -> list[Absent]:
    """Return the sales of other suppliers whose file of the day, or of one of the days before, is not in.

    Who has delivered such an order instead cannot be told yet: its row waits, until the file is due where the source
    says when that is.
    """
    if leg.name != SALE_SUPPLY or len(space.registry.named("supplier")) < 2:
        return []
    return [
        one
        for sop in space.registry.named("supplier")
        if sop.counterparty != counterparty
        for one in _absent_of(space, leg, sop.counterparty, day)
    ]


def _absent_of(space: Workspace, leg: Leg, who: str, day: date) -> Iterator[Absent]:
    expected, state = space.expected, space.state
    if not expected.feeding(leg.left, who) or not expected.feeding(leg.right, who):
        return
    span = expected.span(leg, who)
    if span is None:
        return
    first = max(span[0], state.first_open or span[0], day - _SPAN)
    for of in days(first, day):
        lacking = () if (leg.name, who, of) in state.reconciled else expected.lacking(leg, who, of)
        sold = [
            space.root / b.file
            for b in state.batches.values()
            if lacking and b.role == "sale" and of in (b.day, *b.days)
        ]
        if not sold:
            continue
        due = [_due(space, name.partition(" ")[0], of) for name in lacking]
        until = max((d for d in due if d is not None), default=None) if None not in due else None
        keys = (
            f"select ref from ({en.parquet(sold)}) where day = date '{of}' "
            f"and partner = {en.literal(who)}"
        )
        yield Absent(keys, until, f"sold at {who}, whose file of {of} is not in")


def _due(space: Workspace, source: str, day: date) -> date | None:
    moment = space.config.source(source).due_at(day, space.config.company.zone)
    return None if moment is None else moment.date()


def _partner(space: Workspace, who: str, day: date) -> Partner:
    state = space.state
    last = state.proof_before(SALE_SUPPLY, who, day)
    lines = [
        state.reconciled[SALE_SUPPLY, who, d]
        for d in state.days_of.get((SALE_SUPPLY, who), [])
        if d < day
    ]
    since = (day - _SPAN).isoformat()
    return Partner(
        who,
        _files(space, [last] if last else [], "/breaks/"),
        _files(space, [n for n in lines if n["day"] >= since], "/matches/"),
        _files(space, [n for n in lines if n.get("crossing", {}).get("crossed")], "/matches/"),
    )


def _files(space: Workspace, lines: list[Line], folder: str) -> tuple[Path, ...]:
    return tuple(space.root / f for line in lines for f in line["files"] if folder in f)


def met(line: Line) -> list[Crossed]:
    """Return what a reconciliation restated to other suppliers' lists."""
    return [Crossed.of(one) for one in line.get("crossing", {}).get("met", [])]


def postings(crossed: list[Crossed], component: dict[str, str]) -> list[Posting]:
    """Return what restating sales posts beside the seller's own clearing account.

    The difference of the two lists is the sale's own: an agent's net revenue, a principal's cost of goods.
    ``component``: of each deliverer, the name by which it stands in accounts.
    """
    made = []
    for one in crossed:
        name = part(one.category)
        account = f"Expenses:COGS:{name}" if one.model == "principal" else f"Income:Net:{name}"
        marks = (("category", one.category), ("delivered_by", one.deliverer), ("orders", one.count))
        if one.listed != one.cost:
            made.append(Posting(account, one.listed - one.cost, marks))
        if one.listed != ZERO:
            clearing = f"Assets:Clearing:Supply:{component[one.deliverer]}"
            made.append(Posting(clearing, -one.listed, marks[1:]))
    return made
