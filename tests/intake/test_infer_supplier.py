"""A supplier's file that nobody has described: times of day, ids, and a price that failures do not take."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from finops_ledger.intake.infer import propose

HEADER = "Tgl Transaksi;Jam;No Trx;Reff Toko;Produk;No Tujuan;Harga;Status;SN;Saldo Akhir"
ROWS = (
    "05-03-2026;09:05:33;MP0001;O30;V50;0812001;49.850,00;Berhasil;S-1;4.950.150,00",
    "05-03-2026;09:45:10;MP0002;O31;V20;0812002;19.000,00;Gagal;;4.950.150,00",
    "05-03-2026;10:11:12;MP0003;O32;V20;0812003;19.000,00;Berhasil;S-3;4.931.150,00",
    "05-03-2026;11:00:00;MP0004;O33;V50;0812004;49.850,00;Proses;;4.881.300,00",
    "05-03-2026;14:05:33;MP0005;O34;V20;0812005;19.000,00;Berhasil;S-5;4.862.300,00",
)


def proposed(
    folder: Path, header: str = HEADER, rows: tuple[str, ...] = ROWS, role: str = "supply"
) -> tuple[dict[str, Any], str]:
    path = folder / "MP_20260305.csv"
    lines = ["LAPORAN", "Periode: 05-03-2026", header, *rows, f"JUMLAH TRANSAKSI;{len(rows)}"]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    text = propose(path, "f", role).text
    return tomllib.loads(text), text


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_a_time_of_day_is_joined_with_its_date(tmp_path: Path) -> None:
    data, text = proposed(tmp_path)
    assert data["fields"]["occurred_at"] == {"join": ["Tgl Transaksi", "Jam"]}
    told = line_of(text, "format")
    assert "%d-%m-%Y %H:%M:%S or %m-%d-%Y %H:%M:%S" in told
    assert "'Tgl Transaksi'" in told
    assert "'Jam', as 09:05:33" in told
    later = (*ROWS, ROWS[0].replace("05-03", "25-03").replace("4.950.150", "4.812.450"))
    data, _ = proposed(tmp_path, rows=later)
    assert data["times"]["format"] == "%d-%m-%Y %H:%M:%S"


@pytest.mark.parametrize(
    ("clock", "form"), [("14:05", "%H:%M"), ("14.05", "%H.%M"), ("140533", "%H%M%S")]
)
def test_clocks_are_written_in_many_ways(tmp_path: Path, clock: str, form: str) -> None:
    rows = tuple(";".join([r.split(";")[0], clock, *r.split(";")[2:]]) for r in ROWS)
    data, text = proposed(tmp_path, rows=rows)
    assert data["fields"]["occurred_at"] == {"join": ["Tgl Transaksi", "Jam"]}
    assert f"%d-%m-%Y {form} or" in line_of(text, "format")


def test_a_date_without_its_time_of_day_is_a_question(tmp_path: Path) -> None:
    rows = (ROWS[0].replace("09:05:33", ""), *ROWS[1:])
    data, text = proposed(tmp_path, rows=rows)
    assert data["fields"]["occurred_at"] == "?"
    assert "1 record without 'Jam'" in line_of(text, "occurred_at")


def test_a_number_under_another_name_is_no_time_of_day(tmp_path: Path) -> None:
    text = "Tanggal,Nilai,Saldo\n2026-03-05,10.15,10.15\n2026-03-05,11.20,21.35\n2026-03-06,1.10,22.45\n"
    path = tmp_path / "f.csv"
    path.write_text(text, "utf-8")
    data = tomllib.loads(propose(path, "f", "deposit").text)
    assert data["fields"]["occurred_at"] == "Tanggal"
    assert data["fields"]["amount"] == "Nilai"


def test_a_time_of_day_in_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data")
        for at, line in enumerate([HEADER, *ROWS]):
            sheet.write_row(at, 0, line.split(";"))
    data = tomllib.loads(propose(path, "f", "supply").text)
    assert data["fields"]["occurred_at"] == {"join": ["Tgl Transaksi", "Jam"]}


def test_ids_by_name_and_by_their_cells(tmp_path: Path) -> None:
    data, text = proposed(tmp_path)
    assert (data["fields"]["ref"], data["fields"]["partner_ref"]) == ("Reff Toko", "No Trx")
    assert "ref (Reff Toko), partner_ref (No Trx)" in line_of(text, "key")
    other = HEADER.replace("No Trx", "Bukti").replace("Reff Toko", "Asal")
    data, text = proposed(tmp_path, header=other)
    for name in ("ref", "partner_ref"):
        assert data["fields"][name] == "?"
        assert "'Bukti' (MP0001 …), 'Asal' (O30 …)" in line_of(text, f"{name} =")
    assert "different in every record of this file: 'Bukti', 'Asal'" in line_of(text, "key")
    assert "not used: 'Bukti'" not in text


def test_the_balance_tells_which_statuses_take_the_price(tmp_path: Path) -> None:
    data, text = proposed(tmp_path)
    assert data["fields"]["amount"] == {
        "column": "Harga",
        "negate": True,
        "zero_when_status": ["failed"],
    }
    assert data["fields"]["balance"] == "Saldo Akhir"
    assert "less 'Harga' in 3 records, and stays the same with Gagal (1 record)" in text
    assert data["order"] == "oldest-first"
    data, _ = proposed(tmp_path, rows=ROWS[::-1])
    assert data["order"] == "newest-first"
    assert data["fields"]["amount"]["negate"] is True


def test_a_status_that_the_balance_says_nothing_of_stays_open(tmp_path: Path) -> None:
    first = ROWS[0].replace("Berhasil", "Proses")
    rows = (first, *ROWS[1:3], ROWS[3].replace("Proses", "Berhasil"), ROWS[4])
    data, text = proposed(tmp_path, rows=rows)
    assert data["fields"]["amount"]["zero_when_status"] == ["failed", "?"]
    assert "nothing shows what Proses does" in text


def test_without_a_proof_the_sign_is_asked_for(tmp_path: Path) -> None:
    broken = (*ROWS[:-1], ROWS[-1].replace("4.862.300", "4.862.301"))
    data, text = proposed(tmp_path, rows=broken)
    assert data["fields"]["amount"] == "?"
    told = line_of(text, "amount")
    assert "the sign" in told
    assert "must be told" in told
    assert "sale" not in told
    header, rows = HEADER.rsplit(";", 1)[0], tuple(r.rsplit(";", 1)[0] for r in ROWS)
    data, text = proposed(tmp_path, header, rows)
    assert data["fields"]["amount"] == "?"
    assert "must be told" in line_of(text, "amount")


def test_one_is_written_as_one(tmp_path: Path) -> None:
    _, text = proposed(tmp_path)
    assert "Gagal: 1 row," in text
    assert "1 rows" not in text
