"""Where things stand in a CSV file: title lines, header, records, footers.

The header is compared by us; the engine that reads the records never sees it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake import raw
from finops_ledger.intake.spec_file import FileSpec

HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of one file. Offsets are in bytes of the UTF-8 text; lines count from 1."""

    columns: dict[str, int]  #: file column -> position
    width: int  #: cells in a record
    titles: tuple[str, ...]  #: lines before the header
    skip: int  #: physical lines before the first record
    start: int  #: offset of the first record
    end: int  #: offset behind the last record
    footers: tuple[str, ...]  #: lines after the last record, blank ones left out
    plain_head: bool  #: no quote in the title lines, so that an engine can skip them


def split_line(line: str, file: FileSpec) -> list[str]:
    """Split one line into cells by the format's dialect; [] when it cannot be split."""
    try:
        rows = list(
            csv.reader(
                [line.rstrip("\r\n")],
                delimiter=file.delimiter,
                quotechar=file.quote or None,
                quoting=csv.QUOTE_MINIMAL if file.quote else csv.QUOTE_NONE,
            )
        )
    except csv.Error:
        return []
    return rows[0] if rows else []


def _head_lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        head = file.read(HEAD)
    lines = (
        head.splitlines(keepends=True)
        if b"\n" not in head
        else [line + b"\n" for line in head.split(b"\n")]
    )
    if b"\n" in head:
        lines[-1] = lines[-1][:-1]
    if len(head) == HEAD and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line]


def _text(line: bytes, number: int) -> str:
    text = line.decode("utf-8", errors="replace")
    return text.removeprefix("\ufeff") if number == 0 else text


def header_faults(found: Sequence[str], file: FileSpec, name: str, line: int) -> list[Problem]:
    """Compare a header with the declared one; return every difference."""
    double = sorted({c for c in found if found.count(c) > 1 and (c or not file.by_name)})
    problems = [
        Problem("header-duplicate", f"column {c!r} stands {found.count(c)} times", name, line, c)
        for c in double
    ]
    missing = [c for c in file.header if c not in found]
    extra = [c for c in found if c not in file.header and c not in file.optional]
    expected = file.delimiter.join(file.header)
    text = file.delimiter.join(found)
    problems += [
        Problem("header-missing", f"no column {c!r}", name, line, c, text, expected)
        for c in missing
        if c not in file.optional
    ]
    problems += [
        Problem("header-extra", f"unknown column {c!r}", name, line, c, text, expected)
        for c in extra
        if file.extra_columns == "refuse" or any(re.search(p, c) for p in file.extra_refused)
    ]
    known = [c for c in found if c in file.header]
    if not file.by_name and not problems and known != list(file.header):
        problems.append(
            Problem(
                "header-order",
                "the columns stand in another order",
                name,
                line,
                None,
                text,
                expected,
            )
        )
    return problems


def find_layout(path: Path, file: FileSpec, name: str) -> Layout:
    """Find the parts of a UTF-8 file; raise :class:`InputRefused` when they are not as declared.

    ``name`` is the file's name in messages (``path`` may be a transcoded copy).
    """
    lines = _head_lines(path)
    texts = [_text(line, i) for i, line in enumerate(lines)]
    if file.first_line and not re.match(file.first_line, texts[0] if texts else ""):
        raise raw.refuse(
            name,
            "title-wrong",
            "the first line is another",
            1,
            value=(texts[0] if texts else "").rstrip("\r\n")[:200],
            expected=f"a line that matches {file.first_line}",
        )
    at, cells = _find_header(texts, file, name)
    skip = at + 1 if file.header_row else at
    start = sum(len(line) for line in lines[:skip])
    if not file.header_row and skip == 0 and lines and lines[0].startswith(b"\xef\xbb\xbf"):
        start = 3
    end, footers = _footers(path, start, file)
    titles = tuple(t.rstrip("\r\n") for t in texts[:at])
    quote = file.quote
    plain = not quote or (
        all(quote not in t for t in titles) and "".join(texts[at:skip]).count(quote) % 2 == 0
    )
    columns = {c: i for i, c in enumerate(cells) if c in file.header or c in file.optional}
    return Layout(columns, len(cells), titles, skip, start, end, footers, plain)


def _find_header(texts: list[str], file: FileSpec, name: str) -> tuple[int, list[str]]:
    if not file.header_row:
        return file.skip_lines, list(file.header)
    first = file.skip_lines
    candidates = range(first, max(file.header_within, first + 1))
    best: list[Problem] | None = None
    best_shared = -1
    for at in candidates:
        if at >= len(texts):
            break
        cells = split_line(texts[at], file)
        faults = header_faults(cells, file, name, at + 1)
        if not faults:
            return at, cells
        shared = len(set(cells) & set(file.header))
        if shared > best_shared:
            best, best_shared = faults, shared
    if best is None:
        best = [
            Problem(
                "header-missing",
                "the file ends before its header",
                name,
                len(texts),
                expected=file.delimiter.join(file.header),
            )
        ]
    raise InputRefused(name, best[:1000], len(best))


def _footers(path: Path, start: int, file: FileSpec) -> tuple[int, tuple[str, ...]]:
    """Return (offset behind the last record, footer lines); trailing blank lines are dropped."""
    end = path.stat().st_size
    found: list[str] = []
    for offset, line in reversed(raw.tail_lines(path)):
        if offset < start:
            break
        text = line.decode("utf-8", errors="replace").rstrip("\r\n")
        if text and not any(re.search(p, text) for p in file.footer):
            break
        end = offset
        if text:
            found.append(text)
    return end, tuple(reversed(found))
