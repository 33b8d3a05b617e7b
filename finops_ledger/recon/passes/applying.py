"""What a pass found, applied: rows and open items take the key of the item that they belong to.

An item of before keeps its id and its home until the outcome moves it. Where several right rows belong to one left
item, or one right row to several, the first takes the place and what the others bring moves on as *transfers*: the
sum over all items stays what the account has moved.
"""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.passes import tables as pt

TRANSFER: Final = {
    "key": "string",
    "occurrence": "string",
    "amount": t.MONEY,
    "at": "int64",
    "batch": "string",
    "record": "int64",
}


def _null(type_: str = "string") -> Any:
    return ibis.null(type_)


def rows(*, summed: bool) -> Any:
    """Right rows of the day with the key, pass and proof that the links of the pass give them."""
    right, links = rt.side("rhs"), _by_right(pt.latest("links"))
    on = [right.key == links.r_key]
    if summed:
        on.append(right.occurrence == links.r_slot)
    joined = right.left_join(links, on, rname="n_{name}")
    found = joined.l_key.notnull()
    new = {
        "key": ibis.coalesce(joined.l_key, joined.key),
        "via": ibis.ifelse(found, joined.rule, joined.via),
        "operands": ibis.ifelse(found, joined.n_operands, joined.operands),
        "rejected": ibis.ifelse(found, joined.n_rejected, joined.rejected),
    }
    return joined.select(*(new[n].name(n) if n in new else joined[n] for n in rt.SIDE))


def _by_right(links: Any) -> Any:
    return links.select("r_key", "r_slot", "l_key", "l_slot", "rule", "operands", "rejected")


def items(*, summed: bool) -> Any:
    """Open items with their new key; the first of an item without one of its own takes its place."""
    prior, links = rt.prior(), _by_right(pt.latest("links"))
    alone = prior.left_batch.isnull() & prior.right_batch.notnull()
    on = [prior.key == links.r_key, alone]
    if summed:
        on.append(prior.occurrence == links.r_slot)
    stays = links.inner_join(prior, [links.l_key == prior.key, links.l_slot == prior.occurrence])
    stays = stays.select(h_key=stays.l_key, h_slot=stays.l_slot, held=ibis.literal(True)).distinct()
    joined = prior.left_join(links, on, rname="n_{name}")
    joined = joined.left_join(
        stays, [joined.l_key == stays.h_key, joined.l_slot == stays.h_slot]
    ).drop("h_key", "h_slot")
    found = joined.l_key.notnull()
    first = ibis.window(
        group_by=[joined.l_key, joined.l_slot],
        order_by=[joined.occurrence != joined.r_slot, joined.right_key, joined.key],
    )
    place = ibis.row_number().over(first)
    own = ibis.coalesce(joined.right_key, joined.key)
    main = joined.occurrence == joined.r_slot
    slot = ibis.ifelse((place == 0) & joined.held.isnull(), joined.l_slot, own)
    new = {
        "key": ibis.coalesce(joined.l_key, joined.key),
        "occurrence": ibis.ifelse(found & main, slot, joined.occurrence),
        "rule": ibis.ifelse(found, joined.n_rule, joined.rule),
        "operands": ibis.ifelse(found, joined.n_operands, joined.operands),
        "rejected": ibis.ifelse(found, joined.n_rejected, joined.rejected),
    }
    return joined.select(*(new[n].name(n) if n in new else joined[n] for n in rt.ITEM))


def left_over(side: str) -> Any:
    """The units of a side that the pass left alone."""
    from finops_ledger.recon.passes import units

    rest = units.table(f"{side}_units")
    links, shares = pt.latest("links"), pt.latest("shares")
    if side == "left":
        gone = links.select(key=links.l_key, slot=links.l_slot).union(shares.select("key", "slot"))
    else:
        gone = links.select(key=links.r_key, slot=links.r_slot)
    return rest.anti_join(gone.distinct(), ["key", "slot"])


def versions(*, summed: bool) -> Any:
    """Right rows that are versions of a row whose item has another key by now: with that key, and its proof."""
    right, prior = rt.side("rhs"), rt.prior()
    known = prior.filter(prior.right_key.notnull()).group_by("right_key").agg(
        p_key=prior.key.max(), p_rule=prior.rule.max(), p_operands=prior.operands.max(),
        p_rejected=prior.rejected.max(),
    )  # fmt: skip
    joined = right.left_join(known, right.own_key == known.right_key)
    again = joined.p_key.notnull()
    if not summed:
        again &= joined.renewed
    moved = again & (joined.p_key != joined.key)
    new = {
        "key": ibis.ifelse(moved, joined.p_key, joined.key),
        "via": ibis.ifelse(moved, ibis.coalesce(joined.p_rule, joined.via), joined.via),
        "operands": ibis.ifelse(moved, joined.p_operands, joined.operands),
        "rejected": ibis.ifelse(moved, joined.p_rejected, joined.rejected),
    }
    return joined.select(*(new[n].name(n) if n in new else joined[n] for n in rt.SIDE))


def transfers() -> Any:
    """What moves from one item to another: further right rows of a sum to its item, shares to further left ones."""
    gathered = _gathered()
    there = gathered.select(
        "key", occurrence=gathered.slot, amount=gathered.amount,
        at=gathered["at"], batch=gathered.batch, record=gathered.record,
    )  # fmt: skip
    back = gathered.select(
        "key", "occurrence", amount=t.money(-gathered.amount), at=_null("int64"),
        batch=_null(), record=_null("int64"),
    )  # fmt: skip
    clock, shares = rt.clock().select("day_number"), pt.kept("shares")
    shares = shares.cross_join(clock)
    given = shares.select(
        "key", occurrence=shares.slot, amount=shares.amount, at=shares.day_number,
        batch=shares.batch, record=shares.record,
    )  # fmt: skip
    taken = shares.select(
        key=shares.from_key, occurrence=shares.slot, amount=t.money(-shares.amount),
        at=_null("int64"), batch=_null(), record=_null("int64"),
    )  # fmt: skip
    parts = [p.select(*(p[n].cast(ty).name(n) for n, ty in TRANSFER.items()))
             for p in (there, back, given, taken)]  # fmt: skip
    return parts[0].union(parts[1]).union(parts[2]).union(parts[3])


def _gathered() -> Any:
    """What stands on items of further right rows of a sum, with the item of the sum."""
    placed, prior, links = ibis.table(rt.SIDE, name="placed"), rt.prior(), pt.kept("links")
    into = links.filter(links.gather).select("l_key", "l_slot", "r_own_key").distinct()
    fresh = placed.select(
        "key", "occurrence", own=placed.own_key, amount=placed.move, at=placed.anchor,
        batch=placed.batch, record=placed.record,
    )  # fmt: skip
    alone = prior.filter(prior.left_batch.isnull() & prior.right_batch.notnull())
    stood = alone.select(
        "key", "occurrence", own=alone.right_key, amount=alone.amount, at=alone.right_anchor,
        batch=alone.right_batch, record=alone.right_record,
    )  # fmt: skip
    both = fresh.union(stood)
    now = both.inner_join(into, [both.key == into.l_key, both.own == into.r_own_key])
    now = now.filter(now.occurrence != now.l_slot).select(
        "key", "occurrence", "amount", "at", "batch", "record", slot=now.l_slot
    )
    # A version of a row that a sum took on an earlier day goes the same way.
    done = alone.filter(
        alone.rule.notnull() & (alone["class"] == "matched") & (alone.occurrence != "")
    ).select(d_key=alone.key, d_occurrence=alone.occurrence)
    later = fresh.inner_join(done, [fresh.key == done.d_key, fresh.occurrence == done.d_occurrence])
    later = later.select(
        "key", "occurrence", "amount", "at", "batch", "record", slot=ibis.literal("")
    )
    return now.union(later)


def additions() -> Any:
    """Refunds and adjustments of the items, and what moves between items, added up by item."""
    base = ibis.table(rt.ADDITION, name="additions")
    moved = ibis.table(TRANSFER, name="transfers")
    moved = moved.select(
        "key", "occurrence", added=moved.amount, added_at=moved["at"], added_batch=moved.batch,
        added_record=moved.record, added_own=_null(), added_kind=ibis.literal("share"),
    )  # fmt: skip
    moved = moved.select(*(moved[n].cast(ty).name(n) for n, ty in rt.ADDITION.items()))
    every = base.select(*rt.ADDITION).union(moved)
    group = [every.key, every.occurrence]
    first = ibis.window(
        group_by=group,
        order_by=[every.added_batch.isnull(), every.added_batch.desc(), every.added_record.desc()],
    )
    every = every.mutate(
        place=ibis.row_number().over(first),
        added=t.money(every.added.sum().over(ibis.window(group_by=group))),
        added_at=every.added_at.max().over(ibis.window(group_by=group)),
        added_own=every.added_own.max().over(ibis.window(group_by=group)),
    )
    return every.filter(every.place == 0).select(*rt.ADDITION)
