"""The deposit reports: where each partner stands, and its roll-forward by day, against the statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finops_ledger.reports.report import Column, Report, Row, amount, total
from finops_ledger.treasury.rollforward import MOVEMENTS

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
_MOVED = tuple(Column(m, _TITLES[m], "money", optional=True) for m in MOVEMENTS)
COLUMNS = (
    Column("day", "Day"),
    Column("partner", "Partner"),
    Column("opening", "Opening", "money"),
    *_MOVED,
    Column("closing", "Closing", "money"),
    Column("stated", "Statement", "money"),
    Column("off", "Off", "money", optional=True),
    Column("tied", "Ties", "flag"),
    Column("tied_since", "Since", spare=True),
    Column("low", "Lowest", "money", spare=True),
    Column("floor", "Floor", "money", optional=True, spare=True),
    Column("below_floor", "Below floor", "flag", optional=True),
)
POSITIONS = (
    Column("partner", "Partner"),
    Column("opening", "Opening", "money", spare=True),
    *_MOVED,
    Column("closing", "Closing", "money"),
    Column("stated", "Statement", "money"),
    Column("off", "Off", "money", optional=True),
    Column("ties", "Ties since"),
    Column("in_transit_total", "In transit", "money", optional=True),
    Column("suspects", "Suspect", "count", optional=True),
    Column("low", "Lowest", "money", spare=True),
    Column("low_at", "at", optional=True, spare=True),
    Column("floor", "Floor", "money", optional=True, spare=True),
    Column("below_floor", "Below floor", "flag", optional=True),
    Column("hours", "Hours left", "count", optional=True, spare=True),
)
_SUMS = ("opening", *MOVEMENTS, "closing", "stated", "off", "in_transit_total", "suspects")
#: Whose figures are short, in words.
_SHORT = {"theirs": "their file is short", "ours": "our books are off", "": ""}


def report(rows: Sequence[Row]) -> Report:
    """Lay out the roll-forward that ``Books.deposits`` gives."""
    return Report("deposits", COLUMNS, rows)


def positions(found: Sequence[Row]) -> Report:
    """Lay out what ``Books.positions`` gives: one line a partner, and their sums."""
    rows = [
        {
            **r,
            "ties": r["tied_since"] or f"not since {r['untied_since']}",
            "suspects": len(r["suspect"]),
            "low_at": (r["lowest"]["at"] or "").rpartition(" ")[2],
        }
        for r in found
    ]
    return Report("positions", POSITIONS, rows, total(rows, *_SUMS))


def latest(rows: Sequence[Row]) -> list[Row]:
    """Return the last day of each partner."""
    last = {r["partner"]: r for r in rows}
    return [last[p] for p in sorted(last)]


def proof(day: Row) -> Iterator[tuple[str, str, str, str]]:
    """Lay out one day as a proof: line, books, statement, difference; the last line is the closing."""
    off = day["off"]
    opened = day["stated_opening"]
    apart = "" if opened is None or opened == day["opening"] else "differs"
    yield "Opening", amount(day["opening"]), "" if opened is None else amount(opened), apart
    for name in MOVEMENTS:
        if day[name] != "0":
            yield f"{_TITLES[name]}", amount(day[name]), "", ""
    stated = "no statement" if day["stated"] is None else amount(day["stated"])
    tied = "ties" if day["tied"] else "" if off is None else amount(off)
    yield "Closing", amount(day["closing"]), stated, tied


def place(found: Row) -> str:
    """Write where a row stands: ``file:line``; nothing where there is none."""
    if not found["file"]:
        return ""
    return f"{found['file']}:{found['line']}" if found["line"] else str(found["file"])


def differences(
    found: Sequence[Row], *, books: bool | None = None
) -> Iterator[tuple[str, str, str, str, str, str, list[str]]]:
    """Lay out what does not tie: partner, day, amount, who is short, place, what, orders of that price.

    ``books``: only where books and statement part, or (False) only what rows of the statement do not explain.
    """
    for one in found:
        for each in one["differences"]:
            if books is not None and (each["kind"] == "books") != books:
                continue
            orders = [
                f"{o['ref']} ({o['why']}{', ' + o['id'] if o['id'] else ''}"
                f"{', ' + place(o) if place(o) else ''})"
                for o in each["orders"]
            ]
            named = f" ({each['id']})" if each["id"] else ""
            yield (
                one["partner"],
                each["day"],
                amount(each["amount"]),
                _SHORT[each["short"]],
                place(each),
                f"{each['told']}{named}",
                orders,
            )


def topups(found: Sequence[Row], key: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Lay out top-ups: partner, amount, what, since when, place, the text of the line."""
    for one in found:
        for each in one[key]:
            what = "sent, not credited" if each["direction"] == "sent" else "credited, not sent"
            what = what if each["class"] == "timing" else each["class"]
            until = f", until {each['breaks_on']}" if each["breaks_on"] else ""
            since = f"{each['since']}, {each['age']} d{until}"
            text = " ".join((each["text"] or "").split())
            yield one["partner"], amount(each["amount"]), what, since, place(each), text
