"""The ``finops`` command: thin; what it does are methods of :class:`finops_ledger.books.Books`."""

from __future__ import annotations

from finops_ledger.cli import (
    closing,
    daily,
    formats,
    paying,
    proving,
    reading,
    resolving,
    settling,
    watching,
)
from finops_ledger.cli.app import cli, main

__all__ = [
    "cli",
    "closing",
    "daily",
    "formats",
    "main",
    "paying",
    "proving",
    "reading",
    "resolving",
    "settling",
    "watching",
]
