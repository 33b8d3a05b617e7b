"""Top-ups, and the gateway's fee, agree with a slow, obvious reference on random days."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from finops_ledger.recon.legs import GATEWAY_FEE, LEGS, TOPUP_BANK
from finops_ledger.recon.run import run
from finops_ledger.recon.tickets import Rules
from finops_ledger.sop.contracts import Contract
from finops_ledger.sop.levies import rate_on
from finops_ledger.sop.terms import Fee
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties.oracle_topups import Topups, Transfer
from tests.properties.test_oracle import DAYS, job, moment, table

SEEDS = range(int(os.environ.get("ORACLE_SEEDS", "1")))
EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "15"))
#: Amounts of which some are sums of others.
MILLIONS = (1, 2, 3, 5, 7, 8, 10)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    one = DuckEngine(memory="1GB", threads=1)
    yield one
    one.close()


def transfers(chance: Random) -> list[Transfer]:
    count = chance.randint(0, 7)
    return [
        Transfer(chance.choice(DAYS), n, chance.choice(MILLIONS) * 1_000_000) for n in range(count)
    ]


def place(day: date, one: Transfer) -> dict[str, Any]:
    return {
        "record": one.number + 1,
        "batch": f"b-{day}",
        "stated_at": moment(day, 600 + one.number),
        "disposition": "new",
        "day_post": day,
    }


def give(engine: DuckEngine, day: date, sent: list[Transfer], credited: list[Transfer]) -> None:
    bank = [
        {**place(day, one), "key": f"B{day}-{one.number}", "line_kind": "topup", "who": "AggA",
         "d_moved": Decimal(-one.amount)}
        for one in sent
    ]  # fmt: skip
    rows = [
        {**place(day, one), "key": f"T{day}-{one.number}", "kind": "topup", "partner": "AggA",
         "status": "success", "d_other": Decimal(-one.amount)}
        for one in credited
    ]  # fmt: skip
    engine.give("bank_lines", table("bank", bank))
    engine.give("supply_lines", table("supply", rows))
    engine.give("deposit_lines", table("deposit", []))


@pytest.mark.parametrize("seed", SEEDS)
def test_transfers_and_credits(engine: DuckEngine, seed: int, tmp_path: Path) -> None:
    for example in range(EXAMPLES):
        chance = Random(f"{seed} {example}")
        sent, credited = transfers(chance), transfers(chance)
        reference = Topups(1)
        before: list[Path] = []
        for number, day in enumerate(DAYS):
            mine = [t for t in sent if t.day == day]
            theirs = [t for t in credited if t.day == day]
            give(engine, day, mine, theirs)
            out = tmp_path / f"{example}-{number}"
            out.mkdir()
            task = replace(
                job(day),
                leg=LEGS[TOPUP_BANK],
                grace=timedelta(days=1),
                tickets=Rules(),
                rules=(),
            )
            result = run(engine, task, before=before, earlier=[], decided=[], out=out)
            rows = engine.rows("select class, amount, opened from outcome where amount <> 0")
            made = sorted((r["class"], int(r["amount"]), r["opened"]) for r in rows)
            assert made == reference.run(day, mine, theirs), (example, day, sent, credited)
            assert result.residual == 0
            before = [result.files["items"]] if "items" in result.files else []


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


@pytest.mark.parametrize("per", ["report", "row"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_gateways_fee(engine: DuckEngine, seed: int, per: str, tmp_path: Path) -> None:
    """What the reports of some days take beyond the contract, settlement by settlement."""
    fee = Fee(rate=Decimal("0.007"), vat=Decimal("0.11"), per=per)  # type: ignore[arg-type]
    chance = Random(f"{seed} {per}")
    over: dict[str, Decimal] = {}
    before: list[Path] = []
    record = 0
    for number, day in enumerate(DAYS):
        lines = []
        for settlement in sorted(chance.sample(range(300), 200)):
            key, owed, taxed = f"S{settlement}", Decimal(0), Decimal(0)
            grosses = [
                Decimal(chance.randint(-60_000, 90_000)) for _ in range(chance.randint(1, 4))
            ]
            kinds = ["payment" if g > 0 else "refund" for g in grosses]
            paid = [
                g if k == "payment" else Decimal(0) for g, k in zip(grosses, kinds, strict=True)
            ]
            for gross in [sum(paid, Decimal(0))] if per == "report" else paid:
                due = rounded(gross * fee.rate)
                owed, taxed = owed + due, taxed + rounded(due * fee.vat)
            took = owed + chance.choice((0, 0, 0, 5_000, -11, 1))
            vat = taxed + chance.choice((0, 0, 0, 550, 11))
            over[key] = over.get(key, Decimal(0)) + took - owed + vat - taxed
            for at, (gross, kind) in enumerate(zip(grosses, kinds, strict=True)):
                record += 1
                lines.append(
                    {
                        "record": record,
                        "batch": f"b-{day}",
                        "key": f"{key}-{record}",
                        "settlement_ref": key,
                        "stated_at": moment(day, 600),
                        "disposition": "new",
                        "kind": kind,
                        "gateway": "AggA",
                        "day_post": day,
                        "d_gross": gross,
                        "d_fees": took if at == 0 else Decimal(0),
                        "d_taxes": vat if at == 0 else Decimal(0),
                    }
                )
        engine.give("settlement_lines", table("settlement", lines))
        out = tmp_path / f"{number}"
        out.mkdir()
        task = replace(
            job(day),
            leg=LEGS[GATEWAY_FEE],
            grace=timedelta(days=1),
            fees=(Contract(date.min, date.max, fee, rate_on(fee.vat, day)),),
            rules=(),
        )
        result = run(engine, task, before=before, earlier=[], decided=[], out=out)
        rows = engine.rows("select key, class, amount from outcome where amount <> 0")
        made = {r["key"]: (r["class"], r["amount"]) for r in rows}
        assert made == {k: ("fee_mismatch", n) for k, n in over.items() if n}, day
        assert result.residual == 0
        before = [result.files["items"]] if "items" in result.files else []
