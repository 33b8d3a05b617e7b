"""``finops settlements``: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

from finops_ledger.books import Books
from tests.cli.conftest import Finops


def test_the_list_is_what_the_books_give(finops: Finops, demo: Path, books: Books) -> None:
    found = json.loads(finops("--books", demo, "settlements", "--all", "--json").stdout)
    assert found == books.settlements(everything=True)
    assert {s["state"] for s in found if s["counterparty"] == "PG1"} == {"paid", "pending"}
    open_ = json.loads(finops("--books", demo, "settlements", "--json").stdout)
    assert all(s["state"] != "paid" for s in open_)
    frame = books.frame("settlements")
    assert sum(frame.open) == sum(Decimal(s["open"]) for s in open_)


def test_what_is_pending_is_what_the_gateway_s_account_lists(demo: Path, books: Books) -> None:
    """The list and the books say the same of what gateways owe: orders in no report, reports not at the bank."""
    total = {
        account: sum(
            p.units.number
            for e in books.load().transactions()
            for p in e.postings
            if p.account == account
        )
        for account in ("Assets:Clearing:Gateway:PG1", "Assets:Clearing:Settlement-In-Transit:PG1")
    }
    own = [s for s in books.settlements() if s["counterparty"] == "PG1"]
    pending = [s for s in own if s["state"] == "pending"]
    waiting = sum(Decimal(s["gross"]) - Decimal(s["refunds"]) for s in pending)
    assert waiting == total["Assets:Clearing:Gateway:PG1"]
    transit = sum(Decimal(s["open"]) for s in own if s["state"] in ("in-transit", "part-paid"))
    assert transit == total["Assets:Clearing:Settlement-In-Transit:PG1"]


def test_narrowed(finops: Finops, demo: Path) -> None:
    words = ("--books", demo, "settlements")
    assert "Nothing is open." in finops(*words, "--direction", "pay").stdout
    made = json.loads(finops(*words, "--due-by", "2026-03-04", "--json").stdout)
    assert made
    assert all(s["due"] <= "2026-03-04" for s in made)
    wrong = finops(*words, "--counterparty", "PG")
    assert (wrong.exit_code, "did you mean 'PG1'?" in wrong.stderr) == (2, True)


def test_as_csv_and_as_a_calendar(finops: Finops, demo: Path) -> None:
    words = ("--books", demo, "settlements")
    rows = list(csv.DictReader(io.StringIO(finops(*words, "--all", "--csv").stdout)))
    assert {r["direction"] for r in rows} == {"receive"}
    assert all(r["net"] for r in rows)
    days = json.loads(finops(*words, "--calendar", "--json").stdout)
    assert [d["day"] for d in days] == sorted(d["day"] for d in days)
    shown = finops(*words, "--calendar").stdout
    assert "To receive" in shown
    assert "closed: " in shown


def test_as_a_workbook(finops: Finops, demo: Path, tmp_path: Path) -> None:
    """Four sheets with the figures of --json: amounts as numbers, days as dates, codes as text."""
    words = ("--books", demo, "settlements", "--all")
    path = tmp_path / "settlements.xlsx"
    told = finops(*words, "--xlsx", path)
    found = json.loads(finops(*words, "--json").stdout)
    assert (told.exit_code, f"{len(found)} settlements" in told.output) == (0, True)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Settlements", "Ageing", "Next due", "Calendar"]
    rows = _rows(book["Settlements"])
    assert len(rows) == len(found)
    for row, one in zip(rows, sorted(found, key=lambda s: s["direction"]), strict=True):
        assert (row["Code"], row["With"]) == (one["ref"], one["counterparty"])
        assert row["Due"] == datetime.fromisoformat(one["due"])
        assert Decimal(row["Net"]) == Decimal(one["net"])
        assert Decimal(row["Open"]) == Decimal(one["open"])
    open_ = sum(Decimal(s["open"]) for s in found)
    assert sum(r["Total"] for r in _rows(book["Ageing"])) == open_
    due = _rows(book["Next due"])
    assert sum(r["Open"] for r in due) == open_
    assert all(r["Open"] == r["Due then"] + r["Overdue"] + r["Due later"] for r in due)
    pending = [s["due"] for s in found if s["counterparty"] == "PG1" and s["open"] != "0"]
    [own] = [r for r in due if r["With"] == "PG1"]
    assert own["Next due"] == datetime.fromisoformat(min(pending))
    days = json.loads(finops(*words, "--calendar", "--json").stdout)
    by_day = _rows(book["Calendar"])
    assert by_day.pop()["Day"] == "Total"
    assert [r["Day"] for r in by_day if isinstance(r["Day"], datetime)] == [
        datetime.fromisoformat(d["day"]) for d in days if d["day"] != "overdue"
    ]


def test_a_workbook_is_no_json(finops: Finops, demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "settlements.xlsx"
    wrong = finops("--books", demo, "settlements", "--json", "--xlsx", path)
    assert (wrong.exit_code, "leave --json and --csv out" in wrong.stderr) == (2, True)
    assert not path.exists()


def _rows(sheet: Any) -> list[dict[str, Any]]:
    titles, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(titles, row, strict=True)) for row in rows]
