"""Both engines find the same of orders that cross between suppliers, over days."""

from __future__ import annotations

from pathlib import Path
from random import Random

from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.conftest import missing
from tests.engines import spark
from tests.properties.test_oracle import DAYS
from tests.properties.test_oracle_cross import business, evenings


def test_both_engines_find_the_same(tmp_path: Path) -> None:
    if lack := spark.lacking():
        missing(lack)
    from finops_ledger.subledger.engine_spark import SparkEngine

    chance = Random(2)
    told = [business(chance, f"X{number:03}") for number in range(60)]
    (tmp_path / "near").mkdir()
    (tmp_path / "far").mkdir()
    local = DuckEngine(memory="1GB", threads=1)
    far = SparkEngine(local, spark.LIMITS.session(), tmp_path)
    try:
        near, there = (
            list(evenings(engine, told, DAYS[:3], tmp_path / name, ("AggA", "AggB")))
            for engine, name in ((local, "near"), (far, "far"))
        )
        assert there == near
        assert "cross_partner_delivery" in {
            class_ for _, made in near for class_, _ in made.values()
        }
    finally:
        far.close()
        local.close()
