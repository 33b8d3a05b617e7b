"""Month-end: the fee of orders that a gateway has not settled yet is of the month that sold them (worked-cases 21).

The other entries of a month's end stand beside it: :mod:`.rebates` earned, and the :mod:`.allowance` for claims.

Accrued on the last day of a month, by the contract of each payment's day, and turned back on the next one. Nothing
is booked by hand: both entries follow from the open items of the gateway's leg on that day, so that a report which
comes late and settles them takes the accrual with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from finops_ledger.books import allowance, rebates
from finops_ledger.books.jobs import component_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.entries import Entry, Posting
from finops_ledger.recon.legs import SALE_GATEWAY
from finops_ledger.sop import contracts
from finops_ledger.sop.terms import Fee
from finops_ledger.subledger.manifest import Line

TAG: Final = "accrual"
_DAY: Final = timedelta(days=1)


def entries(space: Workspace, day: date) -> Iterator[Entry]:
    """Yield the accruals of a month's last day, and on a month's first day those of the day before, turned back."""
    for ended, sign in ((day, 1), (day - _DAY, -1)):
        for line in _lines(space, ended):
            gateway = line["counterparty"]
            parts = _by_contract(space, gateway, _unsettled(space, line))
            due = sum((_due(fee, amounts) for fee, amounts in parts), ZERO)
            if due != ZERO:
                told = " and ".join(_told(fee, amounts) for fee, amounts in parts)
                yield _entry(space, gateway, ended, sign, due, f"{told} not settled")
    yield from rebates.entries(space, day, TAG)
    yield from allowance.entries(space, day, TAG)


def reversals(space: Workspace) -> set[date]:
    """Return the days on which an accrual is turned back."""
    ends = {d for leg, _, d in space.state.reconciled if leg == SALE_GATEWAY and _ends_month(d)}
    turned = {d + _DAY for d in ends if any(True for _ in entries(space, d))}
    return turned | rebates.reversals(space)


def basis(space: Workspace, day: date) -> list[Any]:
    """Return what else than its own rows the month-end entries of a day are derived from; empty where none can be."""
    return _turned_back(space, day) + rebates.basis(space, day) + allowance.basis(space, day)


def _turned_back(space: Workspace, day: date) -> list[Any]:
    return [
        [line["counterparty"], sorted(line["files"])]
        for line in _lines(space, day - _DAY)
        if _accrues(space, line["counterparty"])
    ]


def _accrues(space: Workspace, gateway: str) -> bool:
    agreed = contracts.in_force(space.registry.of(gateway))
    return any(one.fee is not None and one.fee.accrue == "month-end" for one in agreed)


def _ends_month(day: date) -> bool:
    return (day + _DAY).day == 1


def _lines(space: Workspace, day: date) -> list[Line]:
    if not _ends_month(day):
        return []
    return [line for line in space.state.proofs_on(day) if line["leg"] == SALE_GATEWAY]


def _by_contract(
    space: Workspace, gateway: str, unsettled: dict[tuple[date, Decimal], int]
) -> list[tuple[Fee, dict[Decimal, int]]]:
    """Part payments by the contract of the day on which each was made; what is not accrued is left out."""
    found: list[tuple[Fee, dict[Decimal, int]]] = []
    for number, version in enumerate(versions := space.registry.of(gateway).versions):
        fee = version.settlement.fee if version.settlement is not None else None
        first = version.effective if number else date.min
        until = versions[number + 1].effective if versions[number + 1 :] else date.max
        amounts: dict[Decimal, int] = {}
        for (day, amount), count in unsettled.items():
            if first <= day < until:
                amounts[amount] = amounts.get(amount, 0) + count
        if fee is None or fee.accrue != "month-end" or not amounts:
            continue
        if found and found[-1][0] == fee:
            for amount, count in amounts.items():
                found[-1][1][amount] = found[-1][1].get(amount, 0) + count
        else:
            found.append((fee, amounts))
    return found


def _unsettled(space: Workspace, line: Line) -> dict[tuple[date, Decimal], int]:
    """How many payments of each day and amount wait for their settlement at the day's end."""
    paths = [space.root / f for f in line["files"] if "/breaks/" in f]
    return _payments(paths[0]) if paths else {}


@lru_cache(maxsize=256)
def _payments(path: Path) -> dict[tuple[date, Decimal], int]:
    """Read it from a file of items; such a file is named by its content."""
    names = ["opened", "amount", "occurrence", "right_state", "is_closed"]
    table = pq.read_table(path, columns=names, partitioning=None)
    found: dict[tuple[date, Decimal], int] = {}
    for one in table.group_by(names).aggregate([([], "count_all")]).to_pylist():
        waits = not one["is_closed"] and not one["occurrence"] and one["right_state"] is None
        if waits and one["amount"] > ZERO:
            key = one["opened"], one["amount"]
            found[key] = found.get(key, 0) + one["count_all"]
    return found


def _due(fee: Fee, amounts: dict[Decimal, int]) -> Decimal:
    if fee.per == "row":
        return sum(((_rounded(a * fee.rate) + fee.amount) * n for a, n in amounts.items()), ZERO)
    return _rounded(_total(amounts) * fee.rate)


def _total(amounts: dict[Decimal, int]) -> Decimal:
    return sum((a * n for a, n in amounts.items()), ZERO)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


def _told(fee: Fee, amounts: dict[Decimal, int]) -> str:
    each = f" and {plain(fee.amount)} a payment" if fee.amount else ""
    return f"fee {plain(fee.rate * 100)} %{each} on {plain(_total(amounts))}"


def _entry(
    space: Workspace, gateway: str, ended: date, sign: int, due: Decimal, what: str
) -> Entry:
    name = component_of(space, gateway)
    after = ended + _DAY
    back = sign < 0
    mark = (("accrued", ended),) if back else (("reverse", after),)
    accounts = (
        (f"Expenses:Payment-Fee:{name}", sign * due),
        (f"Liabilities:Accrued:Payment-Fee:{name}", -sign * due),
    )
    postings = tuple(Posting(account, n, (("kind", "fee"),)) for account, n in accounts)
    return Entry(
        day=after if back else ended,
        payee=gateway,
        narration=f"Accrual turned back: {what}" if back else f"Accrual: {what}",
        tag=TAG,
        postings=tuple(sorted(postings, key=lambda p: -p.amount)),
        meta=(
            ("partner", gateway),
            ("rules", space.registry.of(gateway).rule_id(ended)),
            *mark,
        ),
        sort=(gateway,),
    )
