"""One run: draw the business, write what it receives, and the truth beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from finops_ledger.simulator import stage_files
from finops_ledger.simulator.bank import make_lines, write_statements
from finops_ledger.simulator.cases import Row, Teller
from finops_ledger.simulator.orders import Orders, make_orders
from finops_ledger.simulator.sales import write_orders, write_tokopedia
from finops_ledger.simulator.scenes import play
from finops_ledger.simulator.settlement import make_settlement, write_reports
from finops_ledger.simulator.stage import Stage
from finops_ledger.simulator.supply import Account, make_account, write_statement
from finops_ledger.simulator.text import Ints
from finops_ledger.simulator.totals import write_deposits, write_gateway, write_totals
from finops_ledger.simulator.truth import Truth
from finops_ledger.simulator.world import Faults, World, make_world

#: The part of the first partner's orders that the marketplace sells.
TOKOPEDIA_SHARE = 0.15
_STREAMS = ("world", "orders", "cases", "supply", "settlement", "bank", "stage")


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: orders drawn, rows by kind of file, and items by outcome."""

    partners: tuple[str, ...]
    orders: int
    rows: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Business:
    world: World
    orders: Orders
    told: list[Row]
    accounts: list[Account]
    listed: Ints
    draws: dict[str, np.random.Generator]
    truth: Truth


def _draw(
    start: date, days: int, per_day: int, partners: int, seed: int, faults: Faults, share: float
) -> _Business:
    if days < 1 or per_day < 1:
        raise ValueError("at least one day and one order a day")
    draws = {name: np.random.default_rng([seed, i]) for i, name in enumerate(_STREAMS)}
    world = make_world(draws["world"], start, days, partners, faults)
    orders = make_orders(draws["orders"], world, per_day, faults, share)
    told = Teller(draws["cases"], orders, faults).tell()
    listed = np.zeros(len(orders), np.int64)
    accounts = [
        make_account(draws["supply"], world, orders, told, partner, listed)
        for partner in range(partners)
    ]
    truth = Truth(world, orders)
    truth.plain(listed)
    truth.told(told)
    return _Business(world, orders, told, accounts, listed, draws, truth)


def _folders(out: Path) -> tuple[Path, Path, Path]:
    inbox, prices, truth = out / "inbox", out / "prices", out / "truth"
    for folder in (inbox, prices, truth):
        folder.mkdir(parents=True, exist_ok=True)
    return inbox, prices, truth


def _write_supply(business: _Business, inbox: Path, prices: Path) -> int:
    world, rows = business.world, 0
    for account in business.accounts:
        price_list = world.price_list(account.partner)
        (prices / f"{account.name}.csv").write_bytes(price_list.encode())
        for day in range(world.days):
            write_statement(inbox, world, business.orders, account, day)
        rows += account.bounds(world.days - 1)[1]
    return rows


def _write_opening(
    out: Path, business: _Business, bank: dict[str, str], stage: Stage | None = None
) -> None:
    """Write the balances before the first file, as strings; with the stage, who else plays."""
    opening: dict[str, Any] = {
        "currency": "IDR",
        "start": str(business.world.start),
        "bank": bank,
        "deposits": {account.name: str(account.opening) for account in business.accounts},
    }
    if stage is not None:
        opening["deposits"] |= stage_files.deposits()
        opening["stage"] = stage_files.opening(stage)
    (out / "opening.json").write_bytes((json.dumps(opening, indent=2) + "\n").encode())


def simulate(
    out: Path,
    *,
    start: date = date(2026, 3, 1),
    days: int = 31,
    orders_per_day: int = 200,
    partners: int = 1,
    seed: int = 1,
    faults: Faults = Faults(),  # noqa: B008 - frozen
) -> Summary:
    """Write the files of a period to ``out``, with price lists, opening balances and the truth.

    The same arguments give the same bytes.
    """
    business = _draw(start, days, orders_per_day, partners, seed, faults, TOKOPEDIA_SHARE)
    world, orders, draws = business.world, business.orders, business.draws
    inbox, prices, truth = _folders(out)
    rows = {
        "orders": write_orders(inbox, world, orders),
        "tokopedia": write_tokopedia(inbox, world, orders, business.listed),
        "supply": _write_supply(business, inbox, prices),
    }
    stage = Stage(world) if faults.scenes else None
    if stage is not None:
        play(draws["stage"], stage, faults.scenes)
        rows |= {f"stage {kind}": count for kind, count in stage_files.write(stage, inbox).items()}
        stage_files.write_prices(prices)
    settlement = make_settlement(draws["settlement"], orders, faults)
    nets, rows["settlement"] = write_reports(inbox, world, orders, settlement)
    topups = [topup for account in business.accounts for topup in account.topups]
    lines = make_lines(draws["bank"], world, nets, topups, faults)
    if stage is not None:
        lines = sorted([*lines, *stage.lines])
        stage_files.write_truth(stage, truth)
    rows["bank"] = len(lines)
    bank = write_statements(inbox, world, lines)
    _write_opening(out, business, {"BCA": str(bank)}, stage)
    outcomes = business.truth.write_outcomes(truth)
    business.truth.write_matched(truth)
    write_deposits(truth, world, business.accounts)
    write_gateway(truth, world, orders, settlement)
    write_totals(truth, world, orders)
    return Summary(world.partners, len(orders), rows, outcomes)


def simulate_pair(out: Path, rows: int, seed: int = 1) -> Summary:
    """Write one day of one partner for measuring: order export, partner file, prices, outcomes.

    ``rows`` orders; no marketplace, gateway or bank.
    """
    business = _draw(date(2026, 3, 2), 1, rows, 1, seed, Faults(silent_raises=0), 0)
    inbox, prices, truth = _folders(out)
    count = {
        "orders": write_orders(inbox, business.world, business.orders),
        "supply": _write_supply(business, inbox, prices),
    }
    _write_opening(out, business, {})
    outcomes = business.truth.write_outcomes(truth)
    return Summary(business.world.partners, rows, count, outcomes)
