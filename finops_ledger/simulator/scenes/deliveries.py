"""One order and one partner: what both sides say of it, over days (leg sale-supply)."""

from __future__ import annotations

from typing import Final

from finops_ledger.simulator.players import Player
from finops_ledger.simulator.stage import Stage

SUPPLY: Final = "sale-supply"
#: Days that a side may be pending before the other's word is a break (72 hours).
PENDING: Final = 3


def matched(s: Stage, p: Player, d: int) -> None:
    """Sold and delivered."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)


def cut_off(s: Stage, p: Player, d: int) -> None:
    """Sold after the partner's day has closed: in its file of the day after."""
    w = p.ware(d)
    o = s.order(p.name, w, d, clock="23:30:00")
    s.supply(p.name, d + 1, o.ref, debit=w.cost, code=w.code, began=d, clock="23:30:05")
    s.true(SUPPLY, p.name, o.ref, "timing", -w.cost, d, d + 1)


def pending_then_success(s: Stage, p: Player, d: int) -> None:
    """Not final on either side until the day after."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "PENDING"), (d + 1, "SUCCESS"))
    own = s.supply(p.name, d, o.ref, "PENDING", debit=w.cost, code=w.code)
    s.supply(p.name, d + 1, o.ref, debit=w.cost, moved=0, own=own, code=w.code, began=d)
    s.true(SUPPLY, p.name, o.ref, "pending", 0, d, d + 1)


def delivered_not_recorded(s: Stage, p: Player, d: int) -> None:
    """Delivered there; here still pending when its window closes, and a success at last."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "PENDING"), (d + 5, "SUCCESS"))
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "timing", w.cost, d, d + PENDING)
    s.true(SUPPLY, p.name, o.ref, "delivered_not_recorded", w.cost, d + PENDING, d + 5)


def undelivered_overdue(s: Stage, p: Player, d: int) -> None:
    """Paid, and final nowhere."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "PENDING"))
    s.true(SUPPLY, p.name, o.ref, "pending", 0, d, d + PENDING)
    s.true(SUPPLY, p.name, o.ref, "undelivered_overdue", 0, d + PENDING)


def missing_at_partner(s: Stage, p: Player, d: int) -> None:
    """Sold and never billed; another one billed after three days."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    s.true(SUPPLY, p.name, o.ref, "missing_at_partner", -w.cost, d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d + 3, o.ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "missing_at_partner", -w.cost, d, d + 3)


def missing_at_platform(s: Stage, p: Player, d: int) -> None:
    """Billed for an order that we never had."""
    w = p.ware(d)
    ref = f"GHOST-{s.number('ghost'):05}"
    s.supply(p.name, d, ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, ref, "missing_at_platform", w.cost, d)


def partner_failed(s: Stage, p: Player, d: int) -> None:
    """Sold here, failed there; one is corrected and refunded two days later."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.true(SUPPLY, p.name, o.ref, "partner_failed", -w.cost, d)
    o = s.order(p.name, w, d, (d, "SUCCESS"), (d + 2, "FAILED"), refunded=d + 2)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.true(SUPPLY, p.name, o.ref, "partner_failed", -w.cost, d, d + 2)


def late_success(s: Stage, p: Player, d: int) -> None:
    """Failed and refunded here, delivered there; one is restored after three days."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "late_success", w.cost, d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.supply(p.name, d + 3, o.ref, credit=w.cost, code="REFUND", orig=own)
    s.true(SUPPLY, p.name, o.ref, "late_success", w.cost, d, d + 3)


def late_success_next_day(s: Stage, p: Player, d: int) -> None:
    """Failed there and here; the day after, the partner says that it was delivered after all."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    own = s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.supply(p.name, d + 1, o.ref, debit=w.cost, own=own, code=w.code, began=d)
    s.true(SUPPLY, p.name, o.ref, "late_success", w.cost, d + 1)


def duplicate_delivery(s: Stage, p: Player, d: int) -> None:
    """Delivered twice; of one the second delivery is restored, one comes a week later."""
    w = p.ware(d)
    for restored, later in ((False, 0), (True, 0), (False, 7)):
        serial = f"SN-{s.number('serial')}"
        o = s.order(p.name, w, d, serial=serial)
        s.supply(p.name, d, o.ref, debit=w.cost, code=w.code, serial=serial)
        own = s.supply(p.name, d + later, o.ref, debit=w.cost, code=w.code, clock="09:59:00")
        if restored:
            s.supply(p.name, d + 4, o.ref, credit=w.cost, code="REFUND", orig=own)
        until = d + 4 if restored else None
        s.true(SUPPLY, p.name, o.ref, "duplicate_delivery", w.cost, d + later, until, own)


def cost_mismatch(s: Stage, p: Player, d: int) -> None:
    """Billed for more, and for less, than the price list says."""
    w = p.ware(d)
    for off in (300, -200):
        o = s.order(p.name, w, d)
        s.supply(p.name, d, o.ref, debit=w.cost + off, code=w.code)
        s.true(SUPPLY, p.name, o.ref, "cost_mismatch", off, d)


def late_reversal(s: Stage, p: Player, d: int) -> None:
    """Delivered on both sides; three days later the partner gives the money back."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.supply(p.name, d + 3, o.ref, credit=w.cost, code="REFUND", orig=own)
    s.true(SUPPLY, p.name, o.ref, "late_reversal", -w.cost, d + 3)


def restore_missing(s: Stage, p: Player, d: int) -> None:
    """Failed on both sides, the partner keeps the money; of one it gives it back three days later."""
    w = p.ware(d)
    for restored in (False, True):
        o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
        own = s.supply(p.name, d, o.ref, "GAGAL", debit=w.cost, code=w.code)
        if restored:
            s.supply(p.name, d + 3, o.ref, credit=w.cost, code="REFUND", orig=own)
        until = d + 3 if restored else None
        s.true(SUPPLY, p.name, o.ref, "restore_missing", w.cost, d, until)


def status_unknown(s: Stage, p: Player, d: int) -> None:
    """The partner writes a status that nobody has mapped; two days later it is a success."""
    w = p.ware(d)
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
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "FAILED"))
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)


def refunded_later(s: Stage, p: Player, d: int) -> None:
    """Delivered; given back six days later by us and by the partner."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "SUCCESS"), (d + 6, "FAILED"), refunded=d + 6)
    own = s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.supply(p.name, d + 6, o.ref, credit=w.cost, code="REFUND", orig=own)
