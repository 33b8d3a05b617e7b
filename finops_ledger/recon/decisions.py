"""Decisions: what people wrote into ``decisions/``, as amounts on items.

A decision is itself the transaction. Its postings to Breaks and Claims name their item by ``break: "x-…"``, on
the posting or on the entry (ruling 25).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from beancount.core import data
from beancount.parser import parser

from finops_ledger.core.errors import UsageError

BREAKS = "Assets:Breaks:"
CLAIMS = "Assets:Claims:"
#: What customers owe is no claim on the counterparty of a break: a re-charge settles it, not a restore.
CUSTOMERS = "Assets:Claims:Customer"


@dataclass(frozen=True, slots=True)
class Decided:
    """What one transaction does to one item: on its Breaks account and on Claims."""

    day: date
    item: str
    breaks: Decimal
    claims: Decimal
    accounts: tuple[str, ...]
    place: str
    part: bool = False  #: its postings say that they move a part of the item only

    @property
    def line(self) -> int:
        """The line of the file on which it stands."""
        return int(self.place.rpartition(":")[2])


def read(paths: Iterable[Path]) -> tuple[list[Decided], list[data.Directive]]:
    """Parse decision files; return what they decide about items, and all their entries.

    Raises UsageError, with file and line, when a file does not parse or a posting to Breaks or Claims
    names no item.
    """
    decided: list[Decided] = []
    entries: list[data.Directive] = []
    for path in paths:
        found, errors, _ = parser.parse_file(str(path))
        if errors:
            lines = [f"{path}:{e.source['lineno']}: {e.message}" for e in errors]
            raise UsageError("\n".join(lines))
        entries.extend(found)
        for entry in found:
            if isinstance(entry, data.Transaction):
                decided.extend(_of(entry, path))
    return decided, entries


def _of(entry: data.Transaction, path: Path) -> list[Decided]:
    sums: dict[str, list[Any]] = {}
    for posting in entry.postings:
        on_breaks = posting.account.startswith(BREAKS)
        if not on_breaks and not posting.account.startswith(CLAIMS):
            continue
        meta = posting.meta or {}
        place = f"{path}:{meta.get('lineno', entry.meta['lineno'])}"
        item = meta.get("break", entry.meta.get("break"))
        if not item:
            raise UsageError(
                f"{place}: a posting to {posting.account} must say which break it is about; "
                'add  break: "x-…"  (see `finops breaks`)'
            )
        if posting.units is None or posting.units.number is None:
            raise UsageError(f"{place}: write the amount of {posting.account} in full")
        one = sums.setdefault(str(item), [Decimal(0), Decimal(0), [], place, False])
        if posting.account != CUSTOMERS:
            one[0 if on_breaks else 1] += posting.units.number
        one[2].append(posting.account)
        one[4] = one[4] or meta.get("move") == "adjust"
    return [
        Decided(entry.date, item, breaks, claims, tuple(accounts), place, part)
        for item, (breaks, claims, accounts, place, part) in sums.items()
    ]


def together(decided: Iterable[Decided]) -> list[Decided]:
    """Add up what is decided about one item on one day.

    A decision that does not fit is taken back by its opposite, dated the same day: together they decide nothing.
    """
    found: dict[tuple[date, str], Decided] = {}
    for one in decided:
        before = found.get((one.day, one.item))
        if before is not None:
            one = replace(
                one,
                breaks=before.breaks + one.breaks,
                claims=before.claims + one.claims,
                accounts=tuple(dict.fromkeys((*before.accounts, *one.accounts))),
                part=before.part or one.part,
            )
        found[one.day, one.item] = one
    return [one for one in found.values() if one.breaks or one.claims]
