"""The reconciler agrees with a slow, obvious reference on thousands of small random orders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from finops_ledger.posting import store
from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.job import Job
from finops_ledger.recon.legs import LEGS, SALE_SUPPLY
from finops_ledger.recon.run import run
from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties.oracle import Reference, Sale, State, Supply

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]
COSTS = (49_800, 50_100)
GRACE, PENDING = 1, 2


@st.composite
def sales(draw: st.DrawFn, ref: str) -> list[Sale]:
    """The versions of one order: it may begin pending, succeed or fail, and be undone later."""
    states = draw(
        st.sampled_from(
            [
                [],
                ["success"],
                ["failed"],
                ["pending"],
                ["pending", "success"],
                ["pending", "failed"],
                ["success", "failed"],
                ["failed", "success"],
            ]
        )
    )
    days = sorted(draw(st.sets(st.sampled_from(DAYS), min_size=len(states), max_size=len(states))))
    serial = draw(st.sampled_from(["", "S1", "S2"]))
    return [
        Sale(day, ref, state, COSTS[0], draw(st.integers(0, 1439)), serial)
        for day, state in zip(days, states, strict=True)
    ]


@st.composite
def supplies(draw: st.DrawFn, ref: str, own: str) -> list[Supply]:
    """The versions of one partner row, and perhaps a refund of it."""
    versions = draw(
        st.sampled_from(
            [
                [("success", 1)],
                [("failed", 0)],
                [("failed", 1)],
                [("pending", 1)],
                [("pending", 1), ("success", 1)],
                [("pending", 1), ("failed", 0)],
                [("pending", 1), ("failed", 1)],
                [("success", 1), ("failed", 0)],
            ]
        )
    )
    count = len(versions)
    days = sorted(draw(st.sets(st.sampled_from(DAYS), min_size=count, max_size=count)))
    cost = draw(st.sampled_from(COSTS))
    serial = draw(st.sampled_from(["", "S1", "S2"]))
    at = draw(st.integers(0, 1379))
    rows = [
        Supply(day, own, ref, state, cost * paid, at, serial=serial)
        for day, (state, paid) in zip(days, versions, strict=True)
    ]
    final = rows[-1]
    later = [d for d in DAYS if d > final.day]
    if final.amount and final.state != "pending" and later and draw(st.booleans()):
        orig = draw(st.sampled_from([own, ""]))
        rows.append(
            Supply(
                draw(st.sampled_from(later)),
                f"{own}-R",
                ref,
                "success",
                final.amount,
                at,
                kind="refund",
                orig=orig,
            )
        )
    return rows


@st.composite
def businesses(draw: st.DrawFn) -> tuple[list[Sale], list[Supply]]:
    """A handful of orders, each with none, one or two partner rows."""
    sold: list[Sale] = []
    supplied: list[Supply] = []
    for number in range(draw(st.integers(1, 12))):
        ref = f"O{number}"
        sold += draw(sales(ref))
        for copy in range(draw(st.integers(0, 2))):
            supplied += draw(supplies(ref, f"T{number}{copy}"))
    return sold, supplied


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    one = DuckEngine(memory="1GB", threads=1)
    yield one
    one.close()


@settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "25")),
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(business=businesses())
def test_the_engine_agrees_with_the_reference(
    engine: DuckEngine, business: tuple[list[Sale], list[Supply]]
) -> None:
    sold, supplied = business
    reference = Reference(GRACE, PENDING)
    with TemporaryDirectory() as folder:
        before: list[Path] = []
        history: list[Matched] = []
        for number, day in enumerate(DAYS):
            give(engine, day, sold, supplied)
            out = Path(folder) / f"{number}"
            out.mkdir()
            result = run(
                engine,
                job(day),
                before=before,
                earlier=history,
                decided=[],
                out=out,
            )
            expected = reference.run(
                day,
                [s for s in sold if s.day == day],
                [s for s in supplied if s.day == day],
            )
            assert opened(engine) == expected, day
            assert result.residual == 0
            before = [result.files["items"]] if "items" in result.files else []
            if "matches" in result.files:
                path = result.files["matches"]
                history.append(Matched.of(path, bounds(engine, path)))


STATES: tuple[tuple[State, ...], ...] = (
    (),
    ("success",), ("success",), ("success",),
    ("failed",), ("pending",), ("unknown",),
    ("pending", "success"), ("pending", "failed"), ("unknown", "success"), ("unknown", "failed"),
    ("success", "failed"), ("failed", "success"),
    ("pending", "success", "failed"),
)  # fmt: skip
#: Statuses of a partner's row, each with whether the deposit has paid for it.
ROWS: tuple[tuple[tuple[State, int], ...], ...] = (
    (("success", 1),), (("success", 1),), (("success", 1),),
    (("failed", 0),), (("failed", 1),), (("pending", 1),), (("unknown", 1),), (("pending", 0),),
    (("pending", 1), ("success", 1)), (("pending", 1), ("failed", 0)), (("pending", 1), ("failed", 1)),
    (("success", 1), ("failed", 0)), (("unknown", 1), ("success", 1)), (("unknown", 1), ("failed", 0)),
    (("failed", 0), ("success", 1)), (("pending", 1), ("failed", 1), ("failed", 0)),
)  # fmt: skip


def business(chance: Random, prefix: str) -> tuple[list[Sale], list[Supply]]:
    """One small random business: an order or two, each with none to three rows, and what undoes them."""
    sold: list[Sale] = []
    supplied: list[Supply] = []
    for number in range(chance.randint(1, 2)):
        ref = f"{prefix}O{number}"
        states = chance.choice(STATES)
        days = sorted(chance.sample(DAYS, len(states)))
        serial = chance.choice(["", "S1", "S2"])
        sold += [
            Sale(day, ref, state, COSTS[0], chance.randint(0, 1439), serial)
            for day, state in zip(days, states, strict=True)
        ]
        rows: list[Supply] = []
        for copy in range(chance.choice((0, 1, 1, 1, 2, 2, 3))):
            rows += _row(chance, f"{prefix}T{number}{copy}", ref)
        # What the partner gave back before we ever sold is done, and is not looked up when we sell.
        done = [r.own for r in rows if r.kind == "refund" and days and r.day < days[0]]
        supplied += [r for r in rows if r.own not in done]
        if chance.random() < 0.05:
            day, amount = chance.choice(DAYS), chance.choice((75_000, -75_000))
            own = f"{prefix}A{number}"
            supplied.append(Supply(day, own, "", "success", amount, 0, kind="adjustment"))
    return sold, supplied


def _row(chance: Random, own: str, ref: str) -> list[Supply]:
    versions = chance.choice(ROWS)
    days = sorted(chance.sample(DAYS, len(versions)))
    cost, serial = chance.choice((*COSTS, COSTS[0])), chance.choice(["", "S1", "S2"])
    at = chance.randint(0, 1379)
    rows = [
        Supply(day, own, ref, state, cost * paid, at, serial=serial)
        for day, (state, paid) in zip(days, versions, strict=True)
    ]
    later = [d for d in DAYS if d > rows[-1].day]
    if (
        rows[-1].amount
        and rows[-1].state in ("success", "failed")
        and later
        and chance.random() < 0.4
    ):
        amount = chance.choice((rows[-1].amount, rows[-1].amount, 1_000))
        orig = chance.choice((own, ""))
        told = sorted(chance.sample(later, min(len(later), chance.randint(1, 2))))
        rows += [
            # A refund may be announced before it is paid.
            Supply(day, f"{own}-R", ref, state, amount, at, "refund", orig)
            for day, state in zip(told, ("pending", "success")[-len(told) :], strict=True)
        ]
    return rows


@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_SEEDS", "1"))))
def test_thousands_of_small_days_at_once(engine: DuckEngine, seed: int, tmp_path: Path) -> None:
    """Many small businesses stand in one engine side by side: no order may know of another."""
    chance = Random(seed)
    sold: list[Sale] = []
    supplied: list[Supply] = []
    for number in range(BUSINESSES):
        more = business(chance, f"B{number:05}-")
        sold += more[0]
        supplied += more[1]
    reference = Reference(GRACE, PENDING)
    before: list[Path] = []
    history: list[Matched] = []
    classes: set[str] = set()
    for number, day in enumerate(DAYS):
        give(engine, day, sold, supplied)
        out = tmp_path / f"{number}"
        out.mkdir()
        result = run(
            engine,
            job(day),
            before=before,
            earlier=history,
            decided=[],
            out=out,
        )
        expected = reference.run(
            day, [s for s in sold if s.day == day], [s for s in supplied if s.day == day]
        )
        made = opened(engine)
        wrong = sorted(k for k in {*made, *expected} if made.get(k) != expected.get(k))
        told = [
            (k, made.get(k), expected.get(k), [s for s in (*sold, *supplied) if s.ref == k[0]])
            for k in wrong[:3]
        ]
        assert not wrong, (day, len(wrong), told)
        assert result.residual == 0
        classes |= {class_ for class_, _ in made.values()}
        before = [result.files["items"]]
        path = result.files["matches"]
        history.append(Matched.of(path, bounds(engine, path)))
    assert classes == EVERY


#: The classes that random days of the leg sale↔supply come to.
EVERY = {
    "pending", "timing", "missing_at_partner", "missing_at_platform", "partner_failed",
    "late_success", "duplicate_delivery", "cost_mismatch", "late_reversal", "restore_missing",
    "delivered_not_recorded", "undelivered_overdue", "status_unknown", "unexplained_movement",
}  # fmt: skip
#: So many businesses of four days each in one run: some thousands of small days.
BUSINESSES = int(os.environ.get("ORACLE_BUSINESSES", "1500"))


def job(day: date) -> Job:
    return Job(
        leg=LEGS[SALE_SUPPLY],
        counterparty="AggA",
        component="AggA",
        day=day,
        grace=timedelta(days=GRACE),
        pending=timedelta(days=PENDING),
        tolerance=Decimal(0),
        shift_s=8 * 3600,
        claims="Assets:Claims:Partner:AggA",
    )


def opened(engine: Engine) -> dict[tuple[str, str], tuple[str, int]]:
    """What the engine says is open: class and residue by (ref, occurrence)."""
    rows = engine.rows(
        "select key, occurrence, class, amount from outcome where amount <> 0 or right_held <> 0 "
        "or left_state in ('pending', 'unknown') or right_state in ('pending', 'unknown') "
        "or (class = 'partner_failed' and recon_amount = 0)"
    )
    return {(r["key"], r["occurrence"]): (r["class"], int(r["amount"])) for r in rows}


def give(engine: DuckEngine, day: date, sold: list[Sale], supplied: list[Supply]) -> None:
    """Register the day's line tables as the posting room would."""
    sales: dict[str, list[Sale]] = {}
    for one in sold:
        sales.setdefault(one.ref, []).append(one)
    rows: dict[str, list[Supply]] = {}
    for row in supplied:
        rows.setdefault(row.own, []).append(row)
    engine.give(
        "sale_lines", table("sale", [sale_line(s, sales[s.ref]) for s in sold if s.day == day])
    )
    lines = [supply_line(s, rows[s.own]) for s in supplied if s.day == day]
    engine.give("supply_lines", table("supply", lines))


def table(role: str, lines: list[dict[str, Any]]) -> pa.Table:
    """Line tables as the posting room lays them out: amounts that a line does not say are zero."""
    schema = store.table(role).schema().to_pyarrow()
    unsaid = {
        f.name: Decimal(0)
        for f in schema
        if pa.types.is_decimal(f.type) and not f.name.startswith("prev_")
    } | {f.name: False for f in schema if pa.types.is_boolean(f.type)}
    columns = {n: [line.get(n, unsaid.get(n)) for line in lines] for n in schema.names}
    return pa.table(columns, schema=schema)


def moment(day: date, minute: int) -> datetime:
    """A local minute of a day (UTC+7) in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute - 420)


def sale_line(sale: Sale, sold: list[Sale]) -> dict[str, Any]:
    earlier = [s for s in sold if s.ref == sale.ref and s.day < sale.day]
    cost = sale.cost if sale.state == "success" else 0
    line: dict[str, Any] = {
        "record": 1,
        "batch": f"b-{sale.day}",
        "key": sale.ref,
        "ref": sale.ref,
        "serial": sale.serial or None,
        "stated_at": moment(sale.day, sale.at),
        "disposition": "revised" if earlier else "new",
        "state": sale.state,
        "partner": "AggA",
        "category": "Pulsa",
        "model": "agent",
        "cost": Decimal(cost),
        "fee": Decimal(0),
        "amount": Decimal(51_000),
        "no_price": False,
        "day_state": sale.day,
    }
    if earlier:
        was = max(earlier, key=lambda s: s.day)
        line["prev_partner"] = "AggA"
        line["prev_cost"] = Decimal(was.cost if was.state == "success" else 0)
    return line


def supply_line(row: Supply, supplied: list[Supply]) -> dict[str, Any]:
    earlier = [s for s in supplied if s.own == row.own and s.day < row.day]
    was = max(earlier, key=lambda s: s.day) if earlier else None
    sign = -1 if row.kind == "refund" else 1
    final, held = standing(row)
    held = 0 if row.kind == "refund" else held
    final_was, _ = standing(was) if was else (0, 0)
    return {
        "record": 1,
        "batch": f"b-{row.day}",
        "key": row.own,
        "ref": row.ref or None,
        "partner_ref": row.own,
        "orig_ref": row.orig or None,
        "serial": row.serial or None,
        "stated_at": moment(row.day, row.at),
        "disposition": "revised" if was else "new",
        "status": row.state,
        "kind": row.kind,
        "partner": "AggA",
        "day_post": row.day,
        "deposit": Decimal(-sign * row.amount),
        "held": Decimal(held),
        "d_clearing": Decimal(sign * (final - final_was)),
        "d_stock": Decimal(0),
        "d_granted": Decimal(0),
        "held_closes": False,
    }


def standing(row: Supply) -> tuple[int, int]:
    """What a version has cost for good, and what it holds while it is pending."""
    return (0, row.amount) if row.state in ("pending", "unknown") else (row.amount, 0)
