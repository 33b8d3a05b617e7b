"""BQL over the books: stored queries by name, or a query as it is typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from finops_ledger.books.loading import Loaded
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import plain


@dataclass(frozen=True)
class Table:
    """The result of a query: column names, which columns are numbers, and the rows as they came."""

    names: list[str]
    numeric: list[bool]
    rows: list[tuple[Any, ...]]

    def as_list(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries whose numbers and amounts are text."""
        return [dict(zip(self.names, map(exact, row), strict=True)) for row in self.rows]


def stored(loaded: Loaded) -> dict[str, str]:
    """Return the queries that the books keep, by name."""
    from beancount.core.data import Query

    return {e.name: e.query_string.strip() for e in loaded.entries if isinstance(e, Query)}


def run(loaded: Loaded, text: str) -> Table:
    """Run a stored query by its name, else the text as BQL; UsageError when it is neither."""
    import beanquery
    from beanquery.errors import Error

    query = stored(loaded).get(text, text)
    if " " not in query.strip():
        known = ", ".join(stored(loaded)) or "none"
        raise UsageError(
            f"no stored query is called {text!r}; stored: {known}; or write BQL: SELECT …"
        )
    connection = beanquery.connect(
        "beancount:", entries=loaded.entries, errors=loaded.errors, options=loaded.options
    )
    try:
        cursor = connection.execute(query)
        rows = [tuple(r) for r in cursor.fetchall()]
    except Error as error:
        raise UsageError(f"the query does not run: {error}") from error
    names = _unique([c.name for c in cursor.description])
    numeric = [_is_numeric(c.datatype) for c in cursor.description]
    return Table(names, numeric, rows)


def _unique(names: list[str]) -> list[str]:
    return [n if n not in names[:i] else f"{n}_{i + 1}" for i, n in enumerate(names)]


def _is_numeric(type_: Any) -> bool:
    return getattr(type_, "__name__", "") in {"Decimal", "int", "Amount", "Position", "Inventory"}


def exact(value: Any) -> Any:
    """Write a value for JSON: decimals and amounts as text, days as ISO, sets as lists."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(str(v) for v in value)
    if isinstance(value, dict) and not hasattr(value, "is_empty"):
        return {str(k): exact(v) for k, v in value.items()}
    return shown(value)


def shown(value: Any, group: str = "") -> str:
    """Write a value for reading: amounts with their currency; ``group`` parts the thousands."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return grouped(Decimal(value), group)
    units = getattr(value, "units", None)
    if units is not None and not callable(units):
        return shown(units, group)
    if hasattr(value, "number") and hasattr(value, "currency"):
        return f"{shown(value.number, group)} {value.currency}"
    if hasattr(value, "get_positions"):
        return ", ".join(shown(p, group) for p in sorted(value.get_positions()))
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(str(v) for v in value))
    return str(value)


def grouped(amount: Decimal, group: str) -> str:
    """Write an amount with its thousands parted by ``group``."""
    text = plain(amount)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{rest}".replace(",", group)
