"""Rows under an SOP: the one place where what is stored meets what the SOP adds (ruling 8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from finops_ledger.core.days import Window, zone
from finops_ledger.core.schema import MONEY, ROW_NAMES
from finops_ledger.core.schema import UTC as UTC_TIME
from finops_ledger.core.taxes import Tax
from finops_ledger.posting.tables import ROWS
from finops_ledger.sop.registry import PricedRule, Registry
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch, State

_DAY_US = 86_400_000_000
_POSTING_DAYS = ("day", "paid_day", "refund_day", "partner_day", "settled_day")


#: When a row happened, as far as it says so.
STATED = "coalesce(occurred_at, created_at, paid_at)"


def _shift_us(window: Window, day: date) -> int:
    """Return what is added to a UTC time so that its date is the window's day, in microseconds."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone(window.zone))
    offset = noon.utcoffset()
    assert offset is not None
    return int((offset + window.shift()).total_seconds()) * 1_000_000


def partner_day(registry: Registry, counterparty: str | None, day: date) -> str:
    """Return SQL of the partner's day of a row that a file of ``day`` holds.

    By the window that is in force on that day; the calendar day where no SOP says otherwise.
    """
    window = Window(zone=registry.zone)
    if counterparty and counterparty in registry.sops:
        supply = registry.of(counterparty).on(day).supply
        if supply is not None:
            window = supply.window.window()
    shift = _shift_us(window, day)
    return f"date '1970-01-01' + cast((epoch_us({STATED}) + {shift}) // {_DAY_US} as integer)"


def _view(root: Path, batch: Batch, registry: Registry, only_keys_of: str | None) -> str:
    stored = [n for n in ROW_NAMES if n != "record"]
    key = " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in batch.key)
    midnight = en.literal(datetime.combine(batch.day, datetime.min.time(), UTC).isoformat())
    by_window = partner_day(registry, batch.counterparty, batch.day)
    source = en.parquet([root / batch.file], position=True)
    kept = [_kind(registry, batch) if n == "kind" else n for n in stored]
    sql = (
        f"select cast(coalesce(record, file_row_number + 1) as bigint) as record, "
        f"{', '.join(kept)}, {key} as key, "
        f"coalesce(occurred_at, timestamptz {midnight}) as version_at, "
        f"{STATED} as stated_at, {by_window} as partner_day, {_settled_day(batch)} as settled_day, "
        f"date '{batch.covers[0]}' as covers_from, date '{batch.covers[1]}' as covers_to, "
        f"cast({batch.issue} as bigint) as issue, cast({batch.closes} as bigint) as closes, "
        f"date '{batch.opens or date.min}' as opens, "
        f"{_terms(registry, batch)} as terms "
        f"from ({source})"
    )
    if only_keys_of is not None:
        sql = f"select * from ({sql}) where key in (select key from {only_keys_of})"
    # What happened before the books begin (an order paid the evening before the first file) posts on their first day.
    start = f"date '{registry.start}'"
    names = [
        f"case when {n} < {start} then {start} else {n} end as {n}" if n in _POSTING_DAYS else n
        for n in ROWS
    ]
    return f"select {', '.join(names)} from ({sql})"


def _terms(registry: Registry, batch: Batch) -> str:
    """Return SQL of how the supplier of a file supplies, by the SOP of the file's day."""
    if batch.role != "supply":
        return "cast(null as varchar)"
    return en.literal(registry.model(batch.counterparty, batch.day))


def _kind(registry: Registry, batch: Batch) -> str:
    """Return SQL of a row's kind: an adjustment that names a top-up, as the SOP says it does, is about one."""
    sop = registry.sops.get(batch.counterparty or "")
    names = sop.on(batch.day).deposit.adjusts if sop is not None else ""
    if batch.role not in ("supply", "deposit") or not names:
        return "kind"
    told = f"regexp_matches(coalesce(orig_ref, ref, text, ''), {en.literal(names)})"
    return (
        f"case when kind in ('adjustment', 'refund') and {told} then 'topup' else kind end as kind"
    )


def _settled_day(batch: Batch) -> str:
    """Return SQL of the day on which a gateway's report settles: one a settlement, its last row's (ruling 11).

    Over the whole file, so that it is the same whichever of its rows are at hand.
    """
    if batch.role != "settlement":
        return "cast(null as date)"
    return "max(coalesce(day, file_day)) over (partition by coalesce(settlement_ref, ''))"


def read(
    engine: en.Engine,
    root: Path,
    registry: Registry,
    batches: Sequence[Batch],
    state: State,
    role: str,
) -> tuple[bool, bool]:
    """Register ``<role>_rows`` for the given batches and what shares a key with them.

    Returns whether any key can stand there twice, that is: whether versions must be looked for; and whether
    a period was closed between any two of the batches, so that the order of their commits matters.
    """
    own = {b.id for b in batches}
    others = {n.id: n for b in batches for n in state.neighbours(b.id) if n.id not in own}
    shared = bool(others) or any(state.neighbours(b.id) for b in batches)
    locked = len({b.closes for b in [*batches, *others.values()]}) > 1
    mine = [_view(root, b, registry, None) for b in sorted(batches, key=lambda b: b.id)]
    own_rows = " union all ".join(mine) if mine else en.empty(_EMPTY)
    if not others:
        engine.view(f"{role}_rows", own_rows)
        return shared, locked
    engine.keep(f"{role}_keys", f"select distinct key from ({own_rows})")
    theirs = [_view(root, b, registry, f"{role}_keys") for _, b in sorted(others.items())]
    engine.view(f"{role}_rows", " union all ".join([own_rows, *theirs]))
    return shared, locked


_EMPTY = {
    n: {
        "string": "varchar",
        "timestamp('UTC')": "timestamptz",
        "int64": "bigint",
        "int32": "integer",
    }.get(ty, ty)
    for n, ty in ROWS.items()
}


def give_rules(engine: en.Engine, registry: Registry) -> None:
    """Register ``rules``: cost and recognition by partner, product and time."""
    columns: dict[str, list[Any]] = {n: [] for n in _RULE_SCHEMA.names}
    for rule in registry.rules():
        values = (
            rule.partner,
            rule.price.product,
            rule.price.category,
            rule.price.face,
            rule.price.cost,
            rule.price.delta,
            rule.model,
            rule.tax,
            *_granted(rule),
            *_taxed(rule.ppn),
            rule.price.net,
            rule.price.partner_product or None,
            rule.start,
            rule.end,
        )
        for name, value in zip(_RULE_SCHEMA.names, values, strict=True):
            columns[name].append(value)
    engine.give("rules", pa.table(columns, schema=_RULE_SCHEMA))


def _granted(rule: PricedRule) -> tuple[Any, ...]:
    """A commission as whole numbers: the amount, or what part of the face value; the base of VAT; VAT; half up."""
    commission = rule.commission
    if commission is None:
        return (None,) * 8
    over, under = (commission.rate or Decimal(0)).as_integer_ratio()
    fixed = commission.amount
    grant = None if fixed is None else fixed.quantize(Decimal(1), ROUND_HALF_UP)
    return grant, over, under, *rule.vat


def _taxed(ppn: Tax | None) -> tuple[Any, ...]:
    """PPN as whole numbers: its rate, the other base, and whether it is rounded half up."""
    if ppn is None:
        return (None,) * 5
    rate, base = ppn.rate.as_integer_ratio(), ppn.base.as_integer_ratio()
    return *rate, *base, int(ppn.rounding == "half-up")


_RULE_SCHEMA = pa.schema(
    [
        ("rule_partner", pa.string()),
        ("rule_product", pa.string()),
        ("rule_category", pa.string()),
        ("rule_face", MONEY),
        ("rule_cost", MONEY),
        ("rule_delta", MONEY),
        ("rule_model", pa.string()),
        ("rule_tax", pa.string()),
        ("rule_grant", MONEY),
        ("rule_grant_over", pa.int64()),
        ("rule_grant_under", pa.int64()),
        ("rule_base_over", pa.int64()),
        ("rule_base_under", pa.int64()),
        ("rule_vat_over", pa.int64()),
        ("rule_vat_under", pa.int64()),
        ("rule_vat_up", pa.int64()),
        ("rule_ppn_over", pa.int64()),
        ("rule_ppn_under", pa.int64()),
        ("rule_other_over", pa.int64()),
        ("rule_other_under", pa.int64()),
        ("rule_ppn_up", pa.int64()),
        ("rule_net", pa.bool_()),
        ("rule_theirs", pa.string()),
        ("rule_from", UTC_TIME),
        ("rule_to", UTC_TIME),
    ]
)


def batches_on(state: State, role: str, days: Iterable[Any]) -> list[Batch]:
    """Return the live batches of a role that post on any of the given days."""
    wanted = set(days)
    return [b for b in state.batches.values() if b.role == role and wanted & set(b.days)]
