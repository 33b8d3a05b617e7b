"""A finding: what a proof of the books found wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not prove itself: which check, what is wrong and what to do, and where."""

    check: str
    message: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}: [{self.check}] {self.message}"
