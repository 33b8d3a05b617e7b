"""A gateway's report over several days: orders, report and bank in their own currency, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from beancount.core.data import Balance

from finops_ledger.books import Books
from finops_ledger.intake.formats import shipped

KEY = "0123456789abcdef"
SOURCES = """
[[sources]]
name = "orders"
role = "sale"
format = "orders"
match = "orders_*.csv"
gateway = "Adyen"

[[sources]]
name = "adyen"
role = "settlement"
format = "adyen_settlement_details"
counterparty = "Adyen"
match = "adyen_*.csv"
every = "none"

[[sources]]
name = "bank"
role = "bank"
format = "generic_sheet"
counterparty = "Bank"
account = "Assets:Bank:Main"
match = "bank_*.csv"
every = "none"
"""
SOP = """counterparty = "{who}"
type = "{type}"

[[versions]]
effective = 2026-01-01
change_id = "SOP-{who}-1"
reason = "first version"
author = "preparer-1"
approver = "approver-1"
{more}
"""
LINES = r"""lines = [
  { when = "ADYEN BATCH", kind = "payout", counterparty = "Adyen", settlement_ref = '\d+$' },
]"""
ORDERS = """order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,\
refunded_at,payment_ref,serial,customer
ORD-0090,2026-03-01 08:00:00,,app,X,1,10.00,0,FAILED,2026-03-01 08:00:01,,PSP0000000000090,,1
ORD-0101,2026-03-01 09:00:00,,app,X,1,20.00,0,REFUNDED,2026-03-01 09:00:01,2026-03-02 08:00:00,\
PSP0000000000101,,1
ORD-0102,2026-03-01 10:00:00,,app,X,1,50.00,0,PENDING,2026-03-01 10:00:01,,PSP0000000000102,,2
ORD-0103,2026-03-03 11:00:00,,app,X,1,5.40,0,PENDING,2026-03-03 11:00:01,,PSP0000000000103,,3
"""
BANK = """Date,Label,Amount,Balance
03/04/2026,ADYEN BATCH 41,68.00,1068.00
"""


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return lay_out(tmp_path / "books")


def lay_out(root: Path) -> Books:
    Books.init(root, title="T", start=date(2026, 1, 1), currency="USD", zone="UTC", key=KEY)
    with (root / "finops.toml").open("a") as file:
        file.write(SOURCES)
    more = "\n[versions.settlement]\nlag = 2\n"
    (root / "sops" / "Adyen.toml").write_text(SOP.format(who="Adyen", type="gateway", more=more))
    (root / "sops" / "Bank.toml").write_text(SOP.format(who="Bank", type="bank", more=LINES))
    (root / "decisions" / "2026").mkdir()
    (root / "decisions" / "2026" / "2026-02.beancount").write_text(
        '2026-02-28 * "opening" #decision\n  Assets:Bank:Main  1000.00 USD\n'
        "  Equity:Opening-Balances\n"
    )
    return Books(root, clock=lambda: datetime(2026, 6, 30, tzinfo=UTC))


def files(books: Books) -> dict[str, str]:
    report = (shipped()["adyen_settlement_details"].parent / "sample.csv").read_text()
    return {"adyen_41.csv": report, "bank_1.csv": BANK, "orders_1.csv": ORDERS}


def take(books: Books, wanted: dict[str, str]) -> None:
    for name, text in wanted.items():
        (books.root / "inbox" / name).write_text(text)
    found = books.import_files()
    assert {f.verdict for f in found.files} == {"imported"}, found
    books.reconcile()
    assert books.load().messages() == []


def journal(books: Books) -> dict[str, str]:
    folder = books.root / "journal"
    return {p.name: p.read_text() for p in folder.glob("*/*.beancount")}


def test_days_of_a_settlement_are_one_posting(books: Books) -> None:
    with books:
        take(books, files(books))
        entries = [e for e in books.load().transactions() if "settlement" in e.tags]
        [entry] = entries
        # The first row is of 28 February in UTC, the last of 2 March: the report settles with that.
        assert entry.date == date(2026, 3, 2)
        postings = {(p.account, p.meta["kind"]): p.units.number for p in entry.postings}
        assert postings == {
            ("Assets:Clearing:Settlement-In-Transit:Adyen", "payment"): Decimal("68.00"),
            # Three payments cost 2.15, and the fee row 0.25 more.
            ("Expenses:Payment-Fee:Adyen", "fee"): Decimal("2.40"),
            ("Assets:Clearing:Gateway:Adyen", "payment"): Decimal("-75.40"),
            ("Assets:Clearing:Gateway:Adyen", "refund"): Decimal("20.00"),
            ("Assets:Clearing:Gateway:Adyen", "chargeback"): Decimal("10.00"),
            # Carried over from the batch before.
            ("Assets:Clearing:Settlement-Held:Adyen", "adjustment"): Decimal("-25.00"),
        }


def test_paid_out_and_matched(books: Books) -> None:
    with books:
        take(books, files(books))
        classes = {(i["class"], i["ref"]) for i in books.breaks(everything=True)}
        assert ("chargeback", "PSP0000000000090") in classes
        assert ("missing_in_settlement", "PSP0000000000090") in classes
        table = books.query(
            "select account, sum(number) as n where account ~ 'Clearing' group by account "
            "having sum(number) != 0"
        )
        # All orders met their payments, and the bank's line met the settlement.
        assert [row[0] for row in table.rows] == ["Assets:Clearing:Settlement-Held:Adyen"]
        proven = [e for e in books.load().entries if isinstance(e, Balance)]
        assert [(b.account, b.amount.number) for b in proven] == [("Assets:Bank:Main", 1068)]


def test_any_order_of_arrival(books: Books, tmp_path: Path) -> None:
    with books:
        for name, text in sorted(files(books).items(), reverse=True):
            take(books, {name: text})
        one_by_one = journal(books)
    again = lay_out(tmp_path / "again")
    with again:
        take(again, files(again))
        assert journal(again) == one_by_one
