"""A partner's days in a few words: orders and rows go in, items and matches come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from finops_ledger.posting import store
from finops_ledger.recon.history import Matched
from finops_ledger.recon.job import Job, Outcome
from finops_ledger.recon.legs import LEGS, SALE_SUPPLY
from finops_ledger.recon.rules import Rule
from finops_ledger.recon.run import run
from finops_ledger.subledger import matches
from finops_ledger.subledger.engine import Engine

DAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Sale:
    """One version of an order on the day of its status; ``at`` in minutes of the day."""

    ref: str
    cost: int = 49_800
    day: date = DAY
    at: int = 600
    state: str = "success"
    customer: str | None = None
    product: str = "P50"
    partner_ref: str | None = None
    serial: str | None = None
    category: str = "Pulsa"


@dataclass(frozen=True)
class Row:
    """One version of a partner's row on its partner day; ``amount``: what the deposit has paid for it."""

    own: str
    ref: str | None
    amount: int = 49_800
    day: date = DAY
    at: int = 600
    state: str = "success"
    customer: str | None = None
    product: str = "P50"
    serial: str | None = None
    kind: str = "usage"
    orig: str | None = None


@dataclass
class Partner:
    """Days of one partner under given passes; ``grace`` and ``pending`` in days."""

    engine: Engine
    folder: Path
    rules: tuple[Rule, ...]
    sales: list[Sale] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    grace: int = 1
    pending: int = 2
    results: dict[date, Outcome] = field(default_factory=dict)
    said: dict[date, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self, *days: date) -> Partner:
        """Run the days, one after another."""
        before: list[Path] = []
        earlier: list[Matched] = []
        for day in days or (DAY,):
            self.engine.give("sale_lines", _table("sale", self._sales(day)))
            self.engine.give("supply_lines", _table("supply", self._rows(day)))
            out = self.folder / f"{day}-{len(self.results)}"
            out.mkdir(parents=True)
            result = run(
                self.engine, self.job(day), before=before, earlier=earlier, decided=[],
                out=out,
            )  # fmt: skip
            assert result.residual == 0
            self.results[day] = result
            self.said[day] = self._told(result)
            before = [result.files["items"]] if "items" in result.files else []
            earlier += [Matched(result.files["matches"])] if "matches" in result.files else []
        return self

    def job(self, day: date) -> Job:
        return Job(
            leg=LEGS[SALE_SUPPLY], counterparty="AggA", component="AggA", day=day,
            grace=timedelta(days=self.grace), pending=timedelta(days=self.pending),
            tolerance=Decimal(0), shift_s=7 * 3600, claims="Assets:Claims:Partner:AggA",
            rules=self.rules,
        )  # fmt: skip

    def _told(self, result: Outcome) -> list[dict[str, Any]]:
        """Everything that the run says of items: what is matched (plain pairs too), and what is open or closes."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        if "matches" in result.files:
            for one in self.engine.local.rows(matches.read([result.files["matches"]])):
                found[one["key"], one["occurrence"]] = one
        if "items" in result.files:
            for one in self.engine.local.rows(f"select * from '{result.files['items']}'"):
                found[one["key"], one["occurrence"]] = one
        return [found[key] for key in sorted(found)]

    def item(self, key: str, occurrence: str = "", day: date = DAY) -> dict[str, Any]:
        """What a day's run says of an item."""
        (one,) = [i for i in self.said[day] if (i["key"], i["occurrence"]) == (key, occurrence)]
        return one

    def shown(self, day: date = DAY) -> dict[str, tuple[str, int]]:
        """Class and residue of every item of a day, by key and occurrence."""
        return {
            i["key"] + (f"+{i['occurrence']}" if i["occurrence"] else ""): (
                i["class"],
                int(i["amount"]),
            )
            for i in self.said[day]
            if i["class"] != "excluded"
        }

    def _sales(self, day: date) -> list[dict[str, Any]]:
        return [self._sale(n, s) for n, s in enumerate(self.sales, 1) if s.day == day]

    def _sale(self, number: int, sale: Sale) -> dict[str, Any]:
        earlier = [s for s in self.sales if s.ref == sale.ref and s.day < sale.day]
        cost = sale.cost if sale.state == "success" else 0
        line: dict[str, Any] = {
            "record": number, "batch": f"b-sale-{sale.day}", "key": sale.ref, "ref": sale.ref,
            "partner_ref": sale.partner_ref, "serial": sale.serial, "customer": sale.customer,
            "product": sale.product, "stated_at": _moment(sale.day, sale.at),
            "disposition": "revised" if earlier else "new", "state": sale.state, "partner": "AggA",
            "category": sale.category, "model": "agent", "cost": Decimal(cost),
            "amount": Decimal(sale.cost + 1_200), "no_price": False, "day_state": sale.day,
        }  # fmt: skip
        if earlier:
            was = max(earlier, key=lambda s: s.day)
            line["prev_partner"] = "AggA"
            line["prev_cost"] = Decimal(was.cost if was.state == "success" else 0)
        return line

    def _rows(self, day: date) -> list[dict[str, Any]]:
        return [self._row(n, r) for n, r in enumerate(self.rows, 1) if r.day == day]

    def _row(self, number: int, row: Row) -> dict[str, Any]:
        earlier = [r for r in self.rows if r.own == row.own and r.day < row.day]
        was = max(earlier, key=lambda r: r.day) if earlier else None
        sign = -1 if row.kind == "refund" else 1
        final, held = _standing(row)
        before = _standing(was)[0] if was else 0
        return {
            "record": number, "batch": f"b-supply-{row.day}", "key": row.own, "ref": row.ref,
            "partner_ref": row.own, "orig_ref": row.orig, "serial": row.serial,
            "customer": row.customer, "product": row.product,
            "stated_at": _moment(row.day, row.at), "disposition": "revised" if was else "new",
            "status": row.state, "kind": row.kind, "partner": "AggA", "day_post": row.day,
            "deposit": Decimal(-sign * row.amount), "held": Decimal(held),
            "d_clearing": Decimal(sign * (final - before)), "d_stock": Decimal(0),
        }  # fmt: skip


def _standing(row: Row) -> tuple[int, int]:
    return (0, row.amount) if row.state == "pending" else (row.amount, 0)


def _moment(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute - 420)


def _table(role: str, lines: list[dict[str, Any]]) -> pa.Table:
    schema = store.table(role).schema().to_pyarrow()
    return pa.table({n: [line.get(n) for line in lines] for n in schema.names}, schema=schema)


def later(days: int) -> date:
    """A day after the first."""
    return DAY + timedelta(days=days)


def rule(name: str = "own", *on: str, **how: Any) -> Rule:
    """A pass of the leg sale↔supply; ``on`` as an SOP writes it, ``forms`` by column."""
    forms = how.pop("forms", {})
    if "limit" in how:
        how["limit"] = Decimal(how["limit"])
    named = [tuple(c.strip() for c in one.split("=")) for one in on]
    pairs = tuple(
        (p[0], p[-1], tuple(dict.fromkeys((*forms.get(p[0], ()), *forms.get(p[-1], ())))))
        for p in named
    )
    how.setdefault(
        "exact", how.get("cardinality", "one-to-one") != "one-to-one" and "limit" not in how
    )
    return Rule(name, SALE_SUPPLY, pairs, **how)


def shuffled(things: Iterable[Any], order: list[int]) -> list[Any]:
    """Things in another order."""
    listed = list(things)
    return [listed[n] for n in order]


__all__ = ["DAY", "Partner", "Row", "Sale", "later", "replace", "rule", "shuffled"]
