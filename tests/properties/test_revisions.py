"""Overlapping, re-issued and late files in any number: rows and money are conserved, and all of it again is nothing."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from beancount import loader
from beancount.core import data
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from finops_ledger.books import Books
from tests.properties import business as b
from tests.worked import workspace as w

FIRST = date(2026, 4, 1)
#: One line of a file: which order, its status, the hour of that status, its price.
LINE = st.tuples(
    st.integers(1, 4),
    st.sampled_from(["PENDING", "SUCCESS", "FAILED", "REFUNDED"]),
    st.integers(9, 12),
    st.sampled_from([51_000, 52_000]),
)
#: One file: its day, which of two names it bears, its lines (one an order).
FILE = st.tuples(
    st.integers(0, 2),
    st.sampled_from("ab"),
    st.lists(LINE, max_size=4, unique_by=lambda line: line[0]),
)
HOW = settings(
    max_examples=8,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # a failing case is small enough, and shrinking is slow
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def write(folder: Path, day: date, name: str, lines: list[tuple[int, str, int, int]]) -> Path:
    text = [w.ORDERS_HEADER]
    for order, status, hour, price in lines:
        at = f"{day} {hour:02}:00:00"
        refunded = at if status == "REFUNDED" else ""
        paid = f"{FIRST} 08:00:00"
        text.append(w.order(f"G{order}", paid, status, at, price=price, refunded=refunded))
    path = folder / f"orders_{day}_{name}.csv"
    path.write_text("\n".join(text) + "\n")
    return path


def conserved(books: Books) -> None:
    """The books load clean, and each batch has posted the rows and the money that stand."""
    entries, errors, _ = loader.load_file(str(books.root / "main.beancount"))
    assert [e.message for e in errors] == []
    posted: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for entry in entries:
        if isinstance(entry, data.Transaction) and "batch" in entry.meta:
            posted[entry.meta["batch"]][0] += entry.meta["rows"]
            posted[entry.meta["batch"]][1] += entry.meta["control"]
    standing = {n: [s.rows, Decimal(s.control)] for n, s in books.space.state.standing.items()}
    assert dict(posted) == standing


@HOW
@given(files=st.lists(FILE, min_size=2, max_size=5), close_after=st.none() | st.integers(1, 5))
def test_any_files_conserve_rows_and_money_and_twice_is_once(
    files: list[tuple[int, str, list[tuple[int, str, int, int]]]], close_after: int | None
) -> None:
    with TemporaryDirectory() as folder:
        root, kept = Path(folder) / "books", Path(folder) / "kept"
        books = w.make(root)
        kept.mkdir()
        for number, (day, name, lines) in enumerate(files):
            when = FIRST + timedelta(days=day)
            path = write(root / "inbox", when, name, lines)
            copy = kept / str(number) / path.name
            copy.parent.mkdir()
            shutil.copy2(path, copy)
            (report,) = books.import_files([path]).files
            assert report.verdict in ("imported", "known"), report.message
            if number == close_after:
                books.reconcile()
                _close(books)
        books.reconcile()
        conserved(books)
        assert [str(f) for f in books.verify()] == []
        before = b.journal(root), (root / "subledger" / "manifest.jsonl").read_bytes()
        for copy in sorted(kept.glob("*/*")):
            (report,) = books.import_files([copy]).files
            assert report.verdict == "known", report.message
        assert books.reconcile() == 0
        assert (b.journal(root), (root / "subledger" / "manifest.jsonl").read_bytes()) == before
        found = books.rebuild(Path(folder) / "again")
        assert found.differences == []


def _close(books: Books) -> None:
    """Close as much as is complete: the days before the first one that lacks a file."""
    from finops_ledger.books.verdicts import of_days

    space = books.space
    if space.expected.as_of is None:
        return
    open_ = [one.day for one in of_days(space.expected) if one.verdict == "incomplete"]
    last = min(open_, default=space.expected.as_of + timedelta(days=1)) - timedelta(days=1)
    if last >= FIRST:
        books.close_period(last, "controller-1")
