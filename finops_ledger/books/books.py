"""The books as one object: ``books = finops_ledger.open("books")``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from finops_ledger.books import (
    bql,
    figures,
    frames,
    funding,
    importing,
    items,
    journal,
    layout,
    loading,
    overview,
    reconciling,
    recovery,
    settling,
    stocked,
)
from finops_ledger.books import deposits as deposited
from finops_ledger.books import explain as explaining
from finops_ledger.books import positions as positioned
from finops_ledger.books.ahead import Ahead
from finops_ledger.books.inbox import NOT_IN, FileReport
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from finops_ledger.books.confirming import Confirmations
    from finops_ledger.books.paying import Payments
    from finops_ledger.books.rebuild import RebuildReport
    from finops_ledger.books.resolving import Resolution
    from finops_ledger.core.findings import Finding

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


class Books:
    """One workspace. Methods that write take the lock, repair first, and derive the journal."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = _now) -> None:
        # Absolute: what is opened stays the same books wherever the process goes.
        self.root = root.absolute()
        self._clock = clock
        self._space: Workspace | None = None
        #: Rules that were found changed and taken in: every open day is reconciled again under them.
        self.changed_rules: list[str] = []
        self._loaded: loading.Loaded | None = None

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
        """Let go of the engine, and of what was read."""
        self._loaded = None
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
        self.changed_rules += recovery.take_in_rules(self._space, now)
        recovery.take_in_decisions(self._space, now)
        return self._space

    @contextmanager
    def writing(self) -> Iterator[Workspace]:
        """Hold the lock over repaired books with their journal derived: an interrupted command is finished first."""
        with Workspace.open(self.root).writing():
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
        with Workspace.open(self.root).writing():
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
        with Workspace.open(self.root).writing():
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

        with Workspace.open(self.root).writing():
            space = self._begin()
            journal.derive(space)
            return closing.close(space, through, by, self._clock())

    def withdraw(self, batch: str, reason: str, by: str) -> dict[str, Any]:
        """Take a wrong import back (see :func:`finops_ledger.books.withdrawing.withdraw`); return the line."""
        from finops_ledger.books import withdrawing

        with Workspace.open(self.root).writing():
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

    def breaks(
        self, as_of: date | None = None, *, everything: bool = False
    ) -> list[dict[str, Any]]:
        """Return the open breaks and claims (with ``everything``, also what waits), worst first.

        Each with the classes that it has had under its id.
        """
        found = items.open_items(self.space, as_of, everything=everything)
        found = items.with_history(self.space, found)
        return sorted(found, key=lambda i: (i["priority"], -i["age"], i["id"]))

    # --- reading ----------------------------------------------------------------------------------

    def load(self) -> loading.Loaded:
        """Load the journal with Beancount, once until :meth:`close` or a command that writes."""
        if self._loaded is None:
            self._loaded = loading.load(self.root)
        return self._loaded

    def status(self, as_of: date | None = None) -> dict[str, Any]:
        """Return the verdict of the books and of each counterparty's day (``status --json``)."""
        return overview.status(self.space, self.deposits(as_of), as_of)

    def check(self, as_of: date | None = None) -> overview.CheckReport:
        """Prove the books (they load clean, registers are their items); give the verdict."""
        return overview.check(self.space, self.load(), as_of)

    def deposits(self, as_of: date | None = None) -> list[dict[str, Any]]:
        """Return every deposit's roll-forward by day, against the partner's statement."""
        return deposited.deposits(self.space, self.load(), as_of)

    def positions(self, as_of: date | None = None) -> list[dict[str, Any]]:
        """Return where each deposit stands (see :func:`finops_ledger.books.positions.positions`)."""
        return positioned.positions(self.space, self.load(), as_of)

    @property
    def confirmations(self) -> Confirmations:
        """Letters by which partners confirm their deposits: what was sent, and what they answered."""
        from finops_ledger.books.confirming import Confirmations

        return Confirmations(self, self._begin, self._clock)

    def settlements(self, as_of: date | None = None, **choices: Any) -> list[dict[str, Any]]:
        """Return what is to be paid and received (see :func:`finops_ledger.books.settling.listed`)."""
        return settling.listed(self.space, as_of, **choices)

    def settlement_calendar(
        self, rows: Sequence[dict[str, Any]], as_of: date | None = None
    ) -> list[dict[str, Any]]:
        """Return settlements by due day, with the days on which banks are closed."""
        return settling.calendar_days(self.space, rows, as_of)

    def topup(self, at: datetime | None = None, partner: str | None = None) -> dict[str, Any]:
        """Return what to send to each prepaid partner, by when, by which rail, and why (``topup --json``)."""
        return funding.topup(self.space, self.load(), at, partner)

    def revenue(
        self, month: str | None = None, by: Sequence[str] = figures.GROUPS
    ) -> list[dict[str, Any]]:
        """Return orders, revenue, cost and margin by month, category and partner, as the ledger."""
        return figures.revenue(self.load(), month, by)

    def taxes(self, month: str | None = None) -> list[dict[str, Any]]:
        """Return taxes by month: expected by the table of rates, taken, and their slips (``taxes --json``)."""
        from finops_ledger.books.taxing import taxes_of

        return taxes_of(self.space, self.load(), month)

    def stock(self, as_of: date | None = None) -> dict[str, Any]:
        """Return the lots of codes in the vault, and what was counted (``stock --json``)."""
        return stocked.stock(self.space, self.load(), as_of)

    def explain(self, text: str, limit: int = explaining.LIMIT) -> dict[str, Any]:
        """Lead from an id, a reference or a place in the journal to lines of original files."""
        return explaining.explain(self.space, self.load(), text, limit)

    def query(self, text: str) -> bql.Table:
        """Run a stored query by name, or BQL."""
        return bql.run(self.load(), text)

    def queries(self) -> dict[str, str]:
        """Return the stored queries by name."""
        return bql.stored(self.load())

    def frame(self, name: str, **choices: Any) -> Any:
        """Return breaks, deposits, revenue, taxes or days as a pandas DataFrame with exact decimals."""
        return frames.frame(self, name, **choices)

    def verify(self) -> list[Finding]:
        """Check hashes, chain, conservation and sub-ledger = books; return what was found wrong."""
        from finops_ledger.books.verify import verify

        return verify(self.root)

    def audit(
        self, *, day: date | None = None, counterparty: str | None = None, leg: str | None = None
    ) -> tuple[int, list[Finding]]:
        """Check reconciled days again by a second program that shares no matching code.

        Returns how many results (one leg of one counterparty on one day) were looked at, and what does not hold.
        """
        from finops_ledger.audit import audit

        space = self.space
        return audit(
            space.root,
            space.state,
            space.registry,
            space.local,
            day=day,
            counterparty=counterparty,
            leg=leg,
        )

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
        with Workspace.open(self.root).writing():
            journal.derive(self._begin())


def open(root: str | Path) -> Books:
    """Open the books in a folder; UsageError when there are none."""
    books = Books(Path(root))
    _ = books.space
    return books


__all__ = ["Books", "ImportReport", "open"]
