"""The list of settlements, what of it is due when, and a calendar of the days on which money goes or comes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from finops_ledger.core.money import ZERO, plain
from finops_ledger.reports.report import Column, Report, Row, total
from finops_ledger.treasury.settlements import BUCKET_NAMES, NO_DATE, OLDEST

COLUMNS: Final = (
    Column("due", "Due"),
    Column("counterparty", "With"),
    Column("ref", "Code"),
    Column("channel", "Channel", optional=True),
    Column("days", "Period"),
    Column("state", "State"),
    Column("rows", "Rows", "count", spare=True),
    Column("gross", "Gross", "money"),
    Column("refunds", "Refunds", "money", optional=True, spare=True),
    Column("chargebacks", "Chargebacks", "money", optional=True, spare=True),
    Column("commission", "Commission", "money", optional=True, spare=True),
    Column("fee", "Fee", "money", optional=True, spare=True),
    Column("vat", "VAT", "money", optional=True, spare=True),
    Column("withheld", "Withheld", "money", optional=True, spare=True),
    Column("claims", "Claims", "money", optional=True, spare=True),
    Column("adjustments", "Adjusted", "money", optional=True, spare=True),
    Column("net", "Net", "money"),
    Column("stated", "Stated", "money", spare=True),
    Column("listed", "Listed", "money", optional=True, spare=True),
    Column("paid", "Paid", "money", optional=True),
    Column("open", "Open", "money"),
    Column("difference", "Differs", "money", optional=True),
    Column("rounding", "Rounding", "money", optional=True, spare=True),
    Column("disputed", "Disputed", "money", optional=True),
    Column("age", "Days", "count", optional=True),
    Column("told", "Flags", optional=True),
)
#: What adds up below the list.
SUMS: Final = (
    "rows gross refunds chargebacks commission fee vat withheld claims adjustments net paid open difference "
    "rounding disputed"
).split()
_TITLES: Final = {"not due": "Not due", "today": "Due today", NO_DATE: "No date"}
DIRECTIONS: Final = {"pay": "To pay", "receive": "To receive"}

AGEING: Final = (
    Column("direction", ""),
    *(
        Column(n, _TITLES.get(n, f"{n} days late"), "money", optional=n in (NO_DATE, OLDEST))
        for n in BUCKET_NAMES
    ),
    Column("total", "Total", "money"),
    Column("next", "Next due"),
)
CALENDAR: Final = (
    Column("day", "Day"),
    Column("weekday", ""),
    Column("bank", "Banks"),
    Column("pay", "To pay", "money"),
    Column("receive", "To receive", "money"),
    Column("net", "Net", "money"),
    Column("what", "Settlements"),
)


def report(rows: Sequence[Row], direction: str) -> Report:
    """Lay out the settlements of one direction, with their sums."""
    own = [r for r in rows if r["direction"] == direction]
    shown = [
        {**r, "days": days(r), "told": ", ".join(r["flags"]), "due": r["due"] or "no date"}
        for r in own
    ]
    return Report("settlements", COLUMNS, shown, total(own, *SUMS))


def everything(rows: Sequence[Row]) -> Report:
    """Lay out both directions as one table, for spreadsheets: the direction stands in the first column."""
    parts = [report(rows, direction) for direction in DIRECTIONS]
    columns = (Column("direction", "Direction"), *COLUMNS, Column("paid_on", "Paid on"))
    return Report("settlements", columns, [r for part in parts for r in part.rows])


def days(row: Row) -> str:
    """Write the period of a settlement: its day, or its first and last one."""
    period = row["period"]
    if period is None:
        return ""
    first, last = period["first"], period["last"]
    if first == last:
        return str(first)
    return f"{first} – {last[8:] if first[:7] == last[:7] else last[5:] if first[:4] == last[:4] else last}"


def ageing(rows: Sequence[Row]) -> Report:
    """Add up what is open by direction and days past due, with the next due date."""
    made: list[Row] = []
    for direction, title in DIRECTIONS.items():
        own = [r for r in rows if r["direction"] == direction and Decimal(r["open"]) != ZERO]
        if not own:
            continue
        sums = dict.fromkeys(BUCKET_NAMES, ZERO)
        for one in own:
            sums[one["bucket"]] += Decimal(one["open"])
        ahead = sorted(r["due"] for r in own if r["bucket"] in ("not due", "today"))
        made.append(
            {
                "direction": title,
                **{n: plain(a) for n, a in sums.items()},
                "total": plain(sum(sums.values(), ZERO)),
                "next": ahead[0] if ahead else "",
            }
        )
    return Report("settlements-ageing", AGEING, made)


def calendar(rows: Sequence[Row]) -> Report:
    """Lay out the days that ``Books.settlement_calendar`` gives, with their sums."""
    return Report("settlements-calendar", CALENDAR, rows, total(rows, "pay", "receive", "net"))
