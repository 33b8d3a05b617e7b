"""What the books say: every question that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from finops_ledger.books import (
    bql,
    figures,
    frames,
    funding,
    items,
    loading,
    overview,
    settling,
    stocked,
)
from finops_ledger.books import deposits as deposited
from finops_ledger.books import explain as explaining
from finops_ledger.books import positions as positioned
from finops_ledger.books.workspace import Workspace

if TYPE_CHECKING:
    from finops_ledger.core.findings import Finding


class Reader:
    """One workspace, for reading: what was read is kept until :meth:`close`."""

    def __init__(self, root: Path) -> None:
        # Absolute: what is opened stays the same books wherever the process goes.
        self.root = root.absolute()
        self._space: Workspace | None = None
        self._loaded: loading.Loaded | None = None

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        unused_type: type[BaseException] | None,
        unused_error: BaseException | None,
        unused_trace: TracebackType | None,
    ) -> None:
        self.close()

    def breaks(
        self, as_of: date | None = None, *, everything: bool = False
    ) -> list[dict[str, Any]]:
        """Return the open breaks and claims (with ``everything``, also what waits), worst first.

        Each with the classes that it has had under its id.
        """
        found = items.open_items(self.space, as_of, everything=everything)
        found = items.with_history(self.space, found)
        return sorted(found, key=lambda i: (i["priority"], -i["age"], i["id"]))

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
