"""How the numbers of a file are written: the notations in which every cell can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Final

from finops_ledger.intake.cells import parse_number
from finops_ledger.intake.spec_fields import NumberSpec

Cells = Sequence[str | None]
Column = list[Decimal | None]

#: Decimals that a number may have here: with three, 1.000 is both one and one thousand.
DIGITS: Final = 3
_MONEY: Final = ("Rp.", "Rp", "RP", "IDR", "USD", "US$", "S$", "$", "SGD", "EUR", "€", "MYR", "RM")
_NONE: Final = ("-", "--", "n/a", "N/A", "null", "NULL", "None")
_NOTATIONS: Final = tuple(
    (d, t) for d, t in product((".", ","), ("", ".", ",", " ", "'")) if d != t
)


@dataclass(frozen=True)
class Numbers:
    """A column that can be read as numbers. ``specs``: one notation, or several that all fit."""

    specs: tuple[NumberSpec, ...]
    example: str = ""  #: a cell that the notations read differently

    @property
    def spec(self) -> NumberSpec:
        """The notation, or the first of those that fit."""
        return self.specs[0]

    @property
    def decided(self) -> bool:
        """Whether just one notation fits."""
        return len(self.specs) == 1


def numbers(cells: Cells) -> Numbers | None:
    """Return in which notations a column is all numbers; None when it is not."""
    filled = list(dict.fromkeys(c for c in cells if c is not None and c.strip()))
    empty = tuple(n for n in _NONE if n in filled)
    filled = [c for c in filled if c not in empty]
    if not filled or not all(re.search(r"\d", c) for c in filled[:200]):
        return None
    flags = _flags(filled, empty)
    found = readings({"": filled}, _NOTATIONS, flags)
    if not found:
        return None
    specs = tuple(spec for spec, _ in found)
    differ = next((c for c in filled if len({parse_number(c, s, DIGITS) for s in specs}) > 1), "")
    return Numbers(specs, differ)


def readings(
    columns: Mapping[str, Cells], notations: Iterable[tuple[str, str]], flags: Mapping[str, object]
) -> list[tuple[NumberSpec, dict[str, Column]]]:
    """Return the notations in which all columns can be read, with their numbers.

    Of those that read every cell alike, the one with the fewest liberties stands for all: what is left
    differs in a cell at least. ``1.000`` alone leaves two.
    """
    found: list[tuple[NumberSpec, dict[str, Column]]] = []
    for decimal, thousands in sorted(notations, key=lambda p: bool(p[1])):
        try:
            spec = NumberSpec(decimal=decimal, thousands=thousands, **flags)  # type: ignore[arg-type]
        except ValueError:
            continue
        numbers_ = {n: read_column(c, spec) for n, c in columns.items()}
        whole = {n: c for n, c in numbers_.items() if c is not None}
        if len(whole) == len(columns) and all(whole != other for _, other in found):
            found.append((spec, whole))
    return found


def misfits(cells: Cells, places: Sequence[int]) -> str | None:
    """Say of a column that is numbers in no one notation which cells disagree; None when it is no numbers."""
    filled = [(p, c) for p, c in zip(places, cells, strict=False) if c is not None and c.strip()]
    like = [c for _, c in filled if re.fullmatch(r"\W*(Rp\.?|IDR|USD|\$)?[-+( ]*\d[\d.,' ]*\W*", c)]
    if (
        not filled
        or len(like) * 3 < len(filled) * 2
        or not any(re.search(r"[.,]", c) for c in like)
    ):
        return None
    best: list[tuple[int, str]] | None = None
    for decimal, thousands in _NOTATIONS:
        spec = NumberSpec(decimal=decimal, thousands=thousands, **_flags(like, ()))  # type: ignore[arg-type]
        wrong = [(p, c) for p, c in filled if parse_number(c, spec, DIGITS) is None]
        if best is None or len(wrong) < len(best):
            best, known = wrong, spec
    if not best:
        return None
    told = ", ".join(f"line {p}: {c!r}" for p, c in best[:3])
    more = f" and {len(best) - 3:,} more" if len(best) > 3 else ""
    marks = f'decimal = "{known.decimal}", thousands = "{known.thousands}"'
    return f"is not written in one way: {len(filled) - len(best):,} cells fit {marks}; not {told}{more}"


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


def proof(cells: Mapping[str, Cells], flags: Mapping[str, object]) -> str:
    """Return a number of the file that can be read in one way only."""
    specs = [NumberSpec(decimal=d, thousands=t, **flags) for d, t in _NOTATIONS]  # type: ignore[arg-type]
    marked = False
    for column in cells.values():
        for cell in dict.fromkeys(c for c in column if c is not None):
            if re.search(r"\d[.,' ]\d", cell):
                marked = True
                if len({parse_number(cell, s, DIGITS) for s in specs} - {None}) == 1:
                    return f"as in {cell.strip()}"
    return "only so can every cell be read" if marked else "no marks in any number"


def read_column(cells: Sequence[str | None], spec: NumberSpec) -> Column | None:
    """Return the numbers of a column; None when a cell is none in this notation."""
    out: Column = []
    for cell in cells:
        if cell is None or not cell.strip() or cell.strip() in spec.empty:
            out.append(None)
        elif (value := parse_number(cell, spec, DIGITS)) is not None:
            out.append(value)
        else:
            return None
    return out
