"""Which right row belongs to which item: the passes, both sides consumed (DESIGN §8).

Rows that share the exact key are one group. The row with the sale's serial, else a success before a failure,
else the earliest by partner time, then by partner reference, is consumed; each of the others is an item of
its own, whose occurrence is its partner reference (ruling 19).
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.decisions import ACCEPTED

ADDITIONS = ("refund", "adjustment")
#: Items without an order begin with one of these: a row's own key, a gap of the balance, refused rows.
NAMELESS = ("~", "!", "?")


def leftover_keys() -> Any:
    """Keys that must be looked up in history: rows of either side without the other today, and renewed ones."""
    left, right = rt.side("lhs"), rt.side("rhs")
    lonely = right.anti_join(left, "key").select("key")
    unmet = left.anti_join(right, "key").select("key")
    renewed = left.filter(left.renewed).select("key")
    again = right.filter(right.renewed | right.kind.isin(ADDITIONS)).select("key")
    return lonely.union(unmet).union(renewed).union(again).distinct()


def leftover_rows(*, summed: bool = False) -> Any:
    """Own keys of right rows that an earlier day may have matched: of their later versions, and of what undoes them.

    Rows that are added up (``summed``) do not say whether they come again.
    """
    right = rt.side("rhs")
    again = right if summed else right.filter(right.renewed)
    renewed = again.select(right.own_key.name("key"))
    undone = right.filter(right.kind.isin(ADDITIONS)).select(right.orig.name("key"))
    return renewed.union(undone).distinct()


def _taken_slots(prior: Any) -> Any:
    """Items whose right side is taken: a success, anything that holds money, or a row that people have put to it."""
    alone = prior.right_state.isnull() & (prior.rule != ACCEPTED).fill_null(True)
    empty = alone | (
        (prior.right_state == "failed")
        & (t.or_zero(prior.right_now) == t.amount(0))
        & (t.or_zero(prior.right_held) == t.amount(0))
    )
    return prior.filter((prior.occurrence == "") & ~empty.fill_null(False)).select("key")


def _again() -> Any:
    """Right rows that are versions of a row standing already, with the item that it belongs to.

    A failed try that gave its place to the partner's next one stands nowhere any more: what it says again is a
    new try.
    """
    right, prior = rt.side("rhs"), rt.prior()
    again = right.filter(right.renewed & ~right.kind.isin(ADDITIONS))
    again = again.anti_join(_lost(), "own_key")
    known = prior.filter(prior.right_key.notnull()).select(
        prior.right_key.name("p_right_key"),
        prior.key.name("p_key"),
        prior.occurrence.name("p_occurrence"),
        prior.right_now.name("p_right_now"),
    )
    again = again.left_join(known, again.own_key == known.p_right_key)
    return again.mutate(
        key=ibis.coalesce(again.p_key, again.key),
        occurrence=ibis.coalesce(again.p_occurrence, again.own_key),
        stands=t.money(t.or_zero(again.p_right_now) + again.move),
    ).select(*rt.SIDE, "stands")


def _lost() -> Any:
    """Rows that come again, and stand on no item."""
    right, prior = rt.side("rhs"), rt.prior()
    again = right.filter(right.renewed & ~right.kind.isin(ADDITIONS))
    return again.anti_join(prior, [again.own_key == prior.right_key]).select("own_key")


def _fresh() -> Any:
    right = rt.side("rhs")
    tries = right.filter(~right.kind.isin(ADDITIONS))
    return tries.filter(~tries.renewed).union(
        tries.filter(tries.renewed).semi_join(_lost(), "own_key")
    )


def void() -> Any:
    """Versions by which a row comes to nothing, on the day of the partner's next try at the same order.

    Such a row gives its place to the new one; what it moves stays with the order.
    """
    again = _again()
    nothing = (
        (again.state == "failed") & (again.stands == t.amount(0)) & (again.held == t.amount(0))
    )
    return (
        again.filter((again.occurrence == "") & nothing).semi_join(_fresh(), "key").select(*rt.SIDE)
    )


def placed() -> Any:
    """Right rows with their item (key, occurrence); one row an item."""
    left, prior = rt.side("lhs"), rt.prior()
    gone = rt.side("void")
    fresh = _fresh()
    again = _again().select(*rt.SIDE).anti_join(gone, ["key", "own_key"])
    several = fresh.group_by("key").having(lambda g: g.count() > 1).agg(n=lambda g: g.count())
    held = _taken_slots(prior).anti_join(gone, "key")
    busy = several.select("key").union(held).union(again.select("key")).distinct()
    simple = fresh.anti_join(busy, "key").mutate(occurrence=ibis.literal("")).select(*rt.SIDE)
    taken = held.union(again.filter(again.occurrence == "").select("key")).distinct()
    taken = taken.mutate(is_taken=ibis.literal(True))
    crowd = fresh.semi_join(busy, "key")
    sold = left.filter(left.occurrence == "").select(
        left.key.name("l_key"), left.serial.name("l_serial")
    )
    crowd = crowd.left_join(sold, crowd.key == sold.l_key)
    crowd = crowd.left_join(taken, crowd.key == taken.key, rname="t_{name}")
    same_serial = (crowd.serial == crowd.l_serial).fill_null(False)
    order = ibis.window(
        group_by=crowd.key,
        order_by=[
            ibis.ifelse(same_serial, 0, 1),
            ibis.ifelse(crowd.state == "success", 0, 1),
            crowd["at"],
            crowd.own_key,
        ],
    )
    crowd = crowd.mutate(rank=ibis.row_number().over(order))
    first = (crowd["rank"] == 0) & ~crowd.is_taken.fill_null(False)
    crowd = crowd.mutate(occurrence=ibis.ifelse(first, "", crowd.own_key)).select(*rt.SIDE)
    return simple.union(crowd).union(again)


def _same_amount(prior: Any, alone: Any) -> Any:
    """Movements that name nothing, with the open item without an order that each gives back exactly.

    One movement and one item of an amount, or nothing is decided.
    """
    rests = prior.filter(prior.key.left(1).isin(NAMELESS)).mutate(
        m_amount=t.money(-(prior.amount + t.or_zero(prior.claimed)))
    )
    rests = rests.filter(rests.m_amount != t.amount(0)).group_by("m_amount")
    item = rests.agg(
        m_key=lambda r: r.key.min(), m_occ=lambda r: r.occurrence.min(), n=lambda r: r.count()
    )
    item = item.filter(item.n == 1).drop("n")
    row = alone.group_by(alone.move.name("a_amount")).agg(
        m_own=alone.own_key.min(), n=alone.count()
    )
    row = row.filter(row.n == 1).drop("n")
    return row.inner_join(item, row.a_amount == item.m_amount).select("m_own", "m_key", "m_occ")


def given_back() -> Any:
    """Right rows without an order that give back exactly what one open item without an order holds.

    Output: own_key, new_key. Left rows of the day that bear their key come first.
    """
    left, right, prior = rt.side("lhs"), rt.side("rhs"), rt.prior()
    alone = right.filter(right.key.startswith("~")).anti_join(left, "key").anti_join(prior, "key")
    # A row and what undoes it, on one day, belong together.
    several = alone.group_by("key").having(lambda g: g.count() > 1).agg(n=lambda g: g.count())
    alone = alone.anti_join(several, "key")
    met = _same_amount(prior, alone)
    return met.select(met.m_own.name("own_key"), met.m_key.name("new_key"))


def additions() -> Any:
    """Refunds and adjustments, each with the item it belongs to, summed by item.

    A refund names the row it undoes (``orig``); if that is the order of the group, or nothing, it belongs to
    the order itself; a movement that names neither is an item of its own.
    """
    right, prior = rt.side("rhs"), rt.prior()
    place = ibis.table({**rt.SIDE}, name="placed")
    # A refund that was pending and is now paid adds what it moves, like one that comes at once.
    extra = right.filter(right.kind.isin(ADDITIONS))
    known = (
        prior.filter(prior.right_key.notnull())
        .select(
            prior.right_key.name("o_own"), prior.key.name("o_key"), prior.occurrence.name("o_occ")
        )
        .union(
            place.select(
                place.own_key.name("o_own"), place.key.name("o_key"), place.occurrence.name("o_occ")
            )
        )
        .distinct()
    )
    joined = extra.left_join(known, extra.orig == known.o_own)
    met = _same_amount(prior, joined.filter(joined.o_own.isnull() & joined.key.startswith("~")))
    joined = joined.left_join(met, joined.own_key == met.m_own)
    joined = joined.mutate(
        o_key=ibis.coalesce(joined.o_key, joined.m_key),
        o_occ=ibis.coalesce(joined.o_occ, joined.m_occ),
    )
    joined = joined.mutate(
        key=ibis.coalesce(joined.o_key, joined.key),
        occurrence=ibis.coalesce(
            joined.o_occ, ibis.ifelse(joined.key.startswith("~"), joined.own_key, "")
        ),
    )
    joined = joined.select(*rt.SIDE).union(rt.side("void"))
    return joined.group_by(["key", "occurrence"]).agg(
        added=t.money(t.total(joined.move)),
        added_at=joined.anchor.max(),
        added_batch=joined.batch.max(),
        added_record=joined.record.max(),
        added_own=joined.own_key.max(),
        added_kind=joined.kind.max(),
    )
