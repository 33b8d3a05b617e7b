"""Plain pairs: one sale, one row, both a success, of one amount, and nothing else about the order.

Nearly every order of a day is one. They are told from the rest in one narrow pass over hashes of
the keys and go straight from both sides into the day's matches; only the rest is laid out for the
passes and the classes. A key whose hash is shared by another is not plain: a collision costs time
and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from finops_ledger.subledger import engine as en

#: Right rows that belong to an item beside its delivery.
_BESIDE: Final = "kind in ('refund', 'adjustment')"
_SIMPLE: Final = "state = 'success' and not renewed and occurrence = ''"
_PLAIN: Final = "simple and l = 1 and r = 1 and move = 0"
_ZERO: Final = "cast(0 as decimal(18, 4))"
#: What a match keeps of a plain pair; ``l`` is the sale, ``r`` the row.
_COLUMNS: Final = {
    "key": "l.key",
    "occurrence": "''",
    "left_batch": "l.batch",
    "left_record": "l.record",
    "left_state": "'success'",
    "left_now": "l.move",
    "left_value": "l.value",
    "left_anchor": "l.anchor",
    "left_serial": "l.serial",
    "category": "l.category",
    "model": "l.model",
    "right_batch": "r.batch",
    "right_record": "r.record",
    "right_key": "r.own_key",
    "right_state": "'success'",
    "right_kind": "r.kind",
    "right_now": "r.move",
    "right_held": _ZERO,
    "right_anchor": "r.anchor",
    "settled": _ZERO,
    "claimed": _ZERO,
    "class": "'matched'",
    "home": "cast(null as varchar)",
    "amount": _ZERO,
    "opened": "(select day from clock)",
    "rule": "r.via",
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """How many plain pairs there are, and what their sales moved; their rows moved the opposite."""

    count: int = 0
    left: Decimal = Decimal(0)


def split(engine: en.Engine) -> Pairs:
    """Lay out as ``lhs`` and ``rhs`` what is not plain of ``left_side`` and ``right_side``.

    ``prior`` must stand. The hashes of the keys that are not plain are left in ``odd``.
    """
    undone = f"select orig from right_side where {_BESIDE} and orig is not null"
    undoes = "own_key in (select orig from undone)" if engine.keep("undone", undone) else "false"
    engine.keep(
        "keys",
        "select h, cast(sum(l) as integer) as l, cast(sum(r) as integer) as r, sum(move) as move, "
        "sum(moved) as moved, bool_and(simple) as simple from ("
        f"select hash(key) as h, 1 as l, 0 as r, move, move as moved, "
        f"coalesce({_SIMPLE}, false) as simple from left_side union all "
        f"select hash(key), 0, 1, move, {_ZERO}, "
        f"coalesce({_SIMPLE} and not {_BESIDE} and held = 0 and not {undoes}, false) "
        f"from right_side union all select hash(key), 0, 0, {_ZERO}, {_ZERO}, false from prior"
        ") group by h",
    )
    engine.keep("odd", f"select h from keys where not ({_PLAIN})")
    found = engine.rows(
        f"select count(*) as n, coalesce(sum(moved), 0) as moved from keys where {_PLAIN}"
    )[0]
    for name, side in (("lhs", "left_side"), ("rhs", "right_side")):
        engine.keep(name, f"select * from {side} where hash(key) in (select h from odd)")
    return Pairs(found["n"], found["moved"])


def write(engine: en.Engine, pairs: Pairs, stamp: str, columns: str, rest: str, path: Path) -> None:
    """Write the plain pairs, by their sale's place, then ``rest`` (SQL, ordered) into one file."""
    chosen = ", ".join(f'{sql} as "{name}"' for name, sql in _COLUMNS.items())
    plain = (
        f"select {stamp}, {columns} from (select {chosen} from left_side as l "
        "join right_side as r on l.key = r.key where hash(l.key) not in (select h from odd)) "
        "order by left_batch, left_record"
    )
    others = engine.rows(f"select count(*) as n from ({rest})")[0]["n"]
    query = f"select * from ({plain}) union all select * from ({rest})" if pairs.count else rest
    written = engine.write(query, path)
    if written != pairs.count + others:
        raise AssertionError(f"{pairs.count} plain pairs were found, {written - others} written")
