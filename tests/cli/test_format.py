"""``finops format``: which formats there are, what one makes of a file, one proposed for a file."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.intake.formats import shipped
from tests.docs.pages import run_finops

SAMPLE = shipped()["aggregator"].parent / "sample.csv"


def finops(folder: Path, *words: str) -> tuple[str, int]:
    return run_finops(["--books", str(folder / "books"), *words])


def test_list_needs_no_books(tmp_path: Path) -> None:
    text, code = finops(tmp_path, "format", "list", "--json")
    found = {f["name"]: f for f in json.loads(text)}
    assert code == 0
    assert set(found) == set(shipped())
    assert found["aggregator"]["role"] == "supply"
    assert found["aggregator"]["source_of_layout"]


def test_list_names_own_formats_and_those_that_do_not_load(tmp_path: Path) -> None:
    assert finops(tmp_path, "init", str(tmp_path / "books"))[1] == 0
    own = tmp_path / "books" / "formats" / "mine.toml"
    own.write_text('name = "mine"\nkey = ["?"]\n')
    found = {f["name"]: f for f in json.loads(finops(tmp_path, "format", "list", "--json")[0])}
    assert found["mine"]["own"]
    assert "undecided" in found["mine"]["fault"]
    assert "mine (own)" in finops(tmp_path, "format", "list")[0]


def test_check_shows_what_an_import_would_make_of_a_file(tmp_path: Path) -> None:
    text, code = finops(tmp_path, "format", "check", str(SAMPLE), "--rows", "2")
    assert code == 0
    assert "recognised by: aggregator" in text
    assert "10 rows: 10 read, 0 left out, 0 refused, 2026-03-01 to 2026-03-02" in text
    assert "rows 10; debit 296,650; credit 5,152,350; closing 14,855,700" in text
    assert "An import would take the file." in text
    assert text.count("2026-03-0") == 2 * 2 + 2


def test_check_counts_and_places_what_would_be_refused(tmp_path: Path) -> None:
    lines = SAMPLE.read_text("utf-8").splitlines()
    lines[3] = lines[3].replace("01/03/2026", "31/02/2026")
    lines[4] = lines[4].replace("PLN50", "PLN50;more")
    file = tmp_path / "broken.csv"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    text, code = finops(tmp_path, "format", "check", str(file), "--json", "--format", "aggregator")
    told = json.loads(text)
    assert code == 3
    assert not told["clean"]
    assert told["problems"]["total"] == 2
    assert {p.split(":")[1] for p in told["problems"]["listed"]} == {"4", "5"}
    text, code = finops(tmp_path, "format", "check", str(file))
    assert (code, "An import would refuse the file." in text) == (3, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--format", "agregator"], "did you mean 'aggregator'"),
        (["--role", "buyer"], "--role: unknown name 'buyer'"),
        (["--zone", "Asia/Jakrta"], "unknown time zone"),
        (["--source", "agga"], "--source needs books"),
        (["--format", "nowhere/x.toml"], "cannot be read"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: list[str], told: str) -> None:
    text, code = finops(tmp_path, "format", "check", str(SAMPLE), *words)
    assert (code, told in text) == (2, True), text


def test_check_as_a_source_of_the_books(tmp_path: Path) -> None:
    """Partner codes are known there, and one that is not is refused."""
    assert finops(tmp_path, "demo", str(tmp_path / "books"))[1] == 0
    file = tmp_path / "orders_2026-03-09.csv"
    header = (shipped()["orders"].parent / "sample.csv").read_text("utf-8").splitlines()[0]
    row = "O1,2026-03-09 10:00:00,NOBODY,app,V20,1,20500,0,SUCCESS,2026-03-09 10:00:30,,P1,,0812"
    file.write_text(f"{header}\n{row}\n", "utf-8")
    text, code = finops(tmp_path, "format", "check", str(file), "--source", "orders")
    assert (code, "partner-unknown" in text) == (3, True), text
    text, code = finops(tmp_path, "format", "check", str(file))
    assert (code, "partner codes are not looked at" in text) == (0, True), text


def test_infer_writes_once_and_says_what_is_open(tmp_path: Path) -> None:
    target = tmp_path / "formats" / "agga.toml"
    words = ["format", "infer", str(SAMPLE), "--role", "supply", "-o", str(target)]
    text, code = finops(tmp_path, *words)
    assert code == 0
    assert "Already read by the shipped format aggregator" in text
    for line in ('format = "aggregator"', 'role = "supply"', 'match = "sample.csv"'):
        assert line in text
    assert "Next: answer the questions, then finops format check" in text
    assert "Looked at 10 records." in text
    assert 'name = "agga"' in target.read_text("utf-8")
    text, code = finops(tmp_path, *words)
    assert (code, "exists" in text) == (2, True)
    text, code = finops(tmp_path, "format", "check", str(SAMPLE), "--format", str(target))
    assert (code, "undecided" in text) == (2, True)


def test_containers_are_looked_into(tmp_path: Path) -> None:
    packed, several = tmp_path / "agga_20260302.csv.gz", tmp_path / "march.zip"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    with zipfile.ZipFile(several, "w") as archive:
        archive.write(SAMPLE, "in/agga.csv")
        archive.writestr("readme.txt", "nothing")
    for words in ([str(packed)], [str(several), "--member", "in/agga.csv"]):
        text, code = finops(tmp_path, "format", "check", *words)
        assert (code, "10 rows: 10 read" in text) == (0, True), text
        text, code = finops(tmp_path, "format", "infer", *words)
        assert (code, "Looked at 10 records." in text) == (0, True), text
        assert ("day = { name = 'agga_(\\d{8})' }" in text) is (words == [str(packed)])
    text, code = finops(tmp_path, "format", "check", str(several))
    assert (code, "holds 2 files; choose one with --member: in/agga.csv, readme.txt" in text) == (
        2,
        True,
    )
    text, code = finops(tmp_path, "format", "infer", str(several), "--member", "agga.csv")
    assert (code, "--member: unknown name 'agga.csv'" in text) == (2, True), text
    text, code = finops(tmp_path, "format", "infer", str(SAMPLE), "--member", "x")
    assert (code, "is no gzip or zip file" in text) == (2, True), text
    packed.write_bytes(packed.read_bytes()[:40])
    assert finops(tmp_path, "format", "check", str(packed))[1] == 3


def test_check_says_the_days_of_a_source(tmp_path: Path) -> None:
    """The file's own, and the partner's by the window of its SOP (23:00 to 23:00 in the demo)."""
    assert finops(tmp_path, "demo", str(tmp_path / "books"))[1] == 0
    file = tmp_path / "AggA_mutasi_20260302.csv"
    file.write_bytes(SAMPLE.read_bytes())
    words = ["format", "check", str(file), "--source", "agga"]
    text, _ = finops(tmp_path, *words)
    assert "Business day of the file: 2026-03-02." in text
    told = json.loads(finops(tmp_path, *words, "--json")[0])
    assert told["business_day"] == "2026-03-02"
    assert told["partner_days"][0] == "2026-03-02"
    assert told["days"][0] == "2026-03-01"


def test_infer_of_what_is_no_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"%PDF-1.7 \x00")
    text, code = finops(tmp_path, "format", "infer", str(file))
    assert (code, "not-inferred" in text) == (3, True)


SUPPLIER = """Tanggal;Trx;Harga;Status;Saldo
05-03-2026 09:00:00;A1;100;Berhasil;900
05-03-2026 10:00:00;A2;50;Gagal;900
05-03-2026 11:00:00;A3;50;Proses;850
"""
FORMAT = """name = "mp"
version = 1
role = "ROLE"
description = ""
source_of_layout = "a test"
key = ["partner_ref"]

[file]
kind = "csv"
delimiter = ";"
header = ["Tanggal", "Trx", "Harga", "Status", "Saldo"]

[times]
format = "%d-%m-%Y %H:%M:%S"
zone = "Asia/Jakarta"

[fields]
occurred_at = "Tanggal"
partner_ref = "Trx"
balance = "Saldo"
amount = { column = "Harga", negate = true, zero_when_status = ["failed"] }

[status]
column = "Status"
map = { Berhasil = "success", Gagal = "failed" }
"""


def checked(
    folder: Path,
    text: str = SUPPLIER,
    fmt: str = FORMAT,
    role: str = "supply",
    day: str = "20260305",
) -> tuple[str, dict[str, Any], int]:
    """What ``format check`` says of a file, as text and as JSON."""
    file, made = folder / f"MP_{day}.csv", folder / "mp.toml"
    file.write_text(text, "utf-8")
    made.write_text(fmt.replace("ROLE", role), "utf-8")
    words = ["format", "check", str(file), "--format", str(made)]
    said, code = finops(folder, *words)
    told, same = finops(folder, *words, "--json")
    assert code == same
    return said, json.loads(told), code


def test_check_walks_the_balance(tmp_path: Path) -> None:
    said, told, code = checked(tmp_path)
    assert (code, told["balance"]["follows"]) == (0, True)
    assert "Saldo follows from row to row (3 rows)." in said
    said, told, code = checked(tmp_path, SUPPLIER.replace("850", "851"))
    assert code == 0
    assert "Saldo does not follow from row to row, 1 place; an import takes the file" in said
    assert "line 4: off by 1: 851 stands there, 850 follows" in said
    assert told["balance"]["gaps"] == 1
    assert told["balance"]["listed"][0]["line"] == 4
    said, _, code = checked(tmp_path, fmt=FORMAT.replace(', zero_when_status = ["failed"]', ""))
    assert (code, "line 3: off by 50" in said) == (0, True)


def test_check_walks_a_newest_first_balance(tmp_path: Path) -> None:
    head, *rows = SUPPLIER.splitlines()
    fmt = 'order = "newest-first"\n' + FORMAT
    said, _, _ = checked(tmp_path, "\n".join([head, *reversed(rows)]) + "\n", fmt)
    assert "Saldo follows from row to row" in said


def test_a_bank_file_whose_balance_does_not_follow_is_refused(tmp_path: Path) -> None:
    broken = SUPPLIER.replace("850", "851")
    said, told, code = checked(tmp_path, broken, role="bank")
    assert (code, told["clean"]) == (3, False)
    assert told["problems"]["by_code"] == {"balance-chain": 1}
    assert "a bank's file is refused for it" in said
    assert "An import would refuse the file." in said


def test_check_names_statuses_that_no_map_knows(tmp_path: Path) -> None:
    said, told, _ = checked(tmp_path)
    assert "Not known, add it to the map in [status]: Proses: 1 row" in said
    assert told["unmapped_statuses"] == {"Proses": 1}
    known = FORMAT.replace('Gagal = "failed"', 'Gagal = "failed", Proses = "pending"')
    assert "Not known" not in checked(tmp_path, fmt=known)[0]


def test_check_says_that_the_order_id_is_missing(tmp_path: Path) -> None:
    assert "ref (our order id) is not mapped" in checked(tmp_path)[0]
    mapped = FORMAT.replace('partner_ref = "Trx"', 'partner_ref = "Trx"\nref = "Trx"')
    assert "is not mapped" not in checked(tmp_path, fmt=mapped)[0]


def test_check_compares_the_day_of_the_name_with_the_rows(tmp_path: Path) -> None:
    assert "file's name" not in checked(tmp_path)[0]
    swapped = FORMAT.replace("%d-%m-%Y", "%m-%d-%Y")
    said, _, code = checked(tmp_path, fmt=swapped)
    assert code == 0
    assert "the file's name says 2026-03-05, its rows say 2026-05-03; day and month may be" in said
    assert "the file's name says 2026-03-09, its rows" in checked(tmp_path, day="20260309")[0]
    assert "file's name" not in checked(tmp_path, day="20260306")[0]


def test_list_fits_a_terminal(tmp_path: Path) -> None:
    text, code = finops(tmp_path, "format", "list")
    assert code == 0
    assert max(map(len, text.splitlines())) <= 100
    assert "Layout from" not in text
    wide, _ = finops(tmp_path, "format", "list", "--wide")
    assert "Layout from" in wide
    assert max(map(len, wide.splitlines())) <= 100
