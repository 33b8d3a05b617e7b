"""A small company beside the big one, told event by event: its partners, a gateway of its own, its bank lines.

The mass of orders is columns; what is rare, and needs to be told exactly, is played here: each event goes into the
files of its day, and what is true of it from which day to which into :attr:`Stage.items`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from finops_ledger.simulator.bank import Line
from finops_ledger.simulator.players import (
    ADMIN,
    BILLED,
    BILLER,
    CAST,
    COMMISSION,
    EVERYBODY,
    GATEWAY,
    PPN,
    Ware,
)
from finops_ledger.simulator.world import DAY, HOUR, World

#: What a deposit statement writes of a movement, by the code that the transactions give it.
_TEXTS = {"TOPUP": "TOPUP DEPOSIT", "REFUND": "REFUND", "ADJUST": "KOREKSI"}
_STATED = {player.name for player in CAST if player.statement}


class Item(NamedTuple):
    """One item in one class, from its first day until the first day on which that is no longer so (None: still)."""

    leg: str
    counterparty: str
    ref: str
    occurrence: str
    outcome: str
    amount: int
    since: int
    until: int | None


@dataclass(slots=True)
class Supplied:
    """A line of a partner's file; ``broken``: its amount cannot be read."""

    clock: str
    began: int
    own: str
    ref: str
    status: str
    code: str
    debit: int
    credit: int
    moved: int
    orig: str
    serial: str
    jump: int
    broken: bool = False


class Moved(NamedTuple):
    """A line of a deposit statement; ``jump``: by what the balance falls before it without a line."""

    clock: str
    own: str
    ref: str
    text: str
    debit: int
    credit: int
    jump: int = 0
    broken: bool = False


class Payment(NamedTuple):
    """A payment list of ours: bills of a settlement, less the commission granted on them."""

    day: int
    counterparty: str
    settlement: str
    gross: int
    granted: int


@dataclass(slots=True)
class Order:
    """An order of the stage."""

    ref: str
    partner: str
    ware: Ware
    day: int


@dataclass(slots=True)
class Stage:
    """Collects what happens on each day, and knows the truth.

    ``absent``, ``short``, ``late``: partners' files of a day that never come, come without their end, come too late.
    ``lapses``: the days of the latter, which no other scene of such a partner may use.
    """

    world: World
    items: list[Item] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    absent: set[tuple[str, int]] = field(default_factory=set)
    short: set[tuple[str, int]] = field(default_factory=set)
    late: set[tuple[str, int]] = field(default_factory=set)
    defects: set[tuple[str, int]] = field(default_factory=set)
    sales: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[tuple[str, int], list[Supplied]] = field(default_factory=lambda: defaultdict(list))
    bills: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    moves_of: dict[tuple[str, int], list[Moved]] = field(default_factory=lambda: defaultdict(list))
    reported: dict[int, list[tuple[str, str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    paid_out: dict[int, tuple[int | None, int]] = field(default_factory=dict)
    more_fee: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    gaps: list[tuple[str, str, int, str, int]] = field(default_factory=list)
    _count: Counter[str] = field(default_factory=Counter)

    # --- what happens ---

    def true(self, leg: str, who: str, ref: str, outcome: str, amount: int, since: int,
             until: int | None = None, occurrence: str = "") -> None:  # fmt: skip
        """State that an item is of a class from a day on, until the first day on which it is not."""
        if since < self.world.days and (until is None or since < until):
            end = None if until is not None and until >= self.world.days else until
            self.items.append(Item(leg, who, ref, occurrence, outcome, amount, since, end))

    def number(self, name: str) -> int:
        """Return the next number of a kind of thing."""
        self._count[name] += 1
        return self._count[name]

    def order(
        self, partner: str, ware: Ware, day: int, *states: tuple[int, str],
        refunded: int | None = None, settled: int | None = 1, clock: str = "10:00:00",
        serial: str = "", price: int = 0,
    ) -> Order:  # fmt: skip
        """Sell: paid on ``day``, with the status that each later export shows (success at once by default).

        ``settled``: how many days later the gateway reports the payment; None: a scene tells it. The truth of the
        money is told here: the payment and the refund on their way through the gateway, the goods owed, the
        refund owed.
        """
        made = Order(f"SHOP-{self.number('order'):06}", partner, ware, day)
        states = states or ((day, "SUCCESS"),)
        paid, price = f"{self.world.date(day)} {clock}", price or ware.price
        shown = sorted({d for d, _ in states} | ({refunded} if refunded is not None else set()))
        for at in shown:
            since, status = max((d, n) for n, (d, s) in enumerate(states) if d <= at)
            name = states[status][1]
            stated = f"{self.world.date(since)} {clock}"
            back = (
                f"{self.world.date(refunded)} 15:00:00"
                if refunded is not None and refunded <= at
                else ""
            )
            cells = [made.ref, paid, partner, "app", ware.code, "1", str(price), "0", name, stated]
            cells += [back, f"PAY-{made.ref}", serial, "081200001234"]
            self.sales[at].append(",".join(cells))
        self._money(made, price, states, refunded, settled)
        return made

    def _money(self, made: Order, price: int, states: tuple[tuple[int, str], ...],
               refunded: int | None, settled: int | None) -> None:  # fmt: skip
        pay = f"PAY-{made.ref}"
        if settled is not None:
            self.report(made.day + settled, made.ref, "PAYMENT", price)
            self.true("sale-gateway", GATEWAY, pay, "timing", price, made.day, made.day + settled)
        if refunded is not None:
            self.report(refunded + 1, made.ref, "REFUND", -price)
            self.true(
                "sale-gateway", GATEWAY, pay, "timing", -price, refunded, refunded + 1, "refund"
            )
        final = next((d for d, s in states if s != "PENDING"), None)
        late = made.day + 3
        until = final if final is not None else self.world.days
        self.true("undelivered", EVERYBODY, made.ref, "pending", -price, made.day, min(until, late))
        self.true("undelivered", EVERYBODY, made.ref, "undelivered_overdue", -price, late, final)
        failed = next((d for d, s in states if s == "FAILED"), None)
        if failed is not None:
            back = refunded if refunded is not None else self.world.days
            self.true(
                "refund-payable",
                EVERYBODY,
                made.ref,
                "pending",
                -price,
                failed,
                min(back, failed + 2),
            )
            self.true(
                "refund-payable",
                EVERYBODY,
                made.ref,
                "refund_overdue",
                -price,
                failed + 2,
                refunded,
            )

    def supply(
        self, partner: str, day: int, ref: str, status: str = "SUKSES", *, debit: int = 0,
        credit: int = 0, moved: int | None = None, own: str = "", code: str = "SP50", orig: str = "",
        serial: str = "", clock: str = "10:00:05", began: int | None = None, jump: int = 0,
        stated: int | None = None, broken: bool = False,
    ) -> str:  # fmt: skip
        """Write a row of the partner's file; returns its id. ``stated``: what a statement beside it moves."""
        own = own or f"{partner[0]}{self.number(partner):07}"
        change = credit - debit if moved is None else moved
        row = Supplied(clock, day if began is None else began, own, ref, status, code, debit,
                       credit, change, orig, serial, jump, broken)  # fmt: skip
        self.rows[partner, day].append(row)
        change = change if stated is None else stated
        if change and partner in _STATED:
            self.moves(partner, day, own, ref, change, text=_TEXTS.get(code, "PEMBELIAN"))
        return own

    def bill(
        self, day: int, ref: str, status: str = "PAID", *, more: int = 0,
        commission: int = COMMISSION, ppn: int = PPN, own: str = "",
    ) -> str:  # fmt: skip
        """Write a row of the biller's file; returns its id. ``more``: what it bills beyond the bill."""
        own = own or f"B{self.number(BILLER.name):07}"
        when = f"{self.world.date(day)} 10:00:05"
        cells = [
            when,
            own,
            ref,
            BILLER.wares[0].code,
            BILLED + more,
            ADMIN,
            commission,
            ppn,
            status,
        ]
        self.bills[day].append(",".join(map(str, cells)))
        return own

    def pay(self, day: int, gross: int, granted: int) -> str:
        """Decide a payment list for the biller; returns its settlement."""
        settlement = f"{BILLER.name}-{self.number('payment'):08}"
        if day < self.world.days:
            self.payments.append(Payment(day, BILLER.name, settlement, gross, granted))
        return settlement

    def moves(
        self, partner: str, day: int, own: str, ref: str, amount: int, text: str = "KOREKSI", *,
        clock: str = "10:00:06", jump: int = 0, broken: bool = False,
    ) -> None:  # fmt: skip
        """Write a line of the deposit statement of a partner that has one."""
        line = Moved(clock, own, ref, text, max(-amount, 0), max(amount, 0), jump, broken)
        self.moves_of[partner, day].append(line)

    def gap(
        self, partner: str, day: int, own: str, amount: int, outcome: str = "balance_gap"
    ) -> None:
        """The balance jumps before a row, or over one: an item named by the row's place in its file."""
        self.gaps.append((outcome, partner, day, own, amount))

    def report(self, day: int, ref: str, type_: str, gross: int) -> None:
        """Write a line of the gateway's report of a day."""
        self.reported[day].append((ref, type_, gross))

    def pay_out(self, day: int, on: int | None, less: int = 0) -> None:
        """The report of a day reaches the bank on another day (None: never), or short of something."""
        self.paid_out[day] = (on, less)

    def overcharge(self, day: int, amount: int) -> None:
        """The gateway takes more fee on a day's report than agreed."""
        self.more_fee[day] += amount

    def bank(self, day: int, text: str, amount: int, hour: int = 9) -> None:
        """Write a line of the bank's statement."""
        if day < self.world.days:
            self.lines.append(Line(day * DAY + hour * HOUR, text, amount))

    # --- what follows from it ---

    def of_day(self, partner: str, day: int) -> list[Supplied]:
        """Return the rows of a partner's file of a day, in the order of the file."""
        return sorted(self.rows[partner, day], key=lambda r: (r.clock, r.own))

    def fees(self, day: int) -> tuple[int, int]:
        """Return the fee on a day's report, and its VAT."""
        paid = sum(g for _, t, g in self.reported[day] if t == "PAYMENT")
        fee = (paid * 7 + 500) // 1000 + self.more_fee[day] if paid else 0
        return fee, (fee * 11 + 50) // 100

    def net(self, day: int) -> int:
        """Return the net of a day's report."""
        return sum(g for _, _, g in self.reported[day]) - sum(self.fees(day))
