"""Importers written for plain beangulp as sources: what they extract becomes rows.

``[file] importer`` names an importer: ``module:name`` for one that is installed, ``file.py:name`` for
one beside the format. ``name`` is an instance, or a class or function that makes one without
arguments. It is code and runs with the rights of who imports; it is kept and hashed as a rule like
the format itself. Each posting on the importer's own account is a record in the columns of a bank
statement (:mod:`.statement`); a closing balance that the importer states is a figure of the file.

An importer drops lines as it likes, and nobody but it knows how many there were: the file's rows are
what it extracts.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from beancount.core.amount import Amount
from beancount.core.data import Balance, Note, Transaction
from beangulp.importer import Importer

from finops_ledger.core.errors import FinopsError, UsageError
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.core.money import plain
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.statement import COLUMNS
from finops_ledger.intake.readers.table import TableSource, TableWriter
from finops_ledger.intake.source import Note as Line
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format

_STATUS = {"*": "booked", "!": "pending"}


def load_importer(name: str) -> Importer:
    """Load the importer that a format names; a path is absolute by now.

    Raises:
        UsageError: there is no such module, file or name, or it is no importer.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise UsageError(f"importer {name!r}: write it as module:name or file.py:name")
    module = _module(place)
    found = getattr(module, attribute, None)
    if found is None:
        raise UsageError(f"importer {name!r}: {place} has no {attribute!r}")
    try:
        made = found if isinstance(found, Importer) else found()
    except Exception as error:
        raise UsageError(f"importer {name!r} cannot be made: {_told(error)}") from error
    if not isinstance(made, Importer):
        raise UsageError(f"importer {name!r} is no beangulp importer but a {type(made).__name__}")
    return made


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ImportError as error:
            raise UsageError(f"importer: no module {place!r} ({error})") from error
    path = Path(place)
    if not path.is_file():
        raise UsageError(f"importer: {path}: there is no such file")
    return _module_of_file(path, sha256_bytes(path.read_bytes()))


@lru_cache
def _module_of_file(path: Path, digest: str) -> Any:
    """Run a module once a state of its file: a changed importer is another module."""
    spec = importlib.util.spec_from_file_location(f"finops_importer_{digest[:16]}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"importer: {path} cannot be loaded: {_told(error)}") from error
    return module


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Let the importer extract, and keep what it gives as records.

    Raises:
        InputRefused: the importer fails on the file, or gives what is no movement of its account.
        UsageError: the format names no importer that can be loaded.
    """
    assert fmt.file.importer is not None
    importer = load_importer(fmt.file.importer)
    try:
        account = importer.account(str(path))
        entries = importer.extract(str(path), [])
    except FinopsError:
        raise
    except Exception as error:
        raise raw.refuse(
            path.name, "importer-failed", f"the importer {importer.name} fails: {_told(error)}"
        ) from error
    writer = TableWriter(folder / "table.parquet", len(COLUMNS))
    try:
        writer.write_rows(_records(entries, account, path.name))
    finally:
        writer.close()
    notes = tuple(Line(e.comment, (e.comment,), _line(e)) for e in entries if isinstance(e, Note))
    columns = {name: at for at, name in enumerate(COLUMNS)}
    figures = {account: _figures(entries, account)}
    return TableSource(
        path.name,
        folder,
        columns,
        len(COLUMNS),
        notes,
        figures,
        parquet=writer.path,
        rows=writer.rows,
    )


def _records(entries: list[Any], account: str, name: str) -> Iterator[tuple[int, list[str | None]]]:
    number = 0
    for entry in entries:
        if isinstance(entry, Balance | Note):
            continue
        line = _line(entry)
        if not isinstance(entry, Transaction):
            raise raw.refuse(
                name, "importer-entry", f"a {type(entry).__name__} is no movement", line,
                expected="transactions, balances and notes",
            )  # fmt: skip
        own = [p for p in entry.postings if p.account == account]
        if not own:
            raise raw.refuse(
                name, "importer-entry", f"a transaction without a posting on {account}", line,
                value=str(entry.narration),
            )  # fmt: skip
        for posting in own:
            units = posting.units
            if not isinstance(units, Amount) or units.number is None or posting.cost is not None:
                raise raw.refuse(
                    name, "importer-entry", "a posting without an amount, or at cost", line,
                    value=str(entry.narration), expected="an amount of money",
                )  # fmt: skip
            number += 1
            cells: dict[str, str | None] = {
                "account": account,
                "entry": str(number),
                "currency": units.currency,
                "booking_date": entry.date.isoformat(),
                "amount": plain(units.number),
                "status": _STATUS.get(str(entry.flag), "booked"),
                "reference": " ".join(sorted(entry.links or ())) or None,
                "type": " ".join(sorted(entry.tags or ())) or None,
                "counterparty": entry.payee,
                "text": entry.narration,
            }
            yield line, [cells.get(column) for column in COLUMNS]


def _line(entry: Any) -> int:
    return int((entry.meta or {}).get("lineno") or 0)


def _figures(entries: list[Any], account: str) -> dict[str, str]:
    """The last balance that the importer asserts is the closing of the file."""
    stated = [e for e in entries if isinstance(e, Balance) and e.account == account]
    if not stated:
        return {}
    last = max(stated, key=lambda e: e.date)
    number = last.amount.number
    assert number is not None
    return {"closing": plain(number), "currency": last.amount.currency}


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Ask the importer."""
    assert fmt.file.importer is not None
    try:
        return bool(load_importer(fmt.file.importer).identify(str(path)))
    except FinopsError:
        raise
    except Exception:
        # What another's code raises on a file that is not its own says just that.
        return False
