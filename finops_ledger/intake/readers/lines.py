"""Delimited text that is no plain table: lines of several types, headers of several lines or on each
page, records whose empty cells at the end are left out.

Lines are looked at one by one, so this is slower than :mod:`.delimited`, which takes every other csv.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake import raw, records
from finops_ledger.intake.layout import is_separator_line
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.delimited import as_utf8, head_text, structural
from finops_ledger.intake.readers.grid import REACH, Broken, GridLine, read_grid
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Cut a file into lines of cells and find its records among them."""
    file = fmt.file
    readable = as_utf8(path, file.encoding, folder)
    encoding = file.encoding if raw.is_utf8(file.encoding) else "utf-8"
    raw.scan(readable, encoding, 0, 0, "", path.name, limits.max_record_bytes)
    broken = Broken()
    lines = _lines(readable, fmt, path.name, limits, broken)
    return read_grid(lines, file, path.name, folder, limits, broken)


def _lines(
    path: Path, fmt: Format, name: str, limits: Limits, broken: Broken
) -> Iterator[GridLine]:
    """Yield every line with cells; one whose quotes are broken is a broken record."""
    file = fmt.file
    span = (0, raw.text_end(path))
    for found in records.records(path, name, span, 1, file.delimiter, file.quote, limits):
        if found.line == 1 and is_separator_line(found.text, file, name):
            continue
        if found.fault is not None:
            broken.add(structural(name, found, 0))
        else:
            yield found.line, found.cells


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether a header like the declared one stands where the format looks for it.

    A format without a header line recognises a file whose first lines are all of its types.
    """
    file = fmt.file
    try:
        start = head_text(path, file.encoding)
        with tempfile.TemporaryDirectory(prefix="finops-") as folder:
            copy = Path(folder) / "head"
            copy.write_text(start, encoding="utf-8", errors="replace", newline="")
            broken = Broken()
            lines = islice(_lines(copy, fmt, path.name, limits, broken), REACH)
            found = read_grid(lines, file, path.name, Path(folder), limits, broken)
            typed = file.lines is not None and bool(found.notes)
            return file.header_row or (broken.count == 0 and (found.rows > 0 or typed))
    except (InputRefused, OSError):
        return False
