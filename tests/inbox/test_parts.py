"""A day in parts: complete only with all of them, one running balance from the first to the last."""

from __future__ import annotations

import itertools
import shutil
from datetime import date
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.inbox import FileReport
from finops_ledger.books.verify import verify
from finops_ledger.core.errors import UsageError
from tests.inbox import made
from tests.worked import workspace as w

TWO = "parts = { name = '_(?P<part>\\d)\\.csv', count = 2 }"
OF = "parts = { name = '_(?P<part>\\d+)of(?P<of>\\d+)\\.csv' }"
D2, D3 = date(2026, 3, 2), date(2026, 3, 3)


def make(root: Path, parts: str = TWO) -> Books:
    """Books in which AggA sends each day in parts."""
    books = made.make(root)
    path = root / "finops.toml"
    path.write_text(
        path.read_text().replace('counterparty = "AggA"', f'counterparty = "AggA"\n{parts}')
    )
    return books


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return make(tmp_path / "books")


def part(
    books: Books,
    number: str,
    opening: int,
    refs: tuple[int, ...],
    day: date = D2,
    debit: int = 49_800,
) -> int:
    """Drop one part of a statement, a row for each reference; return where it closes."""
    report = w.Statement(day, opening)
    for n in refs:
        report.row(f"{day:%d/%m/%Y} 10:0{n}:05", f"A{n}", f"O{n}", debit=debit)
    report.drop(books.root)
    path = books.root / "inbox" / f"AggA_mutasi_{day:%Y%m%d}.csv"
    path.rename(path.with_name(f"{path.stem}_{number}.csv"))
    return report.balance


def orders(books: Books, refs: tuple[int, ...], day: date = D2) -> None:
    times = [f"{day} 10:0{n}:00" for n in refs]
    w.orders(
        books.root,
        day,
        [w.order(f"O{n}", at, "SUCCESS", at) for n, at in zip(refs, times, strict=True)],
    )


def run(books: Books) -> list[FileReport]:
    report = books.import_files()
    books.reconcile()
    return report.files


def deposit(books: Books, day: date = D2) -> dict[str, object]:
    [found] = [d for d in books.deposits() if d["day"] == day.isoformat()]
    return found


def day_text(books: Books, day: date = D2) -> str:
    return (books.root / "journal" / f"{day:%Y}" / f"{day}.beancount").read_text()


def test_a_day_is_complete_only_with_all_its_parts(books: Books) -> None:
    orders(books, (1, 2))
    closing = part(books, "1", 1_000_000, (1,))
    run(books)
    status = books.status()
    [day] = [d for d in status["days"] if d["counterparty"] == "AggA"]
    assert day["verdict"] == "incomplete"
    assert "file_missing agga part 2 of 2" in day["reasons"]
    assert {
        "source": "agga",
        "state": "missing",
        "name": "part 2 of 2",
        "batch": None,
        "rows": None,
    } in day["files"]
    assert "incomplete: file_missing agga part 2 of 2" in day_text(books)
    assert "balance Assets:Deposits:AggA" not in day_text(books)
    part(books, "2", closing, (2,))
    run(books)
    assert books.status()["verdict"] == "reconciled"
    assert day_text(books).count("balance Assets:Deposits:AggA") == 1
    assert "balance Assets:Deposits:AggA" in day_text(books)
    found = deposit(books)
    assert (found["opening"], found["closing"], found["tied"]) == ("1000000", "900400", True)
    assert books.load().messages() == []
    assert verify(books.root) == []


def test_the_books_are_the_same_in_whatever_order_parts_arrive(tmp_path: Path) -> None:
    texts, checked = set(), []
    for order in itertools.permutations("123"):
        books = make(tmp_path / "".join(order), OF)
        orders(books, (1, 2, 3))
        run(books)
        balance, kept = 1_000_000, {}
        for n in "123":
            balance = part(books, f"000{n}of0003", balance, (int(n),))
            [path] = (books.root / "inbox").iterdir()
            kept[n] = (path, made.taken(books.root, path.name))
        for n in order:
            path, data = kept[n]
            path.write_bytes(data)
            run(books)
        texts.add(day_text(books).partition("\n")[2])
        checked.append(
            (
                books.status()["verdict"],
                books.load().messages(),
                (deposit(books)["closing"], deposit(books)["tied"]),
            )
        )
        shutil.rmtree(books.root)
    assert len(texts) == 1
    assert checked == [("reconciled", [], ("850600", True))] * 6


def test_a_gap_between_two_parts_is_a_break_and_the_deposit_still_ties(books: Books) -> None:
    orders(books, (1, 2))
    closing = part(books, "1", 1_000_000, (1,))
    part(books, "2", closing - 777, (2,))
    run(books)
    [gap] = [b for b in books.breaks() if b["class"] == "balance_gap"]
    assert (gap["residue"], gap["ref"]) == ("777", "!agga 2026-03-02 part 2 opening")
    assert "statement-difference" in day_text(books)
    assert deposit(books)["closing"] == str(900_400 - 777)
    assert deposit(books)["tied"] is True
    assert books.load().messages() == []


def test_the_next_day_goes_on_from_the_last_part(books: Books) -> None:
    orders(books, (1, 2))
    closing = part(books, "2", part(books, "1", 1_000_000, (1,)), (2,))
    orders(books, (3, 4), D3)
    closing = part(books, "2", part(books, "1", closing - 5, (3,), D3), (4,), D3)
    run(books)
    [gap] = [b for b in books.breaks() if b["class"] == "balance_gap"]
    assert (gap["residue"], gap["ref"]) == ("5", "!agga 2026-03-03 part 1 opening")
    assert deposit(books, D3)["closing"] == str(closing)
    assert books.load().messages() == []


def test_parts_without_rows_are_two_files_and_let_the_balance_through(books: Books) -> None:
    orders(books, ())
    part(books, "1", 1_000_000, ())
    data = made.taken(books.root, "AggA_mutasi_20260302_1.csv")
    for n in "12":
        (books.root / "inbox" / f"AggA_mutasi_20260302_{n}.csv").write_bytes(data)
    assert [f.verdict for f in run(books)] == ["imported"] * 3
    assert len({b.id for b in books.space.state.batches.values()}) == 3
    assert books.status()["verdict"] == "reconciled"


def test_parts_in_one_container(books: Books, tmp_path: Path) -> None:
    orders(books, (1, 2))
    part(books, "2", part(books, "1", 1_000_000, (1,)), (2,))
    names = [f"AggA_mutasi_20260302_{n}.csv" for n in "21"]
    data = made.zipped({n: made.taken(books.root, n) for n in names})
    (books.root / "inbox" / "AggA.zip").write_bytes(data)
    assert [f.verdict for f in run(books)] == ["imported"] * 3
    assert books.status()["verdict"] == "reconciled"
    assert deposit(books)["tied"] is True
    assert books.rebuild(tmp_path / "again").differences == []


def refused(books: Books) -> str:
    [found] = [f for f in books.import_files().files if f.verdict != "imported"]
    assert found.verdict == "refused"
    return found.message


@pytest.mark.parametrize(
    ("parts", "number", "words"),
    [
        (TWO, "3", ("[part-range]", "part 3 of 2", "from 1 to 2")),
        (TWO, "0", ("[part-range]",)),
        (TWO, "x", ("[part-name]",)),
        (OF, "0004of0003", ("[part-range]",)),
        (OF, "1", ("[part-name]",)),
        (OF.replace(" }", ", count = 2 }"), "1of3", ("[part-count]", "3 parts", "has 2")),
    ],
)
def test_a_part_that_cannot_be_is_refused(
    tmp_path: Path, parts: str, number: str, words: tuple[str, ...]
) -> None:
    books = make(tmp_path / "books", parts)
    part(books, number, 1_000_000, (1,))
    message = refused(books)
    for word in words:
        assert word in message


def test_a_part_twice_under_another_number_is_refused(books: Books) -> None:
    part(books, "1", 1_000_000, (1,))
    path = books.root / "inbox" / "AggA_mutasi_20260302_1.csv"
    data = path.read_bytes()
    path.with_name("AggA_mutasi_20260302_2.csv").write_bytes(data)
    assert "[part-twice] part 2 has the bytes of part 1" in refused(books)
    path.write_bytes(data)
    assert [f.verdict for f in books.import_files().files] == ["known"]


def test_parts_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    books = make(tmp_path / "books", OF)
    part(books, "1of2", 1_000_000, (1,))
    part(books, "3of3", 1_000_000, (2,))
    assert "[part-count]" in refused(books)


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ("parts = { name = '_(\\d)', count = 2 }", "(?P<part>"),
        ("parts = { name = '_(?P<part>\\d)' }", "how many"),
        ("parts = { name = '_(?P<part>\\d)(?P<off>x)', count = 2 }", "(?P<of>"),
        ("parts = { name = '_(?P<part', count = 2 }", "parts"),
    ],
)
def test_a_declaration_that_cannot_be_is_an_error_of_configuration(
    tmp_path: Path, parts: str, word: str
) -> None:
    books = make(tmp_path / "books", parts)
    with pytest.raises(UsageError) as error:
        books.import_files()
    assert word in str(error.value)
