"""The live batches of a workspace by what they are asked for, so that no question looks at all of them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from finops_ledger.subledger.manifest import Batch, Sent


class Index:
    """The live batches by posting day, last day, source, shared keys and issues."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self.on: dict[date, list[Batch]] = {}
        self.ending: dict[date, list[Batch]] = {}
        self.source: dict[str, list[Batch]] = {}
        self.near: dict[str, set[str]] = {}
        self.issues: dict[Sent, list[Batch]] = {}
        for batch in batches:
            self.add(batch)

    def add(self, batch: Batch) -> None:
        """Take in one more."""
        for day in dict.fromkeys(batch.days):
            self.on.setdefault(day, []).append(batch)
        self.ending.setdefault(batch.covers[1], []).append(batch)
        insort(self.source.setdefault(batch.source, []), batch, key=lambda b: (b.day, b.id))
        insort(self.issues.setdefault(batch.sent_as, []), batch, key=lambda b: b.issue)
        for other in batch.neighbours:
            self.near.setdefault(batch.id, set()).add(other)
            self.near.setdefault(other, set()).add(batch.id)
