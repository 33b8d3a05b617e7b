"""The forecast: what is learnt from usage, what is needed over a horizon, how long an amount lasts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ledger.treasury import forecast
from finops_ledger.treasury.forecast import Demand, Profile, assumed, learn, need, root_up
from tests.treasury.funded import HOURLY, MILLION, WIB, funding, standing, wib, worked

AT, UNTIL = wib("2026-03-17 16:30"), wib("2026-03-25 10:00")


def test_the_worked_example_comes_out_to_the_rupiah() -> None:
    """1,864.8m + 179.5m − 165.9m = 1,878.4m; the reference writes each term in tenths of a million."""
    found = need(worked(), standing(AT, 165_900_000), AT, UNTIL, z=Decimal("1.65"))
    assert found.days == Fraction("7.4")
    assert found.expected == Decimal(1_864_800_000)  # 180m × 1.4 × 7.4 selling days
    assert found.safety == Decimal(179_539_411)  # 1.65 × 40m × √7.4, rounded up
    assert found.total == Decimal(1_878_439_411)
    tenths = [
        (n / MILLION).quantize(Decimal("0.1")) for n in (found.expected, found.safety, found.total)
    ]
    assert tenths == [Decimal("1864.8"), Decimal("179.5"), Decimal("1878.4")]


def test_selling_days_are_not_days_of_the_clock() -> None:
    """The horizon has 7.73 days of the clock; its evening and its morning sell two fifths of one."""
    assert (UNTIL - AT) / timedelta(days=1) == pytest.approx(7.729, abs=0.001)
    assert worked().over(wib("2026-03-17 16:30"), wib("2026-03-18 10:00"))[1] == Fraction("0.4")


def test_hours_are_prorated_by_the_second() -> None:
    demand = worked(funding(events=None))
    use, _ = demand.over(wib("2026-03-02 10:59:59"), wib("2026-03-02 11:00:01"))
    assert use == Fraction(2 * 17_250_000, 3600)
    use, _ = demand.over(wib("2026-03-02 15:30"), wib("2026-03-02 16:20"))
    assert use == Fraction(17_250_000, 2) + Fraction(9_000_000, 3)


def days_of(first: date, count: int) -> dict[date, forecast.Span]:
    """Calendar days as windows."""
    made = {}
    for day in (first + timedelta(days=n) for n in range(count)):
        start = datetime(day.year, day.month, day.day, tzinfo=WIB).astimezone(UTC)
        made[day] = (start, start + timedelta(days=1))
    return made


def usage_of(
    windows: dict[date, forecast.Span], amount: dict[date, int] | int
) -> dict[datetime, Decimal]:
    """What was drawn, spread as in the worked example."""
    made = {}
    for day, (start, _) in windows.items():
        daily = amount if isinstance(amount, int) else amount[day]
        for hour, part in enumerate(HOURLY):
            made[start + timedelta(hours=hour)] = Decimal(part * daily) / (180 * MILLION)
    return made


def test_a_profile_is_the_mean_of_weekday_and_hour() -> None:
    windows = days_of(date(2026, 2, 2), 28)
    amounts = {d: (180 if d.weekday() < 5 else 90) * MILLION for d in windows}
    profile = learn(usage_of(windows, amounts), windows, "Asia/Jakarta")
    assert profile.days == 28
    assert profile.mean[0, 12] == 17_250_000
    assert profile.mean[6, 12] == Fraction(17_250_000, 2)
    assert profile.of_day(5) == 90 * MILLION
    assert profile.variance == 0


def test_sigma_is_that_of_days_around_their_weekday() -> None:
    """Three weekdays of eight weeks are off by 70, 60 and 30 million, two holidays are left out: σ² = 8·9400/47."""
    windows = days_of(date(2026, 1, 20), 56)
    off = {2: 70, 3: 60, 4: 30}
    amounts = {}
    for number, day in enumerate(windows):
        sign = 1 if number // 7 % 2 else -1
        amounts[day] = (180 + sign * off.get(day.weekday(), 0)) * MILLION
    holidays = {date(2026, 2, 16), date(2026, 2, 17)}
    profile = learn(usage_of(windows, amounts), windows, "Asia/Jakarta", skip=holidays.__contains__)
    assert root_up(profile.variance, Decimal(1)) == Decimal(40 * MILLION)
    assert profile.daily == 180 * MILLION


def test_a_day_without_a_file_is_not_a_day_without_sales() -> None:
    windows = days_of(date(2026, 2, 2), 28)
    used = usage_of(windows, 180 * MILLION)
    for day in (date(2026, 2, 9), date(2026, 2, 10)):
        del windows[day]
    profile = learn(used, windows, "Asia/Jakarta")
    assert profile.of_day(0) == 180 * MILLION
    assert (profile.variance, profile.days) == (0, 26)


def test_events_are_taken_out_of_the_past_and_put_onto_what_comes() -> None:
    windows = days_of(date(2026, 2, 2), 28)
    told = funding(
        events=[{"name": "promo", "from": "2026-02-16", "to": "2026-02-22", "uplift": "2"}]
    )
    amounts = {d: (360 if told.event(d, 0) == 2 else 180) * MILLION for d in windows}
    profile = learn(usage_of(windows, amounts), windows, "Asia/Jakarta", uplift=told.event)
    assert profile.of_day(0) == 180 * MILLION
    assert profile.variance == 0
    demand = Demand(profile, uplift=told.event, scale=told.scale)
    assert demand.over(*days_of(date(2026, 2, 16), 1)[date(2026, 2, 16)])[0] == 360 * MILLION


def test_an_event_of_some_hours_lifts_only_those() -> None:
    told = funding(
        events=[
            {"name": "sahur", "from": "2026-02-19", "to": "2026-03-19", "uplift": "1.79",
             "opens": "03:00", "closes": "05:00"}
        ]
    )  # fmt: skip
    demand = worked(told)
    use, days = demand.over(wib("2026-02-20 02:00"), wib("2026-02-20 06:00"))
    assert use == 3_600_000 * (2 + 2 * Fraction("1.79"))
    assert days == Fraction(4 * 3_600_000, 180 * MILLION)


def test_a_window_that_opens_in_the_evening_fills_every_cell() -> None:
    """Partner days from 23:00: each hour has as many samples as days, the evening's that of the weekday before."""
    start = wib("2026-02-01 23:00")
    windows = {
        date(2026, 2, 2) + timedelta(days=n): (
            start + timedelta(days=n),
            start + timedelta(days=n + 1),
        )
        for n in range(14)
    }
    used = {start + timedelta(hours=h): Decimal(1000) for h in range(24 * 14)}
    profile = learn(used, windows, "Asia/Jakarta")
    assert set(profile.mean.values()) == {Fraction(1000)}
    assert len(profile.mean) == 168


def test_a_zone_that_is_off_by_half_an_hour_has_hours_of_its_own() -> None:
    """In Kolkata an hour begins at half past (UTC): usage comes by the quarter, and lands in local hours."""
    start = datetime(2026, 2, 1, 18, 30, tzinfo=UTC)
    windows = {
        date(2026, 2, 2) + timedelta(days=n): (
            start + timedelta(days=n),
            start + timedelta(days=n + 1),
        )
        for n in range(14)
    }
    quarter = timedelta(minutes=15)
    used = {
        start + n * quarter: Decimal(1000 if n // 4 % 24 == 9 else 0) for n in range(14 * 24 * 4)
    }
    profile = learn(used, windows, "Asia/Kolkata")
    assert {cell for cell, amount in profile.mean.items() if amount} == {(d, 9) for d in range(7)}
    assert profile.mean[3, 9] == 4000


def test_more_given_back_than_drawn_is_no_negative_demand() -> None:
    windows = days_of(date(2026, 2, 2), 14)
    used = usage_of(windows, 180 * MILLION)
    used[wib("2026-02-02 03:00")] = Decimal(-50 * MILLION)
    profile = learn(used, windows, "Asia/Jakarta")
    assert profile.mean[0, 3] == 0


def test_too_few_weeks_take_the_spread_of_all_days() -> None:
    windows = days_of(date(2026, 2, 2), 3)
    amounts = dict(zip(windows, (90 * MILLION, 180 * MILLION, 270 * MILLION), strict=True))
    profile = learn(usage_of(windows, amounts), windows, "Asia/Jakarta")
    assert profile.variance == (90 * MILLION) ** 2
    one = dict(list(windows.items())[:1])
    assert learn(usage_of(one, 100), one, "Asia/Jakarta").variance == 0


def test_what_is_assumed_is_spread_evenly() -> None:
    profile = assumed(Decimal(24_000), Decimal(10), "Asia/Jakarta")
    assert profile.days == 0
    use, days = Demand(profile).over(AT, AT + timedelta(hours=36))
    assert (use, days) == (36_000, Fraction(3, 2))


@pytest.mark.parametrize("squared", [0, 1, 2, 4, 7, Fraction(1, 4), Fraction(9, 4), 10**30 + 1])
def test_the_root_is_rounded_up_exactly(squared: int | Fraction) -> None:
    for unit in (Decimal(1), Decimal("0.01")):
        root = root_up(Fraction(squared), unit)
        assert Fraction(root) ** 2 >= squared
        assert not root or Fraction(root - unit) ** 2 < squared


def test_what_has_been_used_since_the_balance_is_part_of_the_need() -> None:
    """A balance of 10:00, looked at from 12:00: two hours are estimated, and count as selling days."""
    demand = worked(funding(events=None))
    at = wib("2026-03-02 12:00")
    old = need(
        demand, standing(at - timedelta(hours=2), 0), at, at + timedelta(days=1), z=Decimal(1)
    )
    new = need(demand, standing(at, 0), at, at + timedelta(days=1), z=Decimal(1))
    assert old.used == 2 * 17_250_000
    assert old.expected == new.expected
    assert old.days == new.days + Fraction(2 * 17_250_000, 180 * MILLION)
    assert old.total > new.total + old.used


def test_every_operand_moves_the_total() -> None:
    at, until = AT, UNTIL

    def total(**more: object) -> Decimal:
        held = {k: v for k, v in more.items() if k in ("in_transit", "suspect", "pending")}
        rest = {k: Decimal(v) for k, v in more.items() if k not in held}  # type: ignore[arg-type]
        stands = standing(at, 165_900_000, **held)  # type: ignore[arg-type]
        return need(worked(), stands, at, until, z=Decimal("1.65"), **rest).total  # type: ignore[arg-type]

    base = total()
    assert total(in_transit=100 * MILLION) == base - 100 * MILLION
    assert total(suspect=100 * MILLION) == base  # nobody counts on it
    assert total(pending=5 * MILLION) == base + 5 * MILLION
    assert total(floor=7 * MILLION) == base + 7 * MILLION
    assert total(threshold=1) == base
    assert total(threshold=3_000 * MILLION) == 3_000 * MILLION - 165_900_000


#: What is used in the hours of a week: a few hours that differ, over and over.
week = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).map(
    lambda few: [few[n * n % len(few)] for n in range(168)]
)
moments = st.integers(0, 60 * 24 * 3600).map(
    lambda n: wib("2026-02-01 00:00") + timedelta(seconds=n)
)


def demand_of(amounts: list[int], sigma: int = 0) -> Demand:
    mean = {(n // 24, n % 24): Fraction(a, 7) for n, a in enumerate(amounts)}
    return Demand(Profile(mean, Fraction(sigma) ** 2, "Asia/Jakarta", 56))


@given(week, moments, st.integers(0, 10**11))
def test_cover_is_what_walking_the_profile_hour_by_hour_gives(
    amounts: list[int], at: datetime, have: int
) -> None:
    demand = demand_of(amounts)
    end = demand.lasts(at, Decimal(have))
    if end is None:
        assert demand.over(at, at + forecast.AHEAD)[0] <= have
        return
    left = Fraction(have)
    for begin, finish in forecast.hours(at, end, "Asia/Jakarta"):
        here = begin.astimezone(WIB)
        left -= demand.profile.mean[here.weekday(), here.hour] * Fraction(
            int((finish - begin).total_seconds()), 3600
        )
    assert left >= 0
    assert demand.over(at, end + timedelta(seconds=1))[0] > have


@given(week, moments, st.integers(0, 10**11), st.integers(0, 10**9))
def test_at_the_accepted_risk_it_never_lasts_longer(
    amounts: list[int], at: datetime, have: int, sigma: int
) -> None:
    demand = demand_of(amounts, sigma)
    plain = demand.lasts(at, Decimal(have))
    safe = demand.lasts(at, Decimal(have), Decimal("1.65"), at)
    assert plain is None or (safe is not None and safe <= plain)
    if safe is not None:
        use, days = demand.over(at, safe + timedelta(seconds=1))
        assert use + Fraction(demand.safety(Decimal("1.65"), days, Decimal(1))) > have


@given(week, moments, st.integers(0, 400), st.integers(0, 400))
def test_spans_add_up(amounts: list[int], at: datetime, one: int, other: int) -> None:
    demand = demand_of(amounts)
    middle, end = at + timedelta(minutes=one), at + timedelta(minutes=one + other)
    parts = zip(demand.over(at, middle), demand.over(middle, end), strict=True)
    assert tuple(a + b for a, b in parts) == demand.over(at, end)
