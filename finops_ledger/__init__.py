"""finops-ledger: daily books of a digital-goods business, in plain text, proven to the rupiah."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Books", "open"]

if TYPE_CHECKING:
    from finops_ledger.books import Books, open  # noqa: A004


def __getattr__(name: str) -> Any:
    # Importing the books pulls in DuckDB and Beancount; `finops --help` must not wait for them.
    if name in __all__:
        from finops_ledger import books

        return getattr(books, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
