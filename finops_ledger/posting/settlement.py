"""What a row of a gateway's report posts: net in transit, fee and VAT as taken, Clearing:Gateway.

The report never posts Bank (worked-cases 20). A fee is posted as taken; what is above the contract is
moved by reconciliation.
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.posting.versions import KNOWN, NEW, REVISED, with_previous


def valued(rows: Any) -> Any:
    """Add to settlement rows: gross, net, fee and VAT as amounts of the standing version."""
    return rows.mutate(
        kind=rows.kind.fill_null("payment"),
        settlement_ref=rows.settlement_ref.fill_null(""),
        gross=t.or_zero(rows.price),
        net=t.or_zero(rows.amount),
        fees=t.or_zero(rows.fee),
        taxes=t.or_zero(rows.vat),
        day_post=ibis.coalesce(rows.day, rows.file_day),
    )


def lines(*, shared: bool) -> Any:
    """The settlement rows at hand with predecessor, disposition and what changes."""
    versions = with_previous(valued(t.rows_table("settlement")), shared=shared)
    changes = {
        f"d_{name}": t.money(versions[name] - t.or_zero(versions[f"prev_{name}"]))
        for name in ("gross", "net", "fees", "taxes")
    }
    return versions.mutate(**changes)


def sums(lines_: Any) -> Any:
    """Sum by batch, settlement, posting day and kind."""
    moving = lines_.filter(lines_.disposition != KNOWN)
    return moving.group_by(["batch", "settlement_ref", "day_post", "kind"]).agg(
        gross=t.total(moving.d_gross),
        net=t.total(moving.d_net),
        fees=t.total(moving.d_fees),
        taxes=t.total(moving.d_taxes),
        count=((moving.disposition == NEW) & (moving.gross != t.amount(0))).sum().cast("int64"),
    )


def shares(lines_: Any) -> Any:
    """Rows and control amount (net) by batch and posting day."""
    counted = lines_.filter(lines_.disposition != KNOWN)
    return counted.group_by(
        ["batch", counted.gateway.name("partner"), counted.day_post.name("day")]
    ).agg(
        rows=counted.count(),
        new=(counted.disposition != REVISED).sum().cast("int64"),
        control=t.total(counted.d_net),
    )
