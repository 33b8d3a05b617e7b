"""When a settlement is due: the periods of a schedule, its cut-off, its lag and its exceptions.

A schedule cuts time into periods, without gap or overlap, and gives each a due date: the lag is counted from the
period's last day, in business or in calendar days, and the result is rolled to a business day. A due date never lies
before its period's end. What a schedule says that could never fall due is refused when the SOP is read.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from finops_ledger.core.calendars import WEEKDAYS, Calendar
from finops_ledger.core.days import zone
from finops_ledger.sop.parts import Exact, Part

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Cycle = Literal["daily", "weekly", "semi-monthly", "monthly", "days"]
Roll = Literal["following", "preceding", "modified-following", "none"]
#: The last day of a month, whichever it is.
END = 31
_DAY = timedelta(days=1)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
#: The days of a month that end a period, of the cycles that are sets of such days.
_ENDS = {"semi-monthly": (15, END), "monthly": (END,)}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The days that are settled together, both included."""

    first: date
    last: date


class Dated(Part):
    """A due date that was agreed once: of the period that ends on ``period``."""

    period: date
    due: date
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _after_the_end(self) -> Dated:
        if self.due < self.period:
            raise ValueError(
                f"the exception of {self.period} is due on {self.due}, before its period ends"
            )
        return self


class _Keys(Part):
    """What a schedule and a channel of it may say."""

    cycle: Cycle = "daily"
    weekdays: tuple[Weekday, ...] = ()
    days: tuple[int, ...] = ()
    cutoff: str = "24:00"
    zone: str = "Asia/Jakarta"
    lag: int = Field(default=1, ge=0, le=366)
    lag_days: Literal["business", "calendar"] = "business"
    roll: Roll = "following"
    also: tuple[Weekday, ...] = ()
    calendar: str = ""
    minimum: Exact = Field(default=Decimal(0), ge=0)
    exceptions: tuple[Dated, ...] = ()

    @field_validator("cutoff", mode="before")
    @classmethod
    def _a_clock(cls, value: object) -> object:
        text = value.strftime("%H:%M") if isinstance(value, time) else value
        if not isinstance(text, str) or not _CLOCK.fullmatch(text) or text == "00:00":
            raise ValueError(
                f'cutoff = {value!r}: write a local time like "23:00"; midnight is "24:00"'
            )
        return text

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value

    @field_validator("days")
    @classmethod
    def _of_a_month(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= d <= END for d in value):
            raise ValueError(
                f"days = {list(value)}: days of a month are 1 to {END}; {END} is its last"
            )
        return value


class Channel(_Keys):
    """What one channel (virtual accounts, QR, cards) has otherwise; what is left out is the schedule's."""


class Schedule(_Keys):
    """When what is owed falls due; ``docs/reference/sops.md`` says what each key means."""

    channels: dict[str, Channel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_fall_due(self) -> Schedule:
        for name in ("", *self.channels):
            one = self.of(name)
            for problem in _problems(one):
                raise ValueError(f"channel {name}: {problem}" if name else problem)
        ends = [self.of(name) for name in ("", *self.channels)]
        for dated in self.exceptions:
            if not any(_ends_on(one, dated.period) for one in ends):
                near = _period(self, dated.period)
                raise ValueError(
                    f"the exception of {dated.period} is of no period: none ends on that day "
                    f"(it lies in {near.first} to {near.last}); name a period by its last day"
                )
        for name, channel in self.channels.items():
            for dated in channel.exceptions:
                if not _ends_on(self.of(name), dated.period):
                    raise ValueError(
                        f"channel {name}: the exception of {dated.period} is of no period; "
                        "name a period by its last day"
                    )
        return self

    def of(self, channel: str = "") -> Schedule:
        """Return the schedule of one channel: its own keys over the schedule's.

        A channel that nothing is said about has the schedule itself. One with a ``cycle`` of its own does not take
        the schedule's days over; exceptions of the schedule hold beside the channel's own.
        """
        own = self.channels.get(channel)
        if own is None:
            return self.model_copy(update={"channels": {}}) if self.channels else self
        said = {name: getattr(own, name) for name in own.model_fields_set}
        if "cycle" in said:
            said = {"weekdays": (), "days": (), **said}
        named = {d.period for d in own.exceptions}
        kept = tuple(d for d in self.exceptions if d.period not in named)
        said["exceptions"] = (*kept, *own.exceptions)
        return self.model_copy(update={**said, "channels": {}})

    @property
    def calendars(self) -> set[str]:
        """The calendars that are named; an empty name is the company's."""
        return {self.of(name).calendar for name in ("", *self.channels)}

    @property
    def shift(self) -> timedelta:
        """What is added to a local time so that its date is the schedule's day: 24:00 less the cut-off."""
        hours, minutes = (int(part) for part in self.cutoff.split(":"))
        return _DAY - timedelta(hours=hours, minutes=minutes)

    def day_of(self, moment: datetime, channel: str = "") -> date:
        """Return the schedule's day of a moment (with a zone): from the cut-off on, the next day."""
        one = self.of(channel)
        return (moment.astimezone(zone(one.zone)).replace(tzinfo=None) + one.shift).date()

    def period_of(self, day: date, channel: str = "") -> Period:
        """Return the one period that holds a day (of :meth:`day_of`, where there is a cut-off)."""
        return _period(self.of(channel), day)

    def periods(self, first: date, last: date, channel: str = "") -> Iterator[Period]:
        """Yield in order every period that holds any day from ``first`` to ``last``."""
        one = self.of(channel)
        day = first
        while day <= last:
            period = _period(one, day)
            yield period
            day = period.last + _DAY

    def due(self, period: Period, calendar: Calendar, channel: str = "") -> date:
        """Return when a period falls due: a dated exception, else its last day, the lag, the roll.

        Business days are counted from the period's last day, which itself is not counted; lag 0 is that day, rolled.
        A roll that would lead before the period's end goes forward instead. ``also``: weekdays on which calendar
        days count although the calendar is closed, unless they are a holiday (a Saturday settlement).
        Raises HolidaysMissing when the due date may lie in a year of which the calendar has no table.
        """
        one = self.of(channel)
        for dated in one.exceptions:
            if dated.period == period.last:
                return dated.due
        plain = period.last + timedelta(days=one.lag)
        if WEEKDAYS[plain.weekday()] in one.also and calendar.holiday(plain) is None:
            return plain
        if one.lag_days == "business" and one.lag:
            return calendar.add_business(period.last, one.lag)
        if one.roll == "preceding":
            back = (plain - n * _DAY for n in range((plain - period.last).days + 1))
            found = next((d for d in back if calendar.is_business(d)), None)
            return found or calendar.roll(plain, "following")
        rolled = calendar.roll(plain, one.roll)
        return rolled if rolled >= period.last else calendar.roll(plain, "following")

    def due_of(self, moment: datetime, calendar: Calendar, channel: str = "") -> date:
        """Return when a row of a moment falls due."""
        return self.due(self.period_of(self.day_of(moment, channel), channel), calendar, channel)

    def settled_with(
        self, nets: Iterable[tuple[Period, Decimal]], channel: str = ""
    ) -> list[Period | None]:
        """Return with which period each one is settled, by the nets of all in order.

        What is less than ``minimum`` waits, and is added to the next period; None: it still waits. Nets are positive
        in the direction of the settlement; without a minimum each period is settled by itself, whatever its sign.
        """
        minimum = self.of(channel).minimum
        found: list[Period | None] = []
        carried = Decimal(0)
        waiting = 0
        for period, net in nets:
            carried += net
            waiting += 1
            found.append(None)
            if not minimum or carried >= minimum:
                found[-waiting:] = [period] * waiting
                carried, waiting = Decimal(0), 0
        return found


def _problems(one: Schedule) -> Iterator[str]:
    """Yield what is wrong with a schedule as a whole."""
    if one.cycle == "weekly" and not one.weekdays:
        yield 'a weekly cycle without weekdays never falls due: write weekdays = ["tue", "fri"]'
    if one.cycle == "days" and not one.days:
        yield "a cycle of days without days never falls due: write days = [10, 25]"
    if one.weekdays and one.cycle != "weekly":
        yield f'weekdays belong to cycle = "weekly", not to "{one.cycle}"'
    if one.days and one.cycle != "days":
        yield f'days belong to cycle = "days", not to "{one.cycle}"'
    if one.lag_days == "business" and not one.lag and one.roll == "none":
        yield (
            'lag = 0 in business days with roll = "none" leaves a due date on a closed day, on which nothing is '
            'paid: write lag_days = "calendar", or a roll'
        )
    if one.also and one.roll == "none":
        yield 'also names days beside the business days; with roll = "none" every day is one'
    for name, given in (("weekdays", one.weekdays), ("days", one.days), ("also", one.also)):
        if len(set(given)) != len(given):
            yield f"{name} = {list(given)}: a day stands twice"
    periods = [d.period for d in one.exceptions]
    for period in sorted({p for p in periods if periods.count(p) > 1}):
        yield f"the period {period} has two exceptions"


def _ends(one: Schedule, year: int, month: int) -> list[date]:
    """The days of a month that end a period; a day that the month lacks is its last."""
    last = monthrange(year, month)[1]
    days = _ENDS.get(one.cycle, one.days)
    return [date(year, month, d) for d in sorted({min(d, last) for d in days})]


def _period(one: Schedule, day: date) -> Period:
    if one.cycle == "daily":
        return Period(day, day)
    if one.cycle == "weekly":
        ends = {WEEKDAYS.index(d) for d in one.weekdays}
        last = next(d for d in (day + n * _DAY for n in range(7)) if d.weekday() in ends)
        before = next(d for d in (last - n * _DAY for n in range(1, 8)) if d.weekday() in ends)
        return Period(before + _DAY, last)
    around = [day.replace(day=1) - _DAY, day, day.replace(day=28) + 7 * _DAY]
    ends_near = [e for near in around for e in _ends(one, near.year, near.month)]
    last = next(e for e in ends_near if e >= day)
    before = next(e for e in reversed(ends_near) if e < day)
    return Period(before + _DAY, last)


def _ends_on(one: Schedule, day: date) -> bool:
    return _period(one, day).last == day
