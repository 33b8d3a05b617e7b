"""What the checks look at: one reconciled day of one leg and counterparty, laid out as tables.

===========  ==========================================================================================
``matches``  what the day settled, ``items`` what it left open or closed (columns as the files have them)
``results``  both together: the day's results, one a line
``before``   items that were open at the end of the last reconciled day before
``elsewhere`` results of this leg and counterparty on other days
``rows``     the rows of every batch that a result or the day names, and of those with other versions of them
``posted``   those of ``rows`` that post on the day for this counterparty, with their side
===========  ==========================================================================================
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from finops_ledger.core.days import zone
from finops_ledger.core.schema import ROW_NAMES
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger import matches
from finops_ledger.subledger.engine import Engine, literal, parquet
from finops_ledger.subledger.manifest import Batch, Line, State

#: Columns of a result that the checks read, and what stands in them where a file has none.
RESULT: Final = {
    "key": "varchar",
    "occurrence": "varchar",
    "left_batch": "varchar",
    "left_record": "bigint",
    "left_state": "varchar",
    "left_now": "decimal(18, 4)",
    "right_batch": "varchar",
    "right_record": "bigint",
    "right_key": "varchar",
    "right_state": "varchar",
    "right_kind": "varchar",
    "right_now": "decimal(18, 4)",
    "right_held": "decimal(18, 4)",
    "settled": "decimal(18, 4)",
    "claimed": "decimal(18, 4)",
    "class": "varchar",
    "home": "varchar",
    "amount": "decimal(18, 4)",
    "opened": "date",
    "rule": "varchar",
    "operands": "varchar",
    "id": "varchar",
    "touched": "boolean",
    "amount_before": "decimal(18, 4)",
    "recon_amount": "decimal(18, 4)",
    "released": "decimal(18, 4)",
    "absorbed": "decimal(18, 4)",
    "recovered": "decimal(18, 4)",
    "breaks_on": "date",
    "is_closed": "boolean",
    "lost": "decimal(18, 4)",
}
#: The legs that ship with the package: each has an account.
PACKAGE: Final = (
    *(
        "sale-supply",
        "supply-statement",
        "topup-bank",
        "sale-gateway",
        "gateway-fee",
        "settlement-bank",
    ),
    *("payment-bank", "bank-suspense", "undelivered", "refund-payable"),
)
#: Sides by leg, for the legs whose rows meet one by one: role, and what tells whose row it is.
ROLES: Final = {
    "sale-supply": {"left": "sale", "right": "supply"},
    "supply-statement": {"left": "supply", "right": "deposit"},
}


@dataclass(frozen=True)
class Day:
    """One reconcile line and the engine in which its evidence stands."""

    root: Path
    engine: Engine
    state: State
    registry: Registry
    line: Line

    @property
    def leg(self) -> str:
        """The leg."""
        return str(self.line["leg"])

    @property
    def counterparty(self) -> str:
        """The counterparty."""
        return str(self.line["counterparty"])

    @property
    def day(self) -> date:
        """The day."""
        return date.fromisoformat(self.line["day"])

    @property
    def model(self) -> str:
        """How the counterparty supplies on the day: prepaid, postpaid or stock."""
        return self.registry.model(self.counterparty, self.day)

    @property
    def one_by_one(self) -> bool:
        """Say whether the rows of the leg meet one by one, so that results name them all."""
        return self.leg == "sale-supply"

    @property
    def posts(self) -> bool:
        """Say whether the items of the leg stand on accounts; a leg that the company declares may have none."""
        if self.leg in PACKAGE:
            return True
        told = tomllib.loads((self.root / "finops.toml").read_text(encoding="utf-8"))
        named = {(n["name"], n.get("account", "")) for n in told.get("legs", [])}
        for sop in self.registry.sops.values():
            named |= {(n.name, n.account) for version in sop.versions for n in version.legs}
        return any(account for name, account in named if name == self.leg)

    @property
    def place(self) -> str:
        """How a finding names the result."""
        return f"{self.day} {self.leg} {self.counterparty}"

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Run SQL over the evidence."""
        return self.engine.rows(sql)

    def original(self, batch: str, record: int) -> str:
        """Name a row by its file and record, as a person would look it up."""
        known = self.state.batches.get(batch)
        return f"{known.name if known else batch}, record {record}"


def lay_out(day: Day) -> None:
    """Lay the evidence of a day out as tables."""
    engine = day.engine
    engine.keep("matches", _results(day, [day.line], "/matches/"))
    engine.keep("items", _results(day, [day.line], "/breaks/"))
    # What was open and is settled today stands in both files: once is enough.
    engine.keep(
        "results",
        "select * from items union all select * from matches as m where not exists "
        "(select 1 from items as i where i.key = m.key and i.occurrence = m.occurrence and i.is_closed)",
    )
    others = [
        line
        for (leg, who, when), line in sorted(day.state.reconciled.items())
        if leg == day.leg and who == day.counterparty and when != day.day
    ]
    earlier = [line for line in others if line["day"] < day.line["day"]]
    engine.keep(
        "before",
        f"select * from ({_results(day, earlier[-1:], '/breaks/')}) where not is_closed",
    )
    engine.keep(
        "prior",
        f"select * from ({_results(day, earlier[-1:], '/breaks/')}) where not is_closed or lost <> 0",
    )
    engine.view("elsewhere", _results(day, others, "/matches/"))
    _lay_out_rows(day)


def standing(day: Day) -> tuple[str, str]:
    """Return SQL of what a supplier's row ``r`` of one version moves on clearing, and of what it holds."""
    open_ = "r.status in ('pending', 'unknown')"
    if day.model != "postpaid":
        amount = "-coalesce(r.amount, 0)"
        return (
            f"case when {open_} then 0 else {amount} end",
            f"case when {open_} then {amount} else 0 end",
        )
    # Nothing is owed for what is not final; what is granted, with its VAT, is not asked of the order.
    granted = " - ".join(
        f"coalesce(cast(r.{n} as decimal(18, 4)), 0)" for n in ("commission", "vat")
    )
    final = f"cast(-r.amount - {granted} as decimal(18, 4))"
    none = "cast(0 as decimal(18, 4))"
    return f"case when {open_} or coalesce(r.amount, 0) = 0 then 0 else {final} end", none


def _results(day: Day, lines: list[Line], folder: str) -> str:
    files = [day.root / f for line in lines for f in line["files"] if folder in f]
    if not files:
        columns = ", ".join(f'cast(null as {ty}) as "{n}"' for n, ty in RESULT.items())
        return f"select {columns} where false"
    have = {r["column_name"] for f in files for r in day.rows(f"describe {parquet([f])}")}
    columns = ", ".join(
        f'cast({_quoted(n) if n in have else "null"} as {ty}) as "{n}"' for n, ty in RESULT.items()
    )
    listed = ", ".join(literal(str(f)) for f in files)
    read = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    stored = f"select * from {read}"
    return f"select {columns} from ({matches.whole(stored) if folder == '/matches/' else stored})"


def bank_rules(day: Day, batch: Batch) -> tuple[tuple[str, str, str], ...]:
    """Return the rules for the lines of a bank's file: pattern, kind and counterparty, in order."""
    sop = day.registry.sops.get(batch.counterparty or "")
    lines = sop.on(batch.day).lines if sop is not None else []
    return tuple((one.when, one.kind, one.counterparty) for one in lines)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _lay_out_rows(day: Day) -> None:
    """Lay out the rows of the batches that the day uses, or that one of its results names."""
    named = day.rows(
        "select distinct batch from (select left_batch as batch from results union all "
        "select right_batch from results) where batch is not null"
    )
    wanted = {r["batch"] for r in named} | set(day.line["uses"])
    # Batches with other versions of the same rows.
    wanted |= {
        n.id for b in sorted(wanted & day.state.batches.keys()) for n in day.state.neighbours(b)
    }
    batches = [day.state.batches[b] for b in sorted(wanted) if b in day.state.batches]
    parts = [_rows(day, b) for b in batches]
    none = ", ".join(f"cast(null as varchar) as {n}" for n in ROW_NAMES if n not in _TYPED)
    typed = ", ".join(f"cast(null as {ty}) as {n}" for n, ty in _TYPED.items())
    empty = f"select {none}, {typed} where false"
    # Typed once, so that a day without a row has the same columns.
    day.engine.keep("rows", " union all by name ".join([*parts, empty]))
    used = ", ".join(literal(b) for b in day.line["uses"]) or "''"
    sides = ROLES.get(day.leg, {})
    side = " ".join(f"when role = '{role}' then '{name}'" for name, role in sides.items())
    day.engine.keep(
        "posted",
        (
            f"select *, case {side} end as side from rows where batch in ({used}) "
            f"and posting_day = date '{day.day}' and partner = {literal(day.counterparty)} "
            f"and role in ({', '.join(literal(r) for r in sides.values())})"
            # A re-charge moves no goods: it releases what a customer owes, and meets no row of a partner.
            " and not (role = 'sale' and coalesce(kind, '') = 'recharge')"
        )
        if sides
        else "select *, cast(null as varchar) as side from rows where false",
    )


_TYPED: Final = {
    "record": "bigint",
    "occurrence": "integer",
    "amount": "decimal(18, 4)",
    "cost": "decimal(18, 4)",
    "quantity": "decimal(18, 4)",
    "price": "decimal(18, 4)",
    "face": "decimal(18, 4)",
    "at": "timestamptz",
    "version_at": "timestamptz",
    "posting_day": "date",
    "row_key": "varchar",
    "issue": "bigint",
    "closes": "bigint",
}


def _rows(day: Day, batch: Batch) -> str:
    """Return SQL of a batch's rows, each with its posting day (rule R2) and its own key."""
    kept = [n for n in ROW_NAMES if n not in _TYPED]
    source = parquet([day.root / batch.file], position=True)
    key = " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in batch.key)
    first = max(day.registry.start, batch.opens or date.min)
    money = ", ".join(f"{n}" for n in ("amount", "cost", "quantity", "price", "face"))
    texts = (f'cast({_kind(day, batch) if n == "kind" else n} as varchar) as "{n}"' for n in kept)
    midnight = datetime.combine(batch.day, time(), UTC).isoformat()
    return (
        f"select {', '.join(texts)}, {money}, occurrence, {batch.issue} as issue, {batch.closes} as closes, "
        f"coalesce(occurred_at, timestamptz '{midnight}') as version_at, "
        "coalesce(record, file_row_number + 1) as record, "
        "coalesce(occurred_at, created_at, paid_at) as at, "
        f"greatest({_posting_day(day, batch)}, date '{first}') as posting_day, {key} as row_key "
        f"from ({source})"
    )


def _kind(day: Day, batch: Batch) -> str:
    """Return SQL of a row's kind; an adjustment is about a top-up where the SOP says that it names one."""
    sop = day.registry.sops.get(batch.counterparty or "")
    names = sop.on(batch.day).deposit.adjusts if sop is not None else ""
    if batch.role not in ("supply", "deposit") or not names:
        return "kind"
    told = f"regexp_matches(coalesce(orig_ref, ref, \"text\", ''), {literal(names)})"
    return f"case when kind in ('adjustment', 'refund') and {told} then 'topup' else kind end"


def _posting_day(day: Day, batch: Batch) -> str:
    """Return SQL of rule R2: sale rows by their status's day, supply and deposit rows by the partner's day.

    A bank's line by its own day, if its file covers that; a settlement on the day of its last row in the file.
    """
    if batch.role == "settlement":
        return "max(coalesce(day, file_day)) over (partition by coalesce(settlement_ref, ''))"
    if batch.role == "bank":
        first, last = (f"date '{d}'" for d in batch.covers)
        return f"case when day between {first} and {last} then day else {last} end"
    if batch.role not in ("supply", "deposit"):
        return "coalesce(day, file_day)"
    sop = day.registry.sops.get(batch.counterparty or "")
    supply = sop.on(batch.day).supply if sop else None
    shift, where = timedelta(0), day.registry.zone
    if supply is not None:
        shift, where = supply.window.window().shift(), supply.window.zone
    noon = datetime.combine(batch.day, time(12), zone(where))
    moved = (noon.utcoffset() or timedelta(0)) + shift
    local = f"cast(at_utc + interval ({int(moved.total_seconds())}) seconds as date)"
    first, last = (f"date '{d}'" for d in batch.covers)
    stated = "coalesce(occurred_at, created_at, paid_at) at time zone 'UTC'"
    local = local.replace("at_utc", f"({stated})")
    return f"case when {local} between {first} and {last} then {local} else {last} end"
