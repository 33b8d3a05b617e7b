"""Which settlement a code is about: the day or month that it names, and what is settled together."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from typing import Final, TypeVar

from finops_ledger.sop.schedule import Period

_DAY: Final = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH: Final = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])(?!\d)")
#: A reference that is a day or a month and nothing else, for SQL. Numbers of orders may hold a date too.
DAY_ALONE: Final = r"\s*20\d\d-?(0[1-9]|1[0-2])(-?(0[1-9]|[12]\d|3[01]))?\s*"
Node = TypeVar("Node", bound=Hashable)


def day_in(text: str) -> date | None:
    """Return the day that a code or reference names, or the last day of the month that it names.

    >>> day_in("AggB-20260513"), day_in("INV/2026-05"), day_in("INV-0012")
    (datetime.date(2026, 5, 13), datetime.date(2026, 5, 31), None)
    """
    for found in _DAY.finditer(text):
        year, month, day = map(int, found.groups())
        if day <= monthrange(year, month)[1]:
            return date(year, month, day)
    months = _MONTH.search(text)
    if months is None:
        return None
    year, month = map(int, months.groups())
    return date(year, month, monthrange(year, month)[1])


def code_of(period: Period, channel: str = "") -> str:
    """Return the code of a settlement that nobody has named yet: its last day, and its channel.

    >>> code_of(Period(date(2026, 5, 1), date(2026, 5, 15)), "VA")
    '20260515-VA'
    """
    text = f"{period.last:%Y%m%d}"
    return f"{text}-{channel}" if channel else text


def period_named(
    text: Iterable[str],
    said_on: date,
    periods: Sequence[Period],
    period_of: Callable[[date], Period],
) -> tuple[Period | None, date | None]:
    """Return the period that a statement is for, and the day that it names.

    By the first text that names a day or a month at an end of a period, else by the first that names one; else the
    last of ``periods`` (those that nothing names yet) that
    has ended by the day of the statement. None where neither says it.
    """
    day = day_named(text, period_of)
    if day is not None:
        return period_of(day), day
    ended = [p for p in periods if p.last <= said_on]
    return (max(ended) if ended else None), None


def day_named(text: Iterable[str], period_of: Callable[[date], Period | None]) -> date | None:
    """Return the first day that a text names and a period begins or ends with, else the first that one names."""
    days = [day for one in text if (day := day_in(one)) is not None]
    periods = {day: period_of(day) for day in days}
    fitting = (d for d in days if (p := periods[d]) is not None and ends(p, d))
    return next(fitting, days[0] if days else None)


def first_of(codes: Sequence[str], period: Period | None) -> str:
    """Return the code by which a settlement of several goes: the one that names its period, else the first.

    >>> first_of(["CN1", "20260304"], Period(date(2026, 3, 4), date(2026, 3, 4)))
    '20260304'
    """
    days = {code: day_in(code) for code in codes}
    named = (c for c, d in days.items() if d is not None and period is not None and ends(period, d))
    return next(named, codes[0])


def ends(period: Period, day: date) -> bool:
    """Say whether a day names a period: by its first or its last day."""
    return day in (period.first, period.last)


def together(links: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
    """Return the groups of what is linked, each in the order in which its members were first named."""
    group: dict[Node, list[Node]] = {}
    for one, other in links:
        mine = group.setdefault(one, [one])
        theirs = group.setdefault(other, [other])
        if mine is not theirs:
            mine.extend(theirs)
            for node in theirs:
                group[node] = mine
    return list({id(g): g for g in group.values()}.values())
