"""The manifest: the commit log of a workspace, one JSON line a commit, hash-chained.

A file of the sub-ledger exists when a line names it; readers take their lists from here, never from
a glob. Line kinds: ``rules`` (a changed SOP, format, price list or finops.toml), ``batch``,
``refused``, ``decision``, ``reconcile``, ``close``, ``withdraw``. Each line carries the SHA-256 of the line before it.

The last statement counts: a batch line says in ``standing`` what it, and each batch whose share it
changed, must have posted; a reconcile line replaces an earlier one of the same leg, counterparty and
day; a batch line takes back the reconciliations that its rows make stale (ruling 5). What a ``close`` line
locks is never taken back: a batch that comes after it posts on the first open day or later.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from finops_ledger.core.errors import IntegrityError
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.core.names import within
from finops_ledger.subledger import files
from finops_ledger.subledger.index import Index

NAME = "subledger/manifest.jsonl"
Line = dict[str, Any]
#: What a sender calls a file: source, file day, part of the day, name.
Sent = tuple[str, date, tuple[int, int] | None, str]


def encode(line: Line) -> bytes:
    """Write a line: keys in the order given, no blanks, text as it is; always the same bytes."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Share:
    """What a batch has posted in total: rows that count and their control amount (decimal text)."""

    rows: int
    control: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One live batch, as its manifest line tells it.

    ``sha256`` is that of the bytes read: of the member, where the original is a container; then ``member``
    is its name. ``part`` is the number of a part of a day, and of how many.
    """

    id: str
    source: str
    role: str
    day: date
    covers: tuple[date, date]
    counterparty: str | None
    file: str
    archive: str
    name: str
    sha256: str
    format: str
    format_version: int
    key: tuple[str, ...]
    order: str
    neighbours: tuple[str, ...]
    keys: tuple[str | None, str | None]
    days: tuple[date, ...]
    rows: int
    #: How often a file of this source, day, part and name had come before (decision 0010).
    issue: int
    line: Line = field(compare=False, repr=False)
    member: str | None = None
    part: tuple[int, int] | None = None
    #: How many closes stood when it was committed, and which day was then the first open one.
    closes: int = 0
    opens: date | None = None

    @property
    def account(self) -> str:
        """The account under which the original is filed: the folder of the archive, or as the line says."""
        stated = self.line["original"].get("member", {}).get("account")
        return stated or ":".join(PurePosixPath(self.archive).parent.parts[1:])

    @property
    def home(self) -> date:
        """The day in whose file of the journal the batch has its document: its own, unless that was locked."""
        return self.day if self.opens is None else max(self.day, self.opens)

    @property
    def late(self) -> bool:
        """Say whether all that the file covers was locked when it came."""
        return self.opens is not None and self.covers[1] < self.opens

    @property
    def sent_as(self) -> Sent:
        """What tells issues of one file: source, file day, part, and its own name, in whatever container it comes."""
        return self.source, self.day, self.part, self.member or self.name


@dataclass
class State:
    """The fold of all lines: what is in, what stands, what has been reconciled."""

    lines: list[Line] = field(default_factory=list)
    head: str = ""
    batches: dict[str, Batch] = field(default_factory=dict)
    standing: dict[str, Share] = field(default_factory=dict)
    reconciled: dict[tuple[str, str, date], Line] = field(default_factory=dict)
    days_of: dict[tuple[str, str], list[date]] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, Line] = field(default_factory=dict)
    refused: list[Line] = field(default_factory=list)
    closes: list[Line] = field(default_factory=list)
    #: How often the batches have changed: what is worked out from them alone holds while this stays.
    changes: int = 0
    _index: Index | None = field(default=None, repr=False, compare=False)

    @property
    def _by(self) -> Index:
        if self._index is None:
            self._index = Index(self.batches.values())
        return self._index

    @property
    def locked(self) -> date | None:
        """The last day of the last period that was closed."""
        return date.fromisoformat(self.closes[-1]["through"]) if self.closes else None

    @property
    def first_open(self) -> date | None:
        """The first day that is not locked; None when nothing has been closed."""
        return None if self.locked is None else self.locked + timedelta(days=1)

    def is_locked(self, day: date) -> bool:
        """Say whether a day belongs to a closed period."""
        return self.locked is not None and day <= self.locked

    def stamped(self, batch: Batch) -> Batch:
        """Return a batch as one committed now: after the closes that stand."""
        return replace(batch, closes=len(self.closes), opens=self.first_open)

    @property
    def as_of(self) -> date | None:
        """The latest day that any committed file covers; a financial report covers none of ours."""
        covers = (b.covers[1] for b in self.batches.values() if b.role != "report")
        return max(covers, default=None)

    def take_in(self, batch: Batch) -> None:
        """Add a batch to the live ones."""
        self.batches[batch.id] = batch
        self.changes += 1
        if self._index is not None:
            self._index.add(batch)

    def take_out(self, batch: str) -> Batch:
        """Remove a batch from the live ones and return it."""
        self.changes += 1
        self._index = None
        return self.batches.pop(batch)

    def of_source(self, source: str) -> list[Batch]:
        """Return the live batches of a source by file day, then id."""
        return list(self._by.source.get(source, ()))

    def posting_on(self, day: date) -> list[Batch]:
        """Return the live batches that post on a day, as they came."""
        return list(self._by.on.get(day, ()))

    def ending_on(self, day: date) -> list[Batch]:
        """Return the live batches of which a day is the last that they cover, as they came."""
        return list(self._by.ending.get(day, ()))

    def issues(self, batch: Batch) -> list[Batch]:
        """Return the live batches that were sent as this one, oldest first: each re-issues the one before."""
        return list(self._by.issues.get(batch.sent_as, ()))

    def speaks(self, batch: Batch) -> bool:
        """Say whether a batch speaks for its file's day: the last issue that came before that day was locked."""
        issues = [b.id for b in self.issues(batch) if not b.late]
        return bool(issues) and issues[-1] == batch.id

    def neighbours(self, batch_id: str) -> list[Batch]:
        """Return the batches that share a key with this one, whichever came first."""
        near = self._by.near.get(batch_id, ())
        return [self.batches[i] for i in sorted(near) if i in self.batches]

    def proofs_on(self, day: date) -> list[Line]:
        """Return the live reconciliations of a day, by leg and counterparty."""
        return [
            self.reconciled[pair[0], pair[1], day]
            for pair in sorted(self.days_of)
            if (pair[0], pair[1], day) in self.reconciled
        ]

    def proof_before(self, leg: str, counterparty: str, day: date) -> Line | None:
        """Return the last live reconciliation of a leg and counterparty before a day."""
        days = self.days_of.get((leg, counterparty), [])
        place = bisect_left(days, day)
        return self.reconciled[leg, counterparty, days[place - 1]] if place else None

    def proofs_until(self, leg: str, counterparty: str, day: date) -> list[Line]:
        """Return the live reconciliations of a leg and counterparty before a day, oldest first."""
        days = self.days_of.get((leg, counterparty), [])
        return [self.reconciled[leg, counterparty, d] for d in days[: bisect_left(days, day)]]

    def known_content(self, sha256: str) -> list[Batch]:
        """Return live batches made of the same bytes."""
        return [b for b in self.batches.values() if b.sha256 == sha256]


def _batch(line: Line) -> Batch:
    first, last = (date.fromisoformat(d) for d in line["covers"])
    original = line["original"]
    member, part = original.get("member"), line.get("part")
    return Batch(
        id=line["batch"],
        source=line["source"],
        role=line["role"],
        day=date.fromisoformat(line["day"]),
        covers=(first, last),
        counterparty=line["counterparty"],
        file=next(iter(line["files"])),
        archive=original["archive"],
        name=within(original["name"], member["name"]) if member else original["name"],
        sha256=(member or original)["sha256"],
        format=line["format"]["name"],
        format_version=line["format"]["version"],
        key=tuple(line["key"]),
        order=line["order"],
        neighbours=tuple(line["neighbours"]),
        keys=(line["keys"][0], line["keys"][1]),
        days=tuple(date.fromisoformat(d) for d in line["days"]),
        rows=line["rows"]["read"] - line["rows"]["refused"] - sum_excluded(line),
        issue=line.get("issue", 0),
        line=line,
        member=member["name"] if member else None,
        part=(part["number"], part["of"]) if part else None,
    )


def sum_excluded(line: Line) -> int:
    """Return how many rows of a batch line were excluded, over all reasons."""
    return sum(int(n) for n in line["rows"]["excluded"].values())


def apply(state: State, line: Line, legs_of: LegsOf) -> None:
    """Fold one line into the state. ``legs_of`` says which legs a batch makes stale."""
    kind = line["kind"]
    if kind == "batch":
        batch = state.stamped(_batch(line))
        state.take_in(batch)
        _take_up(state, batch, line, legs_of)
    elif kind == "reconcile":
        day = date.fromisoformat(line["day"])
        _strip(state, [(line["leg"], line["counterparty"])], day)
        state.reconciled[line["leg"], line["counterparty"], day] = line
        insort(state.days_of.setdefault((line["leg"], line["counterparty"]), []), day)
    elif kind == "rules":
        state.rules = dict(line["files"])
        if line["stale"] is not None:
            _strip(state, [("*", "*")], date.fromisoformat(line["stale"]))
    elif kind == "decision":
        state.decisions = {d["path"]: d for d in line["files"]}
        if line["stale"] is not None:
            _strip(state, [("*", "*")], date.fromisoformat(line["stale"]))
    elif kind == "refused":
        state.refused.append(line)
    elif kind == "close":
        state.closes.append(line)
    elif kind == "withdraw":
        batch = state.take_out(line["batch"])
        del state.standing[batch.id]
        _take_up(state, batch, line, legs_of)
    else:
        raise IntegrityError(
            f"{NAME}: line {line.get('seq')} has the unknown kind {kind!r}; "
            "a newer version of finops-ledger wrote it"
        )
    state.lines.append(line)


def _take_up(state: State, batch: Batch, line: Line, legs_of: LegsOf) -> None:
    """Let stand what a line says of batches, and strip the days that it makes stale."""
    for name, share in line["standing"].items():
        state.standing[name] = Share(int(share["rows"]), str(share["control"]))
    touched = [date.fromisoformat(d) for d in line["touches"]]
    _strip(state, legs_of(batch), min((*touched, batch.day)))
    _strip_crossing(state, batch, touched)


class LegsOf:
    """Which (leg, counterparty) pairs a batch touches; ``*`` stands for all, a set for all legs that are not in it."""

    def __call__(self, unused_batch: Batch) -> list[tuple[str | frozenset[str], str]]:
        """Say which legs to strip; the safe answer is all of them."""
        return [("*", "*")]


def _meets(leg: str, told: str | frozenset[str]) -> bool:
    return leg not in told if isinstance(told, frozenset) else told in ("*", leg)


def _strip(state: State, legs: Iterable[tuple[str | frozenset[str], str]], first: date) -> None:
    """Take back what was reconciled on or after a day; days are kept in order, so that only those are met."""
    wanted = set(legs)
    if state.first_open is not None:
        first = max(first, state.first_open)
    for (leg, who), days in state.days_of.items():
        if not any(_meets(leg, a) and b in ("*", who) for a, b in wanted):
            continue
        while days and days[-1] >= first:
            del state.reconciled[leg, who, days.pop()]


def _strip_crossing(state: State, batch: Batch, touched: list[date]) -> None:
    """Take back what a supplier's file may change at the others: days that stand with one-sided orders.

    A reconcile line says so itself (``crossing``), so that a replay comes to the same. The first file of a source
    says of all days before it that nothing is awaited.
    """
    if batch.role != "supply":
        return
    first = min((*touched, batch.day, batch.covers[0]))
    others = (b for b in state.batches.values() if b.source == batch.source and b.id != batch.id)
    if not any(b.covers[0] <= batch.covers[0] for b in others):
        first = date.min
    for (leg, who), days in list(state.days_of.items()):
        later = days[bisect_left(days, first) :]
        stands = (d for d in later if "crossing" in state.reconciled[leg, who, d])
        since = next(stands, None)
        if since is not None:
            _strip(state, [(leg, who)], since)


class Manifest:
    """The log of one workspace: reads it, proves its chain, appends to it."""

    def __init__(self, root: Path, legs_of: LegsOf | None = None) -> None:
        self.path = root / NAME
        self._legs_of = legs_of or LegsOf()

    def raw_lines(self) -> tuple[list[bytes], bytes]:
        """Return the whole lines (without newline) and the torn rest, empty when all is well."""
        if not self.path.exists():
            return [], b""
        *whole, rest = self.path.read_bytes().split(b"\n")
        return whole, rest

    def read(self) -> State:
        """Read and fold all whole lines; raise IntegrityError when the chain is broken."""
        state = State()
        for number, raw in enumerate(self.raw_lines()[0], start=1):
            line = self._parse(number, raw)
            if line["prev"] != state.head or line["seq"] != number:
                raise IntegrityError(
                    f"{self.path}:{number}: the chain is broken: the line before hashes to "
                    f"{state.head[:12] or 'nothing'}…, this one expects {line['prev'][:12] or 'nothing'}…; "
                    "restore the manifest from a backup, it must never be edited"
                )
            apply(state, line, self._legs_of)
            state.head = sha256_bytes(raw)
        return state

    def _parse(self, number: int, raw: bytes) -> Line:
        try:
            line: Line = json.loads(raw)
            if not isinstance(line, dict) or not {"seq", "kind", "prev"} <= line.keys():
                raise ValueError("not a manifest line")
        except ValueError as error:
            raise IntegrityError(
                f"{self.path}:{number}: not a manifest line ({error}); restore it from a backup"
            ) from error
        return line

    def append(self, state: State, kind: str, body: Line) -> Line:
        """Commit: one line, one write, one fsync. Returns the line; ``state`` takes it in."""
        line = {"seq": len(state.lines) + 1, "kind": kind, "prev": state.head, **body}
        raw = encode(line)
        files.append_line(self.path, raw)
        apply(state, line, self._legs_of)
        state.head = sha256_bytes(raw)
        return line

    def cut_torn_line(self) -> bool:
        """Remove a last line without newline, which a kill inside a write leaves; say if there was one."""
        whole, rest = self.raw_lines()
        if not rest:
            return False
        files.write_atomic(self.path, b"".join(raw + b"\n" for raw in whole))
        return True
