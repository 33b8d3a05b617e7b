"""The gateway's daily report (the day after), and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finops_ledger.simulator.orders import SUCCESS, Orders
from finops_ledger.simulator.sales import payment_refs
from finops_ledger.simulator.text import Column, Ints, cents, same, times, words, write
from finops_ledger.simulator.world import NEVER, Faults, World, sales_day

HEADER = "settlement_id,settlement_date,order_id,payment_ref,type,gross,fee,vat,net,paid_at\n"


@dataclass(frozen=True, slots=True)
class Settlement:
    """When each payment and refund is reported; ``left_out`` are reported late or never."""

    payments: Ints
    payment_day: Ints
    refunds: Ints
    refund_day: Ints
    left_out: Ints
    left_out_day: Ints

    def refs(self, day: int) -> tuple[Ints, Ints]:
        """Return the orders whose payments, and whose refunds, stand in the report of a day."""
        found = []
        for index, days in ((self.payments, self.payment_day), (self.refunds, self.refund_day)):
            first, end = np.searchsorted(days, [day, day + 1]).tolist()
            found.append(index[first:end])
        return found[0], found[1]


def half_up(amount: int, numerator: int, denominator: int) -> int:
    """Return a share of an amount of 0 or more, rounded half up to the rupiah."""
    return (2 * amount * numerator + denominator) // (2 * denominator)


def make_settlement(rng: np.random.Generator, orders: Orders, faults: Faults) -> Settlement:
    """Decide on which day the gateway reports each payment and refund."""
    own = np.flatnonzero(orders.own)
    day = sales_day(orders.paid[own]) + 1
    eligible = np.flatnonzero((orders.status[own] == SUCCESS) & ~orders.told[own])
    count = int(faults.left_out_of_settlement * len(eligible) + 0.5)
    late = np.sort(rng.choice(eligible, count, replace=False))
    settled = rng.random(count) < faults.settled_late_share
    day[late] = np.where(settled, day[late] + rng.integers(1, 6, count), NEVER)
    turn = np.argsort(day, kind="stable")
    back = own[orders.refunded[own] < NEVER]
    back = back[np.argsort(orders.refunded[back], kind="stable")]
    return Settlement(
        payments=own[turn], payment_day=day[turn],
        refunds=back, refund_day=sales_day(orders.refunded[back]) + 1,
        left_out=own[late], left_out_day=day[late],
    )  # fmt: skip


def write_reports(
    out: Path, world: World, orders: Orders, settlement: Settlement
) -> tuple[list[int], int]:
    """Write the report of every day; return the net paid out by day, and the number of rows."""
    nets, rows = [], 0
    for day in range(world.days):
        paid, refunded = settlement.refs(day)
        net, count = _write_report(out, world, orders, day, paid, refunded)
        nets.append(net)
        rows += count
    return nets, rows


def _write_report(
    out: Path, world: World, orders: Orders, day: int, paid: Ints, refunded: Ints
) -> tuple[int, int]:
    date = world.date(day)
    name = f"PG1-{date:%Y%m%d}"
    index = np.concatenate([paid, refunded])
    back = np.arange(len(index)) >= len(paid)
    gross = orders.cash(index) * np.where(back, -1, 1)
    moment = np.where(back, orders.refunded[index], orders.paid[index]) + world.epoch
    fee = half_up(int(gross[~back].sum()), 7, 1000)
    vat = half_up(fee, 11, 100)
    total, count = int(gross.sum()), len(index) + (fee > 0)
    net = total - fee - vat

    def columns(lo: int, hi: int) -> list[Column]:
        many, part = hi - lo, slice(lo, hi)
        amounts, nothing = cents(gross[part]), same("0.00", many)
        return [
            same(name, many),
            same(str(date), many),
            orders.ids(index[part]),
            payment_refs(orders, index[part]),
            words(back[part], ["PAYMENT", "REFUND"]),
            amounts,
            nothing,
            nothing,
            amounts,
            times(moment[part]),
        ]

    tail = ""
    if fee:
        tail = f"{name},{date},,,FEE,0.00,{fee}.00,{vat}.00,{-fee - vat}.00,\n"
    tail += f"TOTAL,{count},,,,{total}.00,{fee}.00,{vat}.00,{net}.00,\n"
    write(out / f"PG1_settlement_{date:%Y%m%d}.csv", HEADER, columns, len(index), tail=tail)
    return net, count
