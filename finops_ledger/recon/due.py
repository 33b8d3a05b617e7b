"""Until when an item waits by a gateway's schedule: the day on which a settlement that has not come is a break.

The items of a run have days, not moments, and no channel of payment; so where a cut-off or channels leave open which
period a row belongs to, the latest due date holds, and nothing breaks too early. The minimum of a schedule is left
out here: what is carried for it is told by its settlement, and a break says that it has not come.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import ceil
from typing import Final

import pyarrow as pa

from finops_ledger.core.calendars import Calendar
from finops_ledger.recon.legs import SALE_GATEWAY, SETTLEMENT_BANK
from finops_ledger.sop.schedule import Dated, Schedule

#: Legs on which one side waits for a settlement: orders for the report, a report for the bank.
LEGS: Final = (SALE_GATEWAY, SETTLEMENT_BANK)
_EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1)
#: After so many days in a row whose settlements are due, all earlier ones are; dated exceptions apart.
_RUN = 10

#: The calendar of a name; an empty one is the company's.
Calendars = Callable[[str], Calendar]


def waiting(
    schedule: Schedule, calendars: Calendars, leg: str, start: date, day: date, grace: timedelta
) -> tuple[tuple[date, date], ...]:
    """Return the days from ``start`` to ``day`` whose items still wait on ``day``, each with the day it breaks on.

    Days that are left out wait no longer. Raises HolidaysMissing when a due date lies in a year without a table.
    """
    spare = ceil(grace / _DAY) * _DAY
    late = [e.period for e in _exceptions(schedule) if e.due + spare > day]
    lowest = min((schedule.period_of(p).first for p in late), default=day)
    found = []
    due_days = 0
    one = day
    while one >= start and (due_days < _RUN or one >= lowest):
        breaks_on = _breaks_on(schedule, calendars, leg, one, start) + spare
        due_days = 0 if breaks_on > day else due_days + 1
        if breaks_on > day:
            found.append((one, breaks_on))
        one -= _DAY
    return tuple(reversed(found))


def reported(schedule: Schedule, calendars: Calendars, day: date, start: date) -> date:
    """Return by when the bank must show what a report of a day settles: the same day as its item breaks on."""
    return _breaks_on(schedule, calendars, SETTLEMENT_BANK, day, start)


def _exceptions(schedule: Schedule) -> list[Dated]:
    names = ("", *schedule.channels)
    return [e for name in names for e in schedule.of(name).exceptions]


def _breaks_on(schedule: Schedule, calendars: Calendars, leg: str, day: date, start: date) -> date:
    return max(
        _of_channel(schedule.of(name), calendars, leg, day, start)
        for name in ("", *schedule.channels)
    )


def _of_channel(one: Schedule, calendars: Calendars, leg: str, day: date, start: date) -> date:
    calendar = calendars(one.calendar)
    period = one.period_of(day)
    if leg == SETTLEMENT_BANK:
        # A report tells of what has ended: the last period by its day, and no earlier than a bank can pay.
        ended = period if period.last == day else one.period_of(period.first - _DAY)
        paid = calendar.roll(day, "none" if one.roll == "none" else "following")
        return max(one.due(ended, calendar), paid) if ended.last >= start else paid
    due = one.due(period, calendar)
    if one.shift:
        due = max(due, one.due(one.period_of(day + _DAY), calendar))
    return due


def table(found: tuple[tuple[date, date], ...]) -> pa.Table:
    """Return the days as a run's expressions join them: day numbers since 1970."""
    columns = zip(*(((a - _EPOCH).days, (b - _EPOCH).days) for a, b in found), strict=True)
    anchors, dues = columns if found else ((), ())
    return pa.table(
        {"due_anchor": pa.array(anchors, pa.int64()), "due_on": pa.array(dues, pa.int64())}
    )
