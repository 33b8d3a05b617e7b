"""Files read ahead, many at a time: the reading of an import spread over Spark's executors.

Each task takes one file, opens it, finds its source and reads it with DuckDB, by the very steps of
:mod:`.importing`; nothing of it touches the manifest. The import then takes the files one after another as
ever, in the same order, and finds the reading of most of them done; what it does not find, it reads itself. A reading
is found by the hash of the bytes read, the source, the batch and its day, so that a file that has changed meanwhile
is read again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from finops_ledger.books import arrivals, covering, parts
from finops_ledger.books.arrivals import Arrival, Found
from finops_ledger.books.filing import info_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import FinopsError, InputRefused
from finops_ledger.core.ids import batch_id, sha256_bytes, sha256_file
from finops_ledger.intake.read import ReadResult, read
from finops_ledger.subledger.engine_duckdb import DuckEngine
from finops_ledger.subledger.manifest import Manifest, State

#: A file whose day its rows must say is read once as of this day, to find them.
UNKNOWN_DAY = date(1970, 1, 1)
#: Where readings wait for their turn; what a kill leaves of it, recovery removes.
FOLDER = Path("subledger", ".intake-ahead")
#: Files read ahead of their commits, for each task that can run at a time.
_WAVES = 4


@dataclass(frozen=True)
class Key:
    """What a reading depends on, beside the rules."""

    sha256: str
    source: str
    batch: str
    day: date
    accept_valid: bool


@dataclass(frozen=True)
class Reading:
    """What a task read: the rows' file and what is said of them, or why the file is refused."""

    key: Key
    rows: Path
    result: ReadResult | None = None
    refused: tuple[str, tuple[Any, ...], int] | None = None


@dataclass
class Ahead:
    """Readings done before their turn. ``waiting``: the files of the import, in its order."""

    space: Workspace
    waiting: Sequence[Path]
    accept_valid: bool
    _done: dict[Key, Reading] = field(default_factory=dict)
    _reached: int = 0

    def come_to(self, path: Path) -> None:
        """Say that the turn of a file has come: where it has not been read, it is, with those after it."""
        if len(self.waiting) < 2 or path not in self.waiting[self._reached : self._reached + 1]:
            return
        engine = self.space.engine
        wave = self.waiting[self._reached : self._reached + _WAVES * engine.tasks]
        if wave:
            self.clear()
            self._reached += len(wave)
            for readings in engine.spread(_Task.of(self.space, self.accept_valid), wave):
                self._done |= {r.key: r for r in readings}

    def take(self, key: Key, out: Path) -> ReadResult | None:
        """Return what a task read, its rows in ``out``; None when it has not been read. Raises InputRefused."""
        reading = self._done.pop(key, None)
        if reading is None:
            return None
        if reading.refused is not None:
            file, problems, total = reading.refused
            raise InputRefused(file, problems, total)
        if not reading.rows.exists():  # repaired away after a fault
            return None
        reading.rows.replace(out)
        return reading.result

    def clear(self) -> None:
        """Remove the rows of readings that nobody asked for."""
        self._done.clear()
        shutil.rmtree(self.space.root / FOLDER, ignore_errors=True)


@dataclass(frozen=True)
class _Task:
    """Reads one file in a process of its own, with DuckDB under limits of its own."""

    root: Path
    config: Any
    registry: Any
    shipped: Path | None
    memory: str
    known: frozenset[str]
    accept_valid: bool

    @classmethod
    def of(cls, space: Workspace, accept_valid: bool) -> _Task:
        return cls(
            space.root,
            space.config,
            space.registry,
            space.shipped,
            space.limits.spark.task_memory,
            frozenset(b.sha256 for b in space.state.batches.values()),
            accept_valid,
        )

    def __call__(self, path: Path) -> list[Reading]:
        """Return the readings of a file and of its members; none where the import must say what is wrong."""
        space = Workspace(
            self.root,
            self.config,
            self.registry,
            Manifest(self.root),
            State(),
            shipped=self.shipped,
        )
        space.use(DuckEngine(memory=self.memory, threads=1))
        try:
            sha256 = sha256_file(path)
            if sha256 in self.known:
                return []
            with arrivals.opened(space, path, sha256) as whole:
                found = [(a, arrivals.source_of(space, a)) for a in whole.arrivals]
                made = [r for a, f in found if isinstance(f, Found) for r in self._one(space, a, f)]
            unchanged = sha256_file(path) == sha256
        except (FinopsError, OSError):
            return []
        finally:
            space.close()
        return made if unchanged else []

    def _one(self, space: Workspace, arrival: Arrival, found: Found) -> Iterator[Reading]:
        try:
            day = found.source.day_of(found.name)
            part = parts.part_of(found.source, found.name, arrival.name)
        except (ValueError, FinopsError):
            return
        slot = parts.slot(part, arrival.member)
        first = self._read(space, arrival, found, slot, day or UNKNOWN_DAY)
        yield first
        if day is None and first.result is not None:
            days = covering.row_days(space, found.source, first.rows, first.result, None)
            if days is not None:
                yield self._read(space, arrival, found, slot, days[1])

    def _read(
        self, space: Workspace, arrival: Arrival, found: Found, slot: Any, day: date
    ) -> Reading:
        batch = batch_id(found.source.name, day, slot, arrival.sha256)
        key = Key(arrival.sha256, found.source.name, batch, day, self.accept_valid)
        # The same bytes may lie in two files: each reading has a file of its own.
        own = sha256_bytes(f"{arrival.path} {batch}".encode())[:16]
        rows = space.root / FOLDER / f"{own}.parquet"
        rows.parent.mkdir(parents=True, exist_ok=True)
        try:
            result = read(
                arrival.path,
                found.format,
                info_of(space, found.source, batch, day),
                rows,
                accept_valid=self.accept_valid,
                connection=space.local.connection,
                limits=space.config.intake.limits,
            )
        except InputRefused as refused:
            rows.unlink(missing_ok=True)
            return Reading(key, rows, None, (refused.file, tuple(refused.problems), refused.total))
        return Reading(key, rows, result)
