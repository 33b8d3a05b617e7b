"""The revenue report: orders, revenue, cost and margin by month, category and partner."""

from __future__ import annotations

from collections.abc import Sequence

from finops_ledger.books.figures import AMOUNTS
from finops_ledger.reports.report import Column, Report, Row, total

_GROUPS = {"month": "Month", "category": "Category", "partner": "Partner"}
_FIGURES = (
    Column("orders", "Orders", "count"),
    Column("gross", "Gross sales", "money", optional=True),
    Column("net", "Net as agent", "money", optional=True),
    Column("other", "Other", "money", optional=True),
    Column("promo", "Promo", "money", optional=True),
    Column("revenue", "Net revenue", "money"),
    Column("cogs", "Cost", "money", optional=True),
    Column("margin", "Margin", "money"),
)


def report(rows: Sequence[Row], by: Sequence[str]) -> Report:
    """Lay out the rows that ``Books.revenue`` gives, with their sum."""
    groups = tuple(Column(g, _GROUPS[g]) for g in by)
    return Report("revenue", (*groups, *_FIGURES), rows, total(rows, "orders", *AMOUNTS))
