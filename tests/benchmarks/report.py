"""The table and the page of a run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version


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
"""
