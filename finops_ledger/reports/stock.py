"""The vault: its lots with cost and expiry, and what a count has found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from finops_ledger.reports.report import Column, Report, total

_COLUMNS = (
    Column("product", "Product"),
    Column("partner", "From"),
    Column("lot", "Lot", optional=True),
    Column("came", "Came"),
    Column("expires", "Expires", optional=True),
    Column("left", "Days left", "count", optional=True),
    Column("units", "Codes", "count"),
    Column("cost", "Cost", "money"),
    Column("value", "Value", "money"),
    Column("state", "State", optional=True),
    Column("account", "Account", spare=True),
)


def report(found: dict[str, Any]) -> Report:
    """Lay out the lots that ``Books.stock`` gives."""
    lots = found["lots"]
    return Report("stock", _COLUMNS, lots, total(lots, "units", "value") if lots else {})


def below(found: dict[str, Any]) -> Iterator[str]:
    """What somebody has to look at: counts that differ, lots that have expired and how they are written down."""
    for one in found["counts"]:
        told = f"{one['product']}: {one['counted']} counted at the end of {one['day']}"
        same = one["difference"] == "0"
        yield (
            f"{told}, as in the books."
            if same
            else f"{told}, the books have {one['books']}: {one['difference']}"
        )
    for one in found["lots"]:
        if one["state"]:
            yield (
                f"{one['product']} {one['lot']}: {one['units']} codes have expired on {one['expires']}; write them "
                f"down by a decision: {one['account']}  -{one['units']} {one['position']}"
            )
