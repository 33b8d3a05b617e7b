"""What a version of a sale row posts (ruling 33): paid, delivered, failed, refunded.

pending: paid. success: + delivered (of a re-charge: the customer's claim is released, nothing else). failed or
refunded: + failed; refunded_at: + refunded. A revision posts new minus old, on the day of the new status. Expected
cost comes from the price list of the partner at the time of payment; without one the sale posts ``paid`` only
(ruling 9).
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.posting.versions import KNOWN, NEW, REVISED, with_previous

#: The components of a sale: name, the columns that carry its amounts.
COMPONENTS = {
    "paid": ("paid",),
    "delivered": ("cash", "promo", "cost", "net", "ppn", "cogs"),
    "failed": ("failed",),
    "refunded": ("refunded",),
}
WHO = ("partner", "gateway", "category", "model")
#: What a version keeps beside: the commission that its supplier should grant, with VAT.
FEE = "fee"
VALUES = tuple(name for names in COMPONENTS.values() for name in names)
#: The kind of a row, and the model of what it posts: a customer pays what was delivered and refunded (ruling 28).
RECHARGE = "recharge"
FAILED = ("failed", "refunded", "reversed")


def valued(rows: Any, rules: Any, models: tuple[str, ...] = ()) -> Any:
    """Add to sale rows their expected cost, category, model and the amount of each component.

    PPN on a principal's margin is taken per row, by the table of taxes on the day of payment, each step rounded
    (worked-cases 17): at 12 % of 11/12, margin 1,500 gives base 1,351, other base 1,238, tax 149. On a commission
    it is taken on the commission (worked-cases 19). ``models``: the models beside prepaid that
    these books have at all.
    """
    moment = ibis.coalesce(rows.paid_at, rows.stated_at, rows.version_at)
    joined = rows.mutate(moment=moment).left_join(
        rules,
        [
            rows.partner == rules.rule_partner,
            rows.product == rules.rule_product,
            moment >= rules.rule_from,
            moment < rules.rule_to,
        ],
    )
    face = ibis.coalesce(joined.rule_face, joined.face)
    unit = ibis.coalesce(joined.rule_cost, t.money(face + joined.rule_delta))
    given = {}
    if "postpaid" in models:
        granted, granted_vat = _granted(joined, face)
        with_vat = t.money(granted + granted_vat)
        unit = t.money(ibis.ifelse(joined.rule_net.fill_null(False), unit - with_vat, unit))
    quantity = joined.quantity.fill_null(t.amount(1))
    if "postpaid" in models:
        vat = t.times(granted_vat, quantity)
        given = {"granted_vat": vat, "granted": t.money(t.times(granted, quantity) + vat)}
    whole = quantity == t.amount(1)
    cost = t.money(ibis.ifelse(whole, unit, t.times(unit, quantity)))
    partner = joined.partner.fill_null(t.NO_PARTNER)
    recharge = (joined.kind == RECHARGE).fill_null(False)
    state = ibis.cases(
        ((joined.status == "success") & (partner == t.NO_PARTNER) & ~recharge, "unknown"),
        (joined.status.isin(FAILED), "failed"),
        else_=joined.status,
    )
    joined = joined.mutate(
        partner=partner,
        gateway=joined.gateway.fill_null(t.NO_PARTNER),
        category=ibis.coalesce(joined.rule_category, joined.category, ibis.literal("none")),
        model=ibis.ifelse(recharge, RECHARGE, joined.rule_model.fill_null("agent")),
        unit_cost=cost,
        theirs=joined.rule_theirs,
        state=state,
        promo_given=t.or_zero(joined.discount),
        **given,
    )
    if "stock" in models:
        # What comes from the vault has cost what its lots have, as far as there were any.
        costs = costs_table()
        same = [joined.batch == costs.c_batch, joined.record == costs.c_record]
        joined = joined.left_join(costs, same)
        stocked = (joined.rule_model == "stock").fill_null(False)
        joined = joined.mutate(unit_cost=ibis.ifelse(stocked, joined.c_cost, joined.unit_cost))
    recharge = joined.model == RECHARGE
    goods = (joined.state == "success") & joined.unit_cost.notnull() & ~recharge
    delivered = goods | ((joined.state == "success") & recharge)
    margin = t.money(joined.price - joined.unit_cost)
    ppn = ibis.ifelse(joined.rule_tax == "ppn-margin", _ppn(margin, joined), t.amount(0))
    if "postpaid" in models:
        ppn = ibis.ifelse(joined.rule_tax == "ppn-commission", joined.granted_vat, ppn)
    joined = joined.mutate(delivered=delivered, goods=goods, margin_ppn=ppn)
    from_stock = joined.model == "stock"
    principal = (joined.model == "principal") | from_stock
    refunded = (joined.state == "failed") & (
        joined.refunded_at.notnull() | (joined.status == "refunded")
    )
    days = {
        "paid": ibis.coalesce(joined.paid_day, joined.day, joined.file_day),
        "state": ibis.coalesce(joined.day, joined.file_day),
        "refund": ibis.coalesce(joined.refund_day, joined.day, joined.file_day),
    }
    return joined.mutate(
        paid=t.or_zero(joined.amount),
        cash=t.when(joined.delivered, joined.amount),
        promo=t.when(joined.goods, joined.promo_given),
        cost=t.when(joined.goods & ~from_stock, joined.unit_cost),
        ppn=t.when(joined.goods, joined.margin_ppn),
        cogs=t.when(joined.goods & principal, joined.unit_cost),
        net=t.when(
            joined.goods,
            t.money(
                joined.price
                - ibis.ifelse(principal, t.amount(0), joined.unit_cost)
                - joined.margin_ppn
            ),
        ),
        fee=t.when(joined.goods, joined.granted) if given else t.amount(0),
        failed=t.when(joined.state == "failed", joined.amount),
        refunded=t.when(refunded, joined.amount),
        no_price=(
            (joined.state == "success") & joined.unit_cost.isnull() & (joined.model != RECHARGE)
        ).fill_null(False),
        **{f"own_{name}": day for name, day in days.items()},
        **{f"day_{name}": t.posted(day, joined) for name, day in days.items()},
        day_first=t.posted(ibis.least(*days.values()), joined),
    )


def costs_table() -> Any:
    """What the vault's lots cost, by the row that took them."""
    columns = {"batch": "string", "record": "int64", "cost": t.MONEY}
    costs = ibis.table(columns, name="stock_costs")
    return costs.select(*(costs[n].name(f"c_{n}") for n in columns))


def _ppn(margin: Any, by: Any) -> Any:
    """The PPN that a margin includes: a rate of a part of its base, each step rounded, whole and odd in the margin.

    ``by``: the rule of each row, from the table of taxes; :meth:`.core.taxes.Tax.inside` is the same in Decimal.
    """
    sign = ibis.ifelse(margin < t.amount(0), -1, 1).cast("int64")
    size = (margin.cast("decimal(18, 0)").cast("int64") * sign).cast("int64")
    over, under = by.rule_ppn_over, by.rule_ppn_under
    part, whole, up = by.rule_other_over, by.rule_other_under, by.rule_ppn_up
    with_tax = under * whole + over * part
    base = t.divide(size * under * whole * 2 + with_tax * up, with_tax * 2)
    other = t.divide(base * part * 2 + whole * up, whole * 2)
    return (t.divide(other * over * 2 + under * up, under * 2) * sign).cast(t.MONEY)


def _granted(joined: Any, face: Any) -> tuple[Any, Any]:
    """The commission of one unit and its VAT, each step rounded half up: 1,200 gives 132, 1,150 gives 126."""
    rated = t.part_of(t.or_zero(face), joined.rule_grant_over, joined.rule_grant_under)
    granted = t.or_zero(ibis.coalesce(joined.rule_grant, rated))
    up = joined.rule_vat_up
    base = t.part_of(granted, joined.rule_base_over, joined.rule_base_under, up)
    vat = t.part_of(base, joined.rule_vat_over, joined.rule_vat_under, up)
    return granted, t.or_zero(vat)


def lines(*, shared: bool, locked: bool = False, models: tuple[str, ...] = ()) -> Any:
    """The sale rows at hand with values, predecessor and disposition; one line a row."""
    rows = valued(t.rows_table("sale"), t.rules_table(), models)
    versions = with_previous(rows, shared=shared, locked=locked)
    before = versions.prev_day_state
    return versions.mutate(
        **{
            f"orig_{name}": t.orig(versions, versions[f"own_{name}"], before)
            for name in ("paid", "state", "refund")
        }
    )


def sums_of_new(lines_: Any) -> Any:
    """Sum the components of first versions by batch, who and days (few groups, one pass)."""
    fresh = lines_.filter(lines_.disposition == NEW)
    measures = {name: t.total(fresh[name]) for name in VALUES}
    counts = {
        f"n_{component}": (fresh[names[0]] != t.amount(0)).sum().cast("int64")
        for component, names in COMPONENTS.items()
    }
    days = [f"{what}_{name}" for name in ("paid", "state", "refund") for what in ("day", "orig")]
    return fresh.group_by(["batch", *WHO, *days]).agg(
        **measures, **counts, n_rows=fresh.count(), n_no_price=fresh.no_price.sum().cast("int64")
    )


def sums_of_revised(lines_: Any, component: str) -> Any:
    """Sum what revisions take back (sign -1) and put up (sign 1) of one component."""
    revised = lines_.filter(lines_.disposition == REVISED)
    names = COMPONENTS[component]
    same = ibis.literal(True)
    for name in (*names, *WHO):
        same &= revised[name].identical_to(revised[f"prev_{name}"])
    changed = revised.filter(~same)
    refund = component == "refunded"
    day = changed.day_refund if refund else changed.day_state
    parts = []
    for sign, prefix in ((-1, "prev_"), (1, "")):
        own = changed.select(
            changed.batch,
            day.name("day"),
            changed.orig_state.name("orig"),
            ibis.literal(sign).cast("int64").name("sign"),
            *(changed[f"{prefix}{w}"].name(w) for w in WHO),
            *(changed[f"{prefix}{n}"].name(n) for n in names),
        )
        parts.append(own.filter(own[names[0]] != t.amount(0)))
    both = parts[0].union(parts[1])
    return both.group_by(["batch", "day", "orig", "sign", *WHO]).agg(
        **{n: t.total(both[n]) for n in names}, count=both.count()
    )


def shares(lines_: Any) -> Any:
    """Rows and control amount that each batch, partner and day answers for (ruling 14)."""
    counted = lines_.filter(lines_.disposition != KNOWN)
    new = counted.disposition == NEW
    counted = counted.mutate(
        day=ibis.ifelse(new, counted.day_paid, counted.day_state),
        orig=ibis.ifelse(new, counted.orig_paid, counted.orig_state),
        control=t.money(counted.paid - t.or_zero(counted.prev_paid)),
        is_new=new,
    )
    return counted.group_by(["batch", "partner", "day", "orig"]).agg(
        rows=counted.count(),
        new=counted.is_new.sum().cast("int64"),
        control=t.total(counted.control),
    )


def commission(joined: Any, face: Any) -> tuple[Any, Any]:
    """The commission of one unit by the rule that a row was joined with, and its VAT; for rows of either side."""
    return _granted(joined, face)
