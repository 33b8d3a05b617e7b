"""The stage's truth beside what the books say: items as spans of days in one class."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal

import duckdb

from finops_ledger.books import Books
from tests.properties import business as b

#: Leg, counterparty, key, occurrence, class, residue, first day, first day on which it is no longer so.
Span = tuple[str, str, str, str, str, Decimal, str, str]
PARTIES = ("Prima", "Duo", "Vouch", "PG2", "BCA", "customers")


def truth(books: Books) -> set[Span]:
    """What the simulator says."""
    with (books.root / "truth" / "items.csv").open(encoding="utf-8") as file:
        return {
            (
                r["leg"], r["counterparty"], r["ref"], r["occurrence"], r["outcome"],
                Decimal(r["amount"]), r["since"], r["until"],
            )
            for r in csv.DictReader(file)
        }  # fmt: skip


def found(books: Books) -> set[Span]:
    """What the books say of the stage's items, day by day joined into spans."""
    every: dict[tuple[str, str, str, str], dict[date, tuple[str, Decimal]]] = {}
    last = date.min
    for leg, who, day, path in b.item_files(books):
        last = max(last, day)
        if who not in PARTIES:
            continue
        rows = duckdb.sql(
            f"select key, occurrence, class, amount from '{path}' where not is_closed"
        ).fetchall()
        for key, occurrence, class_, amount in rows:
            if who == "customers" and not key.startswith("SHOP-"):
                continue
            if leg == "bank-suspense":
                key = f"? {-amount:.0f}"  # else its place in the bank's file, with the balance after it
            every.setdefault((leg, who, key, occurrence), {})[day] = (class_, amount)
    spans: set[Span] = set()
    for item, days in every.items():
        since = min(days)
        for day in sorted(days):
            after = day + timedelta(days=1)
            if days.get(after) != days[day]:
                until = "" if day == last else after.isoformat()
                spans.add((*item, *days[day], since.isoformat(), until))
                since = next((d for d in sorted(days) if d > day), day)
    return spans
