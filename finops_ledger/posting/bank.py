"""What a line of a bank statement posts: Bank, against what the line is about.

The bank's SOP says by its text which line is a gateway's payout, a payment to a supplier, a top-up of a deposit
or the bank's own charge. A line nobody knows goes to Suspense, whatever its sign (ruling 29).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.posting.versions import KNOWN, REVISED, with_previous
from finops_ledger.sop.model import BankLine


def valued(rows: Any, rules: Sequence[BankLine]) -> Any:
    """Add to bank rows what they are about: kind, counterparty and settlement."""
    text = rows.text.fill_null("")
    hits = [(text.re_search(rule.when), rule) for rule in rules]
    unknown = ibis.literal("unknown")
    nobody = ibis.literal("")
    kind = (
        ibis.cases(*((hit, rule.kind) for hit, rule in hits), else_="unknown") if hits else unknown
    )
    who = (
        ibis.cases(*((hit, rule.counterparty) for hit, rule in hits), else_="") if hits else nobody
    )
    ref = (
        ibis.cases(
            *(
                (hit, text.re_extract(rule.settlement_ref, 0) if rule.settlement_ref else nobody)
                for hit, rule in hits
            ),
            else_="",
        )
        if hits
        else nobody
    )
    inside = (rows.day >= rows.covers_from) & (rows.day <= rows.covers_to)
    rows = rows.mutate(day_own=ibis.ifelse(inside.fill_null(False), rows.day, rows.covers_to))
    rows = rows.mutate(day_post=t.posted(rows.day_own, rows))
    return rows.mutate(
        line_kind=kind,
        who=who,
        line_ref=ref,
        moved=t.or_zero(rows.amount),
        day_first=rows.day_post,
    )


def lines(rules: Sequence[BankLine], *, shared: bool, locked: bool = False) -> Any:
    """The bank rows at hand with predecessor, disposition and what changes."""
    versions = with_previous(valued(t.rows_table("bank"), rules), shared=shared, locked=locked)
    return versions.mutate(
        d_moved=t.money(versions.moved - t.or_zero(versions.prev_moved)),
        orig=t.orig(versions, versions.day_own, versions.prev_day_post),
    )


def sums(lines_: Any) -> Any:
    """Sum by batch, posting day, kind, counterparty and settlement."""
    moving = lines_.filter(lines_.disposition != KNOWN)
    return moving.group_by(
        ["batch", "account", "day_post", "orig", "line_kind", "who", "line_ref"]
    ).agg(moved=t.total(moving.d_moved), count=moving.count())


def shares(lines_: Any) -> Any:
    """Rows and control amount (into our bank positive) by batch and posting day."""
    counted = lines_.filter(lines_.disposition != KNOWN)
    return counted.group_by(
        ["batch", counted.account.name("partner"), counted.day_post.name("day"), "orig"]
    ).agg(
        rows=counted.count(),
        new=(counted.disposition != REVISED).sum().cast("int64"),
        control=t.total(counted.d_moved),
    )
