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
from finops_ledger.intake import toml
from finops_ledger.recon import fees
from finops_ledger.recon.legs import GATEWAY_FEE, LEGS
from finops_ledger.sop import contracts
from finops_ledger.sop.model import Sop
from finops_ledger.subledger.engine import Engine, Part, content_digest, parquet
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.conftest import missing
from tests.engines import spark
from tests.properties.test_oracle import job

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

SOP_OF_TWO = """counterparty = "PG1"
type = "gateway"

[[versions]]
effective = {first}
change_id = "1"
reason = "first"
author = "a"
approver = "b"
[versions.settlement.fee]
rate = "0.001"
vat = "0.11"
per = "row"

[[versions]]
effective = {later}
change_id = "2"
reason = "second"
author = "a"
approver = "b"
[versions.settlement.fee]
rate = "0.002"
vat = "ppn"
per = "row"
amount = "500"
"""


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


def test_taxes_and_fees_are_the_same_to_the_rupiah(
    engines: tuple[DuckEngine, Engine], tmp_path: Path
) -> None:
    """Two contracts, the later one by the table of taxes; our orders say which of them a payment was under."""
    given = SOP_OF_TWO.format(first="2026-03-01", later="2026-03-02")
    path = tmp_path / "books [1]" / "PG1.toml"
    path.write_text(given)
    agreed = contracts.in_force(toml.load(path, Sop))
    amounts = ["1352000", "-1352000", "1150", "0", "51000.5", "999999999999"]
    rows = pa.table(
        {
            "settlement_ref": [f"S{n}" for n in range(len(amounts))],
            "batch": ["b-1"] * len(amounts),
            "record": pa.array(range(len(amounts)), pa.int64()),
            "stated_at": pa.array([AT] * len(amounts), pa.timestamp("us", "UTC")),
            "d_fees": pa.array([Decimal(9)] * len(amounts), MONEY),
            "d_taxes": pa.array([Decimal(2)] * len(amounts), MONEY),
            "d_gross": pa.array([Decimal(a) for a in amounts], MONEY),
            "kind": ["payment"] * len(amounts),
            "disposition": ["new"] * len(amounts),
            "gateway": ["PG1"] * len(amounts),
            "day_post": pa.array([date(2026, 3, 3)] * len(amounts)),
            "day_rated": pa.array([date(2026, 3, 3)] * len(amounts)),
            "paid_day": pa.array(
                [None, None, *[date(2026, 3, 2)] * (len(amounts) - 2)], pa.date32()
            ),
            "payment_ref": [f"P{n}" for n in range(len(amounts))],
            "ref": [f"P{n}" for n in range(len(amounts))],
        }
    )
    orders = tmp_path / "books [1]" / "subledger" / "orders.parquet"
    local, _ = engines
    paid = "select 'P0' as ref, null as payment_ref, date '2026-03-01' as paid_day, date '2026-03-01' as day"
    local.write([Part(f"{paid}, cast(null as varchar) as gateway")], orders)
    what = replace(job(date(2026, 3, 3)), leg=LEGS[GATEWAY_FEE], counterparty="PG1", fees=agreed)
    what = replace(what, orders=(orders,))
    found = []
    for one in engines:
        one.give("settlement_lines", rows)
        both = [
            {str(r["key"]): Decimal(r["move"]) for r in one.rows(f"select key, move from ({sql})")}
            for sql in (fees.excess(what, "fee"), fees.excess(what, "vat"))
        ]
        found.append(both)
    assert found[0] == found[1]
    fee, vat = found[0]
    # 0.1 % and 11 % of it; then 0.2 % and 12 % of 11/12, with an amount on each payment.
    assert (fee["S0"], vat["S0"]) == (9 - 1352, 2 - 149)
    assert (fee["S1"], vat["S1"]) == (9 + 2704 + 500, 2 + 352)
    assert (fee["S2"], vat["S2"]) == (9 - 2 - 500, 2 - 55)
