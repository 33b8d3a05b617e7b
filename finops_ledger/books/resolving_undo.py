"""Take a decision back: its opposite, below it and on its own day; together the two decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from beancount.core import data
from beancount.core.amount import Amount

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.posting.entries import Entry, MetaValue, Posting
from finops_ledger.recon import decisions

#: What says who and where, and not what was decided.
_PLACES: Final = ("filename", "lineno")
_OWN: Final = ("maker", "checker", "evidence", "limit", "up-to", decisions.TAKEN_BACK)


def opposite(
    space: Workspace, items: tuple[str, ...], case: str, maker: str, checker: str, reason: str
) -> Entry:
    """Return what takes back the last decision about items (or of a case) that still holds.

    UsageError when there is none, when its day is closed, or when it decides about more items than are named.
    """
    held = list(_holding(space))
    if case:
        found = [one for one in held if str(one[0].meta.get("case", "")) == case]
        about = f"the case {case}"
    else:
        found = [one for one in held if set(items) & one[1]]
        about = ", ".join(items)
    if not found:
        raise UsageError(f"{about}: no decision that could be taken back")
    entry, of, place = found[-1]
    others = sorted(of - set(items))
    if not case and others:
        raise UsageError(
            f"{place} decides about {', '.join(others[:5])} as well"
            + (f" and {len(others) - 5} more" if len(others) > 5 else "")
            + "; name all of its items, or take the whole of it back with --case"
        )
    if space.state.is_locked(entry.date):
        raise UsageError(
            f"{place} stands in a period that is closed (up to {space.state.locked}): what was decided then stays; "
            "decide anew what is open now"
        )
    meta = [(k, _value(v)) for k, v in entry.meta.items() if _told(k) and k not in _OWN]
    meta += [("maker", maker), ("checker", checker), (decisions.TAKEN_BACK, place)]
    return Entry(
        entry.date,
        entry.payee or "",
        "Taken back: " + (entry.narration or "") + (f": {reason}" if reason else ""),
        "decision",
        tuple(_turned(p) for p in entry.postings),
        tuple(meta),
    )


def _holding(space: Workspace) -> Iterator[tuple[data.Transaction, set[str], str]]:
    """Yield each decision about items that has not been taken back: entry, items, place."""
    found: list[tuple[data.Transaction, set[str], str]] = []
    for path in space.decision_files():
        for entry in decisions.read([path])[1]:
            if isinstance(entry, data.Transaction):
                of = {one.item for one in decisions.of_entry(entry, path)}
                found.append((entry, of, _place(space, path, entry)))
    back = {str(entry.meta.get(decisions.TAKEN_BACK, "")) for entry, _, _ in found}
    for entry, of, place in found:
        if of and place not in back and decisions.TAKEN_BACK not in entry.meta:
            yield entry, of, place


def _place(space: Workspace, path: Path, entry: data.Transaction) -> str:
    return f"{path.relative_to(space.root).as_posix()}:{entry.meta['lineno']}"


def _told(key: str) -> bool:
    return key not in _PLACES and not key.startswith("__")


def _turned(posting: data.Posting) -> Posting:
    amount: Any = posting.units
    meta = [(k, _value(v)) for k, v in (posting.meta or {}).items() if _told(k)]
    # What opened items closes them now, and the other way round.
    turned = {"open": "close", "close": "open"}
    if "count" in dict(meta):
        meta = [(k, turned.get(str(v), v) if k == "move" else v) for k, v in meta]
    return Posting(posting.account, -amount.number, tuple(meta))


def _value(value: Any) -> MetaValue:
    if isinstance(value, Amount) and value.number is not None:
        return value.number
    return value if isinstance(value, str | int | Decimal | date) else str(value)
