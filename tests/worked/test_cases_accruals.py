"""Worked case 21: the fee of orders that are not settled at the end of a month."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worked import workspace as w
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
FEE = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.11"\nper = "report"'
LAST, FIRST = date(2026, 5, 31), date(2026, 6, 1)
ACCRUED = "Liabilities:Accrued:Payment-Fee:PG2"


def _story(root: Path, fee: str = FEE, settled_on: date = FIRST) -> Story:
    """100 orders of 51,000 sold on the last day of May; PG2 settles them on the first of June."""
    story = Story(root, LAST, partner="AggD", gateway="PG2", bank=True, fee=fee)
    name = f"PG2-{settled_on:%Y%m%d}"
    for number in range(100):
        story.sold(LAST, f"N{number}")
        story.row(LAST, f"D-N{number}", f"N{number}", debit=49_900)
        vat = 40 if number < 27 else 39
        line = w.settled(name, settled_on, f"N{number}", "PAYMENT", 51_000, 357, vat)
        story.reports[settled_on].append(line)
    story.pays_out(FIRST, 5_060_373, name)
    return story


def _accruals(story: Story) -> list[tuple[date, str, int]]:
    return [
        (e.date, p.account, int(p.units.number))
        for e in story.directives("transaction")
        if "accrual" in e.tags
        for p in e.postings
    ]


def test_case_21_accrued_and_turned_back(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(FIRST)
    story.balances_hold(story.same_as(21))
    [accrued] = [e for e in story.directives("transaction") if e.meta.get("reverse")]
    equal(accrued.meta["reverse"], FIRST)
    equal(accrued.narration, "Accrual: fee 0.7 % on 5100000 not settled")
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_it_is_turned_back_before_anything_of_the_next_month_is_in(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(LAST)
    expense = "Expenses:Payment-Fee:PG2"
    wanted = [(LAST, expense, 35_700), (LAST, ACCRUED, -35_700)]
    wanted += [(FIRST, ACCRUED, 35_700), (FIRST, expense, -35_700)]
    equal(_accruals(story), wanted)
    equal([str(f) for f in story.books.verify()], [])
    story.run(FIRST)
    equal(_accruals(story), wanted)


def test_a_settlement_of_the_month_takes_it_away(tmp_path: Path) -> None:
    """The report of the last day is corrected by a later issue, in which the orders are settled."""
    story = _story(tmp_path / "books")
    story.run(LAST)
    equal(len(_accruals(story)), 4)
    w.gateway_report(
        story.root,
        LAST,
        [
            w.settled("PG2-20260531", LAST, f"N{n}", "PAYMENT", 51_000, 357, 40 if n < 27 else 39)
            for n in range(100)
        ],
        "PG2",
    )
    story.work()
    equal(_accruals(story), [])
    equal((story.root / "journal" / "2026" / "2026-06-01.beancount").exists(), False)
    equal([str(f) for f in story.books.verify()], [])


@pytest.mark.parametrize(("per", "due"), [("report", 357), ("row", 360)])
def test_rounded_as_the_contract_says(tmp_path: Path, per: str, due: int) -> None:
    story = Story(tmp_path / "books", LAST, gateway="PG2", fee=FEE.replace('"report"', f'"{per}"'))
    for number in range(10):
        story.sold(LAST, f"N{number}", price=5_100)  # 35.7 a row
        story.row(LAST, f"D-N{number}", f"N{number}", debit=49_800)
    story.run(LAST)
    equal(_accruals(story)[0][2], due)


def test_not_accrued_where_the_contract_is_not_or_says_so(tmp_path: Path) -> None:
    for name, fee in (("none", ""), ("off", FEE + '\naccrue = "none"')):
        story = _story(tmp_path / name, fee)
        story.run(LAST)
        equal(_accruals(story), [])


def test_a_refund_before_settlement_bears_no_fee(tmp_path: Path) -> None:
    """The fee is on gross payments; the payment is settled with it, the refund without."""
    story = Story(tmp_path / "books", LAST, gateway="PG2", fee=FEE)
    story.sold(LAST, "R1", "FAILED", refunded=f"{LAST} 11:00:00")
    story.run(LAST)
    equal(_accruals(story)[0][2], 357)


def test_a_closed_month_keeps_its_accrual(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(LAST)
    story.books.close_period(LAST, "controller-1")
    story.run(FIRST)
    equal(len(_accruals(story)), 4)
    equal(story.balance(ACCRUED, LAST), -35_700)
    equal(story.balance(ACCRUED, FIRST), 0)
    equal([str(f) for f in story.books.verify()], [])
