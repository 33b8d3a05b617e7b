"""Where balance confirmations stand: what decisions record of them, beside what the books say by now."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from finops_ledger.books import deposits as rolled
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import plain
from finops_ledger.sop.confirmation import Confirmation
from finops_ledger.treasury import confirming
from finops_ledger.treasury.confirming import Asked, Event
from finops_ledger.treasury.rollforward import RolledDay

if TYPE_CHECKING:
    from finops_ledger.books.books import Books


def month_of(text: str) -> tuple[date, date]:
    """Return the first and the last day of a month; UsageError when it is not written like ``2026-03``."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise UsageError(f"--month {text}: write it like 2026-03") from error
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def read(space: Workspace, until: date | None = None) -> list[Event]:
    """Return every letter and answer that decisions record, in their order; with ``until``, up to that day.

    Raises UsageError with file and line for a directive that says something else than it should.
    """
    from beancount.core.data import Custom
    from beancount.parser import parser

    found = []
    for path in space.decision_files():
        entries, _, _ = parser.parse_file(str(path))
        found += [
            _event(e, f"{path}:{e.meta['lineno']}")
            for e in entries
            if isinstance(e, Custom) and e.type == confirming.KIND
        ]
    return [e for e in found if until is None or e.day <= until]


def _event(entry: Any, place: str) -> Event:
    values = [v.value for v in entry.values]
    try:
        partner, month, what, balance = values
        if what not in (confirming.SENT, confirming.REPLY):
            raise ValueError(what)
        month_of(month)
        number = Decimal(balance.number)
    except (ValueError, AttributeError, TypeError, UsageError) as error:
        raise UsageError(
            f'{place}: write it like  custom "{confirming.KIND}" "AggA" "2026-03" "reply" 165890600 IDR'
        ) from error
    by, evidence, form = (str(entry.meta.get(k, "")) for k in ("by", "evidence", "form"))
    return Event(entry.date, partner, month, what, number, by, evidence, place, form)


def asked(space: Workspace, books: Books, as_of: date, recorded: list[Event]) -> Iterator[Asked]:
    """Yield where each partner's months stand: those that are over, and those of which a letter was sent."""
    events: dict[tuple[str, str], list[Event]] = {}
    for event in recorded:
        events.setdefault((event.partner, event.month), []).append(event)
    made = []
    for partner, _, days in rolled.rolled(space, books.load(), as_of):
        ends: dict[str, RolledDay] = {}
        for one in days:
            if one.day == month_of(f"{one.day:%Y-%m}")[1]:
                ends[f"{one.day:%Y-%m}"] = one
        for month, end in ends.items():
            rule = rule_of(space, partner, end.day)
            told = events.get((partner, month), [])
            if told or confirming.is_due(month, end.closing, rule.above):
                made.append(
                    confirming.ask(partner, month, told, end.closing, as_of, rule.reply, rule.form)
                )
    yield from sorted(made, key=lambda a: (a.month, a.partner))


def rule_of(space: Workspace, partner: str, day: date) -> Confirmation:
    """Return how a partner confirms its deposit, by the SOP of a day."""
    return space.registry.of(partner).on(day).deposit.confirmation


def told(one: Asked) -> dict[str, Any]:
    """Write where a confirmation stands as ``confirm list --json`` shows it."""
    return {
        "partner": one.partner,
        "month": one.month,
        "state": one.state,
        "balance": None if one.balance is None else plain(one.balance),
        "now": plain(one.now),
        "restated": one.restated,
        "sent": one.sent.isoformat() if one.sent else None,
        "answer_by": one.answer_by.isoformat() if one.answer_by else None,
        "replied": one.replied.isoformat() if one.replied else None,
        "answer": None if one.answer is None else plain(one.answer),
        "difference": None if one.difference is None else plain(one.difference),
        "letters": one.letters,
        "open": one.open,
        "told": one.told(),
    }
