"""The running-balance chain of a statement: opening + movements = closing, row by row.

If every stated balance less the movements up to its row is the same number, the chain holds and that number is the
opening. Where it changes, the rows do not explain the statement: that is a gap, named by its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from finops_ledger.core.money import plain
from finops_ledger.subledger.engine import Engine, literal


class Break(NamedTuple):
    """A place where the balance does not run on: the row, by how much, whether rows are missing before it.

    ``moved``: what the row itself says that it moves; None where rows stand between it and the balance before.
    """

    record: int
    amount: Decimal
    rows_missing: bool
    moved: Decimal | None = None

    def told(self) -> str:
        """Say what is wrong with the row, and which side is short, as far as the file proves it."""
        row, off = f"row {self.record}", plain(self.amount)
        if self.rows_missing:
            return f"rows before {row} were refused: the balance moved {off} by them"
        if self.moved is not None and self.moved and self.moved + self.amount == 0:
            return f"{row} is extra: it lists {plain(self.moved)}, the balance did not move"
        missing = f"their file is short of a row of {off} before {row}"
        if self.moved is None or not self.moved:
            return missing
        became = plain(self.moved + self.amount)
        return f"{missing}, or {row} is repriced: it lists {plain(self.moved)}, the balance moved {became}"


@dataclass(frozen=True, slots=True)
class Chain:
    """What a statement with a running balance says about itself."""

    opening: Decimal
    closing: Decimal
    low: Decimal
    gaps: tuple[Break, ...] = ()
    #: The row at which it falls below zero for the first time; None while it does not.
    negative: int | None = None


def read(
    engine: Engine,
    role: str,
    batch: str,
    order: str,
    *,
    issues: Sequence[str] = (),
) -> Chain | None:
    """Walk the chain of one batch in ``<role>_lines`` (supply or deposit); None when no row states a balance.

    Rows already known, and revisions that do not move the deposit, are left out (ruling 7). ``order`` is the
    format's row order. ``issues``: the earlier issues of the same file; what they moved is part of the rows that
    this one states again.
    """
    # Always by record: lines come in the order of their file only as long as no join lies between.
    way = "desc" if order == "newest-first" else "asc"
    over = f"(order by record {way} rows unbounded preceding)"
    engine.view(
        "chain",
        f"select record, balance, balance - sum(moved) over {over} as base, moved "
        f"from ({_reissued(role, batch, issues) if issues else _moved(role, batch)})",
    )
    found = engine.rows(
        "select count(balance) as n, min(base) as low_base, max(base) as high_base, "
        "min(balance) as low, sum(moved) as moved from chain"
    )[0]
    if not found["n"]:
        return None
    below = f"select record from chain where balance < 0 order by record {way} limit 1"
    negative = engine.rows(below)[0]["record"] if found["low"] < 0 else None
    if found["low_base"] == found["high_base"]:
        opening = found["low_base"]
        low = min(found["low"], opening)
        return Chain(opening, opening + found["moved"], low, (), negative)
    stated = engine.rows(
        "select record, base, before, nr - nr_before <> record - record_before as rows_missing, "
        "case when abs(nr - nr_before) = 1 then moved end as moved from ("
        f"select record, base, nr, moved, lag(base) over w as before, lag(nr) over w as nr_before, "
        f"lag(record) over w as record_before from chain join (select record, row_number() over "
        f"(order by record) as nr from {role}_lines where batch = {literal(batch)}) using (record) "
        f"where balance is not null window w as (order by record {way})) "
        f"where before is null or base <> before order by record {way}"
    )
    gaps = [
        Break(r["record"], r["base"] - r["before"], r["rows_missing"], r["moved"])
        for r in stated[1:]
    ]
    opening = stated[0]["base"]
    total = sum((gap.amount for gap in gaps), Decimal(0))
    closing = opening + found["moved"] + total
    return Chain(opening, closing, min(found["low"], opening), tuple(gaps), negative)


def of_totals(
    engine: Engine,
    role: str,
    batch: str,
    order: str,
    opening: Decimal | None,
    closing: Decimal | None,
    *,
    issues: Sequence[str] = (),
) -> Chain | None:
    """Walk a file whose rows state no balance from the total that it states; None when it states none.

    A file without rows is the plainest of them: it closes where it opened. An opening goes before a closing, since
    rows that were refused lie between the two.
    """
    if opening is None and closing is None:
        return None
    way = "desc" if order == "newest-first" else "asc"
    rows = _reissued(role, batch, issues) if issues else _moved(role, batch)
    engine.view(
        "walk",
        f"select record, sum(moved) over (order by record {way} rows unbounded preceding) as upto, moved "
        f"from ({rows})",
    )
    found = engine.rows("select sum(moved) as moved, min(upto) as low from walk")[0]
    moved, low = (Decimal(found[k] or 0) for k in ("moved", "low"))
    begins = opening if opening is not None else (closing or Decimal(0)) - moved
    lowest, negative = begins + min(low, Decimal(0)), None
    if lowest < 0 <= begins:
        below = (
            f"select record from walk where upto < {plain(-begins)} order by record {way} limit 1"
        )
        negative = int(engine.rows(below)[0]["record"])
    return Chain(begins, begins + moved, lowest, (), negative)


def dip(engine: Engine, role: str, partner: str, day: date) -> Decimal:
    """Return the lowest point of a partner's day, counted from where it opened: 0 or less.

    Over the rows of all files that post on it, in the order of their times; of rows of one moment those come first
    that bring money in, since nothing proves that they did not.
    """
    rows = (
        f"from {role}_lines where partner = {literal(partner)} and day_post = date '{day.isoformat()}' "
        "and disposition <> 'known' and d_deposit <> 0"
    )
    sums = engine.rows(f"select sum(d_deposit) as moved, max(d_deposit) as most {rows}")[0]
    if sums["moved"] is None or sums["most"] <= 0:
        # Nothing came in: it only went down, in whatever order.
        return Decimal(sums["moved"] or 0)
    found = engine.rows(
        "select min(upto) as low from (select sum(d_deposit) over (order by stated_at nulls first, "
        f"d_deposit desc rows unbounded preceding) as upto {rows})"
    )[0]
    return min(Decimal(found["low"]), Decimal(0))


def absent(engine: Engine, role: str, batch: str, issues: Sequence[str]) -> Decimal:
    """What earlier issues of a file moved by rows that this one no longer has; they still count."""
    return Decimal(
        engine.rows(
            f"select coalesce(sum(d_deposit), 0) as moved from {role}_lines as l "
            f"where batch in ({_listed(issues)}) and disposition <> 'known' and not exists "
            f"(select 1 from {role}_lines as o where o.batch = {literal(batch)} "
            "and o.key = l.key and o.occurrence = l.occurrence)"
        )[0]["moved"]
    )


def _listed(batches: Sequence[str]) -> str:
    return ", ".join(literal(b) for b in batches)


def _moved(role: str, batch: str) -> str:
    return (
        "select record, balance, d_deposit as moved "
        f"from {role}_lines where batch = {literal(batch)} and disposition <> 'known' "
        "and (disposition = 'new' or d_deposit <> 0)"
    )


def _reissued(role: str, batch: str, issues: Sequence[str]) -> str:
    """Rows of the last issue, each with what all issues move by it: the first of an identity takes the rest."""
    same = "(partition by key, occurrence)"
    own = f"batch = {literal(batch)}"
    return (
        "select record, balance, moved from ("
        f"select record, balance, batch, case when {own} and nth = 1 then d + sum(case when {own} "
        f"then 0 else d end) over {same} else d end as moved, bool_or(fresh) over {same} as counts "
        "from (select record, balance, batch, key, occurrence, disposition = 'new' as fresh, "
        "case when disposition = 'known' then 0 else d_deposit end as d, "
        "row_number() over (partition by batch, key, occurrence order by record) as nth "
        f"from {role}_lines where batch in ({_listed([batch, *issues])}))) "
        f"where {own} and (counts or moved <> 0)"
    )
