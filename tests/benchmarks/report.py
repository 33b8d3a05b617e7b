"""The table and the page of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "benchmarks.md"
#: The page of the back-test: the one place where its figures are written down.
BACKTEST: Final = DOCS / "backtest.md"
_HEADING: Final = "## Top-ups against simulated demand"
#: What of the back-test's table is told beside the other benchmarks, by the beginning of the column's title.
_BRIEF: Final = ("policy", "days run dry", "demand lost", "float", "both")


@dataclass
class Line:
    """One measurement: what it is, its ratio, its target, and whether that is kept."""

    what: str
    value: float
    target: str
    most: float | None = None
    least: float | None = None
    unit: str = " ×"
    kept: bool | None = None

    @property
    def shown(self) -> str:
        """The value; large ones without decimals."""
        return f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:.2f}"

    @property
    def verdict(self) -> str:
        """Yes, no, or nothing where there is no target."""
        kept = self.kept
        if self.most is not None:
            kept = self.value <= self.most
        elif self.least is not None:
            kept = self.value >= self.least
        return "" if kept is None else "yes" if kept else "**no**"


def table(lines: list[Line]) -> str:
    """The lines as a Markdown table."""
    shown = ["| work | measured | target | kept |", "|---|---|---|---|"]
    shown += [f"| {x.what} | {x.shown}{x.unit} | {x.target} | {x.verdict} |" for x in lines]
    return "\n".join(shown) + "\n"


def page(
    lines: list[Line], phases: list[Line], rows: int, rounds: int, memory: str, cores: int
) -> str:
    """The page that is checked in."""
    parts = ["| part | of the time of `baseline.sql` |", "|---|---|"]
    parts += [f"| {x.what} | {x.value:.2f}{x.unit} |" for x in phases]
    used = ", ".join(f"{n} {version(n)}" for n in ("duckdb", "pandas", "pyarrow", "beancount"))
    return f"""# Benchmarks

Written by `make bench` (`python -m tests.benchmarks --rows {rows}`): {rows:,} orders of one day
and the partner's file of it, {rounds} rounds in turns on a machine of {cores} cores, {used}; the
engine's memory limit is {memory}, for ours and for the hand-written SQL. Only ratios between
things measured side by side in one run are given: seconds would say more about the machine than
about the work.

{table(lines)}
What stands on the other side of each ratio:

- `baseline.sql` (tests/benchmarks) is what a good hand writes in DuckDB for this one day: both
  files read in one pass with every amount, time and status tested by pattern before it is cast,
  the same columns and keyed hashes kept as typed Parquet, duplicates within a key, the classified
  full join as Parquet. It has no batches, no archive, no digests, no journal and no second day.
  The pair counts whole processes, start to end.
- Reconcile alone is all legs of the day, committed; modules are loaded before the clock starts,
  for both. The join is that of `baseline.sql` with its counts, on Parquet that is there.
- pandas reads text backed by Arrow, tests by pattern, and keeps amounts as 64-bit integers of
  rupiah; it hashes nothing and keeps fewer columns, in its favour.
- polars does what pandas does, step by step, with its own multi-threaded engine; datacompy is given the two frames that
  polars has read, joins and compares them: it knows neither classes nor duplicates of an order. Both are in the extra
  `bench`, and are left out where they are not installed.
- Processor time is of all cores and says less about what else the machine does; the other tools run in turns with ours.
- The file that comes again in part has half its rows in already, each tenth of those with a new
  status; both imports include archive, commit and journal, modules and queries are loaded.
- Intake is both files of the pair, each tested, hashed, typed and written in 43 columns (two keyed
  hashes a row among them); bare `read_csv` writes their 14 and 13 columns of text as they come.
- csvbase is beangulp's importer of the order export, on fewer rows.
- jsonl, MT940 and CAMT.053 have no counterpart here; their rows a second are for information.
- `--copies 10` also runs a pair ten times as long, drawn by the engine from the first;
  `python -m tests.benchmarks.year` runs a year and prints what day 1, 30, 180 and 365 cost, stage by stage.
- `python -m tests.benchmarks --only intake` measures and prints the lines of intake alone.
- How well `finops topup` forecasts has a page of its own, [the back-test](backtest.md).
- calamine's bare read is python-calamine's `to_python()` of the sheet: lists of lists, nothing
  checked and nothing written. Ours starts a process of its own for it.

The class counts of ours, of the SQL and of pandas are compared in every run with one another and
with what the simulator knows to be true; a run in which they differ fails.

## Where the time goes

{chr(10).join(parts)}

{topups(BACKTEST.read_text("utf-8"))}"""


def topups(backtest: str) -> str:
    """The outcome of the back-test in brief, out of its own page; ValueError when that page has no such table."""
    said = re.search(
        r"^Written by `[^`]+`: (.+? hour by hour)\.", backtest, re.MULTILINE | re.DOTALL
    )
    lines = [line for line in backtest.splitlines() if line.startswith("| ")]
    cells = [[c.strip() for c in line.strip("|").split(" | ")] for line in lines]
    if said is None or len(cells) < 2 or len({len(row) for row in cells}) != 1:
        raise ValueError(
            "the page of the back-test has no table of policies, or does not say over what"
        )
    columns = [at for name in _BRIEF for at, title in enumerate(cells[0]) if title.startswith(name)]
    if len(columns) != len(_BRIEF):
        raise ValueError(f"the back-test's table lacks one of: {', '.join(_BRIEF)}")
    head, *rows = [[row[at] for at in columns] for row in cells]
    shown = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    shown.insert(1, "|---" * len(columns) + "|")
    return f"""{_HEADING}

{" ".join(said[1].split())}:
how often a deposit would have run dry, and how much money lay idle, by policy. Days are those of one partner in one
year; the last column is lost margin and cost of float together, over that of the cheapest policy. How it was done, and
what it does not show: [the back-test](backtest.md).

{chr(10).join(shown)}
"""


def with_topups(page_: str, backtest: str) -> str:
    """A page of benchmarks with the back-test as it is now; nothing else of it is touched."""
    before, _, after = page_.partition(_HEADING)
    _, found, rest = after.partition("\n## ")
    return before.rstrip("\n") + "\n\n" + topups(backtest) + (f"\n## {rest}" if found else "")
