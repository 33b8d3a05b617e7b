"""The bank's daily statement: payouts in, top-ups out, and now and then something unexpected."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from finops_ledger.simulator.supply import TopUp
from finops_ledger.simulator.world import DAY, HOUR, Faults, World, sales_day

NUMBER = "1234567890"
PREAMBLE = (
    f"No. Rekening,=,'{NUMBER}\nNama,=,PT CONTOH DIGITAL\nMata Uang,=,IDR\n\n"
    "Tanggal,Keterangan,Cabang,Jumlah,,Saldo\n"
)
_ROUND = 100_000_000
_MARGIN = 500_000_000


class Line(NamedTuple):
    """One movement; ``amount`` is positive into our account."""

    at: int
    text: str
    amount: int


def make_lines(
    rng: np.random.Generator, world: World, nets: list[int], topups: list[TopUp], faults: Faults
) -> list[Line]:
    """Return all movements of the period, oldest first."""
    lines = [
        Line(day * DAY + 6 * HOUR, f"KR OTOMATIS PG1 SETTLEMENT PG1-{world.date(day):%Y%m%d}", net)
        for day, net in enumerate(nets)
        if net
    ]
    for topup in topups:
        ticket = f"{topup.amount:,}".replace(",", ".")
        text = f"TRSF E-BANKING DB TOPUP {world.partners[topup.partner].upper()} {ticket}"
        lines.append(Line(topup.sent, text, -topup.amount))
    for _ in range(faults.unknown_credits):
        at = int(rng.integers(0, world.days)) * DAY + int(rng.integers(9, 15)) * HOUR
        lines.append(Line(at, "SETORAN TUNAI", int(rng.integers(100, 5000)) * 1000))
    for number in range(faults.bank_charges):
        day = (number + 1) * world.days // faults.bank_charges - 1
        lines.append(Line(day * DAY + 22 * HOUR, "BIAYA ADM", -30_000))
    return sorted(lines)


def write_statements(out: Path, world: World, lines: list[Line]) -> int:
    """Write the statement of every day and return the balance before the first."""
    low = running = 0
    for line in lines:
        running += line.amount
        low = min(low, running)
    opening = balance = -(low // _ROUND) * _ROUND + _MARGIN
    by_day: list[list[Line]] = [[] for _ in range(world.days)]
    for line in lines:
        by_day[sales_day(line.at)].append(line)
    for day, movements in enumerate(by_day):
        date = world.date(day)
        text, first = [PREAMBLE], balance
        for line in movements:
            balance += line.amount
            side = "CR" if line.amount > 0 else "DB"
            text.append(
                f"{date:%d/%m/%Y},{line.text},0000,{abs(line.amount)}.00,{side},{balance}.00\n"
            )
        credit = sum(line.amount for line in movements if line.amount > 0)
        debit = sum(-line.amount for line in movements if line.amount < 0)
        text.append(f"Saldo Awal,=,{first}.00\nKredit,=,{credit}.00\n")
        text.append(f"Debet,=,{debit}.00\nSaldo Akhir,=,{balance}.00\n")
        (out / f"BCA_mutasi_{date:%Y%m%d}.csv").write_bytes("".join(text).encode())
    return opening
