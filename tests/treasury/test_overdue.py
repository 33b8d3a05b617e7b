"""A gateway's schedule says from which day on a settlement that has not come is a break."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from finops_ledger.books.workspace import Workspace
from tests.stories.telling import CUT, opened, waiting
from tests.worked import workspace as w
from tests.worked.story import Story

TRANSIT = "Assets:Clearing:Settlement-In-Transit:PG1"


def mar(day: int) -> date:
    return date(2026, 3, day)


def story(tmp_path: Path, first: date, schedule: str) -> Story:
    made = Story(tmp_path / "books", first, gateway="PG1", bank=True)
    sop = made.root / "sops" / "PG1.toml"
    text = sop.read_text()
    assert "lag = 1" in text
    sop.write_text(text.replace("lag = 1", f"[versions.settlement.schedule]\n{schedule}"))
    return made


def sell(made: Story, day: date, *refs: str) -> None:
    for ref in refs:
        made.sold(day, ref)
        made.row(day, f"A-{ref}", ref, debit=CUT)


def test_due_before_the_holidays_counts_business_days(tmp_path: Path) -> None:
    """Sold on 17 March, due on the next business day: 25 March, after Nyepi and Lebaran.

    One order is in the gateway's report of the 18th, whose money comes on the 26th; the other in none.
    """
    made = story(tmp_path, mar(17), "lag = 1")
    sell(made, mar(17), "L1", "L2")
    made.reports[mar(18)].append(w.settled("PG1-20260318", mar(18), "L1", "PAYMENT", 51_000))
    made.pays_out(mar(26), 51_000, "PG1-20260318")
    made.run(mar(24))
    assert opened(made) == []
    report, order = (
        ("timing", "settlement-bank", "PG1-20260318"),
        ("timing", "sale-gateway", "PAY-L2"),
    )
    assert waiting(made) == [order, report]
    assert {b["breaks_on"] for b in made.books.breaks(everything=True)} == {"2026-03-25"}
    assert made.balance(TRANSIT, mar(24)) == Decimal(51_000)
    # The calendar by which it was counted is a rule, kept like the others.
    assert "shipped/calendars/ID.toml" in Workspace.open(made.root).state.rules
    made.run(mar(25))
    overdue = ("settlement_overdue", "PG1-20260318", 0)
    assert opened(made) == [("missing_in_settlement", "PAY-L2", 51_000), overdue]
    made.run(mar(26))
    assert opened(made) == [("missing_in_settlement", "PAY-L2", 51_000)]
    made.proven()


def test_every_tuesday_and_friday(tmp_path: Path) -> None:
    """Sold on Thursday 26 and Friday 27 March: of one period, due on Monday 30."""
    made = story(tmp_path, mar(26), 'cycle = "weekly"\nweekdays = ["tue", "fri"]\nlag = 1')
    sell(made, mar(26), "W1")
    sell(made, mar(27), "F1")
    made.run(mar(29))
    assert opened(made) == []
    made.run(mar(30))
    assert [b[0] for b in opened(made)] == ["missing_in_settlement"] * 2
