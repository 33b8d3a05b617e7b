"""What a deposit will be used for: the profile of a week by the hour, and the need over a horizon.

``need = expected use + z·σ·√days − balance − in transit + pending`` (docs/concepts/top-ups.md). All of it is exact:
usage is added up as fractions, hours are prorated by the second, and only what is shown is rounded, up, to the
currency's smallest unit. ``days`` are *selling* days: each hour counts for its share of its own weekday's usage, so
that an evening and a morning in which two fifths of a day are sold are 0.4 days, however long they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, isqrt
from typing import Final

from finops_ledger.core.days import zone

#: A cell of the week: weekday (0 is Monday) and hour of the local day.
Cell = tuple[int, int]
#: The uplift of an hour of a local day.
Uplift = Callable[[date, int], Fraction]
Span = tuple[datetime, datetime]

HOUR: Final = 3600
DAY: Final = 24 * HOUR
_SECOND: Final = timedelta(seconds=1)
#: Cover is looked for so far ahead; what lasts longer has no end to speak of.
AHEAD: Final = timedelta(days=92)
ZERO: Final = Fraction(0)


def no_uplift(unused_day: date, unused_hour: int) -> Fraction:
    """No event: every hour is as its weekday's."""
    return Fraction(1)


@dataclass(frozen=True)
class Profile:
    """Usage of a week by the hour: the mean of each cell, and the variance of a selling day.

    ``days``: how many days of the partner's it is made of; 0 where it is assumed.
    """

    mean: Mapping[Cell, Fraction]
    variance: Fraction
    zone: str
    days: int = 0

    def of_day(self, weekday: int) -> Fraction:
        """Return the mean usage of a weekday."""
        return sum((self.mean.get((weekday, hour), ZERO) for hour in range(24)), ZERO)

    @property
    def daily(self) -> Fraction:
        """Mean usage of a day, over the week."""
        return sum(self.mean.values(), ZERO) / 7


def assumed(daily: Decimal, sigma: Decimal, zone_name: str) -> Profile:
    """Return the profile of a partner without history: so much a day, the same in every hour."""
    hour = Fraction(daily) / 24
    return Profile(
        {(d, h): hour for d in range(7) for h in range(24)}, Fraction(sigma) ** 2, zone_name
    )


def learn(
    used: Mapping[datetime, Decimal],
    windows: Mapping[date, Span],
    zone_name: str,
    *,
    uplift: Uplift = no_uplift,
    skip: Callable[[date], bool] = lambda _: False,
    sigma: Decimal | None = None,
) -> Profile:
    """Learn a profile from usage of the past.

    ``used``: what was drawn, by the beginning (UTC) of the hour or quarter; ``windows``: from when until when each of
    the partner's days ran whose file is in (a day without a file is not a day without sales). What an event of the
    SOP added is taken out (divided by its uplift). Days that ``skip`` names, holidays, tell nothing of their weekday
    and are left out, unless nothing else is there. A cell that no day reached takes the mean of its hour over the
    week. Negative means (more given back than drawn) count as zero.
    """
    ordinary = {day: span for day, span in windows.items() if not skip(day)} or dict(windows)
    sums: dict[Cell, Fraction] = {}
    seconds: dict[Cell, int] = {}
    by_day: dict[date, Fraction] = {}
    local = zone(zone_name)
    starts = sorted(used)
    at = 0
    for day, (start, end) in sorted(ordinary.items(), key=lambda item: item[1]):
        for begin, finish in hours(start, end, zone_name):
            here = begin.astimezone(local)
            cell = here.weekday(), here.hour
            seconds[cell] = seconds.get(cell, 0) + _seconds(finish - begin)
        total = ZERO
        while at < len(starts) and starts[at] < start:
            at += 1
        while at < len(starts) and starts[at] < end:
            here = starts[at].astimezone(local)
            base = Fraction(used[starts[at]]) / uplift(here.date(), here.hour)
            cell = here.weekday(), here.hour
            sums[cell] = sums.get(cell, ZERO) + base
            total += base
            at += 1
        by_day[day] = total
    mean = {c: max(sums.get(c, ZERO) * HOUR / s, ZERO) for c, s in seconds.items()}
    variance = Fraction(sigma) ** 2 if sigma is not None else _variance(by_day)
    return Profile(_filled(mean), variance, zone_name, len(by_day))


def _filled(mean: dict[Cell, Fraction]) -> dict[Cell, Fraction]:
    made = dict(mean)
    for hour in range(24):
        known = [mean[d, hour] for d in range(7) if (d, hour) in mean]
        other = sum(known, ZERO) / len(known) if known else ZERO
        for weekday in range(7):
            made.setdefault((weekday, hour), other)
    return made


def _variance(by_day: Mapping[date, Fraction]) -> Fraction:
    """The variance of a day around the mean of its weekday; around that of all days where weeks are too few."""
    groups: dict[int, list[Fraction]] = {}
    for day, total in by_day.items():
        groups.setdefault(day.weekday(), []).append(total)
    if len(by_day) <= len(groups):
        groups = {0: list(by_day.values())}
    free = len(by_day) - len(groups)
    if free <= 0:
        return ZERO
    squares = ZERO
    for found in groups.values():
        middle = sum(found, ZERO) / len(found)
        squares += sum(((total - middle) ** 2 for total in found), ZERO)
    return squares / free


def hours(start: datetime, end: datetime, zone_name: str) -> Iterator[Span]:
    """Cut a span of time at the full hours of the local clock."""
    local = zone(zone_name)
    while start < end:
        here = start.astimezone(local)
        into = timedelta(minutes=here.minute, seconds=here.second, microseconds=here.microsecond)
        finish = min(end, start + timedelta(hours=1) - into)
        yield start, finish
        start = finish


def _seconds(span: timedelta) -> int:
    return span // _SECOND


@dataclass(frozen=True)
class Demand:
    """What is to come: a profile, the growth since, and the events of the SOP."""

    profile: Profile
    growth: Fraction = Fraction(1)
    uplift: Uplift = no_uplift

    def steps(
        self, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime, Fraction, Fraction]]:
        """Walk a span hour by hour: begin, end, expected use, and share of a selling day."""
        local = zone(self.profile.zone)
        of_day = [self.profile.of_day(weekday) for weekday in range(7)]
        for begin, finish in hours(start, end, self.profile.zone):
            here = begin.astimezone(local)
            weekday, hour = here.weekday(), here.hour
            part = Fraction((finish - begin) // timedelta(microseconds=1), HOUR * 1_000_000)
            base = self.profile.mean[weekday, hour] * part
            # A weekday on which nothing was ever sold counts by the clock.
            share = base / of_day[weekday] if of_day[weekday] else part / 24
            yield begin, finish, base * self.growth * self.uplift(here.date(), hour), share

    def over(self, start: datetime, end: datetime) -> tuple[Fraction, Fraction]:
        """Return expected use and selling days of a span; nothing when it has ended before it began."""
        use = days = ZERO
        for _, _, amount, share in self.steps(start, end):
            use += amount
            days += share
        return use, days

    def safety(self, z: Decimal, days: Fraction, unit: Decimal) -> Decimal:
        """Return z·σ·√days, rounded up to the unit; no digit of it passes through a binary fraction."""
        return root_up(Fraction(z) ** 2 * self.profile.variance * days, unit)

    def lasts(
        self,
        start: datetime,
        amount: Decimal,
        z: Decimal = Decimal(0),
        since: datetime | None = None,
    ) -> datetime | None:
        """Return until when an amount lasts, to the second; None when that is more than 92 days.

        Expected use alone, or with ``z`` what must be kept against bad luck since ``since``.
        """
        left = Fraction(amount)
        used, days = ZERO, self.over(since, start)[1] if since is not None and z else ZERO
        q = Fraction(z) ** 2 * self.profile.variance
        if left < 0 or (q and left**2 < q * days):
            return start
        for begin, finish, use, share in self.steps(start, start + AHEAD):
            if _holds(left - used - use, q * (days + share)):
                used, days = used + use, days + share
                continue
            low, high = 0, _seconds(finish - begin)
            while low < high:  # the last second of the hour at which it still holds
                middle = (low + high + 1) // 2
                part = Fraction(middle * 1_000_000, (finish - begin) // timedelta(microseconds=1))
                if _holds(left - used - use * part, q * (days + share * part)):
                    low = middle
                else:
                    high = middle - 1
            return begin + low * _SECOND
        return None


def _holds(rest: Fraction, squared: Fraction) -> bool:
    """Whether what rests is at least the root of ``squared``."""
    return rest >= 0 and rest * rest >= squared


def root_up(squared: Fraction, unit: Decimal) -> Decimal:
    """Return the square root of a number that is not negative, rounded up to a unit, exactly."""
    scaled = squared / Fraction(unit) ** 2
    root = isqrt(scaled.numerator // scaled.denominator)
    return (root if root * root >= scaled else root + 1) * unit


def up(value: Fraction | Decimal, unit: Decimal) -> Decimal:
    """Round up to a unit."""
    return ceil(Fraction(value) / Fraction(unit)) * unit


@dataclass(frozen=True, slots=True)
class Standing:
    """What lies with a partner: the balance as it stood at ``since``, and what is known to come or to go.

    ``in_transit``: sent, not credited yet. ``suspect``: sent, and should have been credited by now; nobody counts on
    it. ``pending``: ordered, and not yet drawn.
    """

    since: datetime
    balance: Decimal
    in_transit: Decimal = Decimal(0)
    suspect: Decimal = Decimal(0)
    pending: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        """What can be drawn, when what is in transit has come and what is pending has gone."""
        return self.balance + self.in_transit - self.pending


@dataclass(frozen=True, slots=True)
class Need:
    """What must be there until ``until``, with every operand: they add up to ``total`` to the unit."""

    at: datetime
    until: datetime
    used: Decimal
    expected: Decimal
    days: Fraction
    z: Decimal
    sigma: Decimal
    safety: Decimal
    floor: Decimal
    standing: Standing
    threshold: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """What is lacking, or a negative amount; at least what brings the deposit back to the threshold."""
        lacking = self.used + self.expected + self.safety + self.floor - self.standing.available
        if not self.threshold:
            return lacking
        return max(lacking, self.threshold - (self.standing.available - self.used))


def need(
    demand: Demand,
    standing: Standing,
    at: datetime,
    until: datetime,
    *,
    z: Decimal,
    unit: Decimal = Decimal(1),
    floor: Decimal = Decimal(0),
    threshold: Decimal = Decimal(0),
) -> Need:
    """Return the need from ``at`` until ``until``.

    What has been used since the balance stood is estimated like what is to come, and counts as selling days too: it is
    as uncertain. Expected use and safety are each rounded up to the unit.
    """
    used, before = demand.over(standing.since, at)
    expected, after = demand.over(at, until)
    return Need(
        at=at,
        until=until,
        used=up(used, unit),
        expected=up(expected, unit),
        days=before + after,
        z=z,
        sigma=root_up(demand.profile.variance, unit),
        safety=demand.safety(z, before + after, unit),
        floor=floor,
        standing=standing,
        threshold=threshold,
    )
