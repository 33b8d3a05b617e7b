"""Sheets of workbooks as text cells: everything that is in the file, and nothing that is not."""

# ruff: noqa: DTZ001  (a cell of a workbook knows no zone)

from __future__ import annotations

import string
import zipfile
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers import workbook
from finops_ledger.intake.readers.table import TableSource
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format
from finops_ledger.intake.workbooks.columns import LOST, number_text, text_column
from tests.intake.workbook_files import (
    HEADER,
    SHEET_1,
    copy,
    ods,
    ods_row,
    ods_text,
    ods_value,
    ole,
    table,
    with_part,
    xls,
    xlsx,
)

ROW = ["A-1", datetime(2026, 3, 1, 10, 17, 3), 1234.5]


def make_format(kind: str = "xlsx", header: tuple[str, ...] = HEADER, **file: Any) -> Format:
    return Format(
        name="t", version=1, key=("ref",), file={"kind": kind, "header": header, **file},
        fields={"ref": header[0], "occurred_at": header[1], "amount": header[2]},
    )  # fmt: skip


def cells(
    path: Path, fmt: Format | None = None, limits: Limits | None = None
) -> tuple[TableSource, list[list[str | None]], list[int]]:
    """What the reader gives: source, records, and the row of each."""
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    fmt = fmt or make_format(path.suffix[1:])
    source = workbook.open_source(path, fmt, folder, limits or Limits())
    assert isinstance(source, TableSource)
    found = pq.read_table(source.parquet)
    lines = found["line"].to_pylist()
    rows = [list(r.values()) for r in found.drop_columns(["line"]).to_pylist()]
    return source, rows, lines


def refused(path: Path, fmt: Format | None = None, limits: Limits | None = None) -> Problem:
    with pytest.raises(InputRefused) as told:
        cells(path, fmt, limits)
    [problem] = told.value.problems
    return problem


def test_cells_become_the_text_that_they_mean(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        clock, span = (book.add_format({"num_format": f}) for f in ("hh:mm:ss", "[h]:mm:ss"))
        names = ["Ref", "Time", "Amount", *string.ascii_lowercase[:13]]
        sheet.write_row(0, 0, names)
        sheet.write_row(1, 0, ["A-1", datetime(2026, 3, 1), 1234.5, 7, 1e14, 0.1 + 0.2, 1e-6, -0.0])
        sheet.write_row(1, 8, [True, datetime(2026, 3, 1, 23, 59, 59, 250000)])
        sheet.write_datetime(1, 10, time(9, 5), clock)
        sheet.write_number(1, 11, 1.5, span)
        sheet.write_string(1, 12, "==SUM(A1:A9)")
        sheet.write_formula(1, 13, "=SUM(C2)", None, 1234.5)
        sheet.write_string(1, 14, " 007 ")
        sheet.write_number(1, 15, 46082.25)

    header = ("Ref", "Time", "Amount", *string.ascii_lowercase[:13])
    _, [row], lines = cells(xlsx(tmp_path / "a.xlsx", fill), make_format(header=header))
    assert lines == [2]
    assert row == [
        "A-1", "2026-03-01 00:00:00", "1234.5", "7", "100000000000000", "0.3", "0.000001", "0",
        "TRUE", "2026-03-01 23:59:59.25", "09:05:00", "36:00:00", "==SUM(A1:A9)", "1234.5",
        " 007 ", "46082.25",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
@pytest.mark.parametrize("epoch", ["1900", "1904"])
def test_dates_of_both_systems(kind: str, epoch: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        table(path, [ROW], date_1904=epoch == "1904")
    else:
        serial = 46082 + Decimal(10 * 3600 + 17 * 60 + 3) / 86400 - (1462 if epoch == "1904" else 0)
        xls(path, [HEADER, ("A-1", (serial, "date"), 1234.5)], epoch_1904=epoch == "1904")
    source, rows, _ = cells(path)
    assert rows == [["A-1", "2026-03-01 10:17:03", "1234.5"]]
    assert source.figures[""]["epoch"] == epoch


def test_each_second_of_a_day_comes_back(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1)
    moments = [start + timedelta(seconds=s) for s in range(0, 86400, 17)]
    _, rows, _ = cells(table(tmp_path / "a.xlsx", [("A", m, 1) for m in moments]))
    assert [r[1] for r in rows] == [f"{m:%Y-%m-%d %H:%M:%S}" for m in moments]


def test_an_ods_is_read_alike(tmp_path: Path) -> None:
    path = ods(
        tmp_path / "a.ods",
        ods_row(*map(ods_text, HEADER)),
        ods_row(ods_text("A-1"), ods_value("date", "2026-03-01T10:17:03"), ods_value("float", "1234.5")),
        ods_row(ods_text("A-2"), ods_value("date", "2026-03-01"), ods_value("float", "-7")),
        ods_row(ods_text("A-3"), ods_value("time", "PT26H05M00S"), ods_value("boolean", "true")),
    )  # fmt: skip
    assert cells(path)[1] == [
        ["A-1", "2026-03-01 10:17:03", "1234.5"],
        ["A-2", "2026-03-01 00:00:00", "-7"],
        ["A-3", "26:05:00", "TRUE"],
    ]


def test_what_is_hidden_in_a_sheet_is_data(tmp_path: Path) -> None:
    def fill(_: xlsxwriter.Workbook, sheet: Any) -> None:
        for at, row in enumerate([HEADER, ["A", "", 1], ["B", "", 2], ["C", "", 3]]):
            sheet.write_row(at, 0, row)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column(2, 2, None, None, {"hidden": True})
        sheet.autofilter(0, 0, 3, 2)
        sheet.filter_column_list(0, ["A"])

    assert [r[2] for r in cells(xlsx(tmp_path / "a.xlsx", fill))[1]] == ["1", "2", "3"]


def several(path: Path, hide: str = "hide") -> Path:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["shown", "", 1])
        other = book.add_worksheet("Other")
        other.write_row(0, 0, HEADER)
        other.write_row(1, 0, ["hidden", "", 2])
        getattr(other, hide)() if hide else None

    return xlsx(path, fill)


@pytest.mark.parametrize("hide", ["hide", "very_hidden"])
def test_a_hidden_sheet_is_read_only_by_name(hide: str, tmp_path: Path) -> None:
    path = several(tmp_path / "a.xlsx", hide)
    assert cells(path)[1][0][0] == "shown"
    assert cells(path, make_format(sheet="Other"))[1][0][0] == "hidden"


def test_which_sheet_is_never_guessed(tmp_path: Path) -> None:
    path = several(tmp_path / "a.xlsx", "")
    problem = refused(path)
    assert problem.code == "sheet-unclear"
    assert "'Rows', 'Other'" in problem.message
    assert cells(path, make_format(sheet=("Lainnya", " other")))[1][0][0] == "hidden"
    missing = refused(path, make_format(sheet=("Penghasilan", "Income")))
    assert (missing.code, missing.expected) == ("sheet-missing", "'Penghasilan' or 'Income'")
    assert not recognises(make_format(), path)
    assert recognises(make_format(sheet="Rows"), path)
    first = workbook.head(path, "xlsx", ("Other",), Limits())
    assert first == [(1, list(HEADER)), (2, ["hidden", None, "2"])]


def test_a_chart_is_no_sheet_of_cells(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Rows!$C$1:$C$2"})
        book.add_chartsheet("Chart").set_chart(chart)

    path = xlsx(tmp_path / "a.xlsx", fill)
    assert cells(path)[1] == []
    assert refused(path, make_format(sheet="Chart")).code == "sheet-missing"


@pytest.mark.parametrize("claimed", ["A1:B2", "A1", "A1:C999999", "XFD1:XFD1048576"])
def test_a_wrong_dimension_loses_no_rows(claimed: str, tmp_path: Path) -> None:
    path = table(tmp_path / "a.xlsx", [(f"A-{i}", "", i) for i in range(50)])
    spoilt = with_part(
        path, SHEET_1, lambda xml: xml.replace(b'ref="A1:C51"', f'ref="{claimed}"'.encode())
    )
    with zipfile.ZipFile(spoilt) as book:
        assert claimed.encode() in book.read(SHEET_1)
    assert [r[2] for r in cells(spoilt)[1]] == [str(i) for i in range(50)]


def test_titles_gaps_and_styled_columns(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 5, "Income of March")
        sheet.write_row(2, 0, ["", "Ref ", "Time", "", "Amount  of\nmoney"])
        bold = book.add_format({"bold": True})
        for row in (3, 5):
            sheet.write_row(row, 1, [f"A-{row}", "2026-03-01", None, row])
            for column in range(5, 1005):
                sheet.write_blank(row, column, None, bold)
        sheet.write_row(7, 1, ["Total", "", "", 8])
        sheet.write_row(9, 1, ["printed in March"])

    path = xlsx(tmp_path / "a.xlsx", fill)
    fmt = make_format(
        header=("Ref", "Time", "Amount of money"), by_name=True, extra_columns="ignore",
        header_within=5, footer=["Total", "printed"],
    )  # fmt: skip
    source, rows, lines = cells(path, fmt, Limits(max_columns=100))
    assert lines == [4, 6]
    assert [r[1] for r in rows] == ["A-3", "A-5"]
    assert source.columns == {"Ref": 1, "Time": 2, "Amount of money": 4}
    assert [n.line for n in source.notes] == [1, 8, 10]
    assert source.notes[1].cells[4] == "8"
    assert recognises(fmt, path)


def test_blank_rows_at_the_top_do_not_count(tmp_path: Path) -> None:
    def fill(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(3, 2, HEADER)
        sheet.write_row(4, 2, ["A", "", 1])

    path = xlsx(tmp_path / "a.xlsx", fill)
    fmt = make_format(by_name=True, extra_columns="ignore")
    assert cells(path, fmt)[2] == [5]
    assert recognises(fmt, path)


def test_a_header_of_three_lines_with_one_name_twice(tmp_path: Path) -> None:
    def fill(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 1, "Order")
        sheet.merge_range(0, 2, 0, 4, "Money")
        sheet.write_row(1, 2, ["Fees", "", "Rest"])
        sheet.write_row(2, 0, ["Ref", "Time", "Fee", "Fee", "Amount"])
        sheet.write_row(3, 0, ["A", "", 1, 2, 3])

    path = xlsx(tmp_path / "a.xlsx", fill)
    names = (
        "Order / Ref",
        "Order / Time",
        "Money / Fees / Fee",
        "Money / Fees / Fee (2)",
        "Money / Rest / Amount",
    )
    source, [row], _ = cells(path, make_format(header=names, header_lines=3))
    assert tuple(source.columns) == names
    assert row == ["A", None, "1", "2", "3"]
    last = make_format(header=("Ref", "Time", "Fee", "Fee (2)", "Amount"), header_within=5)
    assert list(cells(path, last)[0].columns) == ["Ref", "Time", "Fee", "Fee (2)", "Amount"]


def test_lines_of_other_types_and_repeated_headers(tmp_path: Path) -> None:
    path = table(tmp_path / "a.xlsx", [("A", "", 1), HEADER, ("B", "", 123456789012345678)])
    source, rows, lines = cells(path, make_format(repeated_header=True))
    assert (rows, lines) == ([["A", None, "1"]], [2])
    assert [(p.code, p.line) for p in source.problems] == [("cell-digits", 4)]


def test_a_cell_beyond_the_header_breaks_its_record(tmp_path: Path) -> None:
    source, rows, _ = cells(table(tmp_path / "a.xlsx", [("A", "", 1, "note"), ("B", "", 2)]))
    assert [r[0] for r in rows] == ["B"]
    assert [(p.code, p.line) for p in source.problems] == [("cell-count", 2)]
    assert source.count() == 2


LONG = 123456789012345678


@pytest.mark.parametrize("number", [LONG, 4111111111111110, 1e20, 12345678901.234567])
def test_a_number_that_lost_digits_is_refused_with_its_address(
    number: float, tmp_path: Path
) -> None:
    source, rows, _ = cells(table(tmp_path / "a.xlsx", [("A", "", 1), (number, "", 2)]))
    assert [r[0] for r in rows] == ["A"]
    [problem] = source.problems
    assert (problem.code, problem.line, problem.column) == ("cell-digits", 3, "Ref")
    assert "cell A3" in problem.message


def test_a_long_number_in_a_column_nobody_reads_is_no_fault(tmp_path: Path) -> None:
    header = (*HEADER, "Other")
    path = xlsx(
        tmp_path / "a.xlsx",
        lambda _, s: (s.write_row(0, 0, header), s.write_row(1, 0, ["A", "", 1, LONG])),
    )
    source, [row], _ = cells(path, make_format(header=header))
    assert source.problems == ()
    assert row[3] is not None
    assert row[3].startswith("1.2345678901234")


def test_errors_and_formulas_never_computed(tmp_path: Path) -> None:
    def fill(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["A", "", 1])
        sheet.write_string(2, 0, "B")
        sheet.write_formula(2, 2, "=VLOOKUP(1,A1:B2,9)", None, "#REF!")
        sheet.write_formula(3, 0, '="C"', None, "C")
        sheet.write_number(3, 2, 3)

    source, rows, _ = cells(xlsx(tmp_path / "a.xlsx", fill))
    assert [r[0] for r in rows] == ["A", "C"]
    [problem] = source.problems
    assert (problem.code, problem.line, problem.value) == ("cell-error", 3, "#REF!")

    book = openpyxl.Workbook()
    for row in (HEADER, ("A", None, "=1+1"), ("B", None, 2), ("=T(A2)", None, "==1+1")):
        book.active.append(row)
    book.active["C4"].data_type = "s"
    book.save(tmp_path / "b.xlsx")
    source, rows, _ = cells(tmp_path / "b.xlsx")
    assert [r[0] for r in rows] == ["B"]
    assert [(p.code, p.message[:8], p.column) for p in source.problems] == [
        ("cell-formula", "cell C2:", "Amount"), ("cell-formula", "cell A4:", "Ref"),
    ]  # fmt: skip


def test_a_title_in_error_is_no_record(tmp_path: Path) -> None:
    def fill(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_string(0, 0, "Total")
        sheet.write_formula(0, 1, "=NA()", None, "#N/A")
        sheet.write_row(1, 0, HEADER)

    source, rows, _ = cells(xlsx(tmp_path / "a.xlsx", fill), make_format(skip_lines=1))
    assert (rows, source.notes[0].text) == ([], "Total\t#N/A\t")


def test_errors_in_xls_and_ods(tmp_path: Path) -> None:
    old = xls(tmp_path / "a.xls", [HEADER, ("A", None, "#N/A"), ("B", None, 2.5), (True, None, 3)])
    source, rows, _ = cells(old)
    assert [r[0] for r in rows] == ["B", "TRUE"]
    assert [(p.code, p.value, p.line) for p in source.problems] == [("cell-error", "#N/A", 2)]
    error = (
        '<table:table-cell table:formula="of:=NA()" office:value-type="string" office:string-value=""'
        ' calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
    )
    never = '<table:table-cell table:formula="of:=1+1"/>'
    path = ods(
        tmp_path / "a.ods", ods_row(*map(ods_text, HEADER)),
        ods_row(ods_text("A"), ods_text("x"), error), ods_row(ods_text("B"), ods_text("x"), never),
        ods_row(ods_text("C"), ods_text("x"), ods_value("float", "1")),
    )  # fmt: skip
    source, rows, _ = cells(path)
    assert [r[0] for r in rows] == ["C"]
    assert [(p.code, p.line) for p in source.problems] == [("cell-error", 2), ("cell-formula", 3)]


# --- files that are something else, or broken, or hostile -----------------------------------------


OTHERS = {
    "an HTML page": b"<html><body><table><tr><td>Ref</td></tr></table></body></html>",
    "text delimited by tabs": b"Ref\tTime\tAmount\nA\t\t1\n",
    "text delimited by commas": "\ufeffRef,Time,Amount\n".encode(),
    "an XML spreadsheet": b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
    "a PDF": b"%PDF-1.7\n",
    "an Excel file of before 1997": b"\x09\x08\x10\x00\x00\x06\x05\x00" + bytes(20),
    "an OLE file without a workbook": ole({"WordDocument": b"x"}),
    "no workbook": bytes(range(1, 200)) + b"\0",
}


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("what", OTHERS)
def test_a_file_of_another_kind_is_named(what: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(OTHERS[what])
    problem = refused(path)
    assert problem.code == "workbook-kind"
    assert f"the file is {what}" in problem.message
    assert not recognises(make_format(kind), path)


def test_one_kind_of_workbook_is_not_another(tmp_path: Path) -> None:
    written = {"xlsx": table(tmp_path / "a.xlsx", [ROW]), "xls": xls(tmp_path / "a.xls", [HEADER])}
    written["ods"] = ods(tmp_path / "a.ods", ods_row(*map(ods_text, HEADER)))
    for kind in written:
        for other, path in written.items():
            if kind != other:
                problem = refused(copy(path, f"renamed-{other}.{kind}"))
                assert (problem.code, problem.message) == (
                    "workbook-kind",
                    f"the file is an {other} workbook",
                )


def test_a_locked_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(ole({"EncryptionInfo": b"x", "EncryptedPackage": b"y"}))
    xls(tmp_path / "a.xls", [HEADER], locked=True)
    assert refused(tmp_path / "a.xlsx").code == "workbook-locked"
    assert refused(tmp_path / "a.xls").code == "workbook-locked"


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
@pytest.mark.parametrize("part", [0, 1, 100, 600, 3000])
def test_a_cut_off_workbook_is_refused(part: int, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    table(path, [ROW]) if kind == "xlsx" else xls(path, [HEADER, ("A", None, 1)])
    path.write_bytes(path.read_bytes()[:part])
    assert refused(path).code in {"file-empty", "workbook-kind", "workbook-broken"}


def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    path = table(tmp_path / "a.xlsx", [ROW])
    shared = with_part(
        path, "xl/sharedStrings.xml", lambda _: b"<sst>" + b" " * (40 << 20), tmp_path / "b.xlsx"
    )
    assert refused(shared).code == "workbook-large"
    assert refused(path, limits=Limits(max_workbook_bytes=1000)).code == "workbook-large"
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    wide = with_part(
        path, SHEET_1, lambda x: x.replace(b"</sheetData>", corner), tmp_path / "c.xlsx"
    )
    assert refused(wide).code == "workbook-large"
    old = xls(tmp_path / "a.xls", [HEADER], places=[(65535, 65535, 1)])
    assert refused(old).code in {"workbook-large", "workbook-broken"}
    repeated = ods(
        tmp_path / "a.ods", ods_row(*map(ods_text, HEADER)),
        '<table:table-row table:number-rows-repeated="1000000">'
        '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="16000">'
        "<text:p>1</text:p></table:table-cell></table:table-row>",
    )  # fmt: skip
    assert refused(repeated).code == "workbook-large"


@pytest.mark.parametrize("part", [SHEET_1, "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_entities_are_never_read(part: str, tmp_path: Path) -> None:
    entities = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    path = with_part(
        table(tmp_path / "a.xlsx", [ROW]), part, lambda x: x.replace(b"?>", b"?>" + entities, 1)
    )
    problem = refused(path)
    assert (problem.code, part in problem.message) == ("workbook-unsafe", True)


def test_too_many_columns(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        lambda _, sheet: sheet.write_row(0, 0, [f"c{i}" for i in range(10_000)]),
    )
    problem = refused(path)
    assert (problem.code, problem.message) == ("too-many-columns", "10000 columns")


def test_a_wrong_title_is_refused(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "a.xlsx", lambda _, s: (s.write(0, 0, "Orders"), s.write_row(1, 0, HEADER))
    )
    assert cells(path, make_format(skip_lines=1, first_line="Orders"))[1] == []
    assert refused(path, make_format(skip_lines=1, first_line="Income")).code == "title-wrong"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_spoilt_bytes_give_rows_or_a_refusal(data: st.DataObject, tmp_path: Path) -> None:
    kind = data.draw(st.sampled_from(["xlsx", "xls", "ods"]))
    path = tmp_path / f"good.{kind}"
    if not path.exists():
        rows = [("A", "x", 1.5), ("B", "y", 2.5)]
        if kind == "xlsx":
            table(path, rows)
        elif kind == "xls":
            xls(path, [HEADER, *rows])
        else:
            ods(path, *(ods_row(*(ods_text(str(c)) for c in row)) for row in (HEADER, *rows)))
    good = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    spoilt = tmp_path / f"spoilt.{kind}"
    spoilt.write_bytes(bytes(good))
    try:
        source, rows, _ = cells(spoilt)
    except InputRefused:
        return
    assert source.count() == len(rows) + source.broken


# --- numbers and texts, in both directions -------------------------------------------------------


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=4, allow_nan=False))
def test_amounts_come_back_exactly(amount: Decimal) -> None:
    number = text_column([amount.__float__()])[0].as_py()
    if number.startswith(LOST):
        assert len(amount.normalize().as_tuple().digits) > 12
    else:
        assert Decimal(number) == amount
        assert "e" not in number


@given(st.floats(allow_subnormal=False))
def test_no_number_comes_out_wrong(number: float) -> None:
    text = number_text(number)
    if not text.startswith(LOST):
        assert abs(Decimal(text) - Decimal(number)) <= abs(Decimal(number)) * Decimal("1e-14")
        assert set(text) <= set("-.0123456789")
    [column] = text_column([number, ""])[:1]
    assert column.as_py() == text


CELL = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).filter(
        lambda t: not t.startswith("_x")
    ),
    st.integers(-(10**14), 10**14),
    st.booleans(),
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(
        lambda d: d.replace(microsecond=0)
    ),
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=60))
def test_what_was_written_is_read(rows: list[tuple[object, ...]], tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for r, row in enumerate(rows, 1):
            for c, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                elif isinstance(cell, datetime):
                    sheet.write_datetime(r, c, cell, moment)
                else:
                    sheet.write(r, c, cell)

    def shown(cell: object) -> str | None:
        if isinstance(cell, bool):
            return str(cell).upper()
        if isinstance(cell, datetime):
            return f"{cell:%Y-%m-%d %H:%M:%S}"
        return str(cell) or None

    wanted = [[shown(c) for c in row] for row in rows]
    wanted = [row for row in wanted if any(c and c.strip() for c in row)]
    assert cells(xlsx(tmp_path / "a.xlsx", fill))[1] == wanted
