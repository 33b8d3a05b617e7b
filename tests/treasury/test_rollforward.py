"""The roll-forward by itself: opening + movements = closing, where it parts from the statement, and hints."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ledger.treasury import rollforward as rf
from finops_ledger.treasury.rollforward import Said

FIRST = date(2026, 3, 30)  # the days go over the end of a month
CUT = Decimal(49_800)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


#: The deposit of one day as the trade proves it: ours, and what the partner's statement says.
OURS = {
    "topup": 100_000_000, "bonus": 100_000, "refund": 498_000, "usage": -183_412_600, "pending": -1_245_000,
}  # fmt: skip
THEIRS = {**OURS, "usage": -183_462_400}
OPENING = Decimal(250_000_000)


def moved(amounts: dict[str, int], on: date = FIRST) -> dict[tuple[date, str], Decimal]:
    return {(on, name): Decimal(amount) for name, amount in amounts.items()}


def test_one_order_apart() -> None:
    """165,940,400 by our own rows, 165,890,600 by the statement: one order of 49,800, which the hint names."""
    said = {FIRST: Said(OPENING, Decimal(165_890_600))}
    [ours] = rf.roll(OPENING, FIRST, FIRST, moved(OURS), said)
    assert (ours.closing, ours.difference, ours.tied) == (165_940_400, CUT, False)
    assert rf.arises([ours]) == [rf.Arises(FIRST, CUT, before=False)]
    orders = [("O-16", Decimal(-10_250)), ("O-17", Decimal(-49_800)), ("O-18", Decimal(50_000))]
    assert rf.one_order(ours.difference or Decimal(0), orders) == ["O-17"]
    [theirs] = rf.roll(OPENING, FIRST, FIRST, moved(THEIRS), said)
    assert (theirs.closing, theirs.tied) == (165_890_600, True)
    disputed = rf.Disputed(theirs.closing, {"x-1": CUT})
    assert (disputed.amount, disputed.ours) == (CUT, ours.closing)


def test_a_day_without_a_statement_does_not_tie_and_ends_the_run() -> None:
    said = {
        n: Said(None, Decimal(100 - n.toordinal() + day(0).toordinal()))
        for n in (day(0), day(1), day(3))
    }
    movements = {(day(n), "usage"): Decimal(-1) for n in (1, 2, 3)}
    days = rf.roll(Decimal(100), day(0), day(3), movements, said)
    assert [d.tied for d in days] == [True, True, False, True]
    assert [d.tied_since for d in days] == [day(0), day(0), None, day(3)]
    assert [d.difference for d in days] == [0, 0, None, 0]


def test_a_difference_is_told_where_it_arises_and_where_it_goes() -> None:
    closings = {day(0): 100, day(1): 95, day(2): 95, day(3): 100}
    said = {on: Said(None, Decimal(amount)) for on, amount in closings.items()}
    days = rf.roll(Decimal(100), day(0), day(3), {}, said)
    assert rf.arises(days) == [
        rf.Arises(day(1), Decimal(5), False),
        rf.Arises(day(3), Decimal(-5), False),
    ]


def test_an_opening_that_differs_is_told_as_such() -> None:
    days = rf.roll(Decimal(100), day(0), day(0), {}, {day(0): Said(Decimal(93), Decimal(93))})
    assert rf.arises(days) == [rf.Arises(day(0), Decimal(7), before=True)]


@pytest.mark.parametrize(
    ("low", "dip", "lowest"), [(None, 0, 80), (50, 0, 50), (None, -70, 30), (40, -70, 30)]
)
def test_the_lowest_point_is_the_walk_s_not_the_evening_s(
    low: int | None, dip: int, lowest: int
) -> None:
    said = {day(0): Said(None, Decimal(80), None if low is None else Decimal(low))}
    movements = {(day(0), "usage"): Decimal(-20)}
    [one] = rf.roll(Decimal(100), day(0), day(0), movements, said, {day(0): Decimal(dip)})
    assert one.low == lowest


def test_kinds_that_have_no_line_of_their_own_are_adjustments() -> None:
    shown = {
        k: rf.movement_of(k)
        for k in ("topup", "statement-difference", "pending-failed", "payment", None)
    }
    assert list(shown.values()) == ["topup", "difference", "pending", "adjustment", "adjustment"]


@pytest.mark.parametrize(
    ("closing", "used", "hours"), [(100, 50, 48), (101, 50, 48), (100, 0, None), (-5, 50, 0)]
)
def test_hours_are_whole_and_never_too_many(closing: int, used: int, hours: int | None) -> None:
    assert rf.hours(Decimal(closing), Decimal(used), timedelta(days=1)) == hours


AMOUNTS = st.integers(-1_000_000, 1_000_000).map(Decimal)


@given(
    opening=AMOUNTS,
    movements=st.dictionaries(
        st.tuples(st.integers(0, 9).map(day), st.sampled_from(rf.MOVEMENTS)), AMOUNTS
    ),
    stated=st.dictionaries(st.integers(0, 9).map(day), AMOUNTS),
)
def test_days_join_and_a_month_is_the_sum_of_its_days(
    opening: Decimal,
    movements: dict[tuple[date, str], Decimal],
    stated: dict[date, Decimal],
) -> None:
    said = {on: Said(None, amount) for on, amount in stated.items()}
    days = rf.roll(opening, day(0), day(9), movements, said)
    assert [d.opening for d in days] == [opening, *(d.closing for d in days[:-1])]
    assert all(d.closing == d.opening + sum(d.moved.values()) for d in days)
    assert all(d.low <= min(d.opening, d.closing) for d in days)
    whole = rf.together(days)
    assert (whole.opening, whole.closing) == (opening, days[-1].closing)
    assert whole.opening + sum(whole.moved.values()) == whole.closing
    # What has arisen, added up, is the difference of the last day that has one.
    known = [d.difference for d in days if d.difference is not None]
    assert sum((a.amount for a in rf.arises(days)), Decimal(0)) == (known[-1] if known else 0)
