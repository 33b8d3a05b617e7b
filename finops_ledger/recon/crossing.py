"""Across partners: a sale that names one supplier and was delivered by another (DESIGN §5, worked-cases 2).

Only what a day leaves one-sided is looked up at the other suppliers: in the rows of the day, in their items of the
day before, and in what they matched. What is found decides by the rows and the day before alone, so that each
supplier's run comes to the same answer, whichever runs first. The answer joins the sides as *foreign* rows: a right
row that settles the sale where it was made, a left row that meets the delivery where it was charged.

===========  ======================================================================================
``x_keys``   orders to look up: one-sided today or before; crossed before, and their sale is revised
``x_sale``   of each order the sale that stands, and whose it is
``x_rows``   the day's rows of each supplier for them
``x_before`` what stood of them the day before, at each supplier
``x_link``   orders that are crossed: who sold, who delivered, at what cost and list price
``x_left``   what the sale is to the one who delivered: its state, and what it releases
``x_taken``  orders that were crossed to this supplier, and are its own sale now
===========  ======================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from finops_ledger.recon import crossing_told as telling
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import CROSS, FOREIGN, Job
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import matches as stored

_BESIDE: Final = "('topup', 'bonus', 'fee', 'tax', 'refund', 'adjustment')"
_MONEY: Final = "decimal(18, 4)"
_ZERO: Final = f"cast(0 as {_MONEY})"
_STANDING: Final = (
    "key occurrence left_batch left_record left_state left_now left_value left_serial category model right_batch "
    "right_record right_key right_state right_kind right_now right_held settled claimed rule"
).split()
_UNDONE: Final = "('failed', 'reversed', 'refunded')"
#: A row that failed and took nothing: as if there were none.
_NOTHING: Final = "(right_state = 'failed' and right_now = 0 and right_held = 0)"
#: What only an open item knows of its sides.
_OPEN: Final = {
    "left_at": "timestamptz",
    "left_product": "varchar",
    "left_customer": "varchar",
    "right_at": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class _Names:
    """SQL of the run's names: this supplier, the suppliers whose day is complete, the day."""

    own: str
    all: str
    day: str


def run(engine: en.Engine, job: Job) -> telling.Told:
    """Add the foreign rows to ``lhs`` and ``rhs``; return what was restated and released.

    ``prior`` must stand, and the line tables of the day. Nothing is done where the day leaves nothing one-sided.
    """
    if len(job.partners) < 2 or not engine.keep("x_keys", _keys(job)):
        return {}
    own = en.literal(job.counterparty)
    every = ", ".join(en.literal(p.counterparty) for p in job.partners)
    names = _Names(own, f"({every})", f"date '{job.day}'")
    engine.keep("x_before", _before(job))
    engine.keep("x_rows", _rows(names))
    engine.keep("x_sale", _sale(names))
    engine.keep("x_link", _LINK)
    # Of a crossing one end is at a supplier whose day is not complete: it stays as it is until that day is.
    engine.keep("x_blocked", _BLOCKED)
    engine.keep("x_charged", _charged(names))
    engine.keep("x_left", _left(names))
    engine.keep("x_taken", _taken(names))
    return _join(engine, job, names)


def _keys(job: Job) -> str:
    """Orders of this supplier to look up at the others."""
    additions = "('refund', 'adjustment')"
    found = [
        # A failed row that took nothing is no delivery: the usual failover.
        "select key from lhs where state = 'success' and key not in (select key from rhs where key is not null "
        "and not (state = 'failed' and move = 0 and held = 0))",
        "select key from rhs where state = 'success' and move <> 0 and left(key, 1) <> '~' "
        f"and kind not in {additions} and key not in (select key from lhs)",
        "select key from prior where occurrence = '' and amount <> 0 and left(key, 1) not in ('~', '!', '?') "
        f"and (left_batch is null or right_batch is null or rule = '{CROSS}' or {_NOTHING})",
        # A row that was not final comes to nothing today.
        "select key from prior where occurrence = '' and amount <> 0 and right_now = 0 and right_key in "
        "(select own_key from rhs where state = 'failed' and move = 0 and held = 0)",
    ]
    own = next(p for p in job.partners if p.counterparty == job.counterparty)
    if own.crossed:
        found.append(
            f"select key from ({stored.read(own.crossed)}) where rule = '{CROSS}' and key in (select ref "
            f"from sale_lines where day_state = date '{job.day}' and disposition = 'revised')"
        )
    return f"select distinct key from ({' union all '.join(found)}) where key is not null"


def _before(job: Job) -> str:
    """What stood of the orders the day before at each supplier: open items first, then the last match."""
    parts = []
    standing = ", ".join(f'"{n}"' for n in _STANDING)
    for one in job.partners:
        who = f"{en.literal(one.counterparty)} as who"
        wanted = "key in (select key from x_keys)"
        if one.items:
            opened = ", ".join(_OPEN)
            parts.append(
                f"select {who}, date '9999-12-31' as of_day, {standing}, {opened} "
                f"from ({en.parquet(one.items)}) where not is_closed and {wanted}"
            )
        matches = sorted({*one.matches, *one.crossed})
        if matches:
            nothing = ", ".join(f"cast(null as {ty}) as {n}" for n, ty in _OPEN.items())
            parts.append(
                f"select {who}, day as of_day, {standing}, {nothing} "
                f"from ({stored.read(matches)}) where {wanted}"
            )
    if not parts:
        types = {**rt.sql_types({n: rt.ITEM[n] for n in _STANDING}), **_OPEN}
        none = en.empty({"who": "varchar", "of_day": "date", **types})
        return f"select *, false as sold, false as met from ({none})"
    foreign = f"coalesce(rule = '{CROSS}', false)"
    settles = f"coalesce(right_kind = '{FOREIGN}', false)"
    return (
        # Our own sale is the left side, or another's; our own row the right side, or another's.
        f"select *, left_batch is not null and (not {foreign} or {settles}) as sold, "
        f"{settles} as met from ({' union all '.join(parts)}) "
        "qualify row_number() over (partition by who, key, occurrence order by of_day desc) = 1"
    )


def _rows(names: _Names) -> str:
    """The day's rows of all suppliers for the orders, the versions of one added up."""
    rows = (
        "select partner as who, ref as key, key as own, "
        "arg_max(status, step) as status, arg_max(batch, step) as batch, arg_max(record, step) as record, "
        f"arg_max(stated_at, step) as stated_at, cast(sum(d_clearing) as {_MONEY}) as moved "
        "from supply_lines where ref in (select key from x_keys) "
        f"and day_post = {names.day} and disposition <> 'known' and kind not in {_BESIDE} and d_stock = 0 "
        f"and partner in {names.all} group by partner, ref, key, occurrence"
    )
    # A try that failed and took nothing says nothing of the other rows of its order.
    return (
        f"select r.* from ({rows}) as r left join (select distinct who, right_key from x_before "
        "where right_key is not null) as b on b.who = r.who and b.right_key = r.own "
        f"where b.right_key is not null or r.moved <> 0 or r.status not in {_UNDONE}"
    )


def _sale(names: _Names) -> str:
    """The sale that stands of each order: the day's, else the one that stood the day before."""
    today = (
        "select ref as key, partner as who, batch, record, "
        "case when model = 'stock' then 'stock' when cost <> 0 then 'success' when no_price then 'pending' "
        f"else state end as state, cast(cost as {_MONEY}) as cost, amount as value, stated_at, product, category, "
        "model, customer, true as fresh, true as whole from sale_lines "
        f"where ref in (select key from x_keys) and day_state = {names.day} and disposition <> 'known' "
        "and model <> 'recharge' qualify row_number() over "
        "(partition by ref order by step desc, stated_at desc, batch desc, record desc) = 1"
    )
    stood = (
        f"select key, who, left_batch, left_record, left_state, cast(-left_now as {_MONEY}), left_value, left_at, "
        "left_product, category, model, left_customer, false, settled = 0 and claimed = 0 "
        "from x_before where sold and occurrence = '' qualify row_number() over "
        "(partition by key order by case when left_state = 'failed' then 1 else 0 end, of_day desc, who) = 1"
    )
    return (
        f"select * from (with today as ({today}) select * from today union all select * from ({stood}) "
        f"where key not in (select key from today)) where who in {names.all}"
    )


_LINK: Final = (
    "select s.key, s.who as q, d.who as p, s.right_now as cost, cast(-d.left_now as decimal(18, 4)) as listed, "
    "s.right_key as own, s.right_batch, s.right_record from x_before as s join x_before as d on s.key = d.key "
    "and s.who <> d.who where s.occurrence = '' and s.met and s.right_now <> 0 "
    f"and d.occurrence = '' and d.rule = '{CROSS}' and not d.met and d.left_now <> 0"
)

_BLOCKED: Final = (
    "select key from x_before where occurrence = '' and key not in (select key from x_link) and "
    f"((met and right_now <> 0) or (rule = '{CROSS}' and not met and not sold and left_now <> 0))"
)


def _charged(names: _Names) -> str:
    """Deliveries without an own sale: one charged row, of the day or before, kept, and nobody has decided about it."""
    back = (
        "select partner as who, ref as key, orig_ref, d_clearing as moved from supply_lines "
        f"where kind in ('refund', 'adjustment') and day_post = {names.day} and disposition <> 'known'"
    )
    # What is given back today names the row, else the order.
    given = (
        "left join (select who, orig_ref, sum(moved) as moved from back where orig_ref is not null "
        "group by who, orig_ref) as g on g.who = {0}.who and g.orig_ref = {1} "
        "left join (select who, key, sum(moved) as moved from back where orig_ref is null group by who, key) as h "
        "on h.who = {0}.who and h.key = {0}.key"
    )
    kept = "coalesce(g.moved, 0) + coalesce(h.moved, 0) > 0"
    return (
        f"with back as ({back}), one as (select who, key, min(own) as own, min(status) as status, "
        "min(batch) as batch, min(record) as record, min(stated_at) as stated_at, min(moved) as moved "
        "from x_rows group by who, key having count(*) = 1), "
        "b as (select * from x_before where occurrence = '') "
        "select o.who, o.key, o.own, o.batch, o.record, o.stated_at, o.moved as amount from one as o "
        f"left join b on b.who = o.who and b.key = o.key {given.format('o', 'o.own')} "
        f"where o.status = 'success' and o.moved > 0 and o.moved + {kept} and (b.key is null or (not b.sold "
        "and not b.met and b.right_key = o.own and b.right_now = 0 and b.settled = 0 and b.claimed = 0)) "
        "union all select b.who, b.key, b.right_key, b.right_batch, b.right_record, b.right_at, b.right_now "
        f"from b {given.format('b', 'b.right_key')} where not b.sold and not b.met and b.right_state = 'success' "
        f"and b.right_now + {kept} and b.settled = 0 and b.claimed = 0 "
        "and not exists (select 1 from x_rows as r where r.who = b.who and r.key = b.key)"
    )


def _left(names: _Names) -> str:
    """What the standing sale is to each supplier that delivered it and did not sell it.

    ``cost`` is what its seller expected, ``listed`` what the deliverer's own price list says for the product at the
    sale's time; a deliverer without a price for it is held to what the seller expected.
    """
    delivered = (
        "select who, key from x_rows where status = 'success' and moved > 0 union "
        "select who, key from x_before where right_state = 'success' and right_now > 0 and not met"
    )
    has_row = (
        f"select who, key from x_rows where moved <> 0 or status not in {_UNDONE} union "
        f"select b.who, b.key from (select * from x_before where not coalesce({_NOTHING}, false)) as b "
        "left join (select distinct who, key, own from x_rows where moved = 0 "
        f"and status in {_UNDONE}) as n on n.who = b.who and n.key = b.key and n.own = b.right_key "
        "where b.right_batch is not null and not b.met and (b.right_now <> 0 or n.own is null)"
    )
    unit = (
        "case when not coalesce({0}.rule_net, false) "
        "then coalesce({0}.rule_cost, {0}.rule_face + {0}.rule_delta) end"
    )
    minor = "cast(cast({} as decimal(22, 4)) * 10000 as bigint)"
    ours = minor.format(unit.format("a"))
    cost = minor.format("c.cost")
    during = "coalesce(c.sold_at, cast({0} as timestamptz)) >= {1}.rule_from and "
    during += "coalesce(c.sold_at, cast({0} as timestamptz)) < {1}.rule_to"
    return (
        f"with delivered as ({delivered}), has_row as ({has_row}), "
        # One delivers a sale: who does so already, else the first to charge it, if its seller has no row of it.
        "candidate as (select s.key, s.who as q, s.batch as l_batch, s.record as l_record, s.state, s.cost, s.value, "
        "s.stated_at as sold_at, s.product, s.category, s.model, s.customer, s.fresh, s.whole, "
        "c.who as p, c.own, c.batch, c.record, c.stated_at, k.p as linked, k.q as linked_by, "
        "exists (select 1 from delivered as d where d.key = s.key and d.who = s.who) as by_seller, "
        "exists (select 1 from has_row as h where h.key = s.key and h.who = s.who) as seller_has "
        "from x_sale as s join (select who, key, own, batch, record, stated_at from x_charged "
        "union select p, key, own, right_batch, right_record, null from x_link "
        "where (p, key) not in (select who, key from x_charged)) as c on c.key = s.key and c.who <> s.who "
        "left join x_link as k on k.key = s.key where s.key not in (select key from x_blocked)), "
        "ranked as (select *, row_number() over (partition by key order by "
        "case when linked = p then 0 else 1 end, stated_at nulls last, p) as place from candidate), "
        "c as (select *, state = 'success' and cost <> 0 and place = 1 and "
        "(coalesce(linked = p and linked_by = q, false) or (not seller_has and whole)) as is_met from ranked "
        "where linked is null or linked <> p or fresh) "
        "select c.*, case when is_met then 'success' when state in ('pending', 'unknown') then 'pending' "
        "when state = 'failed' then 'failed' "
        "when state = 'success' and (by_seller or linked is not null or place > 1) then 'delivered' end as left_state, "
        f"cast(case when is_met then case when {ours} > 0 and {cost} % {ours} = 0 "
        f"then coalesce(({cost} // {ours}) * {unit.format('b')}, cost) else cost end else 0 end as {_MONEY}) as listed "
        f"from c left join rules as a on a.rule_partner = c.q and a.rule_product = c.product "
        f"and {during.format(names.day, 'a')} "
        f"left join rules as b on b.rule_partner = c.p and b.rule_product = c.product "
        f"and {during.format(names.day, 'b')}"
    )


def _taken(names: _Names) -> str:
    """Orders that were crossed to this supplier and whose sale names it now: the own sale takes the place."""
    return (
        "select k.key, k.q, k.listed from x_link as k "
        f"join x_sale as s on s.key = k.key where k.p = {names.own} and s.who = {names.own} and s.fresh "
        "and k.key not in (select key from x_blocked)"
    )


def _join(engine: en.Engine, job: Job, names: _Names) -> telling.Told:
    """Put the foreign rows of this supplier beside its own."""
    number = f"coalesce((cast(floor(epoch({{0}})) as bigint) + {job.shift_s}) // 86400, {job.day_number})"
    cost, listed = (
        f"regexp_replace(cast(x.{n} as varchar), '[.]?0+$', '')" for n in ("cost", "listed")
    )
    told = f"x.q || ' expected ' || {cost} || ', ' || x.p || ' is held to ' || {listed}"
    common = {
        "key": "x.key",
        "occurrence": "''",
        "kind": f"'{FOREIGN}'",
        "held": "0",
        "fee": "0",
        "via": f"'{CROSS}'",
        "copy": "0",
        "step": "0",
        "operands": f"case when x.is_met then {told} end",
    }
    left = {
        **common,
        "batch": "x.l_batch",
        "record": "x.l_record",
        "own_key": "x.key",
        "state": "x.left_state",
        "move": "-x.listed - coalesce(b.left_now, 0)",
        "value": "x.value",
        "at": "x.sold_at",
        "anchor": number.format("x.sold_at"),
        "category": "x.category",
        "model": "x.model",
        "renewed": "b.left_batch is not null",
        "customer": "x.customer",
        "product": "x.product",
    }
    engine.keep(
        "x_lhs",
        f"select {rt.columns(left)} from x_left as x left join x_before as b on b.who = x.p and b.key = x.key "
        f"and b.occurrence = '' where x.p = {names.own} and x.left_state is not null and (x.left_state, -x.listed) "
        "is distinct from (b.left_state, b.left_now)",
    )
    # What the seller's sale is settled with: all that it expected, or nothing any more.
    engine.keep(
        "x_met",
        "select coalesce(n.key, k.key) as key, n.p, k.p as p_before, n.cost, k.cost as cost_before, n.listed, "
        "k.listed as listed_before, coalesce(k.own, n.p || ':' || n.own) as own, "
        "coalesce(n.batch, k.right_batch) as batch, coalesce(n.record, k.right_record) as record, "
        "n.stated_at, n.is_met, s.category, s.model from "
        f"(select * from x_left where is_met and q = {names.own}) as n "
        f"full join (select * from x_link where q = {names.own} and key in (select key from x_sale where fresh) "
        "and key not in (select key from x_blocked)) as k on n.key = k.key "
        "left join (select key, category, model from x_sale) as s on s.key = coalesce(n.key, k.key) "
        "where (n.p, n.cost, n.listed) is distinct from (k.p, k.cost, k.listed)",
    )
    right = {
        **common,
        "batch": "x.batch",
        "record": "x.record",
        "own_key": "x.own",
        "state": "case when x.is_met then 'success' else 'failed' end",
        "move": "coalesce(x.cost, 0) - coalesce(x.cost_before, 0)",
        "value": "abs(coalesce(x.cost, 0) - coalesce(x.cost_before, 0))",
        "at": "x.stated_at",
        "anchor": number.format("x.stated_at"),
        "renewed": "x.cost_before is not null",
        "operands": f"case when x.is_met then {told.replace('x.q', names.own)} end",
    }
    engine.keep("x_rhs", f"select {rt.columns(right)} from x_met as x")
    if engine.count("x_taken"):
        # What the other's sale released here goes back with the own one.
        engine.keep(
            "lhs",
            f"select l.* replace (cast(l.move + coalesce(t.listed, 0) as {_MONEY}) as move) from lhs as l "
            "left join x_taken as t on t.key = l.key and l.occurrence = ''",
        )
    for side in ("lhs", "rhs"):
        if engine.count(f"x_{side}"):
            engine.keep(side, f"select * from {side} union all select * from x_{side}")
    return telling.moved(engine, names.own)
