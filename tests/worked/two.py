"""Stories of two suppliers: a second one, AggD, beside the first, with its own price list and files."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from tests.worked import workspace as w
from tests.worked.story import Story

SOURCE = """
[[sources]]
name = "aggd"
role = "supply"
format = "aggregator"
counterparty = "AggD"
match = "AggD_mutasi_*.csv"
day = { name = 'AggD_mutasi_(\\d{8})' }
"""
OPENING = """2026-01-02 * "opening" #decision
  Assets:Deposits:AggD  10000000 IDR
  Equity:Opening-Balances  -10000000 IDR
"""


class Two(Story):
    """AggA's story, with AggD's files of the same days."""

    def __init__(self, root: Path, first: date, *, listed: int = 49_900, **more: Any) -> None:
        super().__init__(root, first, **more)
        with (root / "finops.toml").open("a") as config:
            config.write(SOURCE)
        spans = {n: more.get(n, d) for n, d in (("grace", "0h"), ("pending", "72h"))}
        sop = w.AGGA.format(partner="AggD", more="", statement="", **spans)
        (root / "sops" / "AggD.toml").write_text(sop)
        (root / "prices" / "AggD.csv").write_text(w.PRICES.format(pulsa=listed))
        w.decide(root, date(2026, 1, 2), OPENING)
        self.second: dict[date, list[tuple[tuple[Any, ...], dict[str, Any]]]] = defaultdict(list)
        self.second_deposit = 10_000_000
        self.late: set[date] = set()
        self.waiting: dict[str, str] = {}

    def other(self, day: date, own: str, ref: str, status: str = "SUKSES", **more: Any) -> None:
        """A row of AggD's file of a day."""
        at = more.pop("at", f"{day:%d/%m/%Y} 10:00:30")
        self.second[day].append(((at, own, ref, status), more))

    def drop(self, day: date) -> None:
        """Write the files of one day into the inbox, AggD's too unless it comes later."""
        statement = w.Statement(day, self.second_deposit)
        for cells, more in self.second[day]:
            statement.row(*cells, **more)
        self.second_deposit = statement.balance
        statement.drop(self.root, "AggD")
        if day in self.late:
            path = self.root / "inbox" / f"AggD_mutasi_{day:%Y%m%d}.csv"
            self.waiting[path.name] = path.read_text()
            path.unlink()
        super().drop(day)

    def comes(self, day: date) -> None:
        """AggD's file of a day comes after all."""
        name = f"AggD_mutasi_{day:%Y%m%d}.csv"
        (self.kept / name).write_text(self.waiting.pop(name))
        shutil.copy2(self.kept / name, self.root / "inbox" / name)
        self.work()
