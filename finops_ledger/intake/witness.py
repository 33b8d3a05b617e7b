"""What a file says of its records besides totals: the period that it covers, and their numbers.

A file that lost records, or whose days are read in the wrong order, may still add up to something; these
tell it.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import duckdb

from finops_ledger.core.errors import Problem
from finops_ledger.intake import raw, times
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.times import text

_LISTED = 20


def stated_period(
    source: Source, fmt: Format, connection: duckdb.DuckDBPyConnection
) -> tuple[date, date] | None:
    """Return the first and the last day that the file says it covers; None where no line says it.

    Raises:
        InputRefused: the line is there, and its days cannot be read.
    """
    period = fmt.period
    if period is None:
        return None
    for note in source.notes:
        if (found := re.search(period.row, note.text)) is None:
            continue
        ends = [_day(found[at], fmt, connection) for at in (1, 2)]
        first, last = ends
        if first is None or last is None or first > last:
            raise raw.refuse(
                source.name, "cell-time", "cannot read the period of the file", note.line,
                value=note.text[:200], expected="two days like " + " or ".join(period.format),
            )  # fmt: skip
        return first, last
    return None


def _day(cell: str, fmt: Format, connection: duckdb.DuckDBPyConnection) -> date | None:
    assert fmt.period is not None
    for form in fmt.period.format:
        sql = times.local_time(text(cell), form, fmt.times.months)
        found = connection.execute(f"SELECT {sql}").fetchone()
        if found is not None and isinstance(found[0], datetime):
            return found[0].date()
    return None


def outside(
    period: tuple[date, date],
    source: Source,
    fmt: Format,
    rows: Path,
    connection: duckdb.DuckDBPyConnection,
) -> list[Problem]:
    """Return a problem for each of the first rows whose day lies outside the file's period."""
    first, last = period
    found = connection.execute(
        "SELECT coalesce(record, file_row_number + 1), day "
        f"FROM read_parquet({text(str(rows))}, file_row_number = true) "
        f"WHERE occurred_at IS NOT NULL AND NOT day BETWEEN DATE '{first}' AND DATE '{last}' "
        f"ORDER BY 1 LIMIT {_LISTED}"
    ).fetchall()
    if not found:
        return []
    places = source.lines_of([record for record, _ in found])
    spec = fmt.fields.get("occurred_at")
    column = spec.column if spec is not None else None
    return [
        Problem(
            "day-outside", "the day lies outside the period that the file states", source.name,
            places[record], column, str(day), f"a day from {first} to {last}",
        )
        for record, day in found
    ]  # fmt: skip


def gaps(
    source: Source, fmt: Format, records: str, connection: duckdb.DuckDBPyConnection
) -> list[Problem]:
    """Return what is wrong with the numbers of the records: 1 to n, each once, in any order."""
    column = fmt.file.numbered
    at = None if column is None else source.columns.get(column)
    if at is None or column is None:
        return []
    numbers = f"SELECT try_cast(c{at} AS BIGINT) AS n, row_number() OVER () AS r FROM ({records})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE numbers AS {numbers}")
    found = connection.execute(
        "SELECT count(*), count(DISTINCT n), count(n), min(n), max(n) FROM numbers"
    ).fetchone()
    assert found is not None
    rows, distinct, told, low, high = found
    if rows == 0 or (rows == distinct and low in (0, 1) and high - low + 1 == rows):
        return []
    if told < rows:
        return [_first(source, column, "n IS NULL", "the record has no number", connection)]
    if distinct < rows:
        twice = "n IN (SELECT n FROM numbers GROUP BY n HAVING count(*) > 1)"
        return [_first(source, column, twice, "a number stands twice", connection)]
    missing = connection.execute(
        f"SELECT i FROM range(1, {min(high, 10_000_000) + 1}) t(i) "
        f"WHERE i NOT IN (SELECT n FROM numbers) LIMIT {_LISTED}"
    ).fetchall()
    listed = ", ".join(str(m[0]) for m in missing)
    return [
        Problem(
            "record-gap", f"records are missing: {rows} stand here, numbered up to {high}",
            source.name, None, column, f"without {listed}", "each number once, from 1",
        )
    ]  # fmt: skip


def _first(
    source: Source, column: str, where: str, message: str, connection: duckdb.DuckDBPyConnection
) -> Problem:
    found = connection.execute(
        f"SELECT r, n FROM numbers WHERE {where} ORDER BY n, r DESC LIMIT 1"
    ).fetchone()
    assert found is not None
    record, number = found
    place = source.lines_of([record])[record]
    value = "" if number is None else str(number)
    return Problem(
        "record-gap", message, source.name, place, column, value, "each number once, from 1"
    )


__all__ = ["gaps", "outside", "stated_period"]
