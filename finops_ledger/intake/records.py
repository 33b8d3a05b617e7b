"""Delimited text cut into records and cells one by one: slow, exact, with physical lines.

This is the way of files with faults, of ``explain``, and of text that is no plain table; a sound
plain file never comes here. It cuts as the engine does, so that both ways give the same cells:
quotes count only around a whole cell (one blank before, and any behind, are left out), are doubled within, and may
hold line ends. Lines end with LF, CR LF or CR.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from finops_ledger.intake.limits import Limits
from finops_ledger.intake.raw import refuse

CHUNK = 1 << 20
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it starts, its text, its cells or what is wrong."""

    number: int
    line: int
    text: str
    cells: list[str]
    fault: str | None = None


def physical_lines(
    path: Path, name: str, start: int, end: int, first_line: int, limit: int
) -> Iterator[tuple[int, str]]:
    """Yield the lines between two offsets of a UTF-8 file with number and line end.

    Raises:
        InputRefused: a line is longer than ``limit`` bytes; it is never held whole.
    """
    number, rest, left = first_line, b"", end - start
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            lines = (rest + chunk).splitlines(keepends=True)
            # The last one may go on, or be the first half of CR LF.
            rest = lines.pop() if left > 0 else b""
            for line in lines:
                if len(line) > limit:
                    raise _too_long(name, number, limit)
                yield number, line.decode("utf-8", errors="replace")
                number += 1
            if len(rest) > limit:
                raise _too_long(name, number, limit)
    if rest:
        yield number, rest.decode("utf-8", errors="replace")


def _too_long(name: str, line: int, limit: int) -> Exception:
    return refuse(
        name, "record-too-long", f"more than {limit:,} bytes without an end", line,
        expected="lines of records",
    )  # fmt: skip


def records(
    path: Path,
    name: str,
    span: tuple[int, int],
    first_line: int,
    delimiter: str,
    quote: str,
    limits: Limits,
) -> Iterator[Record]:
    """Cut a part of a UTF-8 file (offsets ``span``) into records.

    Lines without any filled cell are no records. Where quotes are broken, every line that they took
    in is a broken record of its own: none of them is lost, and none is guessed at.

    Raises:
        InputRefused: a line, or a cell whose quote is not closed, is longer than the limit.
    """
    limit, number = limits.max_record_bytes, 0
    lines = physical_lines(path, name, *span, first_line, limit)
    for line, text in lines:
        if line == first_line and span[0] == 0:
            text = text.removeprefix("\ufeff")
        taken, size, cutter = [(line, text)], len(text), _Cutter(delimiter, quote)
        fault = cutter.take(text)
        while cutter.open is not None and fault is None:
            following = next(lines, None)
            if following is None:
                fault = "a quote opens here and is never closed"
                break
            taken.append(following)
            size += len(following[1])
            if size > limit:
                raise refuse(
                    name, "csv-quote", f"a quote opens here and is not closed within {limit:,} bytes",
                    line, value=text[:200].rstrip("\r\n"), expected="quotes around whole cells",
                )  # fmt: skip
            fault = cutter.take(following[1])
        if fault is not None:
            for at, part in taken:
                if part.strip():
                    number += 1
                    told = fault if at == line else f"within the broken quotes of line {line}"
                    yield Record(number, at, part.rstrip("\r\n"), [], told)
        elif any(cutter.cells):
            number += 1
            yield Record(number, line, "".join(t for _, t in taken).rstrip("\r\n"), cutter.cells)


def cells_of(line: str, delimiter: str, quote: str) -> list[str]:
    """Cut one line into cells; [] when its quotes are broken."""
    cutter = _Cutter(delimiter, quote)
    fault = cutter.take(line)
    return [] if fault is not None or cutter.open is not None else cutter.cells


class _Cutter:
    """Cuts one record, line by line; ``open`` holds the parts of a cell whose quote is open."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self.delimiter, self.quote = delimiter, quote
        self.cells: list[str] = []
        self.open: list[str] | None = None

    def take(self, text: str) -> str | None:
        """Take a line with its end; return what is wrong with it."""
        bare = text.rstrip("\r\n")
        if self.open is None and (not self.quote or self.quote not in bare):
            self.cells += bare.split(self.delimiter)
            return None
        opening, body = _patterns(self.delimiter, self.quote)
        at = 0
        while True:
            if self.open is None:
                found = opening.match(bare, at)
                if found is None:
                    stop = bare.find(self.delimiter, at)
                    stop = len(bare) if stop < 0 else stop
                    self.cells.append(bare[at:stop])
                    if stop == len(bare):
                        return None
                    at = stop + 1
                    continue
                self.open, at = [], found.end()
            inside = body.match(text, at)
            assert inside is not None
            self.open.append(inside.group())
            stop = inside.end()
            if stop == len(text):
                return None
            self.cells.append("".join(self.open).replace(self.quote * 2, self.quote))
            self.open = None
            stop += 1
            while self.delimiter != " " and bare[stop : stop + 1] == " ":
                stop += 1
            if stop >= len(bare):
                return None
            if bare[stop] != self.delimiter:
                return "text behind a closing quote"
            at = stop + 1


@cache
def _patterns(delimiter: str, quote: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of an opening quote, and of what stands up to the closing one."""
    mark = re.escape(quote)
    opening = re.compile(mark if delimiter == " " else f" ?{mark}")
    return opening, re.compile(f"[^{mark}]*(?:{mark}{mark}[^{mark}]*)*")
