"""Run the checks over every reconciled day, or over some of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from finops_ledger.audit.checks import CHECKS, TOLD
from finops_ledger.audit.day import Day, lay_out
from finops_ledger.core.findings import Finding
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.manifest import State


def audit(
    root: Path,
    state: State,
    registry: Registry,
    engine: Engine,
    *,
    day: date | None = None,
    counterparty: str | None = None,
    leg: str | None = None,
) -> tuple[int, list[Finding]]:
    """Check the reconciled days again; return how many results were looked at, and what does not hold.

    A result is one leg of one counterparty on one day. Reads only.
    """
    found: list[Finding] = []
    looked = 0
    for (one_leg, who, when), line in sorted(
        state.reconciled.items(), key=lambda kv: (kv[0][2], kv[0])
    ):
        if day not in (None, when) or counterparty not in (None, who) or leg not in (None, one_leg):
            continue
        looked += 1
        found += _of(Day(root, engine, state, registry, line))
    return looked, found


def _of(day: Day) -> Iterator[Finding]:
    missing = [f for f in day.line["files"] if not (day.root / f).is_file()]
    if missing:
        yield Finding("rows", f"its files are gone: {', '.join(missing)}", day.place)
        return
    lay_out(day)
    for name, check in CHECKS.items():
        told = list(check(day))
        for message in told[:TOLD]:
            yield Finding(name, message, day.place)
        if len(told) > TOLD:
            yield Finding(name, f"… and {len(told) - TOLD} more", day.place)
