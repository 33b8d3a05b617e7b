"""The same days on DuckDB and on Spark: every row of every file, in the same order; every byte of the journal."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.rebuild import rebuild
from finops_ledger.subledger.manifest import NAME
from tests.conftest import missing
from tests.engines import spark
from tests.integrity import workspaces as iw


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
