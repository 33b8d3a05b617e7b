"""Proofs of the books: the journal is what deriving writes, and says what the sub-ledger says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from finops_ledger.books import journal
from finops_ledger.books.evidence import MAIN, Evidence
from finops_ledger.core.findings import Finding
from finops_ledger.core.money import ZERO, plain
from finops_ledger.plugins.periods import digests
from finops_ledger.subledger import manifest as mf

_INDEX: Final = "journal/index.beancount"
_HEAD: Final = re.compile(r'^\S+ custom "finops-head" "(\w*)"', re.MULTILINE)
_RECOVER: Final = "run any writing finops command, which recovers"
_WRITE_AGAIN: Final = "delete the file and run any writing finops command, which writes it again"
_RESTORE: Final = "restore it from a backup, and correct on an open day"
_PLUGINS: Final = tuple(
    f"finops_ledger.plugins.{n}"
    for n in ("deposits", "clearing", "batches", "periods", "approvals")
)


def head(evidence: Evidence) -> Iterator[Finding]:
    """The journal belongs to the manifest's last line."""
    if not evidence.state.lines:
        return
    path = evidence.root / _INDEX
    found = _HEAD.findall(path.read_text(encoding="utf-8")) if path.is_file() else []
    stated = found[-1] if found else ""
    if stated != evidence.state.head:
        yield Finding(
            "head",
            f"the journal was derived at {stated[:12] or 'nothing'}…, the manifest ends at "
            f"{evidence.state.head[:12]}…; {_RECOVER}",
            _INDEX,
        )


def journal_days(evidence: Evidence) -> Iterator[Finding]:
    """Every file of the journal is, byte for byte, what deriving it writes."""
    if not evidence.state.lines:
        return
    space = evidence.aside
    for name in _locked(evidence):
        # Locked days are not derived again; what they say is proven by their digests.
        (space.root / name).parent.mkdir(parents=True, exist_ok=True)
        (space.root / name).write_bytes((evidence.root / name).read_bytes())
    journal.derive(space)
    made, held = _tree(space.root), _tree(evidence.root)
    for name in sorted(made.keys() | held.keys()):
        if name not in held:
            yield Finding("journal", f"the file is gone; {_RECOVER}", name)
        elif name not in made:
            yield Finding("journal", f"nothing that is in posts on this day; {_RECOVER}", name)
        elif (one := held[name].read_bytes()) != (other := made[name].read_bytes()):
            number, is_, wanted = _first_difference(one, other)
            yield Finding(
                "journal",
                f"line {number} is {is_!r}, deriving it writes {wanted!r}; the journal is never "
                f"edited by hand: {_WRITE_AGAIN}, and write what you mean into decisions/",
                f"{name}:{number}",
            )


def _locked(evidence: Evidence) -> dict[str, str]:
    """The files of the journal that closes have locked, with their digests."""
    return {n: d for line in evidence.state.closes for n, d in line["journal"].items()}


def locked_days(evidence: Evidence) -> Iterator[Finding]:
    """Each file of a closed period says what it said when the period was closed."""
    for name, stated in sorted(_locked(evidence).items()):
        path = evidence.root / name
        if not path.is_file():
            yield Finding("locked", f"the day is closed, and its file is gone; {_RESTORE}", name)
        elif journal.content_digest(path) != stated:
            message = f"not what it said when its period was closed; {_RESTORE}"
            yield Finding("locked", message, name)


def closes(evidence: Evidence) -> Iterator[Finding]:
    """The loaded books have, up to each close, the transactions that were closed."""
    wanted = {date.fromisoformat(line["through"]): line for line in evidence.state.closes}
    if not wanted:
        return
    for day, found in digests(evidence.loaded[0], wanted):
        line = wanted[day]
        if found != line["digest"]:
            yield Finding(
                "closes",
                f"the period up to {day} was closed as {line['digest'][:19]}…, the books have "
                f"{found[:19]}… now: a transaction of it was changed, removed or added; {_RESTORE}",
                f"{mf.NAME}:{line['seq']}",
            )


def _tree(root: Path) -> dict[str, Path]:
    found = sorted((root / journal.FOLDER).rglob("*.beancount"))
    return {p.relative_to(root).as_posix(): p for p in found}


def _first_difference(one: bytes, other: bytes) -> tuple[int, str, str]:
    lines = [data.decode(errors="replace").split("\n") for data in (one, other)]
    length = max(map(len, lines))
    left, right = ([*found, *[""] * (length - len(found))] for found in lines)
    number = next(n for n in range(length) if left[n] != right[n])
    return number + 1, left[number].strip(), right[number].strip()


def posted(evidence: Evidence) -> Iterator[Finding]:
    """For every batch the loaded books have posted the rows and the money that stand."""
    from beancount.core.data import Transaction

    found: dict[str, tuple[int, Decimal]] = dict.fromkeys(evidence.state.standing, (0, ZERO))
    for entry in evidence.loaded[0]:
        if (
            not isinstance(entry, Transaction)
            or not {"batch", "rows", "control"} <= entry.meta.keys()
        ):
            continue
        if entry.tags & {"recon", "decision"}:
            continue
        name = str(entry.meta["batch"])
        count, control = found.get(name, (0, ZERO))
        found[name] = (count + int(entry.meta["rows"]), control + Decimal(entry.meta["control"]))
    for name, (count, control) in sorted(found.items()):
        share = evidence.state.standing.get(name)
        stated = (share.rows, Decimal(share.control)) if share else (0, ZERO)
        if (count, control) != stated:
            batch = evidence.state.batches.get(name)
            yield Finding(
                "books",
                f"{batch.name if batch else name}: books post {count} rows of {plain(control)}, "
                f"the sub-ledger has {stated[0]} rows of {plain(stated[1])}; see that {MAIN} "
                f"includes {_INDEX}, and that nothing else names the batch",
                f"{mf.NAME}:{batch.line['seq']}" if batch else MAIN,
            )


def plugins(evidence: Evidence) -> Iterator[Finding]:
    """The books are loaded with the plugins that prove them."""
    loaded = dict(evidence.loaded[2]["plugin"])
    for name in _PLUGINS:
        if name not in loaded:
            yield Finding(
                "plugins", f'write  plugin "{name}"  into {MAIN}: nothing proves the books', MAIN
            )
        elif name.endswith(".batches") and "standalone" in str(loaded[name] or ""):
            message = f"{name} is told to leave the manifest out; take its configuration away"
            yield Finding("plugins", message, MAIN)


def assertions(evidence: Evidence) -> Iterator[Finding]:
    """The books load without an error: they balance, and every assertion holds."""
    for error in evidence.loaded[1]:
        source = error.source or {}
        place = evidence.place(source.get("filename") or MAIN)
        yield Finding("assertions", str(error.message), f"{place}:{source.get('lineno', 0)}")
