"""The bytes of a file before anything parses them: encoding, NUL, line ends, counting, cutting.

What DuckDB would take in silence is refused here: it reads NUL as a character, and a Latin-1 file
declared UTF-16 as no rows at all.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finops_ledger.core.errors import InputRefused, Problem

CHUNK = 1 << 22
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY = {
    b"PK\x03\x04": "a workbook (xlsx, ods) or a zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a workbook of old (xls)",
    b"%PDF-": "a PDF",
}
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
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise refuse(
                path.name,
                "nul-byte",
                f"not a text file, but {what}",
                expected=f"text in {encoding}; a format with kind = 'xlsx', 'xls' or 'ods' reads sheets",
            )
    if not encoding.startswith(("utf-16", "utf-32")) and b"\0" in head:
        raise refuse(
            path.name,
            "nul-byte",
            "NUL bytes: not a text file, or one in utf-16",
            1 + _ends(head[: head.index(b"\0")]),
            expected=f"text in {encoding}",
        )


def _same_family(found: str, declared: str) -> bool:
    if found == "utf-8":
        return declared in _UTF8 and declared not in {"ascii", "us-ascii"}
    return declared in (found, found.removesuffix("-le").removesuffix("-be"))


def transcode(path: Path, encoding: str, target: Path) -> None:
    """Write ``path`` to ``target`` in UTF-8; refuse what ``encoding`` cannot decode.

    In a one-byte encoding every byte decodes, right or wrong. So a line beyond ASCII that is valid
    UTF-8 is refused (each accented letter would be wrong), and so are the control characters that
    latin-1 has where cp1252 has quotes, dashes and the euro.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    one_byte = len(bytes(range(256)).decode(encoding, errors="replace")) == 256
    lines = 1
    with path.open("rb") as source, target.open("wb") as out:
        while True:
            chunk = source.read(CHUNK)
            if one_byte and chunk:
                chunk += source.readline(CHUNK)  # whole lines: each is tested by itself
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, errors="replace")
                at = lines + before.count("\n")
                raise _undecodable(path.name, encoding, error, at) from error
            if one_byte and not chunk.isascii():
                _check_one_byte(path.name, encoding, chunk, text, lines)
            if out.tell() == 0:
                text = text.removeprefix("\ufeff")
            out.write(text.encode("utf-8"))
            lines += text.count("\n")
            if not chunk:
                break


_BEYOND_ASCII = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")
_CONTROLS = re.compile("[\x80-\x9f]")


def _check_one_byte(file: str, encoding: str, chunk: bytes, text: str, line: int) -> None:
    """Refuse text whose bytes say that it is in another encoding than the declared one."""
    if control := _CONTROLS.search(text):
        raise refuse(
            file, "encoding-wrong", f"byte 0x{ord(control.group()):02X} is no text in {encoding}",
            line + text.count("\n", 0, control.start()),
            expected=f"text in {encoding}; perhaps the file is in cp1252",
        )  # fmt: skip
    for found in _BEYOND_ASCII.finditer(chunk):
        try:
            shown = found.group().decode("utf-8")
        except UnicodeDecodeError:
            continue
        raise refuse(
            file, "encoding-wrong", "the line is valid UTF-8 beyond ASCII",
            line + chunk.count(b"\n", 0, found.start()), value=shown.strip()[:200],
            expected=f"text in {encoding}",
        )  # fmt: skip


def _undecodable(file: str, encoding: str, error: UnicodeDecodeError, line: int) -> InputRefused:
    byte = error.object[error.start : error.start + 1].hex().upper()
    return refuse(
        file,
        "encoding-wrong",
        f"byte 0x{byte} is not {encoding}",
        line,
        expected=f"text in {encoding}; another encoding must be declared in the format",
    )


def scan(
    path: Path, encoding: str, start: int, end: int, quote: str, name: str, limit: int = 4 << 20
) -> Counted:
    """Check every byte (NUL, UTF-8, lines without an end) and count records between two offsets.

    One pass, bounded memory. Lines end with LF, CR LF or CR. Blank lines count as records here; a
    caller whose reader skips them sees a difference and cuts with :mod:`.records`. A line longer
    than ``limit`` is refused; one that is not twice as long may pass, and the reader refuses it.
    """
    decoder = codecs.getincrementaldecoder("ascii" if "ascii" in encoding else "utf-8")()
    mark = quote.encode() if quote else b""
    position, count, inside, last, pending = 0, 0, False, b"\n", False
    size, since = max(min(CHUNK, limit), 4096), 0
    with path.open("rb") as file:
        while chunk := file.read(size):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)  # CR LF is one end
            if b"\0" in chunk:
                at = position + chunk.index(b"\0")
                raise refuse(name, "nul-byte", "NUL byte in a text file", line_at(path, at))
            if pending or not chunk.isascii():
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    # What the decoder kept of the chunk before stands in front of this one.
                    at = position + len(chunk) - len(error.object) + error.start
                    raise _undecodable(name, encoding, error, line_at(path, at)) from error
                pending = bool(decoder.getstate()[0])
            ended = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            since = since + len(chunk) if ended < 0 else len(chunk) - ended - 1
            if since > limit:
                raise refuse(
                    name, "record-too-long", f"more than {limit:,} bytes without an end",
                    line_at(path, position + len(chunk)), expected="lines of records",
                )  # fmt: skip
            low, high = max(start - position, 0), min(end - position, len(chunk))
            if low < high:
                part = chunk if high - low == len(chunk) else chunk[low:high]
                counted, inside = _line_ends(part, mark, inside)
                count += counted
                last = part[-1:]
            position += len(chunk)
    if pending:
        raise refuse(
            name, "encoding-wrong", "the file ends within a character", line_at(path, position)
        )
    return Counted(count + (last not in {b"\n", b"\r", b""}), exact=not inside)


def line_at(path: Path, offset: int) -> int:
    """Return the line of a byte, from 1. Counted only when there is something to tell of it."""
    line, kept = 1, b""
    with path.open("rb") as file:
        while offset > 0 and (chunk := file.read(min(CHUNK, offset))):
            offset -= len(chunk)
            line += _ends(chunk) - (kept == b"\r" and chunk.startswith(b"\n"))
            kept = chunk[-1:]
    return line


def _ends(part: bytes) -> int:
    """Count line ends; CR alone is one, too."""
    found = int(np.count_nonzero(np.frombuffer(part, dtype=np.uint8) == 10))
    return found + part.count(b"\r") - part.count(b"\r\n") if b"\r" in part else found


def _line_ends(part: bytes, mark: bytes, inside: bool) -> tuple[int, bool]:
    """Count line ends outside quotes; return (count, whether the part ends inside quotes)."""
    if not mark or mark not in part:
        return (0, True) if inside else (_ends(part), False)
    octets = np.frombuffer(part, dtype=np.uint8)
    parity = np.cumsum(octets == mark[0], dtype=np.uint8) & 1
    if inside:
        parity ^= 1
    ends = octets == 10
    if b"\r" in part:
        ends |= (octets == 13) & (np.append(octets[1:], 0) != 10)
    return int(np.count_nonzero(ends & (parity == 0))), bool(parity[-1])


def text_end(path: Path) -> int:
    """Return the offset behind the text: before the Ctrl-Z with which old systems close it.

    It stands on a line of its own or is the very last byte; one before a line end is part of a cell.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - 4096, 0))
        tail = file.read()
    bare = tail.rstrip(b"\r\n\x1a")
    at = tail.find(b"\x1a", len(bare))
    alone = at == 0 or tail[at - 1 : at] in (b"\r", b"\n")
    last = not tail[at:].strip(b"\x1a")
    return size - len(tail) + at if at >= 0 and (alone or last) else size


def tail_lines(path: Path, end: int, limit: int = 1 << 16) -> list[tuple[int, bytes]]:
    """Return the last lines before ``end`` as (offset, bytes with line end), last line last.

    At most ``limit`` bytes are looked at; a line that begins before them is left out.
    """
    base = max(end - limit, 0)
    lines = []
    with path.open("rb") as file:
        file.seek(base)
        offset = base
        for line in file.read(end - base).splitlines(keepends=True):
            lines.append((offset, line))
            offset += len(line)
    return lines if base == 0 else lines[1:]


def copy_part(path: Path, start: int, end: int, target: Path) -> None:
    """Copy the bytes from ``start`` to ``end`` (exclusive) to ``target``."""
    with path.open("rb") as source, target.open("wb") as out:
        source.seek(start)
        left = end - start
        while left > 0 and (chunk := source.read(min(CHUNK, left))):
            out.write(chunk)
            left -= len(chunk)
