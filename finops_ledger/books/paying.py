"""Settlement runs: proposed by one person, approved by another, recorded as decisions (worked-cases 19).

A proposal lies in ``reports/payments/<run>/``: the list as a workbook, the uploads for the bank, and ``proposal.json``,
which is written last and is what counts. Its name is the digest of what it says, so that the same books give the same
run. Nothing is in the books before it is approved; then it is a decision like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from finops_ledger.books import paying_approval
from finops_ledger.books.paying_proposal import Proposal, make, write_down
from finops_ledger.books.paying_runs import CANCELLED, Run, folder, read, runs, to_json
from finops_ledger.books.resolving import Resolution
from finops_ledger.core.errors import UsageError
from finops_ledger.subledger import files

if TYPE_CHECKING:
    from finops_ledger.books.books import Books


class Payments:
    """``books.pay``: propose, approve, list and cancel settlement runs."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def propose(
        self,
        maker: str,
        *,
        named: Sequence[str] = (),
        due_by: date | None = None,
        counterparty: str | None = None,
        as_of: date | None = None,
        advance: bool = False,
        dry_run: bool = False,
    ) -> Proposal:
        """Propose what to pay, and write the list (with ``dry_run``: only say it).

        ``named``: these settlements (``STL-…``), and an error for each that cannot be paid; else all that are due up
        to ``due_by`` (the books' last day). Raises UsageError when there is nothing to pay, or nobody who proposes it.
        """
        if not maker.strip():
            raise UsageError("--by: say who proposes the list; somebody else approves it")
        how = (tuple(named), due_by, counterparty, as_of, advance)
        if dry_run:
            return make(self._books.space, maker.strip(), *how)
        with self._books.writing() as space:
            made = make(space, maker.strip(), *how)
            if made.lines:
                write_down(made)
            return made

    def approve(self, run: str, checker: str, *, dry_run: bool = False) -> Resolution:
        """Approve a run: check that nothing has changed, and record it as a decision of two people.

        Raises UsageError, and writes nothing, when the checker is the maker or has no authority, when a file of the
        list is not as it was proposed, or when a figure has changed since.
        """
        return self._books.decide(
            lambda space: paying_approval.plan(space, run, checker), dry_run=dry_run
        )

    def runs(self) -> list[Run]:
        """Return the runs that lie on disk, by state (proposed first) and name."""
        return runs(self._books.space)

    def run(self, run: str) -> Run:
        """Return one run; UsageError when there is none of this name, or somebody has changed it."""
        return read(self._books.space, run)

    def cancel(self, run: str, by: str, reason: str = "") -> Run:
        """Take a proposal away that nobody has approved; its files stay, and it can no longer be approved."""
        if not by.strip():
            raise UsageError("--by: say who takes the list away")
        with self._books.writing() as space:
            found = read(space, run)
            if found.state == "approved":
                raise UsageError(
                    f"{run} is approved ({found.places[0]}): two people take it back, where the bank has not paid it; "
                    "name the second one with --checker"
                )
            if found.state != "proposed":
                raise UsageError(f"{run} is {found.state} already")
            told = {"by": by.strip(), "reason": " ".join(reason.split())}
            files.write_atomic(folder(space, run) / CANCELLED, to_json(told))
            return read(space, run)

    def take_back(
        self, run: str, maker: str, checker: str, reason: str = "", *, dry_run: bool = False
    ) -> Resolution:
        """Take an approved run back that the bank has not paid: its opposite, on the same day, by two people."""
        return self._books.decide(
            lambda space: paying_approval.opposite(space, run, maker, checker, reason),
            dry_run=dry_run,
        )


__all__ = ["Payments", "Proposal", "Run"]
