"""DuckDB embedded: memory-bounded, spilling, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from finops_ledger.subledger.compiled import Query
from finops_ledger.subledger.engine import Engine, Part, quote_text, sql_of


class DuckEngine(Engine):
    """One DuckDB connection with limits; tables stand under names, then expressions run."""

    in_file_order = True
    bounded = True

    def __init__(self, *, memory: str = "3GB", threads: int = 0, spill: Path | None = None) -> None:
        self.connection = duckdb.connect()
        self._kinds: dict[str, str] = {}
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

    @property
    def local(self) -> DuckEngine:
        """Itself."""
        return self

    def view(self, name: str, query: Query | str) -> None:
        """Name an expression (or SQL text); names in it are looked up at each use."""
        self._clear(name, "view")
        self.connection.execute(f'create or replace temp view "{name}" as {sql_of(query)}')

    def keep(self, name: str, query: Query | str) -> int:
        """Run an expression (or SQL text) into a temporary table; return its row count."""
        self._clear(name, "table")
        made = self.connection.execute(
            f'create or replace temp table "{name}" as {sql_of(query)}'
        ).fetchall()
        return int(made[0][0])

    def _clear(self, name: str, kind: str) -> None:
        """Drop what stands under a name if it is of the other kind: it cannot be replaced."""
        before = self._kinds.get(name, kind)
        self._kinds[name] = kind
        if before != kind:
            self.connection.execute(f'drop {before} if exists "{name}"')

    def drop(self, name: str) -> None:
        """Drop a kept table, or a view."""
        kind = self._kinds.pop(name, "table")
        self.connection.execute(f'drop {kind} if exists "{name}"')

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
        return self.connection.sql(sql_of(query)).to_arrow_table()

    def rows(self, query: Query | str) -> list[dict[str, Any]]:
        """Run an expression (or SQL text) and return its few rows as dictionaries."""
        cursor = self.connection.execute(sql_of(query))
        names = [c[0] for c in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Run expressions (or SQL texts) into one Parquet file, one after another; return its rows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        sql = sql_of(parts[0].query)
        if len(parts) > 1:
            sql = " union all ".join(f"select * from ({sql_of(p.query)})" for p in parts)
        done = self.connection.execute(
            f"copy ({sql}) to '{quote_text(str(path))}' (format parquet)"
        ).fetchone()
        return int(done[0]) if done else 0
