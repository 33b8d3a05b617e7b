"""Import: a file from the inbox becomes a batch, or is refused with a report, or stays where it is."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from finops_ledger.books import bank_statement
from finops_ledger.books.config import Source
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import InputRefused, Problem, UsageError
from finops_ledger.core.ids import account_component, batch_id, sha256_file
from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake.read import ReadResult, SourceInfo, read
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format
from finops_ledger.posting import identity
from finops_ledger.subledger import files
from finops_ledger.subledger.engine import content_digest
from finops_ledger.subledger.manifest import Line

Verdict = Literal["imported", "known", "refused", "unrecognised"]


@dataclass
class FileReport:
    """What became of one file."""

    name: str
    verdict: Verdict
    message: str
    batch: str = ""
    source: str = ""
    rows: dict[str, Any] = field(default_factory=dict)
    control: str = ""
    problems: list[str] = field(default_factory=list)


def source_of(space: Workspace, path: Path) -> tuple[Source, Format] | str:
    """Find the one source that takes a file by its name; else say why there is none."""
    named = [s for s in space.config.sources if s.takes(path.name)]
    if len(named) == 1:
        return named[0], space.format(named[0].format)
    if not named:
        return (
            "no source in finops.toml takes a file of this name; add one under [[sources]], or "
            "rename the file as a source's 'match' says"
        )
    fitting = [(s, f) for s in named if recognises(f := space.format(s.format), path)]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(s.name for s in named)
    return (
        f"sources {listed} all take this name and the header does not decide; narrow their 'match'"
    )


def import_file(
    space: Workspace, path: Path, now: datetime, *, accept_valid: bool = False
) -> FileReport:
    """Import one file: at most one commit. Nothing of a refused file is posted."""
    found = source_of(space, path)
    if isinstance(found, str):
        return FileReport(path.name, "unrecognised", f"{path.name}: {found}")
    source, fmt = found
    sha256 = sha256_file(path)
    try:
        day = source.day_of(path.name)
        return _import(space, path, source, fmt, sha256, day, now, accept_valid)
    except ValueError as error:
        problem = Problem("file-name", str(error), path.name)
        return _refuse(space, path, source, sha256, InputRefused(path.name, [problem]), now)
    except InputRefused as refused:
        return _refuse(space, path, source, sha256, refused, now)
    except _Changed:
        text = f"{path.name}: the file changed while it was read; it is left alone, import it when it is whole"
        return FileReport(path.name, "unrecognised", text)


class _Changed(Exception):
    """A file is not what it was when its reading began."""


def _import(
    space: Workspace,
    path: Path,
    source: Source,
    fmt: Format,
    sha256: str,
    day: date | None,
    now: datetime,
    accept_valid: bool,
) -> FileReport:
    same = [b for b in space.state.known_content(sha256) if b.source == source.name]
    known = next((b for b in same if day in (None, b.day)), None)
    if known is not None:
        _leave(space, path)
        text = f"{path.name}: already imported as {known.id}; nothing changes"
        return FileReport(path.name, "known", text, known.id, source.name)
    if same and same[0].rows:
        problem = Problem(
            "same-bytes-other-day",
            f"the same bytes were imported as {same[0].name} for {same[0].day}; "
            "one of the two names carries a wrong day",
            path.name,
        )
        raise InputRefused(path.name, [problem])
    stated = day or date(1970, 1, 1)
    batch = batch_id(source.name, stated, "", sha256)
    temp = files.temp_beside(space.root / "subledger" / "rows" / f"{batch}.parquet")
    result = _read(space, path, source, fmt, batch, stated, temp, accept_valid)
    if day is None:
        if result.last_day is None:
            problem = Problem(
                "no-day", "the file has no rows, and its name does not carry its day", path.name
            )
            raise InputRefused(path.name, [problem])
        day = result.last_day
        batch = batch_id(source.name, day, "", sha256)
        result = _read(space, path, source, fmt, batch, day, temp, accept_valid)
    covers = source.covers(day, result.first_day)
    if source.role == "bank":
        result = bank_statement.prove(space.engine, path, fmt, temp, result)
    line = _commit(space, path, source, fmt, sha256, batch, day, covers, temp, result, now)
    _leave(space, path)
    return FileReport(
        path.name,
        "imported",
        _told(path.name, batch, line),
        batch,
        source.name,
        line["rows"],
        line["control"]["read"],
        [str(p) for p in result.problems],
    )


def _leave(space: Workspace, path: Path) -> None:
    """Take a file out of the inbox; one that was named from elsewhere is its owner's and stays."""
    if path.resolve().parent == space.inbox.resolve():
        files.remove(path)


def _told(name: str, batch: str, line: Line) -> str:
    rows = line["rows"]
    counts = [f"{rows['read']} rows"]
    counts += [f"{rows[k]} {k}" for k in ("revised", "known", "refused") if rows[k]]
    excluded = sum(rows["excluded"].values())
    if excluded:
        counts.append(f"{excluded} excluded")
    others = sorted(set(line["standing"]) - {batch})
    restated = f"; changes what {', '.join(others)} posts" if others else ""
    return f"{name}: {', '.join(counts)} -> {batch}{restated}"


def _read(
    space: Workspace,
    path: Path,
    source: Source,
    fmt: Format,
    batch: str,
    day: date,
    out: Path,
    accept_valid: bool,
) -> ReadResult:
    info = info_of(space, source, batch, day)
    return read(path, fmt, info, out, accept_valid=accept_valid, connection=space.engine.connection)


def info_of(space: Workspace, source: Source, batch: str, day: date) -> SourceInfo:
    """Return what the books say about a file of a source."""
    company = space.config.company
    return SourceInfo(
        name=source.name,
        role=source.role,
        zone=company.zone,
        currency=company.currency,
        batch=batch,
        file_day=day,
        counterparty=source.counterparty,
        account=account_of(source),
        gateway=source.gateway or (source.counterparty if source.role == "settlement" else None),
        partner_aliases=space.registry.aliases(),
        status=source.status,
        codes=source.codes,
        secret=space.config.privacy.key.encode(),
    )


def account_of(source: Source) -> str | None:
    """Return the account that a source proves: given, or by its role."""
    if source.account:
        return source.account
    name = account_component(source.counterparty or "")
    return {
        "supply": f"Assets:Deposits:{name}",
        "deposit": f"Assets:Deposits:{name}",
        "settlement": f"Assets:Clearing:Settlement-In-Transit:{name}",
        "bank": f"Assets:Bank:{name}",
    }.get(source.role)


def _archive_path(source: Source, day: date, sha256: str, name: str) -> str:
    account = account_of(source) or "Liabilities:Customer-Orders:Undelivered"
    folder = "/".join(account.split(":"))
    return f"archive/{folder}/{day.isoformat()}.{sha256[:8]}.{name}"


def _commit(
    space: Workspace,
    path: Path,
    source: Source,
    fmt: Format,
    sha256: str,
    batch: str,
    day: date,
    covers: tuple[date, date],
    temp: Path,
    result: ReadResult,
    now: datetime,
) -> Line:
    target = f"subledger/rows/source={source.name}/day={day.isoformat()}/{batch}.parquet"
    body: Line = {
        "at": now.isoformat(timespec="seconds"),
        "batch": batch,
        "source": source.name,
        "role": source.role,
        "day": day.isoformat(),
        "covers": [covers[0].isoformat(), covers[1].isoformat()],
        "counterparty": source.counterparty,
        "original": {
            "name": path.name,
            "sha256": sha256,
            "bytes": path.stat().st_size,
            "archive": _archive_path(source, day, sha256, path.name),
        },
        "format": {"name": fmt.name, "version": fmt.version},
        "key": list(fmt.key),
        "order": fmt.order,
        "accept_valid": bool(result.refused),
    }
    body |= identity.describe(space.engine, space.root, space.registry, space.state, body, temp)
    rows, control = body["rows"], body["control"]
    read_control = result.control + result.excluded_control + result.refused_control
    rows |= {"read": result.rows, "excluded": result.excluded, "refused": result.refused}
    control |= {
        "read": plain(read_control),
        "excluded": plain(result.excluded_control),
        "refused": plain(result.refused_control),
        "unreadable": result.unreadable,
    }
    _conserve(path.name, rows, control)
    body["stated"] = {
        "opening": None if result.opening is None else plain(result.opening),
        "closing": None if result.closing is None else plain(result.closing),
        "totals": {k: plain(v) for k, v in result.totals.items()},
    }
    files.publish(temp, space.root / target)
    body["files"] = {target: content_digest(space.root / target)}
    kept = space.root / body["original"]["archive"]
    files.copy_atomic(path, kept)
    if sha256_file(kept) != sha256:
        files.remove(kept)
        raise _Changed(path.name)
    return space.manifest.append(space.state, "batch", body)


def _conserve(name: str, rows: dict[str, Any], control: dict[str, Any]) -> None:
    """Rows and money read = new + revised + known + excluded + refused, before anything is committed."""
    counted = rows["new"] + rows["revised"] + rows["known"] + sum(rows["excluded"].values())
    summed = sum(
        (Decimal(control[k]) for k in ("new", "revised", "known", "excluded", "refused")), ZERO
    )
    if counted + rows["refused"] != rows["read"] or summed != Decimal(control["read"]):
        raise InputRefused(
            name,
            [
                Problem(
                    "not-conserved",
                    f"{rows['read']} rows of {control['read']} were read, "
                    f"{counted + rows['refused']} rows of {plain(summed)} have a place",
                    name,
                )
            ],
        )


def _refuse(
    space: Workspace, path: Path, source: Source, sha256: str, refused: InputRefused, now: datetime
) -> FileReport:
    """Move a refused file to quarantine with its report; commit that it was refused."""
    for temp in (space.root / "subledger" / "rows").glob(f"{files.TEMP_PREFIX}*"):
        temp.unlink()
    kept = f"quarantine/{sha256[:8]}.{path.name}"
    files.copy_atomic(path, space.root / kept)
    problems = list(refused.problems)
    text = [f"{path.name} was refused; nothing of it is posted.", f"{refused.total} problems:", ""]
    text += [str(p) for p in problems]
    if refused.total > len(problems):
        text.append(f"… and {refused.total - len(problems)} more, not listed")
    report = space.root / f"{kept}.report.txt"
    files.write_atomic(report, ("\n".join(text) + "\n").encode())
    files.write_atomic(report.with_suffix(".csv"), _problems_csv(problems))
    if all(line["original"]["sha256"] != sha256 for line in space.state.refused):
        space.manifest.append(
            space.state,
            "refused",
            {
                "at": now.isoformat(timespec="seconds"),
                "source": source.name,
                "original": {"name": path.name, "sha256": sha256, "quarantine": kept},
                "problems": refused.total,
                "first": str(problems[0]) if problems else "",
            },
        )
    _leave(space, path)
    listed = [str(p) for p in problems]
    return FileReport(path.name, "refused", str(refused), "", source.name, problems=listed)


def _problems_csv(problems: list[Problem]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "line", "column", "value", "expected", "code", "message"])
    for p in problems:
        writer.writerow([p.file, p.line, p.column, p.value, p.expected, p.code, p.message])
    return out.getvalue().encode()


def waiting(space: Workspace, paths: list[Path] | None) -> list[Path]:
    """Return the files to import: those named, else everything in the inbox, by name."""
    if paths:
        missing = [p for p in paths if not p.is_file()]
        if missing:
            raise UsageError(f"{missing[0]}: there is no such file")
        return paths
    if not space.inbox.is_dir():
        return []
    return sorted(p for p in space.inbox.iterdir() if p.is_file() and not p.name.startswith("."))
