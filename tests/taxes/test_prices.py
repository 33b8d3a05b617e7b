"""Rules of a price list are cut where PPN changes, each by itself: no price is cut by the one before it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from finops_ledger.sop.registry import load
from tests.worked import workspace as w

PRICES = """product,category,face,cost,from,to
V10,Game-Voucher,,9000,,2026-03-01
V10,Game-Voucher,,9100,2026-03-01,
P50,Pulsa,50000,49800,,
V20,Game-Voucher,,19000,,
T50,PLN-Token,50000,49800,,2026-04-01
T50,PLN-Token,50000,49900,2026-04-01,
"""


def test_a_price_is_in_force_as_long_as_its_line_says(tmp_path: Path) -> None:
    books = w.make(tmp_path / "books")
    (books.root / "prices" / "AggA.csv").write_text(PRICES)
    registry = load(books.root, "Asia/Jakarta", date(2026, 1, 1))
    rules = list(registry.rules())
    for product in ("V10", "P50", "V20", "T50"):
        mine = sorted((r.start, r.end) for r in rules if r.price.product == product)
        assert mine[-1][1].year == 9999, product
        # One after another, without a gap.
        assert [end for _, end in mine[:-1]] == [start for start, _ in mine[1:]], product
    assert min(r.start for r in rules if r.price.product == "P50").year == 1970
