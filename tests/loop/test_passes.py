"""Ordered exact passes: the order id first, then the partner's reference; and only those that the SOP names."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from finops_ledger.books import Books
from tests.worked import workspace as w

DAY = date(2026, 3, 2)
SALES = """timestamp;client_number;ref_id;partner_ref_id;product_code;admin_fee;amount
2026-03-02 10:01:00;081200001234;T1;A1;P50;0;51000
2026-03-02 10:02:00;081200001234;T2;A2;P50;0;51000
"""
SOURCE = """
[[sources]]
name = "tokopedia"
role = "sale"
format = "tokopedia_partner"
counterparty = "AggA"
gateway = "Tokopedia"
match = "tokopedia_*.csv"
day = { name = 'tokopedia_(\\d{8})' }
"""


def books(root: Path, more: str) -> Books:
    """Two sales that name the partner's references; the partner names the order of the first only."""
    made = w.make(root, more=more)
    config = root / "finops.toml"
    head, _, supplier = config.read_text().partition('[[sources]]\nname = "orders"')
    config.write_text(head + SOURCE + supplier[supplier.index("[[sources]]") :])
    (root / "inbox" / "tokopedia_20260302.csv").write_text(SALES)
    statement = w.Statement(DAY, 1_000_000)
    statement.row("02/03/2026 10:01:05", "A1", "T1", debit=49_800)
    statement.row("02/03/2026 10:02:05", "A2", "", debit=49_800)
    statement.drop(root)
    report = made.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    made.reconcile()
    return made


@pytest.mark.parametrize(
    ("more", "matched", "classes"),
    [
        ("", 2, {}),
        (
            '[versions.match]\npasses = ["ref"]\n',
            1,
            {"missing_at_partner": -49_800, "unexplained_movement": 49_800},
        ),
    ],
)
def test_the_partner_reference_is_the_second_pass(
    tmp_path: Path, more: str, matched: int, classes: dict[str, int]
) -> None:
    made = books(tmp_path / "books", more)
    line = made.space.state.reconciled["sale-supply", "AggA", DAY]
    assert line["matched"] == matched
    found = {b["class"]: int(b["residue"]) for b in made.breaks() if b["leg"] == "sale-supply"}
    assert found == classes
