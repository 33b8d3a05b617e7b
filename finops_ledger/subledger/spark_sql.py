"""SQL text in DuckDB's words, said in Spark's.

What the two call differently is renamed; what Spark has not, or would read as something else, is refused here. Texts
are few and small: registers of files, counts, choices by a literal. Everything larger is an expression
(:mod:`.compiled`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlglot
from sqlglot import exp

#: DuckDB's function, and what gives the same in Spark.
_RENAMED: Final = {
    # Only ever compared with itself, within one engine: the values need not be the same.
    "HASH": "xxhash64",
    "EPOCH_US": "unix_micros",
    "LIST_VALUE": "array",
}
#: What sqlglot translates by leaving out what matters: the order of a list, of a first and a last value.
_ORDERED: Final = (exp.ArrayAgg, exp.First, exp.Last, exp.GroupConcat)


class NotForSpark(ValueError):
    """A text says something that Spark cannot, or would do otherwise."""


@dataclass(frozen=True)
class Files:
    """Parquet files read by a text: which, and the columns that tell row and file, as the text calls them."""

    paths: tuple[str, ...]
    position: bool = False
    filename: bool = False
    by_name: bool = False


def translate(text: str, table_of: Callable[[Files], str]) -> str:
    """Return a text in Spark's words; ``table_of`` names the table that stands for Parquet files.

    Raises:
        NotForSpark: the text says something that has no equal in Spark.
    """
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
        for node in list(tree.find_all(exp.Table)):
            if isinstance(node.this, exp.ReadParquet):
                name = exp.to_identifier(table_of(_files(node.this)), quoted=True)
                node.set("this", name)
        tree = tree.transform(_in_spark)
        return tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (sqlglot.ParseError, sqlglot.UnsupportedError) as error:
        raise NotForSpark(f"{error}: {text}") from error


def _files(call: exp.ReadParquet) -> Files:
    first, *options = call.expressions
    paths = first.expressions if isinstance(first, exp.Array) else [first]
    told = {o.this.name.lower(): o.expression.this is True for o in options}
    unknown = set(told) - {"file_row_number", "hive_partitioning", "filename", "union_by_name"}
    if unknown or told.get("hive_partitioning"):
        raise NotForSpark(f"read_parquet with {', '.join(sorted(unknown)) or 'hive_partitioning'}")
    return Files(
        tuple(p.name for p in paths),
        bool(told.get("file_row_number")),
        bool(told.get("filename")),
        bool(told.get("union_by_name")),
    )


def _in_spark(node: Any) -> Any:
    if isinstance(node, _ORDERED) and node.find(exp.Order):
        raise NotForSpark(f"an aggregate in an order: {node.sql(dialect='duckdb')}")
    if isinstance(node, exp.Star) and node.args.get("replace"):
        raise NotForSpark("select * replace")
    if isinstance(node, exp.Anonymous) and node.name.upper() in _RENAMED:
        return exp.Anonymous(this=_RENAMED[node.name.upper()], expressions=node.expressions)
    return node


def listed(names: Sequence[str]) -> str:
    """Return names of columns as Spark quotes them."""
    return ", ".join(f"`{name}`" for name in names)


__all__ = ["Files", "NotForSpark", "listed", "translate"]
