"""What people decide bears two names: a decision above its limit has a maker and a different checker.

A decision is a transaction tagged ``#decision``; its amount is the sum of its debits. Up to its limit one person may
decide alone; without a word about a limit that is nothing at all::

    2026-04-24 * "AggA" "Written off: claim on U1 refused" #decision
      maker: "preparer-1"
      checker: "controller-1"
      limit: "controller"
      up-to: 5000000 IDR
      Expenses:Operational-Loss:Unrecovered   49800 IDR
      Assets:Claims:Partner:AggA             -49800 IDR

passes; with ``checker: "preparer-1"`` it becomes::

    [approval-same] AggA on 2026-04-24: 49800 IDR is decided and approved by preparer-1 alone; ...

``limit`` is an amount (how much one person may decide alone) or a role: then somebody in that role approved, and the
amount is no more than the role's limit, which ``up-to`` says, else the configuration. Opening balances (a posting to
Equity) are no decision about money that is in the books already, and are left alone. What closes a break without money
(no postings, and ``break`` names it) bears two names, whatever one person may decide alone.

Configuration: ``{'alone': '10000', 'limits': {'controller': '5000000'}, 'roles': {'controller': ['controller-1']}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from beancount.core.data import Directive, Transaction

from finops_ledger.plugins.errors import ProofError, Report, figure, plain, read_config, units, word

__plugins__ = ("approvals",)

_NAME = "finops_ledger.plugins.approvals"
_ZERO = Decimal(0)


def approvals(
    entries: list[Directive], options_map: dict[str, Any], config: str | None = None
) -> tuple[list[Directive], list[ProofError]]:
    """Check that each decision above its limit bears a maker and a different checker."""
    report = Report(options_map)
    checks = {"alone": _amount, "limits": _limits, "roles": _roles}
    settings = read_config(report, _NAME, config, checks)
    equity = f"{options_map.get('name_equity', 'Equity')}:"
    for entry in entries:
        if not isinstance(entry, Transaction) or "decision" not in (entry.tags or ()):
            continue
        if not any(p.account.startswith(equity) for p in entry.postings):
            _check(report, settings, entry)
    return entries, report.errors


def _amount(value: object) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, int | str) else None
    except InvalidOperation:
        number = None
    if number is None or isinstance(value, bool) or not number.is_finite() or number < 0:
        raise ValueError("an amount, as text or a whole number, like '5000000'")
    return number


def _limits(value: object) -> dict[str, Decimal]:
    if not isinstance(value, dict) or not all(isinstance(role, str) for role in value):
        raise ValueError("amounts by role, like {'controller': '5000000'}")
    return {role: _amount(limit) for role, limit in value.items()}


def _roles(value: object) -> dict[str, tuple[str, ...]]:
    names = value.values() if isinstance(value, dict) else [None]
    if not all(isinstance(n, list) and all(isinstance(one, str) for one in n) for n in names):
        raise ValueError("names by role, like {'controller': ['controller-1']}")
    return {str(role): tuple(who) for role, who in value.items()}  # type: ignore[attr-defined]


def _moved(entry: Transaction) -> tuple[Decimal, str]:
    """Return what a decision is about: the sum of its debits, and their currency."""
    total, currency = _ZERO, ""
    for posting in entry.postings:
        amount = units(posting)
        if amount and amount[0] > 0:
            total, currency = total + amount[0], amount[1]
    return total, currency


def _check(report: Report, settings: Mapping[str, Any], entry: Transaction) -> None:
    amount, currency = _moved(entry)
    limit = entry.meta.get("limit")
    alone, role = figure(limit), word(limit)
    about = f"{entry.payee or entry.narration} on {entry.date}: {plain(amount)} {currency}"
    if limit is not None and alone is None and not role:
        report.add(
            "approval-unreadable",
            f"{about} has the limit {limit!r}, expected an amount or the name of a role",
            entry,
        )
        return
    # What closes a break without money is no small amount: it bears two names whatever one person may decide.
    closes = not entry.postings and "break" in entry.meta
    if not closes and amount <= (settings.get("alone", _ZERO) if alone is None else alone):
        return
    maker, checker = word(entry.meta.get("maker")), word(entry.meta.get("checker"))
    who = (maker or "").strip(), (checker or "").strip()
    if not who[0]:
        report.add(
            "approval-maker",
            f"{about} is decided by nobody, expected maker: who wrote it",
            entry,
        )
    if not who[1]:
        report.add(
            "approval-checker",
            f"{about} is approved by nobody, expected checker: who approved it, somebody else than the maker",
            entry,
        )
    if who[0] and who[0].casefold() == who[1].casefold():
        report.add(
            "approval-same",
            f"{about} is decided and approved by {who[0]} alone, expected two people; have it approved by "
            "somebody else",
            entry,
        )
    if role:
        _authority(report, settings, entry, about, amount, role, who[1])


def _authority(
    report: Report,
    settings: Mapping[str, Any],
    entry: Transaction,
    about: str,
    amount: Decimal,
    role: str,
    checker: str,
) -> None:
    """The role under which it was approved: who has it, and up to which amount."""
    stated, known = figure(entry.meta.get("up-to")), settings.get("limits", {})
    # What the books configure holds; an entry can only bind itself closer.
    limits = [limit for limit in (stated, known.get(role)) if limit is not None]
    if known and role not in known:
        report.add(
            "approval-role",
            f"{about} is approved under the limit of {role!r}, expected one of {', '.join(sorted(known))}",
            entry,
        )
    elif limits and amount > min(limits):
        report.add(
            "approval-limit",
            f"{about} is above {plain(min(limits))}, up to which {role} may approve; difference "
            f"{plain(amount - min(limits))}; have it approved in a role whose limit reaches",
            entry,
        )
    holders = settings.get("roles", {}).get(role)
    if checker and holders is not None and checker not in holders:
        report.add(
            "approval-role",
            f"{about} is approved as {role} by {checker}, expected one of {', '.join(holders) or 'nobody'}",
            entry,
        )
