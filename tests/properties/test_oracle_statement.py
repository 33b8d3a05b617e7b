"""The leg of a partner's two files agrees with a slow, obvious reference on random days."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.legs import LEGS, SUPPLY_STATEMENT
from finops_ledger.recon.rules import known
from finops_ledger.recon.run import run
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties.oracle_statement import Line, Statements
from tests.properties.test_oracle import DAYS, GRACE, job, moment, table

BUSINESSES = int(os.environ.get("ORACLE_BUSINESSES", "1500"))


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    one = DuckEngine(memory="1GB", threads=1)
    yield one
    one.close()


def orders(chance: Random, number: int) -> list[Line]:
    """An order or two in both files: in time, late, never, twice, repriced, without its reference, given back."""
    lines: list[Line] = []
    for copy in range(chance.randint(1, 2)):
        ref, own = f"B{number:05}-{copy}", f"T{number:05}-{copy}"
        cost = chance.choice((49_800, 10_250))
        day = chance.choice(DAYS)
        if chance.random() < 0.85:
            lines.append(Line(day, own, ref, -cost, False))
        for again in range(chance.choice((0, 1, 1, 1, 1, 2))):
            on = chance.choice([d for d in DAYS if d >= day]) if chance.random() < 0.4 else day
            off = chance.choice((0, 0, 0, 150, -150))
            named = "" if again == 0 and chance.random() < 0.2 else ref
            lines.append(Line(on, f"{own}x" if again else own, named, -cost - off, True))
        if chance.random() < 0.15:
            both = [False, True] if chance.random() < 0.5 else [True]
            on = chance.choice(DAYS)
            lines += [Line(on, f"{own}r", ref, cost, stated) for stated in both]
    return lines


def nameless(chance: Random, number: int) -> list[Line]:
    """Movements that name no order: in one file or both, and given back exactly, or by another amount."""
    lines: list[Line] = []
    amount = 1_000_000 + 10 * number
    for copy in range(chance.randint(1, 2)):
        own, day = f"N{number:05}-{copy}", chance.choice(DAYS)
        sides = chance.choice(((True,), (True,), (False,), (False, True)))
        lines += [Line(day, own, "", -amount, stated) for stated in sides]
    if chance.random() < 0.7:
        day, own = chance.choice(DAYS), f"N{number:05}-g"
        orig = chance.choice(("", "", f"N{number:05}-0"))
        lines.append(Line(day, own, "", chance.choice((amount, amount, amount - 1)), True, orig))
    return lines


def given(one: Line, number: int) -> dict[str, Any]:
    """A line of either file as the posting room lays it out."""
    return {
        "record": number + 1,
        "batch": f"b-{one.day}",
        "key": one.own,
        "ref": one.ref or None,
        "partner_ref": one.own,
        "orig_ref": one.orig or None,
        "stated_at": moment(one.day, 600),
        "disposition": "new",
        "status": "success",
        "kind": "usage" if one.ref and one.amount < 0 else "adjustment",
        "partner": "AggA",
        "day_post": one.day,
        "d_clearing": Decimal(-one.amount),
    }


@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_SEEDS", "1"))))
def test_two_files_of_a_partner(engine: DuckEngine, seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    lines: list[Line] = []
    for number in range(BUSINESSES):
        lines += (nameless if number % 4 == 0 else orders)(chance, number)
    reference = Statements(GRACE)
    before: list[Path] = []
    history: list[Matched] = []
    classes: set[str] = set()
    for number, day in enumerate(DAYS):
        today = [one for one in lines if one.day == day]
        for role, stated in (("supply", False), ("deposit", True)):
            rows = [given(one, n) for n, one in enumerate(o for o in today if o.stated == stated)]
            engine.give(f"{role}_lines", table(role, rows))
        out = tmp_path / f"{number}"
        out.mkdir()
        result = run(engine, work(day), before=before, earlier=history, decided=[], out=out)
        made = opened(engine)
        expected = reference.run(day, today)
        wrong = sorted(k for k in {*made, *expected} if made.get(k) != expected.get(k))
        stem = [k.lstrip("~BTN")[:5] for k in wrong]
        told = [
            (k, made.get(k), expected.get(k), [one for one in lines if s in one.own])
            for k, s in list(zip(wrong, stem, strict=True))[:3]
        ]
        assert not wrong, (day, len(wrong), told)
        assert result.residual == 0
        classes |= {class_ for class_, _ in made.values()}
        before = [result.files["items"]]
        if "matches" in result.files:
            path = result.files["matches"]
            history.append(Matched.of(path, bounds(engine, path)))
    assert classes == {"timing", "unexplained_movement"}


def test_a_row_and_what_undoes_it_on_one_day_belong_together(
    engine: DuckEngine, tmp_path: Path
) -> None:
    """What names the row that it undoes gives back no other movement of the same amount."""
    days = DAYS[:2]
    lines = [
        Line(days[0], "N-1", "", -75_000, True),
        Line(days[1], "N-2", "", -75_000, True),
        Line(days[1], "N-3", "", 75_000, True, orig="N-2"),
    ]
    before: list[Path] = []
    for day in days:
        engine.give("supply_lines", table("supply", []))
        rows = [given(one, n) for n, one in enumerate(lines) if one.day == day]
        engine.give("deposit_lines", table("deposit", rows))
        out = tmp_path / day.isoformat()
        out.mkdir()
        result = run(engine, work(day), before=before, earlier=[], decided=[], out=out)
        before = [result.files["items"]]
        assert opened(engine) == {"~N-1": ("unexplained_movement", 75_000)}


def work(day: date) -> Any:
    return replace(
        job(day),
        leg=LEGS[SUPPLY_STATEMENT],
        grace=timedelta(days=GRACE),
        rules=(known("partner_ref", SUPPLY_STATEMENT),),
        stated=True,
    )


def opened(engine: DuckEngine) -> dict[str, tuple[str, int]]:
    rows = engine.rows("select key, class, amount from outcome where amount <> 0")
    return {r["key"]: (r["class"], int(r["amount"])) for r in rows}
