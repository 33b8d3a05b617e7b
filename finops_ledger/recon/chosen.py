"""The sides of a leg that a company declares itself: any rows, by the keys and the amount that it names.

A row counts while it is as the declaration asks (kind, status, counterparty); a version that changes an amount,
or makes the row count or count no more, moves the difference on its own day.
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.posting import store
from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.legs import FREE, Leg
from finops_ledger.sop.legs import Rows

ZERO = t.amount(0)


def rows(leg: Leg, at: int) -> Any:
    """One side (0 left, 1 right) of a company's own leg on the clock's day; one line a row."""
    one = (leg.left_rows, leg.right_rows)[at][0]
    assert isinstance(one, Rows)
    lines = store.whole(one.role)
    clock = rt.clock()  # rows have a day of their own
    clock = clock.select(clock.day.name("run_day"), clock.party, clock.day_number)
    lines = lines.filter(lines.disposition != "known").cross_join(clock)
    lines = lines.filter(lines[store.DAY_OF[one.role]] == lines.run_day)
    if one.sources:
        lines = lines.filter(lines.source.isin(list(one.sources)))
    moved = _moved(leg, one, lines)
    if at and leg.posts is False:
        moved = t.money(-moved)
    renewed = lines.disposition == "revised"
    alone = ibis.literal("~") + lines.key
    made = rt.shape(
        lines,
        key=ibis.coalesce(*(_key(lines, one, name) for name in one.key), alone),
        batch=lines.batch,
        record=lines.record,
        own_key=lines.key,
        kind=ibis.literal("row"),
        state=ibis.literal("success"),
        move=moved,
        value=t.money(moved.abs()),
        at=lines.stated_at,
        anchor=lines.day_number,
        renewed=renewed,
        via=ibis.literal("ref"),
        customer=lines.customer,
        product=lines["product"],
    )
    made = made.filter(made.move != ZERO)
    return _one_by_one(made, "right" if at else "left") if leg.one_to_one else made


def _key(lines: Any, one: Rows, name: str) -> Any:
    return lines[store.DAY_OF[one.role]].cast("string") if name == "day" else lines[name]


def _moved(leg: Leg, one: Rows, lines: Any) -> Any:
    if leg.posts:
        column = FREE[leg.account][one.role]
        moved = lines[column.removeprefix("-")]
        moved = t.money(-moved) if column.startswith("-") else moved
        return t.when(_counts(one, lines, ""), moved)
    name = one.measure.removeprefix("-")
    sign = -1 if one.measure.startswith("-") else 1

    def stated(prefix: str) -> Any:
        value = t.amount(1) if name == "rows" else t.or_zero(lines[f"{prefix}{name}"])
        return t.when(_counts(one, lines, prefix), value)

    was = t.when(lines.prev_batch.notnull(), stated("prev_"))
    return t.money((stated("") - was) * sign)


def _counts(one: Rows, lines: Any, prefix: str) -> Any:
    """Whether a version (or, with ``prev_``, the one before it) is as the declaration asks."""
    counts = ibis.literal(True)
    if one.party not in (None, "none"):
        counts &= lines[f"{prefix}{one.party}"] == lines.party
    for column, wanted in (("kind", one.kinds), ("status", one.statuses)):
        if wanted:
            counts &= lines[f"{prefix}{column}"].isin(list(wanted))
    return counts


def _one_by_one(made: Any, side: str) -> Any:
    """Number the rows of one key: the n-th of one side meets the n-th of the other.

    A row whose place an open item has already taken is an item of its own, named by its own key. Only keys with
    several rows are put in order.
    """
    prior = rt.prior()
    taken = prior.filter((prior.occurrence == "") & prior[f"{side}_batch"].notnull()).select("key")
    taken = taken.distinct().mutate(is_taken=ibis.literal(True))
    several = made.group_by("key").having(lambda g: g.count() > 1).agg(n=lambda g: g.count())
    busy = several.select("key").union(taken.select("key")).distinct()
    alone = made.anti_join(busy, "key")
    crowd = made.semi_join(busy, "key").left_join(taken, "key")
    order = ibis.window(
        group_by=crowd.key,
        order_by=[ibis.ifelse(crowd.renewed, 0, 1), crowd["at"], crowd.own_key, crowd.record],
    )
    crowd = crowd.mutate(place=ibis.row_number().over(order) + 1)
    first = crowd.renewed | ((crowd.place == 1) & ~crowd.is_taken.fill_null(False))
    further = ibis.ifelse(
        crowd.is_taken.fill_null(False), crowd.own_key, crowd.place.cast("string")
    )
    crowd = crowd.mutate(occurrence=ibis.ifelse(first, "", further))
    return alone.union(crowd.select(*rt.SIDE))
