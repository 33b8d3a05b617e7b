"""A slow, obvious reconciler of one order among several suppliers: who sold it, who delivered it, who else charged.

It shares no code with the engine. One order at a time, one day after the other; the rules are those of
``docs/reference/breaks.md``, "Across partners". Each supplier has one row of an order, at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

State = Literal["pending", "success", "failed"]
Found = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Sold:
    """One version of the sale: it names one supplier, for good."""

    day: date
    ref: str
    who: str
    state: State


@dataclass(frozen=True)
class Charged:
    """One version of a supplier's row, or what it gives back; ``amount``: what the deposit has paid for it."""

    day: date
    ref: str
    who: str
    state: State
    amount: int
    at: int  # minutes after midnight
    back: bool = False


@dataclass
class Order:
    """What is known of one order on an evening; ``listed``: what each supplier's list says of it."""

    listed: dict[str, int]
    grace: int
    pending: int
    sale: Sold | None = None
    rows: dict[str, Charged] = field(default_factory=dict)
    first: dict[str, tuple[date, int]] = field(default_factory=dict)  # when each row was charged
    back: dict[str, int] = field(default_factory=dict)
    back_on: dict[str, date] = field(default_factory=dict)
    met: str = ""  # who delivered the sale of another
    waited: dict[str, date] = field(
        default_factory=dict
    )  # who charged it while the sale was not final
    extra: bool = False  # the seller's own row came after another's had been taken for it
    charging: set[str] = field(default_factory=set)  # whose row holds money this evening
    second: set[str] = field(default_factory=set)  # who charged what another has delivered

    def run(self, day: date, sold: list[Sold], charged: list[Charged]) -> Found:
        """Take the day's versions; return class and residue by supplier, of what is open."""
        fresh = bool(sold)
        for sale in sold:
            self.sale = sale
        for row in charged:
            if row.back:
                self.back[row.who] = self.back.get(row.who, 0) + row.amount
                self.back_on[row.who] = day
            else:
                self.rows[row.who] = row
        self._meet(fresh)
        self._second()
        found = {}
        for who in self.listed:
            state = self._of(who, day)
            if state is not None:
                found[who] = state
        return found

    def paid(self, who: str) -> int:
        """What a final row has taken and kept."""
        row = self.rows.get(who)
        if row is None or row.state == "pending":
            return 0
        return row.amount - self.back.get(who, 0)

    def _charges(self, who: str) -> bool:
        row = self.rows.get(who)
        return row is not None and row.state == "success" and self.paid(who) > 0

    def _meet(self, fresh: bool) -> None:
        sale = self.sale
        if sale is None:
            return
        if self.met:
            if fresh and sale.state != "success":
                self.met = ""  # it was undone: what was charged for it is owed back
            return
        own = self.rows.get(sale.who)
        if sale.state != "success" or (own and (own.state != "failed" or self.paid(sale.who))):
            return
        others = [w for w in self.rows if w != sale.who and self._charges(w)]
        if others:
            self.met = min(others, key=lambda w: (self.rows[w].day, self.rows[w].at, w))

    def _second(self) -> None:
        """Of a sale that its own supplier, or another one, has delivered, every further charge is a second one."""
        sale, before = self.sale, self.charging
        self.charging = {w for w in self.rows if self._charges(w)}
        if sale is not None and sale.state == "pending":
            self.waited |= dict.fromkeys(self.charging - {sale.who}, sale.day)
        if sale is None or sale.state != "success":
            return
        others = sorted(
            self.charging - {sale.who, self.met},
            key=lambda w: (self.rows[w].day, self.rows[w].at, w),
        )
        self.second |= set(others[1:])  # one of them may have delivered, not two
        if self.met or sale.who in before | self.charging:
            self.second |= {
                w for w in self.rows if w not in (sale.who, self.met) and self._charges(w)
            }

    def _of(self, who: str, day: date) -> tuple[str, int] | None:
        sale, row = self.sale, self.rows.get(who)
        if sale is not None and sale.who == who:
            return self._of_seller(sale, row, day)
        if row is None:
            return None
        kept = self.paid(who)
        if self.met == who:
            rest = kept - self.listed[who]
            if not rest:
                return None
            return ("cost_mismatch" if kept > 0 else "late_reversal"), rest
        if row.state == "pending":
            return self._waits(row.day, None, self.pending, "missing_at_platform", 0, day)
        if not kept:
            return None
        if sale is None or row.state == "failed":
            wait = self.grace
            return self._waits(row.day, None, wait, "missing_at_platform", kept, day)
        if sale.state == "failed":
            return "late_success", kept
        if sale.state == "pending":
            return self._waits(row.day, sale.day, self.pending, "delivered_not_recorded", kept, day)
        if who in self.second:
            return "cross_partner_delivery", kept
        # Its own supplier has a row that is no delivery: nobody can tell yet whose goods came, and what was said
        # of it stands.
        if who in self.waited:
            return self._waits(
                row.day, self.waited[who], self.pending, "delivered_not_recorded", kept, day
            )
        return self._waits(row.day, None, self.grace, "missing_at_platform", kept, day)

    def _of_seller(self, sale: Sold, row: Charged | None, day: date) -> tuple[str, int] | None:
        who, kept = sale.who, self.paid(sale.who)
        self.extra |= bool(self.met and row is not None)
        if self.extra or self.met:
            # Its own row after all is a second delivery, whatever becomes of the first.
            if row is not None and row.state == "pending":
                return self._waits(row.day, None, self.pending, "missing_at_platform", 0, day)
            return ("duplicate_delivery", kept) if kept else None
        cost = self.listed[who] if sale.state == "success" else 0
        rest = kept - cost
        on = row.day if row else None
        if sale.state == "pending":
            if not rest:
                return self._waits(sale.day, on, self.pending, "undelivered_overdue", 0, day)
            if row is not None and row.state == "failed":
                return self._waits(sale.day, on, self.pending, "restore_missing", rest, day)
            return self._waits(sale.day, on, self.pending, "delivered_not_recorded", rest, day)
        if row is not None and row.state == "pending":
            class_ = "missing_at_partner" if rest else "restore_missing"
            return self._waits(sale.day, on, self.pending, class_, rest, day)
        if not rest:
            return None
        if sale.state == "failed":
            failed = row is not None and row.state == "failed"
            return ("restore_missing" if failed else "late_success"), rest
        if row is None:
            return self._waits(sale.day, on, self.grace, "missing_at_partner", rest, day)
        if row.state == "failed":
            return "partner_failed", rest
        return ("cost_mismatch" if kept > 0 else "late_reversal"), rest

    def _waits(
        self, one: date, other: date | None, span: int, class_: str, rest: int, day: date
    ) -> tuple[str, int]:
        anchor = max(d for d in (one, other) if d)
        if anchor + timedelta(days=span) > day:
            return ("timing" if rest else "pending"), rest
        return class_, rest
