"""The proof of an item or a match: rule and version, what was compared, both lines, the sum, what was not taken."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import tracing
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import plain
from finops_ledger.subledger.manifest import Line

_PLACE: Final = re.compile(r"[^\s,:]+:\d+")
_ROW: Final = re.compile(r"b-[0-9a-f]{16}:\d+")
_MORE: Final = re.compile(r"\(\+(\d+) more\)")
#: A suggestion: the item that it names, and why.
_ADVICE: Final = re.compile(r"(x-[0-9a-f]{16}) ([^;]*)")

Proof = dict[str, Any]


def of(space: Workspace, history: list[dict[str, Any]]) -> list[Proof]:
    """Return the proof of each item of a history as it stood last, by leg and reference.

    ``item match leg counterparty day class rule rules compared left right sums residue not_taken and_more
    bound_hit suggested``: the sides with batch, record, file and line; ``sums`` are left, right and settled, of
    which the residue is made.
    """
    last: dict[tuple[str, ...], dict[str, Any]] = {}
    for stand in history:
        key = (stand["leg"], stand["counterparty"], stand["ref"], stand["occurrence"])
        last[key] = stand
    return [_proof(space, stand) for _, stand in sorted(last.items())]


def _proof(space: Workspace, stand: dict[str, Any]) -> Proof:
    left, right, settled = (Decimal(n) for n in stand["sums"])
    rejected, advice = stand["rejected"] or "", stand["suggestion"] or ""
    more = _MORE.search(rejected)
    line = _line(space, stand)
    return {
        "item": stand["id"],
        "match": tracing.match_name(stand),
        "leg": stand["leg"],
        "counterparty": stand["counterparty"],
        "day": stand["day"],
        "class": stand["class"],
        "rule": stand["rule"],
        "rules": line["rules"] if line else None,
        "compared": _compared(space, stand),
        "left": _side(space, stand["left"]),
        "right": _side(space, stand["right"]),
        "sums": dict(zip(("left", "right", "settled"), stand["sums"], strict=True)),
        "residue": plain(left + right - settled),
        "not_taken": [_side(space, name) for name in _PLACE.findall(rejected)],
        "and_more": int(more[1]) if more else 0,
        "bound_hit": line.get("bound_hit", []) if line and not stand["closed"] else [],
        "suggested": [{"item": item, "why": why} for item, why in _ADVICE.findall(advice)],
    }


def _line(space: Workspace, stand: dict[str, Any]) -> Line | None:
    """The manifest's line of the run: it has the version of the SOP, and the bounds that were hit."""
    key = (stand["leg"], stand["counterparty"], date.fromisoformat(stand["day"]))
    return space.state.reconciled.get(key)


def _compared(space: Workspace, stand: dict[str, Any]) -> list[str]:
    """What the rule compared; rows that were added up are named by file and line."""
    if stand["operands"]:

        def placed(found: re.Match[str]) -> str:
            row = _side(space, found[0])
            return f"{row['file']}:{row['line']}" if row and row["file"] else found[0]

        return _ROW.sub(placed, str(stand["operands"])).split("; ")
    if stand["left"] is None or stand["right"] is None:
        return []
    return [f"key: {stand['ref']} = {stand['ref']}"]


def _side(space: Workspace, name: str | None) -> dict[str, Any] | None:
    """A row by name: with its file and line, where its batch still counts."""
    if name is None:
        return None
    batch, _, record = name.rpartition(":")
    found: dict[str, Any] = {"row": name, "file": None, "line": None}
    if batch in space.state.batches:
        try:
            row = tracing.row(space, batch, int(record))
        except UsageError:
            return found  # no row of the batch, such as a gap of its balance
        found |= {"file": row["file"], "line": row["line"]}
    return found
