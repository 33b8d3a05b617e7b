"""What is true at the end of each partner day, worked out from both sides order by order.

An item is a span of days in one outcome. An order that no one touched is a formula over columns; an
order whose fate was told is read from its own rows, day by day of change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from finops_ledger.simulator.cases import Row
from finops_ledger.simulator.orders import (
    FAILED,
    PENDING,
    SUCCESS,
    UNROUTED,
    Orders,
    crossing,
)
from finops_ledger.simulator.text import Bools, Column, Ints, joined, numbers, words, write
from finops_ledger.simulator.world import World, partner_day, sales_day

OUTCOMES = (
    "pending",
    "timing",
    "missing_at_partner",
    "missing_at_platform",
    "partner_failed",
    "late_success",
    "cost_mismatch",
    "duplicate_delivery",
    "restore_missing",
    "delivered_not_recorded",
)
#: Days that one side may be pending before the other's word is a break (72 hours).
PENDING_DAYS = 3


class State(NamedTuple):
    """One open item of an order: the partner's row it stands on (0: none), outcome and residue."""

    number: int
    outcome: str
    amount: int


@dataclass(slots=True)
class Spans:
    """Items open from a first to a last day, both included; parts of one outcome as columns."""

    parts: list[tuple[Ints, ...]] = field(default_factory=list)

    def add(
        self, outcome: str, first: Ints, last: Ints, order: Ints, number: Ints, amount: Ints
    ) -> None:
        """Add items of one outcome."""
        code = np.full(len(order), OUTCOMES.index(outcome), np.int64)
        self.parts.append((code, first, last, order, number, amount))

    def columns(self, days: int) -> tuple[Ints, ...]:
        """Return day, order, outcome, number and amount: one row for every day and item."""
        code, first, last, order, number, amount = map(
            np.concatenate, zip(*self.parts, strict=True)
        )
        many = np.maximum(np.minimum(last, days - 1) - first + 1, 0)
        item = np.repeat(np.arange(len(code)), many)
        day = first[item] + np.arange(len(item)) - np.repeat(np.cumsum(many) - many, many)
        return day, order[item], code[item], number[item], amount[item]


@dataclass(slots=True)
class Truth:
    """The outcome of every item, and the pairs newly matched by day and partner."""

    world: World
    orders: Orders
    spans: Spans = field(default_factory=Spans)
    matched: Counter[tuple[int, int]] = field(default_factory=Counter)

    def plain(self, listed: Ints) -> None:
        """Judge the orders that have one row at most, with their own outcome."""
        o, end = self.orders, self.world.days
        routed = (o.partner != UNROUTED) & ~o.told
        sold = routed & ~o.ghost & (o.status == SUCCESS)
        ours, theirs = sales_day(o.final), partner_day(o.began)
        both = np.maximum(ours, theirs)
        none = np.zeros(len(o), np.int64)
        self._add("timing", sold & crossing(o), ours, theirs - 1, none, -o.cost)
        paid = sales_day(o.paid)
        self._add("pending", routed & o.own & (paid < ours), paid, ours - 1, none, none)
        last = np.full(len(o), end - 1)
        wrong = sold & (o.charged != o.cost)
        self._add("cost_mismatch", wrong, both, last, listed, o.charged - o.cost)
        self._add("missing_at_platform", o.ghost, theirs, last, listed, o.charged)
        count = np.bincount((both * 32 + o.partner)[sold & ~wrong & (both < end)])
        for key in np.flatnonzero(count).tolist():
            self.matched[(key // 32, key % 32)] += int(count[key])

    def _add(
        self, outcome: str, which: Bools, first: Ints, last: Ints, number: Ints, amount: Ints
    ) -> None:
        index = np.flatnonzero(which & (first < self.world.days))
        self.spans.add(outcome, first[index], last[index], index, number[index], amount[index])

    def told(self, rows: list[Row]) -> None:
        """Judge the orders whose fate was told."""
        by_order: dict[int, list[Row]] = {int(i): [] for i in np.flatnonzero(self.orders.told)}
        for row in rows:
            by_order[row.order].append(row)
        found: dict[str, list[tuple[int, ...]]] = {}
        for index, own in by_order.items():
            for first, last, state in self._follow(index, own):
                item = (first, last, index, state.number, state.amount)
                found.setdefault(state.outcome, []).append(item)
        for outcome, items in found.items():
            self.spans.add(outcome, *np.array(items, np.int64).T)

    def _follow(self, index: int, rows: list[Row]) -> Iterator[tuple[int, int, State]]:
        o, end = self.orders, self.world.days
        paid, final = sales_day(int(o.paid[index])), int(o.final[index])
        changes = {paid, sales_day(final), partner_day(final), sales_day(int(o.corrected[index]))}
        for row in rows:
            began = partner_day(row.at)
            changes |= {began, began + PENDING_DAYS}
            changes |= {partner_day(row.then_at), partner_day(row.back_at)}
        days = sorted(day for day in changes if paid <= day < end)
        paired = False
        for first, until in pairwise([*days, end]):
            states, pair = self._judge(index, rows, first)
            if pair and not paired:
                paired = True
                self.matched[(first, int(o.partner[index]))] += 1
            for state in states:
                yield first, until - 1, state

    def _judge(self, index: int, rows: list[Row], day: int) -> tuple[list[State], bool]:
        """Return the open items of one order at the end of a day, and whether a pair is matched."""
        o = self.orders
        seen = [row for row in rows if partner_day(row.at) <= day]
        kept = [row for row in seen if partner_day(row.back_at) > day]
        live = [row for row in kept if _status(row, day) == SUCCESS]
        waiting = [row for row in kept if _status(row, day) == PENDING]
        status = int(o.status[index]) if sales_day(int(o.final[index])) <= day else PENDING
        if sales_day(int(o.corrected[index])) <= day:
            status = FAILED
        expected = int(o.cost[index])
        if status == SUCCESS:
            if live:
                pair = next((r for r in live if r.serial == int(o.serial[index])), live[0])
                rest = [
                    State(r.number, "duplicate_delivery", r.cost) for r in live if r is not pair
                ]
                return rest, True
            number = seen[0].number if seen else 0
            if waiting or day < partner_day(int(o.final[index])):
                return [State(number, "timing", -expected)], False
            return [
                State(number, "partner_failed" if seen else "missing_at_partner", -expected)
            ], False
        if status == FAILED:
            if live:
                return [State(r.number, "late_success", r.cost) for r in live], False
            held = [r for r in kept if r.cut and not r.restored and _status(r, day) == FAILED]
            return [State(r.number, "restore_missing", r.cost) for r in held], False
        if live:
            due = partner_day(live[0].at) + PENDING_DAYS
            outcome = "timing" if day < due else "delivered_not_recorded"
            return [State(r.number, outcome, r.cost) for r in live], False
        return [State(seen[0].number if seen else 0, "pending", 0)], False

    def write_outcomes(self, out: Path) -> dict[str, int]:
        """Write every open item of every day; return how many items were ever in each outcome."""
        o = self.orders
        day, order, code, number, amount = self.spans.columns(self.world.days)
        partner = o.partner[order]
        turn = np.lexsort((number, order, partner, day))
        dates = [str(self.world.date(d)) for d in range(self.world.days)]

        def columns(lo: int, hi: int) -> list[Column]:
            part = turn[lo:hi]
            given = number[part] > 0
            letters = words(partner[part], [name[-1] for name in self.world.partners], given)
            return [
                words(day[part], dates),
                words(partner[part], self.world.partners),
                o.ids(order[part]),
                joined(letters, numbers(number[part], given)),
                words(code[part], OUTCOMES),
                numbers(amount[part]),
            ]

        head = "day,partner,ref,partner_ref,outcome,amount\n"
        write(out / "outcomes.csv", head, columns, len(turn))
        total: Counter[str] = Counter()
        # Of an order delivered three times, two rows are items of their own.
        several = code == OUTCOMES.index("duplicate_delivery")
        item = np.unique(np.stack([code, order, np.where(several, number, 0)]), axis=1)
        for outcome, count in zip(*np.unique(item[0], return_counts=True), strict=True):
            total[OUTCOMES[outcome]] = int(count)
        return dict(total)

    def write_matched(self, out: Path) -> None:
        """Write how many success pairs of equal cost were newly matched, by day and partner."""
        lines = ["day,partner,matched"]
        for day in range(self.world.days):
            for partner, name in enumerate(self.world.partners):
                lines.append(f"{self.world.date(day)},{name},{self.matched[(day, partner)]}")
        (out / "matched.csv").write_bytes(("\n".join(lines) + "\n").encode())


def _status(row: Row, day: int) -> int:
    return row.then if partner_day(row.then_at) <= day else row.status
