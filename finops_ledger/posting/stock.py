"""Codes held in stock: lots that came in, and what each sale takes of them, oldest lot first (worked-cases 18).

The order is the journal's: by posting day; on a day first what comes in, then what is sold, file by file; in a file by
the time of the rows. It is the order in which Beancount books with ``FIFO``, so that the cost of a sale is what
its ``{}`` takes. It depends on what is in, never on the order of arrival.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from finops_ledger.core.ids import account_component
from finops_ledger.core.money import ZERO, plain, quantum
from finops_ledger.posting.entries import Posting, quote

#: What an entry is about: batch, counterparty, posting day, locked day.
Place = tuple[str, str, date, date | None]


def account(category: str) -> str:
    """Return the account on which the codes of a category lie."""
    return f"Assets:Inventory:{account_component(category)}"


def commodity(product: str) -> str:
    """Return a product's code as a commodity: capitals and digits; ``MLBB86`` stays what it is."""
    text = re.sub(r"[^A-Z0-9'._-]", "-", product.upper()).strip("'._-")
    return text if re.match(r"[A-Z]", text) and text != "IDR" else f"X-{text}".rstrip("-")


class Lot(NamedTuple):
    """What tells units of one commodity apart, as in Beancount: cost, day of coming in, label."""

    cost: Decimal
    day: date
    label: str

    def spec(self, currency: str, *, dated: bool) -> str:
        """Return the lot between braces; a lot that comes in takes the day of its entry."""
        parts = [f"{plain(self.cost)} {currency}"]
        parts += [self.day.isoformat()] if dated else []
        parts += [quote(self.label)] if self.label else []
        return "{" + ", ".join(parts) + "}"


class Received(NamedTuple):
    """Rows of one code file that say the same: so many of ``quantity`` units for ``paid`` (negative: given back).

    They come in the order of the file: of lots that come on one day the first one is the oldest.
    """

    place: Place
    category: str
    product: str
    label: str
    rows: int
    quantity: Decimal
    paid: Decimal


class Wanted(NamedTuple):
    """What an entry of sales takes of one product: ``units``; ``whole`` says how many of a number are whole rows."""

    place: Place
    category: str
    product: str
    units: Decimal
    whole: Callable[[Decimal], Decimal]


class Returned(NamedTuple):
    """A sale that is undone: what it took (its entry, product and place in it) goes back to its lots."""

    place: Place
    taken: tuple[Place, str, str]
    start: Decimal
    end: Decimal


class Gone(NamedTuple):
    """``units`` of one lot that a decision takes out of the vault; ``line``: where it stands in its file."""

    day: date
    account: str
    commodity: str
    units: Decimal
    lot: Lot
    line: int


class Segment(NamedTuple):
    """Units of an entry of sales, by their place in it, that came from one lot."""

    place: Place
    category: str
    product: str
    start: Decimal
    end: Decimal
    lot: Lot


@dataclass
class Stock:
    """The vault over all days: postings by entry, units by day, and which units of each entry came from which lot."""

    currency: str = "IDR"
    postings: dict[Place, list[Posting]] = field(default_factory=dict)
    units: dict[date, dict[tuple[str, str], Decimal]] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    #: What decisions take out of lots that do not hold it, with the lots that there are.
    lacking: list[tuple[Gone, dict[Lot, Decimal]]] = field(default_factory=list)
    _lots: dict[tuple[str, str], dict[Lot, Decimal]] = field(default_factory=dict)
    _taken: dict[tuple[Place, str, str], list[Segment]] = field(default_factory=dict)

    def run(
        self,
        received: Iterable[Received],
        wanted: Iterable[Wanted],
        returned: Iterable[Returned],
        rank: Mapping[str, tuple[str, ...]],
        gone: Iterable[Gone] = (),
    ) -> None:
        """Take up everything in the order of the journal; ``rank`` orders the batches of a day and counterparty.

        ``gone``: what decisions take out, in the order of their days; on its day, after all else.
        """
        left = deque(gone)
        came: dict[Place, list[Received]] = {}
        orders: dict[Place, list[Wanted | Returned]] = {}
        for row in received:
            came.setdefault(row.place, []).append(row)
        # Within an entry Beancount takes from what lay there before it: what comes back comes after.
        for order in wanted:
            orders.setdefault(order.place, []).append(order)
        for undone in returned:
            orders.setdefault(undone.place, []).append(undone)

        def in_journal(place: Place) -> tuple[object, ...]:
            batch, partner, day, orig = place
            return day, place not in came, partner, *rank[batch], str(orig or "")

        for place in sorted({*came, *orders}, key=in_journal):
            while left and left[0].day < place[2]:
                self._lose(left.popleft())
            self._receive(place, came.get(place, []))
            for one in orders.get(place, []):
                if isinstance(one, Wanted):
                    self._take(one)
                else:
                    self._give_back(one)
        for one_gone in left:
            self._lose(one_gone)

    def _at(self, category: str, product: str) -> tuple[str, str]:
        return account(category), commodity(product)

    def _move(self, at: tuple[str, str], lot: Lot, units: Decimal, day: date) -> None:
        lots = self._lots.setdefault(at, {})
        # As in Beancount's inventory: a lot that is used up and comes back stands last.
        left = lots.get(lot, ZERO) + units
        lots[lot] = left
        if left == ZERO:
            del lots[lot]
        self.units.setdefault(day, {})[at] = sum(lots.values(), ZERO)

    def _post(
        self,
        place: Place,
        at: tuple[str, str],
        units: Decimal,
        spec: str,
        weight: Decimal,
        kind: str,
        category: str,
    ) -> None:
        meta = (("kind", kind), ("category", category))
        made = Posting(at[0], weight, meta, (units, at[1], spec))
        self.postings.setdefault(place, []).append(made)

    def _receive(self, place: Place, rows: Iterable[Received]) -> None:
        net: dict[tuple[str, str, Lot], Decimal] = {}
        smallest = quantum(self.currency)
        for row in rows:
            for units, cost in _priced(row, smallest):
                key = (row.category, row.product, Lot(cost, place[2], row.label))
                net[key] = net.get(key, ZERO) + units
        for category, product, lot in net:
            at, units = self._at(category, product), net[category, product, lot]
            if units > ZERO:
                self._move(at, lot, units, place[2])
                spec = lot.spec(self.currency, dated=False)
                self._post(place, at, units, spec, units * lot.cost, "usage", category)
            elif units < ZERO:
                self._send_back(place, category, at, lot, -units)

    def _send_back(
        self, place: Place, category: str, at: tuple[str, str], wanted: Lot, units: Decimal
    ) -> None:
        """Codes that the partner takes back leave their lot; of those that are sold only the money comes back."""
        lots = self._lots.get(at, {})
        same = [lot for lot in lots if (lot.cost, lot.label) == (wanted.cost, wanted.label)]
        for lot in sorted(same, key=lambda one: one.day):
            part = min(units, lots[lot])
            if part > ZERO:
                self._move(at, lot, -part, place[2])
                spec = lot.spec(self.currency, dated=True)
                self._post(place, at, -part, spec, -part * lot.cost, "refund", category)
                units -= part
        if units > ZERO:
            cogs = f"Expenses:COGS:{account_component(category)}"
            meta = (("kind", "refund"), ("category", category))
            made = Posting(cogs, -units * wanted.cost, meta)
            self.postings.setdefault(place, []).append(made)

    def _lose(self, gone: Gone) -> None:
        """A decision takes codes out of their lot; if fewer are left, the day's balance in units does not hold."""
        at = gone.account, gone.commodity
        there = self._lots.get(at, {}).get(gone.lot, ZERO)
        if there < gone.units:
            self.lacking.append((gone, dict(self._lots.get(at, {}))))
        self._move(at, gone.lot, -min(there, gone.units), gone.day)

    def _take(self, order: Wanted) -> None:
        at, day = self._at(order.category, order.product), order.place[2]
        lots = self._lots.setdefault(at, {})
        there = sum(lots.values(), ZERO)
        # A row that the stock does not cover takes nothing; it is named with its day.
        whole = order.units if order.units <= there else order.whole(there)
        start = weight = ZERO
        for lot in sorted(lots, key=lambda one: one.day):
            part = min(whole - start, lots[lot])
            if part <= ZERO:
                continue
            made = Segment(order.place, order.category, order.product, start, start + part, lot)
            self.segments.append(made)
            self._taken.setdefault((order.place, order.category, order.product), []).append(made)
            self._move(at, lot, -part, day)
            start, weight = start + part, weight + part * lot.cost
        if start > ZERO:
            self._post(order.place, at, -start, "{}", -weight, "delivered", order.category)

    def _give_back(self, undone: Returned) -> None:
        _, category, product = undone.taken
        at, day = self._at(category, product), undone.place[2]
        for one in self._taken.get(undone.taken, []):
            part = min(one.end, undone.end) - max(one.start, undone.start)
            if part > ZERO:
                self._move(at, one.lot, part, day)
                spec = one.lot.spec(self.currency, dated=True)
                weight = part * one.lot.cost
                self._post(undone.place, at, part, spec, weight, "delivered-reversed", category)


def _priced(came: Received, smallest: Decimal) -> Iterable[tuple[Decimal, Decimal]]:
    """Signed units and cost a unit, in whole units of money; what does not divide lies on one unit of each row."""
    sign = -1 if came.paid < ZERO else 1
    paid, quantity = abs(came.paid), abs(came.quantity)
    unit = (paid / quantity).quantize(smallest, ROUND_DOWN)
    if unit * quantity == paid:
        return [(sign * came.rows * quantity, unit)]
    rest = paid - unit * (quantity - 1)
    return [(sign * came.rows * (quantity - 1), unit), (Decimal(sign * came.rows), rest)]
