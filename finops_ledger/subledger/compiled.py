"""Compiled queries, kept between runs.

Expressions are built with Ibis and compiled to SQL once; building and compiling the larger ones costs more than a
small day's work. The SQL is kept in the user's cache folder under a name that changes with the code, with Ibis and
with the arguments, so that it can never be stale; without a writable folder it is compiled each time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

DUCKDB: Final = "duckdb"
SPARK: Final = "pyspark"
_PACKAGE: Final = Path(__file__).parents[1]
_ROOMS: Final = ("core", "posting", "recon", "sop")


@dataclass(frozen=True)
class Query:
    """An expression yet to be built: the function that builds it and its (hashable) arguments."""

    build: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def expression(self) -> Any:
        """Build the Ibis expression."""
        return self.build(*self.arguments, **dict(self.options))

    def sql(self, dialect: str = DUCKDB) -> str:
        """Return the SQL of an engine, from the cache or compiled now."""
        return _sql(self, dialect)


def query(build: Callable[..., Any], *arguments: Any, **options: Any) -> Query:
    """Name an expression by the function and arguments that build it."""
    return Query(build, arguments, tuple(sorted(options.items())))


def compile_sql(expression: Any, dialect: str = DUCKDB) -> str:
    """Compile an Ibis expression to SQL of an engine.

    Each decimal column is cast to the type that the expression has for Ibis: engines give sums, differences and
    products more digits than Ibis takes them to have, each in its own way, and Ibis leaves out a cast that it thinks
    idle. So an amount is DECIMAL(18, 4) wherever a table stands; one that does not fit is an error.
    """
    import ibis  # heavy: only where an expression is really compiled

    sql = ibis.to_sql(expression, dialect=dialect)
    mark = "`" if dialect == SPARK else '"'
    columns = ", ".join(
        f"cast({mark}{name}{mark} as decimal({ty.precision}, {ty.scale})) as {mark}{name}{mark}"
        if ty.is_decimal()
        else f"{mark}{name}{mark}"
        for name, ty in expression.schema().items()
    )
    return f"select {columns} from ({sql})"


@lru_cache(maxsize=512)
def _sql(one: Query, dialect: str) -> str:
    path = _folder() / f"{_name(one, dialect)}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        sql = compile_sql(one.expression(), dialect)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temp = path.with_suffix(f".{os.getpid()}.tmp")
        temp.write_text(sql, encoding="utf-8")
        temp.replace(path)
    except OSError:
        pass  # no cache folder to write to: the next run compiles again
    return sql


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path.home() / ".cache"
    return home / "finops-ledger" / _code_digest()


def _name(one: Query, dialect: str) -> str:
    told = (
        f"{dialect} {one.build.__module__}.{one.build.__qualname__}{one.arguments!r}{one.options!r}"
    )
    return hashlib.sha256(told.encode()).hexdigest()[:32]


@cache
def _code_digest() -> str:
    """Digest of everything that expressions are built from."""
    digest = hashlib.sha256(f"{version('ibis-framework')} {version('sqlglot')}".encode())
    digest.update(Path(__file__).read_bytes())
    for room in _ROOMS:
        for path in sorted((_PACKAGE / room).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:32]
