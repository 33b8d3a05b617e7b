"""The simulated business: its goods, partners, prices, calendar, and what may go wrong.

Times inside the simulator are local seconds since the first day's midnight. A partner's day opens
at 23:00 of the evening before and bears the name of its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from finops_ledger.simulator.text import Ints

DAY: Final = 86_400
HOUR: Final = 3_600
#: A moment that never comes.
NEVER: Final = 10**12

_Moment = TypeVar("_Moment", int, Ints)


def sales_day(moment: _Moment) -> _Moment:
    """Return the calendar day (0 is the first) of a moment or of many."""
    return moment // DAY


def partner_day(moment: _Moment) -> _Moment:
    """Return the partner's day of a moment or of many: from 23:00, named by its end."""
    return (moment + HOUR) // DAY


class Product(NamedTuple):
    """Something we sell: what the customer pays, and what the first partner charges for it."""

    code: str
    category: str
    face: int
    cost: int
    price: int


PRODUCTS: Final = (
    Product("TSEL50", "Pulsa", 50_000, 49_800, 51_000),  # its price never changes
    Product("TSEL5", "Pulsa", 5_000, 5_250, 6_000),
    Product("TSEL10", "Pulsa", 10_000, 10_200, 11_000),
    Product("TSEL25", "Pulsa", 25_000, 24_950, 26_000),
    Product("TSEL100", "Pulsa", 100_000, 98_900, 101_000),
    Product("XL10", "Pulsa", 10_000, 10_450, 11_500),
    Product("XL50", "Pulsa", 50_000, 49_450, 51_000),
    Product("ISAT20", "Pulsa", 20_000, 20_100, 21_500),
    Product("TDATA12G", "Pulsa", 0, 61_300, 65_000),
    Product("XDATA6G", "Pulsa", 0, 37_750, 41_000),
    Product("PLN20", "PLN-Token", 20_000, 20_350, 22_000),
    Product("PLN50", "PLN-Token", 50_000, 50_350, 52_000),
    Product("PLN100", "PLN-Token", 100_000, 100_350, 102_500),
    Product("PLN500", "PLN-Token", 500_000, 500_350, 502_500),
    Product("MLBB86", "Game-Voucher", 0, 18_700, 22_000),
    Product("FF140", "Game-Voucher", 0, 17_900, 20_500),
    Product("PUBG60", "Game-Voucher", 0, 13_600, 16_000),
)
CATEGORIES: Final = ("Pulsa", "PLN-Token", "Game-Voucher")
#: Weight of each product in the sales, and of each hour of the day.
PRODUCT_WEIGHTS: Final = (14, 11, 13, 8, 6, 7, 4, 5, 4, 4, 6, 7, 5, 1, 4, 3, 2)
HOUR_WEIGHTS: Final = (
    16, 10, 7, 6, 9, 20, 34, 46, 52, 55, 56, 57, 58, 54, 52, 51, 53, 56, 62, 64, 60, 52, 38, 25,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each phenomenon occurs: shares of the orders, or counts over the whole run.

    ``*_share`` says which part of a phenomenon's orders is put right later.
    """

    unrouted: float = 0.003
    failed: float = 0.02
    pending_success: float = 0.006
    pending_restored: float = 0.002
    restore_missing: float = 0.002
    restored_share: float = 0.6
    late_success: float = 0.0015
    partner_failed: float = 0.0015
    corrected_share: float = 0.6
    missing_at_partner: float = 0.002
    billed_share: float = 0.5
    missing_at_platform: float = 0.001
    cost_mismatch: float = 0.001
    silent_raises: int = 1
    duplicate_delivery: float = 0.0015
    duplicate_restored_share: float = 0.5
    delivered_not_recorded: float = 0.0015
    recorded_share: float = 0.6
    left_out_of_settlement: float = 0.0005
    settled_late_share: float = 0.6
    price_changes: int = 3
    unknown_credits: int = 2
    bank_charges: int = 1
    #: How often every scene of the stage is played: each class of break, with further partners and a gateway.
    scenes: int = 0

    @classmethod
    def none(cls, **but: Any) -> Faults:
        """Return the quiet business: nothing goes wrong except what is named in ``but``."""
        return cls(**({field.name: 0 for field in fields(cls)} | but))


class PriceChange(NamedTuple):
    """From a moment on, a partner charges another price; our list knows."""

    partner: int
    product: int
    at: int
    cost: int


class SilentRaise(NamedTuple):
    """For some hours a partner charges more than our list says."""

    partner: int
    product: int
    first: int
    last: int
    more: int


@dataclass(frozen=True, slots=True)
class World:
    """What stands before the first order: calendar, partners, prices."""

    start: date
    days: int
    partners: tuple[str, ...]
    changes: tuple[PriceChange, ...]
    raises: tuple[SilentRaise, ...]

    @property
    def epoch(self) -> int:
        """Local seconds from 1970 to the first day's midnight."""
        return int(datetime(*self.start.timetuple()[:3], tzinfo=UTC).timestamp())

    def date(self, day: int) -> date:
        """Return the date of a day."""
        return self.start + timedelta(days=day)

    def stamps(self) -> Ints:
        """Return ``yymmdd`` of each day, a fortnight beyond the last, as numbers."""
        return np.array([int(f"{self.date(d):%y%m%d}") for d in range(self.days + 14)], np.int64)

    def costs(self, partner: Ints, product: Ints, at: Ints) -> Ints:
        """Return what our price list says that each partner charges at each moment."""
        base = np.array([p.cost for p in PRODUCTS], np.int64)
        cost: Ints = base[product] + 25 * np.maximum(partner, 0)
        for change in self.changes:
            hit = (partner == change.partner) & (product == change.product) & (at >= change.at)
            cost[hit] = change.cost
        return cost

    def price_list(self, partner: int) -> str:
        """Return the partner's price list as a file; ``to`` is the first moment after."""
        lines = ["product,category,face,cost,from,to"]
        for index, product in enumerate(PRODUCTS):
            steps = [c for c in self.changes if (c.partner, c.product) == (partner, index)]
            cost, since = product.cost + 25 * partner, ""
            for step in sorted(steps, key=lambda c: c.at):
                moment = self._moment(step.at)
                lines.append(_price_line(product, cost, since, moment))
                cost, since = step.cost, moment
            lines.append(_price_line(product, cost, since, ""))
        return "\n".join(lines) + "\n"

    def _moment(self, at: int) -> str:
        day, second = divmod(at, DAY)
        clock = f"{second // HOUR:02}:{second % HOUR // 60:02}:{second % 60:02}"
        return f"{self.date(day)} {clock}"


def _price_line(product: Product, cost: int, since: str, until: str) -> str:
    face = product.face or ""
    return f"{product.code},{product.category},{face},{cost},{since},{until}"


def partner_names(count: int) -> tuple[str, ...]:
    """Return AggA, AggB, …"""
    if not 1 <= count <= 26:
        raise ValueError(f"between 1 and 26 partners, not {count}")
    return tuple(f"Agg{chr(ord('A') + i)}" for i in range(count))


def make_world(rng: np.random.Generator, start: date, days: int, count: int, f: Faults) -> World:
    """Draw the price changes and the rises that nobody told us of."""
    changes = [c for p in range(count) for c in _changes(rng, p, days, f.price_changes)]
    raises = []
    for partner in range(count):
        for _ in range(f.silent_raises):
            product = int(rng.integers(1, len(PRODUCTS)))
            first = int(rng.integers(0, days)) * DAY + int(rng.integers(9, 18)) * HOUR
            more = 50 * int(rng.integers(2, 11))
            raises.append(SilentRaise(partner, product, first, first + 4 * HOUR, more))
    return World(start, days, partner_names(count), tuple(changes), tuple(raises))


def _changes(
    rng: np.random.Generator, partner: int, days: int, count: int
) -> Iterator[PriceChange]:
    # At most one change a product; half of them at midnight, as notices like to say.
    count = min(count, len(PRODUCTS) - 1)
    for product in rng.choice(np.arange(1, len(PRODUCTS)), count, replace=False).tolist():
        at = int(rng.integers(0, days)) * DAY + int(rng.choice([0, 10])) * HOUR
        step = 25 * int(rng.integers(1, 9)) * int(rng.choice([-1, 1]))
        if at > 0:
            yield PriceChange(partner, product, at, PRODUCTS[product].cost + 25 * partner + step)
