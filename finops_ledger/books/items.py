"""Items and matches, read back from the files that the manifest names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Final

from finops_ledger.books import files_due, unsold
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.recon.classes import NOT_BREAKS, RESIDUE_ZERO, priority
from finops_ledger.recon.treatments import fitting
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Line

_DAY: Final = timedelta(days=1)


def last_lines(space: Workspace, as_of: date | None = None) -> list[Line]:
    """Return the last reconciliation of each leg and counterparty, up to a day.

    Of a leg that is declared no more only one that has left something on accounts: the rest is gone with the leg.
    """
    latest: dict[tuple[str, str], date] = {}
    for leg, who, day in space.state.reconciled:
        if as_of is None or day <= as_of:
            latest[leg, who] = max(day, latest.get((leg, who), day))
    lines = [space.state.reconciled[leg, who, day] for (leg, who), day in sorted(latest.items())]
    return [n for n in lines if n["registers"] or space.legs.declares(n["leg"], n["counterparty"])]


def files_of(space: Workspace, lines: Iterable[Line], kind: str) -> list[Path]:
    """Return the Parquet files of one kind (``breaks`` or ``matches``) that lines name."""
    return [space.root / f for line in lines for f in line["files"] if f"/{kind}/" in f]


def open_items(
    space: Workspace, as_of: date | None = None, *, everything: bool = False
) -> list[dict[str, Any]]:
    """Return what is open at the end of a day: breaks and claims; with ``everything`` also what waits.

    One dictionary an item, with the keys of ``breaks --json`` (ruling 37); money as text.
    """
    paths = files_of(space, last_lines(space, as_of), "breaks")
    rows = (
        space.local.rows(
            f"select * from ({en.parquet(paths)}) where not is_closed "
            "order by counterparty, leg, class, opened, key, occurrence"
        )
        if paths
        else []
    )
    found = [_item(space, r, as_of) for r in [*rows, *unsold.items(space, as_of)]]
    shown = [
        i for i in found if everything or i["class"] not in NOT_BREAKS or i["state"] == "claimed"
    ]
    # Refused rows that the running balance shows have an item with their money.
    told = {r["right_batch"] for r in rows if r["class"] == "file_defect"}
    files = files_due.items(space.expected, as_of)
    return shown + [_file(space, f, as_of) for f in files if f.batch is None or f.batch not in told]


def arose(space: Workspace, as_of: date | None = None) -> dict[str, date]:
    """Return of each open item the day of its earliest row: one that was settled and came up again opened later."""
    paths = files_of(space, last_lines(space, as_of), "breaks")
    if not paths:
        return {}
    first = "least(opened, date '1970-01-01' + cast(least(left_anchor, right_anchor) as integer))"
    rows = space.local.rows(
        f"select id, {first} as first from ({en.parquet(paths)}) where not is_closed and id is not null"
    )
    return {r["id"]: r["first"] for r in rows}


def _file(space: Workspace, one: files_due.FileItem, as_of: date | None) -> dict[str, Any]:
    now = as_of or space.expected.as_of or one.day
    return {
        "id": one.id,
        "class": one.class_,
        "leg": files_due.LEG,
        "counterparty": one.counterparty,
        "day": one.day.isoformat(),
        "ref": one.ref,
        "occurrence": "",
        "state": "open",
        "residue": "0",
        "claimed": "0",
        "exposure": "0",
        "priority": priority(one.class_),
        **answered(space, one.counterparty, one.class_, one.day, now),
        "breaks_on": None,
        "since": one.day.isoformat(),
        "also": list(one.also),
        "reason": one.reason,
        "account": None,
        "treatments": [],
        "left": None,
        "right": None,
    }


def _item(space: Workspace, row: dict[str, Any], as_of: date | None) -> dict[str, Any]:
    now = as_of or space.expected.as_of or row["day"]
    shown, opened = row["class"], row["opened"]
    state = "claimed" if row["claimed"] else "open"
    return {
        "id": row["id"],
        "class": shown,
        "leg": row["leg"],
        "counterparty": row["counterparty"],
        "day": row["opened"].isoformat(),
        "ref": named(row["key"]),
        "occurrence": row["occurrence"],
        "state": state,
        "residue": plain(residue(row)),
        "claimed": plain(row["claimed"]),
        "exposure": plain(row["exposure"]),
        "priority": space.legs.classes[shown].priority
        if shown in space.legs.classes
        else priority(shown, row["amount"] or row["claimed"]),
        **answered(space, row["counterparty"], shown, opened, now, row["since"]),
        "breaks_on": row["breaks_on"].isoformat() if row["breaks_on"] else None,
        "since": (row["since"] or opened).isoformat(),
        "also": row["also"].split(",") if row["also"] else [],
        "reason": row["reason"] or row["operands"],
        "account": row["home"],
        "treatments": fitting(
            shown,
            row["amount"],
            claimed=row["claimed"] != 0 and row["amount"] == 0,
            stands=row["home"] is not None,
            suggested=bool(row.get("suggestion")),
        ),
        "operands": row["operands"],
        "left": _side(row, "left"),
        "right": _side(row, "right"),
    }


def residue(row: dict[str, Any]) -> Decimal:
    """Return what an item leaves on its account.

    Nothing, where its class leaves the money where it was (worked-cases, home of each class), and where its leg
    posts nothing, whatever is at risk.
    """
    stays = row["class"] in RESIDUE_ZERO or row["home"] is None
    return ZERO if stays else row["amount"]


def named(key: str) -> str:
    """Return an item's key as people read it: of a row that has no id of its own its parts, side by side."""
    return " ".join(part for part in key.split("\x1f") if part)


def _side(row: dict[str, Any], side: str) -> dict[str, Any] | None:
    if row[f"{side}_batch"] is None:
        return None
    return {
        "row": f"{row[f'{side}_batch']}:{row[f'{side}_record']}",
        "state": row[f"{side}_state"],
        "amount": plain(row[f"{side}_now"]),
    }


def answered(
    space: Workspace,
    counterparty: str,
    class_: str,
    opened: date,
    now: date,
    since: date | None = None,
) -> dict[str, Any]:
    """Return who answers for an item, since when, and until when: ``owner opened due overdue age``.

    By the SOP of the day on which it was opened, whatever has changed since. The deadline is that of its class, and
    runs from the end of the day ``since`` which it is of it (else of the day on which it was opened): what has waited
    is not overdue as it breaks. ``due`` is the last day on which it is kept.
    """
    sop = space.registry.sops.get(counterparty)
    version = sop.on(opened) if sop is not None else None
    span = version.deadline(class_) if version is not None else None
    due = (since or opened) + timedelta(days=ceil(span / _DAY)) if span is not None else None
    own = space.legs.classes.get(class_)
    named = version is not None and class_ in version.owners
    owner = version.owner(class_) if version is not None else ""
    return {
        "owner": own.owner if own is not None and own.owner and not named else owner,
        "opened": opened.isoformat(),
        "due": due.isoformat() if due is not None else None,
        "overdue": due is not None and due < now,
        "age": (now - opened).days,
    }


def with_history(space: Workspace, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to items the classes that they have had under their one id: ``history``, oldest first.

    Only the files of the days from the oldest item on are read, and only for items that changed their class.
    """
    changed = [i["id"] for i in found if i["since"] != i["opened"]]
    past: dict[str, list[dict[str, str]]] = {}
    if changed:
        first = date.fromisoformat(min(i["opened"] for i in found))
        lines = [line for (_, _, day), line in space.state.reconciled.items() if day >= first]
        paths = files_of(space, lines, "breaks")
        named = ", ".join(en.literal(i) for i in changed)
        rows = space.local.rows(
            "select id, class, coalesce(since, opened) as since, max(day) as until "
            f"from ({en.parquet(paths)}) where id in ({named}) group by all order by id, since, until"
        )
        for row in rows:
            one = {"class": row["class"], "since": row["since"].isoformat()}
            past.setdefault(row["id"], []).append(one)
    for item in found:
        now = {"class": item["class"], "since": item["since"]}
        told = [h for h in past.get(item["id"], [now]) if h["since"] <= item["since"]]
        item["history"] = told if now in told else [*told, now]
    return found
