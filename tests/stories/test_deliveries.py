"""Stories of deliveries: two partners, late words, prices, a deposit that runs dry."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.stories.telling import CUT, DEPOSIT, change, moved, opened, verdict, waiting
from tests.worked.story import Story, equal
from tests.worked.two import Two


def apr(day: int) -> date:
    return date(2026, 4, day)


def of_two(story: Two) -> list[tuple[str, str, str, int]]:
    """The break list of two partners: who, class, order and residue."""
    found = [b for b in story.books.breaks() if b["leg"] != "files"]
    return sorted((b["counterparty"], b["class"], b["ref"], int(b["residue"])) for b in found)


def test_story_3_the_first_partner_succeeds_after_all(tmp_path: Path) -> None:
    """A timed out, B delivered the retry; the day after, A says that it delivered too, and keeps the money."""
    story = Two(tmp_path / "books", apr(1))
    story.row(apr(1), "A-1", "L1", "PENDING", debit=CUT)
    story.sold(apr(1), "L1", partner="AggD")
    story.other(apr(1), "D-1", "L1", debit=49_900)
    story.row(apr(2), "A-1", "L1", debit=CUT, moved=0, at="01/04/2026 10:00:05")
    story.run(apr(1))
    equal((of_two(story), verdict(story, apr(1), "AggD")), ([], "reconciled"))
    equal([w for w in waiting(story) if w[1] == "sale-supply"], [("pending", "sale-supply", "L1")])
    story.run(apr(2))
    equal(of_two(story), [("AggA", "cross_partner_delivery", "L1", CUT)])
    [late] = [b for b in story.books.breaks() if b["ref"] == "L1"]
    equal((late["priority"], late["exposure"]), (1, str(CUT)))
    equal(story.balance("Assets:Breaks:AggA:Cross-Partner-Delivery", apr(2)), Decimal(CUT))
    equal(verdict(story, apr(2)), "breaks")
    # A gives its money back: the break closes by itself, the order stays as it was at B.
    story.restored(apr(4), "A-2", "L1", CUT, orig="A-1")
    story.run(apr(4))
    equal((of_two(story), waiting(story)), ([], []))
    equal(story.balance(DEPOSIT, apr(4)), Decimal(10_000_000))
    equal(story.balance("Income:Net:Pulsa", apr(4)), Decimal(-1_100))
    story.proven()


def test_story_4_a_duplicate_is_answered_and_the_order_rerouted(tmp_path: Path) -> None:
    """A took the order and answered our second call with 13, duplicate; we took that for a failure and went to B."""
    story = Two(tmp_path / "books", apr(1))
    for ref in ("R1", "R2"):
        story.sold(apr(1), ref, partner="AggD")
        story.other(apr(1), f"D-{ref}", ref, debit=49_900)
    story.row(apr(1), "A-1", "R1", debit=CUT)
    story.row(apr(1), "A-2", "R1", "GAGAL", text="13 TRANSAKSI GANDA")
    # Of R2 nothing was taken at all: a rerouted order, and no break.
    story.row(apr(1), "A-3", "R2", "GAGAL", text="13 TRANSAKSI GANDA")
    story.run(apr(1))
    equal(of_two(story), [("AggA", "cross_partner_delivery", "R1", CUT)])
    equal(waiting(story), [])
    told = story.books.explain(story.item("R1", "cross_partner_delivery"))
    assert "A-1" in str(told), told
    # Liability is A's: it is claimed, and comes back.
    story.decide(
        apr(2),
        story.item("R1", "cross_partner_delivery"),
        ("Assets:Claims:Partner:AggA", CUT),
        ("Assets:Breaks:AggA:Cross-Partner-Delivery", -CUT),
    )
    story.restored(apr(3), "A-4", "R1", CUT, orig="A-1")
    story.run(apr(3))
    equal((of_two(story), waiting(story)), ([], []))
    equal(story.balance("Assets:Claims:Partner:AggA", apr(3)), Decimal(0))
    equal(story.balance(DEPOSIT, apr(3)), Decimal(10_000_000))
    story.proven()


def test_story_5_the_callback_comes_after_the_final_check(tmp_path: Path) -> None:
    """We asked, were told failed, and gave the money back; then the partner calls: delivered and charged."""
    story = Story(tmp_path / "books", apr(1))
    paid = "2026-04-01 10:00:00"
    story.sold(apr(1), "K1", "FAILED", at="2026-04-01 10:05:00", paid=paid)
    story.sales[apr(1)][-1] = story.sales[apr(1)][-1].replace(
        "2026-04-01 10:05:00,,", "2026-04-01 10:05:00,2026-04-01 10:06:00,"
    )
    story.row(apr(1), "A-1", "K1", "GAGAL")
    story.row(apr(2), "A-1", "K1", debit=CUT, at="01/04/2026 10:00:05")
    story.run(apr(1))
    equal((verdict(story, apr(1)), opened(story)), ("reconciled", []))
    story.run(apr(2))
    equal(opened(story), [("late_success", "K1", CUT)])
    [late] = story.books.breaks()
    equal((late["priority"], late["residue"]), (1, str(CUT)))
    equal(story.balance("Assets:Breaks:AggA:Late-Success", apr(2)), Decimal(CUT))
    # The same word once more says nothing new.
    story.row(apr(3), "A-1", "K1", debit=CUT, moved=0, at="01/04/2026 10:00:05")
    story.run(apr(3))
    equal(opened(story), [("late_success", "K1", CUT)])
    equal(story.balance(DEPOSIT, apr(3)), Decimal(10_000_000 - CUT))
    # We take the callback over: the order is delivered after all, the break closes by itself.
    story.sold(apr(4), "K1", at="2026-04-04 09:00:00", paid=paid)
    story.run(apr(4))
    equal(opened(story), [])
    equal(story.balance("Assets:Breaks:AggA:Late-Success", apr(4)), Decimal(0))


def test_story_7_the_price_changes_at_ten(tmp_path: Path) -> None:
    """Rows on both sides of the minute, each at the price of its own; one still billed at the old price."""
    story = Story(tmp_path / "books", apr(1))
    (story.root / "prices" / "AggA.csv").write_text(
        "product,category,face,cost,from,to\n"
        "P50,Pulsa,50000,49800,,2026-04-01 10:00:00\n"
        "P50,Pulsa,50000,49950,2026-04-01 10:00:00,\n"
    )
    for ref, clock, cost in (
        ("BEFORE", "09:59:59", 49_800),
        ("AT", "10:00:00", 49_950),
        ("AFTER", "10:00:01", 49_950),
        ("WRONG", "10:30:00", 49_800),
    ):
        story.sold(apr(1), ref, at=f"2026-04-01 {clock}")
        story.row(apr(1), f"A-{ref}", ref, debit=cost, at=f"01/04/2026 {clock}")
    story.run(apr(1))
    equal(opened(story), [("cost_mismatch", "WRONG", -150)])
    equal(verdict(story, apr(1)), "breaks")
    equal(moved(story, apr(1), "supply")[DEPOSIT], Decimal(-2 * 49_800 - 2 * 49_950))
    equal(story.balance("Assets:Breaks:AggA:Cost-Mismatch", apr(1)), Decimal(-150))
    story.proven()


def test_story_8_dry_at_two_on_a_day_of_joint_leave(tmp_path: Path) -> None:
    """A burst of failures for want of deposit: failed rows, no breaks, the deposit below its floor."""
    day = date(2026, 3, 20)  # joint leave around Nyepi and Lebaran: no bank is open
    story = Story(tmp_path / "books", day, deposit=2 * CUT + 10_000)
    change(
        story.root / "sops" / "AggA.toml",
        "[versions.recognition.Pulsa]",
        '[versions.deposit]\nfloor = "100000"\n\n[versions.recognition.Pulsa]',
    )
    for number in range(2):
        story.sold(day, f"G{number}", at=f"{day} 01:5{number}:00")
        story.row(day, f"A-{number}", f"G{number}", debit=CUT, at=f"{day:%d/%m/%Y} 01:5{number}:05")
    for number in range(30):
        clock = f"02:{number:02}"
        story.sold(
            day,
            f"F{number}",
            "FAILED",
            at=f"{day} {clock}:10",
            paid=f"{day} {clock}:00",
            refunded=f"{day} {clock}:40",
        )
        story.row(
            day, f"A-F{number}", f"F{number}", "GAGAL", at=f"{day:%d/%m/%Y} {clock}:05",
            text="43 SALDO TIDAK CUKUP",
        )  # fmt: skip
    story.run(day)
    equal((opened(story), waiting(story)), ([], []))
    [told] = story.books.deposits()
    equal((told["closing"], told["below_floor"], told["tied"]), ("10000", True, True))
    [found] = [d for d in story.books.status()["days"] if d["counterparty"] == "AggA"]
    [leg] = [one for one in found["legs"] if one["leg"] == "sale-supply"]
    # Failed on both sides is agreed on, too.
    equal({c: o["count"] for c, o in leg["outcomes"].items()}, {"matched": 32})
    # Nothing differs between the two sides; that the deposit wants a top-up is said beside it.
    assert found["verdict"] in ("reconciled", "warnings")
    equal(moved(story, day, "supply")[DEPOSIT], Decimal(-2 * CUT))
    refunded = story.balance("Liabilities:Customer-Orders:Refund-Payable", day)
    equal(refunded, Decimal(0))
