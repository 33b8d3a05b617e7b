"""A report: rows with named columns, to be shown as a table, CSV or JSON. Amounts stay text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from finops_ledger.core.money import ZERO, plain
from finops_ledger.core.names import harmless

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key in the rows, its title, and how it is written."""

    key: str
    title: str
    #: A date is text like 2026-03-31; a workbook keeps it as a date.
    kind: Literal["text", "money", "count", "flag", "date"] = "text"
    #: Left out of a table when it says nothing in any row (CSV and JSON keep it).
    optional: bool = False
    #: The first to go when a screen is too narrow.
    spare: bool = False


@dataclass(frozen=True)
class Report:
    """Columns, rows, and the sums that stand below them."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    totals: Row = field(default_factory=dict)

    def shown(self) -> list[Column]:
        """Return the columns that a table shows: optional ones only where they say something."""
        empty: Final = (None, "", "0", 0, False)
        return [
            c
            for c in self.columns
            if not c.optional or any(r[c.key] not in empty for r in self.rows)
        ]

    def csv(self) -> str:
        """Return all columns as CSV, safe to open in a spreadsheet."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(harmless(c.key) for c in self.columns)
        for row in self.rows:
            writer.writerow(_cell(c, row[c.key]) for c in self.columns)
        return out.getvalue()


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if column.kind in ("money", "count"):
        return text
    return harmless(text)


def written(column: Column, value: Any, group: str = ",") -> str:
    """Write a value for reading; ``group`` parts the thousands, zero is a dash."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.kind == "money" or column.kind == "count":
        return amount(value, group) if Decimal(value) else "-"
    return str(value)


def amount(value: str | int | Decimal, group: str = ",") -> str:
    """Write an amount with its thousands parted: ``-1,234,567.5``."""
    text = plain(Decimal(value))
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    # With dots for thousands the decimals stand behind a comma.
    point = "," if point and group == "." else point
    return f"{sign}{f'{int(whole):,}'.replace(',', group)}{point}{rest}"


def total(rows: Sequence[Row], *keys: str) -> Row:
    """Add up columns: exact, as text; counts stay numbers."""
    made: Row = {}
    for key in keys:
        values = [r[key] for r in rows if r[key] is not None]
        if all(isinstance(v, int) for v in values):
            made[key] = sum(values)
        else:
            made[key] = plain(sum((Decimal(v) for v in values), ZERO))
    return made
