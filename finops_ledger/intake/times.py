"""SQL for times: text tested by pattern, then parsed, then placed in UTC.

DuckDB's ``%Y`` reads ``26`` as the year 26, so each form becomes a pattern first. Zones that never
change are plain arithmetic; the others go through the zone tables that DuckDB carries.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache

from finops_ledger.core.days import zone as find_zone

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_TOKENS = {
    "%Y": r"(?:199\d|20\d\d)",
    "%y": r"\d\d",
    "%m": r"\d\d",
    "%-m": r"\d{1,2}",
    "%d": r"\d\d",
    "%-d": r"\d{1,2}",
    "%H": r"\d\d",
    "%-H": r"\d{1,2}",
    "%M": r"\d\d",
    "%S": r"\d\d",
    "%f": r"\d{1,6}",
    "%b": r"[A-Za-z]{3}",
    "%%": "%",
}


def text(value: str) -> str:
    """Quote a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def time_pattern(form: str) -> str:
    """Return the pattern of a time written as ``form``; :class:`ValueError` for unknown letters."""
    parts, at = [], 0
    for found in re.finditer(r"%-?[A-Za-z%]", form):
        if found.group() not in _TOKENS:
            raise ValueError(f"{found.group()!r} in {form!r}: choose from {' '.join(_TOKENS)}")
        parts += [re.escape(form[at : found.start()]), _TOKENS[found.group()]]
        at = found.end()
    return "".join([*parts, re.escape(form[at:])])


def is_date_only(form: str) -> bool:
    """Say whether a format has no time of day: such a date is read in the books' zone."""
    return "%H" not in form and "%-H" not in form


def local_time(cell: str, form: str) -> str:
    """Return SQL of the naive local time in ``cell``; NULL when it is not written as ``form``."""
    pattern = text(time_pattern(form))
    parse = f"try_strptime({cell}, {text(form)})"
    return f"CASE WHEN regexp_full_match({cell}, {pattern}) THEN {parse} END"


def yearless_time(cell: str, form: str, file_day: date, within: int) -> str:
    """Return SQL of a local time written without a year.

    The year is the one that puts the date at most ``within`` days (no more than half a year, so at
    most one year fits) before or after the file's day; if none does, NULL, and the row is refused.
    """
    pattern = text(time_pattern(form))
    choices = []
    for year in (file_day.year, file_day.year - 1, file_day.year + 1):
        parse = f"try_strptime({cell} || ' {year}', {text(form + ' %Y')})"
        near = f"abs(date_diff('day', {parse}, DATE '{file_day.isoformat()}')) <= {within}"
        choices.append(f"WHEN {near} THEN {parse}")
    return f"CASE WHEN NOT regexp_full_match({cell}, {pattern}) THEN NULL {' '.join(choices)} END"


@cache
def fixed_offset(name: str) -> int | None:
    """Return the seconds east of UTC of a zone that never changes (1990 to 2100), else None."""
    if found := _OFFSET.fullmatch(name):
        seconds = int(found.group(2)) * 3600 + int(found.group(3)) * 60
        return seconds if found.group(1) == "+" else -seconds
    where = find_zone(name)
    months = (datetime(y, m, 1, tzinfo=UTC) for y in range(1990, 2101) for m in range(1, 13))
    offsets = {moment.astimezone(where).utcoffset() for moment in months}
    only = offsets.pop() if len(offsets) == 1 else None
    return None if only is None else int(only.total_seconds())


def to_utc(local: str, zone: str) -> str:
    """Return SQL of the moment of a naive local time; arithmetic where the offset is fixed."""
    offset = fixed_offset(zone)
    if offset is None:
        return f"timezone({text(zone)}, {local})"
    return f"make_timestamptz(epoch_us({local}) - {offset * 1_000_000})"


def to_utc_by_column(local: str, cell: str, zones: dict[str, str]) -> str:
    """Return SQL of the moment of a local time whose zone stands in a cell; NULL if unknown."""
    cases = " ".join(f"WHEN {text(k)} THEN {to_utc(local, z)}" for k, z in zones.items())
    return f"CASE {cell} {cases} END"


def day_in(moment: str, zone: str) -> str:
    """Return SQL of the date that a moment has in ``zone``."""
    offset = fixed_offset(zone)
    if offset is None:
        return f"CAST(timezone({text(zone)}, {moment}) AS DATE)"
    return f"CAST(make_timestamp(epoch_us({moment}) + {offset * 1_000_000}) AS DATE)"
