"""A report as a workbook: numbers are numbers, no digit is lost, no text is a formula, no clock is told."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from finops_ledger.core.errors import UsageError
from finops_ledger.reports import workbook
from finops_ledger.reports.report import Column, Report

COLUMNS = (
    Column("partner", "Partner"),
    Column("amount", "Amount", "money"),
    Column("tied", "Ties", "flag"),
)


def made(path: Path) -> list[list[object]]:
    rows = [
        {"partner": "=1+1", "amount": "-165890600.5", "tied": True},
        {"partner": "AggA", "amount": "1234567890123456", "tied": False},
        {"partner": "AggB", "amount": None, "tied": None},
    ]
    report = Report("deposits", COLUMNS, rows, {"amount": "5"})
    workbook.write(path, {"Days": report, "Nothing": Report("none", COLUMNS, [])})
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Days", "Nothing"]
    return [[c.value for c in row] for row in book["Days"].iter_rows()]


def test_a_report_as_a_workbook(tmp_path: Path) -> None:
    assert made(tmp_path / "a.xlsx") == [
        ["Partner", "Amount", "Ties"],
        ["'=1+1", -165890600.5, "yes"],
        ["AggA", "1234567890123456", "no"],  # more digits than a cell keeps: text, and whole
        ["AggB", None, None],
        ["Total", 5, None],
    ]


def test_the_same_report_is_the_same_file(tmp_path: Path) -> None:
    made(tmp_path / "a.xlsx")
    made(tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_place_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        made(tmp_path / "nowhere" / "a.xlsx")
