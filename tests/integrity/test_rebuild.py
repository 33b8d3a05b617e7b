"""Books come out again, byte for byte, from originals, rules and decisions as recorded."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.rebuild import rebuild
from finops_ledger.books.verify import verify
from finops_ledger.core.errors import IntegrityError, UsageError
from finops_ledger.intake import formats
from finops_ledger.subledger.manifest import NAME
from tests.integrity import workspaces as iw
from tests.worked import workspace as w


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("integrity") / "books"
    iw.history(root)
    return root


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    root = tmp_path / "books"
    shutil.copytree(sound, root)
    return root


def same(root: Path, target: Path) -> None:
    """The report says so, and every file but Parquet has the same bytes."""
    report = rebuild(root, target)
    assert report.differences == []
    assert report.equal
    assert report.lines == len(iw.lines(root))

    def kept(base: Path) -> dict[str, bytes]:
        found = {p.relative_to(base).as_posix(): p for p in base.rglob("*") if p.is_file()}
        skipped = (".parquet", ".lock")
        return {n: p.read_bytes() for n, p in found.items() if not n.endswith(skipped)}

    assert kept(target) == kept(root)
    assert verify(target) == []


def test_the_same_books_come_out_again(sound: Path, tmp_path: Path) -> None:
    same(sound, tmp_path / "again")


def test_rebuilt_books_can_be_rebuilt_and_written_to(copy: Path, tmp_path: Path) -> None:
    assert rebuild(copy, tmp_path / "once").equal
    same(tmp_path / "once", tmp_path / "twice")
    with Books(tmp_path / "twice", clock=lambda: w.NOW) as books:
        books.import_files()
    assert (copy / NAME).read_bytes() == (tmp_path / "twice" / NAME).read_bytes()


def test_what_people_keep_comes_along(copy: Path, tmp_path: Path) -> None:
    (copy / "notes").mkdir()
    (copy / "notes" / "audit.txt").write_text("seen\n")
    filed = copy / "archive" / "Assets" / "Bank" / "2026-03-02.contract.txt"
    filed.write_text("signed\n")
    same(copy, tmp_path / "again")


def test_rules_and_decisions_are_as_recorded_whatever_stands_there_now(
    copy: Path, tmp_path: Path
) -> None:
    target = tmp_path / "again"
    (copy / "prices" / "AggA.csv").write_text("product,category,face,cost,from,to\n")
    with (copy / "decisions" / "2026" / "2026-03.beancount").open("a") as file:
        file.write("; not taken in yet\n")
    assert rebuild(copy, target).equal
    assert "P100" in (target / "prices" / "AggA.csv").read_text()
    assert "not taken in" not in (target / "decisions/2026/2026-03.beancount").read_text()


def test_a_shipped_format_is_taken_in_the_state_of_the_time(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = formats.shipped()
    newer = tmp_path / "newer"
    newer.mkdir()
    for name, path in shipped.items():
        (newer / f"{name}.toml").write_text(f"# another version\n{path.read_text('utf-8')}")
    later = {name: newer / f"{name}.toml" for name in shipped}
    monkeypatch.setattr(formats, "shipped", lambda: later)
    assert rebuild(copy, tmp_path / "again").equal
    with Books(copy, clock=lambda: w.NOW) as books:
        books.reconcile()
    kinds = [line["kind"] for line in iw.lines(copy)]
    assert kinds.count("rules") == 3, "the newer formats are taken in like any rule"
    same(copy, tmp_path / "later")


def test_files_in_another_order_and_late_ones_come_out_again(tmp_path: Path) -> None:
    root = tmp_path / "books"
    books = w.make(root, bank=True)
    iw.drop_third(root)
    books.import_files()
    books.reconcile()
    iw.drop_second(root)
    books.import_files()
    books.reconcile(date(2026, 3, 2))
    books.reconcile()
    books.close()
    same(root, tmp_path / "again")


def test_a_decision_that_fits_no_more_is_recorded_without_a_path_of_the_machine(
    copy: Path, tmp_path: Path
) -> None:
    w.decide(
        copy,
        iw.D3,
        """
2026-03-03 * "AggA" "Resolved: nothing" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "x-0000000000000000"
  Income:Net:PLN-Token                             300 IDR
  Assets:Breaks:AggA:Cost-Mismatch                -300 IDR
""",
    )
    with Books(copy, clock=lambda: w.NOW) as books:
        books.reconcile()
    conflicts = [c for line in iw.lines(copy) for c in line.get("conflicts", [])]
    assert len(conflicts) == 1
    assert conflicts[0].startswith("decisions/2026/2026-03.beancount:")
    assert rebuild(copy, tmp_path / "again").equal


def test_a_changed_original_is_a_difference_with_its_name(copy: Path, tmp_path: Path) -> None:
    path = min(copy.glob("archive/Liabilities/*/*/2026-03-02.*"))
    path.write_text(path.read_text().replace("1000", "2000", 1))
    report = rebuild(copy, tmp_path / "again")
    assert not report.equal
    assert "orders_2026-03-02.csv" in report.differences[0]


def test_an_edited_day_is_a_difference(copy: Path, tmp_path: Path) -> None:
    day = copy / "journal" / "2026" / "2026-03-02.beancount"
    day.write_text(day.read_text().replace("49800", "49801", 1))
    report = rebuild(copy, tmp_path / "again")
    assert report.differences == ["journal/2026/2026-03-02.beancount: not the same bytes"]


def test_a_rule_that_is_gone_stops_the_replay(copy: Path, tmp_path: Path) -> None:
    min(copy.glob("archive/Rules/*.AggA.csv")).unlink()
    report = rebuild(copy, tmp_path / "again")
    assert not report.equal
    assert report.lines < len(iw.lines(copy))
    assert "prices/AggA.csv" in report.differences[-1]


def test_it_writes_only_where_nothing_is(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("")
    with pytest.raises(UsageError, match="in use"):
        rebuild(copy, tmp_path / "used")
    with pytest.raises(UsageError, match="inside the books"):
        rebuild(copy, copy / "again")
    Books.init(tmp_path / "new", title="New", start=date(2026, 1, 1)).close()
    with pytest.raises(UsageError, match="nothing has been committed"):
        rebuild(tmp_path / "new", tmp_path / "again")


def test_a_broken_chain_cannot_be_a_script(copy: Path, tmp_path: Path) -> None:
    path = copy / NAME
    path.write_bytes(path.read_bytes().replace(b'"rows":4', b'"rows":5', 1))
    with pytest.raises(IntegrityError, match="chain is broken"):
        rebuild(copy, tmp_path / "again")
