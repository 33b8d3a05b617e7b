"""The orders that go wrong, told one by one: what we write of each, and what the partner writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from finops_ledger.simulator.orders import FAILED, PENDING, SUCCESS, Orders, serial_number
from finops_ledger.simulator.world import DAY, HOUR, NEVER, Faults, partner_day


@dataclass(slots=True)
class Row:
    """One transaction at the partner, with all that ever becomes of it.

    ``cut`` says whether the deposit was drawn when the row began; ``then`` is the status that it
    takes at ``then_at`` (``restored``: the cut is given back by that very row); ``back_at`` is the
    moment of a REFUND row that undoes it. ``number`` is the partner's own, given when its file is
    laid out.
    """

    order: int
    at: int
    cost: int
    status: int
    cut: bool
    serial: int
    then_at: int = NEVER
    then: int = PENDING
    restored: bool = False
    back_at: int = NEVER
    number: int = 0


@dataclass(slots=True)
class Teller:
    """Gives chosen orders their fate: changes their columns and returns the partner's rows."""

    rng: np.random.Generator
    orders: Orders
    faults: Faults

    def tell(self) -> list[Row]:
        """Tell every case and return the partners' rows."""
        fates: dict[str, Callable[[int], list[Row]]] = {
            "pending_success": self._pending_success,
            "pending_restored": self._pending_restored,
            "restore_missing": self._restore_missing,
            "late_success": self._late_success,
            "partner_failed": self._partner_failed,
            "missing_at_partner": self._missing_at_partner,
            "duplicate_delivery": self._duplicate_delivery,
            "delivered_not_recorded": self._delivered_not_recorded,
        }
        rows: list[Row] = []
        for name, order_indices in self.orders.cases.items():
            for index in order_indices:
                rows += fates[name](index)
        return rows

    def _row(self, i: int, status: int, *, cut: bool = True) -> Row:
        o = self.orders
        return Row(i, int(o.began[i]), int(o.cost[i]), status, cut, int(o.serial[i]))

    def _draw(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def _lot(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def _later(self, row: Row, low: int, high: int, *, late: bool = False) -> int:
        # In broad daylight some partner days on; or (late) between the partner's and our midnight.
        day = int(partner_day(row.at)) + self._draw(low, high)
        first, last = (23 * HOUR + 300, 23 * HOUR + 2400) if late else (HOUR, 22 * HOUR)
        return day * DAY + self._draw(first, last)

    def _fail(self, i: int, at: int) -> None:
        self.orders.status[i] = FAILED
        self.orders.final[i] = at
        self.orders.refunded[i] = at + self._draw(20, 600)

    def _pending_success(self, i: int) -> list[Row]:
        row = self._row(i, PENDING)
        row.then_at, row.then = self._later(row, 1, 1, late=self._lot(0.15)), SUCCESS
        self.orders.final[i] = row.then_at + self._draw(5, 60)
        return [row]

    def _pending_restored(self, i: int) -> list[Row]:
        row = self._row(i, PENDING)
        row.then_at, row.then, row.restored = self._later(row, 1, 1), FAILED, True
        self._fail(i, row.then_at + self._draw(5, 60))
        return [row]

    def _restore_missing(self, i: int) -> list[Row]:
        row = self._row(i, PENDING)
        row.then_at, row.then = self._later(row, 1, 1), FAILED
        self._fail(i, row.then_at + self._draw(5, 60))
        if self._lot(self.faults.restored_share):
            row.back_at = self._later(row, 2, 7)
        return [row]

    def _late_success(self, i: int) -> list[Row]:
        row = self._row(i, SUCCESS)
        self._fail(i, row.at + self._draw(60, 300))
        return [row]

    def _partner_failed(self, i: int) -> list[Row]:
        row = self._row(i, FAILED, cut=False)
        if self._lot(self.faults.corrected_share):
            at = self._later(row, 1, 4)
            self.orders.corrected[i] = at
            self.orders.refunded[i] = at + self._draw(20, 600)
        return [row]

    def _missing_at_partner(self, i: int) -> list[Row]:
        if not self._lot(self.faults.billed_share):
            return []
        row = self._row(i, SUCCESS)
        row.at = self._later(row, 1, 5)
        return [row]

    def _duplicate_delivery(self, i: int) -> list[Row]:
        first, second = self._row(i, SUCCESS), self._row(i, SUCCESS)
        second.at += self._draw(5, 90)
        other = first if self._lot(0.3) else second
        other.serial = self._other_serial(i)
        if self._lot(self.faults.duplicate_restored_share):
            other.back_at = self._later(other, 1, 5)
        return [first, second]

    def _other_serial(self, i: int) -> int:
        drawn = np.array([self._draw(10, 99)], np.int64)
        index = np.array([len(self.orders) + i], np.int64)
        return int(serial_number(index, drawn)[0])

    def _delivered_not_recorded(self, i: int) -> list[Row]:
        row = self._row(i, SUCCESS)
        if self._lot(self.faults.recorded_share):
            self.orders.final[i] = self._later(row, 2, 7)
        else:
            self.orders.final[i] = NEVER
            self.orders.status[i] = PENDING
        return [row]
