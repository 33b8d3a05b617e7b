"""A pair of files many times as long as one that was simulated: written by the engine, so that no list is held.

Each copy of the day's rows goes on where the one before ended: order, transaction and serial numbers, and the balance.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import duckdb

from tests.benchmarks.pair import Pair


def draw_many(of: Pair, folder: Path, copies: int) -> None:
    """Write ``copies`` times the rows of a pair into ``folder``, with its prices, opening and outcomes."""
    into = Pair(folder)
    for path in (into.orders, into.prices, into.folder / "truth" / "outcomes.csv"):
        path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(of.prices, into.prices)
    shutil.copyfile(of.folder / "opening.json", into.folder / "opening.json")
    _append(into.folder / "truth" / "outcomes.csv", _outcomes(of, copies))
    with duckdb.connect() as connection:
        part = folder / "part.csv"
        rows = _orders(connection, of, into, copies, part)
        _supply(connection, of, into, copies, rows, part)
        part.unlink()


def _append(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)


def _outcomes(of: Pair, copies: int) -> Iterable[bytes]:
    head, *rows = (of.folder / "truth" / "outcomes.csv").read_bytes().splitlines(keepends=True)
    yield head
    for _ in range(copies):
        yield from rows


def _later(column: str, by: int) -> str:
    """SQL of an id whose last eight digits are a number, ``by`` later."""
    number = f"cast(right({column}, 8) as bigint) + {by}"
    return f"left({column}, length({column}) - 8) || lpad(cast({number} as varchar), 8, '0')"


def _serial(column: str, copy: int) -> str:
    """SQL of a serial number of its own for each copy: one on two orders would be a break."""
    return f"{column} || '{copy:02}'" if copy else column


def _read(path: Path, delimiter: str, skip: int, width: int) -> str:
    columns = ", ".join(f"'c{i}': 'varchar'" for i in range(width))
    return (
        f"read_csv('{path}', auto_detect = false, header = false, skip = {skip}, delim = '{delimiter}', "
        f"quote = '\"', escape = '\"', columns = {{{columns}}})"
    )


def _write(
    connection: duckdb.DuckDBPyConnection, query: str, part: Path, into: Path, delimiter: str
) -> None:
    connection.execute(
        f"copy ({query}) to '{part}' (format csv, header false, delim '{delimiter}')"
    )
    with into.open("ab") as file, part.open("rb") as more:
        shutil.copyfileobj(more, file, 1 << 24)


def _orders(
    connection: duckdb.DuckDBPyConnection, of: Pair, into: Pair, copies: int, part: Path
) -> int:
    with of.orders.open("rb") as file:
        into.orders.write_bytes(file.readline())
    read = _read(of.orders, ",", 1, 14)
    found = connection.execute(f"select max(cast(right(c0, 8) as bigint)) from {read}").fetchone()
    assert found is not None
    rows = int(found[0])
    for copy in range(copies):
        by = copy * rows
        changed = (
            f"{_later('c0', by)} as c0, {_later('c11', by)} as c11, {_serial('c12', copy)} as c12"
        )
        _write(connection, f"select * replace ({changed}) from {read}", part, into.orders, ",")
    return rows


def _supply(
    connection: duckdb.DuckDBPyConnection, of: Pair, into: Pair, copies: int, rows: int, part: Path
) -> None:
    with of.supply.open("rb") as file:
        into.supply.write_bytes(b"".join(file.readline() for _ in range(3)))
    read = _read(of.supply, ";", 3, 13)
    amount = "cast(replace(coalesce({}, '0'), '.', '') as bigint)"
    debit, credit, balance = (amount.format(c) for c in ("c9", "c10", "c11"))
    total = connection.execute(f"select c1, c9, c10, c11 from {read} where c0 = 'TOTAL'").fetchone()
    assert total is not None
    count, debits, credits, closing = (int(str(t).replace(".", "")) for t in total)
    assert (debits, credits) == connection.execute(
        f"select sum({debit}), sum({credit}) from {read} where c0 <> 'TOTAL'"
    ).fetchone()
    moved = credits - debits
    for copy in range(copies):
        changed = ", ".join(
            [
                f"cast(cast(c0 as bigint) + {copy * count} as varchar) as c0",
                f"{_later('c2', copy * rows)} as c2",
                f"{_later('c3', copy * rows)} as c3",
                f"{_serial('c8', copy)} as c8",
                f"{_dots(f'{balance} + {copy * moved}')} as c11",
            ]
        )
        query = f"select * replace ({changed}) from {read} where c0 <> 'TOTAL'"
        _write(connection, query, part, into.supply, ";")
    last = [count * copies, debits * copies, credits * copies, closing + moved * (copies - 1)]
    cells = ["TOTAL", str(last[0]), *[""] * 7, *(f"{n:,}".replace(",", ".") for n in last[1:]), ""]
    with into.supply.open("ab") as file:
        file.write(";".join(cells).encode() + b"\n")


def _dots(number: str) -> str:
    """SQL of a whole number with a dot between thousands."""
    return f"replace(format('{{:,}}', cast({number} as bigint)), ',', '.')"
