"""The deposit report: per partner and day, opening + movements = closing, against the statement."""

from __future__ import annotations

from collections.abc import Sequence

from finops_ledger.books.figures import MOVEMENTS
from finops_ledger.reports.report import Column, Report, Row

_TITLES = {
    "topup": "Top-up",
    "bonus": "Bonus",
    "refund": "Refund",
    "usage": "Usage",
    "pending": "Pending",
    "fee": "Fee",
    "tax": "Tax",
    "adjustment": "Adjustment",
    "difference": "Difference",
}
COLUMNS = (
    Column("day", "Day"),
    Column("partner", "Partner"),
    Column("opening", "Opening", "money"),
    *(Column(m, _TITLES[m], "money", optional=True) for m in MOVEMENTS),
    Column("closing", "Closing", "money"),
    Column("stated", "Statement", "money"),
    Column("tied", "Ties", "flag"),
    Column("tied_since", "Since", spare=True),
    Column("low", "Lowest", "money", spare=True),
    Column("floor", "Floor", "money", optional=True, spare=True),
    Column("below_floor", "Below floor", "flag", optional=True),
)


def report(rows: Sequence[Row]) -> Report:
    """Lay out the roll-forward that ``Books.deposits`` gives."""
    return Report("deposits", COLUMNS, rows)


def latest(rows: Sequence[Row]) -> list[Row]:
    """Return the last day of each partner."""
    last = {r["partner"]: r for r in rows}
    return [last[p] for p in sorted(last)]
