"""The worked day: seven orders in two categories as files, through the loop, to the rupiah."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data

from finops_ledger.books import Books
from tests.worked import workspace as w

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference" / "worked-day.beancount"
D2, D3 = date(2026, 3, 2), date(2026, 3, 3)


def drop_second(root: Path) -> None:
    """2 March: seven orders, the partner's five rows and a top-up, the bank's line."""
    at = "2026-03-02 10:0{}:00"
    w.orders(
        root,
        D2,
        [
            w.order("O1", at.format(1), "SUCCESS", at.format(1), promo=1000),
            w.order("O2", at.format(2), "SUCCESS", at.format(2), product="T50"),
            w.order("O3", at.format(3), "SUCCESS", at.format(3)),
            w.order(
                "O4", at.format(4), "FAILED", at.format(5), refunded=at.format(6), product="T50"
            ),
            w.order("O5", at.format(5), "PENDING", at.format(5)),
            w.order("O6", at.format(6), "FAILED", at.format(7), refunded=at.format(8)),
            w.order("O7", "2026-03-02 23:20:00", "SUCCESS", "2026-03-02 23:20:30", product="T50"),
        ],
    )
    at = "02/03/2026 10:0{}:05"
    statement = w.Statement(D2, 1_000_000)
    statement.row("02/03/2026 09:00:00", "A100", "", code="TOPUP", credit=100_000_001)
    statement.row(at.format(1), "A1", "O1", debit=49_800)
    statement.row(at.format(2), "A2", "O2", debit=50_100, code="T50")
    statement.row(at.format(4), "A4", "O4", debit=49_800, code="T50")
    statement.row(at.format(5), "A5", "O5", "PENDING", debit=49_800)
    statement.row(at.format(6), "A6", "O6", "GAGAL")
    statement.drop(root)
    w.bank(root, D2, 500_000_000, [("TRSF E-BANKING DB TOPUP AGGA 100.000.001", -100_000_001)])


def drop_third(root: Path) -> None:
    """3 March: O7 in the partner's file, O5 delivered on both sides."""
    w.orders(root, D3, [w.order("O5", "2026-03-02 10:05:00", "SUCCESS", "2026-03-03 08:00:00")])
    statement = w.Statement(D3, 100_800_501)
    statement.row("02/03/2026 23:20:05", "A7", "O7", debit=49_800, code="T50")
    statement.row("02/03/2026 10:05:05", "A5", "O5", debit=49_800, moved=0)
    statement.drop(root)
    w.bank(root, D3, 399_999_999, [])


def run(books: Books) -> None:
    """Import and reconcile."""
    report = books.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    books.reconcile()


def load(root: Path) -> list[data.Directive]:
    """Load the books with Beancount and expect no error."""
    entries, errors, _ = loader.load_file(str(root / "main.beancount"))
    assert [
        f"{e.source.get('filename')}:{e.source.get('lineno')}: {e.message}" for e in errors
    ] == []
    return entries


Sums = dict[tuple[date, str, str], Counter[str]]


def sums(entries: list[data.Directive], first: date) -> Sums:
    """Sum postings by day, tag and account; a category's account counts as Pulsa's."""
    found: Sums = {}
    for entry in entries:
        if not isinstance(entry, data.Transaction) or entry.date < first or not entry.tags:
            continue
        key = (entry.date, min(entry.tags), "")
        for posting in entry.postings:
            account = posting.account.replace("PLN-Token", "Pulsa")
            assert posting.units is not None
            sides = found.setdefault(key, Counter())
            kind = "+" if posting.units.number > 0 else "-"
            sides[f"{account} {kind}"] += posting.units.number
    return found


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return w.make(tmp_path / "books", bank=True)


def decide(books: Books) -> None:
    """The two decisions of 3 March, written by hand."""
    open_ = {b["ref"]: b["id"] for b in books.breaks()}
    w.decide(
        books.root,
        D3,
        f"""
2026-03-03 * "AggA" "Resolved: O4 claimed from the partner" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{open_["O4"]}"
  Assets:Claims:Partner:AggA                     49800 IDR
  Assets:Breaks:AggA:Late-Success               -49800 IDR

2026-03-03 * "AggA" "Resolved: O2, the price rise had been notified" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{open_["O2"]}"
  Income:Net:PLN-Token                             300 IDR
  Assets:Breaks:AggA:Cost-Mismatch                -300 IDR
""",
    )


def reference() -> Sums:
    entries, errors, _ = loader.load_file(str(REFERENCE))
    assert errors == []
    return sums(entries, D2)


def resolve(books: Books) -> None:
    """The same two decisions, by the command."""
    open_ = {b["ref"]: b["id"] for b in books.breaks()}
    for ref, treatment in (("O4", "claim"), ("O2", "cost")):
        made = books.resolve(
            [open_[ref]], treatment, maker="preparer-1", checker="approver-1", day=D3
        )
        assert made.written


@pytest.mark.samples
@pytest.mark.parametrize("decided", [decide, resolve], ids=["by hand", "by command"])
def test_seven_orders_as_files_make_the_worked_day_to_the_rupiah(
    books: Books, decided: Callable[[Books], None]
) -> None:
    drop_second(books.root)
    run(books)
    decided(books)
    drop_third(books.root)
    run(books)
    entries = load(books.root)
    made, expected = sums(entries, D2), reference()
    made = {k: v for k, v in made.items() if v}
    assert made == expected
    balances = {
        (e.date, e.account): e.amount.number for e in entries if isinstance(e, data.Balance)
    }
    assert balances[date(2026, 3, 3), "Assets:Deposits:AggA"] == Decimal(100_800_501)
    assert balances[date(2026, 3, 4), "Assets:Deposits:AggA"] == Decimal(100_750_701)
