"""Other products and serials that come again agree with a slow, obvious reference on random days."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.run import run
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties import test_oracle as one
from tests.properties.oracle import Sale, Supply
from tests.properties.test_oracle import DAYS, table

COST, LISTED = 49_800, ("P50", "T50")
SPAN = timedelta(days=2)
GROUPS = int(os.environ.get("ORACLE_BUSINESSES", "1500")) // 3


@dataclass(frozen=True)
class Order:
    """Sold on a day as a product; delivered on another, as a product, with a serial; perhaps undone."""

    ref: str
    sold: date
    product: str
    came: date
    at: int
    cost: int
    goods: str
    serial: str
    undone: date | None

    @property
    def moment(self) -> tuple[date, int, str]:
        """When it was delivered; of equal times the greater reference is the later one."""
        return self.came, self.at, self.ref


def group(chance: Random, number: int) -> list[Order]:
    """A few orders that share two serials."""
    found = []
    for copy in range(chance.randint(1, 4)):
        came, sold = chance.choice(DAYS), chance.choice(DAYS)
        if chance.random() < 0.7:
            sold = came
        later = [d for d in DAYS if d > came]
        undone = chance.choice(later) if later and chance.random() < 0.15 else None
        found.append(
            Order(
                f"G{number:05}-{copy}",
                sold,
                chance.choice(LISTED),
                came,
                chance.choice((600, 600, chance.randint(0, 1379))),
                chance.choice((COST, COST, COST, COST + 300)),
                chance.choice(("P50", "T50", "X9", "")),
                chance.choice(("", f"S{number}-1", f"S{number}-1", f"S{number}-2")),
                undone,
            )
        )
    return found


def same_serial(order: Order, group_: list[Order]) -> bool:
    """Whether its serial stood on an earlier delivery of another order that had not been undone by then."""
    if not order.serial:
        return False
    moment = one.moment(order.came, order.at)
    return any(
        other.serial == order.serial
        and other.ref != order.ref
        and other.moment < order.moment
        and one.moment(other.came, other.at) >= moment - SPAN
        and not (other.undone and other.undone < order.came)
        for other in group_
    )


def expected(order: Order, group_: list[Order], day: date, grace: int) -> tuple[str, int] | None:
    """Class and residue of an order on an evening."""
    sold, came = order.sold <= day, order.came <= day
    undone = order.undone is not None and order.undone <= day
    if not sold and not came:
        return None
    waits = timedelta(days=grace)
    if not sold:
        class_ = "timing" if order.came + waits > day else "missing_at_platform"
        return None if undone else (class_, order.cost)
    if not came:
        return ("timing" if order.sold + waits > day else "missing_at_partner"), -COST
    if undone:
        sold_after = order.undone is not None and order.sold > order.undone
        return ("partner_failed" if sold_after else "late_reversal"), -COST
    if order.cost != COST:
        return "cost_mismatch", order.cost - COST
    if order.goods in LISTED and order.goods != order.product:
        return "product_mismatch", 0
    if same_serial(order, group_):
        return "serial_reused", 0
    return None


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    one_ = DuckEngine(memory="1GB", threads=1)
    yield one_
    one_.close()


def rows_of(order: Order) -> list[Supply]:
    made = [Supply(order.came, f"T-{order.ref}", order.ref, "success", order.cost, order.at,
                   serial=order.serial)]  # fmt: skip
    if order.undone:
        made.append(Supply(order.undone, f"T-{order.ref}", order.ref, "failed", 0, order.at,
                           serial=order.serial))  # fmt: skip
    return made


def give(engine: DuckEngine, day: date, orders: list[Order]) -> None:
    sales, rows = [], []
    for order in orders:
        if order.sold == day:
            sale = Sale(day, order.ref, "success", COST, 600)
            sales.append(one.sale_line(sale, [sale]) | {"product": order.product})
        every = rows_of(order)
        rows += [
            one.supply_line(row, every) | {"product": order.goods or None}
            for row in every
            if row.day == day
        ]
    engine.give("sale_lines", table("sale", sales))
    engine.give("supply_lines", table("supply", rows))


def keep(orders: list[Order], day: date, path: Path) -> Path:
    """Write the rows of a day as the sub-ledger keeps them: what later days look serials up in."""
    rows = [row for order in orders for row in rows_of(order) if row.day == day]
    columns = {
        "status": [row.state for row in rows],
        "serial": [row.serial or None for row in rows],
        "ref": [row.ref for row in rows],
        "occurred_at": pa.array([None] * len(rows), pa.timestamp("us", "UTC")),
        "created_at": pa.array(
            [one.moment(row.day, row.at) for row in rows], pa.timestamp("us", "UTC")
        ),
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("grace", [0, 1])
@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_SEEDS", "1"))))
def test_what_was_delivered(engine: DuckEngine, seed: int, grace: int, tmp_path: Path) -> None:
    chance = Random(seed)
    groups = [group(chance, number) for number in range(GROUPS)]
    orders = [order for group_ in groups for order in group_]
    before: list[Path] = []
    history: list[Matched] = []
    kept: list[Path] = []
    for number, day in enumerate(DAYS):
        give(engine, day, orders)
        out = tmp_path / f"{number}"
        out.mkdir()
        task = replace(
            one.job(day),
            grace=timedelta(days=grace),
            products=LISTED,
            serials=tuple(kept),
            serials_s=int(SPAN.total_seconds()),
        )
        result = run(engine, task, before=before, earlier=history, decided=[], out=out)
        rows = engine.rows(
            "select key, occurrence, class, amount from outcome where class not in ('matched', 'excluded')"
        )
        made = {r["key"]: (r["class"], int(r["amount"])) for r in rows}
        wanted = {
            order.ref: state
            for group_ in groups
            for order in group_
            if (state := expected(order, group_, day, grace)) is not None
        }
        wrong = sorted(k for k in {*made, *wanted} if made.get(k) != wanted.get(k))
        told = [
            (k, made.get(k), wanted.get(k), [o for o in orders if o.ref[:6] == k[:6]])
            for k in wrong[:3]
        ]
        assert not wrong, (day, len(wrong), told)
        assert result.residual == 0
        before = [result.files["items"]]
        if "matches" in result.files:
            path = result.files["matches"]
            history.append(Matched.of(path, bounds(engine, path)))
        kept.append(keep(orders, day, tmp_path / f"rows-{number}.parquet"))
    assert {c for c, _ in made.values()} >= {"product_mismatch", "serial_reused", "cost_mismatch"}
