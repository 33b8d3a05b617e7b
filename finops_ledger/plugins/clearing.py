"""Clearing empties, and every account that lists open items equals its list.

Reconciling a partner's day empties ``Assets:Clearing:Supply:<Partner>``: what a sale released and
what the partner drew cancel, and what does not has moved to an account with a name. Those accounts
are *proving accounts*: each posting says how many items it opens or closes, and a register says
what stands open at the end of the day::

    2026-03-02 * "AggA" "Reconciled: 1 break" #recon
      partner: "AggA"
      leg: "sale-supply"
      Assets:Breaks:AggA:Cost-Mismatch      300 IDR
        count: 1
        move: "open"
      Assets:Clearing:Supply:AggA          -300 IDR
    2026-03-02 custom "finops-register" Assets:Breaks:AggA:Cost-Mismatch 1 300 IDR 0 IDR "sha256:…"

passes; with ``2 300 IDR 0 IDR`` in the register it becomes::

    [clearing-count] Assets:Breaks:AggA:Cost-Mismatch on 2026-03-02: the postings leave 1 items
    open, but the register says 2; difference -1; ...

Debits and credits are rolled forward apart: a debit opens a debit item and closes a credit item. An
``adjust`` changes the amount of items on its ``side`` and leaves their number. All postings of a
day count at its end, in whatever order they stand. A difference is reported once: the next register
is compared from this one on.

Configuration: ``{'proving': ['Assets:Clearing:Vouchers']}`` names further proving accounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

from beancount.core.amount import Amount
from beancount.core.data import Custom, Directive, Posting, Transaction

from finops_ledger.core.kinds import MOVES
from finops_ledger.plugins.errors import ProofError, Report, plain, read_config, units, whole, word

__plugins__ = ("clearing",)

_NAME = "finops_ledger.plugins.clearing"
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
_LIABILITIES: Final = ("Customer-Orders:Undelivered", "Customer-Orders:Refund-Payable")

Key = tuple[str, str]  # account, currency


def clearing(
    entries: list[Directive], options_map: dict[str, Any], config: str | None = None
) -> tuple[list[Directive], list[ProofError]]:
    """Check that clearing empties and that open items equal their registers."""
    report = Report(options_map)
    settings = read_config(report, _NAME, config, {"proving": _accounts})
    proof = _Proof(report, options_map, settings.get("proving", ()))
    for day, of_day in groupby(entries, key=attrgetter("date")):
        proof.day(day, of_day)
    return entries, report.errors


def _accounts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("a list of accounts, like ['Assets:Clearing:Vouchers']")
    return tuple(value)


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
        if move != "adjust":
            self.count += count if move == "open" else -count
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


class _Proof:
    """Rolls every proving account forward, a day at a time."""

    def __init__(
        self, report: Report, options_map: dict[str, Any], further: tuple[str, ...]
    ) -> None:
        self.report = report
        assets = options_map.get("name_assets", "Assets")
        liabilities = options_map.get("name_liabilities", "Liabilities")
        self.supply = f"{assets}:Clearing:Supply:"
        self.breaks, self.claims = f"{assets}:Breaks:", f"{assets}:Claims:"
        self.proving = (
            *(f"{assets}:{name}:" for name in _ASSETS),
            *(f"{liabilities}:{name}:" for name in _LIABILITIES),
            *(f"{name}:" for name in further),
        )
        self.role: dict[str, str] = {}  # by account: "supply", "proving" or ""
        self.rolls: dict[Key, _Roll] = {}

    def day(self, day: date, entries: Iterable[Directive]) -> None:
        """Take up all entries of one day, then compare."""
        supplied: dict[tuple[str, str], dict[str, Decimal]] = {}
        recons: dict[str, Transaction] = {}
        touched: dict[Key, _Roll] = {}
        registers: list[_Register] = []
        role = self.role
        for entry in entries:
            if isinstance(entry, Transaction):
                for posting in entry.postings:
                    account = posting.account
                    kind = role[account] if account in role else self._role(account)
                    if kind == "proving":
                        self._roll(entry, posting, touched)
                    elif kind == "supply":
                        self._supply(entry, posting, supplied)
                if entry.tags and "recon" in entry.tags:
                    self._recon(entry, recons)
            elif isinstance(entry, Custom) and entry.type == "finops-register":
                self._register(entry, registers)
        for partner, recon in recons.items():
            self._empty(day, partner, recon, supplied)
        for key, roll in touched.items():
            self._overclosed(day, key, roll)
        for register in registers:
            self._compare(day, register)

    def _role(self, account: str) -> str:
        name = account + ":"
        kind = "supply" if name.startswith(self.supply) else ""
        self.role[account] = kind = "proving" if name.startswith(self.proving) else kind
        return kind

    # --- (a) clearing empties by movement -----------------------------------------------------

    def _recon(self, entry: Transaction, recons: dict[str, Transaction]) -> None:
        if word(entry.meta.get("leg")) != "sale-supply":
            return
        partner = entry.meta.get("partner")
        if isinstance(partner, str) and partner:
            recons.setdefault(partner, entry)
        else:
            self.report.add(
                "clearing-recon",
                f"{self.supply}?: the reconciliation of {entry.date} has partner {partner!r}, "
                "expected the partner's account component; run finops reconcile again",
                entry,
            )

    def _supply(
        self,
        entry: Transaction,
        posting: Posting,
        supplied: dict[tuple[str, str], dict[str, Decimal]],
    ) -> None:
        if amount := units(posting):
            number, currency = amount
            partner = posting.account.removeprefix(self.supply).partition(":")[0]
            tags = supplied.setdefault((partner, currency), {})
            tag = " ".join(sorted(entry.tags or ())) or "other"
            tags[tag] = tags.get(tag, _ZERO) + number

    def _empty(
        self,
        day: date,
        partner: str,
        recon: Transaction,
        supplied: dict[tuple[str, str], dict[str, Decimal]],
    ) -> None:
        for (of, currency), tags in supplied.items():
            if of != partner or not (total := sum(tags.values(), _ZERO)):
                continue
            listed = ", ".join(f"{tag} {plain(number)}" for tag, number in tags.items())
            self.report.add(
                "clearing-supply",
                f"{self.supply}{partner} on {day}: a reconciled day's postings sum to "
                f"{plain(total)} {currency} ({listed}), expected 0 {currency}; difference "
                f"{plain(total)} {currency}; run finops reconcile for this day, or undo what was "
                "posted to clearing by hand",
                recon,
            )

    # --- (b, c) open items ---------------------------------------------------------------------

    def _roll(self, entry: Transaction, posting: Posting, touched: dict[Key, _Roll]) -> None:
        amount = units(posting)
        if amount is None:
            return
        number, currency = amount
        key = (posting.account, currency)
        roll = self.rolls.get(key)
        if roll is None:
            roll = self.rolls[key] = _Roll()
        touched[key] = roll
        roll.balance += number
        meta = posting.meta or {}
        count, move = whole(meta.get("count")), word(meta.get("move"))
        if count is None or move is None:
            count, move = self._decided(entry, posting, number, count, move)
        fault = _fault(number, meta, count, move)
        if fault is not None or count is None or move is None:
            roll.unsure = True
            code, what = fault or ("clearing-unmarked", "has no count or move")
            self.report.add(code, f"{key[0]}: {plain(number)} {currency} {what}", entry)
            return
        if move == "adjust":
            side = meta["side"]
        else:
            side = "debit" if (number > 0) == (move == "open") else "credit"
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
        if not entry.tags or "decision" not in entry.tags:
            return count, move
        meta = posting.meta or {}
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

    # --- registers -----------------------------------------------------------------------------

    def _register(self, entry: Custom, registers: list[_Register]) -> None:
        values = [value.value for value in entry.values or ()]
        account = values[0] if values else None
        problem = None
        if len(values) != 5 or not isinstance(account, str) or not isinstance(values[4], str):
            problem = "cannot be read"
        elif not (account + ":").startswith(self.proving):
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
                registers.append(
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
        wrong = False
        if not roll.unsure:
            if roll.count != register.items:
                self.report.add(
                    "clearing-count",
                    f"{account} on {day}: the postings leave {roll.count} items open, but the "
                    f"register says {register.items}; difference {roll.count - register.items}; "
                    f"{_ADVICE}",
                    register.entry,
                )
            if roll.debits != register.debits:
                wrong = True
                self.report.add(
                    "clearing-debits",
                    f"{account} on {day}: the postings leave debits of {plain(roll.debits)} "
                    f"{currency}, but the register says {plain(register.debits)} {currency}; "
                    f"difference {plain(roll.debits - register.debits)} {currency}; {_ADVICE}",
                    register.entry,
                )
            if roll.credits != register.credits:
                wrong = True
                self.report.add(
                    "clearing-credits",
                    f"{account} on {day}: the postings leave credits of {plain(roll.credits)} "
                    f"{currency}, but the register says {plain(register.credits)} {currency}; "
                    f"difference {plain(roll.credits - register.credits)} {currency}; {_ADVICE}",
                    register.entry,
                )
        if roll.balance != stands and not wrong:
            self.report.add(
                "clearing-balance",
                f"{account} on {day}: the balance is {plain(roll.balance)} {currency}, but the "
                f"register's debits less credits are {plain(stands)} {currency}; difference "
                f"{plain(roll.balance - stands)} {currency}; {_ADVICE}",
                register.entry,
            )
        self.rolls[register.key] = _Roll(register.items, register.debits, register.credits, stands)


_ADVICE: Final = (
    "look for a posting to this account made or changed by hand since the last register"
)


def _fault(
    number: Decimal, meta: dict[str, Any], count: int | None, move: str | None
) -> tuple[str, str] | None:
    """Say what is wrong with the marks of a posting, as a code and words, or None."""
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
    if count < 0 or (count == 0 and number and move != "adjust"):
        return "clearing-mixed", (
            f"has count {count} and move {move!r}, expected 1 or more: opens and closes never "
            "share a posting, nor net to nothing; post them apart"
        )
    return None
