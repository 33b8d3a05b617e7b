"""Verify: everything proves itself. Each check is a small function that yields what it finds wrong.

A check runs only when those that it builds on found nothing: a changed Parquet file is one finding,
not one more for every figure that follows from it. What is derived is derived again aside, from the
rules and decisions that the manifest recorded, and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from finops_ledger.books import proofs_books as books
from finops_ledger.books import proofs_rows as rows
from finops_ledger.books.evidence import Evidence
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import FinopsError
from finops_ledger.core.findings import Finding


@dataclass(frozen=True)
class Check:
    """One proof: its name, what it does, and the checks whose findings it would only repeat."""

    name: str
    run: Callable[[Evidence], Iterator[Finding]]
    after: tuple[str, ...] = ()


_FILES: Final = ("chain", "files", "digest")
_RECORDED: Final = (*_FILES, "rules", "decisions")

#: All checks, in the order in which they run.
CHECKS: Final = (
    Check("chain", rows.chain),
    Check("torn", rows.torn, ("chain",)),
    Check("files", rows.files, ("chain",)),
    Check("archive", rows.archive, ("chain",)),
    Check("digest", rows.digest, ("chain",)),
    Check("rules", rows.rules, ("chain",)),
    Check("decisions", rows.decisions, ("chain",)),
    Check("conservation", rows.conservation, _FILES),
    Check("bridge", rows.bridge, ("chain",)),
    Check("standing", rows.standing, (*_RECORDED, "conservation")),
    Check("registers", rows.registers, _RECORDED),
    Check("head", books.head, ("chain", "torn")),
    Check("locked", books.locked_days, ("chain",)),
    Check("closes", books.closes, ("chain", "locked")),
    Check("journal", books.journal_days, (*_RECORDED, "standing", "registers", "head", "locked")),
    Check("books", books.posted, (*_RECORDED, "standing", "head", "journal")),
    Check("plugins", books.plugins),
    Check("assertions", books.assertions, ("torn", "registers", "books", "plugins", "closes")),
)


def verify(where: Workspace | Path) -> list[Finding]:
    """Run every check on a workspace and return all findings; an empty list is the proof.

    Takes a workspace's root too: books whose manifest is broken cannot be opened. Reads only.
    """
    root = where if isinstance(where, Path) else where.root
    found: list[Finding] = []
    failed: set[str] = set()
    with Evidence(root) as evidence:
        for check in CHECKS:
            if failed & set(check.after):
                failed.add(check.name)  # not proven, so nothing that builds on it is
                continue
            try:
                mine = list(check.run(evidence))
            except FinopsError as error:
                mine = [Finding(check.name, str(error), str(root))]
            found += mine
            if mine:
                failed.add(check.name)
    return found


__all__ = ["CHECKS", "Check", "Finding", "verify"]
