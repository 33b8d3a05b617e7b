"""Take a wrong import back: from its line on a batch counts for nothing (ruling 16).

The original, its rows and its line stay: what was done is seen, and rebuilding does it again. Neighbours take
over what the batch had been first to state; the books are those into which the file never came. The same bytes can
be imported again.
"""

from __future__ import annotations

from datetime import date, datetime

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.posting import withdrawal
from finops_ledger.subledger.manifest import Batch, Line


def withdraw(space: Workspace, batch_id: str, reason: str, by: str, now: datetime) -> Line:
    """Commit that a batch counts for nothing any more; return the line.

    Raises UsageError when there is no such batch, when nobody or nothing is given as the reason, and when what
    it posted stands in a closed period.
    """
    for option, text in (("--reason", reason), ("--by", by)):
        if not text.strip():
            raise UsageError(f"{option}: it is recorded with the withdrawal and cannot be empty")
    batch = space.state.batches.get(batch_id)
    if batch is None:
        raise UsageError(_unknown(space, batch_id))
    body = withdrawal.describe(space.local, space.root, space.registry, space.state, batch)
    _is_open(space, batch, [date.fromisoformat(d) for d in body["touches"]])
    return space.manifest.append(
        space.state,
        "withdraw",
        {
            "at": now.isoformat(timespec="seconds"),
            "batch": batch.id,
            "source": batch.source,
            "day": batch.day.isoformat(),
            "reason": reason,
            "by": by,
            **body,
        },
    )


def _unknown(space: Workspace, batch_id: str) -> str:
    gone = any(
        line["kind"] == "withdraw" and line["batch"] == batch_id for line in space.state.lines
    )
    if gone:
        return f"{batch_id} has been withdrawn already"
    return (
        f"{batch_id}: there is no such batch; the import names it, and so does every entry of its file "
        "in the journal"
    )


def _is_open(space: Workspace, batch: Batch, touched: list[date]) -> None:
    closed = sorted(d for d in {batch.home, *touched} if space.state.is_locked(d))
    if closed:
        raise UsageError(
            f"{batch.id} ({batch.name}) stands in a closed period (the books are locked up to "
            f"{space.state.locked}, it posts on {closed[0]}), so it cannot be withdrawn; have the sender correct "
            "its rows in a later file, which posts on an open day with orig_date"
        )
