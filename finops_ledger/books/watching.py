"""Watching the inbox: files are imported as they arrive, and whatever arrives, the watch goes on.

A file is taken when its size and time have stood still for a while. The books are locked only while there is
work. A file that did not go in is told once, and tried again when it, or a rule, has changed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from finops_ledger.books import config as cfg
from finops_ledger.books.books import Books
from finops_ledger.books.inbox import NOT_IN, FileReport, obstacle, shown
from finops_ledger.books.workspace import Locked, Workspace
from finops_ledger.core.errors import FinopsError
from finops_ledger.core.names import printable
from finops_ledger.intake.containers import is_ignored

_RULES = ("finops.toml", "formats", "sops", "prices", "calendars")
_Look = tuple[int, ...]


@dataclass(frozen=True)
class Happened:
    """One thing to tell: a file's verdict, ``reconciled``, ``locked``, ``failed`` or ``stopped``."""

    what: str
    message: str
    file: str = ""


@dataclass
class Watch:
    """Watches the inbox of one workspace.

    ``settle``: seconds for which a file must stand still; ``every``: seconds between two looks; ``tell`` is
    called with everything that happens; ``failed`` makes the report of a file on which an exception was
    raised (it is called while that is handled); ``stop`` ends the watch after the file at hand.
    """

    root: Path
    tell: Callable[[Happened], None]
    failed: Callable[[Path, Exception], FileReport]
    settle: Any = 3
    every: Any = 2
    reconcile: bool = True
    stop: Event = field(default_factory=Event)
    #: What each file looked like, and since when.
    _seen: dict[str, tuple[_Look, Any]] = field(default_factory=dict)
    #: What a file that is done with looked like: not tried again while it stays so.
    _done: dict[str, _Look] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)
    _rules: tuple[Any, ...] = ()
    _due: bool = False  #: something was imported and not reconciled yet
    not_in: bool = False  #: whether any file did not go in

    def run(self, *, once: bool = False) -> None:
        """Watch until ``stop`` is set; with ``once``, until what lies there now has been tried.

        Raises UsageError when there are no books, or their rules do not read, at the start.
        """
        Workspace.open(self.root).close()
        self.look()
        if once:
            self.stop.wait(self.settle)
            self.look()
            while self._waits() and not self.stop.wait(self.every):
                self.look()
            return
        while not self.stop.wait(self.every):
            self.look()
        self.tell(Happened("stopped", "the watch has ended; nothing is half done"))

    def _waits(self) -> bool:
        """Say whether work is left over because another command held the lock."""
        return "lock" in self._told

    def look(self) -> None:
        """Look once: note what changed, import what stands still, reconcile if anything went in."""
        try:
            due = list(self._standing())
        except OSError as error:
            self._once("inbox", "failed", f"the inbox cannot be read: {error.strerror or error}")
            return
        except FinopsError as error:
            self._once("inbox", "failed", printable(str(error)))
            return
        self._told.pop("inbox", None)
        if not due and not self._due:
            self._told.pop("lock", None)
            return
        try:
            self._work(due)
        except Locked as error:
            self._once("lock", "locked", f"{error}; tried again in {self.every} seconds")
        except FinopsError as error:
            self._due = False
            self._once("work", "failed", printable(str(error)))
        except Exception as error:  # whatever it is, the next file may be sound
            self._due = False
            self._once("work", "failed", self.failed(self.root / "inbox", error).message)
        else:
            self._told.pop("lock", None)
            self._told.pop("work", None)

    def _once(self, about: str, what: str, message: str, file: str = "") -> None:
        if self._told.get(about) != message:
            self._told[about] = message
            self.tell(Happened(what, message, file))

    def _standing(self) -> Iterator[Path]:
        """Yield the files that have stood still for long enough and have not been tried as they are."""
        space = self.root / "inbox"
        config = cfg.load(self.root).intake
        self._forget_when_rules_change()
        now = time.monotonic()
        there = {e.name: _look(e) for e in os.scandir(space) if not e.name.startswith(".")}
        for gone in self._seen.keys() - there.keys():
            self._seen.pop(gone)
            self._done.pop(gone, None)
            self._told.pop(f"file {gone}", None)
        for name, look in sorted(there.items()):
            if look is None:
                continue
            if self._seen.get(name, ((), 0))[0] != look:
                self._seen[name] = (look, now)
            if self._done.get(name) == look or now - self._seen[name][1] < self.settle:
                continue
            path = space / name
            label = shown(path)
            if is_ignored(label, config.ignore):
                self._once(
                    f"file {name}", "ignored", f"{label}: left out, as [intake] ignore says", label
                )
            elif why := obstacle(path, config):
                self._once(f"file {name}", "left", f"{label}: {why}", label)
                self.not_in = True
            elif not stat.S_ISDIR(look[0]):
                yield path

    def _forget_when_rules_change(self) -> None:
        found = tuple(_times(self.root / name) for name in _RULES)
        if found != self._rules:
            self._rules = found
            self._done.clear()

    def _work(self, due: list[Path]) -> None:
        with Books(self.root) as books:
            if due:
                books.import_files(
                    due, progress=self._until_stopped, guard=self.failed, each=self._report
                )
                for path in due:
                    if path.name in self._seen and os.path.lexists(path):
                        self._done[path.name] = self._seen[path.name][0]
            if self._due and self.reconcile and not self.stop.is_set():
                count = books.reconcile()
                verdict = books.status()["verdict"]
                self.tell(Happened("reconciled", f"{count} legs and days; the books are {verdict}"))
            self._due = False

    def _until_stopped(self, items: Iterable[Any], unused_total: int) -> Iterator[Any]:
        for item in items:
            if self.stop.is_set():
                return
            yield item

    def _report(self, report: FileReport) -> None:
        self._due |= report.verdict == "imported"
        self.not_in |= report.verdict in NOT_IN
        self.tell(Happened(report.verdict, report.message, report.name))


def _look(entry: os.DirEntry[str]) -> _Look | None:
    try:
        about = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return about.st_mode, about.st_size, about.st_mtime_ns, about.st_ino


def _times(path: Path) -> tuple[Any, ...]:
    paths = sorted(path.glob("*")) if path.is_dir() else [path]
    return tuple((p.name, p.stat().st_mtime_ns) for p in paths if p.is_file())
