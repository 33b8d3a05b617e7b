"""The legs, declared. A leg is two selections of rows that must agree on one clearing account.

``consume``: a right row is used once, further rows of the same key are items of their own
(duplicate_delivery). ``sum``: rows of one key are added up on each side.
``home`` says where an unmatched item waits: on ``Timing`` when the clearing account must be empty every
day, or on the clearing account itself when that is the list of open items (rule R5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

SALE_SUPPLY: Final = "sale-supply"
SALE_GATEWAY: Final = "sale-gateway"
GATEWAY_FEE: Final = "gateway-fee"
SETTLEMENT_BANK: Final = "settlement-bank"
SUPPLY_STATEMENT: Final = "supply-statement"
TOPUP_BANK: Final = "topup-bank"
UNDELIVERED: Final = "undelivered"
REFUND_PAYABLE: Final = "refund-payable"
EVERYBODY: Final = "customers"


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg: its roles, clearing account, cardinality, home of what waits, and class names.

    ``stated``: the role that takes the place of ``right`` while a deposit statement moves the deposit.
    """

    name: str
    left: str
    right: str
    party: Literal["supplier", "gateway", "none"]
    account: str
    cardinality: Literal["consume", "sum"]
    waits_on: str
    left_only: str = ""
    right_only: str = ""
    differs: tuple[str, str] = ("", "")
    stated: str = ""

    @property
    def roles(self) -> set[str]:
        """Roles of the rows that either side can be made of."""
        return {self.left, self.right, self.stated} - {""}

    def clearing(self, name: str) -> str:
        """Return the clearing account for a counterparty's component."""
        return self.account.format(name)

    def waiting(self, name: str) -> str:
        """Return the account on which an item of a counterparty waits."""
        return self.waits_on.format(name)


LEGS: Final = {
    leg.name: leg
    for leg in (
        Leg(
            SALE_SUPPLY,
            "sale",
            "supply",
            "supplier",
            "Assets:Clearing:Supply:{}",
            "consume",
            "Assets:Clearing:Timing:{}",
        ),
        # Both sides are files of one partner, about the same money: a difference of either sign is a movement of the
        # deposit that the transactions do not explain.
        Leg(
            SUPPLY_STATEMENT,
            "supply",
            "deposit",
            "supplier",
            "Assets:Clearing:Usage:{}",
            "sum",
            "Assets:Clearing:Usage:{}",
            left_only="unexplained_movement",
            right_only="unexplained_movement",
            differs=("unexplained_movement", "unexplained_movement"),
        ),
        Leg(
            TOPUP_BANK,
            "bank",
            "supply",
            "supplier",
            "Assets:Clearing:Deposit-In-Transit:{}",
            "sum",
            "Assets:Clearing:Deposit-In-Transit:{}",
            left_only="topup_not_credited",
            right_only="topup_mismatch",
            differs=("topup_mismatch", "topup_mismatch"),
            stated="deposit",
        ),
        Leg(
            SALE_GATEWAY,
            "sale",
            "settlement",
            "gateway",
            "Assets:Clearing:Gateway:{}",
            "sum",
            "Assets:Clearing:Gateway:{}",
            left_only="missing_in_settlement",
            right_only="unknown_in_settlement",
            differs=("amount_mismatch", "amount_mismatch"),
        ),
        Leg(
            GATEWAY_FEE,
            "settlement",
            "",
            "gateway",
            "Expenses:Payment-Fee:{}",
            "sum",
            "Assets:Clearing:Timing:{}",
            left_only="fee_mismatch",
            right_only="fee_mismatch",
            differs=("fee_mismatch", "fee_mismatch"),
        ),
        Leg(
            SETTLEMENT_BANK,
            "settlement",
            "bank",
            "gateway",
            "Assets:Clearing:Settlement-In-Transit:{}",
            "sum",
            "Assets:Clearing:Settlement-In-Transit:{}",
            left_only="settlement_overdue",
            right_only="settlement_over",
            differs=("settlement_short", "settlement_over"),
        ),
        Leg(
            UNDELIVERED,
            "sale",
            "",
            "none",
            "Liabilities:Customer-Orders:Undelivered",
            "sum",
            "Liabilities:Customer-Orders:Undelivered",
            left_only="undelivered_overdue",
        ),
        Leg(
            REFUND_PAYABLE,
            "sale",
            "",
            "none",
            "Liabilities:Customer-Orders:Refund-Payable",
            "sum",
            "Liabilities:Customer-Orders:Refund-Payable",
            left_only="refund_overdue",
        ),
    )
}

#: Legs in the order in which a day runs them.
ORDER: Final = (
    SALE_SUPPLY,
    SUPPLY_STATEMENT,
    TOPUP_BANK,
    SALE_GATEWAY,
    GATEWAY_FEE,
    SETTLEMENT_BANK,
    UNDELIVERED,
    REFUND_PAYABLE,
)

_HOME_LEG: Final = {
    "topup_not_credited": TOPUP_BANK,
    "topup_mismatch": TOPUP_BANK,
    "fee_mismatch": GATEWAY_FEE,
    "settlement_short": SETTLEMENT_BANK,
    "settlement_over": SETTLEMENT_BANK,
    "settlement_overdue": SETTLEMENT_BANK,
}


#: Classes of the deposit's own movements: where a statement moves it, they arise against the statement.
_OF_STATEMENT: Final = ("unexplained_movement", "balance_gap", "file_defect")


def leg_of(class_: str, party: str, *, stated: bool = False) -> str:
    """Return the leg on which breaks of a class arise; what is not special to one is the party's first.

    ``stated``: the party's deposit moves by its deposit statement.
    """
    if stated and class_ in _OF_STATEMENT:
        return SUPPLY_STATEMENT
    return _HOME_LEG.get(class_, SALE_GATEWAY if party == "gateway" else SALE_SUPPLY)


#: Classes that leave the money where it is: the residue on the Breaks account is 0 (worked-cases, home of
#: each class).
RESIDUE_ZERO: Final = (
    "settlement_overdue",
    "undelivered_overdue",
    "refund_overdue",
    "status_unknown",
    "unidentified_credit",
)
NOT_BREAKS: Final = ("matched", "matched_within_tolerance", "timing", "pending", "excluded")

#: Who loses decides how soon it is looked at: 1 = delivered or paid with nothing against it.
PRIORITY: Final = {
    "late_success": 1,
    "duplicate_delivery": 1,
    "missing_at_platform": 1,
    "restore_missing": 1,
    "partner_failed": 1,
    "delivered_not_recorded": 1,
    "topup_not_credited": 1,
    "undelivered_overdue": 1,
    "refund_overdue": 1,
    "missing_in_settlement": 1,
    "settlement_short": 1,
    "chargeback": 1,
    "refund_mismatch": 1,
    "status_unknown": 2,
    "cost_mismatch": 2,
    "fee_mismatch": 2,
    "unexplained_movement": 1,
    "balance_gap": 1,
}


def priority(class_: str) -> int:
    """Return 1 (we lose now), 2 (we may lose) or 3 (they lose, or nobody)."""
    return PRIORITY.get(class_, 3)


#: Every class that a break can have, in the order of the published precedence.
CLASSES: Final = (
    "missing_at_partner",
    "missing_at_platform",
    "partner_failed",
    "late_success",
    "duplicate_delivery",
    "cost_mismatch",
    "late_reversal",
    "restore_missing",
    "delivered_not_recorded",
    "undelivered_overdue",
    "refund_overdue",
    "status_unknown",
    "topup_not_credited",
    "topup_mismatch",
    "unexplained_movement",
    "balance_gap",
    "file_defect",
    "amount_mismatch",
    "fee_mismatch",
    "unknown_in_settlement",
    "missing_in_settlement",
    "refund_mismatch",
    "chargeback",
    "settlement_short",
    "settlement_over",
    "settlement_overdue",
    "unidentified_credit",
)
