"""``python -m finops_ledger.cli``."""

from __future__ import annotations

from finops_ledger.cli import main

main()
