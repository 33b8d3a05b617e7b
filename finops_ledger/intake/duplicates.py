"""Several rows under one key in one file: identical ones are occurrences, different ones a fault.

Looked for in the written Parquet by counting distinct hashes of the key, so a file without
duplicates (nearly all) costs one narrow scan and is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from finops_ledger.core.errors import Problem
from finops_ledger.core.money import ZERO
from finops_ledger.core.schema import CONTENT_FIELDS
from finops_ledger.intake.faults import LISTED
from finops_ledger.intake.spec import Format
from finops_ledger.intake.times import text

_POSITION = "coalesce(record, file_row_number + 1)"


@dataclass(frozen=True)
class Conflicts:
    """Rows of keys with different contents: how many, their control, and the problems."""

    rows: int = 0
    control: Decimal = ZERO
    problems: tuple[Problem, ...] = ()
    total: int = 0


def settle(
    out: Path,
    fmt: Format,
    file: str,
    connection: duckdb.DuckDBPyConnection,
    lines_of: Callable[[list[int]], dict[int, int]],
    *,
    drop: bool,
) -> Conflicts:
    """Number the identical rows of each key in ``out`` and find the keys in conflict.

    ``lines_of`` gives the physical lines of records. With ``drop`` the rows in conflict are taken
    out of ``out`` (and the record numbers filled in); else ``out`` is left and will not be used.

    Where a format says that a file holds versions, there is nothing to number and nothing to refuse: what
    stands twice under a key is one row, told again (a webhook delivered twice), and never a second one.
    """
    if fmt.revisions_in_file:
        return Conflicts()
    rows = f"read_parquet({text(str(out))}, file_row_number = true)"
    keys = ", ".join(fmt.key)
    found = connection.execute(
        f"SELECT count(*) = count(DISTINCT hash({keys})) FROM {rows}"
    ).fetchone()
    if found == (True,):
        return Conflicts()
    contents = ", ".join(CONTENT_FIELDS)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE intake_repeated AS "
        f"SELECT {_POSITION} AS position, hash({contents}) AS content, amount, {keys} FROM {rows} "
        f"WHERE hash({keys}) IN (SELECT hash({keys}) FROM {rows} GROUP BY hash({keys}) "
        f"HAVING count(*) > 1)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE intake_numbered AS SELECT *, "
        f"row_number() OVER (PARTITION BY {keys} ORDER BY position) - 1 AS number, "
        f"min(content) OVER (PARTITION BY {keys}) <> max(content) OVER (PARTITION BY {keys}) "
        f"AS conflict FROM intake_repeated"
    )
    conflicts = _conflicts(fmt, file, rows, connection, lines_of)
    if not conflicts.rows or drop:
        _rewrite(out, rows, connection, drop=bool(conflicts.rows))
    return conflicts


def _conflicts(
    fmt: Format,
    file: str,
    rows: str,
    connection: duckdb.DuckDBPyConnection,
    lines_of: Callable[[list[int]], dict[int, int]],
) -> Conflicts:
    keys = ", ".join(fmt.key)
    counted = connection.execute(
        f"SELECT count(*), coalesce(sum(amount), 0), (SELECT count(*) FROM (SELECT DISTINCT {keys} "
        "FROM intake_numbered WHERE conflict)) FROM intake_numbered WHERE conflict"
    ).fetchone()
    assert counted is not None
    if not counted[0]:
        return Conflicts()
    groups = connection.execute(
        f"SELECT list(position ORDER BY position)[:20], {keys} FROM intake_numbered WHERE conflict "
        f"GROUP BY {keys} ORDER BY min(position) LIMIT {LISTED}"
    ).fetchall()
    positions = sorted({p for group in groups for p in group[0]})
    lines = lines_of(positions)
    listed = ", ".join(str(p) for p in positions)
    cursor = connection.execute(
        f"SELECT {_POSITION}, {', '.join(CONTENT_FIELDS)} FROM {rows} "
        f"WHERE {_POSITION} IN ({listed})"
    )
    content = {row[0]: row[1:] for row in cursor.fetchall()}
    problems = []
    for members, *key in groups:
        first = content[members[0]]
        other = [m for m in members if content[m] != first]
        differ = sorted(
            {
                n
                for m in other
                for n, a, b in zip(CONTENT_FIELDS, first, content[m], strict=True)
                if a != b
            }
        )
        places = " and ".join(str(lines[m]) for m in members)
        problems.append(
            Problem(
                "key-conflict",
                f"different contents under one key on lines {places} ({', '.join(differ)})",
                file,
                lines[members[0]],
                "+".join(fmt.key),
                " ".join("" if k is None else str(k) for k in key),
                "one record per key, or identical ones",
            )
        )
    return Conflicts(counted[0], Decimal(counted[1]), tuple(problems), counted[2])


def _rewrite(out: Path, rows: str, connection: duckdb.DuckDBPyConnection, *, drop: bool) -> None:
    target = out.with_name(out.name + ".again")
    record = ", r.position AS record" if drop else ""
    where = "WHERE NOT coalesce(n.conflict, false)" if drop else ""
    connection.execute(
        f"COPY (SELECT r.* EXCLUDE (file_row_number, position) "
        f"REPLACE (CAST(coalesce(n.number, 0) AS INTEGER) AS occurrence{record}) "
        f"FROM (SELECT *, {_POSITION} AS position FROM {rows}) r "
        f"LEFT JOIN intake_numbered n ON n.position = r.position {where} ORDER BY r.position) "
        f"TO {text(str(target))} (FORMAT parquet)"
    )
    target.replace(out)
