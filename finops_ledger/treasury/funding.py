"""The proposal: how much to send to a partner, by when, by which rail, and why.

Pure: it is handed the demand, what stands with the partner, the SOP's rules and the rails; nothing is read here and
no clock is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil

from finops_ledger.core.calendars import Calendar, HolidaysMissing
from finops_ledger.core.money import ZERO, parted, plain
from finops_ledger.sop.funding import Funding
from finops_ledger.sop.rails import Rail
from finops_ledger.treasury.forecast import Demand, Need, Standing, need, up
from finops_ledger.treasury.lanes import Horizon, Lane, horizon

GREEN, AMBER, RED = "green", "amber", "red"
#: The tax on top of an amount that is credited.
Tax = Callable[[Decimal], Decimal]


def no_tax(unused_credited: Decimal) -> Decimal:
    """No tax on top."""
    return ZERO


@dataclass(frozen=True, slots=True)
class Send:
    """One transfer: what the partner credits, the tax on top, and what leaves the bank."""

    credited: Decimal
    tax: Decimal

    @property
    def amount(self) -> Decimal:
        """What leaves the bank."""
        return self.credited + self.tax


@dataclass(frozen=True, slots=True)
class Option:
    """One rail for the amount: its transfers, their fees, the last safe moment to send, and when it is credited.

    ``send_by`` is None when it cannot be there before the deposit may run dry; ``why_not``: why the rail cannot carry
    it at all.
    """

    rail: str
    sends: tuple[Send, ...]
    fee: Decimal
    send_at: datetime
    credited_at: datetime
    send_by: datetime | None
    why_not: str = ""

    @property
    def timely(self) -> bool:
        """Whether it is there in time."""
        return not self.why_not and self.send_by is not None


@dataclass(frozen=True)
class Rules:
    """What an SOP, the rails and the calendar say of one partner, put together.

    ``tax``: what is paid on top of what one transfer credits.
    """

    funding: Funding
    rails: Sequence[Rail]
    calendar: Calendar
    floor: Decimal = ZERO
    tax: Tax = no_tax
    unit: Decimal = Decimal(1)
    zone: str = "Asia/Jakarta"
    partner_zone: str = "Asia/Jakarta"

    def lanes(self) -> list[Lane]:
        """Return a lane for each rail, in the order of the SOP."""
        told = self.funding
        return [
            Lane(r, told.approvers, told.crediting, self.calendar, self.zone, self.partner_zone)
            for r in self.rails
        ]


@dataclass(frozen=True)
class Proposal:
    """What is proposed for one partner, with every operand.

    ``cover_until``: until when what is available lasts at the expected use; ``safe_until``: at the accepted risk; None
    of either: for more than 92 days. ``send_by``: the last safe moment to send, by the chosen rail, or while there is
    nothing to send by any; None when it is too late, or too far off to tell. ``capped``: how much of the need a limit
    leaves open, and ``limits`` which.
    """

    need: Need
    horizon: Horizon
    amount: Decimal
    cover_until: datetime | None
    safe_until: datetime | None
    state: str
    send_by: datetime | None = None
    options: tuple[Option, ...] = ()
    chosen: Option | None = None
    capped: Decimal = ZERO
    limits: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    @property
    def cover(self) -> timedelta | None:
        """How long what is available lasts at the expected use."""
        return None if self.cover_until is None else self.cover_until - self.need.at

    @property
    def transfer(self) -> Decimal:
        """What leaves the bank: the amount and the tax on top."""
        return sum((s.amount for s in self.chosen.sends), ZERO) if self.chosen else ZERO

    @property
    def late(self) -> bool:
        """Whether nothing that is sent now is there before the deposit may run dry."""
        return self.chosen is not None and self.chosen.send_by is None


def propose(
    demand: Demand,
    standing: Standing,
    at: datetime,
    rules: Rules,
    *,
    others: Decimal = ZERO,
) -> Proposal:
    """Propose a top-up for one partner at a moment.

    ``others``: what lies with all other partners (for a limit that is a share). Raises UsageError where
    hours never meet, HolidaysMissing where a year of the horizon has no table.
    """
    told, lanes = rules.funding, rules.lanes()
    until = horizon(lanes, at)
    lacking = need(
        demand,
        standing,
        at,
        until.until,
        z=told.factor,
        unit=rules.unit,
        floor=rules.floor,
        threshold=told.threshold,
    )
    have = standing.available - lacking.used
    cover = demand.lasts(at, have)
    safe = demand.lasts(at, have, told.factor, standing.since)
    amount, capped, limits = _amount(lacking.total, standing, told, others)
    problems = []
    if standing.balance < ZERO:
        problems.append(
            f"the balance is below zero ({plain(standing.balance)}), which no deposit can be: see `finops deposits`"
        )
    if capped:
        problems.append(f"{plain(capped)} of the need is beyond {' and '.join(limits)}")
    options = tuple(_option(lane, amount, at, safe, rules) for lane in lanes) if amount else ()
    chosen = _choose(options, told)
    if amount and chosen is None:
        reasons = "; ".join(o.why_not for o in options)
        problems.append(f"no rail carries {plain(amount)}: {reasons}")
    return Proposal(
        need=lacking,
        horizon=until,
        amount=amount,
        cover_until=cover,
        safe_until=safe,
        state=_state(cover, at, told),
        send_by=chosen.send_by if chosen else _far(lanes, at, safe),
        options=options,
        chosen=chosen,
        capped=capped,
        limits=limits,
        problems=tuple(problems),
    )


def _state(cover: datetime | None, at: datetime, told: Funding) -> str:
    if cover is None:
        return GREEN
    left = cover - at
    return RED if left < told.red else AMBER if left < told.amber else GREEN


def _far(lanes: Sequence[Lane], at: datetime, safe: datetime | None) -> datetime | None:
    """The last safe moment to send by any rail; none where it lies in a year that has no table yet."""
    if safe is None:
        return None
    try:
        found = [lane.last_send(at, safe) for lane in lanes]
    except HolidaysMissing:
        return None
    return max((moment for moment in found if moment is not None), default=None)


def _amount(
    lacking: Decimal, standing: Standing, told: Funding, others: Decimal
) -> tuple[Decimal, Decimal, tuple[str, ...]]:
    """The need, rounded up, at least the minimum and at most what limits leave: amount, what is left open, limits."""
    if lacking <= ZERO:
        return ZERO, ZERO, ()
    wanted = up(max(lacking, told.minimum), told.rounding)
    room = {f"the most of one top-up, {plain(told.maximum)}": told.maximum} if told.maximum else {}
    room |= _room(standing, told, others)
    hit = {name: most for name, most in room.items() if most < wanted}
    if not hit:
        return wanted, ZERO, ()
    least = max(min(hit.values()), ZERO)
    amount = least // told.rounding * told.rounding
    # A need that fits is met without the rounding, rather than left open for it.
    if amount < lacking <= least:
        amount = lacking
    if amount < told.minimum:
        amount = ZERO
    return amount, max(lacking - amount, ZERO), tuple(hit)


def _room(standing: Standing, told: Funding, others: Decimal) -> dict[str, Decimal]:
    """What may still be sent under the limits of concentration.

    A share ``s`` of all deposits, this top-up included: ``mine + x ≤ s·(mine + x + others)``.
    """
    mine, limit = (
        max(standing.balance, ZERO) + standing.in_transit + standing.suspect,
        told.concentration,
    )
    room = {}
    if limit.amount is not None:
        room[f"the most that may lie with the partner, {plain(limit.amount)}"] = limit.amount - mine
    if limit.share is not None:
        part = Fraction(limit.share)
        most = Fraction(others) * part / (1 - part) - Fraction(mine)
        whole = Decimal(most.numerator // most.denominator)
        room[f"the share of all deposits that may lie with the partner, {plain(limit.share)}"] = (
            whole
        )
    return room


def _option(
    lane: Lane, amount: Decimal, at: datetime, safe: datetime | None, rules: Rules
) -> Option:
    sends, why_not = split(amount, lane.rail, rules)
    send_at = lane.next_send(at)
    # What lasts longer than anyone looks ahead has no last moment: the next chance is early enough.
    send_by = send_at if safe is None else lane.last_send(at, safe)
    return Option(
        rail=lane.rail.name,
        sends=sends,
        fee=lane.rail.fee * len(sends),
        send_at=send_at,
        credited_at=lane.credited(send_at),
        send_by=send_by,
        why_not=why_not,
    )


def _choose(options: Sequence[Option], told: Funding) -> Option | None:
    """The rail that is there in time, by fee (or by fewest transfers); else the one that is there first."""
    able = [(place, o) for place, o in enumerate(options) if not o.why_not]
    if not able:
        return None

    def cost(place: int, option: Option) -> tuple[Decimal, ...]:
        both = option.fee, Decimal(len(option.sends))
        return (*(both if told.prefer == "fee" else both[::-1]), Decimal(place))

    timely = [(place, o) for place, o in able if o.timely]
    if timely:
        return min(timely, key=lambda one: cost(*one))[1]
    return min(able, key=lambda one: (one[1].credited_at, cost(*one)))[1]


def split(amount: Decimal, rail: Rail, rules: Rules) -> tuple[tuple[Send, ...], str]:
    """Cut an amount into transfers that a rail carries, tax on top included; say why when it cannot be.

    As many as possible are of the rail's limit, rounded down; the last one is the rest. A rest below the rail's
    minimum takes from the one before.
    """
    told, tax, unit = rules.funding, rules.tax, rules.unit
    most = amount
    if rail.limit is not None:
        most = coming(rail.limit, tax, unit)
        if most > told.rounding:
            most = most // told.rounding * told.rounding
    if most <= ZERO:
        return (), f"{rail.name} carries no more than {plain(rail.limit or ZERO)}"
    count = ceil(Fraction(amount) / Fraction(most))  # the // of Decimal rounds towards zero
    if count > told.transfers:
        return (), f"{rail.name} would take {count} transfers, at most {told.transfers} are made"
    parts = [most] * (count - 1) + [amount - most * (count - 1)]
    least = up(rail.minimum, unit)
    if parts[-1] + tax(parts[-1]) < least and count > 1:
        moved = up(least - parts[-1], min(told.rounding, most))
        parts[-2:] = [parts[-2] - moved, parts[-1] + moved]
    sends = tuple(Send(p, tax(p)) for p in parts)
    low = next((s for s in sends if s.amount < rail.minimum), None)
    if low is not None:
        return (), f"{rail.name} carries no less than {parted(rail.minimum)}"
    return sends, ""


def coming(sent: Decimal, tax: Tax, unit: Decimal) -> Decimal:
    """Return the most that can be credited of what is sent with tax on top.

    What is sent grows with what is credited, so that it is found by halving.
    """
    low, high = 0, int(Fraction(max(sent, ZERO)) / Fraction(unit))
    while low < high:
        middle = (low + high + 1) // 2
        credited = middle * unit
        if credited + tax(credited) <= sent:
            low = middle
        else:
            high = middle - 1
    return low * unit
