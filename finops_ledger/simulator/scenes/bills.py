"""A partner that is paid afterwards: its bills and commission, our payment lists, and what the bank shows of them."""

from __future__ import annotations

from typing import Final

from finops_ledger.simulator.players import ADMIN, BILL, BILLED, BILLER, COMMISSION, PPN
from finops_ledger.simulator.scenes.deliveries import SUPPLY
from finops_ledger.simulator.stage import Stage

PAYMENT: Final = "payment-bank"
WHO: Final = BILLER.name


def billed(s: Stage, d: int) -> None:
    """Paid by the customer, billed; another one not final there until the day after."""
    s.bill(d, s.order(WHO, BILL, d).ref)
    o = s.order(WHO, BILL, d)
    own = s.bill(d, o.ref, "PENDING")
    s.bill(d + 1, o.ref, own=own)
    s.true(SUPPLY, WHO, o.ref, "timing", -BILL.cost, d, d + 1)


def commission_short(s: Stage, d: int) -> None:
    """The bill agrees; the commission is 50 short, and its VAT 6."""
    o = s.order(WHO, BILL, d)
    s.bill(d, o.ref, commission=COMMISSION - 50, ppn=PPN - 6)
    s.true(SUPPLY, WHO, o.ref, "fee_mismatch", 56, d)


def bill_differs(s: Stage, d: int) -> None:
    """Billed for 500 more than the customer's bill."""
    o = s.order(WHO, BILL, d)
    s.bill(d, o.ref, more=500)
    s.true(SUPPLY, WHO, o.ref, "cost_mismatch", 500, d)


def bill_missing(s: Stage, d: int) -> None:
    """Paid by the customer and never billed; billed, and paid by nobody; paid here, failed there."""
    o = s.order(WHO, BILL, d)
    s.true(SUPPLY, WHO, o.ref, "missing_at_partner", -BILL.cost, d)
    ref = f"GHOST-B{s.number('ghost bill'):04}"
    s.bill(d, ref)
    s.true(SUPPLY, WHO, ref, "missing_at_platform", BILL.cost, d)
    o = s.order(WHO, BILL, d)
    s.bill(d, o.ref, "FAILED", commission=0, ppn=0)
    s.true(SUPPLY, WHO, o.ref, "partner_failed", -BILL.cost, d)


def payments(s: Stage, d: int) -> None:
    """Five bills, each paid by a list of its own the day after: in time, late, never, short, over."""
    for on, more in ((1, 0), (4, 0), (None, 0), (1, -1_000), (1, 1_000)):
        s.bill(d, s.order(WHO, BILL, d).ref)
        name = s.pay(d + 1, BILLED + ADMIN, COMMISSION + PPN)
        key = name.removeprefix(f"{WHO}-")
        if on is not None:
            s.bank(d + on, f"TRSF {WHO.upper()} {name}", -BILL.cost - more, 10)
        if more:
            class_ = "settlement_over" if more > 0 else "settlement_short"
            s.true(PAYMENT, WHO, key, class_, more, d + 1)
            continue
        paid = None if on is None else d + on
        first = d + 2 if paid is None else min(d + 2, paid)
        s.true(PAYMENT, WHO, key, "timing", -BILL.cost, d + 1, first)
        s.true(PAYMENT, WHO, key, "settlement_overdue", -BILL.cost, d + 2, paid)


def paid_without_list(s: Stage, d: int) -> None:
    """The bank pays the biller what no list of ours has."""
    key = f"{90_000_000 + s.number('unlisted')}"
    s.bank(d, f"TRSF {WHO.upper()} {WHO}-{key}", -88_000, 10)
    s.true(PAYMENT, WHO, key, "timing", 88_000, d, d + 1)
    s.true(PAYMENT, WHO, key, "settlement_over", 88_000, d + 1)
