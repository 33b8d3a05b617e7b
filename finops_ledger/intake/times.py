"""SQL for times: text tested by pattern, then parsed, then placed in UTC.

DuckDB's ``%Y`` reads ``26`` as the year 26, so each form becomes a pattern first. Zones that never
change are plain arithmetic; the others go through the zone tables that DuckDB carries, and a local
time that such a zone has twice, or not at all, has no moment.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache

from finops_ledger.core.days import zone as find_zone
from finops_ledger.intake import forms

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
#: What DuckDB's own parser is trusted with, after the pattern.
_PLAIN = frozenset({"%Y", "%y", "%m", "%-m", "%d", "%-d", "%H", "%-H", "%M", "%S", "%f", "%%"})
#: The form in which the engine itself writes times.
ISO = "%Y-%m-%d %H:%M:%S"
#: First moment of 1990, and of 2100: what %Y takes, too.
_FIRST, _LAST = 631_152_000, 4_102_444_800


def text(value: str) -> str:
    """Quote a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def local_time(cell: str, form: str, months: str = "en") -> str:
    """Return SQL of the naive local time in ``cell``; NULL when it is not written as ``form``.

    Seconds since 1970 give the time in UTC.
    """
    if form in forms.SERIALS:
        return _serial(cell, form)
    letters = forms.told(form)
    if letters in (["s"], ["Q"]):
        return _epoch(cell, form, 1_000_000 if letters == ["s"] else 1_000)
    if all(p in _PLAIN or not forms.is_token(p) for p in forms.parts(form)):
        parse = f"try_strptime({cell}, {text(form)})"
        return f"CASE WHEN {_matches(cell, form, months)} THEN {parse} END"
    return _parted(cell, form, months)


def cast_iso(cell: str) -> str:
    """Return SQL of what the engine takes a cell for, as a time; it takes more forms than one."""
    return f"try_cast({cell} AS TIMESTAMP)"


def proven_iso(cell: str, taken: str) -> str:
    """Return what :func:`local_time` does for :data:`ISO`, from the time that a cell was taken for.

    A time that is written again as the very text of the cell was read right. Where most times are
    in this form, that is twice as fast as a pattern.
    """
    sound = (
        f"CAST({taken} AS VARCHAR) = {cell} AND strlen({cell}) = 19 AND {taken} >= "
        f"make_timestamp({_FIRST}000000) AND {taken} < make_timestamp({_LAST}000000)"
    )
    return f"CASE WHEN {sound} THEN {taken} END"


def yearless_time(cell: str, form: str, file_day: date, within: int, months: str = "en") -> str:
    """Return SQL of a local time written without a year.

    The year is the one that puts the date at most ``within`` days (no more than half a year, so at
    most one year fits) before or after the file's day; if none does, NULL, and the row is refused.
    """
    choices = []
    for year in (file_day.year, file_day.year - 1, file_day.year + 1):
        parse = local_time(f"({cell} || ' {year}')", f"{form} %Y", months)
        near = f"abs(date_diff('day', {parse}, DATE '{file_day.isoformat()}')) <= {within}"
        choices.append(f"WHEN {near} THEN {parse}")
    return f"CASE WHEN NOT {_matches(cell, form, months)} THEN NULL {' '.join(choices)} END"


def _matches(cell: str, form: str, months: str) -> str:
    return f"regexp_full_match({cell}, {text(forms.pattern(form, months))})"


def _epoch(cell: str, form: str, factor: int) -> str:
    micros = f"try_cast({cell} AS BIGINT) * {factor}"
    sound = f"{micros} >= {_FIRST}000000 AND {micros} < {_LAST}000000"
    return f"CASE WHEN {_matches(cell, form, 'en')} AND {sound} THEN make_timestamp({micros}) END"


def _serial(cell: str, form: str) -> str:
    """Days since an epoch; a fraction is a part of a day, exact to the millisecond as in Excel."""
    epoch = "1904-01-01" if "1904" in form else "1899-12-30"
    millis = f"CAST(round(try_cast({cell} AS DECIMAL(20, 15)) * 86400000) AS BIGINT)"
    start = f"epoch_us(TIMESTAMP '{epoch} 00:00:00')"
    moment = f"{start} + {millis} * 1000"
    sound = f"{moment} >= {_FIRST}000000 AND {moment} < {_LAST}000000"
    return f"CASE WHEN {_matches(cell, form, 'en')} AND {sound} THEN make_timestamp({moment}) END"


def _piece(cell: str, form: str, months: str, name: str) -> str:
    """Return SQL of what one letter of a form stands for in ``cell``."""
    pattern, told = ["^"], list[str]()
    for part in forms.parts(form):
        if not forms.is_token(part) or part == "%%":
            pattern.append(re.escape(part.removeprefix("%") if part == "%%" else part))
            continue
        pattern.append(f"({forms.token_pattern(part, months)})")
        told += forms.told(part)
    listed = ", ".join(f"'g{at}'" for at in range(len(told)))  # names of a struct know no capitals
    extracted = f"regexp_extract({cell}, {text(''.join([*pattern, '$']))}, [{listed}])"
    return f"struct_extract({extracted}, {text(f'g{told.index(name)}')})"


def _parted(cell: str, form: str, months: str) -> str:
    """Cut a time into its parts, and put them together again as one plain form."""
    letters = forms.told(form)

    def part(name: str, default: str = "00") -> str:
        return _piece(cell, form, months, name) if name in letters else text(default)

    year = part("Y")
    if "y" in letters:
        year = f"CASE WHEN {part('y')} >= '69' THEN '19' ELSE '20' END || {part('y')}"
    month = part("m")
    if "b" in letters:
        names = forms.month_names(months).items()
        cases = " ".join(f"WHEN {text(n)} THEN '{number:02d}'" for n, number in names)
        month = f"CASE lower({part('b')}) {cases} ELSE '' END"
    hour = part("H")
    if "I" in letters:
        noon = f"CASE lower({part('p')}) WHEN 'pm' THEN 12 ELSE 0 END"
        hour = f"coalesce(CAST(try_cast({part('I')} AS INTEGER) % 12 + {noon} AS VARCHAR), '')"
    clock = f"{hour} || ':' || {part('M')} || ':' || {part('S')} || '.' || {part('f', '0')}"
    if "j" in letters:
        day = f"{year} || ' ' || {part('j')} || ' ' || {clock}"
        moment = f"try_strptime({day}, '%Y %j %H:%M:%S.%f')"  # takes day 366 of any year
        return f"CASE WHEN dayofyear({moment}) = try_cast({part('j')} AS INTEGER) THEN {moment} END"
    day = f"{year} || '-' || {month} || '-' || {part('d')} || ' ' || {clock}"
    return f"try_strptime({day}, '%Y-%m-%d %H:%M:%S.%f')"


def offset_seconds(cell: str, form: str, months: str = "en") -> str:
    """Return SQL of the seconds east of UTC that a time in a zoned form carries."""
    if "z" not in forms.told(form):
        return "CAST(0 AS BIGINT)"
    written = f"replace({_piece(cell, form, months, 'z')}, ':', '')"
    hours = f"coalesce(try_cast(substr({written}, 2, 2) AS BIGINT), 0) * 3600"
    minutes = f"coalesce(try_cast(substr({written}, 4, 2) AS BIGINT), 0) * 60"
    return f"CASE WHEN {written} LIKE '-%' THEN -1 ELSE 1 END * ({hours} + {minutes})"


def abbreviation(cell: str, form: str, months: str = "en") -> str:
    """Return SQL of the text that ``%Z`` of a form stands for."""
    return _piece(cell, form, months, "Z")


@cache
def _offsets(name: str) -> tuple[int, ...]:
    """Return the seconds east of UTC that a zone has, in some month of 1990 to 2100."""
    where = find_zone(name)
    months = (datetime(y, m, 1, tzinfo=UTC) for y in range(1990, 2101) for m in range(1, 13))
    found = {moment.astimezone(where).utcoffset() for moment in months}
    return tuple(sorted(int(o.total_seconds()) for o in found if o is not None))


@cache
def fixed_offset(name: str) -> int | None:
    """Return the seconds east of UTC of a zone that never changes (1990 to 2100), else None."""
    if found := _OFFSET.fullmatch(name):
        seconds = int(found.group(2)) * 3600 + int(found.group(3)) * 60
        return seconds if found.group(1) == "+" else -seconds
    offsets = _offsets(name)
    return offsets[0] if len(offsets) == 1 else None


def to_utc(local: str, zone: str) -> str:
    """Return SQL of the moment of a naive local time; arithmetic where the offset is fixed.

    NULL where the clock shows that time twice, or jumps over it: nobody can tell which is meant.
    """
    offset = fixed_offset(zone)
    if offset is not None:
        return f"make_timestamptz(epoch_us({local}) - {offset * 1_000_000})"
    named = text(zone)
    moment = f"timezone({named}, {local})"
    offsets = _offsets(zone)
    steps = sorted({b - a for a in offsets for b in offsets if b > a})
    again = " OR ".join(
        f"timezone({named}, {moment} {sign} INTERVAL {step} SECOND) = {local}"
        for step in steps
        for sign in ("+", "-")
    )
    return f"CASE WHEN timezone({named}, {moment}) = {local} AND NOT ({again}) THEN {moment} END"


def at_offset(local: str, seconds: str) -> str:
    """Return SQL of the moment of a local time so many seconds (SQL) east of UTC."""
    return f"make_timestamptz(epoch_us({local}) - ({seconds}) * CAST(1000000 AS BIGINT))"


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
