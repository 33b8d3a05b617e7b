"""What a row of a gateway's report posts: net in transit, fee and VAT as taken, Clearing:Gateway.

The report never posts Bank (worked-cases 20). A fee is posted as taken; what is above the contract is
moved by reconciliation. Income tax that the gateway took off is no fee: it is ours against its slip, and the gross
holds it. A settlement posts on one day, that of its last row in the file. By kind:

payment, refund, chargeback   an order stands behind it: its gross is on Clearing:Gateway
fee, tax                      no order: all of it is fee, or VAT, whatever column states it
adjustment, payout            no order: held back, released or moved between settlements by the gateway

invoice                       a supplier's: what it bills us, gross (price, else amount)

A payout is the settlement itself and belongs among a format's exclusions; a format that keeps it has it
here as money that the gateway holds less of.
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.posting.versions import KNOWN, NEW, REVISED, with_previous

#: Kinds without an order that only move what the gateway holds of ours.
HELD = ("adjustment", "payout")


def valued(rows: Any) -> Any:
    """Add to settlement rows: gross, net, fee and VAT as amounts of the standing version."""
    rows = rows.mutate(
        kind=rows.kind.fill_null("payment"),
        settlement_ref=rows.settlement_ref.fill_null(""),
        net=t.or_zero(rows.amount),
        fees=t.money(t.or_zero(rows.fee) + t.or_zero(rows.commission)),
        taxes=t.or_zero(rows.vat),
        # Of a supplier's invoice the tax is ours to withhold: it posts by our payment list.
        levied=ibis.ifelse(rows.kind == "invoice", t.amount(0), t.or_zero(rows.withheld)),
        day_own=ibis.coalesce(rows.settled_day, rows.file_day),
        # The day by which a fee is agreed: of the payment, where the report says when that was.
        day_rated=ibis.coalesce(rows.paid_day, rows.day, rows.file_day),
    )
    rows = rows.mutate(day_post=t.posted(rows.day_own, rows))
    rows = rows.mutate(day_first=rows.day_post)
    # Net is what is proven against the bank; what stands on Clearing or Held follows from it.
    whole = t.money(rows.net + rows.fees + rows.taxes + rows.levied)
    fee, tax = rows.kind == "fee", rows.kind == "tax"
    held = rows.kind.isin(HELD)
    none = t.amount(0)
    return rows.mutate(
        gross=ibis.ifelse(fee | tax | held, none, whole),
        billed=ibis.ifelse(rows.kind == "invoice", ibis.coalesce(rows.price, rows.net), none),
        held=ibis.ifelse(held, whole, none),
        fees=ibis.cases((fee, t.money(rows.fees - whole)), else_=rows.fees),
        taxes=ibis.cases((tax, t.money(rows.taxes - whole)), else_=rows.taxes),
    )


def lines(*, shared: bool, locked: bool = False) -> Any:
    """The settlement rows at hand with predecessor, disposition and what changes."""
    versions = with_previous(valued(t.rows_table("settlement")), shared=shared, locked=locked)
    changes = {
        f"d_{name}": t.money(versions[name] - t.or_zero(versions[f"prev_{name}"]))
        for name in ("gross", "net", "fees", "taxes", "levied", "held", "billed")
    }
    return versions.mutate(
        **changes, orig=t.orig(versions, versions.day_own, versions.prev_day_post)
    )


def sums(lines_: Any) -> Any:
    """Sum by batch, settlement, posting day and kind."""
    moving = lines_.filter(lines_.disposition != KNOWN)
    return moving.group_by(["batch", "settlement_ref", "day_post", "orig", "kind"]).agg(
        gross=t.total(moving.d_gross),
        net=t.total(moving.d_net),
        fees=t.total(moving.d_fees),
        taxes=t.total(moving.d_taxes),
        levied=t.total(moving.d_levied),
        held=t.total(moving.d_held),
        billed=t.total(moving.d_billed),
        count=((moving.disposition == NEW) & (moving.gross != t.amount(0))).sum().cast("int64"),
    )


def shares(lines_: Any) -> Any:
    """Rows and control amount (net) by batch and posting day."""
    counted = lines_.filter(lines_.disposition != KNOWN)
    return counted.group_by(
        ["batch", counted.gateway.name("partner"), counted.day_post.name("day"), "orig"]
    ).agg(
        rows=counted.count(),
        new=(counted.disposition != REVISED).sum().cast("int64"),
        control=t.total(counted.d_net),
    )
