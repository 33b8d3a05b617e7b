"""How a deposit is funded: ``[versions.funding]`` of a supplier's SOP.

What is said here decides how much is proposed, when and by which rail (docs/concepts/top-ups.md). Only two
things must be given: the rails on which money may be sent, and the bank that it is sent from.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from itertools import combinations
from math import lcm
from statistics import NormalDist
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BeforeValidator, Field, field_validator, model_validator

from finops_ledger.core.calendars import WEEKDAYS, Calendar
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.sop.parts import Exact, Part, Span
from finops_ledger.sop.rails import Clock

_DAY: Final = timedelta(days=1)
#: How many days ahead an open one is looked for.
_AHEAD: Final = 60
#: z is never rounded down: 5 % gives 1.65 (1.6449), 1 % gives 2.33 (2.3263).
_Z_STEP: Final = Decimal("0.01")


def _hour(value: object) -> object:
    text = value.strftime("%H:%M") if isinstance(value, time) else value
    if not isinstance(text, str) or text not in _HOURS:
        raise ValueError(f'{value!r} is no whole hour of a day: write it like "03:00", "24:00"')
    return text


_HOURS: Final = tuple(f"{hour:02}:00" for hour in range(25))
WholeHour = Annotated[str, BeforeValidator(_hour)]


def since_midnight(clock: str) -> timedelta:
    """Return a local time, ``00:00`` to ``24:00``, as the time since midnight."""
    hours, minutes = clock.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


class OpenHours(Part):
    """When somebody is there: on which days, from when until when (both included).

    ``days``: ``business`` days of the calendar, ``daily``, or a list of weekdays, of which holidays are left out.
    ``also`` and ``never``: dates on which somebody is there all the same, or is not (a roster for holidays).
    """

    days: Literal["business", "daily"] | tuple[str, ...] = "business"
    opens: Clock = "08:00"
    closes: Clock = "17:00"
    also: tuple[date, ...] = ()
    never: tuple[date, ...] = ()

    @field_validator("days")
    @classmethod
    def _weekdays(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        wrong = [d for d in value if d not in WEEKDAYS] if isinstance(value, tuple) else []
        if wrong or not value:
            raise ValueError(
                f'days = {value!r}: write "business", "daily" or a list of {", ".join(WEEKDAYS)}'
            )
        return value

    @model_validator(mode="after")
    def _some_time(self) -> OpenHours:
        if self.closes <= self.opens:
            raise ValueError(f"it closes at {self.closes}, and opens only at {self.opens}")
        return self

    def is_open(self, day: date, calendar: Calendar) -> bool:
        """Say whether anybody is there on a day; HolidaysMissing where the calendar has no table of its year."""
        if day in self.never or day in self.also:
            return day in self.also
        if self.days == "daily":
            return True
        if self.days == "business":
            return calendar.is_business(day)
        return WEEKDAYS[day.weekday()] in self.days and calendar.holiday(day) is None

    def span(self, day: date, zone_name: str) -> tuple[datetime, datetime]:
        """Return from when until when (UTC) they are open on a local day, if they are."""
        return tuple(_moment(day, clock, zone_name) for clock in (self.opens, self.closes))  # type: ignore[return-value]

    def spans(
        self, moment: datetime, calendar: Calendar, zone_name: str
    ) -> Iterator[tuple[date, datetime, datetime]]:
        """Yield each day's open hours (UTC) that have not ended before ``moment``, in order, for 60 days.

        Raises UsageError when there is none in all of them.
        """
        day, none = moment.astimezone(zone(zone_name)).date(), True
        for _ in range(_AHEAD):
            if self.is_open(day, calendar):
                opens, closes = self.span(day, zone_name)
                if closes >= moment:
                    none = False
                    yield day, opens, closes
            day += _DAY
        if none:
            raise UsageError(f"nobody is there on any of the {_AHEAD} days from {moment.date()}")


def _moment(day: date, clock: str, zone_name: str) -> datetime:
    local = datetime.combine(day, time(0)) + since_midnight(clock)
    return local.replace(tzinfo=zone(zone_name)).astimezone(UTC)


class Crediting(OpenHours):
    """When the partner credits what has arrived, and how long it takes once it has begun (``lead``)."""

    days: Literal["business", "daily"] | tuple[str, ...] = "daily"
    opens: Clock = "00:00"
    closes: Clock = "24:00"
    lead: Span = timedelta(hours=1)

    @model_validator(mode="after")
    def _long_enough(self) -> Crediting:
        if self.lead > since_midnight(self.closes) - since_midnight(self.opens):
            raise ValueError(
                f"the partner takes {self.lead} to credit, and is there only from {self.opens} to {self.closes}: "
                "a top-up would never be credited"
            )
        return self


class Event(Part):
    """A stretch of days, or of whole hours on each of them, on which usage is so many times what it is else."""

    name: str = Field(min_length=1)
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    uplift: Exact = Field(gt=0)
    opens: WholeHour = "00:00"
    closes: WholeHour = "24:00"

    @model_validator(mode="after")
    def _in_order(self) -> Event:
        if self.last < self.first or self.closes <= self.opens:
            raise ValueError(f"event {self.name!r} ends before it begins")
        return self

    def holds(self, day: date, hour: int) -> bool:
        """Say whether an hour of a local day belongs to the event."""
        return self.first <= day <= self.last and int(self.opens[:2]) <= hour < int(self.closes[:2])

    def meets(self, other: Event) -> bool:
        """Say whether two events share an hour."""
        return (
            self.first <= other.last
            and other.first <= self.last
            and self.opens < other.closes
            and other.opens < self.closes
        )


class Concentration(Part):
    """The most that may lie with one partner: an amount, a share of what lies with all partners, or both."""

    amount: Exact | None = Field(default=None, gt=0)
    share: Exact | None = Field(default=None, gt=0, lt=1)


class Assumed(Part):
    """What is used while a partner has no history: usage of a day, spread evenly, and its standard deviation."""

    daily: Exact = Field(ge=0)
    sigma: Exact = Field(default=Decimal(0), ge=0)


class Funding(Part):
    """How a deposit is funded.

    ``risk``: the accepted probability of running dry, from which ``z`` follows; or ``z`` itself. ``growth``: by how
    much usage has grown over the sample; ``events``: dated uplifts, which are taken out of the sample and put onto
    what is to come. ``sample_days``: how far back usage is looked at; with files of fewer than ``history_days``
    of them, ``assumed`` stands in. ``sigma``: of a selling day, instead of the sample's. ``threshold``: below it a
    top-up is proposed whatever the forecast says. ``transfers``: the most into which one top-up is split.
    """

    rails: tuple[str, ...] = Field(min_length=1)
    bank: str = Field(min_length=1)
    risk: Exact | None = Field(default=None, gt=0, lt=Decimal("0.5"))
    z: Exact | None = Field(default=None, ge=0)
    growth: Exact = Field(default=Decimal(1), gt=0)
    events: tuple[Event, ...] = ()
    rounding: Exact = Field(default=Decimal(1_000_000), gt=0)
    minimum: Exact = Field(default=Decimal(0), ge=0)
    maximum: Exact | None = Field(default=None, gt=0)
    threshold: Exact = Field(default=Decimal(0), ge=0)
    concentration: Concentration = Concentration()
    approvers: OpenHours = OpenHours()
    crediting: Crediting = Crediting()
    calendar: str = ""
    red: Span = timedelta(hours=12)
    amber: Span = timedelta(hours=24)
    sample_days: int = Field(default=56, ge=7, le=366)
    history_days: int = Field(default=14, ge=1)
    sigma: Exact | None = Field(default=None, ge=0)
    assumed: Assumed | None = None
    transfers: int = Field(default=10, ge=1)
    prefer: Literal["fee", "transfers"] = "fee"

    @model_validator(mode="after")
    def _consistent(self) -> Funding:
        if self.risk is not None and self.z is not None:
            raise ValueError("give risk or z, not both: z follows from risk")
        if self.maximum is not None and self.maximum < max(self.minimum, self.rounding):
            raise ValueError(
                f"maximum {self.maximum} is below the smallest top-up, "
                f"{max(self.minimum, self.rounding)} (minimum, rounding)"
            )
        if self.amber < self.red:
            raise ValueError("amber must be at least as long as red")
        if self.history_days > self.sample_days:
            raise ValueError("history_days is more than sample_days: the sample never has so many")
        for one, other in combinations(self.events, 2):
            if one.meets(other):
                raise ValueError(
                    f"events {one.name!r} and {other.name!r} overlap: say one uplift for each hour"
                )
        return self

    @property
    def factor(self) -> Decimal:
        """z: how many standard deviations are kept against running dry."""
        return self.z if self.z is not None else z_of(self.risk or Decimal("0.05"))

    @property
    def scale(self) -> int:
        """The common denominator of all uplifts: an uplift times this is a whole number."""
        return lcm(*(Fraction(e.uplift).denominator for e in self.events))

    def event(self, day: date, hour: int) -> Fraction:
        """Return the uplift of the event that holds in an hour of a local day; 1 where there is none."""
        for event in self.events:
            if event.holds(day, hour):
                return Fraction(event.uplift)
        return Fraction(1)


def z_of(risk: Decimal) -> Decimal:
    """Return z of an accepted probability (one-sided, normal), rounded up to two decimals: 0.05 gives 1.65."""
    exact = NormalDist().inv_cdf(cast(Any, 1 - Fraction(risk)))
    return Decimal(str(exact)).quantize(_Z_STEP, ROUND_CEILING)
