"""The outcome equals the truth, exactly: no missed, no false and no misfiled break, for many seeds."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from beancount import loader
from beancount.core import data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_ledger.books import Books
from tests.properties import business as b

CLASSES = {
    "pending",
    "timing",
    "missing_at_partner",
    "missing_at_platform",
    "partner_failed",
    "late_success",
    "cost_mismatch",
    "duplicate_delivery",
    "restore_missing",
    "delivered_not_recorded",
}


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(1, 10_000), partners=st.integers(1, 2))
def test_the_outcome_is_the_truth_for_many_seeds(seed: int, partners: int) -> None:
    with TemporaryDirectory() as folder:
        books = b.lay_out(Path(folder), days=5, orders=60, seed=seed, partners=partners)
        b.run_all(books)
        assert b.outcomes(books) == b.truth(books)


def test_a_fortnight_brings_every_class_and_proves_itself(tmp_path: Path) -> None:
    books = b.lay_out(tmp_path, days=14, orders=150, seed=7)
    b.run_all(books)
    expected = b.truth(books)
    assert {class_ for class_, _ in expected.values()} == CLASSES
    assert b.outcomes(books) == expected
    assert gateway(books) == unsettled(books)
    entries, errors, _ = loader.load_file(str(books.root / "main.beancount"))
    assert [e.message for e in errors] == []
    assert deposits(entries) == stated_deposits(books)


def gateway(books: Books) -> set[tuple[str, Decimal]]:
    """Orders that the books say are missing in the settlement, on the last day."""
    last = max(day for _, _, day, _ in b.item_files(books, "sale-gateway"))
    return {
        (ref, amount)
        for (day, who, ref, _), (class_, amount) in b.outcomes(books, "sale-gateway").items()
        if day == last.isoformat() and who == "PG1" and class_ == "missing_in_settlement"
    }


def unsettled(books: Books) -> set[tuple[str, Decimal]]:
    """Orders that the simulator left out of the settlement, on the last day, by payment reference."""
    with (books.root / "truth" / "gateway.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (books.root / "truth" / "deposits.csv").open(encoding="utf-8") as file:
        last = max(r["day"] for r in csv.DictReader(file))
    refs = {r["order_id"]: Decimal(r["amount"]) for r in rows if r["day"] == last}
    payments = {
        ref: pay
        for batch in books.space.state.batches.values()
        if batch.source == "orders"
        for ref, pay in books.space.engine.connection.execute(
            f"select ref, payment_ref from '{books.root / batch.file}'"
        ).fetchall()
    }
    return {(payments[ref], amount) for ref, amount in refs.items()}


def deposits(entries: list[data.Directive]) -> dict[tuple[str, str], Decimal]:
    """The deposit's balance at each day's end, as the books add it up."""
    balance: dict[str, Decimal] = defaultdict(Decimal)
    found: dict[tuple[str, str], Decimal] = {}
    for entry in entries:
        if isinstance(entry, data.Transaction):
            for posting in entry.postings:
                if posting.account.startswith("Assets:Deposits:"):
                    assert posting.units is not None
                    assert posting.units.number is not None
                    partner = posting.account.rpartition(":")[2]
                    balance[partner] += posting.units.number
                    found[entry.date.isoformat(), partner] = balance[partner]
    return {k: v for k, v in found.items() if k[0] >= "2026-03-01"}


def stated_deposits(books: Books) -> dict[tuple[str, str], Decimal]:
    """The deposit's closing as the simulator knows it."""
    with (books.root / "truth" / "deposits.csv").open(encoding="utf-8") as file:
        return {(r["day"], r["partner"]): Decimal(r["closing"]) for r in csv.DictReader(file)}
