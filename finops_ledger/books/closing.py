"""Close a period: from then on nothing in it is derived again, and what concerns it posts on an open day.

The line in the manifest says who closed it and when, the hash of all transactions up to its last day (which the
plugin ``periods`` proves) and the digest of each of its files of the journal (which ``verify`` compares).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from finops_ledger.books import journal, verdicts
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import IntegrityError, UsageError
from finops_ledger.plugins.periods import digests
from finops_ledger.subledger.manifest import Line

_SHOWN: Final = 5


def close(space: Workspace, through: date, by: str, now: datetime) -> Line:
    """Lock every day up to ``through``. The journal must be derived.

    Raises UsageError when a day of the period is incomplete (they are named), when it reaches beyond what files
    cover, or is closed already; IntegrityError when the books do not prove themselves.
    """
    _may_close(space, through, by)
    line = space.manifest.append(
        space.state,
        "close",
        {
            "at": now.isoformat(timespec="seconds"),
            "as_of": str(space.expected.as_of),
            "through": through.isoformat(),
            "by": by,
            "digest": _digest(space.root, through),
            "journal": dict(_files(space, through)),
        },
    )
    journal.derive(space)
    return line


def _may_close(space: Workspace, through: date, by: str) -> None:
    as_of, locked = space.expected.as_of, space.state.locked
    if not by.strip():
        raise UsageError("--by: say who closes the period")
    if as_of is None or through > as_of:
        reach = f"reach to {as_of}" if as_of else "are none yet"
        raise UsageError(f"{through} cannot be closed: the files that are in {reach}")
    if locked is not None and through <= locked:
        raise UsageError(f"{through} is closed already: the books are locked up to {locked}")
    open_ = [
        f"{one.day} {one.counterparty}: {'; '.join(one.reasons)}"
        for one in verdicts.of_days(space.expected)
        if one.day <= through and not space.state.is_locked(one.day) and one.verdict == "incomplete"
    ]
    if open_:
        more = f"\n  … and {len(open_) - _SHOWN} more" if len(open_) > _SHOWN else ""
        raise UsageError(
            f"{through} cannot be closed: {len(open_)} of its days are incomplete; bring what they wait for, "
            "reconcile, and close again:\n  " + "\n  ".join(open_[:_SHOWN]) + more
        )


def _digest(root: Path, through: date) -> str:
    entries, errors, _ = loaded(root)
    if errors:
        first = errors[0]
        raise IntegrityError(
            f"the books do not prove themselves, so nothing can be closed: {first.message} "
            f"({len(errors)} in all; finops check lists them)"
        )
    return next(digest for _, digest in digests(entries, [through]))


def loaded(root: Path) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Load the books past Beancount's cache, which does not see the manifest that a plugin reads."""
    from beancount import loader  # heavy: only where books are really loaded

    load = getattr(loader, "_uncached_load_file", loader.load_file)
    found: tuple[list[Any], list[Any], dict[str, Any]] = load(
        str(root / "main.beancount"), None, None, None
    )
    return found


def _files(space: Workspace, through: date) -> Iterator[tuple[str, str]]:
    """Each file of the journal that this close locks, with the digest of what it says."""
    for day in sorted(journal.days_with_content(space)):
        if day <= through and not space.state.is_locked(day):
            path = journal.path_of(space.root, day)
            yield path.relative_to(space.root).as_posix(), journal.content_digest(path)
