"""Worked case 2: one order, two partners."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worked.story import equal
from tests.worked.two import Two

pytestmark = pytest.mark.samples
CUT, LISTED = 49_800, 49_900


def apr(day: int) -> date:
    return date(2026, 4, day)


def told(story: Two) -> list[tuple[str, str, str]]:
    """The open breaks: counterparty, class, order."""
    return sorted((b["counterparty"], b["class"], b["ref"]) for b in story.books.breaks())


def test_case_2_delivered_twice_and_delivered_by_another(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X1", partner="AggD")
    story.sold(apr(5), "X2")
    story.row(apr(5), "A-X1", "X1", debit=CUT)
    story.other(apr(5), "D-X1", "X1", debit=LISTED)
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.run(apr(5))
    equal(told(story), [("AggA", "cross_partner_delivery", "X1")])
    story.decide(
        apr(6),
        story.item("X1", "cross_partner_delivery"),
        ("Expenses:Operational-Loss:Duplicate-Delivery", CUT),
        ("Assets:Breaks:AggA:Cross-Partner-Delivery", -CUT),
    )
    story.run(apr(6))
    story.balances_hold(story.same_as(2))
    equal(told(story), [])
    story.proven()
