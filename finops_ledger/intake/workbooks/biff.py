"""The records of an xls (BIFF8 in an OLE file) that calamine does not tell: date system, cells in error.

Only what is needed of [MS-CFB] and [MS-XLS]: the sectors of one stream, and its records' heads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from finops_ledger.intake.workbooks.xlsx import Mark

SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END: Final = 0xFFFFFFFA  #: sector numbers from here on are no sectors
_ERRORS: Final = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
_FORMULA, _BOF, _EOF, _DATEMODE, _FILEPASS = 0x06, 0x0809, 0x0A, 0x22, 0x2F
_BOUNDSHEET, _BOOLERR = 0x85, 0x205


def streams(data: bytes) -> dict[str, tuple[int, int]]:
    """Return the streams of an OLE file: name -> first sector and size.

    Raises:
        ValueError: the file is cut off or contradicts itself.
    """
    size, first = _sector_size(data), struct.unpack_from("<I", data, 48)[0]
    directory = b"".join(_sectors(data, size, _table(data, size), first))
    found = {}
    for at in range(0, len(directory) - 127, 128):
        length, kind = struct.unpack_from("<HB", directory, at + 64)
        if kind in (2, 5) and 2 <= length <= 64:
            name = directory[at : at + length - 2].decode("utf-16-le", "replace")
            found[name] = struct.unpack_from("<II", directory, at + 116)
    return found


def workbook_stream(data: bytes) -> bytes:
    """Return the stream that holds the workbook's records; a short one lies in the small sectors."""
    try:
        known = streams(data)
        start, length = known.get("Workbook") or known["Book"]
        size = _sector_size(data)
        table = _table(data, size)
        if length >= struct.unpack_from("<I", data, 56)[0]:
            return b"".join(_sectors(data, size, table, start))[:length]
        root, _ = known["Root Entry"]
        small = b"".join(_sectors(data, size, table, root))
        chain = b"".join(_sectors(data, size, table, struct.unpack_from("<I", data, 60)[0]))
        numbers = struct.unpack(f"<{len(chain) // 4}I", chain)
        return b"".join(_sectors(small, 64, numbers, start, head=0))[:length]
    except (struct.error, KeyError, IndexError) as error:
        raise ValueError("the OLE file is cut off or contradicts itself") from error


def _sector_size(data: bytes) -> int:
    shift = int(struct.unpack_from("<H", data, 30)[0])
    if shift not in (9, 12):
        raise ValueError(f"sectors of 2**{shift} bytes")
    return 1 << shift


def _table(data: bytes, size: int) -> tuple[int, ...]:
    """Return the sector that follows each sector."""
    places = [p for p in struct.unpack_from("<109I", data, 76) if p < _END]
    following, count = struct.unpack_from("<II", data, 68)
    for _ in range(min(count, len(data) // size)):
        if following >= _END:
            break
        *more, following = struct.unpack_from(f"<{size // 4}I", data, (following + 1) * size)
        places += [p for p in more if p < _END]
    numbers: list[int] = []
    for place in places:
        numbers += struct.unpack_from(f"<{size // 4}I", data, (place + 1) * size)
    return tuple(numbers)


def _sectors(
    data: bytes, size: int, table: tuple[int, ...], start: int, head: int = 1
) -> Iterator[bytes]:
    for _ in range(len(table) + 1):
        if start >= _END:
            return
        yield data[(start + head) * size : (start + head + 1) * size]
        start = table[start]
    raise ValueError("a chain of sectors that never ends")


def epoch(stream: bytes) -> str:
    """Return the workbook's date system, 1900 or 1904."""
    for kind, body in _records(stream, 0):
        if kind == _DATEMODE:
            return "1904" if stream[body] else "1900"
    return "1900"


def locked(stream: bytes) -> bool:
    """Say whether the records are encrypted."""
    return any(kind == _FILEPASS for kind, _ in _records(stream, 0))


def marks(stream: bytes, sheet: str) -> Iterator[Mark]:
    """Yield the cells in error of a sheet. A formula of an xls always has a stored value."""
    for kind, at in _records(stream, _start(stream, sheet)):
        if kind == _BOOLERR and stream[at + 7]:
            code = stream[at + 6]
        elif kind == _FORMULA and stream[at + 12 : at + 14] == b"\xff\xff" and stream[at + 6] == 2:
            code = stream[at + 8]
        else:
            continue
        row, column = struct.unpack_from("<HH", stream, at)
        yield Mark(row, column, "e", _ERRORS.get(code, "#ERROR"))


def _start(stream: bytes, sheet: str) -> int:
    for kind, at in _records(stream, 0):
        if kind == _BOUNDSHEET:
            length, wide = stream[at + 6], stream[at + 7] & 1
            raw = stream[at + 8 : at + 8 + length * (2 if wide else 1)]
            name = raw.decode("utf-16-le" if wide else "latin-1", "replace").rstrip("\0")
            if name == sheet:
                return int(struct.unpack_from("<I", stream, at)[0])
    raise ValueError(f"no records of sheet {sheet!r}")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield kind and place of each record up to the end of a substream; embedded ones are passed over."""
    depth, unpack, last = 0, struct.Struct("<HH").unpack_from, len(stream) - 4
    while at <= last:
        kind, length = unpack(stream, at)
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            if at + 4 + length > len(stream):
                raise ValueError("a record is cut off")
            yield kind, at + 4
        at += 4 + length
