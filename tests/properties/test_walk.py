"""How low a day goes: the walk in the engine against the walk by hand, for files that state no balance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_ledger.posting import chain
from finops_ledger.subledger.engine_duckdb import DuckEngine

DAY = date(2026, 3, 2)
#: Second of the day (None: the row says no time), movement.
ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), st.integers(-9, 9)), max_size=8)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    made = DuckEngine()
    yield made
    made.close()


def lay_out(engine: DuckEngine, rows: list[tuple[int | None, int]]) -> None:
    values = ", ".join(
        f"({n}, {'null' if at is None else at}, {moved})" for n, (at, moved) in enumerate(rows, 1)
    )
    source = f"(values {values})" if rows else "(select 0, 0, 0 where false)"
    engine.keep(
        "supply_lines",
        "select cast(c0 as bigint) as record, 'b-1' as batch, 'AggA' as partner, "
        f"date '{DAY}' as day_post, 'new' as disposition, cast(null as decimal(18, 4)) as balance, "
        "make_timestamp(2026, 3, 2, 0, 0, cast(c1 as double)) as stated_at, "
        f"cast(c2 as decimal(18, 4)) as d_deposit from {source} as v(c0, c1, c2)",
    )


SLOW = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOW
@given(rows=ROWS)
def test_the_dip_is_the_lowest_that_the_times_prove(
    engine: DuckEngine, rows: list[tuple[int | None, int]]
) -> None:
    lay_out(engine, rows)
    in_order = sorted(rows, key=lambda r: (-1 if r[0] is None else r[0], -r[1]))
    lowest = min([0, *accumulate(moved for _, moved in in_order)])
    assert chain.dip(engine, "supply", "AggA", DAY) == lowest


@SLOW
@given(
    rows=ROWS, closing=st.integers(-20, 40), way=st.sampled_from(["oldest-first", "newest-first"])
)
def test_a_file_with_a_closing_alone_is_walked_in_its_own_order(
    engine: DuckEngine, rows: list[tuple[int | None, int]], closing: int, way: str
) -> None:
    lay_out(engine, rows)
    found = chain.of_totals(engine, "supply", "b-1", way, None, Decimal(closing))
    assert found is not None
    numbered = list(enumerate((moved for _, moved in rows), 1))
    if way == "newest-first":
        numbered.reverse()
    opening = closing - sum(moved for _, moved in numbered)
    walk = list(accumulate((moved for _, moved in numbered), initial=opening))
    assert (found.opening, found.closing, found.low) == (opening, closing, min(walk))
    below = [n for (n, _), after in zip(numbered, walk[1:], strict=True) if after < 0]
    assert found.negative == (below[0] if below and opening >= 0 else None)


def test_a_file_that_states_nothing_is_not_walked(engine: DuckEngine) -> None:
    assert chain.of_totals(engine, "supply", "b-1", "oldest-first", None, None) is None
