"""Members of a container and parts of a day that come again, or are taken back."""

from __future__ import annotations

import shutil
from pathlib import Path

from finops_ledger.books import Books
from tests.inbox import made
from tests.inbox.test_parts import D3, deposit, make, orders, part, run
from tests.properties import business as b
from tests.worked.story import equal

PART_2 = "AggA_mutasi_20260302_2.csv"


def _batches(books: Books) -> dict[str, list[int]]:
    """The issue of each live batch, by the name of its file."""
    found: dict[str, list[int]] = {}
    for batch in books.space.state.batches.values():
        found.setdefault(batch.name, []).append(batch.issue)
    return {name: sorted(issues) for name, issues in found.items()}


def test_one_member_is_withdrawn_and_the_container_stays(tmp_path: Path) -> None:
    books = made.make(tmp_path / "books")
    members = {made.ORDERS: made.orders(books.root), made.STATEMENT: made.statement(books.root)}
    zip_file = books.root / "inbox" / "march.zip"
    zip_file.write_bytes(made.zipped(members))
    shutil.copy2(zip_file, tmp_path)
    b.run_all(books)
    whole = b.journal(books.root)
    batches = {x.member: x for x in books.space.state.batches.values()}
    gone = batches[made.STATEMENT]
    books.withdraw(gone.id, "of another company", "controller-1")
    books.reconcile()
    equal((books.root / gone.archive).is_file(), True)
    equal([x.member for x in books.space.state.batches.values()], [made.ORDERS])
    text = (books.root / "journal" / "2026" / "2026-03-02.beancount").read_text()
    equal((f"^{gone.id}" in text, f"^{batches[made.ORDERS].id}" in text), (False, True))
    equal([str(f) for f in books.verify()], [])
    shutil.copy2(tmp_path / "march.zip", zip_file)
    equal(sorted(f.verdict for f in run(books)), ["imported", "known"])
    equal(b.journal(books.root), whole)
    equal([str(f) for f in books.verify()], [])
    equal(books.rebuild(tmp_path / "again").differences, [])


def test_a_member_that_comes_again_alone_or_in_another_container_is_a_re_issue(
    tmp_path: Path,
) -> None:
    books = made.make(tmp_path / "books")
    first = {made.ORDERS: made.orders(books.root), made.STATEMENT: made.statement(books.root)}
    (books.root / "inbox" / "march.zip").write_bytes(made.zipped(first))
    run(books)
    statement = first[made.STATEMENT].replace(b"A2", b"A3")
    (books.root / "inbox" / "again.zip").write_bytes(made.zipped({made.STATEMENT: statement}))
    [report] = run(books)
    assert "1 row of -49800" in report.message
    issues = {x.name: x.issue for x in books.space.state.batches.values()}
    equal(issues[f"again.zip/{made.STATEMENT}"], 1)
    equal([str(f) for f in books.verify()], [])
    equal(books.rebuild(tmp_path / "rebuilt").differences, [])


def test_a_part_that_comes_again_corrects_that_part_alone(tmp_path: Path) -> None:
    books = make(tmp_path / "books")
    orders(books, (1, 2))
    closing = part(books, "1", 1_000_000, (1,))
    part(books, "2", closing, (2,), debit=49_500)
    run(books)
    equal([x["class"] for x in books.breaks()], ["cost_mismatch"])
    part(books, "2", closing, (2,))
    [report] = run(books)
    equal(report.notes, [])
    issues = _batches(books)
    equal(
        (issues["AggA_mutasi_20260302_1.csv"], issues[PART_2]),
        ([0], [0, 1]),
    )
    equal(books.breaks(), [])
    equal((deposit(books)["closing"], deposit(books)["tied"]), (str(1_000_000 - 2 * 49_800), True))
    orders(books, (3,), D3)
    third = part(books, "1", 1_000_000 - 2 * 49_800, (3,), D3)
    part(books, "2", third, (), D3)
    run(books)
    equal(books.breaks(), [])
    equal([str(f) for f in books.verify()], [])
    equal(books.rebuild(tmp_path / "again").differences, [])


def test_the_next_part_goes_on_from_the_last_issue_of_the_one_before(tmp_path: Path) -> None:
    books = make(tmp_path / "books")
    orders(books, (1, 2))
    part(books, "1", 1_000_000, (1,), debit=49_500)
    part(books, "2", 1_000_000 - 49_800, (2,))
    run(books)
    equal(
        sorted((x["class"], x["residue"]) for x in books.breaks()),
        [("balance_gap", "300"), ("cost_mismatch", "-300")],
    )
    part(books, "1", 1_000_000, (1,))
    run(books)
    equal(books.breaks(), [])
    equal([str(f) for f in books.verify()], [])
