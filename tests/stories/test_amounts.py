"""Stories of amounts and rules: netting, a bank's fee, sealed months, a rule that flips rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.stories.telling import CUT, DEPOSIT, change, moved, opened, verdict, waiting
from tests.worked import workspace as w
from tests.worked.story import Story, equal
from tests.worked.test_closed_periods import about, closed, locked


def mar(day: int) -> date:
    return date(2026, 3, day)


def apr(day: int) -> date:
    return date(2026, 4, day)


def test_story_6_refund_on_the_ninth_day_of_a_closed_month(tmp_path: Path) -> None:
    """Sold on 28 March, March closed, refunded on 6 April: April bears it, March keeps its bytes."""
    story = Story(tmp_path / "books", mar(28))
    story.sold(mar(28), "R9")
    story.row(mar(28), "A-1", "R9", debit=CUT)
    story.run(mar(31))
    before = closed(story, mar(31))
    story.sold(
        apr(6), "R9", "REFUNDED", at="2026-04-06 09:00:00", paid="2026-03-28 10:00:00",
        refunded="2026-04-06 09:01:00",
    )  # fmt: skip
    story.restored(apr(6), "A-2", "R9", CUT, orig="A-1")
    story.run(apr(6))
    equal(locked(story, mar(31)), before)
    sale = moved(story, apr(6), "sale")
    assert any(a.startswith("Income:") for a in sale), sale
    equal(moved(story, apr(6), "supply")[DEPOSIT], Decimal(CUT))
    equal((opened(story), waiting(story), verdict(story, apr(6))), ([], [], "reconciled"))
    equal([str(f) for f in story.books.verify()], [])


def test_story_6_the_partner_keeps_what_we_refunded(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", mar(28))
    story.sold(mar(28), "R9")
    story.row(mar(28), "A-1", "R9", debit=CUT)
    story.run(mar(31))
    closed(story, mar(31))
    story.sold(
        apr(6), "R9", "REFUNDED", at="2026-04-06 09:00:00", paid="2026-03-28 10:00:00",
        refunded="2026-04-06 09:01:00",
    )  # fmt: skip
    story.run(apr(6))
    equal(opened(story), [("late_success", "R9", CUT)])


def test_story_16_plus_and_minus_a_thousand_are_two_breaks(tmp_path: Path) -> None:
    """Their sum is nothing; the list has two items, and the account says how much stands on each side."""
    story = Story(tmp_path / "books", apr(1))
    for ref, cost in (("UP", CUT + 1_000), ("DOWN", CUT - 1_000)):
        story.sold(apr(1), ref)
        story.row(apr(1), f"A-{ref}", ref, debit=cost)
    story.run(apr(1))
    equal(opened(story), [("cost_mismatch", "DOWN", -1_000), ("cost_mismatch", "UP", 1_000)])
    account = "Assets:Breaks:AggA:Cost-Mismatch"
    equal(story.balance(account, apr(1)), Decimal(0))
    equal(verdict(story, apr(1)), "breaks")
    [told] = [
        e for e in story.directives("custom")
        if e.type == "finops-register" and e.values[0].value == account
    ]  # fmt: skip
    equal([str(v.value) for v in told.values[1:4]], ["2", "1000 IDR", "1000 IDR"])
    story.proven()


def test_story_19_the_net_settlement_is_short_by_a_clearing_fee(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1), gateway="PG1", bank=True)
    for number in range(3):
        story.sold(apr(1), f"N{number}")
        story.row(apr(1), f"A-{number}", f"N{number}", debit=CUT)
        line = w.settled("PG1-20260402", apr(2), f"N{number}", "PAYMENT", 51_000)
        story.reports[apr(2)].append(line)
    story.pays_out(apr(2), 3 * 51_000 - 2_900, "PG1-20260402")
    story.run(apr(2))
    equal(opened(story), [("settlement_short", "PG1-20260402", 2_900)])
    equal(story.balance("Assets:Clearing:Settlement-In-Transit:PG1", apr(2)), Decimal(0))
    equal(story.balance("Assets:Breaks:PG1:Settlement-Short", apr(2)), Decimal(2_900))
    item = story.item("PG1-20260402", "settlement_short")
    story.decide(
        apr(3), item, ("Expenses:Bank-Charge", 2_900),
        ("Assets:Breaks:PG1:Settlement-Short", -2_900),
    )  # fmt: skip
    story.run(apr(3))
    equal((opened(story), waiting(story)), ([], []))
    equal(story.balance("Expenses:Bank-Charge", apr(3)), Decimal(2_900))
    story.proven()


def test_story_21_an_adjustment_after_the_seal(tmp_path: Path) -> None:
    """The partner corrects a day of the closed month: April bears it and says which day it is about."""
    story = Story(tmp_path / "books", mar(20))
    story.sold(mar(20), "S1")
    story.row(mar(20), "A-1", "S1", debit=CUT)
    story.run(mar(31))
    before = closed(story, mar(31))
    story.row(apr(2), "A-1", "S1", debit=CUT + 500, moved=-500, at="20/03/2026 10:00:05")
    story.run(apr(2))
    equal(locked(story, mar(31)), before)
    equal(opened(story), [("cost_mismatch", "S1", 500)])
    equal(
        {
            (day, tag): n
            for (day, tag, account), n in about(story.load()).items()
            if account == DEPOSIT
        },
        {(mar(20), "supply"): Decimal(-500)},
    )
    equal(story.balance(DEPOSIT, apr(2)), Decimal(10_000_000 - CUT - 500))
    equal([str(f) for f in story.books.verify()], [])


def test_story_22_a_rule_that_flips_fourteen_rows_of_last_month(tmp_path: Path) -> None:
    """A tolerance approved after the fact: fourteen breaks of the open month are cost, each other row stays."""
    story = Story(tmp_path / "books", mar(10))
    for number in range(20):
        off = 100 if number < 14 else 600 if number < 16 else 0
        story.sold(mar(10), f"F{number}")
        story.row(mar(10), f"A-{number}", f"F{number}", debit=CUT + off)
    story.run(mar(10))
    story.run(apr(1))
    equal(len(opened(story)), 16)
    change(
        story.root / "sops" / "AggA.toml",
        "[versions.recognition.Pulsa]",
        '[versions.tolerance.cost]\nlimit = "150"\nowner = "commercial"\n\n'
        "[versions.recognition.Pulsa]",
    )
    story.books.reconcile()
    equal(opened(story), [("cost_mismatch", f"F{n}", 600) for n in (14, 15)])
    equal(story.balance("Assets:Breaks:AggA:Cost-Mismatch", mar(10)), Decimal(1_200))
    [told] = [
        d for d in story.books.status(mar(10))["days"]
        if (d["day"], d["counterparty"]) == (mar(10).isoformat(), "AggA")
    ]  # fmt: skip
    [leg] = [one for one in told["legs"] if one["leg"] == "sale-supply"]
    equal(leg["outcomes"]["matched_within_tolerance"]["count"], 14)
    equal([str(f) for f in story.books.verify()], [])


def test_story_22_a_closed_month_keeps_its_rule(tmp_path: Path) -> None:
    """The same change, the month closed: not a byte of it moves; the new rule begins where it is in force."""
    story = Story(tmp_path / "books", mar(10))
    for number in range(14):
        story.sold(mar(10), f"F{number}")
        story.row(mar(10), f"A-{number}", f"F{number}", debit=CUT + 100)
    story.run(mar(31))
    before = closed(story, mar(31))
    sop = story.root / "sops" / "AggA.toml"
    text = sop.read_text()
    version = text[text.index("[[versions]]") :]
    new = version.replace("2026-01-01", "2026-04-01").replace("SOP-AggA-1", "SOP-AggA-2")
    new += '\n[versions.tolerance.cost]\nlimit = "150"\nowner = "commercial"\n'
    sop.write_text(text + "\n" + new)
    story.sold(apr(1), "NEW")
    story.row(apr(1), "A-NEW", "NEW", debit=CUT + 100)
    story.run(apr(1))
    equal(locked(story, mar(31)), before)
    equal(len(opened(story)), 14)
    assert all(b["ref"] != "NEW" for b in story.books.breaks())
