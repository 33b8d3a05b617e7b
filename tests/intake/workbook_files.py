"""Workbooks for tests: written by xlsxwriter and openpyxl, xls and ods byte by byte, and spoilt copies."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

Fill = Callable[[xlsxwriter.Workbook, Any], None]
HEADER = ("Ref", "Time", "Amount")


def xlsx(path: Path, fill: Fill, sheet: str = "Rows", **options: Any) -> Path:
    """Write a workbook of one sheet and have ``fill`` fill it."""
    with xlsxwriter.Workbook(
        str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss", **options}
    ) as book:
        fill(book, book.add_worksheet(sheet))
    return path


def table(path: Path, rows: Sequence[Sequence[object]], **options: Any) -> Path:
    """Write rows of cells under the header of the tests."""

    def fill(_: xlsxwriter.Workbook, sheet: Any) -> None:
        for at, row in enumerate((HEADER, *rows)):
            sheet.write_row(at, 0, row)

    return xlsx(path, fill, **options)


def with_part(
    path: Path, part: str, change: Callable[[bytes], bytes], out: Path | None = None
) -> Path:
    """Change one part of an archive, or add it."""
    out = out or path.with_name(f"changed-{path.name}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, change(data) if member.filename == part else data)
        if part not in old.namelist():
            new.writestr(part, change(b""))
    return out


SHEET_1 = "xl/worksheets/sheet1.xml"

# --- xls: BIFF8 records in an OLE file ([MS-XLS], [MS-CFB]) -------------------------------------

DATE, PLAIN = 1, 0


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _label(row: int, column: int, text: str) -> bytes:
    body = struct.pack("<HHHHB", row, column, PLAIN, len(text), 1) + text.encode("utf-16-le")
    return _record(0x204, body)


def _cell(row: int, column: int, value: object) -> bytes:
    match value:
        case None:
            return b""
        case str(text) if text.startswith("#"):
            code = {"#N/A": 0x2A, "#REF!": 0x17}[text]
            return _record(0x205, struct.pack("<HHHBB", row, column, PLAIN, code, 1))
        case str(text):
            return _label(row, column, text)
        case bool(flag):
            return _record(0x205, struct.pack("<HHHBB", row, column, PLAIN, flag, 0))
        case (serial, "date"):
            return _record(0x203, struct.pack("<HHHd", row, column, DATE, serial))
        case number:
            return _record(0x203, struct.pack("<HHHd", row, column, PLAIN, number))


def xls(
    path: Path,
    rows: Sequence[Sequence[object]],
    *,
    epoch_1904: bool = False,
    locked: bool = False,
    name: str = "Rows",
    places: Sequence[tuple[int, int, object]] = (),
) -> Path:
    """Write an xls of one sheet. A cell ``(number, "date")`` is a serial with a date format."""
    bof = lambda kind: _record(0x809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))  # noqa: E731
    cells = b"".join(
        _cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row)
    ) + b"".join(_cell(*place) for place in places)
    sheet = bof(0x10) + cells + _record(0x0A, b"")
    formats = b"".join(
        _record(0xE0, struct.pack("<HHH14x", 0, number_format, 0)) for number_format in (0, 22)
    )

    def book(offset: int) -> bytes:
        bound = struct.pack("<IBBBB", offset, 0, 0, len(name), 1) + name.encode("utf-16-le")
        lock = _record(0x2F, struct.pack("<HHH", 0, 1, 1)) if locked else b""
        dates = _record(0x22, struct.pack("<H", epoch_1904))
        return bof(5) + lock + dates + formats + _record(0x85, bound) + _record(0x0A, b"")

    stream = book(len(book(0))) + sheet
    path.write_bytes(ole({"Workbook": stream}))
    return path


def ole(streams: dict[str, bytes]) -> bytes:
    """Return an OLE file of streams, each long enough to lie in sectors of its own."""
    size, end, free = 512, 0xFFFFFFFE, 0xFFFFFFFF
    entries, table, sectors = [("Root Entry", 5, end, 0)], list[int](), list[bytes]()
    for name, data in streams.items():
        data = data.ljust(4096, b"\0")
        count = -(-len(data) // size)
        entries.append((name, 2, len(sectors), len(data)))
        table += [len(sectors) + i + 1 for i in range(count - 1)] + [end]
        sectors += [data[i * size : (i + 1) * size].ljust(size, b"\0") for i in range(count)]
    directory = b"".join(
        (n.encode("utf-16-le") + b"\0\0").ljust(64, b"\0")
        + struct.pack("<HBBIII", len(n) * 2 + 2, kind, 1, free, free, 1 if kind == 5 else free)
        + bytes(36)
        + struct.pack("<IQ", start, length)
        for n, kind, start, length in entries
    )
    directory = directory.ljust(-(-len(directory) // size) * size, b"\0")
    first = len(sectors)
    parts = [directory[i : i + size] for i in range(0, len(directory), size)]
    table += [first + i + 1 for i in range(len(parts) - 1)] + [end]
    sectors += parts
    blocks = 1
    while blocks * (size // 4) < len(table) + blocks:
        blocks += 1
    places = range(len(sectors), len(sectors) + blocks)
    table += [0xFFFFFFFD] * blocks
    table += [free] * (blocks * (size // 4) - len(table))
    fat = struct.pack(f"<{len(table)}I", *table)
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
        + struct.pack("<IIIIIIIII", 0, blocks, first, 0, 4096, end, 0, end, 0)
        + struct.pack("<109I", *places, *[free] * (109 - blocks))
    )
    return header + b"".join(sectors) + fat


# --- ods -----------------------------------------------------------------------------------------

_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">
<office:body><office:spreadsheet><table:table table:name="Rows">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""
_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""


def ods_row(*cells: str) -> str:
    """Return a row of an ods of cells given as XML."""
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def ods_text(text: str) -> str:
    """Return a text cell of an ods."""
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


def ods_value(kind: str, value: str, shown: str = "") -> str:
    """Return a cell of an ods that holds a number, a date, a time or a truth."""
    attribute = {"float": "value", "percentage": "value"}.get(kind, f"{kind}-value")
    return (
        f'<table:table-cell office:value-type="{kind}" office:{attribute}="{value}">'
        f"<text:p>{shown or value}</text:p></table:table-cell>"
    )


def ods(path: Path, *rows: str) -> Path:
    """Write an ods of one sheet."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", _MANIFEST)
        book.writestr("content.xml", _ODS.format(rows="".join(rows)))
    return path


def copy(path: Path, name: str) -> Path:
    """Copy a file under another name."""
    target = path.with_name(name)
    shutil.copyfile(path, target)
    return target


def in_memory(write: Callable[[io.BytesIO], None]) -> bytes:
    """Return the bytes that something writes."""
    out = io.BytesIO()
    write(out)
    return out.getvalue()
