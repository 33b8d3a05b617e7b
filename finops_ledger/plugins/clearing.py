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

    [clearing-count] Assets:Breaks:AggA:Cost-Mismatch on 2026-03-02: open items by the postings 1,
    but the register says 2; difference -1; ...

Debits and credits are rolled forward apart: a debit opens a debit item and closes a credit item. An
``adjust`` changes the amount of items on its ``side``, and their number by its signed ``count``. All postings of a
day count at its end, in whatever order they stand. A difference is reported once: the next register
is compared from this one on.

An account named by ``custom "finops-withheld"`` is not proven from that day on: a decision on it does not fit
what it names, and the books say so in the day's verdict. From a day on that is incomplete for a counterparty (event
``finops:<counterparty>``) its accounts are judged by their registers alone: what reconciliation would have opened is
not there yet.

Configuration: ``{'proving': ['Assets:Clearing:Vouchers']}`` names further proving accounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from beancount.core.data import Custom, Directive, Event, Posting, Transaction

from finops_ledger.plugins.errors import ProofError, Report, plain, read_config, units, word
from finops_ledger.plugins.open_items import OpenItems

__plugins__ = ("clearing",)

_NAME = "finops_ledger.plugins.clearing"
_ZERO = Decimal(0)

_ByTags = dict[frozenset[str], Decimal]


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


class _Proof:
    """Takes up the entries day by day: clearing by movement, open items by their registers."""

    def __init__(
        self, report: Report, options_map: dict[str, Any], further: tuple[str, ...]
    ) -> None:
        self.report = report
        self.items = OpenItems(report, options_map, further)
        self.supply = f"{options_map.get('name_assets', 'Assets')}:Clearing:Supply:"
        self.role: dict[str, str] = {}  # by account: "supply", "proving" or ""

    def day(self, day: date, entries: Iterable[Directive]) -> None:
        """Take up all entries of one day, then compare."""
        supplied: dict[tuple[str, str], _ByTags] = {}
        recons: dict[str, Transaction] = {}
        role = self.role
        for entry in entries:
            if isinstance(entry, Transaction):
                for posting in entry.postings:
                    account = posting.account
                    kind = role[account] if account in role else self._role(account)
                    if kind == "proving":
                        self.items.take(entry, posting)
                    elif kind == "supply":
                        self._supply(entry, posting, supplied)
                if entry.tags and "recon" in entry.tags:
                    self._recon(entry, recons)
            elif isinstance(entry, Custom) and entry.type == "finops-register":
                self.items.register(entry)
            elif isinstance(entry, Custom) and entry.type == "finops-withheld":
                self.items.withhold(entry)
            elif isinstance(entry, Event) and entry.type.startswith("finops:"):
                self.items.incomplete(entry.type.removeprefix("finops:"))
        for (partner, currency), by_tags in supplied.items():
            if partner in recons:
                self._empty(day, partner, currency, by_tags, recons[partner])
        self.items.end(day)

    def _role(self, account: str) -> str:
        kind = "supply" if account.startswith(self.supply) else ""
        self.role[account] = kind = "proving" if self.items.proves(account) else kind
        return kind

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
        supplied: dict[tuple[str, str], _ByTags],
    ) -> None:
        if amount := units(posting):
            number, currency = amount
            partner = posting.account.removeprefix(self.supply).partition(":")[0]
            by_tags = supplied.setdefault((partner, currency), {})
            tags = entry.tags or frozenset()
            by_tags[tags] = by_tags.get(tags, _ZERO) + number

    def _empty(
        self,
        day: date,
        partner: str,
        currency: str,
        by_tags: _ByTags,
        recon: Transaction,
    ) -> None:
        if total := sum(by_tags.values(), _ZERO):
            listed = ", ".join(
                f"{' '.join(sorted(tags)) or 'other'} {plain(number)}"
                for tags, number in by_tags.items()
            )
            self.report.add(
                "clearing-supply",
                f"{self.supply}{partner} on {day}: a reconciled day's postings sum to "
                f"{plain(total)} {currency} ({listed}), expected 0 {currency}; difference "
                f"{plain(total)} {currency}; run finops reconcile for this day, or undo what was "
                "posted to clearing by hand",
                recon,
            )
