"""The closed lists: roles, kinds, statuses, posting kinds, moves and verdicts.

Anything outside these lists is refused where it enters (DESIGN §5, rulings 21 and 40).
"""

from __future__ import annotations

from typing import Final

ROLES: Final = ("sale", "supply", "deposit", "settlement", "bank", "report")

#: What a row is about. The role belongs to the source: a top-up row in a transaction file has
#: role supply and kind topup.
ROW_KINDS: Final = (
    "usage",
    "topup",
    "refund",
    "bonus",
    "fee",
    "tax",
    "adjustment",
    "payment",
    "chargeback",
    "payout",
    "invoice",
    "recharge",
)

STATUSES: Final = ("success", "failed", "pending", "refunded", "reversed", "unknown")

#: The order of versions that carry the same time: later in this list is later in life.
STATUS_RANK: Final = {
    "unknown": 0,
    "pending": 0,
    "failed": 1,
    "success": 2,
    "refunded": 3,
    "reversed": 4,
}

POSTING_KINDS: Final = (
    "paid",
    "delivered",
    "delivered-reversed",
    "failed",
    "refunded",
    "usage",
    "pending",
    "pending-resolved",
    "pending-restored",
    "pending-failed",
    "refund",
    "topup",
    "bonus",
    "adjustment",
    "statement-difference",
    "fee",
    "payment",
    "chargeback",
)

#: How people may resolve a break (worked-cases); what each means stands in ``recon.treatments``.
TREATMENTS: Final = (
    "claim",
    "refund",
    "cost",
    "write-off",
    "recharge",
    "loss",
    "identify",
    "income",
    "accept",
    "close",
)

#: What an SOP sets limits of: ways to resolve, and the payment of settlements.
LIMITED: Final = (*TREATMENTS, "payment")

MOVES: Final = ("open", "close", "adjust")

#: The verdict of a day, worst first; only the last is green.
VERDICTS: Final = ("incomplete", "breaks", "warnings", "pending", "reconciled")


def worst(verdicts: list[str]) -> str:
    """Return the worst of ``verdicts``; no verdict at all is ``reconciled``."""
    return min(verdicts, key=VERDICTS.index, default=VERDICTS[-1])
