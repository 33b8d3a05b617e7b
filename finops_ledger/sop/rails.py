"""The ways on which money is sent: their hours, limits and fees, and when what is sent arrives.

The rails of Indonesia are data (``rails.toml``); ``[[rails]]`` of finops.toml changes them or adds others, also for
one bank alone (a bank's own cut-off is earlier than the central bank's).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from finops_ledger.core.calendars import Calendar
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.sop.parts import Exact, Part, Span

SHIPPED = Path(__file__).parent / "rails.toml"
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DAY = timedelta(days=1)
#: How many days ahead a rail is looked for an open one.
_AHEAD = 60


def _clock(value: object) -> object:
    text = value.strftime("%H:%M") if isinstance(value, time) else value
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        raise ValueError(
            f'{value!r} is no time of a day: write it like "16:30"; midnight is "24:00"'
        )
    return text


#: A local time, ``00:00`` to ``24:00``, as text.
Clock = Annotated[str, BeforeValidator(_clock)]


def _since_midnight(clock: str) -> timedelta:
    hours, minutes = clock.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


class Hours(Part):
    """Other hours from ``day`` to ``until`` (that day alone where it is not given): longer, shorter, or none at all.

    They hold on the days on which the rail is open; ``open`` opens it on days that the calendar closes.
    """

    day: date
    until: date | None = None
    opens: Clock | None = None
    cutoff: Clock | None = None
    closed: bool = False
    open: bool = False
    reason: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Hours:
        if self.until is not None and self.until < self.day:
            raise ValueError(f"hours of {self.day} end before they begin, on {self.until}")
        if self.closed == (self.open or self.opens is not None or self.cutoff is not None):
            raise ValueError(f"hours of {self.day}: give closed = true, or open, opens or cutoff")
        return self

    def of(self, day: date) -> bool:
        """Say whether they hold on a day."""
        return self.day <= day <= (self.until or self.day)


class Rail(Part):
    """One way to send money: what it carries, when it is open, what it costs, how long it takes.

    ``limit`` and ``minimum`` bound one transfer, both included; ``every_day``: also when banks are closed;
    ``settles``: from the moment of sending (or of the next of ``batches``) to the receiver's account; ``bank``: the
    bank account or bank for which a declaration holds, empty for all.
    """

    name: str = Field(min_length=1)
    bank: str = ""
    minimum: Exact = Field(default=Decimal(0), ge=0)
    limit: Exact | None = Field(default=None, gt=0)
    fee: Exact = Field(default=Decimal(0), ge=0)
    opens: Clock = "00:00"
    cutoff: Clock = "24:00"
    zone: str = "Asia/Jakarta"
    every_day: bool = False
    settles: Span = timedelta(0)
    batches: tuple[Clock, ...] = ()
    hours: tuple[Hours, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value

    def problems(self) -> Iterable[str]:
        """Yield what contradicts itself in a rail, put together with what it changes."""
        if self.limit is not None and self.limit < self.minimum:
            yield f"rail {self.name}: the limit {self.limit} is below the minimum {self.minimum}"
        for what, (opens, cutoff) in {
            "": (self.opens, self.cutoff),
            **{
                f" on {h.day}": (h.opens or self.opens, h.cutoff or self.cutoff) for h in self.hours
            },
        }.items():
            if cutoff <= opens:
                yield f"rail {self.name}{what}: it closes at {cutoff}, and opens only at {opens}"

    def carries(self, amount: Decimal) -> bool:
        """Say whether one transfer of this amount is within the rail's minimum and limit."""
        return self.minimum <= amount and (self.limit is None or amount <= self.limit)

    def transfers(self, amount: Decimal) -> int | None:
        """Return into how many transfers an amount must be split; None when the rail does not carry it at all."""
        if amount < self.minimum or amount <= 0:
            return None
        if self.limit is None:
            return 1
        whole, rest = divmod(amount, self.limit)
        return int(whole) + (rest > 0)

    def open_on(self, day: date, calendar: Calendar) -> tuple[datetime, datetime] | None:
        """Return from when until when (UTC, end exclusive) the rail is open on a day; None when it is closed."""
        own = next((h for h in reversed(self.hours) if h.of(day)), None)
        if own is not None and own.closed:
            return None
        whatever = self.every_day or (own is not None and own.open)
        if not whatever and not calendar.is_business(day):
            return None
        opens = own.opens if own is not None and own.opens else self.opens
        cutoff = own.cutoff if own is not None and own.cutoff else self.cutoff
        return self._moment(day, opens), self._moment(day, cutoff)

    def next_send(self, moment: datetime, calendar: Calendar) -> datetime:
        """Return the next moment (UTC), from ``moment`` on, at which the rail takes a transfer.

        At the cut-off itself it is closed. Raises HolidaysMissing when that may lie in a year without a table.
        """
        day = moment.astimezone(zone(self.zone)).date()
        for _ in range(_AHEAD):
            span = self.open_on(day, calendar)
            if span is not None and moment < span[1]:
                return max(moment.astimezone(UTC), span[0])
            day += _DAY
        raise UsageError(
            f"rail {self.name} is closed on all of the {_AHEAD} days from {moment.date()}"
        )

    def last_send(self, moment: datetime, calendar: Calendar) -> datetime:
        """Return the last moment (UTC), up to ``moment``, before which the rail takes a transfer: a cut-off, or
        ``moment`` itself while the rail is open."""
        day = moment.astimezone(zone(self.zone)).date()
        for _ in range(_AHEAD):
            span = self.open_on(day, calendar)
            if span is not None and span[0] <= moment:
                return min(moment.astimezone(UTC), span[1])
            day -= _DAY
        raise UsageError(
            f"rail {self.name} was closed on all of the {_AHEAD} days to {moment.date()}"
        )

    def arrives(self, sent: datetime) -> datetime:
        """Return when (UTC) what was sent at a moment of its hours is at the receiver's bank.

        With batches: the first one not before the moment, of that day; what is sent after the last waits no more.
        """
        local = sent.astimezone(zone(self.zone))
        batches = sorted(self._moment(local.date(), b) for b in self.batches)
        return next((b for b in batches if b >= sent), sent.astimezone(UTC)) + self.settles

    def _moment(self, day: date, clock: str) -> datetime:
        local = datetime.combine(day, time(0)) + _since_midnight(clock)
        return local.replace(tzinfo=zone(self.zone)).astimezone(UTC)


@lru_cache(maxsize=1)
def shipped() -> tuple[Rail, ...]:
    """Return the rails that the program ships."""
    data = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    return tuple(Rail.model_validate(line) for line in data["rails"])


def known(declared: Iterable[Rail] = (), bank: str = "") -> dict[str, Rail]:
    """Return the rails by name, as seen from a bank: the shipped ones, with what ``[[rails]]`` says.

    A declaration of a known name changes the keys that it gives; those with ``bank`` hold for that bank alone, over
    those without. Raises ValueError for a rail that contradicts itself.
    """
    found = {rail.name: rail for rail in shipped()}
    rules = list(declared)
    for wanted in ("", bank) if bank else ("",):
        for rule in rules:
            if rule.bank == wanted:
                said = {name: getattr(rule, name) for name in rule.model_fields_set}
                base = found.get(rule.name)
                found[rule.name] = base.model_copy(update=said) if base else rule
    for rail in found.values():
        for problem in rail.problems():
            raise ValueError(problem)
    return found
