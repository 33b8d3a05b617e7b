"""Reports as an Excel workbook: one sheet each, amounts as numbers, days as dates, texts that are no formulas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from finops_ledger.core.errors import UsageError
from finops_ledger.core.names import harmless
from finops_ledger.reports.report import Report

#: A cell of a workbook keeps so many digits; an amount of more is written as text, so that none is lost.
_DIGITS: Final = 15
_WIDEST: Final = 60
#: A workbook tells when it was made; ours must not tell of the clock.
_WHEN: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a date of no zone, as the file has it


def write(path: Path, sheets: Mapping[str, Report]) -> None:
    """Write reports into a new workbook, by the names of its sheets; UsageError when it cannot be written.

    The same reports give the same sheets: nothing in it tells of the clock.
    """
    import xlsxwriter  # heavy: only where a workbook is asked for

    try:
        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
            book.set_properties({"created": _WHEN})
            head = book.add_format({"bold": True, "bottom": 1})
            money = book.add_format({"num_format": "#,##0.####;-#,##0.####;-"})
            whole = book.add_format({"num_format": "#,##0;-#,##0;-"})
            day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
            for name, report in sheets.items():
                _sheet(book.add_worksheet(name), report, head, (money, whole, day))
    except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
        raise UsageError(f"{path} cannot be written: {error}") from error


def _sheet(sheet: Any, report: Report, head: Any, formats: tuple[Any, Any, Any]) -> None:
    sheet.freeze_panes(1, 1)
    keys = [c.key for c in report.columns]
    label = "partner" if "partner" in keys else keys[0]
    rows = [*report.rows, *([{**report.totals, label: "Total"}] if report.totals else [])]
    for at, column in enumerate(report.columns):
        sheet.write_string(0, at, column.title, head)
        widest = len(column.title)
        for line, row in enumerate(rows, 1):
            value = row.get(column.key)
            widest = max(widest, _cell(sheet, line, at, column.kind, value, formats))
        sheet.set_column(at, at, min(widest + 2, _WIDEST))
    if report.rows:
        sheet.autofilter(0, 0, len(report.rows), len(report.columns) - 1)


def _cell(
    sheet: Any, line: int, at: int, kind: str, value: Any, formats: tuple[Any, Any, Any]
) -> int:
    """Write one cell; return how wide it is. A date that is none ("no date") stays text."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool):
        sheet.write_string(line, at, "yes" if value else "no")
        return 3
    if kind in ("money", "count"):
        amount = Decimal(value)
        if len(amount.as_tuple().digits) <= _DIGITS:
            form = formats[0] if amount != amount.to_integral_value() else formats[1]
            sheet.write_number(line, at, amount, form)
            return len(f"{amount:,f}")
    if kind == "date" and (day := _day(str(value))) is not None:
        sheet.write_datetime(line, at, day, formats[2])
        return len("2026-03-31")
    text = harmless(str(value))
    sheet.write_string(line, at, text)
    return len(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
