"""What it means that a batch counts for nothing: shares of its neighbours, days that change (ruling 16)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_ledger.core.money import plain
from finops_ledger.posting import identity
from finops_ledger.posting.store import LineStore
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch, Line, State


def describe(engine: en.Engine, root: Path, registry: Registry, state: State, batch: Batch) -> Line:
    """Return ``touches`` (days that change) and ``standing`` (by neighbour: rows and control to post then)."""
    role = batch.role
    near = [n for n in state.neighbours(batch.id) if n.id != batch.id]
    LineStore(engine, root, registry, state).load_batches([batch], [role])
    own = f"batch = {en.literal(batch.id)}"
    touched: set[date] = {r["d"] for r in engine.rows(identity.days_sql(role, own))}
    standing: dict[str, Any] = {}
    if near:
        identity.keep_moves(engine, "with_it", role)
        engine.keep(
            "shared_keys",
            f"select distinct key from {role}_lines where batch = {en.literal(batch.id)}",
        )
        rest = {i: b for i, b in state.batches.items() if i != batch.id}
        without = State(batches=rest, closes=state.closes)
        LineStore(engine, root, registry, without).load_batches(near, [role])
        identity.keep_moves(engine, "without_it", role, "key in (select key from shared_keys)")
        found, days = identity.changes(engine, role, "without_it", "with_it")
        touched |= days
        for name, (rows, moved) in found.items():
            held = state.standing[name]
            standing[name] = {
                "rows": held.rows + rows,
                "control": plain(Decimal(held.control) + moved),
            }
    return {"touches": [d.isoformat() for d in sorted(touched)], "standing": standing}
