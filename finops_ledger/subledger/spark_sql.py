"""SQL text in DuckDB's words, said in Spark's.

What the two call differently is renamed; what Spark has not, or would read as something else, is refused here. Texts
are few and small: registers of files, counts, choices by a literal. Everything larger is an expression
(:mod:`.compiled`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlglot
from sqlglot import exp

from finops_ledger.core.errors import UsageError

#: DuckDB's function, and what gives the same in Spark.
_RENAMED: Final = {
    # Only ever compared with itself, within one engine: the values need not be the same.
    "HASH": "xxhash64",
    "EPOCH_US": "unix_micros",
    "LIST_VALUE": "array",
}
#: What sqlglot translates by leaving out what matters: the order of a list, of a first and a last value.
_ORDERED: Final = (exp.ArrayAgg, exp.First, exp.Last, exp.GroupConcat)
#: Regular expressions that mean the same to DuckDB (RE2) and to Java: plain texts, digits, choices, repetition.
_ALIKE: Final = re.compile(r"\^?(?:[\w /:,=#-]|\\[d.+*?()|]|\((?!\?)|[)|+*?])*", re.ASCII)


class NotForSpark(UsageError):
    """A text says something that Spark cannot, or would do otherwise: it is refused, never run to another result."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f'this cannot run on Spark ({what}); write name = "duckdb" under [engine] in finops.toml'
        )


@dataclass(frozen=True)
class Files:
    """Parquet files read by a text: which, and the columns that tell row and file, as the text calls them."""

    paths: tuple[str, ...]
    position: bool = False
    filename: bool = False
    by_name: bool = False


def translate(
    text: str, table_of: Callable[[Files], str], columns_of: Callable[[str], Sequence[str]]
) -> str:
    """Return a text in Spark's words.

    ``table_of`` names the table that stands for Parquet files; ``columns_of`` names the columns of a query (in
    Spark's words), for ``* replace (…)``, which Spark has not.

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
        for select in reversed(list(tree.find_all(exp.Select))):  # what stands within comes first
            _replace(select, columns_of)
        return _spark(tree)
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
    if isinstance(node, exp.RegexpLike) and not _ALIKE.fullmatch(node.expression.name):
        raise NotForSpark(
            f"the regular expression {node.expression.name!r}: Java may read it otherwise"
        )
    if isinstance(node, exp.Anonymous) and node.name.upper() in _RENAMED:
        return exp.Anonymous(this=_RENAMED[node.name.upper()], expressions=node.expressions)
    return node


def _replace(select: exp.Select, columns_of: Callable[[str], Sequence[str]]) -> None:
    """Write out ``* replace (…)``: every column by its name, those replaced by what replaces them."""
    made: list[Any] = []
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if not isinstance(star, exp.Star) or not star.args.get("replace"):
            made.append(item)
            continue
        instead = {r.alias: r.this for r in star.args["replace"]}
        table = item.args.get("table") if isinstance(item, exp.Column) else None
        star.set("replace", None)
        plain = exp.Select(expressions=[item.copy()])
        for part in ("with_", "from_", "joins"):
            plain.set(part, select.args.get(part) and _copied(select.args[part]))
        for name in columns_of(_spark(plain)):
            own = exp.column(exp.to_identifier(name, quoted=True), table)
            made.append(exp.alias_(instead.pop(name, own), name, quoted=True))
        if instead:
            raise NotForSpark(f"* replace names no column: {', '.join(instead)}")
    select.set("expressions", made)


def _copied(part: Any) -> Any:
    return [p.copy() for p in part] if isinstance(part, list) else part.copy()


def _spark(tree: exp.Expression) -> str:
    return tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)


__all__ = ["Files", "NotForSpark", "translate"]
