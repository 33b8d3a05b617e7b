"""Both engines find the same by every kind of pass, over days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.conftest import missing
from tests.engines import spark
from tests.passes.days import DAY, Partner, Row, Sale, later, rule

RULES = (
    rule("tidy", "ref", forms={"ref": ("trim", "upper", "strip", "msisdn")}),
    rule("parts", "serial", cardinality="groups"),
    rule("near", "customer", limit=100, account="Expenses:Differences", minutes=10),
    rule("subset", "product", cardinality="subset", bound=500),
    rule("guess", "customer", suggest=True),
)
SALES = [
    Sale("T-1"),
    Sale("0812-0000-1111"),
    Sale("T2", 100, serial="S"),
    Sale("T3", 200, serial="S"),
    Sale("T4", customer="c", at=615),
    Sale("T5", 777, product="V20"),
    Sale("T6", 50_000, customer="d"),
    Sale("T7", customer="c", day=later(1)),
    Sale("T8", customer="e", day=later(1)),
]
ROWS = [
    Row("A1", " t1 "),
    Row("A2", "6281200001111"),
    Row("A3", "X3", 250, serial="S"),
    Row("A4", "X4", 50, serial="S"),
    Row("A5", "X5", 49_850, customer="c", at=610),
    Row("A6", "X6", 49_900, customer="c", at=620),
    Row("A7", "X7", 700, product="V20"),
    Row("A8", "X8", 77, product="V20"),
    Row("A9", "X9", 60_000, customer="d"),
    Row("A4", "X4", 0, serial="S", state="failed", day=later(1)),
    Row("B1", "t8", customer="e"),
]


def told(engine: Engine, folder: Path) -> list[list[dict[str, Any]]]:
    made = Partner(engine, folder, RULES, SALES, ROWS).run(DAY, later(1))
    bounds = [{"bounds": result.bounds} for result in made.results.values()]
    return [*made.said.values(), bounds]


def test_both_engines_find_the_same(tmp_path: Path) -> None:
    if lack := spark.lacking():
        missing(lack)
    from finops_ledger.subledger.engine_spark import SparkEngine

    local = DuckEngine(memory="1GB", threads=1)
    far = SparkEngine(local, spark.LIMITS.session(), tmp_path)
    try:
        ours, theirs = (told(e, tmp_path / n) for e, n in ((local, "duckdb"), (far, "spark")))
    finally:
        far.close()
        local.close()
    assert ours == theirs
    rules = {i["rule"] for day in ours[:-1] for i in day}
    assert {"tidy", "parts", "near", "subset"} <= rules
    assert any(i.get("suggestion") for day in ours[:-1] for i in day)
