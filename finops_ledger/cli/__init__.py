"""The ``finops`` command: thin; what it does are methods of :class:`finops_ledger.books.Books`."""

from __future__ import annotations

from finops_ledger.cli import (
    closing,
    confirming,
    daily,
    deposits,
    formats,
    funding,
    paying,
    proving,
    reading,
    resolving,
    settling,
    stock,
    taxes,
    watching,
)
from finops_ledger.cli.app import cli, main

__all__ = [
    "cli",
    "closing",
    "confirming",
    "daily",
    "deposits",
    "formats",
    "funding",
    "main",
    "paying",
    "proving",
    "reading",
    "resolving",
    "settling",
    "stock",
    "taxes",
    "watching",
]
