"""A small company beside the big one, told event by event: its partners, a gateway of its own, its bank lines.

The mass of orders is columns; what is rare, and needs to be told exactly, is played here: each event goes into the
files of its day, and what is true of it from which day to which into :attr:`Stage.items`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from finops_ledger.simulator.bank import Line
from finops_ledger.simulator.world import DAY, HOUR, World

SHOP_HEADER: Final = (
    "order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,refunded_at,"
    "payment_ref,serial,customer"
)
SUPPLY_HEADER: Final = (
    "No;Tanggal;ID Transaksi;Ref ID;Ref Asal;Kode Produk;Nomor Tujuan;Status;SN;Debet;Kredit;Saldo;"
    "Keterangan"
)
STATEMENT_HEADER: Final = "Tanggal;No. Mutasi;Keterangan;Ref;Debet;Kredit;Saldo"
REPORT_HEADER: Final = (
    "settlement_id,settlement_date,order_id,payment_ref,type,gross,fee,vat,net,paid_at"
)
GATEWAY: Final = "PG2"
EVERYBODY: Final = "customers"
OPENING: Final = 50_000_000


class Ware(NamedTuple):
    """What is sold on the stage: its code, category, what the partner charges, what the customer pays."""

    code: str
    category: str
    cost: int
    price: int


PULSA: Final = Ware("SP50", "Pulsa", 49_800, 51_000)
TOKEN: Final = Ware("ST100", "PLN-Token", 100_300, 102_500)
VOUCHER: Final = Ware("SV86", "Game-Voucher", 18_700, 22_000)
WARES: Final = (PULSA, TOKEN, VOUCHER)


class Player(NamedTuple):
    """A partner of the stage. ``statement``: a deposit statement beside its transactions moves the deposit."""

    name: str
    wares: tuple[Ware, ...]
    statement: bool = False


#: What a deposit statement writes of a movement, by the code that the transactions give it.
_TEXTS: Final = {"TOPUP": "TOPUP DEPOSIT", "REFUND": "REFUND", "ADJUST": "KOREKSI"}

#: One file; two files; vouchers only, of which the whole price is revenue.
PLAYERS: Final = (
    Player("Prima", WARES),
    Player("Duo", WARES, statement=True),
    Player("Vouch", (VOUCHER,)),
)


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
class _Supplied:
    """A line of a partner's file."""

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


@dataclass(slots=True)
class Order:
    """An order of the stage."""

    ref: str
    partner: str
    ware: Ware
    day: int


@dataclass(slots=True)
class Stage:
    """Collects what happens on each day, writes the files, and knows the truth."""

    world: World
    items: list[Item] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    absent: set[tuple[str, int]] = field(default_factory=set)
    _sales: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    _rows: dict[tuple[str, int], list[_Supplied]] = field(default_factory=lambda: defaultdict(list))
    _moves: dict[tuple[str, int], list[tuple[str, str, str, str, int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _report: dict[int, list[tuple[str, str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _paid_out: dict[int, tuple[int | None, int]] = field(default_factory=dict)
    _more_fee: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _gaps: list[tuple[str, int, str, int]] = field(default_factory=list)
    _count: Counter[str] = field(default_factory=Counter)

    # --- what happens ---

    def true(self, leg: str, who: str, ref: str, outcome: str, amount: int, since: int,
             until: int | None = None, occurrence: str = "") -> None:  # fmt: skip
        """State that an item is of a class from a day on, until the first day on which it is not."""
        if since < self.world.days and (until is None or since < until):
            end = None if until is not None and until >= self.world.days else until
            self.items.append(Item(leg, who, ref, occurrence, outcome, amount, since, end))

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
        self._count["order"] += 1
        made = Order(f"SHOP-{self._count['order']:06}", partner, ware, day)
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
            self._sales[at].append(",".join(cells))
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
        stated: int | None = None,
    ) -> str:  # fmt: skip
        """Write a row of the partner's file; returns its id. ``stated``: what a statement beside it moves."""
        if not own:
            self._count[partner] += 1
            own = f"{partner[0]}{self._count[partner]:07}"
        change = credit - debit if moved is None else moved
        row = _Supplied(clock, day if began is None else began, own, ref, status, code, debit,
                        credit, change, orig, serial, jump)  # fmt: skip
        self._rows[partner, day].append(row)
        change = change if stated is None else stated
        if change:
            self.moves(partner, day, own, ref, change, text=_TEXTS.get(code, "PEMBELIAN"))
        return own

    def moves(
        self, partner: str, day: int, own: str, ref: str, amount: int, text: str = "KOREKSI"
    ) -> None:
        """Write a line of the deposit statement of a partner that has one."""
        line = ("10:00:06", own, ref, text, max(-amount, 0), max(amount, 0))
        self._moves[partner, day].append(line)

    def gap(self, partner: str, day: int, own: str, amount: int) -> None:
        """The balance jumps before a row: an item named by the row's place in its file."""
        self._gaps.append((partner, day, own, amount))

    def report(self, day: int, ref: str, type_: str, gross: int) -> None:
        """Write a line of the gateway's report of a day."""
        self._report[day].append((ref, type_, gross))

    def pay_out(self, day: int, on: int | None, less: int = 0) -> None:
        """The report of a day reaches the bank on another day (None: never), or short of something."""
        self._paid_out[day] = (on, less)

    def overcharge(self, day: int, amount: int) -> None:
        """The gateway takes more fee on a day's report than agreed."""
        self._more_fee[day] += amount

    def bank(self, day: int, text: str, amount: int, hour: int = 9) -> None:
        """Write a line of the bank's statement."""
        if day < self.world.days:
            self.lines.append(Line(day * DAY + hour * HOUR, text, amount))

    # --- files ---

    def write(self, inbox: Path) -> dict[str, int]:
        """Write the files of every day; return the rows by kind of file. Bank lines stay in :attr:`lines`."""
        rows: Counter[str] = Counter()
        for day in range(self.world.days):
            date = self.world.date(day)
            lines = self._sales[day]
            (inbox / f"shop_{date}.csv").write_text(
                "\n".join([SHOP_HEADER, *lines]) + "\n", "utf-8"
            )
            rows["shop"] += len(lines)
            rows["report"] += self._write_report(inbox, day)
        for player in PLAYERS:
            rows["supply"] += self._write_supply(inbox, player.name)
            if player.statement:
                rows["statement"] += self._write_statement(inbox, player.name)
        return dict(rows)

    def _write_report(self, inbox: Path, day: int) -> int:
        date = self.world.date(day)
        name = f"{GATEWAY}-{date:%Y%m%d}"
        lines, total = [], 0
        for ref, type_, gross in self._report[day]:
            lines.append(
                f"{name},{date},{ref},PAY-{ref},{type_},{gross},0,0,{gross},{date} 08:00:00"
            )
            total += gross
        paid = sum(g for _, t, g in self._report[day] if t == "PAYMENT")
        fee = (paid * 7 + 500) // 1000 + self._more_fee[day] if paid else 0
        vat = (fee * 11 + 50) // 100
        if fee:
            lines.append(f"{name},{date},,,FEE,0,{fee},{vat},{-fee - vat},")
        net = total - fee - vat
        foot = f"TOTAL,{len(lines)},,,,{total},{fee},{vat},{net},"
        text = "\n".join([REPORT_HEADER, *lines, foot]) + "\n"
        (inbox / f"{GATEWAY}_settlement_{date:%Y%m%d}.csv").write_text(text, "utf-8")
        on, less = self._paid_out.get(day, (day, 0))
        if net - less and on is not None:
            self.bank(on, f"KR OTOMATIS {GATEWAY} SETTLEMENT {name}", net - less, 6)
        return len(lines)

    def net(self, day: int) -> int:
        """Return the net of a day's report."""
        paid = sum(g for _, t, g in self._report[day] if t == "PAYMENT")
        fee = (paid * 7 + 500) // 1000 + self._more_fee[day] if paid else 0
        return sum(g for _, _, g in self._report[day]) - fee - (fee * 11 + 50) // 100

    def _write_supply(self, inbox: Path, partner: str) -> int:
        balance, count = OPENING, 0
        for day in range(self.world.days):
            lines: list[str] = []
            date, debits, credits = self.world.date(day), 0, 0
            for row in self._of_day(partner, day):
                balance += row.jump + row.moved
                debits, credits = debits + row.debit, credits + row.credit
                shown = _dots(balance) if row.moved or row.jump else ""
                cells = [str(len(lines) + 1), f"{self.world.date(row.began):%d/%m/%Y} {row.clock}"]
                cells += [
                    row.own,
                    row.ref,
                    row.orig,
                    row.code,
                    "081200001234",
                    row.status,
                    row.serial,
                ]
                cells += [_some(row.debit), _some(row.credit), shown, ""]
                lines.append(";".join(cells))
            foot = f"TOTAL;{len(lines)};;;;;;;;{_dots(debits)};{_dots(credits)};{_dots(balance)};"
            head = ["LAPORAN MUTASI DEPOSIT", f"Periode;{date}", SUPPLY_HEADER]
            if (partner, day) not in self.absent:
                path = inbox / f"{partner}_mutasi_{date:%Y%m%d}.csv"
                path.write_text("\n".join([*head, *lines, foot]) + "\n", "utf-8")
            count += len(lines)
        return count

    def _of_day(self, partner: str, day: int) -> list[_Supplied]:
        return sorted(self._rows[partner, day], key=lambda r: (r.clock, r.own))

    def _tell_gaps(self) -> None:
        for partner, day, own, amount in self._gaps:
            rows = self._of_day(partner, day)
            at = next(n for n, r in enumerate(rows) if r.own == own)
            # Before the first balance that the file shows, the gap lies between two files.
            place = str(at + 1) if any(r.moved or r.jump for r in rows[:at]) else "opening"
            key = f"!{partner.lower()} {self.world.date(day)} {place}"
            self.true("sale-supply", partner, key, "balance_gap", amount, day)
        self._gaps.clear()

    def _write_statement(self, inbox: Path, partner: str) -> int:
        balance, count = OPENING, 0
        for day in range(self.world.days):
            lines: list[str] = []
            date, debits, credits = self.world.date(day), 0, 0
            opening = balance
            for clock, own, ref, text, debit, credit in sorted(self._moves[partner, day]):
                balance += credit - debit
                debits, credits = debits + debit, credits + credit
                cells = [f"{date:%d/%m/%Y} {clock}", own, text, ref, _some(debit), _some(credit)]
                lines.append(";".join([*cells, _dots(balance)]))
            head = ["MUTASI SALDO DEPOSIT", f"SALDO AWAL;;;;;;{_dots(opening)}", STATEMENT_HEADER]
            foot = [f"TOTAL MUTASI;;;;{_dots(debits)};{_dots(credits)};"]
            foot.append(f"SALDO AKHIR;;;;;;{_dots(balance)}")
            path = inbox / f"{partner}_deposit_{date:%Y%m%d}.csv"
            path.write_text("\n".join([*head, *lines, *foot]) + "\n", "utf-8")
            count += len(lines)
        return count

    def write_prices(self, folder: Path) -> None:
        """Write each partner's price list."""
        for player in PLAYERS:
            lines = [f"{w.code},{w.category},,{w.cost},," for w in player.wares]
            text = "\n".join(["product,category,face,cost,from,to", *lines]) + "\n"
            (folder / f"{player.name}.csv").write_text(text, "utf-8")

    def write_truth(self, folder: Path) -> None:
        """Write every item with its class and residue, from which day on, and until when."""
        lines = ["leg,counterparty,ref,occurrence,outcome,amount,since,until"]
        self._tell_gaps()
        for item in sorted(self.items, key=lambda i: (*i[:5], i.since)):
            until = "" if item.until is None else str(self.world.date(item.until))
            lines.append(
                ",".join([*item[:5], str(item.amount), str(self.world.date(item.since)), until])
            )
        (folder / "items.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _dots(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def _some(amount: int) -> str:
    return _dots(amount) if amount else ""
