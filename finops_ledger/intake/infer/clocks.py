"""Times of day in a column of their own, beside a column of dates: the two are one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from finops_ledger.intake import forms
from finops_ledger.intake.infer import words
from finops_ledger.intake.infer.look import Look
from finops_ledger.intake.infer.values import Times

_CLOCKS: Final = (
    "%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%-H:%M:%S", "%-H:%M", "%I:%M:%S %p", "%I:%M %p",
    "%-I:%M:%S %p", "%-I:%M %p",
)  # fmt: skip
#: Forms that a number may have as well: only the name of the column tells them.
_NAMED: Final = ("%H.%M.%S", "%H.%M", "%H%M%S", "%H%M")


def clocks_of(look: Look) -> dict[str, str]:
    """Return the columns whose every filled cell is a time of day, and the form of each."""
    found = {}
    for at, name in enumerate(look.columns):
        filled = {c for c in look.column(at) if c is not None and c.strip()}
        known = (*_CLOCKS, *(_NAMED if words.is_one(name, words.CLOCK) else ()))
        for form in known if filled else ():
            wanted = re.compile(forms.pattern(form), re.ASCII)
            if all(wanted.fullmatch(c) for c in filled):
                found[name] = form
                break
    return found


def joined(look: Look, times: Mapping[str, Times], clocks: Mapping[str, str]) -> dict[str, Times]:
    """Return the columns of times, dates alone joined with the time of day that stands beside them.

    A time of day belongs to the nearest column of dates before it, else to the nearest one behind it.
    """
    found = dict(times)
    for clock, form in clocks.items():
        at = look.columns.index(clock)
        dates = [n for n, t in found.items() if not t.clock and all(map(_is_date, t.forms))]
        if not dates:
            continue
        places = {n: look.columns.index(n) for n in dates}
        near = min(dates, key=lambda n: (places[n] > at, abs(places[n] - at)))
        known = found[near]
        both = tuple(f for f in (f"{d} {form}" for d in known.forms) if forms.fault(f) is None)
        cells = [c for c in look.column(at) if c is not None]
        if not both:
            continue
        why = f"a date in {near!r}, a time of day in {clock!r}, as {cells[0]}"
        if "different value" not in known.why:
            why = f"{known.why}; {why}"
        lone = sum(
            d is not None and c is None
            for d, c in zip(look.column(places[near]), look.column(at), strict=True)
        )
        found[near] = replace(known, forms=both, why=why, clock=clock, lone=lone)
    return found


def _is_date(form: str) -> bool:
    return forms.is_date_only(form) and not form.startswith("excel")
