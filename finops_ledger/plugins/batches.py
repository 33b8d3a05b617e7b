"""Each imported batch is posted exactly once, and the books belong to the manifest beside them.

A machine entry names the file that it comes from and its share of it; the manifest
(``subledger/manifest.jsonl`` beside the main file) says what each batch must have posted in all::

    2026-03-02 * "AggA" "Supply, 2 rows" #supply
      batch: "b-5e0c6a1f00d2c3b4"
      rows: 2
      control: -99600
      ...

    {"seq":1,"kind":"batch","prev":"","batch":"b-5e0c6a1f00d2c3b4",
     "standing":{"b-5e0c6a1f00d2c3b4":{"rows":2,"control":"-99600"}}}

passes when that line's SHA-256 is the ``finops-head`` of the journal. With ``rows: 1`` it becomes::

    [batch-rows] batch b-5e0c6a1f00d2c3b4 (Assets:Clearing:Supply:AggA, ...) posted 1 rows, but the
    manifest says 2; difference -1; ...

The latest statement about a batch counts; a withdrawn batch counts for nothing.

Configuration: ``{'standalone': True}`` leaves out what needs the manifest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from beancount.core.data import Custom, Directive, Transaction

from finops_ledger.core.ids import sha256_bytes
from finops_ledger.core.kinds import ROLES
from finops_ledger.plugins.errors import (
    ProofError,
    Report,
    figure,
    flag,
    plain,
    read_config,
    whole,
    word,
)

__plugins__ = ("batches",)

_NAME = "finops_ledger.plugins.batches"
_FILE = "subledger/manifest.jsonl"
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_ZERO = Decimal(0)
_ROLES = frozenset(ROLES)


def batches(
    entries: list[Directive], options_map: dict[str, Any], config: str | None = None
) -> tuple[list[Directive], list[ProofError]]:
    """Check the posted batches against each other and against the manifest."""
    report = Report(options_map)
    settings = read_config(report, _NAME, config, {"standalone": flag})
    posted, head = _posted(entries, report)
    if not settings.get("standalone", False):
        manifest = _manifest(options_map, report)
        if manifest is not None:
            _head(manifest, head, report)
            _totals(manifest, posted, report)
        elif posted or head:
            entry = next(iter(posted.values())).entry if posted else head
            report.add(
                "batch-manifest",
                f"the books name {len(posted)} batches, but there is no manifest {_FILE} beside "
                "the main file; restore it, or configure the plugin with {'standalone': True}",
                entry,
            )
    return entries, report.errors


@dataclass(slots=True)
class _Posted:
    """What the entries of one batch have posted together."""

    entry: Transaction
    rows: int = 0
    control: Decimal = _ZERO
    keys: set[tuple[object, ...]] = field(default_factory=set)
    doubtful: bool = False  # an entry was unreadable or stands twice; reported already

    def __str__(self) -> str:
        accounts = sorted({posting.account for posting in self.entry.postings})
        more = ", ..." if len(accounts) > 1 else ""
        where = f"{accounts[0]}{more}" if accounts else f"entry of {self.entry.date}"
        return f"batch {self.entry.meta['batch']} ({where})"


def _posted(entries: list[Directive], report: Report) -> tuple[dict[str, _Posted], Custom | None]:
    """Sum what each batch has posted; return it with the journal's last head."""
    posted: dict[str, _Posted] = {}
    head: Custom | None = None
    for entry in entries:
        if isinstance(entry, Transaction):
            meta = entry.meta
            if ("batch" in meta or "control" in meta) and _posts_rows(entry):
                _add(entry, posted, report)
        elif isinstance(entry, Custom) and entry.type == "finops-head":
            head = entry
    return posted, head


def _posts_rows(entry: Transaction) -> bool:
    """Reconciliations and decisions may name a batch, but post none of its rows."""
    tags = entry.tags or ()
    if "batch" in entry.meta:
        return "recon" not in tags and "decision" not in tags
    return "rows" in entry.meta and not _ROLES.isdisjoint(tags)


def _add(entry: Transaction, posted: dict[str, _Posted], report: Report) -> None:
    batch = entry.meta.get("batch")
    rows, control = whole(entry.meta.get("rows")), figure(entry.meta.get("control"))
    if not isinstance(batch, str) or rows is None or rows < 0 or control is None:
        names = ("batch", "rows", "control")
        found = ", ".join(f"{name} {entry.meta.get(name)!r}" for name in names)
        account = entry.postings[0].account if entry.postings else "no posting"
        report.add(
            "batch-figures",
            f"the entry of {entry.date} ({account}) has {found}; expected the batch's id, a whole "
            "number of rows and a control amount; derive the journal again",
            entry,
        )
        if isinstance(batch, str):
            posted.setdefault(batch, _Posted(entry)).doubtful = True
        return
    share = posted.get(batch)
    if share is None:
        share = posted[batch] = _Posted(entry)
    # A bank's file has an entry for each of its accounts, so they belong to the key.
    accounts = frozenset([posting.account for posting in entry.postings])
    key = (entry.date, str(entry.meta.get("partner")), str(entry.meta.get("orig_date")), accounts)
    if key in share.keys and (rows or control or accounts):
        share.doubtful = True
        report.add(
            "batch-twice",
            f"{share} is posted twice for {entry.date} and partner {entry.meta.get('partner')}: "
            f"{rows} rows and control {plain(control)} again, expected once; difference "
            f"{plain(control)}; remove the second entry or the second include of its file",
            entry,
        )
    share.keys.add(key)
    share.rows += rows
    share.control += control


@dataclass(slots=True)
class _Manifest:
    """What the manifest states: its last line's hash, and what each batch must have posted."""

    head: str | None = None
    standing: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)


def _manifest(options_map: dict[str, Any], report: Report) -> _Manifest | None:
    """Read the manifest beside the main file and check its chain; None if there is none."""
    main = Path(str(options_map.get("filename") or ""))
    if not main.is_absolute():
        return None  # books that were not read from a file have nothing beside them
    try:
        data = (main.parent / _FILE).read_bytes()
    except OSError:
        return None
    lines = data.split(b"\n")
    if torn := lines.pop():
        report.add(
            "batch-torn",
            f"{_FILE}:{len(lines) + 1}: the last line is torn: {len(torn)} bytes without a "
            "newline; a write was interrupted: run any writing finops command, which recovers",
        )
    manifest, previous = _Manifest(), ""
    broken: list[tuple[int, object, str]] = []
    for number, raw in enumerate(lines, start=1):
        try:
            line = json.loads(raw)
            if not isinstance(line, dict):
                raise ValueError("not an object")
            if line.get("prev") != previous:
                broken.append((number, line.get("prev"), previous))
            _take(line, manifest)
        except (ValueError, RecursionError) as error:
            report.add(
                "batch-line",
                f"{_FILE}:{number}: cannot be read: {error}; the manifest is written by finops "
                "alone: restore it from a copy",
            )
        previous = sha256_bytes(raw)
    if broken:
        number, found, expected = broken[0]
        more = f" (and {len(broken) - 1} more lines)" if len(broken) > 1 else ""
        report.add(
            "batch-chain",
            f"{_FILE}:{number}: prev is {found!r}, but the line before has SHA-256 "
            f"{expected!r}{more}; a line was changed, removed or put in: restore the manifest "
            "from a copy and run finops verify",
        )
    manifest.head = previous or None
    return manifest


def _take(line: dict[str, Any], manifest: _Manifest) -> None:
    """Take up one line; raise :class:`ValueError` if it is a batch that cannot be read."""
    kind, batch = line.get("kind"), line.get("batch")
    if kind not in ("batch", "withdraw"):
        return
    standing = line.get("standing", {} if kind == "withdraw" else None)
    if not isinstance(batch, str) or not isinstance(standing, dict):
        raise ValueError(f"a {kind} line must name its batch and what stands")
    if kind == "batch" and batch not in standing:
        raise ValueError(f"batch {batch} is missing in its own standing")
    for name, stands in standing.items():
        rows = stands.get("rows") if isinstance(stands, dict) else None
        control = stands.get("control") if isinstance(stands, dict) else None
        if type(rows) is not int or not isinstance(control, str) or not _DECIMAL.fullmatch(control):
            raise ValueError(f"batch {name} stands at {stands!r}, expected rows and control")
        manifest.standing[name] = (rows, Decimal(control))
        manifest.withdrawn.discard(name)
    if kind == "withdraw":
        manifest.standing.pop(batch, None)
        manifest.withdrawn.add(batch)


def _head(manifest: _Manifest, head: Custom | None, report: Report) -> None:
    said = word(head.values[0].value) if head is not None and head.values else None
    if said != manifest.head:
        report.add(
            "batch-head",
            f"the journal's finops-head is {said}, but the last line of {_FILE} has SHA-256 "
            f"{manifest.head}: journal and manifest are of two states; run any writing finops "
            "command, which recovers",
            head,
        )


def _totals(manifest: _Manifest, posted: dict[str, _Posted], report: Report) -> None:
    for batch, share in posted.items():
        if batch not in manifest.standing:
            why = "has withdrawn it" if batch in manifest.withdrawn else "does not know it"
            report.add(
                "batch-unknown",
                f"{share} posted {share.rows} rows and control {plain(share.control)}, but the "
                f"manifest {why}, expected no entry; difference {plain(share.control)}; import "
                "the file again or derive the journal again",
                share.entry,
            )
            continue
        if share.doubtful:
            continue
        rows, control = manifest.standing[batch]
        if share.rows != rows:
            report.add(
                "batch-rows",
                f"{share} posted {share.rows} rows, but the manifest says {rows}; difference "
                f"{share.rows - rows}; an entry was lost or changed: derive the journal again",
                share.entry,
            )
        if share.control != control:
            report.add(
                "batch-control",
                f"{share} posted control {plain(share.control)}, but the manifest says "
                f"{plain(control)}; difference {plain(share.control - control)}; an entry was "
                "lost or changed: derive the journal again",
                share.entry,
            )
    for batch, (rows, control) in manifest.standing.items():
        if batch not in posted:
            report.add(
                "batch-not-posted",
                f"batch {batch} has no entry in the books, but the manifest says {rows} rows and "
                f"control {plain(control)}; difference {plain(-control)}; check that "
                "journal/index.beancount includes every day, or derive the journal again",
            )
