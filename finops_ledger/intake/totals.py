"""Figures that a file states about itself, checked against what was read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from finops_ledger.core.errors import Problem
from finops_ledger.core.money import minor_units, plain
from finops_ledger.intake import accounts
from finops_ledger.intake.cells import expected_number, parse_number
from finops_ledger.intake.model import SourceInfo
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format, Total


@dataclass(frozen=True, slots=True)
class Stated:
    """One figure found in the file, with the line it stands in."""

    total: Total
    value: Decimal
    text: str
    currency: str | None = None  #: it counts the rows of this currency only


def find_totals(
    source: Source, fmt: Format, info: SourceInfo
) -> tuple[list[Stated], list[Problem]]:
    """Find the declared figures in title and footer lines.

    Returns:
        The figures, and a problem for each that is missing (the file came short) or unreadable.
    """
    found: list[Stated] = []
    problems: list[Problem] = []
    for total in fmt.totals:
        place = _find(total, source, info)
        if place is None:
            if total.required:
                told = f"a line that matches {total.row}" if total.row else f"its {total.figure}"
                problems.append(
                    Problem(
                        "file-short",
                        f"nothing states {total.name}: the file came short",
                        source.name,
                        expected=told,
                    )
                )
            continue
        line, cells = place
        cell = " + ".join(cells)
        if total.equals == "currency":
            if cell != info.currency:
                problems.append(
                    Problem(
                        "currency-other",
                        "not the currency of the books",
                        source.name,
                        None,
                        line,
                        cell,
                        info.currency,
                    )
                )
            continue
        digits = 0 if total.equals == "rows" else minor_units(info.currency)
        spec = fmt.numbers_of_total(total)
        if total.equals == "rows":
            spec = spec.model_copy(update={"minor_units": False})
        if total.all:
            cells = [c for _, found_ in _places(total, source, info) for c in found_]
        values = [parse_number(c, spec, digits) for c in cells]
        known = [v for v in values if v is not None]
        if len(known) < len(values):
            problems.append(
                Problem(
                    "cell-number",
                    f"cannot read the {total.name} of the file",
                    source.name,
                    None,
                    line,
                    cell,
                    expected_number(spec, digits),
                )
            )
        else:
            own = None if total.currency is None else info.currency
            found.append(Stated(total, sum(known, Decimal(0)), line, own))
    return found, problems


def _find(total: Total, source: Source, info: SourceInfo) -> tuple[str, list[str]] | None:
    """Return the line in which a figure stands, and its text, or the texts that add up to it."""
    if total.figure is not None:
        stated = accounts.figures(source, info)
        value = stated.get(total.figure)
        return None if value is None else (total.figure, [value])
    return next(iter(_places(total, source, info)), None)


def _places(total: Total, source: Source, info: SourceInfo) -> list[tuple[str, list[str]]]:
    """Return every line that states a figure, and its text there."""
    assert total.row is not None
    places = []
    for note in source.notes:
        cells = dict(enumerate(note.cells))
        if not re.search(total.row, note.text):
            continue
        if total.currency is not None and cells.get(total.currency) != info.currency:
            continue
        texts = [cells.get(at, "") for at in total.cell] or [note.text]
        if total.pattern is not None:
            found = (re.search(total.pattern, text) for text in texts)
            texts = [(f[1] or "") if f else "" for f in found]
        places.append((note.text, texts))
    return places


def compare(stated: Stated, read: Decimal, file: str) -> Problem | None:
    """Compare a stated figure with the one read."""
    if stated.value == read:
        return None
    name, said = stated.total.name, plain(stated.value)
    if stated.total.equals == "rows":
        word = "came short" if read < stated.value else "has more than it says"
        message = f"the file {word}: it says {said} rows, and has {plain(read)}"
        return Problem("total-wrong", message, file, None, name, said)
    message = f"the file states {name} {said}, its rows give {plain(read)}"
    return Problem("total-wrong", message, file, None, name, said, plain(read))


def balances(
    opening: Decimal | None, closing: Decimal | None, moved: Decimal, file: str
) -> list[Problem]:
    """Check opening + movements = closing, when the file states both."""
    if opening is None or closing is None or opening + moved == closing:
        return []
    message = (
        f"opening {plain(opening)} and movements {plain(moved)} give {plain(opening + moved)}, "
        f"the file states closing {plain(closing)}"
    )
    return [
        Problem(
            "total-wrong", message, file, None, "closing", plain(closing), plain(opening + moved)
        )
    ]
