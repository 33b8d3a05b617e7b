"""Suppliers beside each other: whose day is complete, and what stood there before (worked-cases 2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.ids import account_component as part
from finops_ledger.core.money import ZERO
from finops_ledger.posting.entries import Posting
from finops_ledger.recon.job import Crossed, Partner
from finops_ledger.recon.legs import SALE_SUPPLY, Leg
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
