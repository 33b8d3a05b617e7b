"""A simulated business in a workspace, run through the loop, and what it came to."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from finops_ledger.books import Books
from finops_ledger.books.demo import lay_out_demo
from finops_ledger.simulator import Faults, simulate

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
Key = tuple[str, str, str, str]


def lay_out(
    root: Path,
    *,
    days: int,
    orders: int,
    seed: int,
    partners: int = 1,
    faults: Faults | None = None,
) -> Books:
    """Simulate a business and lay out its workspace; all files lie in the inbox."""
    simulated = root / "simulated"
    simulate(
        simulated,
        days=days,
        orders_per_day=orders,
        partners=partners,
        seed=seed,
        faults=faults or Faults(),
    )
    names = [f"Agg{chr(65 + n)}" for n in range(partners)]
    lay_out_demo(root / "books", simulated, names)
    return Books(root / "books", clock=lambda: NOW)


def run_all(books: Books) -> None:
    """Import everything in the inbox and reconcile it."""
    report = books.import_files(derive=False)
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    books.reconcile()


def run_shuffled(books: Books, chance: random.Random) -> None:
    """Import the same files in some other order, reconciling now and then in between."""
    paths = sorted((books.root / "inbox").iterdir())
    chance.shuffle(paths)
    while paths:
        several = [paths.pop() for _ in range(min(len(paths), chance.randint(1, 6)))]
        books.import_files(several, derive=chance.random() < 0.5)
        if chance.random() < 0.4:
            books.reconcile()
    books.reconcile()


def truth(books: Books) -> dict[Key, tuple[str, Decimal]]:
    """What the simulator says is open at the end of each partner day: class and residue by item."""
    found: dict[Key, tuple[str, Decimal]] = {}
    with (books.root / "truth" / "outcomes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            several = row["outcome"] == "duplicate_delivery"
            key = (row["day"], row["partner"], row["ref"], row["partner_ref"] if several else "")
            found[key] = (row["outcome"], Decimal(row["amount"]))
    return found


def outcomes(books: Books, leg: str = "sale-supply") -> dict[Key, tuple[str, Decimal]]:
    """What the books say is open at the end of each day, of one leg."""
    found: dict[Key, tuple[str, Decimal]] = {}
    for _, who, day, path in item_files(books, leg):
        rows = duckdb.sql(
            f"select key, occurrence, class, amount from '{path}' where not is_closed"
        ).fetchall()
        for key, occurrence, class_, amount in rows:
            found[day.isoformat(), who, key, occurrence] = (class_, amount)
    return found


def item_files(books: Books, leg: str = "") -> Iterator[tuple[str, str, date, Path]]:
    """Every live items file: leg, counterparty, day, path."""
    for (name, who, day), line in sorted(books.space.state.reconciled.items()):
        for file in line["files"]:
            if "/breaks/" in file and leg in ("", name):
                yield name, who, day, books.root / file


def journal(root: Path) -> dict[str, bytes]:
    """The journal days and accounts as bytes; the index carries the head, which depends on order."""
    folder = root / "journal"
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*.beancount"))
        if p.name != "index.beancount"
    }


def proofs(books: Books) -> dict[tuple[str, str, date], object]:
    """What each live reconciliation found: files by content, counts, registers."""
    kept = ("files", "matched", "moved", "outcomes", "open", "registers")
    return {key: {k: line[k] for k in kept} for key, line in books.space.state.reconciled.items()}


def copy(books: Books, target: Path) -> Books:
    """A second workspace with the same rules and inbox, nothing imported."""
    shutil.copytree(books.root, target)
    return Books(target, clock=lambda: NOW)


__all__: Sequence[str] = [
    "copy",
    "item_files",
    "journal",
    "lay_out",
    "outcomes",
    "proofs",
    "run_all",
    "run_shuffled",
    "truth",
]
