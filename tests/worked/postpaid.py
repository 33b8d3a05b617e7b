"""A postpaid biller as files: bills a day, its invoices; our payments through the bank."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from tests.worked import workspace as w
from tests.worked.story import Story

BILLS = """name = "own"
version = 1
role = "supply"
description = "Bills paid through a biller, with the commission that it grants on each."
source_of_layout = "Written for this project."
key = ["partner_ref"]
order = "oldest-first"

[file]
delimiter = ","
header = ["time", "trx", "order_id", "product", "bill", "admin", "commission", "ppn", "status"]

[times]
zone = "Asia/Jakarta"
format = "%Y-%m-%d %H:%M:%S"

[fields]
occurred_at = "time"
partner_ref = "trx"
ref = "order_id"
product = "product"
face = { sum = ["bill", "admin"] }
commission = "commission"
vat = "ppn"

[fields.amount]
sum = ["bill", "admin"]
negate = true
zero_when_status = ["failed"]

[status]
column = "status"
map = { PAID = "success", FAILED = "failed", PENDING = "pending" }
"""

INVOICE = """name = "invoice"
version = 1
role = "settlement"
description = "A biller's statement of what it bills: one line a day of bills."
source_of_layout = "Written for this project."
key = ["settlement_ref", "ref"]
order = "oldest-first"

[file]
delimiter = ","
header = ["invoice", "date", "of_day", "bills", "gross", "commission", "ppn", "withheld", "net"]

[times]
zone = "Asia/Jakarta"
format = "%Y-%m-%d"

[fields]
settlement_ref = "invoice"
occurred_at = "date"
ref = "of_day"
kind = { constant = "invoice" }
price = "gross"
commission = "commission"
vat = "ppn"
withheld = "withheld"
amount = "net"

[status]
constant = "success"

[[identities]]
left = ["gross", "withheld"]
right = ["net", "commission", "ppn"]
"""

SOURCE = """
[[sources]]
name = "aggb-invoice"
role = "settlement"
format = "invoice"
counterparty = "AggB"
match = "AggB_invoice_*.csv"
day = { name = 'AggB_invoice_(\\d{8})' }
every = "none"
"""

SOP = """counterparty = "AggB"
type = "supplier"

[[versions]]
effective = 2026-01-01
change_id = "SOP-AggB-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
prices = "prices/AggB.csv"

[versions.supply]
model = "postpaid"

[versions.recognition.PLN-Postpaid]
model = "agent"
tax = "ppn-commission"

[versions.commission.PLN-Postpaid]
amount = "1200"
vat = "0.12"
base = "11/12"
withheld = "0.02"
"""

BANK = """counterparty = "BCA"
type = "bank"

[[versions]]
effective = 2026-01-01
change_id = "SOP-BCA-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
lines = [
  { when = "AGGB", kind = "payment", counterparty = "AggB", settlement_ref = 'AggB-\\d{8}' },
]
"""

PRICES = "product,category,face,cost,from,to\nPLN,PLN-Postpaid,352500,{cost},,\n"


class Postpaid(Story):
    """Sales of bills, the biller's file, its invoices, and the bank."""

    def __init__(
        self, root: Path, first: date, *, cost: str = "face - commission", **more: Any
    ) -> None:
        super().__init__(root, first, partner="AggB", bank=True, own_format=BILLS, **more)
        opening = root / "decisions" / "2026" / "2026-01.beancount"
        text = '2026-01-02 * "opening" #decision\n  Assets:Bank:BCA  5000000000 IDR\n'
        opening.write_text(text + "  Equity:Opening-Balances  -5000000000 IDR\n")
        self.bank_balance = 5_000_000_000
        (root / "formats" / "invoice.toml").write_text(INVOICE)
        (root / "sops" / "AggB.toml").write_text(SOP)
        (root / "sops" / "BCA.toml").write_text(BANK)
        (root / "prices" / "AggB.csv").write_text(PRICES.format(cost=cost))
        config = root / "finops.toml"
        config.write_text(config.read_text() + SOURCE)
        self.bills: dict[date, list[str]] = defaultdict(list)
        self.invoices: dict[date, list[str]] = defaultdict(list)

    def paid(self, day: date, ref: str, status: str = "SUCCESS", **more: Any) -> None:
        """A bill that a customer paid, in our file."""
        self.sold(day, ref, status, price=352_500, product="PLN", **more)

    def billed(
        self,
        day: date,
        ref: str,
        status: str = "PAID",
        *,
        bill: int = 350_000,
        commission: int = 1_200,
        ppn: int = 132,
    ) -> None:
        """The same bill in the biller's file."""
        cells = [f"{day} 10:00:05", f"B-{ref}", ref, "PLN", bill, 2_500, commission, ppn, status]
        self.bills[day].append(",".join(map(str, cells)))

    def invoices_(self, day: date, ref: str, of: date, gross: int, fee: int, ppn: int) -> None:
        """The biller's statement of a day's bills."""
        withheld = fee * 2 // 100
        net = gross - fee - ppn + withheld
        cells = [ref, day, of, 1, gross, fee, ppn, withheld, net]
        self.invoices[day].append(",".join(map(str, cells)))

    def drop(self, day: date) -> None:
        """Write the files of one day into the inbox."""
        super().drop(day)
        head = "time,trx,order_id,product,bill,admin,commission,ppn,status"
        name = f"AggB_mutasi_{day:%Y%m%d}.csv"
        text = "\n".join([head, *self.bills[day]]) + "\n"
        if name in self.held:
            self.held[name] = text
            (self.kept / name).unlink(missing_ok=True)
        else:
            for folder in (self.root / "inbox", self.kept):
                (folder / name).write_text(text)
        if self.invoices[day]:
            head = "invoice,date,of_day,bills,gross,commission,ppn,withheld,net"
            name = f"AggB_invoice_{day:%Y%m%d}.csv"
            for folder in (self.root / "inbox", self.kept):
                (folder / name).write_text("\n".join([head, *self.invoices[day]]) + "\n")

    def pays(self, day: date, settlement: str, *postings: tuple[str, int, str]) -> None:
        """Our approved payment list: a decision, which names the claim that it releases."""
        text = f'{day} * "AggB" "Payment list" #settlement #decision ^STL-{settlement}\n'
        text += '  maker: "preparer-1"\n  checker: "approver-1"\n'
        for account, amount, break_ in postings:
            text += f"  {account}  {amount} IDR\n"
            text += f'    break: "{break_}"\n' if break_ else ""
        w.decide(self.root, day, text)
