"""Schedules: which period a row belongs to, when it falls due, and what can never fall due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from finops_ledger.books.workspace import Workspace
from finops_ledger.core import calendars
from finops_ledger.core.calendars import HolidaysMissing
from finops_ledger.core.errors import UsageError
from finops_ledger.recon import due
from finops_ledger.sop.schedule import Period, Schedule
from finops_ledger.sop.terms import Settlement
from tests.worked import workspace as w

ID = calendars.load("ID")
JAKARTA = ZoneInfo("Asia/Jakarta")


def d(month: int, day: int, year: int = 2026) -> date:
    return date(year, month, day)


def made(**keys: Any) -> Schedule:
    return Schedule.model_validate(keys)


def due_of(schedule: Schedule, day: date, channel: str = "") -> date:
    return schedule.due(schedule.period_of(day, channel), ID, channel)


@pytest.mark.parametrize(
    ("keys", "day", "first", "last"),
    [
        ({}, d(3, 16), d(3, 16), d(3, 16)),
        # Every Tuesday and Friday: Saturday to Tuesday, Wednesday to Friday.
        ({"cycle": "weekly", "weekdays": ["tue", "fri"]}, d(3, 14), d(3, 14), d(3, 17)),
        ({"cycle": "weekly", "weekdays": ["tue", "fri"]}, d(3, 17), d(3, 14), d(3, 17)),
        ({"cycle": "weekly", "weekdays": ["tue", "fri"]}, d(3, 18), d(3, 18), d(3, 20)),
        ({"cycle": "weekly", "weekdays": ["sun"]}, d(3, 18), d(3, 16), d(3, 22)),
        ({"cycle": "semi-monthly"}, d(2, 15), d(2, 1), d(2, 15)),
        ({"cycle": "semi-monthly"}, d(2, 16), d(2, 16), d(2, 28)),
        ({"cycle": "semi-monthly"}, d(2, 29, 2028), d(2, 16, 2028), d(2, 29, 2028)),
        ({"cycle": "monthly"}, d(4, 1), d(4, 1), d(4, 30)),
        ({"cycle": "days", "days": [10, 25]}, d(3, 1), d(2, 26), d(3, 10)),
        ({"cycle": "days", "days": [10, 25]}, d(12, 26), d(12, 26), d(1, 10, 2027)),
        # 29, 30 and 31 are the last day of a shorter month.
        ({"cycle": "days", "days": [30]}, d(2, 1), d(1, 31), d(2, 28)),
        ({"cycle": "days", "days": [30]}, d(3, 31), d(3, 31), d(4, 30)),
        ({"cycle": "days", "days": [29, 31]}, d(2, 28), d(2, 1), d(2, 28)),
        ({"cycle": "days", "days": [29, 31]}, d(3, 30), d(3, 30), d(3, 31)),
    ],
)  # fmt: skip
def test_the_period_of_a_day(keys: dict[str, Any], day: date, first: date, last: date) -> None:
    assert made(**keys).period_of(day) == Period(first, last)


@pytest.mark.parametrize(
    ("keys", "day", "expected"),
    [
        ({"lag": 1}, d(3, 16), d(3, 17)),
        ({"lag": 2}, d(3, 16), d(3, 25)),  # over Nyepi and Lebaran
        ({"lag": 2}, d(3, 27), d(3, 31)),  # 10m paid on a Friday come on Tuesday
        ({"lag": 2, "lag_days": "calendar"}, d(3, 27), d(3, 30)),  # Sunday, rolled
        ({"lag": 2, "lag_days": "calendar", "roll": "none"}, d(3, 27), d(3, 29)),
        ({"lag": 2, "lag_days": "calendar", "roll": "preceding"}, d(3, 27), d(3, 27)),
        ({"lag": 0, "roll": "preceding"}, d(3, 28), d(3, 30)),  # never before the period's end
        ({"lag": 0}, d(3, 18), d(3, 25)),
        ({"cycle": "weekly", "weekdays": ["tue", "fri"], "lag": 0}, d(3, 14), d(3, 17)),
        ({"cycle": "weekly", "weekdays": ["tue", "fri"], "lag": 0}, d(3, 19), d(3, 25)),
        ({"cycle": "semi-monthly", "lag": 3}, d(3, 4), d(3, 25)),  # ends on a Sunday
        ({"cycle": "monthly", "lag": 10, "lag_days": "calendar"}, d(4, 4), d(5, 11)),
        (
            {
                "cycle": "days",
                "days": [31],
                "lag": 30,
                "lag_days": "calendar",
                "roll": "modified-following",
            },
            d(5, 1),
            d(6, 30),
        ),
    ],
)
def test_when_a_day_falls_due(keys: dict[str, Any], day: date, expected: date) -> None:
    assert due_of(made(**keys), day) == expected


def test_from_the_cut_off_on_a_row_is_of_the_next_day() -> None:
    schedule = made(cutoff="22:00", lag=1)
    before, at = (datetime(2026, 3, 26, *c, tzinfo=JAKARTA) for c in ((21, 59, 59), (22, 0, 0)))
    assert (schedule.day_of(before), schedule.day_of(at)) == (d(3, 26), d(3, 27))
    assert schedule.due_of(before, ID) == d(3, 27)
    assert schedule.due_of(at, ID) == d(3, 30)
    assert made().day_of(datetime(2026, 3, 26, 23, 59, 59, tzinfo=JAKARTA)) == d(3, 26)
    # The schedule's zone counts, not the row's: 00:30 in the east is 22:30 of the evening before.
    east = datetime(2026, 3, 27, 0, 30, tzinfo=ZoneInfo("Asia/Jayapura"))
    assert (made().day_of(east), schedule.day_of(east)) == (d(3, 26), d(3, 27))


def test_saturdays_by_calendar_days_beside_business_days() -> None:
    """Two business days, and on a Saturday what is two days old, holidays apart."""
    schedule = made(lag=2, also=["sat"])
    assert due_of(schedule, d(3, 26)) == d(3, 28)  # Thursday, on Saturday
    assert due_of(schedule, d(3, 27)) == d(3, 31)  # Friday, on Tuesday
    assert due_of(schedule, d(3, 19)) == d(3, 26)  # the Saturday is Lebaran


def test_a_calendar_may_have_open_saturdays(tmp_path: Path) -> None:
    (tmp_path / "QR.toml").write_text('extends = "ID"\nweekend = ["sun"]\n')
    schedule = made(lag=1, calendar="QR")
    friday = schedule.period_of(d(3, 27))
    assert schedule.due(friday, calendars.load("QR", tmp_path)) == d(3, 28)


EXCEPTION = {"period": d(3, 17), "due": d(3, 26), "reason": "agreed by letter"}


def test_a_dated_exception_is_of_one_period() -> None:
    schedule = made(exceptions=[EXCEPTION])
    assert [due_of(schedule, d(3, n)) for n in (16, 17, 25)] == [d(3, 17), d(3, 26), d(3, 26)]


def test_a_channel_has_its_own_lag_calendar_and_cycle() -> None:
    channels = {
        "VA": {"lag": 0}, "QR": {"lag": 2, "lag_days": "calendar", "calendar": "none"},
        "PayLater": {"cycle": "weekly", "weekdays": ["tue", "fri"]},
    }  # fmt: skip
    schedule = made(lag=3, channels=channels, exceptions=[EXCEPTION])
    day = d(3, 26)
    assert due_of(schedule, day) == d(3, 31)
    assert due_of(schedule, day, "VA") == day
    assert due_of(schedule, day, "Card") == d(3, 31)
    assert schedule.due(schedule.period_of(day), calendars.load("none"), "QR") == d(3, 28)
    assert schedule.period_of(day, "PayLater") == Period(d(3, 25), d(3, 27))
    assert due_of(schedule, d(3, 15), "PayLater") == d(3, 26)  # the period that ends on the 17th
    assert schedule.calendars == {"", "none"}


def test_what_is_below_the_minimum_is_carried() -> None:
    schedule = made(minimum="10000")
    nets = [
        (Period(d(3, n), d(3, n)), Decimal(a))
        for n, a in ((2, 4000), (3, 5000), (4, 1000), (5, 9999))
    ]
    fourth = nets[2][0]
    assert schedule.settled_with(nets) == [fourth, fourth, fourth, None]
    assert made().settled_with(nets) == [p for p, _ in nets]
    assert made().settled_with([(fourth, Decimal(-1))]) == [fourth]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"cycle": "weekly"}, "a weekly cycle without weekdays never falls due"),
        ({"cycle": "days", "days": []}, "a cycle of days without days never falls due"),
        ({"cycle": "days", "days": [0]}, "days of a month are 1 to 31"),
        ({"cycle": "days", "days": [32]}, "days of a month are 1 to 31"),
        ({"cycle": "days", "days": [3, 3]}, "a day stands twice"),
        ({"cycle": "monthly", "days": [3]}, 'days belong to cycle = "days"'),
        ({"weekdays": ["tue"]}, 'weekdays belong to cycle = "weekly"'),
        ({"cycle": "weekly", "weekdays": ["tues"]}, "'mon', 'tue'"),
        ({"cycle": "yearly"}, "'daily', 'weekly'"),
        ({"lag": 0, "roll": "none"}, "leaves a due date on a closed day"),
        ({"lag": -1}, "greater than or equal to 0"),
        ({"also": ["sat"], "lag_days": "calendar", "roll": "none"}, "every day is one"),
        ({"cutoff": "00:00"}, 'midnight is "24:00"'),
        ({"cutoff": "25:00"}, "write a local time"),
        ({"zone": "Jakarta"}, "unknown time zone"),
        ({"minimum": 0.5}, "write the number as text"),
        ({"minimum": "-1"}, "greater than or equal to 0"),
        ({"exceptions": [{**EXCEPTION, "due": d(3, 16)}]}, "before its period ends"),
        ({"exceptions": [{**EXCEPTION, "reason": ""}]}, "at least 1 character"),
        ({"exceptions": [EXCEPTION, EXCEPTION]}, "the period 2026-03-17 has two exceptions"),
        ({"cycle": "monthly", "exceptions": [EXCEPTION]}, "lies in 2026-03-01 to 2026-03-31"),
        ({"channels": {"VA": {"cycle": "weekly"}}}, "channel VA: a weekly cycle without weekdays"),
        ({"channels": {"VA": {"cycle": "monthly", "exceptions": [EXCEPTION]}}}, "channel VA: the exception of"),
        ({"channels": {"VA": {"lags": 1}}}, "Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_what_can_never_fall_due_is_refused(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as error:
        made(**keys)
    assert told in str(error.value)


def test_a_due_date_in_a_year_without_a_table_names_the_decree() -> None:
    schedule = made(lag=1)
    assert due_of(schedule, d(12, 30)) == d(12, 31)
    with pytest.raises(
        HolidaysMissing, match=r"SKB\) on national holidays and joint leave of 2027"
    ):
        due_of(schedule, d(12, 31))
    monthly = made(cycle="monthly", lag=5, lag_days="calendar")
    with pytest.raises(HolidaysMissing, match="2027"):
        due_of(monthly, d(12, 2))
    assert due_of(made(cycle="monthly", lag=5, lag_days="calendar", roll="none"), d(12, 2)) == d(
        1, 5, 2027
    )


def test_lag_and_schedule_are_one_or_the_other() -> None:
    with pytest.raises(ValidationError, match="lag stands in the schedule"):
        Settlement.model_validate({"lag": 2, "schedule": {}})
    assert Settlement.model_validate({"lag": 3}).due_by.due(Period(d(3, 17), d(3, 17)), ID) == d(
        3, 20
    )


# --- invariants -------------------------------------------------------------------------------

WEEK = st.lists(st.sampled_from(calendars.WEEKDAYS), min_size=1, max_size=7, unique=True)
MONTH = st.lists(st.integers(1, 31), min_size=1, max_size=6, unique=True)
CYCLES = st.one_of(
    st.sampled_from([{"cycle": c} for c in ("daily", "semi-monthly", "monthly")]),
    WEEK.map(lambda days: {"cycle": "weekly", "weekdays": days}),
    MONTH.map(lambda days: {"cycle": "days", "days": days}),
)
LAGS = st.fixed_dictionaries(
    {
        "lag": st.integers(0, 20),
        "lag_days": st.sampled_from(["business", "calendar"]),
        "roll": st.sampled_from(["following", "preceding", "modified-following"]),
    }
)
DAYS = st.dates(d(1, 1, 2025), d(10, 31))


@given(CYCLES, DAYS)
def test_every_day_is_in_exactly_one_period(cycle: dict[str, Any], day: date) -> None:
    schedule = made(**cycle)
    period = schedule.period_of(day)
    assert period.first <= day <= period.last
    for other in (period.first, period.last):
        assert schedule.period_of(other) == period
    assert schedule.period_of(period.last + timedelta(1)).first == period.last + timedelta(1)
    assert schedule.period_of(period.first - timedelta(1)).last == period.first - timedelta(1)


@given(CYCLES, DAYS, st.integers(0, 60))
def test_periods_cover_a_stretch_without_gap(cycle: dict[str, Any], day: date, length: int) -> None:
    last = day + timedelta(length)
    found = list(made(**cycle).periods(day, last))
    assert found[0].first <= day
    assert found[-1].last >= last
    assert all(b.first == a.last + timedelta(1) for a, b in pairwise(found))


@given(CYCLES, LAGS, DAYS)
def test_a_due_date_is_a_business_day_not_before_the_end_and_in_order(
    cycle: dict[str, Any], lags: dict[str, Any], day: date
) -> None:
    schedule = made(**cycle, **lags)
    period = schedule.period_of(day)
    after = schedule.period_of(period.last + timedelta(1))
    if after.last > d(11, 20):
        return  # a due date might lie in a year without a table
    found = schedule.due(period, ID)
    assert found >= period.last
    assert ID.is_business(found)
    assert schedule.due(after, ID) >= found


@given(CYCLES, LAGS, DAYS, st.integers(0, 4), st.sampled_from(due.LEGS))
def test_what_waits_on_a_day_is_what_is_due_later(
    cycle: dict[str, Any], lags: dict[str, Any], day: date, grace: int, leg: str
) -> None:
    """The walk back from a day stops early, and finds what looking at every day finds."""
    schedule = made(**cycle, **lags)
    start, spare = max(d(1, 1, 2025), day - timedelta(150)), timedelta(grace)
    if schedule.period_of(day).last > d(11, 10):
        return
    found = due.waiting(schedule, lambda name: ID, leg, start, day, spare)
    every = [start + timedelta(n) for n in range((day - start).days + 1)]
    slow = [
        (one, due._breaks_on(schedule, lambda name: ID, leg, one, start) + spare) for one in every
    ]
    assert found == tuple(pair for pair in slow if pair[1] > day)


# --- in SOPs ----------------------------------------------------------------------------------


def sop(root: Path, name: str, old: str, new: str) -> None:
    path = root / "sops" / f"{name}.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def append(root: Path, text: str) -> None:
    with (root / "sops" / "AggA.toml").open("a") as file:
        file.write(text)


def test_a_schedule_is_refused_with_its_file(tmp_path: Path) -> None:
    root = w.make(tmp_path / "books", gateway=True).root
    sop(root, "PG1", "lag = 1", '[versions.settlement.schedule]\ncycle = "weekly"')
    with pytest.raises(
        UsageError, match=r"PG1\.toml:\d+: .*a weekly cycle without weekdays never falls due"
    ):
        Workspace.open(root)
    sop(root, "PG1", 'cycle = "weekly"', 'calendar = "SG"')
    with pytest.raises(UsageError, match=r"PG1\.toml: version SOP-PG1-1: unknown calendar 'SG'"):
        Workspace.open(root)


def test_only_who_is_settled_with_has_a_settlement(tmp_path: Path) -> None:
    root = w.make(tmp_path / "books").root
    append(root, "\n[versions.settlement]\n")
    with pytest.raises(UsageError, match="a deposit is topped up"):
        Workspace.open(root)
    sop(root, "AggA", "[versions.supply]\n", '[versions.supply]\nmodel = "postpaid"\n')
    supplier = Workspace.open(root).registry.of("AggA").on(d(3, 2)).settlement
    assert supplier is not None
    assert (supplier.netting, supplier.dispute_limit, supplier.rounding) == (
        "net",
        0,
        "Expenses:Rounding",
    )
    append(root, 'withheld = "0.02"\n')
    with pytest.raises(UsageError, match="only a gateway has"):
        Workspace.open(root)
