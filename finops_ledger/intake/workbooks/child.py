"""Read one sheet of a workbook, in a process of its own: ``python -m …child REQUEST``.

The request and the answer are JSON; the cells go to an Arrow file. Whatever a hostile file does to
the library that reads it (memory without end, an abort), it does to this process alone.
"""

from __future__ import annotations

import gc
import json
import os
import struct
import sys
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, Final

import python_calamine as calamine

from finops_ledger.intake.workbooks import biff, ods, xlsx

_SHOWN: Final = 20
_UNREADABLE: Final = (
    ValueError, KeyError, IndexError, TypeError, OverflowError, OSError, EOFError, RuntimeError,
    NotImplementedError, zipfile.BadZipFile, struct.error, SyntaxError,
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What to read: of the sheets named, the first that is there; none named: the only visible one."""

    path: str
    kind: str
    sheets: tuple[str, ...]
    out: str  #: Arrow file to write: columns c0 … cn, row i is line i + 1
    lines: int | None  #: only so many lines
    max_columns: int
    memory: int  #: bytes that this process may take


@dataclass
class Answer:
    """What was read, or why not."""

    sheet: str = ""
    epoch: str = "1900"
    code: str = ""  #: of the fault
    message: str = ""
    expected: str | None = None
    marked: list[int] = field(default_factory=list)  #: columns with marked cells


class Refused(Exception):
    """The workbook cannot be read; the answer says why."""

    def __init__(self, code: str, message: str, expected: str | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(code=code, message=message, expected=expected)


def read(request: Request) -> Answer:
    """Read a sheet; faults are answers, whatever the file does."""
    try:
        return _read(request)
    except Refused as refused:
        return refused.answer
    except MemoryError:
        return Answer(code="workbook-large", message="the sheet does not fit into memory")
    except calamine.PasswordError:
        return Answer(code="workbook-locked", message="the workbook is locked with a password")
    except (calamine.CalamineError, *_UNREADABLE) as error:
        if "limit exceeded" in str(error):
            return Answer(
                code="workbook-large", message=f"the sheet claims too many cells: {error}"
            )
        return Answer(code="workbook-broken", message=f"the workbook cannot be read: {error}"[:300])
    except BaseException as error:
        # A panic of the library is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        return Answer(code="workbook-broken", message=f"the workbook cannot be read: {error}"[:300])


def choose(sheets: Sequence[Any], wanted: Sequence[str]) -> str:
    """Return the name of the sheet to read; names are compared as Excel does, without case.

    Raises:
        Refused: no such sheet, or none named and not exactly one visible.
    """
    shown = [s.name for s in sheets if s.visible == calamine.SheetVisibleEnum.Visible]
    cells = [s.name for s in sheets if s.typ == calamine.SheetTypeEnum.WorkSheet]
    listed = ", ".join(repr(s.name) for s in sheets[:_SHOWN]) or "none"
    if wanted:
        known = {name.strip().casefold(): name for name in reversed(cells)}
        for name in wanted:
            if name.strip().casefold() in known:
                return str(known[name.strip().casefold()])
        expected = " or ".join(repr(name) for name in wanted)
        raise Refused("sheet-missing", f"no such sheet; there are: {listed}", expected)
    visible = [name for name in cells if name in shown]
    if len(visible) != 1:
        raise Refused(
            "sheet-unclear", f"{len(visible)} visible sheets; there are: {listed}",
            "one visible sheet, or its name in the format",
        )  # fmt: skip
    return str(visible[0])


def _arrow() -> None:
    """Load Arrow while calamine parses: it does not hold the interpreter meanwhile."""
    import pyarrow.compute
    import pyarrow.ipc  # noqa: F401


def _read(request: Request) -> Answer:
    stream = biff.workbook_stream(Path(request.path).read_bytes()) if request.kind == "xls" else b""
    if stream and biff.locked(stream):
        raise Refused("workbook-locked", "the workbook is locked with a password")
    with calamine.CalamineWorkbook.from_path(request.path) as book, ThreadPoolExecutor(2) as beside:
        beside.submit(_arrow)
        name = choose(book.sheets_metadata, request.sheets)
        looked_up = beside.submit(_looked_up, request, name, stream)
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=request.lines)
    import pyarrow as pa

    from finops_ledger.intake.workbooks.columns import text_column

    epoch, marks = looked_up.result()
    marked = _put(rows, marks, request)
    width = _width(rows)
    if width > request.max_columns:
        raise Refused("too-many-columns", f"{width} columns", f"at most {request.max_columns}")
    columns: list[Any] = []
    for at, cells in enumerate(zip(*rows, strict=True)):
        if at == width:
            break
        columns.append(text_column(cells))
    if request.kind == "ods":
        columns = [_with_times(column) for column in columns]
    _check_texts(columns)
    table = pa.table(columns, names=[f"c{i}" for i in range(len(columns))])
    with pa.OSFile(request.out, "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    marked |= _lost(columns)
    return Answer(sheet=name, epoch=epoch, marked=sorted(marked))


def _width(rows: list[list[Any]]) -> int:
    """Return the number of columns up to the last one with a filled cell."""
    width = len(rows[0]) if rows else 0
    while width and all(row[width - 1] == "" for row in rows):
        width -= 1
    return width


def _looked_up(request: Request, sheet: str, stream: bytes) -> tuple[str, list[xlsx.Mark]]:
    if request.kind == "xls":
        return biff.epoch(stream), list(biff.marks(stream, sheet))
    module = xlsx if request.kind == "xlsx" else ods
    with zipfile.ZipFile(request.path) as book:
        return module.epoch(book), list(module.marks(book, sheet))


def _put(rows: list[list[Any]], marks: list[xlsx.Mark], request: Request) -> set[int]:
    """Put the marks where calamine gave nothing; return the columns that have any."""
    if not marks:
        return set()
    if any(mark.row is None for mark in marks):
        raise Refused(
            "cell-formula", "cells without address hold errors or formulas never computed"
        )
    places = [(mark.row or 0, mark.column, mark) for mark in marks]
    if request.lines is not None:
        places = [p for p in places if p[0] < request.lines]
    width = max([len(rows[0]) if rows else 0, *(c + 1 for _, c, _ in places)])
    height = max([len(rows), *(r + 1 for r, _, _ in places)])
    if width > 16_384 or height > 1_048_576:
        raise Refused("workbook-broken", "a cell lies outside of any sheet")
    if rows and len(rows[0]) < width:
        for row in rows:
            row += [""] * (width - len(row))
    while len(rows) < height:
        rows.append([""] * width)
    for row_at, column, mark in places:
        rows[row_at][column] = f"\x1a{mark.kind}{mark.text}"
    return {column for _, column, _ in places}


def _lost(columns: list[Any]) -> set[int]:
    import pyarrow.compute as pc

    from finops_ledger.intake.workbooks.columns import LOST

    return {at for at, c in enumerate(columns) if pc.any(pc.starts_with(c, LOST)).as_py()}


def _with_times(column: Any) -> Any:
    """Write the times and durations of an ods, PT26H05M00S, as those of other workbooks: 26:05:00."""
    import pyarrow.compute as pc

    form = r"^(-?)PT(\d{2,})H(\d{2})M(\d{2}(?:\.\d+)?)S$"
    plain = pc.replace_substring_regex(column, form, r"\1\2:\3:\4")
    return pc.replace_substring_regex(
        plain, r"^(-?\d{2,}:\d{2}:\d{2})(?:\.0+|(\.\d*?)0+)$", r"\1\2"
    )


def _check_texts(columns: list[Any]) -> None:
    import pyarrow.compute as pc

    for column in columns:
        found = pc.index(pc.match_substring(column, "\0"), True).as_py()
        if found >= 0:
            raise Refused("nul-byte", f"NUL characters in row {found + 1}", "text")


def _bound(memory: int) -> None:
    """Take no more memory than this; where the system knows no such bound, there is none."""
    try:
        import resource
    except ImportError:
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _NoPandas(MetaPathFinder):
    """Arrow would load pandas only to ask whether a list is one of its types: a quarter of a second."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ImportError("not needed here")


def main() -> None:
    """Answer one request."""
    given = json.loads(sys.argv[1])
    request = Request(**{**given, "sheets": tuple(given["sheets"])})
    _bound(request.memory)
    sys.meta_path.insert(0, _NoPandas())
    gc.disable()  # millions of cells, none in a circle
    sys.stdout.write(json.dumps(asdict(read(request))))
    sys.stdout.flush()
    os._exit(0)  # millions of cells need not be taken down one by one


if __name__ == "__main__":
    main()
