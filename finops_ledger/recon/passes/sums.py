"""One to many, many to one, groups: units of one value whose amounts add up.

The whole value counts, so nothing is tried and nothing is picked: what is open under one value of both sides adds
up to nothing (within the limit), or the pass leaves it alone.
"""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.recon.passes import tables as pt
from finops_ledger.recon.passes import units as un
from finops_ledger.recon.passes.pairing import figure, listed, shown
from finops_ledger.recon.rules import Rule

_BY: Final = ["said", "slot"]
#: A member of a group: the side, its place in the group, and what it has left.
MEMBER: Final = {
    "said": "string",
    "slot": "string",
    "side": "string",
    "nr": "int64",
    "key": "string",
    "own_key": "string",
    "batch": "string",
    "record": "int64",
    "amount": t.MONEY,
    "told": "string",
}


def members(rule: Rule, first: str) -> Any:
    """The units of every group that adds up, each side in the order of time and key."""
    left = un.asked(un.table("left_units"), rule, first, left=True)
    right = un.asked(un.table("right_units"), rule, first, left=False)
    ours = of_side(left, "left", rule)
    theirs = of_side(right, "right", rule)
    every = ours.union(theirs)
    sums = every.group_by(_BY).agg(
        left=(every.side == "left").sum(),
        right=(every.side == "right").sum(),
        off=t.total(every.amount).abs(),
        fresh=every.fresh.any(),
        early=every["at"].min(),
        late=every["at"].max(),
        timed=every["at"].notnull().all(),
    )
    good = sums.filter(sums.fresh & (sums.left >= 1) & (sums.right >= 1))
    limit = t.amount(0) if rule.limit is None else ibis.literal(rule.limit).cast(t.MONEY)
    good = good.filter(good.off <= limit)
    if rule.cardinality == "one-to-many":
        good = good.filter(good.left == 1)
    if rule.cardinality == "many-to-one":
        good = good.filter(good.right == 1)
    if rule.minutes is not None:
        apart = un.seconds(good.late) - un.seconds(good.early)
        good = good.filter(good.timed & (apart <= rule.minutes * 60))
    chosen = every.semi_join(good, _BY)
    order = ibis.window(
        group_by=[chosen.said, chosen.slot, chosen.side],
        order_by=[chosen["at"], chosen.key, chosen.own_key],
    )
    chosen = chosen.mutate(nr=ibis.row_number().over(order))
    return chosen.select(*(chosen[n].cast(ty).name(n) for n, ty in MEMBER.items()))


def of_side(units: Any, side: str, rule: Rule) -> Any:
    """Units with their side, and with what is told of the columns compared."""
    names = [ours if side == "left" else theirs for ours, theirs, _ in rule.pairs]
    told = [
        ibis.literal(f"{name}: ") + shown(units[f"told_{n}"], name) for n, name in enumerate(names)
    ]
    text = ibis.literal("; ").join(told) if told else ibis.literal("")
    return units.select(
        *("said slot key own_key batch record amount at fresh".split()),
        side=ibis.literal(side),
        told=text,
    )


def table() -> Any:
    """The members of groups, however they were found."""
    return ibis.table(MEMBER, name="members")


def told(rule: Rule) -> Any:
    """By group: what was compared and added up, in words."""
    every = table()
    first = every.filter((every.side == "left") & (every.nr == 0))
    sign = ibis.ifelse(every.side == "left", -1, 1)
    line = every.mutate(
        line=every.batch
        + ":"
        + every.record.cast("string")
        + " "
        + figure(t.money(every.amount * sign.cast(t.MONEY)))
    )
    sums = line.group_by([*_BY, "side"]).agg(
        total=t.money(t.total(line.amount)), count=line.count()
    )
    texts = listed(line, [*_BY, "side"], "line", "lines").inner_join(sums, [*_BY, "side"])
    ours, theirs = (_side_text(texts.filter(texts.side == s), s) for s in ("left", "right"))
    both = first.inner_join(ours, _BY).inner_join(theirs, _BY)
    off = (both.left_total + both.right_total).abs()
    difference = ibis.ifelse(
        off == t.amount(0), "", ibis.literal("; off by ") + figure(t.money(off))
    )
    if rule.limit is not None:
        limit = format(rule.limit.normalize(), "f")
        difference += ibis.ifelse(off == t.amount(0), "", f" (limit {limit})")
    compared = ibis.ifelse(both.told == "", "", both.told + "; ")
    return both.select(
        *_BY,
        operands=compared
        + "sum of ours: "
        + both.left_text
        + " = "
        + figure(t.money(-both.left_total))
        + "; sum of theirs: "
        + both.right_text
        + " = "
        + figure(both.right_total)
        + difference,
    )


def _side_text(texts: Any, side: str) -> Any:
    return texts.select(*_BY, **{f"{side}_text": texts.lines, f"{side}_total": texts.total})


def links(rule: Rule) -> Any:
    """Every right unit of a group with the first left one: the item on which the group is added up."""
    every, text = table(), ibis.table(told(rule).schema(), name="told")
    head = every.filter((every.side == "left") & (every.nr == 0))
    head = head.select(*_BY, l_key=head.key)
    right = every.filter(every.side == "right")
    found = right.inner_join(head, _BY).inner_join(text, _BY)
    found = found.mutate(
        l_slot=found.slot,
        r_key=found.key,
        r_slot=found.slot,
        r_own_key=found.own_key,
        rejected=ibis.null("string"),
        gather=ibis.literal(True),
    )
    return pt.given(found, rule, pt.LINK)


def shares(rule: Rule) -> Any:
    """What each further left unit takes of the first one: as much as it has open."""
    every, text = table(), ibis.table(told(rule).schema(), name="told")
    head = every.filter((every.side == "left") & (every.nr == 0))
    head = head.select(*_BY, from_key=head.key)
    source = every.filter((every.side == "right") & (every.nr == 0))
    source = source.select(*_BY, r_batch=source.batch, r_record=source.record)
    rest = every.filter((every.side == "left") & (every.nr > 0)).drop("batch", "record")
    found = rest.inner_join(head, _BY).inner_join(source, _BY).inner_join(text, _BY)
    found = found.mutate(batch=found.r_batch, record=found.r_record, amount=t.money(-found.amount))
    return pt.given(found, rule, pt.SHARE)


def tried(rule: Rule, first: str) -> Any:
    """Values that stand open on both sides, with how many units: those that a search for subsets looks at."""
    left = un.asked(un.table("left_units"), rule, first, left=True)
    right = un.asked(un.table("right_units"), rule, first, left=False)
    ours = left.group_by(_BY).agg(ours=left.count(), l_fresh=left.fresh.any())
    theirs = right.group_by(_BY).agg(theirs=right.count(), r_fresh=right.fresh.any())
    both = ours.inner_join(theirs, _BY)
    both = both.filter(both.l_fresh | both.r_fresh)
    return both.select(*_BY, n=both.ours + both.theirs)


def looked_at(rule: Rule, first: str, side: str, most: int, groups: int) -> Any:
    """The units of a side that a search looks at, of the first values that are not too long."""
    values = tried(rule, first)
    values = values.filter(values.n <= most).order_by(_BY).limit(groups)
    asked = un.asked(un.table(f"{side}_units"), rule, first, left=side == "left")
    return of_side(asked, side, rule).semi_join(values, _BY)


def doubts(rule: Rule) -> Any:
    """Every pair of a group that a pass only suggests."""
    every, text = table(), ibis.table(told(rule).schema(), name="told")
    left = every.filter((every.side == "left") & (every.nr < 5))
    right = every.filter((every.side == "right") & (every.nr < 5))
    ours = left.select(*_BY, l_key=left.key, l_slot=left.slot)
    theirs = right.select(*_BY, r_key=right.key, r_slot=right.slot)
    found = ours.inner_join(theirs, _BY).inner_join(text, _BY)
    return found.select(
        "l_key",
        "l_slot",
        "r_key",
        "r_slot",
        reason=ibis.literal(f"{rule.name}: ") + found.operands.replace("; ", ", "),
    )
