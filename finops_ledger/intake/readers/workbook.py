"""Workbooks: one sheet of an xlsx, xls or ods file, read by calamine in a bounded process.

Hidden rows and columns, and rows that a filter hides, are data: they are read. A hidden sheet is read
only when the format names it. A formula counts with the value that was stored beside it. Blank rows at
the top of a sheet do not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake import raw
from finops_ledger.intake.layout import columns_of
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers import grid
from finops_ledger.intake.readers.grid import GridLine
from finops_ledger.intake.readers.table import CHUNK, LISTED, TRIMMED, TableSource, TableWriter
from finops_ledger.intake.source import Note, Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.workbooks import container
from finops_ledger.intake.workbooks.child import Answer, Request
from finops_ledger.intake.workbooks.columns import ERROR, FORMULA, LOST, MARK

#: Lines in which a header is looked for when a file is recognised.
HEAD: Final = 300
_BATCH: Final = 5 * CHUNK


class Fault(NamedTuple):
    """What is told of a marked cell."""

    code: str
    message: str
    expected: str


_MARKS: Final = {
    LOST: Fault(
        "cell-digits",
        "the number has more digits than a cell holds: the file has lost some",
        "at most 15 digits, or a text cell",
    ),
    ERROR: Fault("cell-error", "the cell is in error", "a value"),
    FORMULA: Fault(
        "cell-formula",
        "a formula whose value was never stored",
        "a workbook saved by a program that computes",
    ),
}


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the sheet that the format names and find its records."""
    out = folder / "sheet.arrow"
    answer = _ask(path, fmt, out, None, limits)
    with pa.memory_map(str(out)) as mapped:
        sheet = pa.ipc.open_file(mapped).read_all()
        source = _records(sheet, answer, fmt, path.name, folder, limits)
    out.unlink()
    source.notes += tuple(_beside(path, fmt, folder, limits))
    source.figures[""] = {"epoch": answer.epoch}
    return source


def _beside(path: Path, fmt: Format, folder: Path, limits: Limits) -> Iterator[Note]:
    """Yield the lines of the sheets that only state figures, as far as they are there."""
    for name in fmt.file.more_sheets:
        out = folder / "beside.arrow"
        try:
            _run(path, fmt.file.kind, (name,), out, HEAD, limits)
        except InputRefused as refused:
            if refused.problems[0].code == "sheet-missing":
                continue
            raise
        with pa.memory_map(str(out)) as mapped:
            for line, cells in _lines(pa.ipc.open_file(mapped).read_all(), 0):
                if any(cells):
                    yield _without_marks(grid.note(line, cells))
        out.unlink()


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the sheet is there and a header like the declared one stands where it should."""
    kind = fmt.file.kind
    try:
        if not container.looks_like(path, kind):
            return False
        stat = path.stat()
        lines = _head(str(path), stat.st_size, stat.st_mtime_ns, kind, fmt.file.sheet, limits)
        if lines is None:
            return False
        found = iter(lines)
        parts = grid.find_head(found, fmt.file, path.name, limits)
        if fmt.file.header_row:
            return True
        return any(len(cells) == len(parts.names) for _, cells in (*parts.ahead, *found))
    except (InputRefused, OSError):
        return False


@lru_cache(maxsize=32)
def _head(
    path: str, _size: int, _changed: int, kind: str, sheets: tuple[str, ...], limits: Limits
) -> list[GridLine] | None:
    """Return the first lines of a sheet; None when it cannot be read. Several formats may ask."""
    try:
        return head(Path(path), kind, sheets, limits)
    except InputRefused:
        return None


def head(path: Path, kind: str, sheets: tuple[str, ...], limits: Limits) -> list[GridLine]:
    """Return the first lines of a sheet as text, blank rows at its top left out; no format is needed.

    Raises:
        InputRefused: no such workbook; no such sheet, or which one is not clear: the message lists them.
    """
    with tempfile.TemporaryDirectory(prefix="finops-") as folder:
        out = Path(folder) / "sheet.arrow"
        _run(path, kind, sheets, out, HEAD, limits)
        with pa.memory_map(str(out)) as mapped:
            sheet = pa.ipc.open_file(mapped).read_all()
            return list(_lines(sheet, _top(sheet)))


def _ask(path: Path, fmt: Format, out: Path, lines: int | None, limits: Limits) -> Answer:
    return _run(path, fmt.file.kind, fmt.file.sheet, out, lines, limits)


def _run(
    path: Path, kind: str, sheets: tuple[str, ...], out: Path, lines: int | None, limits: Limits
) -> Answer:
    """Have a process of its own read a sheet."""
    size = container.check(path, kind, limits)
    memory = (512 << 20) + min(16 * size, 4 * limits.max_workbook_bytes)
    request = Request(
        str(path.absolute()), kind, sheets, str(out), lines, limits.max_columns, memory
    )
    root = str(Path(__file__).resolve().parents[3])
    known = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, known] if known else [root]),
        # Memory is bounded: no pool that reserves more than it needs.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OMP_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "finops_ledger.intake.workbooks.child",
             json.dumps(asdict(request))],
            capture_output=True, env=environment, check=False, timeout=120 + size // (1 << 20),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise raw.refuse(path.name, "workbook-large", "reading the sheet takes too long") from error
    if done.returncode < 0 or b"MemoryError" in done.stderr or b"memory allocation" in done.stderr:
        raise raw.refuse(
            path.name, "workbook-large",
            "the sheet does not fit into memory: it is too large, or a cell stands far from all others",
            expected=f"at most {memory >> 20} MiB",
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{path.name}: {done.stderr.decode('utf-8', 'replace')[-2000:]}")
    answer = Answer(**json.loads(done.stdout))
    if answer.code == "workbook-locked":
        raise container.locked(path)
    if answer.code:
        told = Problem(answer.code, answer.message, path.name, expected=answer.expected)
        raise InputRefused(path.name, [told])
    return answer


def _lines(sheet: pa.Table, start: int) -> Iterator[GridLine]:
    """Yield the lines of a sheet from position ``start``, batch by batch."""
    for at in range(start, sheet.num_rows, CHUNK):
        part = sheet.slice(at, CHUNK)
        columns = [c.to_pylist() for c in part.columns]
        rows = zip(*columns, strict=True) if columns else iter(())
        yield from ((at + i + 1, list(cells)) for i, cells in enumerate(rows))


def _top(sheet: pa.Table) -> int:
    """Return the position of the first row that is filled."""
    for at in range(0, sheet.num_rows, CHUNK):
        if (filled := _filled(sheet.slice(at, CHUNK))).any():
            return at + int(filled.argmax())
    return 0


@dataclass
class _Cut:
    """Records cut out of a sheet: text columns of the header's width, and the row of each."""

    records: pa.Table
    lines: pa.Array
    columns: dict[str, int]
    notes: tuple[Note, ...]
    broken: int = 0
    problems: list[Problem] = field(default_factory=list)

    def drop(self, bad: np.ndarray[Any, Any]) -> None:
        """Take out records; they were counted and told."""
        keep = pa.array(~bad)
        self.records, self.lines = self.records.filter(keep), self.lines.filter(keep)
        self.broken += int(bad.sum())


def _records(
    sheet: pa.Table, answer: Answer, fmt: Format, name: str, folder: Path, limits: Limits
) -> TableSource:
    """Find header, records and footers; take out the records in which a cell is lost."""
    top, file = _top(sheet), fmt.file
    if file.lines is not None or file.repeated_header or file.notes:
        cut = _line_by_line(sheet, top, fmt, name, folder, limits)
    else:
        cut = _whole_columns(sheet, top, fmt, name, limits)
    used = {cut.columns[c] for _, c in fmt.used_columns() if c in cut.columns}
    _take_out_marked(cut, sorted(used.intersection(answer.marked)), name)
    cut.problems.sort(key=lambda p: p.line or 0)
    width = cut.records.num_columns
    writer = TableWriter(folder / "records.parquet", width)
    try:
        for at in range(0, cut.records.num_rows, _BATCH):
            part = [c.combine_chunks() for c in cut.records.slice(at, _BATCH).columns]
            bare = [_bare(c) if i in answer.marked else c for i, c in enumerate(part)]
            writer.write_arrays(cut.lines.slice(at, _BATCH), bare)
    finally:
        writer.close()
    notes = tuple(_without_marks(n) for n in cut.notes)
    return TableSource(
        name, folder, cut.columns, width, notes, parquet=writer.path,
        rows=writer.rows, broken=cut.broken, problems=tuple(cut.problems[:LISTED]),
    )  # fmt: skip


def _line_by_line(
    sheet: pa.Table, top: int, fmt: Format, name: str, folder: Path, limits: Limits
) -> _Cut:
    """Cut a sheet whose lines are of several types, or whose header stands again between records."""
    source = grid.read_grid(_lines(sheet, top), fmt.file, name, folder, limits)
    table = pq.read_table(source.parquet)
    lines = table["line"].combine_chunks()
    found = list(source.problems)
    return _Cut(
        table.drop_columns(["line"]), lines, source.columns, source.notes,
        source.broken, found,
    )  # fmt: skip


def _whole_columns(sheet: pa.Table, top: int, fmt: Format, name: str, limits: Limits) -> _Cut:
    """Cut a plain sheet: titles, one header, records, footers."""
    file = fmt.file
    taken = top

    def counted() -> Iterator[GridLine]:
        nonlocal taken
        for line in _lines(sheet, top):
            taken += 1
            yield line

    parts = grid.find_head(counted(), file, name, limits)
    taken -= len(parts.ahead)
    records = sheet.slice(taken)
    filled = _filled(records)
    lines = pa.array(np.flatnonzero(filled) + taken + 1, pa.int64())
    if not filled.all():
        records = records.filter(pa.array(filled))
    end, footers = _footers(records, lines, fmt)
    columns = columns_of(parts.names, file)
    notes = (*parts.titles, *footers)
    cut = _Cut(records.slice(0, end), lines.slice(0, end), columns, notes)
    _fit(cut, len(parts.names), name)
    if file.trim:
        trimmed = (pc.utf8_trim(c, characters=TRIMMED) for c in cut.records.columns)
        bare = [pc.if_else(pc.equal(c, ""), pa.scalar(None, pa.string()), c) for c in trimmed]
        cut.records = pa.table(bare, names=cut.records.column_names)
    return cut


def _filled(records: pa.Table) -> np.ndarray[Any, Any]:
    """Say of each row whether any cell holds more than blanks; few columns are looked at twice."""
    filled = np.zeros(records.num_rows, bool)
    for column in records.columns:
        open_rows = np.flatnonzero(~filled)
        if not len(open_rows):
            break
        cells = column.take(pa.array(open_rows)) if len(open_rows) < len(filled) else column
        told = pc.fill_null(pc.match_substring_regex(cells, r"\S"), False)
        filled[open_rows[told.to_numpy()]] = True
    return filled


def _footers(records: pa.Table, lines: pa.Array, fmt: Format) -> tuple[int, list[Note]]:
    """Return where the records end, and the footers behind them."""
    end, found = records.num_rows, list[Note]()
    while fmt.file.footer and end:
        cells = [c[end - 1].as_py() for c in records.columns]
        if not grid.is_footer(cells, fmt.file):
            break
        end -= 1
        found.insert(0, grid.note(lines[end].as_py(), cells))
    return end, found


def _fit(cut: _Cut, width: int, name: str) -> None:
    """Bring the records to the header's width; a filled cell beyond it breaks its record."""
    records = cut.records
    for at in range(records.num_columns, width):
        records = records.append_column(f"c{at}", pa.nulls(records.num_rows, pa.string()))
    beyond = records.select(range(width, records.num_columns))
    cut.records = records.select(range(width))
    surplus = _filled(beyond)
    for at in np.flatnonzero(surplus)[:LISTED].tolist():
        cells = [c[at].as_py() for c in records.columns]
        count = max(i for i, c in enumerate(cells) if c) + 1
        cut.problems.append(Problem(
            "cell-count", f"{count} cells", name, cut.lines[at].as_py(), None,
            "\t".join(c or "" for c in cells)[:200], f"{width} cells",
        ))  # fmt: skip
    if surplus.any():
        cut.drop(surplus)


def _take_out_marked(cut: _Cut, used: Sequence[int], name: str) -> None:
    """Take out the records in which a cell that the format reads holds no faithful value."""
    names = {at: column for column, at in cut.columns.items()}
    bad = np.zeros(cut.records.num_rows, bool)
    for at in used:
        column = cut.records.column(at)
        marked = pc.fill_null(pc.starts_with(column, MARK), False).to_numpy()
        bad |= marked
        for row in np.flatnonzero(marked)[:LISTED].tolist():
            cell, line = column[row].as_py(), cut.lines[row].as_py()
            code, message, expected = _MARKS[cell[:2]]
            cut.problems.append(Problem(
                code, f"cell {_letters(at)}{line}: {message}", name, line, names[at],
                cell[2:202], expected,
            ))  # fmt: skip
    if bad.any():
        cut.drop(bad)


def _letters(column: int) -> str:
    """Return the letters over a column, from 0: A, B, … Z, AA."""
    column, last = divmod(column, 26)
    return (_letters(column - 1) if column else "") + chr(65 + last)


def _without_marks(note: Note) -> Note:
    """Return a title or footer with its cells as they stand."""
    if MARK not in note.text:
        return note
    cells = tuple(c[2:] if c.startswith(MARK) else c for c in note.cells)
    return Note("\t".join(cells), cells, note.line)


def _bare(column: pa.Array) -> pa.Array:
    """Return a column that the format does not read, without marks."""
    return pc.replace_substring_regex(column, f"^{MARK}.", "")


def first_lines(
    path: Path, kind: str, count: int, folder: Path, limits: Limits, sheet: str | None = None
) -> tuple[str, list[GridLine]]:
    """Return the name and the first lines of a sheet: the one named, else the only visible one.

    InputRefused lists the sheets when there are more, or none of this name.
    """
    out = folder / "sheet.arrow"
    answer = _run(path, kind, () if sheet is None else (sheet,), out, count, limits)
    with pa.memory_map(str(out)) as mapped:
        return answer.sheet, list(_lines(pa.ipc.open_file(mapped).read_all(), 0))
