"""Worked cases of days: a file that comes late, a cut-off; and vouchers sold as principal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worked.story import Story, equal, snapshot, sums

pytestmark = pytest.mark.samples
CUT = 49_800


def apr(day: int) -> date:
    return date(2026, 4, day)


def may(day: int) -> date:
    return date(2026, 5, day)


def _two_days(root: Path) -> Story:
    story = Story(root, apr(27), deposit=9_601_600)
    story.sold(apr(28), "M1")
    story.row(apr(28), "A-M1", "M1", debit=CUT)
    story.sold(apr(29), "M2")
    story.row(apr(29), "A-M2", "M2", debit=CUT)
    return story


def test_case_13_evening_of_the_29th_without_the_file_of_the_28th(tmp_path: Path) -> None:
    story = _two_days(tmp_path / "books")
    story.missing = {apr(28)}
    story.run(apr(29))
    entries = story.load()
    equal(story.balance("Assets:Clearing:Supply:AggA", apr(29)), -CUT)
    equal(sums(entries, apr(27), apr(29)).get((apr(28), "recon")), None)
    verdicts = {(v.day, v.counterparty): v.verdict for v in story.verdicts()}
    equal(verdicts[apr(28), "AggA"], "incomplete")
    equal(verdicts[apr(29), "AggA"], "reconciled")
    [missing] = story.books.breaks()
    told = (missing["leg"], missing["class"], missing["day"], missing["residue"])
    equal(told, ("files", "file_missing", "2026-04-28", "0"))
    proofs = {(e.date, e.account) for e in story.directives("balance")}
    equal((apr(29), "Assets:Deposits:AggA") in proofs, False)
    equal((apr(30), "Assets:Deposits:AggA") in proofs, False)


def test_case_13_the_late_file_makes_the_same_books_as_one_in_time(tmp_path: Path) -> None:
    late = _two_days(tmp_path / "late")
    late.missing = {apr(28)}
    late.run(apr(29))
    late.bring(apr(28))
    late.balances_hold(late.same_as(13))
    late.proven()
    in_time = _two_days(tmp_path / "in-time")
    in_time.run(apr(29))
    made, wanted = snapshot(late.root), snapshot(in_time.root)
    for books in (made, wanted):
        for name in ("manifest", "journal/index.beancount"):
            books.pop(name)
    equal([n for n in {*made, *wanted} if made.get(n) != wanted.get(n)], [])


def test_case_14_month_end_cut_off_that_never_comes(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(30))
    story.sold(apr(30), "K1", at="2026-04-30 23:20:00")
    story.run(may(1))
    story.balances_hold(story.same_as(14))
    story.proven()


def test_case_17_principal_with_tax_per_row_and_a_tolerance(tmp_path: Path) -> None:
    more = '\n[versions.tolerance.cost]\nlimit = "100"\nowner = "purchasing"\n'
    story = Story(tmp_path / "books", may(8), partner="PubC", more=more)
    for number in range(10):
        ref = f"V{number}"
        cost = 19_100 if number == 9 else 19_000
        story.sold(may(8), ref, price=20_500, product="V20")
        story.row(may(8), f"B-{ref}", ref, debit=cost, code="V20")
    story.sold(
        may(9),
        "V0",
        "REFUNDED",
        paid="2026-05-08 10:00:00",
        price=20_500,
        product="V20",
        refunded="2026-05-09 11:00:00",
    )
    story.restored(may(9), "B-R", "V0", 19_000, orig="B-V0")
    story.run(may(9))
    reference = story.same_as(17, may(8), may(9))
    story.balances_hold([e for e in reference if e.date == may(10)])
    story.proven()
