"""One file made readable: its parts found, its records counted, whatever kind of file it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from finops_ledger.core.errors import Problem
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.spec import Format


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is no record: a title above them, a footer below, a line of another type."""

    text: str  #: the line as it stands; in grids its cells joined by tabs
    cells: tuple[str, ...]
    line: int | None = None


@dataclass(frozen=True)
class Numbered:
    """All records with number and place, for the pass that lists faults.

    ``records`` is SQL of ``c0 … cn``, ``rec`` (from 1) and ``line``; a record that could not be cut
    into cells is not in it: it is one of ``broken``.
    """

    records: str
    rows: int  #: records in the file, broken ones too
    broken: int = 0
    problems: tuple[Problem, ...] = ()  #: of broken records, the first 1,000


@dataclass
class Source(ABC):
    """A file whose parts were found. Cells are text; an empty cell is NULL."""

    name: str  #: the file's own name, for messages; with its sheet where it has several
    folder: Path  #: for temporary files; gone when the source closes
    columns: dict[str, int]  #: file column -> position
    width: int  #: cells in a record
    notes: tuple[Note, ...] = ()
    #: What the kind of file states about itself, per account: {"": {"closing": "12.00"}}.
    figures: dict[str, dict[str, str]] = field(default_factory=dict)

    @abstractmethod
    def scan(self) -> str:
        """Return SQL that reads the records as ``c0 … cn`` in file order."""

    @abstractmethod
    def count(self) -> int | None:
        """Check what only a pass over all bytes shows, and count the records; None: not sure."""

    @abstractmethod
    def numbered(self, connection: duckdb.DuckDBPyConnection) -> Numbered:
        """Return the records with their places: slow, exact."""

    @abstractmethod
    def lines_of(self, records: Collection[int]) -> dict[int, int]:
        """Return the line (row, record, element) at which each of some records stands."""

    @abstractmethod
    def record(self, number: int) -> tuple[int, str]:
        """Return line and raw text of one record; IndexError when there is none."""


@contextmanager
def opened(
    path: Path, fmt: Format, folder: Path | None = None, limits: Limits | None = None
) -> Iterator[Source]:
    """Find the parts of ``path``; temporary copies lie below ``folder`` while this is open.

    Raises:
        InputRefused: empty, another encoding, wrong title or header, not such a file at all.
    """
    from finops_ledger.intake import readers

    with TemporaryDirectory(prefix=".intake-", dir=folder) as name:
        yield readers.open_source(path, fmt, Path(name), limits or Limits())
