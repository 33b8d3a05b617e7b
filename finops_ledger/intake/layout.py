"""Where things stand in a CSV file: title lines, header, records, footers.

The header is compared by us; the engine that reads the records never sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem, shown
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.records import cells_of
from finops_ledger.intake.spec_file import FileSpec

HEAD = 1 << 18
_SHOWN = 200
_DELIMITERS = frozenset(",;\t|")

#: The first line by which a spreadsheet is told the delimiter.
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_AGAIN = re.compile(r"(.*) \(\d+\)")
_BLANKS = re.compile(r"\s+")


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
    plain_head: bool  #: an engine can skip the lines before the records
    plain_end: bool  #: an engine can read to the end: nothing but footers and empty lines follows


def split_line(line: str, file: FileSpec) -> list[str]:
    """Split one line into cells by the format's dialect; [] when it cannot be split."""
    return cells_of(line, file.delimiter, file.quote)


def header_name(text: str) -> str:
    """Return a column's name without blanks around it, and one blank for each run within."""
    return _BLANKS.sub(" ", text).strip()


def header_cells(cells: Sequence[str], file: FileSpec) -> list[str]:
    """Return the names of a header line, one for each column of a record.

    Delimiters behind the last name are no columns, unless the format names them ``""``; columns
    that the format names ``""`` at the end may have no delimiter in the header. A name met again is
    ``name (2)`` where the format calls it so.
    """
    names = [header_name(c) for c in cells]
    declared = [header_name(c) for c in file.header]
    if not (file.by_name and file.extra_columns == "ignore") and "" not in declared:
        while len(names) > 1 and not names[-1]:
            names.pop()
    if not file.by_name and len(names) < len(declared) and not any(declared[len(names) :]):
        names += declared[len(names) :]
    found, seen = [], dict[str, int]()
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        again = f"{name} ({seen[name]})"
        named = again in declared or again in file.optional
        found.append(again if seen[name] > 1 and named else name)
    return found


def is_separator_line(text: str, file: FileSpec, name: str) -> bool:
    """Say whether a first line is a spreadsheet's ``sep=;``; refuse another delimiter than ours."""
    found = _SEPARATOR.fullmatch(text.rstrip("\r\n"))
    if found is None:
        return False
    if found[1] != file.delimiter:
        raise raw.refuse(
            name, "delimiter-wrong", "the first line names another delimiter", 1,
            value=text.strip(), expected=f"sep={file.delimiter}",
        )  # fmt: skip
    return True


def check_first_line(text: str, file: FileSpec, name: str) -> None:
    """Refuse a file whose first line is none of those that the format declares."""
    if file.first_line and not any(re.match(p, text) for p in file.first_line):
        raise raw.refuse(
            name, "title-wrong", "the first line is another", 1,
            value=text.rstrip("\r\n")[:200],
            expected="a line that matches " + " or ".join(file.first_line),
        )  # fmt: skip


def check_columns(count: int, name: str, line: int, limits: Limits) -> None:
    """Refuse a header wider than the limit."""
    if count > limits.max_columns:
        raise raw.refuse(
            name, "too-many-columns", f"{count:,} columns", line,
            expected=f"at most {limits.max_columns:,}",
        )  # fmt: skip


def columns_of(names: Sequence[str], file: FileSpec) -> dict[str, int]:
    """Return the positions of the format's columns in a header, each under the format's own name."""
    known = {header_name(n): n for n in file.columns()}
    places: dict[str, int] = {}
    for at, name in enumerate(names):
        own = known.get(header_name(file.canonical(header_name(name))))
        if own is not None:
            places.setdefault(own, at)
    return places


def header_faults(found: Sequence[str], file: FileSpec, name: str, line: int) -> list[Problem]:
    """Compare a header with the declared one; return every difference.

    Blanks around names do not count, and a column may have any of its aliases.
    """
    text = file.delimiter.join(found)[:_SHOWN]
    expected = file.delimiter.join(file.header)[:_SHOWN]
    header = [header_name(c) for c in file.header]
    optional = [header_name(c) for c in file.optional]
    found = [header_name(file.canonical(header_name(c))) for c in found]
    double = sorted({c for c in found if found.count(c) > 1 and (c or not file.by_name)})
    # A reader of cells calls the second column of one name "name (2)".
    known_again = [
        c for c in found if c not in header and (m := _AGAIN.fullmatch(c)) and m[1] in header
    ]
    double += [c for c in known_again if c not in optional]
    problems = [
        Problem(
            "header-duplicate", f"column {_bare(c, found)!r} stands more than once", name, line,
            _bare(c, found), text, "each column once",
        )
        for c in double
    ]  # fmt: skip
    missing = [c for c in header if c not in found]
    extra = [c for c in found if c not in header and c not in optional]
    problems += [
        Problem("header-missing", f"no column {c!r}", name, line, c, text, expected)
        for c in missing
        if c not in optional
    ]
    problems += [
        Problem("header-extra", f"unknown column {c!r}", name, line, c, text, expected)
        for c in extra
        if file.extra_columns == "refuse"
        or shown(c) != c  # looks like a name that it is not
        or any(re.search(p, c) for p in file.extra_refused)
    ]
    known = [c for c in found if c in header]
    if not file.by_name and not problems and known != header:
        problems.append(
            Problem(
                "header-order", "the columns stand in another order", name, line, None, text,
                expected,
            )
        )  # fmt: skip
    return problems


def _bare(column: str, found: Sequence[str]) -> str:
    """Return a column's name as the file has it: without the number that tells it from its double."""
    again = _AGAIN.fullmatch(column)
    return again[1] if again and again[1] in found else column


def shared_names(found: Iterable[str], file: FileSpec) -> int:
    """Count the declared columns that a line has: the nearest line is the one to complain of."""
    return len(columns_of([*found], file))


def _head_lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        head = file.read(HEAD)
    lines = head.splitlines(keepends=True)
    if len(head) == HEAD and len(lines) > 1:
        lines.pop()
    return lines


def _text(line: bytes, number: int) -> str:
    text = line.decode("utf-8", errors="replace")
    return text.removeprefix("\ufeff") if number == 0 else text


def _said(text: str, file: FileSpec) -> bool:
    return bool(text.strip().strip(f"{file.delimiter}{file.quote} "))


def find_layout(path: Path, file: FileSpec, name: str, limits: Limits | None = None) -> Layout:
    """Find the parts of a UTF-8 file; raise :class:`InputRefused` when they are not as declared.

    ``name`` is the file's name in messages (``path`` may be a transcoded copy).
    """
    lines = _head_lines(path)
    texts = [_text(line, i) for i, line in enumerate(lines)]
    first = 1 if texts and is_separator_line(texts[0], file, name) else 0
    # Lines count as they stand, blank ones too, from the first that is filled.
    first = next((i for i, t in enumerate(texts) if i >= first and _said(t, file)), first)
    check_first_line(texts[first] if first < len(texts) else "", file, name)
    at, cells = _find_header(texts, first, file, name, limits or Limits())
    skip = at + 1 if file.header_row else at
    start = sum(len(line) for line in lines[:skip])
    if skip == 0 and lines and lines[0].startswith(b"\xef\xbb\xbf"):
        start = 3
    end, footers, plain_end = _footers(path, start, file, len(cells))
    titles = tuple(t.rstrip("\r\n") for t in texts[first:at])
    quote = file.quote
    ends = {line[len(line.rstrip(b"\r\n")) :][:1] for line in lines[:skip]}
    plain = (not quote or all(quote not in t for t in texts[:at])) and not (
        b"\r" in ends and b"\n" in ends
    )
    plain = plain and (not quote or "".join(texts[at:skip]).count(quote) % 2 == 0)
    columns = columns_of(cells, file)
    return Layout(columns, len(cells), titles, skip, start, end, footers, plain, plain_end)


def _find_header(
    texts: list[str], title: int, file: FileSpec, name: str, limits: Limits
) -> tuple[int, list[str]]:
    first = title + file.skip_lines
    if not file.header_row:
        return first, list(file.header)
    best: list[Problem] | None = None
    best_shared = -1
    for at in range(first, max(file.header_within + title, first + 1)):
        if at >= len(texts):
            break
        cells = split_line(texts[at], file)
        check_columns(len(cells), name, at + 1, limits)
        cells = header_cells(cells, file)
        faults = header_faults(cells, file, name, at + 1)
        if not faults:
            return at, cells
        shared = shared_names(cells, file)
        if shared > best_shared:
            best, best_shared = faults, shared
        if shared == 0 and (other := _other_delimiter(texts[at], file, name, at + 1)):
            best, best_shared = [other], len(file.header)
    if best is None:
        best = [
            Problem(
                "header-missing", "the file ends before its header", name, len(texts),
                expected=file.delimiter.join(file.header),
            )
        ]  # fmt: skip
    raise InputRefused(name, best[:1000], len(best))


def _other_delimiter(line: str, file: FileSpec, name: str, number: int) -> Problem | None:
    """Return the problem of a line that would be the header, were it divided otherwise."""
    for mark in _DELIMITERS - {file.delimiter}:
        cells = header_cells(cells_of(line, mark, file.quote), file)
        if not header_faults(cells, file, name, number):
            return Problem(
                "delimiter-wrong", f"the header is divided by {mark!r}", name, number, None,
                line.rstrip("\r\n")[:_SHOWN], f"cells divided by {file.delimiter!r}",
            )  # fmt: skip
    return None


def _footers(
    path: Path, start: int, file: FileSpec, width: int
) -> tuple[int, tuple[str, ...], bool]:
    """Return offset behind the last record, footer lines, whether an engine can read over them.

    Blank lines at the end are dropped, also those that are delimiters alone, and a Ctrl-Z.
    """
    end = raw.text_end(path)
    found: list[str] = []
    plain = end == path.stat().st_size
    for offset, line in reversed(raw.tail_lines(path, end)):
        if offset < start:
            break
        text = line.decode("utf-8", errors="replace").rstrip("\r\n")
        cells = split_line(text, file)
        blank = not text or (bool(cells) and not any(c.strip() for c in cells))
        if not blank and not any(re.search(p, text) for p in file.footer):
            break
        end = offset
        if not blank:
            found.append(text)
            plain = plain and len(cells) == width
        elif text:
            plain = False
    return end, tuple(reversed(found)), plain
