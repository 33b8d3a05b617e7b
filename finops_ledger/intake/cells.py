"""SQL for single cells: text tested by pattern before it is cast, and never the other way round.

DuckDB's ``try_cast`` rounds ``12.34567`` and takes ``1e3``, ``1_000`` and `` 5 ``. So each cell
must first match a pattern that leaves one reading only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from finops_ledger.core.schema import MONEY_SQL
from finops_ledger.intake.conditions import Condition
from finops_ledger.intake.spec import NumberSpec
from finops_ledger.intake.times import text


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
