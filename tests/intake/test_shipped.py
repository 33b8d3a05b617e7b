"""The shipped formats read their own samples, and every figure of the samples comes out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.samples import samples_of, setting_of
from finops_ledger.core.schema import ROW_SCHEMA
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, SourceInfo, locate, read
from finops_ledger.intake.recognise import recognises

#: The two layouts of one bank differ in their dates only; a source names its format.
TWINS = {
    "bca": {"klikbca"},
    "klikbca": {"bca"},
}

#: Reports about which the books have nothing to say: every row is left out, with its reason.
POSTS_NOTHING = {"paypal_sar"}


def info(name: str, role: str, **more: object) -> SourceInfo:
    """Return a source for a shipped format, in the setting of its sample."""
    setting = setting_of(name)
    given: dict[str, object] = {
        "zone": "Asia/Jakarta",
        "currency": setting.currency,
        "batch": "b-0123456789abcdef",
        "file_day": setting.day or date(2026, 3, 2),
        "secret": b"a key",
        "counterparty": setting.counterparty or None,
        "account": setting.counterparty or None,
        "gateway": setting.gateway or None,
        "partner_aliases": {who.upper(): who for who in setting.partners},
        **more,
    }
    return SourceInfo(name=name, role=role, **given)  # type: ignore[arg-type]


def read_sample(name: str, out: Path) -> tuple[ReadResult, list[dict[str, object]]]:
    """Read the sample of a shipped format; return the result and the rows."""
    path = shipped()[name]
    fmt = load_format(path)
    result = read(samples_of(name)[0], fmt, info(name, fmt.role or ""), out)
    table = pq.read_table(out)
    assert table.schema.names == ROW_SCHEMA.names
    assert table.schema.types == ROW_SCHEMA.types
    return result, table.to_pylist()


@pytest.mark.parametrize("name", sorted(shipped()))
def test_sample_is_read_whole(name: str, tmp_path: Path) -> None:
    result, rows = read_sample(name, tmp_path / "rows.parquet")
    assert result.kept == len(rows)
    assert result.rows == result.kept + result.excluded_rows > 0
    if name in POSTS_NOTHING:
        assert rows == []
        return
    assert rows
    assert result.control == sum(row["amount"] for row in rows)  # type: ignore[misc]
    assert {row["batch"] for row in rows} == {"b-0123456789abcdef"}
    records = {row["record"] for row in rows}
    if result.excluded:
        assert len(records) == len(rows)
        assert records <= {*range(1, result.rows + 1)}
    else:
        assert records == {None}
    assert (result.first_day, result.last_day) == (
        min(row["day"] for row in rows),  # type: ignore[type-var]
        max(row["day"] for row in rows),  # type: ignore[type-var]
    )


@pytest.mark.parametrize("name", sorted(shipped()))
def test_sample_is_recognised_by_its_own_format_only(name: str) -> None:
    formats = [load_format(path) for path in shipped().values()]
    for sample in samples_of(name):
        found = {fmt.name for fmt in formats if recognises(fmt, sample)}
        assert found == {name} | TWINS.get(name, set()), sample.name


def test_orders(tmp_path: Path) -> None:
    result, rows = read_sample("orders", tmp_path / "rows.parquet")
    assert result.control == Decimal(487250)
    first = rows[1]
    assert (first["price"], first["discount"], first["amount"]) == (51500, 1500, 50000)
    assert (first["partner"], first["gateway"], first["status"]) == ("AggA", "PG1", "success")
    assert first["occurred_at"] == datetime(2026, 3, 1, 17, 15, 44, tzinfo=UTC)
    assert first["day"] == date(2026, 3, 2)
    assert str(first["customer"]).endswith("~002")
    assert "5312" not in str(first["customer"])
    pending, refunded, none = rows[4], rows[5], rows[6]
    assert pending["occurred_at"] is None
    assert pending["day"] == date(2026, 3, 2)
    assert refunded["status"] == "refunded"
    assert refunded["refund_day"] == date(2026, 3, 2)
    assert none["partner"] is None


def test_tokopedia_partner(tmp_path: Path) -> None:
    _, rows = read_sample("tokopedia_partner", tmp_path / "rows.parquet")
    first = rows[0]
    assert first["price"] == first["amount"] == 189932
    assert (first["ref"], first["payment_ref"], first["partner_ref"]) == (
        "TP-9001",
        "TP-9001",
        "PRX-1",
    )
    assert (first["status"], first["partner"]) == ("success", "Prx")


def test_aggregator(tmp_path: Path) -> None:
    result, rows = read_sample("aggregator", tmp_path / "rows.parquet")
    assert result.closing == rows[-1]["balance"]
    assert result.totals["rows"] == 10
    assert [row["kind"] for row in rows].count("usage") == 7
    assert (rows[0]["amount"], rows[0]["cost"]) == (-10250, 10250)
    assert (rows[2]["kind"], rows[2]["amount"], rows[2]["cost"]) == ("topup", 5000000, None)
    assert (rows[5]["kind"], rows[5]["orig_ref"]) == ("refund", "AGG-50005")
    assert (rows[9]["status"], rows[9]["status_raw"]) == ("unknown", "HOLD")
    assert rows[0]["day"] == date(2026, 3, 1)
    assert rows[0]["occurred_at"] is None


def test_pg_settlement(tmp_path: Path) -> None:
    result, rows = read_sample("pg_settlement", tmp_path / "rows.parquet")
    assert set(result.totals) == {"rows", "price", "fee", "vat", "amount"}
    assert {row["gateway"] for row in rows} == {"PG1"}
    assert {row["day"] for row in rows} == {date(2026, 3, 3)}
    for row in rows:
        assert row["price"] == row["amount"] + row["fee"] + row["vat"]  # type: ignore[operator]


def test_bca(tmp_path: Path) -> None:
    result, rows = read_sample("bca", tmp_path / "rows.parquet")
    assert result.opening == 2000000
    assert result.closing == 2791912
    assert result.control == result.closing - result.opening
    assert rows[4]["text"] == 'SETORAN "TUNAI", CABANG'
    assert rows[1]["amount"] == -1000000


def test_klikbca_takes_the_year_from_the_day_of_the_file(tmp_path: Path) -> None:
    result, rows = read_sample("klikbca", tmp_path / "rows.parquet")
    assert (result.first_day, result.last_day) == (date(2025, 12, 28), date(2026, 1, 3))
    assert result.excluded == {"not booked yet": 1}
    assert result.excluded_control == -25000
    assert result.closing == rows[-1]["balance"]


def test_adyen(tmp_path: Path) -> None:
    result, rows = read_sample("adyen_settlement_details", tmp_path / "rows.parquet")
    assert (result.control, result.excluded_control) == (68, -68)
    assert rows[1]["price"] == 20
    assert rows[1]["fee"] == Decimal("0.60")
    assert rows[1]["occurred_at"] == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def test_stripe(tmp_path: Path) -> None:
    result, rows = read_sample("stripe_settlement", tmp_path / "rows.parquet")
    assert (result.control, result.excluded_control) == (Decimal("89.67"), Decimal("-89.67"))
    assert rows[0]["currency"] == "USD"
    assert rows[2]["day"] == date(2026, 3, 2)


def test_generic_sheet(tmp_path: Path) -> None:
    result, _ = read_sample("generic_sheet", tmp_path / "rows.parquet")
    assert result.control == Decimal("9500.00")


@pytest.mark.parametrize(
    "name", ["D/C", "D/K", "DC", "CR/DB", "DB/CR", "CrDr", "Debit/Credit", "Debet / Kredit", "Debit", "Sign"]
)  # fmt: skip
def test_a_plain_sheet_with_a_column_of_marks_is_another(name: str, tmp_path: Path) -> None:
    """Without it every amount would be a credit; another column is none of its business."""
    fmt = load_format(shipped()["generic_sheet"])
    path = tmp_path / "sheet.csv"
    for column, fits in ((name, False), ("Branch", True), ("Discount", True), ("DCC", True)):
        path.write_text(f"Date,Label,Amount,{column}\n03/02/2026,x,1,D\n", "utf-8")
        assert recognises(fmt, path) is fits, column


def test_explain_finds_the_line_of_a_record() -> None:
    path = shipped()["bca"]
    line, raw = locate(path.with_name("sample.csv"), load_format(path), 5)
    assert line == 10
    assert raw.startswith('03/03/2026,"SETORAN')
