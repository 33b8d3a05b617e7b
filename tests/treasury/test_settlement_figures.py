"""What a settlement comes to, its flags and its names: figures alone, without files."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ledger.sop.levies import Rate
from finops_ledger.sop.schedule import Period
from finops_ledger.treasury import naming
from finops_ledger.treasury.expected import (
    COMPONENTS,
    Amounts,
    Expected,
    Statement,
    differences,
    rounded,
)
from finops_ledger.treasury.settlements import FLAGS, STATES, Settlement, flagged

ZERO = Decimal(0)
MONEY = st.integers(-(10**9), 10**9).map(Decimal)
SIDES = st.builds(Amounts, *[MONEY] * len(COMPONENTS))
RATES = st.sampled_from([Decimal("0.02"), Decimal("0.04")])
TAXES = st.sampled_from(
    [
        Rate(Fraction(1, 50)),
        Rate(Fraction(12, 100), Fraction(11, 12)),
        Rate(Fraction(11, 100), half_up=False),
    ]
)
ROWS = st.builds(
    Expected,
    SIDES,
    st.dictionaries(TAXES, MONEY),
    st.dictionaries(st.tuples(RATES, TAXES, st.none() | TAXES), MONEY),
    st.integers(0, 9),
    taxed=st.dictionaries(TAXES, MONEY),
)


@given(ROWS, ROWS, ROWS)
def test_in_whatever_order_rows_are_added_up_they_come_to_the_same(
    a: Expected, b: Expected, c: Expected
) -> None:
    wholes = {x.plus(y).plus(z).whole() for x, y, z in permutations((a, b, c))}
    assert len(wholes) == 1


@given(SIDES, SIDES, st.sampled_from(["pay", "receive"]))
def test_differences_by_component_explain_the_difference_of_the_nets(
    ours: Amounts, theirs: Amounts, direction: str
) -> None:
    """No rupiah of a difference is left without the name of a component."""
    stated = Statement(theirs, theirs.net(direction), frozenset(COMPONENTS))
    off = {d.component: d.by for d in differences(ours, stated)}
    only = Amounts(**{c: off.get(c, ZERO) for c in COMPONENTS})
    assert ours.net(direction) + only.net(direction) == theirs.net(direction)


@given(st.integers(0, 10**12))
def test_tax_withheld_is_rounded_once(base: int) -> None:
    whole = Expected(bases={Rate(Fraction(1, 50)): Decimal(base)}).whole()
    assert whole.withheld == rounded(Decimal(base) * Decimal("0.02"))
    assert abs(whole.withheld * 50 - base) <= 25


def one(**more: object) -> Settlement:
    """A settlement of 12 May, due on the 13th, of 100."""
    base: dict[str, object] = {
        "counterparty": "AggB",
        "component": "AggB",
        "type": "supplier",
        "direction": "pay",
        "ref": "20260512",
        "period": Period(date(2026, 5, 12), date(2026, 5, 12)),
        "due": date(2026, 5, 13),
        "net": Decimal(100),
        "state": "unbilled",
    }
    return Settlement(**{**base, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "more", "flags", "age"),
    [
        (12, {}, set(), 0),
        (13, {}, {"due"}, 0),
        (20, {}, {"overdue"}, 7),
        (20, {"due": None}, set(), 0),
        (20, {"state": "paid", "paid": 100, "paid_on": 13}, set(), 0),
        (20, {"state": "paid", "paid": 100, "paid_on": 15}, {"late"}, 2),
        (20, {"state": "paid", "paid": 100, "paid_on": 12}, {"advance"}, 0),
        (20, {"state": "paid", "paid": 101, "paid_on": 13}, {"over"}, 0),
        (12, {"state": "invoiced", "stated": 99}, {"short"}, 0),
        (12, {"state": "listed", "stated": 90, "listed": 100}, set(), 0),
        (13, {"state": "part-paid", "listed": 100, "paid": 60, "paid_on": 13}, {"short", "due"}, 0),
    ],
)
def test_flags(day: int, more: dict[str, object], flags: set[str], age: int) -> None:
    values = {
        k: date(2026, 5, v) if k == "paid_on" else Decimal(v) if isinstance(v, int) else v  # type: ignore[arg-type]
        for k, v in more.items()
    }
    made = flagged(one(**values), date(2026, 5, day))
    assert (made.flags, made.age) == (flags, age)
    assert made.state in STATES
    assert made.flags <= set(FLAGS)


def test_what_is_open_is_what_is_asked_less_what_is_paid() -> None:
    assert one().open == 100
    assert one(state="invoiced", stated=Decimal(120)).open == 100
    assert one(state="listed", listed=Decimal(90)).open == 90
    assert one(state="part-paid", listed=Decimal(90), paid=Decimal(60)).open == 30
    assert one(state="paid", paid=Decimal(60)).open == 0
    assert one(type="gateway", direction="receive", stated=Decimal(97)).open == 97
    assert one().link == "STL-AggB-20260512"


def test_a_day_that_a_code_names_may_be_none() -> None:
    assert naming.day_in("INV-20260230") is None
    assert naming.day_in("AggB-120260513") is None
    assert naming.day_in("2026-05-13/INV") == date(2026, 5, 13)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_what_is_linked_is_together_and_nothing_else(links: list[tuple[int, int]]) -> None:
    groups = naming.together(links)
    place = {node: n for n, group in enumerate(groups) for node in group}
    assert sorted(place) == sorted({n for pair in links for n in pair})
    assert sum(map(len, groups)) == len(place)
    assert all(place[a] == place[b] for a, b in links)
    # As many groups as there are when each link joins at most two.
    assert len(groups) >= len(place) - len({p for p in links if p[0] != p[1]})


def test_an_invoice_without_a_day_is_of_the_last_period_that_has_ended() -> None:
    days = [date(2026, 5, 11) + timedelta(days=n) for n in range(4)]
    periods = [Period(d, d) for d in days]
    found = naming.period_named(("", "INV-7"), days[2], periods, lambda d: Period(d, d))
    assert found == (periods[2], None)
    assert naming.period_named(("INV-7",), date(2026, 5, 1), periods, lambda d: Period(d, d)) == (
        None,
        None,
    )
