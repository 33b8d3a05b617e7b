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
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.delimited import as_utf8
from finops_ledger.intake.readers.grid import GridLine, read_grid
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Cut a file into lines of cells and find its records among them."""
    file = fmt.file
    readable = as_utf8(path, file.encoding, folder)
    raw.scan(readable, "utf-8", 0, 0, file.quote, path.name)
    return read_grid(_lines(readable, fmt, path.name), file, path.name, folder, limits)


def _lines(path: Path, fmt: Format, name: str) -> Iterator[GridLine]:
    found = raw.records(path, 0, path.stat().st_size, 1, fmt.file.delimiter, fmt.file.quote)
    for record in found:
        if record.fault is not None:
            raise raw.refuse(name, "csv-quote", record.fault, record.line, value=record.text[:200])
        cells = record.cells
        if record.number == 1 and cells:
            cells = [cells[0].removeprefix("\ufeff"), *cells[1:]]
        yield record.line, cells


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether a header like the declared one stands where the format looks for it."""
    try:
        with tempfile.TemporaryDirectory(prefix="finops-") as folder:
            readable = as_utf8(path, fmt.file.encoding, Path(folder))
            lines = islice(_lines(readable, fmt, path.name), 300)
            found = read_grid(lines, fmt.file, path.name, Path(folder), limits)
            return fmt.file.header_row or (found.rows > 0 and found.broken == 0)
    except InputRefused:
        return False
