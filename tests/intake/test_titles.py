"""Titles end where the format says, counted alike in every kind of file; none of them is a record."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format
from finops_ledger.intake.read import read
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format
from tests.intake.test_refusals import make_info

COLUMNS = ("Tanggal", "Uraian", "Jumlah")
FIRST, SECOND = ("2026-03-02", "a", "10"), ("2026-03-02", "b", "200")
FORMAT = """
name = "t"
version = 1
key = ["day", "text", "amount"]
[file]
{file}
[times]
format = "%Y-%m-%d"
[fields]
occurred_at = "Tanggal"
text = "Uraian"
amount = "Jumlah"
"""
HEADER = 'header = ["Tanggal", "Uraian", "Jumlah"]\n'
PIECES = """pieces = [
  { name = "Tanggal", start = 1, width = 11 }, { name = "Uraian", start = 12, width = 8 },
  { name = "Jumlah", start = 20 },
]
record = '\\d{4}-'
"""
KINDS = {
    "plain": HEADER,
    "lines": HEADER + "ragged = true\n",
    "xlsx": HEADER + 'kind = "xlsx"\n',
    "fixed": PIECES + 'kind = "fixed"\n',
}
Lines = list[tuple[str, ...]]


def read_lines(folder: Path, kind: str, words: str, lines: Lines) -> list[str]:
    """Read lines of cells in a kind of file; return its codes, or the sum and the number of records."""
    fmt = made(folder, kind, words)
    path = folder / ("f.xlsx" if kind == "xlsx" else "f.csv")
    if kind == "xlsx":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for row, cells in enumerate(lines):
                sheet.write_row(row, 0, cells)
    else:
        between = "{:<11}{:<8}{}" if kind == "fixed" else "{},{},{}"
        texts = [
            between.format(*(*cells, "", "")[:3]) if len(cells) > 1 else "".join(cells)
            for cells in lines
        ]
        path.write_text("\n".join(texts) + "\n", "utf-8")
    try:
        result = read(path, fmt, make_info(), folder / "out.parquet")
    except InputRefused as refused:
        return [p.code for p in refused.problems]
    assert recognises(fmt, path)
    return [str(result.control), str(result.rows)]


def made(folder: Path, kind: str, words: str) -> Format:
    path = folder / "t.toml"
    path.write_text(FORMAT.format(file=KINDS[kind] + words), "utf-8")
    return load_format(path)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("above", [0, 2], ids=["at the top", "below blank lines"])
def test_blank_lines_count_and_those_at_the_top_do_not(
    tmp_path: Path, kind: str, above: int
) -> None:
    lines: Lines = [()] * above + [("Laporan",), (), FIRST, SECOND]
    words = "header_row = false\n" if kind != "fixed" else ""
    assert read_lines(tmp_path, kind, words + "skip_lines = 2", lines) == ["210.0000", "2"]
    assert read_lines(tmp_path, kind, words + "skip_lines = 3", lines) == ["title-record"]
    one = read_lines(tmp_path, kind, words + "skip_lines = 1", lines)
    assert one == ["210.0000", "2"]


@pytest.mark.parametrize("kind", ["plain", "lines", "xlsx"])
def test_the_header_is_looked_for_in_lines_as_they_stand(tmp_path: Path, kind: str) -> None:
    lines: Lines = [("Laporan",), (), COLUMNS, FIRST]
    assert read_lines(tmp_path, kind, "header_within = 3", lines) == ["10.0000", "1"]
    assert read_lines(tmp_path, kind, "skip_lines = 2", lines) == ["10.0000", "1"]
    assert "header-missing" in read_lines(tmp_path, kind, "header_within = 2", lines)
    assert "header-missing" in read_lines(tmp_path, kind, "skip_lines = 1", lines)


@pytest.mark.parametrize("kind", ["plain", "lines", "xlsx"])
def test_no_record_above_the_header_is_a_title(tmp_path: Path, kind: str) -> None:
    """A header in the middle: two files in one, or a sorted sheet."""
    lines: Lines = [("Laporan",), FIRST, COLUMNS, SECOND]
    assert read_lines(tmp_path, kind, "header_within = 9", lines) == ["title-record"]
    lines[1] = ("2026-03-02", "printed", "")
    assert read_lines(tmp_path, kind, "header_within = 9", lines) == ["200.0000", "1"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_title_that_is_missing_costs_no_record(tmp_path: Path, kind: str) -> None:
    words = "header_row = false\n" if kind != "fixed" else ""
    lines: Lines = [FIRST, SECOND]
    assert read_lines(tmp_path, kind, words + "skip_lines = 1", lines) == ["title-record"]
