"""A gateway's schedule says from which day on a settlement that has not come is a break."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from finops_ledger.books.workspace import Workspace
from tests.stories.telling import CUT, opened, verdict, waiting
from tests.worked import workspace as w
from tests.worked.story import Story

TRANSIT = "Assets:Clearing:Settlement-In-Transit:PG1"


def mar(day: int) -> date:
    return date(2026, 3, day)


def story(tmp_path: Path, schedule: str) -> Story:
    made = Story(tmp_path / "books", mar(16), gateway="PG1", bank=True)
    sop = made.root / "sops" / "PG1.toml"
    text = sop.read_text()
    assert "lag = 1" in text
    sop.write_text(text.replace("lag = 1", f"[versions.settlement.schedule]\n{schedule}"))
    return made


def test_due_before_the_holidays_counts_business_days(tmp_path: Path) -> None:
    """Sold on 17 March, settled by the next business day: 25 March, after Nyepi and Lebaran."""
    made = story(tmp_path, "lag = 1")
    made.sold(mar(17), "L1")
    made.row(mar(17), "A-1", "L1", debit=CUT)
    made.run(mar(24))
    assert opened(made) == []
    assert waiting(made) == [("timing", "sale-gateway", "PAY-L1")]
    [item] = made.books.breaks(everything=True)
    assert item["breaks_on"] == "2026-03-25"
    made.run(mar(25))
    assert opened(made) == [("missing_in_settlement", "PAY-L1", 51_000)]


def test_a_report_of_the_holidays_is_paid_after_them(tmp_path: Path) -> None:
    made = story(tmp_path, "lag = 1")
    made.sold(mar(17), "L1")
    made.row(mar(17), "A-1", "L1", debit=CUT)
    made.reports[mar(18)].append(w.settled("PG1-20260318", mar(18), "L1", "PAYMENT", 51_000))
    made.run(mar(24))
    assert opened(made) == []
    assert waiting(made) == [("timing", "settlement-bank", "PG1-20260318")]
    assert made.balance(TRANSIT, mar(24)) == Decimal(51_000)
    made.run(mar(25))
    assert opened(made) == [("settlement_overdue", "PG1-20260318", 0)]
    made.pays_out(mar(26), 51_000, "PG1-20260318")
    made.run(mar(26))
    assert (opened(made), waiting(made)) == ([], [])
    assert verdict(made, mar(26), "PG1") == "reconciled"
    made.proven()


def test_every_tuesday_and_friday(tmp_path: Path) -> None:
    """Sold on Wednesday 25 and Friday 27 March: one period, due on Monday 30."""
    made = story(tmp_path, 'cycle = "weekly"\nweekdays = ["tue", "fri"]\nlag = 1')
    for day, ref in ((25, "W1"), (27, "F1")):
        made.sold(mar(day), ref)
        made.row(mar(day), f"A-{day}", ref, debit=CUT)
    made.run(mar(29))
    assert opened(made) == []
    made.run(mar(30))
    assert [b[0] for b in opened(made)] == ["missing_in_settlement"] * 2


def test_the_shipped_calendar_of_a_schedule_is_kept_as_a_rule(tmp_path: Path) -> None:
    made = story(tmp_path, "lag = 1")
    made.sold(mar(17), "L1")
    made.row(mar(17), "A-1", "L1", debit=CUT)
    made.run(mar(17))
    assert "shipped/calendars/ID.toml" in Workspace.open(made.root).state.rules
    made.proven()
