"""Line tables: the versions at hand, by role, registered in the engine under fixed names.

``sale_lines``, ``supply_lines``, ``deposit_lines``, ``settlement_lines`` and ``bank_lines`` are what both the
journal and reconciliation read. They are built once for a set of days; small sets are kept as tables, large ones stay
views over Parquet so that a pass reads only the columns that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import ibis

from finops_ledger.core.kinds import ROLES
from finops_ledger.posting import bank, reading, report, sale, settlement, supply, vault
from finops_ledger.posting.stock import Stock
from finops_ledger.sop.model import BankLine
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.engine import Engine
from finops_ledger.subledger.manifest import Batch, State

#: Up to so many rows a line table is kept in memory; beyond, it stays a view over Parquet.
KEEP_ROWS: Final = 200_000
#: What reading one more file holds, in rows: many small files cost as one large one.
A_FILE: Final = 10_000

_SALE = (
    "record source batch key occurrence ref orig_ref partner_ref payment_ref product theirs serial customer "
    "stated_at disposition state partner gateway category model paid cash promo cost fee net ppn cogs "
    "failed refunded no_price amount day_paid day_state day_refund step orig_paid orig_state orig_refund"
).split()
_SALE_PREV = (
    "partner gateway category model paid cash promo cost fee net ppn cogs failed refunded".split()
)
_SUPPLY = (
    "record source batch key occurrence ref partner_ref orig_ref serial customer product stated_at disposition "
    "status kind partner amount balance partner_day day_post post_kind deposit held d_deposit d_clearing d_held "
    "d_other terms granted d_owed d_payable d_granted d_stock held_opens held_closes step orig"
).split()
_SETTLEMENT = (
    "record source batch key occurrence ref partner_ref payment_ref orig_ref settlement_ref stated_at paid_day "
    "day_rated disposition kind gateway gross net day_post orig d_gross d_net d_fees d_taxes d_levied d_held d_billed"
).split()
_REPORT = "record source batch key occurrence disposition day_post orig moved d_moved".split()
_BANK = (
    "record source batch key occurrence account text stated_at disposition line_kind who line_ref "
    "day_post orig moved d_moved balance"
).split()


def sale_lines(*, shared: bool, locked: bool = False, models: tuple[str, ...] = ()) -> Any:
    """Sale rows with what they post and what they replace."""
    lines = sale.lines(shared=shared, locked=locked, models=models)
    return lines.select(*_SALE, *(f"prev_{n}" for n in _SALE_PREV))


def supply_lines(*, shared: bool, locked: bool = False, models: tuple[str, ...] = ()) -> Any:
    """Supply rows with what they post."""
    return supply.lines(shared=shared, locked=locked, models=models).select(*_SUPPLY)


def deposit_lines(*, shared: bool, locked: bool = False) -> Any:
    """Rows of deposit statements with what they post."""
    return supply.lines("deposit", shared=shared, locked=locked).select(*_SUPPLY)


def settlement_lines(*, shared: bool, locked: bool = False) -> Any:
    """Settlement rows with what they post."""
    return settlement.lines(shared=shared, locked=locked).select(*_SETTLEMENT)


def report_lines(*, shared: bool, locked: bool = False) -> Any:
    """Rows of financial reports; they post nothing."""
    return report.lines(shared=shared, locked=locked).select(*_REPORT)


def bank_lines(rules: tuple[BankLine, ...], *, shared: bool, locked: bool = False) -> Any:
    """Bank rows with what they are about."""
    return bank.lines(rules, shared=shared, locked=locked).select(*_BANK)


_BUILD: Final[dict[str, Callable[..., Any]]] = {
    "sale": sale_lines,
    "supply": supply_lines,
    "deposit": deposit_lines,
    "settlement": settlement_lines,
    "report": report_lines,
}


def _whole_deposit(*, shared: bool, locked: bool = False) -> Any:
    return supply.lines("deposit", shared=shared, locked=locked)


def _whole_bank(*, shared: bool, locked: bool = False) -> Any:
    return bank.lines((), shared=shared, locked=locked)


#: Lines with every column that rows have: only for roles of which a company's own leg asks any of them.
_WHOLE: Final[dict[str, Callable[..., Any]]] = {
    "sale": sale.lines,
    "supply": supply.lines,
    "deposit": _whole_deposit,
    "settlement": settlement.lines,
    "bank": _whole_bank,
    "report": report.lines,
}
#: The day on which a row counts, by role.
DAY_OF: Final = {
    "sale": "day_state",
    **dict.fromkeys(("supply", "deposit", "settlement", "bank", "report"), "day_post"),
}


@lru_cache(maxsize=8)
def whole(role: str) -> Any:
    """The registered lines of a role with every column, typed, for expressions over them."""
    return ibis.table(_WHOLE[role](shared=False).schema(), name=f"{role}_whole")


def table(role: str) -> Any:
    """The registered line table of a role, typed, for expressions over it."""
    return _tables()[role]


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    build = {role: made(shared=False) for role, made in _BUILD.items()}
    build["bank"] = bank_lines((), shared=False)
    return {role: ibis.table(e.schema(), name=f"{role}_lines") for role, e in build.items()}


@dataclass
class LineStore:
    """Builds the line tables for a set of days, and knows for which days they stand."""

    engine: Engine
    root: Path
    registry: Registry
    state: State
    #: Roles of which a company's own leg asks columns that no leg of the package needs.
    whole: frozenset[str] = frozenset()
    _batches: tuple[str, ...] | None = None
    #: The vault, where any supplier's codes are held in stock.
    stock: Stock = field(default_factory=Stock)

    def load(self, wanted: Iterable[date]) -> None:
        """Register the line tables of all batches that post on any of the days."""
        days = set(wanted)
        chosen = {b.id: b for day in sorted(days) for b in self.state.posting_on(day)}
        for batch in list(chosen.values()):
            # A statement is proven over all issues of its file and beside the other parts of its day, a late one
            # beside what stated the day: whatever the days of their rows.
            if batch.issue or batch.late or batch.part is not None:
                near = self.state.of_source(batch.source)
                near = [b for b in near if b.covers[1] == batch.covers[1]]
                chosen.update({b.id: b for b in [*near, *self.state.issues(batch)]})
        self.load_batches(list(chosen.values()))

    def load_batches(
        self,
        chosen: Sequence[Batch],
        roles: Iterable[str] = ROLES,
    ) -> None:
        """Register the line tables of the given batches (with the versions they replace)."""
        roles = set(roles)
        # What codes in stock have cost depends on all that is in.
        more = self.state.batches if "stock" in self.registry.models else ()
        names = (*sorted(b.id for b in chosen), *sorted(more))
        if names == self._batches:
            return
        reading.give_rules(self.engine, self.registry)
        if "stock" in self.registry.models:
            self._fill_vault(whole=roles == set(ROLES))
        for role in sorted(roles - {"bank"}):
            self._register(role, [b for b in chosen if b.role == role], _BUILD[role])
        if "bank" in roles:
            self._register_bank([b for b in chosen if b.role == "bank"])
        for role in sorted(self.whole):
            self._register_whole(role, [b for b in chosen if b.role == role])
        self._batches = names

    def _fill_vault(self, *, whole: bool) -> None:
        """Run the vault; a look at the rows of one role alone needs no costs."""
        local = self.engine.local
        if local is not self.engine:
            reading.give_rules(local, self.registry)
        vault.none(local)
        if whole:
            self.stock = vault.fill(local, self.root, self.registry, self.state)
        if local is not self.engine:
            # Lots are taken one after another, by one process; the rows of codes are few beside all others.
            self.engine.give(vault.COSTS, local.arrow(f"select * from {vault.COSTS}"))

    def _register(
        self,
        role: str,
        batches: list[Batch],
        build: Callable[..., Any],
        name: str | None = None,
        *arguments: Any,
    ) -> None:
        shared, locked = reading.read(
            self.engine, self.root, self.registry, batches, self.state, role
        )
        # Books without other models than prepaid spend nothing on them.
        models = self.registry.models if role in ("sale", "supply") else ()
        more = {"models": models} if models else {}
        expression = query(build, *arguments, shared=shared, locked=locked, **more)
        target = name or f"{role}_lines"
        if sum(b.rows for b in batches) <= KEEP_ROWS or shared:
            self.engine.keep(target, expression)
        else:
            self.engine.view(target, expression)

    def _register_whole(self, role: str, batches: list[Batch]) -> None:
        shared, locked = reading.read(
            self.engine, self.root, self.registry, batches, self.state, role
        )
        made = query(_WHOLE[role], shared=shared, locked=locked)
        self.engine.view(f"{role}_whole", made)

    def _register_bank(self, batches: list[Batch]) -> None:
        local = self.engine.local
        if local is not self.engine:
            # A statement is short, and its rules are regular expressions in DuckDB's words, not in Java's.
            aside = LineStore(local, self.root, self.registry, self.state)
            aside._register_bank(batches)
            self.engine.give("bank_lines", local.arrow("select * from bank_lines"))
            return
        groups: dict[tuple[BankLine, ...], list[Batch]] = {}
        for batch in batches:
            groups.setdefault(self._rules_of(batch), []).append(batch)
        groups = groups or {(): []}
        parts = []
        for number, (rules, members) in enumerate(groups.items()):
            name = f"bank_lines_{number}"

            self._register("bank", members, bank_lines, name, rules)
            parts.append(f'select * from "{name}"')
        self.engine.keep("bank_lines", " union all ".join(parts))

    def _rules_of(self, batch: Batch) -> tuple[BankLine, ...]:
        if batch.counterparty is None or batch.counterparty not in self.registry.sops:
            return ()
        return tuple(self.registry.of(batch.counterparty).on(batch.day).lines)
