"""Worked case 19: a partner that is paid afterwards, net of the commission that it grants."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import equal

pytestmark = pytest.mark.samples
UNBILLED = "Liabilities:Payable:AggB:Unbilled"
INVOICED = "Liabilities:Payable:AggB:Invoiced"
GRANTED = "Assets:Receivable:Commission:AggB"
TRANSIT = "Assets:Clearing:Settlement-In-Transit:AggB"
WITHHELD = "Assets:Tax:PPh23-Prepaid"
CLAIM = "Assets:Claims:Partner:AggB"


def may(day: int) -> date:
    return date(2026, 5, day)


def _short(story: Postpaid) -> None:
    """100 bills with too small a commission, claimed, granted in the statement; we pay 1,000 too much."""
    for number in range(100):
        story.paid(may(15), f"S{number}")
        story.billed(may(15), f"S{number}", commission=1_150, ppn=126)
    story.invoices_(may(18), "AggB-20260515", may(15), 35_250_000, 120_000, 13_200)
    story.lines[may(18)].append(("TRSF AGGB AggB-20260515", -35_120_200))
    story.lines[may(20)].append(("KR AGGB AggB-20260515 KELEBIHAN", 1_000))


def _claimed(story: Postpaid) -> list[str]:
    items = [b["id"] for b in story.books.breaks() if b["class"] == "fee_mismatch"]
    equal(len(items), 100)
    text = f'{may(16)} * "AggB" "Commission claimed" #decision\n'
    text += '  maker: "preparer-1"\n  checker: "approver-1"\n'
    for item in items:
        text += f'  {CLAIM}  56 IDR\n    break: "{item}"\n'
        text += f'  Assets:Breaks:AggB:Fee-Mismatch  -56 IDR\n    break: "{item}"\n'
    w.decide(story.root, may(16), text)
    return items


def _day_of_bills(story: Postpaid) -> None:
    for number in range(10_000):
        story.paid(may(13), f"L{number}")
        story.billed(may(13), f"L{number}")
    story.invoices_(may(14), "AggB-20260513", may(13), 3_525_000_000, 12_000_000, 1_320_000)
    story.pays(
        may(14),
        "AggB-20260513",
        (INVOICED, 3_525_000_000, ""),
        (GRANTED, -13_320_000, ""),
        (WITHHELD, 240_000, ""),
        (TRANSIT, -3_511_920_000, ""),
    )
    story.lines[may(14)].append(("TRSF AGGB AggB-20260513", -3_511_920_000))


def test_case_19_net_settlement_commission_and_withholding(tmp_path: Path) -> None:
    story = Postpaid(tmp_path / "books", may(13))
    _day_of_bills(story)
    _short(story)
    story.run(may(15))
    items = _claimed(story)
    story.run(may(17))
    equal({b["state"] for b in story.books.breaks()}, {"claimed"})
    story.pays(
        may(18),
        "AggB-20260515",
        (INVOICED, 35_250_000, ""),
        (GRANTED, -127_600, ""),
        *((CLAIM, -56, item) for item in items),
        (WITHHELD, 2_400, ""),
        (TRANSIT, -35_119_200, ""),
    )
    story.run(may(18))
    over = [(b["ref"], b["class"], b["residue"]) for b in story.books.breaks()]
    equal(over, [("20260515", "settlement_over", "1000")])
    story.run(may(20))
    equal(story.books.breaks(everything=True), [])
    story.balances_hold(story.same_as(19))
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])
