"""Were the right goods delivered: another product than was sold, or a serial that another order has had.

Both leave no money on the clearing account. ``their_products`` holds the codes that the partner's price lists know: a
code that no list knows is not compared. ``reused`` names the right rows of the day whose serial stands on an earlier
success row of another order; it is looked up among the days that the SOP names and no further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ibis
import pyarrow as pa

from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.subledger import engine as en

if TYPE_CHECKING:
    from finops_ledger.recon.job import Job

CODES: Final = {"code": "string"}
REUSED: Final = {"reused_own": "string", "reused_key": "string", "reused_by": "string"}

_SERIAL: Final = "state = 'success' and serial is not null"
#: Of a pair: the two products are one, or one of them says nothing. ``goods`` is their numbers held against each other,
#: ``known`` how many there are.
SAME: Final = "(goods = 0 or known < 2)"
#: What is said of the products of a key, from ``goods`` of its rows.
TOGETHER: Final = "bit_xor(goods) as goods, count(goods) as known"


def codes() -> Any:
    """The partner's codes that its price lists know."""
    return ibis.table(CODES, name="their_products")


def reused() -> Any:
    """Right rows whose serial another order has had, with the earliest such order."""
    return ibis.table(REUSED, name="reused")


def lay_out(engine: en.Engine, job: Job) -> None:
    """Lay out ``their_products`` and ``reused``; ``right_side`` must stand."""
    listed = pa.table([list(job.products)], schema=pa.schema([("code", pa.string())]))
    engine.give("their_products", listed)
    none = en.empty(dict.fromkeys(REUSED, "varchar"))
    engine.keep("reused", _reused(engine, job) if job.serials_s else none)


def _reused(engine: en.Engine, job: Job) -> str:
    """Return SQL of ``reused``: first the few hashes that come twice, then the rows themselves.

    Every row is told by the first bearer of its serial within the span, so that a text which is no serial, and stands
    on every order of a partner, takes no longer than another.
    """
    own = f"select hash(serial) as h from right_side where {_SERIAL}"
    twice = f"select h from ({own}) group by h having count(*) > 1"
    earlier = (
        "select ref as key, serial, coalesce(occurred_at, created_at) as seen from "
        f"({en.parquet(job.serials)}) where status = 'success' and serial is not null and ref is not null"
        if job.serials
        else "select null as key, null as serial, null::timestamptz as seen where false"
    )
    if job.serials:
        twice += f" union select hash(serial) from ({earlier}) where hash(serial) in ({own})"
    if not engine.keep("twice", twice):
        return en.empty(dict.fromkeys(REUSED, "varchar"))
    some = "hash(serial) in (select h from twice)"
    undone = (
        f"select distinct ref from ({en.parquet(job.serials)}) "
        "where status in ('failed', 'reversed', 'refunded')"
        if job.serials
        else "select null as ref where false"
    )
    engine.keep(
        "bearing",
        "select key, serial, epoch_us(seen) as us, ref is null as counts from "
        f"(select key, serial, seen from ({earlier}) where {some} union "
        f'select key, serial, "at" as seen from right_side where {_SERIAL} and {some}) '
        f"left join ({undone}) as u on u.ref = key where seen is not null",
    )
    span = job.serials_s * 1_000_000
    engine.keep(
        "since",
        "select key, serial, us, min(case when counts then us end) over (partition by serial order by us "
        f"range between {span} preceding and current row) as first_us from bearing",
    )
    engine.keep(
        "bearers",
        'select r.own_key, r.key, r.serial, r.us, first_us, b.key as "by" from '
        f'(select own_key, key, serial, epoch_us("at") as us from right_side where {_SERIAL} and {some} '
        "and not starts_with(key, '~')) as r "
        "join since as s on s.serial = r.serial and s.key = r.key and s.us = r.us "
        "join (select serial, us, min(key) as key from bearing where counts group by serial, us) as b "
        "on b.serial = r.serial and b.us = s.first_us",
    )
    # Where the first bearer is an earlier row of the same order, another may stand between the two.
    return (
        'select own_key as reused_own, min(key) as reused_key, arg_min("by", (first_us, "by")) as reused_by from ('
        'select own_key, key, "by", first_us from bearers '
        'where "by" <> key and (first_us < us or "by" < key) '
        "union all select r.own_key, r.key, o.key, o.us from bearers as r join bearing as o on o.serial = r.serial "
        'where r."by" = r.key and first_us < r.us and o.counts and o.key <> r.key '
        f"and (o.us < r.us or (o.us = r.us and o.key < r.key)) and o.us >= r.us - {span}) group by own_key"
    )


def product_of(side: str) -> str:
    """Return SQL of a row's product as a number, for comparing the two of a pair: the same number, the same goods."""
    known = "product is not null"
    if side == "right":
        known += " and product in (select code from their_products)"
    return f"case when {known} then hash(product) end"


def compared(job: Job) -> bool:
    """Say whether the goods of this leg are compared at all."""
    return job.leg.name == SALE_SUPPLY


def beside(every: Any) -> Any:
    """Add to every item ``other_product`` and ``same_serial``, and ``goods``: what was found, in words."""
    known, twice = codes(), reused()
    known = known.mutate(is_known=ibis.literal(True))
    every = every.left_join(known, every.right_product == known.code).drop("code")
    every = every.left_join(twice, every.right_key == twice.reused_own)
    before = ibis.coalesce(every.p_also, ibis.literal("")) + "," + every.p_class.fill_null("")
    stays = before.contains("serial_reused") & every.r_batch.isnull()
    every = every.mutate(
        other_product=(every.is_known & (every.left_product != every.right_product)).fill_null(
            False
        ),
        same_serial=every.reused_by.notnull() | stays,
    )
    product = every.left_product + " sold, " + every.right_product + " delivered"
    serial = ibis.literal("serial delivered before for ") + every.reused_by
    return every.mutate(
        goods=ibis.cases(
            (every.other_product, product),
            (every.reused_by.notnull(), serial),
            else_=ibis.null("string"),
        )
    )
