"""The journal: days written from what the manifest names. Derived, repeatable, never edited by hand.

Each day's file states in its first line the digest of everything it was derived from. A day whose digest is
not the expected one is stale and is written again; that is all that recovery has to know.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from finops_ledger import __version__
from finops_ledger.books import accruals, assertions, chart, verdicts
from finops_ledger.books.day import DayWriter
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import days as each_day
from finops_ledger.plugins.periods import CLOSE
from finops_ledger.posting import written_off
from finops_ledger.posting.entries import quote
from finops_ledger.posting.store import A_FILE, LineStore
from finops_ledger.subledger import files

FOLDER: Final = "journal"
_HEAD = re.compile(rb"^; finops-ledger journal of \d{4}-\d{2}-\d{2}, derived from (\w+)\n")


def path_of(root: Path, day: date) -> Path:
    """Return the journal file of a day."""
    return root / FOLDER / f"{day.year:04d}" / f"{day.isoformat()}.beancount"


def days_with_content(space: Workspace) -> set[date]:
    """Return every day that has something to say: a posting, a file, a verdict."""
    found = locked_days(space)
    for batch in space.state.batches.values():
        found |= {batch.home, *batch.days}
    for leg, who in space.expected.parties():
        span = space.expected.span(leg, who)
        if span:
            found |= {d for d in each_day(*span) if not space.state.is_locked(d)}
    return found | {d for d in accruals.reversals(space) if not space.state.is_locked(d)}


def locked_days(space: Workspace) -> set[date]:
    """Return the days whose files a close has locked: they are never derived again."""
    return {
        date.fromisoformat(Path(f).stem) for line in space.state.closes for f in line["journal"]
    }


def content_digest(path: Path) -> str:
    """Return the SHA-256 of what a day's file says below its first line, which tells how it was derived."""
    return hashlib.sha256(path.read_bytes().partition(b"\n")[2]).hexdigest()


def fingerprints(space: Workspace, wanted: Iterable[date]) -> dict[date, str]:
    """Return for each day the digest of all that its file is derived from."""
    wanted = sorted(set(wanted))
    expected = space.expected
    by_day: dict[date, dict[str, Any]] = {
        d: {"batches": [], "legs": [], "before": [], "verdicts": []} for d in wanted
    }
    for batch in space.state.batches.values():
        its_days = {batch.home, *batch.days} & by_day.keys()
        near = sorted(n.id for n in space.state.neighbours(batch.id)) if its_days else []
        for day in its_days:
            by_day[day]["batches"].append([batch.id, near])
    proofs: dict[tuple[str, str], list[date]] = {}
    for leg, who, day in sorted(space.state.reconciled):
        proofs.setdefault((leg, who), []).append(day)
        if day in by_day:
            line = space.state.reconciled[leg, who, day]
            kept = {
                k: line[k]
                for k in ("files", "registers", "matched", "moved", "conflicts", "withheld", "open")
            }
            whole = not verdicts.incomplete_before(expected, who, day, space.legs.of(leg, who))
            by_day[day]["legs"].append([leg, who, kept, whole])
    for (leg, who), done in proofs.items():
        withheld: set[str] = set()
        for earlier, later in pairwise(done):
            line = space.state.reconciled[leg, who, earlier]
            withheld.update(line["withheld"])
            if later in by_day:
                by_day[later]["before"].append([leg, who, line["registers"], sorted(withheld)])
    vaults = _vaults(space, wanted)
    for day in wanted:
        for line in assertions.absent(space, day):
            told = [line["leg"], line["counterparty"], line["registers"], "absent"]
            by_day[day]["before"].append(told)
    for one in verdicts.of_days(expected, set(wanted)):
        whole = not verdicts.incomplete_before(expected, one.counterparty, one.day)
        by_day[one.day]["verdicts"].append([one.counterparty, one.verdict, one.reasons, whole])
    for day in wanted:
        if stocked := vaults.get(day):
            by_day[day]["stock"] = [stocked]
        if accrued := accruals.basis(space, day):
            by_day[day]["accrued"] = accrued
    rules = sorted(space.state.rules.items())
    return {d: _digest([__version__, rules, _sorted(content)]) for d, content in by_day.items()}


def _vaults(space: Workspace, wanted: Sequence[date]) -> dict[date, str]:
    """Digest what the vault of each day follows from: all that may bring codes, or take them, up to the day."""
    if "stock" not in space.registry.models:
        return {}
    roles = ("sale", "supply")
    batches = [b for b in space.state.batches.values() if b.role in roles and b.days]
    gone = written_off.recorded(space.root, space.state)
    told = sorted([*((b.days[0], b.id) for b in batches), *((g.day, repr(g)) for g in gone)])
    digest, found, at = hashlib.sha256(), {}, 0
    for day in wanted:
        while at < len(told) and told[at][0] <= day:
            digest.update(told[at][1].encode())
            at += 1
        found[day] = digest.hexdigest()[:32]
    return found


def _sorted(content: dict[str, Any]) -> dict[str, Any]:
    return {k: sorted(v, key=lambda x: json.dumps(x, default=str)) for k, v in content.items()}


def _digest(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stale(space: Workspace) -> dict[date, str]:
    """Return the days whose file is not what it should be, with the digest that it should carry."""
    wanted = days_with_content(space) - locked_days(space)
    expected = fingerprints(space, wanted)
    found = {}
    for day, digest in expected.items():
        path = path_of(space.root, day)
        if not path.exists() or _stated(path) != digest:
            found[day] = digest
    return found


def _stated(path: Path) -> str | None:
    with path.open("rb") as file:
        head = _HEAD.match(file.readline())
    return head.group(1).decode() if head else None


def derive(space: Workspace) -> list[date]:
    """Write every stale day, remove days that have nothing to say, then accounts and index.

    Returns the days written. Idempotent; may be killed at any step and run again.
    """
    todo = stale(space)
    if todo:
        _write_days(space, todo)
    kept = days_with_content(space)
    folder = space.root / FOLDER
    for path in sorted(folder.glob("*/*.beancount")) if folder.exists() else []:
        if date.fromisoformat(path.stem) not in kept:
            files.remove(path)
    _write_accounts(space)
    _write_index(space, sorted(kept))
    return sorted(todo)


def _write_days(space: Workspace, todo: dict[date, str]) -> None:
    store = LineStore(space.engine, space.root, space.registry, space.state)
    found = {(v.day, v.counterparty): v for v in verdicts.of_days(space.expected, set(todo))}
    for chunk in _chunks(space, sorted(todo)):
        store.load(chunk)
        writer = DayWriter(space, set(chunk), found, store.stock)
        for day in chunk:
            head = f"; finops-ledger journal of {day.isoformat()}, derived from {todo[day]}\n"
            text = head + writer.text(day)
            files.write_atomic(path_of(space.root, day), text.encode())


def _chunks(space: Workspace, todo: Sequence[date], limit: int = 2_000_000) -> Iterable[list[date]]:
    """Cut the days so that the rows read at once stay bounded."""
    chunk: list[date] = []
    held = 0
    for day in todo:
        rows = sum(b.rows + A_FILE for b in space.state.posting_on(day))
        if chunk and held + rows > limit:
            yield chunk
            chunk, held = [], 0
        chunk.append(day)
        held += rows
    if chunk:
        yield chunk


def _replace(path: Path, text: str) -> None:
    data = text.encode()
    if not path.exists() or path.read_bytes() != data:
        files.write_atomic(path, data)


def _write_accounts(space: Workspace) -> None:
    folder = space.root / FOLDER
    _replace(folder / "accounts.beancount", chart.text(space, sorted(folder.glob("*/*.beancount"))))


def _write_index(space: Workspace, kept: list[date]) -> None:
    """Explicit sorted includes, and the manifest's head: what ``fava`` and ``bean-check`` open."""
    folder = space.root / FOLDER
    newest = kept[-1] if kept else space.config.company.start
    lines = ["; Machine-written: the days and decisions of these books, in order.", ""]
    lines.append('include "accounts.beancount"')
    for path in space.decision_files():
        lines.append(f'include "../{path.relative_to(space.root).as_posix()}"')
    lines += [f'include "{d.year:04d}/{d.isoformat()}.beancount"' for d in kept]
    for line in space.state.closes:
        values = f'"{line["digest"]}" {quote(line["by"])}'
        lines += ["", f'{line["through"]} custom "{CLOSE}" {values}']
    if space.state.head:
        lines += ["", f'{newest.isoformat()} custom "finops-head" "{space.state.head}"']
    _replace(folder / "index.beancount", "\n".join(lines) + "\n")


def next_day(day: date) -> date:
    """The day on which a balance that proves ``day`` is dated: balances hold at a day's start."""
    return day + timedelta(days=1)
