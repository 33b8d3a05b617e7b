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
    return turned(entry, place, maker, checker, reason)


def turned(entry: data.Transaction, place: str, maker: str, checker: str, reason: str) -> Entry:
    """Return the opposite of one decision, of its own day; a payment list's names its settlement as well."""
    meta = [(k, _value(v)) for k, v in entry.meta.items() if _told(k) and k not in _OWN]
    meta += [("maker", maker), ("checker", checker), (decisions.TAKEN_BACK, place)]
    others = sorted((entry.tags or set()) - {"decision"})
    return Entry(
        entry.date,
        entry.payee or "",
        "Taken back: " + (entry.narration or "") + (f": {reason}" if reason else ""),
        " #".join([*others, "decision"]),
        tuple(_turned(p) for p in entry.postings),
        tuple(meta),
        tuple(sorted(entry.links or ())),
    )


def _holding(space: Workspace) -> Iterator[tuple[data.Transaction, set[str], str]]:
    """Yield each decision about items that has not been taken back: entry, items, place."""
    for entry, path in standing(space):
        if of := {one.item for one in decisions.of_entry(entry, path)}:
            yield entry, of, place_of(space, path, entry)


def standing(space: Workspace) -> list[tuple[data.Transaction, Path]]:
    """Return every decision that has not been taken back, with its file."""
    found = [
        (entry, path)
        for path in space.decision_files()
        for entry in decisions.read([path])[1]
        if isinstance(entry, data.Transaction)
    ]
    back = {str(entry.meta.get(decisions.TAKEN_BACK, "")) for entry, _ in found}
    return [
        (entry, path)
        for entry, path in found
        if decisions.TAKEN_BACK not in entry.meta and place_of(space, path, entry) not in back
    ]


def place_of(space: Workspace, path: Path, entry: data.Transaction) -> str:
    """Return where a decision stands, as the one that takes it back names it."""
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
