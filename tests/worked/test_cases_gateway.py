"""Worked cases of the gateway and the bank: fees, payouts, chargebacks, refunds made twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worked import workspace as w
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
FEE = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.11"\nper = "report"'


def may(day: int) -> date:
    return date(2026, 5, day)


def jun(day: int) -> date:
    return date(2026, 6, day)


def test_case_20_report_and_bank(tmp_path: Path) -> None:
    story = Story(
        tmp_path / "books", may(21), partner="AggD", gateway="PG2", bank=True, lag=4, fee=FEE
    )
    for number in range(100):
        ref = f"H{number + 1}"
        story.sold(may(21), ref)
        story.row(may(21), f"D-{ref}", ref, debit=49_900)
        if number:
            vat = 45 if number <= 87 else 44
            line = w.settled("PG2-20260522", may(22), ref, "PAYMENT", 51_000, 408, vat)
            story.reports[may(22)].append(line)
    paid = "2026-05-21 10:00:00"
    story.sold(may(22), "H100", "REFUNDED", paid=paid, refunded="2026-05-22 11:00:00")
    story.restored(may(22), "D-R", "H100", 49_900, orig="D-H100")
    story.reports[may(22)].append(w.settled("PG2-20260522", may(22), "H100", "REFUND", -51_000))
    story.pays_out(may(22), 4_950_265, "PG2-20260522")
    story.reports[may(26)] += [
        w.settled("PG2-20260526", may(26), "H1", "PAYMENT", 51_000, 357, 39),
        w.settled("PG2-20260526", may(26), "OLD-1", "CHARGEBACK", -51_000),
    ]
    story.lines[may(26)].append(("KR OTOMATIS TANPA KETERANGAN", 5_208))
    story.run(may(26))
    chart = story.root / "accounts.beancount"
    chart.write_text(
        chart.read_text() + "2026-01-01 open Expenses:Operational-Loss:Chargeback IDR\n"
    )
    decided = (
        ("", "settlement_short", "Expenses:Bank-Charge", "Settlement-Short", 2_900),
        ("", "fee_mismatch", "Assets:Claims:Gateway:PG2", "Fee-Mismatch", 5_604),
        ("", "chargeback", "Expenses:Operational-Loss:Chargeback", "Chargeback", 51_000),
    )
    for ref, class_, to, name, amount in decided:
        story.decide(
            may(26), story.item(ref, class_), (to, amount), (f"Assets:Breaks:PG2:{name}", -amount)
        )
    story.run(may(27))
    reference = story.same_as(20, may(21), may(26))
    story.balances_hold([e for e in reference if e.date <= may(26)])
    # The line that nobody knows is an item on Suspense, until a person says what it is.
    unknown = [b for b in story.books.breaks() if b["class"] == "unidentified_credit"]
    equal(
        [(b["counterparty"], b["residue"], b["exposure"], b["account"]) for b in unknown],
        [("BCA", "0", "5208", "Liabilities:Suspense:Unidentified")],
    )
    story.proven()


def settles(story: Story, day: int, ref: str, gross: int, order: str) -> None:
    """A settlement of one order, paid the day before."""
    story.sold(may(day), order, price=gross)
    story.row(may(day), f"A-{order}", order, debit=49_800)
    line = w.settled(ref, may(day), order, "PAYMENT", gross)
    story.reports[may(day)].append(line)


def payouts(story: Story, *, everything: bool = False) -> list[tuple[str, str, str]]:
    """What stands open between settlements and the bank."""
    found = story.books.breaks(everything=everything)
    return sorted(
        (b["ref"], b["class"], b["residue"]) for b in found if b["leg"] == "settlement-bank"
    )


def paid(tmp_path: Path) -> Story:
    """A gateway that settles, and a bank."""
    return Story(tmp_path / "books", may(21), gateway="PG1", bank=True, lag=1)


def test_one_payout_for_several_settlements(tmp_path: Path) -> None:
    story = paid(tmp_path)
    settles(story, 21, "PG1-20260521", 51_000, "O1")
    settles(story, 22, "PG1-20260522", 52_000, "O2")
    story.pays_out(may(22), 103_000, "PG1-20260522")
    story.run(may(22))
    equal(payouts(story, everything=True), [])
    story.proven()


def test_one_settlement_in_several_bank_lines(tmp_path: Path) -> None:
    story = paid(tmp_path)
    settles(story, 21, "PG1-20260521", 51_000, "O1")
    story.pays_out(may(21), 50_000, "PG1-20260521")
    story.pays_out(may(21), 1_000, "PG1-20260521")
    settles(story, 22, "PG1-20260522", 61_000, "O2")
    story.pays_out(may(22), 40_000, "")
    story.pays_out(may(22), 21_000, "")
    story.run(may(22))
    equal(payouts(story, everything=True), [])
    story.proven()


def test_short_over_and_overdue(tmp_path: Path) -> None:
    story = paid(tmp_path)
    for day, ref in ((21, "PG1-20260521"), (22, "PG1-20260522"), (23, "PG1-20260523")):
        settles(story, day, ref, 51_000, f"O{day}")
    story.pays_out(may(21), 48_100, "PG1-20260521")
    story.pays_out(may(22), 51_007, "PG1-20260522")
    story.run(may(24))
    equal(
        payouts(story),
        [
            ("PG1-20260521", "settlement_short", "2900"),
            ("PG1-20260522", "settlement_over", "-7"),
            ("PG1-20260523", "settlement_overdue", "0"),
        ],
    )
    story.proven()


def test_a_payout_without_a_reference_meets_the_one_settlement_of_its_amount(
    tmp_path: Path,
) -> None:
    story = paid(tmp_path)
    settles(story, 21, "PG1-20260521", 51_000, "O1")
    settles(story, 21, "PG1-20260521B", 52_000, "O2")
    story.pays_out(may(22), 52_000, "")
    story.run(may(22))
    left = payouts(story, everything=True)
    equal([ref for ref, _, _ in left], ["PG1-20260521"])
    story.proven()


def test_two_settlements_of_one_amount_decide_nothing(tmp_path: Path) -> None:
    story = paid(tmp_path)
    settles(story, 21, "PG1-20260521", 51_000, "O1")
    settles(story, 21, "PG1-20260521B", 51_000, "O2")
    story.pays_out(may(21), 51_000, "")
    story.run(may(21))
    equal(len(payouts(story, everything=True)), 3)
    story.proven()


def test_a_negative_net_is_carried_to_the_next_payout(tmp_path: Path) -> None:
    story = paid(tmp_path)
    story.sold(
        may(21),
        "Z1",
        "FAILED",
        paid="2026-05-21 08:00:00",
        refunded="2026-05-21 10:00:00",
        partner="",
    )
    story.reports[may(21)] = [w.settled("PG1-20260521", may(21), "OLD", "CHARGEBACK", -11_000)]
    settles(story, 22, "PG1-20260522", 51_000, "O2")
    story.pays_out(may(22), 40_000, "PG1-20260522")
    story.run(may(22))
    equal(payouts(story, everything=True), [])
    story.proven()


def test_case_23_refunded_twice(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", jun(5), gateway="PG2", bank=True, lag=4)
    story.sold(jun(5), "Z1", "FAILED", refunded="2026-06-05 10:05:00", partner="")
    twice = w.settled("PG2-20260605", jun(5), "Z1", "REFUND", -51_000)
    story.reports[jun(5)] = [
        w.settled("PG2-20260605", jun(5), "Z1", "PAYMENT", 51_000),
        twice,
        twice,
    ]
    story.run(jun(5))
    story.decide(
        jun(8),
        story.item("Z1", "refund_mismatch"),
        ("Expenses:Operational-Loss:Human-Error", 51_000),
        ("Assets:Breaks:PG2:Refund-Mismatch", -51_000),
    )
    story.run(jun(8))
    story.balances_hold(story.same_as(23))
    story.proven()
