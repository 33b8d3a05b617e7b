"""Journal entries of the machine: plain values, and the one way in which they are written.

Beancount text is written here and read back by Beancount in tests; the same entries always give the
same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from finops_ledger.core.money import plain

_ACCOUNT_WIDTH = 54
_NUMBER_WIDTH = 16

MetaValue = str | int | Decimal | date


@dataclass(frozen=True, slots=True)
class Posting:
    """One leg of an entry: account, signed amount, metadata in the order in which it is shown."""

    account: str
    amount: Decimal
    meta: tuple[tuple[str, MetaValue], ...] = ()
    #: Of a posting in units of a commodity: how many, of what, and at which cost; ``amount`` is its weight.
    units: tuple[Decimal, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction of the machine."""

    day: date
    payee: str
    narration: str
    tag: str
    postings: tuple[Posting, ...]
    meta: tuple[tuple[str, MetaValue], ...] = ()
    links: tuple[str, ...] = ()
    sort: tuple[str, ...] = field(default=())

    def total(self) -> Decimal:
        """The sum of the postings: zero, or the entry must not be written."""
        return sum((p.amount for p in self.postings), Decimal(0))


def quote(text: str) -> str:
    """Write a text as a Beancount string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _meta(indent: str, meta: Sequence[tuple[str, MetaValue]]) -> list[str]:
    lines = []
    for key, value in meta:
        if isinstance(value, str):
            shown = quote(value)
        elif isinstance(value, date):
            shown = value.isoformat()
        else:
            shown = plain(Decimal(value))
        lines.append(f"{indent}{key}: {shown}")
    return lines


def write(entry: Entry, currency: str) -> str:
    """Write one entry as Beancount text, ending in a newline."""
    head = f"{entry.day.isoformat()} * {quote(entry.payee)} {quote(entry.narration)} #{entry.tag}"
    lines = [" ".join([head, *(f"^{link}" for link in entry.links)])]
    lines += _meta("  ", entry.meta)
    for posting in entry.postings:
        units, what, cost = posting.units or (posting.amount, currency, "")
        shown = f"{plain(units).rjust(_NUMBER_WIDTH)} {what} {cost}".rstrip()
        lines.append(f"  {posting.account.ljust(_ACCOUNT_WIDTH)} {shown}")
        lines += _meta("    ", posting.meta)
    return "\n".join(lines) + "\n"


def balance(day: date, account: str, amount: Decimal, currency: str) -> str:
    """Write a balance directive with no tolerance, so that not a cent slips through."""
    return f"{day.isoformat()} balance {account.ljust(_ACCOUNT_WIDTH)} {plain(amount)} ~ 0 {currency}\n"


def custom(day: date, kind: str, *values: str) -> str:
    """Write a custom directive; the values are Beancount text already."""
    return " ".join([f"{day.isoformat()} custom {quote(kind)}", *values]) + "\n"
