"""The gateway and the bank: payments reported, fees, payouts, and what nobody can name."""

from __future__ import annotations

from collections.abc import Callable

from finops_ledger.simulator.players import GATEWAY, Player
from finops_ledger.simulator.stage import Stage


def unidentified_credit(s: Stage, p: Player, d: int) -> None:
    """Money comes into the bank, and money leaves it, and no rule names either."""
    for text, sign in (("SETORAN TUNAI", 1), ("TARIKAN TUNAI", -1)):
        amount = sign * (77_000 + s.number("cash"))
        s.bank(d, text, amount, 11)
        s.true("bank-suspense", "BCA", f"? {amount}", "unidentified_credit", -amount, d)


def payout_of_nothing(s: Stage, p: Player, d: int) -> None:
    """The gateway pays out a settlement that it never reported."""
    name = f"{GATEWAY}-{90_000_000 + s.number('payout')}"
    s.bank(d, f"KR OTOMATIS {GATEWAY} SETTLEMENT {name}", 41_000, 7)
    s.true("settlement-bank", GATEWAY, name, "timing", -41_000, d, d + 1)
    s.true("settlement-bank", GATEWAY, name, "settlement_over", -41_000, d + 1)


def amount_mismatch(s: Stage, p: Player, d: int) -> None:
    """The gateway reports a payment a thousand short."""
    w = p.ware(d)
    o = s.order(p.name, w, d, settled=None)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.report(d + 1, o.ref, "PAYMENT", w.price - 1_000)
    s.true("sale-gateway", GATEWAY, f"PAY-{o.ref}", "timing", w.price, d, d + 1)
    s.true("sale-gateway", GATEWAY, f"PAY-{o.ref}", "amount_mismatch", 1_000, d + 1)


def missing_in_settlement(s: Stage, p: Player, d: int) -> None:
    """Paid, and reported by the gateway four days late; another one never."""
    w = p.ware(d)
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
    ref = f"STRANGE-{s.number('stranger'):04}"
    s.report(d, ref, "PAYMENT", 33_000)
    s.true("sale-gateway", GATEWAY, f"PAY-{ref}", "timing", -33_000, d, d + 1)
    s.true("sale-gateway", GATEWAY, f"PAY-{ref}", "unknown_in_settlement", -33_000, d + 1)


def refund_mismatch(s: Stage, p: Player, d: int) -> None:
    """Refunded once by us, a thousand more by the gateway."""
    w = p.ware(d)
    o = s.order(p.name, w, d, (d, "FAILED"), refunded=d)
    s.supply(p.name, d, o.ref, "GAGAL", code=w.code)
    s.reported[d + 1].remove((o.ref, "REFUND", -w.price))
    s.report(d + 1, o.ref, "REFUND", -w.price - 1_000)
    s.true("sale-gateway", GATEWAY, f"PAY-{o.ref}", "refund_mismatch", 1_000, d + 1, None, "refund")


def chargeback(s: Stage, p: Player, d: int) -> None:
    """The gateway takes a payment back three days later."""
    w = p.ware(d)
    o = s.order(p.name, w, d)
    s.supply(p.name, d, o.ref, debit=w.cost, code=w.code)
    s.report(d + 3, o.ref, "CHARGEBACK", -w.price)
    s.true(
        "sale-gateway", GATEWAY, f"PAY-{o.ref}", "chargeback", w.price, d + 3, None, "chargeback"
    )


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
