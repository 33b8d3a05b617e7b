"""The slow pass: every fault of a file with its place, for files that the fast pass refused.

Records are parsed one by one, so each carries its number and physical line; those of another width
or with broken quotes are faults, the others go to a plain copy on which the same plan runs.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from finops_ledger.core.errors import Problem
from finops_ledger.intake import raw
from finops_ledger.intake.plan import Plan
from finops_ledger.intake.source import Source, read_csv
from finops_ledger.intake.spec import FileSpec

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
    """Find every fault of a file; nothing is written but a temporary copy."""
    plain = FileSpec(header=("x",))
    structural: list[Problem] = []
    copy, broken, rows = source.folder / "plain.csv", 0, 0
    width = source.layout.width
    with copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for record in source.records():
            rows = record.number
            if record.fault is None and len(record.cells) == width:
                writer.writerow([*record.cells, record.number, record.line])
                continue
            broken += 1
            if len(structural) < LISTED:
                structural.append(_structural(source.name, record, width))
    names = ("rec_text", "line_text")
    scan = read_csv(copy, plain, width, 0, names)
    records = (
        "SELECT * EXCLUDE (rec_text, line_text), CAST(rec_text AS BIGINT) AS rec, "
        f"CAST(line_text AS BIGINT) AS line FROM {scan}"
    )
    query = plan.over(records)
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
    if found[0] != rows - broken:
        raise raw.refuse(
            source.name, "rows-lost", f"{rows - broken} records counted, {found[0]} read"
        )
    problems = [*structural, *_cell_faults(source.name, plan, query, bad, connection)]
    problems.sort(key=lambda p: p.line or 0)
    return Sorted(
        records,
        rows,
        found[1] + broken,
        Decimal(found[2]),
        found[3] + broken,
        tuple(problems[:LISTED]),
        sum(found[4:]) + broken,
    )


def _structural(file: str, record: raw.Record, width: int) -> Problem:
    shown = record.text[:200]
    if record.fault is not None:
        return Problem(
            "csv-quote",
            record.fault,
            file,
            record.line,
            None,
            shown,
            "quotes around whole cells, doubled within",
        )
    return Problem(
        "cell-count", f"{len(record.cells)} cells", file, record.line, None, shown, f"{width} cells"
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
