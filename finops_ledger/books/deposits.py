"""Every deposit by day: rolled forward from the journal, beside what the partner's statements say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import statement
from finops_ledger.books.jobs import component_of
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.plugins.errors import figure
from finops_ledger.treasury import rollforward
from finops_ledger.treasury.rollforward import MOVEMENTS, RolledDay, Said

PREFIX: Final = "Assets:Deposits:"
#: Amounts of a day as :func:`deposits` writes them.
AMOUNTS = ("opening", *MOVEMENTS, "closing", "stated_opening", "stated", "off", "low", "floor")
#: The movement of what people post; it is shown as an adjustment.
BY_HAND: Final = "by hand"
_Figures = dict[str, Decimal]


def deposits(space: Workspace, loaded: Loaded, as_of: date | None = None) -> list[dict[str, Any]]:
    """Return each deposit's roll-forward by day: opening + movements = closing.

    ``tied`` says that the books' closing is what the partner's statement of the day says: its closing
    total, or where it has none, where the running balance of its rows ends, as its entry tells it; ``off`` is the
    books less the statement. ``tied_since`` is the first day of the unbroken run of tied days that ends here. A day
    without a statement is not tied. Amounts are text.
    """
    made = [
        told(space, partner, account, day)
        for partner, account, days in rolled(space, loaded, as_of)
        for day in days
    ]
    return sorted(made, key=lambda d: (d["day"], d["partner"]))


def rolled(
    space: Workspace, loaded: Loaded, as_of: date | None = None
) -> Iterator[tuple[str, str, list[RolledDay]]]:
    """Yield each partner with a deposit, its account, and its days since its first file."""
    last = as_of or space.expected.as_of
    if last is None:
        return
    entries = _told_by_entries(loaded)
    moved = _movements(loaded, space.config.company.currency)
    for sop in space.registry.named("supplier"):
        partner = sop.counterparty
        said = _said(space, entries, partner)
        if not said or min(said) > last:
            continue
        account = PREFIX + component_of(space, partner)
        first = min(said)
        moves = moved[account]
        opening, of_days = moves.since(first)
        for day, lows in moves.lows.items():
            its = said.get(day, Said())
            said[day] = Said(its.opening, its.closing, min(lows))
        days = rollforward.roll(opening, first, last, of_days, said, moves.dips)
        yield partner, account, days


def told(space: Workspace, partner: str, account: str, one: RolledDay) -> dict[str, Any]:
    """Write a day of a deposit: one dictionary with the keys of ``deposits --json``."""
    floor = space.registry.of(partner).on(one.day).deposit.floor
    return {
        "day": one.day.isoformat(),
        "partner": partner,
        "account": account,
        "currency": space.config.company.currency,
        "opening": plain(one.opening),
        **{m: plain(a) for m, a in one.moved.items()},
        "closing": plain(one.closing),
        "stated_opening": _text(one.said.opening),
        "stated": _text(one.said.closing),
        "off": _text(one.difference),
        "tied": one.tied,
        "tied_since": one.tied_since.isoformat() if one.tied_since else None,
        "low": plain(one.low),
        "floor": plain(floor),
        "below_floor": bool(floor) and one.low < floor,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _told_by_entries(loaded: Loaded) -> dict[tuple[str, str], _Figures]:
    """What the entry of each batch and partner says of its statement: ``opening``, ``closing``."""
    found: dict[tuple[str, str], _Figures] = {}
    for entry in loaded.transactions():
        if "closing" in entry.meta and entry.tags & statement.LEG_OF.keys():
            values = {k: figure(entry.meta.get(k)) for k in ("opening", "closing")}
            key = entry.meta.get("batch", ""), entry.meta.get("partner", "")
            found[key] = {k: v for k, v in values.items() if v is not None}
    return found


def _said(
    space: Workspace, told: dict[tuple[str, str], _Figures], partner: str
) -> dict[date, Said]:
    """What the partner's statements say of the beginning and the end of each day.

    Of a day in parts the last part says where it ended, the first where it began, whichever came last.
    """
    found: dict[date, Said] = {}
    for batch in sorted(space.state.batches.values(), key=lambda b: b.part or (0, 0)):
        if batch.counterparty != partner or not statement.moves(space, batch):
            continue
        if not space.state.speaks(batch):
            continue
        entry = told.get((batch.id, partner), {})
        total = batch.line["stated"]["closing"]
        closing = entry.get("closing") if total is None else Decimal(total)
        first, last = batch.covers
        before = found.get(last, Said())
        opening = entry.get("opening") if before.opening is None else before.opening
        opening = opening if first == last else None
        found[last] = Said(opening, before.closing if closing is None else closing)
        found.setdefault(first, Said())
    return found


@dataclass
class _Moves:
    """What an account moved, in the order of the journal, and how low the entries say that its days went."""

    all: list[tuple[date, str, Decimal]] = field(default_factory=list)
    lows: dict[date, list[Decimal]] = field(default_factory=dict)
    dips: dict[date, Decimal] = field(default_factory=dict)

    def since(self, first: date) -> tuple[Decimal, dict[tuple[date, str], Decimal]]:
        """Return the opening, which is all before a day, and from then on the sums by day and movement."""
        opening = ZERO
        moved: dict[tuple[date, str], Decimal] = {}
        for day, name, amount in self.all:
            if day < first or (day == first and name == BY_HAND):
                # An opening balance may bear the date of the first statement: it stands before its rows.
                opening += amount
            else:
                of = rollforward.movement_of(name)
                moved[day, of] = moved.get((day, of), ZERO) + amount
        return opening, moved


def _movements(loaded: Loaded, currency: str) -> dict[str, _Moves]:
    """What each deposit moved, by account: one pass over the entries, however many partners there are.

    Another currency than the books' is an error of the journal, and adds up with nothing.
    """
    found: dict[str, _Moves] = defaultdict(_Moves)
    for entry in loaded.transactions():
        mine = set()
        by_rows = bool(entry.tags & statement.LEG_OF.keys())
        for posting in entry.postings:
            if posting.account.startswith(PREFIX) and posting.units.currency == currency:
                mine.add(posting.account)
                name = (posting.meta or {}).get("kind", "") if by_rows else BY_HAND
                found[posting.account].all.append((entry.date, name, posting.units.number))
        if not mine or not by_rows:
            continue
        low, dip = (figure(entry.meta.get(k)) for k in ("low", "dip"))
        for account in mine:
            its = found[account]
            if low is not None:
                its.lows.setdefault(entry.date, []).append(low)
            if dip is not None:
                its.dips[entry.date] = min(dip, its.dips.get(entry.date, ZERO))
    return found
