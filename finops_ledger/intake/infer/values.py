"""In which forms the cells of a column are times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

import duckdb
import pyarrow as pa

from finops_ledger.intake import forms, times
from finops_ledger.intake.infer.draft import count

Cells = Sequence[str | None]


@dataclass(frozen=True)
class Times:
    """A column of times. ``forms``: one, or several that all fit and read it otherwise."""

    forms: tuple[str, ...]
    why: str
    months: str = "en"
    pattern: str | None = None  #: of a sign that stands before each, as a spreadsheet's apostrophe
    misfits: tuple[str, ...] = ()  #: cells that are no times
    clock: str = ""  #: the column of the time of day that belongs to these dates
    lone: int = 0  #: dates without a time of day beside them

    @property
    def decided(self) -> bool:
        """Whether just one form fits."""
        return len(self.forms) == 1


_DATES: Final = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d",
    "%Y%m%d", "%d%m%Y", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y", "%y-%m-%d", "%d %b %Y", "%d %B %Y",
    "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b %d, %Y", "%B %d, %Y", "%-d %b %Y", "%-d %B %Y",
    "%-d/%-m/%Y", "%-m/%-d/%Y", "%-d-%-m-%Y", "%-m-%-d-%Y", "%-d/%-m/%y", "%-m/%-d/%y", "%d/%m", "%m/%d",
)  # fmt: skip
_CLOCKS: Final = (
    "", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M:%S%z", "T%H:%M:%S.%f%z", "T%H:%M:%S.%f",
    " %H:%M:%S.%f", " %H:%M:%S %z", " %H:%M:%S%z", " %H:%M:%S.%f %z", " %H.%M", " %H.%M.%S",
    " %I:%M:%S %p", " %I:%M %p", " %-I:%M %p", " %-I:%M:%S %p", " %-H:%M", " %-H:%M:%S", ", %H:%M",
    ", %H:%M:%S", "%H%M%S", " %H:%M:%S %Z", " %H:%M %Z",
)  # fmt: skip
_MISFITS = 3


def _sound(form: str) -> bool:
    return forms.fault(form) is None


_FORMS: Final = (*(f for d in _DATES for c in _CLOCKS if _sound(f := d + c)), "%s", "%Q")


def times_of(
    cells: Cells, connection: duckdb.DuckDBPyConnection, *, named: bool = True
) -> Times | None:
    """Return in which forms a column is all times; None when it is not. ``named``: its name is a time's.

    A few cells may be none (``PEND`` for a date): they are ``misfits``.
    """
    counted = Counter(c for c in cells if c is not None and c.strip())
    filled = list(counted)
    if not filled or sum(bool(re.search(r"\d", c)) for c in filled) * 5 < len(filled) * 4:
        return None
    pattern = None
    if any(c.startswith("'") for c in filled):
        pattern = "'?(.*)"
        filled = [c.removeprefix("'") for c in filled]
    if named and (serial := _serials(filled)) is not None:
        return serial
    worded = any(re.search(r"[A-Za-z]{3}", c) for c in filled)
    tried = [
        _fitting(filled, m, connection) for m in (("en", "id", "en+id") if worded else ("en",))
    ]
    fitting = [f for f in tried if f is not None]
    if not fitting:
        return None
    known, months, misfits = min(fitting, key=lambda f: len(f[2]))
    if all(re.fullmatch(r"\d+", c) for c in filled) and known[0] not in {
        "%Y%m%d",
        "%s",
        "%Q",
        "%Y%m%d%H%M%S",
    }:
        return None
    return _readings(filled, known, months, pattern, misfits, connection)


def _serials(filled: Sequence[str]) -> Times | None:
    """Days of a spreadsheet: numbers from 20000 (1954) to 60000 (2064), counted from 1900 or from 1904."""
    if not all(re.fullmatch(r"[2-5]\d{4}(\.\d{1,15})?", c) for c in filled):
        return None
    end = "" if any("." in c for c in filled) else "-date"
    days = int(filled[0][:5])
    by = [date(1899, 12, 30) + timedelta(days), date(1904, 1, 1) + timedelta(days)]
    why = f"{filled[0]} is {by[0]} in a workbook of the usual kind, {by[1]} in one that counts from 1904"
    return Times((f"excel{end}", f"excel-1904{end}"), why)


@cache
def _wanted(form: str, months: str) -> re.Pattern[str]:
    return re.compile(forms.pattern(form, months), re.ASCII)


def _fitting(
    filled: Sequence[str], months: str, connection: duckdb.DuckDBPyConnection
) -> tuple[list[str], str, tuple[str, ...]] | None:
    some = filled[:40]
    hopeful = []
    for form in _FORMS:
        wanted = _wanted(form, months if "%b" in form or "%B" in form else "en")
        fits = sum(bool(wanted.fullmatch(c)) for c in some)
        if fits and len(some) - fits <= min(_MISFITS, len(some) // 4):
            hopeful.append(form)
    best: list[str] = []
    fewest, misfits = _MISFITS + 1, tuple[str, ...]()
    table = pa.table({"v": pa.array(filled, pa.string())})
    connection.register("cells_looked_at", table)
    for form in hopeful:
        local = _local(form, months)
        wrong = connection.execute(
            f"SELECT v FROM cells_looked_at WHERE ({local}) IS NULL LIMIT {_MISFITS + 1}"
        ).fetchall()
        if len(wrong) < fewest:
            best, fewest, misfits = [form], len(wrong), tuple(w[0] for w in wrong)
        elif len(wrong) == fewest and fewest <= _MISFITS:
            best.append(form)
    connection.unregister("cells_looked_at")
    if not best or fewest * 4 > len(filled):
        return None
    return best, months, misfits


def _local(form: str, months: str) -> str:
    """Return SQL of a time; one without a year is tried in a leap year."""
    if forms.has_year(form):
        return times.local_time("v", form, months)
    return times.local_time("(v || ' 2024')", f"{form} %Y", months)


def _readings(
    filled: Sequence[str],
    known: Iterable[str],
    months: str,
    pattern: str | None,
    misfits: tuple[str, ...],
    connection: duckdb.DuckDBPyConnection,
) -> Times:
    """Of forms that read every cell alike keep the strictest."""
    table = pa.table({"v": pa.array(filled, pa.string())})
    connection.register("cells_looked_at", table)
    read: dict[str, str] = {}
    for form in known:
        local = _local(form, months)
        found = connection.execute(
            f"SELECT md5(string_agg(coalesce(CAST({local} AS VARCHAR), ''), '|')) FROM cells_looked_at"
        ).fetchall()
        read.setdefault(found[0][0], form)
    connection.unregister("cells_looked_at")
    kept = tuple(read.values())
    if len(kept) == 1 and "%H:%M:%S" in kept[0] and all("00:00:00" in c for c in filled):
        kept = (kept[0].replace("%H:%M:%S", "00:00:00"), kept[0])
        why = "every time is 00:00:00: a date alone, and the time may stand elsewhere, or midnight"
        return Times(kept, why, months, pattern, misfits)
    why = f"{count(len(filled), 'different value')}, all in this form"
    if len(kept) == 1 and re.match(r"%-?d.%-?m|%-?m.%-?d", kept[0]):
        place = 0 if kept[0].lstrip("%-").startswith("d") else 1
        proof = next((c for c in filled if _part(c, place) > 12), None)
        word = "first" if place == 0 else "second"
        why = f"the day stands {word}: {proof}" if proof else why
    return Times(kept, why, months, pattern, misfits)


def _part(cell: str, at: int) -> int:
    found = re.findall(r"\d+", cell)
    return int(found[at]) if len(found) > at else 0
