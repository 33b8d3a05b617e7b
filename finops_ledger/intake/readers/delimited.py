"""Delimited text, read by the engine straight from the bytes: the way of files with many rows."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.schema import TIME_FIELDS
from finops_ledger.intake import layout, raw, records
from finops_ledger.intake.forms import pattern
from finops_ledger.intake.layout import Layout, find_layout, split_line
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.table import LISTED, TRIMMED
from finops_ledger.intake.source import Note, Numbered, Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.spec_file import FileSpec
from finops_ledger.intake.times import text

#: A quarter of the engine's own buffer: less memory to fetch and clear, and all cores have work.
_BUFFER = 8 << 20


@dataclass
class DelimitedSource(Source):
    """A file of delimited text. ``path`` is UTF-8, perhaps a copy."""

    path: Path = field(kw_only=True)
    file: FileSpec = field(kw_only=True)
    layout: Layout = field(kw_only=True)
    limits: Limits = field(kw_only=True)

    def count(self) -> int | None:
        """Check every byte and count records; see :func:`.raw.scan`."""
        at = self.layout
        encoding = self.file.encoding if raw.is_utf8(self.file.encoding) else "utf-8"
        limit = self.limits.max_record_bytes
        return raw.scan(
            self.path, encoding, at.start, at.end, self.file.quote, self.name, limit
        ).records

    def _records(self) -> Iterator[records.Record]:
        at, file = self.layout, self.file
        return records.records(
            self.path, self.name, (at.start, at.end), at.skip + 1, file.delimiter, file.quote,
            self.limits,
        )  # fmt: skip

    def lines_of(self, records: Collection[int]) -> dict[int, int]:
        """Return the physical lines of some records."""
        wanted, last, found = set(records), max(records), {}
        for record in self._records():
            if record.number in wanted:
                found[record.number] = record.line
            if record.number >= last:
                break
        return found

    def record(self, number: int) -> tuple[int, str]:
        """Return the physical line and the raw text of a record."""
        for found in self._records():
            if found.number == number:
                return found.line, found.text
        raise IndexError(f"{self.name} has no record {number}")

    def scan(self) -> str:
        """Return SQL of the records; title, header and footers left out.

        Footers of full width are filtered by their own cells (a record that looks the same would
        be missed in the count); other layouts are cut to a copy of the records alone.
        """
        at, file = self.layout, self.file
        footers = [split_line(f, file) for f in at.footers]
        if at.plain_head and at.plain_end:
            tests = [
                "NOT ("
                + " AND ".join(
                    f"c{i} IS NOT DISTINCT FROM {text(v) if v else 'NULL'}"
                    for i, v in enumerate(cells)
                )
                + ")"
                for cells in footers
            ]
            where = f" WHERE {' AND '.join(tests)}" if tests else ""
            return (
                f"SELECT {self._cells()} FROM {read_csv(self.path, file, at.width, at.skip)}{where}"
            )
        copy = self.folder / "records.csv"
        if not copy.exists():
            raw.copy_part(self.path, at.start, at.end, copy)
        return f"SELECT {self._cells()} FROM {read_csv(copy, file, at.width, 0)}"

    def _cells(self) -> str:
        if not self.file.trim:
            return "*"
        return ", ".join(
            f"nullif(trim(c{i}, {text(TRIMMED)}), '') AS c{i}" for i in range(self.width)
        )

    def numbered(self, connection: duckdb.DuckDBPyConnection) -> Numbered:
        """Parse record by record; those of another width or with broken quotes are broken.

        The others go to a plain copy on which the same plan runs.
        """
        plain = FileSpec(header=("x",))
        problems: list[Problem] = []
        copy, broken, rows = self.folder / "plain.csv", 0, 0
        with copy.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
            for record in self._records():
                rows = record.number
                cells = fitted(record.cells, self.width)
                if cells is not None and record.fault is None:
                    if self.file.trim:
                        cells = [c.strip(TRIMMED) for c in cells]
                    writer.writerow([*cells, record.number, record.line])
                    continue
                broken += 1
                if len(problems) < LISTED:
                    problems.append(structural(self.name, record, self.width))
        names = ("rec_text", "line_text")
        scan = read_csv(copy, plain, self.width, 0, names, self.limits.max_record_bytes)
        numbered = (
            "SELECT * EXCLUDE (rec_text, line_text), CAST(rec_text AS BIGINT) AS rec, "
            f"CAST(line_text AS BIGINT) AS line FROM {scan}"
        )
        return Numbered(numbered, rows, broken, tuple(problems))


def fitted(cells: list[str], width: int) -> list[str] | None:
    """Return the cells of a record without empty ones beyond its width; None for another width."""
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    return cells if len(cells) == width else None


def structural(file: str, record: records.Record, width: int) -> Problem:
    """Say why a record cannot be cut into the cells of a table."""
    shown = record.text[:200]
    if record.fault is not None:
        return Problem(
            "csv-quote", record.fault, file, record.line, None, shown,
            "quotes around whole cells, doubled within",
        )  # fmt: skip
    return Problem(
        "cell-count", f"{len(record.cells)} cells", file, record.line, None, shown, f"{width} cells"
    )


def read_csv(
    path: Path,
    file: FileSpec,
    width: int,
    skip: int,
    more: tuple[str, ...] = (),
    longest: int | None = None,
) -> str:
    """Return DuckDB's ``read_csv`` with everything declared and nothing detected.

    ``longest`` is the size of a record that must still be read, where that is beyond its default.
    """
    buffer = f", buffer_size={_BUFFER}"
    if longest:
        buffer = f", max_line_size={2 * longest}, buffer_size={max(4 * longest, _BUFFER)}"
    names = [*(f"c{i}" for i in range(width)), *more]
    columns = ", ".join(f"'{n}': 'VARCHAR'" for n in names)
    return (
        f"read_csv({text(str(path))}, auto_detect=false, header=false, skip={skip}, "
        f"delim={text(file.delimiter)}, quote={text(file.quote)}, escape={text(file.quote)}, "
        f"columns={{{columns}}}, strict_mode=true, null_padding=false, ignore_errors=false, "
        f"compression='none'{buffer})"
    )


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Check the start of ``path`` and find its parts; every byte is checked by ``count``."""
    file = fmt.file
    readable = as_utf8(path, file.encoding, folder)
    at = find_layout(readable, file, path.name, limits)
    top = at.skip - file.header_row - len(at.titles)  # lines above the titles: sep=;
    places = [*range(top + 1, top + len(at.titles) + 1), *([None] * len(at.footers))]
    notes = tuple(
        Note(line, tuple(split_line(line, file)), place)
        for line, place in zip((*at.titles, *at.footers), places, strict=True)
    )
    return DelimitedSource(
        path.name,
        folder,
        at.columns,
        at.width,
        notes,
        path=readable,
        file=file,
        layout=at,
        limits=limits,
    )


def as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """Return the file itself, or a copy in UTF-8; its first bytes are checked."""
    raw.check_start(path, encoding)
    if raw.is_utf8(encoding):
        return path
    readable = folder / "utf8"
    raw.transcode(path, encoding, readable)
    return readable


def head_text(path: Path, encoding: str) -> str:
    """Return the start of a file as text, up to its last whole line.

    Raises:
        InputRefused: empty, or its first bytes contradict the encoding.
    """
    raw.check_start(path, encoding)
    with path.open("rb") as file:
        head = file.read(layout.HEAD)
    text_ = head.decode(encoding, errors="ignore")
    if len(head) == layout.HEAD:
        text_ = "".join(text_.splitlines(keepends=True)[:-1]) or text_
    return text_


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the start of ``path`` (at most 64 KiB) is what the format declares.

    A format without a header line recognises a file by its first record: so many cells, and times as
    the format says.
    """
    try:
        start = head_text(path, fmt.file.encoding)
        with tempfile.TemporaryDirectory(prefix="finops-") as folder:
            copy = Path(folder) / "head"
            copy.write_text(start, encoding="utf-8", newline="")
            found = find_layout(copy, fmt.file, path.name, limits)
            if not fmt.file.header_row:
                span = (found.start, copy.stat().st_size)
                cut = records.records(
                    copy, path.name, span, 1, fmt.file.delimiter, fmt.file.quote, limits
                )
                first = next(cut, None)
                if first is None or (cells := fitted(first.cells, found.width)) is None:
                    return False
                return _times_fit(cells, found.columns, fmt)
    except (InputRefused, OSError):
        return False
    return True


def _times_fit(cells: list[str], columns: dict[str, int], fmt: Format) -> bool:
    """Say whether the times of a record are written as declared: all that a file without a header tells."""
    for name, spec in fmt.fields.items():
        if name not in TIME_FIELDS or spec.column is None or spec.pattern is not None:
            continue
        cell = cells[columns[spec.column]]
        known = spec.format or fmt.times.format
        if cell and not any(re.fullmatch(pattern(f, fmt.times.months), cell) for f in known):
            return False
    return True
