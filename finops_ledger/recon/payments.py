"""Payment lists: what people decided to pay to suppliers, as the left side of the leg to the bank (ruling 42).

A payment list is a decision. Its posting to ``Assets:Clearing:Settlement-In-Transit:<Partner>`` is what the bank
is to pay, and names its settlement: ``settlement: "STL-AggB-20260513"`` on the posting or on the entry, or
the entry's one link ``^STL-AggB-20260513``.

Its other postings say what the payment is made up of: the payable it clears, the commission and claims that are set
off, the tax that is withheld from the commission.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final

from beancount.core import data
from beancount.parser import parser

from finops_ledger.core.errors import UsageError

TRANSIT: Final = "Assets:Clearing:Settlement-In-Transit:"
_NAME: Final = "STL-"


@dataclass(frozen=True, slots=True)
class Payment:
    """What one posting of a payment list puts in transit; ``amount`` is negative: our bank will pay it."""

    day: date
    component: str
    settlement: str
    amount: Decimal
    path: Path
    line: int
    #: What the payment is made up of: the entry's other postings; empty where it pays several settlements.
    parts: tuple[tuple[str, Decimal], ...] = ()
    due: date | None = None

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"

    def key(self, counterparty: str) -> str:
        """Return the settlement as the bank's line names it, without the counterparty's name.

        Raises UsageError, with file and line, when the posting names none.
        """
        if not self.settlement:
            raise UsageError(
                f"{self.place}: a payment to {counterparty} must name its settlement; add  "
                f'settlement: "{_NAME}{counterparty}-…"  below the posting, or link the entry to it'
            )
        return self.settlement.removeprefix(_NAME).removeprefix(f"{counterparty}-")


def read(paths: Iterable[Path]) -> list[Payment]:
    """Return the payments that decision files hold, in their order."""
    found: list[Payment] = []
    for path in paths:
        stat = path.stat()
        found += _of_file(path, stat.st_mtime_ns, stat.st_size)
    return found


def standing(payments: Iterable[Payment]) -> list[Payment]:
    """Return the payments that were not taken back: an opposite, of the same day, ends the last one of its code."""
    found: list[Payment] = []
    for one in payments:
        ended = [
            place
            for place, other in enumerate(found)
            if (other.component, other.settlement, other.day)
            == (one.component, one.settlement, one.day)
            and other.amount == -one.amount
        ]
        if ended and one.settlement:
            del found[ended[-1]]
        else:
            found.append(one)
    return found


@lru_cache(maxsize=64)
def _of_file(path: Path, _changed: int, _size: int) -> tuple[Payment, ...]:
    if TRANSIT.encode() not in path.read_bytes():
        return ()
    entries, errors, _ = parser.parse_file(str(path))
    if errors:
        raise UsageError("\n".join(f"{path}:{e.source['lineno']}: {e.message}" for e in errors))
    transactions = [e for e in entries if isinstance(e, data.Transaction)]
    return tuple(
        _payment(path, entry, posting)
        for entry in transactions
        for posting in entry.postings
        if posting.account.startswith(TRANSIT)
    )


def _payment(path: Path, entry: data.Transaction, posting: data.Posting) -> Payment:
    meta = posting.meta or {}
    line = int(str(meta.get("lineno", entry.meta["lineno"])))
    number = getattr(posting.units, "number", None)
    if not isinstance(number, Decimal):
        raise UsageError(f"{path}:{line}: write the amount of {posting.account} in full")
    links = [link for link in entry.links if link.startswith(_NAME)]
    named = meta.get("settlement", entry.meta.get("settlement"))
    named = named or (links[0] if len(links) == 1 else "")
    component = posting.account.removeprefix(TRANSIT)
    due = meta.get("due", entry.meta.get("due"))
    return Payment(
        entry.date,
        component,
        str(named),
        number,
        path,
        line,
        _parts(entry),
        due if isinstance(due, date) else None,
    )


def _parts(entry: data.Transaction) -> tuple[tuple[str, Decimal], ...]:
    others = [p for p in entry.postings if not p.account.startswith(TRANSIT)]
    if len(entry.postings) - len(others) != 1:
        return ()
    amounts = [(p.account, getattr(p.units, "number", None)) for p in others]
    return tuple((account, n) for account, n in amounts if isinstance(n, Decimal))
