"""The engine: DuckDB embedded, memory-bounded, reading Parquet files that the manifest names.

Expressions come as queries over named tables, or as SQL text; this module runs them. Results
cross to Python by Arrow, so that a decimal stays a decimal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from finops_ledger.subledger.compiled import Query

_DIGEST_ROWS = 65_536


class Engine:
    """One DuckDB connection with limits; tables are registered under names, then expressions run."""

    def __init__(
        self, *, memory: str = "4GB", threads: int = 0, spill: Path | None = None
    ) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set preserve_insertion_order = true")
        self.connection.execute("set enable_progress_bar = false")
        self.connection.execute(f"set memory_limit = '{memory}'")
        if threads:
            self.connection.execute(f"set threads = {threads}")
        if spill is not None:
            self.connection.execute(f"set temp_directory = '{quote_text(str(spill))}'")

    def close(self) -> None:
        """Close the connection and drop every temporary table."""
        self.connection.close()

    def view(self, name: str, sql: str) -> None:
        """Name a query."""
        self.connection.execute(f'create or replace temp view "{name}" as {sql}')

    def keep(self, name: str, query: Query | str) -> int:
        """Run an expression (or SQL text) into a temporary table; return its row count."""
        self.connection.execute(f'create or replace temp table "{name}" as {sql_of(query)}')
        return self.count(name)

    def count(self, name: str) -> int:
        """Return the number of rows of a named table or view."""
        return int(self.connection.execute(f'select count(*) from "{name}"').fetchall()[0][0])

    def give(self, name: str, table: pa.Table) -> None:
        """Register a small Arrow table under a name (as a temporary table of its own)."""
        self.connection.register("_given", table)
        try:
            self.connection.execute(
                f'create or replace temp table "{name}" as select * from _given'
            )
        finally:
            self.connection.unregister("_given")

    def arrow(self, query: Query | str) -> pa.Table:
        """Run an expression (or SQL text) and return an Arrow table."""
        return self.connection.execute(sql_of(query)).to_arrow_table()

    def rows(self, query: Query | str) -> list[dict[str, Any]]:
        """Run an expression (or SQL text) and return its few rows as dictionaries."""
        cursor = self.connection.execute(sql_of(query))
        names = [c[0] for c in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def write(self, query: Query | str, path: Path) -> None:
        """Run an expression (or SQL text) into one Parquet file, in the query's order."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection.execute(
            f"copy ({sql_of(query)}) to '{quote_text(str(path))}' (format parquet)"
        )


def quote_text(text: str) -> str:
    """Double the quotes of a text that stands inside an SQL literal."""
    return text.replace("'", "''")


def literal(value: object) -> str:
    """Write a Python value as an SQL literal (text, number, day or null)."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    return f"'{quote_text(str(value))}'"


def parquet(files: Sequence[Path], columns: str = "*", *, position: bool = False) -> str:
    """Return SQL that reads the given Parquet files, in the given order."""
    listed = ", ".join(f"'{quote_text(str(f))}'" for f in files)
    option = ", file_row_number = true" if position else ""
    return f"select {columns} from read_parquet([{listed}]{option})"


def sql_of(query: Query | str) -> str:
    """Return the SQL of a query (see :mod:`.compiled`) or of a text."""
    return query if isinstance(query, str) else query.sql()


def empty(schema: Mapping[str, str]) -> str:
    """Return SQL of an empty table with the given column types."""
    columns = ", ".join(f'cast(null as {t}) as "{n}"' for n, t in schema.items())
    return f"select {columns} where false"


def content_digest(path: Path) -> str:
    """Return a digest of a Parquet file's schema, rows and order, whatever bytes hold them.

    DuckDB writes the same rows as different bytes from run to run when it uses several threads; so the
    manifest names a file by what it says. Rows are hashed in blocks of a fixed size, so that row
    groups do not matter.
    """
    digest = hashlib.sha256()
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow.remove_metadata()
        digest.update(str(schema).encode())
        waiting: list[pa.RecordBatch] = []
        held = 0
        for batch in file.iter_batches(batch_size=_DIGEST_ROWS):
            waiting.append(batch)
            held += batch.num_rows
            while held >= _DIGEST_ROWS:
                table = pa.Table.from_batches(waiting, schema=schema).combine_chunks()
                _update(digest, table.slice(0, _DIGEST_ROWS))
                waiting = table.slice(_DIGEST_ROWS).to_batches()
                held -= _DIGEST_ROWS
        if held:
            _update(digest, pa.Table.from_batches(waiting, schema=schema))
    return digest.hexdigest()


def _update(digest: Any, table: pa.Table) -> None:
    """Feed each column's validity and values to the digest, free of how Arrow happens to hold them."""
    digest.update(table.num_rows.to_bytes(8, "big"))
    for column in table.columns:
        array = column.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
        if array.null_count == len(array):
            digest.update(b"null")
            continue
        sink = pa.BufferOutputStream()
        compact = pa.concat_arrays([array])
        if compact.null_count:
            digest.update(compact.is_valid().cast(pa.uint8()).to_numpy().tobytes())
            compact = compact.drop_null()
        block = pa.record_batch([pa.concat_arrays([compact])], names=["c"])
        with pa.ipc.new_stream(sink, block.schema) as stream:
            stream.write_batch(block)
        digest.update(sink.getvalue())
