"""What each writing command does first: repair what an interrupted one left, and take in changed rules.

Idempotent, and may itself be killed: cut a torn last line, remove temporary and unnamed files, derive stale
days again, remove inbox files that are committed already (DESIGN §12).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from finops_ledger.books import deciding, journal
from finops_ledger.books.workspace import SPILL, Workspace
from finops_ledger.core import calendars
from finops_ledger.core.errors import IntegrityError
from finops_ledger.core.ids import sha256_bytes, sha256_file
from finops_ledger.posting import written_off
from finops_ledger.recon import decisions, payments
from finops_ledger.subledger import files
from finops_ledger.subledger.manifest import Manifest, State

RULES = "archive/Rules"
#: Where the program writes; what lies in the inbox may be somebody's upload that is still under way.
OURS = ("subledger", "journal", "archive", "quarantine", "decisions", "reports")


def recover(root: Path) -> Workspace:
    """Repair and open a workspace for writing; the lock must be held."""
    Manifest(root).cut_torn_line()
    for folder in OURS:
        files.clear_temporary(root / folder)
    _remove_spills(root)
    space = Workspace.open(root)
    _remove_unnamed(space)
    _empty_inbox(space)
    return space


def _remove_spills(root: Path) -> None:
    """Remove what engines of processes that have ended spilled; readers may be at work beside us."""
    for folder in (root / "subledger").glob(f"{SPILL}*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder)
        except PermissionError:
            continue  # somebody else's process, and alive


def _remove_unnamed(space: Workspace) -> None:
    """Remove Parquet files that no line names: what was written before a commit that never came."""
    named = set(_named_files(space.state))
    for line in space.state.lines:
        # A superseded reconciliation stays on disk: rebuilding replays it.
        named.update(line.get("files", {}) if line["kind"] in ("batch", "reconcile") else {})
    for folder in ("rows", "matches", "breaks"):
        base = space.root / "subledger" / folder
        for path in sorted(base.rglob("*.parquet")) if base.exists() else []:
            if path.relative_to(space.root).as_posix() not in named:
                files.remove(path)


def _empty_inbox(space: Workspace) -> None:
    """Remove the inbox file of a commit that was cut off before its last step.

    Only the last line can be such a commit, and only while the index does not state it yet. A file dropped
    again later is left for the import, which says that it is known; so is a container, of which members may
    not be in yet.
    """
    last = space.state.lines[-1] if space.state.lines else None
    if last is None or last["kind"] not in ("batch", "refused") or "member" in last["original"]:
        return
    index = space.root / journal.FOLDER / "index.beancount"
    if index.exists() and space.state.head in index.read_text(encoding="utf-8"):
        return
    path = space.inbox / last["original"]["name"]
    if path.is_file() and sha256_file(path) == last["original"]["sha256"]:
        files.remove(path)


def rule_files(space: Workspace) -> dict[str, Path]:
    """Return every file that is a rule: finops.toml, SOPs, price lists, calendars, formats and their importers.

    A shipped calendar is one as soon as a settlement's schedule counts by it."""
    root = space.root
    found = {"finops.toml": root / "finops.toml"}
    kinds = ("sops/*.toml", "prices/*.csv", "formats/*.toml", "formats/*.py", "calendars/*.toml")
    for folder, ending in (kind.split("/") for kind in kinds):
        for path in sorted((root / folder).glob(ending)):
            found[f"{folder}/{path.name}"] = path
    for source in space.config.sources:
        if f"formats/{source.format}.toml" not in found:
            found[f"shipped/{source.format}.toml"] = space.format_path(source.format)
    for name in sorted(space.registry.calendars(space.config.company.calendar)):
        for path in calendars.files(name, root / calendars.FOLDER):
            if path.parent == calendars.SHIPPED:
                found[f"shipped/{calendars.FOLDER}/{path.name}"] = space.calendar_file(path)
    return found


def take_in_rules(space: Workspace, now: datetime) -> list[str]:
    """Commit changed rules (ruling 17): the line names each file's digest; a copy is kept for rebuilding.

    Returns the names of those under which days are run again (none before the first file). Every rule is read
    first: one that does not read raises UsageError before anything is committed.
    """
    found = rule_files(space)
    digests = {name: sha256_bytes(path.read_bytes()) for name, path in sorted(found.items())}
    before = space.state.rules
    if digests == before:
        return []
    for _ in space.registry.rules():
        pass
    for source in space.config.sources:
        space.format(source.format)
    for path in sorted((space.root / calendars.FOLDER).glob("*.toml")):
        space.calendar(path.stem)
    for name, path in found.items():
        kept = space.root / RULES / f"{digests[name][:16]}.{Path(name).name}"
        if not kept.exists():
            files.copy_atomic(path, kept)
    first = min((min(b.days, default=b.day) for b in space.state.batches.values()), default=None)
    space.manifest.append(
        space.state,
        "rules",
        {
            "at": now.isoformat(timespec="seconds"),
            "files": digests,
            "stale": first.isoformat() if first and before else None,
        },
    )
    if not before or first is None:
        return []
    return sorted(n for n in {*before, *digests} if before.get(n) != digests.get(n))


def take_in_decisions(space: Workspace, now: datetime) -> bool:
    """Commit decision files that were written to by hand: only appending is allowed (ruling 17)."""
    known = space.state.decisions
    found = []
    added: list[date] = []
    changed = False
    for path in space.decision_files():
        name = path.relative_to(space.root).as_posix()
        data = path.read_bytes()
        entry = {"path": name, "bytes": len(data), "sha256": sha256_bytes(data)}
        found.append(entry)
        before = known.get(name)
        if before == entry:
            continue
        if before and sha256_bytes(data[: before["bytes"]]) != before["sha256"]:
            raise IntegrityError(
                f"{path}: a decision that was taken has been changed; decisions are only added. Put the first "
                f"{before['bytes']} bytes back, and write a new decision below them"
            )
        changed = True
        old_lines = data[: before["bytes"]].count(b"\n") if before else 0
        added += [d.day for d in decisions.read([path])[0] if d.line > old_lines]
        added += [p.day for p in payments.read([path]) if p.line > old_lines]
        added += [g.day for g in written_off.read(path) if g.line > old_lines]
        deciding.check(space, path, old_lines)
    gone = set(known) - {e["path"] for e in found}
    if gone:
        raise IntegrityError(f"{sorted(gone)[0]}: a file of decisions is gone; put it back")
    if not changed:
        return False
    stale = min(added, default=None)
    space.manifest.append(
        space.state,
        "decision",
        {
            "at": now.isoformat(timespec="seconds"),
            "files": found,
            "stale": stale.isoformat() if stale else None,
        },
    )
    return True


def _named_files(state: State) -> Iterator[str]:
    """Yield the path of every file of the sub-ledger that a live line names."""
    for batch in state.batches.values():
        yield batch.file
        yield batch.archive
    for line in state.reconciled.values():
        yield from line["files"]
