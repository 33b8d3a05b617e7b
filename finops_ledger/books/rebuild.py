"""Rebuild: the old manifest is the script, and the same books must come out again (ruling 13).

Archived originals are imported, rules and decisions are put into the state that each line
recorded, and every reconciliation runs again, in the recorded order and at the recorded times.
Nothing else is taken over; that manifest, journal and rows are then the same is the proof.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from finops_ledger.books import (
    closing,
    importing,
    journal,
    reconciling,
    recorded,
    recovery,
    withdrawing,
)
from finops_ledger.books.config import load
from finops_ledger.books.config_engine import EngineLimits
from finops_ledger.books.expected import Touches
from finops_ledger.books.jobs import job
from finops_ledger.books.layout import FOLDERS
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import FinopsError, IntegrityError, UsageError
from finops_ledger.core.names import within
from finops_ledger.posting.store import LineStore
from finops_ledger.recon.decisions import Decided
from finops_ledger.subledger.engine import content_digest
from finops_ledger.subledger.manifest import Line, Manifest
from finops_ledger.subledger.spark_settings import check_installed

#: What replaying makes again, or must not be taken over; all else in a workspace is people's.
_MADE = {
    *("archive", "calendars", "decisions", "finops.toml", "formats", "inbox", "journal"),
    *("prices", "quarantine", "sops", "subledger"),
}
_SHOWN = 200


@dataclass
class RebuildReport:
    """Whether the same books came out, and if not, what differs."""

    equal: bool
    differences: list[str]
    target: Path
    lines: int


def rebuild(root: Path, target: Path, engine: EngineLimits | None = None) -> RebuildReport:
    """Make the books of ``root`` again at ``target``, from what cannot be derived, and compare.

    ``engine``: on this one, whatever finops.toml names.

    Raises UsageError when ``target`` is in use, IntegrityError when the manifest itself
    is broken. A step that fails is a difference: the report names it.
    """
    root, target = root.resolve(), target.resolve()
    _check_target(root, target)
    if (engine or load(root).engine).name == "spark":
        check_installed()  # else every line of books that are sound would be a difference
    lines = Manifest(root, Touches()).read().lines
    if not lines:
        raise UsageError(f"{root}: nothing has been committed yet, so there is nothing to rebuild")
    _copy_people(root, target)
    with TemporaryDirectory(prefix="finops-") as folder:
        replay = _Replay(root, target, Path(folder), engine)
        try:
            done = replay.run(lines)
        finally:
            replay.close()
    differences = replay.differences
    if done == len(lines):
        _copy_filed(root, target)
        differences += _compare(root, target, lines)
    return RebuildReport(not differences, differences, target, done)


def _check_target(root: Path, target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is in use; name a folder that is empty, or does not exist yet")
    if target.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{target} lies inside the books; name a folder outside of {root}")


def _copy_people(root: Path, target: Path) -> None:
    """Copy what people keep in the workspace; the lock and a version history stay behind."""
    target.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        (target / folder).mkdir(exist_ok=True)
    for path in sorted(root.iterdir()):
        if path.name in _MADE or path.name.startswith("."):
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copyfile(path, target / path.name)


def _copy_filed(root: Path, target: Path) -> None:
    """Copy documents that people filed in the archive beside the originals."""
    for path in sorted((root / "archive").rglob("*")):
        to = target / path.relative_to(root)
        if path.is_file() and not to.exists() and path.parent != root / recovery.RULES:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


@dataclass
class _Replay:
    """Replays lines into a new workspace, one at a time, and compares what each one makes."""

    root: Path
    target: Path
    shipped: Path
    engine: EngineLimits | None = None
    differences: list[str] = field(default_factory=list)
    _space: Workspace | None = None
    _store: LineStore | None = None
    _decided: dict[date, list[Decided]] | None = None

    @property
    def space(self) -> Workspace:
        if self._space is None:
            self._space = Workspace.open(self.target, self.shipped, self.engine)
        return self._space

    def close(self) -> None:
        if self._space is not None:
            self._space.close()

    def run(self, lines: list[Line]) -> int:
        """Replay all lines, then derive the journal; return how many came through."""
        for number, line in enumerate(lines):
            try:
                self._one(line)
            except (FinopsError, AssertionError, OSError) as error:
                self.differences.append(f"{told(line)}: cannot be replayed: {error}")
                return number
            made = self.space.state.lines
            if len(made) != number + 1:
                self.differences.append(f"{told(line)}: replaying it commits nothing")
                return number
            self.differences += [f"{told(line)}: {d}" for d in _differ(line, made[-1])]
        journal.derive(self.space)
        return len(lines)

    def _one(self, line: Line) -> None:
        steps: dict[str, Callable[[Line, datetime], None]] = {
            "rules": self._rules,
            "decision": self._decision,
            "batch": self._batch,
            "reconcile": self._reconcile,
            "refused": self._refused,
            "close": self._close,
            "withdraw": self._withdraw,
        }
        step = steps.get(line["kind"])
        if step is None:
            raise IntegrityError(f"lines of kind {line['kind']!r} cannot be replayed yet")
        if line["kind"] != "reconcile":
            self._store = None
        step(line, datetime.fromisoformat(line["at"]))

    def _rules(self, line: Line, at: datetime) -> None:
        recorded.put_rules(self.root, line["files"], self.target, self.shipped)
        if self._space is not None:
            self._space.reload()
        recovery.take_in_rules(self.space, at)

    def _decision(self, line: Line, at: datetime) -> None:
        recorded.put_decisions(self.root, line["files"], self.target)
        self._decided = None
        recovery.take_in_decisions(self.space, at)

    def _batch(self, line: Line, at: datetime) -> None:
        original = line["original"]
        path = self.space.inbox / original["name"]
        shutil.copyfile(self.root / original["archive"], path)
        report, *_ = importing.import_file(
            self.space,
            path,
            at,
            accept_valid=bool(line["accept_valid"]),
            only=original.get("member", {}).get("name"),
        )
        if report.verdict != "imported":
            raise IntegrityError(report.message)

    def _reconcile(self, line: Line, at: datetime) -> None:
        space, day = self.space, date.fromisoformat(line["day"])
        if self._decided is None:
            self._decided = reconciling.decided_on(space)
        if self._store is None:
            self._store = LineStore(
                space.engine, space.root, space.registry, space.state, space.expected.whole_roles
            )
        self._store.load([day])
        who = line["counterparty"]
        one = job(space, space.legs.of(line["leg"], who), who, day)
        last = date.fromisoformat(line["as_of"])
        reconciling.commit(space, one, last, at, self._decided.get(day, []))

    def _close(self, line: Line, at: datetime) -> None:
        journal.derive(self.space)
        closing.close(self.space, date.fromisoformat(line["through"]), line["by"], at)

    def _withdraw(self, line: Line, at: datetime) -> None:
        withdrawing.withdraw(self.space, line["batch"], line["reason"], line["by"], at)

    def _refused(self, line: Line, unused_at: datetime) -> None:
        """A refusal posts nothing: it is a fact, taken over with what quarantine holds of it."""
        body = {k: v for k, v in line.items() if k not in ("seq", "kind", "prev")}
        kept = self.root / line["original"]["quarantine"]
        for path in sorted(kept.parent.glob("*")):
            if path.name == kept.name or path.name.startswith(f"{kept.name}.report."):
                shutil.copyfile(path, self.target / "quarantine" / path.name)
        self.space.manifest.append(self.space.state, "refused", body)


def told(line: Line) -> str:
    """Name a line of the manifest for a person."""
    what = ""
    if line["kind"] in ("batch", "refused"):
        name = line["original"]["name"]
        member = line["original"].get("member")
        what = f" {within(name, member['name']) if member else name}"
    elif line["kind"] == "withdraw":
        what = f" {line['batch']}"
    elif line["kind"] == "close":
        what = f" {line['through']}"
    elif line["kind"] == "reconcile":
        what = f" {line['leg']} {line['counterparty']} {line['day']}"
    return f"manifest line {line['seq']} ({line['kind']}{what})"


def _differ(old: Line, new: Line) -> Iterator[str]:
    """Yield what is not the same in two lines; the chain follows from the rest."""
    for key in dict.fromkeys([*old, *new]):
        if key != "prev" and old.get(key) != new.get(key):
            yield f"{key} was {_short(old.get(key))}, comes out as {_short(new.get(key))}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _compare(root: Path, target: Path, lines: list[Line]) -> Iterator[str]:
    """Yield what differs between two workspaces: manifest, journal, and what Parquet files hold."""
    name = "subledger/manifest.jsonl"
    if (root / name).read_bytes() != (target / name).read_bytes():
        yield f"{name}: not the same bytes"
    trees = [
        {p.relative_to(base).as_posix() for p in (base / journal.FOLDER).rglob("*.beancount")}
        for base in (root, target)
    ]
    locked = {f for line in lines if line["kind"] == "close" for f in line["journal"]}
    for path in sorted(trees[0] | trees[1]):
        if path not in trees[1]:
            yield f"{path}: does not come out again"
        elif path not in trees[0]:
            yield f"{path}: comes out, and is not in these books"
        elif path in locked:
            # Its first line may tell of an earlier version of the program; it is never written again.
            if journal.content_digest(root / path) != journal.content_digest(target / path):
                yield f"{path}: not what was closed"
        elif (root / path).read_bytes() != (target / path).read_bytes():
            yield f"{path}: not the same bytes"
    for line in lines:
        for path in line["files"] if line["kind"] in ("batch", "reconcile") else ():
            held = [base / path for base in (root, target)]
            if not all(p.is_file() for p in held):
                where = "does not come out again" if held[0].is_file() else "is gone"
                yield f"{path}: {where}"
            elif content_digest(held[0]) != content_digest(held[1]):
                yield f"{path}: not the same rows"


__all__ = ["RebuildReport", "rebuild", "told"]
