"""A kill at any step leaves the old books or the new, and the next run finishes what was begun."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.verify import verify
from finops_ledger.subledger import files
from finops_ledger.subledger.manifest import NAME
from tests.integrity import workspaces as iw
from tests.integrity.kills import tree
from tests.worked import workspace as w


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill") / "books"
    books = w.make(root, bank=True)
    iw.drop_second(root)
    books.import_files()
    books.reconcile()
    books.close()
    return root


@pytest.fixture
def books(sound: Path, tmp_path: Path) -> Books:
    root = tmp_path / "books"
    shutil.copytree(sound, root)
    return Books(root, clock=lambda: w.NOW)


def leave(root: Path, name: str, data: bytes = b"half") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


DAY = "subledger/rows/source=orders/day=2026-03-02"
LEFT: dict[str, Callable[[Path], None]] = {
    "a torn line": lambda r: leave(r, NAME, (r / NAME).read_bytes() + b'{"seq":99,"kind":"ba'),
    "rows half written": lambda r: leave(r, "subledger/rows/.tmp-b-1.parquet"),
    "rows written over by the engine": lambda r: leave(r, "subledger/rows/tmp_.tmp-b-1.parquet"),
    "a copy that intake worked on": lambda r: leave(r, "subledger/rows/.intake-x/records.csv"),
    "rows that no line names": lambda r: leave(r, f"{DAY}/b-0000000000000000.parquet"),
    "matches that no line names": lambda r: leave(
        r, "subledger/matches/leg=sale-supply/counterparty=AggA/day=2026-03-02/00.parquet"
    ),
    "a reconciliation half done": lambda r: leave(r, "subledger/.tmp-recon/items.parquet"),
    "an original half copied": lambda r: leave(r, "archive/Assets/Bank/BCA/.tmp-2026-03-02.x.csv"),
    "a day half written": lambda r: leave(r, "journal/2026/.tmp-2026-03-02.beancount"),
    "a decision half written": lambda r: leave(r, "decisions/2026/.tmp-2026-03.beancount"),
    "what an engine spilled": lambda r: leave(r, "subledger/spill-4194305-1/duckdb_temp_0.tmp"),
    "a manifest half cut": lambda r: leave(r, "subledger/.tmp-manifest.jsonl"),
    "a day that nothing posts on": lambda r: leave(r, "journal/2026/2026-03-09.beancount"),
    "a day gone": lambda r: (r / "journal/2026/2026-03-02.beancount").unlink(),
    "an index of before": lambda r: leave(r, "journal/index.beancount", b""),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_a_kill_leaves_is_repaired(what: str, books: Books) -> None:
    books.close()
    whole = tree(books.root)
    LEFT[what](books.root)
    assert tree(books.root) != whole
    books.recover()
    books.close()
    assert tree(books.root) == whole
    assert verify(books.root) == []


def test_what_a_living_reader_has_spilled_stays(books: Books) -> None:
    leave(books.root, f"subledger/spill-{os.getpid()}-999/duckdb_temp_0.tmp")
    books.recover()
    assert (books.root / f"subledger/spill-{os.getpid()}-999/duckdb_temp_0.tmp").exists()


def test_recovery_is_idempotent(books: Books) -> None:
    books.close()
    whole = tree(books.root)
    for _ in range(2):
        books.recover()
    assert tree(books.root) == whole


def test_a_file_that_is_in_already_leaves_the_inbox_and_changes_nothing(books: Books) -> None:
    books.close()
    whole = tree(books.root)
    original = min((books.root / "archive").glob("Liabilities/*/*/2026-03-02.*"))
    waiting = books.root / "inbox" / original.name.split(".", 2)[2]
    waiting.write_bytes(original.read_bytes())
    report = books.import_files()
    assert {f.verdict for f in report.files} <= {"known"}
    assert tree(books.root) == whole


def test_an_upload_under_way_in_the_inbox_is_left_alone(books: Books) -> None:
    leave(books.root, "inbox/.tmp-orders_2026-03-04.csv", b"half of it")
    books.import_files()
    assert (books.root / "inbox" / ".tmp-orders_2026-03-04.csv").read_bytes() == b"half of it"


def test_a_line_is_written_whole_however_little_the_disk_takes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, bytes(data[:3])))
    files.append_line(tmp_path / "log", b'{"seq":1}')
    files.append_line(tmp_path / "log", b'{"seq":2}')
    assert (tmp_path / "log").read_bytes() == b'{"seq":1}\n{"seq":2}\n'
