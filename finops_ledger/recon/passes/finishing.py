"""What passes found, told on the items that came of it: rule, proof, what was let pass, what is suggested."""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.passes import tables as pt
from finops_ledger.recon.passes.pairing import first_few
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query

_DONE: Final = ("matched", "matched_within_tolerance", "excluded")
ZERO = t.amount(0)


def tell(engine: en.Engine) -> None:
    """Write rule and proof of the run's passes on the items in ``outcome``; let pass what is within a limit."""
    if engine.rows("select 1 from links limit 1"):
        engine.keep("outcome", query(marked))


def suggest(engine: en.Engine) -> None:
    """Write on open items which others they may belong to; they must have their ids."""
    if engine.rows(
        "select 1 from doubts union all select 1 from outcome where suggestion is not null limit 1"
    ):
        engine.keep("outcome", query(advised))


def _marks() -> Any:
    links, shares = pt.kept("links"), pt.kept("shares")
    told = ["rule", "operands", "rejected", "within"]
    main = links.select(links.l_key.name("m_key"), links.l_slot.name("m_slot"), *told)
    part = shares.mutate(rejected=rt.no_text())
    part = part.select(part.key.name("m_key"), part.slot.name("m_slot"), *told)
    main = main.union(part).mutate(further=ibis.literal(False))
    beside = links.filter(links.gather)
    beside = beside.select(
        beside.l_key.name("m_key"), beside.r_own_key.name("m_slot"), *told
    ).mutate(further=ibis.literal(True))
    every = main.union(beside)
    return every.group_by(["m_key", "m_slot"]).agg(
        **{f"m_{n}": every[n].min() for n in told}, m_further=every.further.all()
    )


def marked() -> Any:
    """The outcome with rule and proof of what passes put together."""
    items = ibis.table(rt.OUTCOME, name="outcome").cross_join(rt.clock().select("day"))
    marks = _marks()
    every = items.left_join(marks, [items.key == marks.m_key, items.occurrence == marks.m_slot])
    both = every.left_batch.notnull() & every.right_batch.notnull()
    within = (both & (every.amount != ZERO) & (every.amount.abs() <= every.m_within)).fill_null(
        False
    )
    closed = (every.m_further & (every.amount == ZERO) & (every.right_held == ZERO)).fill_null(
        False
    )
    found = every.m_key.notnull() & (both | every.m_further).fill_null(False)
    class_ = ibis.cases(
        (within, "matched_within_tolerance"), (closed, "matched"), else_=every["class"]
    )
    nothing = ibis.null("string")
    new = {
        "rule": ibis.ifelse(found, every.m_rule, every.rule),
        "operands": ibis.ifelse(found, every.m_operands, every.operands),
        "rejected": ibis.ifelse(found, every.m_rejected, every.rejected),
        "class": class_,
        "since": ibis.ifelse(class_ == every["class"], every.since, every.day),
        "settled": t.money(every.settled + t.when(within, every.amount)),
        "absorbed": t.money(every.absorbed + t.when(within, every.amount)),
        "amount": ibis.ifelse(within, ZERO, every.amount),
        "recon_amount": ibis.ifelse(within, ZERO, every.recon_amount),
        "exposure": ibis.ifelse(within, t.or_zero(every.left_value), every.exposure),
        "home": ibis.ifelse(within, nothing, every.home),
        "recon_home": ibis.ifelse(within, nothing, every.recon_home),
        "breaks_on": ibis.ifelse(within, ibis.null("date"), every.breaks_on),
        "reason": ibis.ifelse(within, nothing, every.reason),
    }
    return every.select(*(new.get(n, every[n]).name(n) for n in rt.OUTCOME))


def advised() -> Any:
    """The outcome with what stays and what is new of suggestions; only open items have and are any."""
    items = ibis.table(rt.OUTCOME, name="outcome")
    opened = items.filter(items.id.notnull() & ~items["class"].isin(_DONE))
    ids = opened.select("key", "occurrence", "id")
    doubts = pt.kept("doubts")
    right = ids.rename(r_key="key", r_slot="occurrence", r_id="id")
    left = ids.rename(l_key="key", l_slot="occurrence", l_id="id")
    pairs = doubts.inner_join(right, ["r_key", "r_slot"]).inner_join(left, ["l_key", "l_slot"])
    ours = pairs.select(
        key=pairs.l_key, occurrence=pairs.l_slot, part=pairs.r_id + " " + pairs.reason
    )
    theirs = pairs.select(
        key=pairs.r_key, occurrence=pairs.r_slot, part=pairs.l_id + " " + pairs.reason
    )
    before = opened.filter(opened.suggestion.notnull())
    before = before.select("key", "occurrence", part=before.suggestion.split("; ").unnest())
    before = before.mutate(id=before.part.left(18)).semi_join(ids, "id").drop("id")
    every = ours.union(theirs).union(before).distinct()
    few = first_few(every, ["key", "occurrence"], "part", "; ")
    more = ibis.literal("; and ") + few.rest.cast("string") + " more"
    said = few.shown + ibis.ifelse(few.rest > 0, more, "")
    few = few.select(s_key=few.key, s_occurrence=few.occurrence, said=said)
    joined = items.left_join(few, [items.key == few.s_key, items.occurrence == few.s_occurrence])
    return joined.select(
        *(joined.said.name(n) if n == "suggestion" else joined[n] for n in rt.OUTCOME)
    )
