"""A partner's deposit: top-ups sent and credited, its running balance, its two files beside each other."""

from __future__ import annotations

from typing import Final

from finops_ledger.simulator.players import Player
from finops_ledger.simulator.stage import Stage

STATEMENT: Final = "supply-statement"


def topup(s: Stage, p: Player, d: int) -> None:
    """Money sent and credited on the same day."""
    amount = _ticket(s)
    _send(s, p, d, amount)
    s.supply(p.name, d, "", credit=amount, code="TOPUP", clock="09:30:00")


def topup_not_credited(s: Stage, p: Player, d: int) -> None:
    """Sent, and credited only after four days."""
    amount = _ticket(s)
    _send(s, p, d, amount)
    s.supply(p.name, d + 4, "", credit=amount, code="TOPUP", clock="09:30:00")
    key = f"topup {amount}.0000"
    s.true("topup-bank", p.name, key, "timing", amount, d, d + 1)
    s.true("topup-bank", p.name, key, "topup_not_credited", amount, d + 1, d + 4)


def topup_short(s: Stage, p: Player, d: int) -> None:
    """Credited for 50,000 less than was sent, and the rest not within the days at hand."""
    amount = _ticket(s)
    _send(s, p, d, amount)
    s.supply(p.name, d, "", credit=amount - 50_000, code="TOPUP", clock="09:30:00")
    s.true("topup-bank", p.name, f"topup {amount}.0000", "topup_mismatch", 50_000, d)


def topup_split(s: Stage, p: Player, d: int) -> None:
    """One ticket sent in two transfers, credited as one; of another one the second half is sent the day after."""
    for later in (0, 1):
        amount = _ticket(s)
        half = 5_000_000 + s.number("half")
        _send(s, p, d, half)
        _send(s, p, d + later, amount - half)
        s.supply(p.name, d + later, "", credit=amount, code="TOPUP", clock="09:30:00")
        s.true("topup-bank", p.name, f"topup {half}.0000", "timing", half, d, d + later)


def topup_mismatch(s: Stage, p: Player, d: int) -> None:
    """Credited, and never sent."""
    amount = _ticket(s)
    s.supply(p.name, d, "", credit=amount, code="TOPUP", clock="09:30:00")
    key = f"topup {amount}.0000"
    s.true("topup-bank", p.name, key, "timing", -amount, d, d + 1)
    s.true("topup-bank", p.name, key, "topup_mismatch", -amount, d + 1)


def _ticket(s: Stage) -> int:
    # Amounts so far apart that no ticket is near another, nor the sum of others.
    number = s.number("ticket")
    return 10_000_000 + 2_000_003 * number + 37 * number * number


def _send(s: Stage, p: Player, d: int, amount: int) -> None:
    s.bank(d, f"TRSF E-BANKING DB TOPUP {p.name.upper()} {amount}", -amount)


def balance_gap(s: Stage, p: Player, d: int) -> None:
    """The running balance falls by 20,000 before a row, and no row says why."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, clock="23:00:00", jump=-20_000)
    s.gap(p.name, d, own, 20_000)


def not_in_statement(s: Stage, p: Player, d: int) -> None:
    """Of two files of one partner, a transaction that moved nothing; two days later its movement comes."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, stated=0)
    s.moves(p.name, d + 2, own, o.ref, -w.cost, "PEMBELIAN")
    s.true(STATEMENT, p.name, o.ref, "unexplained_movement", -w.cost, d, d + 2)


def repriced_in_statement(s: Stage, p: Player, d: int) -> None:
    """The deposit fell by 500 more than the transaction says."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, stated=-w.cost - 500)
    s.true(STATEMENT, p.name, o.ref, "unexplained_movement", 500, d)


def only_in_statement(s: Stage, p: Player, d: int) -> None:
    """The deposit falls for an order that no transaction names."""
    ref = f"LOST-{s.number('moved'):04}"
    s.moves(p.name, d, f"M{ref}", ref, -15_000, "PEMBELIAN")
    s.true(STATEMENT, p.name, ref, "unexplained_movement", 15_000, d)


def gap_in_statement(s: Stage, p: Player, d: int) -> None:
    """The balance of the deposit statement falls by 20,000 before a line that names an order."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, stated=0)
    s.moves(p.name, d, own, o.ref, -w.cost, "PEMBELIAN", clock="23:00:00", jump=-20_000)
    s.gap(p.name, d, own, 20_000)


def unreadable_in_statement(s: Stage, p: Player, d: int) -> None:
    """The amount of a line of the deposit statement cannot be read; its balance says what it was."""
    s.defects.add((f"{p.name}_deposit", d))
    own = f"MX{s.number('broken'):06}"
    s.moves(p.name, d, own, f"LOST-X{own}", -12_500, "PEMBELIAN", clock="22:00:00", broken=True)
    after = _after(s, p, d, "22:30:00")
    s.gap(p.name, d, after, 12_500, "file_defect")


def unreadable(s: Stage, p: Player, d: int) -> None:
    """The amount of a row cannot be read; the balance after the next one says what it was."""
    s.defects.add((f"{p.name}_mutasi", d))
    w = p.ware(d)
    s.supply(p.name, d, f"GHOST-X{s.number('broken'):04}", debit=w.cost, code=w.code,
             clock="22:00:00", broken=True)  # fmt: skip
    s.gap(p.name, d, _after(s, p, d, "22:30:00"), w.cost, "file_defect")


def _after(s: Stage, p: Player, d: int, clock: str) -> str:
    """Sell and deliver an order later on the day; return the partner's id of it."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, clock=clock, stated=0)
    if p.statement:
        s.moves(p.name, d, own, o.ref, -w.cost, "PEMBELIAN", clock=clock)
    return own
