"""Nothing is lost: rows and money of every batch, clearing, and every control account = its open items."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from beancount import loader
from beancount.core import data

from finops_ledger.books import Books
from tests.properties import business as b

LISTS = (
    "Assets:Breaks:",
    "Assets:Claims:",
    "Assets:Clearing:Timing:",
    "Assets:Clearing:Supply-Pending:",
    "Assets:Clearing:Gateway:",
    "Assets:Clearing:Settlement-In-Transit:",
    "Assets:Clearing:Deposit-In-Transit:",
    "Liabilities:Customer-Orders:",
    "Liabilities:Suspense:",
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    made = b.lay_out(tmp_path_factory.mktemp("business"), days=6, orders=80, seed=11, partners=2)
    b.run_all(made)
    return made


@pytest.fixture(scope="module")
def entries(books: Books) -> list[data.Directive]:
    found, errors, _ = loader.load_file(str(books.root / "main.beancount"))
    assert [e.message for e in errors] == []
    return found


def test_each_batch_gives_every_row_and_rupiah_a_place(books: Books) -> None:
    for line in books.space.state.lines:
        if line["kind"] != "batch":
            continue
        rows, control = line["rows"], line["control"]
        counted = rows["new"] + rows["revised"] + rows["known"] + rows["refused"]
        assert rows["read"] == counted + sum(rows["excluded"].values())
        parts = ("new", "revised", "known", "excluded", "refused")
        assert Decimal(control["read"]) == sum(Decimal(control[p]) for p in parts)
        stored = duckdb.sql(
            f"select count(*), coalesce(sum(amount), 0) from '{books.root / next(iter(line['files']))}'"
        ).fetchall()[0]
        assert stored[0] == rows["new"] + rows["revised"] + rows["known"]
        assert stored[1] == sum(Decimal(control[p]) for p in ("new", "revised", "known"))


def test_the_journal_posts_each_batch_exactly(books: Books, entries: list[data.Directive]) -> None:
    rows: dict[str, Decimal] = defaultdict(Decimal)
    control: dict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        if isinstance(entry, data.Transaction) and "batch" in entry.meta:
            rows[entry.meta["batch"]] += entry.meta["rows"]
            control[entry.meta["batch"]] += entry.meta["control"]
    for batch, share in books.space.state.standing.items():
        assert rows[batch] == share.rows
        assert control[batch] == Decimal(share.control)
    assert set(rows) == set(books.space.state.batches)


def test_a_complete_days_postings_to_clearing_supply_sum_to_zero(
    entries: list[data.Directive],
) -> None:
    moved: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for day, account, amount in amounts(entries):
        if account.startswith("Assets:Clearing:Supply:"):
            moved[day, account] += amount
    assert len(moved) == 12
    assert set(moved.values()) == {Decimal(0)}


def test_every_control_account_is_the_list_of_its_open_items(
    books: Books, entries: list[data.Directive]
) -> None:
    balance: dict[str, Decimal] = defaultdict(Decimal)
    for _, account, amount in amounts(entries):
        if account.startswith(LISTS):
            balance[account] += amount
    listed: dict[str, Decimal] = defaultdict(Decimal)
    last = max(day for _, _, day in books.space.state.reconciled)
    for leg, who, day, path in b.item_files(books):
        if day != last:
            continue
        for home, amount in duckdb.sql(
            f"select home, sum(amount) from '{path}' where amount <> 0 group by home"
        ).fetchall():
            listed[home] += amount
        if leg == "sale-supply":
            held = duckdb.sql(f"select coalesce(sum(right_held), 0) from '{path}'").fetchall()[0][0]
            listed[f"Assets:Clearing:Supply-Pending:{who}"] += held
    assert {a: v for a, v in balance.items() if v} == {a: v for a, v in listed.items() if v}


def amounts(entries: list[data.Directive]) -> list[tuple[date, str, Decimal]]:
    """Every posting as day, account, amount."""
    return [
        (entry.date, posting.account, posting.units.number)
        for entry in entries
        if isinstance(entry, data.Transaction)
        for posting in entry.postings
        if posting.units is not None and posting.units.number is not None
    ]
