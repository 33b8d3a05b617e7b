"""One order in several rows, several orders in one row, groups; and sums that are searched within a bound."""

from __future__ import annotations

from tests.passes.conftest import Made
from tests.passes.days import DAY, Row, Sale, later, rule

BATCH = f"b-supply-{DAY}"


def test_one_order_delivered_in_two_rows(partner: Made) -> None:
    own = rule("parts", "customer", cardinality="one-to-many")
    rows = [Row("A1", "X1", 30_000, customer="c"), Row("A2", "X2", 19_800, customer="c", at=610)]
    made = partner(own, sales=[Sale("T1", customer="c")], rows=rows).run()
    assert made.shown() == {"T1": ("matched", 0), "T1+A2": ("matched", 0)}
    found = made.item("T1")
    assert found["rule"] == "parts"
    assert found["operands"] == (
        f"customer: c; sum of ours: b-sale-{DAY}:1 49800 = 49800; "
        f"sum of theirs: {BATCH}:1 30000, {BATCH}:2 19800 = 49800"
    )
    # Every row stands on one item: the second on one of its own, from which its amount moved on.
    beside = made.item("T1", "A2")
    assert (beside["right_record"], beside["right_key"], beside["right_now"]) == (2, "A2", 0)
    assert (found["left_now"], found["right_now"]) == (-49_800, 49_800)


def test_several_orders_in_one_row(partner: Made) -> None:
    own = rule("lump", "customer", cardinality="many-to-one")
    sales = [Sale("T1", 20_000, customer="c"), Sale("T2", 29_800, customer="c", at=601)]
    made = partner(own, sales=sales, rows=[Row("A1", "X1", customer="c", at=605)]).run()
    assert made.shown() == {"T1": ("matched", 0), "T2": ("matched", 0)}
    assert [made.item(t)["right_now"] for t in ("T1", "T2")] == [20_000, 29_800]
    assert [made.item(t)["right_record"] for t in ("T1", "T2")] == [1, 1]
    assert [made.item(t)["right_key"] for t in ("T1", "T2")] == ["A1", None]


def test_a_group_adds_up_and_the_limit_is_taken_on_the_first(partner: Made) -> None:
    own = rule("day", "customer", cardinality="groups", limit=50, account="Expenses:Differences")
    sales = [Sale("T1", 20_000, customer="c"), Sale("T2", 29_800, customer="c", at=601)]
    rows = [Row("A1", "X1", 40_000, customer="c"), Row("A2", "X2", 9_820, customer="c", at=602)]
    made = partner(own, sales=sales, rows=rows).run()
    assert made.shown() == {
        "T1": ("matched_within_tolerance", 0), "T1+A2": ("matched", 0), "T2": ("matched", 0),
    }  # fmt: skip
    assert made.item("T1")["absorbed"] == 20


def test_what_does_not_add_up_is_left_alone(partner: Made) -> None:
    own = rule("day", "customer", cardinality="groups")
    sales = [Sale("T1", 20_000, customer="c"), Sale("T2", 29_800, customer="c")]
    made = partner(own, sales=sales, rows=[Row("A1", "X1", 40_000, customer="c")]).run()
    assert {c for c, _ in made.shown().values()} == {"timing"}


def test_the_second_part_comes_a_day_later_and_ids_stay(partner: Made) -> None:
    own = rule("parts", "customer", cardinality="one-to-many")
    rows = [
        Row("A1", "X1", 30_000, customer="c"),
        Row("A2", "X2", 19_800, day=later(1), customer="c"),
    ]
    made = partner(own, sales=[Sale("T1", customer="c")], rows=rows).run(DAY, later(1))
    ids = {i["key"]: i["id"] for i in made.said[DAY]}
    assert made.shown(later(1)) == {"T1": ("matched", 0), "T1+A1": ("matched", 0)}
    closed = made.item("T1", "A1", later(1))
    assert (closed["id"], closed["amount_before"], closed["recon_amount"]) == (ids["X1"], 30_000, 0)
    assert made.item("T1", day=later(1))["id"] == ids["T1"]


def test_parts_first_and_the_order_a_day_later(partner: Made) -> None:
    own = rule("parts", "customer", cardinality="one-to-many")
    rows = [Row("A1", "X1", 30_000, customer="c"), Row("A2", "X2", 19_800, customer="c")]
    made = partner(own, sales=[Sale("T1", day=later(1), customer="c")], rows=rows).run(
        DAY, later(1)
    )
    ids = {i["key"]: i["id"] for i in made.said[DAY]}
    assert made.shown(later(1)) == {"T1": ("matched", 0), "T1+A2": ("matched", 0)}
    assert made.item("T1", day=later(1))["id"] == ids["X1"]
    assert made.item("T1", "A2", later(1))["id"] == ids["X2"]


def test_a_part_that_is_taken_back_later_is_missed_on_the_order(partner: Made) -> None:
    own = rule("parts", "customer", cardinality="one-to-many")
    rows = [
        Row("A1", "X1", 30_000, customer="c"), Row("A2", "X2", 19_800, customer="c", at=610),
        Row("A2", "X2", 0, customer="c", state="failed", day=later(3)),
    ]  # fmt: skip
    made = partner(own, sales=[Sale("T1", customer="c")], rows=rows).run(DAY, later(3))
    assert made.shown(later(3)) == {"T1": ("cost_mismatch", -19_800), "T1+A2": ("matched", 0)}


def test_a_subset_that_is_the_only_one(partner: Made) -> None:
    own = rule("subset", "customer", cardinality="subset", bound=1_000)
    sales = [Sale("T1", 50_000, customer="c"), Sale("T2", 11_000, customer="c")]
    rows = [Row("A1", "X1", 30_000, customer="c"), Row("A2", "X2", 20_000, customer="c", at=601),
            Row("A3", "X3", 7_000, customer="c")]  # fmt: skip
    made = partner(own, sales=sales, rows=rows).run()
    assert made.shown() == {
        "T1": ("matched", 0), "T1+A2": ("matched", 0), "T2": ("timing", -11_000), "X3": ("timing", 7_000),
    }  # fmt: skip
    assert made.results[DAY].bounds == []


def test_two_ways_to_add_up_are_suggested(partner: Made) -> None:
    own = rule("subset", "customer", cardinality="subset", bound=1_000)
    rows = [
        Row(f"A{n}", f"X{n}", amount, customer="c") for n, amount in enumerate((30, 20, 40, 10))
    ]
    made = partner(own, sales=[Sale("T1", 50, customer="c")], rows=rows).run()
    assert {c for c, _ in made.shown().values()} == {"timing"}
    assert "one of 2 ways" in made.item("T1")["suggestion"]


def test_a_search_that_hits_its_bound_says_so_and_decides_nothing(partner: Made) -> None:
    own = rule("subset", "customer", cardinality="subset", bound=40)
    rows = [Row(f"A{n}", f"X{n}", 1_000 + n, customer="c") for n in range(12)]
    rows += [Row("B", "Y", 777, customer="d")]
    sales = [Sale("T1", 6_021, customer="c"), Sale("T2", 777, customer="d")]
    made = partner(own, sales=sales, rows=rows).run()
    assert [k for k, (c, _) in made.shown().items() if c == "matched"] == ["T2"]
    assert made.results[DAY].bounds == [
        "pass subset: the search for sums hit its bound (40 steps, 200 rows) at 1 of 2 values; "
        "nothing is decided there"
    ]
