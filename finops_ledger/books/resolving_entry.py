"""The postings of a decision: the other side, and the account on which each item stands.

What the books prove by rolling it forward (``finops_ledger.plugins.clearing``) says how many items it opens or closes
wherever the name of the item does not say so by itself: a part, a list of many, an account that is no Breaks account.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from finops_ledger.books import evidences, resolving_items
from finops_ledger.books.resolving_items import Standing
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO
from finops_ledger.posting.entries import MetaValue, Posting
from finops_ledger.recon import decisions, treatments
from finops_ledger.recon.treatments import Line, Subject

Meta = list[tuple[str, MetaValue]]


class Composer:
    """Makes the postings of one entry: of items one by one, or of many together."""

    def __init__(self, space: Workspace, treatment: str, to: tuple[str, ...], cause: str) -> None:
        self.space, self.treatment, self.to, self.cause = space, treatment, to, cause

    @cached_property
    def _open(self) -> dict[str, Standing]:
        found = resolving_items.standing(self.space, everything=True)
        return {one.id: one for one in found}

    def _lines(self, subject: Subject) -> list[tuple[Line, str]]:
        """The other side of one item, each posting with the item that it names, if that is another one."""
        if self.to:
            return resolving_items.named_accounts(self.to, subject, self._open)
        try:
            lines = treatments.other_side(self.treatment, subject, self.cause)
        except treatments.Unfit as error:
            raise UsageError(str(error)) from error
        return [(line, "") for line in lines]

    def one_by_one(self, items: Sequence[Standing], subjects: Sequence[Subject]) -> list[Posting]:
        """Each item by itself; where there are several, each posting names its own."""
        made = []
        for one, subject in zip(items, subjects, strict=True):
            marks: Meta = [] if len(items) == 1 else [("break", one.id)]
            made += [
                self._other(one, subject, line, item, marks) for line, item in self._lines(subject)
            ]
            whole = one.claimed if subject.claimed else one.residue
            meta = [*marks, *taken(subject.account, subject.amount, whole)]
            made.append(Posting(subject.account, -subject.amount, tuple(meta)))
        return made

    def _other(
        self, one: Standing, subject: Subject, line: Line, item: str, marks: Meta
    ) -> Posting:
        meta: Meta = [("break", item)] if item else list(marks)
        if item:
            other = self._open[item]
            at_home = line.account == other.account
            meta += taken(line.account, -line.amount, other.residue if at_home else other.claimed)
        elif line.account == subject.claims and one.claimed != ZERO:
            # It adds to a claim that stands already: one item, a greater amount.
            meta += _part(one.claimed)
        elif line.account == treatments.CUSTOMERS and line.amount < ZERO:
            meta += [("count", 1), ("move", "open")]
        if line.category:
            meta.append(("category", line.category))
        return Posting(line.account, line.amount, tuple(meta))

    def together(
        self,
        items: Sequence[Standing],
        subjects: Sequence[Subject],
        name: str,
        case: str,
        kept: evidences.Kept,
    ) -> list[Posting]:
        """One posting an account and side, with the number of items and the hash of their list (ruling 25)."""
        moved: list[tuple[str, str, Decimal, str]] = []
        for one, subject in zip(items, subjects, strict=True):
            for line, other in self._lines(subject):
                if other:
                    raise UsageError("--to …@x-…: another item is named item by item")
                if line.account == subject.claims and one.claimed != ZERO:
                    raise UsageError(f"{one.id} is claimed in part already: decide it by itself")
                moved.append((one.id, line.account, line.amount, line.category))
            moved.append((one.id, subject.account, -subject.amount, ""))
        digest = kept.listing(f"{name}.csv", [(i, a, n) for i, a, n, _ in moved])
        sums: dict[tuple[bool, str, bool, str], list[Any]] = {}
        for _, account, amount, category in moved:
            home = account.startswith((decisions.BREAKS, decisions.SUSPENSE))
            held = sums.setdefault((home, account, amount > ZERO, category), [ZERO, 0])
            held[0] += amount
            held[1] += 1
        made = []
        for (home, account, _, category), (amount, count) in sorted(sums.items()):
            meta: Meta = [("category", category)] if category else []
            if home or account.startswith(decisions.CLAIMS):
                closes = home or (amount < ZERO and account != treatments.CUSTOMERS)
                meta += [("count", count), ("move", "close" if closes else "open")]
                meta += [("case", case)] if case else []
                meta.append(("evidence", digest))
            made.append(Posting(account, amount, tuple(meta)))
        return made


def _part(stands: Decimal) -> Meta:
    return [("count", 0), ("move", "adjust"), ("side", "debit" if stands > ZERO else "credit")]


def taken(account: str, amount: Decimal, stands: Decimal) -> Meta:
    """Marks of a posting that takes ``amount`` off what stands: a part, or an item that its name does not close."""
    if amount != stands:
        return _part(stands)
    by_name = account.startswith((decisions.BREAKS, decisions.CLAIMS))
    return [] if by_name else [("count", 1), ("move", "close")]
