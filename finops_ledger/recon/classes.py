"""The classes of outcomes: names in the order of precedence, homes, priorities, legs.

Their conditions stand in :mod:`.conditions`; ``docs/reference/breaks.md`` says the same in words, and a test holds
them together.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from finops_ledger.core.money import ZERO
from finops_ledger.recon.legs import (
    BANK_SUSPENSE,
    GATEWAY_FEE,
    PAYMENT_BANK,
    SALE_GATEWAY,
    SALE_SUPPLY,
    SETTLEMENT_BANK,
    SUPPLY_STATEMENT,
    TOPUP_BANK,
)

_HOME_LEG: Final = {
    "topup_not_credited": TOPUP_BANK,
    "topup_mismatch": TOPUP_BANK,
    "fee_mismatch": GATEWAY_FEE,
    "settlement_short": SETTLEMENT_BANK,
    "settlement_over": SETTLEMENT_BANK,
    "settlement_overdue": SETTLEMENT_BANK,
    "unidentified_credit": BANK_SUSPENSE,
}


#: Classes that a supplier has on other legs than a gateway: its commission, and our payments.
_OF_SUPPLIER: Final = {
    "fee_mismatch": SALE_SUPPLY,
    "settlement_short": PAYMENT_BANK,
    "settlement_over": PAYMENT_BANK,
    "settlement_overdue": PAYMENT_BANK,
}

#: Classes of the deposit's own movements: where a statement moves it, they arise against the statement.
_OF_STATEMENT: Final = ("unexplained_movement", "balance_gap", "file_defect")


def leg_of(class_: str, party: str, *, stated: bool = False) -> str:
    """Return the leg on which breaks of a class arise; what is not special to one is the party's first.

    ``stated``: the party's deposit moves by its deposit statement.
    """
    if stated and class_ in _OF_STATEMENT:
        return SUPPLY_STATEMENT
    if party == "supplier" and class_ in _OF_SUPPLIER:
        return _OF_SUPPLIER[class_]
    return _HOME_LEG.get(class_, SALE_GATEWAY if party == "gateway" else SALE_SUPPLY)


#: Classes that leave the money where it is: the residue on the Breaks account is 0 (worked-cases, home of
#: each class).
RESIDUE_ZERO: Final = (
    "settlement_overdue",
    "undelivered_overdue",
    "refund_overdue",
    "status_unknown",
    "unidentified_credit",
    "product_mismatch",
    "serial_reused",
    "file_missing",
    "file_late",
    "file_short",
)
#: Classes of what is open and no break yet.
WAITING: Final = ("timing", "pending")
NOT_BREAKS: Final = ("matched", "matched_within_tolerance", "timing", "pending", "excluded")

#: Who loses decides how soon a class is looked at. 1, we lose now: delivered or paid with nothing against it, or
#: money of ours that is gone. 2, we may lose: nobody can tell yet, or by how much. 3, they lose, or nobody.
PRIORITY: Final = {
    **dict.fromkeys(
        (
            "missing_at_platform",
            "partner_failed",
            "late_success",
            "duplicate_delivery",
            "cross_partner_delivery",
            "restore_missing",
            "delivered_not_recorded",
            "undelivered_overdue",
            "refund_overdue",
            "topup_not_credited",
            "unexplained_movement",
            "balance_gap",
            "missing_in_settlement",
            "refund_mismatch",
            "chargeback",
            "settlement_short",
            "topup_mismatch",
            "unidentified_credit",
        ),
        1,
    ),
    **dict.fromkeys(
        (
            "cost_mismatch",
            "fee_mismatch",
            "product_mismatch",
            "serial_reused",
            "status_unknown",
            "amount_mismatch",
            "settlement_overdue",
            "file_missing",
            "file_short",
        ),
        2,
    ),
    **dict.fromkeys(
        (
            "missing_at_partner",
            "late_reversal",
            "file_defect",
            "file_late",
            "unknown_in_settlement",
            "settlement_over",
        ),
        3,
    ),
}


#: The same of classes whose amount may be of either sign, where it is below zero: billed too little, given or paid too
#: much, received without a name. They lose then, or nobody.
BELOW_ZERO: Final = dict.fromkeys(
    (
        "cost_mismatch",
        "fee_mismatch",
        "amount_mismatch",
        "refund_mismatch",
        "topup_mismatch",
        "settlement_overdue",
        "unidentified_credit",
    ),
    3,
)


def priority(class_: str, amount: Decimal = ZERO) -> int:
    """Return 1 (we lose now), 2 (we may lose) or 3 (they lose, or nobody), by class and direction."""
    above = PRIORITY.get(class_, 3)
    return BELOW_ZERO.get(class_, above) if amount < ZERO else above


#: Every class that a break can have, in the order of the published precedence: an item is of the first class that
#: holds of it, the others are its ``also`` (ruling 20).
CLASSES: Final = (
    "missing_at_partner",
    "missing_at_platform",
    "partner_failed",
    "late_success",
    "duplicate_delivery",
    "cross_partner_delivery",
    "cost_mismatch",
    "fee_mismatch",
    "late_reversal",
    "restore_missing",
    "delivered_not_recorded",
    "product_mismatch",
    "serial_reused",
    "status_unknown",
    "undelivered_overdue",
    "refund_overdue",
    "topup_not_credited",
    "topup_mismatch",
    "unexplained_movement",
    "balance_gap",
    "amount_mismatch",
    "unknown_in_settlement",
    "missing_in_settlement",
    "refund_mismatch",
    "chargeback",
    "settlement_short",
    "settlement_over",
    "settlement_overdue",
    "unidentified_credit",
    "file_short",
    "file_missing",
    "file_defect",
    "file_late",
)
