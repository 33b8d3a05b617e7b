"""From rows to the lines of the files they came from, and from rows to the items they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from finops_ledger.books.items import files_of, named, residue
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import FinopsError, UsageError
from finops_ledger.core.money import plain
from finops_ledger.intake.containers import member_file
from finops_ledger.intake.read import locate
from finops_ledger.subledger import engine as en
from finops_ledger.subledger import matches
from finops_ledger.subledger.manifest import Batch, Line

#: What is shown of a stored row, where it has a value.
_SHOWN = (
    "ref partner_ref payment_ref orig_ref settlement_ref partner gateway account channel product "
    "category kind status status_raw text created_at occurred_at paid_at refunded_at price "
    "discount fee vat cost amount balance"
).split()


def text_of(value: Any) -> Any:
    """Write a stored value for JSON: decimals plain, days and times as ISO."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value


def batch_of(space: Workspace, name: str) -> Batch:
    """Return a live batch; UsageError when there is none of this name."""
    batch = space.state.batches.get(name)
    if batch is None:
        raise UsageError(f"{name}: the manifest knows no such batch")
    return batch


def original(space: Workspace, batch: Batch, record: int) -> dict[str, Any]:
    """Return where a row stands in the archived original: file, line, and the line itself."""
    path = space.root / batch.archive
    found: dict[str, Any] = {
        "file": batch.name,
        "archive": batch.archive,
        "line": None,
        "text": None,
    }
    try:
        with member_file(path, batch.member) as file:
            found["line"], found["text"] = locate(file, space.format(batch.format), record)
    except (OSError, LookupError, FinopsError) as error:
        found["text"] = f"(the line cannot be shown: {error})"
    return found


def line_of(space: Workspace, batch: Batch, place: str) -> str:
    """Turn ``file:record`` into ``file:line``, as people open the file; what names no record stays as it is."""
    record = place.removeprefix(f"{batch.name}:")
    line = original(space, batch, int(record))["line"] if record.isdigit() else None
    return place if line is None else f"{batch.name}:{line}"


def row(space: Workspace, batch_name: str, record: int) -> dict[str, Any]:
    """Return one row: what is stored of it, and where it stands in its file."""
    batch = batch_of(space, batch_name)
    stored = space.local.rows(
        f"select * from ({numbered(space, batch)}) where number = {int(record)}"
    )
    if not stored:
        raise UsageError(
            f"{batch_name}:{record}: the batch has no such row ({batch.rows} rows are kept)"
        )
    values = {n: text_of(stored[0][n]) for n in _SHOWN if stored[0][n] is not None}
    name = f"{batch_name}:{record}"
    return {
        "row": name,
        "source": batch.source,
        "role": batch.role,
        **original(space, batch, record),
        "values": values,
    }


def numbered(space: Workspace, batch: Batch) -> str:
    """Select the stored rows of a batch, each with its record number in the file (``number``)."""
    source = en.parquet([space.root / batch.file], position=True)
    return f"select *, coalesce(record, file_row_number + 1) as number from ({source})"


#: Legs on which the rows of one reference are added up: of which roles they are.
SUMMED: Final = {"sale-gateway": ("sale", "settlement"), "supply-statement": ("supply", "deposit")}


def rows_of_sum(space: Workspace, stand: dict[str, Any], limit: int) -> list[tuple[str, int]]:
    """Return the rows that add up to an item of a leg of sums, oldest first: of its key, and what undoes them.

    Nothing for an item of another leg.
    """
    roles = SUMMED.get(stand["leg"], ())
    batches = [
        b
        for b in sorted(space.state.batches.values(), key=lambda b: (b.day, b.role, b.id))
        if b.role in roles and (b.role == "sale" or b.counterparty == stand["counterparty"])
    ]
    key, occurrence = stand["ref"], stand["occurrence"]
    own = [r for b in batches for r in _bearing(space, b, _OWN_KEY, [key])]
    names = {r[c] for r in own if _pays(r) for c in ("payment_ref", "ref", "partner_ref")} | {key}
    undoing = [
        r
        for b in batches
        if b.role == "settlement"
        for r in _bearing(space, b, ("orig_ref",), sorted(filter(None, names)))
        if r["kind"] in ("refund", "chargeback") and r["key"] != key
    ]
    # One that bears the reference of another payment is that payment's.
    others = sorted({r["key"] for r in undoing if r["key"]})
    taken = {r["key"] for b in batches for r in _bearing(space, b, _OWN_KEY, others) if _pays(r)}
    every = [*own, *(r for r in undoing if r["key"] not in taken)]
    wanted = [r for r in every if r["role"] != "settlement" or _pays(r) == (occurrence == "")]
    place = {b.id: n for n, b in enumerate(batches)}
    found = {(r["batch"], int(r["number"])) for r in wanted}
    return sorted(found, key=lambda n: (place[n[0]], n[1]))[:limit]


_OWN_KEY: Final = ("coalesce(payment_ref, ref)",)


def _pays(row: dict[str, Any]) -> bool:
    return row["role"] != "settlement" or row["kind"] in (None, "payment")


def _bearing(
    space: Workspace, batch: Batch, columns: tuple[str, ...], names: list[str]
) -> list[dict[str, Any]]:
    """The rows of a batch that bear one of some references."""
    if not names:
        return []
    listed = ", ".join(en.literal(n) for n in names)
    where = " or ".join(f"{c} in ({listed})" for c in columns)
    own = "coalesce(payment_ref, ref)" if batch.role in SUMMED["sale-gateway"] else "ref"
    where = where if batch.role in SUMMED["sale-gateway"] else f"ref in ({listed})"
    return space.local.rows(
        f"select {en.literal(batch.id)} as batch, number, role, kind, payment_ref, ref, partner_ref, {own} as key "
        f"from ({numbered(space, batch)}) where {where}"
    )


def rows_with(space: Workspace, ref: str, limit: int) -> list[tuple[str, int]]:
    """Find the rows that bear a reference of any kind, or undo it: batch and record, oldest first."""
    found: list[tuple[str, int]] = []
    wanted = en.literal(ref)
    names = ("ref", "partner_ref", "payment_ref", "settlement_ref", "orig_ref")
    same = " or ".join(f"{c} = {wanted}" for c in names)
    for batch in sorted(space.state.batches.values(), key=lambda b: (b.day, b.role, b.id)):
        rows = space.local.rows(
            f"select number from ({numbered(space, batch)}) where {same} "
            f"order by number limit {limit}"
        )
        found += [(batch.id, int(r["number"])) for r in rows]
        if len(found) >= limit:
            break
    return found[:limit]


def item_days(space: Workspace, item: str) -> list[dict[str, Any]]:
    """Return what each live run says of an item, oldest first."""
    return _stood(space, f"id = {en.literal(item)}", "breaks")


def item_before(space: Workspace, item: str) -> tuple[list[dict[str, Any]], Line | None]:
    """Return what reconciliations that were run again said of an item, and the last line that had it.

    Their files stay on disk, because a rebuild replays them. Of a leg and day that ran more than once, the last
    run that had the item speaks; (``[]``, None) when none ever had.
    """
    named = {f: line for line in space.state.lines for f in _breaks(line)}
    there = [space.root / f for f in named if (space.root / f).is_file()]
    if not there:
        return [], None
    listed = ", ".join(en.literal(str(p)) for p in there)
    where = f"id = {en.literal(item)}"
    found = space.local.rows(
        "select distinct filename from read_parquet("
        f"[{listed}], union_by_name = true, filename = true) where {where}"
    )
    lines = [named[Path(r["filename"]).relative_to(space.root).as_posix()] for r in found]
    lines.sort(key=lambda line: line["seq"])
    last = {(line["leg"], line["counterparty"], line["day"]): line for line in lines}
    paths = files_of(space, last.values(), "breaks")
    return _read(space, paths, where), lines[-1] if lines else None


def _breaks(line: Line) -> list[str]:
    return [f for f in line["files"] if "/breaks/" in f] if line["kind"] == "reconcile" else []


def items_of_row(space: Workspace, batch: str, record: int) -> list[dict[str, Any]]:
    """Return the items and matches in which a row takes part, oldest first."""
    wanted = en.literal(batch)
    mine = (
        f"(left_batch = {wanted} and left_record = {int(record)}) "
        f"or (right_batch = {wanted} and right_record = {int(record)})"
    )
    found = _stood(space, mine, "breaks") + _stood(space, mine, "matches")
    undone = _undone(space, batch, record)
    if undone and not any(f["leg"] == "sale-gateway" for f in found):
        found += _stood(space, undone, "breaks") + _stood(space, undone, "matches")
    return sorted(found, key=lambda f: (f["leg"], f["day"]))


def _undone(space: Workspace, batch: str, record: int) -> str:
    """SQL of the item of the payment that a gateway's row undoes, where it is not named by this row; else nothing."""
    if batch not in space.state.batches or space.state.batches[batch].role != "settlement":
        return ""
    told = row(space, batch, record)["values"]
    if "orig_ref" not in told or told.get("kind") not in ("refund", "chargeback"):
        return ""
    names = ("payment_ref", "ref", "partner_ref")
    found = [
        r["key"]
        for b in space.state.batches.values()
        if b.role in SUMMED["sale-gateway"]
        for r in _bearing(space, b, names, [str(told["orig_ref"])])
        if _pays(r) and r["key"]
    ]
    keys = ", ".join(en.literal(k) for k in sorted({str(told["orig_ref"]), *found}))
    of = en.literal(told["kind"])
    return f"leg = 'sale-gateway' and key in ({keys}) and occurrence = {of}"


def match_days(space: Workspace, name: str) -> list[dict[str, Any]]:
    """Return what each live run says of a match (``m-…``), oldest first.

    A match is named by its left row; the name is made when it is shown, so every match is looked at.
    """
    made = "'m-' || left(sha256(left_batch || ':' || left_record || ' ' || leg), 16)"
    where = f"left_batch is not null and right_batch is not null and {made} = {en.literal(name)}"
    found = _stood(space, where, "breaks") + _stood(space, where, "matches")
    return sorted(found, key=lambda f: (f["leg"], f["day"]))


def match_name(stand: dict[str, Any]) -> str | None:
    """Return the name of a match, made of its left row and its leg; None for what has one side only."""
    if stand["left"] is None or stand["right"] is None:
        return None
    told = f"{stand['left']} {stand['leg']}"
    return f"m-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _stood(space: Workspace, where: str, kind: str) -> list[dict[str, Any]]:
    return _read(space, files_of(space, space.state.reconciled.values(), kind), where)


def items_moved(space: Workspace, lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Return the items whose home or residue the given runs changed."""
    moved = "amount_before <> recon_amount or home_before is distinct from recon_home"
    return _read(space, files_of(space, lines, "breaks"), moved)


def _read(space: Workspace, paths: list[Path], where: str) -> list[dict[str, Any]]:
    if not paths:
        return []
    if paths[0].relative_to(space.root).parts[1] == "matches":
        there = matches.read(paths)
    else:
        listed = ", ".join(en.literal(str(p)) for p in paths)
        there = f"select * from read_parquet([{listed}], union_by_name = true)"
    rows = space.local.rows(f"select * from ({there}) where {where} order by day, leg, key")
    return [_stand(r) for r in rows]


def _stand(r: dict[str, Any]) -> dict[str, Any]:
    sides = {
        side: f"{r[f'{side}_batch']}:{r[f'{side}_record']}" if r[f"{side}_batch"] else None
        for side in ("left", "right")
    }
    breaks_on = r.get("breaks_on")
    return {
        "id": r.get("id"),
        "day": r["day"].isoformat(),
        "leg": r["leg"],
        "counterparty": r["counterparty"],
        "ref": named(r["key"]),
        "class": r["class"],
        "also": (r.get("also") or "").replace(",", ", ") or None,
        "since": text_of(r.get("since")),
        "rule": r["rule"],
        "operands": r["operands"],
        "rejected": r["rejected"],
        "suggestion": r.get("suggestion"),
        "occurrence": r["occurrence"],
        "sums": [plain(r[n]) for n in ("left_now", "right_now", "settled")],
        "account": r["home"],
        "account_before": r.get("home_before"),
        "residue": plain(residue(r)),
        "claimed": plain(r["claimed"]),
        "opened": text_of(r["opened"]),
        "breaks_on": text_of(breaks_on),
        "closed": bool(r.get("is_closed", True)),
        "moved": bool(r.get("amount_before") != r["amount"] or r.get("home_before") != r["home"]),
        **sides,
    }


def entry(loaded: Loaded, found: Any, accounts: Iterable[str] = ()) -> dict[str, Any]:
    """Return a journal entry as it is shown: where it stands, what it says, its postings."""
    wanted = set(accounts)
    return {
        "place": loaded.place(found.meta),
        "date": found.date.isoformat(),
        "payee": found.payee,
        "narration": found.narration,
        "tags": sorted(found.tags),
        "batch": found.meta.get("batch"),
        "postings": [
            {
                "account": p.account,
                "amount": plain(p.units.number),
                "currency": p.units.currency,
                "kind": (p.meta or {}).get("kind"),
            }
            for p in found.postings
            if not wanted or p.account in wanted
        ],
    }
