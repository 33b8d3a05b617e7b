"""From an amount to transfers: by which rail, in how many parts, on which day, at which fee.

The rail is the one by which the whole of it leaves first, then that of the fewest transfers, then the cheapest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from finops_ledger.core.calendars import Calendar
from finops_ledger.core.days import zone
from finops_ledger.core.money import ZERO, plain
from finops_ledger.sop.rails import Rail

#: The rail within one bank, whatever other rails would cost.
WITHIN: Final = "same-bank"


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a bank, ours or a beneficiary's; ``code``: what uploads call the bank by."""

    bank: str
    number: str
    name: str
    code: str = ""

    @property
    def told(self) -> str:
        """The account in one line, as a decision records it."""
        return f"{self.bank} {self.number} {self.name}"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer: the ``number`` in its list, what the bank is told, and until when it can be sent that day."""

    number: int
    settlement: str
    counterparty: str
    reference: str
    remark: str
    to: Account
    amount: Decimal
    rail: str
    fee: Decimal
    day: date
    until: str


@dataclass(frozen=True, slots=True)
class Way:
    """How an amount is sent: rail, day, cut-off of that day in local time (none at midnight), parts, fee of each."""

    rail: str
    day: date
    until: str
    parts: tuple[Decimal, ...]
    fee: Decimal


def way(
    amount: Decimal,
    rails: Mapping[str, Rail],
    wanted: Sequence[str],
    day: date,
    calendar: Calendar,
    *,
    within: bool,
) -> Way | str:
    """Return how an amount is sent on ``day`` or as soon after it as it can be, or why it cannot be.

    ``rails``: those of our bank; ``wanted``: the only ones that may be taken, all if it is empty; ``within``: the
    beneficiary has its account at the same bank.
    """
    names = list(wanted) or list(rails)
    if within and WITHIN in rails and WITHIN in names:
        names = [WITHIN]
    names = [n for n in names if within or n != WITHIN]
    unknown = [n for n in names if n not in rails]
    if unknown:
        return f"there is no rail {unknown[0]}; known: {', '.join(rails)}"
    found = [
        (one.day, len(one.parts), one.fee * len(one.parts), place, one)
        for place, name in enumerate(names)
        for one in _by(amount, rails[name], day, calendar)
    ]
    if not found:
        return f"none of the rails {', '.join(names)} carries {plain(amount)}"
    return min(found, key=lambda f: f[:4])[4]


def _by(amount: Decimal, rail: Rail, day: date, calendar: Calendar) -> Iterator[Way]:
    """Yield the way by one rail, if it carries the amount at all."""
    count = rail.transfers(amount)
    if count is None:
        return
    parts = (amount,) if rail.limit is None else _split(amount, rail.limit, count)
    if not all(rail.carries(part) for part in parts):
        return
    here = zone(rail.zone)
    sent = rail.next_send(datetime.combine(day, time(0), here), calendar).astimezone(here).date()
    span = rail.open_on(sent, calendar)
    until = ""
    if span is not None:
        closes = span[1].astimezone(here)
        until = f"{closes:%H:%M}" if closes.date() == sent else ""
    yield Way(rail.name, sent, until, parts, rail.fee)


def _split(amount: Decimal, limit: Decimal, count: int) -> tuple[Decimal, ...]:
    return (*([limit] * (count - 1)), amount - limit * (count - 1)) if count > 1 else (amount,)


def total(transfers: Sequence[Transfer]) -> tuple[Decimal, Decimal]:
    """Return the sums of amounts and of fees."""
    return (
        sum((t.amount for t in transfers), ZERO),
        sum((t.fee for t in transfers), ZERO),
    )
