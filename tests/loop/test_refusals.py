"""Bad input: each a clear message, nothing posted, nothing lost, exit code 3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from beancount import loader
from click.testing import CliRunner

from finops_ledger.books import Books
from finops_ledger.cli import cli
from tests.worked import workspace as w

DAY = date(2026, 3, 2)
NAME = "AggA_mutasi_20260302.csv"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return w.make(tmp_path / "books", bank=True)


def statement(root: Path) -> Path:
    """A sound report of two rows in the inbox."""
    made = w.Statement(DAY, 1_000_000)
    made.row("02/03/2026 10:01:05", "A1", "O1", debit=49_800)
    made.row("02/03/2026 10:02:05", "A2", "O2", debit=50_100)
    made.drop(root)
    return root / "inbox" / NAME


def replace(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode(), 1)

    return change


def latin(data: bytes) -> bytes:
    """The same text in another encoding than the declared one."""
    return data.replace(b"O1", b"O\xe9")


FAULTS: list[tuple[str, Callable[[bytes], bytes], tuple[str, ...]]] = [
    ("header-missing", replace("Debet;Kredit", "Debit;Kredit"), (NAME, "Debet")),
    ("header-duplicate", replace("Ref ID;Ref Asal", "Ref ID;Ref ID"), (NAME, "Ref ID")),
    ("cell-number", replace(";49.800;", ";49,8OO;"), (f"{NAME}:4", "Debet", "49,8OO", "expected")),
    ("cell-number", replace(";49.800;", ";1e3;"), (f"{NAME}:4", "Debet", "1e3", "expected")),
    ("cell-time", replace("02/03/2026 10:01:05", "2026-03-02"), (f"{NAME}:4", "Tanggal")),
    ("total-wrong", replace("TOTAL;2;", "TOTAL;3;"), (NAME, "3", "2")),
    ("file-short", lambda data: data[: data.index(b"TOTAL")], (NAME, "TOTAL")),
    ("file-empty", lambda unused: b"", (NAME, "empty")),
    ("encoding-wrong", lambda data: data.decode().encode("utf-16"), (NAME, "utf-16")),
    ("encoding-wrong", latin, (NAME,)),
    ("nul-byte", replace("O1", "O\0"), (NAME,)),
]


@pytest.mark.parametrize(("code", "fault", "words"), FAULTS)
def test_a_bad_file_is_refused_whole(
    books: Books, code: str, fault: Callable[[bytes], bytes], words: tuple[str, ...]
) -> None:
    path = statement(books.root)
    data = fault(path.read_bytes())
    path.write_bytes(data)
    result = CliRunner().invoke(cli, ["--books", str(books.root), "import"])
    assert result.exit_code == 3, result.output
    told = " ".join((result.output + result.stderr).split())
    assert f"[{code}]" in told
    for word in words:
        assert word in told
    assert "Traceback" not in told
    assert posted(books) == []
    kept = list((books.root / "quarantine").glob(f"*.{NAME}"))
    assert [p.read_bytes() for p in kept] == [data]
    report = kept[0].with_name(kept[0].name + ".report.txt").read_text()
    assert f"[{code}]" in report
    assert not path.exists()


def posted(books: Books) -> list[str]:
    """Names of batches in the books, after Beancount has found no error in them."""
    books.close()
    _, errors, _ = loader.load_file(str(books.root / "main.beancount"))
    assert [e.message for e in errors] == []
    return [b.name for b in books.space.state.batches.values()]


def test_a_file_nobody_recognises_stays_in_the_inbox_and_is_named(books: Books) -> None:
    path = books.root / "inbox" / "surprise.csv"
    path.write_text("a,b\n1,2\n")
    statement(books.root)
    result = CliRunner().invoke(cli, ["--books", str(books.root), "import"])
    assert result.exit_code == 3
    assert "surprise.csv" in result.output + result.stderr
    assert path.read_text() == "a,b\n1,2\n"
    assert posted(books) == [NAME]


def test_the_same_refused_file_again_is_refused_again_and_recorded_once(books: Books) -> None:
    for _ in range(2):
        path = statement(books.root)
        path.write_bytes(path.read_bytes().replace(b"TOTAL;2;", b"TOTAL;3;"))
        report = books.import_files()
        assert [f.verdict for f in report.files] == ["refused"]
        assert "[total-wrong]" in report.files[0].message
    books.close()
    assert len(books.space.state.refused) == 1


def test_a_corrected_file_is_taken_after_the_refusal(books: Books) -> None:
    path = statement(books.root)
    sound = path.read_bytes()
    path.write_bytes(sound.replace(b"TOTAL;2;", b"TOTAL;3;"))
    books.import_files()
    path.write_bytes(sound)
    assert [f.verdict for f in books.import_files().files] == ["imported"]
    assert posted(books) == [NAME]


def test_the_same_rows_under_another_days_name_are_refused(books: Books) -> None:
    data = statement(books.root).read_bytes()
    books.import_files()
    other = books.root / "inbox" / "AggA_mutasi_20260303.csv"
    other.write_bytes(data)
    report = books.import_files()
    assert [f.verdict for f in report.files] == ["refused"]
    assert "[same-bytes-other-day]" in report.files[0].message


def test_an_unknown_partner_refuses_the_file_and_names_the_alias_to_add(books: Books) -> None:
    at = "2026-03-02 10:01:00"
    w.orders(books.root, DAY, [w.order("O1", at, "SUCCESS", at, partner="AggZ")])
    report = books.import_files()
    assert [f.verdict for f in report.files] == ["refused"]
    assert "AggZ" in report.files[0].message
    assert "alias" in report.files[0].message


def test_rupiah_with_a_fraction_are_refused(books: Books) -> None:
    at = "2026-03-02 10:01:00"
    line = w.order("O1", at, "SUCCESS", at).replace(",51000,", ",51000.50,")
    w.orders(books.root, DAY, [line])
    report = books.import_files()
    assert [f.verdict for f in report.files] == ["refused"]
    assert "51000.50" in report.files[0].message


def test_a_file_named_from_elsewhere_is_imported_and_stays_its_owners(
    books: Books, tmp_path: Path
) -> None:
    path = statement(books.root)
    mine = tmp_path / NAME
    path.rename(mine)
    assert [f.verdict for f in books.import_files([mine]).files] == ["imported"]
    assert mine.is_file()
    assert [f.verdict for f in books.import_files([mine]).files] == ["known"]
    assert mine.is_file()
