"""Worked case 19: a partner that is paid afterwards, net of the commission that it grants."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

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


def test_case_19_sale_and_supply(tmp_path: Path) -> None:
    story = Postpaid(tmp_path / "books", may(13))
    for number in range(10_000):
        story.paid(may(13), f"L{number}")
        story.billed(may(13), f"L{number}")
    story.run(may(13))
    story.same_as(19, may(13), may(13))
    story.proven()
