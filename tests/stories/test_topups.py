"""Stories of top-ups: one ticket in two transfers, tax on what is credited."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.stories.telling import DEPOSIT, change, moved, opened, verdict, waiting
from tests.worked.story import Story, equal

TRANSIT = "Assets:Clearing:Deposit-In-Transit:AggA"
TICKET = 10_000_001


def apr(day: int) -> date:
    return date(2026, 4, day)


def sent(story: Story, day: date, amount: int) -> None:
    story.lines[day].append(("TRSF E-BANKING DB TOPUP AGGA", -amount))


def test_story_9_a_ticket_split_in_two_transfers(tmp_path: Path) -> None:
    """Two transfers, one credit of their sum: matched by sum, nothing is left in transit."""
    story = Story(tmp_path / "books", apr(1), bank=True)
    sent(story, apr(1), 5_000_000)
    sent(story, apr(1), TICKET - 5_000_000)
    story.row(apr(1), "A-1", "", code="TOPUP", credit=TICKET)
    story.run(apr(1))
    equal((opened(story), waiting(story)), ([], []))
    equal(story.balance(TRANSIT, apr(1)), Decimal(0))
    equal(moved(story, apr(1), "supply")[DEPOSIT], Decimal(TICKET))
    equal(verdict(story, apr(1)), "reconciled")
    story.proven()


def test_story_9_the_second_half_comes_the_day_after(tmp_path: Path) -> None:
    """Credited at once, sent in two halves on two days: what is missing overnight is the second half alone."""
    story = Story(tmp_path / "books", apr(1), bank=True)
    sent(story, apr(1), 5_000_000)
    sent(story, apr(2), TICKET - 5_000_000)
    story.row(apr(2), "A-1", "", code="TOPUP", credit=TICKET)
    story.run(apr(1))
    equal(waiting(story), [("timing", "topup-bank", "topup 5000000.0000")])
    story.run(apr(2))
    equal((opened(story), waiting(story)), ([], []))
    equal(story.balance(TRANSIT, apr(2)), Decimal(0))


def test_story_9_without_its_second_half_nothing_is_picked(tmp_path: Path) -> None:
    """Half of the ticket is no other amount of it: what was sent stays in transit, then it is a break."""
    story = Story(tmp_path / "books", apr(1), bank=True)
    sent(story, apr(1), 5_000_000)
    story.run(apr(3))
    equal(opened(story), [("topup_not_credited", "topup 5000000.0000", 5_000_000)])
    equal(story.balance(TRANSIT, apr(3)), Decimal(0))
    equal(story.balance("Assets:Breaks:AggA:Topup-Not-Credited", apr(3)), Decimal(5_000_000))


def test_story_20_withholding_on_the_receipt_of_a_deposit(tmp_path: Path) -> None:
    """10,050,000 sent, 10,000,000 credited, half a per cent withheld: prepaid tax, no break; else a break."""
    story = Story(tmp_path / "books", apr(1), bank=True)
    change(
        story.root / "sops" / "AggA.toml",
        "[versions.recognition.Pulsa]",
        '[versions.deposit.tax]\nrate = "0.005"\n\n[versions.recognition.Pulsa]',
    )
    sent(story, apr(1), 10_050_000)
    story.row(apr(1), "A-1", "", code="TOPUP", credit=10_000_000)
    story.run(apr(1))
    equal((opened(story), waiting(story)), ([], []))
    recon = moved(story, apr(1), "recon")
    equal(recon["Assets:Tax:PPh22-Prepaid"], Decimal(50_000))
    equal(story.balance(TRANSIT, apr(1)), Decimal(0))
    equal(moved(story, apr(1), "supply")[DEPOSIT], Decimal(10_000_000))
    # A credit that is short by anything else is no tax.
    sent(story, apr(2), 10_050_000)
    story.row(apr(2), "A-2", "", code="TOPUP", credit=9_990_000)
    story.run(apr(2))
    equal([(c, n) for c, _, n in opened(story)], [("topup_mismatch", 60_000)])
    equal(story.balance("Assets:Tax:PPh22-Prepaid", apr(2)), Decimal(50_000))


def test_a_credit_that_was_none_is_taken_back(tmp_path: Path) -> None:
    """Credited to us by mistake, and taken back four days later: nothing is left of either."""
    story = Story(tmp_path / "books", apr(1), bank=True)
    story.row(apr(1), "A-1", "", code="TOPUP", credit=700_000)
    story.run(apr(4))
    equal([(c, n) for c, _, n in opened(story)], [("topup_mismatch", -700_000)])
    story.row(apr(5), "A-2", "", code="TOPUP", debit=700_000)
    story.run(apr(6))
    equal((opened(story), waiting(story)), ([], []))
    equal(story.balance("Assets:Breaks:AggA:Topup-Mismatch", apr(6)), Decimal(0))
    equal([str(f) for f in story.books.audit()[1]], [])
    story.proven()
