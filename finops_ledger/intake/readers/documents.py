"""JSON documents and JSON lines: records at a path, their values at paths below it.

Values are text as the file writes it: a number keeps its digits, ``true`` and ``false`` are words,
``null`` is an empty cell, and so is a field that is not there. An object or a list where a value
is wanted makes the record broken. A record of a document is told by its number, from 1; one of JSON
lines by its line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.paths import (
    MISSING,
    PathMissing,
    Wrong,
    follow,
    json_column,
    json_records,
    walk,
)
from finops_ledger.intake.readers.delimited import as_utf8
from finops_ledger.intake.readers.gather import CHUNK, Gather, printable
from finops_ledger.intake.readers.json_columns import (
    Columns,
    Known,
    envelope_faults,
    parse,
    value_at,
    word,
)
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format

#: Files up to this size are parsed to be recognised; of larger ones the start is searched.
PARSED = 8 << 20


class _Reader:
    """Takes documents, one or many, to one table."""

    def __init__(self, path: Path, fmt: Format, folder: Path) -> None:
        self.file, self.name = fmt.file, path.name
        self.gather = Gather(self.file, self.name, folder)
        self.columns = Columns(self.file, self.gather)
        refuse = self.file.extra_columns == "refuse"
        self.known = Known(self.file, self.columns, self.gather) if refuse else None
        self._places: list[int] = []
        self._met: list[Any] = []
        self._careful = False

    def take(self, document: Any, line: int | None, careful: bool, shown: str) -> None:
        """Take the records of one document; ``line`` is none where records are counted instead."""
        problems = envelope_faults(document, self.file, self.name, line)
        try:
            found = walk(document, self.columns.records)
        except PathMissing as error:
            problems.append(Problem(
                "records-missing", "the document has no records", self.name, line,
                str(error.args[0]), printable(shown)[:200],
                f"records at {self.file.records or 'the top'}",
            ))  # fmt: skip
        if problems and line is None:
            raise InputRefused(self.name, problems)
        if problems:
            self.gather.fault(problems[0])
            return
        met = [(record, around, document) for record, around in found]
        first = line if line is not None else 1
        if self.known is not None:
            self.known.look(document, met, first)
        self._careful |= careful
        for number, item in enumerate(met, 1):
            place = line if line is not None else number
            if not isinstance(item[0], dict):
                shown = printable(str(word(item[0])))[:200] if item[0] is not None else "null"
                self.gather.fault(self.gather.problem(
                    "field-shape", "a record is an object", place, value=shown
                ))  # fmt: skip
                continue
            if self.known is not None:
                self.known.look_inside(item[0], place)
            self._places.append(place)
            self._met.append(item)
            if len(self._met) >= CHUNK:
                self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        if self._met:
            self.columns.write(self._places, self._met, self._careful)
        self._places, self._met, self._careful = [], [], False

    def figures(self, document: Any) -> dict[str, str]:
        """Return the figures that one document states about itself."""
        found = {name: value_at(document, text) for name, text in self.file.figures.items()}
        return {name: value for name, value in found.items() if isinstance(value, str)}


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Parse a file and write its records to a table."""
    readable = as_utf8(path, fmt.file.encoding, folder)
    raw.scan(readable, "utf-8", 0, 0, "", path.name)
    reader = _Reader(path, fmt, folder)
    figures: dict[str, str] = {}
    try:
        whole = fmt.file.kind == "json" or _spread(readable, path.name, limits)
        if whole:
            text = _whole(readable, path.name, limits)
            document = parse(text, path.name)
            reader.take(document, None, "\\u" in text, text)
            figures = reader.figures(document)
        else:
            _take_lines(readable, reader, limits)
        reader.flush()
    finally:
        reader.gather.close()
    return reader.gather.source(figures)


def _whole(path: Path, name: str, limits: Limits) -> str:
    size = path.stat().st_size
    if size > limits.max_document_bytes:
        raise raw.refuse(
            name, "too-large", f"one document of {size} bytes",
            expected=f"at most {limits.max_document_bytes}; JSON lines may be of any size",
        )  # fmt: skip
    return path.read_bytes().decode("utf-8").removeprefix("\ufeff")


def _spread(path: Path, name: str, limits: Limits) -> bool:
    """Say whether a file of JSON lines is in truth one document written over several lines."""
    if path.stat().st_size > limits.max_document_bytes:
        return False
    for line, text in _lines(path, name, limits):
        try:
            parse(text, name, line)
        except InputRefused:
            break
        return False
    try:
        parse(_whole(path, name, limits), name)
    except InputRefused:
        return False
    return True


def _lines(path: Path, name: str, limits: Limits) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that are not blank."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(limits.max_record_bytes + 1):
            number += 1
            if len(line) > limits.max_record_bytes:
                raise raw.refuse(
                    name, "too-large", "a line without end", number,
                    value=line[:40].decode("utf-8", "replace"),
                    expected=f"at most {limits.max_record_bytes} bytes a line",
                )  # fmt: skip
            text = line.decode("utf-8")
            if number == 1:
                text = text.removeprefix("\ufeff")
            if text.strip():
                yield number, text


def _take_lines(path: Path, reader: _Reader, limits: Limits) -> None:
    for line, text in _lines(path, reader.name, limits):
        try:
            document = parse(text, reader.name, line)
        except InputRefused as error:
            reader.gather.fault(error.problems[0])
            continue
        reader.take(document, line, "\\u" in text, text)


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the first record has every declared field, in an envelope as declared.

    A document of more than 8 MiB is not parsed: the keys must stand in its first 64 KiB.
    """
    try:
        if fmt.file.kind == "json" and path.stat().st_size > PARSED:
            return _mentions(path, fmt)
        with tempfile.TemporaryDirectory(prefix="finops-") as folder:
            readable = as_utf8(path, fmt.file.encoding, Path(folder))
            document = _first(readable, fmt, path.name, limits)
        return document is not None and _fits(document, fmt)
    except (InputRefused, UnicodeDecodeError):
        return False


def _first(path: Path, fmt: Format, name: str, limits: Limits) -> Any:
    if fmt.file.kind == "jsonl":
        for line, text in _lines(path, name, limits):
            try:
                return parse(text, name, line)
            except InputRefused:
                break
        if path.stat().st_size > PARSED:
            return None
    return parse(_whole(path, name, limits), name)


def _fits(document: Any, fmt: Format) -> bool:
    file = fmt.file
    if any(value_at(document, text) not in wanted for text, wanted in file.envelope.items()):
        return False
    try:
        found = walk(document, json_records(file.records))
    except PathMissing:
        return False
    if not found:
        return bool(file.records)
    record, around = found[0]
    if not isinstance(record, dict):
        return False
    for name in file.header:
        values = [
            follow(document if p.up < 0 else around[-p.up] if p.up else record, p.steps)
            for p in json_column(name)
        ]
        if all(value is MISSING or isinstance(value, Wrong) for value in values):
            return False
    return True


def _mentions(path: Path, fmt: Format) -> bool:
    with path.open("rb") as file:
        head = file.read(1 << 16)
    start = head.decode(fmt.file.encoding, errors="ignore")
    return all(
        any(f'"{path.keys[-1]}"' in start for path in json_column(name) if path.keys)
        for name in fmt.file.header
    )
