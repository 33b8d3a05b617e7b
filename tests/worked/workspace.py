"""Workspaces of the worked cases: a prepaid partner, its sales, a gateway, a bank, as files."""

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
name = "{source}"
role = "supply"
format = "{format}"
counterparty = "{partner}"
match = "{partner}_mutasi_*.csv"
day = {{ name = '{partner}_mutasi_(\\d{{8}})' }}
"""

DEPOSIT_SOURCE = """
[[sources]]
name = "{source}-deposit"
role = "deposit"
format = "deposit_statement"
counterparty = "{partner}"
match = "{partner}_deposit_*.csv"
day = {{ name = '{partner}_deposit_(\\d{{8}})' }}
"""

GATEWAY_SOURCE = """
[[sources]]
name = "gateway"
role = "settlement"
format = "pg_settlement"
counterparty = "{name}"
match = "{name}_settlement_*.csv"
day = {{ name = '{name}_settlement_(\\d{{8}})' }}
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
counterparty = "{partner}"
type = "supplier"

[[versions]]
effective = 2026-01-01
change_id = "SOP-{partner}-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
prices = "prices/{partner}.csv"

[versions.supply]
{statement}window = {{ opens = "23:00", named_by = "end" }}
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
counterparty = "{name}"
type = "gateway"

[[versions]]
effective = 2026-01-01
change_id = "SOP-{name}-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"

[versions.settlement]
lag = {lag}
{fee}
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
  {{ when = "{gateway} SETTLEMENT", kind = "payout", counterparty = "{gateway}", \
settlement_ref = '{gateway}-\\d{{8}}' }},
  {{ when = "TOPUP {upper}", kind = "topup", counterparty = "{partner}" }},
  {{ when = "^BIAYA ADM", kind = "fee" }},
]
"""

PRICES = """product,category,face,cost,from,to
P50,Pulsa,50000,{pulsa},,
T50,PLN-Token,50000,{pulsa},,
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
    partner: str = "AggA",
    gateway: str | bool = "",
    bank: bool = False,
    grace: str = "0h",
    pending: str = "72h",
    lag: int = 1,
    fee: str = "",
    more: str = "",
    own_format: str = "",
    opening: str = OPENING,
    statement: bool = False,
) -> Books:
    """Lay out a workspace with one partner, and with a gateway and a bank if asked for."""
    books = Books.init(root, title="Worked", start=date(2026, 1, 1), key=KEY)
    books = Books(root, clock=lambda: NOW)
    pays = gateway if isinstance(gateway, str) and gateway else "PG1"
    text = (root / "finops.toml").read_text()
    text += SOURCES.format(
        gateway=pays,
        source=partner.lower(),
        partner=partner,
        format="own" if own_format else "aggregator",
    )
    if statement:
        text += DEPOSIT_SOURCE.format(source=partner.lower(), partner=partner)
    text += (GATEWAY_SOURCE.format(name=pays) if gateway else "") + (BANK_SOURCE if bank else "")
    (root / "finops.toml").write_text(text)
    stated = 'statement = "deposit"\n' if statement else ""
    sop = AGGA.format(partner=partner, grace=grace, pending=pending, more=more, statement=stated)
    (root / "sops" / f"{partner}.toml").write_text(sop)
    if gateway:
        (root / "sops" / f"{pays}.toml").write_text(PG1.format(name=pays, lag=lag, fee=fee))
    lines = BCA.format(gateway=pays, partner=partner, upper=partner.upper())
    (root / "sops" / "BCA.toml").write_text(lines)
    prices = PRICES.format(pulsa=49900 if partner == "AggD" else 49800)
    (root / "prices" / f"{partner}.csv").write_text(prices)
    if own_format:
        (root / "formats" / "own.toml").write_text(own_format)
    if not bank:
        with (root / "accounts.beancount").open("a") as chart:
            chart.write("2026-01-01 open Assets:Bank:BCA IDR\n")
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
        shown = dots(self.balance) if change or (status != "SUKSES" and moved is None) else ""
        cells = [str(len(self.lines) + 1), at, own, ref, orig, code, "081200001234", status, serial]
        cells += [dots(debit) if debit else "", dots(credit) if credit else "", shown, text]
        self.lines.append(";".join(cells))
        return self

    def drop(self, root: Path, partner: str = "AggA") -> None:
        """Write the report into the inbox."""
        sums = f"{dots(self.debits)};{dots(self.credits)};{dots(self.balance)}"
        total = f"TOTAL;{len(self.lines)};;;;;;;;{sums};"
        head = ["LAPORAN MUTASI DEPOSIT", f"Periode;{self.day.isoformat()}", SUPPLY_HEADER]
        text = "\n".join([*head, *self.lines, total]) + "\n"
        (root / "inbox" / f"{partner}_mutasi_{self.day:%Y%m%d}.csv").write_text(text)


class DepositStatement:
    """The partner's deposit statement of one day beside its transactions; keeps the running balance."""

    def __init__(self, day: date, opening: int) -> None:
        self.day, self.opening, self.balance = day, opening, opening
        self.lines: list[str] = []
        self.debits = self.credits = 0

    def row(
        self, at: str, own: str, ref: str, text: str, *, debit: int = 0, credit: int = 0
    ) -> DepositStatement:
        """Add a movement."""
        self.balance += credit - debit
        self.debits += debit
        self.credits += credit
        cells = [at, own, text, ref, dots(debit) if debit else "", dots(credit) if credit else ""]
        self.lines.append(";".join([*cells, dots(self.balance)]))
        return self

    def drop(self, root: Path, partner: str) -> str:
        """Write the statement into the inbox; return its name."""
        head = ["MUTASI SALDO DEPOSIT", f"SALDO AWAL;;;;;;{dots(self.opening)}"]
        head.append("Tanggal;No. Mutasi;Keterangan;Ref;Debet;Kredit;Saldo")
        foot = [f"TOTAL MUTASI;;;;{dots(self.debits)};{dots(self.credits)};"]
        foot.append(f"SALDO AKHIR;;;;;;{dots(self.balance)}")
        name = f"{partner}_deposit_{self.day:%Y%m%d}.csv"
        (root / "inbox" / name).write_text("\n".join([*head, *self.lines, *foot]) + "\n")
        return name


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


SETTLED_HEADER = "settlement_id,settlement_date,order_id,payment_ref,type,gross,fee,vat,net,paid_at"


def settled(
    settlement: str, day: date, order_: str, type_: str, gross: int, fee: int = 0, vat: int = 0
) -> str:
    """One line of the gateway's report."""
    cells = [settlement, day.isoformat(), order_, f"PAY-{order_}", type_, gross, fee, vat]
    return ",".join(str(c) for c in [*cells, gross - fee - vat, f"{day} 08:00:00"])


def gateway_report(root: Path, day: date, lines: Iterable[str], name: str = "PG1") -> None:
    """Drop the gateway's report of a day."""
    lines = list(lines)
    sums = [sum(int(line.split(",")[n]) for line in lines) for n in range(5, 9)]
    total = ",".join(["TOTAL", str(len(lines)), "", "", "", *map(str, sums), ""])
    text = "\n".join([SETTLED_HEADER, *lines, total]) + "\n"
    (root / "inbox" / f"{name}_settlement_{day:%Y%m%d}.csv").write_text(text)
