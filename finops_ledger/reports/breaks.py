"""The list of open breaks and claims, worst first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from finops_ledger.reports.report import Column, Report, Row, total

#: In what names a transfer or a bank line: the zeros that an amount is kept with.
_AMOUNTS: Final = ("topup-bank", "bank-suspense")
_IDLE: Final = re.compile(r"(?<=\d)\.0000(?!\d)")

COLUMNS = (
    Column("id", "Break"),
    Column("class", "Class"),
    Column("counterparty", "With"),
    Column("ref", "Reference"),
    Column("state", "State", spare=True),
    Column("residue", "Residue", "money"),
    Column("exposure", "At risk", "money"),
    Column("claimed", "Claimed", "money", optional=True),
    Column("priority", "Pr", "count"),
    Column("opened", "Opened", spare=True),
    Column("age", "Days", "count"),
    Column("breaks_on", "Breaks on", optional=True),
    Column("owner", "Owner", optional=True, spare=True),
    Column("due", "Due", optional=True),
    Column("overdue", "Overdue", "flag", optional=True),
    Column("also", "Also", optional=True, spare=True),
)


def report(rows: Sequence[Row]) -> Report:
    """Lay out the items that ``Books.breaks`` gives, with their sums."""
    shown = [
        {
            **r,
            "ref": _IDLE.sub("", r["ref"]) if r["leg"] in _AMOUNTS else r["ref"],
            "also": ", ".join(r["also"]),
            "overdue": r["overdue"] or None,
        }
        for r in rows
    ]
    return Report("breaks", COLUMNS, shown, total(rows, "residue", "exposure", "claimed"))
