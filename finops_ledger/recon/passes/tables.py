"""What passes leave behind: marks on items, sums that move between items, and what they only suggest."""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting.tables import MONEY
from finops_ledger.recon.rules import Rule

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
    "within": MONEY,
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
    "within": MONEY,
}
#: Two units that a person may put together.
DOUBT: Final = {
    "l_key": "string",
    "l_slot": "string",
    "r_key": "string",
    "r_slot": "string",
    "reason": "string",
}


def given(rows: Any, rule: Rule, columns: dict[str, str]) -> Any:
    """Rows of a pass with its name and limit, in the shape of ``columns``."""
    none = ibis.null(MONEY)
    limit = none if rule.limit is None else ibis.literal(rule.limit).cast(MONEY)
    rows = rows.mutate(rule=ibis.literal(rule.name), within=limit)
    return rows.select(*(rows[n].cast(ty).name(n) for n, ty in columns.items()))


def kept(name: str) -> Any:
    """One of ``links``, ``shares`` and ``doubts``: what all passes of the run found so far."""
    return ibis.table({"links": LINK, "shares": SHARE, "doubts": DOUBT}[name], name=name)


def latest(name: str) -> Any:
    """The same of the pass that is running: ``new_links``, ``new_shares``."""
    return ibis.table({"links": LINK, "shares": SHARE}[name], name=f"new_{name}")
