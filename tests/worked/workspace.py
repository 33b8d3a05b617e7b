"""Workspaces of the worked cases: one prepaid partner, its sales, a gateway and a bank, as files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from finops_ledger.books import Books

KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

SOURCES = """
[[sources]]
name = "orders"
role = "sale"
format = "orders"
match = "orders_*.csv"
day = {{ name = 'orders_(\\d{{4}}-\\d{{2}}-\\d{{2}})', format = "%Y-%m-%d" }}
gateway = "{gateway}"

[[sources]]
name = "agga"
role = "supply"
format = "aggregator"
counterparty = "AggA"
match = "AggA_mutasi_*.csv"
day = {{ name = 'AggA_mutasi_(\\d{{8}})' }}
"""

GATEWAY_SOURCE = """
[[sources]]
name = "pg1"
role = "settlement"
format = "pg_settlement"
counterparty = "PG1"
match = "PG1_settlement_*.csv"
day = { name = 'PG1_settlement_(\\d{8})' }
"""

BANK_SOURCE = """
[[sources]]
name = "bca"
role = "bank"
format = "bca"
counterparty = "BCA"
account = "Assets:Bank:BCA"
match = "BCA_mutasi_*.csv"
day = { name = 'BCA_mutasi_(\\d{8})' }
"""

AGGA = """
counterparty = "AggA"
type = "supplier"

[[versions]]
effective = 2026-01-01
change_id = "SOP-AggA-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
prices = "prices/AggA.csv"

[versions.supply]
window = {{ opens = "23:00", named_by = "end" }}
grace = "{grace}"
pending = "{pending}"

[versions.recognition.Pulsa]
model = "agent"

[versions.recognition.PLN-Token]
model = "agent"

[versions.recognition.Game-Voucher]
model = "principal"
tax = "ppn-margin"
{more}
"""

PG1 = """
counterparty = "PG1"
type = "gateway"

[[versions]]
effective = 2026-01-01
change_id = "SOP-PG1-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"

[versions.settlement]
lag = 1
"""

BCA = """
counterparty = "BCA"
type = "bank"

[[versions]]
effective = 2026-01-01
change_id = "SOP-BCA-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
lines = [
  { when = "PG1 SETTLEMENT", kind = "payout", counterparty = "PG1", settlement_ref = 'PG1-\\d{8}' },
  { when = "TOPUP AGGA", kind = "topup", counterparty = "AggA" },
  { when = "^BIAYA ADM", kind = "fee" },
]
"""

PRICES = """product,category,face,cost,from,to
P50,Pulsa,50000,49800,,
T50,PLN-Token,50000,49800,,
V20,Game-Voucher,,19000,,
"""

OPENING = """2026-01-02 * "opening" #decision
  Assets:Bank:BCA                            500000000 IDR
  Assets:Deposits:AggA                         1000000 IDR
  Equity:Opening-Balances                   -501000000 IDR
"""

ORDERS_HEADER = (
    "order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,refunded_at,"
    "payment_ref,serial,customer"
)
SUPPLY_HEADER = (
    "No;Tanggal;ID Transaksi;Ref ID;Ref Asal;Kode Produk;Nomor Tujuan;Status;SN;Debet;Kredit;Saldo;"
    "Keterangan"
)


def make(
    root: Path,
    *,
    gateway: bool = False,
    bank: bool = False,
    grace: str = "0h",
    pending: str = "72h",
    more: str = "",
    opening: str = OPENING,
) -> Books:
    """Lay out a workspace with AggA, and with a gateway and a bank if asked for."""
    books = Books.init(root, title="Worked", start=date(2026, 1, 1), key=KEY)
    books = Books(root, clock=lambda: NOW)
    text = (root / "finops.toml").read_text() + SOURCES.format(gateway="PG1")
    text += (GATEWAY_SOURCE if gateway else "") + (BANK_SOURCE if bank else "")
    (root / "finops.toml").write_text(text)
    (root / "sops" / "AggA.toml").write_text(AGGA.format(grace=grace, pending=pending, more=more))
    (root / "sops" / "PG1.toml").write_text(PG1)
    (root / "sops" / "BCA.toml").write_text(BCA)
    (root / "prices" / "AggA.csv").write_text(PRICES)
    decide(root, date(2026, 1, 2), opening)
    return books


def decide(root: Path, day: date, text: str) -> None:
    """Append to the decisions of a month, as a person does."""
    path = root / "decisions" / f"{day.year}" / f"{day:%Y-%m}.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text.strip("\n") + "\n\n")


def order(
    ref: str,
    paid: str,
    status: str,
    at: str,
    *,
    price: int = 51000,
    promo: int = 0,
    product: str = "P50",
    refunded: str = "",
    partner: str = "AggA",
    serial: str = "",
) -> str:
    """One line of our order export."""
    cells = [ref, paid, partner, "app", product, "1", str(price), str(promo), status, at, refunded]
    return ",".join([*cells, f"PAY-{ref}", serial, "081200001234"])


def orders(root: Path, day: date, lines: Iterable[str]) -> None:
    """Drop our sales file of a day."""
    text = "\n".join([ORDERS_HEADER, *lines]) + "\n"
    (root / "inbox" / f"orders_{day.isoformat()}.csv").write_text(text)


def dots(amount: int) -> str:
    """Write an amount with dots for thousands, as the aggregator does."""
    return f"{amount:,}".replace(",", ".")


class Statement:
    """The aggregator's report of one partner day; keeps the running balance."""

    def __init__(self, day: date, opening: int) -> None:
        self.day, self.balance = day, opening
        self.lines: list[str] = []
        self.debits = self.credits = 0

    def row(
        self,
        at: str,
        own: str,
        ref: str,
        status: str = "SUKSES",
        *,
        debit: int = 0,
        credit: int = 0,
        moved: int | None = None,
        code: str = "P50",
        orig: str = "",
        serial: str = "",
        text: str = "",
    ) -> Statement:
        """Add a row; ``moved`` is what it moves the deposit by, when that is not credit − debit."""
        change = credit - debit if moved is None else moved
        self.balance += change
        self.debits += debit
        self.credits += credit
        shown = dots(self.balance) if change or status != "SUKSES" and moved is None else ""
        cells = [str(len(self.lines) + 1), at, own, ref, orig, code, "081200001234", status, serial]
        cells += [dots(debit) if debit else "", dots(credit) if credit else "", shown, text]
        self.lines.append(";".join(cells))
        return self

    def drop(self, root: Path, partner: str = "AggA") -> None:
        """Write the report into the inbox."""
        total = f"TOTAL;{len(self.lines)};;;;;;;;{dots(self.debits)};{dots(self.credits)};{dots(self.balance)};"
        head = ["LAPORAN MUTASI DEPOSIT", f"Periode;{self.day.isoformat()}", SUPPLY_HEADER]
        text = "\n".join([*head, *self.lines, total]) + "\n"
        (root / "inbox" / f"{partner}_mutasi_{self.day:%Y%m%d}.csv").write_text(text)


def bank(root: Path, day: date, opening: int, lines: Iterable[tuple[str, int]]) -> int:
    """Write the bank's statement of a day; return its closing balance."""
    balance, credits, debits, shown = opening, 0, 0, []
    for text, amount in lines:
        balance += amount
        credits, debits = credits + max(amount, 0), debits + max(-amount, 0)
        mark = "CR" if amount >= 0 else "DB"
        shown.append(f"{day:%d/%m/%Y},{text},0000,{abs(amount)}.00,{mark},{balance}.00")
    text = "\n".join(
        [
            "No. Rekening,=,'1234567890",
            "Nama,=,PT CONTOH DIGITAL",
            "Mata Uang,=,IDR",
            "",
            "Tanggal,Keterangan,Cabang,Jumlah,,Saldo",
            *shown,
            f"Saldo Awal,=,{opening}.00",
            f"Kredit,=,{credits}.00",
            f"Debet,=,{debits}.00",
            f"Saldo Akhir,=,{balance}.00",
        ]
    )
    (root / "inbox" / f"BCA_mutasi_{day:%Y%m%d}.csv").write_text(text + "\n")
    return balance
