"""Whatever a case reconciles is checked again by the second program, day by day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.books import Books
from finops_ledger.books.registered import register_faults


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each ``reconcile`` of a test, nothing that it has reconciled has a finding; each register is its items."""
    reconcile = Books.reconcile
    looked: dict[tuple[Path, str, str, date], Any] = {}

    def checked(books: Books, *args: Any, **options: Any) -> Any:
        result = reconcile(books, *args, **options)
        for (leg, who, day), line in sorted(books.space.state.reconciled.items()):
            place = (books.root, leg, who, day)
            if looked.get(place) != line:
                found = books.audit(day=day, counterparty=who, leg=leg)[1]
                assert [str(f) for f in found] == []
                looked[place] = line
        assert register_faults(books.space) == []
        return result

    monkeypatch.setattr(Books, "reconcile", checked)
