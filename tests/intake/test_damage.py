"""A file that was damaged is refused where it gives a means to know, and never read with another sum."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import read
from tests.intake.test_shipped import info

CONNECTION = duckdb.connect()
ASIDE = {"batch", "record", "file_day"}
#: Formats whose files state what their rows add up to, in totals or by numbers of their lines.
GUARDED = ["aggregator", "bca", "deposit_statement", "klikbca", "pg_settlement", "shopee_ads_bill"]
#: Their samples state no end: lines cut off at the end, or the first ones, leave no trace.
OPEN_END = {"shopee_ads_bill"}

Rows = list[dict[str, object]]


def rows_of(name: str, data: bytes, folder: Path, suffix: str = ".csv") -> Rows:
    """Read bytes as a file of a shipped format."""
    fmt = load_format(shipped()[name])
    path, out = folder / f"damaged{suffix}", folder / "rows.parquet"
    path.write_bytes(data)
    read(path, fmt, info(name, fmt.role or ""), out, connection=CONNECTION)
    return pq.read_table(out).to_pylist()


def refusal(name: str, data: bytes, folder: Path, suffix: str = ".csv") -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        rows_of(name, data, folder, suffix)
    return caught.value


def same(one: Rows, other: Rows) -> bool:
    def bare(rows: Rows) -> Counter[str]:
        return Counter(str([v for k, v in r.items() if k not in ASIDE]) for r in rows)

    return bare(one) == bare(other)


def sample(name: str) -> bytes:
    return samples_of(name)[0].read_bytes()


def lines_of(name: str) -> list[bytes]:
    return sample(name).splitlines(keepends=True)


def lost_or_doubled(name: str) -> Iterator[tuple[str, bytes]]:
    lines = lines_of(name)
    for at in range(len(lines)):
        yield f"without line {at + 1}", b"".join(lines[:at] + lines[at + 1 :])
        yield f"line {at + 1} twice", b"".join(lines[: at + 1] + lines[at:])
        yield f"cut behind line {at}", b"".join(lines[:at])
    for at in range(1, len(sample(name)), max(7, len(sample(name)) // 16)):
        yield f"cut at byte {at}", sample(name)[:at]


@pytest.mark.parametrize("name", GUARDED)
def test_a_lost_or_doubled_line_is_refused_or_changes_nothing(name: str, tmp_path: Path) -> None:
    truth = rows_of(name, sample(name), tmp_path)
    for what, data in lost_or_doubled(name):
        try:
            found = rows_of(name, data, tmp_path)
        except InputRefused:
            continue
        if name in OPEN_END and len(found) < len(truth):
            assert same(found, truth[: len(found)]), what
            continue
        assert same(found, truth), what


@pytest.mark.parametrize("name", ["aggregator", "bca", "klikbca", "pg_settlement"])
def test_a_changed_amount_is_refused(name: str, tmp_path: Path) -> None:
    text = sample(name).decode()
    truth = rows_of(name, sample(name), tmp_path)
    money = sum(r["amount"] for r in truth)  # type: ignore[misc]
    for found in re.finditer(r"(?<![\d\w/:.,-])[1-9][\d.,]{3,}(?![\w/:-])", text):
        changed = text[: found.start()] + str(10 - int(found[0][0])) + text[found.start() + 1 :]
        try:
            rows = rows_of(name, changed.encode(), tmp_path)
        except InputRefused:
            continue
        assert sum(r["amount"] for r in rows) == money, found[0]  # type: ignore[misc]


@pytest.mark.parametrize("name", [*GUARDED, "orders", "generic_sheet", "mandiri", "ppob_edu_recap"])
def test_what_an_editor_does_to_a_file_changes_nothing(name: str, tmp_path: Path) -> None:
    text = sample(name).decode("utf-8-sig")
    truth = rows_of(name, sample(name), tmp_path)
    for harmless in (
        text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text, text.rstrip("\n"),
        text + "\n\n\n", text + "\x1a",
    ):  # fmt: skip
        assert same(rows_of(name, harmless.encode(), tmp_path), truth), harmless[:20]


ADS = """Riwayat Transaksi
Mata uang:,IDR
Tanggal:,01/03/2026 -- 31/03/2026

Urutan,Waktu,Deskripsi,Jumlah,Catatan
1,12/03/2026,Isi Saldo,50000,-
2,12/03/2026,Isi Saldo,50000,-
3,04/03/2026,Deduction for Product Ad (GMV),-48210,-
"""


def test_lines_that_are_equal_but_for_their_number_are_all_there(tmp_path: Path) -> None:
    assert len(rows_of("shopee_ads_bill", ADS.encode(), tmp_path)) == 3
    without = refusal("shopee_ads_bill", re.sub("2,12.*\n", "", ADS).encode(), tmp_path)
    [problem] = without.problems
    assert (problem.code, problem.value) == ("record-gap", "without 2")
    [problem] = refusal("shopee_ads_bill", ADS.replace("\n2,", "\n1,").encode(), tmp_path).problems
    assert (problem.code, problem.line, problem.value) == ("record-gap", 7, "1")
    [problem] = refusal("shopee_ads_bill", ADS.replace("\n2,", "\n,").encode(), tmp_path).problems
    assert (problem.code, problem.line) == ("record-gap", 7)


def test_a_day_outside_the_period_is_refused(tmp_path: Path) -> None:
    """Days and months the other way round: 04/03 is not in the period any more."""
    turned = ADS.replace("04/03/2026,D", "03/04/2026,D")
    [problem] = refusal("shopee_ads_bill", turned.encode(), tmp_path).problems
    assert (problem.code, problem.line, problem.value) == ("day-outside", 8, "2026-04-03")
    assert problem.expected == "a day from 2026-03-01 to 2026-03-31"
    upset = ADS.replace("01/03/2026 --", "31/04/2026 --")
    [problem] = refusal("shopee_ads_bill", upset.encode(), tmp_path).problems
    assert (problem.code, problem.line) == ("cell-time", 3)


KLIK = """No. Rekening : 1234567890
Periode : 01/11/2025 - 31/01/2026
Kode Mata Uang : Rp

Tanggal,Keterangan,Cabang,Jumlah,,Saldo
'28/11,SETORAN,'0000,500000.00,CR,1500000.00
'31/12,BIAYA ADM,'0000,15000.00,DB,1485000.00
'02/01,SETORAN,'0000,5000.00,CR,1490000.00
Saldo Awal : 1000000.00
Mutasi Debet : 15000.00
Mutasi Kredit : 505000.00
Saldo Akhir : 1490000.00
"""


def test_the_period_says_the_year(tmp_path: Path) -> None:
    """A statement that comes late has its own years, not those next to the day of its file."""
    rows = rows_of("klikbca", KLIK.encode(), tmp_path)
    days = [date(2025, 11, 28), date(2025, 12, 31), date(2026, 1, 2)]
    assert [r["day"] for r in rows] == days
    old = KLIK.replace("2025", "2019").replace("2026", "2020")
    rows = rows_of("klikbca", old.encode(), tmp_path)
    assert [r["day"] for r in rows] == [d.replace(year=d.year - 6) for d in days]
    [problem] = refusal("klikbca", KLIK.replace(": Rp", ": USD").encode(), tmp_path).problems
    assert (problem.code, problem.value) == ("currency-other", "USD")


@pytest.mark.parametrize("name", ["bca", "klikbca", "mybca", "shopee_ads_bill"])
def test_a_record_above_the_header_is_no_title(name: str, tmp_path: Path) -> None:
    """A sheet sorted with its header."""
    fmt = load_format(shipped()[name])
    lines = lines_of(name)
    mark = fmt.file.delimiter.join(fmt.file.header[:2]).encode()
    head = next(i for i, line in enumerate(lines) if mark in line)
    lines[head], lines[head + 1] = lines[head + 1], lines[head]
    suffix = samples_of(name)[0].suffix
    [problem] = refusal(name, b"".join(lines), tmp_path, suffix).problems
    assert (problem.code, problem.line) == ("title-record", head + 1)


def workbook(name: str, folder: Path, change: object) -> bytes:
    book = openpyxl.load_workbook(samples_of(name)[0])
    change(book)  # type: ignore[operator]
    path = folder / "spoilt.xlsx"
    book.save(path)
    return path.read_bytes()


def test_another_sheet_states_the_total(tmp_path: Path) -> None:
    name = "shopee_income_2026h1"
    truth = rows_of(name, sample(name), tmp_path, ".xlsx")
    total = int(sum(r["amount"] for r in truth))  # type: ignore[misc]

    def states(amount: int, lost: bool = False) -> bytes:
        def change(book: openpyxl.Workbook) -> None:
            summary = (
                book["Summary"] if "Summary" in book.sheetnames else book.create_sheet("Summary")
            )
            summary.cell(40, 1).value = "3. Total yang Dilepas"
            summary.cell(40, 4).value = amount
            if lost:
                book["Income"].delete_rows(8)

        return workbook(name, tmp_path, change)

    assert same(rows_of(name, states(total), tmp_path, ".xlsx"), truth)
    [problem] = refusal(name, states(total, lost=True), tmp_path, ".xlsx").problems
    assert (problem.code, problem.value) == ("total-wrong", str(total))


@pytest.mark.parametrize("beside", [(), ("before",), ("behind",)])
def test_money_in_and_out_of_a_balance_report(beside: tuple[str, ...], tmp_path: Path) -> None:
    """The number of lines may stand before or behind the money."""
    name = "shopee_balance"
    rows = rows_of(name, sample(name), tmp_path, ".xlsx")
    out = -sum((r["amount"] for r in rows if r["amount"] < 0), Decimal(0))  # type: ignore[operator,misc]

    def states(amount: int) -> bytes:
        def change(book: openpyxl.Workbook) -> None:
            sheet = book.worksheets[0]
            for row in range(1, 18):
                if re.search("(?i)masuk|keluar|luaran", str(sheet.cell(row, 1).value)):
                    sheet.delete_rows(row)
                    sheet.insert_rows(row)
            cells = ["Total Pengeluaran", *([191] if "before" in beside else []), -amount]
            for at, cell in enumerate([*cells, *([191] if "behind" in beside else [])], 1):
                sheet.cell(5, at).value = cell

        return workbook(name, tmp_path, change)

    assert same(rows_of(name, states(int(out)), tmp_path, ".xlsx"), rows)
    [problem] = refusal(name, states(int(out) + 1000), tmp_path, ".xlsx").problems
    assert problem.code == "total-wrong"


def test_refusals_say_what_to_look_at(tmp_path: Path) -> None:
    sheet = "Date,Label,Amount\n03/01/2026,A,100.00\n"
    [problem] = refusal("generic_sheet", sheet.replace(",", ";").encode(), tmp_path).problems
    assert (problem.code, problem.message) == ("delimiter-wrong", "the header is divided by ';'")
    nul = (sheet + "03/02/2026,B\0,5.00\n").encode()
    [problem] = refusal("generic_sheet", nul, tmp_path).problems
    assert (problem.code, problem.line) == ("nul-byte", 3)
    hidden = "Date,Label,Amount,Balance\u200f\n03/01/2026,A,100.00,100.00\n"
    [problem] = refusal("generic_sheet", hidden.encode(), tmp_path).problems
    assert (problem.code, problem.column) == ("header-extra", "Balance\\u200f")


@pytest.mark.parametrize(
    ("column", "was", "now"),
    [
        ("price", ",51500,", ",-51500,"),
        ("promo", ",1500,", ",-1500,"),
        ("quantity", ",1,51500", ",0,51500"),
    ],
)
def test_nothing_is_sold_for_less_than_nothing(
    column: str, was: str, now: str, tmp_path: Path
) -> None:
    """A discount written with a minus would be added to the price."""
    turned = sample("orders").decode().replace(was, now, 1)
    [problem] = refusal("orders", turned.encode(), tmp_path).problems
    assert (problem.code, problem.line, problem.column) == ("cell-sign", 3, column)
