"""The scenes of the stage: each class of break once played through, with the truth of it written beside it.

A scene begins on a day, with a partner; it says what every file shows of it, and of which class the item is from
which day to which. ``Timing`` and ``pending`` are truths as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from finops_ledger.simulator.stage import GATEWAY, PLAYERS, Player, Stage, Ware

SUPPLY: Final = "sale-supply"
STATEMENT: Final = "supply-statement"
#: Days that a side may be pending before the other's word is a break (72 hours).
PENDING: Final = 3


def _ware(player: Player, day: int) -> Ware:
    return player.wares[day % len(player.wares)]


def matched(s: Stage, p: Player, d: int) -> None:
    """Sold and delivered."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)


def cut_off(s: Stage, p: Player, d: int) -> None:
    """Sold after the partner's day has closed: in its file of the day after."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, clock="23:30:00")
    s.supply(p.name, d + 1, o.ref, debit=w.cost, code=w.code, began=d, clock="23:30:05")
    s.true(SUPPLY, p.name, o.ref, "timing", -w.cost, d, d + 1)


def pending_then_success(s: Stage, p: Player, d: int) -> None:
    """Not final on either side until the day after."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "PENDING"), (d + 1, "SUCCESS"))
    own = s.supply(p.name, d, o.ref, "PENDING", debit=w.cost, code=w.code)
    s.supply(p.name, d + 1, o.ref, debit=w.cost, moved=0, own=own, code=w.code, began=d)
    s.true(SUPPLY, p.name, o.ref, "pending", 0, d, d + 1)


def delivered_not_recorded(s: Stage, p: Player, d: int) -> None:
    """Delivered there; here still pending when its window closes, and a success at last."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "PENDING"), (d + 5, "SUCCESS"))
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "timing", w.cost, d, d + PENDING)
    s.true(SUPPLY, p.name, o.ref, "delivered_not_recorded", w.cost, d + PENDING, d + 5)


def undelivered_overdue(s: Stage, p: Player, d: int) -> None:
    """Paid, and final nowhere."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "PENDING"))
    s.true(SUPPLY, p.name, o.ref, "pending", 0, d, d + PENDING)
    s.true(SUPPLY, p.name, o.ref, "undelivered_overdue", 0, d + PENDING)


def missing_at_partner(s: Stage, p: Player, d: int) -> None:
    """Sold and never billed; another one billed after three days."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    s.true(SUPPLY, p.name, o.ref, "missing_at_partner", -w.cost, d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d + 3, o.ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "missing_at_partner", -w.cost, d, d + 3)


def missing_at_platform(s: Stage, p: Player, d: int) -> None:
    """Billed for an order that we never had."""
    w = _ware(p, d)
    s._count["ghost"] += 1
    ref = f"GHOST-{s._count['ghost']:05}"
    s.supply(p.name, d, ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, ref, "missing_at_platform", w.cost, d)


def partner_failed(s: Stage, p: Player, d: int) -> None:
    """Sold here, failed there; one is corrected and refunded two days later."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.true(SUPPLY, p.name, o.ref, "partner_failed", -w.cost, d)
    o = s.order(p.name, w, d, (d, "SUCCESS"), (d + 2, "FAILED"), refunded=d + 2)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.true(SUPPLY, p.name, o.ref, "partner_failed", -w.cost, d, d + 2)


def late_success(s: Stage, p: Player, d: int) -> None:
    """Failed and refunded here, delivered there; one is restored after three days."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "late_success", w.cost, d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.supply(p.name, d + 3, o.ref, credit=w.cost, code="REFUND", orig=own)
    s.true(SUPPLY, p.name, o.ref, "late_success", w.cost, d, d + 3)


def late_success_next_day(s: Stage, p: Player, d: int) -> None:
    """Failed there and here; the day after, the partner says that it was delivered after all."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    own = s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.supply(p.name, d + 1, o.ref, debit=w.cost, own=own, code=w.code, began=d)
    s.true(SUPPLY, p.name, o.ref, "late_success", w.cost, d + 1)


def duplicate_delivery(s: Stage, p: Player, d: int) -> None:
    """Delivered twice; of one the second delivery is restored, one comes a week later."""
    w = _ware(p, d)
    for serial, restored, later in (("SN-1", False, 0), ("SN-2", True, 0), ("SN-3", False, 7)):
        o = s.order(p.name, w, d, serial=serial)
        s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, serial=serial)
        own = s.supply(p.name, d + later, o.ref, debit=w.cost, code=w.code, clock="09:59:00")
        if restored:
            s.supply(p.name, d + 4, o.ref, credit=w.cost, code="REFUND", orig=own)
        until = d + 4 if restored else None
        s.true(SUPPLY, p.name, o.ref, "duplicate_delivery", w.cost, d + later, until, own)


def cost_mismatch(s: Stage, p: Player, d: int) -> None:
    """Billed for more, and for less, than the price list says."""
    w = _ware(p, d)
    for off in (300, -200):
        o = s.order(p.name, w, d)
        s.supply(p.name, d, o.ref, debit=w.cost + off, code=w.code)
        s.true(SUPPLY, p.name, o.ref, "cost_mismatch", off, d)


def late_reversal(s: Stage, p: Player, d: int) -> None:
    """Delivered on both sides; three days later the partner gives the money back."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.supply(p.name, d + 3, o.ref, credit=w.cost, code="REFUND", orig=own)
    s.true(SUPPLY, p.name, o.ref, "late_reversal", -w.cost, d + 3)


def restore_missing(s: Stage, p: Player, d: int) -> None:
    """Failed on both sides, the partner keeps the money; of one it gives it back three days later."""
    w = _ware(p, d)
    for restored in (False, True):
        o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
        own = s.supply(p.name, d, o.ref, "GAGAL", debit=w.cost, code=w.code)
        if restored:
            s.supply(p.name, d + 3, o.ref, credit=w.cost, code="REFUND", orig=own)
        until = d + 3 if restored else None
        s.true(SUPPLY, p.name, o.ref, "restore_missing", w.cost, d, until)


def status_unknown(s: Stage, p: Player, d: int) -> None:
    """The partner writes a status that nobody has mapped; two days later it is a success."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, "ANTRI", debit=w.cost, code=w.code)
    s.supply(p.name, d + 2, o.ref, debit=w.cost, moved=0, own=own, code=w.code, began=d)
    s.true(SUPPLY, p.name, o.ref, "status_unknown", -w.cost, d, d + 2)


def unexplained_movement(s: Stage, p: Player, d: int) -> None:
    """The deposit moves by a correction that names no order."""
    own = s.supply(p.name, d, "", debit=75_000, code="ADJUST")
    s.true(SUPPLY, p.name, f"~{own}", "unexplained_movement", 75_000, d, None, own)


def refund_overdue(s: Stage, p: Player, d: int) -> None:
    """Failed, and the refund not sent."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "FAILED"))
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)


def refunded_later(s: Stage, p: Player, d: int) -> None:
    """Delivered; given back nine days later by us and by the partner."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "SUCCESS"), (d + 9, "FAILED"), refunded=d + 9)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.supply(p.name, d + 9, o.ref, credit=w.cost, code="REFUND", orig=own)


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
    """One ticket sent in two transfers, credited as one."""
    amount = _ticket(s)
    _send(s, p, d, 5_000_000)
    _send(s, p, d, amount - 5_000_000)
    s.supply(p.name, d, "", credit=amount, code="TOPUP", clock="09:30:00")


def topup_mismatch(s: Stage, p: Player, d: int) -> None:
    """Credited, and never sent."""
    amount = _ticket(s)
    s.supply(p.name, d, "", credit=amount, code="TOPUP", clock="09:30:00")
    key = f"topup {amount}.0000"
    s.true("topup-bank", p.name, key, "timing", -amount, d, d + 1)
    s.true("topup-bank", p.name, key, "topup_mismatch", -amount, d + 1)


def _ticket(s: Stage) -> int:
    # Amounts so far apart that no ticket is near another, nor the sum of others.
    s._count["ticket"] += 1
    number = s._count["ticket"]
    return 10_000_000 + 2_000_003 * number + 37 * number * number


def _send(s: Stage, p: Player, d: int, amount: int) -> None:
    s.bank(d, f"TRSF E-BANKING DB TOPUP {p.name.upper()} {amount}", -amount)


def balance_gap(s: Stage, p: Player, d: int) -> None:
    """The running balance falls by 20,000 before a row, and no row says why."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, clock="23:00:00", jump=-20_000)
    s.gap(p.name, d, own, 20_000)


def not_in_statement(s: Stage, p: Player, d: int) -> None:
    """Of two files of one partner, a transaction that moved nothing; two days later its movement comes."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, stated=0)
    s.moves(p.name, d + 2, own, o.ref, -w.cost, "PEMBELIAN")
    s.true(STATEMENT, p.name, o.ref, "unexplained_movement", -w.cost, d, d + 2)


def repriced_in_statement(s: Stage, p: Player, d: int) -> None:
    """The deposit fell by 500 more than the transaction says."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, stated=-w.cost - 500)
    s.true(STATEMENT, p.name, o.ref, "unexplained_movement", 500, d)


def only_in_statement(s: Stage, p: Player, d: int) -> None:
    """The deposit falls for an order that no transaction names."""
    s._count["moved"] += 1
    ref = f"LOST-{s._count['moved']:04}"
    s.moves(p.name, d, f"M{ref}", ref, -15_000, "PEMBELIAN")
    s.true(STATEMENT, p.name, ref, "unexplained_movement", 15_000, d)


def unidentified_credit(s: Stage, p: Player, d: int) -> None:
    """Money comes into the bank, and no rule names it."""
    s._count["cash"] += 1
    amount = 77_000 + s._count["cash"]
    s.bank(d, "SETORAN TUNAI", amount, 11)
    s.true("bank-suspense", "BCA", f"? {amount}", "unidentified_credit", -amount, d)


def amount_mismatch(s: Stage, p: Player, d: int) -> None:
    """The gateway reports a payment a thousand short."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, settled=None)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.report(d + 1, o.ref, "PAYMENT", w.price - 1_000)
    s.true("sale-gateway", GATEWAY, f"PAY-{o.ref}", "timing", w.price, d, d + 1)
    s.true("sale-gateway", GATEWAY, f"PAY-{o.ref}", "amount_mismatch", 1_000, d + 1)


def missing_in_settlement(s: Stage, p: Player, d: int) -> None:
    """Paid, and reported by the gateway four days late; another one never."""
    w = _ware(p, d)
    for late in (4, None):
        o = s.order(p.name, w, d, settled=None)
        s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
        key = f"PAY-{o.ref}"
        s.true("sale-gateway", GATEWAY, key, "timing", w.price, d, d + 1)
        until = None if late is None else d + late
        s.true("sale-gateway", GATEWAY, key, "missing_in_settlement", w.price, d + 1, until)
        if late is not None:
            s.report(d + late, o.ref, "PAYMENT", w.price)


def unknown_in_settlement(s: Stage, p: Player, d: int) -> None:
    """The gateway pays for an order that we never had."""
    s._count["stranger"] += 1
    ref = f"STRANGE-{s._count['stranger']:04}"
    s.report(d, ref, "PAYMENT", 33_000)
    s.true("sale-gateway", GATEWAY, f"PAY-{ref}", "timing", -33_000, d, d + 1)
    s.true("sale-gateway", GATEWAY, f"PAY-{ref}", "unknown_in_settlement", -33_000, d + 1)


def refund_mismatch(s: Stage, p: Player, d: int) -> None:
    """Refunded once by us, a thousand more by the gateway."""
    w = _ware(p, d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s._report[d + 1].remove((o.ref, "REFUND", -w.price))
    s.report(d + 1, o.ref, "REFUND", -w.price - 1_000)
    s.true("sale-gateway", GATEWAY, f"PAY-{o.ref}", "refund_mismatch", 1_000, d + 1, None, "refund")


def chargeback(s: Stage, p: Player, d: int) -> None:
    """The gateway takes a payment back five days later."""
    w = _ware(p, d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.report(d + 5, o.ref, "CHARGEBACK", -w.price)
    s.true(
        "sale-gateway", GATEWAY, f"PAY-{o.ref}", "chargeback", w.price, d + 5, None, "chargeback"
    )


#: Scenes of a partner with one file, and of one with two.
OF_ONE_FILE: Final = (balance_gap,)
OF_TWO_FILES: Final = (not_in_statement, repriced_in_statement, only_in_statement)
#: Scenes that every partner plays, and those that are played once whoever the partner is.
OF_PARTNERS: Final = (
    matched, cut_off, pending_then_success, delivered_not_recorded, undelivered_overdue,
    missing_at_partner, missing_at_platform, partner_failed, late_success, late_success_next_day,
    duplicate_delivery, cost_mismatch, late_reversal, restore_missing, status_unknown,
    unexplained_movement, refund_overdue, refunded_later, topup, topup_not_credited, topup_short, topup_mismatch,
)  # fmt: skip
OF_GATEWAY: Final = (
    amount_mismatch, missing_in_settlement, unknown_in_settlement, refund_mismatch, chargeback,
    unidentified_credit,
)  # fmt: skip


def settlements(s: Stage, first: int, count: int) -> None:
    """A fee too high, a payout short, over, late and never; last, because each day has one report."""
    kinds: tuple[Callable[[int], None], ...] = (
        lambda d: _fee(s, d),
        lambda d: _payout(s, d, d, 2_900),
        lambda d: _payout(s, d, d, -1_500),
        lambda d: _payout(s, d, d + 3, 0),
        lambda d: _payout(s, d, None, 0),
    )
    days = [d for d in range(first, s.world.days) if s.net(d) > 0]
    for number, day in enumerate(days[: len(kinds) * count]):
        kinds[number % len(kinds)](day)


def _fee(s: Stage, d: int) -> None:
    before = s.net(d)
    s.overcharge(d, 5_000)
    name = f"{GATEWAY}-{s.world.date(d):%Y%m%d}"
    s.true("gateway-fee", GATEWAY, name, "fee_mismatch", before - s.net(d), d)


def _payout(s: Stage, d: int, on: int | None, less: int) -> None:
    s.pay_out(d, on, less)
    name = f"{GATEWAY}-{s.world.date(d):%Y%m%d}"
    net = s.net(d)
    if less:
        class_ = "settlement_short" if less > 0 else "settlement_over"
        s.true("settlement-bank", GATEWAY, name, class_, less, d)
        return
    s.true("settlement-bank", GATEWAY, name, "timing", net, d, d + 1)
    s.true("settlement-bank", GATEWAY, name, "settlement_overdue", net, d + 1, on)


def play(rng: np.random.Generator, stage: Stage, times: int) -> None:
    """Play every scene ``times`` times with each partner, on days drawn at random."""
    last = max(stage.world.days - 3, 1)
    for _ in range(times):
        for scene in OF_PARTNERS:
            for player in PLAYERS:
                scene(stage, player, int(rng.integers(0, last)))
        for player in PLAYERS:
            for scene in OF_TWO_FILES if player.statement else OF_ONE_FILE:
                scene(stage, player, int(rng.integers(1, last)))
        for scene in OF_GATEWAY:
            scene(stage, PLAYERS[0], int(rng.integers(1, last)))
    settlements(stage, 1, times)
