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


def test_case_15_top_ups_by_their_exact_amount(tmp_path: Path) -> None:
    """Top-ups meet by exact amount only.

    What the partner credited short, over, without the odd digit or less a tax is two items:
    ``topup_not_credited`` of what was sent and ``topup_mismatch`` of what was credited. In sum
    they are what the reference puts on its breaks, fees, taxes and transit.
    """

    def may(day: int) -> date:
        return date(2026, 5, day)

    shipped = find_format("aggregator", tmp_path).read_text()
    bonus = '  { column = "Kode Produk", equals = "BONUS", is = "bonus" },\n'
    first_rule = '  { column = "Kode Produk", equals = "TOPUP"'
    own = shipped.replace('name = "aggregator"', 'name = "own"')
    own = own.replace(first_rule, bonus + first_rule)
    story = Story(tmp_path / "books", may(4), bank=True, grace="24h", own_format=own)
    sent = (10_000_001, 5_000_000, 3_000_000, 2_000_000, 10_050_000)
    for number, amount in enumerate(sent):
        story.lines[may(4)].append((f"TRSF E-BANKING DB TOPUP AGGA {number}", -amount))
        if amount != 10_050_000:
            story.lines[may(4)].append(("BIAYA ADM", -2_500))
    for number, amount in enumerate((10_000_000, 4_000_000, 3_500_000, 10_000_000)):
        story.row(may(4), f"T-{number}", "", code="TOPUP", credit=amount)
    story.row(may(4), "T-B", "", code="BONUS", credit=10_000)
    story.row(may(6), "T-9", "", code="TOPUP", credit=2_000_000)
    story.run(may(6))
    made, wanted = story.made(may(4), may(6)), sums(segment(15), may(4), may(6))
    for key in ((may(4), "bank"), (may(4), "supply"), (may(6), "supply")):
        equal(made[key], wanted[key])
    equal(made.get((may(4), "recon")), None)
    names = "Assets:Breaks:AggA:Topup-"
    equal(made[may(5), "recon"][f"{names}Not-Credited +"], sum(sent))
    equal(made[may(5), "recon"][f"{names}Mismatch -"], -27_500_000)
    equal(made[may(6), "recon"], wanted[may(6), "recon"])
    story.proven()
