"""Import: a file from the inbox becomes a batch, or is refused with a report, or stays where it is.

A container is taken in whole or not at all: all its members are read before the first one is committed; then
each is one commit. What a kill leaves out, the next import of the same container adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_ledger.books import (
    arrivals,
    bank_statement,
    billing,
    covering,
    filing,
    invoices,
    parts,
    statement,
)
from finops_ledger.books.ahead import UNKNOWN_DAY, Ahead, Key
from finops_ledger.books.arrivals import Arrival, Found, Opened
from finops_ledger.books.filing import Changed, info_of
from finops_ledger.books.inbox import (
    FileReport,
    Signature,
    Verdict,
    left,
    shown,
    signature,
    waiting,
)
from finops_ledger.books.refusing import refuse, relabelled
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.ids import batch_id, sha256_file
from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake.read import ReadResult, read
from finops_ledger.posting import identity
from finops_ledger.subledger import files
from finops_ledger.subledger.engine import content_digest
from finops_ledger.subledger.manifest import Batch, Line

__all__ = ["FileReport", "Verdict", "import_file", "waiting"]

_CHANGED = "the file changed while it was read; it is left alone, import it when it is whole"


@dataclass(frozen=True)
class _Ready:
    """A file that has been read without a fault, its rows in ``temp``: what is left to do is to commit it."""

    arrival: Arrival
    found: Found
    batch: str
    day: date
    part: parts.Part | None
    temp: Path
    result: ReadResult
    covers: tuple[date, date]

    @property
    def name(self) -> str:
        return self.arrival.name

    @property
    def sha256(self) -> str:
        return self.arrival.sha256

    @property
    def rows(self) -> int:
        return self.result.kept


def import_file(
    space: Workspace,
    path: Path,
    now: datetime,
    *,
    accept_valid: bool = False,
    only: str | None = None,
    ahead: Ahead | None = None,
) -> list[FileReport]:
    """Import one file: at most one commit, or one for each member of a container.

    Nothing of a refused file is posted. ``only``: take this one member of a container, as a replay does.
    ``ahead``: where files are found that have been read before their turn.
    Returns one report, or one for each member that is in the books.
    """
    before = signature(path)
    sha256 = sha256_file(path)
    sources: set[str] = set()
    try:
        with arrivals.opened(space, path, sha256, only) as whole:
            sources |= {s.name for s in space.config.sources if s.takes(whole.name)}
            return _take_in(space, whole, now, accept_valid, before, sources, ahead)
    except InputRefused as refused:
        if signature(path) != before or sha256_file(path) != sha256:
            return [left(shown(path), _CHANGED)]
        source = sources.pop() if len(sources) == 1 else ""
        report = refuse(space, path, source, sha256, refused, now)
        _leave(space, path, before)
        return [report]
    except Changed:
        return [left(shown(path), _CHANGED)]
    except FileNotFoundError:
        if path.exists():
            raise
        return [left(shown(path), "the file went away while it was read")]


def _take_in(
    space: Workspace,
    whole: Opened,
    now: datetime,
    accept_valid: bool,
    before: Signature,
    sources: set[str],
    ahead: Ahead | None,
) -> list[FileReport]:
    """Read all that a file holds, then commit it; ``sources`` is filled with those that take part."""
    known: list[FileReport] = []
    ready: list[_Ready] = []
    problems: list[Problem] = []
    total = 0
    found = [(a, arrivals.source_of(space, a)) for a in whole.arrivals]
    unread = [(a, why) for a, why in found if isinstance(why, str)]
    if unread:
        return [FileReport(whole.name, "unrecognised", arrivals.unread(unread))]
    sources.clear()
    for arrival, one in found:
        assert isinstance(one, Found)
        sources.add(one.source.name)
        try:
            made = _read_one(space, arrival, one, ready, accept_valid, ahead)
        except InputRefused as refused:
            refused = relabelled(refused, arrival.path.name, arrival.name)
            problems += refused.problems
            total += refused.total
            continue
        if isinstance(made, FileReport):
            known.append(made)
        else:
            ready.append(made)
    if problems:
        raise InputRefused(whole.name, problems, total)
    if signature(whole.path) != before:
        raise Changed(whole.name)
    reports = [*known, *(_commit_one(space, whole, one, now) for one in ready)]
    _leave(space, whole.path, before)
    if whole.ignored:
        told = f"{whole.name}: left out, as [intake] ignore says: {', '.join(whole.ignored)}"
        reports.append(FileReport(whole.name, "ignored", told))
    return reports


def _read_one(
    space: Workspace,
    arrival: Arrival,
    found: Found,
    ready: Sequence[_Ready],
    accept_valid: bool,
    ahead: Ahead | None,
) -> _Ready | FileReport:
    """Read one file or member; return a report instead when its bytes are in already."""
    source, name = found.source, arrival.name
    try:
        day = source.day_of(found.name)
    except ValueError as error:
        raise InputRefused(name, [Problem("file-name", str(error), name)]) from error
    part = parts.part_of(source, found.name, name)
    there: list[Batch | _Ready] = [
        *space.state.of_source(source.name),
        *(r for r in ready if r.found.source == source),
    ]
    same = [b for b in there if b.sha256 == arrival.sha256]
    known = next((b for b in same if day in (None, b.day) and b.part == part), None)
    if known is not None:
        batch = known.id if isinstance(known, Batch) else known.batch
        text = f"{name}: already imported as {batch}; nothing changes"
        return FileReport(name, "known", text, batch, source.name)
    if day is not None:
        _check_day(name, arrival.sha256, part, day, there)
    stated = day or UNKNOWN_DAY
    slot = parts.slot(part, arrival.member)
    batch = batch_id(source.name, stated, slot, arrival.sha256)
    temp = files.temp_beside(space.root / "subledger" / "rows" / f"{batch}.parquet")
    result = _read(space, arrival, found, batch, stated, temp, accept_valid, ahead)
    days = covering.row_days(space, source, temp, result, day)
    if day is None:
        if days is None:
            text = "the file has no rows, and its name does not carry its day"
            raise InputRefused(name, [Problem("no-day", text, name)])
        day = days[1]
        _check_day(name, arrival.sha256, part, day, there)
        batch = batch_id(source.name, day, slot, arrival.sha256)
        result = _read(space, arrival, found, batch, day, temp, accept_valid, ahead)
        # Rows that say no time are of the file's day, which is known only now.
        days = covering.row_days(space, source, temp, result, day)
    covers = source.covers(day, None if days is None else days[0])
    statement.check_role(space, source, name, covers[0])
    invoices.check(space, source, name, temp)
    if source.role == "bank":
        result = bank_statement.prove(space.local, arrival.path, found.format, temp, result)
    made = _Ready(arrival, found, batch, day, part, temp, result, covers)
    billing.check(space, made, ready)
    return made


def _check_day(
    name: str, sha256: str, part: parts.Part | None, day: date, there: Sequence[Batch | _Ready]
) -> None:
    """Refuse bytes that are in under another day, and a part that does not go with its day's others."""
    for other in there:
        if other.sha256 == sha256 and other.rows and other.day != day:
            problem = Problem(
                "same-bytes-other-day",
                f"the same bytes were imported as {other.name} for {other.day}; "
                "one of the two names carries a wrong day",
                name,
            )
            raise InputRefused(name, [problem])
    parts.check(part, name, sha256, day, there)


def _commit_one(space: Workspace, whole: Opened, ready: _Ready, now: datetime) -> FileReport:
    line = _commit(space, whole, ready, now)
    notes = _absent(space, line)
    return FileReport(
        ready.name,
        "imported",
        "; ".join([_told(ready.name, ready.batch, line), *notes]),
        ready.batch,
        ready.found.source.name,
        line["rows"],
        line["control"]["read"],
        [str(p) for p in ready.result.problems],
        ready.result.refused,
        notes,
    )


def _leave(space: Workspace, path: Path, before: Signature) -> None:
    """Take a file out of the inbox; one that was named from elsewhere is its owner's and stays.

    So does one that was written to after it had been taken: what is new in it is not in the books.
    """
    if path.parent.resolve() != space.inbox.resolve():
        return
    if path.exists() and signature(path) == before:
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


def _absent(space: Workspace, line: Line) -> list[str]:
    """Say what earlier files of the name had and this one has not: it stands, and a person decides."""
    count, control = line["absent"]["rows"], line["absent"]["control"]
    if not count:
        return []
    batch = space.state.batches[line["batch"]]
    earlier = [b.id for b in space.state.issues(batch) if b.issue < batch.issue]
    rows = "1 row" if count == 1 else f"{count} rows"
    return [
        f"{rows} of {control} that the file of this name had before {'is' if count == 1 else 'are'} not in it "
        f"and still {'counts' if count == 1 else 'count'}: if this file replaces the earlier one, call: "
        f"finops withdraw {' '.join(earlier)} --reason … --by …"
    ]


def _read(
    space: Workspace,
    arrival: Arrival,
    found: Found,
    batch: str,
    day: date,
    out: Path,
    accept_valid: bool,
    ahead: Ahead | None,
) -> ReadResult:
    if ahead is not None:
        key = Key(arrival.sha256, found.source.name, batch, day, accept_valid)
        done = ahead.take(key, out)
        if done is not None:
            return done
    return read(
        arrival.path,
        found.format,
        info_of(space, found.source, batch, day),
        out,
        accept_valid=accept_valid,
        connection=space.local.connection,
        limits=space.config.intake.limits,
    )


def _commit(space: Workspace, whole: Opened, ready: _Ready, now: datetime) -> Line:
    source, fmt, day, result = ready.found.source, ready.found.format, ready.day, ready.result
    target = f"subledger/rows/source={source.name}/day={day.isoformat()}/{ready.batch}.parquet"
    body: Line = {
        "at": now.isoformat(timespec="seconds"),
        "batch": ready.batch,
        "source": source.name,
        "role": source.role,
        "day": day.isoformat(),
        "covers": [d.isoformat() for d in ready.covers],
        "counterparty": source.counterparty,
        "original": filing.original(space, whole, ready.arrival, source, day),
        "format": {"name": fmt.name, "version": fmt.version},
        "key": list(fmt.key),
        "order": fmt.order,
        "accept_valid": bool(result.refused),
    }
    if ready.part is not None:
        body["part"] = {"number": ready.part[0], "of": ready.part[1]}
    with filing.keeping(whole, space.root / body["original"]["archive"]):
        body |= identity.describe(
            space.local, space.root, space.registry, space.state, body, ready.temp,
            versions=fmt.revisions_in_file,
        )  # fmt: skip
        rows, control = body["rows"], body["control"]
        read_control = result.control + result.excluded_control + result.refused_control
        rows |= {"read": result.rows, "excluded": result.excluded, "refused": result.refused}
        control |= {
            "read": plain(read_control),
            "excluded": plain(result.excluded_control),
            "refused": plain(result.refused_control),
            "unreadable": result.unreadable,
        }
        _conserve(ready.name, rows, control)
        body["stated"] = {
            "opening": None if result.opening is None else plain(result.opening),
            "closing": None if result.closing is None else plain(result.closing),
            "totals": {k: plain(v) for k, v in result.totals.items()},
        }
        files.publish(ready.temp, space.root / target)
        body["files"] = {target: content_digest(space.root / target)}
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
