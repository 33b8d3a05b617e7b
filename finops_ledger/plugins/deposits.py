"""A partner's deposit in the books equals the partner's statement, every day.

Each ``#supply`` or ``#deposit`` entry whose statement has a running balance says what the statement
says: ``opening``, ``closing``, the lowest balance ``low``, and whether the balance runs on from row
to row (``chain``)::

    2026-03-02 * "AggA" "Supply, 2 rows" #supply
      opening: 1000000
      closing: 950200
      low: 950200
      chain: "ok"
      Assets:Clearing:Supply:AggA     49800 IDR
      Assets:Deposits:AggA           -49800 IDR
        kind: "usage"

passes when ``Assets:Deposits:AggA`` stood at 1,000,000 before that day. With ``closing: 950201`` it
becomes::

    [deposit-closing] Assets:Deposits:AggA on 2026-03-02: opening 1000000, usage -49800 = 950200 IDR
    in the books, but the statement closes at 950201 IDR; difference -1 IDR; ...

A difference is reported once, on the day on which it arises. A counterparty whose file is missing
(``event "finops:AggA" "incomplete: file_missing agga"``) is not compared from that day on.

A deposit is never below zero, within a day either: ``low`` is the statement's own walk, row by row, and ``low_at``
the row at which it falls below zero; ``dip`` is how deep the rows of all files of a day go, counted from where the
day opens, where no statement says so or several files share the day.

Configuration: ``{'floor': {'AggA': 5000000}, 'strict': True}``. Being below the floor, at any time of the day, is a
business condition, so it is an error only with ``strict``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from beancount.core.data import Balance, Directive, Event, Open, Transaction

from finops_ledger.plugins.deposits_stated import OfDay, Statement, ends
from finops_ledger.plugins.errors import (
    ProofError,
    Report,
    figure,
    flag,
    plain,
    read_config,
    units,
    word,
)

__plugins__ = ("deposits",)

_NAME = "finops_ledger.plugins.deposits"
_TAGS = frozenset({"supply", "deposit"})
_STATED = frozenset({"opening", "closing", "low", "chain"})
_FIGURES = ("opening", "closing", "low", "dip")
_MISSING = re.compile(r"incomplete\b.*\bfile_missing\b", re.DOTALL)
_ZERO = Decimal(0)

Key = tuple[str, str]  # account, currency


def deposits(
    entries: list[Directive], options_map: dict[str, Any], config: str | None = None
) -> tuple[list[Directive], list[ProofError]]:
    """Check every deposit account against the statements that the entries carry."""
    report = Report(options_map)
    settings = read_config(report, _NAME, config, {"floor": _floors, "strict": flag})
    proof = _Proof(report, options_map, settings)
    for day, of_day in groupby(entries, key=attrgetter("date")):
        proof.day(day, of_day)
    return entries, report.errors


def _floors(value: object) -> dict[str, Decimal]:
    if not isinstance(value, dict):
        raise ValueError("partners with their floors, like {'AggA': 5000000}")
    floors = {}
    for partner, floor in value.items():
        if isinstance(floor, bool) or not isinstance(floor, int) or not isinstance(partner, str):
            raise ValueError("whole numbers by partner, like {'AggA': 5000000}")
        floors[partner] = Decimal(floor)
    return floors


class _Proof:
    """Rolls every deposit account forward, a day at a time."""

    def __init__(
        self, report: Report, options_map: dict[str, Any], settings: dict[str, Any]
    ) -> None:
        self.report = report
        assets = options_map.get("name_assets", "Assets")
        self.prefix = f"{assets}:Deposits:"
        self.exact = (self.prefix, f"{assets}:Bank:")
        self.floors: dict[str, Decimal] = settings.get("floor", {})
        self.strict: bool = settings.get("strict", False)
        self.currencies: dict[str, str] = {}  # by account, as its open says
        self.first: dict[str, str] = {}  # else that of its first posting
        self.default = next(iter(options_map.get("operating_currency") or ["IDR"]))
        self.balances: dict[Key, Decimal] = {}
        self.known: dict[Key, Decimal] = {}  # books less statement, already reported
        self.untied: set[str] = set()
        self.names: dict[str, str] = {}  # partners by account, where rows say so
        self.below: set[tuple[str, Key]] = set()

    def day(self, day: date, entries: Iterable[Directive]) -> None:
        """Take up all entries of one day, then compare."""
        moved: dict[Key, dict[str, Decimal]] = {}
        movers: dict[Key, Transaction] = {}
        by_hand: dict[Key, Decimal] = defaultdict(Decimal)
        stating: list[Transaction] = []
        for entry in entries:
            if isinstance(entry, Transaction):
                self._move(entry, moved, movers, by_hand)
                says = "dip" in entry.meta or not _STATED.isdisjoint(entry.meta)
                if says and not _TAGS.isdisjoint(entry.tags or ()):
                    stating.append(entry)
            elif isinstance(entry, Balance):
                self._exact(entry)
            elif isinstance(entry, Event):
                if entry.type.startswith("finops:") and _MISSING.match(entry.description):
                    self.untied.add(entry.type.removeprefix("finops:"))
            elif isinstance(entry, Open) and entry.currencies:
                self.currencies[entry.account] = entry.currencies[0]
        stated: dict[Key, OfDay] = defaultdict(lambda: OfDay([], []))
        for entry in stating:
            self._read(entry, stated)
        for key in [*moved, *(key for key in stated if key not in moved)]:
            movements = moved.get(key, {})
            before = self.balances.get(key, _ZERO)
            after = self.balances[key] = before + sum(movements.values(), _ZERO)
            if self.untied.isdisjoint(self._partners(key[0])):
                said = stated.get(key, OfDay([], []))
                if said.statements:
                    # An opening balance may bear the date of the first statement: it stands before its rows.
                    first = by_hand[key] if key not in self.known else _ZERO
                    of_rows = dict(movements)
                    if first:
                        of_rows["other"] = of_rows.get("other", _ZERO) - first
                    self._tie(day, key, before + first, of_rows, after, said.statements)
                # What people post has no hour: an opening balance of the day stands before its rows.
                opens = before + by_hand[key]
                self._levels(day, key, opens, after, said, movers.get(key))

    def _partners(self, account: str) -> set[str]:
        """Who an account is about: as rows name the partner, and as the account spells it."""
        spelled = account.removeprefix(self.prefix).partition(":")[0]
        return {self.names.get(account, spelled), spelled}

    def _move(
        self,
        entry: Transaction,
        moved: dict[Key, dict[str, Decimal]],
        movers: dict[Key, Transaction],
        by_hand: dict[Key, Decimal],
    ) -> None:
        rows = not _TAGS.isdisjoint(entry.tags or ())
        for posting in entry.postings:
            if posting.account.startswith(self.prefix) and (amount := units(posting)):
                number, currency = amount
                key = (posting.account, currency)
                self._one_currency(key, entry)
                kind = str((posting.meta or {}).get("kind", "other"))
                kinds = moved.setdefault(key, {})
                kinds[kind] = kinds.get(kind, _ZERO) + number
                movers[key] = entry
                if not rows:
                    by_hand[key] += number
                elif partner := word(entry.meta.get("partner")):
                    self.names[posting.account] = partner

    def _one_currency(self, key: Key, entry: Transaction) -> None:
        """A deposit is kept in one currency: that of its ``open``, where Beancount sees to it, else the first."""
        account, currency = key
        if account in self.currencies:
            return
        kept = self.first.setdefault(account, currency)
        if kept != currency and (account, currency) not in self.balances:
            self.report.add(
                "deposit-currency",
                f"{account} on {entry.date}: a posting in {currency}, expected {kept}, in which this deposit is "
                f"kept; a partner who bills in {currency} needs an account of its own: correct the posting, and "
                f"write the currency behind the account's open: open {account} {kept}",
                entry,
            )

    def _exact(self, entry: Balance) -> None:
        if entry.account.startswith(self.exact) and entry.tolerance != 0:
            found = "no tolerance" if entry.tolerance is None else f"~ {plain(entry.tolerance)}"
            number, currency = plain(entry.amount.number or _ZERO), entry.amount.currency
            self.report.add(
                "balance-tolerance",
                f"{entry.account}: the balance of {entry.date} has {found}, expected ~ 0, so that "
                f"no cent slips through; write {number} ~ 0 {currency}",
                entry,
            )

    def _currency(self, account: str) -> str:
        return self.currencies.get(account) or self.first.get(account) or self.default

    def _read(self, entry: Transaction, stated: dict[Key, OfDay]) -> None:
        """Read what ``entry`` says of the statement; check what the statement proves by itself."""
        keys = {
            (posting.account, amount[1])
            for posting in entry.postings
            if posting.account.startswith(self.prefix) and (amount := units(posting))
        }
        partner, named = (word(entry.meta.get(k)) for k in ("partner", "deposit"))
        accounts = {account for account, _ in keys}
        if len(accounts) != 1 and (named or partner):
            accounts = {named or f"{self.prefix}{partner}"}
            if partner:
                self.names[next(iter(accounts))] = partner
        if len(accounts) == 1 and (len(keys) != 1 or not accounts & self.currencies.keys()):
            (account,) = accounts
            keys = {(account, self._currency(account))}
        values = {name: figure(entry.meta.get(name)) for name in _FIGURES}
        bad = [name for name, value in values.items() if value is None and name in entry.meta]
        chain = entry.meta.get("chain", "ok")
        if bad or len(keys) != 1 or not isinstance(chain, str):
            what = (
                f"{bad[0]} is {entry.meta[bad[0]]!r}, expected a number"
                if bad
                else "chain must be text, 'ok' or file:line"
                if len(keys) == 1
                else f"{len(keys)} deposit accounts stand behind one statement, expected one: "
                "post each account in its own entry, or name the partner in the metadata"
            )
            where = ", ".join(sorted(account for account, _ in keys)) or self.prefix + "?"
            self.report.add("deposit-statement", f"{where} on {entry.date}: {what}", entry)
            return
        (key,) = keys
        if values["dip"] is not None:
            stated[key].dips.append((values["dip"], entry))
        if _STATED.isdisjoint(entry.meta):
            return
        low = values["low"]
        stated[key].statements.append(Statement(entry, values["opening"], values["closing"], low))
        self._chain(key, chain, entry)
        if low is not None and low < 0:
            at = word(entry.meta.get("low_at"))
            first = f" (below zero from {at} on)" if at else ""
            self.report.add(
                "deposit-negative",
                f"{key[0]} on {entry.date}: the statement falls to {plain(low)} {key[1]}{first}, expected "
                f"0 or more; difference {plain(low)} {key[1]}; a prepaid deposit cannot be "
                "overdrawn: check the sign and the order of its rows, or ask the partner",
                entry,
            )

    def _chain(self, key: Key, chain: str, entry: Transaction) -> None:
        if chain == "ok":
            return
        explained = any(
            posting.account == key[0]
            and word((posting.meta or {}).get("kind")) == "statement-difference"
            and (amount := units(posting))
            and amount[0]
            for posting in entry.postings
        )
        if not explained:
            self.report.add(
                "deposit-chain",
                f"{key[0]} on {entry.date}: the running balance breaks at {chain}: previous "
                "balance and movement do not make the balance of that row; look at that row, ask "
                "the partner, or post the gap with kind statement-difference",
                entry,
            )

    def _tie(
        self,
        day: date,
        key: Key,
        before: Decimal,
        movements: dict[str, Decimal],
        after: Decimal,
        statements: list[Statement],
    ) -> None:
        account, currency = key
        known = self.known.get(key, _ZERO)
        distinct = list({s.identity(): s for s in statements}.values())
        found = ends(distinct, before - known)
        last = distinct[-1].entry
        if found is None:
            listed = ", ".join(
                f"{plain(s.opening)} to {plain(s.closing)}"
                for s in distinct
                if s.opening is not None and s.closing is not None
            )
            self.report.add(
                "deposit-sequence",
                f"{account} on {day}: the {len(distinct)} statements do not follow one another "
                f"({listed} {currency}): expected each to open where another closes; import the "
                "statement between them, or withdraw the one that does not belong to this day",
                last,
            )
            return
        opening, closing = found
        if opening is not None and before - opening != known:
            known = before - opening
            self.report.add(
                "deposit-opening",
                f"{account} on {day}: the books open at {plain(before)} {currency}, but the "
                f"statement opens at {plain(opening)} {currency}; difference {plain(known)} "
                f"{currency}; something moved between two statements: import what is missing, or "
                "post the gap with kind statement-difference",
                distinct[0].entry,
            )
        if closing is not None and after - closing != known:
            forward = "".join(
                f", {kind} {plain(number)}" for kind, number in movements.items() if number
            )
            self.report.add(
                "deposit-closing",
                f"{account} on {day}: opening {plain(before)}{forward} = {plain(after)} {currency} "
                f"in the books, but the statement closes at {plain(closing)} {currency}; "
                f"difference {plain(after - closing)} {currency}; find the rows that were not "
                "posted or posted twice, or post the gap with kind statement-difference",
                last,
            )
        self.known[key] = known if closing is None else after - closing

    def _levels(
        self,
        day: date,
        key: Key,
        before: Decimal,
        after: Decimal,
        said: OfDay,
        mover: Transaction | None,
    ) -> None:
        """Look how low the day went: at its end, within it, and below the floor."""
        account, currency = key
        mover = mover or next((s.entry for s in said.statements), None)
        lowest, at = after, mover
        for dip, entry in said.dips[:1]:
            if 0 <= before + dip < lowest:
                lowest, at = before + dip, entry
        for one in said.statements:
            if one.low is not None and 0 <= one.low < lowest:  # below zero is told already
                lowest, at = one.low, one.entry
        if self._falls("zero", key, after < 0):
            self.report.add(
                "deposit-negative",
                f"{account} on {day}: the books end the day at {plain(after)} {currency}, expected "
                f"0 or more; difference {plain(after)} {currency}; a prepaid deposit cannot be "
                "overdrawn: look for a top-up that is not posted or usage posted twice",
                mover,
            )
        elif said.dips and before >= 0 <= after and before + said.dips[0][0] < 0:
            within = plain(before + said.dips[0][0])
            self.report.add(
                "deposit-negative",
                f"{account} on {day}: in the order of its rows the day opens at {plain(before)} and falls to "
                f"{within} {currency}, expected 0 or more; difference {within} {currency}; a prepaid deposit "
                "cannot be overdrawn: look for a top-up that is not in the files, and at the times of the rows",
                said.dips[0][1],
            )
        known = (self.floors[p] for p in sorted(self._partners(account)) if p in self.floors)
        floor = next(known, None)
        if floor is not None and self._falls("floor", key, lowest < floor) and self.strict:
            left = "is left" if lowest == after else "was left at the day's lowest point"
            self.report.add(
                "deposit-floor",
                f"{account} on {day}: {plain(lowest)} {currency} {left}, expected at least "
                f"{plain(floor)} {currency}; difference {plain(lowest - floor)} {currency}; "
                "send a top-up",
                at,
            )

    def _falls(self, level: str, key: Key, below: bool) -> bool:
        """Say whether the account has just fallen below a level: each fall is told once."""
        mark = (level, key)
        fell = below and mark not in self.below
        (self.below.add if below else self.below.discard)(mark)
        return fell
