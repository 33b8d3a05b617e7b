"""Our sources under beangulp's own commands, and beangulp's importers among our sources."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.samples import KEY, import_sample, samples_of
from finops_ledger.core.errors import UsageError

IMPORTERS = Path(__file__).parents[2] / "importers"
SCRIPT = IMPORTERS / "import.py"


def run(*arguments: object, books: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "FINOPS_BOOKS"}
    if books is not None:
        environment["FINOPS_BOOKS"] = str(books)
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Books with a source of orders."""
    assert import_sample(tmp_path / "books", "orders", samples_of("orders")[0]).balanced
    return tmp_path / "books"


def test_beangulps_own_test_command_passes_on_the_shipped_samples() -> None:
    done = run("test", IMPORTERS)
    assert done.returncode == 0, done.stdout
    passed = [line for line in done.stdout.splitlines() if line.endswith("PASSED")]
    golden = sorted(IMPORTERS.glob("*/*.beancount"))
    assert len(passed) == len(golden) > 0


def test_the_test_command_fails_on_a_golden_file_that_differs(tmp_path: Path) -> None:
    [sample] = samples_of("pg_settlement")
    folder = tmp_path / "pg_settlement"
    folder.mkdir()
    (folder / sample.name).write_bytes(sample.read_bytes())
    golden = sample.with_name(f"{sample.name}.beancount").read_text()
    told = folder / f"{sample.name}.beancount"
    told.write_text(golden)
    assert run("test", folder).returncode == 0
    told.write_text(golden.replace("1", "2", 1))
    done = run("test", folder)
    assert done.returncode == 1
    assert "ERROR" in done.stdout
    assert run("generate", "-f", folder).returncode == 0
    assert told.read_text() == golden


def test_a_file_above_eight_mebibytes_is_taken_like_any_other(sales: Path, tmp_path: Path) -> None:
    head, first, *_ = samples_of("orders")[0].read_text().splitlines()
    rows = [first.replace("0001", f"{n:07d}") for n in range(90_000)]
    large = tmp_path / "downloads" / "orders.csv"
    large.parent.mkdir()
    large.write_text("\n".join([head, *rows]) + "\n")
    assert large.stat().st_size > 8 << 20
    identified = run("identify", large, books=sales)
    assert "SKIP" not in identified.stdout
    assert "finops.orders" in identified.stdout
    extracted = run("extract", large, books=sales)
    assert extracted.returncode == 0, extracted.stderr
    assert '"Sales, 90,000 orders"' in extracted.stdout or "90000" in extracted.stdout


def test_extract_marks_what_the_books_hold(sales: Path, tmp_path: Path) -> None:
    [sample] = samples_of("orders")
    file = tmp_path / sample.name
    file.write_bytes(sample.read_bytes())
    done = run("extract", "-e", sales / "main.beancount", file, books=sales)
    assert done.returncode == 0, done.stderr
    entries = [x for x in done.stdout.splitlines() if "#sale" in x]
    assert entries
    assert all(line.startswith(";") for line in entries)


def test_archive_files_a_download_where_the_books_would(sales: Path, tmp_path: Path) -> None:
    [sample] = samples_of("orders")
    file, kept = tmp_path / sample.name, tmp_path / "archive"
    file.write_bytes(sample.read_bytes())
    kept.mkdir()
    done = run("archive", "-o", kept, file, books=sales)
    assert done.returncode == 0, done.stderr
    [path] = (p for p in kept.rglob("*") if p.is_file())
    folder = "Liabilities/Customer-Orders/Undelivered"
    assert path.relative_to(kept).as_posix() == f"{folder}/2026-03-02.{sample.name}"
    assert not file.exists()


def test_a_refused_file_is_an_error_of_the_command_and_says_why(
    sales: Path, tmp_path: Path
) -> None:
    [sample] = samples_of("orders")
    file = tmp_path / sample.name
    file.write_text(sample.read_text().replace("11000", "11.000"))
    done = run("extract", file, books=sales)
    assert done.returncode == 1
    assert "cell-number" in done.stderr
    assert "Traceback" not in done.stderr


CSVBASE = """
from beangulp.importers.csvbase import Amount, Column, Columns, Date, Importer

class Bank(Importer):
    date = Date("Tanggal", "%d/%m/%Y")
    narration = Columns("Keterangan", "Cabang")
    payee = Column("Lawan")
    amount = Amount("Jumlah", subs={"[.]": "", ",": "."})
    balance = Amount("Saldo", subs={"[.]": "", ",": "."})

    def identify(self, filepath):
        with open(filepath, encoding="utf8") as file:
            return file.readline().startswith("Tanggal;Lawan")

def bank():
    return Bank("Assets:Bank:Desa", "IDR")
Bank.dialect = "semicolons"

import csv
class Semicolons(csv.excel):
    delimiter = ";"
csv.register_dialect("semicolons", Semicolons)
"""
FORMAT = """
name = "desa"
version = 1
role = "bank"
key = ["day", "partner_ref", "text", "amount"]

[file]
kind = "beangulp"
importer = "desa.py:bank"

[times]
format = "%Y-%m-%d"

[fields]
occurred_at = "booking_date"
amount = "amount"
currency = "currency"
text = "text"
partner_ref = "counterparty"
"""
STATEMENT = """Tanggal;Lawan;Keterangan;Cabang;Jumlah;Saldo
01/03/2026;PG1;Setoran;JKT;1.500.000,00;1.500.000,00
02/03/2026;AggA;Top up;JKT;-350.000,00;1.150.000,00
"""


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """Books whose bank is read by an importer written for plain beangulp."""
    root = tmp_path / "books"
    Books.init(root, title="Desa", start=date(2026, 3, 1), currency="IDR", key=KEY)
    (root / "formats" / "desa.py").write_text(CSVBASE)
    (root / "formats" / "desa.toml").write_text(FORMAT)
    with (root / "finops.toml").open("a") as file:
        file.write(
            '\n[[sources]]\nname = "desa"\nrole = "bank"\nformat = "desa"\nmatch = "desa*"\n'
            'counterparty = "Desa"\naccount = "Assets:Bank:Desa"\n'
        )
    (root / "sops" / "Desa.toml").write_text(
        'counterparty = "Desa"\ntype = "bank"\n[[versions]]\neffective = 2026-03-01\n'
        'change_id = "1"\nreason = "first"\nauthor = "a"\napprover = "b"\n'
    )
    return root


def test_a_csvbase_importer_is_a_source(village: Path) -> None:
    (village / "inbox" / "desa.csv").write_text(STATEMENT)
    with Books(village) as books:
        [report] = books.import_files().files
        assert report.verdict == "imported", report.message
        books.reconcile()
        moved = dict(books.query("select account, sum(number) group by account").rows)
        assert Decimal(moved["Assets:Bank:Desa"]) == Decimal(1_150_000)
        assert books.load().messages() == []
        rules = books.space.state.rules
        assert "formats/desa.py" in rules
        assert books.verify() == []
        assert books.rebuild(village.with_name("again")).equal


def test_what_a_python_importer_cannot_read_is_refused_without_a_traceback(village: Path) -> None:
    (village / "inbox" / "desa.csv").write_text(STATEMENT.replace("-350.000,00", "n/a"))
    with Books(village) as books:
        [report] = books.import_files().files
    assert report.verdict == "refused"
    assert "importer-failed" in report.problems[0]


def test_an_importer_that_does_not_load_is_an_error_of_the_format(village: Path) -> None:
    (village / "inbox" / "desa.csv").write_text(STATEMENT)
    (village / "formats" / "desa.py").write_text("import nothing_of_this_name\n")
    with Books(village) as books, pytest.raises(UsageError, match="nothing_of_this_name"):
        books.import_files()
