"""A small back-test: the proposal of ``finops topup`` against the other policies, over Lebaran."""

from __future__ import annotations

from datetime import date

import pytest

from tests.benchmarks import topups
from tests.benchmarks.demand import PARTNERS


@pytest.fixture(scope="module")
def years() -> list[topups.Year]:
    """One partner from February to April 2025, with eleven days on which banks were closed."""
    return [topups.drawn(PARTNERS[1:2], date(2025, 2, 15), date(2025, 4, 30))]


@pytest.fixture(scope="module")
def made(years: list[topups.Year]) -> topups.Outcome:
    return topups.run(years, "ours", lambda: topups.ours("0.001", years[0].calendar))


@pytest.mark.parametrize("policy", [topups.threshold, topups.average], ids=["threshold", "average"])
def test_running_dry_and_float_cost_less_than_by_any_setting_of_the_others(
    years: list[topups.Year], made: topups.Outcome, policy: topups.Callable[[float], topups.Policy]
) -> None:
    """Lost margin, cost of float and fees together, against the best setting known afterwards."""
    others = topups.sweep(years, "{}", policy)
    assert made.cost < min(o.cost for o in others)
    # And whoever holds no more money than we do loses more of the demand.
    assert all(made.lost < o.lost for o in others if o.float_days <= made.float_days)


def test_the_same_seed_is_the_same_year(years: list[topups.Year]) -> None:
    again = topups.drawn(PARTNERS[1:2], date(2025, 2, 15), date(2025, 4, 30))
    assert again.demand == years[0].demand


def test_the_table_names_every_policy(made: topups.Outcome) -> None:
    text = topups.table([made])
    assert text.splitlines()[2].startswith("| ours | ")
    assert text.rstrip().endswith("1.00 × |")
