"""The guards of a payment: what is not paid, by which reason, and what the checker must look at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from finops_ledger.core.money import ZERO, plain
from finops_ledger.treasury.settlements import PREFIX, Settlement
from finops_ledger.treasury.terms import Around, Asked, Terms
from finops_ledger.treasury.transfers import Way

#: What a link of Beancount is written with; a code of other characters is listed by hand.
_LINK: Final = re.compile(r"[A-Za-z0-9_/.-]+")
#: States in which a settlement has been paid, or is about to be.
GONE: Final = {
    "listed": "it is on an approved list",
    "part-paid": "the bank shows a part of it as paid already",
    "paid": "the bank shows it as paid already",
}


class Refused(Exception):
    """A guard holds; ``guard`` names it."""

    def __init__(self, guard: str, why: str) -> None:
        super().__init__(why)
        self.guard = guard


def not_twice(one: Settlement, around: Around) -> None:
    """Refuse what stands on a list, or has been paid."""
    names = (one.link, *(f"{PREFIX}{one.counterparty}-{code}" for code in one.codes))
    if listed := [n for n in names if n in around.listed]:
        raise Refused("listed", f"it is on an approved list already: {around.listed[listed[0]]}")
    if proposed := [n for n in names if n in around.proposed]:
        run = around.proposed[proposed[0]]
        raise Refused(
            "proposed",
            f"it is on the open list {run}; approve that, or take it away (finops pay cancel {run})",
        )
    if one.state in GONE or one.paid:
        why = GONE.get(one.state, "the bank shows a payment of it already")
        raise Refused(
            "paid", f"{why}: a settlement is paid once; what is left of it is listed by hand"
        )


def ours(one: Settlement, asked: Asked, around: Around) -> None:
    """Refuse what is not ours to pay, or not now."""
    if one.direction != "pay":
        raise Refused("direction", f"{one.counterparty} pays it to us")
    if one.currency != around.currency:
        raise Refused(
            "currency", f"it is in {one.currency}, and these books pay in {around.currency}"
        )
    if one.net == ZERO:
        asks = f"; they ask for {plain(one.stated)}" if one.stated else ""
        raise Refused("rows", f"no rows stand behind it, so nothing is owed by our figures{asks}")
    if one.net < ZERO:
        raise Refused(
            "owed",
            f"it comes to {plain(one.net)}: they owe us. Offset it in the next settlement or ask for the money",
        )
    if one.stated is not None and one.stated <= ZERO:
        raise Refused("owed", f"their statement comes to {plain(one.stated)}: they owe us")
    if one.due is None and not asked.advance:
        raise Refused("due", "nothing says when it is due: give [versions.settlement.schedule]")
    if one.due is not None and one.due > asked.due_by and not asked.advance:
        raise Refused(
            "due", f"it is due on {one.due}, after {asked.due_by}; --advance pays it before that"
        )
    if (day := around.unproven(one)) is not None:
        raise Refused(
            "unreconciled",
            f"{day} is not reconciled, so nobody knows what of it is in dispute: finops reconcile; finops status says "
            "which file is missing",
        )
    if not _LINK.fullmatch(one.link):
        raise Refused("code", "its code cannot stand as a link in the books; list it by hand")


def in_dispute(one: Settlement, terms: Terms, asks: Decimal) -> None:
    """Refuse what is in dispute above the limit, and a difference that nobody disputes."""
    limit, disputed = terms.dispute_limit, abs(one.disputed)
    if disputed > limit:
        raise Refused(
            "disputed",
            f"{plain(disputed)} of it is in dispute, dispute_limit is {plain(limit)}; finops breaks --counterparty "
            f"{one.counterparty} lists the breaks",
        )
    differs = asks - one.net - one.rounding
    if abs(differs) > min(limit, disputed):
        more = "more" if differs > ZERO else "less"
        parts = ", ".join(
            f"{d.component} ours {plain(d.ours)}, theirs {plain(d.theirs)}" for d in one.differences
        )
        why = f"they ask for {plain(asks)}, {plain(abs(differs))} {more} than its rows come to"
        why += f" ({parts})" if parts else ""
        raise Refused(
            "differs",
            f"{why}, and {plain(disputed)} of that is in dispute: ask for a corrected statement, or claim the "
            f"difference (dispute_limit is {plain(limit)})",
        )


def warnings(one: Settlement, terms: Terms, found: Way, around: Around) -> Iterable[str]:
    """Say what the checker must look at: an account that changed is how payments are diverted."""
    before = around.paid_to.get(one.counterparty)
    check = "ask them on a number you know, not on one from the message that announced it"
    if before is None:
        yield f"first payment to {terms.to.told}; {check}"
    elif before[1] != terms.to.told:
        yield (
            f"the account has changed: paid to {before[1]} on {before[0]}, now {terms.to.told}; {check}"
        )
    if terms.change and found.day - terms.since <= around.watch:
        yield (
            f"the account is new since {terms.since} ({terms.change}), less than {around.watch.days} days before "
            f"the payment; {check}"
        )
    if one.due is not None and found.day > one.due:
        yield f"due on {one.due}, sent on {found.day}: late"
