"""Engines: what runs expressions over Parquet files that the manifest names.

Expressions come as queries over named tables, or as SQL text (in DuckDB's words); an engine runs them. There are
two: DuckDB, embedded (:mod:`.engine_duckdb`), and Spark (:mod:`.engine_spark`). Both run the same steps over the same
files, and give the same rows. Results cross to Python by Arrow, so that a decimal stays a decimal.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from finops_ledger.subledger.compiled import Query

if TYPE_CHECKING:
    from finops_ledger.subledger.engine_duckdb import DuckEngine

T = TypeVar("T")
R = TypeVar("R")
#: A text column of at most so many values is digested by their numbers.
_FEW = 1_000
#: A file of no more rows is digested by one thread: opening it takes longer than reading it.
_SHORT = 20_000
_CODED = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file: an expression (or SQL text) whose rows come in an order, and the columns that give it.

    The expression puts its rows in this order where an engine keeps it on the way (DuckDB); another engine does so
    at the end, by these columns. No two rows are equal in them.
    """

    query: Query | str
    by: tuple[str, ...] = ()


class Engine(ABC):
    """Tables stand under names, then expressions run over them.

    A table is never changed in place: another one is kept under the same name.
    """

    #: Rows of a view over one Parquet file come in the file's order, unasked.
    in_file_order: ClassVar[bool]
    #: What is joined or sorted at a time must fit into a limit of memory, or it is slow.
    bounded: ClassVar[bool]

    @property
    @abstractmethod
    def local(self) -> DuckEngine:
        """DuckDB, in this process: for files of few rows, and for what only DuckDB does (intake)."""

    @property
    def tasks(self) -> int:
        """How many files may be read at a time by other processes than this one; 0 where there are none."""
        return 0

    def spread(self, task: Callable[[T], R], things: Sequence[T]) -> list[R]:
        """Run a task on each thing, in processes where the engine has some; return what they return, in order."""
        return [task(one) for one in things]

    @abstractmethod
    def close(self) -> None:
        """Let go of every named table."""

    @abstractmethod
    def view(self, name: str, query: Query | str) -> None:
        """Name an expression (or SQL text) without running it; it is run at each use."""

    @abstractmethod
    def keep(self, name: str, query: Query | str) -> int:
        """Run an expression (or SQL text) into a temporary table; return its row count.

        The expression may read the table that it replaces.
        """

    @abstractmethod
    def drop(self, name: str) -> None:
        """Let go of a kept table that is no longer needed; nothing if there is none."""

    @abstractmethod
    def count(self, name: str) -> int:
        """Return the number of rows of a named table or view."""

    @abstractmethod
    def give(self, name: str, table: pa.Table) -> None:
        """Put a small Arrow table under a name."""

    @abstractmethod
    def arrow(self, query: Query | str) -> pa.Table:
        """Run an expression (or SQL text) and return an Arrow table."""

    @abstractmethod
    def rows(self, query: Query | str) -> list[dict[str, Any]]:
        """Run an expression (or SQL text) and return its few rows as dictionaries."""

    @abstractmethod
    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Run expressions (or SQL texts) into one Parquet file, one after another; return its rows."""


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


def parquet(
    files: Sequence[Path], columns: str = "*", *, position: bool = False, named: bool = False
) -> str:
    """Return SQL that reads the given Parquet files, in the given order.

    ``position``: with each row's place in its file; ``named``: with its file's name.
    """
    listed = ", ".join(f"'{quote_text(str(f))}'" for f in files)
    option = ", file_row_number = true" if position else ""
    option += ", filename = true" if named else ""
    # The folders (day=...) name what a file is kept under; a column of that name is the row's own.
    option += ", hive_partitioning = false"
    return f"select {columns} from read_parquet([{listed}]{option})"


def sql_of(query: Query | str) -> str:
    """Return the SQL of a query (see :mod:`.compiled`) or of a text."""
    return query if isinstance(query, str) else query.sql()


def empty(schema: Mapping[str, str]) -> str:
    """Return SQL of an empty table with the given column types."""
    columns = ", ".join(f'cast(null as {t}) as "{n}"' for n, t in schema.items())
    return f"select {columns} where false"


def content_digest(path: Path) -> str:
    """Return a digest of a Parquet file's columns, rows and order, whatever bytes hold them.

    DuckDB writes the same rows as different bytes from run to run when it uses several threads; so
    the manifest names a file by what it says. Each column is hashed on its own, several at a time;
    how the file is cut into row groups does not matter.
    """
    with pq.ParquetFile(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
    columns = [[f.name, str(f.type)] for f in schema]  # "not null" is the writer's guess: left out
    digest = hashlib.sha256(json.dumps([columns, metadata.num_rows]).encode())
    for column in _of_columns(path, metadata, len(schema)):
        digest.update(column)
    return digest.hexdigest()


def _of_columns(path: Path, metadata: pq.FileMetaData, count: int) -> Iterable[bytes]:
    """Digest each column; a short file is opened once for all of them, by one thread."""
    if metadata.num_rows <= _SHORT:
        names = [metadata.schema.column(at).name for at in range(count)]
        with (
            pq.ParquetFile(path, metadata=metadata, read_dictionary=names) as coded,
            pq.ParquetFile(path, metadata=metadata) as file,
        ):
            return [_column_digest(coded, file, at) for at in range(count)]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda at: _one_column(path, metadata, at), range(count)))


def _one_column(path: Path, metadata: pq.FileMetaData, at: int) -> bytes:
    """Digest one column of a long file, by a thread of its own."""
    name = metadata.schema.column(at).name
    with (
        pq.ParquetFile(path, metadata=metadata, read_dictionary=[name]) as coded,
        pq.ParquetFile(path, metadata=metadata) as file,
    ):
        return _column_digest(coded, file, at)


def _column_digest(coded: pq.ParquetFile, file: pq.ParquetFile, at: int) -> bytes:
    """Digest one column: which rows have a value, and the values. ``coded`` reads texts as dictionaries."""
    name = file.metadata.schema.column(at).name
    if coded.schema_arrow.field(at).type == _CODED:
        found = _few_values(_chunks(coded, name))
        if found is not None:
            return found
    return _many_values(_chunks(file, name))


def _chunks(file: pq.ParquetFile, name: str) -> Iterator[pa.Array]:
    for group in range(file.metadata.num_row_groups):
        yield from file.read_row_group(group, columns=[name], use_threads=False).column(0).chunks


def _few_values(chunks: Iterator[pa.Array]) -> bytes | None:
    """Digest a text column of few values: each by its number, in order of appearance; else None."""
    codes = hashlib.sha256()
    numbers: dict[str | None, int] = {}
    for chunk in chunks:
        if len(chunk.dictionary) > 64 * _FEW:
            return None
        indices = chunk.indices.fill_null(len(chunk.dictionary))
        values = [*chunk.dictionary.to_pylist(), None]
        number = np.zeros(len(values), "<i2")
        for index in indices.unique().to_pylist():
            number[index] = numbers.setdefault(values[index], len(numbers))
            if len(numbers) > _FEW:
                return None
        codes.update(number[indices.to_numpy()])
    names = hashlib.sha256(json.dumps(list(numbers)).encode())
    return codes.digest() + names.digest()


def _many_values(chunks: Iterator[pa.Array]) -> bytes:
    """Digest a column: runs of rows with and without a value, lengths of texts, the values."""
    present, lengths, values = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    held = 0  # the run of rows with (positive) or without (negative) a value that is not ended yet
    for chunk in chunks:
        runs = _runs(chunk, held)
        if not len(runs):
            continue
        held = int(runs[-1])
        present.update(runs[:-1].tobytes())
        _feed(chunk.drop_null() if chunk.null_count else chunk, lengths, values)
    present.update(np.array([held], "<i8").tobytes())
    return present.digest() + lengths.digest() + values.digest()


def _runs(chunk: pa.Array, held: int) -> npt.NDArray[np.int64]:
    """Runs of rows with (positive) and without (negative) a value, ``held`` before them."""
    size = len(chunk)
    if chunk.null_count in (0, size):
        runs = np.array([-size if chunk.null_count else size], "<i8")
    else:
        valid = chunk.is_valid().to_numpy(zero_copy_only=False)
        edges = np.flatnonzero(valid[1:] != valid[:-1]) + 1
        runs = np.diff(np.concatenate([[0], edges, [size]])).astype("<i8")
        runs[(0 if not valid[0] else 1) :: 2] *= -1
    if not size:
        return np.array([held] if held else [], "<i8")
    if held and (held > 0) == (runs[0] > 0):
        runs[0] += held
        return runs
    return np.concatenate([np.array([held] if held else [], "<i8"), runs])


def _feed(chunk: pa.Array, lengths: Any, values: Any) -> None:
    """Feed the values of an array without nulls."""
    if not len(chunk):
        return
    first, end = chunk.offset, chunk.offset + len(chunk)
    if pa.types.is_string(chunk.type):
        _, places, data = chunk.buffers()
        offsets = np.frombuffer(places, "<i4")[first : end + 1]
        lengths.update(np.diff(offsets))
        if data is not None:
            values.update(memoryview(data)[int(offsets[0]) : int(offsets[-1])])
        return
    if pa.types.is_boolean(chunk.type):
        chunk, first, end = chunk.cast(pa.uint8()), 0, len(chunk)
    width = chunk.type.bit_width // 8
    values.update(memoryview(chunk.buffers()[1])[first * width : end * width])
