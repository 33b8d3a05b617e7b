"""Codes in stock: the lots that the books hold, until when they may be sold, and what a count has found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.written_off import INVENTORY

_DAY: Final = timedelta(days=1)


class Held(NamedTuple):
    """A lot as Beancount tells it from others: account, commodity, cost, currency, the day it came, label."""

    account: str
    commodity: str
    cost: Decimal
    currency: str
    came: date
    label: str

    @property
    def position(self) -> str:
        """The lot as a decision writes it, behind the number of units."""
        label = f', "{self.label}"' if self.label else ""
        return f"{self.commodity} {{{plain(self.cost)} {self.currency}, {self.came}{label}}}"


def lots(
    entries: Iterable[Any], upto: date, counts: Callable[[Any], bool] = lambda _: True
) -> dict[Held, Decimal]:
    """Return what lies in the vault at the end of a day, in units, oldest first; ``counts``: entries that do."""
    found: dict[Held, Decimal] = {}
    for entry in entries:
        if entry.date > upto or not counts(entry):
            continue
        for p in entry.postings:
            if p.account.startswith(INVENTORY) and p.cost is not None:
                key = Held(
                    p.account,
                    p.units.currency,
                    p.cost.number,
                    p.cost.currency,
                    p.cost.date,
                    p.cost.label or "",
                )
                found[key] = found.get(key, ZERO) + p.units.number
    return {k: found[k] for k in sorted(found, key=lambda k: (*k[:2], k.came, k.label)) if found[k]}


def stock(space: Workspace, loaded: Loaded, as_of: date | None = None) -> dict[str, Any]:
    """Return the vault at the end of a day: ``lots`` and ``counts`` (``stock --json``); amounts are text.

    A lot ``expires`` so many days after it came as ``shelf`` of its supplier's SOP says, by the version of that day;
    ``left`` is how many days that is from the day that is looked at, negative when it is past. A count is a
    ``balance`` that a person wrote into ``decisions/``; ``books`` is what the books held on its morning.
    """
    day = as_of or space.expected.as_of
    currency = space.config.company.currency
    if day is None:
        return {"as_of": None, "currency": currency, "lots": [], "counts": []}
    suppliers = _suppliers(loaded)
    made = []
    for held, units in lots(loaded.transactions(), day).items():
        partner = suppliers.get(held, "")
        expires = _expires(space, partner, held.came)
        left = None if expires is None else (expires - day).days
        made.append(
            {
                "account": held.account,
                "product": held.commodity,
                "partner": partner,
                "lot": held.label,
                "came": held.came.isoformat(),
                "cost": plain(held.cost),
                "units": plain(units),
                "value": plain(units * held.cost),
                "expires": expires.isoformat() if expires else None,
                "left": left,
                "state": "expired" if left is not None and left < 0 else "",
                "position": held.position,
            }
        )
    return {
        "as_of": day.isoformat(),
        "currency": currency,
        "lots": made,
        "counts": _counts(space, loaded, day),
    }


def _suppliers(loaded: Loaded) -> dict[Held, str]:
    found: dict[Held, str] = {}
    for entry in loaded.transactions():
        if "supply" in entry.tags:
            for held in lots([entry], entry.date):
                found.setdefault(held, str(entry.meta.get("partner", "")))
    return found


def _expires(space: Workspace, partner: str, came: date) -> date | None:
    sop = space.registry.sops.get(partner)
    supply = sop.on(came).supply if sop is not None else None
    return came + supply.shelf if supply is not None and supply.shelf is not None else None


def _counts(space: Workspace, loaded: Loaded, day: date) -> list[dict[str, Any]]:
    """The last count of each product that people wrote, up to a day, beside what the books held."""
    from beancount.core.data import Balance

    folder = str((space.root / "decisions").resolve())
    last: dict[tuple[str, str], Any] = {}
    for entry in loaded.entries:
        if (
            isinstance(entry, Balance)
            and entry.account.startswith(INVENTORY)
            and entry.date - _DAY <= day
            and str(entry.meta["filename"]).startswith(folder)
        ):
            last[entry.account, entry.amount.currency] = entry
    made = []
    for (account, commodity), entry in sorted(last.items()):
        evening = entry.date - _DAY
        held = lots(loaded.transactions(), evening)
        units = sum(
            (n for k, n in held.items() if (k.account, k.commodity) == (account, commodity)), ZERO
        )
        made.append(
            {
                "account": account,
                "product": commodity,
                "day": evening.isoformat(),
                "counted": plain(entry.amount.number),
                "books": plain(units),
                "difference": plain(entry.amount.number - units),
            }
        )
    return made
