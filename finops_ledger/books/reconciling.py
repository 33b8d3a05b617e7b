"""Reconcile: run every leg of every day that is complete and not reconciled yet, in date order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from finops_ledger.books import crossing, recharging
from finops_ledger.books.jobs import job
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import days
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import plain
from finops_ledger.posting.store import A_FILE, LineStore
from finops_ledger.recon import decisions
from finops_ledger.recon.entries import open_by_class, registers
from finops_ledger.recon.history import Matched, bounds
from finops_ledger.recon.job import FOREIGN, Absent, Job, Outcome
from finops_ledger.recon.legs import EVERYBODY, SALE_GATEWAY, SALE_SUPPLY, Leg
from finops_ledger.recon.run import run
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import files, matches
from finops_ledger.subledger.engine import content_digest
from finops_ledger.subledger.manifest import Line

Step = tuple[Leg, str, date]
_KEEP_ROWS = 2_000_000


def due(space: Workspace, as_of: date) -> list[Step]:
    """Return what is to be run: per leg and counterparty every complete day from the first stale one on."""
    steps: list[Step] = []
    expected = space.expected
    for leg, counterparty in expected.parties():
        span = expected.span(leg, counterparty)
        if span is None:
            continue
        stale = False
        first = max(span[0], space.state.first_open or span[0])
        for day in days(first, min(span[1], as_of)):
            if expected.lacking(leg, counterparty, day):
                continue
            stale = stale or (leg.name, counterparty, day) not in space.state.reconciled
            if stale:
                steps.append((leg, counterparty, day))
    return sorted(steps, key=lambda s: s[2])


def reconcile(
    space: Workspace,
    now: datetime,
    as_of: date | None = None,
    progress: Callable[[Iterable[Step], int], Iterable[Step]] | None = None,
) -> int:
    """Run everything that is due; one commit a leg and day. Returns how many were run."""
    last = as_of or space.expected.as_of
    if last is None:
        return 0
    steps = due(space, last)
    decided = decided_on(space)
    store = LineStore(
        space.engine, space.root, space.registry, space.state, space.expected.whole_roles
    )
    loaded: set[date] = set()
    for leg, counterparty, day in progress(steps, len(steps)) if progress else steps:
        if day not in loaded:
            loaded = set(_chunk(space, [s[2] for s in steps if s[2] >= day]))
            store.load(loaded)
        commit(space, job(space, leg, counterparty, day), last, now, decided.get(day, []))
    return len(steps)


def decided_on(space: Workspace) -> dict[date, list[decisions.Decided]]:
    """Return what people decided, by day; a place is named from the workspace's root, wherever that lies."""
    found: dict[date, list[decisions.Decided]] = {}
    for one in decisions.read(space.decision_files())[0]:
        place = Path(one.place).relative_to(space.root).as_posix()
        found.setdefault(one.day, []).append(replace(one, place=place))
    return found


def _chunk(space: Workspace, wanted: Sequence[date]) -> list[date]:
    """As many of the coming days as may be held at once: at least one."""
    chosen: list[date] = []
    held = 0
    for day in sorted(set(wanted)):
        rows = sum(b.rows + A_FILE for b in space.state.posting_on(day))
        if chosen and held + rows > _KEEP_ROWS:
            break
        chosen.append(day)
        held += rows
    return chosen


def commit(
    space: Workspace, one: Job, as_of: date, now: datetime, decided: list[decisions.Decided]
) -> Line:
    """Run one leg of one day and commit its result. The line tables of the day must stand."""
    out = space.root / "subledger" / f"{files.TEMP_PREFIX}recon"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    before = space.state.proof_before(one.leg.name, one.counterparty, one.day)
    outcome = run(
        space.engine,
        one,
        before=_items_of(space, before),
        earlier=_history(space, one),
        decided=decided,
        absent=[*_absent(space, one), *crossing.absent(space, one.leg, one.counterparty, one.day)],
        out=out,
    )
    if outcome.residual:
        raise AssertionError(
            f"{one.leg.name} {one.counterparty} {one.day}: the bridge leaves {plain(outcome.residual)}"
        )
    recharging.check(space, one, outcome)
    held = recharging.owed(space, one, outcome, decided, before)
    body = _line(space, one, as_of, now, outcome) | recharging.line_of(held)
    found = recharging.registers(body)
    body["registers"] |= {a: r.line() for a, r in found.items()}
    body["files"] = _publish(space, one, outcome)
    line = space.manifest.append(space.state, "reconcile", body)
    shutil.rmtree(out, ignore_errors=True)
    return line


def _publish(space: Workspace, one: Job, outcome: Outcome) -> dict[str, str]:
    named = {}
    for kind, path in sorted(outcome.files.items()):
        digest = content_digest(path)
        folder = "matches" if kind == "matches" else "breaks"
        place = f"leg={one.leg.name}/counterparty={one.counterparty}/day={one.day.isoformat()}"
        target = f"subledger/{folder}/{place}/{digest[:16]}.parquet"
        if not (space.root / target).exists():
            files.publish(path, space.root / target)
        named[target] = digest
    return named


def _line(space: Workspace, one: Job, as_of: date, now: datetime, outcome: Outcome) -> Line:
    engine, local = space.engine, space.local
    items = outcome.files.get("items")
    found = registers(local, items, one.leg, one.component, one.claims)
    uses = sorted(b.id for b in space.state.posting_on(one.day) if b.role in one.leg.roles)
    counts = engine.rows(
        f"select (select count(*) from lhs where kind <> '{FOREIGN}') as \"left\", "
        f"(select count(*) from rhs where kind <> '{FOREIGN}') as \"right\""
    )[0]
    first = _first(space, items)
    return {
        **({"first": first} if first else {}),
        "at": now.isoformat(timespec="seconds"),
        "as_of": as_of.isoformat(),
        "leg": one.leg.name,
        "counterparty": one.counterparty,
        "day": one.day.isoformat(),
        "uses": uses,
        "rules": _rule_id(space, one),
        "files": {},
        "rows": {n: counts[n] + outcome.pairs.count for n in ("left", "right")},
        "matched": outcome.matched,
        "moved": plain(outcome.left + outcome.right),
        "outcomes": outcome.classes,
        "bridge": {
            "left": plain(outcome.left),
            "right": plain(outcome.right),
            "residual": plain(outcome.residual),
        },
        "open": open_by_class(local, [items])[0] if items else {},
        **_suggested(local, items),
        "registers": {a: r.line() for a, r in sorted(found.items())},
        "conflicts": outcome.conflicts,
        "withheld": sorted(outcome.withheld),
        "no_price": _no_price(engine, one),
        **({"decided": _decided(outcome)} if outcome.decided else {}),
        **({"bound_hit": outcome.bounds} if outcome.bounds else {}),
        **_matched(local, one, outcome),
        **({"crossing": outcome.crossing} if outcome.crossing else {}),
    }


def _matched(engine: en.Engine, one: Job, outcome: Outcome) -> Line:
    """What the line says of the file of matches: its layout, and the bounds by which it is looked up, if it ever is."""
    path = outcome.files.get("matches")
    if path is None:
        return {}
    return {
        "layout": matches.LAYOUT,
        **({"bounds": bounds(engine, path)} if _looked_up(one) else {}),
    }


def _looked_up(one: Job) -> bool:
    """Say whether later days look into the matches of the leg: rows that are added up meet by their key otherwise."""
    again = one.leg.name == SALE_GATEWAY or one.leg.declared
    return one.leg.cardinality == "consume" or bool(one.own_rules) or again


def _decided(outcome: Outcome) -> dict[str, list[Any]]:
    """What decisions took off accounts that are their own lists: number, debits, credits."""
    return {a: [n, plain(d), plain(c)] for a, (n, d, c) in sorted(outcome.decided.items())}


def _first(space: Workspace, items: Path | None) -> str | None:
    """Name the first row of the day at which a partner's statement is not what the rows say, and what is wrong."""
    if items is None:
        return None
    found = space.local.rows(
        "select coalesce(right_batch, left_batch) as batch, coalesce(right_record, left_record) as record, key, "
        f"coalesce(operands, class) as told from ({en.parquet([items])}) where not is_closed and opened = day and "
        "class in ('balance_gap', 'unexplained_movement', 'file_defect') order by record, key, occurrence limit 1"
    )
    if not found or found[0]["batch"] not in space.state.batches:
        return None
    one = found[0]
    return f"{space.state.batches[one['batch']].name}:{one['record']} ({one['key']}): {one['told']}"


def _rule_id(space: Workspace, one: Job) -> str:
    if one.counterparty == EVERYBODY:
        return "finops.toml"
    return space.registry.of(one.counterparty).rule_id(one.day)


def _suggested(engine: en.Engine, items: Path | None) -> dict[str, int]:
    """How many open items have a suggestion: said only where there is one."""
    if items is None:
        return {}
    found = engine.rows(
        f"select count(suggestion) as n from ({en.parquet([items])}) where not is_closed"
    )[0]["n"]
    return {"suggested": found} if found else {}


def _no_price(engine: en.Engine, one: Job) -> list[str]:
    if one.leg.name != SALE_SUPPLY:
        return []
    rows = engine.rows(
        "select distinct product, model from sale_lines where no_price and disposition <> 'known' "
        f"and day_state = date '{one.day}' and partner = {en.literal(one.counterparty)} order by product limit 20"
    )
    short = " (more is sold than stands in stock)"
    return [f"{r['product']} on {one.day}{short * (r['model'] == 'stock')}" for r in rows]


def _items_of(space: Workspace, line: Line | None) -> list[Path]:
    return [space.root / f for f in line["files"] if "/breaks/" in f] if line else []


def _history(space: Workspace, one: Job) -> list[Matched]:
    """Matches files of all earlier days of this leg and counterparty, oldest first, with what lies in them."""
    if not _looked_up(one):
        return []
    found = []
    for line in space.state.proofs_until(one.leg.name, one.counterparty, one.day):
        found += [
            Matched.of(space.root / f, line.get("bounds"))
            for f in line["files"]
            if "/matches/" in f
        ]
    return found


def _absent(space: Workspace, one: Job) -> list[Absent]:
    """Orders sold on earlier days of this counterparty that lack a file and are not reconciled."""
    if one.leg.name != SALE_SUPPLY:
        return []
    span = space.expected.span(one.leg, one.counterparty)
    if span is None:
        return []
    skipped = [
        d
        for d in days(max(span[0], space.state.first_open or span[0]), one.day)
        if d < one.day and (one.leg.name, one.counterparty, d) not in space.state.reconciled
    ]
    if not skipped:
        return []
    wanted = set(skipped)
    sold = [
        space.root / b.file
        for b in space.state.batches.values()
        if b.role == "sale" and wanted & {b.day, *b.days}
    ]
    if not sold:
        return []
    listed = ", ".join(f"date '{d}'" for d in skipped)
    return [Absent(f"select ref from ({en.parquet(sold)}) where day in ({listed})")]


def check_as_of(space: Workspace, as_of: date | None) -> None:
    """Refuse an as-of day that no file reaches."""
    last = space.expected.as_of
    if as_of is not None and (last is None or as_of > last):
        raise UsageError(f"--as-of {as_of}: the files that are in reach to {last}")


__all__ = ["check_as_of", "commit", "due", "reconcile"]
