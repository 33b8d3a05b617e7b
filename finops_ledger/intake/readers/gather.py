"""Records of documents gathered into a table: what is broken, absent or undeclared among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake.readers.table import LISTED, TableSource, TableWriter
from finops_ledger.intake.spec_file import FileSpec

CHUNK = 10_000


def printable(text: str) -> str:
    """Return a text that any file can hold: lone surrogates are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def unfit(text: str) -> str | None:
    """Return the code of what makes a text unfit for a cell: NUL, or half of a character."""
    if "\0" in text:
        return "nul-byte"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "encoding-wrong"
    return None


class Gather:
    """Writes the sound records of one file to a table and keeps account of all others."""

    def __init__(self, file: FileSpec, name: str, folder: Path) -> None:
        self.file, self.name, self.folder = file, name, folder
        self.columns = file.columns()
        self.required = {i for i, c in enumerate(self.columns) if c in file.header}
        self.absent = [0] * len(self.columns)
        self.seen = 0  #: records met, broken ones too
        self.broken = 0
        self.problems: list[Problem] = []
        self._extras: dict[str, tuple[int, int]] = {}  #: path -> how often, first place
        self._more = 0  #: fields beyond the first 1,000 kinds
        self._writer = TableWriter(folder / "table.parquet", len(self.columns))

    def fault(self, problem: Problem, records: int = 1) -> None:
        """Count a record that could not be cut into cells."""
        self.seen += records
        self.broken += records
        if len(self.problems) < LISTED:
            self.problems.append(problem)

    def problem(self, code: str, message: str, place: int | None, **more: str) -> Problem:
        """Return a problem of this file."""
        return Problem(code, message, self.name, place, **more)

    def extra(self, path: str, place: int) -> None:
        """Count a field that nobody declared."""
        if path not in self._extras and len(self._extras) >= LISTED:
            self._more += 1
            return
        times, first = self._extras.get(path, (0, place))
        self._extras[path] = (times + 1, first)

    def missing(self, column: int, place: int) -> Problem:
        """Count a record without a field that must be there, and return what is said of it."""
        self.absent[column] += 1
        return self.problem(
            "field-missing", "the record has no such field", place, column=self.columns[column],
            expected="a field, filled or empty; one that may be absent is declared optional",
        )  # fmt: skip

    def write(
        self,
        places: Sequence[int],
        columns: Sequence[Sequence[str | None]],
        faults: dict[int, Problem],
    ) -> None:
        """Write one batch, all columns of one length, without the records that have a fault."""
        for problem in faults.values():
            self.fault(problem)
        if faults:
            sound = [i for i in range(len(places)) if i not in faults]
            places = [places[i] for i in sound]
            columns = [[column[i] for i in sound] for column in columns]
        self.seen += len(places)
        self._writer.write(places, columns)

    def close(self) -> None:
        """Finish the table, whatever became of it."""
        self._writer.close()

    def source(self, figures: dict[str, str]) -> TableSource:
        """Return the records; :meth:`close` comes first.

        Raises:
            InputRefused: a column that no record has, or fields that nobody declared.
        """
        problems = [
            Problem(
                "header-missing", "no record has this field", self.name, None, self.columns[i],
                expected=" | ".join(self.file.header),
            )
            for i in sorted(self.required)
            if self.seen and self.absent[i] == self.seen
        ]  # fmt: skip
        problems += [
            Problem(
                "header-extra", f"a field nobody declared, {times} times", self.name, first,
                printable(path)[:200], expected="a declared column, or extra_columns = \"ignore\"",
            )
            for path, (times, first) in self._extras.items()
        ]  # fmt: skip
        if problems:
            raise InputRefused(self.name, problems[:LISTED], len(problems) + self._more)
        return TableSource(
            self.name,
            self.folder,
            {name: i for i, name in enumerate(self.columns)},
            len(self.columns),
            (),
            {"": figures} if figures else {},
            parquet=self._writer.path,
            rows=self._writer.rows,
            broken=self.broken,
            problems=tuple(self.problems),
        )
