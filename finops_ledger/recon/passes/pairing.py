"""One to one: pairs of units, and which of them are the only best for both sides.

Pairs are found by equality alone: of what is compared, of the amount, and of stretches of time (and of amount)
that are as long as the limit, of which a neighbour counts as well. So what is compared one by one grows with the
rows and not with their square; a value that too many share is left alone, and the run says so.
"""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.passes import tables as pt
from finops_ledger.recon.passes import units as un
from finops_ledger.recon.rules import Rule

_NEAR: Final = (-1, 0, 1)
#: What of a unit stands in a pair.
_KEPT: Final = ("key", "slot", "own_key", "batch", "record", "at", "amount", "fresh")
#: Candidates that are named one by one.
NAMED: Final = 5


def _units(name: str, rule: Rule, first: str) -> Any:
    left = name == "left_units"
    units = un.asked(un.table(name), rule, first, left=left)
    amount = units.amount if left else t.money(-units.amount)
    size = ibis.literal(0).cast(t.MONEY)
    if rule.exact:
        size = amount
    step, stretch = ibis.literal(0).cast("int64"), ibis.literal(0).cast("int64")
    if rule.limit is not None:
        width = int(rule.limit.scaleb(4))
        step = t.divide((amount.cast("decimal(38, 4)") * 10_000).cast("int64"), width)
    if rule.minutes is not None:
        units = units.filter(units["at"].notnull())
        stretch = t.divide(un.seconds(units["at"]), max(rule.minutes, 1) * 60)
    units = units.mutate(size=size, step=step.cast("int64"), stretch=stretch.cast("int64"))
    if left:
        return units
    if rule.limit is not None:
        units = _neighbours(units, "step")
    if rule.minutes is not None:
        units = _neighbours(units, "stretch")
    return units


def _neighbours(units: Any, column: str) -> Any:
    near = [units.mutate(**{column: units[column] + n}) for n in _NEAR]
    return near[0].union(near[1]).union(near[2])


_TOGETHER: Final = ["said", "slot", "size", "step", "stretch"]


def crowds(rule: Rule, first: str) -> Any:
    """Values that more pairs share than are compared one by one: what is said, and how many pairs."""
    left, right = (_units(n, rule, first) for n in ("left_units", "right_units"))
    ours = left.group_by(_TOGETHER).agg(ours=left.count())
    theirs = right.group_by(_TOGETHER).agg(theirs=right.count())
    both = ours.inner_join(theirs, _TOGETHER)
    both = both.mutate(pairs=both.ours * both.theirs)
    return both.filter(both.pairs > rule.bound).select(*_TOGETHER, "pairs")


def pairs(rule: Rule, first: str) -> Any:
    """Every pair that a pass allows, with how far the two are apart: ``off`` in money, ``minutes`` in time."""
    left, right = (_units(n, rule, first) for n in ("left_units", "right_units"))
    crowd = ibis.table(crowds(rule, first).schema(), name="crowds")
    # Of a unit that has too many candidates in one stretch, those in the next one decide nothing; and what would
    # have been a candidate beside it is not known to be the only one (``clouded``).
    left = left.anti_join(crowd, _TOGETHER)
    gone = right.semi_join(crowd, _TOGETHER).select("key", "slot").distinct()
    cloud = right.semi_join(gone, ["key", "slot"]).select(*_TOGETHER).distinct()
    left = left.left_join(cloud.mutate(clouded=ibis.literal(True)), _TOGETHER, rname="c_{name}")
    left = left.mutate(clouded=left.clouded.fill_null(False))
    right = right.anti_join(gone, ["key", "slot"])
    told = [f"told_{n}" for n in range(len(rule.pairs))]
    left = left.select(*_TOGETHER, "clouded", **{f"l_{n}": left[n] for n in (*_KEPT, *told)})
    right = right.select(*_TOGETHER, **{f"r_{n}": right[n] for n in (*_KEPT, *told)})
    both = left.inner_join(right, _TOGETHER)
    off = t.money((both.l_amount + both.r_amount).abs())
    apart = (un.seconds(both.l_at) - un.seconds(both.r_at)).abs()
    both = both.mutate(
        off=off if rule.by_amount else t.amount(0),
        apart=apart if rule.minutes is not None else ibis.literal(0).cast("int64"),
    )
    if rule.limit is not None:
        both = both.filter(both.off <= ibis.literal(rule.limit).cast(t.MONEY))
    if rule.minutes is not None:
        both = both.filter(both.apart <= rule.minutes * 60)
    return both.mutate(minutes=t.divide(both.apart, 60)).drop(*_TOGETHER[2:], "apart")


def _best(found: Any) -> Any:
    """Mark pairs that are the best of each side, and count how many are equally good."""
    order = [found.off, found.minutes]
    of_left = ibis.window(group_by=[found.l_key, found.l_slot], order_by=order)
    of_right = ibis.window(group_by=[found.r_key, found.r_slot], order_by=order)
    found = found.mutate(
        l_best=ibis.rank().over(of_left) == 0, r_best=ibis.rank().over(of_right) == 0
    )
    return found.mutate(
        l_equal=found.l_best.cast("int64")
        .sum()
        .over(ibis.window(group_by=[found.l_key, found.l_slot])),
        r_equal=found.r_best.cast("int64")
        .sum()
        .over(ibis.window(group_by=[found.r_key, found.r_slot])),
    )


def judged(rule: Rule, first: str) -> Any:
    """Every pair with ``taken`` and ``doubtful``.

    Taken: the only best for both, and a row of the day among them. Doubtful: the best of one, and as good as
    another; nobody but a person decides it.
    """
    found = ibis.table(pairs(rule, first).schema(), name="pairs")
    found = _best(found)
    only = found.l_best & found.r_best & (found.l_equal == 1) & (found.r_equal == 1)
    taken = only & (found.l_fresh | found.r_fresh) & ~found.clouded
    found = found.mutate(taken=taken & ibis.literal(not rule.suggest))
    l_done = found.taken.any().over(ibis.window(group_by=[found.l_key, found.l_slot]))
    r_done = found.taken.any().over(ibis.window(group_by=[found.r_key, found.r_slot]))
    best = found.l_best & found.r_best if rule.suggest else found.l_best | found.r_best
    return found.mutate(doubtful=best & ~l_done & ~r_done & (found.l_fresh | found.r_fresh))


def links(rule: Rule, first: str) -> Any:
    """The pairs that are taken: which right unit belongs to which left one, what was compared, what was not taken."""
    found = ibis.table(judged(rule, first).schema(), name="judged")
    taken = found.filter(found.taken)
    others = _others(found, taken)
    taken = taken.left_join(others, ["l_key", "l_slot"], rname="o_{name}")
    # Where an open item stands on either side, the right one keeps its own place and its amount moves on.
    prior = rt.prior()
    ours = prior.filter(prior.left_batch.notnull()).select("key").distinct()
    theirs = prior.filter(prior.left_batch.isnull()).select("key").distinct()
    taken = taken.left_join(ours, taken.l_key == ours.key).rename(our_key="key")
    taken = taken.left_join(theirs, taken.r_key == theirs.key).rename(their_key="key")
    taken = taken.mutate(
        operands=operands(taken, rule),
        gather=taken.our_key.notnull() & taken.their_key.notnull(),
    )
    return pt.given(taken, rule, pt.LINK)


def _others(found: Any, taken: Any) -> Any:
    """By the left unit of a pair that is taken: the rows of the pairs that it was preferred to."""
    chosen = taken.select("l_key", "l_slot", c_key=taken.r_key, c_slot=taken.r_slot)
    by_left = found.inner_join(chosen, ["l_key", "l_slot"])
    by_left = by_left.filter((by_left.r_key != by_left.c_key) | (by_left.r_slot != by_left.c_slot))
    by_left = by_left.select("l_key", "l_slot", place=place(by_left, "r"))
    again = chosen.rename(m_key="l_key", m_slot="l_slot")
    by_right = found.inner_join(again, [found.r_key == again.c_key, found.r_slot == again.c_slot])
    by_right = by_right.filter(
        (by_right.l_key != by_right.m_key) | (by_right.l_slot != by_right.m_slot)
    )
    by_right = by_right.select(
        by_right.m_key.name("l_key"), by_right.m_slot.name("l_slot"), place=place(by_right, "l")
    )
    return listed(by_left.union(by_right).distinct(), ["l_key", "l_slot"], "place", "rejected")


def listed(rows: Any, by: list[str], column: str, name: str) -> Any:
    """Join the texts of a column by group: the first few in order, then how many more."""
    few = first_few(rows, by, column, ", ")
    more = ibis.literal(" (+") + few.rest.cast("string") + " more)"
    return few.select(*by, (few.shown + ibis.ifelse(few.rest > 0, more, "")).name(name))


def first_few(rows: Any, by: list[str], column: str, between: str) -> Any:
    """By group, the first texts of a column in their order as ``shown``, and how many more there are (``rest``)."""
    order = ibis.window(group_by=[rows[b] for b in by], order_by=rows[column])
    rows = rows.mutate(nr=ibis.row_number().over(order))
    # Not every engine joins texts in an order; so each place is a column first.
    few = rows.group_by(by).agg(
        count=rows.count(),
        **{f"text_{n}": rows[column].max(where=rows.nr == n) for n in range(NAMED)},
    )
    shown = few.text_0
    for n in range(1, NAMED):
        shown += (ibis.literal(between) + few[f"text_{n}"]).fill_null("")
    return few.select(*by, shown=shown, rest=few["count"] - NAMED)


def place(rows: Any, side: str) -> Any:
    """A row's name: its batch and record."""
    return rows[f"{side}_batch"] + ":" + rows[f"{side}_record"].cast("string")


def figure(amount: Any) -> Any:
    """An amount as text, without the zeros that say nothing."""
    return amount.cast("string").re_replace(r"\.?0+$", "")


def shown(value: Any, name: str) -> Any:
    """A value as the proof shows it: of a keyed hash only the tail."""
    if name in ("customer", "serial"):
        return value.re_replace(r"^[0-9a-f]{16}~", "…")
    return value


def operands(rows: Any, rule: Rule, between: str = "; ") -> Any:
    """What a pass compared, in words: each column with both values, amounts, distance in time."""
    said: list[Any] = []
    for n, (ours, theirs, forms) in enumerate(rule.pairs):
        how = f" ({', '.join(forms)})" if forms else ""
        names = ours if ours == theirs else f"{ours} = {theirs}"
        said.append(
            ibis.literal(f"{names}: ")
            + shown(rows[f"l_told_{n}"], ours)
            + " = "
            + shown(rows[f"r_told_{n}"], theirs)
            + how
        )
    if rule.by_amount:
        left, right = figure(t.money(-rows.l_amount)), figure(rows.r_amount)
        if rule.limit is None:
            said.append(ibis.literal("amount: ") + left + " = " + right)
        else:
            limit = format(rule.limit.normalize(), "f")
            said.append(
                ibis.literal("amount: ") + left + " ~ " + right + ", off by " + figure(rows.off)
                + f" (limit {limit})"
            )  # fmt: skip
    if rule.minutes is not None:
        said.append(
            ibis.literal("time: ") + rows.minutes.cast("string") + f" min apart (of {rule.minutes})"
        )
    return ibis.literal(between).join(said)


def suggestions(rule: Rule, first: str) -> Any:
    """The pairs that a person may decide, with the reason in words."""
    found = ibis.table(judged(rule, first).schema(), name="judged")
    found = found.filter(found.doubtful)
    equal = ibis.greatest(found.l_equal, found.r_equal)
    alike = ibis.ifelse(equal > 1, equal.cast("string") + " equally good, ", "")
    return found.select(
        "l_key", "l_slot", "r_key", "r_slot",
        reason=ibis.literal(f"{rule.name}: ") + alike + operands(found, rule, ", "),
    )  # fmt: skip
