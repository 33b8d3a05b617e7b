"""Every class on every leg: what the books find is what the simulator did, item by item and day by day."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from finops_ledger.simulator import Faults
from tests.properties import business as b
from tests.properties import staged

SEEDS = range(1, int(os.environ.get("STAGE_SEEDS", "1")) + 1)

#: What is played: a class that nobody plays would prove nothing.
PLAYED = {
    "sale-supply": {
        "timing", "pending", "missing_at_partner", "missing_at_platform", "partner_failed",
        "late_success", "duplicate_delivery", "cost_mismatch", "late_reversal", "restore_missing",
        "delivered_not_recorded", "undelivered_overdue", "status_unknown", "unexplained_movement",
        "balance_gap",
    },
    "supply-statement": {"unexplained_movement"},
    "topup-bank": {"timing", "topup_not_credited", "topup_mismatch"},
    "sale-gateway": {
        "timing", "amount_mismatch", "unknown_in_settlement", "missing_in_settlement",
        "refund_mismatch", "chargeback",
    },
    "bank-suspense": {"unidentified_credit"},
    "gateway-fee": {"fee_mismatch"},
    "settlement-bank": {"timing", "settlement_short", "settlement_over", "settlement_overdue"},
    "undelivered": {"pending", "undelivered_overdue"},
    "refund-payable": {"pending", "refund_overdue"},
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_every_item_of_every_leg_is_the_truth_on_every_day(seed: int, tmp_path: Path) -> None:
    books = b.lay_out(
        tmp_path, days=14, orders=20, seed=seed, partners=1, faults=Faults.none(scenes=1)
    )
    b.run_all(books)
    expected, found = staged.truth(books), staged.found(books)
    assert sorted(expected - found) == [], "missed"
    assert sorted(found - expected) == [], "false, or misfiled"
    played: dict[str, set[str]] = {}
    for leg, _, _, _, class_, *_ in expected:
        played.setdefault(leg, set()).add(class_)
    assert played == PLAYED
    assert books.load().messages() == []
    assert [str(f) for f in books.verify()] == []
