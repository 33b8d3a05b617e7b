"""Where the files of a simulated day lie. Imports nothing heavy: all measured processes load it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DAY = "2026-03-02"


@dataclass(frozen=True)
class Pair:
    """One day of one partner: two files, a price list, and what is true of them."""

    folder: Path

    @property
    def orders(self) -> Path:
        return self.folder / "inbox" / f"orders_{DAY}.csv"

    @property
    def supply(self) -> Path:
        return self.folder / "inbox" / f"AggA_mutasi_{DAY.replace('-', '')}.csv"

    @property
    def prices(self) -> Path:
        return self.folder / "prices" / "AggA.csv"

    def truth(self) -> dict[str, int]:
        """Open items by outcome, as the simulator knows them."""
        found: dict[str, int] = {}
        with (self.folder / "truth" / "outcomes.csv").open() as file:
            next(file)
            for line in file:
                name = line.split(",")[4]
                found[name] = found.get(name, 0) + 1
        return found
