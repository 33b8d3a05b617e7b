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
#: What a row says of itself, as bits: a simple sale, a simple row of the partner; one that is neither spoils its key.
_LEFT, _RIGHT, _SPOILT = 1, 2, 4
#: Of a key: two rows, one of each side and both simple, that cancel out. A key is told by few and narrow numbers: there
#: are as many of them as the day has orders.
_PLAIN: Final = f"n = 2 and sides & 7 = {_LEFT | _RIGHT} and low = high"
_NOTHING: Final = "cast(0 as decimal(18, 4))"
#: So many pairs are joined and put in order at a time, where an engine is bounded by memory.
_AT_A_TIME: Final = 17_000_000
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
    simple = {
        "left": f"{_SIMPLE}",
        "right": f"{_SIMPLE} and via = {en.literal(rule)} and not {_BESIDE} and held = 0 and not {undoes}",
    }
    pair, also, none = _PLAIN, "", ""
    product = {"left": "", "right": ""}
    others = ""
    if goods:
        pair, also, none = f"{_PLAIN} and {same_goods.SAME}", f", {same_goods.TOGETHER}", ", null"
        product = {side: f", {same_goods.product_of(side)} as goods" for side in product}
        others = f" union all select hash(reused_key), {_SPOILT}, {_NOTHING}{none} from reused"
    rows = " union all ".join(
        f"select hash(key) as h, case when {simple[side]} then {bit} else {_SPOILT} end as side, "
        f"cast({move} as decimal(18, 4)) as moved{product[side]} from {side}_side"
        for side, bit, move in (("left", _LEFT, "move"), ("right", _RIGHT, "-move"))
    )
    engine.keep(
        "keys",
        "select h, count(*) as n, bit_or(cast(side as tinyint)) as sides, min(moved) as low, max(moved) as high"
        f"{also} from ({rows} union all select hash(key), {_SPOILT}, {_NOTHING}{none} from prior{others}) group by h",
    )
    engine.keep("odd", f"select h from keys where not ({pair})")
    found = engine.rows(
        f"select count(*) as n, coalesce(sum(low), 0) as moved from keys where {pair}"
    )[0]
    engine.drop("keys")  # as long as the day; the pairs need the memory
    for name, side in (("lhs", "left_side"), ("rhs", "right_side")):
        engine.keep(name, f"select * from {side} where hash(key) in (select h from odd)")
    return Pairs(found["n"], Decimal(found["moved"]))


def write(engine: en.Engine, pairs: Pairs, stamp: str, rest: str, path: Path) -> None:
    """Write the plain pairs, by their sale's place, then ``rest`` (SQL, ordered) into one file of matches.

    A long day is joined and put in order a stretch of its sales at a time, so that it takes the memory of a stretch.
    """
    columns = ", ".join(f'"{c}"' for c in matches.COLUMNS)
    by = ("left_batch", "left_record")
    others = engine.rows(f"select count(*) as n from ({rest})")[0]["n"]
    parts, aside = [], []
    if pairs.count <= _AT_A_TIME or not engine.bounded:
        parts = [en.Part(_pairs(stamp), by)] if pairs.count else []
    else:
        for number, stretch in enumerate(_stretches(engine)):
            aside.append(path.with_name(f"pairs-{number:03}.parquet"))
            engine.write([en.Part(_pairs(stamp, stretch), by)], aside[-1])
        parts = [en.Part(en.parquet(aside, f"leg, counterparty, day, {columns}"), by)]
    written = engine.write([*parts, en.Part(rest, ("key", "occurrence"))], path)
    for one in aside:
        one.unlink()
    if written != pairs.count + others:
        raise AssertionError(f"{pairs.count} plain pairs were found, {written - others} written")


def _pairs(stamp: str, stretch: str = "true") -> str:
    """SQL of the plain pairs whose sale lies in a stretch (SQL over ``l``), in the order of their sales."""
    varies = ", ".join(f'{sql} as "{name}"' for name, sql in _VARIES.items())
    types = rt.sql_types({n: rt.ITEM[n] for n in (*matches.FOLLOWS, *matches.WITHOUT)})
    without = ", ".join(f'cast(null as {type_}) as "{name}"' for name, type_ in types.items())
    columns = ", ".join(f'"{c}"' for c in matches.COLUMNS)
    return (
        f"select {stamp}, {columns} from (select *, {without} from "
        f"(select {varies} from left_side as l join right_side as r on l.key = r.key "
        f"where {stretch} and hash(l.key) not in (select h from odd) order by left_batch, left_record))"
    )


def _stretches(engine: en.Engine) -> list[str]:
    """Cut the sales of the day by file, and a long file by its records; each stretch is SQL over ``l``."""
    found = []
    for one in engine.rows(
        "select batch, min(record) as low, max(record) as high from left_side group by batch order by batch"
    ):
        for low in range(one["low"], one["high"] + 1, _AT_A_TIME):
            high = min(low + _AT_A_TIME - 1, one["high"])
            found.append(
                f"l.batch = {en.literal(one['batch'])} and l.record between {low} and {high}"
            )
    return found


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
