"""Payment lists as they stand in decisions: which settlement, by which run, to which account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from beancount.core import data

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO
from finops_ledger.recon import decisions
from finops_ledger.recon.payments import TRANSIT

_NAME = "STL-"


@dataclass(frozen=True, slots=True)
class Listed:
    """One settlement on one list: ``amount`` is what the bank is to pay, negative when it was taken back."""

    settlement: str
    component: str
    day: date
    amount: Decimal
    run: str
    to: str
    checker: str
    place: str


def of(space: Workspace) -> list[Listed]:
    """Return what decisions put in transit, oldest first; of files that are written by hand as well."""
    found: list[Listed] = []
    for path in space.decision_files():
        if TRANSIT.encode() not in path.read_bytes():
            continue
        place = path.relative_to(space.root).as_posix()
        for entry in decisions.read([path])[1]:
            if isinstance(entry, data.Transaction):
                found += _of_entry(entry, place)
    return sorted(found, key=lambda one: one.day)


def _of_entry(entry: data.Transaction, place: str) -> list[Listed]:
    links = [link for link in entry.links if link.startswith(_NAME)]
    found = []
    for posting in entry.postings:
        number = getattr(posting.units, "number", None)
        if not posting.account.startswith(TRANSIT) or not isinstance(number, Decimal):
            continue
        named = (posting.meta or {}).get("settlement", entry.meta.get("settlement"))
        found.append(
            Listed(
                settlement=str(named or (links[0] if len(links) == 1 else "")),
                component=posting.account.removeprefix(TRANSIT),
                day=entry.date,
                amount=-number,
                run=str(entry.meta.get("run", "")),
                to=str(entry.meta.get("pay-to", "")),
                checker=str(entry.meta.get("checker", "")),
                place=f"{place}:{entry.meta['lineno']}",
            )
        )
    return found


def standing(lists: list[Listed]) -> dict[tuple[str, str], Listed]:
    """Return the list on which each settlement of a counterparty stands: those taken back stand on none."""
    sums: dict[tuple[str, str], Decimal] = {}
    last: dict[tuple[str, str], Listed] = {}
    for one in lists:
        key = one.component, one.settlement
        sums[key] = sums.get(key, ZERO) + one.amount
        if one.amount > ZERO:
            last[key] = one
    return {key: last[key] for key, amount in sums.items() if amount != ZERO and key in last}
