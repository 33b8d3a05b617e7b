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

from finops_ledger.recon import goods as same_goods
from finops_ledger.recon import tables as rt
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import matches

#: Right rows that belong to an item beside its delivery.
_BESIDE: Final = "kind in ('refund', 'adjustment')"
_SIMPLE: Final = "state = 'success' and not renewed and occurrence = ''"
#: Of a key: two rows, one of each side and both simple, that cancel out.
_PLAIN: Final = "n = 2 and sides = 0 and move = 0"
#: What sides count for in the sum: 1 and -1; a row that is not simple spoils it.
_SPOILT: Final = 1_000
_ZERO: Final = "cast(0 as decimal(18, 4))"
#: What a match keeps of a plain pair: what differs from pair to pair (``l`` the sale, ``r`` the
#: row). The rest follows, and is not stored (see :mod:`finops_ledger.subledger.matches`).
_VARIES: Final = {
    "key": "l.key",
    "left_batch": "l.batch",
    "left_record": "l.record",
    "left_now": "cast(l.move as decimal(18, 4))",
    "left_value": "cast(l.value as decimal(18, 4))",
    "left_anchor": "l.anchor",
    "left_serial": "l.serial",
    "category": "l.category",
    "model": "l.model",
    "right_batch": "r.batch",
    "right_record": "r.record",
    "right_key": "r.own_key",
    "right_kind": "r.kind",
    "right_anchor": "r.anchor",
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """How many plain pairs there are, and what their sales moved; their rows moved the opposite."""

    count: int = 0
    left: Decimal = Decimal(0)


def split(engine: en.Engine, rule: str = "ref", *, goods: bool = False) -> Pairs:
    """Lay out as ``lhs`` and ``rhs`` what is not plain of ``left_side`` and ``right_side``.

    ``rule`` is the pass by which the sides are named; ``prior`` must stand. The hashes of the keys that are not
    plain are left in ``odd``. ``goods``: a pair of two products, or with a serial of another order, is not plain.
    """
    undone = f"select orig from right_side where {_BESIDE} and orig is not null"
    undoes = "own_key in (select orig from undone)" if engine.keep("undone", undone) else "false"
    left = f"case when {_SIMPLE} then 1 else {_SPOILT} end"
    right = (
        f"case when {_SIMPLE} and via = {en.literal(rule)} and not {_BESIDE} and held = 0 and not {undoes} "
        f"then -1 else {_SPOILT} end"
    )
    pair, also, others = _PLAIN, "", ""
    product = {"left": "", "right": ""}
    if goods:
        # Two equal numbers leave nothing: no second look at the rows.
        pair, also = f"{_PLAIN} and {same_goods.SAME}", f", {same_goods.TOGETHER}"
        product = {side: f", {same_goods.product_of(side)} as goods" for side in product}
        others = f" union all select hash(reused_key), {_SPOILT}, {_ZERO}, null, null from reused"
    engine.keep(
        "keys",
        f"select h, count(*) as n, sum(side) as sides, sum(move) as move, min(moved) as moved{also} from ("
        f"select hash(key) as h, {left} as side, move, move as moved{product['left']} from left_side union all "
        f"select hash(key), {right}, move, null{product['right']} from right_side union all "
        f"select hash(key), {_SPOILT}, {_ZERO}, null{', null' if goods else ''} from prior{others}) group by h",
    )
    engine.keep("odd", f"select h from keys where not ({pair})")
    found = engine.rows(
        f"select count(*) as n, coalesce(sum(moved), 0) as moved from keys where {pair}"
    )[0]
    engine.drop("keys")  # as long as the day; the pairs need the memory
    for name, side in (("lhs", "left_side"), ("rhs", "right_side")):
        engine.keep(name, f"select * from {side} where hash(key) in (select h from odd)")
    return Pairs(found["n"], found["moved"])


def write(engine: en.Engine, pairs: Pairs, stamp: str, rest: str, path: Path) -> None:
    """Write the plain pairs, by their sale's place, then ``rest`` (SQL, ordered) into one file of matches."""
    varies = ", ".join(f'{sql} as "{name}"' for name, sql in _VARIES.items())
    types = rt.sql_types({n: rt.ITEM[n] for n in (*matches.FOLLOWS, *matches.WITHOUT)})
    without = ", ".join(f'cast(null as {type_}) as "{name}"' for name, type_ in types.items())
    columns = ", ".join(f'"{c}"' for c in matches.COLUMNS)
    plain = (
        f"select {stamp}, {columns} from (select *, {without} from "
        f"(select {varies} from left_side as l join right_side as r on l.key = r.key "
        "where hash(l.key) not in (select h from odd) order by left_batch, left_record))"
    )
    others = engine.rows(f"select count(*) as n from ({rest})")[0]["n"]
    parts = [en.Part(plain, ("left_batch", "left_record"))] if pairs.count else []
    written = engine.write([*parts, en.Part(rest, ("key", "occurrence"))], path)
    if written != pairs.count + others:
        raise AssertionError(f"{pairs.count} plain pairs were found, {written - others} written")


def join_versions(engine: en.Engine, side: str) -> None:
    """Join versions of one row that post on the same day: the last one's state, what all of them moved.

    Only what is no plain pair is looked at: a row of several versions never is one.
    """
    row = "coalesce(own_key, batch || ':' || record), copy"
    if engine.rows(f"select 1 from {side} group by {row} having count(*) > 1 limit 1"):
        engine.keep(
            side,
            "select * replace (cast(sum(move) over w as decimal(18, 4)) as move, "
            "cast(sum(fee) over w as decimal(18, 4)) as fee, "
            f"bool_and(renewed) over w as renewed) from {side} "
            f"window w as (partition by {row}) "
            f"qualify row_number() over (partition by {row} order by step desc) = 1",
        )
