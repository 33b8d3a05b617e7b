"""Accounts that list open items: rolled forward from their postings, compared with their registers.

A debit opens a debit item and closes a credit item::

    Assets:Breaks:AggA:Cost-Mismatch      300 IDR        items 1, debits 300
      count: 1
      move: "open"
    Assets:Breaks:AggA:Cost-Mismatch     -300 IDR        items 0, debits 0
      count: 1
      move: "close"

The plugin over it is :mod:`finops_ledger.plugins.clearing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from beancount.core.amount import Amount
from beancount.core.data import Custom, Posting, Transaction

from finops_ledger.core.kinds import MOVES
from finops_ledger.plugins.errors import Report, plain, units, whole, word

_ZERO = Decimal(0)
_ASSETS: Final = (
    "Breaks",
    "Claims",
    "Clearing:Timing",
    "Clearing:Supply-Pending",
    "Clearing:Gateway",
    "Clearing:Settlement-In-Transit",
    "Clearing:Deposit-In-Transit",
    "Clearing:Usage",
)
_LIABILITIES: Final = (
    "Customer-Orders:Undelivered",
    "Customer-Orders:Refund-Payable",
    "Suspense:Unidentified",
)

Key = tuple[str, str]  # account, currency


@dataclass(slots=True)
class _Roll:
    """What stands open on one account: items, their debits, their credits, and the balance."""

    count: int = 0
    debits: Decimal = _ZERO
    credits: Decimal = _ZERO
    balance: Decimal = _ZERO
    closed_by: Transaction | None = None
    unsure: bool = False  # a posting could not be read, or closed too much; reported already

    def apply(self, number: Decimal, count: int, move: str, side: str) -> None:
        self.count += -count if move == "close" else count
        if side == "debit":
            self.debits += number
        else:
            self.credits -= number


class _Register(NamedTuple):
    entry: Custom
    key: Key
    items: int
    debits: Decimal
    credits: Decimal


class OpenItems:
    """Rolls every proving account forward; tells a difference once."""

    def __init__(
        self, report: Report, options_map: dict[str, Any], further: tuple[str, ...]
    ) -> None:
        self.report = report
        assets = options_map.get("name_assets", "Assets")
        liabilities = options_map.get("name_liabilities", "Liabilities")
        self.breaks, self.claims = f"{assets}:Breaks:", f"{assets}:Claims:"
        self.transit = f"{assets}:Clearing:Settlement-In-Transit:"
        self.proving = (
            *(f"{assets}:{name}:" for name in _ASSETS),
            *(f"{liabilities}:{name}:" for name in _LIABILITIES),
            *(f"{name}:" for name in further),
        )
        self.rolls: dict[Key, _Roll] = {}
        self.touched: dict[Key, _Roll] = {}
        self.registers: list[_Register] = []
        self.decided: dict[tuple[Key, str], list[Any]] = {}
        self.withheld: set[str] = set()
        self.silent: set[str] = set()  # counterparties of which a day was incomplete

    def proves(self, account: str) -> bool:
        """Say whether an account lists open items; what is expected to be lost of claims is no claim."""
        return f"{account}:".startswith(self.proving) and account != f"{self.claims}Allowance"

    def end(self, day: date) -> None:
        """Compare what the day has left: nothing closed twice, and every register of the day."""
        for (key, _), (number, entry) in self.decided.items():
            # What was decided and taken back on the day decides nothing.
            if number:
                opens = number > 0 and not key[0].startswith(self.breaks)
                side = "debit" if (number > 0) == opens else "credit"
                self.rolls[key].apply(number, 1, "open" if opens else "close", side)
                self.rolls[key].closed_by = entry
        self.decided.clear()
        stated = {register.key for register in self.registers}
        for key, roll in self.touched.items():
            if not self._unproven(key[0]) or (key in stated and key[0] not in self.withheld):
                self._overclosed(day, key, roll)
        for register in self.registers:
            if register.key[0] not in self.withheld:
                self._compare(day, register)
        self.touched.clear()
        self.registers.clear()

    def _unproven(self, account: str) -> bool:
        return account in self.withheld or not self.silent.isdisjoint(account.split(":"))

    def withhold(self, entry: Custom) -> None:
        """From this day on an account is not proven: a decision on it does not fit."""
        self.withheld.update(v.value for v in entry.values if isinstance(v.value, str))

    def incomplete(self, counterparty: str) -> None:
        """From this day on the accounts of a counterparty are judged by their registers alone."""
        self.silent.add(counterparty)

    def take(self, entry: Transaction, posting: Posting) -> None:
        """Roll a proving account forward by one posting."""
        amount = units(posting)
        if amount is None:
            return
        number, currency = amount
        key = (posting.account, currency)
        roll = self.rolls.get(key)
        if roll is None:
            roll = self.rolls[key] = _Roll()
        self.touched[key] = roll
        roll.balance += number
        meta = posting.meta or {}
        count, move = whole(meta.get("count")), word(meta.get("move"))
        if count is None or move is None:
            item = word(meta.get("break", entry.meta.get("break")))
            if item and "count" not in meta and "move" not in meta and _is_decision(entry):
                held = self.decided.setdefault((key, item), [_ZERO, entry])
                held[0] += number
                return
            count, move = self._decided(entry, posting, number, count, move)
        fault = _fault(number, meta, count, move)
        if fault is not None or count is None or move is None:
            roll.unsure = True
            code, what = fault or ("clearing-unmarked", "has no count or move")
            self.report.add(code, f"{key[0]}: {plain(number)} {currency} {what}", entry)
            return
        by_sign = "debit" if (number > 0) == (move == "open") else "credit"
        side = meta["side"] if move == "adjust" else by_sign
        roll.apply(number, count, move, side)
        if move != "open":
            roll.closed_by = entry

    def _decided(
        self,
        entry: Transaction,
        posting: Posting,
        number: Decimal,
        count: int | None,
        move: str | None,
    ) -> tuple[int | None, str | None]:
        """Fill in what a person's decision may leave out: it takes up the break that it names."""
        if not _is_decision(entry):
            return count, move
        meta = posting.meta or {}
        if posting.account.startswith(self.transit) and not {"count", "move"} & meta.keys():
            # A payment list puts one payment on its way.
            return 1, "open"
        named = "break" in meta or "break" in entry.meta
        if count is None and named and "count" not in meta:
            count = 1
        if (
            move is None
            and "move" not in meta
            and (named or "case" in meta or "case" in entry.meta)
        ):
            if posting.account.startswith(self.breaks):
                move = "close"
            elif posting.account.startswith(self.claims):
                move = "open" if number > 0 else "close"
        return count, move

    def _overclosed(self, day: date, key: Key, roll: _Roll) -> None:
        if roll.unsure or (roll.count >= 0 and roll.debits >= 0 and roll.credits >= 0):
            return
        roll.unsure = True
        account, currency = key
        self.report.add(
            "clearing-overclosed",
            f"{account} on {day}: more is closed than stood open: {roll.count} items, debits "
            f"{plain(roll.debits)} {currency}, credits {plain(roll.credits)} {currency} are left, "
            f"expected 0 or more of each; difference "
            f"{plain(min(Decimal(roll.count), roll.debits, roll.credits))}; close an item once, "
            "with the sign opposite to its own, or write adjust",
            roll.closed_by,
        )

    def register(self, entry: Custom) -> None:
        """Take up what a register says; it is compared when the day ends."""
        values = [value.value for value in entry.values or ()]
        account = values[0] if values else None
        problem = None
        if len(values) != 5 or not isinstance(account, str) or not isinstance(values[4], str):
            problem = "cannot be read"
        elif not self.proves(account):
            problem = "is no register of open items: the account is not a proving account"
        else:
            count, debits, credits = whole(values[1]), values[2], values[3]
            if (
                count is None
                or not isinstance(debits, Amount)
                or not isinstance(credits, Amount)
                or debits.currency != credits.currency
                or min(Decimal(count), debits.number or _ZERO, credits.number or _ZERO) < 0
            ):
                problem = "must have a number of items and two amounts, each 0 or more"
            else:
                key = (account, debits.currency)
                self.registers.append(
                    _Register(entry, key, count, debits.number or _ZERO, credits.number or _ZERO)
                )
        if problem:
            self.report.add(
                "clearing-register",
                f"{account}: the register of {entry.date} {problem}; expected <account> <count> "
                '<debits> IDR <credits> IDR "sha256:…"; derive the journal again',
                entry,
            )

    def _compare(self, day: date, register: _Register) -> None:
        account, currency = register.key
        roll = self.rolls.setdefault(register.key, _Roll())
        stands = register.debits - register.credits
        unit = f" {currency}"
        figures = (
            ("clearing-count", "open items", Decimal(roll.count), Decimal(register.items), ""),
            ("clearing-debits", "open debits", roll.debits, register.debits, unit),
            ("clearing-credits", "open credits", roll.credits, register.credits, unit),
        )
        wrong = [] if roll.unsure else [each for each in figures if each[2] != each[3]]
        if roll.balance != stands and not any(each[4] for each in wrong):
            # Only when the marks cannot tell: else the balance is what debits and credits make it.
            wrong.append(("clearing-balance", "balance", roll.balance, stands, unit))
        for code, what, found, said, of in wrong:
            self.report.add(
                code,
                f"{account} on {day}: {what} by the postings {plain(found)}{of}, but the register "
                f"says {plain(said)}{of}; difference {plain(found - said)}{of}; look for a posting "
                "to this account made or changed by hand since the last register",
                register.entry,
            )
        self.rolls[register.key] = _Roll(register.items, register.debits, register.credits, stands)


def _is_decision(entry: Transaction) -> bool:
    return bool(entry.tags) and "decision" in entry.tags


def _fault(
    number: Decimal, meta: dict[str, Any], count: int | None, move: str | None
) -> tuple[str, str] | None:
    """Say what is wrong with the marks of a posting, as a code and words, or None."""
    if count is not None and count > 0 and move in ("open", "close"):
        return None
    if move is not None and "open" in move and "close" in move:
        return "clearing-mixed", (
            f"has move {move!r}, expected one of open and close: opens and closes never share a "
            "posting; post them apart"
        )
    if count is None or move not in MOVES:
        return "clearing-unmarked", (
            f"has count {meta.get('count')!r} and move {meta.get('move')!r}, expected a whole "
            "number of items and one of open, close, adjust; add them, or name the break in a "
            "decision"
        )
    if move == "adjust" and word(meta.get("side")) not in ("debit", "credit"):
        return "clearing-unmarked", (
            f"has side {meta.get('side')!r}, expected debit or credit: an adjustment says which "
            "items it changes; add it"
        )
    if move != "adjust" and (count < 0 or (count == 0 and number)):
        return "clearing-mixed", (
            f"has count {count} and move {move!r}, expected 1 or more: opens and closes never "
            "share a posting, nor net to nothing; post them apart"
        )
    return None
