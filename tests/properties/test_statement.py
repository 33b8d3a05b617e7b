"""Clearing:Usage is the list of what a partner's two files do not agree on, whatever happens between them."""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_ledger.books import Books
from tests.properties import business as b
from tests.worked import workspace as w

FIRST, DAYS = date(2026, 5, 7), 3
USAGE = "Assets:Clearing:Usage:AggE"
OPENING = """2026-01-02 * "opening" #decision
  Assets:Deposits:AggE                        10000000 IDR
  Equity:Opening-Balances                    -10000000 IDR
"""


def lay_out(root: Path, chance: random.Random) -> tuple[Books, dict[str, Decimal]]:
    """Files of some days in which anything goes wrong; and, by order, what the two files leave."""
    books = w.make(root, partner="AggE", statement=True, opening=OPENING, grace="24h")
    left: dict[str, Decimal] = defaultdict(Decimal)
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    supply: dict[date, list[tuple[str, int]]] = {day: [] for day in days}
    stated: dict[date, list[tuple[str, int]]] = {day: [] for day in days}
    for number in range(12):
        ref, day, cost = f"E{number}", chance.choice(days), chance.choice((49_800, 10_250))
        later = min(day + timedelta(days=chance.randint(0, 1)), days[-1])
        case = chance.choice(
            ("both", "both", "both", "rows", "statement", "other", "twice", "back")
        )
        if case != "statement":
            supply[day].append((ref, -cost))
        if case != "rows":
            stated[later].append((ref, -cost - (150 if case == "other" else 0)))
        if case == "twice":
            stated[later].append((ref, -cost))
        if case == "back":
            stated[days[-1]].append((ref, cost))
    balance = 10_000_000
    for day in days:
        refs = [(ref, n) for n, (ref, _) in enumerate(supply[day])]
        sold = [f"{day} 1{n % 10}:00:00" for _, n in refs]
        orders = [
            w.order(ref, at, "SUCCESS", at, partner="AggE", product="P50")
            for (ref, _), at in zip(refs, sold, strict=True)
        ]
        w.orders(root, day, orders)
        rows, statement = w.Statement(day, 0), w.DepositStatement(day, balance)
        for number, (ref, amount) in enumerate(supply[day]):
            rows.row(f"{day:%d/%m/%Y} 10:00:05", f"T-{day.day}-{number}", ref, debit=-amount)
            left[ref] += amount
        for number, (ref, amount) in enumerate(stated[day]):
            kind, side = ("REFUND", "credit") if amount > 0 else ("BELI", "debit")
            own = f"M-{day.day}-{number}"
            statement.row(f"{day:%d/%m/%Y} 10:00:06", own, ref, kind, **{side: abs(amount)})
            left[ref] -= amount
        rows.drop(root, "AggE")
        statement.drop(root, "AggE")
        balance = statement.balance
    return books, {ref: amount for ref, amount in left.items() if amount}


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(1, 10_000))
def test_what_two_files_leave_is_what_is_listed(seed: int) -> None:
    with TemporaryDirectory() as folder:
        chance = random.Random(seed)
        books, left = lay_out(Path(folder) / "books", chance)
        other = b.copy(books, Path(folder) / "other")
        b.run_all(books)
        b.run_shuffled(other, chance)
        assert b.proofs(other) == b.proofs(books)
        assert b.journal(other.root) == b.journal(books.root)
        loaded = books.load()
        assert loaded.messages() == []
        items = [i for i in books.breaks(everything=True) if i["leg"] == "supply-statement"]
        assert {i["ref"]: Decimal(i["residue"]) for i in items} == left
        waiting = sum((Decimal(i["residue"]) for i in items if i["account"] == USAGE), Decimal(0))
        stands = [
            p.units.number for e in loaded.transactions() for p in e.postings if p.account == USAGE
        ]
        assert sum(stands, Decimal(0)) == waiting
        assert all(d["tied"] for d in books.deposits())


def test_the_same_files_again_change_nothing(tmp_path: Path) -> None:
    books, _ = lay_out(tmp_path / "books", random.Random(5))
    kept = tmp_path / "kept"
    shutil.copytree(books.root / "inbox", kept)
    b.run_all(books)
    before = b.journal(books.root)
    shutil.copytree(kept, books.root / "inbox", dirs_exist_ok=True)
    assert {f.verdict for f in books.import_files().files} == {"known"}
    assert books.reconcile() == 0
    assert b.journal(books.root) == before
