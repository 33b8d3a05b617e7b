"""The roll-forward of a deposit: opening + what moved = closing, day by day, beside what the partner says.

``opening + top-ups + bonus + refunds − usage − pending − fees − tax ± adjustments ± statement-difference = closing``

Signs are those of the account: what leaves the deposit is negative. Everything here is plain values in, plain values
out; :mod:`finops_ledger.books.deposits` gathers them from the journal and from the partner's statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from finops_ledger.core.days import days as each_day
from finops_ledger.core.money import ZERO

#: Movements of a deposit, in the order in which they are shown.
MOVEMENTS: Final = (
    "topup", "bonus", "refund", "usage", "pending", "fee", "tax", "adjustment", "difference",
)  # fmt: skip
_MOVEMENT_OF: Final = {
    "statement-difference": "difference",
    "pending-resolved": "pending",
    "pending-restored": "pending",
    "pending-failed": "pending",
}


def movement_of(kind: str | None) -> str:
    """Return under which movement a posting of a kind is shown; what has no line of its own is an adjustment."""
    name = _MOVEMENT_OF.get(kind or "", kind or "")
    return name if name in MOVEMENTS else "adjustment"


@dataclass(frozen=True, slots=True)
class Said:
    """What the partner's statements say of one day; None where they do not say."""

    opening: Decimal | None = None
    closing: Decimal | None = None
    low: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RolledDay:
    """One day of one deposit, by the books and by the partner's statement."""

    day: date
    opening: Decimal
    moved: Mapping[str, Decimal]
    closing: Decimal
    said: Said = Said()
    low: Decimal = ZERO
    #: The first day of the unbroken run of tied days that ends here; None when the day does not tie.
    tied_since: date | None = None

    @property
    def difference(self) -> Decimal | None:
        """The books less the statement; None while no statement says where the day ended."""
        return None if self.said.closing is None else self.closing - self.said.closing

    @property
    def tied(self) -> bool:
        """Whether the books end the day where the statement does. A day without a statement does not tie."""
        return self.difference == ZERO


def roll(
    opening: Decimal,
    first: date,
    last: date,
    moved: Mapping[tuple[date, str], Decimal],
    said: Mapping[date, Said],
    dips: Mapping[date, Decimal] | None = None,
) -> list[RolledDay]:
    """Roll a deposit forward over days without a hole.

    Args:
        opening: where it stood at the end of the day before ``first``.
        first, last: the days, both included.
        moved: signed movements by day and name (:data:`MOVEMENTS`).
        said: what statements say, by day; a day that is not in it has no statement.
        dips: how far below its opening the rows of a day go (0 or less), where no statement says how low it went.
    """
    made: list[RolledDay] = []
    since: date | None = None
    for day in each_day(first, last):
        todays = {m: moved.get((day, m), ZERO) for m in MOVEMENTS}
        closing = opening + sum(todays.values(), ZERO)
        its = said.get(day, Said())
        since = (since or day) if its.closing == closing else None
        points = [opening, closing, opening + (dips or {}).get(day, ZERO)]
        points += [] if its.low is None else [its.low]
        made.append(RolledDay(day, opening, todays, closing, its, min(points), since))
        opening = closing
    return made


def together(rolled: Sequence[RolledDay]) -> RolledDay:
    """Add up the days of a period: its opening, all that moved, its closing, its lowest point.

    Tied if its last day is; what the statement says of opening and closing is that of its first and last day.
    """
    begins, ends = rolled[0], rolled[-1]
    moved = {m: sum((d.moved.get(m, ZERO) for d in rolled), ZERO) for m in MOVEMENTS}
    low = min(d.low for d in rolled)
    said = Said(begins.said.opening, ends.said.closing, low)
    return RolledDay(ends.day, begins.opening, moved, ends.closing, said, low, ends.tied_since)


@dataclass(frozen=True, slots=True)
class Arises:
    """A difference between books and statement, on the day on which it arises (or goes away again).

    ``amount``: by how much the books rise above the statement on that day; ``before`` whether already at its opening.
    """

    day: date
    amount: Decimal
    before: bool


def arises(rolled: Iterable[RolledDay]) -> list[Arises]:
    """Name each day on which books and statement part, or part by another amount; told once, where it arises."""
    found: list[Arises] = []
    known = ZERO
    for one in rolled:
        if one.said.opening is not None and one.opening - one.said.opening != known:
            off = one.opening - one.said.opening
            found.append(Arises(one.day, off - known, before=True))
            known = off
        if one.difference is not None and one.difference != known:
            found.append(Arises(one.day, one.difference - known, before=False))
            known = one.difference
    return found


@dataclass(frozen=True, slots=True)
class Disputed:
    """What a deposit would be by our own records: the closing, and what the partner took that we do not owe."""

    closing: Decimal
    items: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """All that is open with the partner: + it has taken more than we owe, − less."""
        return sum(self.items.values(), ZERO)

    @property
    def ours(self) -> Decimal:
        """Where the deposit would stand if every open difference were decided for us."""
        return self.closing + self.amount


def one_order(amount: Decimal, priced: Iterable[tuple[str, Decimal]]) -> list[str]:
    """Name the orders whose price is just a difference: it is nearly always one of them (domain rule of thumb).

    A hint and no finding: nothing is decided by it.
    """
    return [name for name, price in priced if abs(price) == abs(amount)] if amount else []


def hours(closing: Decimal, used: Decimal, over: timedelta) -> int | None:
    """Return for how many whole hours a balance lasts at the rate of ``used`` in ``over``; None without usage."""
    if used <= ZERO or over <= timedelta(0):
        return None
    seconds = Decimal(over // timedelta(seconds=1))
    lasts = max(closing, ZERO) * seconds / used / 3600
    return int(lasts.to_integral_value(ROUND_FLOOR))


__all__ = [
    "MOVEMENTS",
    "Arises",
    "Disputed",
    "RolledDay",
    "Said",
    "arises",
    "hours",
    "movement_of",
    "one_order",
    "roll",
    "together",
]
