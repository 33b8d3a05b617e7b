"""Gateway, payouts, goods owed and refunds owed agree with a slow, obvious reference on random days."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from finops_ledger.recon import legs
from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.legs import LEGS
from finops_ledger.recon.run import run
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties.oracle_accounts import Account, Moves
from tests.properties.test_oracle import DAYS, job, moment, table

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "15"))
AMOUNTS = (51_000, 52_000)
Lines = dict[str, list[dict[str, Any]]]
how = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckEngine]:
    one = DuckEngine(memory="1GB", threads=1)
    yield one
    one.close()


@st.composite
def movements(draw: st.DrawFn, occurrences: tuple[str, ...] = ("",)) -> list[Moves]:
    """Amounts of a few keys over the days: met or not, on the day or later, once or in parts."""
    return draw(
        st.lists(
            st.builds(
                Moves,
                day=st.sampled_from(DAYS),
                key=st.sampled_from([f"K{n}" for n in range(6)]),
                amount=st.sampled_from([*AMOUNTS, 1_000, *(-a for a in AMOUNTS)]),
                occurrence=st.sampled_from(occurrences),
            ),
            max_size=14,
        )
    )


def agree(
    engine: DuckEngine,
    leg: str,
    reference: Account,
    left: list[Moves],
    right: list[Moves],
    lines: Callable[[date, list[Moves], list[Moves]], Lines],
) -> None:
    """Run both over all days; every open item must be the same at the end of each."""
    with TemporaryDirectory() as folder:
        before: list[Path] = []
        earlier: list[Matched] = []
        for number, day in enumerate(DAYS):
            mine = [m for m in left if m.day == day]
            theirs = [m for m in right if m.day == day]
            for role, rows in lines(day, mine, theirs).items():
                engine.give(f"{role}_lines", table(role, rows))
            out = Path(folder) / f"{number}"
            out.mkdir()
            one = replace(job(day), leg=LEGS[leg], grace=timedelta(days=reference.grace))
            result = run(engine, one, before=before, earlier=earlier, decided=[], out=out)
            assert opened(engine) == reference.run(day, mine, theirs), day
            assert result.residual == 0
            before = [result.files["items"]] if "items" in result.files else []
            if "matches" in result.files:
                path = result.files["matches"]
                earlier.append(Matched.of(path, bounds(engine, path)))


def opened(engine: DuckEngine) -> dict[tuple[str, str], tuple[str, int]]:
    rows = engine.rows("select key, occurrence, class, amount from outcome where amount <> 0")
    return {(r["key"], r["occurrence"]): (r["class"], int(r["amount"])) for r in rows}


def place(day: date, number: int) -> dict[str, Any]:
    """What every line has: where it stands, when it was said."""
    return {
        "record": number + 1,
        "batch": f"b-{day}",
        "stated_at": moment(day, 600),
        "disposition": "new",
    }


def payments(day: date, left: list[Moves], right: list[Moves]) -> Lines:
    """Our payments and refunds as sale lines, the gateway's as settlement lines."""
    sales = []
    for number, one in enumerate(left):
        paid = one.occurrence == ""
        sales.append(
            {
                **place(day, number),
                "key": f"{one.key}-{number}",
                "ref": f"{one.key}-{number}",
                "payment_ref": one.key,
                "gateway": "AggA",
                "state": "success",
                "paid": Decimal(one.amount) if paid else Decimal(0),
                # A refund of ours moves the account the other way.
                "refunded": Decimal(0) if paid else Decimal(-one.amount),
                "day_paid": day if paid else DAYS[0] - timedelta(days=1),
                "day_state": day,
                "day_refund": None if paid else day,
            }
        )
    settled = [
        {
            **place(day, number),
            "key": f"R{day}-{number}",
            "payment_ref": one.key,
            "kind": one.occurrence or "payment",
            "gateway": "AggA",
            "day_post": day,
            "d_gross": Decimal(one.amount),
        }
        for number, one in enumerate(right)
    ]
    return {"sale": sales, "settlement": settled}


@how
@example(  # settled on the first day, and on the third once more
    left=[Moves(DAYS[0], "K0", 51_000)],
    right=[Moves(DAYS[0], "K0", 51_000), Moves(DAYS[2], "K0", 51_000)],
)
@given(left=movements(("", "", "refund")), right=movements(("", "", "refund", "chargeback")))
def test_payments_and_the_gateway(
    engine: DuckEngine, left: list[Moves], right: list[Moves]
) -> None:
    account = Account(
        1,
        "missing_in_settlement",
        "unknown_in_settlement",
        "amount_mismatch",
        "amount_mismatch",
        remembers=True,
    )
    agree(engine, legs.SALE_GATEWAY, account, left, right, payments)


def payouts(day: date, left: list[Moves], right: list[Moves]) -> Lines:
    """Settlements as the gateway's lines, payouts as the bank's."""
    settled = [
        {
            **place(day, number),
            "key": f"R{day}-{number}",
            "settlement_ref": one.key,
            "kind": "payment",
            "gateway": "AggA",
            "day_post": day,
            "d_net": Decimal(one.amount),
        }
        for number, one in enumerate(left)
    ]
    bank = [
        {
            **place(day, number),
            "key": f"B{day}-{number}",
            "line_kind": "payout",
            "line_ref": one.key,
            "who": "AggA",
            "day_post": day,
            "d_moved": Decimal(one.amount),
        }
        for number, one in enumerate(right)
    ]
    return {"settlement": settled, "bank": bank}


@st.composite
def tickets(draw: st.DrawFn) -> list[Moves]:
    """Settlements or payouts, one a name: of amounts so far apart that only the name tells what meets what."""
    keys = draw(st.sets(st.integers(1, 8)))
    return [
        Moves(
            draw(st.sampled_from(DAYS)),
            f"K{n}",
            1_000_003 * n * n + draw(st.sampled_from((0, 0, -2_900, 700))),
        )
        for n in sorted(keys)
    ]


@how
@given(left=tickets(), right=tickets())
def test_settlements_and_the_bank(
    engine: DuckEngine, left: list[Moves], right: list[Moves]
) -> None:
    account = Account(
        1, "settlement_overdue", "settlement_over", "settlement_short", "settlement_over"
    )
    agree(engine, legs.SETTLEMENT_BANK, account, left, right, payouts)


@st.composite
def orders(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Orders with the day paid, the day final (or none), how it ended, the day refunded (or none)."""
    found = []
    for number in range(draw(st.integers(0, 8))):
        days = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=3, max_size=3)))
        end = draw(st.sampled_from(["pending", "success", "failed", "refunded"]))
        found.append({"ref": f"O{number}", "paid": days[0], "final": days[1], "end": end,
                      "refund": days[2], "amount": draw(st.sampled_from(AMOUNTS))})  # fmt: skip
    return found


def versions(day: date, every: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sale lines of a day: an order paid, become final, or refunded."""
    lines = []
    for number, one in enumerate(every):
        amount, end = Decimal(one["amount"]), one["end"]
        states = [(one["paid"], "pending")]
        if end != "pending":
            states.append((one["final"], "success" if end == "success" else "failed"))
        stands = dict(states)  # of two on one day the later
        sent = one["refund"] if end == "refunded" else None
        days = sorted({*stands, *([sent] if sent else [])})
        before: dict[str, Any] = {}
        for at in days:
            state = next(stands[d] for d in sorted(stands, reverse=True) if d <= at)
            now = {
                "paid": amount,
                "cash": amount if state == "success" else Decimal(0),
                "failed": amount if state == "failed" else Decimal(0),
                "refunded": amount if sent and sent <= at else Decimal(0),
            }
            if at == day:
                lines.append(
                    {
                        **place(day, number),
                        "disposition": "revised" if before else "new",
                        "key": one["ref"],
                        "ref": one["ref"],
                        "state": state,
                        **now,
                        **{f"prev_{n}": v for n, v in before.items()},
                        "day_paid": one["paid"],
                        "day_state": at,
                        "day_refund": at if now["refunded"] else None,
                    }
                )
            before = now
    return lines


@how
@given(every=orders())
def test_goods_owed_and_refunds_owed(engine: DuckEngine, every: list[dict[str, Any]]) -> None:
    owed, refund = [], []
    for one in every:
        amount = one["amount"]
        owed.append(Moves(one["paid"], one["ref"], -amount))
        if one["end"] != "pending":
            owed.append(Moves(one["final"], one["ref"], amount))
        if one["end"] in ("failed", "refunded"):
            refund.append(Moves(one["final"], one["ref"], -amount))
        if one["end"] == "refunded":
            refund.append(Moves(one["refund"], one["ref"], amount))

    def lines(day: date, *_: list[Moves]) -> Lines:
        return {"sale": versions(day, every)}

    for leg, class_, moves in (
        (legs.UNDELIVERED, "undelivered_overdue", owed),
        (legs.REFUND_PAYABLE, "refund_overdue", refund),
    ):
        agree(engine, leg, Account(1, class_, waits_as="pending"), moves, [], lines)
