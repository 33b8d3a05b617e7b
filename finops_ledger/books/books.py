"""The books as one object: ``books = finops_ledger.open("books")``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from finops_ledger.books import (
    importing,
    journal,
    layout,
    reconciling,
    recovery,
)
from finops_ledger.books.ahead import Ahead
from finops_ledger.books.inbox import NOT_IN, FileReport
from finops_ledger.books.reader import Reader
from finops_ledger.books.workspace import Workspace, writing
from finops_ledger.core.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from finops_ledger.books.confirming import Confirmations
    from finops_ledger.books.paying import Payments
    from finops_ledger.books.rebuild import RebuildReport
    from finops_ledger.books.resolving import Resolution

Progress = Callable[[Iterable[Any], int], Iterable[Any]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ImportReport:
    """What became of the files of one import."""

    files: list[FileReport] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """3 when a file is not in the books that should be (refused, left, not recognised), else 0."""
        return 3 if any(f.verdict in NOT_IN for f in self.files) else 0


class Books(Reader):
    """One workspace. Methods that write take the lock, repair first, and derive the journal; the others only read."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = _now) -> None:
        super().__init__(root)
        self._clock = clock
        #: Rules that were found changed and taken in: every open day is reconciled again under them.
        self.changed_rules: list[str] = []

    @classmethod
    def init(cls, root: Path, **settings: Any) -> Books:
        """Lay out a new workspace (see :func:`finops_ledger.books.layout.lay_out`)."""
        layout.lay_out(root, **settings)
        return cls(root)

    def _begin(self) -> Workspace:
        self.close()
        self._space = recovery.recover(self.root)
        now = self._clock()
        self.changed_rules += recovery.take_in_rules(self._space, now)
        recovery.take_in_decisions(self._space, now)
        return self._space

    @contextmanager
    def writing(self) -> Iterator[Workspace]:
        """Hold the lock over repaired books with their journal derived: an interrupted command is finished first."""
        with writing(self.root):
            space = self._begin()
            journal.derive(space)
            yield space

    @property
    def pay(self) -> Payments:
        """Settlement runs: propose, approve, list, cancel (see :mod:`finops_ledger.books.paying`)."""
        from finops_ledger.books.paying import Payments

        return Payments(self)

    def import_files(
        self,
        paths: Sequence[Path] | None = None,
        *,
        accept_valid: bool = False,
        progress: Progress | None = None,
        derive: bool = True,
        guard: Callable[[Path, Exception], FileReport] | None = None,
        each: Callable[[FileReport], None] | None = None,
    ) -> ImportReport:
        """Import the named files, and those in the named folders, else everything in the inbox.

        Each file is one commit; a container is one for each member. ``each`` is called with every report as
        it comes. With ``guard``, an exception on one file is no end: it makes the report, and the next file
        is taken after what was half done has been repaired.
        """
        with writing(self.root):
            space = self._begin()
            waiting, told = importing.waiting(space, paths)
            report = ImportReport(told)
            ahead = Ahead(space, waiting, accept_valid)
            for path in progress(waiting, len(waiting)) if progress else waiting:
                try:
                    ahead.come_to(path)
                    made = importing.import_file(
                        space, path, self._clock(), accept_valid=accept_valid, ahead=ahead
                    )
                except Exception as error:
                    if guard is None or isinstance(error, IntegrityError):
                        raise
                    made = [guard(path, error)]
                    space = ahead.space = self._begin()
                report.files += made
                for one in made if each else ():
                    each(one)  # type: ignore[misc]
            ahead.clear()
            if derive:
                journal.derive(space)
        return report

    def reconcile(self, as_of: date | None = None, *, progress: Progress | None = None) -> int:
        """Run every leg and day that is complete and not reconciled; return how many were run."""
        with writing(self.root):
            space = self._begin()
            try:
                reconciling.check_as_of(space, as_of)
                done = reconciling.reconcile(space, self._clock(), as_of, progress)
            except UsageError:
                journal.derive(
                    space
                )  # what is committed stands; an import just before left that to us
                raise
            journal.derive(space)
        return done

    def close_period(self, through: date, by: str) -> dict[str, Any]:
        """Lock every day up to ``through`` (see :func:`finops_ledger.books.closing.close`); return the line."""
        from finops_ledger.books import closing

        with writing(self.root):
            space = self._begin()
            journal.derive(space)
            return closing.close(space, through, by, self._clock())

    def withdraw(self, batch: str, reason: str, by: str) -> dict[str, Any]:
        """Take a wrong import back (see :func:`finops_ledger.books.withdrawing.withdraw`); return the line."""
        from finops_ledger.books import withdrawing

        with writing(self.root):
            space = self._begin()
            journal.derive(
                space
            )  # also where there is nothing to withdraw: an interrupted one is finished
            line = withdrawing.withdraw(space, batch, reason, by, self._clock())
            journal.derive(space)
            return line

    def resolve(
        self, ids: Sequence[str], treatment: str, *, dry_run: bool = False, **how: Any
    ) -> Resolution:
        """Decide about open items (see :mod:`finops_ledger.books.resolving`): write it, and reconcile again."""
        from finops_ledger.books import resolving

        asked = resolving.Request(treatment=treatment, ids=tuple(ids), **how)
        return self.decide(lambda space: resolving.plan(space, asked), dry_run=dry_run)

    def take_back(
        self,
        ids: Sequence[str],
        case: str,
        maker: str,
        checker: str,
        reason: str = "",
        *,
        dry_run: bool = False,
    ) -> Resolution:
        """Take the last decision about items, or of a case, back by its opposite."""
        from finops_ledger.books import resolving

        return self.decide(
            lambda space: resolving.undone(space, tuple(ids), case, maker, checker, reason),
            dry_run=dry_run,
        )

    def decide(self, planned: Callable[[Workspace], Any], *, dry_run: bool) -> Resolution:
        """Record what ``planned`` makes of the books, a decision and its evidence, and reconcile again."""
        from finops_ledger.books import resolving

        if dry_run:
            return planned(self.space)[0]  # type: ignore[no-any-return]
        with self.writing() as space:
            now = self._clock()
            made, kept = planned(space)
            resolving.record(space, made, kept, now)
            reconciling.reconcile(space, now)
            journal.derive(space)
            made.conflicts = resolving.conflicts(space, made)
            return made  # type: ignore[no-any-return]

    def treatments(
        self,
        ids: Sequence[str] = (),
        class_: str | None = None,
        counterparty: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return open items with the treatments that fit each (``resolve --dry-run``)."""
        from finops_ledger.books import resolving

        return resolving.listed(self.space, tuple(ids), class_, counterparty)

    @property
    def confirmations(self) -> Confirmations:
        """Letters by which partners confirm their deposits: what was sent, and what they answered."""
        from finops_ledger.books.confirming import Confirmations

        return Confirmations(self, self._begin, self._clock)

    def rebuild(
        self, target: Path, engine: Literal["duckdb", "spark"] | None = None
    ) -> RebuildReport:
        """Build the books again from originals, rules and decisions into ``target``; compare.

        ``engine``: on this engine, under the limits of finops.toml, whichever it names.
        """
        from finops_ledger.books.config import load
        from finops_ledger.books.rebuild import rebuild

        limits = load(self.root).engine.model_copy(update={"name": engine}) if engine else None
        return rebuild(self.root, target, limits)

    def recover(self) -> None:
        """Repair what an interrupted command left."""
        with writing(self.root):
            journal.derive(self._begin())


def open(root: str | Path) -> Books:
    """Open the books in a folder; UsageError when there are none."""
    books = Books(Path(root))
    _ = books.space
    return books


__all__ = ["Books", "ImportReport", "open"]
