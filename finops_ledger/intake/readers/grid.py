"""Lines of cells: where the header stands, which lines are records, which are titles and footers.

The same rules as for delimited text (:mod:`finops_ledger.intake.layout`), for files whose lines
come as cells already: workbooks, fixed-width text, text of several line types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake import raw
from finops_ledger.intake.layout import header_faults
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.table import LISTED, Cells, TableSource, TableWriter
from finops_ledger.intake.source import Note
from finops_ledger.intake.spec_file import FileSpec

GridLine = tuple[int, Cells]  #: place (from 1) and cells of one line

_BLANKS = re.compile(r"\s+")


def column_names(lines: Sequence[Cells]) -> list[str]:
    """Return one name a column of a header of one or more lines.

    Blanks are trimmed and runs of them made one. In a header of several lines a group stands over
    all columns until the next group, and a name is ``group / column`` (parts that are empty, or say
    the same as the part above, are left out). A name met again is ``name (2)``.
    """
    width = max((len(line) for line in lines), default=0)
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, line in enumerate(lines):
        last = depth == len(lines) - 1
        held = ""
        for at in range(width):
            cell = _BLANKS.sub(" ", (line[at] if at < len(line) else None) or "").strip()
            held = cell or ("" if last else held)
            if held and (not parts[at] or parts[at][-1] != held):
                parts[at].append(held)
    seen: dict[str, int] = {}
    names = []
    for part in parts:
        name = " / ".join(part)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})".strip())
    return names


@dataclass
class Parts:
    """Names of the columns, the header as it stands, and the lines that are no records."""

    names: list[str]
    header: tuple[Cells, ...]
    titles: list[Note] = field(default_factory=list)
    others: list[Note] = field(default_factory=list)


def note(line: int, cells: Cells) -> Note:
    """Return a line that is no record."""
    texts = tuple(c or "" for c in cells)
    return Note("\t".join(texts), texts, line)


def read_grid(
    lines: Iterable[GridLine], file: FileSpec, name: str, folder: Path, limits: Limits
) -> TableSource:
    """Find header and records among lines of cells and write the records to a table.

    Lines without any filled cell are skipped; every other line is a title, the header, a record, a
    footer, or a line of a declared other type.

    Raises:
        InputRefused: no such header, too many columns.
    """
    iterator = iter(lines)
    parts = find_head(iterator, file, name, limits)
    width = len(parts.names)
    writer = TableWriter(folder / "table.parquet", width)
    broken: list[Problem] = []
    count = [0]
    try:
        writer.write_rows(_records(iterator, file, parts, name, broken, count))
    finally:
        writer.close()
    known = file.columns()
    columns = {n: i for i, n in enumerate(parts.names) if n in known}
    return TableSource(
        name,
        folder,
        columns,
        width,
        (*parts.titles, *parts.others),
        parquet=writer.path,
        rows=writer.rows,
        broken=count[0],
        problems=tuple(broken),
    )


def _filled(cells: Cells) -> bool:
    return any(c is not None and c.strip() for c in cells)


def find_head(lines: Iterator[GridLine], file: FileSpec, name: str, limits: Limits) -> Parts:
    """Take lines up to and with the header; raise InputRefused when it is not there."""
    if not file.header_row:
        return _headless(lines, file)
    window: list[GridLine] = []
    best: list[Problem] | None = None
    shared_most = -1
    reach = max(file.header_within, file.skip_lines + 1) + file.header_lines - 1
    typed = file.lines.header if file.lines else None
    for place, cells in lines:
        if len(cells) > limits.max_columns:
            raise raw.refuse(
                name, "too-many-columns", f"{len(cells)} columns", place,
                expected=f"at most {limits.max_columns}",
            )  # fmt: skip
        window.append((place, cells))
        if typed is not None:
            assert file.lines is not None
            if _type_of(cells, file) != typed:
                if len(window) > limits.max_columns:
                    break
                continue
        elif len(window) <= file.skip_lines + file.header_lines - 1:
            continue
        head = [c for _, c in window[-file.header_lines :]]
        names = column_names(head)
        while names and not names[-1] and not file.by_name and names[-1] not in file.header:
            names.pop()
        faults = header_faults([n for n in names if n or n in file.header], file, name, place)
        if not faults:
            titles = [note(p, c) for p, c in window[: -file.header_lines] if _filled(c)]
            return Parts(names, tuple(head), titles)
        shared = len(set(names) & set(file.header))
        if shared > shared_most:
            best, shared_most = faults, shared
        if typed is None and len(window) >= reach:
            break
    if best is None:
        best = [
            Problem(
                "header-missing", "the file ends before its header", name,
                window[-1][0] if window else None, expected=" | ".join(file.header),
            )
        ]  # fmt: skip
    raise InputRefused(name, best[:LISTED], len(best))


def _headless(lines: Iterator[GridLine], file: FileSpec) -> Parts:
    titles = []
    for _ in range(file.skip_lines):
        if (found := next(lines, None)) is not None and _filled(found[1]):
            titles.append(note(*found))
    return Parts(list(file.columns()), (), titles)


def _type_of(cells: Cells, file: FileSpec) -> str:
    assert file.lines is not None
    at = file.lines.cell
    return ((cells[at] if at < len(cells) else None) or "").strip()


def _records(
    lines: Iterator[GridLine],
    file: FileSpec,
    parts: Parts,
    name: str,
    broken: list[Problem],
    count: list[int],
) -> Iterator[GridLine]:
    """Yield records of the header's width; collect the other lines and what is broken."""
    width, held = len(parts.names), list[GridLine]()
    for place, cells in lines:
        if not _filled(cells):
            continue
        if file.repeated_header and parts.header and _same(cells, parts.header[-1]):
            continue
        kind = _kind(cells, file)
        if kind == "other":
            parts.others.append(note(place, cells))
            continue
        if kind == "unknown":
            _break(broken, count, Problem(
                "line-unknown", "the format does not say what lines of this type are", name,
                place, None, _type_of(cells, file)[:200], "a type named in [file.lines]",
            ))  # fmt: skip
            continue
        # A line that may be a footer is held back until a record follows it.
        if file.footer and is_footer(cells, file):
            held.append((place, cells))
            continue
        for earlier in held:
            yield from _fitted(*earlier, width, file, name, broken, count)
        held.clear()
        yield from _fitted(place, cells, width, file, name, broken, count)
    parts.others += [note(*line) for line in held]


def _fitted(
    place: int,
    cells: Cells,
    width: int,
    file: FileSpec,
    name: str,
    broken: list[Problem],
    count: list[int],
) -> Iterator[GridLine]:
    if len(cells) == width:
        yield place, cells
        return
    surplus = cells[width:]
    if len(cells) > width and not any(surplus):
        yield place, cells[:width]
    elif len(cells) < width and (file.ragged or file.kind != "csv"):
        yield place, [*cells, *([None] * (width - len(cells)))]
    else:
        shown = "\t".join(c or "" for c in cells)[:200]
        _break(broken, count, Problem(
            "cell-count", f"{len(cells)} cells", name, place, None, shown, f"{width} cells"
        ))  # fmt: skip


def _break(broken: list[Problem], count: list[int], problem: Problem) -> None:
    count[0] += 1
    if len(broken) < LISTED:
        broken.append(problem)


def _same(cells: Cells, header: Cells) -> bool:
    def bare(line: Cells) -> list[str]:
        return [c.strip() for c in line if c and c.strip()]

    return bare(cells) == bare(header)


def _kind(cells: Cells, file: FileSpec) -> str:
    if file.lines is None:
        return "record"
    found = _type_of(cells, file)
    if found in file.lines.other or (file.lines.header and found == file.lines.header):
        return "other"
    if not file.lines.record or found in file.lines.record:
        return "record"
    return "unknown"


def is_footer(cells: Cells, file: FileSpec) -> bool:
    """Say whether a line is one of the declared footers."""
    line = "\t".join(c or "" for c in cells)
    return any(re.search(p, line) for p in file.footer)


__all__ = ["GridLine", "column_names", "find_head", "is_footer", "note", "read_grid"]
