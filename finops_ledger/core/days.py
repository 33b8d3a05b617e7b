"""Days and windows: the accounting day, the partner's day, and when a wait is over.

A partner's day may open at 23:00 of the evening before and be named by its end (2 March runs from
1 March 23:00 to 2 March 22:59:59), or run from noon to noon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_HOURS = re.compile(r"(\d+)\s*(h|d|m)")


def zone(name: str) -> ZoneInfo:
    """Return the time zone, or raise :class:`ValueError` with a hint."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown time zone {name!r}; write it like Asia/Jakarta") from error


def parse_span(text: str) -> timedelta:
    """Parse a span of time: ``"72h"``, ``"3d"``, ``"90m"``."""
    found = _HOURS.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a span of time: {text!r}; write it like 72h, 3d or 90m")
    number = int(found.group(1))
    return {"h": timedelta(hours=1), "d": timedelta(days=1), "m": timedelta(minutes=1)}[
        found.group(2)
    ] * number


@dataclass(frozen=True, slots=True)
class Window:
    """A counterparty's day: when it opens, in which zone, and which end gives it its name.

    ``opens`` is a local time; ``named_by`` is ``"start"`` or ``"end"``: a window that opens at 23:00
    and is named by its end belongs to the next date.
    """

    zone: str = "Asia/Jakarta"
    opens: time = time(0)
    named_by: str = "start"

    def shift(self) -> timedelta:
        """Return what is added to a local time so that its date is the window's day."""
        since_midnight = timedelta(hours=self.opens.hour, minutes=self.opens.minute)
        if self.named_by == "end" and since_midnight:
            return timedelta(days=1) - since_midnight
        return -since_midnight

    def day_of(self, moment: datetime) -> date:
        """Return the day whose window holds ``moment`` (which must carry a zone)."""
        local = moment.astimezone(zone(self.zone)).replace(tzinfo=None)
        return (local + self.shift()).date()

    def closes(self, day: date) -> datetime:
        """Return the moment (UTC) at which the window of ``day`` has closed (exclusive)."""
        local = datetime.combine(day + timedelta(days=1), time(0)) - self.shift()
        return local.replace(tzinfo=zone(self.zone)).astimezone(UTC)


def days(first: date, last: date) -> Iterator[date]:
    """Yield each day from ``first`` to ``last``, both included."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
