"""A small back-test: the proposal of ``finops topup`` against the other policies, over Lebaran."""

from __future__ import annotations

from datetime import date

import pytest

from tests.benchmarks import report, topups
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


def test_the_page_of_benchmarks_tells_the_back_test_as_it_is() -> None:
    """One source: the back-test's page. ``python -m tests.benchmarks.topups`` writes both."""
    page, backtest = report.PAGE.read_text("utf-8"), report.BACKTEST.read_text("utf-8")
    assert report.with_topups(page, backtest) == page
    rows = [line for line in report.topups(backtest).splitlines() if line.startswith("| ")]
    assert len(rows) == len([x for x in backtest.splitlines() if x.startswith("| ")])
    assert "[the back-test](backtest.md)" in page
    # A figure that changed there is another one here, and nothing beside it.
    other = backtest.replace("| 16.8 |", "| 17.8 |")
    assert other != backtest
    changed = report.with_topups(page, other)
    assert changed != page
    assert changed.replace("| 17.8 |", "| 16.8 |") == page


@pytest.mark.parametrize("old", ["| policy |", "hour by hour", "| demand lost "])
def test_a_back_test_that_does_not_read_is_an_error(old: str) -> None:
    text = report.BACKTEST.read_text("utf-8")
    assert old in text
    with pytest.raises(ValueError, match="back-test"):
        report.topups(text.replace(old, "| x " if old.startswith("|") else "x"))


def test_the_section_stands_where_it_stood() -> None:
    text = report.BACKTEST.read_text("utf-8")
    once = report.with_topups("# Benchmarks\n\nfigures\n", text)
    assert once == "# Benchmarks\n\nfigures\n\n" + report.topups(text)
    more = once + "\n## Where the time goes\n\nthere\n"
    assert report.with_topups(more, text) == more
