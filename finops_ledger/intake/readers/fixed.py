"""Text in fixed columns: reports of hosts, files of switches, the text layer of printed statements.

A column is where its characters stand (characters, not bytes). What stands nowhere that the format
names, or runs across the edge of two columns, is refused: a column that moved by one place would
else cut a figure in two without a word.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake import raw
from finops_ledger.intake.layout import check_first_line
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.delimited import as_utf8, head_text
from finops_ledger.intake.readers.grid import Broken, GridLine
from finops_ledger.intake.readers.table import TableSource, TableWriter
from finops_ledger.intake.records import physical_lines
from finops_ledger.intake.source import Note, Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.spec_file import FileSpec
from finops_ledger.intake.titles import refuse_records

_PAGE = "\f"  #: stands before the first line of a page in a text layer


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Cut the lines of a file into the declared pieces."""
    readable = as_utf8(path, fmt.file.encoding, folder)
    encoding = fmt.file.encoding if raw.is_utf8(fmt.file.encoding) else "utf-8"
    raw.scan(readable, encoding, 0, 0, "", path.name, limits.max_record_bytes)
    return _read(readable, fmt.file, path.name, folder, limits)


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the titles stand at their places; without titles, whether every line fits."""
    try:
        start = head_text(path, fmt.file.encoding)
        if "\0" in start:
            return False
        with tempfile.TemporaryDirectory(prefix="finops-") as folder:
            copy = Path(folder) / "head"
            copy.write_text(start, encoding="utf-8", errors="replace", newline="")
            found = _read(copy, fmt.file, path.name, Path(folder), limits)
            return _has_titles(fmt.file) or (found.rows > 0 and found.broken == 0)
    except (InputRefused, OSError):
        return False


def _has_titles(file: FileSpec) -> bool:
    return any(p.title is not None for p in file.pieces)


def _read(path: Path, file: FileSpec, name: str, folder: Path, limits: Limits) -> TableSource:
    span = (0, raw.text_end(path))
    lines = (
        (number, text.rstrip("\r\n").removeprefix("\ufeff").removeprefix(_PAGE).rstrip())
        for number, text in physical_lines(path, name, *span, 1, limits.max_record_bytes)
    )
    cutter = _Cutter(file, name)
    writer = TableWriter(folder / "table.parquet", len(file.columns()))
    try:
        writer.write_rows(cutter.records(lines))
    finally:
        writer.close()
    return TableSource(
        name,
        folder,
        {c: i for i, c in enumerate(file.columns())},
        len(file.columns()),
        tuple(cutter.notes),
        parquet=writer.path,
        rows=writer.rows,
        broken=cutter.broken.count,
        problems=tuple(cutter.broken.problems),
    )


@dataclass
class _Cutter:
    """The lines of one file: titles, header, records with what continues them, notes."""

    file: FileSpec
    name: str
    notes: list[Note] = field(default_factory=list)
    broken: Broken = field(default_factory=Broken)

    def records(self, lines: Iterator[tuple[int, str]]) -> Iterator[GridLine]:
        """Yield each record when it is whole: when the next one begins, or the file ends."""
        lines = self._checked(lines)
        self._head(lines)
        file = self.file
        places = {c: i for i, c in enumerate(file.columns())}
        current: tuple[int, list[str]] | None = None
        lost = False  #: the record before was broken, and what continues it is part of that
        for number, text in lines:
            if not text.strip() or (file.repeated_header and self._is_header(text)):
                continue
            if any(re.search(p, text) for p in file.notes):
                self._note(number, text)
                continue
            if (more := self._continuation(text)) is not None:
                if current is None and lost:
                    continue
                if current is None:
                    self._break(
                        Problem(
                            "line-unknown",
                            "goes on with a record, and none is before it",
                            self.name,
                            number,
                        ),
                        text,
                    )
                    continue
                at = places[more[0]]
                current[1][at] = f"{current[1][at]} {more[1]}".strip()
                continue
            if file.record is not None and re.match(file.record, text) is None:
                self._break(
                    Problem(
                        "line-unknown",
                        "the format does not say what this line is",
                        self.name,
                        number,
                    ),
                    text,
                )
                continue
            if current is not None:
                yield current
            current = None
            if (cells := self._cut(number, text)) is not None:
                current = (number, cells + [""] * (len(places) - len(cells)))
            lost = current is None
        if current is not None:
            yield current

    def _checked(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        first = True
        for number, text in lines:
            if first and text.strip():
                check_first_line(text, self.file, self.name)
                first = False
            yield number, text

    def _head(self, lines: Iterator[tuple[int, str]]) -> None:
        """Take the lines up to the titles of the columns, or as many as the format skips."""
        file = self.file
        titled = _has_titles(file)
        reach = max(file.header_within, file.skip_lines + 1) if titled else file.skip_lines
        swallowed: list[Note] = []
        for taken in range(reach):
            number, text = next(lines, (0, ""))
            while (
                number and not taken and not text.strip()
            ):  # lines count from the first that is filled
                number, text = next(lines, (0, ""))
            if not number:
                break
            if titled and taken >= file.skip_lines and self._is_header(text):
                refuse_records(swallowed, self.name)
                return
            if file.record is not None and re.match(file.record, text):
                swallowed.append(Note(text, (), number))
            self._note(number, text)
        if titled:
            expected = ", ".join(f"{p.title!r} at {p.start}" for p in file.pieces if p.title)
            fault = Problem(
                "header-missing", f"no line of the first {reach} has the titles at their places",
                self.name, expected=expected,
            )  # fmt: skip
            raise InputRefused(self.name, [fault])
        refuse_records(swallowed, self.name)

    def _is_header(self, text: str) -> bool:
        if not _has_titles(self.file):
            return False
        cut = {p.name: text[p.start - 1 : p.end].strip() for p in self.file.pieces}
        return all(p.title is None or cut[p.name] == p.title for p in self.file.pieces)

    def _note(self, number: int, text: str) -> None:
        if text.strip():
            self.notes.append(Note(text, tuple(re.split(r"\s{2,}", text.strip())), number))

    def _break(self, problem: Problem, text: str) -> None:
        self.broken.add(replace(problem, value=text[:200]))

    def _continuation(self, text: str) -> tuple[str, str] | None:
        for way in self.file.continued:
            if found := re.fullmatch(way.line, text.strip()):
                groups = [g for g in found.groups() if g is not None]
                return way.column, " ".join(groups) if groups else found.group()
        return None

    def _cut(self, number: int, text: str) -> list[str] | None:
        """Cut a line into its pieces; None when it does not lie in them."""
        if (tab := text.find("\t")) >= 0:
            self._break(
                Problem(
                    "fixed-tab", "a tab has no width", self.name, number, f"position {tab + 1}"
                ),
                text,
            )
            return None
        cells, behind = [""] * len(self.file.pieces), 0
        order = sorted(range(len(cells)), key=lambda i: self.file.pieces[i].start)
        for index in order:
            piece = self.file.pieces[index]
            start, end = piece.start - 1, piece.end
            if text[behind:start].strip():
                self._break(
                    Problem(
                        "fixed-outside",
                        "text where the format has no column",
                        self.name,
                        number,
                        f"position {behind + 1}",
                    ),
                    text,
                )
                return None
            edge = text[start - 1 : start + 1] if start and start == behind else ""
            if not self.file.dense and edge.strip() == edge and len(edge) == 2:
                self._break(
                    Problem(
                        "fixed-edge",
                        f"text runs across the edge before {piece.name!r}",
                        self.name,
                        number,
                        f"position {start + 1}",
                    ),
                    text,
                )
                return None
            cells[index] = text[start:end].strip()
            behind = len(text) if end is None else end
        if text[behind:].strip():
            self._break(
                Problem(
                    "fixed-outside",
                    "text where the format has no column",
                    self.name,
                    number,
                    f"position {behind + 1}",
                ),
                text,
            )
            return None
        return cells
