"""The tables of a run: both sides, what was open before, the clock; and the item that comes out."""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting.tables import MONEY

TIME = "timestamp('UTC')"

#: One side of a leg on one day: what each row stands for on the clearing account, and what it moved.
SIDE: Final = {
    "key": "string",
    "occurrence": "string",
    "batch": "string",
    "record": "int64",
    "own_key": "string",
    "orig": "string",
    "kind": "string",
    "state": "string",
    "move": MONEY,
    "held": MONEY,
    "value": MONEY,
    "at": TIME,
    "anchor": "int64",
    "serial": "string",
    "other_ref": "string",
    "category": "string",
    "model": "string",
    "renewed": "boolean",
    "via": "string",
}

#: What refunds and adjustments add to an item, summed up.
ADDITION: Final = {
    "key": "string",
    "occurrence": "string",
    "added": MONEY,
    "added_at": "int64",
    "added_batch": "string",
    "added_record": "int64",
    "added_own": "string",
    "added_kind": "string",
}

#: An item: one order (or top-up, or settlement) on one leg, with both sides and its home.
ITEM: Final = {
    "key": "string",
    "occurrence": "string",
    "left_batch": "string",
    "left_record": "int64",
    "left_state": "string",
    "left_now": MONEY,
    "left_value": MONEY,
    "left_anchor": "int64",
    "left_serial": "string",
    "category": "string",
    "model": "string",
    "right_batch": "string",
    "right_record": "int64",
    "right_key": "string",
    "right_state": "string",
    "right_kind": "string",
    "right_now": MONEY,
    "right_held": MONEY,
    "right_anchor": "int64",
    "settled": MONEY,
    "claimed": MONEY,
    "class": "string",
    "home": "string",
    "amount": MONEY,
    "opened": "date",
    "rule": "string",
}

#: What a run adds: where the item stood before, what reconciliation did, when it breaks.
OUTCOME: Final = {
    **ITEM,
    "touched": "boolean",
    "home_before": "string",
    "amount_before": MONEY,
    "recon_home": "string",
    "recon_amount": MONEY,
    "released": MONEY,
    "absorbed": MONEY,
    "breaks_on": "date",
    "exposure": MONEY,
    "reason": "string",
}

CLOCK: Final = {
    "day": "date",
    "party": "string",
    "shift": "int64",
    "day_number": "int64",
    "grace": "int64",
    "pending": "int64",
    "tolerance": MONEY,
    "waits_on": "string",
    "breaks_on_account": "string",
    "stated": "boolean",
}


def side(name: str) -> Any:
    """``lhs`` or ``rhs``: the rows of one side that post on the day."""
    return ibis.table(SIDE, name=name)


def prior() -> Any:
    """Items open at the end of the day before, and matched ones that the day touches again."""
    return ibis.table(ITEM, name="prior")


def clock() -> Any:
    """One row: the day, its number, the spans in days, limits and accounts."""
    return ibis.table(CLOCK, name="clock")
