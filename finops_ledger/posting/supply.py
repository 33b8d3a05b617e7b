"""What a version of a supplier's row posts: on the deposit, and on Supply or Supply-Pending (rule R4).

Rows post on the partner's day. A row that holds money without a final status goes through
Supply-Pending and leaves it when final; final rows go through Clearing:Supply.

A postpaid partner is owed what its rows state; nothing for a row that is not final. What it grants us, with its
VAT, is asked of it; Clearing:Supply has the rest (worked-cases 19). Codes that come into stock are bought
from the deposit; they pass no Clearing:Supply (18).

Rows of a deposit statement (role deposit) are the same rows of the same account: only that a statement moves
money or does not, whatever status the order behind it has, so that nothing of it is pending.
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.posting import tables as t
from finops_ledger.posting.versions import KNOWN, NEW, REVISED, with_previous

#: Kinds that do not go through Clearing:Supply, and the account that they move against the deposit.
OTHER_KINDS = ("topup", "bonus", "fee", "tax")
#: Statuses that are not final.
OPEN = ("pending", "unknown")


def posting_day(rows: Any) -> Any:
    """The partner day of the row's time if its file covers it, else the last day it covers (ruling 7)."""
    day = rows.partner_day
    inside = (day >= rows.covers_from) & (day <= rows.covers_to)
    return ibis.ifelse(inside.fill_null(False), day, rows.covers_to)


def valued(rows: Any, role: str = "supply", models: tuple[str, ...] = ()) -> Any:
    """Add to rows what they hold: on the deposit, on clearing, as pending, elsewhere.

    Of a postpaid partner: ``owed``, all that its rows state; ``payable``, that of final rows; ``granted``, the
    commission with VAT. ``stock``: what codes in the vault have cost.
    """
    rows = rows.mutate(
        partner=rows.partner.fill_null(t.NO_PARTNER),
        kind=rows.kind.fill_null("usage"),
        deposit=t.or_zero(rows.amount),
    )
    other = rows.kind.isin(OTHER_KINDS)
    open_ = rows.status.isin(OPEN) & ibis.literal(role == "supply")
    zero = t.amount(0)
    parts = dict.fromkeys(("owed", "payable", "granted", "stock"), zero)
    usual, pends, cleared = ~other, ~other & open_, -rows.deposit
    if "postpaid" in models:
        postpaid = (rows.terms == "postpaid").fill_null(False)
        stated = postpaid & ~open_ & (rows.deposit != zero)
        given = t.money(t.or_zero(rows.commission) + t.or_zero(rows.vat))
        parts["owed"] = t.when(postpaid, rows.deposit)
        parts["payable"] = t.when(stated, rows.deposit)
        parts["granted"] = t.when(stated & ~other, given)
        pends &= ~postpaid
        cleared = (cleared - parts["granted"]).cast(t.SUM)
    if "stock" in models:
        bought = (rows.terms == "stock") & rows.kind.isin(["usage"]) & (rows.status == "success")
        parts["stock"] = t.when(bought, t.money(-rows.deposit))
        usual &= ~bought.fill_null(False)
    return rows.mutate(
        **parts,
        clearing=t.when(usual & ~open_, t.money(cleared)),
        held=t.when(pends, t.money(-rows.deposit)),
        other=t.when(other, t.money(-rows.deposit)),
        day_own=posting_day(rows),
        day_post=t.posted(posting_day(rows), rows),
    ).mutate(day_first=ibis._.day_post)


def lines(
    role: str = "supply", *, shared: bool, locked: bool = False, models: tuple[str, ...] = ()
) -> Any:
    """The rows at hand (of role supply or deposit) with values, predecessor, disposition and posting kind."""
    rows = valued(t.rows_table(role), role, models)
    versions = with_previous(rows, shared=shared, locked=locked)
    zero = t.amount(0)
    was_held = t.or_zero(versions.prev_held) != zero
    is_held = versions.held != zero
    was_open = ibis.literal(False)
    if "postpaid" in models:
        was_open = (versions.terms == "postpaid") & versions.prev_status.isin(OPEN)
    restored = versions.status.isin(["failed", "reversed", "refunded"])
    kind = ibis.cases(
        # What takes a top-up back is no top-up (worked-cases 15).
        ((versions.kind == "topup") & (versions.deposit < zero), "adjustment"),
        (versions.kind.isin([*OTHER_KINDS, "refund", "adjustment"]), versions.kind),
        ((versions.disposition == NEW) & is_held, "pending"),
        (versions.disposition == NEW, "usage"),
        (was_held & is_held, "pending"),
        (was_held & restored & (versions.deposit == zero), "pending-restored"),
        (was_held & restored, "pending-failed"),
        (was_held, "pending-resolved"),
        (is_held, "pending"),
        (restored & (versions.deposit > versions.prev_deposit), "refund"),
        # What a postpaid partner has pending is held nowhere; it is owed when it is final.
        (was_open, "pending-resolved"),
        else_="adjustment",
    )
    changes = {
        f"d_{name}": t.money(versions[name] - t.or_zero(versions[f"prev_{name}"]))
        for name in ("owed", "payable", "granted", "stock")
    }
    return versions.mutate(
        **changes,
        post_kind=kind,
        d_deposit=t.money(versions.deposit - t.or_zero(versions.prev_deposit)),
        d_clearing=t.money(versions.clearing - t.or_zero(versions.prev_clearing)),
        d_held=t.money(versions.held - t.or_zero(versions.prev_held)),
        d_other=t.money(versions.other - t.or_zero(versions.prev_other)),
        orig=t.orig(versions, versions.day_own, versions.prev_day_post),
        held_opens=(is_held & ~was_held).fill_null(False),
        held_closes=(was_held & ~is_held).fill_null(False),
    )


def drawn(lines_: Any) -> Any:
    """What rows move of the deposit for orders: all but top-ups, bonuses, fees and taxes."""
    return t.money(-(lines_.d_clearing + lines_.d_held))


def sums(lines_: Any) -> Any:
    """Sum the movements by batch, partner, posting day and kind."""
    moving = lines_.filter(lines_.disposition != KNOWN)
    return moving.group_by(["batch", "partner", "day_post", "orig", "post_kind"]).agg(
        deposit=t.total(moving.d_deposit),
        clearing=t.total(moving.d_clearing),
        held=t.total(moving.d_held),
        other=t.total(moving.d_other),
        owed=t.total(moving.d_owed),
        payable=t.total(moving.d_payable),
        granted=t.total(moving.d_granted),
        n_opens=moving.held_opens.sum().cast("int64"),
        n_closes=moving.held_closes.sum().cast("int64"),
        n_other=(moving.d_other != t.amount(0)).sum().cast("int64"),
        n_drawn=(drawn(moving) != t.amount(0)).sum().cast("int64"),
    )


def shares(lines_: Any) -> Any:
    """Rows and control amount (signed movement) by batch, partner and posting day."""
    counted = lines_.filter(lines_.disposition != KNOWN)
    return counted.group_by(["batch", "partner", counted.day_post.name("day"), "orig"]).agg(
        rows=counted.count(),
        new=(counted.disposition != REVISED).sum().cast("int64"),
        control=t.total(counted.d_deposit),
    )
