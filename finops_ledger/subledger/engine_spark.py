"""Spark: the same steps over the same Parquet files, on one machine or a cluster.

A kept table is computed once and held by the executors (``localCheckpoint``; with ``spark.checkpoint.dir`` in
finops.toml, on shared storage): what reads it never computes it again, so that it is the same rows for every reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from finops_ledger.subledger.compiled import SPARK, Query
from finops_ledger.subledger.engine import Engine, Part, R, T, quote_text
from finops_ledger.subledger.engine_duckdb import DuckEngine
from finops_ledger.subledger.spark_files import Files as Places
from finops_ledger.subledger.spark_session import quiet, session
from finops_ledger.subledger.spark_settings import Settings
from finops_ledger.subledger.spark_sql import Files, translate

#: Functions that expressions call by DuckDB's name, in Spark's words; Spark writes them into the plan.
_FUNCTIONS: Final = ("divide(a bigint, b bigint) returns bigint return a div b",)


class SparkEngine(Engine):
    """One Spark session; views and kept tables stand under names of its own."""

    in_file_order = False
    bounded = False

    def __init__(self, local: DuckEngine, settings: Settings, root: Path = Path()) -> None:
        self._local = local
        self._shared = settings.local or not settings.storage
        self.session = session(settings)
        self._places = Places(self.session, root, settings.storage)
        self._reliable = bool(self.session.conf.get("spark.checkpoint.dir", None))
        self._kept: dict[str, Any] = {}
        self._files: dict[Files, str] = {}
        for function in _FUNCTIONS:
            self.session.sql(f"create or replace temporary function {function}")

    @property
    def local(self) -> DuckEngine:
        """DuckDB in this process."""
        return self._local

    def close(self) -> None:
        """Drop what stands under names; Spark itself ends with the process."""
        for name in list(self._kept):
            self.drop(name)
        for name in self._files.values():
            self.session.catalog.dropTempView(name)
        self._files.clear()

    # --- tables ------------------------------------------------------------------------------------

    def view(self, name: str, query: Query | str) -> None:
        """Name an expression (or SQL text); names in it are those that stand now."""
        self._stand(name, self._frame(query))

    def keep(self, name: str, query: Query | str) -> int:
        """Run an expression (or SQL text) into a table held by the executors; return its row count."""
        frame = self._frame(query)
        # Held by the executors, it is computed as it is counted: one job, not two.
        made = frame.checkpoint() if self._reliable else frame.localCheckpoint(eager=False)
        count = int(made.count())
        # Nothing is planned over what is known to be empty.
        self._stand(name, made if count else made.limit(0))
        return count

    def drop(self, name: str) -> None:
        """Let go of a table; what it held goes when nothing reads it any more."""
        self._kept.pop(name, None)
        self.session.catalog.dropTempView(name)

    def count(self, name: str) -> int:
        """Return the number of rows of a named table or view."""
        return int(self._kept[name].count())

    def give(self, name: str, table: pa.Table) -> None:
        """Put a small Arrow table under a name."""
        with quiet():
            self._stand(name, self.session.createDataFrame(table))

    # --- results -----------------------------------------------------------------------------------

    def arrow(self, query: Query | str) -> pa.Table:
        """Run an expression (or SQL text) and return an Arrow table."""
        with quiet():
            return self._frame(query).toArrow()

    def rows(self, query: Query | str) -> list[dict[str, Any]]:
        """Run an expression (or SQL text) and return its few rows as dictionaries."""
        return list(self.arrow(query).to_pylist())

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Run expressions (or SQL texts) into one Parquet file, one after another; return its rows.

        The executors write each part beside the file, sorted, in pieces that follow one another; DuckDB streams
        them into the one file, as it writes its own.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        pieces: list[Path] = []
        folders = [path.parent / f"{path.name}.part-{number}" for number in range(len(parts))]
        try:
            for part, folder in zip(parts, folders, strict=True):
                # Last, by all means: Spark leaves out a sort below a join.
                frame = self._frame(part.query)
                if part.by:
                    frame = frame.orderBy(*(frame[name].asc_nulls_last() for name in part.by))
                frame.write.parquet(self._places.writing(folder))
                pieces += self._places.written(folder)
            return self._local.write([Part(_read(pieces))], path)
        finally:
            for folder in folders:
                self._places.remove(folder)

    # --- tasks -------------------------------------------------------------------------------------

    @property
    def tasks(self) -> int:
        """How many tasks the executors run at a time; 0 when they do not see the workspace's folder."""
        return int(self.session.sparkContext.defaultParallelism) if self._shared else 0

    def spread(self, task: Callable[[T], R], things: Sequence[T]) -> list[R]:
        """Run a task on each thing, one Spark task each; return what they return, in order.

        The executors need this package, and see the workspace's folder under the same path.
        """
        context = self.session.sparkContext
        return list(context.parallelize(things, len(things)).map(task).collect())

    # --- what queries are made of --------------------------------------------------------------------

    def _frame(self, query: Query | str) -> Any:
        sql = (
            translate(query, self._table, self._columns)
            if isinstance(query, str)
            else query.sql(SPARK)
        )
        return self.session.sql(sql)

    def _stand(self, name: str, frame: Any) -> None:
        frame.createOrReplaceTempView(name)
        self._kept[name] = frame

    def _columns(self, sql: str) -> list[str]:
        """Return the names of the columns of a query, without running it."""
        return list(self.session.sql(sql).columns)

    def _table(self, files: Files) -> str:
        """Return the name of a view over Parquet files, made at first use."""
        if files not in self._files:
            columns = ["*"]
            if files.position:
                columns.append("_metadata.row_index as file_row_number")
            if files.filename:
                columns.append("_metadata.file_path as filename")
            reader = self.session.read.schema(_schema(files.paths[0]))
            frame = reader.parquet(*(self._places.reading(Path(p)) for p in files.paths))
            name = f"files_{len(self._files)}"
            frame.selectExpr(*columns).createOrReplaceTempView(name)
            self._files[files] = name
        return self._files[files]


def _read(parts: list[Path]) -> str:
    listed = ", ".join(f"'{quote_text(str(p))}'" for p in parts)
    return f"select * from read_parquet([{listed}], hive_partitioning = false)"


@lru_cache(maxsize=4096)
def _schema(path: str) -> Any:
    """Return the columns of a Parquet file as Spark types; the file's footer says them, no task is started."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(pq.read_schema(path))
