"""Reads what the vault needs: every row by which codes come in or go out, of all days.

The cost of a sale is that of the lots it takes, and these depend on every sale before it: books with a partner whose
codes are held in stock read the rows of these codes, and of no others, over all days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import ibis
import pyarrow as pa

from finops_ledger.core.money import ZERO
from finops_ledger.core.schema import MONEY
from finops_ledger.posting import reading, sale, supply, written_off
from finops_ledger.posting import tables as t
from finops_ledger.posting.stock import Gone, Place, Received, Returned, Stock, Wanted
from finops_ledger.posting.versions import KNOWN, with_previous
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.engine import Engine, empty, literal
from finops_ledger.subledger.manifest import Batch, State

#: What each row of a sale has cost: by batch and record, for each of its versions that is delivered.
COSTS: Final = "stock_costs"
_NO_COSTS: Final = {"batch": "varchar", "record": "bigint", "cost": "decimal(18, 4)"}
_ENTRY: Final = ("batch", "partner", "day", "orig", "category", "product")
_SEGMENTS: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("partner", pa.string()),
        ("day", pa.date32()),
        ("orig", pa.date32()),
        ("category", pa.string()),
        ("product", pa.string()),
        ("seg_start", MONEY),
        ("seg_end", MONEY),
        ("cost", MONEY),
    ]
)


def none(engine: Engine) -> None:
    """Register the costs of books, or of a look at rows, that need none."""
    engine.keep(COSTS, empty(_NO_COSTS))


def fill(
    engine: Engine, root: Path, registry: Registry, state: State, more: Iterable[Gone] = ()
) -> Stock:
    """Run the vault over all days; register :data:`COSTS`. The table of rules must stand.

    ``more``: what decisions take out that are not recorded yet.
    """
    batches = list(state.batches.values())
    stocked = [
        b for b in batches if b.role == "supply" and "stock" in _models(registry, b.counterparty)
    ]
    vault = Stock(registry.currency)
    received = _received(engine, root, registry, state, stocked)
    sold = [b for b in batches if b.role == "sale"]
    wanted, returned = _orders(engine, root, registry, state, sold)
    rank = {b.id: (b.source, b.day.isoformat(), b.id) for b in batches}
    gone = written_off.in_order([*written_off.recorded(root, state), *more])
    vault.run(received, wanted, returned, rank, gone)
    _costs(engine, vault)
    return vault


def _models(registry: Registry, counterparty: str | None) -> set[str]:
    sop = registry.sops.get(counterparty or "")
    return sop.models if sop is not None else set()


def _received(
    engine: Engine, root: Path, registry: Registry, state: State, batches: list[Batch]
) -> list[Received]:
    shared, locked = reading.read(engine, root, registry, batches, state, "supply")
    engine.keep("stock_in", query(received, shared=shared, locked=locked))
    rows = engine.rows(
        "select batch, partner, day_post, orig, product, lot, category, quantity, paid, count(*) as n, "
        "min(record) as first "
        "from (select s.*, coalesce((select min(rule_category) from rules where rule_partner = s.partner "
        "and rule_product = s.product), s.stated_category, 'none') as category from stock_in as s) "
        "where paid <> 0 group by batch, partner, day_post, orig, product, lot, category, quantity, paid "
        "order by day_post, batch, first"
    )
    return [
        Received(
            (r["batch"], r["partner"], r["day_post"], r["orig"]),
            r["category"],
            r["product"] or "none",
            r["lot"] or "",
            r["n"],
            r["quantity"] or Decimal(1),
            r["paid"],
        )
        for r in rows
    ]


def received(*, shared: bool, locked: bool = False) -> Any:
    """Rows of code files, each with what it adds to the vault: product, lot, units, what was paid."""
    lines = supply.lines(shared=shared, locked=locked, models=("postpaid", "stock"))
    lines = lines.filter((lines.disposition != KNOWN) & (lines.d_stock != t.amount(0)))
    return lines.select(
        "batch",
        "record",
        "partner",
        "day_post",
        "orig",
        lines.product,
        lines.ref.name("lot"),
        lines.category.name("stated_category"),
        ibis.coalesce(lines.quantity, t.amount(1)).name("quantity"),
        lines.d_stock.name("paid"),
    )


def _orders(
    engine: Engine, root: Path, registry: Registry, state: State, batches: list[Batch]
) -> tuple[list[Wanted], list[Returned]]:
    shared, locked = reading.read(engine, root, registry, batches, state, "sale")
    partners = [s.counterparty for s in registry.named("supplier") if "stock" in s.models]
    rows = query(of_stock, tuple(partners))
    engine.keep("stock_sales", rows)
    engine.keep("stock_versions", query(versions, shared=shared, locked=locked))
    takes = "wants and not wanted"
    engine.keep(
        "stock_takes",
        f"select *, sum(quantity) over (partition by {', '.join(_ENTRY)} order by moment, record "
        f"rows unbounded preceding) as ends from stock_versions where {takes}",
    )
    same = " and ".join(
        f"t.{n} is not distinct from r.{n}" for n in ("source", "key", "occurrence")
    )
    # What a version that delivers stands on: the last version at or before it that took something.
    engine.keep(
        "stock_of",
        "select r.batch, r.record, r.step, r.wants, r.wanted, r.day, r.orig, r.partner, "
        "arg_max(struct_pack(b := t.batch, r := t.record), t.step) as taken "
        f"from stock_versions as r join stock_takes as t on {same} and t.step <= r.step "
        "group by r.batch, r.record, r.step, r.wants, r.wanted, r.day, r.orig, r.partner",
    )
    entry = ", ".join(_ENTRY)
    wanted = [
        Wanted(_place(r), r["category"], r["product"], r["units"], _whole(engine, r))
        for r in engine.rows(
            f"select {entry}, sum(quantity) as units from stock_takes group by {entry} order by {entry}"
        )
    ]
    returned = [
        Returned(
            (r["r_batch"], r["r_partner"], r["r_day"], r["r_orig"]),
            (_place(r), r["category"], r["product"]),
            r["ends"] - r["quantity"],
            r["ends"],
        )
        for r in engine.rows(
            "select t.*, r.batch as r_batch, r.prev_partner as r_partner, r.day as r_day, r.orig as r_orig "
            "from stock_versions as r join stock_of as o on o.batch = r.batch and o.record = r.record "
            "join stock_takes as t on t.batch = o.taken.b and t.record = o.taken.r "
            "where r.wanted and not r.wants order by r.day, r.batch, r.record"
        )
    ]
    return wanted, returned


def _place(row: Mapping[str, Any]) -> Place:
    return row["batch"], row["partner"], row["day"], row["orig"]


def _whole(engine: Engine, entry: Mapping[str, Any]) -> Any:
    where = " and ".join(f"{n} is not distinct from {_literal(entry[n])}" for n in _ENTRY)

    def units(there: Decimal) -> Decimal:
        found = engine.rows(
            f"select max(ends) as ends from stock_takes where {where} and ends <= {there}"
        )
        return found[0]["ends"] or ZERO

    return units


def _literal(value: Any) -> str:
    return f"date '{value}'" if hasattr(value, "isoformat") else literal(value)


def of_stock(partners: tuple[str, ...]) -> Any:
    """All versions of sales that any version says were supplied from stock."""
    rows = t.rows_table("sale")
    theirs = rows.filter(rows.partner.isin(list(partners)))
    return rows.semi_join(theirs, ["source", "key"])


def versions(*, shared: bool, locked: bool = False) -> Any:
    """Each version: whether it wants a code, and whether the one before it did."""
    rows = sale.valued(ibis.table(t.ROWS, name="stock_sales"), t.rules_table())
    lines = with_previous(rows, shared=shared, locked=locked)
    wants = ((lines.state == "success") & (lines.rule_model == "stock")).fill_null(False)
    wanted = ((lines.prev_state == "success") & (lines.prev_rule_model == "stock")).fill_null(False)
    return lines.select(
        "batch",
        "record",
        "source",
        "key",
        "occurrence",
        "step",
        "partner",
        "prev_partner",
        "category",
        ibis.coalesce(lines.product, ibis.literal("none")).name("product"),
        ibis.coalesce(lines.quantity, t.amount(1)).name("quantity"),
        lines.day_state.name("day"),
        t.orig(lines, lines.own_state, lines.prev_day_state).name("orig"),
        ibis.coalesce(lines.stated_at, lines.version_at).name("moment"),
        wants.name("wants"),
        wanted.name("wanted"),
    )


def _costs(engine: Engine, vault: Stock) -> None:
    columns: list[list[Any]] = [[] for _ in _SEGMENTS.names]
    for one in vault.segments:
        values = (*one.place, one.category, one.product, one.start, one.end, one.lot.cost)
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    engine.give("stock_segments", pa.table(columns, schema=_SEGMENTS))
    same = " and ".join(f"t.{n} is not distinct from g.{n}" for n in _ENTRY)
    part = "least(t.ends, g.seg_end) - greatest(t.ends - t.quantity, g.seg_start)"
    engine.keep(
        "stock_taken",
        f"select t.batch, t.record, any_value(t.quantity) as quantity, sum({part}) as units, "
        f"sum(({part}) * g.cost) as cost from stock_takes as t join stock_segments as g on {same} "
        f"and {part} > 0 group by t.batch, t.record",
    )
    engine.keep(
        COSTS,
        "select o.batch, o.record, cast(c.cost as decimal(18, 4)) as cost from stock_of as o "
        "join stock_taken as c on c.batch = o.taken.b and c.record = o.taken.r "
        "where o.wants and c.units = c.quantity",
    )
