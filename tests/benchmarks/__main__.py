"""``make bench``: each measurement in its own process, in turns; ratios beside their targets."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.documents import NAMES
from tests.benchmarks.pair import Pair
from tests.benchmarks.report import Line, page, table

#: What a tool leaves out.
_SHORT = {"datacompy": " (after polars has read; it knows no classes)"}
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
GIB = 1024**3


@dataclass
class Bench:
    """Runs children and remembers what they told."""

    rows: int
    rounds: int
    work: Path
    memory: str
    days: int
    partners: int
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    quiet: bool = False
    copies: int = 0
    most: str = "6GB"

    def child(self, name: str, *arguments: object, label: str = "") -> dict[str, Any]:
        """Run one measurement; its wall time is that of the whole process."""
        command = [sys.executable, "-m", "tests.benchmarks.child", name, *map(str, arguments)]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"{label or name}: {done.stderr[-3000:]}")
        found: dict[str, Any] = {**json.loads(done.stdout), "wall": wall}
        if label:
            self.told.setdefault(label, []).append(found)
            if not self.quiet:
                seconds, peak = found.get("seconds", wall), found["peak"] / GIB
                print(f"  {label}: {seconds:.2f} s, {peak:.2f} GiB", file=sys.stderr, flush=True)
        return found

    def seconds(self, label: str, key: str = "wall") -> float:
        """The middle of what the rounds took."""
        return median(found[key] for found in self.told[label])

    def phase(self, label: str, name: str) -> float:
        """The middle of one phase."""
        return median(found["phases"].get(name, 0.0) for found in self.told[label])

    def peak(self, label: str) -> float:
        """The largest memory of any round, in GiB."""
        return max(found["peak"] for found in self.told[label]) / GIB

    def pair(self, rows: int) -> Pair:
        """Simulate a day, unless it is there."""
        of = Pair(self.work / f"pair-{rows}")
        if not of.folder.exists():
            self.child("draw", of.folder, rows)
        return of

    def measure(self) -> None:
        """Everything, in turns."""
        of, out = self.pair(self.rows), self.work / "out"
        small = self.pair(max(1, self.rows // 10))
        out.mkdir(exist_ok=True)
        space, again = self.work / "space", self.work / "again"
        self.child("lay_out", again, of.folder, self.memory)
        self.child("ours_import", again)
        for _ in range(self.rounds):
            self.child("lay_out", space, of.folder, self.memory)
            self.child("ours", space, label="ours")
            self.child("baseline", of.folder, out, self.memory, label="baseline")
            self.child("pandas", of.folder, out, label="pandas")
            for name in self.others:
                self.child(name, of.folder, *([out] if name == "polars" else []), label=name)
            self._reconcile(again, of, out)
            self.child("lay_out", space, small.folder, self.memory)
            self.child("ours", space, label="ours, a tenth")
        self._many(of)
        self._overlap()
        self.measure_intake()
        self._books()
        self._help()
        self._agree(of)

    def measure_intake(self) -> None:
        """Intake alone, in turns with what it is compared with."""
        of, out = self.pair(self.rows), self.work / "out"
        out.mkdir(exist_ok=True)
        few = self.pair(min(self.rows, 50_000)).folder
        for _ in range(self.rounds + 1):
            self.child("ours_intake", of.folder, out, label="intake")
            self.child("bare_intake", of.folder, out, label="bare intake")
            self.child("csvbase", few, label="csvbase")
        self._workbook(out)
        for kind in NAMES:
            path = self.work / f"document.{kind}"
            self.child("draw_document", kind, path, min(self.rows, 20_000))
            for _ in range(self.rounds):
                self.child("document", kind, path, out, label=kind)

    def _reconcile(self, again: Path, of: Pair, out: Path) -> None:
        copy = self.work / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(again, copy)
        self.child("ours_reconcile", copy, label="reconcile")
        self.child("baseline_join", of.folder, out, self.memory, label="join")

    @property
    def others(self) -> list[str]:
        """What is measured beside the rest where it is installed (extra ``bench``)."""
        return [n for n in ("polars", "datacompy") if find_spec("polars") and find_spec(n)]

    def _many(self, of: Pair) -> None:
        """The same work on a pair many times as long, within its own limit of memory."""
        if not self.copies:
            return
        long, space = Pair(self.work / f"pair-{self.rows}-{self.copies}"), self.work / "space"
        if not long.folder.exists():
            self.child("draw_many", of.folder, long.folder, self.copies)
        self.child("lay_out", space, long.folder, self.most)
        found = self.child("ours", space, label="ours, many")
        classes = {k: n for k, n in found["classes"].items() if k not in ("matched", "excluded")}
        if classes != long.truth():
            raise AssertionError(f"ours, many, counts {classes}, the truth is {long.truth()}")
        shutil.rmtree(space)

    def _overlap(self) -> None:
        folder = self.work / "overlap"
        for _ in range(self.rounds):
            for label, rows in (("overlap", self.again), ("overlap, a tenth", self.again // 10)):
                found = self.child("overlap", folder, rows, self.memory, label=label)
                if not self.quiet:
                    told = " and ".join(f"{rows / found[k]:,.0f}" for k in ("first", "seconds"))
                    print(f"    rows a second, first and again: {told}", file=sys.stderr)

    @property
    def again(self) -> int:
        """Rows of the file that comes again in part: a million, or as many as there are."""
        return max(1_000, min(self.rows, 1_000_000))

    def _workbook(self, out: Path) -> None:
        path = self.work / "sheet.xlsx"
        self.child("draw_workbook", path, min(self.rows, 100_000))
        for _ in range(self.rounds + 1):
            ours = self.child("workbook", path, out, label="workbook")
            bare = self.child("bare_workbook", path, label="bare workbook")
            if ours["rows"] != bare["rows"]:
                raise AssertionError(f"workbook: {ours['rows']} rows of {bare['rows']}")

    def _books(self) -> None:
        books = self.work / "books"
        self.child("some_days", books, self.days, self.partners)
        for _ in range(self.rounds + 1):
            self.child("check", books / "main.beancount", label="with plugins")
            self.child("check", books / "plain.beancount", label="without plugins")

    def _help(self) -> None:
        finops = Path(sys.executable).with_name("finops")
        commands = {"bare python": [sys.executable, "-c", "pass"], "help": [str(finops), "--help"]}
        for _ in range(self.rounds + 2):
            for label, command in commands.items():
                began = time.perf_counter()
                done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
                if done.returncode == 0:
                    wall = time.perf_counter() - began
                    self.told.setdefault(label, []).append({"wall": wall, "peak": 0})

    def _agree(self, of: Pair) -> None:
        """Class counts are the same whoever counts them, and as the simulator knows them."""
        truth = of.truth()
        counting = [n for n in ("polars",) if n in self.told]
        for label in ("ours", "reconcile", "baseline", "join", "pandas", *counting):
            for found in self.told[label]:
                classes = dict(found["classes"])
                for final in ("matched", "excluded"):
                    classes.pop(final, None)
                if classes != truth:
                    raise AssertionError(f"{label} counts {classes}, the truth is {truth}")
        matched = {
            label: self.told[label][0]["classes"]["matched"] for label in ("ours", "baseline")
        }
        if len(set(matched.values())) != 1:
            raise AssertionError(f"matched: {matched}")

    def lines(self) -> list[Line]:
        """The table: what was measured, its ratio, and its target."""
        s = self.seconds
        size = f"{self.rows:,} rows a side"
        join = s("join", "seconds")
        lines = [
            Line(f"CSV pair to classified breaks, {size}: over `baseline.sql`",
                 s("ours") / s("baseline"), "≤ 2", most=2),
            Line("the same: faster than pandas by", s("pandas") / s("ours"), "≥ 8", least=8),
            *(
                Line(f"the same: faster than {n} by{_SHORT.get(n, '')}", s(n) / s("ours"), "")
                for n in self.others
            ),
            Line("the same in processor time: over `baseline.sql`",
                 self.ratio("ours", "baseline", "processor"), ""),
            Line(f"reconcile alone, {size}: over the join of `baseline.sql`",
                 s("reconcile", "seconds") / join, "≤ 1.5", most=1.5),
            Line(f"peak memory of the pair, {size} (GiB)", self.peak("ours"),
                 "≤ 4 at 5M × 5M", most=4, unit=" GiB"),
            Line("peak memory of `baseline.sql` (GiB)", self.peak("baseline"), "", unit=" GiB"),
            Line("peak memory of pandas (GiB)", self.peak("pandas"), "", unit=" GiB"),
            *(Line(f"peak memory of {n} (GiB)", self.peak(n), "", unit=" GiB") for n in self.others),
            *self._long_lines(),
            Line(f"growth: {self.rows:,} rows over {max(1, self.rows // 10):,}",
                 s("ours") / s("ours, a tenth"), "≤ 11", most=11),
            Line(f"re-import of a file that half overlaps: {self.again:,} rows over "
                 f"{self.again // 10:,}", s("overlap", "seconds") / s("overlap, a tenth", "seconds"),
                 "≤ 11", most=11),
            Line(f"the same, {self.again:,} rows: over a first import of as many",
                 s("overlap", "seconds") / s("overlap", "first"), ""),
            *self.intake_lines(),
            Line(f"`bean-check`, {self.days} days of {self.partners} partners: over the same "
                 "entries without our plugins",
                 s("with plugins", "seconds") / s("without plugins", "seconds"),
                 "≤ 1.15", most=1.15),
        ]  # fmt: skip
        if "help" in self.told:
            shown = Line("`finops --help`: over the start of Python itself",
                         s("help") / s("bare python"), "≤ 0.3 s")  # fmt: skip
            shown.kept = s("help") <= 0.3
            lines.append(shown)
        return lines

    def _long_lines(self) -> list[Line]:
        if not self.copies:
            return []
        size = f"{self.rows * self.copies:,} rows a side"
        times = self.seconds("ours, many") / self.seconds("ours")
        per = self.copies * 1.1
        return [
            Line(f"growth: {size} over {self.rows:,}", times, f"≤ {per:g}", most=per),
            Line(f"peak memory of the pair, {size}, the engine's limit being {self.most} (GiB)",
                 self.peak("ours, many"), "≤ 8 at 50M × 50M", most=8, unit=" GiB"),
        ]  # fmt: skip

    def ratio(self, ours: str, theirs: str, key: str) -> float:
        """The middle of the ratios, round by round: what else the machine did hit both sides."""
        both = zip(self.told[ours], self.told[theirs], strict=True)
        return median(one[key] / other[key] for one, other in both)

    def intake_lines(self) -> list[Line]:
        """Intake beside plain readers; kinds of file without a counterpart in rows a second."""
        counted = self.told["csvbase"][0]["rows"] / (2 * self.rows)
        over = "over DuckDB's bare `read_csv`"
        lines = [
            Line(f"intake, validated CSV to typed Parquet: {over}",
                 self.ratio("intake", "bare intake", "seconds"), "≤ 1.5", most=1.5),
            Line("the same in processor time of all cores",
                 self.ratio("intake", "bare intake", "processor"), ""),
            Line(f"peak memory of intake, {self.rows:,} rows a file (GiB)", self.peak("intake"), "",
                 unit=" GiB"),
            Line("intake, rows a second: faster than beangulp's csvbase by",
                 1 / (self.ratio("intake", "csvbase", "seconds") * counted), "≥ 20", least=20),
            Line(f"xlsx, {self.told['workbook'][0]['rows']:,} rows of 20 columns, validated to typed "
                 "Parquet: over calamine's bare read",
                 self.ratio("workbook", "bare workbook", "seconds"), "≤ 2", most=2),
            Line("peak memory of the same, both processes (GiB)", self.peak("workbook"), "",
                 unit=" GiB"),
        ]  # fmt: skip
        for kind in NAMES:
            rows = self.told[kind][0]["rows"]
            speed = rows / self.seconds(kind, "seconds")
            lines.append(Line(f"{kind}, {rows:,} rows, validated", speed, "", unit=" rows/s"))
        return lines

    def phases(self) -> list[Line]:
        """Where the time of the pair goes, as parts of the whole process of `baseline.sql`."""
        whole = self.seconds("baseline")
        names = {n for found in self.told["ours"] for n in found["phases"]}
        order = ["intake", "identity", "digest of rows", "reconcile", "journal"]
        made = [Line(n, self.phase("ours", n) / whole, "") for n in order if n in names]
        rest = self.seconds("ours") - sum(self.phase("ours", n) for n in order)
        made.append(Line("the rest: starting, archive, commits", rest / whole, ""))
        for name in ("intake of orders", "intake of supply", "duplicates within a key", "join"):
            made.append(Line(f"`baseline.sql`: {name}", self.phase("baseline", name) / whole, ""))
        return made


def main(arguments: list[str] | None = None) -> None:
    """Run, print the table, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders of the simulated day")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--memory", default="4GB", help="limit of the engine, ours and theirs")
    parser.add_argument("--days", type=int, default=60, help="days of the books to check")
    parser.add_argument("--partners", type=int, default=10)
    parser.add_argument(
        "--copies",
        type=int,
        default=0,
        help="also a pair so many times as long (disk: 10 GB per 10M rows)",
    )
    parser.add_argument("--most", default="6GB", help="the engine's limit for that pair")
    parser.add_argument("--work", type=Path, help="folder to work in (kept)")
    parser.add_argument("--page", type=Path, default=PAGE, help="page to write")
    parser.add_argument(
        "--only", choices=["intake"], help="print these lines alone; no page is written"
    )
    told = parser.parse_args(arguments)
    work = told.work or Path(tempfile.mkdtemp(prefix="finops-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        bench = Bench(told.rows, told.rounds, work, told.memory, told.days, told.partners)
        bench.copies, bench.most = told.copies, told.most
        if told.only:
            bench.measure_intake()
            print(table(bench.intake_lines()))
            return
        bench.measure()
        lines = bench.lines()
        print(table(lines))
        print(table(bench.phases()))
        text = page(lines, bench.phases(), told.rows, told.rounds, told.memory, os.cpu_count() or 1)
        told.page.write_text(text, encoding="utf-8")
    finally:
        if told.work is None:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
