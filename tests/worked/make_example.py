"""Makes `ledgers/example`, the worked day with its sources: `python -m tests.worked.make_example`.

Everything is fixed: the privacy key, the files, the hours at which they are imported. So the same
code makes the same bytes, and what `git diff` shows afterwards is what the code does differently.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from finops_ledger.books import Books

EXAMPLE = Path(__file__).parents[2] / "ledgers" / "example"
KEPT = ("README.md", ".gitignore")

SOURCES = r"""
[[sources]]
name = "orders"
role = "sale"
format = "orders"
match = "orders_*.csv"
day = { name = 'orders_(\d{4}-\d{2}-\d{2})', format = "%Y-%m-%d" }
gateway = "PG1"

[[sources]]
name = "agga"
role = "supply"
format = "aggregator"
counterparty = "AggA"
match = "AggA_mutasi_*.csv"
day = { name = 'AggA_mutasi_(\d{8})' }

[[sources]]
name = "pg1"
role = "settlement"
format = "pg_settlement"
counterparty = "PG1"
match = "PG1_settlement_*.csv"
day = { name = 'PG1_settlement_(\d{8})' }

[[sources]]
name = "bca"
role = "bank"
format = "bca"
counterparty = "BCA"
account = "Assets:Bank:BCA"
match = "BCA_mutasi_*.csv"
day = { name = 'BCA_mutasi_(\d{8})' }
"""

VERSION = """
[[versions]]
effective = 2026-01-01
change_id = "{change}"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
"""

PAYOUT = (
    '  { when = "PG1 SETTLEMENT", kind = "payout", counterparty = "PG1", '
    "settlement_ref = 'PG1-\\d{8}' },"
)

RULES = {
    "sops/AggA.toml": f"""counterparty = "AggA"
type = "supplier"
{VERSION.format(change="SOP-AggA-1")}prices = "prices/AggA.csv"

[versions.supply]
window = {{ opens = "23:00", named_by = "end" }}
grace = "0h"
pending = "72h"

[versions.recognition.Pulsa]
model = "agent"

[versions.recognition.PLN-Token]
model = "agent"
""",
    "sops/PG1.toml": f"""counterparty = "PG1"
type = "gateway"
{VERSION.format(change="SOP-PG1-1")}
[versions.settlement]
lag = 1
""",
    "sops/BCA.toml": f"""counterparty = "BCA"
type = "bank"
{VERSION.format(change="SOP-BCA-1")}lines = [
{PAYOUT}
  {{ when = "TOPUP AGGA", kind = "topup", counterparty = "AggA" }},
  {{ when = "^BIAYA ADM", kind = "fee" }},
]
""",
    "prices/AggA.csv": """product,category,face,cost,from,to
P50,Pulsa,50000,49800,,
T50,PLN-Token,50000,49800,,
""",
    "decisions/2026/2026-01.beancount": """2026-01-02 * "Opening balances" #decision
  maker: "preparer-1"
  checker: "approver-1"
  Assets:Bank:BCA                            500000000 IDR
  Assets:Deposits:AggA                         1000000 IDR
  Equity:Opening-Balances                   -501000000 IDR
""",
}

# The chart: accounts whose dot in Fava says whether the last word is a balance that was checked.
CHART = """
2026-01-01 open Assets:Bank:BCA IDR
  fava-uptodate-indication: TRUE
2026-01-01 open Assets:Deposits:AggA IDR
  fava-uptodate-indication: TRUE
"""

ORDERS = (
    "order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,refunded_at,"
    "payment_ref,serial,customer\n"
)
MUTASI = (
    "No;Tanggal;ID Transaksi;Ref ID;Ref Asal;Kode Produk;Nomor Tujuan;Status;SN;Debet;Kredit;Saldo;"
    "Keterangan\n"
)
SETTLEMENT = "settlement_id,settlement_date,order_id,payment_ref,type,gross,fee,vat,net,paid_at\n"
BANK = """No. Rekening,=,'1234567890
Nama,=,PT CONTOH DIGITAL
Mata Uang,=,IDR

Tanggal,Keterangan,Cabang,Jumlah,,Saldo
"""

# Seven orders: O1 matches; O2 cost 300 more; O3 is not in the partner's file; O4 was refunded, and
# they delivered it; O5 is pending on both sides; O6 failed on both; O7 falls behind their cut-off.
O4, O6 = (
    f"{order},2026-03-02 10:0{n}:00,AggA,app,{product},1,51000,0,FAILED,2026-03-02 10:0{n + 1}:00,"
    f"2026-03-02 10:0{n + 2}:00,PAY-{order},,081200001234"
    for order, n, product in (("O4", 4, "T50"), ("O6", 6, "P50"))
)
SECOND = {
    "orders_2026-03-02.csv": f"""{ORDERS}\
O1,2026-03-02 10:01:00,AggA,app,P50,1,51000,1000,SUCCESS,2026-03-02 10:01:00,,PAY-O1,,081200001234
O2,2026-03-02 10:02:00,AggA,app,T50,1,51000,0,SUCCESS,2026-03-02 10:02:00,,PAY-O2,,081200001234
O3,2026-03-02 10:03:00,AggA,app,P50,1,51000,0,SUCCESS,2026-03-02 10:03:00,,PAY-O3,,081200001234
{O4}
O5,2026-03-02 10:05:00,AggA,app,P50,1,51000,0,PENDING,2026-03-02 10:05:00,,PAY-O5,,081200001234
{O6}
O7,2026-03-02 23:20:00,AggA,app,T50,1,51000,0,SUCCESS,2026-03-02 23:20:30,,PAY-O7,,081200001234
""",
    "AggA_mutasi_20260302.csv": f"""LAPORAN MUTASI DEPOSIT
Periode;2026-03-02
{MUTASI}\
1;02/03/2026 09:00:00;A100;;;TOPUP;081200001234;SUKSES;;;100.000.001;101.000.001;
2;02/03/2026 10:01:05;A1;O1;;P50;081200001234;SUKSES;;49.800;;100.950.201;
3;02/03/2026 10:02:05;A2;O2;;T50;081200001234;SUKSES;;50.100;;100.900.101;
4;02/03/2026 10:04:05;A4;O4;;T50;081200001234;SUKSES;;49.800;;100.850.301;
5;02/03/2026 10:05:05;A5;O5;;P50;081200001234;PENDING;;49.800;;100.800.501;
6;02/03/2026 10:06:05;A6;O6;;P50;081200001234;GAGAL;;;;;
TOTAL;6;;;;;;;;199.500;100.000.001;100.800.501;
""",
    "PG1_settlement_20260302.csv": f"{SETTLEMENT}TOTAL,0,,,,0,0,0,0,\n",
    "BCA_mutasi_20260302.csv": f"""{BANK}\
02/03/2026,TRSF E-BANKING DB TOPUP AGGA 100.000.001,0000,100000001.00,DB,399999999.00
Saldo Awal,=,500000000.00
Kredit,=,0.00
Debet,=,100000001.00
Saldo Akhir,=,399999999.00
""",
}

# O7 is in the partner's file, O5 is delivered on both sides, and the gateway pays out the 2nd.
THIRD = {
    "orders_2026-03-03.csv": f"""{ORDERS}\
O5,2026-03-02 10:05:00,AggA,app,P50,1,51000,0,SUCCESS,2026-03-03 08:00:00,,PAY-O5,,081200001234
""",
    "AggA_mutasi_20260303.csv": f"""LAPORAN MUTASI DEPOSIT
Periode;2026-03-03
{MUTASI}\
1;02/03/2026 23:20:05;A7;O7;;T50;081200001234;SUKSES;;49.800;;100.750.701;
2;02/03/2026 10:05:05;A5;O5;;P50;081200001234;SUKSES;;49.800;;;
TOTAL;2;;;;;;;;99.600;0;100.750.701;
""",
    "PG1_settlement_20260303.csv": f"""{SETTLEMENT}\
PG1-20260303,2026-03-03,O1,PAY-O1,PAYMENT,50000,350,39,49611,2026-03-02 10:01:00
PG1-20260303,2026-03-03,O2,PAY-O2,PAYMENT,51000,357,39,50604,2026-03-02 10:02:00
PG1-20260303,2026-03-03,O3,PAY-O3,PAYMENT,51000,357,39,50604,2026-03-02 10:03:00
PG1-20260303,2026-03-03,O4,PAY-O4,PAYMENT,51000,357,39,50604,2026-03-02 10:04:00
PG1-20260303,2026-03-03,O4,PAY-O4,REFUND,-51000,0,0,-51000,2026-03-02 10:06:00
PG1-20260303,2026-03-03,O5,PAY-O5,PAYMENT,51000,357,39,50604,2026-03-02 10:05:00
PG1-20260303,2026-03-03,O6,PAY-O6,PAYMENT,51000,357,39,50604,2026-03-02 10:06:00
PG1-20260303,2026-03-03,O6,PAY-O6,REFUND,-51000,0,0,-51000,2026-03-02 10:08:00
PG1-20260303,2026-03-03,O7,PAY-O7,PAYMENT,51000,357,39,50604,2026-03-02 23:20:00
TOTAL,9,,,,254000,2492,273,251235,
""",
    "BCA_mutasi_20260303.csv": f"""{BANK}\
03/03/2026,TRSF E-BANKING CR PG1 SETTLEMENT PG1-20260303,0000,251235.00,CR,400251234.00
Saldo Awal,=,399999999.00
Kredit,=,251235.00
Debet,=,0.00
Saldo Akhir,=,400251234.00
""",
}

# Written by hand once `finops breaks` had shown the ids.
DECIDED = """2026-03-03 * "AggA" "Resolved: O4 claimed from the partner" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{O4}"
  Assets:Claims:Partner:AggA                     49800 IDR
  Assets:Breaks:AggA:Late-Success               -49800 IDR

2026-03-03 * "AggA" "Resolved: O2, the price rise had been notified" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{O2}"
  Income:Net:PLN-Token                             300 IDR
  Assets:Breaks:AggA:Cost-Mismatch                -300 IDR
"""


def write(root: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def run(root: Path, morning: date, texts: dict[str, str]) -> Books:
    """Drop files into the inbox, import and reconcile them, at eight in the morning in Jakarta."""
    write(root / "inbox", texts)
    books = Books(
        root, clock=lambda: datetime(morning.year, morning.month, morning.day, 1, tzinfo=UTC)
    )
    report = books.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    books.reconcile()
    return books


def make(root: Path) -> None:
    """Write the books of 2 and 3 March 2026 into an empty or missing folder."""
    Books.init(
        root, title="Contoh Digital", start=date(2026, 1, 1), key="example-key-of-nobody-0001"
    )
    for name, more in (("finops.toml", SOURCES), ("accounts.beancount", CHART)):
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(more)
    write(root, RULES)
    with run(root, date(2026, 3, 3), SECOND) as books:
        open_ = {b["ref"]: b["id"] for b in books.breaks()}
    write(root, {"decisions/2026/2026-03.beancount": DECIDED.format(**open_)})
    run(root, date(2026, 3, 4), THIRD).close()
    (root / ".finops.lock").unlink(missing_ok=True)


def main() -> None:
    """Make the example again; its README stays."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "example"
        make(made)
        EXAMPLE.mkdir(parents=True, exist_ok=True)
        for path in EXAMPLE.iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(made, EXAMPLE, dirs_exist_ok=True)
    sys.stdout.write(f"made {EXAMPLE.relative_to(EXAMPLE.parents[1])}\n")


if __name__ == "__main__":
    main()
