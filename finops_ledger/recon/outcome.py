"""From two sides to outcomes: each item's states, residue, class, home and date of breaking.

The residue of an item is what its rows have left on the clearing account: left + right − what a person or a
rule has settled. The sum over all items is the movement of the account, so nothing can be lost here:
an item with a residue has exactly one home.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis

from finops_ledger.core.ids import account_component
from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.legs import (
    CLASSES,
    GATEWAY_FEE,
    RESIDUE_ZERO,
    SALE_SUPPLY,
    SUPPLY_STATEMENT,
    TOPUP_BANK,
    Leg,
)
from finops_ledger.recon.place import NAMELESS

_EPOCH = date(1970, 1, 1)
ZERO = t.amount(0)


def _both_sides(leg: Leg) -> Any:
    """Join left, right, prior and additions on (key, occurrence): one row an item."""
    left = rt.side("lhs")
    right = ibis.table(rt.SIDE, name="placed")
    prior = rt.prior().mutate(in_prior=ibis.literal(True))
    extra = ibis.table(rt.ADDITION, name="additions").mutate(in_extra=ibis.literal(True))
    names = [n for n in rt.SIDE if n not in ("key", "occurrence")]
    left = left.select("key", "occurrence", *(left[n].name(f"l_{n}") for n in names))
    right = right.select(
        right.key.name("r_key"),
        right.occurrence.name("r_occurrence"),
        *(right[n].name(f"r_{n}") for n in names),
    )
    base = left.outer_join(right, [left.key == right.r_key, left.occurrence == right.r_occurrence])
    base = base.mutate(
        key=ibis.coalesce(base.key, base.r_key),
        occurrence=ibis.coalesce(base.occurrence, base.r_occurrence),
    ).drop("r_key", "r_occurrence")
    small = prior.select("key", "occurrence").union(extra.select("key", "occurrence")).distinct()
    missing = small.anti_join(base, ["key", "occurrence"])
    missing = missing.mutate(
        **{n: ibis.null(ty) for n, ty in base.schema().items() if n not in ("key", "occurrence")}
    ).select(*base.columns)
    every = base.union(missing)
    own = [n for n in (*rt.ITEM, "in_prior") if n not in ("key", "occurrence")]
    before = prior.select(
        prior.key.name("p_key"),
        prior.occurrence.name("p_occurrence"),
        *(prior[n].name(f"p_{n}") for n in own),
    )
    every = every.left_join(
        before, [every.key == before.p_key, every.occurrence == before.p_occurrence]
    ).drop("p_key", "p_occurrence")
    extra = extra.rename(x_key="key", x_occurrence="occurrence")
    return every.left_join(
        extra, [every.key == extra.x_key, every.occurrence == extra.x_occurrence]
    ).drop("x_key", "x_occurrence")


def _states(every: Any) -> Any:
    """Standing state and amount of both sides after the day's rows."""
    right_fresh = every.r_batch.notnull()
    by_addition = every.added.notnull() & ~right_fresh & every.p_right_batch.isnull()
    every = every.mutate(
        touched=every.l_batch.notnull() | right_fresh | every.in_extra.fill_null(False),
        left_batch=ibis.coalesce(every.l_batch, every.p_left_batch),
        left_record=ibis.coalesce(every.l_record, every.p_left_record),
        left_state=ibis.coalesce(every.l_state, every.p_left_state),
        left_now=t.money(t.or_zero(every.p_left_now) + t.or_zero(every.l_move)),
        left_value=ibis.coalesce(every.l_value, every.p_left_value),
        left_anchor=ibis.coalesce(every.l_anchor, every.p_left_anchor),
        left_serial=ibis.coalesce(every.l_serial, every.p_left_serial),
        category=ibis.coalesce(every.l_category, every.p_category),
        model=ibis.coalesce(every.l_model, every.p_model),
        right_batch=ibis.coalesce(every.r_batch, every.p_right_batch, every.added_batch),
        right_record=ibis.coalesce(every.r_record, every.p_right_record, every.added_record),
        right_key=ibis.coalesce(every.r_own_key, every.p_right_key, every.added_own),
        right_state=ibis.coalesce(
            every.r_state,
            every.p_right_state,
            ibis.ifelse(by_addition, "success", ibis.null("string")),
        ),
        right_kind=ibis.coalesce(every.r_kind, every.p_right_kind, every.added_kind),
        right_now=t.money(
            t.or_zero(every.p_right_now) + t.or_zero(every.r_move) + t.or_zero(every.added)
        ),
        right_held=ibis.ifelse(right_fresh, every.r_held, t.or_zero(every.p_right_held)),
        right_anchor=ibis.coalesce(every.r_anchor, every.p_right_anchor, every.added_at),
    )
    gross = t.money(every.left_now + every.right_now - t.or_zero(every.p_settled))
    claimed = t.or_zero(every.p_claimed)
    # A movement against an open claim meets the claim first: the restore that was asked for (worked-cases 1).
    meets = (claimed != ZERO) & (gross != ZERO) & ((claimed > ZERO) != (gross > ZERO))
    covered = ibis.ifelse(claimed.abs() < gross.abs(), t.money(-claimed), gross)
    released = t.when(meets, covered)
    return every.mutate(gross=gross, released=released).mutate(
        claimed=t.money(claimed + released), rest=t.money(gross - released)
    )


def _supply_class(every: Any, clock_days: Any) -> Any:
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
    pending, grace = clock_days.pending, clock_days.grace
    none = ibis.null("int64")

    def case(condition: Any, class_: str, span: Any) -> tuple[Any, str, Any]:
        return condition.fill_null(False), class_, span

    table = (
        case((left == "unknown") & settled_up, "status_unknown", none),
        case(right == "unknown", "status_unknown", none),
        case(waiting_left & settled_up, "undelivered_overdue", pending),
        case(waiting_right & settled_up & nobody, "missing_at_platform", pending),
        case(waiting_right & settled_up, "restore_missing", pending),
        # We sold it, they failed it and keep the money: the amounts agree, what happened does not.
        case(
            sold & (right == "failed") & settled_up & (every.right_now != ZERO),
            "partner_failed",
            none,
        ),
        case(settled_up & nobody & every.p_in_prior.isnull(), "excluded", none),
        case(settled_up, "matched", none),
        case(every.key.startswith("!"), "balance_gap", none),
        case(every.key.startswith("?"), "file_defect", none),
        case(every.key.startswith("~"), "unexplained_movement", none),
        case(extra_row & (rest > ZERO), "duplicate_delivery", none),
        case(sold & nothing, "missing_at_partner", grace),
        case(sold & waiting_right, "missing_at_partner", pending),
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


def _account_class(leg: Leg, every: Any, clock_days: Any) -> Any:
    """Class and waiting span of a leg whose account is its own list of open items."""
    rest = every.rest
    refund = every.occurrence == "refund"
    chargeback = every.occurrence == "chargeback"
    nothing, nobody = every.right_state.isnull(), every.left_state.isnull()
    differs = ibis.ifelse(rest > ZERO, leg.differs[0], leg.differs[1])
    class_ = ibis.cases(
        (rest == ZERO, "matched"),
        (chargeback, "chargeback"),
        (refund & ~nothing, "refund_mismatch"),
        (nothing, leg.left_only),
        (nobody, leg.right_only),
        else_=differs,
    )
    grace = clock_days.grace
    if leg.name == TOPUP_BANK:
        # Top-ups of one amount are one item: what is short of it is still on its way, not another amount.
        class_ = ibis.cases(
            (rest == ZERO, "matched"), (rest > ZERO, leg.left_only), else_=leg.right_only
        )
        return class_, grace
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


def outcomes(leg: Leg) -> Any:
    """The whole leg as one expression over ``lhs``, ``placed``, ``additions``, ``prior`` and ``clock``."""
    every = _states(_both_sides(leg)).cross_join(rt.clock())
    if leg.name == SALE_SUPPLY:
        class_, span = _supply_class(every, every)
    else:
        class_, span = _account_class(leg, every, every)
    # What is claimed keeps its class until the claim is settled.
    claimed = (every.claimed != ZERO) & (every.rest == ZERO) & every.p_class.notnull()
    every = every.mutate(
        found=ibis.ifelse(claimed, every.p_class, class_),
        span=ibis.ifelse(claimed, ibis.null("int64"), span),
        is_claimed=claimed,
    )
    within = (
        (every.found == "cost_mismatch")
        & (every.rest.abs() <= every.tolerance)
        & every.category.notnull()
    ).fill_null(False)
    absorbed = ibis.ifelse(within, every.rest, ZERO)
    every = every.mutate(
        found=ibis.ifelse(within, "matched_within_tolerance", every.found),
        absorbed=absorbed,
        rest=ibis.ifelse(within, ZERO, every.rest),
        breaks_number=ibis.coalesce(every.left_anchor, every.right_anchor, every.day_number)
        + every.span,
    )
    both = every.left_anchor.notnull() & every.right_anchor.notnull()
    later = ibis.greatest(every.left_anchor, every.right_anchor) + every.span
    every = every.mutate(breaks_number=ibis.ifelse(both, later, every.breaks_number))
    waits = (every.breaks_number > every.day_number).fill_null(False)
    residue_zero = every.found.isin(list(RESIDUE_ZERO))
    final = every.found.isin(["matched", "matched_within_tolerance", "excluded"])
    stands = every.rest != ZERO
    home = ibis.cases(
        (~stands, ibis.null("string")),
        (waits | residue_zero, every.waits_on),
        else_=every.breaks_on_account + account_part(every.found),
    )
    shown = ibis.cases(
        (final, every.found),
        (waits & stands, "timing" if leg.right else "pending"),
        (waits, "pending"),
        else_=every.found,
    )
    reason = ibis.ifelse(waits, every.found, ibis.null("string"))
    settled = t.money(t.or_zero(every.p_settled) + every.released + every.absorbed)
    at_risk = ibis.cases(
        (every.rest != ZERO, every.rest.abs()),
        (every.is_claimed, every.claimed.abs()),
        (every.right_held != ZERO, every.right_held.abs()),
        else_=t.or_zero(every.left_value),
    )
    return every.select(
        "key",
        "occurrence",
        "left_batch",
        "left_record",
        "left_state",
        "left_now",
        "left_value",
        "left_anchor",
        "left_serial",
        "category",
        "model",
        "right_batch",
        "right_record",
        "right_key",
        "right_state",
        "right_kind",
        "right_now",
        t.money(every.right_held).name("right_held"),
        "right_anchor",
        settled.name("settled"),
        "claimed",
        shown.name("class"),
        home.name("home"),
        t.money(every.rest).name("amount"),
        ibis.coalesce(every.p_opened, every.day).name("opened"),
        _rule(every).name("rule"),
        every.touched,
        every.p_home.name("home_before"),
        t.or_zero(every.p_amount).name("amount_before"),
        home.name("recon_home"),
        t.money(every.rest).name("recon_amount"),
        every.released,
        t.money(every.absorbed).name("absorbed"),
        _as_date(ibis.ifelse(waits, every.breaks_number, ibis.null("int64"))).name("breaks_on"),
        t.money(at_risk).name("exposure"),
        reason.name("reason"),
    )


def _rule(every: Any) -> Any:
    return ibis.cases(
        (every.left_batch.isnull() | every.right_batch.isnull(), ibis.null("string")),
        else_=ibis.coalesce(every.r_via, every.p_rule, ibis.literal("ref")),
    )


def _as_date(number: Any) -> Any:
    # DuckDB makes a timestamp of a date plus days; said twice, so that it comes back as a date.
    return (ibis.literal(_EPOCH) + number.as_interval("D")).cast("timestamp").cast("date")


def account_part(class_: Any) -> Any:
    """The class as a component of an account, in SQL: ``cost_mismatch`` becomes ``Cost-Mismatch``."""
    return ibis.cases(
        *((class_ == c, account_component(c)) for c in CLASSES), else_="Unexplained-Movement"
    )
