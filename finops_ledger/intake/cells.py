"""SQL for single cells: text tested by pattern before it is cast, and never the other way round.

DuckDB's ``try_cast`` rounds ``12.34567`` and takes ``1e3``, ``1_000`` and `` 5 ``; its ``%Y`` reads
``26`` as the year 26. So each cell must first match a pattern that leaves one reading only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache

from finops_ledger.core.days import zone as find_zone
from finops_ledger.core.schema import MONEY_SQL
from finops_ledger.intake.spec import Condition, NumberSpec, ZoneSpec

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


def texts(values: Iterable[str]) -> str:
    """Quote texts as an SQL list: ``('a', 'b')``."""
    return "(" + ", ".join(text(v) for v in values) + ")"


def number_pattern(spec: NumberSpec, digits: int) -> str:
    """Return the pattern of a number with at most ``digits`` decimals that are not zero.

    At most 14 digits before the mark and 4 behind. Exactly three digits behind the mark are refused
    where three are not the currency's own: ``1.000`` is one thousand to half of the world.
    """
    mark, group = re.escape(spec.decimal), re.escape(spec.thousands)
    whole = r"\d{1,14}"
    if spec.thousands:
        whole = rf"\d{{1,3}}(?:{group}\d{{3}}){{1,3}}|\d{{1,2}}(?:{group}\d{{3}}){{4}}|{whole}"
    fraction = {
        0: rf"(?:{mark}0{{1,2}}|{mark}0{{4}})?",
        2: rf"(?:{mark}\d{{1,2}}|{mark}\d{{2}}00)?",
        3: rf"(?:{mark}\d{{1,3}}|{mark}\d{{3}}0)?",
        4: rf"(?:{mark}\d{{1,2}}|{mark}\d{{4}})?",
    }[digits]
    if spec.minor_units:
        fraction = ""
    sign = "[+-]?" if spec.plus else "-?"
    if spec.currency_text:
        names = "|".join(re.escape(t) for t in sorted(spec.currency_text, key=len, reverse=True))
        sign = rf"(?:{sign}(?:{names}) ?|(?:{names}) ?{sign}|{sign})"
    blanks = " *" if spec.trim else ""
    return f"{blanks}{sign}(?:{whole}){fraction}{blanks}"


def number(cell: str, spec: NumberSpec, digits: int) -> str:
    """Return SQL of the amount in ``cell``; NULL when the cell is empty or not such a number."""
    value = cell
    for name in sorted(spec.currency_text, key=len, reverse=True):
        value = f"replace({value}, {text(name)}, '')"
    if spec.trim or spec.currency_text:
        value = f"replace({value}, ' ', '')"
    if spec.thousands:
        value = f"replace({value}, {text(spec.thousands)}, '')"
    if spec.decimal != ".":
        value = f"replace({value}, {text(spec.decimal)}, '.')"
    cast = f"try_cast({value} AS {MONEY_SQL})"
    if spec.minor_units and digits:
        small = f"CAST('0.{'0' * (digits - 1)}1' AS DECIMAL({digits + 1}, {digits}))"
        cast = f"try_cast(try_cast({value} AS DECIMAL(18, 0)) * {small} AS {MONEY_SQL})"
    pattern = number_pattern(spec, digits)
    return f"CASE WHEN regexp_full_match({cell}, {text(pattern)}) THEN {cast} END"


def expected_number(spec: NumberSpec, digits: int) -> str:
    """Say in words what :func:`number` takes."""
    if spec.minor_units:
        return "a whole number of minor units"
    example = f"1{spec.thousands}234" + (f"{spec.decimal}{'5' * digits}" if digits else "")
    limit = f"at most {digits} decimals" if digits else "no fraction"
    return f"a number like {example}, {limit}, at most 14 digits before the mark"


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


def to_utc_by_column(local: str, cell: str, spec: ZoneSpec) -> str:
    """Return SQL of the moment of a local time whose zone stands in a cell; NULL if unknown."""
    cases = " ".join(f"WHEN {text(k)} THEN {to_utc(local, z)}" for k, z in spec.map.items())
    return f"CASE {cell} {cases} END"


def day_in(moment: str, zone: str) -> str:
    """Return SQL of the date that a moment has in ``zone``."""
    offset = fixed_offset(zone)
    if offset is None:
        return f"CAST(timezone({text(zone)}, {moment}) AS DATE)"
    return f"CAST(make_timestamp(epoch_us({moment}) + {offset * 1_000_000}) AS DATE)"


def condition(cell: str, test: Condition) -> str:
    """Return SQL of a condition; never NULL."""
    if test.empty is not None:
        return f"{cell} IS {'' if test.empty else 'NOT '}NULL"
    if test.equals is not None:
        return f"coalesce({cell} = {text(test.equals)}, false)"
    if test.one_of is not None:
        return f"coalesce({cell} IN {texts(test.one_of)}, false)"
    assert test.pattern is not None
    return f"coalesce(regexp_full_match({cell}, {text(test.pattern)}), false)"
