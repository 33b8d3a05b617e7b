"""A file tried under a format, with what the books say of its source where there are books."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from finops_ledger.books.books import Books
from finops_ledger.books.config import Intake, Source
from finops_ledger.books.covering import ON_THEIR_DAY
from finops_ledger.books.filing import info_of
from finops_ledger.core.days import zone as find_zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.kinds import ROLES
from finops_ledger.core.names import file_name
from finops_ledger.intake import containers
from finops_ledger.intake.conditions import unknown
from finops_ledger.intake.formats import Format, find_format, load_format
from finops_ledger.intake.infer.draft import toml
from finops_ledger.intake.infer.look import literal
from finops_ledger.intake.model import SourceInfo
from finops_ledger.intake.trial import Known, Trial, recognised, try_file

NO_DAY = date(1970, 1, 1)
_NEAR = 1  #: days between a file's name and its rows that say nothing: a file made after midnight


@contextmanager
def looked_into(
    path: Path, member: str | None, intake: Intake | None = None
) -> Iterator[tuple[Path, Intake]]:
    """Yield the file to look at: itself, or what a gzip or zip file holds, and the limits of the books.

    Raises:
        UsageError: a container of several files and none named, or no such member; no container.
        InputRefused: it cannot be unpacked.
    """
    intake = intake or Intake()
    if containers.kind(path) is None and member is not None:
        raise UsageError(f"--member: {path.name} is no gzip or zip file")
    with TemporaryDirectory(prefix="finops-") as folder:
        if containers.kind(path) is None:
            yield _plain(path, path.name, Path(folder)), intake
            return
        inside = Path(folder) / "inside"
        inside.mkdir()
        found = containers.unpack(path, inside, intake.limits, intake.ignore, only=member)
        named = {m.name: m for m in found.members if member in (None, m.name)}
        if member is not None and member not in named:
            raise UsageError(f"--member: {unknown(member, [m.name for m in found.members])}")
        if len(named) > 1:
            listed = ", ".join(sorted(named))
            raise UsageError(
                f"{path.name} holds {len(named)} files; choose one with --member: {listed}"
            )
        [one] = named.values()
        yield _plain(one.path, PurePosixPath(one.name).name, Path(folder)), intake


def _plain(path: Path, name: str, folder: Path) -> Path:
    """Return a path under a plain form of its name: the engine takes ``[1]`` and ``*`` for patterns."""
    plain = re.sub(r"[^\w .,()+@=&~#%-]+", "_", file_name(name), flags=re.ASCII)
    if path.name == plain:
        return path
    link = folder / plain
    link.symlink_to(path.absolute())
    return link


_DATE = re.compile(r"(?<!\d)(\d{8}|\d{4}-\d{2}-\d{2})(?!\d)")


def source_lines(name: str, fmt: Format) -> str:
    """Return the lines of finops.toml that make a file of this name one of a source of a format."""
    who = re.sub(r"[^a-z0-9]+", "-", _DATE.sub("", name.rsplit(".", 1)[0]).lower()).strip("-")
    role = fmt.role or "supply"
    found = _DATE.search(name)
    lines = [
        "[[sources]]",
        f'name = "{who or fmt.name}"',
        f'role = "{role}"',
        f'format = "{fmt.name}"',
    ]
    if role not in {"sale", "report"}:
        lines.append('counterparty = "…"  # the partner, as its SOP in sops/ names it')
    lines.append(f"match = {toml(re.sub(r'[0-9]+', '*', name))}")
    if found:
        before = literal(name[max(found.start() - 12, 0) : found.start()])
        dashed = "-" in found[1]
        digits, form = (r"\d{4}-\d{2}-\d{2}", ', format = "%Y-%m-%d"') if dashed else (r"\d{8}", "")
        lines.append(f"day = {{ name = '{before}({digits})'{form} }}")
    else:
        lines.append('day = "rows"  # the last day of its rows; or where its name carries the day')
    return "\n".join(lines)


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
    return _dated(_on_its_day(trial, path, fmt, info, rows) if day is None else trial)


def _dated(trial: Trial) -> Trial:
    """Warn of a day in the file's name that is not near the days of its rows."""
    result = trial.result
    if result is None or result.first_day is None or result.last_day is None:
        return trial
    named = []
    for text in _DATE.findall(trial.file):
        with suppress(ValueError):
            named.append(date.fromisoformat(text))
    near = timedelta(days=_NEAR)
    first, last = result.first_day - near, result.last_day + near
    if not named or (min(named) <= last and first <= max(named)):
        return trial
    days = f"{result.first_day}" + (
        f" to {result.last_day}" if result.last_day != result.first_day else ""
    )
    note = f"the file's name says {named[0]}, its rows say {days}"
    for day in (result.first_day, result.last_day):
        if (day.year, day.month, day.day) == (named[0].year, named[0].day, named[0].month):
            note += "; day and month may be read the wrong way round, see format in [times]"
            break
    return replace(trial, notes=(*trial.notes, note))


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
    limits = books.space.config.intake.limits
    info = info_of(books.space, source, "b-check", day or NO_DAY)
    trial = try_file(path, fmt, info, rows, limits)
    days = _partner_days(books, source, trial, day)
    if day is None and trial.result is not None and trial.result.last_day is not None:
        day = trial.result.last_day if days is None else days[1]
        trial = try_file(path, fmt, replace(info, file_day=day), rows, limits)
        days = _partner_days(books, source, trial, day)
    return replace(_dated(trial), business_day=day, partner_days=days)


def _partner_days(
    books: Books, source: Source, trial: Trial, day: date | None
) -> tuple[date, date] | None:
    """Return the partner's days of a supplier's rows; None for another file, and for rows without a time."""
    registry, who = books.space.registry, source.counterparty
    if source.role not in ON_THEIR_DAY or trial.moments is None or who not in registry.sops:
        return None
    when = day or trial.moments[1].astimezone(find_zone(registry.zone)).date()
    supply = registry.of(who).on(when).supply
    if supply is None:
        return None
    window = supply.window.window()
    first, last = (window.day_of(m) for m in trial.moments)
    return first, last


def source_of(books: Books, name: str) -> Source:
    """Return a source of the books by name; UsageError with the nearest one."""
    sources = {s.name: s for s in books.space.config.sources}
    if name not in sources:
        raise UsageError(f"--source: {unknown(name, sources)}")
    return sources[name]
