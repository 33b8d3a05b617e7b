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
PAYMENT_BANK: Final = "payment-bank"
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
        # Left are our payment lists, which are decisions: what the bank pays beyond one is too much.
        Leg(
            PAYMENT_BANK,
            "decision",
            "bank",
            "supplier",
            "Assets:Clearing:Settlement-In-Transit:{}",
            "sum",
            "Assets:Clearing:Settlement-In-Transit:{}",
            left_only="settlement_overdue",
            right_only="settlement_over",
            differs=("settlement_over", "settlement_short"),
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
    PAYMENT_BANK,
    UNDELIVERED,
    REFUND_PAYABLE,
)
