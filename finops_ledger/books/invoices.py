"""A supplier's settlement file holds invoices: what it bills us. Payments are seen at the bank (rule R1)."""

from __future__ import annotations

from pathlib import Path

from finops_ledger.books.config import Source
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.subledger.engine import parquet


def check(space: Workspace, source: Source, name: str, rows: Path) -> None:
    """Refuse a supplier's file of role settlement with rows of another kind than invoice: nothing posts them."""
    if source.role != "settlement" or not space.registry.supplies(source.counterparty):
        return
    kinds = parquet([rows], "coalesce(kind, 'payment') as kind")
    found = space.local.rows(
        f"select kind, count(*) as n from ({kinds}) where kind <> 'invoice' group by kind order by kind"
    )
    if found:
        told = ", ".join(f"{r['n']} of kind {r['kind']}" for r in found)
        text = (
            f"{source.counterparty} is a supplier, so its settlement file holds rows of kind invoice; here are "
            f'{told}: map them in the format, kind = {{ constant = "invoice" }}, or exclude them'
        )
        raise InputRefused(name, [Problem("not-an-invoice", text, name)])
