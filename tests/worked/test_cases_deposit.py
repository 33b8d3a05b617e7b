"""Worked cases of the deposit: it moves without a good row; a status nobody has mapped."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from finops_ledger.intake.formats import find_format
from tests.worked.story import Story, equal, segment, sums

pytestmark = pytest.mark.samples
CUT = 49_800
DIFFERENCE = "Assets:Breaks:AggA:"


def apr(day: int) -> date:
    return date(2026, 4, day)


def test_case_12_remark_only_and_a_gap_then_both_restored(tmp_path: Path) -> None:
    """(a) and (b) of the case; (c), the refused row, is the next test."""
    story = Story(tmp_path / "books", apr(24), deposit=9_601_600)
    story.row(apr(25), "A-1", "", code="ADJUST", debit=75_000, text="KOREKSI")
    story.sold(apr(25), "G2")
    story.row(apr(25), "A-2", "G2", debit=CUT, jump=-20_000)
    story.row(apr(26), "A-3", "", code="REFUND", credit=75_000, orig="A-1")
    story.row(apr(26), "A-4", "", code="REFUND", credit=20_000)
    story.run(apr(25))
    made = story.made(apr(25), apr(25))
    equal(
        {a: n for a, n in made[apr(25), "recon"].items() if "Breaks" in a},
        {f"{DIFFERENCE}Unexplained-Movement +": 75_000, f"{DIFFERENCE}Balance-Gap +": 20_000},
    )
    supply = made[apr(25), "supply"]
    equal(supply["Assets:Deposits:AggA -"], -75_000 - 20_000 - CUT)
    proofs = {(e.date, e.account): e.amount.number for e in story.directives("balance")}
    equal(proofs[apr(26), "Assets:Deposits:AggA"], 9_601_600 - 95_000 - CUT)
    story.run(apr(26))
    closed = story.made(apr(26), apr(26))[apr(26), "recon"]
    wanted = sums(segment(12), apr(26), apr(26))[apr(26), "recon"]
    names = ("Unexplained-Movement", "Balance-Gap")
    equal(
        {a: n for a, n in closed.items() if any(n_ in a for n_ in names)},
        {a: n for a, n in wanted.items() if any(n_ in a for n_ in names)},
    )
    equal(story.books.breaks(), [])
    story.proven()


def test_the_first_row_at_which_the_balance_does_not_run_on_is_told(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(24))
    for number, jump in enumerate((0, -20_000, 0, 0)):
        story.sold(apr(24), f"G{number}")
        story.row(apr(24), f"A-{number}", f"G{number}", debit=CUT, jump=jump)
    for number, jump in enumerate((0, CUT)):
        story.sold(apr(25), f"H{number}")
        story.row(apr(25), f"B-{number}", f"H{number}", debit=CUT, jump=jump)
    story.run(apr(25))
    told = {b["day"]: b["operands"] for b in story.books.breaks() if b["class"] == "balance_gap"}
    equal(
        told,
        {
            "2026-04-24": "their file is short of a row of -20000 before row 2, or row 2 is repriced: "
            "it lists -49800, the balance moved -69800",
            "2026-04-25": "row 2 is extra: it lists -49800, the balance did not move",
        },
    )
    item = next(b for b in story.books.breaks() if b["class"] == "balance_gap")
    reasons = [r for v in story.verdicts() if v.day == apr(25) for r in v.reasons]
    assert any("AggA_mutasi_20260425.csv:2 " in r and "row 2 is extra" in r for r in reasons)
    assert item["operands"] == story.books.explain(item["id"])["facts"]["operands"]
    story.proven()


def test_case_12_a_gap_between_two_days(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(24))
    story.sold(apr(24), "G1")
    story.row(apr(24), "A-1", "G1", debit=CUT)
    story.jumps[apr(26)] = -20_000
    story.sold(apr(26), "G2")
    story.row(apr(26), "A-2", "G2", debit=CUT)
    story.run(apr(26))
    equal([(b["class"], b["residue"]) for b in story.books.breaks()], [("balance_gap", "20000")])
    story.proven()


def test_case_12_refused_row_under_accept_valid(tmp_path: Path) -> None:
    """(c): the amount of one row cannot be read; the balance says what it was."""
    story = Story(tmp_path / "books", apr(24))
    for ref in ("G0", "G1", "G2"):
        story.sold(apr(25), ref)
        story.row(apr(25), f"A-{ref}", ref, debit=CUT)
    story.run(apr(24))
    story.drop(apr(25))
    path = story.root / "inbox" / "AggA_mutasi_20260425.csv"
    lines = path.read_text().split("\n")
    broken = next(n for n, line in enumerate(lines) if ";A-G1;" in line)
    lines[broken] = lines[broken].replace("49.800;;", "49.8OO;;")
    path.write_text("\n".join(lines))
    (story.kept / path.name).write_text(path.read_text())
    story.work(accept_valid=True)
    recon = story.made(apr(25), apr(25))[apr(25), "recon"]
    equal(recon[f"{DIFFERENCE}File-Defect +"], CUT)
    found = {b["class"]: b["residue"] for b in story.books.breaks()}
    equal(found, {"file_defect": "49800", "missing_at_partner": "-49800"})
    story.proven()


def test_status_nobody_has_mapped(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(24))
    story.sold(apr(24), "G1")
    story.sold(apr(24), "G2", "PENDING")
    story.row(apr(24), "A-1", "G1", "DIPROSES", debit=CUT)
    story.row(apr(24), "A-2", "G2", "DIPROSES", debit=CUT)
    story.sold(apr(25), "G2", paid="2026-04-24 10:00:00")
    began = {"at": "24/04/2026 10:00:05"}
    story.row(apr(25), "A-1", "G1", debit=CUT, moved=0, **began)
    story.row(apr(25), "A-2", "G2", debit=CUT, moved=0, **began)
    story.run(apr(24))
    supply = story.made(apr(24), apr(24))[apr(24), "supply"]
    equal(supply["Assets:Clearing:Supply-Pending:AggA +"], 2 * CUT)
    equal(
        {(b["ref"], b["class"]) for b in story.books.breaks()},
        {("G1", "status_unknown"), ("G2", "status_unknown")},
    )
    story.run(apr(25))
    equal(story.books.breaks(), [])
    story.proven()


TOPUPS = """
[versions.deposit]
crediting = "24h"
adjusts = "^T-"
tax = { rate = "0.005", account = "Assets:Tax:PPh22-Prepaid" }

[versions.tolerance.topup]
limit = "1"
account = "Expenses:Deposit-Fee"
owner = "treasury"
"""
TRANSIT = "Assets:Clearing:Deposit-In-Transit:AggA"


def may(day: int) -> date:
    return date(2026, 5, day)


def topped_up(tmp_path: Path, *, more: str = TOPUPS) -> Story:
    """A partner with top-ups, whose format knows a bonus."""
    shipped = find_format("aggregator", tmp_path).read_text()
    bonus = '  { column = "Kode Produk", equals = "BONUS", is = "bonus" },\n'
    first_rule = '  { column = "Kode Produk", equals = "TOPUP"'
    own = shipped.replace('name = "aggregator"', 'name = "own"')
    own = own.replace(first_rule, bonus + first_rule)
    return Story(tmp_path / "books", may(4), bank=True, grace="24h", own_format=own, more=more)


def sends(story: Story, day: int, *amounts: int) -> None:
    """We send top-ups through the bank."""
    for number, amount in enumerate(amounts):
        story.lines[may(day)].append((f"TRSF E-BANKING DB TOPUP AGGA {number}", -amount))


def credits(story: Story, day: int, *amounts: int) -> None:
    """The partner credits top-ups."""
    for number, amount in enumerate(amounts):
        story.row(may(day), f"T-{day}{number}", "", code="TOPUP", credit=amount)


def open_topups(story: Story, *, everything: bool = False) -> list[tuple[str, str]]:
    """Class and residue of what stands open of top-ups."""
    found = story.books.breaks(everything=everything)
    return [(b["class"], b["residue"]) for b in found if b["leg"] == "topup-bank"]


def test_case_15_top_ups(tmp_path: Path) -> None:
    story = topped_up(tmp_path)
    for amount in (10_000_001, 5_000_000, 3_000_000, 2_000_000, 10_050_000):
        sends(story, 4, amount)
        if amount != 10_050_000:
            story.lines[may(4)].append(("BIAYA ADM", -2_500))
    credits(story, 4, 10_000_000, 4_000_000, 3_500_000, 10_000_000)
    story.row(may(4), "T-B", "", code="BONUS", credit=10_000)
    story.row(may(5), "T-50", "", code="TOPUP", credit=1_000_000)
    story.row(may(5), "T-51", "", code="ADJUST", debit=500_000, orig="T-42")
    story.row(may(6), "T-60", "", code="TOPUP", credit=2_000_000)
    story.run(may(4))
    waiting = story.books.breaks(everything=True)
    equal([w["residue"] for w in waiting if w["class"] == "timing"], ["2000000"])
    story.run(may(6))
    story.balances_hold(story.same_as(15), "Assets:Deposits:")
    story.proven()


def test_the_odd_digit_is_credited_or_kept(tmp_path: Path) -> None:
    story = topped_up(tmp_path)
    sends(story, 4, 10_000_001, 10_000_002)
    credits(story, 4, 10_000_001, 10_000_001)
    story.run(may(4))
    recon = story.made(may(4), may(4))[may(4), "recon"]
    equal(recon["Expenses:Deposit-Fee +"], 1)
    equal(open_topups(story, everything=True), [])
    story.proven()


def test_one_ticket_split_in_two_transfers(tmp_path: Path) -> None:
    """Story 9 of the reconciliation notes: 10,000,001 sent in two, credited as one, the digit kept."""
    story = topped_up(tmp_path)
    sends(story, 4, 6_000_000, 4_000_001)
    credits(story, 5, 10_000_000)
    story.run(may(5))
    equal(open_topups(story, everything=True), [])
    equal(story.balance("Expenses:Deposit-Fee", may(5)), 1)
    equal(story.balance(TRANSIT, may(5)), 0)
    story.proven()


def test_one_transfer_credited_in_two(tmp_path: Path) -> None:
    story = topped_up(tmp_path)
    sends(story, 4, 10_000_000)
    credits(story, 4, 6_000_000, 4_000_000)
    story.run(may(4))
    equal(open_topups(story, everything=True), [])
    story.proven()


def test_two_tickets_of_one_amount_are_two_items(tmp_path: Path) -> None:
    """The second is not credited, and a third of the next day does not make it younger."""
    story = topped_up(tmp_path)
    sends(story, 4, 5_000_000, 5_000_000)
    credits(story, 4, 5_000_000)
    sends(story, 5, 5_000_000)
    credits(story, 6, 5_000_000)
    story.run(may(4))
    equal(open_topups(story, everything=True), [("timing", "5000000")])
    story.run(may(5))
    equal(
        sorted(open_topups(story, everything=True)),
        [("timing", "5000000"), ("topup_not_credited", "5000000")],
    )
    story.run(may(6))
    equal(open_topups(story), [("topup_not_credited", "5000000")])
    story.proven()


def test_two_equally_near_top_ups_decide_nothing(tmp_path: Path) -> None:
    story = topped_up(tmp_path)
    sends(story, 4, 5_000_000, 4_000_000)
    credits(story, 4, 4_500_000)
    story.run(may(5))
    equal(
        sorted(open_topups(story)),
        [
            ("topup_mismatch", "-4500000"),
            ("topup_not_credited", "4000000"),
            ("topup_not_credited", "5000000"),
        ],
    )
    story.proven()
