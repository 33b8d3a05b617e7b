"""One file made readable: in UTF-8, its parts found, its bytes checked, its records counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from finops_ledger.intake import raw
from finops_ledger.intake.layout import Layout, find_layout, split_line
from finops_ledger.intake.spec import FileSpec, Format
from finops_ledger.intake.times import text


@dataclass(frozen=True)
class Source:
    """A file whose parts were found. ``path`` is UTF-8, perhaps a copy."""

    name: str  #: the file's own name, for messages
    path: Path
    folder: Path  #: for temporary files; gone when the source closes
    file: FileSpec
    layout: Layout

    def count(self) -> raw.Counted:
        """Check every byte of the file and count its records; see :func:`.raw.scan`."""
        at = self.layout
        encoding = self.file.encoding if raw.is_utf8(self.file.encoding) else "utf-8"
        return raw.scan(self.path, encoding, at.start, at.end, self.file.quote, self.name)

    def records(self) -> Iterator[raw.Record]:
        """Parse record by record: slow, exact, with physical lines."""
        at = self.layout
        return raw.records(
            self.path, at.start, at.end, at.skip + 1, self.file.delimiter, self.file.quote
        )

    def scan(self) -> str:
        """Return SQL that reads the records as ``c0 … cn``, title, header and footers left out.

        Footers of full width are filtered by their own cells (a record that looks the same would
        be missed in the count); other layouts are cut to a copy of the records alone.
        """
        at, file = self.layout, self.file
        footers = [split_line(f, file) for f in at.footers]
        direct = at.plain_head and all(len(f) == at.width for f in footers)
        if direct:
            tests = [
                "NOT ("
                + " AND ".join(
                    f"c{i} IS NOT DISTINCT FROM {text(v) if v else 'NULL'}"
                    for i, v in enumerate(cells)
                )
                + ")"
                for cells in footers
            ]
            where = f" WHERE {' AND '.join(tests)}" if tests else ""
            return f"SELECT * FROM {read_csv(self.path, file, at.width, at.skip)}{where}"
        copy = self.folder / "records.csv"
        if not copy.exists():
            raw.copy_part(self.path, at.start, at.end, copy)
        return f"SELECT * FROM {read_csv(copy, file, at.width, 0)}"


def read_csv(path: Path, file: FileSpec, width: int, skip: int, more: tuple[str, ...] = ()) -> str:
    """Return DuckDB's ``read_csv`` with everything declared and nothing detected."""
    names = [*(f"c{i}" for i in range(width)), *more]
    columns = ", ".join(f"'{n}': 'VARCHAR'" for n in names)
    return (
        f"read_csv({text(str(path))}, auto_detect=false, header=false, skip={skip}, "
        f"delim={text(file.delimiter)}, quote={text(file.quote)}, escape={text(file.quote)}, "
        f"columns={{{columns}}}, strict_mode=true, null_padding=false, ignore_errors=false, "
        "compression='none')"
    )


@contextmanager
def opened(path: Path, fmt: Format, folder: Path | None = None) -> Iterator[Source]:
    """Check the start of ``path`` and find its parts; temporary copies lie below ``folder``.

    Every byte is checked by :meth:`Source.count`, which can run beside the reading.

    Raises:
        InputRefused: empty, another encoding, wrong title or header.
    """
    file = fmt.file
    raw.check_start(path, file.encoding)
    with TemporaryDirectory(prefix=".intake-", dir=folder) as name:
        below, readable = Path(name), path
        if not raw.is_utf8(file.encoding):
            readable = below / "utf8"
            raw.transcode(path, file.encoding, readable)
        layout = find_layout(readable, file, path.name)
        yield Source(path.name, readable, below, file, layout)
