"""A wrong import is taken back: the books are those into which the file never came."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finops_ledger.core.errors import UsageError
from tests.properties import business as b
from tests.worked import workspace as w
from tests.worked.story import Story, equal
from tests.worked.test_reissued import CUT, DAY, breaks, issue, sold


@pytest.mark.parametrize("name", ["orders_2026-03-02.csv", "AggA_mutasi_20260302.csv"])
def test_the_books_are_those_without_the_file_and_with_it_again(tmp_path: Path, name: str) -> None:
    books = b.lay_out(tmp_path, days=3, orders=30, seed=5)
    other = b.copy(books, tmp_path / "other")
    kept = tmp_path / "kept"
    shutil.copytree(books.root / "inbox", kept)
    (other.root / "inbox" / name).unlink()
    b.run_all(other)
    b.run_all(books)
    with_it = b.journal(books.root)
    batch = next(x.id for x in books.space.state.batches.values() if x.name == name)
    line = books.withdraw(batch, "the file of another company", "controller-1")
    equal(line["by"], "controller-1")
    books.reconcile()
    equal(b.proofs(books), b.proofs(other))
    equal(b.journal(books.root), b.journal(other.root))
    equal(books.verify(), [])
    shutil.copy2(kept / name, books.root / "inbox" / name)
    b.run_all(books)
    equal(b.journal(books.root), with_it)
    equal(books.verify(), [])
    equal(books.rebuild(tmp_path / "again").differences, [])


def test_neighbours_take_over_what_it_had_been_first_to_state(tmp_path: Path) -> None:
    """Three files state one order; the middle one goes, and the last one's change is against the first."""
    story = Story(tmp_path / "books", DAY)
    at = f"{DAY} 1{{}}:00:00"
    lines = {
        "a": w.order("G1", at.format(0), "PENDING", at.format(0)),
        "b": w.order("G1", at.format(0), "FAILED", at.format(1)),
        "c": w.order("G1", at.format(0), "SUCCESS", at.format(2)),
    }
    batches = {}
    for name, line in lines.items():
        w.orders(story.root, DAY, [line])
        path = story.root / "inbox" / f"orders_{DAY}.csv"
        (report,) = story.books.import_files(
            [path.rename(path.with_stem(f"{path.stem}_{name}"))]
        ).files
        batches[name] = report.batch
    issue(story, [("G1", CUT)])
    line = story.books.withdraw(batches["b"], "sent by mistake", "controller-1")
    equal(line["standing"], {})  # what c answers for is one change still, of no more money
    story.books.reconcile()
    equal(story.balance("Income:Net:Pulsa", DAY), -(51_000 - CUT))
    equal(story.books.verify(), [])
    line = story.books.withdraw(batches["a"], "sent by mistake", "controller-1")
    equal(line["standing"], {batches["c"]: {"rows": 1, "control": "51000"}})
    story.books.reconcile()
    equal(breaks(story), {})
    equal(story.books.verify(), [])


def test_the_issue_that_was_replaced(tmp_path: Path) -> None:
    """The new file has a row less: withdrawing the first one leaves just what the new one says."""
    story = sold(tmp_path, "G1", "G2")
    issue(story, [("G1", CUT), ("G2", CUT)])
    first = story.books.space.state.lines
    batch = next(x["batch"] for x in first if x["kind"] == "batch" and x["source"] == "agga")
    issue(story, [("G1", CUT)])
    equal(breaks(story), {"balance_gap": "-49800"})
    story.books.withdraw(batch, "replaced by the file of 21 April", "controller-1")
    story.books.reconcile()
    equal(breaks(story), {"missing_at_partner": "-49800"})
    equal(story.books.verify(), [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_what_cannot_be_withdrawn(tmp_path: Path) -> None:
    story = sold(tmp_path, "G1")
    issue(story, [("G1", CUT)])
    batch = next(x.id for x in story.books.space.state.batches.values() if x.role == "supply")
    with pytest.raises(UsageError, match="no such batch"):
        story.books.withdraw("b-0", "why", "who")
    with pytest.raises(UsageError, match="--reason"):
        story.books.withdraw(batch, " ", "who")
    story.books.close_period(DAY, "controller-1")
    with pytest.raises(UsageError, match="stands in a closed period"):
        story.books.withdraw(batch, "why", "who")
    equal(story.books.verify(), [])


def test_twice(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", DAY)
    issue(story, [("G1", CUT)])
    (batch,) = story.books.space.state.batches
    story.books.withdraw(batch, "why", "who")
    with pytest.raises(UsageError, match="has been withdrawn already"):
        story.books.withdraw(batch, "why", "who")
    equal(story.books.space.state.batches, {})
    equal([p.name for p in (story.root / "journal").glob("*/*")], [])
