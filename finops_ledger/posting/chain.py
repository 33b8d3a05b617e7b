"""The running-balance chain of a statement: opening + movements = closing, row by row.

If every stated balance less the movements up to its row is the same number, the chain holds and that number is the
opening. Where it changes, the rows do not explain the statement: that is a gap, named by its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from finops_ledger.subledger.engine import Engine, literal


class Break(NamedTuple):
    """A place where the balance does not run on: the row, by how much, whether rows are missing before it."""

    record: int
    amount: Decimal
    rows_missing: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """What a statement with a running balance says about itself."""

    opening: Decimal
    closing: Decimal
    low: Decimal
    gaps: tuple[Break, ...] = ()


def read(engine: Engine, role: str, batch: str, order: str, *, streamed: bool) -> Chain | None:
    """Walk the chain of one batch in ``<role>_lines`` (supply or deposit); None when no row states a balance.

    Rows already known, and revisions that do not move the deposit, are left out (ruling 7). ``order`` is the
    format's row order; ``streamed`` says that the lines come straight from Parquet, in file order.
    """
    backwards = order == "newest-first"
    over = (
        "(rows unbounded preceding)" if streamed else "(order by record rows unbounded preceding)"
    )
    if backwards:
        over = "(order by record desc rows unbounded preceding)"
    engine.connection.execute(
        "create or replace temp view chain as "
        f"select record, balance, balance - sum(d_deposit) over {over} as base, d_deposit "
        f"from {role}_lines where batch = {literal(batch)} and disposition <> 'known' "
        "and (disposition = 'new' or d_deposit <> 0)"
    )
    found = engine.rows(
        "select count(balance) as n, min(base) as low_base, max(base) as high_base, "
        "min(balance) as low, sum(d_deposit) as moved from chain"
    )[0]
    if not found["n"]:
        return None
    if found["low_base"] == found["high_base"]:
        opening = found["low_base"]
        return Chain(opening, opening + found["moved"], min(found["low"], opening))
    way = "desc" if backwards else "asc"
    stated = engine.rows(
        "select record, base, balance, nr from chain join (select record, row_number() over "
        f"(order by record) as nr from {role}_lines where batch = {literal(batch)}) using (record) "
        f"where balance is not null order by record {way}"
    )
    gaps = [
        Break(
            row["record"],
            row["base"] - before["base"],
            row["record"] - before["record"] != row["nr"] - before["nr"],
        )
        for before, row in pairwise(stated)
        if row["base"] != before["base"]
    ]
    opening = stated[0]["base"]
    total = sum((gap.amount for gap in gaps), Decimal(0))
    return Chain(opening, opening + found["moved"] + total, min(found["low"], opening), tuple(gaps))
