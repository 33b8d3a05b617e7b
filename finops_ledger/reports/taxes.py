"""The report on taxes: by month, expected and taken, with the slips; and the table of rates with their sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finops_ledger.core import taxes
from finops_ledger.core.money import plain
from finops_ledger.reports.report import Column, Report, Row

_COLUMNS = (
    Column("month", "Month"),
    Column("tax", "Tax"),
    Column("counterparty", "With"),
    Column("category", "Category", optional=True),
    Column("base", "Base", "money", optional=True),
    Column("expected", "Expected", "money"),
    Column("taken", "Taken", "money"),
    Column("difference", "Difference", "money", optional=True),
    Column("slips", "Slips", "money", optional=True),
    Column("missing", "Without slip", "money", optional=True),
)
_RATES = (
    Column("tax", "Tax"),
    Column("from", "From"),
    Column("until", "Until"),
    Column("rate", "Rate"),
    Column("base", "Of"),
    Column("rounding", "Rounding"),
    Column("no_number", "No tax number", optional=True, spare=True),
    Column("above", "Above", "money", optional=True),
    Column("amount", "Amount", "money", optional=True),
    Column("applied", "Applied", "flag"),
    Column("source", "Source", spare=True),
)


def report(rows: Sequence[Row]) -> Report:
    """Lay out the rows that ``Books.taxes`` gives."""
    return Report("taxes", _COLUMNS, rows)


def rates() -> list[dict[str, Any]]:
    """Return the table of taxes: rates as text, in percent; what a line does not have is None.

    ``applied``: whether the program books or checks it anywhere; ``use``: where, or what to do by hand.
    """
    return [
        {
            "tax": one.code,
            "name": one.name,
            "from": one.valid_from.isoformat(),
            "until": one.until.isoformat() if one.until else None,
            "rate": taxes.percent(one.rate) if one.rate else None,
            "base": one.on if one.base == 1 else f"{one.base} of {one.on}",
            "rounding": one.rounding,
            "no_number": taxes.percent(one.no_number) if one.no_number is not None else None,
            "above": plain(one.above) if one.above else None,
            "amount": plain(one.amount) if one.amount is not None else None,
            "applied": taxes.uses()[one.code].applied,
            "use": taxes.uses()[one.code].what,
            "source": one.source,
        }
        for one in taxes.table()
    ]


def not_applied() -> list[str]:
    """Return a line for each tax that stands in the table and is applied nowhere: its source, and what to do."""
    newest = {one.code: one for one in taxes.table()}
    return [
        f"{use.code} ({newest[use.code].source}): {use.what}."
        for use in taxes.uses().values()
        if not use.applied
    ]


def odd(rows: Sequence[Row]) -> list[str]:
    """Return a line for each rate of an SOP that is not that of the table (see :mod:`.books.taxing_odds`)."""
    return [
        f"sops/{r['counterparty']}.toml, {r['change_id']}: {r['key']} is {r['stated']}, the table of taxes has "
        f"{r['table']} ({r['tax']}) on {r['day']}."
        for r in rows
    ]


def rate_report(rows: Sequence[Row]) -> Report:
    """Lay out :func:`rates`."""
    return Report("rates", _RATES, rows)
