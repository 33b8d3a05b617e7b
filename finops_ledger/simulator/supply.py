"""One partner's account: every movement of the deposit in its order, with the running balance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from finops_ledger.simulator.cases import Row
from finops_ledger.simulator.orders import ID_BASE, PENDING, PRODUCT_CODES, SUCCESS, Orders
from finops_ledger.simulator.text import (
    Column,
    Ints,
    dotted,
    indonesian_times,
    labelled,
    numbers,
    words,
    write,
)
from finops_ledger.simulator.world import DAY, HOUR, NEVER, World, partner_day

USAGE, RELIST, REFUND, TOPUP = range(4)
HEADER = (
    "No;Tanggal;ID Transaksi;Ref ID;Ref Asal;Kode Produk;Nomor Tujuan;Status;SN;"
    "Debet;Kredit;Saldo;Keterangan\n"
)
_REMARKS = [
    "",
    "MENUNGGU JAWABAN OPERATOR",
    "TRANSAKSI GAGAL",
    "REFUND TRANSAKSI",
    "TOP UP DEPOSIT",
]
_TOPUP_STEP = 1_000_000
_TICKETS = 999


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money sent to a partner: leaves the bank at ``sent`` and reaches the deposit at ``at``."""

    partner: int
    sent: int
    at: int
    amount: int


@dataclass(slots=True)
class Account:
    """A partner's movements, oldest first; one array a column.

    ``at`` is when the deposit moved (or the row changed), ``began`` what the file shows;
    ``source`` is the row that a movement belongs to; ``number`` is the number in its id.
    """

    partner: int
    name: str
    opening: int
    at: Ints
    began: Ints
    kind: npt.NDArray[np.int8]
    status: npt.NDArray[np.int8]
    order: Ints
    number: Ints
    undone: Ints
    debit: Ints
    credit: Ints
    moved: Ints
    balance: Ints
    shown: npt.NDArray[np.bool_]
    serial: Ints
    topups: list[TopUp]

    @property
    def letter(self) -> str:
        """What the partner's transaction ids begin with."""
        return self.name[-1]

    def bounds(self, day: int) -> tuple[int, int]:
        """Return where the movements of a partner day begin and end."""
        edges = np.searchsorted(self.at, [day * DAY - HOUR, (day + 1) * DAY - HOUR])
        return int(edges[0]), int(edges[1])

    def closing(self, day: int) -> int:
        """Return the balance at the end of a partner day."""
        _, end = self.bounds(day)
        return int(self.balance[end - 1]) if end else self.opening


def make_account(
    rng: np.random.Generator,
    world: World,
    orders: Orders,
    told: list[Row],
    partner: int,
    listed: Ints,
) -> Account:
    """Lay out a partner's rows by time, fund the deposit, and run the balance.

    Writes the numbers that the partner gives: into ``listed`` (by order) and into the told rows.
    """
    plain = np.flatnonzero((orders.partner == partner) & ~orders.told)
    own = [row for row in told if orders.partner[row.order] == partner]
    count, rows = len(plain), _rows(orders, plain, own)
    again = _column([count + i for i, r in enumerate(own) if r.then_at < NEVER])
    back = _column([count + i for i, r in enumerate(own) if r.back_at < NEVER])
    after = [own[i - count] for i in again.tolist()]
    restored = _column([r.restored for r in after]) > 0
    sent, credited = _top_up_times(rng, world.days)

    # Everything that happens, side by side: rows, rows listed again, refunds, top-ups.
    usage, zero = np.arange(len(rows.order) - 1), np.zeros(len(credited), np.int64)
    blocks = [len(usage), len(again), len(back), len(zero)]
    kind = np.repeat(np.array([USAGE, RELIST, REFUND, TOPUP], np.int8), blocks)
    source = np.concatenate([usage, again, back, zero - 1])
    back_at = _column([own[i - count].back_at for i in back.tolist()])
    at = [rows.began[:-1], _column([r.then_at for r in after]), back_at, credited]
    drawn, cost = np.where(rows.cut, rows.cost, 0)[:-1], rows.cost
    debit = [drawn, np.where(restored, 0, cost[again]), 0 * back, zero]
    credit = [0 * usage, 0 * again, cost[back], zero]
    moved = [-drawn, np.where(restored, cost[again], 0), cost[back], zero]
    then = _column([r.then for r in after])
    state = [rows.status[:-1], then, 0 * back + SUCCESS, zero + SUCCESS]
    shown = [usage >= 0, restored, back >= 0, zero == 0]

    when = np.concatenate(at)
    turn = np.argsort(when, kind="stable")
    when, kind, source = when[turn], kind[turn], source[turn]
    moves, credits = np.concatenate(moved)[turn], np.concatenate(credit)[turn]
    opening, topups = _fund(partner, kind, moves, sent, when)
    for place, topup in zip(np.flatnonzero(kind == TOPUP).tolist(), topups, strict=True):
        moves[place] = credits[place] = topup.amount
    number = _numbers(world, when, kind)
    first = np.zeros(len(rows.order), np.int64)
    first[source[kind == USAGE]] = number[kind == USAGE]
    number[kind == RELIST] = first[source[kind == RELIST]]
    listed[plain] = first[:count]
    for row, known in zip(own, first[count:-1].tolist(), strict=True):
        row.number = known
    return Account(
        partner=partner, name=world.partners[partner], opening=opening, at=when,
        began=np.where(kind == RELIST, rows.began[source], when), kind=kind,
        status=np.concatenate(state)[turn].astype(np.int8), order=rows.order[source],
        number=number, undone=np.where(kind == REFUND, first[source], 0),
        debit=np.concatenate(debit)[turn], credit=credits, moved=moves,
        balance=opening + np.cumsum(moves), shown=np.concatenate(shown)[turn],
        serial=rows.serial[source], topups=topups,
    )  # fmt: skip


class _Rows(NamedTuple):
    """A partner's transactions as columns; the last stands for none, which is what -1 points at."""

    order: Ints
    began: Ints
    cost: Ints
    status: Ints
    cut: Ints
    serial: Ints


def _rows(orders: Orders, plain: Ints, told: list[Row]) -> _Rows:
    status = orders.status[plain].astype(np.int64)
    columns = {
        "order": (plain, -1),
        "at": (orders.began[plain], 0),
        "cost": (orders.charged[plain], 0),
        "status": (status, 0),
        "cut": (1 * (status == SUCCESS), 0),
        "serial": (orders.serial[plain], 0),
    }
    return _Rows(
        *(
            np.concatenate([first, _column([getattr(row, name) for row in told]), [none]])
            for name, (first, none) in columns.items()
        )
    )


def _column(values: list[int]) -> Ints:
    return np.array(values, np.int64)


def _numbers(world: World, at: Ints, kind: npt.NDArray[np.int8]) -> Ints:
    # Ids bear the partner day and a number within it; a row listed again keeps its id.
    day = partner_day(at)
    new = np.cumsum(kind != RELIST)
    stamps = world.stamps()
    before = np.searchsorted(day, np.arange(len(stamps)))
    base = np.concatenate([[0], new])[before]
    given: Ints = stamps[day] * ID_BASE + new - base[day]
    return given


def _top_up_times(rng: np.random.Generator, days: int) -> tuple[Ints, Ints]:
    # Each morning, and every third evening just after the partner's day has closed.
    sent = [d * DAY + 7 * HOUR + int(rng.integers(0, 1800)) for d in range(days)]
    sent += [d * DAY + 23 * HOUR + int(rng.integers(60, 1500)) for d in range(2, days, 3)]
    times = np.array(sorted(sent), np.int64)
    return times, times + rng.integers(60, 540, len(times))


def _fund(
    partner: int, kind: npt.NDArray[np.int8], moved: Ints, sent: Ints, at: Ints
) -> tuple[int, list[TopUp]]:
    """Choose the opening deposit and each top-up so that the balance never sinks below a margin."""
    places = np.flatnonzero(kind == TOPUP)
    run = np.concatenate([[0], np.cumsum(moved)])
    lowest = [int(part.min()) for part in np.split(run, places + 1)]
    opening = -(-(-lowest[0] + _TOPUP_STEP) // _TOPUP_STEP) * _TOPUP_STEP
    funded, topups = opening, []
    for turn, (place, low) in enumerate(zip(places.tolist(), lowest[1:], strict=True)):
        # The least that is needed until the next one, a fifth of the usage more, a unique tail.
        usage = int(run[place]) - low
        missing = max(usage // 5 + _TOPUP_STEP - (funded + low), 1)
        amount = -(-missing // _TOPUP_STEP) * _TOPUP_STEP + turn % _TICKETS + 1
        funded += amount
        topups.append(TopUp(partner, int(sent[turn]), int(at[place]), amount))
    return opening, topups


def write_statement(out: Path, world: World, orders: Orders, account: Account, day: int) -> None:
    """Write the partner's file of one of its days, with its footer."""
    first, end = account.bounds(day)
    part = slice(first, end)
    opens, closes = world.date(day - 1), world.date(day)
    head = "LAPORAN MUTASI DEPOSIT\nPeriode;"
    head += f"{opens:%d/%m/%Y} 23:00:00 - {closes:%d/%m/%Y} 22:59:59\n{HEADER}"
    totals = [int(account.debit[part].sum()), int(account.credit[part].sum()), account.closing(day)]
    sums = ";".join(f"{total:,}".replace(",", ".") for total in totals)
    tail = f"TOTAL;{end - first};;;;;;;;{sums};\n"

    def columns(lo: int, hi: int) -> list[Column]:
        return _columns(world, orders, account, first + lo, first + hi, lo)

    name = f"{account.name}_mutasi_{closes:%Y%m%d}.csv"
    write(out / name, head, columns, end - first, separator=";", tail=tail)


def _columns(
    world: World, orders: Orders, account: Account, lo: int, hi: int, done: int
) -> list[Column]:
    part = slice(lo, hi)
    kind, status, order = account.kind[part], account.status[part], account.order[part]
    usage = (kind == USAGE) | (kind == RELIST)
    named = order >= 0
    debit, credit = account.debit[part], account.credit[part]
    product = np.where(usage, orders.product[order], len(PRODUCT_CODES) + (kind == TOPUP))
    remark = np.where(
        usage, np.where(status == SUCCESS, 0, np.where(status == PENDING, 1, 2)), kind + 1
    )
    serials = orders.serials(order, account.serial[part], usage & (status == SUCCESS))
    return [
        numbers(np.arange(done + 1, done + hi - lo + 1)),
        indonesian_times(account.began[part] + world.epoch),
        labelled(account.letter, account.number[part]),
        orders.ids(order, named),
        labelled(account.letter, account.undone[part], kind == REFUND),
        words(product, [*PRODUCT_CODES, "REFUND", "TOPUP"]),
        orders.customers(order, usage),
        words(status, ["PENDING", "SUKSES", "GAGAL"]),
        serials,
        dotted(debit, debit > 0),
        dotted(credit, credit > 0),
        dotted(account.balance[part], account.shown[part]),
        words(remark, _REMARKS),
    ]
