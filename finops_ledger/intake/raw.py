"""The bytes of a file before anything parses them: encoding, NUL, line ends, counting, cutting.

What DuckDB would take in silence is refused here: it reads NUL as a character, and a Latin-1 file
declared UTF-16 as no rows at all.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from finops_ledger.core.errors import InputRefused, Problem

CHUNK = 1 << 22
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = {"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"}


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pass over the bytes found."""

    records: int  #: line ends outside quotes, and the last line
    exact: bool  #: false when quotes stand in a way that only a parser can count


def refuse(
    file: str, code: str, message: str, line: int | None = None, **more: str
) -> InputRefused:
    """Build the refusal of a file for one fault."""
    return InputRefused(file, [Problem(code, message, file, line, **more)])


def is_utf8(encoding: str) -> bool:
    """Say whether files in ``encoding`` can be read without transcoding."""
    return encoding in _UTF8


def check_start(path: Path, encoding: str) -> None:
    """Refuse an empty file, and one whose first bytes contradict the declared encoding."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise refuse(
            path.name,
            "file-empty",
            "the file has no bytes at all",
            expected="at least a header line",
        )
    found = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    if found is not None and not _same_family(found, encoding):
        raise refuse(
            path.name,
            "encoding-wrong",
            f"the file begins with the mark of {found}",
            1,
            expected=f"text in {encoding}",
        )
    if encoding == "utf-16" and found is None:
        raise refuse(
            path.name,
            "encoding-wrong",
            "the file has no byte order mark of utf-16",
            1,
            expected="text in utf-16",
        )
    if not encoding.startswith(("utf-16", "utf-32")) and b"\0" in head:
        raise refuse(
            path.name,
            "nul-byte",
            "NUL bytes: not a text file, or one in utf-16",
            1,
            expected=f"text in {encoding}",
        )


def _same_family(found: str, declared: str) -> bool:
    if found == "utf-8":
        return declared in _UTF8 and declared not in {"ascii", "us-ascii"}
    return declared.startswith(found)


def transcode(path: Path, encoding: str, target: Path) -> None:
    """Write ``path`` to ``target`` in UTF-8; refuse what ``encoding`` cannot decode.

    A file declared in a one-byte encoding that holds valid multi-byte UTF-8 is refused too: every
    byte decodes, and every accented letter would be wrong.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    sniffer = None if encoding.startswith("utf") else codecs.getincrementaldecoder("utf-8")()
    utf8, foreign, lines = sniffer is not None, False, 1
    with path.open("rb") as source, target.open("wb") as out:
        while True:
            chunk = source.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = lines + chunk[: error.start].count(b"\n")
                raise _undecodable(path.name, encoding, error, at) from error
            out.write(text.encode("utf-8"))
            lines += chunk.count(b"\n")
            foreign = foreign or not chunk.isascii()
            if utf8 and sniffer is not None:
                try:
                    sniffer.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    utf8 = False
            if not chunk:
                break
    if utf8 and foreign:
        raise refuse(
            path.name,
            "encoding-wrong",
            "the file is valid UTF-8 beyond ASCII",
            expected=f"text in {encoding}",
        )


def _undecodable(file: str, encoding: str, error: UnicodeDecodeError, line: int) -> InputRefused:
    byte = error.object[error.start : error.start + 1].hex().upper()
    return refuse(
        file,
        "encoding-wrong",
        f"byte 0x{byte} is not {encoding}",
        line,
        expected=f"text in {encoding}; another encoding must be declared in the format",
    )


def scan(path: Path, encoding: str, start: int, end: int, quote: str, name: str) -> Counted:
    """Check every byte (NUL, UTF-8) and count the records between two offsets.

    One pass, bounded memory. Blank lines count as records here; a caller whose reader skips them
    sees a difference and counts with :func:`records`.
    """
    decoder = codecs.getincrementaldecoder("ascii" if "ascii" in encoding else "utf-8")()
    mark = quote.encode() if quote else b""
    position, lines, count, inside, last, pending = 0, 1, 0, False, b"\n", False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if b"\0" in chunk:
                at = lines + chunk[: chunk.index(b"\0")].count(b"\n")
                raise refuse(name, "nul-byte", "NUL byte in a text file", at)
            if pending or not chunk.isascii():
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    at = lines + error.object[: error.start].count(b"\n")
                    raise _undecodable(name, encoding, error, at) from error
                pending = bool(decoder.getstate()[0])
            newlines = chunk.count(b"\n")
            lines += newlines
            low, high = max(start - position, 0), min(end - position, len(chunk))
            if low < high:
                part = chunk if high - low == len(chunk) else chunk[low:high]
                counted, inside = _line_ends(part, mark, inside)
                count += counted
                last = part[-1:]
            position += len(chunk)
    if pending:
        raise refuse(name, "encoding-wrong", "the file ends within a character", lines)
    return Counted(count + (last not in {b"\n", b""}), exact=not inside)


def _line_ends(part: bytes, mark: bytes, inside: bool) -> tuple[int, bool]:
    """Count line feeds outside quotes; return (count, whether the part ends inside quotes)."""
    if not mark or mark not in part:
        return (0, True) if inside else (part.count(b"\n"), False)
    octets = np.frombuffer(part, dtype=np.uint8)
    parity = np.cumsum(octets == mark[0], dtype=np.uint8) & 1
    if inside:
        parity ^= 1
    outside = np.count_nonzero((octets == 10) & (parity == 0))
    return int(outside), bool(parity[-1])


def tail_lines(path: Path, limit: int = 1 << 16) -> list[tuple[int, bytes]]:
    """Return the last lines of a file as (offset, bytes with line end), last line last.

    At most ``limit`` bytes are looked at; a line that begins before them is left out.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - limit, 0))
        data = file.read()
    base, lines = size - len(data), []
    offset = base
    for line in data.splitlines(keepends=True) if b"\n" not in data else data.split(b"\n"):
        piece = line if b"\n" not in data else line + b"\n"
        lines.append((offset, piece))
        offset += len(piece)
    if b"\n" in data:
        lines[-1] = (lines[-1][0], lines[-1][1][:-1])
        if not lines[-1][1]:
            lines.pop()
    return lines if base == 0 else lines[1:]


def copy_part(path: Path, start: int, end: int, target: Path) -> None:
    """Copy the bytes from ``start`` to ``end`` (exclusive) to ``target``."""
    with path.open("rb") as source, target.open("wb") as out:
        source.seek(start)
        left = end - start
        while left > 0 and (chunk := source.read(min(CHUNK, left))):
            out.write(chunk)
            left -= len(chunk)


class NumberedLines:
    """Iterate over the text lines of a part of a file, keeping the physical line number."""

    def __init__(self, file: IO[bytes], start: int, end: int, first_line: int) -> None:
        file.seek(start)
        self._file, self._left, self.number = file, end - start, first_line - 1
        self.buffer: list[str] = []  #: the lines taken since it was last cleared

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._left <= 0:
            raise StopIteration
        line = self._file.readline(self._left)
        if not line:
            raise StopIteration
        self._left -= len(line)
        self.number += 1
        text = line.decode("utf-8")
        self.buffer.append(text)
        return text


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a parser sees it: where it starts, its text, its cells or what is wrong."""

    number: int
    line: int
    text: str
    cells: list[str]
    fault: str | None


def records(
    path: Path, start: int, end: int, first_line: int, delimiter: str, quote: str
) -> Iterator[Record]:
    """Parse a part of a UTF-8 file record by record: slow, exact, with physical lines.

    Blank lines are no records. This is the way for files with faults and for ``explain``; sound
    files never come here.
    """
    with path.open("rb") as file:
        lines = NumberedLines(file, start, end, first_line)
        reader = csv.reader(
            lines,
            delimiter=delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            strict=True,
        )
        number = 0
        while True:
            lines.buffer.clear()
            fault, cells = None, []
            first = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fault = str(error)
            if not cells and fault is None:
                continue
            number += 1
            yield Record(number, first, "".join(lines.buffer).rstrip("\r\n"), cells, fault)
