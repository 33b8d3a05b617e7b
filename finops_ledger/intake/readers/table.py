"""Records that a reader has cut into cells itself, kept as a Parquet file of text columns.

The columns are ``c0 … cn`` and ``line``: the place of the record as a person would look it up (row
of the sheet, line of the text, number of the element). From there on every kind of file is read by
the same plan as delimited text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finops_ledger.core.errors import Problem
from finops_ledger.intake.source import Numbered, Source
from finops_ledger.intake.times import text

CHUNK = 20_000
LISTED = 1000
TRIMMED = " \t"  #: what ``trim`` takes off a cell

Cells = Sequence[str | None]


@dataclass
class TableSource(Source):
    """Records in a Parquet file; ``broken`` are those that could not be cut into cells."""

    parquet: Path = Path()
    rows: int = 0
    broken: int = 0
    problems: tuple[Problem, ...] = ()

    def scan(self) -> str:
        """Return SQL of the records."""
        return f"SELECT * EXCLUDE (line) FROM read_parquet({text(str(self.parquet))})"

    def count(self) -> int | None:
        """Return the records that the reader met, broken ones too."""
        return self.rows + self.broken

    def numbered(self, connection: duckdb.DuckDBPyConnection) -> Numbered:
        """Return the records with their places."""
        records = (
            "SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS rec "
            f"FROM read_parquet({text(str(self.parquet))}, file_row_number = true)"
        )
        return Numbered(records, self.rows + self.broken, self.broken, self.problems)

    def lines_of(self, records: Collection[int]) -> dict[int, int]:
        """Return the places of some records."""
        lines = pq.read_table(self.parquet, columns=["line"])["line"]
        wanted = [r for r in records if 1 <= r <= len(lines)]
        found = pc.take(lines, pa.array([r - 1 for r in wanted], pa.int64())).to_pylist()
        return dict(zip(wanted, found, strict=True))

    def record(self, number: int) -> tuple[int, str]:
        """Return the place of a record, and its cells joined by tabs."""
        if not 1 <= number <= self.rows:
            raise IndexError(f"{self.name} has no record {number}")
        row = pq.read_table(self.parquet).slice(number - 1, 1).to_pylist()[0]
        line = row.pop("line")
        return line, "\t".join(v or "" for v in row.values())


class TableWriter:
    """Write records in batches of columns; an empty cell becomes NULL."""

    def __init__(self, path: Path, width: int) -> None:
        self.path, self.width, self.rows = path, width, 0
        self._schema = pa.schema(
            [*(pa.field(f"c{i}", pa.string()) for i in range(width)), pa.field("line", pa.int64())]
        )
        # Read once and thrown away: looking for values that come again costs more than it saves.
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="snappy", use_dictionary=False, write_statistics=False
        )

    def write(self, lines: Sequence[int], columns: Sequence[Sequence[str | None]]) -> None:
        """Write one batch: the places of its records, and its columns, all of one length."""
        arrays = [pa.array([v or None for v in c], pa.string()) for c in columns]
        self.write_arrays(lines, arrays)

    def write_arrays(self, lines: Sequence[int] | pa.Array, arrays: Sequence[pa.Array]) -> None:
        """Write one batch of text arrays whose empty cells are null already."""
        places = lines if isinstance(lines, pa.Array) else pa.array(lines, pa.int64())
        self._writer.write_table(pa.Table.from_arrays([*arrays, places], schema=self._schema))
        self.rows += len(lines)

    def write_rows(self, rows: Iterable[tuple[int, Cells]]) -> None:
        """Write records that come one by one."""
        iterator: Iterator[tuple[int, Cells]] = iter(rows)
        while chunk := list(islice(iterator, CHUNK)):
            lines = [line for line, _ in chunk]
            columns = list(zip(*(cells for _, cells in chunk), strict=True)) if self.width else []
            self.write(lines, columns)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
