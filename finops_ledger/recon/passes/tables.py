"""What passes leave behind: marks on items, sums that move between items, and what they only suggest."""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting.tables import MONEY

#: A right unit and the left one that it belongs to. ``gather``: what of it is an item of its own moves on to the
#: left unit's item.
LINK: Final = {
    "l_key": "string",
    "l_slot": "string",
    "r_key": "string",
    "r_slot": "string",
    "r_own_key": "string",
    "operands": "string",
    "rejected": "string",
    "rule": "string",
    "gather": "boolean",
    "limit": MONEY,
    "account": "string",
}
#: What a further left item takes of the item ``from_key``, with the right row that it is part of.
SHARE: Final = {
    "from_key": "string",
    "key": "string",
    "slot": "string",
    "amount": MONEY,
    "batch": "string",
    "record": "int64",
    "operands": "string",
    "rule": "string",
    "limit": MONEY,
    "account": "string",
}
#: Two units that a person may put together.
DOUBT: Final = {
    "l_key": "string",
    "l_slot": "string",
    "r_key": "string",
    "r_slot": "string",
    "reason": "string",
}


def kept(name: str) -> Any:
    """One of ``links``, ``shares`` and ``doubts``: what all passes of the run found so far."""
    return ibis.table({"links": LINK, "shares": SHARE, "doubts": DOUBT}[name], name=name)


def latest(name: str) -> Any:
    """The same of the pass that is running: ``new_links``, ``new_shares``."""
    return ibis.table({"links": LINK, "shares": SHARE}[name], name=f"new_{name}")
