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
from functools import cached_property
from math import ceil, isqrt, lcm
from typing import Final, NamedTuple

from finops_ledger.core.days import zone

#: A cell of the week: weekday (0 is Monday) and hour of the local day.
Cell = tuple[int, int]
#: The uplift of an hour of a local day.
Uplift = Callable[[date, int], Fraction]
Span = tuple[datetime, datetime]

HOUR: Final = 3600
DAY: Final = 24 * HOUR
_MICROS: Final = 1_000_000
_MICRO: Final = timedelta(microseconds=1)
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


class Step(NamedTuple):
    """A part of a walk, at most an hour: its expected use and its share of a selling day, scaled to whole numbers."""

    begin: datetime
    micros: int
    use: int
    share: int


@dataclass(frozen=True)
class Demand:
    """What is to come: a profile, the growth since, and the events of the SOP.

    ``scale``: the common denominator of the uplifts. Walks add up whole numbers over common denominators: as exact as
    fractions, and many times faster.
    """

    profile: Profile
    growth: Fraction = Fraction(1)
    uplift: Uplift = no_uplift
    scale: int = 1

    @cached_property
    def _uses(self) -> tuple[dict[Cell, int], int]:
        """Use of a microsecond by cell, and the denominator."""
        rates = {
            c: m * self.growth / self.scale / (HOUR * _MICROS) for c, m in self.profile.mean.items()
        }
        under = lcm(*(r.denominator for r in rates.values()))
        return {c: r.numerator * (under // r.denominator) for c, r in rates.items()}, under

    @cached_property
    def _shares(self) -> tuple[dict[Cell, int], int]:
        """Share of a selling day of a microsecond by cell, and the denominator."""
        of_day = [self.profile.of_day(weekday) for weekday in range(7)]
        # A weekday on which nothing was ever sold counts by the clock.
        parts = {
            (d, h): m / of_day[d] / (HOUR * _MICROS) if of_day[d] else Fraction(1, DAY * _MICROS)
            for (d, h), m in self.profile.mean.items()
        }
        under = lcm(*(p.denominator for p in parts.values()))
        return {c: p.numerator * (under // p.denominator) for c, p in parts.items()}, under

    def walk(self, start: datetime, end: datetime) -> Iterator[Step]:
        """Walk a span hour by hour of the local clock."""
        local = zone(self.profile.zone)
        uses, shares = self._uses[0], self._shares[0]
        for begin, finish in hours(start, end, self.profile.zone):
            here = begin.astimezone(local)
            cell, micros = (here.weekday(), here.hour), (finish - begin) // _MICRO
            lifted = self.uplift(here.date(), here.hour) * self.scale
            yield Step(begin, micros, uses[cell] * micros * int(lifted), shares[cell] * micros)

    def over(self, start: datetime, end: datetime) -> tuple[Fraction, Fraction]:
        """Return expected use and selling days of a span; nothing when it has ended before it began."""
        use = days = 0
        for step in self.walk(start, end):
            use += step.use
            days += step.share
        return Fraction(use, self._uses[1]), Fraction(days, self._shares[1])

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
        under, parts = self._uses[1], self._shares[1]
        squared = Fraction(z) ** 2 * self.profile.variance
        # rest ≥ √(squared · days), with rest over ``under`` and days over ``parts``.
        left, right = parts * squared.denominator, squared.numerator * under * under

        def holds(rest: int, days: int) -> bool:
            return rest >= 0 and rest * rest * left >= right * days

        have = Fraction(amount) * under
        rest, days = have.numerator // have.denominator, 0
        if z and since is not None:
            days = sum(step.share for step in self.walk(since, start))
        if not holds(rest, days):
            return start
        for step in self.walk(start, start + AHEAD):
            if holds(rest - step.use, days + step.share):
                rest, days = rest - step.use, days + step.share
                continue
            low, high = 0, step.micros // _MICROS
            while low < high:  # the last second of the hour at which it still holds
                middle = (low + high + 1) // 2
                spent = step.use // step.micros * middle * _MICROS
                part = step.share // step.micros * middle * _MICROS
                if holds(rest - spent, days + part):
                    low = middle
                else:
                    high = middle - 1
            return step.begin + low * _SECOND
        return None


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
    it. ``pending``: ordered, and not yet drawn. ``unsent``: credited, and never sent: in the balance, and theirs to
    take back.
    """

    since: datetime
    balance: Decimal
    in_transit: Decimal = Decimal(0)
    suspect: Decimal = Decimal(0)
    pending: Decimal = Decimal(0)
    unsent: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        """What can be drawn, when what is in transit has come, and what is pending or was never sent has gone."""
        return self.balance + self.in_transit - self.pending - self.unsent


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
