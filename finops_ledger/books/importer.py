"""Sources as beangulp importers: identify, extract and archive, and Fava's import page.

``finops import`` is the way into the books: it keeps rows, proves totals and knows what is in already. This is
the same reading and posting for those who work with beangulp: the transactions of one file, as they would be
posted were it the only one. What is already in the books is marked by its batch link, exactly, never by
likeness. Nothing here writes into a workspace.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beancount.core.data import Transaction
from beangulp.importer import Importer

from finops_ledger.books import config as cfg
from finops_ledger.books.books import Books
from finops_ledger.books.filing import account_of
from finops_ledger.books.samples import NOW, inbox_name, lay_out_rules, setting_of
from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake.formats import find_format, load_format, shipped
from finops_ledger.intake.recognise import recognises

#: What a scratch workspace takes over: rules, never rows.
_RULES = ("finops.toml", "main.beancount", "accounts.beancount", "queries.beancount")
_RULE_FOLDERS = ("sops", "prices", "formats")


class FormatImporter(Importer):  # type: ignore[misc]
    """One source of a workspace."""

    def __init__(self, root: Path, source: str) -> None:
        self.root = root.absolute()
        self.source = cfg.load(self.root).source(source)

    @property
    def name(self) -> str:
        """The source, as the workspace names it."""
        return f"finops.{self.source.name}"

    def identify(self, filepath: str) -> bool:
        """Say whether the source takes the file by its name, and its format by its header."""
        path = Path(filepath)
        return self.source.takes(self._inbox_name(path)) and recognises(self._format(), path)

    def account(self, filepath: str) -> str:
        """Return the account under which the file is archived."""
        return account_of(self.source) or "Liabilities:Customer-Orders:Undelivered"

    def date(self, filepath: str) -> dt.date | None:
        """Return the file's day: from its name, else that of its last row."""
        path = Path(filepath)
        day = self.source.day_of(self._inbox_name(path))
        return day if day is not None else self._posted(path)[0]

    def filename(self, filepath: str) -> str:
        """Return the name under which the file is archived: its own."""
        return Path(filepath).name

    def extract(self, filepath: str, existing: list[Any]) -> list[Any]:
        """Return the transactions of the file; raise InputRefused, with every problem, if it is refused."""
        return self._posted(Path(filepath))[1]

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
        with self._scratch() as root, Books(root, clock=lambda: NOW) as books:
            shutil.copyfile(path, root / "inbox" / self._inbox_name(path))
            [report] = books.import_files().files
            if report.verdict != "imported":
                raise InputRefused(path.name, [Problem(report.verdict, report.message, path.name)])
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


def of_workspace(root: Path) -> list[FormatImporter]:
    """Return an importer for every source of a workspace."""
    return [FormatImporter(root, source.name) for source in cfg.load(root).sources]


def of_samples(root: Path) -> list[SampleImporter]:
    """Return an importer for every shipped format that has a sample, with its rules below ``root``."""
    return [
        SampleImporter(root / name, name)
        for name, path in sorted(shipped().items())
        if path.with_name("sample.csv").exists()
    ]


def _identity(entry: Any) -> tuple[Any, ...]:
    links = frozenset(link for link in entry.links or () if link.startswith("b-"))
    return links, entry.date, (entry.meta or {}).get("partner")
