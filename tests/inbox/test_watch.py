"""``finops watch`` as the process that it is: what arrives, how it arrives, and how it ends."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from finops_ledger.books import Books, importing
from finops_ledger.books.inbox import FileReport, shown
from finops_ledger.books.verify import verify
from finops_ledger.books.watching import Happened, Watch
from tests.inbox import made

PATIENCE = 60


class Process:
    """A watch in a process of its own; its lines are read as they come."""

    def __init__(self, root: Path, *words: object) -> None:
        command = [sys.executable, "-m", "finops_ledger.cli", "--books", root, "watch", "--json"]
        command += ["--settle", "0.5", "--every", "0.1", *words]
        self.process = subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: queue.Queue[dict[str, str]] = queue.Queue()
        self.seen: list[dict[str, str]] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def wait_for(self, event: str, name: str = "") -> dict[str, str]:
        """Wait until something is told of a file."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                told = self.lines.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, "the watch has died"
                continue
            self.seen.append(told)
            if told["event"] == event and told["file"].startswith(name):
                return told
        raise AssertionError(f"no {event} {name}: {self.seen}")

    def close(self) -> None:
        """Kill it if it still runs, and let go of its pipes."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; return its exit code and what it said on standard error."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = made.make(tmp_path / "books")
    with (books.root / "finops.toml").open("a") as file:
        file.write("\n[intake]\nmax_ratio = 50\n")
    return books


@pytest.fixture
def watch(books: Books) -> Iterator[Process]:
    process = Process(books.root)
    yield process
    process.close()


def test_whatever_arrives_is_told_and_the_watch_goes_on(books: Books, watch: Process) -> None:
    inbox, statement = books.root / "inbox", made.statement(books.root)
    bad = "AggA_mutasi_20260303.csv"
    (inbox / bad).write_bytes(statement.replace(b"TOTAL;2;", b"TOTAL;3;"))
    assert "[total-wrong]" in watch.wait_for("refused", bad)["message"]
    os.mkfifo(inbox / "orders_2026-03-05.csv")
    assert "pipe" in watch.wait_for("left", "orders_2026-03-05.csv")["message"]
    (inbox / "AggA_mutasi_20260304.csv").write_bytes(made.gzipped(b"0" * 60_000_000))
    assert "[archive-bomb]" in watch.wait_for("refused", "AggA_mutasi_20260304.csv")["message"]
    (inbox / "holiday.jpg").write_bytes(b"\xff\xd8")
    watch.wait_for("unrecognised", "holiday.jpg")
    (inbox / made.ORDERS).write_bytes(made.orders(books.root))
    watch.wait_for("imported", made.ORDERS)
    with (inbox / made.STATEMENT).open("wb") as slow:
        for at in range(0, len(statement), 60):
            slow.write(statement[at : at + 60])
            slow.flush()
            time.sleep(0.15)
        time.sleep(1)  # standing still, and still open
        assert (inbox / made.STATEMENT).exists()
    watch.wait_for("imported", made.STATEMENT)
    assert watch.wait_for("reconciled")["message"].endswith("the books are reconciled")
    assert watch.end() == (0, "")
    while not watch.lines.empty():
        watch.seen.append(watch.lines.get())
    told = [(t["event"], t["file"]) for t in watch.seen]
    for once in (("unrecognised", "holiday.jpg"), ("left", "orders_2026-03-05.csv")):
        assert told.count(once) == 1, "told once, not at each look"
    assert ("refused", made.STATEMENT) not in told, "half of it was never read"
    assert told[-1] == ("stopped", "")
    assert verify(books.root) == []


def test_books_that_are_locked_are_waited_for_and_let_go_of(books: Books, watch: Process) -> None:
    lock = FileLock(books.root / ".finops.lock")
    with lock.acquire(timeout=PATIENCE):
        (books.root / "inbox" / made.ORDERS).write_bytes(made.orders(books.root))
        assert "another command is writing" in watch.wait_for("locked")["message"]
        time.sleep(0.5)
    watch.wait_for("imported", made.ORDERS)
    watch.wait_for("reconciled")
    assert [t["event"] for t in watch.seen].count("locked") == 1
    with lock.acquire(timeout=PATIENCE):
        pass  # only held while there is work
    assert watch.end(signal.SIGINT) == (0, "")


def test_once_tries_what_is_there_and_says_whether_it_went_in(books: Books) -> None:
    (books.root / "inbox" / made.ORDERS).write_bytes(made.orders(books.root))
    with closing(Process(books.root, "--once", "--no-reconcile")) as first:
        assert first.process.wait(PATIENCE) == 0
    assert [first.lines.get()["event"], first.lines.empty()] == ["imported", True]
    (books.root / "inbox" / "holiday.jpg").write_bytes(b"\xff\xd8")
    with closing(Process(books.root, "--once")) as second:
        assert second.process.wait(PATIENCE) == 3


def test_no_books_end_it_at_once(tmp_path: Path) -> None:
    with closing(Process(tmp_path / "nowhere")) as process:
        assert process.process.wait(PATIENCE) == 2


# --- in this process: a fault of the program itself ---------------------------------------------------


class Told(list[Happened]):
    """A watch of ours, looked at step by step."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.watch = Watch(root, self.append, self.failed, settle=0)

    def failed(self, path: Path, error: Exception) -> FileReport:
        return FileReport(shown(path), "failed", f"{shown(path)}: {error!r}")

    def events(self) -> list[tuple[str, str]]:
        self.watch.look()
        found = [(h.what, h.file) for h in self]
        self.clear()
        return found


def test_an_exception_on_one_file_is_told_and_not_met_again_until_it_changes(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = books.root / "inbox" / made.STATEMENT
    path.write_bytes(made.statement(books.root))
    (books.root / "inbox" / made.ORDERS).write_bytes(made.orders(books.root))
    told, read = Told(books.root), importing.read

    def broken(one: Path, *arguments: Any, **more: Any) -> Any:
        if one.name == made.STATEMENT:
            raise ZeroDivisionError("a bug")
        return read(one, *arguments, **more)

    monkeypatch.setattr(importing, "read", broken)
    assert told.events() == [
        ("failed", made.STATEMENT),
        ("imported", made.ORDERS),
        ("reconciled", ""),
    ]
    assert path.exists()
    monkeypatch.undo()
    assert told.events() == []
    os.utime(path)
    assert told.events() == [("imported", made.STATEMENT), ("reconciled", "")]
    assert verify(books.root) == []


def test_a_changed_rule_gives_a_file_another_try(books: Books) -> None:
    (books.root / "inbox" / "AggA.csv").write_bytes(made.statement(books.root))
    told = Told(books.root)
    assert told.events() == [("unrecognised", "AggA.csv")]
    assert told.events() == []
    config = books.root / "finops.toml"
    config.write_text(config.read_text().replace("AggA_mutasi_*.csv", "AggA*.csv"))
    assert told.events() == [("refused", "AggA.csv")]


def test_broken_rules_are_told_once_and_waited_for(books: Books) -> None:
    (books.root / "inbox" / made.ORDERS).write_bytes(made.orders(books.root))
    told, config = Told(books.root), books.root / "finops.toml"
    text = config.read_text()
    config.write_text(text + "\nnonsense")
    assert told.events() == [("failed", "")]
    assert told.events() == []
    config.write_text(text)
    assert told.events() == [("imported", made.ORDERS), ("reconciled", "")]


def test_an_inbox_that_is_gone_for_a_while(books: Books) -> None:
    told = Told(books.root)
    (books.root / "inbox").rmdir()
    assert told.events() == [("failed", "")]
    assert told.events() == []
    (books.root / "inbox").mkdir()
    assert told.events() == []


def test_a_file_is_taken_only_when_it_stood_still(books: Books) -> None:
    path = books.root / "inbox" / made.ORDERS
    path.write_bytes(made.orders(books.root))
    told = Told(books.root)
    told.watch.settle = 1000
    assert told.events() == []
    told.watch.settle = 0
    assert told.events()[0] == ("imported", made.ORDERS)
