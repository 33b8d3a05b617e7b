"""Readers: one module a kind of file, each giving a :class:`~finops_ledger.intake.source.Source`.

A reader module has two functions::

    open_source(path, fmt, folder, limits) -> Source    raises InputRefused
    recognises(path, fmt, limits) -> bool               cheap; never raises for a bad file
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from finops_ledger.intake.limits import Limits
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.titles import check_titles

_MODULES: Final = {
    "csv": "delimited",
    "fixed": "fixed",
    "xlsx": "workbook",
    "xls": "workbook",
    "ods": "workbook",
    "json": "documents",
    "jsonl": "documents",
    "xml": "elements",
    "mt940": "swift",
    "mt942": "swift",
    "camt": "camt",
    "bai2": "bai2",
    "ofx": "ofx",
    "qif": "qif",
    "beangulp": "entries",
}


def _module(fmt: Format) -> Any:
    name = _MODULES[fmt.file.kind]
    if fmt.file.kind == "csv" and needs_grid(fmt):
        name = "lines"
    return import_module(f"finops_ledger.intake.readers.{name}")


def needs_grid(fmt: Format) -> bool:
    """Say whether a csv is no plain table, so that its lines must be looked at one by one."""
    file = fmt.file
    several = file.lines is not None or file.header_lines > 1 or bool(file.notes)
    return several or file.repeated_header or file.ragged


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Open a file with the reader of its kind."""
    source: Source = _module(fmt).open_source(path, fmt, folder, limits)
    check_titles(source, fmt)
    return source


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the start of a file is what the format declares."""
    return bool(_module(fmt).recognises(path, fmt, limits))
