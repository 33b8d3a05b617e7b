"""Which rows bear a serial that another order has had: held against a look at every two rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finops_ledger.recon import goods
from finops_ledger.subledger.engine_duckdb import DuckEngine

START = datetime(2026, 4, 1, tzinfo=UTC)
DAY_S = 86_400
SPAN_S = 3 * DAY_S
MOMENT = pa.timestamp("us", tz="UTC")


def drawn(seed: int, size: int = 40) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of earlier days as files keep them, and the rows of a day; few serials, many of one time."""
    chance = random.Random(seed)

    def row(first: int, last: int) -> dict[str, Any]:
        at = START + timedelta(seconds=chance.randint(first, last) // 20_000 * 20_000)
        return {
            "key": chance.choice(["O1", "O2", "O3", "O4", "~N"]),
            "serial": chance.choice(["S1", "S2", "OK", "OK", None]),
            "at": None if chance.random() < 0.05 else at,
            "state": chance.choice(["success", "success", "success", "failed", "reversed"]),
        }

    return (
        [row(0, 4 * DAY_S) for _ in range(size)],
        [{**row(4 * DAY_S, 5 * DAY_S), "own_key": f"R{n}"} for n in range(size)],
    )


def by_hand(earlier: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, str]:
    """Every row beside every other: the earliest other order with its serial within the span."""
    undone = {e["key"] for e in earlier if e["state"] != "success"}
    bearers = {
        (b["at"], b["key"], b["serial"])
        for b in (*earlier, *rows)
        if b["state"] == "success" and b["serial"] and b["at"] and b["key"] not in undone
    }
    found = {}
    for row in rows:
        if row["state"] != "success" or not row["serial"] or not row["at"] or row["key"] == "~N":
            continue
        others = [
            (at, key)
            for at, key, serial in bearers
            if serial == row["serial"]
            and key != row["key"]
            and (at, key) < (row["at"], row["key"])
            and at >= row["at"] - timedelta(seconds=SPAN_S)
        ]
        if others:
            found[row["own_key"]] = min(others)[1]
    return found


def by_engine(
    folder: Path, earlier: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> dict[str, str]:
    file = folder / "earlier.parquet"
    text = ("ref", "serial", "status")
    table = {
        **{n: pa.array([e[o] for e in earlier], pa.string())
           for n, o in zip(text, ("key", "serial", "state"), strict=True)},
        "occurred_at": pa.array([e["at"] for e in earlier], MOMENT),
        "created_at": pa.nulls(len(earlier), MOMENT),
    }  # fmt: skip
    pq.write_table(pa.table(table), file)
    engine = DuckEngine()
    names = ("own_key", "key", "serial", "state")
    day = {n: pa.array([r[n] for r in rows], pa.string()) for n in names}
    engine.give("right_side", pa.table({**day, "at": pa.array([r["at"] for r in rows], MOMENT)}))
    job: Any = SimpleNamespace(serials=[file], serials_s=SPAN_S)
    found = engine.rows(goods._reused(engine, job))
    engine.close()
    return {r["reused_own"]: r["reused_by"] for r in found}


@pytest.mark.parametrize("seed", range(40))
def test_as_a_look_at_every_two_rows_says(seed: int, tmp_path: Path) -> None:
    earlier, rows = drawn(seed)
    assert by_engine(tmp_path, earlier, rows) == by_hand(earlier, rows)


def test_a_text_that_stands_on_every_order_takes_no_square_of_them(tmp_path: Path) -> None:
    """A partner that writes OK for a serial: 200,000 rows would be 20 thousand million pairs."""
    rows = [
        {"own_key": f"R{n}", "key": f"O{n:06}", "serial": "OK", "state": "success",
         "at": START + timedelta(seconds=n % 80_000)}
        for n in range(200_000)
    ]  # fmt: skip
    found = by_engine(tmp_path, [], rows)
    assert len(found) == len(rows) - 1
    assert set(found.values()) == {"O000000"}
