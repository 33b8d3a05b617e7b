"""The books: a workspace on disk, opened. Everything the command line does is a method here."""

from __future__ import annotations

from finops_ledger.books.books import Books, open  # noqa: A004

__all__ = ["Books", "open"]
