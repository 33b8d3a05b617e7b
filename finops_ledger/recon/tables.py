"""The tables of a run: both sides, what was open before, the clock; and the item that comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import ibis

from finops_ledger.posting.tables import MONEY

TIME = "timestamp('UTC')"

#: One side of a leg on one day: what each row stands for on the clearing account, and what it moved. ``copy``
#: tells identical records apart, ``step`` the versions of one row. ``via``, ``operands`` and ``rejected`` say which
#: pass found its item, what it compared, and which candidates it did not take.
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
    "fee": MONEY,
    "at": TIME,
    "anchor": "int64",
    "serial": "string",
    "other_ref": "string",
    "category": "string",
    "model": "string",
    "renewed": "boolean",
    "via": "string",
    "copy": "int64",
    "step": "int64",
    "customer": "string",
    "product": "string",
    "operands": "string",
    "rejected": "string",
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

#: An item: one order (or top-up, or settlement) on one leg, with both sides and its home. ``id`` is kept once given,
#: ``since`` is the day of its present class, ``also`` names further classes that hold of it. ``lost`` is what
#: of it was written off, under ``case_id``: should it come back, it is income.
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
    "id": "string",
    "operands": "string",
    "rejected": "string",
    "also": "string",
    "since": "date",
    "suggestion": "string",
    "left_at": TIME,
    "right_at": TIME,
    "left_customer": "string",
    "right_customer": "string",
    "left_product": "string",
    "right_product": "string",
    "left_other": "string",
    "right_other": "string",
    "right_serial": "string",
    "right_value": MONEY,
    "lost": MONEY,
    "case_id": "string",
    "fee": MONEY,
}

#: What of an item only a later pass needs, while it is open: a match does not keep it.
WHILE_OPEN: Final = (
    "also since suggestion left_at right_at left_customer right_customer left_product right_product "
    "left_other right_other right_serial right_value lost case_id fee"
).split()

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
    "recovered": MONEY,
    "breaks_on": "date",
    "exposure": MONEY,
    "reason": "string",
}

CLOCK: Final = {
    "day": "date",
    "party": "string",
    "shift": "int64",
    "day_number": "int64",
    "ours": "int64",
    "grace": "int64",
    "pending": "int64",
    "tolerance": MONEY,
    "waits_on": "string",
    "breaks_on_account": "string",
    "stated": "boolean",
}

DUE: Final = {"due_anchor": "int64", "due_on": "int64"}


def side(name: str) -> Any:
    """``lhs`` or ``rhs``: the rows of one side that post on the day."""
    return ibis.table(SIDE, name=name)


def no_text() -> Any:
    """A text that is not there."""
    return ibis.null("string")


def shape(rows: Any, **columns: Any) -> Any:
    """Give rows the shape of a side; columns that a leg does not use are filled in."""
    none = no_text()
    defaults: dict[str, Any] = {
        "occurrence": ibis.literal(""),
        "orig": none,
        "held": ibis.literal(0).cast(MONEY),
        "fee": ibis.literal(0).cast(MONEY),
        "serial": none,
        "other_ref": none,
        "category": none,
        "model": none,
        "renewed": ibis.literal(False),
        "via": none,
        "copy": ibis.literal(0),
        "step": ibis.literal(0),
        "customer": none,
        "product": none,
        "operands": none,
        "rejected": none,
    }
    made = {**defaults, **columns}
    return rows.select(*(made[n].cast(ty).name(n) for n, ty in SIDE.items()))


def prior() -> Any:
    """Items open at the end of the day before, and matched ones that the day touches again."""
    return ibis.table(ITEM, name="prior")


def clock() -> Any:
    """One row: the day, its number, the spans in days, limits and accounts."""
    return ibis.table(CLOCK, name="clock")


def due() -> Any:
    """The days whose settlements are not due yet, by number, and the day on which each breaks."""
    return ibis.table(DUE, name="due")


def sql_types(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the SQL types of columns that are declared for expressions."""
    names = {"string": "varchar", "int64": "bigint", TIME: "timestamptz", MONEY: "decimal(18, 4)"}
    return {n: names.get(ty, ty) for n, ty in columns.items()}


def columns(said: Mapping[str, str]) -> str:
    """Return SQL of the columns of a side, typed; what is not said is null."""
    types = sql_types(SIDE)
    return ", ".join(f'cast({said.get(n, "null")} as {ty}) as "{n}"' for n, ty in types.items())
