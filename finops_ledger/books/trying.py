"""A file tried under a format, with what the books say of its source where there are books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from finops_ledger.books.books import Books
from finops_ledger.books.config import Source
from finops_ledger.books.importing import info_of
from finops_ledger.core.days import zone as find_zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.kinds import ROLES
from finops_ledger.intake.conditions import unknown
from finops_ledger.intake.formats import Format, find_format, load_format
from finops_ledger.intake.model import SourceInfo
from finops_ledger.intake.trial import Known, Trial, recognised, try_file

NO_DAY = date(1970, 1, 1)


def chosen(path: Path, named: str | None, formats: Sequence[Known], own: Path | None) -> Format:
    """Return the format to try: by name or path, else the only one that recognises the file.

    Raises:
        UsageError: no such format; none or several recognise the file.
    """
    if named is not None:
        if named.endswith(".toml") or "/" in named:
            return load_format(Path(named))
        return load_format(find_format(named, own))
    found = recognised(path, list(formats))
    if len(found) == 1:
        return next(k.format for k in formats if k.name == found[0] and k.format is not None)
    if not found:
        raise UsageError(
            f"{path.name}: no format recognises it; name one with --format, or make one: "
            f"finops format infer {path}"
        )
    raise UsageError(f"{path.name}: {', '.join(found)} recognise it; choose one with --format")


def without_books(
    path: Path,
    fmt: Format,
    rows: int,
    *,
    role: str | None,
    currency: str,
    zone: str,
    day: date | None,
) -> Trial:
    """Try a file with nothing known of its source but the role that the format names."""
    role = role or fmt.role
    if role is None:
        raise UsageError(f"format {fmt.name} names no role: give one with --role")
    if role not in ROLES:
        raise UsageError(f"--role: {unknown(role, ROLES)}")
    try:
        find_zone(zone)
    except ValueError as error:
        raise UsageError(f"--zone: {error}") from error
    info = SourceInfo("check", role, zone, currency, "b-check", day or NO_DAY)
    trial = try_file(path, fmt, info, rows)
    return _on_its_day(trial, path, fmt, info, rows) if day is None else trial


def _on_its_day(trial: Trial, path: Path, fmt: Format, info: SourceInfo, rows: int) -> Trial:
    """Read again on the last day of the rows, as an import does where nothing else says the day."""
    if trial.result is None or trial.result.last_day is None:
        return trial
    return try_file(path, fmt, replace(info, file_day=trial.result.last_day), rows)


def with_books(
    path: Path, fmt: Format, rows: int, books: Books, source: Source, day: date | None
) -> Trial:
    """Try a file as one of a source of these books."""
    if day is None:
        try:
            day = source.day_of(path.name)
        except ValueError as error:
            raise UsageError(f"{error}; give the file's day with --day") from error
    info = info_of(books.space, source, "b-check", day or NO_DAY)
    trial = try_file(path, fmt, info, rows)
    return _on_its_day(trial, path, fmt, info, rows) if day is None else trial


def source_of(books: Books, name: str) -> Source:
    """Return a source of the books by name; UsageError with the nearest one."""
    sources = {s.name: s for s in books.space.config.sources}
    if name not in sources:
        raise UsageError(f"--source: {unknown(name, sources)}")
    return sources[name]
