"""The goods themselves, and two partners at one order: other products, serials that come again, deliveries across."""

from __future__ import annotations

from finops_ledger.simulator.players import Player, Ware, another
from finops_ledger.simulator.scenes.deliveries import PENDING, SUPPLY
from finops_ledger.simulator.stage import Stage


def product_mismatch(s: Stage, p: Player, d: int) -> None:
    """Charged as sold, and another product came; of one the partner corrects its row two days later."""
    w = p.ware(d)
    other = p.wares[(p.wares.index(w) + 1) % len(p.wares)]
    for corrected in (False, True):
        o = s.order(p.name, w, d)
        own = s.supply(p.name, d, o.ref, debit=w.cost, code=other.code)
        if corrected:
            s.supply(p.name, d + 2, o.ref, debit=w.cost, moved=0, own=own, code=w.code, began=d)
        s.true(SUPPLY, p.name, o.ref, "product_mismatch", 0, d, d + 2 if corrected else None)


def serial_reused(s: Stage, p: Player, d: int) -> None:
    """The serial of an order stands on another one the day after; of one the partner corrects it later."""
    w = p.ware(d)
    for corrected in (False, True):
        serial = f"SR-{s.number('reused')}"
        first = s.order(p.name, w, d)
        s.supply(p.name, d, first.ref, debit=w.cost, code=w.code, serial=serial)
        o = s.order(p.name, w, d + 1)
        own = s.supply(p.name, d + 1, o.ref, debit=w.cost, code=w.code, serial=serial)
        if corrected:
            s.supply(p.name, d + 3, o.ref, debit=w.cost, moved=0, own=own, code=w.code, began=d + 1,
                     serial=f"{serial}-2")  # fmt: skip
        s.true(SUPPLY, p.name, o.ref, "serial_reused", 0, d + 1, d + 3 if corrected else None)


def delivered_by_both(s: Stage, p: Player, d: int) -> None:
    """One order, charged by two partners: of one the second partner gives the money back three days later."""
    q, w, theirs = _two(p, d)
    for restored in (False, True):
        o = s.order(p.name, w, d)
        s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
        own = s.supply(q.name, d, o.ref, debit=theirs, code=w.code, clock="10:00:40")
        if restored:
            s.supply(q.name, d + 3, o.ref, credit=theirs, code="REFUND", orig=own)
        until = d + 3 if restored else None
        s.true(SUPPLY, q.name, o.ref, "cross_partner_delivery", theirs, d, until)


def delivered_by_another(s: Stage, p: Player, d: int) -> None:
    """Sold under one partner, delivered by another at its own price; one the day after, one for 500 more."""
    q, w, theirs = _two(p, d)
    for later, more in ((0, 0), (1, 0), (0, 500)):
        o = s.order(p.name, w, d)
        s.supply(q.name, d + later, o.ref, debit=theirs + more, code=w.code, clock="10:00:40")
        s.true(SUPPLY, p.name, o.ref, "missing_at_partner", -w.cost, d, d + later)
        if more:
            s.true(SUPPLY, q.name, o.ref, "cost_mismatch", more, d)


def refunded_by_another(s: Stage, p: Player, d: int) -> None:
    """Delivered by another partner, then refunded by us; that partner gives the money back two days later."""
    q, w, theirs = _two(p, d)
    o = s.order(p.name, w, d, (d, "SUCCESS"), (d + 3, "FAILED"), refunded=d + 3)
    own = s.supply(q.name, d, o.ref, debit=theirs, code=w.code)
    s.supply(q.name, d + 5, o.ref, credit=theirs, code="REFUND", orig=own)
    s.true(SUPPLY, q.name, o.ref, "late_success", theirs, d + 3, d + 5)


def late_success_of_another(s: Stage, p: Player, d: int) -> None:
    """Failed and refunded under one partner, delivered by another."""
    q, w, theirs = _two(p, d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.supply(q.name, d, o.ref, debit=theirs, code=w.code, clock="10:00:40")
    s.true(SUPPLY, q.name, o.ref, "late_success", theirs, d)


def not_recorded_by_another(s: Stage, p: Player, d: int) -> None:
    """Pending under one partner until its window closes, delivered by another, and a success at last."""
    q, w, theirs = _two(p, d)
    o = s.order(p.name, w, d, (d, "PENDING"), (d + 5, "SUCCESS"))
    s.supply(q.name, d, o.ref, debit=theirs, code=w.code)
    s.true(SUPPLY, p.name, o.ref, "pending", 0, d, d + PENDING)
    s.true(SUPPLY, p.name, o.ref, "undelivered_overdue", 0, d + PENDING, d + 5)
    s.true(SUPPLY, q.name, o.ref, "timing", theirs, d, d + PENDING)
    s.true(SUPPLY, q.name, o.ref, "delivered_not_recorded", theirs, d + PENDING, d + 5)


def _two(p: Player, d: int) -> tuple[Player, Ware, int]:
    """Return another partner, a ware that both deliver, and what the other one charges for it."""
    q = another(p)
    theirs = {w.code: w.cost for w in q.wares}
    both = [w for w in p.wares if w.code in theirs]
    w = both[d % len(both)]
    return q, w, theirs[w.code]
