"""Items and matches, read back from the files that the manifest names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.recon.classes import NOT_BREAKS, priority
from finops_ledger.recon.treatments import fitting
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Line

_EPOCH = date(1970, 1, 1)


def last_lines(space: Workspace, as_of: date | None = None) -> list[Line]:
    """Return the last reconciliation of each leg and counterparty, up to a day."""
    latest: dict[tuple[str, str], date] = {}
    for leg, who, day in space.state.reconciled:
        if as_of is None or day <= as_of:
            latest[leg, who] = max(day, latest.get((leg, who), day))
    return [space.state.reconciled[leg, who, day] for (leg, who), day in sorted(latest.items())]


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
    if not paths:
        return []
    rows = space.engine.rows(
        f"select * from ({en.parquet(paths)}) where not is_closed "
        "order by counterparty, leg, class, opened, key, occurrence"
    )
    found = [_item(space, r, as_of) for r in rows]
    return [
        i for i in found if everything or i["class"] not in NOT_BREAKS or i["state"] == "claimed"
    ]


def _item(space: Workspace, row: dict[str, Any], as_of: date | None) -> dict[str, Any]:
    now = as_of or space.expected.as_of or row["day"]
    shown = row["class"]
    state = "claimed" if row["claimed"] else "open"
    return {
        "id": row["id"],
        "class": shown,
        "leg": row["leg"],
        "counterparty": row["counterparty"],
        "day": row["opened"].isoformat(),
        "ref": row["key"],
        "occurrence": row["occurrence"],
        "state": state,
        # A leg that posts nothing leaves nothing on an account, whatever is at risk.
        "residue": plain(row["amount"] if row["home"] is not None else ZERO),
        "claimed": plain(row["claimed"]),
        "exposure": plain(row["exposure"]),
        "priority": space.legs.classes[shown].priority
        if shown in space.legs.classes
        else priority(shown),
        "owner": owner(space, row["counterparty"], shown, now),
        "opened": row["opened"].isoformat(),
        "breaks_on": row["breaks_on"].isoformat() if row["breaks_on"] else None,
        "age": (now - row["opened"]).days,
        "also": [],
        "account": row["home"],
        "treatments": fitting(
            shown, row["amount"], claimed=row["claimed"] != 0 and row["amount"] == 0
        ),
        "operands": row["operands"],
        "left": _side(row, "left"),
        "right": _side(row, "right"),
    }


def _side(row: dict[str, Any], side: str) -> dict[str, Any] | None:
    if row[f"{side}_batch"] is None:
        return None
    return {
        "row": f"{row[f'{side}_batch']}:{row[f'{side}_record']}",
        "state": row[f"{side}_state"],
        "amount": plain(row[f"{side}_now"]),
    }


def owner(space: Workspace, counterparty: str, class_: str, day: date) -> str:
    """Return who answers for a class of break, by the counterparty's SOP."""
    own = space.legs.classes.get(class_)
    sop = space.registry.sops.get(counterparty)
    owners = sop.on(day).owners if sop is not None else {}
    if own is not None and own.owner:
        return owners.get(class_, own.owner)
    return owners.get(class_, owners.get("default", ""))
