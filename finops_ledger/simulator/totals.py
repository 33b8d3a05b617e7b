"""Truth by the day: deposits, sales totals, and payments that the gateway owes beyond its term."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from finops_ledger.simulator.orders import SUCCESS, Orders, visible_from
from finops_ledger.simulator.settlement import Settlement
from finops_ledger.simulator.supply import TOPUP, USAGE, Account
from finops_ledger.simulator.text import Bools, Ints
from finops_ledger.simulator.world import NEVER, World, sales_day

_TOTALS = (
    "day,channel,paid_count,paid_sum,delivered_count,delivered_sum,delivered_promo,delivered_cost,"
    "reversed_count,reversed_sum,failed_count,failed_sum,refunded_count,refunded_sum"
)


def _save(path: Path, lines: list[str]) -> None:
    path.write_bytes(("\n".join(lines) + "\n").encode())


def write_deposits(out: Path, world: World, accounts: list[Account]) -> None:
    """Write the roll-forward of each deposit: opening + topup + refund - usage = closing."""
    lines = ["day,partner,opening,topup,usage,refund,closing"]
    for day in range(world.days):
        for account in accounts:
            first, end = account.bounds(day)
            kind, moved = account.kind[first:end], account.moved[first:end]
            topup, usage = int(moved[kind == TOPUP].sum()), -int(moved[kind == USAGE].sum())
            refund = int(moved.sum()) - topup + usage
            figures = [account.closing(day - 1), topup, usage, refund, account.closing(day)]
            row = [str(world.date(day)), account.name, *map(str, figures)]
            lines.append(",".join(row))
    _save(out / "deposits.csv", lines)


def write_gateway(out: Path, world: World, orders: Orders, settlement: Settlement) -> None:
    """Write the payments that are past the day after and not yet reported, at each day's end."""
    lines = ["day,order_id,amount"]
    index = settlement.left_out
    ids, cash = orders.ids(index).to_pylist(), orders.cash(index)
    due = sales_day(orders.paid[index]) + 1
    for day in range(world.days):
        for item in np.flatnonzero((due <= day) & (day < settlement.left_out_day)).tolist():
            lines.append(f"{world.date(day)},{ids[item]},{cash[item]}")
    _save(out / "gateway.csv", lines)


def write_totals(out: Path, world: World, orders: Orders) -> None:
    """Write, by sales day and channel, what was paid, delivered, reversed, failed and refunded."""
    days, cash = world.days, orders.price - orders.promo
    paid, final = visible_from(orders), sales_day(orders.final)
    corrected, refunded = sales_day(orders.corrected), sales_day(orders.refunded)
    lines = [_TOTALS]
    tables = []
    for name, among in (("own", orders.own), ("tokopedia", orders.tokopedia)):
        sold, fell = among & (orders.status == SUCCESS), among & (orders.status > SUCCESS)
        figures = [
            *_by_day(paid, among, days, cash),
            *_by_day(final, sold, days, cash, orders.promo, orders.cost),
            *_by_day(corrected, sold & (orders.corrected < NEVER), days, cash),
            *_by_day(final, fell, days, cash),
            *_by_day(refunded, among & (orders.refunded < NEVER), days, cash),
        ]
        tables.append((name, figures))
    for day in range(days):
        for name, figures in tables:
            row = [str(world.date(day)), name, *(str(figure[day]) for figure in figures)]
            lines.append(",".join(row))
    _save(out / "totals.csv", lines)


def _by_day(day: Ints, which: Bools, days: int, *amounts: Ints) -> list[Ints]:
    """Return the count, and the sum of each amount, by day."""
    index = np.flatnonzero(which & (day < days))
    index = index[np.argsort(day[index], kind="stable")]
    edges = np.searchsorted(day[index], np.arange(days + 1))
    sums = [np.diff(np.concatenate([[0], np.cumsum(a[index])])[edges]) for a in amounts]
    return [np.diff(edges), *sums]
