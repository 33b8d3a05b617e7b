"""What a line of a financial report posts: nothing. It states what another system's books hold.

The rows of a trial balance are kept like all rows, so that the books can be tied to them (leg
books <-> financial report). The file has an entry without postings: its rows and control amount (debits
less credits, zero in a trial balance that balances) are proven like those of any batch.
"""

from __future__ import annotations

from typing import Any

from finops_ledger.posting import tables as t
from finops_ledger.posting.versions import KNOWN, REVISED, with_previous


def lines(*, shared: bool) -> Any:
    """The report rows at hand with predecessor, disposition and what changes."""
    rows = t.rows_table("report")
    rows = rows.mutate(moved=t.or_zero(rows.amount), day_post=rows.covers_to)
    versions = with_previous(rows, shared=shared)
    return versions.mutate(d_moved=t.money(versions.moved - t.or_zero(versions.prev_moved)))


def shares(lines_: Any) -> Any:
    """Rows and control amount (debit positive) by batch and posting day."""
    counted = lines_.filter(lines_.disposition != KNOWN)
    return counted.group_by(
        ["batch", counted.source.name("partner"), counted.day_post.name("day")]
    ).agg(
        rows=counted.count(),
        new=(counted.disposition != REVISED).sum().cast("int64"),
        control=t.total(counted.d_moved),
    )
