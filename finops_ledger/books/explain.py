"""From any id or figure to the lines of the original files behind it (``finops explain``)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from finops_ledger.books import files_due, proving, tracing
from finops_ledger.books.figures_rows import behind
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.recon.payments import TRANSIT
from finops_ledger.subledger.manifest import Line

LIMIT: Final = 10
_ROW = re.compile(r"(b-[0-9a-f]{16}):(\d+)")
_BATCH = re.compile(r"b-[0-9a-f]{16}")
_ITEM = re.compile(r"x-[0-9a-f]{16}")
_MATCH = re.compile(r"m-[0-9a-f]{16}")
_PLACE = re.compile(r"(\d{4}-\d{2}-\d{2})[\s:]+([A-Z][A-Za-z0-9:-]+)")
_LINE = re.compile(r"(\S+\.beancount):(\d+)")

_ITEM_FACTS: Final = (
    "leg", "counterparty", "ref", "class", "also", "account", "residue", "claimed", "opened", "since", "breaks_on",
    "rule", "operands",
)  # fmt: skip

_LIST_FACTS: Final = ("run", "pay-to", "maker", "checker", "evidence", "upload-evidence")

Told = dict[str, Any]


def explain(space: Workspace, loaded: Loaded, text: str, limit: int = LIMIT) -> Told:
    """Explain an id, a reference or a place in the journal.

    Ids: batch ``b-…``, row ``b-…:n``, open item ``x-…``, match ``m-…``. References: of an order, payment,
    transaction or settlement (``STL-…``), and a settlement run (``pay-…``). Places:
    ``2026-03-02 Assets:Deposits:AggA``, ``file.beancount:line``.
    The answer always has ``id kind title facts proofs rows entries history``; rows carry file and line.
    """
    text = text.strip()
    if found := _ROW.fullmatch(text):
        return _row(space, loaded, found.group(1), int(found.group(2)))
    if _BATCH.fullmatch(text):
        return _batch(space, loaded, text, limit)
    if _ITEM.fullmatch(text):
        return _item(space, loaded, text)
    if _MATCH.fullmatch(text):
        return _match(space, loaded, text)
    if found := _PLACE.fullmatch(text):
        return _figure(space, loaded, date.fromisoformat(found.group(1)), found.group(2), limit)
    if found := _LINE.fullmatch(text):
        return _line(space, loaded, found.group(1), int(found.group(2)), limit)
    return _reference(space, loaded, text, limit)


def _told(id_: str, kind: str, title: str, **more: Any) -> Told:
    lists: Told = {"rows": [], "more_rows": 0, "entries": [], "history": []}
    return {"id": id_, "kind": kind, "title": title, "facts": {}, "proofs": [], **lists, **more}


def _of_batch(loaded: Loaded, batch: str, partner: str | None = None) -> list[Told]:
    return [
        tracing.entry(loaded, e)
        for e in loaded.transactions()
        if e.meta.get("batch") == batch and partner in (None, e.meta.get("partner"))
    ]


def _batch(space: Workspace, loaded: Loaded, name: str, limit: int) -> Told:
    batch = tracing.batch_of(space, name)
    line = batch.line
    stated = {k: v for k, v in line["stated"].items() if v}
    facts = {
        "file": batch.name,
        "archive": batch.archive,
        **({"member": batch.member} if batch.member else {}),
        **({"part": "{} of {}".format(*batch.part)} if batch.part else {}),
        "sha256": batch.sha256,
        "source": f"{batch.source} ({batch.role}, format {batch.format}/{batch.format_version})",
        "day": batch.day.isoformat(),
        "imported": line["at"],
        "rows": {k: v for k, v in line["rows"].items() if v},
        "control": line["control"],
        "stated by the file": stated,
    }
    shown = range(1, min(batch.rows, limit) + 1) if not batch.line["rows"]["refused"] else ()
    rows = [tracing.row(space, name, n) for n in shown] if batch.rows <= limit else []
    return _told(
        name, "batch", f"{batch.name}: {batch.rows} rows", facts=facts, rows=rows,
        more_rows=batch.rows - len(rows), entries=_of_batch(loaded, name),
    )  # fmt: skip


def _row(space: Workspace, loaded: Loaded, batch: str, record: int) -> Told:
    row = tracing.row(space, batch, record)
    history = tracing.items_of_row(space, batch, record)
    others = {s for h in history for s in (h["left"], h["right"]) if s and s != row["row"]}
    rows = [row, *(_named_row(space, o) for o in sorted(others))]
    partner = row["values"].get("partner")
    title = f"{row['file']}:{row['line']}"
    return _told(
        row["row"], "row", title, facts=row["values"], rows=rows, history=history,
        proofs=proving.of(space, history),
        entries=_of_batch(loaded, batch, partner),
    )  # fmt: skip


def _named_row(space: Workspace, name: str) -> Told:
    batch, _, record = name.rpartition(":")
    return tracing.row(space, batch, int(record))


def _item(space: Workspace, loaded: Loaded, name: str) -> Told:
    history = tracing.item_days(space, name)
    gone: Line | None = None
    if not history:
        history, gone = tracing.item_before(space, name)
    if not history:
        for file in files_due.items(space.expected):
            if file.id == name:
                return _file(space, file)
        raise UsageError(
            f"{name}: no reconciliation has ever known this item; `finops breaks` lists the ids of what is open"
        )
    last = history[-1]
    named = [n for n in (last["left"], last["right"]) if n]
    # A batch that was withdrawn is no longer there to show its row; a file without rows has none.
    live = space.state.batches
    rows = [_named_row(space, n) for n in named if (b := live.get(n.partition(":")[0])) and b.rows]
    added = [f"{b}:{r}" for b, r in tracing.rows_of_sum(space, last, LIMIT)]
    rows += [_named_row(space, n) for n in added if n not in named]
    moved = {h["day"] for h in history if h["moved"] and gone is None}
    entries = [
        tracing.entry(loaded, e)
        for e in loaded.transactions()
        if _is_about(e, name, last["leg"], last["counterparty"], moved)
    ]
    state = "closed" if last["closed"] else "claimed" if last["claimed"] != "0" else "open"
    facts = {k: last[k] for k in _ITEM_FACTS if last[k] is not None}
    if gone is not None:
        state = "superseded"
        facts["superseded"] = (
            f"{last['day']} was reconciled again, with what had come in by then, and the item is not in it; "
            f"line {gone['seq']} of the manifest is the last that had it"
        )
    title = f"{last['class']} {last['ref']} ({last['counterparty']}), {state}"
    return _told(
        name,
        "item",
        title,
        facts={**facts, "state": state},
        proofs=proving.of(space, history),
        rows=rows,
        entries=entries,
        history=history,
    )


def _file(space: Workspace, file: files_due.FileItem) -> Told:
    """Explain a file that is missing, late, short, or was taken with rows refused."""
    facts = {
        "leg": files_due.LEG,
        "counterparty": file.counterparty,
        "ref": file.ref,
        "class": file.class_,
        **({"also": ", ".join(file.also)} if file.also else {}),
        "reason": file.reason,
        "opened": file.day.isoformat(),
        **({"batch": file.batch} if file.batch else {}),
        "state": "open",
    }
    return _told(
        file.id, "item", f"{file.class_} {file.ref} ({file.counterparty}), open", facts=facts
    )


def _match(space: Workspace, loaded: Loaded, name: str) -> Told:
    """A match by the name that its proof shows."""
    history = tracing.match_days(space, name)
    if not history:
        raise UsageError(f"{name}: no such match; the proof that `finops explain` shows names it")
    last = history[-1]
    sides = [n for n in (last["left"], last["right"]) if n]
    # A payment of a list is a line of a file of decisions, and no row.
    sides = [n for n in sides if n.rpartition(":")[0] in space.state.batches]
    entries = [
        e for n in sides for e in _of_batch(loaded, n.partition(":")[0], last["counterparty"])
    ]
    return _told(
        name, "match", f"{last['class']} {last['ref']} ({last['counterparty']})",
        proofs=proving.of(space, history), rows=[_named_row(space, n) for n in sides],
        entries=entries, history=history,
    )  # fmt: skip


def _is_about(entry: Any, item: str, leg: str, counterparty: str, moved: set[str]) -> bool:
    """Whether an entry names the item, or is the reconciliation of a day on which it moved."""
    if entry.meta.get("break") == item:
        return True
    for posting in entry.postings:
        meta = posting.meta or {}
        if meta.get("break") == item or item in str(meta.get("items", "")):
            return True
    same = entry.meta.get("leg") == leg and entry.meta.get("partner") == counterparty
    return same and entry.date.isoformat() in moved


def _figure(space: Workspace, loaded: Loaded, day: date, account: str, limit: int) -> Told:
    touching = [
        e for e in loaded.transactions()
        if e.date == day and any(p.account == account for p in e.postings)
    ]  # fmt: skip
    if not touching:
        raise UsageError(f"nothing moved {account} on {day.isoformat()}")
    return _entries(space, loaded, f"{day.isoformat()} {account}", touching, account, limit)


def _line(space: Workspace, loaded: Loaded, name: str, line: int, limit: int) -> Told:
    before = [
        e for e in loaded.transactions()
        if str(e.meta["filename"]).endswith(name) and e.meta["lineno"] <= line
    ]  # fmt: skip
    if not before:
        raise UsageError(f"{name}:{line}: no entry of the books stands there")
    entry = max(before, key=lambda e: e.meta["lineno"])
    at = [p for p in entry.postings if (p.meta or {}).get("lineno", 0) <= line]
    account = at[-1].account if at and line > entry.meta["lineno"] else ""
    return _entries(space, loaded, f"{name}:{line}", [entry], account, limit)


def _lists(entry: Any, posting: Any, text: str) -> bool:
    """Whether a posting is what a payment list pays: of the settlement that links to it, or of the run itself."""
    about = text in entry.links or entry.meta.get("run") == text
    return bool(about and posting.account.startswith(TRANSIT))


def _settlement(
    space: Workspace, loaded: Loaded, text: str, named: list[tuple[Any, str]], limit: int
) -> Told:
    """Explain a settlement, or a run: payment lists are shown whole, with who decided and what stands behind it."""
    found = list({id(e): e for e, _ in named}.values())
    account = next((a for _, a in named if a.startswith(TRANSIT)), named[0][1])
    told = _entries(space, loaded, text, found, account, limit)
    told["title"] = f"{text}: {account}"
    for entry in found:
        facts = {key: str(entry.meta[key]) for key in _LIST_FACTS if key in entry.meta}
        told["facts"] |= facts if "decision" in entry.tags else {}
    told["entries"] = [
        tracing.entry(loaded, e, () if "decision" in e.tags else [a for of, a in named if of is e])
        for e in found
    ]
    return told


def _entries(
    space: Workspace, loaded: Loaded, id_: str, found: list[Any], account: str, limit: int
) -> Told:
    total = sum((p.units.number for e in found for p in e.postings if p.account == account), ZERO)
    rows: list[Told] = []
    count, summed = 0, ZERO
    history: list[Told] = []
    for entry in found:
        those = behind(space, entry, account, max(limit - len(rows), 0))
        rows += [{**tracing.row(space, b, r), "posts": posts} for b, r, posts in those.rows]
        count, summed = count + those.count, summed + those.total
        if "recon" in entry.tags:
            history += _moved_on(space, entry, account)
    accounts = [account] if account else []
    facts: Told = (
        {"account": account, "moved": plain(total), "entries": len(found)} if account else {}
    )
    if count:
        facts |= {"rows": count, "rows_post": plain(summed)}
    title = f"{found[0].date.isoformat()} {account or found[0].narration}"
    shown = [tracing.entry(loaded, e, accounts) for e in found]
    return _told(
        id_,
        "figure",
        title,
        facts=facts,
        rows=rows,
        more_rows=count - len(rows),
        entries=shown,
        history=history,
    )


def _moved_on(space: Workspace, entry: Any, account: str) -> list[Told]:
    """Items that a #recon entry moved on an account (without one: all that it moved)."""
    key = (entry.meta["leg"], entry.meta["partner"], entry.date)
    line = space.state.reconciled.get(key)
    found = tracing.items_moved(space, [line] if line else [])
    return [h for h in found if not account or account in (h["account"], h["account_before"])]


def _reference(space: Workspace, loaded: Loaded, text: str, limit: int) -> Told:
    """An order, transaction, payment or settlement by its own number."""
    named = [
        (e, p.account)
        for e in loaded.transactions()
        for p in e.postings
        if (p.meta or {}).get("settlement") == text or _lists(e, p, text)
    ]
    if named:
        return _settlement(space, loaded, text, named, limit)
    found = tracing.rows_with(space, text, limit)
    if not found:
        raise UsageError(
            f"{text!r} is no batch (b-…), row (b-…:n), item (x-…), place in the journal "
            "(2026-03-02 Account) or reference that these books know"
        )
    rows = [tracing.row(space, b, r) for b, r in found]
    seen: list[Told] = []
    partners: dict[str, set[str | None]] = {}
    for (batch, _), row in zip(found, rows, strict=True):
        partners.setdefault(batch, set()).add(row["values"].get("partner"))
    for batch, record in found:
        seen += [h for h in tracing.items_of_row(space, batch, record) if h not in seen]
    # What a pass has put together bears another reference.
    beside = {n for h in seen for n in (h["left"], h["right"]) if n} - {r["row"] for r in rows}
    known = sorted(n for n in beside if n.partition(":")[0] in space.state.batches)
    rows += [_named_row(space, n) for n in known[: max(limit - len(rows), 0)]]
    entries = [
        e for b, names in partners.items() for e in _of_batch(loaded, b)
        if e["payee"] in names or None in names
    ]  # fmt: skip
    return _told(
        text, "reference", f"{text}: {len(rows)} row{'s' * (len(rows) != 1)}", rows=rows, entries=entries, history=seen,
        proofs=proving.of(space, seen),
    )  # fmt: skip
