"""Read one file into one Parquet file of rows.

The happy path is one streaming query: text cells are tested by pattern, cast and written in file
order, and the first fault stops it. Only then does a second, slower pass look for all faults
(:mod:`.faults`). Records counted by us must equal records read, always.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from finops_ledger.core.errors import InputRefused, Problem, UsageError
from finops_ledger.core.kinds import ROLES
from finops_ledger.core.money import ZERO
from finops_ledger.intake import accounts, duplicates, faults, plan_times, raw, totals, witness
from finops_ledger.intake.cells import texts
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.model import ReadResult, SourceInfo
from finops_ledger.intake.plan import SECRET, Plan
from finops_ledger.intake.planner import Planner
from finops_ledger.intake.source import Source, opened
from finops_ledger.intake.spec import Format
from finops_ledger.intake.times import text

__all__ = ["ReadResult", "SourceInfo", "locate", "read"]

#: What DuckDB raises when our ``error()`` fires or when a record has no clean cells.
_UNSOUND = (duckdb.InvalidInputException, duckdb.ConversionException)
#: Smaller groups than the default: four writers find work in a file of 200,000 rows. Not version 2
#: of the format, a twelfth faster: Arrow cannot read its texts as dictionaries, as digests are taken.
_PARQUET = "FORMAT parquet, ROW_GROUP_SIZE 61440"


@dataclass(frozen=True)
class _Taken:
    """What one pass took from the file; ``records`` is SQL that reads them again."""

    records: str
    rows: int
    excluded: dict[str, int]
    moved: dict[str, Decimal]  #: control of the excluded, by reason
    refused: int = 0
    refused_control: Decimal = ZERO
    unreadable: int = 0
    problems: tuple[Problem, ...] = ()
    total: int = 0

    @property
    def excluded_control(self) -> Decimal:
        """Sum of the amounts left out for a reason."""
        return sum(self.moved.values(), ZERO)


def read(
    path: Path,
    fmt: Format,
    info: SourceInfo,
    out: Path,
    *,
    accept_valid: bool = False,
    connection: duckdb.DuckDBPyConnection | None = None,
    limits: Limits | None = None,
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
        limits: how much of a hostile file is looked at; the defaults when not given.

    Raises:
        InputRefused: the file is not as the format says; lists up to 1,000 faults, counts all.
        UsageError: the format cannot serve this source.
    """
    if info.role not in ROLES:
        raise ValueError(f"unknown role {info.role!r}")
    base = duckdb.connect() if connection is None else connection
    cursor = base.cursor()
    try:
        with opened(path, fmt, out.parent, limits) as source:
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
    if fmt.privacy.hash and not info.secret:
        raise UsageError(
            f"source {info.name!r}: format {fmt.name!r} hashes "
            f"{', '.join(fmt.privacy.hash)}, and the books have no key for it"
        )
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"SET VARIABLE {SECRET} = from_hex('{info.secret.hex()}')")
    info = accounts.chosen(source, fmt, info, connection)
    fmt = plan_times.with_zones_of(fmt, source)
    period = witness.stated_period(source, fmt, connection)
    plan = Planner(fmt, info, source.columns, period).build()
    stated, missing = totals.find_totals(source, fmt, info)
    taken = _fast(source, plan, out, connection)
    if taken is None:
        taken = _slow(source, fmt, plan, out, connection, accept_valid, stated, missing)

    conflicts = duplicates.settle(
        out, fmt, source.name, connection, source.lines_of, drop=accept_valid
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
    if not taken.refused:
        missing += witness.gaps(source, fmt, taken.records, connection)
    if period is not None:
        missing += witness.outside(period, source, fmt, out, connection)
    return _finish(source, fmt, plan, out, connection, taken, stated, missing)


def _fast(
    source: Source, plan: Plan, out: Path, connection: duckdb.DuckDBPyConnection
) -> _Taken | None:
    """Write all rows in one streaming pass; None when the file is not sound.

    The engine reads while the bytes are checked and counted here: both take the file once.
    """
    records, record = source.scan(), "NULL"
    skip = ""
    if plan.excluded:
        records = f"SELECT *, row_number() OVER () AS rec FROM ({records})"
        record, skip = "rec", "WHEN excluded IS NOT NULL THEN false "
    query = plan.over(records)
    where = f"CASE {skip}WHEN {plan.sound} THEN true ELSE error('a record has a fault') END"
    with ThreadPoolExecutor(1) as beside:
        copied = beside.submit(
            _copy, f"SELECT {plan.row(record)} FROM ({query}) WHERE {where}", out, connection
        )
        counted = source.count()
        try:
            kept = copied.result()
        except _UNSOUND:
            return None
    excluded, moved = _excluded(plan, query, connection)
    if plan.excluded and not excluded:
        kept = _copy(f"SELECT {plan.row('NULL')} FROM ({query}) WHERE {where}", out, connection)
    rows = kept + sum(excluded.values())
    if rows != counted:
        return None
    return _Taken(records, rows, excluded, moved)


def _copy(query: str, out: Path, connection: duckdb.DuckDBPyConnection) -> int:
    done = connection.execute(f"COPY ({query}) TO {text(str(out))} ({_PARQUET})").fetchone()
    assert done is not None
    return int(done[0])


def _excluded(
    plan: Plan, query: str, connection: duckdb.DuckDBPyConnection
) -> tuple[dict[str, int], dict[str, Decimal]]:
    if not plan.excluded:
        return {}, {}
    rows = connection.execute(
        f"SELECT excluded, count(*), coalesce(sum({plan.amount}), 0) FROM ({query}) "
        "WHERE excluded IS NOT NULL GROUP BY excluded ORDER BY excluded"
    ).fetchall()
    return {r[0]: r[1] for r in rows}, {r[0]: Decimal(r[2]) for r in rows}


def _slow(
    source: Source,
    fmt: Format,
    plan: Plan,
    out: Path,
    connection: duckdb.DuckDBPyConnection,
    accept_valid: bool,
    stated: list[totals.Stated],
    missing: list[Problem],
) -> _Taken:
    """List every fault; write the sound rows when there is none, or when they are accepted."""
    found = faults.sort_records(source, plan, connection)
    query = plan.over(found.records)
    excluded, moved = _excluded(plan, query, connection)
    if found.total and not accept_valid:
        # Faults do not hide that the file contradicts itself as well.
        met = _Taken(
            found.records, found.rows, excluded, moved, found.refused, unreadable=found.unreadable
        )
        figures = _figures(fmt, plan, out, connection, met, stated)
        wrong, _ = _compared(stated, figures, source.name)
        whole = [*missing, *wrong]
        problems = [*found.problems, *whole][: faults.LISTED]
        raise InputRefused(source.name, problems, found.total + len(whole))
    sound = f"coalesce({plan.sound}, false)"
    if plan.excluded:
        sound = f"excluded IS NULL AND {sound}"
    record = "rec" if excluded or found.refused else "NULL"
    kept = _copy(f"SELECT {plan.row(record)} FROM ({query}) WHERE {sound}", out, connection)
    if kept + sum(excluded.values()) + found.refused != found.rows:
        raise raw.refuse(
            source.name,
            "rows-lost",
            f"{found.rows} records counted, "
            f"{kept} kept, {excluded} excluded, {found.refused} refused",
        )
    return _Taken(
        found.records,
        found.rows,
        excluded,
        moved,
        found.refused,
        found.refused_control,
        found.unreadable,
        found.problems,
        found.total,
    )


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
    wrong, checked = _compared(stated, figures, source.name)
    problems = [*missing, *wrong]
    ends = {s.total.equals: s.value for s in stated}
    opening, closing = ends.get("opening"), ends.get("closing")
    if not taken.unreadable:
        outside = sum((taken.moved[r] for r in _outside(fmt, taken)), ZERO)
        moved = control + taken.excluded_control + taken.refused_control - outside
        problems += totals.balances(opening, closing, moved, source.name)
    if problems:
        raise InputRefused(source.name, problems)
    return ReadResult(
        taken.rows,
        kept,
        taken.excluded,
        taken.excluded_control,
        taken.refused,
        taken.refused_control,
        taken.unreadable,
        taken.problems,
        control,
        found[2],
        found[3],
        checked,
        opening,
        closing,
    )


def _compared(
    stated: list[totals.Stated], figures: dict[str, Decimal], name: str
) -> tuple[list[Problem], dict[str, Decimal]]:
    """Return what differs from the stated figures, and those that could be compared."""
    known = [(s, figures[s.total.name]) for s in stated if s.total.name in figures]
    problems = [totals.compare(item, value, name) for item, value in known]
    return [p for p in problems if p], {s.total.name: s.value for s, _ in known}


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
    outside = _outside(fmt, taken)
    if any(s.total.equals == "rows" for s in stated):
        figures["rows"] = Decimal(taken.rows - sum(taken.excluded[r] for r in outside))
    if taken.unreadable or not stated:
        return figures
    left_out = bool(taken.refused or set(taken.excluded) - set(outside))
    prefix = "r_" if left_out else ""
    rows = f"read_parquet({text(str(out))})"
    where = []
    if left_out:
        rows = f"({plan.over(taken.records)})"
    if left_out and outside:
        where = [f"(excluded IS NULL OR excluded NOT IN {texts(outside)})"]
    known = {**plan.named, **plan.derived}
    if left_out and "currency" in known:
        where += [f"r_currency = {text(c)}" for c in {s.currency for s in stated} if c]
    sums = {}
    for total in (s.total for s in stated):
        cell = f"{prefix}{total.field}"
        sql = {
            "sum": f"sum({cell})",
            "absolute": f"sum(abs({cell}))",
            "debit": f"-sum({cell}) FILTER ({cell} < 0)",
            "credit": f"sum({cell}) FILTER ({cell} > 0)",
        }.get(total.equals)
        if sql is not None and total.field in known:
            sums[total.name] = sql
    cells = ", ".join(["count(*)", *(f"coalesce({sql}, 0)" for sql in sums.values())])
    chosen = f" WHERE {' AND '.join(where)}" if where else ""
    found = connection.execute(f"SELECT {cells} FROM {rows}{chosen}").fetchone()
    assert found is not None
    figures |= {n: Decimal(v) for n, v in zip(sums, found[1:], strict=True)}
    if not left_out and "balance" in known:
        figures |= _ends(fmt, out, connection)
    return figures


def _outside(fmt: Format, taken: _Taken) -> list[str]:
    """Return the reasons under which records were left out that the file's totals do not count."""
    reasons = [accounts.OTHER, *(r.reason for r in fmt.exclude.rules if not r.in_totals)]
    return [r for r in reasons if r in taken.excluded]


def _ends(fmt: Format, out: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, Decimal]:
    """Return opening and closing balance as the rows' running balances give them.

    A row without a balance beyond the first or last stated one may be a movement, or a row listed
    again that moves nothing: only the books can tell. Then that end is not known here.
    """
    rows = f"read_parquet({text(str(out))}, file_row_number = true)"
    found = connection.execute(
        f"WITH b AS (SELECT min(file_row_number) AS a, max(file_row_number) AS z FROM {rows} "
        "WHERE balance IS NOT NULL) "
        "SELECT max(r.balance) FILTER (r.file_row_number = b.a), "
        "max(r.amount) FILTER (r.file_row_number = b.a), "
        "count(*) FILTER (r.file_row_number < b.a AND r.amount <> 0), "
        "max(r.balance) FILTER (r.file_row_number = b.z), "
        "max(r.amount) FILTER (r.file_row_number = b.z), "
        f"count(*) FILTER (r.file_row_number > b.z AND r.amount <> 0) FROM {rows} r, b"
    ).fetchone()
    if found is None or found[0] is None:
        return {}
    top, top_amount, above, bottom, bottom_amount, below = found
    if fmt.order == "oldest-first":
        first, last = (top - top_amount, above), (bottom, below)
    else:
        first, last = (bottom - bottom_amount, below), (top, above)
    known = {"opening": first, "closing": last}
    return {name: Decimal(value) for name, (value, beyond) in known.items() if not beyond}


def locate(path: Path, fmt: Format, record: int) -> tuple[int, str]:
    """Return the physical line (from 1) and the raw text of record ``record`` (from 1).

    Raises:
        InputRefused: the file is not in the format.
        IndexError: the file has no such record.
    """
    with opened(path, fmt) as source:
        return source.record(record)
