"""Deliveries across suppliers agree with a slow, obvious reference on random days."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.job import Partner
from finops_ledger.recon.run import run
from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties import test_oracle as one
from tests.properties.oracle import Sale, Supply
from tests.properties.oracle_cross import Charged, Order, Sold, State
from tests.properties.test_oracle import DAYS, GRACE, PENDING, table

#: Class and residue of what is open, by order and supplier.
Opened = dict[tuple[str, str], tuple[str, int]]
LISTED = {"AggA": 49_800, "AggB": 49_900, "AggD": 50_050}
BUSINESSES = int(os.environ.get("ORACLE_BUSINESSES", "1500"))
STATES: tuple[tuple[State, ...], ...] = (
    (), ("success",), ("success",), ("success",), ("success",), ("failed",), ("pending",),
    ("pending", "success"), ("pending", "failed"), ("success", "failed"),
)  # fmt: skip
ROWS: tuple[tuple[tuple[State, int], ...], ...] = (
    (), (), (("success", 1),), (("success", 1),), (("failed", 0),), (("pending", 1),),
    (("pending", 1), ("success", 1)), (("pending", 1), ("failed", 0)),
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    one_ = DuckEngine(memory="1GB", threads=1)
    yield one_
    one_.close()


def business(chance: Random, ref: str) -> tuple[list[Sold], list[Charged]]:
    """One order: its sale, if any, and what each of three suppliers says of it."""
    seller = chance.choice(sorted(LISTED))
    states = chance.choice(STATES)
    days = sorted(chance.sample(DAYS, len(states)))
    sold = [Sold(day, ref, seller, state) for day, state in zip(days, states, strict=True)]
    charged: list[Charged] = []
    for who, listed in LISTED.items():
        versions = chance.choice(ROWS)
        days = sorted(chance.sample(DAYS, len(versions)))
        cost = listed + chance.choice((0, 0, 0, 300, -150))
        at = chance.randint(0, 1379)
        rows = [
            Charged(day, ref, who, state, cost * paid, at)
            for day, (state, paid) in zip(days, versions, strict=True)
        ]
        later = [d for d in DAYS if rows and d > rows[-1].day]
        if rows and rows[-1].state == "success" and later and chance.random() < 0.3:
            rows.append(Charged(chance.choice(later), ref, who, "success", cost, at, back=True))
        charged += rows
    return sold, charged


def as_sales(sold: list[Sold]) -> list[tuple[str, Sale]]:
    return [(s.who, Sale(s.day, s.ref, s.state, LISTED[s.who], 600)) for s in sold]


def as_rows(charged: list[Charged]) -> list[tuple[str, Supply]]:
    """Their rows, each named by supplier and order."""
    found = []
    for c in charged:
        own = f"{c.who}:{c.ref}"
        kind, orig = ("refund", own) if c.back else ("usage", "")
        row = Supply(
            c.day, f"{own}-R" if c.back else own, c.ref, c.state, c.amount, c.at, kind, orig
        )  # type: ignore[arg-type]
        found.append((c.who, row))
    return found


def give(
    engine: Engine, day: date, sold: list[tuple[str, Sale]], rows: list[tuple[str, Supply]]
) -> None:
    """Lay out the day's lines of all suppliers, and their price lists."""
    by_ref: dict[str, list[Sale]] = {}
    for _, sale in sold:
        by_ref.setdefault(sale.ref, []).append(sale)
    by_own: dict[str, list[Supply]] = {}
    for _, row in rows:
        by_own.setdefault(row.own, []).append(row)
    sales = []
    for who, sale in sold:
        if sale.day == day:
            line = one.sale_line(sale, by_ref[sale.ref]) | {
                "partner": who,
                "product": "P50",
                "step": 0,
            }
            if "prev_partner" in line:
                line["prev_partner"] = who
            sales.append(line)
    engine.give("sale_lines", table("sale", sales))
    lines = [
        one.supply_line(row, by_own[row.own]) | {"partner": who, "step": 0}
        for who, row in rows
        if row.day == day
    ]
    engine.give("supply_lines", table("supply", lines))
    engine.give("rules", prices())


def prices() -> pa.Table:
    start, end = one.moment(date(2026, 1, 1), 0), one.moment(date(2027, 1, 1), 0)
    money, time = pa.decimal128(18, 4), pa.timestamp("us", "UTC")
    names = sorted(LISTED)
    return pa.table(
        {
            "rule_partner": names,
            "rule_product": ["P50"] * len(names),
            "rule_cost": pa.array([Decimal(LISTED[n]) for n in names], money),
            "rule_face": pa.array([None] * len(names), money),
            "rule_delta": pa.array([None] * len(names), money),
            "rule_net": [False] * len(names),
            "rule_from": pa.array([start] * len(names), time),
            "rule_to": pa.array([end] * len(names), time),
        }
    )


def evenings(
    engine: Engine,
    told: list[tuple[list[Sold], list[Charged]]],
    days: Sequence[date],
    folder: Path,
    suppliers: Sequence[str] = tuple(LISTED),
) -> Iterator[tuple[date, Opened]]:
    """Run the suppliers' legs day by day; yield what is open on each evening, by order and supplier."""
    sold = as_sales([s for sales, _ in told for s in sales])
    charged = as_rows([c for _, rows in told for c in rows])
    partners = {who: Partner(who) for who in suppliers}
    history: dict[str, list[Matched]] = {who: [] for who in suppliers}
    for number, day in enumerate(days):
        give(engine, day, sold, charged)
        made: Opened = {}
        after = {}
        for who in suppliers:
            out = folder / f"{number}-{who}"
            out.mkdir()
            task = replace(
                one.job(day), counterparty=who, component=who, partners=tuple(partners.values())
            )
            result = run(
                engine, task, before=list(partners[who].items), earlier=history[who], decided=[],
                out=out,
            )  # fmt: skip
            assert result.residual == 0
            for (ref, _), state in one.opened(engine).items():
                if state[0] == "matched":
                    continue  # another's sale is pending, and what was charged for it is given back
                assert (ref, who) not in made, "one item an order and supplier"
                made[ref, who] = state
            files = result.files
            if "matches" in files:
                history[who].append(Matched.of(files["matches"], bounds(engine, files["matches"])))
            paths = tuple(m.path for m in history[who])
            after[who] = Partner(who, (files["items"],) if "items" in files else (), paths, paths)
        partners = after
        yield day, made


@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_SEEDS", "1"))))
def test_one_order_among_three_suppliers(engine: DuckEngine, seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    told = {f"X{number:05}": business(chance, f"X{number:05}") for number in range(BUSINESSES)}
    reference = {ref: Order(LISTED, GRACE, PENDING) for ref in told}
    classes: set[str] = set()
    for day, made in evenings(engine, list(told.values()), DAYS, tmp_path):
        expected = {}
        for ref, (sold, charged) in told.items():
            today = [s for s in sold if s.day == day], [c for c in charged if c.day == day]
            for who, state in reference[ref].run(day, *today).items():
                expected[ref, who] = state
        wrong = sorted(k for k in {*made, *expected} if made.get(k) != expected.get(k))
        about = [(k, made.get(k), expected.get(k), told[k[0]]) for k in wrong[:3]]
        assert not wrong, (day, len(wrong), about)
        classes |= {class_ for class_, _ in made.values()}
    assert classes >= {
        "cross_partner_delivery", "late_success", "late_reversal", "delivered_not_recorded",
        "duplicate_delivery", "cost_mismatch", "missing_at_partner", "missing_at_platform",
    }  # fmt: skip
