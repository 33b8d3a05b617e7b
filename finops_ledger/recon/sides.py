"""The two sides of each leg on one day: line tables cut to one counterparty, in one shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import ibis

from finops_ledger.posting import sale, store, supply
from finops_ledger.posting import tables as t
from finops_ledger.recon import chosen, returns
from finops_ledger.recon import tables as rt
from finops_ledger.recon.legs import Leg
from finops_ledger.sop.legs import Moves

_DAY_S = 86_400
ZERO = t.amount(0)


def _with_clock(role: str) -> Any:
    lines = store.table(role)
    return lines.filter(lines.disposition != "known").cross_join(rt.clock())


def number(moment: Any, shift: Any) -> Any:
    """The number of the day (in the counterparty's window) that holds a moment."""
    return ((moment.epoch_seconds().cast("int64") + shift) // _DAY_S).cast("int64")


def _sale_side(rows: Any, *, state: Any, move: Any, fee: Any, renewed: Any) -> Any:
    return rt.shape(
        rows,
        key=rows.ref,
        batch=rows.batch,
        record=rows.record,
        own_key=rows.ref,
        kind=ibis.literal("sale"),
        state=state,
        move=move,
        fee=fee,
        value=rows.amount,
        at=rows.stated_at,
        anchor=ibis.coalesce(number(rows.stated_at, rows.shift), rows.day_number),
        serial=rows.serial,
        other_ref=rows.partner_ref,
        category=rows.category,
        model=rows.model,
        renewed=renewed,
        copy=rows.occurrence,
        step=rows.step,
        customer=rows.customer,
        # As the partner calls it, so that both sides can be compared.
        product=ibis.coalesce(rows.theirs, rows["product"]),
    )


def _sales_by_supplier() -> Any:
    rows = _with_clock("sale")
    # A re-charge moves no goods: it releases what the customer owes.
    rows = rows.filter((rows.day_state == rows.day) & (rows.model != sale.RECHARGE))
    own = (rows.partner == rows.party).fill_null(False)
    before = (rows.prev_partner == rows.party).fill_null(False)
    # One pass over the rows, not one for each of the two cases.
    rows = rows.mutate(own=own, before=before).filter(own | before)
    # What comes from the vault is no partner's to deliver: it passes no clearing account.
    model = ibis.ifelse(rows.own, rows.model, rows.prev_model)
    rows = rows.filter((model != "stock").fill_null(True))
    stays = rows.own & (rows.prev_partner == rows.partner).fill_null(False)
    # The partner changed: the order is released under the old one (ruling 33).
    gone = ~rows.own
    state = ibis.cases(
        (gone, "failed"),
        (rows.cost != ZERO, "success"),
        (rows.no_price, "pending"),
        else_=rows.state,
    )
    had = ibis.ifelse(stays | gone, t.or_zero(rows.prev_cost), ZERO)
    move = t.money(had - ibis.ifelse(gone, ZERO, rows.cost))
    had_fee = ibis.ifelse(stays | gone, t.or_zero(rows.prev_fee), ZERO)
    fee = t.money(ibis.ifelse(gone, ZERO, rows.fee) - had_fee)
    return _sale_side(rows, state=state, move=move, fee=fee, renewed=stays | gone)


def _supply_rows() -> Any:
    rows = _with_clock("supply")
    rows = rows.filter(
        (rows.day_post == rows.day)
        & (rows.partner == rows.party)
        & ~rows.kind.isin(["topup", "bonus", "fee", "tax"])
    )
    # Codes that came into stock meet no sale; what was pending before closes its item.
    rows = rows.filter((rows.d_stock == ZERO) | rows.held_closes)
    state = ibis.ifelse(rows.status.isin(["reversed", "refunded"]), "failed", rows.status)
    return rt.shape(
        rows,
        key=ibis.coalesce(rows.ref, ibis.literal("~") + rows.key),
        batch=rows.batch,
        record=rows.record,
        own_key=rows.key,
        orig=rows.orig_ref,
        kind=rows.kind,
        state=state,
        move=rows.d_clearing,
        fee=t.money(-rows.d_granted),
        held=rows.held,
        value=t.money(rows.deposit.abs()),
        at=rows.stated_at,
        anchor=ibis.coalesce(number(rows.stated_at, rows.shift), rows.day_number),
        serial=rows.serial,
        renewed=rows.disposition == "revised",
        via=ibis.literal("ref"),
        copy=rows.occurrence,
        step=rows.step,
        customer=rows.customer,
        product=rows["product"],
    )


def _sum_up(rows: Any, *, other: bool = False) -> Any:
    """Add up the rows of one key: one line an item, named by its first row; ``other``: with its other reference."""
    more = {"other_ref": rows.other_ref.min()} if other else {}
    grouped = rows.group_by(["key", "occurrence"]).agg(
        # One row's place: the first batch and the first record of any batch may be no row of the item.
        place=ibis.struct({"batch": rows.batch, "record": rows.record}).min(),
        own_key=rows.own_key.min(),
        move=t.money(t.total(rows.move)),
        value=t.money(t.total(rows.value)),
        at=rows["at"].min(),
        anchor=rows.anchor.max(),
        renewed=rows.renewed.any(),
        via=rows.via.min(),
        operands=rows.operands.min(),
        rejected=rows.rejected.min(),
        **more,
    )
    own = {n: grouped[n] for n in grouped.columns if n not in ("via", "place")}
    return rt.shape(
        grouped,
        **own,
        batch=grouped.place.batch,
        record=grouped.place.record,
        kind=ibis.literal("sum"),
        state=ibis.literal("success"),
        via=grouped.via.fill_null("ref"),
    )


def added_up(name: str) -> Any:
    """Add up the rows of a side that stands in the engine, once the passes have said which belong together."""
    return _sum_up(rt.side(name), other=True)


def _movement(rows: Any, key: Any, move: Any, occurrence: Any = "", **more: Any) -> Any:
    occurrence = ibis.literal(occurrence) if isinstance(occurrence, str) else occurrence
    made = rt.shape(
        rows,
        key=key,
        occurrence=occurrence,
        batch=rows.batch,
        record=rows.record,
        own_key=rows.key,
        kind=ibis.literal("row"),
        state=ibis.literal("success"),
        move=move,
        value=t.money(move.abs()),
        at=rows.stated_at,
        anchor=rows.day_number,
        **more,
    )
    return made.filter(made.move != ZERO)


def _part(rows: Any, name: str) -> Any:
    return t.money(rows[name] - t.or_zero(rows[f"prev_{name}"]))


def _paid(rows: Any) -> Any:
    """Rows whose ``paid`` posts on the clock's day: a first version on the day paid, a revision on its own."""
    first = rows.disposition == "new"
    return rows.filter(ibis.ifelse(first, rows.day_paid, rows.day_state) == rows.day)


def moves(
    selections: Sequence[Moves], sources: tuple[str, ...] = (), *, returned: bool = False
) -> Any:
    """The rows of declared selections, as what they move on the leg's account; one line a row.

    ``sources``: those of the counterparty, for rows that name it by their source alone. ``returned``: some of the
    gateway's rows name what they undo (see :mod:`.returns`).
    """
    parts = [_selected(one, sources, returned) for one in selections]
    return reduce(lambda one, other: one.union(other), parts)


def _selected(one: Moves, sources: tuple[str, ...], returned: bool) -> Any:
    rows = _with_clock(one.role)
    if one.by == "source":
        rows = rows.filter(rows.source.isin(list(sources)))
    elif one.by != "none":
        rows = rows.filter(rows[one.by] == rows.party)
    rows = _paid(rows) if one.day == "day_paid" else rows.filter(rows[one.day] == rows.day)
    for column, wanted in (("kind", one.kinds), ("line_kind", one.lines)):
        if wanted:
            rows = rows.filter(rows[column].isin(list(wanted)))
    if one.moving:
        rows = rows.filter(rows.stated == ibis.literal(one.moving == "stated"))
    undoing = returned and one.role == "settlement"
    if undoing:
        rows = returns.beside(rows)
    columns = (*(["undone"] if undoing else []), *one.key)
    key = ibis.coalesce(*(rows[name] for name in columns))
    occurrence: Any = one.occurrence
    if occurrence == "by-kind":
        occurrence = ibis.ifelse(rows.kind == "payment", "", rows.kind)
    name = one.measure.removeprefix("-")
    moved = _part(rows, name.removeprefix("part:")) if name.startswith("part:") else rows[name]
    signed = t.money(-moved) if one.measure.startswith("-") else moved
    named = {"orig": rows.orig_ref} if one.role in ("supply", "deposit") else {}
    if one.role in ("sale", "settlement"):
        named["other_ref"] = rows.ref
    if one.role == "sale":
        # What was corrected later may be of a payment that is settled already.
        named["renewed"] = rows.disposition == "revised"
    if undoing:
        named |= {"via": rows.undo_rule, "operands": rows.undo_told}
    return _movement(rows, key, signed, occurrence, **named)


def _payment_lines() -> Any:
    """Bank lines of payments to a supplier, by the settlement that they name."""
    rows = _with_clock("bank")
    rows = rows.filter(
        (rows.day_post == rows.day) & (rows.who == rows.party) & (rows.line_kind == "payment")
    )
    return _movement(rows, _named(rows), t.money(-rows.d_moved))


def _named(rows: Any) -> Any:
    """The settlement that a line names, without the counterparty's name before it."""
    prefix = rows.party + "-"
    rest = rows.line_ref.substr(prefix.length())
    return ibis.ifelse(rows.line_ref.startswith(prefix), rest, rows.line_ref)


def _drawn(role: str, sign: int) -> Callable[[tuple[str, ...]], Any]:
    """Rows of one of a partner's two files that move its deposit for orders; not yet added up."""

    def build(passes: tuple[str, ...]) -> Any:
        rows = _with_clock(role)
        rows = rows.filter((rows.day_post == rows.day) & (rows.partner == rows.party))
        if role == "supply":
            rows = rows.filter(rows.stated)
        # What names no order is known by its own number, or by that of the row it undoes.
        alone = ibis.literal("~") + ibis.coalesce(rows.orig_ref, rows.key)
        first, *others = (rows[name] for name in passes)
        key = (
            ibis.coalesce(first, alone)
            if passes[0] == "ref"
            else ibis.coalesce(first, *others, alone)
        )
        move = t.money(supply.drawn(rows) * sign)
        second = others[0] if others else rt.no_text()
        return _movement(rows, key, move, other_ref=second, via=ibis.literal(passes[0]))

    return build


def _moving(rows: Any, net: Any) -> Any:
    """Rows of orders of which any row leaves something (``net``) on the account by the day's end.

    Nearly every order is paid and delivered in one row and leaves nothing: it need not be added up.
    """
    leaving = rows.filter(net != ZERO)
    return rows.filter(rows.ref.isin(leaving.ref) | rows.ref.isnull())


def _undelivered() -> Any:
    rows = _with_clock("sale")
    first = rows.disposition == "new"
    paying = ibis.ifelse(first, rows.day_paid, rows.day_state) == rows.day
    done = t.money(_part(rows, "cash") + _part(rows, "failed"))
    net = t.when(rows.day_state == rows.day, done) - t.when(paying, _part(rows, "paid"))
    rows = _moving(rows, net)
    paid = _paid(rows)
    final = rows.filter(rows.day_state == rows.day)
    done = t.money(_part(final, "cash") + _part(final, "failed"))
    both = _movement(paid, paid.ref, t.money(-_part(paid, "paid"))).union(
        _movement(final, final.ref, done)
    )
    summed = _sum_up(both)
    return summed.filter(summed.move != ZERO)


def _refund_payable() -> Any:
    rows = _with_clock("sale")
    net = t.when(rows.day_refund == rows.day, _part(rows, "refunded")) - t.when(
        rows.day_state == rows.day, _part(rows, "failed")
    )
    rows = _moving(rows, net)
    owed = rows.filter(rows.day_state == rows.day)
    sent = rows.filter(rows.day_refund == rows.day)
    both = _movement(owed, owed.ref, t.money(-_part(owed, "failed"))).union(
        _movement(sent, sent.ref, _part(sent, "refunded"))
    )
    summed = _sum_up(both)
    return summed.filter(summed.move != ZERO)


_READS: dict[str, Callable[..., Any]] = {
    "orders": lambda _: _sales_by_supplier(),
    "deliveries": lambda _: _supply_rows(),
    "supply drawn": _drawn("supply", 1),
    "deposit drawn": _drawn("deposit", -1),
    "payment lines": lambda _: _payment_lines(),
    "undelivered": lambda _: _undelivered(),
    "refund-payable": lambda _: _refund_payable(),
}


def _side(
    leg: Leg, at: int, passes: tuple[str, ...], sources: tuple[str, ...], returned: bool = False
) -> Any:
    reads, rows = leg.reads[at], (leg.left_rows, leg.right_rows)[at]
    if reads:
        role = (leg.left, leg.right)[at]
        return _READS[f"{role} {reads}" if reads == "drawn" else reads](passes)
    if leg.declared:
        return chosen.rows(leg, at)
    found = moves([m for m in rows if isinstance(m, Moves)], sources, returned=returned)
    # The other reference of a row is for passes alone.
    return found if leg.tickets else _sum_up(found, other=bool(passes))


def left(leg: Leg, *passes: str, sources: tuple[str, ...] = ()) -> Any:
    """The left side of a leg on the clock's day; of two files of one partner, named by the passes."""
    return _side(leg, 0, passes, sources)


def right(leg: Leg, *passes: str, sources: tuple[str, ...] = (), returned: bool = False) -> Any:
    """The right side of a leg on the clock's day; only for a leg of two sides."""
    return _side(leg, 1, passes, sources, returned)
