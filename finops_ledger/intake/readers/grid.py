"""Lines of cells: where the header stands, which lines are records, which are titles and footers.

The same rules as for delimited text (:mod:`finops_ledger.intake.layout`), for files whose lines
come as cells already: workbooks, fixed-width text, text of several line types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake.layout import (
    check_columns,
    check_first_line,
    columns_of,
    header_cells,
    header_faults,
    header_name,
)
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.table import LISTED, TRIMMED, Cells, TableSource, TableWriter
from finops_ledger.intake.source import Note
from finops_ledger.intake.spec_file import FileSpec

GridLine = tuple[int, Cells]  #: place (from 1) and cells of one line

REACH = 300  #: lines in which a header is looked for by its type


def column_names(lines: Sequence[Cells]) -> list[str]:
    """Return one name a column of a header of one or more lines.

    Blanks are trimmed and runs of them made one. In a header of several lines a group stands over
    all columns until the next group, and a name is ``group / column`` (parts that are empty, or say
    the same as the part above, are left out). A name met again is ``name (2)``.
    """
    width = max((len(line) for line in lines), default=0)
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, line in enumerate(lines):
        last = depth == len(lines) - 1
        held = ""
        for at in range(width):
            cell = header_name((line[at] if at < len(line) else None) or "")
            held = cell or ("" if last else held)
            if held and (not parts[at] or parts[at][-1] != held):
                parts[at].append(held)
    seen: dict[str, int] = {}
    names = []
    for part in parts:
        name = " / ".join(part)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})".strip())
    return names


@dataclass
class Broken:
    """Lines that are no records and nothing else either: all counted, the first 1,000 listed."""

    count: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Count one."""
        self.count += 1
        if len(self.problems) < LISTED:
            self.problems.append(problem)


def note(line: int, cells: Cells, file: FileSpec | None = None) -> Note:
    """Return a line that is no record."""
    return Note(joined(cells, file), tuple(c or "" for c in cells), line)


def read_grid(
    lines: Iterable[GridLine],
    file: FileSpec,
    name: str,
    folder: Path,
    limits: Limits,
    broken: Broken | None = None,
) -> TableSource:
    """Find header and records among lines of cells and write the records to a table.

    Lines without any filled cell are skipped; every other line is a title, the header, a record, a
    footer, a line of a declared other type, or broken. ``broken`` takes what the caller cannot cut.

    Raises:
        InputRefused: no such header, too many columns.
    """
    grid = Grid(file, name, limits, broken or Broken())
    iterator = iter(lines)
    grid.find_header(iterator)
    width = len(grid.names)
    writer = TableWriter(folder / "table.parquet", width)
    try:
        writer.write_rows(grid.records(iterator))
    finally:
        writer.close()
    return TableSource(
        name,
        folder,
        columns_of(grid.names, file),
        width,
        (*grid.titles, *grid.others),
        parquet=writer.path,
        rows=writer.rows,
        broken=grid.broken.count,
        problems=tuple(grid.broken.problems),
    )


def find_head(lines: Iterator[GridLine], file: FileSpec, name: str, limits: Limits) -> Grid:
    """Take lines up to and with the header; raise InputRefused when it is not there."""
    grid = Grid(file, name, limits, Broken())
    grid.find_header(lines)
    return grid


def is_footer(cells: Cells, file: FileSpec) -> bool:
    """Say whether a line of cells may be a footer."""
    line = joined(cells, file)
    return any(re.search(p, line) for p in file.footer)


def _filled(cells: Cells) -> bool:
    return any(c is not None and c.strip() for c in cells)


def joined(cells: Cells, file: FileSpec | None = None) -> str:
    """Return a line as patterns see it: csv with its delimiter, without quotes; else with tabs."""
    between = file.delimiter if file is not None and file.kind == "csv" else "\t"
    return between.join(c or "" for c in cells)


@dataclass
class Grid:
    """The lines of one file, sorted."""

    file: FileSpec
    name: str
    limits: Limits
    broken: Broken
    names: list[str] = field(default_factory=list)
    header: list[Cells] = field(default_factory=list)
    titles: list[Note] = field(default_factory=list)
    others: list[Note] = field(default_factory=list)
    ahead: list[GridLine] = field(default_factory=list)  #: taken, and not yet a record

    def find_header(self, lines: Iterator[GridLine]) -> None:
        """Take lines up to and with the header; those above it are titles.

        Lines are counted as they stand, blank ones too, from the first that is filled.
        """
        file = self.file
        if not file.header_row:
            self._headless(lines)
            return
        typed = file.lines.header if file.lines else None
        first = file.skip_lines + file.header_lines
        reach = max(file.header_within + file.header_lines - 1, first)
        if typed is not None:
            reach = REACH
        above: int | None = None  #: lines before the first that is filled: they do not count
        window: list[GridLine] = []
        best: list[Problem] | None = None
        most = -1
        for place, cells in lines:
            if above is None:
                if not _filled(cells):
                    continue
                above = place - 1
            if window and place > above + reach:
                break
            self._first_line(window, cells)
            window.append((place, cells))
            check_columns(len(cells), self.name, place, self.limits)
            told = typed is None or self._type(cells) == typed
            begun = window[-file.header_lines][0] if len(window) >= file.header_lines else 0
            if told and begun and (typed is not None or begun > above + file.skip_lines):
                names = header_cells(
                    column_names([c for _, c in window[-file.header_lines :]]), file
                )
                faults = header_faults(
                    [n for n in names if n or "" in file.header], file, self.name, place
                )
                if not faults:
                    self.names = names
                    self.header = [c for _, c in window[-file.header_lines :]]
                    titles = window[: -file.header_lines]
                    self.titles = [note(p, c, file) for p, c in titles if _filled(c)]
                    return
                shared = len(columns_of(names, file))
                if shared > most:
                    best, most = faults, shared
        if best is None:
            message = "the file ends before its header"
            if typed is not None:
                message = f"no header line (type {typed}) in the first {len(window)} lines"
            best = [
                Problem(
                    "header-missing", message, self.name, window[-1][0] if window else None,
                    expected=" | ".join(file.header),
                )
            ]  # fmt: skip
        raise InputRefused(self.name, best[:LISTED], len(best))

    def _first_line(self, before: Sequence[GridLine], cells: Cells) -> None:
        if self.file.first_line and not any(_filled(c) for _, c in before) and _filled(cells):
            check_first_line(joined(cells, self.file), self.file, self.name)

    def _headless(self, lines: Iterator[GridLine]) -> None:
        self.names = list(self.file.columns())
        titles: list[GridLine] = []
        for place, cells in lines:
            if not titles and not _filled(cells):
                continue
            above = titles[0][0] - 1 if titles else place - 1
            self._first_line(titles, cells)
            if place > above + self.file.skip_lines:
                self.ahead.append((place, cells))
                break
            titles.append((place, cells))
        self.titles = [note(p, c, self.file) for p, c in titles if _filled(c)]

    def records(self, lines: Iterator[GridLine]) -> Iterator[GridLine]:
        """Yield records of the header's width; keep the other lines, and what is broken."""
        held: list[GridLine] = []
        for place, cells in chain(self.ahead, lines):
            if not _filled(cells) or self._is_header_again(place, cells):
                continue
            if self._is_note(place, cells):
                continue
            # A line that may be a footer is held back until a record follows it.
            if self.file.footer and is_footer(cells, self.file):
                held.append((place, cells))
                continue
            for earlier in held:
                yield from self._fitted(*earlier)
            held.clear()
            yield from self._fitted(place, cells)
        self.others += [note(*line, self.file) for line in held]

    def _is_header_again(self, place: int, cells: Cells) -> bool:
        """Say whether a line is the header once more, as on each page or in each section."""
        if not self.header:
            return False
        typed = self.file.lines.header if self.file.lines else None
        if typed is not None and self._type(cells) == typed:
            if _bare(cells) != _bare(self.header[-1]):
                self.broken.add(
                    Problem(
                        "header-other", "a second header, with other columns", self.name, place,
                        None, joined(cells, self.file)[:200], joined(self.header[-1], self.file)[:200],
                    )
                )  # fmt: skip
            return True
        return self.file.repeated_header and any(_bare(cells) == _bare(h) for h in self.header)

    def _is_note(self, place: int, cells: Cells) -> bool:
        file = self.file
        if file.notes and any(re.search(p, joined(cells, file)) for p in file.notes):
            self.others.append(note(place, cells, file))
            return True
        if file.lines is None:
            return False
        found = self._type(cells)
        if found in file.lines.other:
            self.others.append(note(place, cells, file))
            return True
        if not file.lines.record or found in file.lines.record:
            return False
        self.broken.add(
            Problem(
                "line-unknown", "the format does not say what lines of this type are", self.name,
                place, None, found[:200], "a type named in [file.lines]",
            )
        )  # fmt: skip
        return True

    def _type(self, cells: Cells) -> str:
        assert self.file.lines is not None
        at = self.file.lines.cell
        return ((cells[at] if at < len(cells) else None) or "").strip()

    def _fitted(self, place: int, cells: Cells) -> Iterator[GridLine]:
        width, file = len(self.names), self.file
        if file.trim:
            cells = [c and c.strip(TRIMMED) for c in cells]
        if len(cells) == width:
            yield place, cells
        elif len(cells) > width and not any(cells[width:]):
            yield place, cells[:width]
        elif len(cells) < width and (file.ragged or file.kind != "csv"):
            yield place, [*cells, *([None] * (width - len(cells)))]
        else:
            self.broken.add(
                Problem(
                    "cell-count", f"{len(cells)} cells", self.name, place, None,
                    joined(cells, file)[:200], f"{width} cells",
                )
            )  # fmt: skip


def _bare(cells: Cells) -> list[str]:
    return [c.strip() for c in cells if c and c.strip()]


__all__ = [
    "Broken",
    "Grid",
    "GridLine",
    "column_names",
    "find_head",
    "is_footer",
    "note",
    "read_grid",
]
