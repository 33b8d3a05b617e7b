"""The same days on DuckDB and on Spark: every row of every file, in the same order; every byte of the journal."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.books import Books
from finops_ledger.books.demo import lay_out_demo
from finops_ledger.books.rebuild import rebuild
from finops_ledger.simulator import simulate
from finops_ledger.simulator.world import Faults
from finops_ledger.subledger.manifest import NAME
from tests.conftest import missing
from tests.engines import spark
from tests.integrity import workspaces as iw
from tests.worked.story import Story
from tests.worked.test_cases_orders import of_many

#: So often that two small days hold every class.
OFTEN = Faults(
    failed=0.08,
    pending_success=0.05,
    pending_restored=0.05,
    restore_missing=0.05,
    late_success=0.05,
    partner_failed=0.05,
    missing_at_partner=0.05,
    missing_at_platform=0.05,
    cost_mismatch=0.05,
    duplicate_delivery=0.05,
    delivered_not_recorded=0.05,
    left_out_of_settlement=0.05,
)


@pytest.fixture(scope="module", autouse=True)
def _spark() -> None:
    if lack := spark.lacking():
        missing(lack)


def lines(root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (root / NAME).read_text("utf-8").splitlines()]


def same(root: Path, target: Path) -> Counter[str]:
    """Replay books line by line on Spark and hold all of it against what DuckDB made; count what was compared.

    Every line of the manifest (counts, sums, bridge, registers and the digests of files), the journal, and each
    Parquet file that a reconciliation wrote: matches, breaks and what waits.
    """
    report = rebuild(root, target, spark.LIMITS)
    assert report.differences == []
    compared: Counter[str] = Counter()
    for path in sorted((root / "journal").rglob("*.beancount")):
        assert path.read_bytes() == (target / path.relative_to(root)).read_bytes()
        compared["journal"] += 1
    for line in lines(root):
        for name in line["files"] if line["kind"] == "reconcile" else ():
            ours, theirs = (pq.read_table(base / name) for base in (root, target))
            assert [(f.name, f.type) for f in theirs.schema] == [
                (f.name, f.type) for f in ours.schema
            ]
            assert theirs.to_pylist() == ours.to_pylist(), name
            compared[name.split("/")[1]] += ours.num_rows
        compared[str(line["kind"])] += 1
    return compared


def test_a_history_with_a_decision_and_a_changed_rule(tmp_path: Path) -> None:
    iw.history(tmp_path / "books")
    compared = same(tmp_path / "books", tmp_path / "again")
    assert compared["decision"]
    assert compared["matches"]
    assert compared["breaks"]


def test_days_of_a_made_up_business(tmp_path: Path) -> None:
    """All legs with all that the simulator makes go wrong, and the bank's and gateways' files beside."""
    simulate(tmp_path / "made", days=2, orders_per_day=40, faults=OFTEN)
    lay_out_demo(tmp_path / "books", tmp_path / "made", ["AggA"])
    with Books(tmp_path / "books") as books:
        books.import_files(derive=False)
        books.reconcile()
    compared = same(tmp_path / "books", tmp_path / "again")
    assert compared["reconcile"] > 10
    assert compared["matches"] > 30
    assert compared["breaks"] > 10


def test_orders_too_large_for_narrow_numbers(tmp_path: Path) -> None:
    """A cost of 49.8 milliards is one, and one beyond any amount of money is none, on both."""
    day, cost = date(2026, 4, 1), 49_800 * 1_000_000
    story = Story(tmp_path / "books", day, deposit=cost)
    story.sales[day] += [of_many("B1", 1_000_000, 1), of_many("B2", 10_000_000_000, 1)]
    story.row(day, "A-B1", "B1", debit=cost)
    story.run(day)
    compared = same(tmp_path / "books", tmp_path / "again")
    assert compared["matches"] == 1
