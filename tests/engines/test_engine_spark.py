"""The engine itself: tables, files, and storage that the workspace does not lie on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from finops_ledger.core.schema import MONEY
from finops_ledger.subledger.engine import Engine, Part, content_digest, parquet
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.conftest import missing
from tests.engines import spark

AT = datetime(2026, 3, 2, 16, 59, 59, 999_999, UTC)
ROWS = pa.table(
    {
        "key": ["b", "a", None, "ß", "B"],
        "amount": pa.array([Decimal(n) for n in ("1.5", "-2", "0", "0.0001", "7")], MONEY),
        "moment": pa.array([AT, None, AT, AT, AT], pa.timestamp("us", "UTC")),
        "day": pa.array([date(2026, 3, 2)] * 5),
        "number": pa.array([1, 2, 3, 4, 5], pa.int64()),
    }
)


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[tuple[DuckEngine, Engine]]:
    """DuckDB and Spark over one workspace; Spark finds its files on storage beside it."""
    if lack := spark.lacking():
        missing(lack)
    from finops_ledger.subledger.engine_spark import SparkEngine

    local = DuckEngine()
    root = tmp_path / "books [1]"
    root.mkdir()
    told = replace(spark.LIMITS.session(), storage=f"file://{tmp_path / 'bucket'}")
    made = SparkEngine(local, told, root)
    yield local, made
    made.close()
    local.close()


def test_files_go_to_storage_and_come_back_the_same(
    engines: tuple[DuckEngine, Engine], tmp_path: Path
) -> None:
    root = tmp_path / "books [1]"
    source = root / "subledger" / "source=x" / "rows.parquet"
    local, far = engines
    local.give("given", ROWS)
    local.write([Part("select * from given")], source)
    digests = []
    for one in engines:
        one.view("file", parquet([source], position=True))
        kept = "select key, amount, moment, day, number + file_row_number as place from file"
        assert one.keep("kept", kept) == 5
        assert one.keep("kept", "select * replace (amount * 2 as amount) from kept") == 5
        assert one.keep("none", "select * from kept where false") == 0
        # Typed again: a product has more digits than its operands.
        typed = "select key, cast(amount as decimal(18, 4)) as amount, moment, day, place from kept"
        parts = [
            Part(f"{typed} where key is not null order by key", ("key",)),
            Part(f"{typed} where key is null order by key", ("key",)),
        ]
        out = root / "subledger" / f"{type(one).__name__}.parquet"
        assert one.write(parts, out) == 5
        digests.append(content_digest(out))
    assert digests[0] == digests[1]
    assert (tmp_path / "bucket" / "subledger" / "source=x" / "rows.parquet").exists()
    assert [p.name for p in (tmp_path / "bucket").rglob("part-*")] == []
    assert {p.name for p in (root / "subledger").iterdir()} == {
        "source=x",
        "DuckEngine.parquet",
        "SparkEngine.parquet",
    }
    # A file that was written anew is brought anew.
    local.write([Part("select * from given where number = 1")], source)
    far._places._there.clear()  # type: ignore[attr-defined]
    far._files.clear()  # type: ignore[attr-defined]
    assert far.keep("again", parquet([source])) == 1


def test_what_does_not_fit_is_an_error_on_both(engines: tuple[DuckEngine, Engine]) -> None:
    for one in engines:
        with pytest.raises(Exception, match=r"(?i)could not be represented|cast|convert"):
            one.keep(
                "wide",
                "select cast(cast('123456789012345' as decimal(38, 4)) as decimal(18, 4)) as a",
            )
        with pytest.raises(Exception, match=r"(?i)cast|convert"):
            one.rows("select cast('x' as bigint) as a")
