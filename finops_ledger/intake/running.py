"""Whether the running balance of a file that is tried follows from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import duckdb
import pyarrow as pa

#: Roles whose running balance the books walk: a bank's file is refused where it does not run on.
WALKED: Final = ("supply", "deposit", "bank")
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """A row whose balance is not the one before it plus the amounts between."""

    record: int
    balance: Decimal  #: as stated
    off: Decimal  #: the stated balance less the one that follows
    line: int = 0  #: of the file

    @property
    def expected(self) -> Decimal:
        """Return the balance that follows from the row before."""
        return self.balance - self.off


@dataclass(frozen=True, slots=True)
class Running:
    """What the running balance says. ``column``: as the file names it; ``gaps``: the first ones."""

    column: str
    stated: int  #: rows that state a balance
    total: int  #: places where it does not follow
    gaps: tuple[Gap, ...] = ()


def walk(table: pa.Table, column: str, order: str | None) -> Running | None:
    """Walk the balance of rows in file order; None where no row states one.

    Each balance less the amounts up to it must be one number, of each account.
    """
    if not {"balance", "amount"} <= {*table.column_names}:
        return None
    way = "desc" if order == "newest-first" else "asc"
    place = "coalesce(record, nr + 1)" if "record" in table.column_names else "nr + 1"
    account = "coalesce(account, '')" if "account" in table.column_names else "''"
    wanted = [n for n in ("record", "account", "balance", "amount") if n in table.column_names]
    rows = table.select(wanted).append_column("nr", pa.array(range(table.num_rows), pa.int64()))
    with duckdb.connect() as connection:
        connection.register("tried", rows)
        connection.execute(
            f"CREATE TEMP TABLE walked AS SELECT {place} AS place, nr, {account} AS account, balance, "
            f"balance - sum(coalesce(amount, 0)) OVER (PARTITION BY {account} ORDER BY nr {way} "
            "ROWS UNBOUNDED PRECEDING) AS base FROM tried"
        )
        [(stated,)] = connection.execute("SELECT count(balance) FROM walked").fetchall()
        if not stated:
            return None
        connection.execute(
            "CREATE TEMP TABLE gaps AS SELECT place, nr, balance, base - before AS off FROM ("
            f"SELECT *, lag(base) OVER (PARTITION BY account ORDER BY nr {way}) AS before FROM walked "
            "WHERE balance IS NOT NULL) WHERE before IS NOT NULL AND base <> before"
        )
        [(total,)] = connection.execute("SELECT count(*) FROM gaps").fetchall()
        found = connection.execute(
            f"SELECT place, balance, off FROM gaps ORDER BY nr {way} LIMIT {LISTED}"
        ).fetchall()
    return Running(column, stated, total, tuple(Gap(*row) for row in found))
