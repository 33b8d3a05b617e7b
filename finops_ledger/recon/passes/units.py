"""What the passes look at: rows and open items of one side that no row of the other side meets by the exact key.

Rows of one key are one unit: they are one group (DESIGN §8). A unit is *fresh* when a row of the day belongs to it;
the others stood open the day before. Its ``amount`` is what it has left on the account.
"""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.core import msisdn
from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.place import ADDITIONS, NAMELESS
from finops_ledger.recon.rules import Rule

UNIT: Final = {
    "key": "string",
    "slot": "string",
    "own_key": "string",
    "batch": "string",
    "record": "int64",
    "state": "string",
    "amount": t.MONEY,
    "at": rt.TIME,
    "serial": "string",
    "other": "string",
    "customer": "string",
    "product": "string",
    "category": "string",
    "fresh": "boolean",
}
#: By leg: which column of an SOP is the key of a row, and which its other reference.
_NAMED: Final = {
    "sale-supply": ("ref", "partner_ref"),
    "sale-gateway": ("payment_ref", "ref"),
    "settlement-bank": ("settlement_ref", ""),
}
_OWN: Final = ("serial", "customer", "product", "category")
_SEPARATOR: Final = "\x1f"


def table(name: str) -> Any:
    """A table of units that stands in the engine."""
    return ibis.table(UNIT, name=name)


def unmet(side: str, *, summed: bool) -> Any:
    """The units of a side (``lhs`` or ``rhs``) that no row of the other meets.

    ``summed``: the leg adds up the rows of a key; else one row of each side is consumed.
    """
    left = side == "lhs"
    rows = _fresh(side, summed).union(_stood(left, summed))
    rows = rows.anti_join(_met(left, summed), ["key", "slot"])
    part = ibis.window(group_by=[rows.key, rows.slot, rows.part])
    whole = ibis.window(group_by=[rows.key, rows.slot])
    rows = rows.mutate(
        amount=t.money(rows.amount.sum().over(part)), fresh_any=rows.fresh.any().over(whole)
    )
    first = ibis.window(
        group_by=[rows.key, rows.slot],
        order_by=[
            ibis.ifelse(rows.state == "success", 0, 1),
            ibis.ifelse(rows.fresh, 0, 1),
            rows["at"],
            rows.own_key,
            rows.batch,
            rows.record,
        ],
    )
    rows = rows.mutate(place=ibis.row_number().over(first))
    rows = rows.filter(rows.place == 0).mutate(fresh=rows.fresh_any)
    return rows.select(*(rows[n].cast(ty).name(n) for n, ty in UNIT.items()))


def _fresh(side: str, summed: bool) -> Any:
    rows = rt.side(side)
    rows = rows.filter(~rows.key.left(1).isin(NAMELESS[1:]))
    if side == "rhs" and not summed:
        rows = rows.filter(~rows.kind.isin(ADDITIONS))
    return rows.select(
        "key",
        rows.occurrence.name("slot") if summed else ibis.literal("").name("slot"),
        "own_key",
        "batch",
        "record",
        "state",
        rows.move.name("amount"),
        "at",
        "serial",
        rows.other_ref.name("other"),
        "customer",
        "product",
        "category",
        ibis.literal(True).name("fresh"),
        part=_part(rows.own_key, summed),
    )


def _part(own: Any, summed: bool) -> Any:
    """What adds up to a unit's amount: all rows of its key, or the versions of one row."""
    return ibis.literal("") if summed else own.fill_null("")


def _stood(left: bool, summed: bool) -> Any:
    items, side, other = rt.prior(), *(("left", "right") if left else ("right", "left"))
    items = items.filter(items[f"{side}_batch"].notnull() & items[f"{other}_batch"].isnull())
    items = items.filter(
        (t.or_zero(items.claimed) == t.amount(0)) & ~items.key.left(1).isin(NAMELESS[1:])
    )
    if not summed:
        items = items.filter(items.occurrence == "")
    if not left and not summed:
        items = items.filter(~items.right_kind.isin(ADDITIONS).fill_null(False))
    own = items.key if left else items.right_key
    return items.select(
        "key",
        items.occurrence.name("slot") if summed else ibis.literal("").name("slot"),
        own.name("own_key"),
        items[f"{side}_batch"].name("batch"),
        items[f"{side}_record"].name("record"),
        items[f"{side}_state"].name("state"),
        "amount",
        items[f"{side}_at"].name("at"),
        items[f"{side}_serial"].name("serial"),
        items[f"{side}_other"].name("other"),
        items[f"{side}_customer"].name("customer"),
        items[f"{side}_product"].name("product"),
        "category",
        ibis.literal(False).name("fresh"),
        part=_part(own, summed),
    )


def _met(left: bool, summed: bool) -> Any:
    """Keys at which the other side stands."""
    rows, items = rt.side("rhs" if left else "lhs"), rt.prior()
    there = items.filter(items["right_batch" if left else "left_batch"].notnull())
    nothing = ibis.literal("")
    return (
        rows.select("key", slot=rows.occurrence if summed else nothing)
        .union(there.select("key", slot=there.occurrence if summed else nothing))
        .distinct()
    )


def seconds(moment: Any) -> Any:
    """A moment as whole seconds. (DuckDB gives a double, for which Ibis leaves out a cast to a whole number.)"""
    return moment.truncate("s").epoch_seconds().cast("decimal(18, 0)").cast("int64")


def asked(units: Any, rule: Rule, first: str, *, left: bool) -> Any:
    """The units that a pass looks at, with ``said`` (what must be equal) and each column as ``said_<n>``.

    ``first``: what the key of a leg between two files of one partner is called. A column without a value
    equals nothing.
    """
    if left and rule.products:
        units = units.filter(units["product"].isin(rule.products))
    if left and rule.categories:
        units = units.filter(units.category.isin(rule.categories))
    if rule.by_amount:
        units = units.filter(units.amount != t.amount(0))
    told = {
        f"told_{n}": _column(units, rule.leg, ours if left else theirs, first, left)
        for n, (ours, theirs, _) in enumerate(rule.pairs)
    }
    units = units.mutate(**told)
    said = {
        f"said_{n}": _in_form(units[f"told_{n}"], forms).nullif("")
        for n, (_, _, forms) in enumerate(rule.pairs)
    }
    units = units.mutate(**said)
    for name in said:
        units = units.filter(units[name].notnull())
    parts = [units[name] for name in said]
    together = ibis.literal(_SEPARATOR).join(parts) if parts else ibis.literal("")
    return units.mutate(said=together).drop(*said)


def _column(units: Any, leg: str, name: str, first: str, left: bool) -> Any:
    if name in _OWN:
        return units[name]
    key, other = _NAMED.get(leg, (first, ""))
    if name == key:
        return ibis.ifelse(units.key.left(1).isin(NAMELESS), ibis.null("string"), units.key)
    if left or leg == "sale-gateway":
        return units.other
    # The partner's own number is its other reference, where it states none beside it.
    return ibis.coalesce(units.other, units.own_key) if other or first else units.other


def _in_form(value: Any, forms: tuple[str, ...]) -> Any:
    for form in forms:
        value = _FORMS[form](value)
    return value


def _msisdn(value: Any) -> Any:
    """A mobile number in the one form; what is none stays as it is written."""
    bare = value.re_replace(msisdn.BETWEEN, "")
    number = ibis.literal(msisdn.COUNTRY) + bare.re_replace(msisdn.BEFORE, "")
    return ibis.ifelse(bare.re_search(msisdn.MOBILE), number, value)


_FORMS: Final[dict[str, Any]] = {
    "trim": lambda v: v.strip(),
    "upper": lambda v: v.upper(),
    "strip": lambda v: v.re_replace(r"[\s_./-]+", ""),
    "digits": lambda v: v.re_replace(r"[^0-9]+", ""),
    "msisdn": _msisdn,
}
