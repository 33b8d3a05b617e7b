"""The list of balance confirmations: by month and partner, what was asked and what was answered."""

from __future__ import annotations

from collections.abc import Sequence

from finops_ledger.reports.report import Column, Report, Row

COLUMNS = (
    Column("month", "Month"),
    Column("partner", "Partner"),
    Column("balance", "Letter", "money"),
    Column("answer", "Answer", "money", optional=True),
    Column("difference", "Difference", "money", optional=True),
    Column("sent", "Sent", optional=True),
    Column("told", "State"),
)


def report(found: Sequence[Row]) -> Report:
    """Lay out what ``Books.confirmations.list`` gives."""
    return Report("confirmations", COLUMNS, found)
