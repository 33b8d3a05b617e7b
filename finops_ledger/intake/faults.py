"""The slow pass: every fault of a file with its place, for files that the fast pass refused.

Each record comes with its number and place; those that could not be cut into cells are faults, on
the others the same plan runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from finops_ledger.core.errors import Problem
from finops_ledger.intake import raw
from finops_ledger.intake.plan import Plan
from finops_ledger.intake.source import Source

LISTED = 1000


@dataclass(frozen=True)
class Sorted:
    """The records of a file, sorted into sound, excluded and refused."""

    records: str  #: SQL of the records, with rec and line
    rows: int
    refused: int
    refused_control: Decimal
    unreadable: int
    problems: tuple[Problem, ...]
    total: int  #: faults, listed or not


def sort_records(source: Source, plan: Plan, connection: duckdb.DuckDBPyConnection) -> Sorted:
    """Find every fault of a file; nothing is written but temporary copies."""
    numbered = source.numbered(connection)
    query = plan.over(numbered.records)
    bad = f"coalesce(NOT ({plan.sound}), true)"
    if plan.excluded:
        bad = f"(excluded IS NULL AND {bad})"
    counts = ", ".join(
        f"count(*) FILTER ({bad} AND NOT coalesce({c.ok}, false))" for c in plan.checks
    )
    try:
        found = connection.execute(
            f"SELECT count(*), count(*) FILTER ({bad}), "
            f"coalesce(sum({plan.amount}) FILTER ({bad}), 0), "
            f"count(*) FILTER ({bad} AND ({plan.amount}) IS NULL){', ' if counts else ''}{counts} "
            f"FROM ({query})"
        ).fetchone()
    except duckdb.InvalidInputException as error:
        raise raw.refuse(source.name, "csv-engine", str(error).split("\n")[0]) from error
    assert found is not None
    whole = numbered.rows - numbered.broken
    if found[0] != whole:
        raise raw.refuse(source.name, "rows-lost", f"{whole} records counted, {found[0]} read")
    problems = [*numbered.problems, *_cell_faults(source.name, plan, query, bad, connection)]
    problems.sort(key=lambda p: p.line or 0)
    return Sorted(
        numbered.records,
        numbered.rows,
        found[1] + numbered.broken,
        Decimal(found[2]),
        found[3] + numbered.broken,
        tuple(problems[:LISTED]),
        sum(found[4:]) + numbered.broken,
    )


def _cell_faults(
    file: str, plan: Plan, query: str, bad: str, connection: duckdb.DuckDBPyConnection
) -> list[Problem]:
    checks = "".join(
        f", coalesce({c.ok}, false), left(CAST({c.value} AS VARCHAR), 200)" for c in plan.checks
    )
    rows: Sequence[tuple[object, ...]] = connection.execute(
        f"SELECT line{checks} FROM ({query}) WHERE {bad} ORDER BY rec LIMIT {LISTED}"
    ).fetchall()
    problems = []
    for line, *pairs in rows:
        assert isinstance(line, int)
        for check, ok, value in zip(plan.checks, pairs[::2], pairs[1::2], strict=True):
            if not ok:
                shown = "" if value is None else str(value)
                problems.append(
                    Problem(
                        check.code, check.message, file, line, check.column, shown, check.expected
                    )
                )
    return problems
