"""What people take out of the vault: codes that have expired, or that a count did not find.

A decision does it, lot by lot: ``Assets:Inventory:Game-Voucher  -10 MLBB86 {19500 IDR, 2026-05-11, "B-2605-02"}``
against what they have cost. Of a day it comes last, after what came in and what was sold, so that the order of entries
in the journal makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from beancount.core import data
from beancount.core.position import CostSpec
from beancount.parser import parser

from finops_ledger.posting.stock import Gone, Lot
from finops_ledger.subledger.manifest import State

INVENTORY: Final = "Assets:Inventory:"


def recorded(root: Path, state: State) -> list[Gone]:
    """Return what the recorded decisions take out of the vault, in the order of their days."""
    found: list[Gone] = []
    for name, line in sorted(state.decisions.items()):
        found += read(root / name, line["bytes"])
    return in_order(found)


def in_order(found: Iterable[Gone]) -> list[Gone]:
    """Put what is taken out into the order of its days."""
    return sorted(found, key=lambda one: (one.day, one.line))


def read(path: Path, size: int | None = None) -> list[Gone]:
    """Return what a file of decisions, or its first ``size`` bytes, takes out of the vault."""
    text = path.read_bytes()[:size] if path.is_file() else b""
    if INVENTORY.encode() not in text:
        return []
    entries, _, _ = parser.parse_string(text.decode("utf-8"))
    return list(of_entries(entries))


def of_entries(entries: Iterable[data.Directive]) -> Iterator[Gone]:
    """Yield what entries of a decisions file take out; what :func:`fault` finds wrong is left out."""
    for entry in (e for e in entries if isinstance(e, data.Transaction)):
        for posting in entry.postings:
            if posting.account.startswith(INVENTORY):
                found = _read(entry, posting)
                if isinstance(found, Gone):
                    yield found


def fault(entry: data.Transaction, posting: data.Posting) -> str:
    """Say what a posting of a decision to the vault lacks; nothing when it names units and one lot in full."""
    found = _read(entry, posting)
    return found if isinstance(found, str) else ""


def _read(entry: data.Transaction, posting: data.Posting) -> Gone | str:
    units, cost = posting.units, posting.cost
    number = getattr(units, "number", None)
    if units is None or not isinstance(number, Decimal) or number >= 0:
        return "codes come in by code files alone; a decision takes them out, so write the units with a minus"
    per_unit = cost.number_per if isinstance(cost, CostSpec) else getattr(cost, "number", None)
    came = getattr(cost, "date", None)
    if cost is None or not isinstance(per_unit, Decimal) or came is None:
        return 'name the lot in full: {19500 IDR, 2026-05-11, "B-2605-02"} (see `finops stock`)'
    if came >= entry.date:
        return f"the lot came on {came}: date the decision on a later day"
    lot = Lot(per_unit, came, cost.label or "")
    line = int((posting.meta or entry.meta)["lineno"])
    return Gone(entry.date, posting.account, units.currency, -number, lot, line)
