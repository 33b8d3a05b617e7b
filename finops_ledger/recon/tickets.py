"""Few rows that are told apart by their amounts too: top-ups, payouts of settlements, and our payments.

A ticket (a transfer sent, a settlement reported) meets what the other side says of it in passes, each of which takes
only what no earlier one met:

============  ====================================================================================
``ref``       the reference that both name, or the row that a later version corrects
``amount``    exactly what the ticket still lacks; tickets of one amount are alike, the oldest first
``tolerance`` a difference within the SOP's limit (a partner that does not credit the odd digit)
``tax``       the partner's tax on top, at the SOP's rate
``sum``       one row for several tickets, or several rows for one
``nearest``   the ticket and the credit that are each other's nearest, within the SOP's share
============  ====================================================================================

Two candidates that are equally good under different amounts or names decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations
from typing import Any, Final

from finops_ledger.core.money import ZERO, plain

#: The search for sums looks at so many tickets, and at so many at a time.
MOST: Final = 20
TOGETHER: Final = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """What an SOP lets pass: a difference, a tax on what is credited, the share by which a credit may be off.

    ``by_amount``: for how many days a row without a reference may meet a ticket by its amount.
    ``alike``: whether tickets of one amount are alike; else two of them decide nothing.
    """

    tolerance: Decimal = ZERO
    tax: Decimal = ZERO
    nearest: Decimal = ZERO
    by_amount: int = 366
    alike: bool = True
    #: The tax on what is credited, rounded; without it, by the rate.
    taxed: Callable[[Decimal], Decimal] | None = None


@dataclass(slots=True)
class Ticket:
    """One side of a pair in the making: a row of the day (``row`` ≥ 0) or an item that stands open.

    ``rest``: what it still lacks, as the left side counts it.
    """

    key: str
    occurrence: str
    rest: Decimal
    order: tuple[Any, ...]
    row: int = -1
    ref: str = ""
    touched: bool = False
    anchor: int = 0
    via: str = "ref"
    operands: str | None = None

    @property
    def fresh(self) -> bool:
        """Whether it is a row of the day."""
        return self.row >= 0


@dataclass(slots=True)
class Share:
    """What part of a row belongs to which item, by which pass, and what was compared."""

    row: int
    key: str
    occurrence: str
    amount: Decimal
    via: str
    operands: str | None = None


@dataclass(slots=True)
class Solver:
    """Pairs tickets (left) with what the other side says of them (right), pass by pass."""

    rules: Rules
    lefts: list[Ticket]
    rights: list[Ticket]
    right_shares: list[Share] = field(default_factory=list)
    unsure: dict[int, str] = field(default_factory=dict)

    def run(self) -> None:
        """Run the passes; afterwards ``right_shares`` say where each row of the right side belongs, and what of it.

        A left row belongs to the item that its ticket names."""
        self._by_reference()
        self._by_amount()
        if self.rules.tolerance:
            self._one_to_one("tolerance", lambda d, _: abs(d) <= self.rules.tolerance)
        if self.rules.tax:
            self._one_to_one("tax", lambda d, credit: d == self._tax(credit))
        self._sums()
        while self.rules.nearest and self._nearest():
            pass
        self._rest()

    def _tax(self, credit: Decimal) -> Decimal:
        if self.rules.taxed is not None:
            return self.rules.taxed(credit)
        return (credit * self.rules.tax).quantize(Decimal(1), ROUND_HALF_UP)

    # --- passes ---

    def _by_reference(self) -> None:
        for right in list(self.rights):
            named = [x for x in self.lefts if right.ref and right.ref in (x.ref, x.key)]
            if not named:
                continue
            ticket = next((x for x in named if x.rest == right.rest), named[0])
            whole = ticket.rest == right.rest or ticket.touched or not right.fresh
            others = None if whole else self._made_up_by(right, ticket)
            if others:
                self._divide(right, [ticket, *others], "sum")
            else:
                self._pair(ticket, right, "ref", stays=True)

    def _made_up_by(self, right: Ticket, ticket: Ticket) -> list[Ticket] | None:
        """Other tickets without a counterpart that, with the one named, make up what a row says."""
        others = [x for x in self.lefts if x is not ticket and not x.touched]
        found = self._subsets(others, right.rest - ticket.rest, least=1)
        return found[0] if len(found) == 1 else None

    def _by_amount(self) -> None:
        for right in list(self.rights):
            if right.ref and not self.rules.alike:
                continue
            same = [x for x in self.lefts if x.rest == right.rest and self._near(x, right)]
            if not same:
                continue
            untouched = [x for x in same if not x.touched]
            if len(same) == 1 or (self.rules.alike and len(untouched) == len(same)):
                said = f"{plain(right.rest)} = what {same[0].key} lacks"
                self._pair(same[0], right, "amount", said)
            else:
                keys = ", ".join(x.key for x in same[:5])
                self.unsure[right.row] = f"{plain(right.rest)} is what each of {keys} lacks"

    def _near(self, left: Ticket, right: Ticket) -> bool:
        return abs(left.anchor - right.anchor) <= self.rules.by_amount and (
            left.fresh or right.fresh
        )

    def _one_to_one(self, via: str, fits: Callable[[Decimal, Decimal], bool]) -> None:
        for right in list(self.rights):
            found = [
                x
                for x in self.lefts
                if not x.touched and self._near(x, right) and fits(x.rest - right.rest, right.rest)
            ]
            closest = min((abs(x.rest - right.rest) for x in found), default=ZERO)
            found = [x for x in found if abs(x.rest - right.rest) == closest]
            if found and len({x.rest for x in found}) == 1:
                off = plain(found[0].rest - right.rest)
                limit = self.rules.tolerance if via == "tolerance" else self.rules.tax
                said = f"{plain(found[0].rest)} − {plain(right.rest)} = {off}, {via} {plain(limit)}"
                self._pair(found[0], right, via, said)

    def _sums(self) -> None:
        limit = self.rules.tolerance
        for right in list(self.rights):
            if right.ref and not self.rules.alike:
                continue
            if right.fresh and right.rest > ZERO:
                near = [x for x in self.lefts if not x.touched and self._near(x, right)]
                found = self._subsets(near, right.rest) or self._subsets(near, right.rest, limit)
                if len(found) == 1:
                    self._divide(right, found[0], "sum")
                elif found:
                    self.unsure[right.row] = f"{plain(right.rest)} is the sum of several choices"
        for left in list(self.lefts):
            near = [
                x
                for x in self.rights
                if x.fresh and self._near(left, x) and (self.rules.alike or not x.ref)
            ]
            if left.rest > ZERO and not left.touched:
                found = self._subsets(near, left.rest)
                if len(found) == 1:
                    said = " + ".join(plain(x.rest) for x in found[0]) + f" = {plain(left.rest)}"
                    for right in found[0]:
                        self._pair(left, right, "sum", said, stays=True)
                    self.lefts.remove(left)

    def _nearest(self) -> bool:
        lefts = [x for x in self.lefts if not x.touched and x.rest > ZERO]
        rights = [x for x in self.rights if x.rest > ZERO]
        for right in rights:
            left = _only_nearest(right, [x for x in lefts if self._near(x, right)])
            if (
                left is None
                or _only_nearest(left, [x for x in rights if self._near(left, x)]) is not right
            ):
                continue
            off = abs(left.rest - right.rest)
            if off <= left.rest * self.rules.nearest:
                said = (
                    f"{plain(left.rest)} and {plain(right.rest)} are nearest, off by {plain(off)}"
                )
                self._pair(left, right, "nearest", said)
                return True
        return False

    def _subsets(
        self, found: Sequence[Ticket], total: Decimal, limit: Decimal = ZERO, least: int = 2
    ) -> list[list[Ticket]]:
        """Choices of tickets that add up to a total; the oldest ones on end come before any other choice.

        Tickets of one amount are one choice where they are alike.
        """
        ordered = sorted(found, key=lambda x: x.order)
        running = ZERO
        for at, ticket in enumerate(ordered, start=1):
            running += ticket.rest
            if running == total and at >= least:
                return [ordered[:at]]
        made: dict[tuple[Any, ...], list[Ticket]] = {}
        for size in range(least, TOGETHER + 1):
            for chosen in combinations(ordered[:MOST], size):
                if abs(sum((x.rest for x in chosen), ZERO) - total) <= limit:
                    name = sorted(x.rest if self.rules.alike else x.order for x in chosen)
                    made.setdefault(tuple(name), list(chosen))
        return list(made.values())

    # --- what comes of them ---

    def _pair(
        self,
        left: Ticket,
        right: Ticket,
        via: str,
        operands: str | None = None,
        *,
        stays: bool = False,
    ) -> None:
        """Say that two belong together: the row of the day takes the name of what stands already."""
        self.rights.remove(right)
        if right.fresh:
            share = Share(right.row, left.key, left.occurrence, -right.rest, via, operands)
            self.right_shares.append(share)
        else:
            left.key, left.occurrence, left.via, left.operands = (
                right.key,
                right.occurrence,
                via,
                operands,
            )
        if stays and right.fresh:
            left.rest -= right.rest
            left.touched = True
        else:
            self.lefts.remove(left)

    def _divide(self, right: Ticket, lefts: Sequence[Ticket], via: str) -> None:
        """Give each of several tickets its share of a row; what is over or short is the first one's."""
        said = " + ".join(plain(x.rest) for x in lefts)
        over = right.rest - sum((x.rest for x in lefts), ZERO)
        said += f" = {plain(right.rest)}" + (f", off by {plain(over)}" if over else "")
        for at, left in enumerate(lefts):
            amount = left.rest + (over if at == 0 else ZERO)
            rule = "tolerance" if over and at == 0 else via
            share = Share(right.row, left.key, left.occurrence, -amount, rule, said)
            self.right_shares.append(share)
            self.lefts.remove(left)
        self.rights.remove(right)

    def _rest(self) -> None:
        for right in self.rights:
            if right.fresh:
                said = self.unsure.get(right.row)
                share = Share(right.row, right.key, right.occurrence, -right.rest, "ref", said)
                self.right_shares.append(share)


def _only_nearest(one: Ticket, others: Iterable[Ticket]) -> Ticket | None:
    """The one of the others that is nearest; None when two are equally near (but for alike ones)."""
    ranked = sorted(others, key=lambda x: (abs(x.rest - one.rest), x.order))
    if not ranked:
        return None
    near = abs(ranked[0].rest - one.rest)
    if any(abs(x.rest - one.rest) == near and x.rest != ranked[0].rest for x in ranked):
        return None
    return ranked[0]
