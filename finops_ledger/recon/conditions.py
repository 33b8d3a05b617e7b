"""The condition of each class, in order of precedence: of what state an item is, and how long it may wait."""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.core.ids import account_component
from finops_ledger.posting import tables as t
from finops_ledger.recon.classes import CLASSES
from finops_ledger.recon.job import CROSS, FOREIGN
from finops_ledger.recon.legs import GATEWAY_FEE, SALE_SUPPLY, SUPPLY_STATEMENT, Leg
from finops_ledger.recon.place import NAMELESS

ZERO = t.amount(0)


def of_supply(every: Any, clock_days: Any) -> Any:
    """Class and waiting span (in days; null = no wait) of the leg sale↔supply, in order of precedence."""
    left, right = every.left_state, every.right_state
    sold, undone = left == "success", left == "failed"
    waiting_left = left.isin(["pending", "unknown"])
    waiting_right = right.isin(["pending", "unknown"])
    nobody, nothing = left.isnull(), right.isnull()
    rest = every.rest
    settled_up = rest == ZERO
    took_back = (
        (every.p_right_state == "success")
        | (right == "success")
        | (every.p_class == "late_reversal")
    )
    extra_row = (every.occurrence != "") & ~every.key.startswith("~")
    delivered = (right == "success") & (every.right_now > ZERO)
    by_fee = (rest == every.fee) | ((every.p_class == "fee_mismatch") & ~every.touched)
    # The money agrees; a decision about the order has said what becomes of its goods.
    open_goods = every.p_class.isin(["product_mismatch", "serial_reused"]).fill_null(False)
    delivered_so = sold & delivered & ((t.or_zero(every.p_settled) == ZERO) | open_goods)
    pending, grace = clock_days.pending, clock_days.grace
    none = ibis.null("int64")

    def case(condition: Any, class_: str, span: Any) -> tuple[Any, str, Any]:
        return condition.fill_null(False), class_, span

    table = (
        case((left == "unknown") & settled_up, "status_unknown", none),
        case(right == "unknown", "status_unknown", none),
        # What another supplier's sale waits for is told there.
        case(waiting_left & settled_up & ~_of_another(every), "undelivered_overdue", pending),
        case(waiting_right & settled_up & nobody, "missing_at_platform", pending),
        case(waiting_right & settled_up, "restore_missing", pending),
        # We sold it, they failed it and keep the money: the amounts agree, what happened does not.
        case(
            sold & (right == "failed") & settled_up & (every.right_now != ZERO),
            "partner_failed",
            none,
        ),
        case(settled_up & delivered_so & every.other_product, "product_mismatch", none),
        case(settled_up & delivered_so & every.same_serial, "serial_reused", none),
        case(settled_up & nobody & every.p_in_prior.isnull(), "excluded", none),
        case(settled_up, "matched", none),
        case(every.key.startswith("!"), "balance_gap", none),
        case(every.key.startswith("?"), "file_defect", none),
        case(every.key.startswith("~"), "unexplained_movement", none),
        case(extra_row & (rest > ZERO), "duplicate_delivery", none),
        # Another supplier delivered the sale: what this one charged is a second delivery of it.
        case((left == "delivered") & (rest > ZERO), "cross_partner_delivery", none),
        case(sold & nothing, "missing_at_partner", grace),
        case(sold & waiting_right, "missing_at_partner", pending),
        # The bill agrees; what differs is the commission, with its VAT (worked-cases 19).
        case(sold & delivered & by_fee, "fee_mismatch", none),
        case(sold & delivered, "cost_mismatch", none),
        case(sold & (rest < ZERO) & took_back, "late_reversal", none),
        case(sold & (rest < ZERO), "partner_failed", none),
        case(waiting_left & delivered, "delivered_not_recorded", pending),
        case(waiting_left & (right == "failed"), "restore_missing", pending),
        case(undone & (right == "failed"), "restore_missing", none),
        case(undone & (rest > ZERO), "late_success", none),
        case(undone & (rest < ZERO), "late_reversal", none),
        case(nobody & (rest > ZERO), "missing_at_platform", grace),
    )
    class_ = ibis.cases(*((c, n) for c, n, _ in table), else_="unexplained_movement")
    span = ibis.cases(*((c, s) for c, _, s in table), else_=none)
    return class_, span


def _of_another(every: Any) -> Any:
    """Say whether the left side is a sale that names another supplier."""
    stays = (every.p_rule == CROSS) & every.l_kind.isnull()
    stays &= (every.p_right_kind != FOREIGN).fill_null(True)
    return ((every.l_kind == FOREIGN) | stays).fill_null(False)


def within(leg: Leg, every: Any) -> Any:
    """The class of what the tolerance absorbs: the cost agrees then, and the goods may still be others."""
    if leg.name != SALE_SUPPLY:
        return "matched_within_tolerance"
    return ibis.cases(
        (every.other_product, "product_mismatch"),
        (every.same_serial, "serial_reused"),
        else_="matched_within_tolerance",
    )


def also(every: Any, class_: Any) -> Any:
    """Further classes that hold of a break, in order of precedence, parted by commas; null when none does.

    Only classes that come after its own: an item is of the first one that holds (ruling 20).
    """
    left, right = every.left_state, every.right_state
    both = (left == "success") & (right == "success") & (every.right_now > ZERO)
    delivered = (right == "success") & left.notnull()
    holding = {
        "fee_mismatch": both & (every.fee != ZERO) & (every.rest != every.fee),
        "product_mismatch": delivered & every.other_product,
        "serial_reused": (right == "success") & every.same_serial,
        "status_unknown": (left == "unknown") | (right == "unknown"),
    }
    text = ibis.literal("")
    for name, holds in holding.items():
        before = list(CLASSES[: CLASSES.index(name)])
        if name == "serial_reused":
            # Seen on the day of the row alone: what waits for its sale keeps it in mind.
            before += ["timing", "pending"]
        told = holds.fill_null(False) & class_.isin(before)
        text += ibis.ifelse(told, f",{name}", "")
    return ibis.ifelse(text == "", ibis.null("string"), text.substr(1))


def of_account(leg: Leg, every: Any, clock_days: Any) -> Any:
    """Class and waiting span of a leg whose account is its own list of open items."""
    rest = every.rest
    refund = every.occurrence == "refund"
    chargeback = every.occurrence == "chargeback"
    nothing, nobody = every.right_state.isnull(), every.left_state.isnull()
    differs = ibis.ifelse(rest > ZERO, leg.differs[0], leg.differs[1])
    class_ = ibis.cases(
        (rest == ZERO, "matched"),
        (chargeback, "chargeback"),
        # Of either side alone as well: a refund that the gateway has not taken is theirs to take yet.
        (refund, "refund_mismatch"),
        (nothing, leg.left_only),
        (nobody, leg.right_only),
        else_=differs,
    )
    grace = clock_days.grace
    waits = (nothing | nobody) & ~chargeback & ibis.literal(leg.name != GATEWAY_FEE)
    if leg.name == SUPPLY_STATEMENT:
        # What names no order can meet none by waiting.
        first = every.key.left(1)
        class_ = ibis.cases(
            (rest == ZERO, "matched"),
            (first == "!", "balance_gap"),
            (first == "?", "file_defect"),
            else_=class_,
        )
        waits &= ~first.isin(NAMELESS)
    span = ibis.ifelse(waits, grace, ibis.null("int64"))
    return class_, span


def account_part(class_: Any) -> Any:
    """The class as a component of an account, in SQL: ``cost_mismatch`` becomes ``Cost-Mismatch``."""
    return ibis.cases(
        *((class_ == c, account_component(c)) for c in CLASSES), else_="Unexplained-Movement"
    )
