"""What calamine does not tell of an ods: its date system, cells in error, formulas never computed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Final

from defusedxml import ElementTree

from finops_ledger.intake.workbooks.xlsx import CHUNK, Mark

_TABLE: Final = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE: Final = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC: Final = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


def epoch(book: zipfile.ZipFile) -> str:
    """Return the date system for numbers that stand for dates, 1900 or 1904."""
    with book.open("content.xml") as file:
        head = file.read(CHUNK)
    return "1904" if b'null-date table:date-value="1904' in head else "1900"


def marks(book: zipfile.ZipFile, sheet: str) -> Iterator[Mark]:
    """Yield cells in error, and formulas without a value; looked for only where the file has either."""
    if not _suspicious(book):
        return
    row = column = 0
    inside = False
    with book.open("content.xml") as file:
        for event, element in ElementTree.iterparse(file, events=("start", "end"), forbid_dtd=True):
            tag = element.tag
            if tag == f"{_TABLE}table" and event == "start":
                inside, row = element.get(f"{_TABLE}name") == sheet, 0
            elif not inside:
                if event == "end":
                    element.clear()
            elif tag == f"{_TABLE}table-row":
                if event == "start":
                    column = 0
                else:
                    row += int(element.get(f"{_TABLE}number-rows-repeated", "1"))
                    element.clear()
            elif event == "end" and tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                kind = _kind(element)
                if kind:
                    yield Mark(row, column, kind, "".join(element.itertext()).strip())
                column += int(element.get(f"{_TABLE}number-columns-repeated", "1"))


def _suspicious(book: zipfile.ZipFile) -> bool:
    carry = b""
    with book.open("content.xml") as file:
        while chunk := file.read(CHUNK):
            part = carry + chunk
            if b'value-type="error"' in part or b"table:formula" in part:
                return True
            carry = chunk[-32:]
    return False


def _kind(cell: ElementTree.Element) -> str:
    if cell.get(f"{_CALC}value-type") == "error":
        return "e"
    formula = cell.get(f"{_TABLE}formula")
    return "f" if formula is not None and cell.get(f"{_OFFICE}value-type") is None else ""
