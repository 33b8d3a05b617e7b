"""Titles are no records: a line above the records that reads as one refuses the file.

``skip_lines`` and ``header_within`` say where titles end. A file that lacks a line, or has its header in the
middle, would have a record taken for a title, and its money would be lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.schema import MONEY_FIELDS, TIME_FIELDS
from finops_ledger.intake.forms import pattern
from finops_ledger.intake.source import Note, Source
from finops_ledger.intake.spec import Format


def check_titles(source: Source, fmt: Format) -> None:
    """Refuse a file in which a line that is no record, and is not declared to be none, reads as a record."""
    file = fmt.file
    if file.lines is not None or not source.columns:
        return
    swallowed = [
        note
        for note in source.notes
        if not any(re.search(p, note.text) for p in (*file.footer, *file.notes))
        and _reads_as_record(note, source.columns, fmt)
    ]
    refuse_records(swallowed, source.name)


def refuse_records(titles: Sequence[Note], name: str) -> None:
    """Refuse a file if there are titles that are records."""
    problems = [
        Problem(
            "title-record", "the line stands among the titles and reads as a record", name, note.line,
            None, note.text[:200], "titles alone above the records; see skip_lines and header_within",
        )
        for note in titles[:1000]
    ]  # fmt: skip
    if problems:
        raise InputRefused(name, problems, len(titles))


def _reads_as_record(note: Note, columns: dict[str, int], fmt: Format) -> bool:
    """Say whether a line has times and money of the declared form where records have theirs."""

    def cells(fields: frozenset[str] | tuple[str, ...]) -> list[tuple[str, str]]:
        found = []
        for name in fields:
            for column in fmt.fields[name].columns() if name in fmt.fields else ():
                at = columns.get(column, len(note.cells))
                if at < len(note.cells) and note.cells[at].strip():
                    found.append((name, note.cells[at].strip()))
        return found

    times = cells(tuple(TIME_FIELDS))
    money = cells(tuple(MONEY_FIELDS))
    if not any(re.search(r"\d", cell) for _, cell in money):
        return False
    if not any(n in fmt.fields for n in TIME_FIELDS):
        return len([c for c in note.cells if c.strip()]) >= len(fmt.file.header)
    return bool(times) and all(_is_time(name, cell, fmt) for name, cell in times)


def _is_time(name: str, cell: str, fmt: Format) -> bool:
    spec = fmt.fields[name]
    if spec.pattern is not None:
        if (found := re.fullmatch(spec.pattern, cell)) is None:
            return False
        cell = next((g for g in found.groups() if g is not None), cell)
    known = spec.format or fmt.times.format
    return any(re.fullmatch(pattern(f, fmt.times.months), cell) for f in known)
