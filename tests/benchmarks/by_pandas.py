"""The same day with pandas: text columns backed by Arrow, rupiah as 64-bit integers.

Kept as near to the SQL as a good hand would write it: everything read as text, amounts and times
tested by pattern, cast, merged on the order, classified by ``numpy.select``, written as Parquet.
Keyed hashes and the columns that the classes do not need are left out, in its favour.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.pair import DAY, Pair

_STATUS = {
    "SUCCESS": "success", "FAILED": "failed", "PENDING": "pending", "REFUNDED": "failed",
    "SUKSES": "success", "GAGAL": "failed",
}  # fmt: skip


def _amount(text: pd.Series, pattern: str) -> pd.Series:
    given = text.notna()
    if not text[given].str.fullmatch(pattern).all():
        raise ValueError("a record has a fault")
    return pd.to_numeric(text.str.replace(".", "", regex=False)).fillna(0).astype("int64")


def _time(text: pd.Series, pattern: str, form: str) -> pd.Series:
    if not text[text.notna()].str.fullmatch(pattern).all():
        raise ValueError("a record has a fault")
    return pd.to_datetime(text, format=form)


def _status(text: pd.Series) -> pd.Series:
    found = text.map(_STATUS)
    if found.isna().any():
        raise ValueError("a record has a fault")
    return found


def _read(path: Path, **options: object) -> pd.DataFrame:
    return pd.read_csv(path, dtype="string[pyarrow]", **options)  # type: ignore[call-overload,no-any-return]


def _orders(of: Pair) -> pd.DataFrame:
    rows = _read(of.orders)
    iso, form = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"
    for column in ("quantity", "price", "promo"):
        rows[column] = _amount(rows[column], r"\d{1,14}")
    for column in ("paid_at", "status_at", "refunded_at"):
        rows[column] = _time(rows[column], iso, form)
    rows["status"] = _status(rows["status"])
    if rows["order_id"].isna().any() or rows["order_id"].duplicated().any():
        raise ValueError("a record has a fault")
    prices = pd.read_csv(of.prices)[["product", "category", "cost"]]
    rows = rows[rows["partner"] == "AggA"].merge(prices, on="product", how="left")
    sold = rows["status"] == "success"
    rows["expected"] = (rows["cost"] * rows["quantity"]).where(sold, 0).astype("int64")
    seen = rows["status_at"].fillna(rows["paid_at"])
    rows["left_late"] = (seen + pd.Timedelta(hours=1)).dt.normalize() > pd.Timestamp(DAY)
    return rows.rename(columns={"order_id": "ref", "status": "left"})


def _supply(of: Pair) -> pd.DataFrame:
    rows = _read(of.supply, sep=";", skiprows=2)
    rows = rows[rows["No"] != "TOTAL"]
    for column in ("Debet", "Kredit", "Saldo"):
        rows[column] = _amount(rows[column], r"\d{1,3}(?:\.\d{3}){0,4}")
    slashes = r"\d\d/\d\d/20\d\d \d\d:\d\d:\d\d"
    rows["Tanggal"] = _time(rows["Tanggal"], slashes, "%d/%m/%Y %H:%M:%S")
    rows["Status"] = _status(rows["Status"])
    if rows["ID Transaksi"].isna().any() or rows["ID Transaksi"].duplicated().any():
        raise ValueError("a record has a fault")
    rows = rows[rows["Kode Produk"] != "TOPUP"]
    charged = rows["Debet"] - rows["Kredit"]
    rows["charged"] = charged.where(rows["Status"] == "success", 0)
    return rows.rename(columns={"Ref ID": "ref", "Status": "right", "ID Transaksi": "partner_ref"})


def _delivery_first(orders: pd.DataFrame, supply: pd.DataFrame) -> pd.Series:
    """Mark the rows beyond the first of each order, best first."""
    several = supply[supply["ref"].duplicated(keep=False)]
    several = several.merge(orders[["ref", "serial"]], on="ref", how="left")
    several["other"] = (several["SN"] != several["serial"]).fillna(True)
    several["bad"] = several["right"] != "success"
    several = several.sort_values(["ref", "other", "bad", "Tanggal", "partner_ref"])
    beyond = several[several["ref"].duplicated()]["partner_ref"]
    return supply["partner_ref"].isin(beyond)


def classified(folder: str, out: str) -> dict[str, int]:
    """Classify one day and write it; return the counts by class."""
    of = Pair(Path(folder))
    orders, supply = _orders(of), _supply(of)
    extra = _delivery_first(orders, supply)
    left = ["ref", "left", "expected", "category", "left_late"]
    right = ["ref", "right", "charged", "partner_ref", "Tanggal"]
    pairs = orders[left].merge(supply.loc[~extra, right], on="ref", how="outer")
    more = supply.loc[extra, right]
    sold, undone = pairs["left"] == "success", pairs["left"] == "failed"
    nobody, nothing = pairs["left"].isna(), pairs["right"].isna()
    rest = pairs["charged"].fillna(0) - pairs["expected"].fillna(0)
    waits = (pairs["left"] == "pending") | (pairs["right"] == "pending")
    late = pairs["left_late"].fillna(False).astype(bool)
    none = rest == 0
    cases = [
        (none & waits, "pending"), (none & nobody, "excluded"), (none, "matched"),
        (sold & nothing & late, "timing"), (sold & nothing, "missing_at_partner"),
        (sold & (pairs["right"] == "pending"), "timing"),
        (sold & (pairs["right"] == "success"), "cost_mismatch"), (sold, "partner_failed"),
        ((pairs["left"] == "pending"), "timing"), (undone, "late_success"),
    ]  # fmt: skip
    pairs["class"] = np.select(
        [c.fillna(False).to_numpy(dtype=bool) for c, _ in cases],
        [name for _, name in cases],
        "missing_at_platform",
    )
    more["class"] = np.where(more["charged"] > 0, "duplicate_delivery", "excluded")
    pairs = pd.concat([pairs, more])
    pairs.to_parquet(Path(out) / "pandas.parquet")
    return {str(k): int(v) for k, v in pairs["class"].value_counts().items()}
