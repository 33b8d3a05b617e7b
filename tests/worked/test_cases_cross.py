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
    found = [b for b in story.books.breaks() if b["leg"] != "files"]
    return sorted((b["counterparty"], b["class"], b["ref"]) for b in found)


def waiting(story: Two) -> list[tuple[str, str, str, str | None]]:
    """What only waits: counterparty, order, reason, the day on which it breaks."""
    found = [b for b in story.books.breaks(everything=True) if b["class"] == "timing"]
    return sorted((b["counterparty"], b["ref"], b["reason"], b["breaks_on"]) for b in found)


def test_a_delivery_for_a_supplier_whose_file_is_missing_waits_until_it_is_due(
    tmp_path: Path,
) -> None:
    """Whether the supplier that the sale names has delivered it too, its file will say."""
    story = Two(tmp_path / "books", apr(4))
    config = story.root / "finops.toml"
    aggd = 'name = "aggd"\n'
    config.write_text(config.read_text().replace(aggd, aggd + 'due = "+2 10:00"\n'))
    story.late = {apr(5)}
    story.sold(apr(5), "X1", partner="AggD")
    story.sold(apr(5), "X3", partner="AggD")
    story.row(apr(5), "A-X1", "X1", debit=CUT)
    # The order that nobody sold is a break at once, whoever's file is missing.
    story.row(apr(5), "A-X9", "X9", debit=CUT)
    story.other(apr(5), "D-X1", "X1", debit=LISTED)
    story.other(apr(5), "D-X3", "X3", debit=LISTED)
    story.run(apr(5))
    equal(told(story), [("AggA", "missing_at_platform", "X9")])
    equal(waiting(story), [("AggA", "X1", "file_missing", "2026-04-07")])
    story.run(apr(6))
    equal(waiting(story), [("AggA", "X1", "file_missing", "2026-04-07")])
    story.run(apr(7))
    equal(
        told(story),
        [("AggA", "missing_at_platform", "X1"), ("AggA", "missing_at_platform", "X9")],
    )
    [found] = [b for b in story.books.breaks() if b["ref"] == "X1"]
    equal(found["reason"], "sold at AggD, whose file of 2026-04-05 is not in")
    story.comes(apr(5))
    equal(
        told(story),
        [("AggA", "cross_partner_delivery", "X1"), ("AggA", "missing_at_platform", "X9")],
    )
    equal([str(f) for f in story.books.verify()], [])
    story.proven()


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


def test_case_2_the_loss_by_command(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X1", partner="AggD")
    story.sold(apr(5), "X2")
    story.row(apr(5), "A-X1", "X1", debit=CUT)
    story.other(apr(5), "D-X1", "X1", debit=LISTED)
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.run(apr(5))
    item = story.item("X1", "cross_partner_delivery")
    people = {"maker": "preparer-1", "checker": "approver-1", "day": apr(6)}
    made = story.books.resolve([item], "loss", evidence="our retry of 5 April", **people)
    equal((made.written, made.conflicts), (True, []))
    story.run(apr(6))
    story.balances_hold(story.same_as(2))
    story.proven()


def posted(story: Two, day: int) -> dict[str, int]:
    """What the #recon entries of a day post, by account."""
    found: dict[str, int] = {}
    for (when, tag), one in story.made(apr(day), apr(day)).items():
        if tag == "recon" and when == apr(day):
            for account, number in one.items():
                name = account.rstrip(" +-")
                found[name] = found.get(name, 0) + int(number)
    return {a: n for a, n in found.items() if n}


def test_the_other_partners_row_comes_days_later(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X2")
    story.run(apr(6))
    equal(told(story), [("AggA", "missing_at_partner", "X2")])
    story.other(apr(8), "D-X2", "X2", debit=LISTED)
    story.run(apr(8))
    equal(told(story), [])
    wanted = {
        "Assets:Breaks:AggA:Missing-At-Partner": CUT,
        "Income:Net:Pulsa": 100,
        "Assets:Clearing:Supply:AggD": -LISTED,
    }
    equal(posted(story, 8), wanted)
    story.proven()


def test_the_seller_failed_it_and_the_other_delivered(tmp_path: Path) -> None:
    """The usual failover: AggA's row says failed and takes nothing, AggD delivers, on the day or the day after."""
    story = Two(tmp_path / "books", apr(5), grace="24h")
    story.sold(apr(5), "X1")
    story.sold(apr(5), "X2")
    story.row(apr(5), "A-X1", "X1", "GAGAL")
    story.row(apr(5), "A-X2", "X2", "GAGAL")
    story.other(apr(5), "D-X1", "X1", debit=LISTED)
    story.run(apr(5))
    equal(told(story), [("AggA", "partner_failed", "X2")])
    story.other(apr(6), "D-X2", "X2", debit=LISTED)
    story.run(apr(6))
    equal(told(story), [])
    equal(story.balance("Assets:Breaks:AggA:Partner-Failed", apr(6)), 0)
    for partner in ("AggA", "AggD"):
        equal(story.balance(f"Assets:Clearing:Supply:{partner}", apr(6)), 0)
    story.proven()


def test_the_sale_comes_after_the_other_partners_row(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5), grace="48h")
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.run(apr(5))
    story.sold(apr(6), "X2")
    story.run(apr(6))
    equal(told(story), [])
    equal(story.balance("Assets:Clearing:Timing:AggD", apr(5)), LISTED)
    equal(story.balance("Assets:Clearing:Timing:AggD", apr(6)), 0)
    equal(story.balance("Income:Net:Pulsa", apr(6)), -1_100)
    story.proven()


def test_only_a_difference_against_the_deliverers_list_is_a_break(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X2")
    story.other(apr(5), "D-X2", "X2", debit=50_000)
    story.run(apr(5))
    equal(told(story), [("AggD", "cost_mismatch", "X2")])
    equal(story.books.breaks()[0]["reason"], "AggA expected 49800, AggD is held to 49900")
    equal(story.balance("Assets:Breaks:AggD:Cost-Mismatch", apr(5)), 100)
    equal(story.balance("Income:Net:Pulsa", apr(5)), -1_100)
    story.proven()


def test_without_a_price_the_deliverer_is_held_to_the_sellers_cost(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    (story.root / "prices" / "AggD.csv").write_text(
        "product,category,face,cost,from,to\nT50,PLN-Token,50000,49900,,\n"
    )
    story.sold(apr(5), "X2")
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.run(apr(5))
    equal(told(story), [("AggD", "cost_mismatch", "X2")])
    equal(story.books.breaks()[0]["reason"], "AggA expected 49800, AggD is held to 49800")
    equal(story.balance("Assets:Breaks:AggD:Cost-Mismatch", apr(5)), 100)
    equal(story.balance("Income:Net:Pulsa", apr(5)), -1_200)
    story.proven()


def test_a_failed_sale_delivered_elsewhere_and_one_not_final(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5), pending="24h")
    story.sold(apr(5), "F1", "FAILED", refunded="2026-04-05 10:05:00")
    story.sold(apr(5), "P1", "PENDING")
    story.sold(apr(5), "P2", "PENDING")
    for ref in ("F1", "P1", "P2"):
        story.other(apr(5), f"D-{ref}", ref, debit=LISTED)
    story.run(apr(5))
    equal(told(story), [("AggD", "late_success", "F1")])
    story.sold(apr(6), "P1", paid="2026-04-05 10:00:00")
    story.run(apr(6))
    equal(
        [t for t in told(story) if t[0] == "AggD"],
        [("AggD", "delivered_not_recorded", "P2"), ("AggD", "late_success", "F1")],
    )
    equal(story.balance("Assets:Breaks:AggD:Delivered-Not-Recorded", apr(6)), LISTED)
    equal(story.balance("Income:Net:Pulsa", apr(6)), -1_100)
    story.proven()


def days_of(story: Two) -> dict[str, str]:
    """The journal of each day, as text."""
    return {p.name: p.read_text() for p in sorted((story.root / "journal" / "2026").iterdir())}


def test_a_late_file_of_the_other_gives_what_it_gives_in_time(tmp_path: Path) -> None:
    """Neither crosses while one of the two is incomplete; then the days run again, journals byte for byte."""

    def tell(story: Two) -> Two:
        story.sold(apr(5), "X1", partner="AggD")
        story.sold(apr(5), "X2")
        story.row(apr(5), "A-X1", "X1", debit=CUT)
        story.other(apr(5), "D-X1", "X1", debit=LISTED)
        story.other(apr(5), "D-X2", "X2", debit=LISTED)
        return story

    in_time = tell(Two(tmp_path / "books", apr(4)))
    in_time.run(apr(7))
    late = tell(Two(tmp_path / "late", apr(4)))
    late.late = {apr(5)}
    late.run(apr(7))
    equal([t for t in told(late) if t[0] == "AggA"], [("AggA", "missing_at_partner", "X2")])
    equal(waiting(late), [("AggA", "X1", "file_missing", None)])
    equal(late.balance("Assets:Clearing:Timing:AggA", apr(7)), CUT)
    late.comes(apr(5))
    equal(told(late), told(in_time))
    equal(days_of(late), days_of(in_time))
    equal([str(f) for f in late.books.verify()], [])
    equal(late.books.rebuild(tmp_path / "again").differences, [])
    late.proven()


def test_the_sale_is_refunded_and_the_deliverer_gives_back(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X2")
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    again = {"paid": "2026-04-05 10:00:00", "refunded": "2026-04-07 11:00:00"}
    story.sold(apr(7), "X2", "REFUNDED", **again)
    story.run(apr(7))
    # The money is where the goods came from: at AggD, by its own list.
    equal(told(story), [("AggD", "late_success", "X2")])
    equal(story.balance("Assets:Breaks:AggD:Late-Success", apr(7)), LISTED)
    equal(story.balance("Income:Net:Pulsa", apr(7)), 0)
    story.other(apr(9), "D-R", "X2", code="REFUND", credit=LISTED, orig="D-X2")
    story.run(apr(9))
    equal(told(story), [])
    story.proven()


def test_the_deliverer_reverses_first(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X2")
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.other(apr(7), "D-R", "X2", code="REFUND", credit=LISTED, orig="D-X2")
    story.run(apr(7))
    equal(told(story), [("AggD", "late_reversal", "X2")])
    story.sold(apr(9), "X2", "REFUNDED", paid="2026-04-05 10:00:00", refunded="2026-04-09 11:00:00")
    story.run(apr(9))
    equal(told(story), [])
    equal(story.balance("Income:Net:Pulsa", apr(9)), 0)
    story.proven()


def test_the_sellers_own_row_after_all_is_a_second_delivery(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X2")
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.row(apr(7), "A-X2", "X2", debit=CUT)
    story.run(apr(7))
    equal(told(story), [("AggA", "duplicate_delivery", "X2")])
    story.proven()


def test_the_first_file_of_the_other_says_that_nothing_is_awaited_before(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.late = {apr(5), apr(6)}
    story.sold(apr(5), "X3", partner="AggD")
    story.row(apr(5), "A-X3", "X3", debit=CUT)
    story.run(apr(6))
    equal((told(story), waiting(story)), ([], [("AggA", "X3", "file_missing", None)]))
    story.comes(apr(6))
    equal(told(story), [])
    story.proven()


def test_the_sale_is_corrected_to_name_the_deliverer(tmp_path: Path) -> None:
    story = Two(tmp_path / "books", apr(5))
    story.sold(apr(5), "X2")
    story.other(apr(5), "D-X2", "X2", debit=LISTED)
    story.sold(apr(6), "X2", partner="AggD", paid="2026-04-05 10:00:00")
    story.run(apr(7))
    equal(told(story), [])
    equal(story.balance("Income:Net:Pulsa", apr(6)), -1_100)
    story.proven()


def test_what_comes_to_nothing_on_the_same_day(tmp_path: Path) -> None:
    """A row of the seller that fails after all, a charge that is given back: on that day, and at one supplier alone."""
    story = Two(tmp_path / "books", apr(5), pending="24h")
    # Not final at the seller when AggD charged it: nobody can tell whose goods came, until it fails there.
    story.sold(apr(5), "N1")
    story.row(apr(5), "A-N1", "N1", "PENDING", debit=CUT)
    story.other(apr(5), "D-N1", "N1", debit=LISTED)
    story.row(apr(6), "A-N1", "N1", "GAGAL", moved=CUT, at="05/04/2026 10:00:05")
    # Our sale is not final, AggD delivers it and gives the money back: AggA alone is asked for it.
    story.sold(apr(5), "N2", "PENDING")
    story.other(apr(5), "D-N2", "N2", debit=LISTED)
    story.other(apr(6), "D-R2", "N2", code="REFUND", credit=LISTED, orig="D-N2")
    # The sale comes on the day on which AggD gives back what it charged for it.
    story.other(apr(5), "D-N3", "N3", debit=LISTED)
    story.other(apr(6), "D-R3", "N3", code="REFUND", credit=LISTED, orig="D-N3")
    story.sold(apr(6), "N3")
    story.run(apr(5))
    equal(
        told(story),
        [("AggD", "missing_at_platform", "N1"), ("AggD", "missing_at_platform", "N3")],
    )
    story.run(apr(6))
    of_partners = [t for t in told(story) if t[0].startswith("Agg")]
    equal(
        of_partners, [("AggA", "missing_at_partner", "N3"), ("AggA", "undelivered_overdue", "N2")]
    )
    equal(story.balance("Income:Net:Pulsa", apr(6)), -1_100 - 1_200)
    story.proven()
