"""A gateway's schedule says from which day on a settlement that has not come is a break."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.calendars import HolidaysMissing
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


def test_a_due_date_over_the_year_s_end_needs_the_next_decree(tmp_path: Path) -> None:
    """What is sold on 31 December is due in a year without a table: no day is guessed."""
    last = date(2026, 12, 31)
    made = story(tmp_path, last, "lag = 1")
    sell(made, last, "Y1")
    with pytest.raises(
        HolidaysMissing, match=r"joint leave of 2027 is missing.*calendars/ID\.toml"
    ):
        made.run(last)
    (made.root / "calendars").mkdir()
    (made.root / "calendars" / "ID.toml").write_text(
        'extends = "ID"\n[years]\n2027 = "made up"\n'
        '[[holidays]]\nday = 2027-01-01\nname = "New Year\'s Day"\ntype = "national"\n'
    )
    made.work()
    [item] = [b for b in made.books.breaks(everything=True) if b["leg"] == "sale-gateway"]
    assert (item["class"], item["breaks_on"]) == ("timing", "2027-01-04")
    made.proven()


def test_what_cannot_be_reconciled_without_a_decree_stands_in_the_journal(tmp_path: Path) -> None:
    """`finops run` leaves the journal to its second half; that stops, and the files of the day are posted."""
    last = date(2026, 12, 31)
    made = story(tmp_path, last, "lag = 1")
    sell(made, last, "Y1")
    made.drop(last)
    made.books.import_files(derive=False)
    with pytest.raises(HolidaysMissing):
        made.books.reconcile()
    made.load()
