"""Business days: which days are closed, by whose decree, and how a date is counted and rolled.

A calendar is data: the shipped table of Indonesia (``calendars/ID.toml``: national holidays and joint leave, by
the yearly joint decree of three ministers), and tables of the company's own in ``<books>/calendars/``. A year
without a table is never guessed: whoever asks about it is told which decree is missing and where to write it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, cast

from finops_ledger.core.errors import UsageError

SHIPPED: Final = Path(__file__).parent / "calendars"
#: The folder of a workspace that holds the company's own tables.
FOLDER: Final = "calendars"
#: The shipped calendar, and the company's where finops.toml names none.
DEFAULT: Final = "ID"
#: How a calendar may be called: it is the name of a file.
NAME: Final = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"
#: The calendar in which every day is a business day.
NONE: Final = "none"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROLLS: Final = ("following", "preceding", "modified-following", "none")
#: What a day of a table may be; ``working`` takes back a closed day of the table that it extends.
TYPES: Final = ("national", "joint-leave", "working")
#: No table closes so many days in a row; a search that runs longer has met a calendar without business days.
_LONGEST: Final = 60
_DAY: Final = timedelta(days=1)


class HolidaysMissing(UsageError):
    """A year is asked about for which a calendar has no table."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A closed day: its name, and the decree that made it one."""

    day: date
    name: str
    type: Literal["national", "joint-leave"]
    decree: str


@dataclass(frozen=True)
class Calendar:
    """The business days of one place. Every answer about a year without a table raises :class:`HolidaysMissing`."""

    name: str
    weekend: frozenset[int] = frozenset({5, 6})
    #: The decree of each year that has a table; None: no table is needed, every day that is not weekend is open.
    years: Mapping[int, str] | None = None
    holidays: Mapping[date, Holiday] = field(default_factory=dict)

    def covers(self, year: int) -> bool:
        """Say whether the calendar knows the holidays of a year."""
        return self.years is None or year in self.years

    def holiday(self, day: date) -> Holiday | None:
        """Return the holiday on a day; None on a working day and on a plain weekend."""
        if not self.covers(day.year):
            raise HolidaysMissing(_missing(self.name, day.year))
        return self.holidays.get(day)

    def is_business(self, day: date) -> bool:
        """Say whether banks are open on a day: no weekend, no national holiday, no joint leave."""
        return self.holiday(day) is None and day.weekday() not in self.weekend

    def add_business(self, day: date, count: int) -> date:
        """Return the ``count``-th business day after ``day`` (before it, if negative).

        The day itself is not counted, open or closed: from a Saturday, 1 is the next business day. 0 is the day
        itself, or the next business day when it is closed.
        """
        if not count:
            return self.roll(day, "following")
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            day = self._next(day + step, step)
        return day

    def roll(self, day: date, how: str) -> date:
        """Move a closed day to a business day; an open one stays.

        ``following`` and ``preceding`` say to which side; ``modified-following`` goes forward unless that leaves
        the month, then back; ``none`` leaves the day where it is.
        """
        if how not in ROLLS:
            raise UsageError(f"unknown roll {how!r}: write {', '.join(ROLLS)}")
        if how == "none":
            return day
        if how == "preceding":
            return self._next(day, -_DAY)
        found = self._next(day, _DAY)
        if how == "modified-following" and found.month != day.month:
            return self._next(day, -_DAY)
        return found

    def closed_run(self, day: date) -> tuple[date, date]:
        """Return first and last day of the unbroken run of closed days that holds ``day``.

        Raises ValueError when the day is a business day.
        """
        if self.is_business(day):
            raise ValueError(f"{day} is a business day of calendar {self.name}")
        return self._next(day, -_DAY) + _DAY, self._next(day, _DAY) - _DAY

    def runs(self, first: date, last: date, at_least: int = 3) -> list[tuple[date, date]]:
        """Return the runs of at least so many closed days from ``first`` to ``last``, cut at both ends."""
        found: list[tuple[date, date]] = []
        start: date | None = None
        day = first
        while day <= last + _DAY:
            closed = day <= last and not self.is_business(day)
            if closed and start is None:
                start = day
            if not closed and start is not None:
                if (day - start).days >= at_least:
                    found.append((start, day - _DAY))
                start = None
            day += _DAY
        return found

    def _next(self, day: date, step: timedelta) -> date:
        for _ in range(_LONGEST):
            if self.is_business(day):
                return day
            day += step
        raise UsageError(f"calendar {self.name} has no business day near {day}")


def _missing(name: str, year: int) -> str:
    decree = (
        f"the joint decree of the three ministers (SKB) on national holidays and joint leave of {year}"
        if name == "ID"
        else f"the decree or notice that names the holidays of {year}"
    )
    return (
        f"calendar {name} has no table of {year}: {decree} is missing. Write it into {FOLDER}/{name}.toml of the "
        f'books (extends = "{name}" where the program ships the rest), with [years] {year} = "<decree>" and one '
        "[[holidays]] a day"
    )


def load(name: str = DEFAULT, folder: Path | None = None, shipped: Path | None = None) -> Calendar:
    """Read a calendar by name: the company's own table in ``folder``, else the shipped one.

    ``shipped``: a folder of tables that stand in for those of the program (those of an earlier time).

    ``none`` is the calendar without closed days. An own table may say ``extends``, and then adds days and years to
    that calendar (``calendars/ID.toml`` may extend the shipped ``ID``). Raises UsageError for an unknown
    name and for whatever a table says that is not clear.
    """
    if name == NONE:
        return Calendar(NONE, frozenset())
    place = SHIPPED if shipped is None else shipped
    own = _own(name, folder)
    if own is None:
        return _shipped(name, place)
    return _read(own, name, folder, place, (name,))


def files(name: str, folder: Path | None = None) -> list[Path]:
    """Return the files that make a calendar: its own, those that it extends, the shipped one (the latter last)."""
    found: list[Path] = []
    wanted: str | None = None if name == NONE else name
    while wanted is not None:
        path = _own(wanted, folder)
        if path is None or path in found:
            found.append(SHIPPED / f"{wanted}.toml")
            break
        found.append(path)
        extends = tomllib.loads(path.read_text(encoding="utf-8")).get("extends")
        wanted = extends if isinstance(extends, str) else None
    return found


def _own(name: str, folder: Path | None) -> Path | None:
    path = folder / f"{name}.toml" if folder is not None else None
    return path if path is not None and path.is_file() else None


def _shipped(name: str, place: Path) -> Calendar:
    instead = place / f"{name}.toml"
    if place != SHIPPED and instead.is_file():
        return _read(instead, name, None, place, (name,))
    return _of_program(name)


@lru_cache(maxsize=8)
def _of_program(name: str) -> Calendar:
    path = SHIPPED / f"{name}.toml"
    if not path.is_file() or path.parent != SHIPPED:
        known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise UsageError(
            f"unknown calendar {name!r}: known are {known} and {NONE}; write {FOLDER}/{name}.toml for one of your own"
        )
    return _read(path, name, None, SHIPPED, (name,))


def _read(
    path: Path, name: str, folder: Path | None, shipped: Path, via: tuple[str, ...]
) -> Calendar:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    known = ("extends", "weekend", "years", "holidays")
    for key in data.keys() - set(known):
        raise UsageError(f"{path}: unknown key {key!r}; known are {', '.join(known)}")
    base = _base(path, data.get("extends"), name, folder, shipped, via)
    weekend = _weekend(path, data["weekend"]) if "weekend" in data else base.weekend
    years = {**(base.years or {}), **_years(path, data.get("years", {}))}
    holidays = dict(base.holidays)
    stated: set[date] = set()
    for number, line in enumerate(_tables(path, data.get("holidays", [])), 1):
        day, found = _holiday(f"{path}: holiday {number}", line, years)
        if day in stated:
            raise UsageError(f"{path}: holiday {number}: {day} stands twice")
        stated.add(day)
        if found is not None:
            holidays[day] = found
        elif holidays.pop(day, None) is None:
            raise UsageError(
                f'{path}: holiday {number}: {day} is "working", yet no table below closes it'
            )
    return Calendar(name, weekend, years, holidays)


def _base(
    path: Path, extends: Any, name: str, folder: Path | None, shipped: Path, via: tuple[str, ...]
) -> Calendar:
    if extends is None:
        return Calendar(name, years={})
    if not isinstance(extends, str):
        raise UsageError(f"{path}: extends = {extends!r}; write the name of a calendar")
    own = _own(extends, folder)
    if own is None or extends == name:
        return _shipped(extends, shipped)
    if extends in via:
        raise UsageError(f"{path}: extends {extends!r}, which extends this one again")
    return _read(own, extends, folder, shipped, (*via, extends))


def _weekend(path: Path, value: Any) -> frozenset[int]:
    if not isinstance(value, list) or any(v not in WEEKDAYS for v in value):
        raise UsageError(f"{path}: weekend = {value!r}; write a list of {', '.join(WEEKDAYS)}")
    if len(set(value)) == len(WEEKDAYS):
        raise UsageError(f"{path}: weekend = {value!r} leaves no business day")
    return frozenset(WEEKDAYS.index(v) for v in value)


def _years(path: Path, value: Any) -> dict[int, str]:
    good = isinstance(value, dict) and all(
        y.isdecimal() and len(y) == 4 and isinstance(d, str) and d.strip() for y, d in value.items()
    )
    if not good:
        raise UsageError(f'{path}: [years] is {value!r}; write 2026 = "<the decree>" for each year')
    return {int(y): d for y, d in value.items()}


def _tables(path: Path, value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise UsageError(f"{path}: holidays is {value!r}; write one [[holidays]] a day")
    yield from value


def _holiday(
    place: str, line: dict[str, Any], years: Mapping[int, str]
) -> tuple[date, Holiday | None]:
    for key in line.keys() - {"day", "name", "type", "decree"}:
        raise UsageError(f"{place}: unknown key {key!r}; known are day, name, type and decree")
    day, name, type_ = line.get("day"), line.get("name"), line.get("type")
    if type(day) is not date:
        raise UsageError(f"{place}: day = {day!r}; write it like 2026-03-19, without quotes")
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"{place} ({day}): give its name")
    if type_ not in TYPES:
        raise UsageError(f"{place} ({day}): type = {type_!r}; write {', '.join(TYPES)}")
    if day.year not in years:
        raise UsageError(
            f'{place}: {day} is of {day.year}, which has no decree; write [years] {day.year} = "<the decree>"'
        )
    if type_ == "working":
        return day, None
    decree = str(line.get("decree") or years[day.year])
    return day, Holiday(day, name, cast(Literal["national", "joint-leave"], type_), decree)
