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

Configuration: ``{'floor': {'AggA': 5000000}, 'strict': True}``. Being below the floor is a business
condition, so it is an error only with ``strict``.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from beancount.core.data import Balance, Directive, Event, Open, Transaction

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


class _Statement(NamedTuple):
    """What one entry says about the partner's own balance; what it does not say is None."""

    entry: Transaction
    opening: Decimal | None
    closing: Decimal | None
    low: Decimal | None

    def identity(self) -> tuple[object, ...]:
        """Entries of one batch and day may repeat the same statement."""
        batch = word(self.entry.meta.get("batch")) or id(self.entry)
        return batch, self.opening, self.closing


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
        self.currencies: dict[str, str] = {}
        self.default = next(iter(options_map.get("operating_currency") or ["IDR"]))
        self.balances: dict[Key, Decimal] = {}
        self.known: dict[Key, Decimal] = {}  # books less statement, already reported
        self.untied: set[str] = set()
        self.below: set[tuple[str, Key]] = set()

    def day(self, day: date, entries: Iterable[Directive]) -> None:
        """Take up all entries of one day, then compare."""
        moved: dict[Key, dict[str, Decimal]] = {}
        movers: dict[Key, Transaction] = {}
        stating: list[Transaction] = []
        for entry in entries:
            if isinstance(entry, Transaction):
                self._move(entry, moved, movers)
                if not _TAGS.isdisjoint(entry.tags or ()) and not _STATED.isdisjoint(entry.meta):
                    stating.append(entry)
            elif isinstance(entry, Balance):
                self._exact(entry)
            elif isinstance(entry, Event):
                if entry.type.startswith("finops:") and _MISSING.match(entry.description):
                    self.untied.add(entry.type.removeprefix("finops:"))
            elif isinstance(entry, Open) and entry.currencies:
                self.currencies[entry.account] = entry.currencies[0]
        stated: dict[Key, list[_Statement]] = defaultdict(list)
        for entry in stating:
            self._read(entry, stated)
        for key in [*moved, *(key for key in stated if key not in moved)]:
            movements = moved.get(key, {})
            before = self.balances.get(key, _ZERO)
            after = self.balances[key] = before + sum(movements.values(), _ZERO)
            if self._partner(key[0]) not in self.untied:
                if key in stated:
                    self._tie(day, key, before, movements, after, stated[key])
                self._levels(day, key, after, movers.get(key))

    def _partner(self, account: str) -> str:
        return account.removeprefix(self.prefix).partition(":")[0]

    def _move(
        self,
        entry: Transaction,
        moved: dict[Key, dict[str, Decimal]],
        movers: dict[Key, Transaction],
    ) -> None:
        for posting in entry.postings:
            if posting.account.startswith(self.prefix) and (amount := units(posting)):
                number, currency = amount
                key = (posting.account, currency)
                kind = str((posting.meta or {}).get("kind", "other"))
                kinds = moved.setdefault(key, {})
                kinds[kind] = kinds.get(kind, _ZERO) + number
                movers[key] = entry

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

    def _read(self, entry: Transaction, stated: dict[Key, list[_Statement]]) -> None:
        """Read what ``entry`` says of the statement; check what the statement proves by itself."""
        keys = {
            (posting.account, amount[1])
            for posting in entry.postings
            if posting.account.startswith(self.prefix) and (amount := units(posting))
        }
        partner = entry.meta.get("partner")
        if len(keys) != 1 and isinstance(partner, str):
            account = self.prefix + partner
            keys = {(account, self.currencies.get(account, self.default))}
        values = {name: figure(entry.meta.get(name)) for name in ("opening", "closing", "low")}
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
        stated[key].append(_Statement(entry, values["opening"], values["closing"], values["low"]))
        self._chain(key, chain, entry)
        low = values["low"]
        if low is not None and low < 0:
            self.report.add(
                "deposit-negative",
                f"{key[0]} on {entry.date}: the statement falls to {plain(low)} {key[1]}, expected "
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
        statements: list[_Statement],
    ) -> None:
        account, currency = key
        known = self.known.get(key, _ZERO)
        distinct = list({s.identity(): s for s in statements}.values())
        ends = _ends(distinct, before - known)
        last = distinct[-1].entry
        if ends is None:
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
        opening, closing = ends
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
            forward = "".join(f", {kind} {plain(number)}" for kind, number in movements.items())
            self.report.add(
                "deposit-closing",
                f"{account} on {day}: opening {plain(before)}{forward} = {plain(after)} {currency} "
                f"in the books, but the statement closes at {plain(closing)} {currency}; "
                f"difference {plain(after - closing)} {currency}; find the rows that were not "
                "posted or posted twice, or post the gap with kind statement-difference",
                last,
            )
        self.known[key] = known if closing is None else after - closing

    def _levels(self, day: date, key: Key, after: Decimal, mover: Transaction | None) -> None:
        account, currency = key
        if self._falls("zero", key, after < 0):
            self.report.add(
                "deposit-negative",
                f"{account} on {day}: the books end the day at {plain(after)} {currency}, expected "
                f"0 or more; difference {plain(after)} {currency}; a prepaid deposit cannot be "
                "overdrawn: look for a top-up that is not posted or usage posted twice",
                mover,
            )
        floor = self.floors.get(self._partner(account))
        if floor is not None and self._falls("floor", key, after < floor) and self.strict:
            self.report.add(
                "deposit-floor",
                f"{account} on {day}: {plain(after)} {currency} is left, expected at least "
                f"{plain(floor)} {currency}; difference {plain(after - floor)} {currency}; "
                "send a top-up",
                mover,
            )

    def _falls(self, level: str, key: Key, below: bool) -> bool:
        """Say whether the account has just fallen below a level: each fall is told once."""
        mark = (level, key)
        fell = below and mark not in self.below
        (self.below.add if below else self.below.discard)(mark)
        return fell


def _ends(
    statements: list[_Statement], expected: Decimal
) -> tuple[Decimal | None, Decimal | None] | None:
    """Return where a day's statements open and close, whatever their order; None with a gap.

    1000 to 900 and 900 to 700 are one statement 1000 to 700: what opens where nothing closes is the
    opening, what closes where nothing opens is the closing. A day that ends where it began is a
    circle, and opens at ``expected`` if any of its statements does.
    """
    first, last = statements[0], statements[-1]
    openings = [s.opening for s in statements if s.opening is not None]
    closings = [s.closing for s in statements if s.closing is not None]
    if len(statements) == 1 or not len(openings) == len(closings) == len(statements):
        return first.opening, last.closing
    starts, ends = Counter(openings), Counter(closings)
    starts.subtract(closings)
    ends.subtract(openings)
    opens = [value for value, times in starts.items() if times > 0]
    closes = [value for value, times in ends.items() if times > 0]
    if not opens:
        start = expected if expected in openings else first.opening
        return start, start
    if len(opens) == len(closes) == starts[opens[0]] == ends[closes[0]] == 1:
        return opens[0], closes[0]
    return None
