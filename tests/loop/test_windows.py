"""A partner's day that runs from noon to noon: each row lands on the day whose window holds it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Transaction

from finops_ledger.books import Books
from finops_ledger.intake.formats import shipped
from tests.worked import workspace as w

ROWS = [
    ("02/03/2026 11:59:59", "A1", 100),
    ("02/03/2026 12:00:00", "A2", 20),
    ("02/03/2026 23:59:59", "A3", 3),
    ("03/03/2026 00:00:00", "A4", 4000),
    ("03/03/2026 11:59:59", "A5", 50000),
    ("03/03/2026 12:00:00", "A6", 600000),
]


def used(
    root: Path, opens: str, named_by: str, said_by: str, rows: list[tuple[str, str, int]]
) -> tuple[dict[date, Decimal], Books]:
    """What the deposit paid on each partner day, by the books, for one report of all rows.

    Its day is in its name or said by its rows; the days that it covers are those of its rows, in the
    partner's windows.
    """
    made = w.make(root)
    sop = root / "sops" / "AggA.toml"
    window = f'{{ opens = "{opens}", named_by = "{named_by}" }}'
    sop.write_text(sop.read_text().replace('{ opens = "23:00", named_by = "end" }', window))
    config = root / "finops.toml"
    day = "day = { name = 'AggA_mutasi_(\\d{8})' }"
    assert day in config.read_text()
    by_name = day.replace(" }", ', covers = "rows" }')
    by = by_name if said_by == "name" else 'day = "rows"'
    config.write_text(config.read_text().replace(day, by))
    statement = w.Statement(date(2026, 3, 4), 1_000_000)
    for at, own, cost in rows:
        statement.row(at, own, f"O-{own}", debit=cost)
    statement.drop(root)
    report = made.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    entries, errors, _ = loader.load_file(str(Books(root).space.root / "main.beancount"))
    assert not [e for e in errors if "head" in e.message]
    days: dict[date, Decimal] = {}
    for entry in entries:
        if isinstance(entry, Transaction) and "supply" in entry.tags:
            moved = [p.units.number for p in entry.postings if p.account == "Assets:Deposits:AggA"]
            days[entry.date] = days.get(entry.date, Decimal()) - sum(moved)
    return {d: n for d, n in days.items() if n}, Books(root)


@pytest.mark.parametrize("said_by", ["name", "rows"])
@pytest.mark.parametrize(
    ("opens", "named_by", "expected"),
    [
        ("12:00", "start", {1: 100, 2: 54_023, 3: 600_000}),
        ("12:00", "end", {2: 100, 3: 54_023, 4: 600_000}),
        ("00:00", "start", {2: 123, 3: 654_000}),
        ("23:00", "end", {2: 120, 3: 654_003}),
    ],
)
def test_rows_land_on_the_day_whose_window_holds_them(
    tmp_path: Path, opens: str, named_by: str, expected: dict[int, int], said_by: str
) -> None:
    found, books = used(tmp_path / "books", opens, named_by, said_by, ROWS)
    assert found == {date(2026, 3, d): n for d, n in expected.items()}
    [batch] = books.space.state.batches.values()
    last = 4 if said_by == "name" else max(expected)
    assert batch.covers == (date(2026, 3, min(expected)), date(2026, 3, last))


@pytest.mark.parametrize(("named_by", "day"), [("start", 2), ("end", 3)])
def test_a_file_of_one_window_is_of_one_day(tmp_path: Path, named_by: str, day: int) -> None:
    """From noon to noon, on two dates: neither window beside it is taken for complete."""
    found, books = used(tmp_path / "books", "12:00", named_by, "rows", ROWS[1:5])
    assert found == {date(2026, 3, day): Decimal(54_023)}
    [batch] = books.space.state.batches.values()
    assert (batch.day, batch.covers) == (date(2026, 3, day), (date(2026, 3, day),) * 2)


def test_rows_without_a_time_do_not_open_the_days_before(tmp_path: Path) -> None:
    """An order that is still pending says no time of its status: it is of the file's day, no earlier one."""
    made = w.make(tmp_path / "books")
    config = made.root / "finops.toml"
    day = """day = { name = 'orders_(\\d{4}-\\d{2}-\\d{2})', format = "%Y-%m-%d" }"""
    assert day in config.read_text()
    config.write_text(config.read_text().replace(day, 'day = "rows"'))
    header = (shipped()["orders"].parent / "sample.csv").read_text("utf-8").splitlines()[0]
    rows = [
        "O1,2026-03-02 10:00:00,AggA,app,V20,1,20500,0,SUCCESS,2026-03-02 10:00:30,,P1,,0812",
        "O2,2026-03-02 11:00:00,AggA,app,V20,1,20500,0,PENDING,,,P2,,0813",
    ]
    text = "\n".join([header, *rows]) + "\n"
    (made.root / "inbox" / "orders_2026-03-02.csv").write_text(text, "utf-8")
    [report] = made.import_files().files
    assert report.verdict == "imported", report.problems
    [batch] = Books(made.root).space.state.batches.values()
    assert batch.covers == (date(2026, 3, 2), date(2026, 3, 2))
