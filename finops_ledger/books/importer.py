"""Sources as beangulp importers: identify, extract and archive, and Fava's import page.

``finops import`` is the way into the books: it keeps rows, proves totals and knows what is in already. This is
the same reading and posting for those who work with beangulp: the transactions of one file, as they would be
posted were it the only one. What is already in the books is marked by its batch link, exactly, never by
likeness. Nothing here writes into a workspace.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beancount.core.data import Note, Transaction, new_metadata
from beangulp import identify
from beangulp.exceptions import Error
from beangulp.importer import Importer

from finops_ledger.books import config as cfg
from finops_ledger.books.books import Books
from finops_ledger.books.filing import account_of
from finops_ledger.books.samples import NOW, inbox_name, lay_out_rules, samples_of, setting_of
from finops_ledger.intake.formats import find_format, load_format, shipped
from finops_ledger.intake.recognise import recognises

#: What a scratch workspace takes over: rules, never rows.
_RULES = ("finops.toml", "main.beancount", "accounts.beancount", "queries.beancount")
_RULE_FOLDERS = ("sops", "prices", "formats", "calendars")


class FormatImporter(Importer):  # type: ignore[misc]
    """One source of a workspace."""

    def __init__(self, root: Path, source: str) -> None:
        self.root = root.absolute()
        config = cfg.load(self.root)
        self.source, self._limits = config.source(source), config.intake.limits
        self._kept: tuple[Any, dt.date, list[Any]] | None = None

    @property
    def name(self) -> str:
        """The source, as the workspace names it."""
        return f"finops.{self.source.name}"

    def identify(self, filepath: str) -> bool:
        """Say whether the source takes the file by its name, and its format by its header."""
        path = Path(filepath)
        named = self.source.takes(self._inbox_name(path))
        return named and recognises(self._format(), path, self._limits)

    def account(self, filepath: str) -> str:
        """Return the account under which the file is archived."""
        return account_of(self.source) or "Liabilities:Customer-Orders:Undelivered"

    def date(self, filepath: str) -> dt.date | None:
        """Return the file's day: from its name, else that of its last row.

        None for a file that is refused: one bad file must not take down the list of all of them.
        """
        path = Path(filepath)
        try:
            day = self.source.day_of(self._inbox_name(path))
            return day if day is not None else self._posted(path)[0]
        except (Error, ValueError):
            return None

    def filename(self, filepath: str) -> str:
        """Return the name under which the file is archived: its own."""
        return Path(filepath).name

    def extract(self, filepath: str, existing: list[Any]) -> list[Any]:
        """Return the transactions of the file.

        On Fava's import page a refused file gives a note that says why: an error there is shown as a
        traceback, which tells an accountant nothing.

        Raises:
            beangulp.exceptions.Error: the file is refused; carries every problem, one a line.
        """
        path = Path(filepath)
        try:
            return self._posted(path)[1]
        except Error as refused:
            if not _on_import_page():
                raise
            day = dt.datetime.fromtimestamp(path.stat().st_mtime, tz=dt.UTC).date()
            meta = new_metadata(filepath, 0)
            return [Note(meta, day, self.account(filepath), str(refused), None, None)]

    def deduplicate(self, entries: list[Any], existing: list[Any]) -> None:
        """Mark what is in the books: an entry of the same batch, day and counterparty."""
        known = {_identity(e): e for e in existing if isinstance(e, Transaction)}
        for entry in entries:
            if isinstance(entry, Transaction) and _identity(entry) in known and entry.links:
                entry.meta["__duplicate__"] = known[_identity(entry)]

    def _format(self) -> Any:
        return load_format(find_format(self.source.format, self.root / "formats"))

    def _inbox_name(self, path: Path) -> str:
        return path.name

    def _posted(self, path: Path) -> tuple[dt.date, list[Any]]:
        """Post a file in books of its own; what came out is kept until the file or a rule changes."""
        stat = path.stat()
        rules = tuple(self._rule_times())
        key = (str(path), stat.st_size, stat.st_mtime_ns, rules)
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, *self._post(path))
        _, day, entries = self._kept
        return day, [e._replace(meta=dict(e.meta)) for e in entries]

    def _rule_times(self) -> Iterator[int]:
        yield (self.root / "finops.toml").stat().st_mtime_ns
        for folder in _RULE_FOLDERS:
            for path in sorted((self.root / folder).glob("*")):
                yield path.stat().st_mtime_ns

    def _post(self, path: Path) -> tuple[dt.date, list[Any]]:
        with self._scratch() as root, Books(root, clock=lambda: NOW) as books:
            shutil.copyfile(path, root / "inbox" / self._inbox_name(path))
            [report] = books.import_files().files
            if report.verdict != "imported":
                raise Error(
                    f"{path.name} is refused; nothing of it is posted",
                    *(report.problems or [report.message]),
                )
            batch = books.space.state.batches[report.batch]
            entries = [e for e in books.load().transactions() if batch.id in e.links]
            for entry in entries:
                entry.meta["filename"], entry.meta["lineno"] = str(path), 0
            return batch.day, entries

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="finops-import-") as place:
            root = Path(place) / "books"
            for folder in (*_RULE_FOLDERS, "inbox", "decisions", "journal"):
                (root / folder).mkdir(parents=True)
            for name in _RULES:
                if (self.root / name).exists():
                    shutil.copyfile(self.root / name, root / name)
            for folder in _RULE_FOLDERS:
                if (self.root / folder).is_dir():
                    shutil.copytree(self.root / folder, root / folder, dirs_exist_ok=True)
            yield root


class SampleImporter(FormatImporter):
    """A shipped format with the sample that lies beside it; knows the file by its folder."""

    def __init__(self, root: Path, format_: str) -> None:
        self.setting = setting_of(format_)
        super().__init__(root, lay_out_rules(root, format_, self.setting))

    def identify(self, filepath: str) -> bool:
        """Say whether the file is the format's sample."""
        path = Path(filepath)
        return path.resolve().parent.name == self.source.format and super().identify(filepath)

    def _inbox_name(self, path: Path) -> str:
        return inbox_name(path, self.setting)


class AnySample(Importer):  # type: ignore[misc]
    """All shipped samples as one importer, for beangulp's test command, which takes one."""

    def __init__(self, importers: Sequence[SampleImporter]) -> None:
        self._importers = importers

    @property
    def name(self) -> str:
        """What the test command calls it."""
        return "finops.samples"

    def _of(self, filepath: str) -> SampleImporter:
        return next(i for i in self._importers if i.identify(filepath))

    def identify(self, filepath: str) -> bool:
        """Say whether the file is a sample of any format."""
        return any(importer.identify(filepath) for importer in self._importers)

    def account(self, filepath: str) -> str:
        """Return the account of the sample's source."""
        return self._of(filepath).account(filepath)

    def date(self, filepath: str) -> dt.date | None:
        """Return the day of the sample."""
        return self._of(filepath).date(filepath)

    def filename(self, filepath: str) -> str:
        """Return the name of the sample."""
        return self._of(filepath).filename(filepath)

    def extract(self, filepath: str, existing: list[Any]) -> list[Any]:
        """Return what the sample posts."""
        return self._of(filepath).extract(filepath, existing)


def _on_import_page() -> bool:
    return "fava.core.ingest" in sys.modules


def lift_size_limits() -> None:
    """Let beangulp and Fava look at files of any size.

    Both skip files above 8 MiB without a word (``FILE_TOO_LARGE_THRESHOLD``); a partner's file of a day
    is larger, and one that is skipped in silence is the worst of all.
    """
    identify.FILE_TOO_LARGE_THRESHOLD = sys.maxsize
    ingest: Any = sys.modules.get("fava.core.ingest")
    if ingest is not None:
        ingest._FILE_TOO_LARGE_THRESHOLD = sys.maxsize


def of_workspace(root: Path) -> list[FormatImporter]:
    """Return an importer for every source of a workspace."""
    return [FormatImporter(root, source.name) for source in cfg.load(root).sources]


def of_samples(root: Path) -> list[SampleImporter]:
    """Return an importer for every shipped format that has a sample, with its rules below ``root``."""
    return [SampleImporter(root / name, name) for name in sorted(shipped()) if samples_of(name)]


def _identity(entry: Any) -> tuple[Any, ...]:
    links = frozenset(link for link in entry.links or () if link.startswith("b-"))
    return links, entry.date, (entry.meta or {}).get("partner")
