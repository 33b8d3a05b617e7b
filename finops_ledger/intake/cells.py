"""SQL for single cells: text tested by pattern before it is cast, and never the other way round.

DuckDB's ``try_cast`` rounds ``12.34567`` and takes ``1e3``, ``1_000`` and `` 5 ``. So each cell
must first match a pattern that leaves one reading only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from finops_ledger.core.schema import MONEY_SQL
from finops_ledger.intake.conditions import Condition
from finops_ledger.intake.spec_fields import NumberSpec
from finops_ledger.intake.times import text


def texts(values: Iterable[str]) -> str:
    """Quote texts as an SQL list: ``('a', 'b')``."""
    return "(" + ", ".join(text(v) for v in values) + ")"


def number_pattern(spec: NumberSpec, digits: int) -> str:
    """Return the pattern of a number with at most ``digits`` decimals that are not zero.

    At most 14 digits before the mark (zeros may stand before them) and 4 behind. Exactly three
    digits behind the mark are refused where three are not the currency's own: ``1.000`` is one
    thousand to half of the world.
    """
    mark, group = re.escape(spec.decimal), re.escape(spec.thousands)
    whole = r"0{0,16}\d{1,14}"
    if spec.thousands:
        whole = rf"\d{{1,3}}(?:{group}\d{{3}}){{1,3}}|\d{{1,2}}(?:{group}\d{{3}}){{4}}|{whole}"
    fraction = {
        0: rf"(?:{mark}0{{1,2}}|{mark}0{{4}})?",
        2: rf"(?:{mark}\d{{1,2}}|{mark}\d{{2}}00)?",
        3: rf"(?:{mark}\d{{1,3}}|{mark}\d{{3}}0)?",
        4: rf"(?:{mark}\d{{1,2}}|{mark}\d{{4}})?",
    }[digits]
    if spec.minor_units is not False:
        fraction = ""
    body = f"(?:{whole}){fraction}"
    if spec.bare_fraction and fraction:
        body = f"(?:{body}|{fraction.removesuffix('?')})"
    if spec.currency_after:
        body += f"(?: ?(?:{_either(spec.currency_after)}))?"
    sign = "[+-]?" if spec.plus else "-?"
    before, money = sign, ""
    if spec.currency_text:
        names = _either(spec.currency_text)
        money = f"(?:(?:{names}) ?)?"
        before = rf"(?:{sign}(?:{names}) ?|(?:{names}) ?{sign}|{sign})"
    forms = [f"{before}{body}"]
    if spec.minus_behind:
        forms.append(f"{money}{body}{'[+-]' if spec.plus else '-'}")
    if spec.parentheses:
        forms += [rf"\({money}{body}\)"]
        forms += [rf"(?:{_either(spec.currency_text)}) ?\({body}\)"] if money else []
    blanks = " *" if spec.trim else ""
    return f"{blanks}{forms[0] if len(forms) == 1 else '(?:' + '|'.join(forms) + ')'}{blanks}"


def _either(names: Iterable[str]) -> str:
    return "|".join(re.escape(t) for t in sorted(names, key=len, reverse=True))


def _beside(spec: NumberSpec) -> list[str]:
    """Return what is taken off a number that fits the pattern, in this order."""
    names = sorted({*spec.currency_text, *spec.currency_after}, key=len, reverse=True)
    blank = [" "] if spec.trim or names else []
    return [*names, *blank, *([spec.thousands] if spec.thousands else [])]


def _turns(spec: NumberSpec) -> bool:
    """Say whether a minus may stand elsewhere than in front."""
    return spec.parentheses or spec.minus_behind


def number(cell: str, spec: NumberSpec, digits: int) -> str:
    """Return SQL of the amount in ``cell``; NULL when the cell is empty or not such a number."""
    value = cell
    for name in _beside(spec):
        value = f"replace({value}, {text(name)}, '')"
    if spec.decimal != ".":
        value = f"replace({value}, {text(spec.decimal)}, '.')"
    if _turns(spec):
        minus = f"CASE WHEN regexp_matches({value}, '[(-]') THEN '-' ELSE '' END"
        value = f"{minus} || translate({value}, '()+-', '')"
    cast = f"try_cast({value} AS {MONEY_SQL})"
    shift = shifted(spec, digits)
    if shift:
        whole = f"try_cast({value} AS DECIMAL(18, 0))"
        small = f"CAST('0.{'0' * (shift - 1)}1' AS DECIMAL({shift + 1}, {shift}))"
        cast = f"try_cast({whole} * {small} AS {MONEY_SQL})"
        if shift > digits:
            cast = f"CASE WHEN {whole} % {10 ** (shift - digits)} = 0 THEN {cast} END"
    pattern = number_pattern(spec, digits)
    return f"CASE WHEN regexp_full_match({cell}, {text(pattern)}) THEN {cast} END"


def shifted(spec: NumberSpec, digits: int) -> int:
    """Return how many digits of a whole number stand behind the mark: its minor units."""
    return (
        int(spec.minor_units)
        if not isinstance(spec.minor_units, bool)
        else (digits if spec.minor_units else 0)
    )


def parse_number(written: str, spec: NumberSpec, digits: int) -> Decimal | None:
    """Parse one number as :func:`number` does; None when it is not one."""
    if not re.fullmatch(number_pattern(spec, digits), written, re.ASCII):
        return None
    for name in _beside(spec):
        written = written.replace(name, "")
    written = written.replace(spec.decimal, ".")
    minus = any(c in written for c in "(-")
    value = Decimal(written.translate({ord(c): None for c in "()+-"})).scaleb(
        -shifted(spec, digits)
    )
    if value != round(value, max(digits, 0)) and spec.minor_units is not False:
        return None
    return -value if minus else value


def expected_number(spec: NumberSpec, digits: int) -> str:
    """Say in words what :func:`number` takes."""
    shift = shifted(spec, digits)
    if spec.minor_units is not False:
        zeros = f", the last {shift - digits} of them zeros" if shift > digits else ""
        return f"a whole number of minor units, {shift} digits behind the mark{zeros}"
    example = f"1{spec.thousands}234" + (f"{spec.decimal}{'5' * digits}" if digits else "")
    zeros = f"no fraction but zeros ({example}{spec.decimal}00)"
    limit = f"at most {digits} decimals" if digits else zeros
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
