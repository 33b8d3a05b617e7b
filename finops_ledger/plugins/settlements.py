"""Each settlement nets to zero by its due date.

A gateway's report and an approved payment list put a settlement on its way; the bank's line ends it. Both name it
(ruling 11), and who puts it on its way says by when it is to be met::

    2026-03-02 * "PG1" "Settlement report, 5 rows" #settlement
      Assets:Clearing:Settlement-In-Transit:PG1     251235 IDR
        settlement: "STL-PG1-20260302"
        due: 2026-03-03
        count: 1
        move: "open"
      Assets:Clearing:Gateway:PG1                  -251235 IDR
    2026-03-03 * "BCA" "Statement, 1 line" #bank
      Assets:Bank:BCA                               251235 IDR
      Assets:Clearing:Settlement-In-Transit:PG1    -251235 IDR
        settlement: "STL-PG1-20260302"

passes, without the bank's line too. With ``strict`` and a bank that pays 248,335 it becomes::

    [settlement-short] STL-PG1-20260302 on Assets:Clearing:Settlement-In-Transit:PG1: 251235 IDR was
    reported or listed, the bank shows 248335 IDR; difference -2900 IDR; ...

What is assertion is always an error: a posting in transit that names no settlement, a settlement on two payment
lists, a due date that cannot be read, more paid of a partner's invoices than it invoiced. Being short, over or
overdue is a condition of the business, so it is an error only with ``strict``; ``finops settlements`` tells it. An
invoice of a partner is overdue too, when it is due and on no list.

A name stands on the posting, on the entry, or is the entry's one link ``STL-…``. Settlements of one counterparty
that the bank paid in one line name one of them: what it shows beyond that one is for the oldest of the others that it
shows nothing of, where these come to just that. Overdue is judged on the last day that the books have.

Configuration: ``{'strict': True}``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from beancount.core.data import Custom, Directive, Posting, Transaction

from finops_ledger.plugins.errors import ProofError, Report, flag, plain, read_config, units, word

__plugins__ = ("settlements",)

_NAME: Final = "finops_ledger.plugins.settlements"
_PREFIX: Final = "STL-"
_ZERO = Decimal(0)

Key = tuple[str, str]  # account, currency


@dataclass(slots=True)
class _Roll:
    """One settlement on one account: what was asked for, what the bank shows, and where that stands."""

    asked: Decimal = _ZERO
    paid: Decimal = _ZERO
    due: date | None = None
    first: Transaction | None = None
    last: Transaction | None = None
    listed: Transaction | None = None

    @property
    def rest(self) -> Decimal:
        """What is left of it."""
        return self.asked + self.paid

    @property
    def more(self) -> bool:
        """Whether the bank shows more than was asked for."""
        return (self.rest > 0) != (self.asked > 0) if self.asked else True


class _Invoice(NamedTuple):
    """One posting of an invoice: which settlement, by when it is to be paid, how much, and where it stands."""

    name: str
    due: date | None
    amount: Decimal
    entry: Transaction


@dataclass(slots=True)
class _Payable:
    """What a partner invoiced and was not paid; ``listed``: what lists pay of it, by settlement."""

    balance: Decimal = _ZERO
    invoices: list[_Invoice] = field(default_factory=list)
    listed: dict[str, Decimal] = field(default_factory=dict)
    last: Transaction | None = None
    told: bool = False


@dataclass(slots=True)
class _Proof:
    report: Report
    transit: str
    payable: str
    rolls: dict[Key, dict[str, _Roll]] = field(default_factory=dict)
    payables: dict[Key, _Payable] = field(default_factory=dict)
    touched: set[Key] = field(default_factory=set)
    day: date = date.min
    until: date = date.min


def settlements(
    entries: list[Directive], options_map: dict[str, Any], config: str | None = None
) -> tuple[list[Directive], list[ProofError]]:
    """Check that each settlement nets to zero by its due date, and is asked for once."""
    report = Report(options_map)
    settings = read_config(report, _NAME, config, {"strict": flag})
    assets = options_map.get("name_assets", "Assets")
    liabilities = options_map.get("name_liabilities", "Liabilities")
    transit = f"{assets}:Clearing:Settlement-In-Transit:"
    proof = _Proof(report, transit, f"{liabilities}:Payable:")
    for entry in entries:
        if isinstance(entry, Transaction):
            if entry.date != proof.day:
                _overpaid(proof)
                proof.day = entry.date
            proof.until = max(proof.until, entry.date)
            for posting in entry.postings:
                _take(proof, entry, posting)
        elif isinstance(entry, Custom) and entry.type == "finops-head":
            proof.until = max(proof.until, entry.date)
    _overpaid(proof)
    if settings.get("strict", False):
        for key, rolls in proof.rolls.items():
            _conditions(proof, key, rolls)
        for key, one in proof.payables.items():
            _unpaid(proof, key, one)
    return entries, report.errors


def _take(proof: _Proof, entry: Transaction, posting: Posting) -> None:
    account = posting.account
    if account.startswith(proof.transit):
        amount = units(posting)
        if amount is not None:
            _transit(proof, entry, posting, *amount)
    elif account.startswith(proof.payable) and account.endswith(":Invoiced"):
        amount = units(posting)
        if amount is not None:
            one = proof.payables.setdefault((account, amount[1]), _Payable())
            one.balance += amount[0]
            one.last = entry
            proof.touched.add((account, amount[1]))
            _invoiced(proof, one, entry, posting, amount[0])


def _transit(
    proof: _Proof, entry: Transaction, posting: Posting, number: Decimal, currency: str
) -> None:
    tags = entry.tags or frozenset()
    if "recon" in tags:
        return  # it moves to a break what does not come to what it should
    meta = posting.meta or {}
    name = _named(entry, meta)
    key = (posting.account, currency)
    if name is None:
        if tags & {"settlement", "bank"}:
            proof.report.add(
                "settlement-unnamed",
                f"{posting.account} on {entry.date}: {plain(number)} {currency} names no settlement, "
                f'expected settlement: "{_PREFIX}<counterparty>-<code>" on the posting, on the entry, or one '
                "link of that name; add it",
                entry,
            )
        return
    roll = proof.rolls.setdefault(key, {}).setdefault(name, _Roll())
    decided = "decision" in tags
    if "bank" in tags:
        roll.paid += number
    else:
        if decided and "settlement" in tags:
            _listed(proof, key, name, roll, entry, number)
        roll.asked += number
        roll.first = roll.first or entry
        _due(proof, name, roll, entry, meta)
    roll.last = entry


def _named(entry: Transaction, meta: dict[str, Any]) -> str | None:
    name = word(meta.get("settlement", entry.meta.get("settlement")))
    if name:
        return name
    links = [link for link in entry.links or () if link.startswith(_PREFIX)]
    return links[0] if len(links) == 1 else None


def _listed(
    proof: _Proof, key: Key, name: str, roll: _Roll, entry: Transaction, number: Decimal
) -> None:
    """A list that is taken back by its opposite may be written anew; a second one of the same sign is one too many."""
    before, again = roll.listed, roll.asked and (roll.asked > 0) == (number > 0)
    if before is not None and again:
        where = before.meta
        proof.report.add(
            "settlement-twice",
            f"{name} on {key[0]}: {plain(number)} {key[1]} is listed on {entry.date}, but "
            f"{plain(roll.asked)} {key[1]} stands on the list of {before.date} "
            f"({where.get('filename')}:{where.get('lineno')}); expected one list a settlement; take one back, "
            "or give the second payment a code of its own",
            entry,
        )
    roll.listed = entry


def _due(proof: _Proof, name: str, roll: _Roll, entry: Transaction, meta: dict[str, Any]) -> None:
    due = _date(proof, name, entry, meta)
    if due is not None:
        roll.due = due if roll.due is None else max(roll.due, due)


def _date(proof: _Proof, name: str, entry: Transaction, meta: dict[str, Any]) -> date | None:
    due = meta.get("due", entry.meta.get("due"))
    if due is None or isinstance(due, date):
        return due
    proof.report.add(
        "settlement-due",
        f"{name} on {entry.date}: due is {due!r}, expected a date; write it like due: 2026-03-03",
        entry,
    )
    return None


def _invoiced(
    proof: _Proof, one: _Payable, entry: Transaction, posting: Posting, number: Decimal
) -> None:
    meta = posting.meta or {}
    name = _named(entry, meta) or ""
    if number > 0:
        one.listed[name] = one.listed.get(name, _ZERO) + number
        return
    due = _date(proof, name or posting.account, entry, meta)
    one.invoices.append(_Invoice(name, due, -number, entry))


def _unpaid(proof: _Proof, key: Key, one: _Payable) -> None:
    """Tell which invoices are due and on no list: the latest, as far as the account says that something is open."""
    late = [i for i in one.invoices if i.due is not None and i.due < proof.until]
    due = sum((i.amount for i in late), _ZERO)
    left = due - sum((i.amount for i in one.invoices), _ZERO) - one.balance
    listed = dict(one.listed)
    for invoice in sorted(late, key=lambda i: (i.due, i.name), reverse=True):
        met = min(listed.get(invoice.name, _ZERO), invoice.amount)
        listed[invoice.name] = listed.get(invoice.name, _ZERO) - met
        rest = min(invoice.amount - met, left)
        if rest <= 0:
            continue
        left -= rest
        proof.report.add(
            "settlement-overdue",
            f"{invoice.name or 'an invoice'} on {key[0]}: {plain(invoice.amount)} {key[1]} was invoiced, due on "
            f"{invoice.due}, expected on an approved list by then; difference {plain(-rest)} {key[1]} is open on "
            f"{proof.until}; pay it, or say why it is held back",
            invoice.entry,
        )


def _overpaid(proof: _Proof) -> None:
    """At the end of a day no partner has been paid more of its invoices than it invoiced."""
    for key in proof.touched:
        one = proof.payables[key]
        if one.balance > 0 and not one.told:
            proof.report.add(
                "settlement-payable",
                f"{key[0]} on {proof.day}: {plain(one.balance)} {key[1]} more is paid than was invoiced, "
                f"expected no debit on a payable; difference {plain(one.balance)} {key[1]}; correct the payment "
                "list, or import the invoice that is missing",
                one.last,
            )
        one.told = one.balance > 0
    proof.touched.clear()


def _conditions(proof: _Proof, key: Key, rolls: dict[str, _Roll]) -> None:
    """Tell what is short, over or overdue."""
    account, currency = key
    left = {name: roll for name, roll in rolls.items() if roll.rest}
    met = _together(left)
    for name, roll in left.items():
        if name in met:
            continue
        rest, asked, more = roll.rest, roll.asked, roll.more
        where = f"{name} on {account}: {plain(abs(asked))} {currency} was reported or listed"
        shown = f"the bank shows {plain(abs(roll.paid))} {currency}; difference "
        if roll.paid:
            by = f"{'' if more else '-'}{plain(abs(rest))} {currency}"
            what = "ask for it back, or set it off" if more else "ask for the rest, or accept it"
            code = "settlement-over" if more else "settlement-short"
            proof.report.add(code, f"{where}, {shown}{by}; {what}", roll.last)
        elif roll.due is not None and roll.due < proof.until:
            proof.report.add(
                "settlement-overdue",
                f"{where}, due on {roll.due}, expected at the bank by then; difference {plain(rest)} {currency} "
                f"is open on {proof.until}; look for the bank's line, or ask where the money is",
                roll.first,
            )


def _together(left: dict[str, _Roll]) -> set[str]:
    """Return the settlements that one line of the bank met under the name of another: the oldest, to the rupiah."""
    over = {name for name, roll in left.items() if roll.more}
    beyond = sum((left[name].rest for name in over), _ZERO)
    met = set(over)
    for name, roll in left.items():
        if not over or roll.more or roll.paid:
            continue
        met.add(name)
        beyond += roll.rest
        if not beyond:
            return met
    return set()
