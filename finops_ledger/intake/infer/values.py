"""What the cells of a column can be: numbers in which notations, times in which forms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Final

import duckdb
import pyarrow as pa

from finops_ledger.intake import forms, times
from finops_ledger.intake.cells import parse_number
from finops_ledger.intake.spec_fields import NumberSpec

Cells = Sequence[str | None]

#: Decimals that a number may have here: with three, 1.000 is both one and one thousand.
DIGITS: Final = 3
_MONEY: Final = ("Rp.", "Rp", "RP", "IDR", "USD", "US$", "S$", "$", "SGD", "EUR", "€", "MYR", "RM")
_NONE: Final = ("-", "--", "n/a", "N/A", "null", "NULL", "None")
_NOTATIONS: Final = tuple(
    (d, t) for d, t in product((".", ","), ("", ".", ",", " ", "'")) if d != t
)
#: A mark whose reading is certain: a fraction of one or two digits, or both marks, or two groups.
_FRACTION: Final = re.compile(r"[.,]\d{1,2}(?!\d)|[.,]\d{4}(?!\d)")


@dataclass(frozen=True)
class Numbers:
    """A column that can be read as numbers. ``specs``: one notation, or several that all fit."""

    specs: tuple[NumberSpec, ...]
    why: str
    example: str = ""  #: a cell that the notations read differently

    @property
    def spec(self) -> NumberSpec:
        """The notation, or the first of those that fit."""
        return self.specs[0]

    @property
    def decided(self) -> bool:
        """Whether just one notation fits."""
        return len(self.specs) == 1


def values(cells: Cells, spec: NumberSpec) -> list[Decimal | None]:
    """Return the numbers of a column; None for an empty cell."""
    return [
        None if c is None or c.strip() in spec.empty else parse_number(c, spec, DIGITS)
        for c in cells
    ]


def numbers(cells: Cells) -> Numbers | None:
    """Return in which notations a column is all numbers; None when it is not."""
    filled = list(dict.fromkeys(c for c in cells if c is not None and c.strip()))
    empty = tuple(n for n in _NONE if n in filled)
    filled = [c for c in filled if c not in empty]
    if not filled or not all(re.search(r"\d", c) for c in filled[:200]):
        return None
    flags = _flags(filled, empty)
    fits: list[NumberSpec] = []
    for decimal, thousands in _NOTATIONS:
        try:
            spec = NumberSpec(decimal=decimal, thousands=thousands, **flags)  # type: ignore[arg-type]
        except ValueError:
            continue
        if all(parse_number(c, spec, DIGITS) is not None for c in filled):
            fits.append(spec)
    if not fits:
        return None
    return _told_apart(filled, fits)


def _flags(filled: Sequence[str], empty: tuple[str, ...]) -> dict[str, object]:
    before = [
        n
        for n in _MONEY
        if any(re.match(rf"[-+(]?{re.escape(n)} ?[-+(]?\d", c.strip()) for c in filled)
    ]
    if {"Rp.", "Rp"} <= set(before) and not any(
        re.match(r"[-+(]?Rp ?[-+(]?\d", c.strip()) for c in filled
    ):
        before.remove("Rp")
    after = [
        n
        for n in (",-", ".-", *_MONEY)
        if any(re.search(rf"\d ?{re.escape(n)}\)?$", c.strip()) for c in filled)
    ]
    found: dict[str, object] = {
        "currency_text": tuple(before),
        "currency_after": tuple(after),
        "empty": empty,
        "parentheses": any(c.strip().endswith(")") for c in filled),
        "minus_behind": any(re.search(r"\d-$", c.strip()) for c in filled),
        "trim": any(c != c.strip(" ") for c in filled),
        "plus": any(c.strip().startswith("+") for c in filled),
        "bare_fraction": any(re.match(r"[-+(]*[.,]\d", c.strip()) for c in filled),
    }
    return {n: v for n, v in found.items() if v}


def _told_apart(filled: Sequence[str], fits: list[NumberSpec]) -> Numbers:
    """Keep of the notations that fit those that differ; 1.000 leaves two readings."""
    body = [re.sub(r"[^\d.,' ]", "", c).strip(" ") for c in filled]
    marked = [b for b in body if re.search(r"[.,' ]", b)]
    if not marked:
        plain = next(s for s in fits if s.decimal == "." and not s.thousands)
        return Numbers((plain,), "whole numbers without any mark")
    read: dict[tuple[Decimal | None, ...], NumberSpec] = {}
    for spec in fits:
        read.setdefault(tuple(parse_number(c, spec, DIGITS) for c in filled), spec)
    kept = tuple(read.values())
    if len(kept) == 1:
        # The notation with the fewest liberties that the cells need.
        spec = next(
            s
            for s in sorted(fits, key=lambda s: bool(s.thousands))
            if not s.thousands or any(s.thousands in b for b in body)
        )
        proof = next((b for b in marked if _FRACTION.search(b)), marked[0])
        return Numbers((spec,), f"as in {proof}")
    differ = next(
        (c for c in filled if len({parse_number(c, s, DIGITS) for s in kept}) > 1), filled[0]
    )
    return Numbers(kept, "several notations fit", differ)


@dataclass(frozen=True)
class Times:
    """A column of times. ``forms``: one, or several that all fit and read it otherwise."""

    forms: tuple[str, ...]
    why: str
    months: str = "en"
    pattern: str | None = None  #: of a sign that stands before each, as a spreadsheet's apostrophe
    misfits: tuple[str, ...] = ()  #: cells that are no times

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
    why = f"{len(filled):,} different values, all in this form"
    if len(kept) == 1 and re.match(r"%-?d.%-?m|%-?m.%-?d", kept[0]):
        place = 0 if kept[0].lstrip("%-").startswith("d") else 1
        proof = next((c for c in filled if _part(c, place) > 12), None)
        word = "first" if place == 0 else "second"
        why = f"the day stands {word}: {proof}" if proof else why
    return Times(kept, why, months, pattern, misfits)


def _part(cell: str, at: int) -> int:
    found = re.findall(r"\d+", cell)
    return int(found[at]) if len(found) > at else 0
