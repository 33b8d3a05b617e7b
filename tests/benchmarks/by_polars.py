"""The same day with polars: everything read as text, tested by pattern, cast, joined, classified, written.

The steps and the columns are those of the pandas version; rupiah are 64-bit integers, nothing is hashed.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from tests.benchmarks.pair import DAY, Pair

_STATUS = {
    "SUCCESS": "success", "FAILED": "failed", "PENDING": "pending", "REFUNDED": "failed",
    "SUKSES": "success", "GAGAL": "failed",
}  # fmt: skip
_WHOLE, _DOTS = r"^\d{1,14}$", r"^\d{1,3}(?:\.\d{3}){0,4}$"
_ISO, _SLASHES = r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$", r"^\d\d/\d\d/20\d\d \d\d:\d\d:\d\d$"


def _amount(name: str) -> pl.Expr:
    return pl.col(name).str.replace_all(".", "", literal=True).cast(pl.Int64).fill_null(0)


def _sound(rows: pl.DataFrame, patterns: dict[str, str], key: str) -> None:
    """Raise ValueError unless every cell fits its pattern and every row has a key of its own."""
    tests = [pl.col(n).str.contains(p).fill_null(True).all() for n, p in patterns.items()]
    known = pl.col("status").is_not_null().all()
    single = pl.col(key).is_not_null().all() & ~pl.col(key).is_duplicated().any()
    if not rows.select(pl.all_horizontal(*tests, known, single)).item():
        raise ValueError("a record has a fault")


def _orders(of: Pair) -> pl.DataFrame:
    rows = pl.read_csv(of.orders, infer_schema=False)
    rows = rows.with_columns(pl.col("status").replace_strict(_STATUS, default=None))
    amounts, times = ("quantity", "price", "promo"), ("paid_at", "status_at", "refunded_at")
    _sound(rows, dict.fromkeys(amounts, _WHOLE) | dict.fromkeys(times, _ISO), "order_id")
    rows = rows.with_columns(
        *(_amount(n) for n in amounts),
        *(pl.col(n).str.to_datetime("%Y-%m-%d %H:%M:%S") for n in times),
    )
    prices = pl.read_csv(of.prices).select("product", "category", pl.col("cost").cast(pl.Int64))
    rows = rows.filter(pl.col("partner") == "AggA").join(prices, on="product", how="left")
    seen = pl.coalesce("status_at", "paid_at") + pl.duration(hours=1)
    return rows.select(
        pl.col("order_id").alias("ref"),
        pl.col("status").alias("left"),
        pl.when(pl.col("status") == "success").then(pl.col("cost") * pl.col("quantity"))
        .otherwise(0).alias("expected"),
        "category",
        "serial",
        (seen.dt.date() > date.fromisoformat(DAY)).fill_null(False).alias("left_late"),
    )  # fmt: skip


def _supply(of: Pair) -> pl.DataFrame:
    rows = pl.read_csv(of.supply, separator=";", skip_rows=2, infer_schema=False)
    rows = rows.filter(pl.col("No") != "TOTAL")
    rows = rows.with_columns(pl.col("Status").replace_strict(_STATUS, default=None).alias("status"))
    amounts = ("Debet", "Kredit", "Saldo")
    _sound(rows, dict.fromkeys(amounts, _DOTS) | {"Tanggal": _SLASHES}, "ID Transaksi")
    rows = rows.with_columns(
        *(_amount(n) for n in amounts), pl.col("Tanggal").str.to_datetime("%d/%m/%Y %H:%M:%S")
    ).filter(pl.col("Kode Produk") != "TOPUP")
    return rows.select(
        pl.col("Ref ID").alias("ref"),
        pl.col("status").alias("right"),
        pl.when(pl.col("status") == "success").then(pl.col("Debet") - pl.col("Kredit"))
        .otherwise(0).alias("charged"),
        pl.col("ID Transaksi").alias("partner_ref"),
        "Tanggal",
        "SN",
    )  # fmt: skip


def _beyond(orders: pl.DataFrame, supply: pl.DataFrame) -> pl.DataFrame:
    """Rows beyond the first of each order, best first."""
    several = supply.filter(pl.col("ref").is_duplicated())
    several = several.join(orders.select("ref", "serial"), on="ref", how="left")
    several = several.with_columns(
        (pl.col("SN") != pl.col("serial")).fill_null(True).alias("other"),
        (pl.col("right") != "success").alias("bad"),
    ).sort("ref", "other", "bad", "Tanggal", "partner_ref")
    return several.filter(~pl.col("ref").is_first_distinct()).select("partner_ref")


def classified(folder: str, out: str) -> dict[str, int]:
    """Classify one day and write it; return the counts by class."""
    of = Pair(Path(folder))
    orders, supply = _orders(of), _supply(of)
    extra = _beyond(orders, supply)
    first = supply.join(extra, on="partner_ref", how="anti")
    pairs = orders.join(first, on="ref", how="full", coalesce=True)
    left, right = pl.col("left"), pl.col("right")
    rest = pl.col("charged").fill_null(0) - pl.col("expected").fill_null(0)
    none = rest == 0
    sold = (left == "success").fill_null(False)
    cases = [
        (none & ((left == "pending") | (right == "pending")).fill_null(False), "pending"),
        (none & left.is_null(), "excluded"),
        (none, "matched"),
        (sold & right.is_null() & pl.col("left_late").fill_null(False), "timing"),
        (sold & right.is_null(), "missing_at_partner"),
        (sold & (right == "pending"), "timing"),
        (sold & (right == "success"), "cost_mismatch"),
        (sold, "partner_failed"),
        (left == "pending", "timing"),
        (left == "failed", "late_success"),
    ]
    named = pl.lit("missing_at_platform")
    for condition, name in reversed(cases):
        named = pl.when(condition).then(pl.lit(name)).otherwise(named)
    pairs = pairs.with_columns(named.alias("class"))
    more = supply.join(extra, on="partner_ref", how="semi").with_columns(
        pl.when(pl.col("charged") > 0).then(pl.lit("duplicate_delivery"))
        .otherwise(pl.lit("excluded")).alias("class")
    )  # fmt: skip
    pairs = pl.concat([pairs, more], how="diagonal")
    pairs.write_parquet(Path(out) / "polars.parquet")
    return {str(k): int(n) for k, n in pairs["class"].value_counts().iter_rows()}


def compared(folder: str) -> dict[str, int]:
    """Compare both sides with datacompy, as polars read them: it joins and finds what differs; it knows no classes."""
    from datacompy import PolarsCompare

    of = Pair(Path(folder))
    left = _orders(of).select(
        "ref", pl.col("expected").alias("cost"), pl.col("left").alias("state")
    )
    right = _supply(of).select(
        "ref", pl.col("charged").alias("cost"), pl.col("right").alias("state")
    )
    done = PolarsCompare(left, right, join_columns="ref")
    return {
        "both": done.intersect_rows.height,
        "only left": done.df1_unq_rows.height,
        "only right": done.df2_unq_rows.height,
        "equal": int(done.count_matching_rows()),
    }
