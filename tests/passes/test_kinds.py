"""Each kind of pass, told as the domain meets it."""

from __future__ import annotations

import pytest

from tests.passes.conftest import Made
from tests.passes.days import DAY, Row, Sale, later, rule

OPEN = ("timing", -49_800), ("timing", 49_800)


def test_the_partners_reference_written_otherwise_is_the_same_one(partner: Made) -> None:
    own = rule("tidy", "ref", forms={"ref": ("trim", "upper", "strip")})
    made = partner(
        own, sales=[Sale("T-0001"), Sale("T-0002")], rows=[Row("A1", " t0001"), Row("A2", "T/2")]
    )
    made.run()
    assert made.shown() == {
        "T-0001": ("matched", 0), "T-0002": OPEN[0], "T/2": OPEN[1],
    }  # fmt: skip
    found = made.item("T-0001")
    assert found["rule"] == "tidy"
    assert found["operands"] == "ref: T-0001 =  t0001 (trim, upper, strip)"
    assert (found["left_batch"], found["left_record"]) == (f"b-sale-{DAY}", 1)
    assert (found["right_batch"], found["right_record"]) == (f"b-supply-{DAY}", 1)


def test_leading_zeros_are_part_of_an_id(partner: Made) -> None:
    own = rule("digits", "ref", forms={"ref": ("digits",)})
    made = partner(own, sales=[Sale("T00123")], rows=[Row("A1", "123"), Row("A2", "R-00123")]).run()
    assert made.shown() == {"T00123": ("matched", 0), "123": OPEN[1]}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("081234567890", "6281234567890", True),
        ("081234567890", "+62 812-3456-7890", True),
        ("081234567890", "0062 812 3456 7890", True),
        ("081234567890", "81234567890", False),
        ("012345678901", "6212345678901", False),  # a meter's number is no mobile's
        ("081234567890", "6281234567891", False),
    ],
)
def test_forms_of_a_mobile_number(partner: Made, ours: str, theirs: str, same: bool) -> None:
    own = rule("number", "ref", forms={"ref": ("msisdn",)})
    made = partner(own, sales=[Sale(ours)], rows=[Row("A1", theirs)]).run()
    assert (made.shown()[ours] == ("matched", 0)) is same


def test_columns_may_cross(partner: Made) -> None:
    """Their report names our order in the column of their own number."""
    made = partner(
        rule("cross", "ref = partner_ref"), sales=[Sale("T1")], rows=[Row("T1", "X9")]
    ).run()
    assert made.item("T1")["operands"] == "ref = partner_ref: T1 = T1"


def test_an_empty_column_equals_nothing(partner: Made) -> None:
    made = partner(rule("who", "customer"), sales=[Sale("T1")], rows=[Row("A1", None)]).run()
    assert made.shown() == {"T1": OPEN[0], "~A1": ("unexplained_movement", 49_800)}


def test_a_difference_within_the_limit_is_let_pass_and_told(partner: Made) -> None:
    own = rule("near", "customer", limit=100, account="Expenses:Differences", minutes=10)
    sales = [Sale("T1", customer="c1"), Sale("T2", customer="c2")]
    rows = [Row("A1", "X1", 49_900, customer="c1", at=605), Row("A2", "X2", 49_901, customer="c2")]
    made = partner(own, sales=sales, rows=rows).run()
    assert made.shown() == {
        "T1": ("matched_within_tolerance", 0), "T2": OPEN[0], "X2": ("timing", 49_901),
    }  # fmt: skip
    found = made.item("T1")
    assert (found["absorbed"], found["settled"], found["home"]) == (100, 100, None)
    assert found["operands"] == (
        "customer: c1 = c1; amount: 49800 ~ 49900, off by 100 (limit 100); time: 5 min apart (of 10)"
    )


def test_time_decides_between_two_and_the_other_is_named(partner: Made) -> None:
    own = rule("when", "customer", exact=True, minutes=30)
    rows = [Row("A1", "X1", customer="c", at=601), Row("A2", "X2", customer="c", at=620)]
    made = partner(own, sales=[Sale("T1", customer="c")], rows=rows).run()
    assert made.shown() == {"T1": ("matched", 0), "X2": OPEN[1]}
    assert made.item("T1")["rejected"] == f"b-supply-{DAY}:2"


def test_two_that_are_equally_good_are_suggested_and_never_picked(partner: Made) -> None:
    own = rule("who", "customer", "product", exact=True)
    rows = [Row("A1", "X1", customer="c"), Row("A2", "X2", customer="c")]
    made = partner(own, sales=[Sale("T1", customer="c")], rows=rows).run()
    assert made.shown() == {"T1": OPEN[0], "X1": OPEN[1], "X2": OPEN[1]}
    ids = {i["key"]: i["id"] for i in made.said[DAY]}
    told = made.item("T1")["suggestion"].split("; ")
    why = "who: 2 equally good, customer: c = c, product: P50 = P50, amount: 49800 = 49800"
    assert sorted(told) == sorted([f"{ids['X1']} {why}", f"{ids['X2']} {why}"])
    assert made.item("X1")["suggestion"] == f"{ids['T1']} {why}"
    assert sum(i["suggestion"] is not None for i in made.said[DAY]) == 3


def test_rows_of_one_key_are_one_group_and_no_doubt(partner: Made) -> None:
    own = rule("tidy", "ref", forms={"ref": ("upper",)})
    rows = [Row("A1", "t1", at=601), Row("A2", "t1", at=602)]
    made = partner(own, sales=[Sale("T1")], rows=rows).run()
    assert made.shown() == {"T1": ("matched", 0), "T1+A2": ("duplicate_delivery", 49_800)}


def test_the_last_pass_only_suggests(partner: Made) -> None:
    last = rule("guess", "customer", "product", exact=True, minutes=60, suggest=True)
    made = partner(
        last, sales=[Sale("T1", customer="c")], rows=[Row("A1", "X1", customer="c", at=605)]
    ).run()
    assert made.shown() == {"T1": OPEN[0], "X1": OPEN[1]}
    assert "guess: customer: c = c" in made.item("X1")["suggestion"]


def test_a_suggestion_stays_until_its_other_side_is_gone(partner: Made) -> None:
    last = rule("guess", "customer", suggest=True)
    made = partner(
        last,
        sales=[Sale("T1", customer="c"), Sale("X1", day=later(2))],
        rows=[Row("A1", "X1", customer="c")],
    )
    made.run(DAY, later(1), later(2))
    assert made.item("T1", day=later(1))["suggestion"] == made.item("T1")["suggestion"]
    assert made.shown(later(2)) == {"T1": ("missing_at_partner", -49_800), "X1": ("matched", 0)}
    assert made.item("T1", day=later(2))["suggestion"] is None


def test_passes_go_in_order_and_each_takes_what_is_left(partner: Made) -> None:
    first = rule("serial", "serial")
    second = rule("who", "customer", exact=True)
    sales = [Sale("T1", customer="c", serial="S1"), Sale("T2", customer="c", serial="S2")]
    rows = [Row("A1", "X1", customer="c", serial="S2"), Row("A2", "X2", customer="c")]
    made = partner(first, second, sales=sales, rows=rows).run()
    assert [made.item(t)["right_key"] for t in ("T1", "T2")] == ["A2", "A1"]
    assert [made.item(t)["rule"] for t in ("T1", "T2")] == ["who", "serial"]


def test_a_pass_is_for_products_and_categories(partner: Made) -> None:
    own = rule("who", "customer", products=("P50",), categories=("Pulsa",))
    sales = [Sale("T1", customer="a"), Sale("T2", customer="b", product="P20"),
             Sale("T3", customer="c", category="Game")]  # fmt: skip
    rows = [
        Row("A1", "X1", customer="a"),
        Row("A2", "X2", customer="b"),
        Row("A3", "X3", customer="c"),
    ]
    made = partner(own, sales=sales, rows=rows).run()
    assert [k for k, (c, _) in made.shown().items() if c == "matched"] == ["T1"]
