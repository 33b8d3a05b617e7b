"""Whether a file is in a format: its first bytes, title and header, and nothing more."""

from __future__ import annotations

from pathlib import Path

from finops_ledger.intake import readers
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.spec import Format


def recognises(fmt: Format, path: Path, limits: Limits | None = None) -> bool:
    """Say whether the start of ``path`` is what ``fmt`` declares; a file that cannot be opened is not."""
    try:
        return readers.recognises(path, fmt, limits or Limits())
    except OSError:
        return False
