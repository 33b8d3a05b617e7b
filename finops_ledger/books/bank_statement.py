"""What a bank's statement says by its running balance: opening, closing, and whether it runs on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.money import plain
from finops_ledger.intake.read import ReadResult, locate
from finops_ledger.intake.spec import Format
from finops_ledger.subledger.engine import parquet
from finops_ledger.subledger.engine_duckdb import DuckEngine
from finops_ledger.subledger.manifest import Batch

_LISTED = 20


def prove(
    engine: DuckEngine, path: Path, fmt: Format, rows: Path, result: ReadResult
) -> ReadResult:
    """Walk the running balance of a statement; fill in the opening and closing that it proves.

    Balances less the movements up to them must be one number, the opening. A statement that states none is
    left as it is; one with refused records proves nothing.

    Raises:
        InputRefused: a balance does not follow from the one before it and the movements between.
    """
    if result.refused:
        return result
    way = "desc" if fmt.order == "newest-first" else "asc"
    chain = (
        "select coalesce(record, file_row_number + 1) as place, balance, amount, "
        f"balance - sum(amount) over (order by file_row_number {way} rows unbounded preceding) as base "
        f"from ({parquet([rows], position=True)})"
    )
    engine.connection.execute(f"create or replace temp table statement as {chain}")
    found = engine.rows(
        "select count(balance) as n, min(base) as low, max(base) as high, sum(amount) as moved "
        "from statement"
    )[0]
    if not found["n"]:
        return result
    if found["low"] != found["high"]:
        raise InputRefused(path.name, _gaps(engine, path, fmt, way))
    opening = found["low"]
    return replace(
        result,
        opening=opening if result.opening is None else result.opening,
        closing=opening + found["moved"] if result.closing is None else result.closing,
    )


def _gaps(engine: DuckEngine, path: Path, fmt: Format, way: str) -> list[Problem]:
    rows = engine.rows(
        "select place, balance, base, lag(base) over w as before from statement "
        f"where balance is not null window w as (order by place {way}) "
        f"qualify before is not null and base <> before order by place {way} limit {_LISTED}"
    )
    field = fmt.fields.get("balance")
    column = field.column if field is not None else "balance"
    problems = []
    for row in rows:
        line, _ = locate(path, fmt, row["place"])
        off = row["base"] - row["before"]
        problems.append(
            Problem(
                "balance-chain",
                f"the balance does not follow from the one before it: off by {plain(off)}",
                path.name,
                line,
                column,
                plain(row["balance"]),
                plain(row["balance"] - off),
            )
        )
    return problems


def at_day_end(batches: Iterable[Batch]) -> list[Batch]:
    """Return the statements of one account whose closing is that of the day on which they all end.

    A bank may state a day in parts, and a file may be asked for again when the day has gone on. Left out is
    a part whose closing another one opens with, and a file whose opening another one states with more rows.
    """
    found = [b for b in batches if b.line["stated"]["closing"] is not None]

    def earlier(one: Batch, other: Batch) -> bool:
        mine, its = one.line["stated"], other.line["stated"]
        if mine["closing"] == its["closing"] or its["opening"] is None:
            return False
        read, more = one.line["rows"]["read"], other.line["rows"]["read"]
        continued = its["opening"] == mine["closing"]
        again = its["opening"] == mine["opening"] and more > read
        return bool(continued or again)

    last = [b for b in found if not any(earlier(b, other) for other in found)]
    return last or found


__all__ = ["at_day_end", "prove"]
