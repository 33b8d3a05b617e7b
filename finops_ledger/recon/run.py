"""One run: one leg, one counterparty, one day. Reads both sides, writes matches and items, says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from finops_ledger.core.money import ZERO
from finops_ledger.core.money import plain as money
from finops_ledger.recon import fees, place, plain, sides
from finops_ledger.recon import tables as rt
from finops_ledger.recon.decisions import Decided, together
from finops_ledger.recon.legs import GATEWAY_FEE, SUPPLY_STATEMENT, Leg, leg_of
from finops_ledger.recon.outcome import outcomes
from finops_ledger.sop.model import Fee
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query

_EPOCH = date(1970, 1, 1)

#: What a match keeps: enough to find the pair again when a later row touches it.
MATCH_COLUMNS: Final = (
    "key occurrence left_batch left_record left_state left_now left_value left_anchor left_serial category "
    "model right_batch right_record right_key right_state right_kind right_now right_held right_anchor "
    "settled claimed class home amount opened rule"
).split()


@dataclass(frozen=True, slots=True)
class Gap:
    """What a statement says beyond its rows: an item without a sale, named by its place in the file."""

    key: str
    batch: str
    record: int
    amount: Decimal
    #: It belongs to a gap that was told before, and takes it back.
    renewed: bool = False


@dataclass(frozen=True)
class Job:
    """What to run: the leg, whose account, the day, and the spans and limits that its SOP gives."""

    leg: Leg
    counterparty: str
    component: str
    day: date
    grace: timedelta
    pending: timedelta
    tolerance: Decimal
    shift_s: int
    claims: str
    fee: Fee | None = None
    others: tuple[Path, ...] = ()
    gaps: tuple[Gap, ...] = ()
    passes: tuple[str, ...] = ("ref", "partner_ref")
    stated: bool = False  #: a deposit statement moves the deposit on the day

    @property
    def clearing(self) -> str:
        """The clearing account of this counterparty."""
        return self.leg.clearing(self.component)


@dataclass
class Outcome:
    """What a run found: files written, counts and sums by class, the bridge, decisions that no longer fit."""

    files: dict[str, Path] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: Decimal = Decimal(0)
    right: Decimal = Decimal(0)
    residual: Decimal = Decimal(0)
    matched: int = 0
    pairs: plain.Pairs = field(default_factory=plain.Pairs)
    conflicts: list[str] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)


def _days(span: timedelta) -> int:
    return ceil(span / timedelta(days=1))


def _clock(job: Job) -> pa.Table:
    schema = pa.schema(
        [
            ("day", pa.date32()),
            ("party", pa.string()),
            ("shift", pa.int64()),
            ("day_number", pa.int64()),
            ("grace", pa.int64()),
            ("pending", pa.int64()),
            ("tolerance", pa.decimal128(18, 4)),
            ("waits_on", pa.string()),
            ("breaks_on_account", pa.string()),
            ("stated", pa.bool_()),
        ]
    )
    values = [
        job.day,
        job.counterparty,
        job.shift_s,
        (job.day - _EPOCH).days,
        _days(job.grace),
        _days(job.pending),
        job.tolerance,
        job.leg.waiting(job.component),
        f"Assets:Breaks:{job.component}:",
        job.stated,
    ]
    return pa.table([[v] for v in values], schema=schema)


def _sql_types(columns: dict[str, str]) -> dict[str, str]:
    names = {"string": "varchar", "int64": "bigint", "timestamp('UTC')": "timestamptz"}
    return {n: names.get(ty, ty) for n, ty in columns.items()}


def _register_sides(engine: en.Engine, job: Job) -> plain.Pairs:
    """Lay out both sides; of a leg whose rows are matched one by one only what is no plain pair."""
    if job.leg.name == GATEWAY_FEE:
        for name, part in (("lhs", "fee"), ("rhs", "vat")):
            none = en.empty(_sql_types(rt.SIDE))
            sql = fees.excess(job.fee, job.counterparty, job.day, part) if job.fee else none
            engine.keep(name, sql)
        return plain.Pairs()
    pairs = plain.Pairs()
    if job.leg.cardinality == "consume" or job.leg.name == SUPPLY_STATEMENT:
        passes = (job.passes or ("ref",)) if job.leg.name == SUPPLY_STATEMENT else ()
        engine.view("left_side", query(sides.left, job.leg, *passes))
        engine.view("right_side", query(sides.right, job.leg, *passes))
        pairs = plain.split(engine, *passes[:1])
        for name in ("lhs", "rhs") if job.leg.cardinality == "consume" else ():
            plain.join_versions(engine, name)
    else:
        engine.keep("lhs", query(sides.left, job.leg))
        none = en.empty(_sql_types(rt.SIDE))
        engine.keep("rhs", query(sides.right, job.leg) if job.leg.right else none)
    for gap in job.gaps:
        values = (gap.key, gap.batch, gap.record, gap.key, -gap.amount, abs(gap.amount))
        engine.connection.execute(
            "insert into rhs by name select ? as key, '' as occurrence, ? as batch, ? as record, "
            "? as own_key, 'gap' as kind, 'success' as state, ? as move, 0 as held, ? as value, "
            f"{(job.day - _EPOCH).days} as anchor, {str(gap.renewed).lower()} as renewed, "
            "'ref' as via, 0 as copy, 0 as step",
            [str(v) if isinstance(v, Decimal) else v for v in values],
        )
    return pairs


def _register_prior(engine: en.Engine, before: Sequence[Path]) -> None:
    """Lay out the items that were open the day before."""
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    opened = (
        f"select {columns} from ({en.parquet(before)}) where not is_closed"
        if before
        else en.empty(_sql_types(rt.ITEM))
    )
    engine.keep("prior", opened)


def _register_history(engine: en.Engine, job: Job, history: Sequence[Path]) -> None:
    """Add to what was open the items of earlier days that the day's leftovers touch again."""
    columns = ", ".join(f'"{c}"' for c in rt.ITEM)
    if job.leg.cardinality != "consume" or not history:
        return
    if not engine.keep("leftover", query(place.leftover_keys)):
        return
    engine.keep(
        "found",
        f"select {columns}, filename from read_parquet({[str(h) for h in history]}, filename = true) "
        "where key in (select key from leftover)",
    )
    # The latest state counts; what is open stands in the items of the day before.
    engine.connection.execute(
        f"insert into prior select {columns} from (select *, row_number() over "
        "(partition by key, occurrence order by filename desc) as latest from found) as f "
        "where latest = 1 and not exists (select 1 from prior as p "
        "where p.key = f.key and p.occurrence = f.occurrence)"
    )


def _second_pass(engine: en.Engine, rule: str, **how: bool) -> None:
    """Give right rows that the first pass leaves alone the key of the item that the second finds."""
    if not engine.rows("select 1 from lhs where other_ref is not null limit 1"):
        return
    if engine.keep("second_pass", query(place.second_pass, **how)):
        engine.connection.execute(
            f"update rhs set key = s.new_key, via = {en.literal(rule)} "
            "from second_pass as s where rhs.own_key = s.own_key"
        )


def _add_up(engine: en.Engine, job: Job) -> None:
    """Add up both files of a partner, once the passes have said which rows are of one order."""
    for rule in job.passes[1:]:
        _second_pass(engine, rule, of_the_day=True)
    if engine.keep("given_back", query(place.given_back)):
        engine.connection.execute(
            "update rhs set key = g.new_key from given_back as g where rhs.own_key = g.own_key"
        )
    for name in ("lhs", "rhs"):
        engine.keep("summed", query(sides.added_up, name))
        engine.keep(name, "select * from summed")


def _place(engine: en.Engine, job: Job) -> None:
    if job.leg.name == SUPPLY_STATEMENT:
        _add_up(engine, job)
    if job.leg.cardinality == "sum":
        engine.keep("placed", "select * from rhs")
        engine.keep("additions", en.empty(_sql_types(rt.ADDITION)))
        return
    if "partner_ref" in job.passes:
        _second_pass(engine, "partner_ref")
    engine.keep("void", query(place.void))
    engine.keep("placed", query(place.placed))
    engine.keep("additions", query(place.additions))


def run(
    engine: en.Engine,
    job: Job,
    *,
    before: Sequence[Path],
    history: Sequence[Path],
    decided: Sequence[Decided],
    absent_keys: str | None,
    out: Path,
) -> Outcome:
    """Run one leg of one day. The line tables of the day must stand in the engine.

    ``before``: the items file of the last run of this leg and counterparty. ``history``: matches files of
    earlier days, oldest first. ``decided``: decisions dated this day. ``absent_keys``: SQL of keys sold on
    earlier days that could not be reconciled yet; a right row of theirs is no break. Writes
    ``matches.parquet`` and ``items.parquet`` into ``out`` (only when they have rows).
    """
    engine.give("clock", _clock(job))
    _register_prior(engine, before)
    pairs = _register_sides(engine, job)
    _register_history(engine, job, history)
    _place(engine, job)
    engine.keep("outcome", query(outcomes, job.leg))
    if absent_keys is not None:
        _wait_for_absent(engine, job, absent_keys)
    result = Outcome(pairs=pairs)
    _decide(engine, job, decided, result)
    _sum_up(engine, job, result)
    _write(engine, job, out, result)
    return result


def _wait_for_absent(engine: en.Engine, job: Job, absent_keys: str) -> None:
    """A right row whose sale lies on a day that is not reconciled yet waits with that day."""
    waiting = en.literal(job.leg.waiting(job.component))
    engine.connection.execute(
        f"update outcome set class = 'timing', home = {waiting}, recon_home = {waiting}, "
        "reason = 'file_missing' where left_batch is null and amount <> 0 "
        f"and class in ('missing_at_platform', 'duplicate_delivery') and key in ({absent_keys})"
    )


def _decide(engine: en.Engine, job: Job, decided: Sequence[Decided], result: Outcome) -> None:
    """Let the day's decisions move what they name; name the ones whose break has gone or changed."""
    engine.connection.execute("alter table outcome add column id varchar")
    prefix = f"{job.leg.name}\x1f{job.counterparty}\x1f"
    engine.connection.execute(
        "update outcome set id = 'x-' || left(sha256(? || key || chr(31) || occurrence), 16) "
        "where class not in ('matched', 'excluded') or amount_before <> 0 or claimed <> 0 "
        "or released <> 0 or absorbed <> 0 or right_held <> 0",
        [prefix],
    )
    own = f"Assets:Breaks:{job.component}:"
    for one in together(decided):
        if not any(a.startswith(own) or a == job.claims for a in one.accounts):
            continue
        found = engine.rows(
            f"select amount, home, claimed from outcome where id = {en.literal(one.item)}"
        )
        if not found and not _answers(engine, job, one):
            continue
        problem = _misfit(one, found, own)
        if problem:
            result.conflicts.append(f"{one.place}: {problem}")
            result.withheld.update(one.accounts)
            continue
        engine.connection.execute(
            "update outcome set amount = amount + cast(? as decimal(18, 4)), "
            "settled = settled - cast(? as decimal(18, 4)), "
            "claimed = claimed + cast(? as decimal(18, 4)) where id = ?",
            [str(one.breaks), str(one.breaks), str(one.claims), one.item],
        )
    engine.connection.execute("update outcome set home = null where amount = 0")


def _answers(engine: en.Engine, job: Job, one: Decided) -> bool:
    """Say whether this leg answers for a decision whose item it does not know: no other leg will."""
    breaks = [a.rpartition(":")[2] for a in one.accounts if a.startswith("Assets:Breaks:")]
    if breaks:
        classes = {b.lower().replace("-", "_") for b in breaks}
        legs = {leg_of(c, job.leg.party, stated=job.stated) for c in classes}
    else:
        legs = {leg_of("", job.leg.party)}
    if job.leg.name not in legs:
        return False
    known = f"select 1 from ({en.parquet(job.others)}) where id = {en.literal(one.item)}"
    return not (job.others and engine.rows(known))


def _misfit(one: Decided, found: list[dict[str, Any]], own: str) -> str | None:
    """Say why a decision does not fit the item that it names, or nothing."""
    if not found:
        return f"{one.item} is not open on this day; the decision must be taken back or renewed"
    amount, home, claimed = found[0]["amount"], found[0]["home"], found[0]["claimed"]
    if one.breaks:
        account = next(a for a in one.accounts if a.startswith("Assets:Breaks:"))
        if home != account:
            where = home or "no account any more"
            return f"{one.item} stands on {where}, the decision says {account}"
        if (amount > 0) == (one.breaks > 0) or abs(one.breaks) > abs(amount):
            return f"{one.item} is {money(amount)}, the decision moves {money(one.breaks)}"
        if abs(one.breaks) < abs(amount) and not one.part:
            side = "debit" if amount > 0 else "credit"
            return (
                f"{one.item} is {money(amount)}, the decision moves {money(one.breaks)} of it; a part must say so: "
                f'count: 0, move: "adjust", side: "{side}" below the posting'
            )
    if not one.breaks and one.claims and abs(one.claims) > abs(claimed):
        return f"{one.item} has {money(claimed)} claimed, the decision moves {money(one.claims)}"
    return None


def _sum_up(engine: en.Engine, job: Job, result: Outcome) -> None:
    found = engine.rows(
        "select class, count(*) as n, sum(left_now) as l, sum(right_now) as r "
        "from outcome where touched or class not in ('matched', 'excluded') group by class order by class"
    )
    sums = {r["class"]: [r["n"], r["l"] or ZERO, r["r"] or ZERO] for r in found}
    pairs = result.pairs
    if pairs.count:
        count, left, right = sums.get("matched", [0, ZERO, ZERO])
        sums["matched"] = [count + pairs.count, left + pairs.left, right - pairs.left]
    for class_, (count, left, right) in sorted(sums.items()):
        result.classes[class_] = {"count": count, "left": money(left), "right": money(right)}
    moved = engine.rows(
        "select (select coalesce(sum(move), 0) from lhs) as l, "
        "(select coalesce(sum(move), 0) from rhs) as r, "
        "(select coalesce(sum(recon_amount - amount_before + released + absorbed), 0) from outcome) as homes, "
        "(select count(*) from outcome where touched and class in "
        "('matched', 'matched_within_tolerance') and left_batch is not null) as m"
    )[0]
    result.left, result.right = moved["l"] + pairs.left, moved["r"] - pairs.left
    result.residual = moved["l"] + moved["r"] - moved["homes"]
    result.matched = moved["m"] + pairs.count


def _write(engine: en.Engine, job: Job, out: Path, result: Outcome) -> None:
    """Write what is done into matches, and what is open or has moved into items; keep both in key order."""
    stamp = (
        f"{en.literal(job.leg.name)} as leg, {en.literal(job.counterparty)} as counterparty, "
        f"date '{job.day}' as day"
    )
    waiting = "('pending', 'unknown')"
    open_ = (
        "(amount <> 0 or claimed <> 0 or right_held <> 0 "
        "or (class = 'partner_failed' and recon_amount = 0) "
        f"or coalesce(left_state, '') in {waiting} or coalesce(right_state, '') in {waiting})"
    )
    if job.leg.cardinality == "consume":
        columns = ", ".join(f'"{c}"' for c in MATCH_COLUMNS)
        done = f"not {open_} and (touched or amount_before <> 0)"
        if result.pairs.count or engine.rows(f"select 1 from outcome where {done} limit 1"):
            result.files["matches"] = out / "matches.parquet"
            rest = f"select {stamp}, {columns} from outcome where {done} order by key, occurrence"
            plain.write(engine, result.pairs, stamp, columns, rest, result.files["matches"])
    shown = (
        f"({open_} or amount_before <> 0 or recon_amount <> 0 or released <> 0 or absorbed <> 0)"
    )
    if engine.rows(f"select 1 from outcome where {shown} limit 1"):
        columns = ", ".join(f'"{c}"' for c in rt.OUTCOME)
        result.files["items"] = out / "items.parquet"
        query = (
            f"select {stamp}, id, {columns}, not {open_} as is_closed from outcome where {shown}"
        )
        engine.write(f"{query} order by key, occurrence", result.files["items"])
