"""JSON: one document parsed, and the columns of a format taken from its records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NoReturn

from finops_ledger.core.errors import Problem
from finops_ledger.intake import raw
from finops_ledger.intake.paths import (
    MISSING,
    JsonPath,
    Wrong,
    follow,
    json_column,
    json_records,
    leaves,
)
from finops_ledger.intake.readers.gather import Gather, printable, unfit
from finops_ledger.intake.spec_file import FileSpec

_TEXTS: Final = {str, type(None)}


class _KeyTwice(ValueError):
    """One object holds a key twice: which value counts is anybody's guess."""


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        seen = set[str]()
        for key, _ in items:
            if key in seen:
                raise _KeyTwice(key)
            seen.add(key)
    return found


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number that JSON knows")


_DECODER: Final = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_constant, object_pairs_hook=_pairs
)


def parse(text: str, name: str, place: int | None = None) -> Any:
    """Parse one document; numbers come as the text that stands there.

    Args:
        text: the document.
        name: the file's name.
        place: the line it stands in; none: the document is the file, and its own lines are told.

    Raises:
        InputRefused: no JSON, a key twice in one object, nested too deep.
    """
    shown = text.strip()[:200]
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line = error.lineno if place is None else place
        if error.msg == "Extra data":
            raise raw.refuse(
                name, "json-several", "more than one document", line,
                value=text[error.pos : error.pos + 200],
                expected='one document; kind = "jsonl" reads one a line',
            ) from error  # fmt: skip
        raise raw.refuse(
            name, "json-syntax", f"no JSON: {error.msg}, at character {error.colno}", line,
            value=text[max(error.pos - 40, 0) : error.pos + 40], expected="a whole document",
        ) from error  # fmt: skip
    except _KeyTwice as error:
        raise raw.refuse(
            name, "header-duplicate", "one object holds this field twice", place,
            column=printable(str(error))[:200],
        ) from error  # fmt: skip
    except ValueError as error:
        raise raw.refuse(name, "json-syntax", str(error), place, value=shown) from error
    except (RecursionError, MemoryError) as error:
        raise raw.refuse(
            name, "too-deep", "objects within objects without end", place, value=shown
        ) from error


def word(value: Any) -> Any:
    """Return a value as text where it is a scalar."""
    return value if not isinstance(value, bool) else ("true" if value else "false")


class Columns:
    """The columns of a format, taken from many records at once."""

    def __init__(self, file: FileSpec, gather: Gather) -> None:
        self.gather = gather
        self.records = json_records(file.records)
        self.paths = [json_column(name) for name in gather.columns]
        self.getters = [self._getter(paths) for paths in self.paths]

    @staticmethod
    def _getter(paths: tuple[JsonPath, ...]) -> Callable[[list[Any]], list[Any]]:
        [first, *others] = paths
        if not others and first.up == 0 and len(first.steps) == 1 and first.keys:
            key = first.keys[0]
            return lambda met: [record.get(key, MISSING) for record, _, _ in met]

        def one(record: Any, around: tuple[Any, ...], document: Any) -> Any:
            empty: Any = MISSING
            for path in paths:
                base = document if path.up < 0 else around[-path.up] if path.up else record
                value = follow(base, path.steps)
                if value is MISSING:
                    continue
                if value is None or value == "":
                    empty = None
                else:
                    return value
            return empty

        return lambda met: [one(*item) for item in met]

    def write(self, places: list[int], met: list[Any], careful: bool) -> None:
        """Write one batch. ``careful``: the text has escapes, which may stand for anything."""
        faults: dict[int, Problem] = {}
        columns = []
        for at, get in enumerate(self.getters):
            cells = get(met)
            if careful or not set(map(type, cells)) <= _TEXTS:
                cells = self._tidy(at, cells, places, faults)
            columns.append(cells)
        self.gather.write(places, columns, faults)

    def _tidy(
        self, at: int, cells: list[Any], places: list[int], faults: dict[int, Problem]
    ) -> list[str | None]:
        tidied: list[str | None] = []
        required = at in self.gather.required
        for i, cell in enumerate(cells):
            value, problem = word(cell), None
            if value is MISSING:
                value = None
                if required:
                    problem = self.gather.missing(at, places[i])
            elif isinstance(value, str):
                if code := unfit(value):
                    problem = self.gather.problem(
                        code, "NUL, or half of a character", places[i],
                        column=self.gather.columns[at], value=printable(value)[:200],
                    )  # fmt: skip
            elif value is not None:
                problem = self._nested(value, at, places[i])
            if problem is not None:
                faults.setdefault(i, problem)
                value = None
            tidied.append(value)
        return tidied

    def _nested(self, value: Any, at: int, place: int) -> Problem:
        found = value.found if isinstance(value, Wrong) else value
        if isinstance(value, Wrong):
            message, expected = "the path does not lead on from here", self.gather.columns[at]
        else:
            message, expected = "an object or a list", "one value"
        shown = printable(json.dumps(found, ensure_ascii=False)) if _shallow(found) else "…"
        return self.gather.problem(
            "field-shape", message, place, column=self.gather.columns[at], value=shown[:200],
            expected=expected,
        )  # fmt: skip


def _shallow(value: Any) -> bool:
    """Say whether a value can be shown without walking into its depth."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not any(isinstance(v, (dict, list)) and v for v in items)


class Known:
    """Which fields of a document are declared; the others are counted."""

    def __init__(self, file: FileSpec, columns: Columns, gather: Gather) -> None:
        self.gather = gather
        inside = set[tuple[str | None, ...]]()
        outside = {records.keys for records in columns.records}  # a scalar there is a broken record
        for path in (path for paths in columns.paths for path in paths):
            if path.up == 0:
                inside.add(path.keys)
            else:
                for way in (records.keys for records in columns.records):
                    start = () if path.up < 0 else way[: len(way) - path.up]
                    outside.add((*start, *path.keys))
        for text in (*file.figures.values(), *file.must_be_empty, *file.envelope):
            outside |= {path.keys for path in json_column(text)}
        self.inside, self.outside = inside, outside
        self.flat = {keys[0] for keys in inside if len(keys) == 1}
        self._memo: dict[tuple[str, ...], bool] = {}

    def look(self, document: Any, met: list[Any], place: int) -> None:
        """Count the fields of one document that no column names; ``place`` is of its first record."""
        stop = {id(record) for record, _, _ in met}
        for keys in leaves(document, stop):
            if not self._outside(keys):
                self.gather.extra("$." + ".".join(keys), place)

    def look_inside(self, record: dict[str, Any], place: int) -> None:
        """Count the fields of one record that no column names."""
        if record.keys() <= self.flat:
            return
        for keys in leaves(record, set()):
            if keys not in self.inside:
                self.gather.extra(".".join(keys), place)

    def _outside(self, keys: tuple[str, ...]) -> bool:
        known = self._memo.get(keys)
        if known is None:
            known = self._memo[keys] = any(
                len(path) == len(keys)
                and all(p is None or p == k for p, k in zip(path, keys, strict=True))
                for path in self.outside
            )
        return known


def envelope_faults(document: Any, file: FileSpec, name: str, place: int | None) -> list[Problem]:
    """Return what a document says against itself: an error code, a page that is not the last."""
    problems = []
    for text, wanted in file.envelope.items():
        value = value_at(document, text)
        if value not in wanted:
            shown = value if isinstance(value, str) else "" if value is None else "…"
            problems.append(Problem(
                "envelope-wrong", "the answer is not what was asked for", name, place, text,
                printable(shown)[:200], " or ".join(wanted),
            ))  # fmt: skip
    for text in file.must_be_empty:
        value = value_at(document, text)
        if value not in (None, "", "false", [], {}):
            shown = printable(value) if isinstance(value, str) else "…"
            problems.append(Problem(
                "file-short", "there is more than this file holds", name, place, text, shown[:200],
                "nothing: the last page, or all pages in one",
            ))  # fmt: skip
    return problems


def value_at(document: Any, text: str) -> Any:
    """Return what stands at a path of the document; None where nothing does."""
    for path in json_column(text):
        value = word(follow(document, path.steps))
        if isinstance(value, Wrong):
            return value.found
        if value is not MISSING:
            return value
    return None
