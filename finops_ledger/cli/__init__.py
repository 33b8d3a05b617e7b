"""The ``finops`` command: thin; what it does are methods of :class:`finops_ledger.books.Books`."""

from __future__ import annotations

from finops_ledger.cli import daily, proving, reading, watching
from finops_ledger.cli.app import cli, main

__all__ = ["cli", "daily", "main", "proving", "reading", "watching"]
