"""Codes held in a vault: bought in lots, sold from it. What comes from the vault is no partner's to deliver."""

from __future__ import annotations

from finops_ledger.simulator.players import CODE, DEPOT
from finops_ledger.simulator.stage import Stage


def lot(s: Stage, d: int, count: int) -> None:
    """Buy so many codes before the day's first sale."""
    name = f"LOT-{s.number('lot'):04}"
    for _ in range(count):
        s.supply(DEPOT.name, d, name, debit=CODE.cost, code=CODE.code, clock="00:10:00")


def from_stock(s: Stage, d: int) -> None:
    """Sold from the vault; one sold and given back two days later."""
    s.order(DEPOT.name, CODE, d)
    s.order(DEPOT.name, CODE, d, (d, "SUCCESS"), (d + 2, "FAILED"), refunded=d + 2)
