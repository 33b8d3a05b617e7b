"""What is looked at before a decision is recorded: a recorded one is never edited, so a slip must not get in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from beancount.core import data
from beancount.ops import validation
from beancount.parser import booking, parser

from finops_ledger.books.chart import accounted_for
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.plugins.approvals import approvals
from finops_ledger.posting import reading, vault, written_off

_PLUGIN: Final = re.compile(
    r'^plugin "finops_ledger\.plugins\.approvals"(?: "([^"]*)")?', re.MULTILINE
)
_OPEN: Final = re.compile(r"^\d{4}-\d{2}-\d{2} open ([A-Z][A-Za-z0-9:-]+)", re.MULTILINE)


def check(space: Workspace, path: Path, after_line: int) -> None:
    """Refuse new decisions that do not balance or name an account nobody opens; UsageError with file:line.

    Only what stands below ``after_line`` is looked at: the rest has been recorded.
    """
    entries, errors, options = parser.parse_file(str(path))
    booked, more = booking.book(entries, options)  # type: ignore[no-untyped-call]
    unbalanced = validation.validate_check_transaction_balances(booked, options)  # type: ignore[no-untyped-call]
    faults = [*errors, *more, *unbalanced]
    told = [
        f"{path}:{_line(fault.source)}: {fault.message.splitlines()[0]}"
        for fault in faults
        if _line(fault.source) > after_line
    ]
    known = _known(space)
    for entry in booked:
        if isinstance(entry, data.Transaction):
            line = _line(entry.meta)
            if space.state.is_locked(entry.date) and line > after_line:
                told.append(
                    f"{path}:{line}: {entry.date} is closed (the books are locked up to {space.state.locked}); "
                    "date the decision on an open day"
                )
            for posting in entry.postings:
                line = _line(posting.meta or entry.meta)
                if posting.account.startswith(written_off.INVENTORY) and line > after_line:
                    wrong = written_off.fault(entry, posting)
                    told += [f"{path}:{line}: {posting.account}: {wrong}"] if wrong else []
                if posting.account not in known and line > after_line:
                    told.append(
                        f"{path}:{line}: nobody opens the account {posting.account}; correct it, or open "
                        "it in accounts.beancount"
                    )
    told += _lacking(space, path, after_line)
    told += _approved(space, booked, options, path, after_line)
    if told:
        raise UsageError("\n".join(dict.fromkeys(told)))


def _lacking(space: Workspace, path: Path, after_line: int) -> Iterator[str]:
    """Say which new decisions take more out of a lot than it holds on their day."""
    new = [gone for gone in written_off.read(path) if gone.line > after_line]
    if not new:
        return
    reading.give_rules(space.local, space.registry)
    vault.none(space.local)
    filled = vault.fill(space.local, space.root, space.registry, space.state, new)
    for gone, lots in filled.lacking:
        if gone in new:
            currency = space.config.company.currency
            there = ", ".join(
                f"{plain(n)} {gone.commodity} {lot.spec(currency, dated=True)}"
                for lot, n in lots.items()
            )
            yield (
                f"{path}:{gone.line}: the lot holds {plain(lots.get(gone.lot, ZERO))} {gone.commodity} at the end of "
                f"{gone.day}, the decision takes {plain(gone.units)}; there are {there or 'none'} (see `finops stock`)"
            )


def _approved(
    space: Workspace, booked: list[Any], options: dict[str, Any], path: Path, after_line: int
) -> list[str]:
    """Say which new decisions the plugin ``approvals`` would refuse, as these books configure it."""
    main = (space.root / "main.beancount").read_text(encoding="utf-8")
    found = _PLUGIN.search(main)
    if found is None:
        return []
    errors = approvals(booked, options, found.group(1))[1]
    return [
        f"{path}:{e.source['lineno']}: {e.message}"
        for e in errors
        if e.code != "plugin-config" and int(e.source["lineno"]) > after_line
    ]


def _line(meta: Any) -> int:
    return int(meta.get("lineno", 0))


def _known(space: Workspace) -> set[str]:
    found = accounted_for(space)
    for path in [*space.root.glob("*.beancount"), space.root / "journal" / "accounts.beancount"]:
        if path.is_file():
            found.update(_OPEN.findall(path.read_text(encoding="utf-8")))
    return found
