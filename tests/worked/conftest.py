"""Whatever a case reconciles is checked again by the second program, day by day."""

from __future__ import annotations

from typing import Any

import pytest

from finops_ledger.books import Books
from finops_ledger.books.overview import register_faults


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each ``reconcile`` of a test, nothing that stands reconciled has a finding; each register is its items."""
    reconcile = Books.reconcile

    def checked(books: Books, *args: Any, **options: Any) -> Any:
        result = reconcile(books, *args, **options)
        found = books.audit()[1]
        assert [str(f) for f in found] == []
        assert register_faults(books.space) == []
        return result

    monkeypatch.setattr(Books, "reconcile", checked)
