"""Every class on every leg: what the books find is what the simulator did, item by item and day by day."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from finops_ledger.recon.classes import CLASSES
from finops_ledger.simulator import Faults
from tests.properties import business as b
from tests.properties import staged

DAYS = 9
SEEDS = range(1, int(os.environ.get("STAGE_SEEDS", "1")) + 1)

#: What is played: a class that nobody plays would prove nothing. Every class of ``docs/reference/breaks.md`` stands
#: here on every leg that can have it, and ``timing`` and ``pending`` where a side may be waited for. What a leg cannot
#: have: a top-up is no order; of a leg whose sides are sums there is no status; goods owed and refunds owed are our own
#: rows alone; a deposit statement has no sale. ``status_unknown`` of our own sales, legs of one's own and passes have
#: their tests in tests/loop and tests/passes.
PLAYED = {
    "sale-supply": {
        "timing", "pending", "missing_at_partner", "missing_at_platform", "partner_failed",
        "late_success", "duplicate_delivery", "cross_partner_delivery", "cost_mismatch", "fee_mismatch",
        "late_reversal", "restore_missing", "delivered_not_recorded", "product_mismatch", "serial_reused",
        "undelivered_overdue", "status_unknown", "unexplained_movement", "balance_gap", "file_defect",
    },
    "supply-statement": {"unexplained_movement", "balance_gap", "file_defect"},
    "topup-bank": {"timing", "topup_not_credited", "topup_mismatch"},
    "payment-bank": {"timing", "settlement_short", "settlement_over", "settlement_overdue"},
    "sale-gateway": {
        "timing", "amount_mismatch", "unknown_in_settlement", "missing_in_settlement",
        "refund_mismatch", "chargeback",
    },
    "bank-suspense": {"unidentified_credit"},
    "gateway-fee": {"fee_mismatch"},
    "settlement-bank": {"timing", "settlement_short", "settlement_over", "settlement_overdue"},
    "undelivered": {"pending", "undelivered_overdue"},
    "refund-payable": {"pending", "refund_overdue"},
    "files": {"file_missing", "file_short", "file_late", "file_defect"},
}  # fmt: skip


def test_no_class_is_left_out() -> None:
    """Of the classes that a break can have, each is played somewhere."""
    assert set(CLASSES) - set().union(*PLAYED.values()) == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_item_of_every_leg_is_the_truth_on_every_day(seed: int, tmp_path: Path) -> None:
    books = b.lay_out(
        tmp_path, days=DAYS, orders=1, seed=seed, partners=1, faults=Faults.none(scenes=1)
    )
    books = staged.come(books.root)
    expected, found = staged.truth(books), staged.found(books)
    assert sorted(expected - found) == [], "missed"
    assert sorted(found - expected) == [], "false, or misfiled"
    played: dict[str, set[str]] = {}
    for leg, _, _, _, class_, *_ in expected:
        played.setdefault(leg, set()).add(class_)
    assert played == PLAYED
    assert books.load().messages() == []
    assert [str(f) for f in books.verify()] == []
