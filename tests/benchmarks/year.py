"""A year of one partner, brought in day by day: what a day's run costs on day 1, 30, 180 and 365, stage by stage.

``python -m tests.benchmarks.year`` prints the table. The days between are brought in many at a time.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from finops_ledger.books import Books, importing, journal, reconciling, recovery
from finops_ledger.books.demo import lay_out_demo
from finops_ledger.recon import history
from finops_ledger.simulator import simulate

MEASURED = (1, 30, 180, 365)
STAGES = ("open", "import", "reconcile", "journal", "run", "check")
FIRST = date(2026, 3, 1)


@contextmanager
def _clocked(found: dict[str, float]) -> Iterator[None]:
    """Add up the time spent in each stage, and the files of matches that were opened."""
    kept: list[tuple[Any, str, Any]] = []

    def watch(module: Any, name: str, stage: str) -> None:
        call = getattr(module, name)
        kept.append((module, name, call))

        def timed(*values: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*values, **options)
            finally:
                found[stage] = found.get(stage, 0) + time.perf_counter() - began

        setattr(module, name, timed)

    watch(recovery, "recover", "open")
    watch(importing, "import_file", "import")
    watch(reconciling, "reconcile", "reconcile")
    watch(journal, "derive", "journal")
    near: Callable[..., Any] = history._near
    kept.append((history, "_near", near))

    def counted(engine: Any, matched: Any, by: str, wanted: str) -> Any:
        met = near(engine, matched, by, wanted)
        found["files there"] = max(found.get("files there", 0), len(matched))
        found["files opened"] = found.get("files opened", 0) + len(met)
        return met

    history._near = counted
    try:
        yield
    finally:
        for module, name, call in kept:
            setattr(module, name, call)


def _files_by_day(inbox: Path) -> dict[date, list[Path]]:
    """The simulated files by the day that their name carries."""
    found: dict[date, list[Path]] = {}
    for path in sorted(inbox.iterdir()):
        number = re.search(r"(20\d\d)-?(\d\d)-?(\d\d)", path.name)
        if number is not None:
            year, month, day = (int(g) for g in number.groups())
            found.setdefault(date(year, month, day), []).append(path)
    return found


def measure(root: Path, days: int, orders: int, wanted: tuple[int, ...]) -> list[dict[str, float]]:
    """Run the days; return the costs of each of the ``wanted`` ones, in seconds."""
    _warm(root / "warm")
    drawn = root / "drawn"
    summary = simulate(drawn, start=FIRST, days=days, orders_per_day=orders, partners=1)
    books_at = root / "books"
    lay_out_demo(books_at, drawn, list(summary.partners))
    waiting = root / "waiting"
    (books_at / "inbox").rename(waiting)
    (books_at / "inbox").mkdir()
    there = _files_by_day(waiting)
    told = []
    last = 0
    for number in (n for n in wanted if n <= days):
        _bring(books_at, there, range(last + 1, number))
        _run(books_at, {})
        for path in _brought(there, number):
            shutil.copy(path, books_at / "inbox")
        found: dict[str, float] = {"day": number}
        with _clocked(found):
            began = time.perf_counter()
            _run(books_at, found)
            found["run"] -= began
        found["rows"] = orders
        told.append(found)
        last = number
    return told


def _warm(root: Path) -> None:
    """Run two small days first: queries are compiled once a machine, and modules loaded once a process."""
    summary = simulate(root / "drawn", start=FIRST, days=2, orders_per_day=50, partners=1)
    lay_out_demo(root / "books", root / "drawn", list(summary.partners))
    _run(root / "books", {"day": 0})


def _brought(there: dict[date, list[Path]], number: int) -> list[Path]:
    return there.get(FIRST + timedelta(days=number - 1), [])


def _bring(root: Path, there: dict[date, list[Path]], numbers: range) -> None:
    for number in numbers:
        for path in _brought(there, number):
            shutil.copy(path, root / "inbox")


def _run(root: Path, found: dict[str, float]) -> None:
    with Books(root) as books:
        books.import_files(derive=False)
        books.reconcile()
        found["run"] = time.perf_counter()
        if "day" in found:
            books.check()
        found["check"] = time.perf_counter() - found["run"]


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.year", description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--orders", type=int, default=1_000, help="orders a day")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="finops-year-") as folder:
        found = measure(Path(folder), told.days, told.orders, MEASURED)
        print(table(found), flush=True)


def table(found: list[dict[str, float]]) -> str:
    """The costs as a Markdown table: each stage as a multiple of the run of the first measured day."""
    names = ["day", *STAGES, "files of matches there", "opened"]
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    base = found[0]["run"]
    for one in found:
        print({k: round(v, 3) for k, v in one.items()})
        parts = [f"{one.get(s, 0.0) / base:.2f}" for s in STAGES]
        more = [f"{one.get(k, 0):.0f}" for k in ("files there", "files opened")]
        lines.append(f"| {one['day']:.0f} | {' | '.join([*parts, *more])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
