"""A pass meets what stood open; the item keeps its id, and later versions of its rows find it."""

from __future__ import annotations

from tests.passes.conftest import Made
from tests.passes.days import DAY, Row, Sale, later, rule

TIDY = rule("tidy", "ref", forms={"ref": ("upper",)})


def test_a_row_of_today_meets_an_order_that_stood_open(partner: Made) -> None:
    made = partner(TIDY, sales=[Sale("T1")], rows=[Row("A1", "t1", day=later(1))]).run(
        DAY, later(1)
    )
    assert made.item("T1", day=later(1))["id"] == made.item("T1")["id"]
    assert made.shown(later(1)) == {"T1": ("matched", 0)}
    assert made.item("T1", day=later(1))["rule"] == "tidy"


def test_an_order_of_today_meets_a_row_that_stood_open_and_the_item_keeps_its_id(
    partner: Made,
) -> None:
    made = partner(TIDY, sales=[Sale("T1", day=later(1))], rows=[Row("A1", "t1")]).run(
        DAY, later(1)
    )
    before, after = made.item("t1"), made.item("T1", day=later(1))
    assert before["class"] == "timing"
    assert (after["id"], after["class"], after["rule"]) == (before["id"], "matched", "tidy")
    assert (after["amount_before"], after["home_before"]) == (49_800, before["home"])
    assert after["operands"] == "ref: T1 = t1 (upper)"


def test_what_both_stood_open_is_not_put_together_afterwards(partner: Made) -> None:
    own = rule("who", "customer")
    made = partner(own, sales=[Sale("T1", customer=None)], rows=[Row("A1", "X1")])
    made.run(DAY, later(1))
    assert {c for c, _ in made.shown(later(1)).values()} == {
        "missing_at_partner",
        "missing_at_platform",
    }


def test_a_later_version_of_the_row_finds_the_item(partner: Made) -> None:
    rows = [Row("A1", "t1"), Row("A1", "t1", 0, state="failed", day=later(2))]
    made = partner(TIDY, sales=[Sale("T1")], rows=rows).run(DAY, later(2))
    assert made.shown(later(2)) == {"T1": ("late_reversal", -49_800)}
    assert made.item("T1", day=later(2))["rule"] == "tidy"


def test_a_later_version_of_the_order_finds_the_item(partner: Made) -> None:
    sales = [Sale("T1"), Sale("T1", state="failed", day=later(2))]
    made = partner(TIDY, sales=sales, rows=[Row("A1", "t1")]).run(DAY, later(2))
    assert made.shown(later(2)) == {"T1": ("late_success", 49_800)}


def test_versions_find_an_item_whose_row_stood_open_first(partner: Made) -> None:
    rows = [Row("A1", "t1"), Row("A1", "t1", 0, state="failed", day=later(2))]
    made = partner(TIDY, sales=[Sale("T1", day=later(1))], rows=rows)
    made.run(DAY, later(1), later(2))
    assert made.shown(later(2)) == {"T1": ("late_reversal", -49_800)}
    assert made.item("T1", day=later(2))["id"] == made.item("t1")["id"]


def test_a_refund_that_names_the_row_finds_the_item(partner: Made) -> None:
    rows = [Row("A1", "t1"), Row("R1", None, kind="refund", orig="A1", day=later(2))]
    made = partner(TIDY, sales=[Sale("T1")], rows=rows).run(DAY, later(2))
    assert made.shown(later(2)) == {"T1": ("late_reversal", -49_800)}


def test_a_row_that_was_pending_meets_its_order_once_it_has_an_amount(partner: Made) -> None:
    own = rule("who", "customer", exact=True)
    rows = [
        Row("A1", "X1", state="pending", customer="c"),
        Row("A1", "X1", customer="c", day=later(1)),
    ]
    made = partner(own, sales=[Sale("T1", customer="c")], rows=rows, grace=3).run(DAY, later(1))
    assert made.shown(DAY) == {"T1": ("timing", -49_800), "X1": ("pending", 0)}
    ids = {i["key"]: i["id"] for i in made.said[DAY]}
    shown = made.shown(later(1))
    assert shown == {"T1": ("matched", 0), "T1+A1": ("matched", 0)}
    assert made.item("T1", "A1", later(1))["id"] == ids["X1"]


def test_the_partner_reference_meets_over_days_too(partner: Made) -> None:
    from finops_ledger.recon.legs import SALE_SUPPLY
    from finops_ledger.recon.rules import known

    own = known("partner_ref", SALE_SUPPLY)
    made = partner(own, sales=[Sale("T1", partner_ref="A1")], rows=[Row("A1", None, day=later(1))])
    made.run(DAY, later(1))
    assert made.shown(later(1)) == {"T1": ("matched", 0)}
