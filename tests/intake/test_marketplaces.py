"""Marketplace exports: what their samples say, and what a spoilt copy of each is refused for."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, SourceInfo, read

SCRIPT = Path(__file__).parents[2] / "importers" / "workbooks.py"
Sheet = list[list[Any]]


def script() -> Any:
    """The script that writes the samples."""
    spec = importlib.util.spec_from_file_location("workbooks", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WORKBOOKS = script()
NAMES = sorted(WORKBOOKS.SAMPLES)


def taken(name: str, path: Path, tmp_path: Path) -> tuple[ReadResult, list[dict[str, Any]]]:
    fmt = load_format(shipped()[name])
    info = SourceInfo(
        "s", fmt.role or "", "Asia/Jakarta", "IDR", "b-1", date(2026, 3, 6), counterparty="Shop",
        account="Shop",
    )  # fmt: skip
    result = read(path, fmt, info, tmp_path / "rows.parquet")
    return result, pq.read_table(tmp_path / "rows.parquet").to_pylist()


def spoilt(name: str, sheet: str, change: Callable[[Sheet], None], folder: Path) -> Path:
    """Write a copy of a sample with one sheet changed."""
    sheets = {title: [list(row) for row in rows] for title, rows in WORKBOOKS.SAMPLES[name].items()}
    change(sheets[sheet])
    return WORKBOOKS.write(name, sheets, folder)


def codes(name: str, path: Path, tmp_path: Path) -> dict[str, int]:
    with pytest.raises(InputRefused) as told:
        taken(name, path, tmp_path)
    found: dict[str, int] = {}
    for problem in told.value.problems:
        found[problem.code] = found.get(problem.code, 0) + 1
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_script_writes_the_samples_as_they_are(name: str, tmp_path: Path) -> None:
    [sample] = samples_of(name)
    assert (
        WORKBOOKS.write(name, WORKBOOKS.SAMPLES[name], tmp_path).read_bytes() == sample.read_bytes()
    )


def test_tiktok(tmp_path: Path) -> None:
    name = "tiktok_tokopedia_income"
    result, rows = taken(name, samples_of(name)[0], tmp_path)
    assert (result.rows, result.control) == (7, Decimal(131750))
    assert [r["kind"] for r in rows].count("payment") == 5
    assert {r["kind"] for r in rows} == {"payment", "adjustment", "fee"}
    # One order, settled and weeks later taken back: two rows, no conflict.
    again = [r for r in rows if r["payment_ref"] == "580000000000000090"]
    assert [(r["amount"], r["day"]) for r in again] == [
        (Decimal(-27450), date(2026, 3, 5)), (Decimal(27450), date(2026, 3, 4)),
    ]  # fmt: skip
    first = rows[0]
    assert (first["price"], first["fee"], first["amount"]) == (100000, 8500, 91500)
    assert [r["ref"] for r in rows if r["kind"] == "fee"] == [None]


def test_tiktok_in_indonesian(tmp_path: Path) -> None:
    def localised(sheet: Sheet) -> None:
        names = {
            "Order/adjustment ID  ": "ID Pesanan/Penyesuaian", "Type ": "Jenis transaksi",
            "Order settled time": "Waktu pembayaran pesanan", "Currency": "Mata uang",
            "Total settlement amount": "Jumlah penyelesaian pembayaran",
            "Total Revenue": "Total pendapatan", "Total Fees": "Total biaya",
            "Ajustment amount": "Jumlah penyesuaian", "Related order ID  ": "ID pesanan terkait",
        }  # fmt: skip
        sheet[0] = [names.get(cell, cell) for cell in sheet[0]]

    name = "tiktok_tokopedia_income"
    sheets = {k: [list(r) for r in v] for k, v in WORKBOOKS.SAMPLES[name].items()}
    localised(sheets["Order details"])
    renamed = {"Detail pesanan" if k == "Order details" else k: v for k, v in sheets.items()}
    result, _ = taken(name, WORKBOOKS.write(name, renamed, tmp_path), tmp_path)
    assert result.control == Decimal(131750)


def test_tiktok_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    name = "tiktok_tokopedia_income"

    def change(sheet: Sheet) -> None:
        sheet[1][5] = "91501"
        sheet[2][1] = "Something new"

    path = spoilt(name, "Order details", change, tmp_path)
    assert codes(name, path, tmp_path) == {"identity": 1, "kind-unknown": 1}


@pytest.mark.parametrize(
    ("name", "control", "excluded"),
    [("shopee_income_2026h1", 183025, 0), ("shopee_income_2026h2", 137768, 3)],
)
def test_shopee_income(name: str, control: int, excluded: int, tmp_path: Path) -> None:
    result, rows = taken(name, samples_of(name)[0], tmp_path)
    assert (result.control, result.excluded_rows) == (Decimal(control), excluded)
    for row in rows:
        assert row["price"] == row["amount"] + row["fee"] + (row["withheld"] or 0)
    assert sum(r["withheld"] or 0 for r in rows) == (600 if name.endswith("h2") else 0)
    assert rows[-1]["settlement_ref"] == str(rows[-1]["day"])
    assert {r["partner_ref"] for r in rows} > {None}


def test_shopee_income_of_the_first_half_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    name = "shopee_income_2026h1"
    at = WORKBOOKS.H1_NAMES.index("Total Penghasilan")

    def change(sheet: Sheet) -> None:
        sheet[6][at] += 1

    # The record contradicts itself, and the summary on the other sheet.
    found = codes(name, spoilt(name, "Income", change, tmp_path), tmp_path)
    assert found == {"identity": 1, "total-wrong": 1}


def test_a_fee_that_nobody_listed_is_not_left_out_of_the_sum(tmp_path: Path) -> None:
    name = "shopee_income_2026h2"

    def fee(sheet: Sheet) -> None:
        sheet[2].append("Biaya Baru")
        sheet[3].append(-100)

    def told(sheet: Sheet) -> None:
        sheet[2].append("Keterangan")
        sheet[3].append("x")

    assert codes(name, spoilt(name, "Penghasilan", fee, tmp_path), tmp_path) == {"header-extra": 1}
    result, _ = taken(name, spoilt(name, "Penghasilan", told, tmp_path), tmp_path)
    assert result.control == Decimal(137768)


def test_shopee_balance_states_what_came_in_and_went_out(tmp_path: Path) -> None:
    name = "shopee_balance"
    result, rows = taken(name, samples_of(name)[0], tmp_path)
    assert result.totals == {"credit": Decimal(123375), "debit": Decimal(156316)}
    assert [r["kind"] for r in rows] == [
        "payout", "adjustment", "adjustment", "fee", "payment", "payment",
    ]  # fmt: skip
    assert rows[1]["amount"] == rows[2]["amount"] == -408
    assert rows[4]["ref"] == "260301AAAA0002"

    def change(sheet: Sheet) -> None:
        del sheet[19]

    assert codes(name, spoilt(name, "Transaction Report", change, tmp_path), tmp_path) == {
        "total-wrong": 1
    }
