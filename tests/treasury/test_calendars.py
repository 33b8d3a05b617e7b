"""The holiday tables: what the decrees say, how business days are counted, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import holidays
import pytest

from finops_ledger.books.workspace import Workspace
from finops_ledger.core import calendars
from finops_ledger.core.calendars import HolidaysMissing
from finops_ledger.core.errors import UsageError
from tests.worked import workspace as w

ID = calendars.load("ID")
NATIONAL_2026 = (
    """1-1 1-16 2-17 3-19 3-21 3-22 4-3 4-5 5-1 5-14 5-27 5-31 6-1 6-16 8-17 8-25 12-25"""
)
JOINT_2026 = "2-16 3-18 3-20 3-23 3-24 5-15 5-28 12-24"
JOINT_2025 = "1-28 3-28 4-2 4-3 4-4 4-7 5-13 5-30 6-9 8-18 12-26"


def days(year: int, text: str) -> list[date]:
    return [date(year, *map(int, day.split("-"))) for day in text.split()]


def of(year: int, type_: str) -> list[date]:
    return sorted(d for d, h in ID.holidays.items() if d.year == year and h.type == type_)


def d(month: int, day: int, year: int = 2026) -> date:
    return date(year, month, day)


def test_the_days_of_the_decrees() -> None:
    assert of(2026, "national") == days(2026, NATIONAL_2026)
    assert of(2026, "joint-leave") == days(2026, JOINT_2026)
    assert of(2025, "joint-leave") == days(2025, JOINT_2025)
    assert len(of(2025, "national")) == 17


@pytest.mark.parametrize("year", [2025, 2026])
@pytest.mark.parametrize(
    ("type_", "category"), [("national", "public"), ("joint-leave", "government")]
)
def test_the_table_agrees_with_the_holidays_library(year: int, type_: str, category: str) -> None:
    theirs = holidays.country_holidays("ID", years=year, categories=(category,), language="en_US")
    assert of(year, type_) == sorted(theirs)
    assert not any("estimated" in name for name in theirs.values())


def test_each_day_has_the_decree_that_made_it_one() -> None:
    assert ID.holiday(d(3, 18)).decree == "SKB 1497/2025, 2/2025, 5/2025"
    assert ID.holiday(d(8, 18, 2025)).decree == "SKB 933/2025, 1/2025, 3/2025"
    assert ID.holiday(d(8, 15, 2025)) is None
    assert all(h.name and h.decree for h in ID.holidays.values())


def test_closed_runs_and_business_days_of_2026() -> None:
    found = ID.runs(d(1, 1), d(12, 31))
    expected = [
        (d(1, 16), d(1, 18)), (d(2, 14), d(2, 17)), (d(3, 18), d(3, 24)), (d(4, 3), d(4, 5)),
        (d(5, 1), d(5, 3)), (d(5, 14), d(5, 17)), (d(5, 30), d(6, 1)), (d(8, 15), d(8, 17)),
        (d(12, 24), d(12, 27)),
    ]  # fmt: skip
    assert found == expected
    assert sum(ID.is_business(d(1, 1) + timedelta(n)) for n in range(365)) == 240
    assert ID.closed_run(d(3, 21)) == (d(3, 18), d(3, 24))
    assert ID.closed_run(d(3, 31, 2025)) == (d(3, 28, 2025), d(4, 7, 2025))
    with pytest.raises(ValueError, match="2026-03-17 is a business day"):
        ID.closed_run(d(3, 17))


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (d(3, 16), 1, d(3, 17)), (d(3, 16), 2, d(3, 25)), (d(3, 16), 0, d(3, 16)),
        (d(3, 18), 0, d(3, 25)), (d(3, 18), 1, d(3, 25)), (d(3, 25), -1, d(3, 17)),
        (d(3, 21), -2, d(3, 16)), (d(12, 31, 2025), 1, d(1, 2)),
    ],
)  # fmt: skip
def test_business_days_are_counted_over_closed_ones(day: date, count: int, expected: date) -> None:
    assert ID.add_business(day, count) == expected


@pytest.mark.parametrize(
    ("day", "how", "expected"),
    [
        (d(3, 20), "following", d(3, 25)), (d(3, 20), "preceding", d(3, 17)),
        (d(5, 31), "following", d(6, 2)), (d(5, 31), "modified-following", d(5, 29)),
        (d(3, 20), "modified-following", d(3, 25)), (d(3, 20), "none", d(3, 20)),
        (d(3, 17), "preceding", d(3, 17)),
    ],
)  # fmt: skip
def test_rolls(day: date, how: str, expected: date) -> None:
    assert ID.roll(day, how) == expected


@pytest.mark.parametrize(
    "ask",
    [
        lambda: ID.is_business(date(2027, 1, 4)),
        lambda: ID.holiday(date(2027, 1, 4)),
        lambda: ID.add_business(date(2026, 12, 31), 1),
        lambda: ID.roll(date(2024, 12, 31), "following"),
        lambda: ID.runs(date(2026, 12, 1), date(2027, 1, 31)),
        lambda: ID.closed_run(date(2027, 1, 1)),
    ],
)
def test_a_year_without_a_table_is_never_guessed(ask: object) -> None:
    assert not ID.covers(2027)
    with pytest.raises(HolidaysMissing) as error:
        ask()  # type: ignore[operator]
    told = str(error.value)
    assert (
        "the joint decree of the three ministers (SKB) on national holidays and joint leave of 202"
        in told
    )
    assert "calendars/ID.toml" in told


def test_no_calendar_is_a_calendar() -> None:
    none = calendars.load("none")
    assert none.covers(2099)
    assert none.add_business(date(2099, 1, 3), 5) == date(2099, 1, 8)


OWN = """extends = "ID"
[years]
2027 = "SKB 1/2026 (made up)"
[[holidays]]
day = 2027-01-01
name = "New Year's Day"
type = "national"
[[holidays]]
day = 2026-12-23
name = "added late in the year"
type = "joint-leave"
decree = "SKB 9/2026 (made up)"
[[holidays]]
day = 2026-12-24
name = "taken back"
type = "working"
"""


def test_an_own_table_adds_years_and_days_to_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "ID.toml").write_text(OWN)
    (tmp_path / "QR.toml").write_text('extends = "ID"\nweekend = ["sun"]\n')
    own, qr = calendars.load("ID", tmp_path), calendars.load("QR", tmp_path)
    assert own.add_business(date(2026, 12, 31), 1) == date(2027, 1, 4)
    assert own.holiday(d(12, 23)).decree == "SKB 9/2026 (made up)"
    assert own.is_business(d(12, 24))
    assert own.holiday(d(3, 19)) == ID.holiday(d(3, 19))
    assert qr.is_business(d(3, 28))
    assert qr.covers(2027)
    assert not ID.covers(2027)
    assert calendars.files("QR", tmp_path) == [
        tmp_path / "QR.toml", tmp_path / "ID.toml", calendars.SHIPPED / "ID.toml"
    ]  # fmt: skip


DAY = '[[holidays]]\nday = 2026-03-02\nname = "x"\ntype = "national"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("days = 3", "unknown key 'days'"),
        ('extends = "XX"', "unknown calendar 'XX'"),
        ('extends = "TWO"', "extends 'ONE', which extends this one again"),
        ("extends = 3", "write the name of a calendar"),
        ('weekend = ["sa"]', "weekend = ['sa']"),
        ('weekend = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]', "leaves no business day"),
        ("[years]\n26 = 'x'", "write 2026 ="),
        (DAY, "2026-03-02 is of 2026, which has no decree"),
        (DAY.replace("2026-03-02", '"2026-03-02"'), "day = '2026-03-02'; write it like 2026-03-19"),
        ('extends = "ID"\n' + DAY + DAY, "holiday 2: 2026-03-02 stands twice"),
        ('extends = "ID"\n' + DAY.replace("national", "local"), "type = 'local'"),
        ('extends = "ID"\n' + DAY.replace("national", "working"), "no table below closes it"),
        ('extends = "ID"\n' + DAY.replace('"x"', '""'), "give its name"),
        ('extends = "ID"\n' + DAY + "hour = 3", "unknown key 'hour'"),
        ("extends = [", "not TOML"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "ONE.toml").write_text(text)
    (tmp_path / "TWO.toml").write_text('extends = "ONE"')
    with pytest.raises(UsageError) as error:
        calendars.load("ONE", tmp_path)
    assert told in str(error.value)


def test_a_workspace_has_the_company_s_calendar(tmp_path: Path) -> None:
    root = w.make(tmp_path / "books").root
    assert Workspace.open(root).calendar().name == "ID"
    config = root / "finops.toml"
    text = config.read_text()
    config.write_text(text.replace("[company]", '[company]\ncalendar = "none"', 1))
    assert Workspace.open(root).calendar().is_business(d(3, 21))
    assert not Workspace.open(root).calendar("ID").is_business(d(3, 21))
    config.write_text(text.replace("[company]", '[company]\ncalendar = "SG"', 1))
    with pytest.raises(
        UsageError, match=r"unknown calendar 'SG': known are ID and none; write calendars/SG"
    ):
        Workspace.open(root)


def test_a_calendar_is_a_rule_and_its_change_is_committed(tmp_path: Path) -> None:
    books = w.make(tmp_path / "books")
    (books.root / "calendars").mkdir()
    (books.root / "calendars" / "ID.toml").write_text(OWN)
    w.orders(books.root, d(3, 2), [w.order("O1", "2026-03-02 10:00:00", "PENDING", "")])
    books.import_files()
    [line] = [x for x in Workspace.open(books.root).state.lines if x["kind"] == "rules"]
    assert "calendars/ID.toml" in line["files"]
    assert books.verify() == []
