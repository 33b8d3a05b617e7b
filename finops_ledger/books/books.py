"""The books as one object: ``books = finops_ledger.open("books")``."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from finops_ledger.books import importing, items, journal, layout, reconciling, recovery
from finops_ledger.books.importing import FileReport
from finops_ledger.books.workspace import Workspace

Progress = Callable[[Iterable[Any], int], Iterable[Any]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ImportReport:
    """What became of the files of one import."""

    files: list[FileReport] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """3 when a file was refused or not recognised, else 0."""
        return 3 if any(f.verdict in ("refused", "unrecognised") for f in self.files) else 0


class Books:
    """One workspace. Methods that write take the lock, repair first, and leave the journal derived."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = _now) -> None:
        self.root = root
        self._clock = clock
        self._space: Workspace | None = None

    @classmethod
    def init(cls, root: Path, **settings: Any) -> Books:
        """Lay out a new workspace (see :func:`finops_ledger.books.layout.lay_out`)."""
        layout.lay_out(root, **settings)
        return cls(root)

    @property
    def space(self) -> Workspace:
        """The open workspace, for reading."""
        if self._space is None:
            self._space = Workspace.open(self.root)
        return self._space

    def close(self) -> None:
        """Let go of the engine."""
        if self._space is not None:
            self._space.close()
            self._space = None

    def __enter__(self) -> Books:
        return self

    def __exit__(
        self,
        unused_type: type[BaseException] | None,
        unused_error: BaseException | None,
        unused_trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self) -> Workspace:
        self.close()
        self._space = recovery.recover(self.root)
        now = self._clock()
        recovery.take_in_rules(self._space, now)
        recovery.take_in_decisions(self._space, now)
        return self._space

    def import_files(
        self,
        paths: Sequence[Path] | None = None,
        *,
        accept_valid: bool = False,
        progress: Progress | None = None,
        derive: bool = True,
    ) -> ImportReport:
        """Import the named files, else everything in the inbox; each file is one commit."""
        with Workspace.open(self.root).writing():
            space = self._begin()
            waiting = importing.waiting(space, list(paths) if paths else None)
            report = ImportReport()
            for path in progress(waiting, len(waiting)) if progress else waiting:
                report.files.append(
                    importing.import_file(space, path, self._clock(), accept_valid=accept_valid)
                )
            if derive:
                journal.derive(space)
        return report

    def reconcile(self, as_of: date | None = None, *, progress: Progress | None = None) -> int:
        """Run every leg and day that is complete and not reconciled; return how many were run."""
        with Workspace.open(self.root).writing():
            space = self._begin()
            reconciling.check_as_of(space, as_of)
            done = reconciling.reconcile(space, self._clock(), as_of, progress)
            journal.derive(space)
        return done

    def breaks(self, as_of: date | None = None, *, everything: bool = False) -> list[dict[str, Any]]:
        """Return the open breaks and claims (with ``everything``, also what waits), worst first."""
        found = items.open_items(self.space, as_of, everything=everything)
        return sorted(found, key=lambda i: (i["priority"], -i["age"], i["id"]))

    def recover(self) -> None:
        """Repair what an interrupted command left."""
        with Workspace.open(self.root).writing():
            journal.derive(self._begin())


def open(root: str | Path) -> Books:  # noqa: A001 - finops_ledger.open("books") is the public name
    """Open the books in a folder; UsageError when there are none."""
    books = Books(Path(root))
    _ = books.space
    return books


__all__ = ["Books", "ImportReport", "builtins", "open"]
