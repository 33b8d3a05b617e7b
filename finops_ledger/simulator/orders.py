"""The orders as columns: drawn whole, then the chosen few are given their fate."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from finops_ledger.simulator.text import Bools, Column, Ints, joined, numbers, words
from finops_ledger.simulator.world import (
    CATEGORIES,
    DAY,
    HOUR,
    HOUR_WEIGHTS,
    NEVER,
    PRODUCT_WEIGHTS,
    PRODUCTS,
    Faults,
    World,
    partner_day,
    sales_day,
)

Codes = npt.NDArray[np.int8]

PENDING, SUCCESS, FAILED = 0, 1, 2
UNROUTED = -1
#: Ids are this times ``yymmdd`` plus the number within the day.
ID_BASE = 10**8

#: Phenomena that are told order by order, in this order of choosing.
CASES = (
    "pending_success",
    "pending_restored",
    "restore_missing",
    "late_success",
    "partner_failed",
    "missing_at_partner",
    "duplicate_delivery",
    "delivered_not_recorded",
)


@dataclass(slots=True)
class Orders:
    """One array a column; all of one length, in the order of payment.

    ``status`` is reached at ``final``; ``corrected`` turns a success into a failure later on.
    ``ghost`` orders are known to the partner alone. ``told`` are those whose partner rows are made
    one by one; all others have one row at ``began``, of ``charged``, with the order's own outcome.
    """

    number: Ints
    paid: Ints
    began: Ints
    final: Ints
    refunded: Ints
    corrected: Ints
    status: Codes
    partner: Ints
    product: Ints
    price: Ints
    promo: Ints
    cost: Ints
    charged: Ints
    customer: Ints
    serial: Ints
    tokopedia: Bools
    web: Bools
    ghost: Bools
    told: Bools
    cases: dict[str, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paid)

    def cash(self, index: Ints) -> Ints:
        """Return what the customers of some orders paid."""
        return self.price[index] - self.promo[index]

    @property
    def own(self) -> Bools:
        """Orders of our own channels, which the order export and the gateway know."""
        return ~(self.tokopedia | self.ghost)

    def ids(self, index: Ints, shown: Bools | None = None) -> Column:
        """Write the order ids."""
        prefix = words(self.tokopedia[index], ["INV", "TKP"])
        return joined(prefix, numbers(self.number[index], shown))

    def serials(self, index: Ints, serial: Ints, shown: Bools | None = None) -> Column:
        """Write serial numbers: 16 digits for pulsa, 20 for tokens, letters first for vouchers."""
        prefix = words(_KIND_OF[self.product[index]], ["", "5013", "GV"])
        return joined(prefix, numbers(serial, shown))

    def customers(self, index: Ints, shown: Bools | None = None) -> Column:
        """Write phone numbers, meter numbers and player ids."""
        prefix = words(_KIND_OF[self.product[index]], ["0", "", ""])
        return joined(prefix, numbers(self.customer[index], shown))


_KIND_OF = np.array([CATEGORIES.index(p.category) for p in PRODUCTS], np.int8)
PRODUCT_CODES = [p.code for p in PRODUCTS]


def _weighted(rng: np.random.Generator, weights: tuple[int, ...], count: int) -> Ints:
    edges = np.cumsum(weights)
    drawn = rng.integers(0, edges[-1], count)
    return np.searchsorted(edges, drawn, side="right").astype(np.int64)


def make_orders(
    rng: np.random.Generator, world: World, per_day: int, faults: Faults, tokopedia: float
) -> Orders:
    """Draw all orders of the period and choose which of them go wrong, and how."""
    n = world.days * per_day
    day = np.repeat(np.arange(world.days), per_day)
    paid = day * DAY + _weighted(rng, HOUR_WEIGHTS, n) * HOUR + rng.integers(0, HOUR, n)
    paid.sort()
    number = world.stamps()[day] * ID_BASE + np.tile(np.arange(1, per_day + 1), world.days)
    partner = rng.integers(0, len(world.partners), n)
    began = paid + rng.integers(1, 6, n)
    final = began + rng.integers(1, 31, n)
    on_tokopedia = (partner == 0) & (rng.random(n) < tokopedia)
    product = _weighted(rng, PRODUCT_WEIGHTS, n)
    web, promoted = rng.random(n) < 0.3, (rng.random(n) < 0.2) & ~on_tokopedia
    status = np.full(n, SUCCESS, np.int8)
    refunded = np.full(n, NEVER, np.int64)
    ordinary = ~on_tokopedia

    partner[ordinary & (rng.random(n) < faults.unrouted)] = UNROUTED
    told, cases = _choose(rng, np.flatnonzero(ordinary & (partner >= 0) & _off_edges(paid)), faults)
    ghost = np.zeros(n, np.bool_)
    ghost[cases.pop("missing_at_platform")] = True
    told_mask = np.zeros(n, np.bool_)
    told_mask[told] = True
    failing = ordinary & ~told_mask & ~ghost & (rng.random(n) < faults.failed)
    failing |= partner == UNROUTED
    status[failing] = FAILED
    refunded[failing] = final[failing] + rng.integers(20, 900, n)[failing]

    # The expected cost must not depend on which of an order's moments one looks at.
    for change in world.changes:
        hit = (partner == change.partner) & (product == change.product)
        product[hit & (told_mask | ((paid < change.at) & (final >= change.at)))] = 0
    cost = world.costs(partner, product, paid)
    charged = cost.copy()
    plain = ~told_mask & ~ghost & (status == SUCCESS)
    for rise in world.raises:
        hit = plain & (partner == rise.partner) & (product == rise.product)
        charged[hit & (began >= rise.first) & (began < rise.last)] += rise.more
    wrong = np.flatnonzero(plain & ordinary & (charged == cost))
    wrong = rng.choice(wrong, _count(faults.cost_mismatch, len(wrong)), replace=False)
    charged[wrong] += rng.choice(np.array([-100, 100, 200, 300, 500]), len(wrong))

    price = np.array([p.price for p in PRODUCTS], np.int64)[product]
    promo = np.where(promoted, rng.choice(np.array([500, 1000, 2000]), n), 0)
    kind = _KIND_OF[product]
    floor = np.array([81_100_000_000, 51_000_000_000, 210_000_000], np.int64)[kind]
    spread = np.array([800_000_000, 999_999_999, 600_000_000], np.int64)[kind]
    customer = floor + rng.integers(0, 10**9, n) % spread
    return Orders(
        number=number, paid=paid, began=began, final=final, refunded=refunded,
        corrected=np.full(n, NEVER, np.int64), status=status, partner=partner, product=product,
        price=price, promo=promo, cost=cost, charged=charged, customer=customer,
        serial=serial_number(np.arange(n), rng.integers(10, 100, n)), tokopedia=on_tokopedia,
        web=web, ghost=ghost, told=told_mask, cases=cases,
    )  # fmt: skip


def serial_number(index: Ints, drawn: Ints) -> Ints:
    """Return 16 digits, never twice: two drawn at random, the rest spread over the index."""
    return drawn * 10**14 + (index * 1_000_003 + 271_828) % 10**14


def _off_edges(paid: Ints) -> Bools:
    # Orders whose fate is told are not paid just before a cut-off, so that both sides of one order
    # begin on the same side of it; those between 23:05 and 23:45 still cross the partner's.
    clock = paid % DAY
    late = (clock >= 22 * HOUR + 2700) & (clock < 23 * HOUR + 300)
    return ~(late | (clock >= 23 * HOUR + 2700))


def _count(rate: float, among: int) -> int:
    return min(among, int(rate * among + 0.5))


def _choose(
    rng: np.random.Generator, eligible: Ints, faults: Faults
) -> tuple[list[int], dict[str, list[int]]]:
    wanted = {
        name: _count(getattr(faults, name), len(eligible))
        for name in (*CASES, "missing_at_platform")
    }
    total = min(sum(wanted.values()), len(eligible))
    chosen = rng.choice(eligible, total, replace=False).tolist()
    cases: dict[str, list[int]] = {}
    for name, count in wanted.items():
        cases[name], chosen = sorted(chosen[:count]), chosen[count:]
    return [i for name in CASES for i in cases[name]], cases


def visible_from(orders: Orders) -> Ints:
    """Return the sales day on which each order is first in a file of ours."""
    return np.where(orders.tokopedia, sales_day(orders.final), sales_day(orders.paid))


def crossing(orders: Orders) -> Bools:
    """Say which orders are final with us on a day before the partner's file holds them."""
    return sales_day(orders.final) < partner_day(orders.began)
