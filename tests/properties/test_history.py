"""What earlier days matched is found again: by the item's key, by the right row's own, in few files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.recon import history
from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.job import Outcome
from finops_ledger.recon.run import run
from finops_ledger.subledger import matches
from finops_ledger.subledger.engine import parquet
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.properties.oracle import Sale, Supply
from tests.properties.test_oracle import job, sale_line, supply_line, table

FIRST = date(2026, 3, 1)
COST = 49_800


@pytest.fixture
def engine() -> Iterator[DuckEngine]:
    one = DuckEngine(memory="1GB", threads=1)
    yield one
    one.close()


class Days:
    """Days run one after the other over lines given by hand."""

    def __init__(self, engine: DuckEngine, root: Path) -> None:
        self.engine, self.root = engine, root
        self.matched: list[Matched] = []
        self.before: list[Path] = []

    def run(self, day: date, sold: list[dict[str, Any]], supplied: list[dict[str, Any]]) -> Outcome:
        self.engine.give("sale_lines", table("sale", sold))
        self.engine.give("supply_lines", table("supply", supplied))
        out = self.root / day.isoformat()
        out.mkdir()
        found = run(
            self.engine, job(day), before=self.before, earlier=self.matched, decided=[],
            out=out,
        )  # fmt: skip
        self.before = [found.files["items"]] if "items" in found.files else []
        if "matches" in found.files:
            path = found.files["matches"]
            self.matched.append(Matched.of(path, bounds(self.engine, path)))
        return found

    def items(self) -> list[tuple[str, str, str, int]]:
        if not self.before:
            return []
        rows = self.engine.rows(f"select * from ({parquet(self.before)}) order by key, occurrence")
        return [(r["key"], r["occurrence"], r["class"], int(r["amount"])) for r in rows]


def test_a_later_version_of_a_row_that_a_pass_gave_to_another_key(
    engine: DuckEngine, tmp_path: Path
) -> None:
    """The partner's row names no order; ours names the partner's. Days later the partner takes it back."""
    days = Days(engine, tmp_path)
    sale = {**sale_line(Sale(FIRST, "O1", "success", COST, 600, ""), []), "partner_ref": "T1"}
    first = Supply(FIRST, "T1", "", "success", COST, 601)
    days.run(FIRST, [sale], [{**supply_line(first, []), "ref": None}])
    assert days.items() == []
    assert [m.key for m in days.matched] == [(("O1", "O1"),)]
    assert [m.right_key for m in days.matched] == [(("T1", "T1"),)]
    later = FIRST + timedelta(days=5)
    again = Supply(later, "T1", "", "failed", 0, 601)
    line = {**supply_line(again, [first]), "ref": None}
    assert line["d_clearing"] == Decimal(-COST)
    days.run(later, [], [line])
    assert days.items() == [("O1", "", "late_reversal", -COST)]


def test_a_refund_that_names_such_a_row(engine: DuckEngine, tmp_path: Path) -> None:
    """What gives the row back goes to its item too."""
    days = Days(engine, tmp_path)
    sale = {**sale_line(Sale(FIRST, "O1", "success", COST, 600, ""), []), "partner_ref": "T1"}
    first = Supply(FIRST, "T1", "", "success", COST, 601)
    days.run(FIRST, [sale], [{**supply_line(first, []), "ref": None}])
    later = FIRST + timedelta(days=5)
    back = Supply(later, "R1", "", "success", COST, 601, kind="refund", orig="T1")
    days.run(later, [], [{**supply_line(back, []), "ref": None}])
    assert days.items() == [("O1", "", "late_reversal", -COST)]


def test_few_files_of_a_long_history_are_opened(
    engine: DuckEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second delivery of an order of the fourth day opens the matches of that day and of no other."""
    days = Days(engine, tmp_path)
    for number in range(8):
        day = FIRST + timedelta(days=number)
        ref, own = f"O{number}", f"T{number}"
        sale = sale_line(Sale(day, ref, "success", COST, 600, ""), [])
        days.run(day, [sale], [supply_line(Supply(day, own, ref, "success", COST, 601), [])])
    read: list[str] = []
    reading = matches.read

    def told(paths: list[Path], *more: Any) -> str:
        read.extend(p.parent.name for p in paths)
        return reading(paths, *more)

    monkeypatch.setattr(history.matches, "read", told)
    last = FIRST + timedelta(days=9)
    days.run(last, [], [supply_line(Supply(last, "T99", "O3", "success", COST, 601), [])])
    assert days.items() == [("O3", "T99", "duplicate_delivery", COST)]
    assert read == ["2026-03-04"]


def test_a_file_whose_bounds_are_not_known_is_opened(engine: DuckEngine, tmp_path: Path) -> None:
    """Lines of the manifest that were written before there were bounds have none."""
    days = Days(engine, tmp_path)
    sale = sale_line(Sale(FIRST, "O1", "success", COST, 600, ""), [])
    days.run(FIRST, [sale], [supply_line(Supply(FIRST, "T1", "O1", "success", COST, 601), [])])
    days.matched = [Matched(m.path) for m in days.matched]
    later = FIRST + timedelta(days=2)
    days.run(later, [], [supply_line(Supply(later, "T2", "O1", "success", COST, 601), [])])
    assert days.items() == [("O1", "T2", "duplicate_delivery", COST)]


def test_plain_pairs_are_stored_by_what_varies_and_read_whole(
    engine: DuckEngine, tmp_path: Path
) -> None:
    """One plain pair and one match that is none: both read with every column stated."""
    days = Days(engine, tmp_path)
    sold = [
        sale_line(Sale(FIRST, "O1", "success", COST, 600, ""), []),
        {
            **sale_line(Sale(FIRST, "O2", "success", COST, 600, ""), []),
            "partner_ref": "T2",
            "record": 2,
        },
    ]
    supplied = [
        supply_line(Supply(FIRST, "T1", "O1", "success", COST, 601), []),
        {
            **supply_line(Supply(FIRST, "T2", "", "success", COST, 601), []),
            "ref": None,
            "record": 2,
        },
    ]
    found = days.run(FIRST, sold, supplied)
    path = found.files["matches"]
    stored = engine.rows(f"select key, class, opened from ({parquet([path])})")
    assert [(r["key"], r["class"]) for r in stored] == [("O1", None), ("O2", "matched")]
    rows = engine.rows(matches.read([path]))
    told = [(r["key"], r["class"], r["rule"], r["occurrence"], int(r["right_now"])) for r in rows]
    assert told == [("O1", "matched", "ref", "", COST), ("O2", "matched", "partner_ref", "", COST)]
    assert {r["opened"] for r in rows} == {FIRST}
    assert {int(r["amount"]) for r in rows} == {0}
