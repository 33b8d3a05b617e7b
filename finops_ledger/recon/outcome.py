"""From two sides to outcomes: each item's states, residue, class, home and date of breaking.

The residue of an item is what its rows have left on the clearing account: left + right − what a person or a
rule has settled. The sum over all items is the movement of the account, so nothing can be lost here:
an item with a residue has exactly one home.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.recon import conditions, goods
from finops_ledger.recon import tables as rt
from finops_ledger.recon.classes import RESIDUE_ZERO
from finops_ledger.recon.job import CROSS, FOREIGN
from finops_ledger.recon.legs import SALE_GATEWAY, SALE_SUPPLY, SUPPLY_STATEMENT, Leg
from finops_ledger.recon.returns import RULE as RETURNS
from finops_ledger.recon.sides import number

_EPOCH = date(1970, 1, 1)
ZERO = t.amount(0)
_DONE = ("matched", "matched_within_tolerance", "excluded")


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
        left_at=ibis.coalesce(every.l_at, every.p_left_at),
        right_at=ibis.coalesce(every.r_at, every.p_right_at),
        left_customer=ibis.coalesce(every.l_customer, every.p_left_customer),
        right_customer=ibis.coalesce(every.r_customer, every.p_right_customer),
        left_product=ibis.coalesce(every.l_product, every.p_left_product),
        right_product=ibis.coalesce(every.r_product, every.p_right_product),
        left_other=ibis.coalesce(every.l_other_ref, every.p_left_other),
        right_other=ibis.coalesce(every.r_other_ref, every.p_right_other),
        right_serial=ibis.coalesce(every.r_serial, every.p_right_serial),
        right_value=ibis.coalesce(every.r_value, every.p_right_value),
        fee=t.money(t.or_zero(every.p_fee) + t.or_zero(every.l_fee) + t.or_zero(every.r_fee)),
        operands=ibis.coalesce(every.r_operands, every.l_operands, every.p_operands),
        rejected=ibis.coalesce(every.r_rejected, every.l_rejected, every.p_rejected),
    )
    gross = t.money(every.left_now + every.right_now - t.or_zero(every.p_settled))
    claimed = t.or_zero(every.p_claimed)
    # A movement against an open claim meets the claim first: the restore that was asked for (worked-cases 1).
    meets = (claimed != ZERO) & (gross != ZERO) & ((claimed > ZERO) != (gross > ZERO))
    covered = ibis.ifelse(claimed.abs() < gross.abs(), t.money(-claimed), gross)
    released = t.when(meets, covered)
    rest = t.money(gross - released)
    # What was written off and comes back after all is income, not a new break (worked-cases 7).
    lost = t.or_zero(every.p_lost)
    back = (lost != ZERO) & (rest != ZERO) & ((lost > ZERO) != (rest > ZERO))
    recovered = t.when(back, ibis.ifelse(lost.abs() < rest.abs(), t.money(-lost), rest))
    return every.mutate(gross=gross, released=released, recovered=recovered).mutate(
        claimed=t.money(claimed + released),
        lost=t.money(lost + recovered),
        case_id=every.p_case_id,
        rest=t.money(rest - recovered),
    )


def outcomes(leg: Leg, scheduled: bool = False) -> Any:
    """The whole leg as one expression over ``lhs``, ``placed``, ``additions``, ``prior`` and ``clock``.

    ``scheduled``: what waits for a settlement waits by ``due``, the gateway's schedule.
    """
    every = _states(_both_sides(leg)).cross_join(rt.clock())
    if leg.name == SALE_SUPPLY:
        every = goods.beside(every)
        class_, span = conditions.of_supply(every, every)
    else:
        class_, span = conditions.of_account(leg, every, every)
    # What is claimed keeps its class until the claim is settled.
    claimed = (every.claimed != ZERO) & (every.rest == ZERO) & every.p_class.notnull()
    every = every.mutate(
        found=ibis.ifelse(claimed, every.p_class, class_),
        span=ibis.ifelse(claimed, ibis.null("int64"), span),
        is_claimed=claimed,
    )
    # What broke under an earlier rule is for people to settle: a later tolerance does not take it away unasked.
    stood = (every.p_class == "cost_mismatch").fill_null(False) & ~every.touched
    within = (
        (every.found == "cost_mismatch")
        & ~stood
        & (every.rest.abs() <= every.tolerance)
        & every.category.notnull()
    ).fill_null(False)
    if leg.tickets:
        # The pass has found the difference to be within the SOP's limit, or to be its tax.
        within = ibis.coalesce(every.r_via, every.l_via).isin(["tolerance", "tax"])
        within = (within & (every.rest != ZERO)).fill_null(False)
    if leg.declared:
        both = every.left_state.notnull() & every.right_state.notnull() & (every.rest != ZERO)
        within = (both & (every.rest.abs() <= every.tolerance)).fill_null(False)
    absorbed = ibis.ifelse(within, every.rest, ZERO)
    every = every.mutate(
        found=ibis.ifelse(within, conditions.within(leg, every), every.found),
        absorbed=absorbed,
        rest=ibis.ifelse(within, ZERO, every.rest),
        breaks_number=ibis.coalesce(every.left_anchor, every.right_anchor, every.day_number)
        + every.span,
    )
    if leg.name == SUPPLY_STATEMENT:
        every = every.mutate(operands=ibis.coalesce(every.operands, _told(every)))
    both = every.left_anchor.notnull() & every.right_anchor.notnull()
    later = ibis.greatest(every.left_anchor, every.right_anchor) + every.span
    every = every.mutate(breaks_number=ibis.ifelse(both, later, every.breaks_number))
    if leg.name == SALE_SUPPLY:
        every = _till_our_day(every)
    if scheduled:
        every = _by_schedule(every)
    waits = (every.breaks_number > every.day_number).fill_null(False)
    residue_zero = every.found.isin(list(RESIDUE_ZERO))
    final = every.found.isin(list(_DONE))
    stands = every.rest != ZERO
    home = ibis.cases(
        (~stands, ibis.null("string")),
        (waits | residue_zero, every.waits_on),
        else_=every.breaks_on_account + conditions.account_part(every.found),
    )
    if not leg.posts:
        home = ibis.null("string")
    shown = ibis.cases(
        (final, every.found),
        (waits & stands, "timing" if leg.right else "pending"),
        (waits, "pending"),
        else_=every.found,
    )
    reason = ibis.ifelse(waits, every.found, ibis.null("string"))
    settled = t.money(
        t.or_zero(every.p_settled) + every.released + every.absorbed + every.recovered
    )
    at_risk = ibis.cases(
        (every.rest != ZERO, every.rest.abs()),
        (every.is_claimed, every.claimed.abs()),
        (every.right_held != ZERO, every.right_held.abs()),
        else_=t.or_zero(ibis.coalesce(every.left_value, every.right_value)),
    )
    own = {
        "right_held": t.money(every.right_held),
        "settled": settled,
        "class": shown,
        "home": home,
        "amount": t.money(every.rest),
        "opened": _opened(every, final),
        "rule": _rule(every, leg),
        "id": every.p_id,
        "also": conditions.also(every, shown) if leg.name == SALE_SUPPLY else ibis.null("string"),
        **({"operands": _operands(every)} if leg.name == SALE_SUPPLY else {}),
        "since": _since(every, shown),
        "suggestion": every.p_suggestion,
        "home_before": every.p_home,
        "amount_before": t.or_zero(every.p_amount),
        "recon_home": home,
        "recon_amount": t.money(every.rest),
        "absorbed": t.money(every.absorbed),
        "breaks_on": _as_date(ibis.ifelse(waits, every.breaks_number, ibis.null("int64"))),
        "exposure": t.money(at_risk),
        "reason": reason,
    }
    made = {n: own[n] if n in own else every[n] for n in rt.OUTCOME}
    return every.select(*(made[n].cast(ty).name(n) for n, ty in rt.OUTCOME.items()))


def _till_our_day(every: Any) -> Any:
    """What only the partner has waits for our own day of its moment: a window from noon on goes into our next day."""
    alone = every.left_anchor.isnull() & every.right_at.notnull() & every.span.notnull()
    theirs = every.breaks_number
    ours = ibis.greatest(theirs, number(every.right_at, every.ours) + every.span)
    return every.mutate(breaks_number=ibis.ifelse(alone, ours, theirs))


def _by_schedule(every: Any) -> Any:
    """What only our side has breaks when its settlement is due; a day that ``due`` does not name is due already."""
    due = rt.due()
    joined = every.left_join(due, every.left_anchor == due.due_anchor)
    alone = joined.left_anchor.notnull() & joined.right_anchor.isnull() & joined.span.notnull()
    on = ibis.coalesce(joined.due_on, joined.day_number)
    return joined.mutate(breaks_number=ibis.ifelse(alone, on, joined.breaks_number))


def _told(every: Any) -> Any:
    """Which of a partner's two files lacks the row, has it more often, or that they state it otherwise."""

    def often(one: Any, other: Any) -> Any:
        return (one == -2 * other) | (one == -3 * other)

    left, right = every.left_now, every.right_now
    return ibis.cases(
        (every.rest == ZERO, ibis.null("string")),
        (every.right_state.isnull(), "missing: their deposit statement has no row of it"),
        (every.left_state.isnull(), "extra: their transactions have no row of it"),
        (
            often(right, left),
            "extra: their deposit statement has it more often than their transactions",
        ),
        (
            often(left, right),
            "missing: their deposit statement has it less often than their transactions",
        ),
        else_="repriced: transactions and deposit statement state different amounts",
    )


def _opened(every: Any, final: Any) -> Any:
    """The day from which the item is open: what was settled and comes up again is opened anew, and not old at once."""
    again = every.p_class.isin(list(_DONE)).fill_null(False) & ~final
    return ibis.ifelse(again, every.day, ibis.coalesce(every.p_opened, every.day))


def _since(every: Any, shown: Any) -> Any:
    """The day from which the item is of its class: a waiting one changes its class by breaking."""
    stays = (every.p_class == shown).fill_null(False)
    return ibis.ifelse(stays, ibis.coalesce(every.p_since, every.p_opened), every.day)


def _operands(every: Any) -> Any:
    """What the rule compared, and what of the goods did not agree."""
    return ibis.coalesce(every.goods, every.operands)


def _crosses(every: Any) -> Any:
    """Say whether a side is another supplier's: the row that settles, or the sale until an own one takes its place."""
    stays = (every.p_rule == CROSS) & every.l_kind.isnull()
    stays &= (every.p_right_kind != FOREIGN).fill_null(True)
    return (every.l_kind == FOREIGN) | (every.right_kind == FOREIGN) | stays


def _rule(every: Any, leg: Leg) -> Any:
    alone = every.left_batch.isnull() | every.right_batch.isnull()
    # What came before our side did has told the proof already.
    undoes = (
        [(every.operands.startswith(f"{RETURNS}: "), RETURNS)] if leg.name == SALE_GATEWAY else []
    )
    return ibis.cases(
        (alone, ibis.null("string")),
        *undoes,
        (_crosses(every), CROSS),
        else_=ibis.coalesce(
            every.r_via, every.l_via, every.p_rule.nullif(CROSS), ibis.literal("ref")
        ),
    )


def _as_date(number: Any) -> Any:
    # DuckDB makes a timestamp of a date plus days; said twice, so that it comes back as a date.
    return (ibis.literal(_EPOCH) + number.as_interval("D")).cast("timestamp").cast("date")
