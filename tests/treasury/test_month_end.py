"""Month-end: rebates earned when their target is reached, and the allowance for aged claims."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ledger.core.errors import UsageError
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
LAST, FIRST = date(2026, 3, 31), date(2026, 4, 1)
REBATES = """
[[versions.rebates]]
target = "100000"
rate = "0.005"

[[versions.rebates]]
target = "149400"
rate = "0.01"
"""
RECEIVABLE = "Assets:Receivable:Rebate:AggA"
REBATE = "Expenses:COGS:Supplier-Rebate"
ALLOWED = "Assets:Claims:Allowance"


def sells(story: Story, day: date, *refs: str) -> None:
    for ref in refs:
        story.sold(day, ref)
        story.row(day, f"A-{ref}", ref, debit=49_800)


def test_a_rebate_is_earned_when_its_target_is_reached(tmp_path: Path) -> None:
    """Three orders of 49,800 reach 149,400: 1 % of it, 1,494; two reach the lower target: 498 of 99,600 they do not."""
    story = Story(tmp_path / "books", date(2026, 3, 29), more=REBATES)
    sells(story, date(2026, 3, 30), "R1", "R2")
    sells(story, LAST, "R3")
    story.missing = {date(2026, 3, 30)}
    story.run(FIRST)
    equal(story.balance(RECEIVABLE, LAST), Decimal(0))
    story.bring(date(2026, 3, 30))
    equal(story.balance(RECEIVABLE, LAST), Decimal(1_494))
    equal(story.balance(REBATE, LAST), Decimal(-1_494))
    equal(
        (story.balance(RECEIVABLE, FIRST), story.balance(REBATE, FIRST)), (Decimal(0), Decimal(0))
    )
    [told] = {e.narration for e in story.directives("transaction") if e.meta.get("reverse")}
    equal(told, "Accrual: rebate 1 % on 149400, target 149400")
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_what_is_given_back_does_not_count(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", LAST, more=REBATES)
    sells(story, LAST, "R1", "R2", "R3")
    story.restored(LAST, "A-X", "R3", 49_800, orig="A-R3")
    story.run(LAST)
    equal(story.balance(RECEIVABLE, LAST), Decimal(0))


def test_only_a_supplier_grants_rebates(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", LAST, gateway="PG1", fee=REBATES)
    with pytest.raises(UsageError, match="which a supplier grants"):
        story.run(LAST)


def test_the_allowance_moves_to_its_target(tmp_path: Path) -> None:
    """A claim of 49,800: 20 % of it at once, 9,960; half of it after 30 days, 14,940 more; nothing when it is met."""
    start, feb, march, april = (date(2026, 2, 27), date(2026, 2, 28), LAST, date(2026, 4, 30))
    story = Story(tmp_path / "books", start)
    config = story.root / "finops.toml"
    steps = '[[allowance]]\nover = 0\nrate = "0.2"\n\n[[allowance]]\nover = 30\nrate = "0.5"\n'
    config.write_text(config.read_text() + steps)
    sells(story, start, "D1")
    story.row(start, "A-D1b", "D1", debit=49_800)
    story.run(start)
    item = story.item("D1", "duplicate_delivery")
    claimed = ("Assets:Claims:Partner:AggA", 49_800)
    story.decide(feb, item, claimed, ("Assets:Breaks:AggA:Duplicate-Delivery", -49_800))
    story.run(feb)
    equal(story.balance(ALLOWED, feb), Decimal(-9_960))
    # What is closed stands as it is: the next month moves on from it.
    story.books.close_period(feb, "controller-1")
    story.next = march
    story.run(march)
    equal(story.balance(ALLOWED, march), Decimal(-24_900))
    story.next = april
    story.restored(april, "A-R", "D1", 49_800, orig="A-D1b")
    story.run(april)
    equal((story.balance(ALLOWED, april), story.balance("Expenses:Credit-Loss", april)), (0, 0))
    equal([str(f) for f in story.books.verify()], [])
