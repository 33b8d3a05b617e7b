"""Worked case 19, its payment lists proposed and approved by command instead of written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.treasury.bills import may
from tests.treasury.runs import before_the_bank, payer, pays, the_bank
from tests.worked.postpaid import Postpaid
from tests.worked.story import equal
from tests.worked.test_cases_postpaid import _short

pytestmark = pytest.mark.samples
TRANSIT = "Assets:Clearing:Settlement-In-Transit:AggB"


def _day_of_bills(story: Postpaid) -> None:
    for number in range(10_000):
        story.paid(may(13), f"L{number}")
        story.billed(may(13), f"L{number}")
    story.invoices_(may(14), "AggB-20260513", may(13), 3_525_000_000, 12_000_000, 1_320_000)
    story.lines[may(14)].append(("TRSF AGGB AggB-20260513", -3_511_920_000))


def test_case_19_paid_by_command(tmp_path: Path) -> None:
    story = payer(tmp_path / "books", may(13), limit="5600")
    _day_of_bills(story)
    _short(story)
    held = before_the_bank(story, may(14))
    first = pays(story)
    equal(first.conflicts, [])
    equal([e.links for e in first.entries], [("STL-AggB-20260513",)])
    the_bank(story, held)
    story.run(may(15))
    items = [b["id"] for b in story.books.breaks() if b["class"] == "fee_mismatch"]
    claimed = story.books.resolve(
        items, "claim", maker="preparer-1", checker="approver-1", day=may(16)
    )
    equal(claimed.conflicts, [])
    held = before_the_bank(story, may(18))
    second = pays(story)
    equal(second.conflicts, [])
    the_bank(story, held)
    over = [(b["ref"], b["class"], b["residue"]) for b in story.books.breaks()]
    equal(over, [("20260515", "settlement_over", "1000")])
    story.run(may(20))
    equal(story.books.breaks(everything=True), [])
    wanted = {
        ("2026-05-14", "Liabilities:Payable:AggB:Invoiced", "3525000000"),
        ("2026-05-14", "Assets:Receivable:Commission:AggB", "-13320000"),
        ("2026-05-14", "Assets:Tax:PPh23-Prepaid", "240000"),
        ("2026-05-14", TRANSIT, "-3511920000"),
        ("2026-05-18", "Liabilities:Payable:AggB:Invoiced", "35250000"),
        ("2026-05-18", "Assets:Receivable:Commission:AggB", "-127600"),
        ("2026-05-18", "Assets:Claims:Partner:AggB", "-5600"),
        ("2026-05-18", "Assets:Tax:PPh23-Prepaid", "2400"),
        ("2026-05-18", TRANSIT, "-35119200"),
    }
    lists = [e for e in story.directives("transaction") if "STL-" in "".join(e.links)]
    made = {
        (e.date.isoformat(), p.account, str(p.units.number))
        for e in lists
        if "decision" in e.tags
        for p in e.postings
    }
    equal(made, wanted)
    story.balances_hold(story.same_as(19))
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])
