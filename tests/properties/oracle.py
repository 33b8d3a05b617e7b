"""A slow, obvious reconciler: one dictionary of orders, one day after the other, rules written out.

It shares no code with the engine. Rows come as plain tuples; what it knows of the leg sale↔supply is what
``docs/reference/breaks.md`` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

State = Literal["pending", "success", "failed", "unknown"]


@dataclass(frozen=True)
class Sale:
    """One version of an order on the day of its status."""

    day: date
    ref: str
    state: State
    cost: int
    at: int  # minutes after the day's midnight
    serial: str = ""


@dataclass(frozen=True)
class Supply:
    """One version of a partner's row on its partner day; ``amount``: what the deposit has paid for it."""

    day: date
    own: str
    ref: str
    state: State
    amount: int
    at: int
    kind: Literal["usage", "refund", "adjustment"] = "usage"
    orig: str = ""
    serial: str = ""


@dataclass
class Item:
    """An order, or one more delivery of it."""

    left: Sale | None = None
    right: Supply | None = None
    right_before: str = ""  # the partner's last word before today
    called: str = ""  # what the item was called yesterday
    paid: int = 0  # what final partner rows have cost
    held: int = 0  # what rows without a final status hold
    refunds: int = 0
    left_anchor: date | None = None
    right_anchor: date | None = None

    @property
    def residue(self) -> int:
        cost = self.left.cost if self.left and self.left.state == "success" else 0
        return self.paid - self.refunds - cost


@dataclass
class Reference:
    """Run it day by day; ``open`` lists (class, residue) by (ref, occurrence) at the end of each day."""

    grace: int
    pending: int
    window_opens: int = 23 * 60
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    stands: dict[str, tuple[str, str]] = field(default_factory=dict)  # by the partner's own number

    def run(
        self, day: date, sales: list[Sale], supplies: list[Supply]
    ) -> dict[tuple[str, str], tuple[str, int]]:
        for sale in sales:
            item = self.items.setdefault((sale.ref, ""), Item())
            item.left = sale
            late = sale.at >= self.window_opens
            item.left_anchor = sale.day + timedelta(days=1) if late else sale.day
        self._supply(day, supplies)
        found = {}
        for key, item in self.items.items():
            shown = self._class(key, item, day)
            if shown is not None:
                found[key] = shown
            item.called = shown[0] if shown else ""
            item.right_before = item.right.state if item.right else ""
        return found

    def _find(self, own: str) -> tuple[str, str] | None:
        key = self.stands.get(own)
        right = self.items[key].right if key else None
        return key if right is not None and right.own == own else None

    def _supply(self, day: date, rows: list[Supply]) -> None:
        rows = [r for r in rows if r.kind == "usage" or r.state != "pending"]
        again = [r for r in rows if r.kind == "usage" and self._find(r.own)]
        fresh = [r for r in rows if r.kind == "usage" and not self._find(r.own)]
        for row in again:
            key = self._find(row.own)
            assert key is not None
            self._take(self.items[key], row)
        groups: dict[str, list[Supply]] = {}
        for row in fresh:
            groups.setdefault(row.ref, []).append(row)
        for ref, rows_of in sorted(groups.items()):
            pair = self.items.get((ref, ""), Item())
            serial = pair.left.serial if pair.left else ""
            group = sorted(
                rows_of,
                key=lambda r: (
                    not (serial and r.serial == serial and pair.left and pair.left.day == day),
                    r.state != "success",
                    r.at,
                    r.own,
                ),
            )
            for number, row in enumerate(group):
                free = pair.right is None or (
                    pair.right.state == "failed" and pair.paid == pair.refunds and not pair.held
                )
                key = (ref, "" if number == 0 and free else row.own)
                self._take(self.items.setdefault(key, Item()), row)
                self.stands[row.own] = key
        for row in rows:
            if row.kind == "refund":
                key = self._find(row.orig) or (row.ref, "")
                item = self.items.setdefault(key, Item())
                item.refunds += row.amount
                if item.right is None:
                    item.right = row
                    item.right_anchor = row.day
                    self.stands[row.own] = key
            if row.kind == "adjustment":
                # It names no order: an item of its own, known by its own number.
                key = (f"~{row.own}", row.own)
                self.items[key] = Item(right=row, paid=row.amount, right_anchor=row.day)
                self.stands[row.own] = key

    def _take(self, item: Item, row: Supply) -> None:
        if item.right is not None and item.right.own != row.own:
            item.refunds = 0  # the partner's next try; what came before came to nothing
        item.right = row
        final = row.state not in ("pending", "unknown")
        item.paid = row.amount if final else 0
        item.held = 0 if final else row.amount
        item.right_anchor = row.day

    def _class(self, key: tuple[str, str], item: Item, day: date) -> tuple[str, int] | None:
        left = item.left.state if item.left else "none"
        right = item.right.state if item.right else "none"
        rest = item.residue
        anchors = [a for a in (item.left_anchor, item.right_anchor) if a]
        anchor = max(anchors) if anchors else day

        def after(days: int, class_: str) -> tuple[str, int]:
            if anchor + timedelta(days=days) > day:
                return ("timing" if rest else "pending"), rest
            return class_, rest

        if left == "unknown" and rest == 0:
            return "status_unknown", 0
        if right == "unknown":
            return "status_unknown", rest
        left = "pending" if left == "unknown" else left
        if key[0].startswith("~"):
            return ("unexplained_movement", rest) if rest else None
        if rest == 0:
            if left == "pending":
                return after(self.pending, "undelivered_overdue")
            if right == "pending":
                missing = "missing_at_platform" if left == "none" else "restore_missing"
                return after(self.pending, missing)
            if left == "success" and right == "failed" and item.paid - item.refunds:
                return "partner_failed", 0
            return None
        if key[1] and rest > 0:
            return "duplicate_delivery", rest
        if left == "success":
            if right == "none":
                return after(self.grace, "missing_at_partner")
            if right == "pending":
                return after(self.pending, "missing_at_partner")
            if right == "success" and item.paid - item.refunds > 0:
                return "cost_mismatch", rest
            if rest < 0:
                reversed_ = (
                    item.right_before == "success"
                    or right == "success"
                    or item.called == "late_reversal"
                )
                return ("late_reversal" if reversed_ else "partner_failed"), rest
        if left == "pending" and right == "success" and rest > 0:
            return after(self.pending, "delivered_not_recorded")
        if left == "pending" and right == "failed":
            return after(self.pending, "restore_missing")
        if left == "failed":
            if right == "failed":
                return "restore_missing", rest
            return ("late_success" if rest > 0 else "late_reversal"), rest
        if left == "none" and rest > 0:
            return after(self.grace, "missing_at_platform")
        return "unexplained_movement", rest
