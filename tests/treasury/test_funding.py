"""The proposal: how much, by when, by which rail."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from finops_ledger.core.calendars import Calendar, HolidaysMissing, load
from finops_ledger.core.errors import UsageError
from finops_ledger.sop.funding import Funding, z_of
from finops_ledger.sop.rails import Rail, known
from finops_ledger.treasury.forecast import Demand
from finops_ledger.treasury.funding import Proposal, Rules, propose, split
from tests.treasury.funded import MILLION, WIB, funding, rules, standing, wib, worked
from tests.treasury.test_forecast import demand_of, moments, week

AT = wib("2026-03-17 16:30")
ON_HAND = 165_900_000


def proposed(at: datetime = AT, balance: int = ON_HAND, **changed: Any) -> Proposal:
    told = funding(**changed)
    return propose(worked(told), standing(at, balance), at, rules(told))


def local(moment: datetime | None) -> str:
    assert moment is not None
    return moment.astimezone(WIB).strftime("%a %d %H:%M")


def test_the_worked_example_over_the_closure() -> None:
    """Tuesday 17 March 16:30: the next moment at which anything is credited is Wednesday the 25th at ten."""
    made = proposed()
    assert local(made.horizon.until) == "Wed 25 10:00"
    assert made.need.total == Decimal(1_878_439_411)
    assert made.amount == Decimal(1_879_000_000)
    one, many = made.options
    assert (one.rail, len(one.sends), one.fee) == ("RTGS", 1, 25_000)
    assert (many.rail, len(many.sends), many.fee) == ("BI-FAST", 8, 20_000)
    assert [s.amount / MILLION for s in many.sends] == [250] * 7 + [129]
    assert made.chosen is one
    assert local(made.send_by) == "Tue 17 16:30"
    assert local(one.credited_at) == "Tue 17 19:30"
    assert (made.state, made.late) == ("amber", False)
    assert local(made.cover_until) == "Wed 18 12:41"
    assert proposed(prefer=None).chosen == many  # the cheaper one


def test_a_minute_later_it_is_too_late() -> None:
    """Nobody can send before the 25th: the need of then is named, and that the deposit runs dry before."""
    made = proposed(at=AT + timedelta(minutes=1))
    assert made.late
    assert made.send_by is None
    assert local(made.horizon.first_send) == "Wed 25 08:00"
    assert local(made.horizon.until) == "Thu 26 10:00"


def test_with_a_roster_for_the_holidays_less_is_needed() -> None:
    roster = {"days": "business", "opens": "08:00", "closes": "16:30", "also": ["2026-03-20"]}
    crediting = {"days": "daily", "opens": "09:00", "closes": "20:00", "lead": "1h"}
    made = proposed(approvers=roster, crediting=crediting)
    assert local(made.horizon.until) == "Fri 20 10:00"
    assert made.amount < proposed().amount


def test_when_there_is_enough_nothing_is_sent_and_the_last_moment_is_told() -> None:
    made = proposed(at=wib("2026-03-02 09:00"), balance=800 * MILLION)
    assert (made.amount, made.chosen, made.state) == (0, None, "green")
    # Until then 672.4 of the 800 million are used, and 66 · √3.7356 = 127.6 kept; what is there before leaves as the
    # approvers go.
    assert local(made.safe_until) == "Thu 05 20:37"
    assert local(made.send_by) == "Thu 05 16:30"


@pytest.mark.parametrize(
    ("hours", "state"), [(11, "red"), (12, "amber"), (23, "amber"), (24, "green")]
)
def test_colours_follow_the_hours_of_cover(hours: int, state: str) -> None:
    at = wib("2026-03-02 09:00")
    use, _ = worked().over(at, at + timedelta(hours=hours))
    made = proposed(at=at, balance=int(use))
    assert made.cover == timedelta(hours=hours)
    assert made.state == state


def test_tax_goes_on_top_and_the_limit_holds_with_it() -> None:
    told = funding(rails=["BI-FAST"])
    sends, why = split(
        Decimal(1_000 * MILLION), known(())["BI-FAST"], rules(told, tax=Decimal("0.005"))
    )
    assert why == ""
    assert [int(s.credited / MILLION) for s in sends] == [248, 248, 248, 248, 8]
    assert [s.tax for s in sends] == [1_240_000] * 4 + [40_000]
    assert max(s.amount for s in sends) <= 250 * MILLION


def test_a_rest_below_the_minimum_takes_from_the_one_before() -> None:
    rail = Rail(name="X", limit=Decimal(100 * MILLION), minimum=Decimal(10 * MILLION))
    sends, _ = split(Decimal(203 * MILLION), rail, rules())
    assert [int(s.amount / MILLION) for s in sends] == [100, 93, 10]


def test_no_rail_carries_it() -> None:
    made = proposed(rails=["BI-FAST"], transfers=5)
    assert made.chosen is None
    assert made.problems == (
        "no rail carries 1879000000: BI-FAST would take 8 transfers, at most 5 are made",
    )
    small = proposed(at=wib("2026-03-02 09:00"), balance=200 * MILLION, rails=["RTGS"])
    assert 0 < small.amount < 100 * MILLION
    assert "RTGS carries no less than 100,000,001" in small.problems[0]


def test_limits_leave_the_rest_of_the_need_open() -> None:
    made = proposed(concentration={"amount": "1000000000"})
    assert made.amount == Decimal(834 * MILLION)  # 1,000,000,000 − 165,900,000, down to a million
    assert made.capped == made.need.total - made.amount
    assert made.problems == (
        f"{made.capped} of the need is beyond the most that may lie with the partner, 1000000000",
    )
    told = funding(concentration={"share": "0.5"})
    made = propose(
        worked(told), standing(AT, ON_HAND), AT, rules(told), others=Decimal(500_000_000)
    )
    assert made.amount + ON_HAND <= (made.amount + ON_HAND + 500_000_000) / 2
    assert made.amount == Decimal(334 * MILLION)
    assert proposed(maximum="900000000").amount == Decimal(900 * MILLION)


def test_a_deposit_below_zero_is_told() -> None:
    made = proposed(balance=-5)
    assert made.state == "red"
    assert "below zero (-5)" in made.problems[0]
    assert made.need.total == proposed(balance=0).need.total + 5


def test_below_the_threshold_it_is_filled_whatever_the_forecast_says() -> None:
    at = wib("2026-03-02 09:00")
    assert proposed(at=at, balance=900 * MILLION).amount == 0
    made = proposed(at=at, balance=900 * MILLION, threshold="1000000000")
    assert made.amount == Decimal(100 * MILLION)


def test_a_year_without_a_table_is_refused_naming_the_decree() -> None:
    """A top-up before New Year reaches into a year whose decree is not there."""
    with pytest.raises(HolidaysMissing, match=r"joint decree of the three ministers .* of 2027"):
        proposed(at=wib("2026-12-31 16:30"), balance=0)


def test_hours_that_never_meet_are_refused() -> None:
    night = {"days": "daily", "opens": "20:00", "closes": "23:00"}
    with pytest.raises(UsageError, match="RTGS is never open while an approver is there"):
        proposed(at=wib("2026-03-02 09:00"), rails=["RTGS"], approvers=night)


@pytest.mark.parametrize(
    ("risk", "z"), [("0.05", "1.65"), ("0.01", "2.33"), ("0.025", "1.96"), ("0.1", "1.29")]
)
def test_z_of_an_accepted_risk_is_never_rounded_down(risk: str, z: str) -> None:
    assert z_of(Decimal(risk)) == Decimal(z)
    assert funding(z=None, risk=risk).factor == Decimal(z)
    assert funding(z=None).factor == Decimal("1.65")


LEBARAN = {"name": "Lebaran", "from": "2026-03-13", "to": "2026-03-20", "uplift": "2"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"events": [LEBARAN, {**LEBARAN, "name": "payday", "from": "2026-03-20", "to": "2026-03-31"}]},
         "'Lebaran' and 'payday' overlap"),
        ({"events": [{**LEBARAN, "to": "2026-03-12"}]}, "ends before it begins"),
        ({"events": [{**LEBARAN, "opens": "03:30"}]}, "no whole hour"),
        ({"events": [{**LEBARAN, "uplift": "0"}]}, "greater than 0"),
        ({"risk": "0.05"}, "give risk or z, not both"),
        ({"risk": "0.7", "z": None}, "less than Decimal"),
        ({"z": 1.65}, 'write the number as text, "1.65"'),
        ({"rails": []}, "at least 1"),
        ({"maximum": "500000"}, "below the smallest top-up"),
        ({"red": "48h"}, "amber must be at least as long as red"),
        ({"history_days": 60}, "the sample never has so many"),
        ({"crediting": {"opens": "09:00", "closes": "10:00", "lead": "2h"}}, "never be credited"),
        ({"approvers": {"days": ["sunday"]}}, 'write "business", "daily" or a list of mon'),
        ({"approvers": {"opens": "17:00", "closes": "08:00"}}, "opens only at 17:00"),
        ({"sigm": "1"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_rules_that_contradict_themselves_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        funding(**wrong)


def test_events_of_other_hours_of_one_day_do_not_overlap() -> None:
    early = {**LEBARAN, "name": "sahur", "opens": "03:00", "closes": "05:00"}
    late = {**LEBARAN, "name": "iftar", "opens": "17:00", "closes": "19:00"}
    assert len(funding(events=[early, late]).events) == 2


# --- what holds of every proposal -----------------------------------------------------------------

balances = st.integers(0, 10**11)
EVERY_DAY = {
    "approvers": {"days": "daily", "opens": "08:00", "closes": "16:30"},
    "crediting": {"days": "daily", "lead": "1h"},
    "transfers": 10_000,
    "events": None,
}


def of(demand: Demand, at: datetime, have: int, told: Funding, **more: Any) -> Proposal:
    return propose(demand, standing(at, have), at, rules(told, **more))


@given(week, moments, balances, st.integers(0, 10**9), st.sampled_from(["0", "0.005", "0.01"]))
def test_a_proposal_meets_its_need_and_its_transfers_add_up_to_it(
    amounts: list[int], at: datetime, have: int, sigma: int, tax: str
) -> None:
    made = of(demand_of(amounts, sigma), at, have, funding(**EVERY_DAY), tax=Decimal(tax))
    if made.need.total <= 0:
        assert made.amount == 0
        return
    assert made.need.total <= made.amount < made.need.total + 1_000_000
    rails = known(())
    for option in made.options:
        if option.why_not:
            continue
        assert sum(s.credited for s in option.sends) == made.amount
        assert sum(s.amount for s in option.sends) == made.amount + sum(s.tax for s in option.sends)
        for send in option.sends:
            assert rails[option.rail].carries(send.amount)
        if option.send_by is not None:
            lane = next(
                x for x in rules(funding(**EVERY_DAY)).lanes() if x.rail.name == option.rail
            )
            assert made.safe_until is None or lane.reaches(option.send_by) <= made.safe_until


@given(week, moments, balances, st.integers(1, 40))
def test_more_demand_never_needs_less(
    amounts: list[int], at: datetime, have: int, more: int
) -> None:
    told = funding(**EVERY_DAY)
    less = of(demand_of(amounts), at, have, told)
    raised = of(demand_of([a * (10 + more) // 10 for a in amounts]), at, have, told)
    assert raised.need.total >= less.need.total
    assert raised.amount >= less.amount


@given(week, balances, st.integers(0, 9), st.integers(0, 9), st.integers(0, 10**9))
def test_a_longer_closure_never_needs_less(
    amounts: list[int], have: int, one: int, other: int, sigma: int
) -> None:
    at, demand = wib("2026-06-03 16:30"), demand_of(amounts, sigma)

    def with_closed(days: int) -> Proposal:
        base = load("ID")
        day = at.astimezone(WIB).date()
        closed = {
            day + timedelta(days=n + 1): next(iter(base.holidays.values())) for n in range(days)
        }
        calendar = Calendar("X", base.weekend, base.years, {**base.holidays, **closed})
        told = funding(events=None, transfers=10_000)
        rails = known(())
        made = Rules(told, [rails[n] for n in told.rails], calendar)
        return propose(demand, standing(at, have), at, made)

    short, long = sorted((one, other))
    assert with_closed(long).need.total >= with_closed(short).need.total
    assert with_closed(long).horizon.until >= with_closed(short).horizon.until


@given(
    st.integers(1, 10**12),
    st.integers(1, 10**9),
    st.integers(0, 10**9),
    st.sampled_from(["0", "0.005", "0.02"]),
    st.sampled_from([1, 1_000, 1_000_000]),
)
def test_a_split_is_whole_or_says_why_not(
    amount: int, limit: int, minimum: int, tax: str, rounding: int
) -> None:
    rail = Rail(name="X", limit=Decimal(limit), minimum=Decimal(min(limit, minimum)))
    told = funding(rounding=str(rounding), transfers=500)
    sends, why = split(Decimal(amount), rail, rules(told, tax=Decimal(tax)))
    assert bool(sends) != bool(why)
    if sends:
        assert sum(s.credited for s in sends) == amount
        assert all(rail.carries(s.amount) for s in sends)


def test_growth_lifts_what_comes() -> None:
    plain, grown = proposed(events=None), proposed(events=None, growth="1.1")
    assert Fraction(grown.need.expected) == Fraction(plain.need.expected) * Fraction("1.1")
    assert grown.need.safety == plain.need.safety
