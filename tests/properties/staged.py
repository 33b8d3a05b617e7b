"""The stage's truth beside what the books say: items as spans of days in one class."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from finops_ledger.books import Books
from finops_ledger.core.days import zone
from tests.properties import business as b

#: Leg, counterparty, key, occurrence, class, residue, first day, first day on which it is no longer so.
Span = tuple[str, str, str, str, str, Decimal, str, str]
PARTIES = ("Prima", "Duo", "Vouch", "Biller", "Depot", "Lapse", "PG2", "BCA", "customers")


def come(root: Path) -> Books:
    """Files come to the books as the simulator says, a day at a time; then all is reconciled.

    Of a file that is due by an hour the truth says when it comes; the others come with it, or before.
    """
    with (root / "truth" / "files.csv").open(encoding="utf-8") as file:
        told = {
            r["file"]: (datetime.fromisoformat(r["comes"]), r["wrong"])
            for r in csv.DictReader(file)
        }
    moments: dict[datetime, list[Path]] = defaultdict(list)
    first = min(moment for moment, _ in told.values())
    for path in sorted((root / "inbox").iterdir()):
        moments[told[path.name][0] if path.name in told else first].append(path)
    for moment, paths in sorted(moments.items()):
        now = moment.replace(tzinfo=zone("Asia/Jakarta"))
        with Books(root, clock=lambda now=now: now) as books:
            report = books.import_files(paths, derive=False, accept_valid=True)
        refused = [f.name for f in report.files if f.verdict != "imported"]
        assert refused == [p.name for p in paths if told.get(p.name, ("", ""))[1]], refused
    books = Books(root, clock=lambda: b.NOW)
    books.reconcile()
    return books


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
    for day in _days(every):
        for item in books.breaks(day):
            if item["leg"] == "files":
                key = ("files", item["counterparty"], item["ref"], "")
                every.setdefault(key, {})[day] = (item["class"], Decimal(item["residue"]))
    return set(_spans(every, last))


def _days(every: dict[tuple[str, str, str, str], dict[date, tuple[str, Decimal]]]) -> list[date]:
    return sorted({day for days in every.values() for day in days})


def _spans(
    every: dict[tuple[str, str, str, str], dict[date, tuple[str, Decimal]]], last: date
) -> Iterator[Span]:
    for item, days in every.items():
        since = min(days)
        for day in sorted(days):
            after = day + timedelta(days=1)
            if days.get(after) != days[day]:
                until = "" if day == last else after.isoformat()
                yield (*item, *days[day], since.isoformat(), until)
                since = next((d for d in sorted(days) if d > day), day)
