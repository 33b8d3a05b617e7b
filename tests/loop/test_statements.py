"""Bank statements in the books: what they prove, and that overlapping files neither double nor lose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from beancount.core.data import Balance

from finops_ledger.books import Books, config
from finops_ledger.books.samples import NOW, Setting, lay_out_rules, open_with
from finops_ledger.core.errors import UsageError
from tests.intake.statement_files import ACCOUNT, Line, Statement, mt940

BANK = "Assets:Bank:Bank"
MORNING = (Line(500, bank_ref="B1", text="SETTLEMENT"), Line(-25), Line(-25))
DAY = Statement(1000, (*MORNING, Line(-25), Line(300, bank_ref="B2", text="SETTLEMENT")))
NEXT = DAY.after(Line(75, date(2026, 3, 3), text="BUNGA"))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    root = tmp_path / "books"
    lay_out_rules(root, "mt940", Setting(counterparty="Bank", account_number=ACCOUNT))
    open_with(root, BANK, date(2026, 3, 2), Decimal(1000), "IDR")
    with Books(root, clock=lambda: NOW) as opened:
        yield opened


def take(books: Books, text: str, name: str) -> str:
    (books.root / "inbox" / name).write_text(text)
    [report] = books.import_files().files
    books.reconcile()
    return report.verdict


def balance(books: Books) -> Decimal:
    [[_, found]] = books.query(
        f"select account, sum(number) as n where account = '{BANK}' group by account"
    ).rows
    return Decimal(found)


def test_the_closing_of_each_statement_is_asserted(books: Books) -> None:
    assert take(books, mt940(DAY), "one.sta") == "imported"
    assert take(books, mt940(NEXT), "two.sta") == "imported"
    proven = [
        (e.date, e.amount.number)
        for e in books.load().entries
        if isinstance(e, Balance) and e.account == BANK
    ]
    assert proven == [(date(2026, 3, 3), DAY.closing), (date(2026, 3, 4), NEXT.closing)]
    assert balance(books) == NEXT.closing
    assert books.load().messages() == []
    assert books.verify() == []


def test_files_that_overlap_neither_double_nor_lose(books: Books) -> None:
    assert take(books, mt940(Statement(1000, MORNING)), "morning.sta") == "imported"
    assert take(books, mt940(DAY), "day.sta") == "imported"
    assert take(books, mt940(DAY, NEXT), "both.sta") == "imported"
    assert balance(books) == NEXT.closing
    standing = books.space.state.standing.values()
    assert sum(share.rows for share in standing) == len(DAY.lines) + len(NEXT.lines)
    assert books.load().messages() == []
    assert take(books, mt940(DAY), "again.sta") == "known"


def test_a_day_in_parts_closes_with_the_last(books: Books) -> None:
    first = Statement(1000, (Line(500, text="A"),))
    assert take(books, mt940(first.after(Line(300, text="B"))), "part2.sta") == "imported"
    assert take(books, mt940(first), "part1.sta") == "imported"
    assert balance(books) == 1800
    assert books.load().messages() == []


def test_equal_lines_of_two_parts_of_a_day_show_in_the_balance(books: Books) -> None:
    """The limit of what is printed: the second part's equal line counts as known, and it is seen."""
    first = Statement(1000, (Line(-25),))
    assert take(books, mt940(first), "part1.sta") == "imported"
    assert (
        take(books, mt940(first.after(Line(-25), Line(300, text="X"))), "part2.sta") == "imported"
    )
    assert any("Balance failed" in m for m in books.load().messages())


def test_a_statement_that_does_not_follow_shows_in_the_balance(books: Books) -> None:
    assert take(books, mt940(DAY), "one.sta") == "imported"
    gap = Statement(NEXT.opening + 5, NEXT.lines)
    assert take(books, mt940(gap), "two.sta") == "imported"
    assert any("Balance failed" in m for m in books.load().messages())


def test_only_the_own_account_of_a_file_moves_the_bank(books: Books) -> None:
    other = Statement(7, (Line(3), Line(-1)), "999")
    assert take(books, mt940(other, DAY), "both.sta") == "imported"
    assert balance(books) == DAY.closing
    assert take(books, mt940(other), "other.sta") == "refused"
    assert books.verify() == []


def test_an_account_is_moved_by_one_source(books: Books) -> None:
    path = books.root / "finops.toml"
    interim = (
        '\n[[sources]]\nname = "interim"\nrole = "bank"\nformat = "mt942"\nmatch = "*.942"\n'
        'counterparty = "Bank"\naccount = "{}"\n'
    )
    text = path.read_text()
    path.write_text(text + interim.format("Assets:Bank:Other"))
    config.load(books.root)
    path.write_text(text + interim.format(BANK))
    with pytest.raises(UsageError, match="bank and interim both move Assets:Bank:Bank"):
        config.load(books.root)
