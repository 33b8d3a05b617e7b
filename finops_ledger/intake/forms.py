"""The forms in which times are written: what their letters mean, and which cannot stand together.

A form is a text of strptime's letters (``%d/%m/%Y %H:%M``), or one of :data:`SERIALS`. Two forms of
one column may not read one text in two ways; that is proven here, not hoped for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Final

#: Serial numbers of spreadsheets: days since an epoch. With ``-date`` whole days, no time of day.
SERIALS: Final = ("excel", "excel-1904", "excel-date", "excel-1904-date")

_ID: Final = (
    ("januari", "jan"), ("februari", "pebruari", "feb", "peb"), ("maret", "mar"), ("april", "apr"),
    ("mei",), ("juni", "jun"), ("juli", "jul"), ("agustus", "agu", "agt", "ags"),
    ("september", "sep", "sept"), ("oktober", "okt"), ("november", "nopember", "nov", "nop"),
    ("desember", "des"),
)  # fmt: skip
_EN: Final = (
    ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"), ("may",),
    ("june", "jun"), ("july", "jul"), ("august", "aug"), ("september", "sep", "sept"),
    ("october", "oct"), ("november", "nov"), ("december", "dec"),
)  # fmt: skip
_MONTHS: Final = {"en": (_EN,), "id": (_ID,), "en+id": (_EN, _ID)}
#: Names that are whole and short at once, and whole ones of no more than four letters.
_BOTH: Final = frozenset({"mei", "may"})
_LONG: Final = frozenset({"juni", "juli", "june", "july"})

_DIGIT, _LETTER = frozenset("0123456789"), frozenset("abcdefghijklmnopqrstuvwxyz")
_Atom = tuple[frozenset[str], str, bool]  # characters, what they tell, may be left out


def _set(letters: str) -> frozenset[str]:
    return frozenset(letters)


#: Letter -> (expression, what it tells, its characters from left, how many of them must stand).
_TOKENS: Final[dict[str, tuple[str, str, tuple[frozenset[str], ...], int]]] = {
    "%Y": (r"(?:199\d|20\d\d)", "Y", (_set("12"), _set("09"), _DIGIT, _DIGIT), 4),
    "%y": (r"\d\d", "y", (_DIGIT,) * 2, 2),
    "%m": (r"\d\d", "m", (_set("01"), _DIGIT), 2),
    "%-m": (r"\d{1,2}", "m", (_DIGIT,) * 2, 1),
    "%d": (r"\d\d", "d", (_set("0123"), _DIGIT), 2),
    "%-d": (r"\d{1,2}", "d", (_DIGIT,) * 2, 1),
    "%H": (r"\d\d", "H", (_set("012"), _DIGIT), 2),
    "%-H": (r"\d{1,2}", "H", (_DIGIT,) * 2, 1),
    "%I": (r"(?:0[1-9]|1[0-2])", "I", (_set("01"), _DIGIT), 2),
    "%-I": (r"(?:0?[1-9]|1[0-2])", "I", (_DIGIT,) * 2, 1),
    "%M": (r"\d\d", "M", (_set("012345"), _DIGIT), 2),
    "%S": (r"\d\d", "S", (_set("012345"), _DIGIT), 2),
    "%f": (r"\d{1,6}", "f", (_DIGIT,) * 6, 1),
    "%p": (r"[AaPp][Mm]", "p", (_set("ap"), _set("m")), 2),
    "%j": (r"[0-3]\d\d", "j", (_set("0123"), _DIGIT, _DIGIT), 3),
    "%b": ("", "b", (_LETTER,) * 4, 3),
    "%B": ("", "b", (_LETTER,) * 9, 3),
    "%z": (
        r"(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)", "z",
        (_set("z+-"), _DIGIT, _DIGIT, _set(":"), _DIGIT, _DIGIT), 1,
    ),
    "%Z": (r"[A-Za-z]{2,5}", "Z", (_LETTER,) * 5, 2),
    "%s": (r"\d{9,10}", "s", (_DIGIT,) * 10, 9),
    "%Q": (r"\d{12,13}", "Q", (_DIGIT,) * 13, 12),
    "%%": ("%", "", (_set("%"),), 1),
}  # fmt: skip


@cache
def parts(form: str) -> tuple[str, ...]:
    """Cut a form into letters and the text between them; ValueError for a letter nobody knows."""
    found, at = [], 0
    for token in re.finditer(r"%-?[A-Za-z%]", form):
        if token.group() not in _TOKENS:
            raise ValueError(f"{token.group()!r} in {form!r}: choose from {' '.join(_TOKENS)}")
        found += [form[at : token.start()], token.group()]
        at = token.end()
    return tuple(p for p in [*found, form[at:]] if p)


def is_token(part: str) -> bool:
    """Say whether a part of a form is a letter."""
    return part in _TOKENS


def told(form: str) -> list[str]:
    """Return what the letters of a form tell: ``Y``, ``m``, ``d``, ``H`` …, in its order."""
    if form in SERIALS:
        return [form]
    return [_TOKENS[p][1] for p in parts(form) if is_token(p) and p != "%%"]


def month_names(months: str) -> dict[str, int]:
    """Return every name of a month in small letters, whole and short, with its number."""
    return {
        name: number
        for names in _MONTHS[months]
        for number, all_names in enumerate(names, 1)
        for name in all_names
    }


def token_pattern(token: str, months: str) -> str:
    """Return the expression of one letter."""
    if token not in {"%b", "%B"}:
        return _TOKENS[token][0]
    whole = token == "%B"
    names = [n for n in month_names(months) if n in _BOTH or (len(n) > 4 or n in _LONG) == whole]
    return "(?i:" + "|".join(sorted(names, key=len, reverse=True)) + ")"


def pattern(form: str, months: str = "en") -> str:
    """Return the expression of a time written as ``form``."""
    if form in SERIALS:
        return r"\d{5}" if form.endswith("-date") else r"\d{5}(?:\.\d{1,15})?"
    return "".join(token_pattern(p, months) if is_token(p) else re.escape(p) for p in parts(form))


def is_date_only(form: str) -> bool:
    """Say whether a form has no time of day: such a date is read in the books' zone."""
    if form in SERIALS:
        return form.endswith("-date")
    return not {"H", "I", "s", "Q"} & set(told(form))


def is_zoned(form: str) -> bool:
    """Say whether a time in this form carries its own offset."""
    return bool({"z", "s", "Q"} & set(told(form)))


def has_year(form: str) -> bool:
    """Say whether a form tells the year."""
    return bool({"Y", "y", "s", "Q", *SERIALS} & set(told(form)))


def fault(form: str) -> str | None:
    """Return what is wrong with one form by itself, or None."""
    told_ = told(form)
    letters = set(told_)
    if form in SERIALS:
        return None
    if double := sorted({n for n in told_ if told_.count(n) > 1}):
        return f"{form!r} tells {', '.join(double)} twice"
    if letters & {"s", "Q"}:
        return None if len(parts(form)) == 1 else f"{form!r}: %s and %Q stand alone"
    if {"Y", "y"} <= letters:
        return f"{form!r} tells the year twice"
    days = [{"d", "m"} <= letters, {"d", "b"} <= letters, "j" in letters]
    if sum(days) != 1 or ("j" in letters and letters & {"d", "m", "b"}):
        return f"{form!r} does not tell the day: %d with one of %m %b %B, or %j"
    if "j" in letters and not has_year(form):
        return f"{form!r}: %j needs a year"
    if ("I" in letters) != ("p" in letters) or {"I", "H"} <= letters:
        return f"{form!r}: %I and %p go together, or %H alone"
    if letters & {"M", "S", "f", "z", "Z"} and not letters & {"H", "I"}:
        return f"{form!r} has minutes or a zone, and no hour"
    if {"z", "Z"} <= letters:
        return f"{form!r} has two zones"
    if any(a.startswith("%-") and _DIGIT & _first(b) for a, b in pairwise(parts(form))):
        return f"{form!r}: after a letter with - the next may not be a digit"
    if overlap(form, form):
        return f"one text can be read in two ways as {form!r}"
    return None


def _first(part: str) -> frozenset[str]:
    return _TOKENS[part][2][0] if is_token(part) else frozenset(part[0])


def clash(forms: Iterable[str]) -> str | None:
    """Return what is wrong with forms of one column, or None.

    Two forms clash when some text is a time in both and not the same one, as ``03/04/2026`` is in
    ``%d/%m/%Y`` and ``%m/%d/%Y``.
    """
    known = list(forms)
    for form in known:
        if found := fault(form):
            return found
    for at, one in enumerate(known):
        for two in known[at + 1 :]:
            if overlap(one, two):
                return f"{one!r} and {two!r} can read one text in two ways: keep one of them"
    return None


def _atoms(form: str) -> list[list[_Atom]]:
    """Return the characters that a form may have, one list a variant."""
    if form in SERIALS:
        whole: list[_Atom] = [(_DIGIT, form, False)] * 5
        part: list[_Atom] = [(_set("."), form, False), (_DIGIT, form, False)]
        more: list[_Atom] = [(_DIGIT, form, True)] * 14
        return [whole] if form.endswith("-date") else [whole, whole + part + more]
    atoms: list[_Atom] = []
    for piece in parts(form):
        if is_token(piece):
            _, label, sets, must = _TOKENS[piece]
            atoms += [(s, label, at >= must) for at, s in enumerate(sets)]
        else:
            atoms += [(frozenset(c.lower()), "", False) for c in piece]
    return [atoms]


@cache
def overlap(one: str, two: str) -> bool:
    """Say whether a text can be read by both forms with a character meaning two things.

    Both forms are walked together, character by character. Ranges (no 13th month) are not looked at:
    where they would part the two, the forms are refused all the same.
    """
    return any(_walk(left, right) for left in _atoms(one) for right in _atoms(two))


def _walk(left: list[_Atom], right: list[_Atom]) -> bool:
    waiting, seen = [(0, 0, False)], set[tuple[int, int, bool]]()
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j, differs = state
        if i == len(left) and j == len(right):
            if differs:
                return True
            continue
        if i < len(left) and left[i][2]:
            waiting.append((i + 1, j, differs))
        if j < len(right) and right[j][2]:
            waiting.append((i, j + 1, differs))
        if i < len(left) and j < len(right) and left[i][0] & right[j][0]:
            waiting.append((i + 1, j + 1, differs or left[i][1] != right[j][1]))
    return False
