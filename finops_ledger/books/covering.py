"""Which days a file answers for, where its rows say so: a partner's file in the partner's own days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from finops_ledger.books.config import Source
from finops_ledger.books.workspace import Workspace
from finops_ledger.intake.model import ReadResult
from finops_ledger.posting.reading import partner_day
from finops_ledger.subledger import engine as en

#: Roles whose rows post on the partner's day (ruling 7).
ON_THEIR_DAY = ("supply", "deposit")


def row_days(
    space: Workspace, source: Source, rows: Path, result: ReadResult, day: date | None
) -> tuple[date, date] | None:
    """Return the first and the last day of the rows in a Parquet file; None when there are no rows.

    Of a supplier's file these are days of its window, in force on ``day`` (else on the last of them): a row
    before the opening of a day that is named by its start is one of the day before. Of any other file they
    are days of the books' calendar.
    """
    if result.first_day is None or result.last_day is None:
        return None
    found = result.first_day, result.last_day
    if source.role not in ON_THEIR_DAY:
        return found
    # Where the rows say the file's day, that day says by which version they are read: a second look settles it.
    for _ in range(1 if day is not None else 2):
        sql = partner_day(space.registry, source.counterparty, day or found[1])
        query = f"select min({sql}), max({sql}) from ({en.parquet([rows])})"
        first, last = space.local.connection.execute(query).fetchall()[0]
        if first is None:
            return found
        found = first, last
    return found
