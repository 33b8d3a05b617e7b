"""Read one file into one Parquet file of rows.

The happy path is one streaming query: text cells are tested by pattern, cast and written in file
order, and the first fault stops it. Only then does a second, slower pass look for all faults
(:mod:`.faults`). Records counted by us must equal records read, always.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.kinds import ROLES
from finops_ledger.core.money import ZERO
from finops_ledger.intake import duplicates, faults, raw, totals
from finops_ledger.intake.cells import text
from finops_ledger.intake.model import ReadResult, SourceInfo
from finops_ledger.intake.plan import SECRET, Plan, Planner
from finops_ledger.intake.source import Source, opened
from finops_ledger.intake.spec import Format

__all__ = ["ReadResult", "SourceInfo", "locate", "read"]


@dataclass(frozen=True)
class _Taken:
    """What one pass took from the file; ``records`` is SQL that reads them again."""

    records: str
    rows: int
    excluded: dict[str, int]
    excluded_control: Decimal
    refused: int = 0
    refused_control: Decimal = ZERO
    unreadable: int = 0
    problems: tuple[Problem, ...] = ()
    total: int = 0


def read(
    path: Path,
    fmt: Format,
    info: SourceInfo,
    out: Path,
    *,
    accept_valid: bool = False,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> ReadResult:
    """Read ``path`` and write its rows to ``out``: the row schema's columns, in file order.

    Args:
        path: the file; read only.
        fmt: how it is written.
        info: what the books say about its source.
        out: Parquet file to write; temporary files lie beside it while this runs. After an
            exception ``out`` may exist and means nothing.
        accept_valid: keep the sound rows of a file with faults and return the others as problems.
        connection: a DuckDB connection whose settings (memory, threads) are used.

    Raises:
        InputRefused: the file is not as the format says; lists up to 1,000 faults, counts all.
        UsageError: the format cannot serve this source.
    """
    if info.role not in ROLES:
        raise ValueError(f"unknown role {info.role!r}")
    base = duckdb.connect() if connection is None else connection
    cursor = base.cursor()
    try:
        with opened(path, fmt, out.parent) as source:
            return _read(source, fmt, info, out, accept_valid, cursor)
    finally:
        cursor.close()
        if connection is None:
            base.close()


def _read(
    source: Source,
    fmt: Format,
    info: SourceInfo,
    out: Path,
    accept_valid: bool,
    connection: duckdb.DuckDBPyConnection,
) -> ReadResult:
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"SET VARIABLE {SECRET} = from_hex('{info.secret.hex()}')")
    plan = Planner(fmt, info, source.layout.columns).build()
    stated, missing = totals.find_totals(source, fmt, info)
    taken = _fast(source, plan, out, connection)
    if taken is None:
        taken = _slow(source, plan, out, connection, accept_valid, missing)

    def lines_of(records: list[int]) -> dict[int, int]:
        wanted, last = set(records), max(records)
        found = {}
        for record in source.records():
            if record.number in wanted:
                found[record.number] = record.line
            if record.number >= last:
                break
        return found

    conflicts = duplicates.settle(
        out, fmt, source.name, connection, lines_of, drop=accept_valid
    )
    if conflicts.rows and not accept_valid:
        raise InputRefused(source.name, conflicts.problems, conflicts.total)
    taken = replace(
        taken,
        refused=taken.refused + conflicts.rows,
        refused_control=taken.refused_control + conflicts.control,
        problems=(*taken.problems, *conflicts.problems),
        total=taken.total + conflicts.total,
    )
    return _finish(source, fmt, plan, out, connection, taken, stated, missing)


def _fast(
    source: Source, plan: Plan, out: Path, connection: duckdb.DuckDBPyConnection
) -> _Taken | None:
    """Write all rows in one streaming pass; None when the file is not sound."""
    records, record = source.scan(), "NULL"
    skip = ""
    if plan.excluded:
        records = f"SELECT *, row_number() OVER () AS rec FROM ({records})"
        record, skip = "rec", "WHEN excluded IS NOT NULL THEN false "
    query = plan.over(records)
    where = f"CASE {skip}WHEN {plan.sound} THEN true ELSE error('a record has a fault') END"
    try:
        kept = _copy(f"SELECT {plan.row(record)} FROM ({query}) WHERE {where}", out, connection)
        excluded, control = _excluded(plan, query, connection)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    if plan.excluded and not excluded:
        kept = _copy(f"SELECT {plan.row('NULL')} FROM ({query}) WHERE {where}", out, connection)
    rows = kept + sum(excluded.values())
    if rows != source.counted.records:
        return None
    return _Taken(records, rows, excluded, control)


def _copy(query: str, out: Path, connection: duckdb.DuckDBPyConnection) -> int:
    done = connection.execute(f"COPY ({query}) TO {text(str(out))} (FORMAT parquet)").fetchone()
    assert done is not None
    return int(done[0])


def _excluded(
    plan: Plan, query: str, connection: duckdb.DuckDBPyConnection
) -> tuple[dict[str, int], Decimal]:
    if not plan.excluded:
        return {}, ZERO
    rows = connection.execute(
        f"SELECT excluded, count(*), coalesce(sum(r_amount), 0) FROM ({query}) "
        "WHERE excluded IS NOT NULL GROUP BY excluded ORDER BY excluded"
    ).fetchall()
    return {r[0]: r[1] for r in rows}, sum((Decimal(r[2]) for r in rows), ZERO)


def _slow(
    source: Source,
    plan: Plan,
    out: Path,
    connection: duckdb.DuckDBPyConnection,
    accept_valid: bool,
    missing: list[Problem],
) -> _Taken:
    """List every fault; write the sound rows when there is none, or when they are accepted."""
    found = faults.sort_records(source, plan, connection)
    if found.total and not accept_valid:
        problems = [*found.problems, *missing]
        raise InputRefused(source.name, problems[: faults.LISTED], found.total + len(missing))
    query = plan.over(found.records)
    excluded, control = _excluded(plan, query, connection)
    sound = f"coalesce({plan.sound}, false)"
    if plan.excluded:
        sound = f"excluded IS NULL AND {sound}"
    record = "rec" if excluded or found.refused else "NULL"
    kept = _copy(f"SELECT {plan.row(record)} FROM ({query}) WHERE {sound}", out, connection)
    if kept + sum(excluded.values()) + found.refused != found.rows:
        raise raw.refuse(source.name, "rows-lost", f"{found.rows} records counted, "
                         f"{kept} kept, {excluded} excluded, {found.refused} refused")
    return _Taken(found.records, found.rows, excluded, control, found.refused,
                  found.refused_control, found.unreadable, found.problems, found.total)


def _finish(
    source: Source,
    fmt: Format,
    plan: Plan,
    out: Path,
    connection: duckdb.DuckDBPyConnection,
    taken: _Taken,
    stated: list[totals.Stated],
    missing: list[Problem],
) -> ReadResult:
    rows = f"read_parquet({text(str(out))})"
    found = connection.execute(
        f"SELECT count(*), coalesce(sum(amount), 0), min(day), max(day) FROM {rows}"
    ).fetchone()
    assert found is not None
    kept, control = int(found[0]), Decimal(found[1])
    if kept + sum(taken.excluded.values()) + taken.refused != taken.rows:
        raise raw.refuse(source.name, "rows-lost", f"{taken.rows} records read, {kept} written")
    figures = _figures(fmt, plan, out, connection, taken, stated)
    problems = list(missing)
    checked: dict[str, Decimal] = {}
    for item in stated:
        read_value = figures.get(item.total.name)
        if read_value is not None:
            checked[item.total.name] = item.value
            problem = totals.compare(item, read_value, source.name)
            problems += [problem] if problem else []
    ends = {s.total.equals: s.value for s in stated}
    opening, closing = ends.get("opening"), ends.get("closing")
    if not taken.unreadable:
        moved = control + taken.excluded_control + taken.refused_control
        problems += totals.balances(opening, closing, moved, source.name)
    if problems:
        raise InputRefused(source.name, problems)
    return ReadResult(
        taken.rows, kept, taken.excluded, taken.excluded_control, taken.refused,
        taken.refused_control, taken.unreadable, taken.problems, control, found[2], found[3],
        checked, opening, closing,
    )


def _figures(
    fmt: Format,
    plan: Plan,
    out: Path,
    connection: duckdb.DuckDBPyConnection,
    taken: _Taken,
    stated: list[totals.Stated],
) -> dict[str, Decimal]:
    """Return what the rows give for each stated figure; what cannot be known is left out.

    Records left out count too, since the file's own totals count them; they are read again from
    the file. A refused record whose amount cannot be read leaves every sum unknown.
    """
    figures: dict[str, Decimal] = {}
    if any(s.total.equals == "rows" for s in stated):
        figures["rows"] = Decimal(taken.rows)
    if taken.unreadable or not stated:
        return figures
    left_out = bool(taken.excluded or taken.refused)
    prefix = "r_" if left_out else ""
    rows = f"({plan.over(taken.records)})" if left_out else f"read_parquet({text(str(out))})"
    sums = {
        "debit": f"-sum({prefix}amount) FILTER ({prefix}amount < 0)",
        "credit": f"sum({prefix}amount) FILTER ({prefix}amount > 0)",
    }
    for item in stated:
        if item.total.equals == "sum":
            sums[item.total.field] = f"sum({prefix}{item.total.field})"
    known = {**plan.named, **plan.derived}
    sums = {n: sql for n, sql in sums.items() if n in {"debit", "credit"} or n in known}
    cells = ", ".join(f"coalesce({sql}, 0)" for sql in sums.values())
    found = connection.execute(f"SELECT {cells} FROM {rows}").fetchone()
    assert found is not None
    figures |= {n: Decimal(v) for n, v in zip(sums, found, strict=True)}
    if not left_out and "balance" in known:
        figures |= _ends(fmt, out, connection)
    return figures


def _ends(
    fmt: Format, out: Path, connection: duckdb.DuckDBPyConnection
) -> dict[str, Decimal]:
    """Return opening and closing balance as the rows' running balances give them."""
    forward = fmt.order == "oldest-first"
    rows = f"read_parquet({text(str(out))}, file_row_number = true)"
    found = connection.execute(
        f"WITH b AS (SELECT min(file_row_number) AS a, max(file_row_number) AS z FROM {rows} "
        "WHERE balance IS NOT NULL) "
        "SELECT max(r.balance) FILTER (r.file_row_number = b.a), "
        "coalesce(sum(r.amount) FILTER (r.file_row_number < b.a), 0), "
        "max(r.amount) FILTER (r.file_row_number = b.a), "
        "max(r.balance) FILTER (r.file_row_number = b.z), "
        "coalesce(sum(r.amount) FILTER (r.file_row_number > b.z), 0), "
        f"max(r.amount) FILTER (r.file_row_number = b.z) FROM {rows} r, b"
    ).fetchone()
    if found is None or found[0] is None:
        return {}
    top, above, top_amount, bottom, below, bottom_amount = (Decimal(v) for v in found)
    if forward:
        return {"opening": top - top_amount - above, "closing": bottom + below}
    return {"opening": bottom - bottom_amount - below, "closing": top + above}


def locate(path: Path, fmt: Format, record: int) -> tuple[int, str]:
    """Return the physical line (from 1) and the raw text of record ``record`` (from 1).

    Raises:
        InputRefused: the file is not in the format.
        IndexError: the file has no such record.
    """
    with opened(path, fmt) as source:
        for found in source.records():
            if found.number == record:
                return found.line, found.text
    raise IndexError(f"{path.name} has no record {record}")
