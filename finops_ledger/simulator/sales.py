"""Our own files: the order export of each day, and the marketplace's file of the orders it sold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from finops_ledger.simulator.orders import FAILED, PENDING, PRODUCT_CODES, SUCCESS, Orders
from finops_ledger.simulator.text import Column, Ints, labelled, numbers, same, times, words, write
from finops_ledger.simulator.world import DAY, World, sales_day

HEADER = (
    "order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,refunded_at,"
    "payment_ref,serial,customer\n"
)
TOKOPEDIA_HEADER = "timestamp;client_number;ref_id;partner_ref_id;product_code;admin_fee;amount\n"
#: What the marketplace adds to the amount, by product: the customer pays both.
ADMIN_FEES = np.array([1500 if code.startswith("PLN") else 1000 for code in PRODUCT_CODES])


def write_orders(out: Path, world: World, orders: Orders) -> int:
    """Write the order export of every day and return the number of rows."""
    own = np.flatnonzero(orders.own)
    paid_day = sales_day(orders.paid[own])
    later = _later(orders, own, paid_day)
    edges = np.searchsorted(paid_day, np.arange(world.days + 1))
    rows = 0
    for day in range(world.days):
        index = np.concatenate([later.get(day, own[:0]), own[edges[day] : edges[day + 1]]])
        path = out / f"orders_{world.date(day)}.csv"

        def columns(lo: int, hi: int, index: Ints = index, day: int = day) -> list[Column]:
            return _export(world, orders, index[lo:hi], day)

        write(path, HEADER, columns, len(index))
        rows += len(index)
    return rows


def _later(orders: Orders, own: Ints, paid_day: Ints) -> dict[int, Ints]:
    """Return, by day, the orders that were paid before it and changed on it."""
    found: dict[int, list[Ints]] = {}
    for moment in (orders.final, orders.corrected, orders.refunded):
        day = sales_day(moment[own])
        for index in np.flatnonzero((day > paid_day) & (day < paid_day.max() + 1)).tolist():
            found.setdefault(int(day[index]), []).append(own[index])
    return {day: np.unique(np.array(index, np.int64)) for day, index in found.items()}


def _export(world: World, orders: Orders, index: Ints, day: int) -> list[Column]:
    """Return the orders as they stand at the end of ``day``."""
    end = (day + 1) * DAY
    final, corrected, refunded = (
        orders.final[index],
        orders.corrected[index],
        orders.refunded[index],
    )
    status = np.where(final < end, orders.status[index], PENDING)
    status = np.where(corrected < end, FAILED, status)
    paid = orders.paid[index]
    status_at = np.where(status == PENDING, paid, np.where(corrected < end, corrected, final))
    return [
        orders.ids(index),
        times(paid + world.epoch),
        words(orders.partner[index] + 1, ["", *world.partners]),
        words(orders.web[index], ["app", "web"]),
        words(orders.product[index], PRODUCT_CODES),
        same("1", len(index)),
        numbers(orders.price[index]),
        numbers(orders.promo[index]),
        words(status, ["PENDING", "SUCCESS", "FAILED"]),
        times(status_at + world.epoch),
        times(refunded + world.epoch, refunded < end),
        payment_refs(orders, index),
        orders.serials(index, orders.serial[index], status == SUCCESS),
        orders.customers(index),
    ]


def payment_refs(orders: Orders, index: Ints) -> Column:
    """Write the gateway's own number of each payment."""
    return labelled("PAY", orders.number[index])


def write_tokopedia(out: Path, world: World, orders: Orders, listed: Ints) -> int:
    """Write the marketplace's file of every day and return the number of rows."""
    index = np.flatnonzero(orders.tokopedia)
    index = index[np.argsort(orders.final[index], kind="stable")]
    edges = np.searchsorted(sales_day(orders.final[index]), np.arange(world.days + 1))
    for day in range(world.days):
        sold = index[edges[day] : edges[day + 1]]
        path = out / f"tokopedia_{world.partners[0]}_{world.date(day):%Y%m%d}.csv"

        def columns(lo: int, hi: int, sold: Ints = sold) -> list[Column]:
            return _marketplace(world, orders, sold[lo:hi], listed)

        write(path, TOKOPEDIA_HEADER, columns, len(sold), separator=";")
    return int(edges[-1])


def _marketplace(world: World, orders: Orders, index: Ints, listed: Ints) -> list[Column]:
    fee = ADMIN_FEES[orders.product[index]]
    return [
        times(orders.final[index] + world.epoch),
        orders.customers(index),
        orders.ids(index),
        labelled(world.partners[0][-1], listed[index]),
        words(orders.product[index], PRODUCT_CODES),
        numbers(fee),
        numbers(orders.price[index] - fee),
    ]
