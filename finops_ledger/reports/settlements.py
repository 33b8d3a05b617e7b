"""The list of settlements, what of it is due when, and a calendar of the days on which money goes or comes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final

from finops_ledger.core.money import ZERO, plain
from finops_ledger.reports.report import Column, Report, Row, total
from finops_ledger.treasury.settlements import BUCKET_NAMES, NO_DATE, OLDEST

COLUMNS: Final = (
    Column("due", "Due", "date"),
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
#: The buckets of what is still to come.
_AHEAD: Final = ("not due", "today")
#: So many closed days in a row are no plain weekend.
_RUN: Final = 3
DIRECTIONS: Final = {"pay": "To pay", "receive": "To receive"}

AGEING: Final = (
    Column("direction", ""),
    *(
        Column(n, _TITLES.get(n, f"{n} days late"), "money", optional=n in (NO_DATE, OLDEST))
        for n in BUCKET_NAMES
    ),
    Column("total", "Total", "money"),
    Column("next", "Next due", "date"),
)
NEXT: Final = (
    Column("direction", "Direction"),
    Column("counterparty", "With"),
    Column("channel", "Channel", optional=True),
    Column("next", "Next due", "date"),
    Column("amount", "Due then", "money"),
    Column("what", "Settlements"),
    Column("late", "Overdue", "money"),
    Column("ahead", "Due later", "money"),
    Column("undated", "No date", "money", optional=True),
    Column("total", "Open", "money"),
)
CALENDAR: Final = (
    Column("day", "Day", "date"),
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
    columns = (Column("direction", "Direction"), *COLUMNS, Column("paid_on", "Paid on", "date"))
    return Report("settlements", columns, [r for part in parts for r in part.rows])


def days(row: Row) -> str:
    """Write the period of a settlement: its day, or its first and last one."""
    period = row["period"]
    if period is None:
        return ""
    return _span(period["first"], period["last"])


def _span(first: str, last: str) -> str:
    """Write two days as one span: 2026-05-11 – 13.

    >>> _span("2026-05-11", "2026-05-13"), _span("2026-05-29", "2026-06-02"), _span("2026-05-11", "2026-05-11")
    ('2026-05-11 – 13', '2026-05-29 – 06-02', '2026-05-11')
    """
    if first == last:
        return first
    same = 8 if first[:7] == last[:7] else 5 if first[:4] == last[:4] else 0
    return f"{first} – {last[same:]}"


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
        ahead = sorted(r["due"] for r in own if r["bucket"] in _AHEAD)
        made.append(
            {
                "direction": title,
                **{n: plain(a) for n, a in sums.items()},
                "total": plain(sum(sums.values(), ZERO)),
                "next": ahead[0] if ahead else "",
            }
        )
    return Report("settlements-ageing", AGEING, made)


def next_due(rows: Sequence[Row]) -> Report:
    """Lay out by direction, counterparty and channel what falls due next, with what is overdue and what comes later."""
    made: list[Row] = []
    keys = ("direction", "counterparty", "channel")
    open_ = sorted(
        (r for r in rows if Decimal(r["open"]) != ZERO), key=lambda r: [r[k] for k in keys]
    )
    for key, group in groupby(open_, key=lambda r: tuple(r[k] for k in keys)):
        own = list(group)
        ahead = [r for r in own if r["bucket"] in _AHEAD]
        first = min((r["due"] for r in ahead), default="")
        then = [r for r in ahead if r["due"] == first]
        undated = [r for r in own if r["bucket"] == NO_DATE]
        late = [r for r in own if r["bucket"] not in (*_AHEAD, NO_DATE)]
        later = [r for r in ahead if r["due"] != first]
        made.append(
            {
                **dict(zip(keys, key, strict=True)),
                "next": first,
                "what": ", ".join(r["ref"] for r in then),
                **{
                    name: plain(sum((Decimal(r["open"]) for r in part), ZERO))
                    for name, part in (
                        ("amount", then), ("late", late), ("ahead", later), ("undated", undated), ("total", own)
                    )
                },
            }
        )  # fmt: skip
    return Report("settlements-next-due", NEXT, made)


def sheets(rows: Sequence[Row], days_: Sequence[Row]) -> dict[str, Report]:
    """Lay out settlements and the days of their calendar as the sheets of a workbook."""
    return {
        "Settlements": everything(rows),
        "Ageing": ageing(rows),
        "Next due": next_due(rows),
        "Calendar": calendar(days_, every_day=True),
    }


def calendar(rows: Sequence[Row], *, every_day: bool = False) -> Report:
    """Lay out the days that ``Books.settlement_calendar`` gives, with their sums.

    Without ``every_day``: those on which something is due, and as one line each run of closed days that is no plain
    weekend.
    """
    shown = list(rows) if every_day else _shortened(rows)
    return Report("settlements-calendar", CALENDAR, shown, total(rows, "pay", "receive", "net"))


def _shortened(rows: Sequence[Row]) -> list[Row]:
    made: list[Row] = []
    for closed, group in groupby(rows, key=lambda r: bool(r["bank"])):
        run = list(group)
        quiet = not any(r["refs"] for r in run)
        if not closed or not quiet:
            made += [r for r in run if r["refs"]]
        elif len(run) >= _RUN:
            names = dict.fromkeys(r["bank"].removeprefix("closed: ") for r in run)
            plain_names = [n.removeprefix("Joint leave: ") for n in names if n != "weekend"]
            told = f"closed: {'; '.join(dict.fromkeys(plain_names))}"
            made.append(
                {**run[0], "day": _span(run[0]["day"], run[-1]["day"]), "weekday": "", "bank": told}
            )
    return made
