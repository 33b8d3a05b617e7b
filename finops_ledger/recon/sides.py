"""The two sides of each leg on one day: line tables cut to one counterparty, in one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

from finops_ledger.posting import sale, store, supply
from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.legs import (
    PAYMENT_BANK,
    REFUND_PAYABLE,
    SALE_GATEWAY,
    SALE_SUPPLY,
    SETTLEMENT_BANK,
    SUPPLY_STATEMENT,
    TOPUP_BANK,
    UNDELIVERED,
    Leg,
)

_DAY_S = 86_400
ZERO = t.amount(0)


def _text(value: str | None) -> Any:
    return ibis.null("string") if value is None else ibis.literal(value)


def _shape(rows: Any, **columns: Any) -> Any:
    """Fill the columns of a side that a leg does not use."""
    defaults: dict[str, Any] = {
        "occurrence": ibis.literal(""),
        "orig": _text(None),
        "held": ZERO,
        "fee": ZERO,
        "serial": _text(None),
        "other_ref": _text(None),
        "category": _text(None),
        "model": _text(None),
        "renewed": ibis.literal(False),
        "via": _text(None),
        "copy": ibis.literal(0),
        "step": ibis.literal(0),
        "customer": _text(None),
        "product": _text(None),
        "operands": _text(None),
        "rejected": _text(None),
    }
    made = {**defaults, **columns}
    return rows.select(*(made[n].cast(ty).name(n) for n, ty in rt.SIDE.items()))


def _with_clock(role: str) -> Any:
    lines = store.table(role)
    return lines.filter(lines.disposition != "known").cross_join(rt.clock())


def _number(moment: Any, shift: Any) -> Any:
    """The number of the day (in the counterparty's window) that holds a moment."""
    return ((moment.epoch_seconds().cast("int64") + shift) // _DAY_S).cast("int64")


def _sale_side(rows: Any, *, state: Any, move: Any, fee: Any, renewed: Any) -> Any:
    return _shape(
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
        anchor=ibis.coalesce(_number(rows.stated_at, rows.shift), rows.day_number),
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
    return _shape(
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
        anchor=ibis.coalesce(_number(rows.stated_at, rows.shift), rows.day_number),
        serial=rows.serial,
        renewed=rows.disposition == "revised",
        via=ibis.literal("ref"),
        copy=rows.occurrence,
        step=rows.step,
        customer=rows.customer,
        product=rows["product"],
    )


def _sum_up(rows: Any) -> Any:
    """Add up the rows of one key: one line an item, named by its first row."""
    grouped = rows.group_by(["key", "occurrence"]).agg(
        batch=rows.batch.min(),
        record=rows.record.min(),
        own_key=rows.own_key.min(),
        move=t.money(t.total(rows.move)),
        value=t.money(t.total(rows.value)),
        at=rows["at"].min(),
        anchor=rows.anchor.max(),
        renewed=rows.renewed.any(),
        via=rows.via.min(),
    )
    own = {n: grouped[n] for n in grouped.columns if n != "via"}
    return _shape(
        grouped,
        **own,
        kind=ibis.literal("sum"),
        state=ibis.literal("success"),
        via=grouped.via.fill_null("ref"),
    )


def added_up(name: str) -> Any:
    """Add up the rows of a side that stands in the engine, once the passes have said which belong together."""
    return _sum_up(rt.side(name))


def _movement(rows: Any, key: Any, move: Any, occurrence: Any = "", **more: Any) -> Any:
    occurrence = ibis.literal(occurrence) if isinstance(occurrence, str) else occurrence
    made = _shape(
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


def _payment(rows: Any) -> Any:
    """What the gateway knows an order by."""
    return ibis.coalesce(rows.payment_ref, rows.ref)


def _sales_by_gateway() -> Any:
    rows = _with_clock("sale")
    rows = rows.filter(rows.gateway == rows.party)
    paid = _paid(rows)
    sent = rows.filter(rows.day_refund == rows.day)
    return _sum_up(
        _movement(paid, _payment(paid), _part(paid, "paid")).union(
            _movement(sent, _payment(sent), t.money(-_part(sent, "refunded")), "refund")
        )
    )


def _settled_rows() -> Any:
    rows = _with_clock("settlement")
    rows = rows.filter((rows.day_post == rows.day) & (rows.gateway == rows.party))
    occurrence = ibis.ifelse(rows.kind == "payment", "", rows.kind)
    key = ibis.coalesce(rows.payment_ref, rows.ref, rows.key)
    return _sum_up(_movement(rows, key, t.money(-rows.d_gross), occurrence))


def _settlements() -> Any:
    rows = _with_clock("settlement")
    rows = rows.filter((rows.day_post == rows.day) & (rows.gateway == rows.party))
    return _sum_up(_movement(rows, rows.settlement_ref, rows.d_net))


def _bank_lines(kind: str) -> Callable[[], Any]:
    def build() -> Any:
        rows = _with_clock("bank")
        rows = rows.filter(
            (rows.day_post == rows.day) & (rows.who == rows.party) & (rows.line_kind == kind)
        )
        key = {"payout": rows.line_ref, "payment": _named(rows)}.get(kind, _size(rows.d_moved))
        return _sum_up(_movement(rows, key, t.money(-rows.d_moved)))

    return build


def _named(rows: Any) -> Any:
    """The settlement that a line names, without the counterparty's name before it."""
    prefix = rows.party + "-"
    rest = rows.line_ref.substr(prefix.length())
    return ibis.ifelse(rows.line_ref.startswith(prefix), rest, rows.line_ref)


def _size(amount: Any) -> Any:
    """Top-ups are told apart by their amount: the ticket's odd last digits make it unique."""
    return ibis.literal("topup ") + amount.abs().cast("string")


def _topups() -> Any:
    """Top-ups by whichever of the partner's files moves the deposit on the day."""

    def of(role: str) -> Any:
        rows = _with_clock(role)
        rows = rows.filter(
            (rows.day_post == rows.day)
            & (rows.partner == rows.party)
            & (rows.kind == "topup")
            & (rows.stated == ibis.literal(role == "deposit"))
        )
        return _movement(rows, _size(rows.d_other), rows.d_other)

    return _sum_up(of("supply").union(of("deposit")))


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
        second = others[0] if others else _text(None)
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


_LEFT: dict[str, Callable[..., Any]] = {
    SALE_SUPPLY: _sales_by_supplier,
    SUPPLY_STATEMENT: _drawn("supply", 1),
    TOPUP_BANK: _bank_lines("topup"),
    SALE_GATEWAY: _sales_by_gateway,
    SETTLEMENT_BANK: _settlements,
    UNDELIVERED: _undelivered,
    REFUND_PAYABLE: _refund_payable,
}
_RIGHT: dict[str, Callable[..., Any]] = {
    SALE_SUPPLY: _supply_rows,
    SUPPLY_STATEMENT: _drawn("deposit", -1),
    TOPUP_BANK: _topups,
    SALE_GATEWAY: _settled_rows,
    SETTLEMENT_BANK: _bank_lines("payout"),
    PAYMENT_BANK: _bank_lines("payment"),
}


def left(leg: Leg, *passes: str) -> Any:
    """The left side of a leg on the clock's day; of two files of one partner, named by the passes."""
    return _LEFT[leg.name](*([passes] if passes else []))


def right(leg: Leg, *passes: str) -> Any:
    """The right side of a leg on the clock's day; only for a leg of two sides."""
    return _RIGHT[leg.name](*([passes] if passes else []))
