"""Settlement runs as they lie on disk: what was proposed, approved, cancelled."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from finops_ledger.books import paying_lists
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.ids import sha256_bytes

FOLDER: Final = "reports/payments"
PROPOSAL, LIST, CANCELLED = "proposal.json", "payment-list.xlsx", "cancelled.json"
Document = dict[str, Any]
#: What is known of a proposal that cannot be read.
_NOTHING: Final[Document] = {
    "as_of": "",
    "maker": "",
    "lines": [],
    "totals": {"transfers": 0, "amount": "0", "fees": "0"},
    "files": {},
}


@dataclass
class Run:
    """A run as it lies on disk: ``state`` is proposed, approved, cancelled, taken back, or changed.

    ``fault`` says what somebody has changed; ``places`` where its decisions stand.
    """

    run: str
    state: str
    document: Document
    checker: str = ""
    places: list[str] = field(default_factory=list)
    fault: str = ""


def to_json(value: Any) -> bytes:
    """Write a document: the same one always as the same bytes."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def folder(space: Workspace, run: str) -> Path:
    """Return where a run lies."""
    return space.root / FOLDER / run


def runs(space: Workspace) -> list[Run]:
    """Return the runs of a workspace: those that wait first."""
    base = space.root / FOLDER
    names = sorted(p.parent.name for p in base.glob(f"*/{PROPOSAL}"))
    states = ("proposed", "changed", "approved", "taken back", "cancelled")
    lists = paying_lists.of(space)
    found = [_read(space, name, lists) for name in names]
    return sorted(found, key=lambda r: (states.index(r.state), r.document["as_of"], r.run))


def read(space: Workspace, run: str) -> Run:
    """Return one run; UsageError when there is none of this name, or its proposal is not what was written."""
    if not (folder(space, run) / PROPOSAL).is_file() or Path(run).name != run:
        known = [r.run for r in runs(space)]
        near = next((k for k in known if k.startswith(run)), "")
        hint = f"; did you mean {near}?" if near else "; finops pay list shows what there is"
        raise UsageError(f"{run}: there is no such run{hint}")
    found = _read(space, run, paying_lists.of(space))
    if found.fault:
        raise UsageError(found.fault)
    return found


def _read(space: Workspace, run: str, lists: Iterable[paying_lists.Listed]) -> Run:
    path = folder(space, run) / PROPOSAL
    mine = [one for one in lists if one.run == run]
    document, fault = _document(path, run)
    state = "approved" if mine else "proposed"
    if mine and not paying_lists.standing(mine):
        state = "taken back"
    if not mine and (path.parent / CANCELLED).is_file():
        state = "cancelled"
    if fault and not mine:
        state = "changed"
    checker = mine[0].checker if mine else ""
    return Run(run, state, document, checker, [one.place for one in mine], fault)


def _document(path: Path, run: str) -> tuple[Document, str]:
    """Return what a proposal says, and what is wrong with it: it is named by its own digest."""
    try:
        document = json.loads(path.read_bytes())
        name = name_of({k: v for k, v in document.items() if k not in ("run", "files")})
    except (ValueError, AttributeError) as error:
        return dict(_NOTHING), f"{path} is no proposal as it was written ({error})"
    if name != run or document.get("run") != run:
        return dict(_NOTHING), (
            f"{path} has been changed since it was proposed: it comes to {name}. Propose the list again, and find "
            "out who changed it"
        )
    return document, ""


def name_of(core: Document) -> str:
    """Return the name of a run: the digest of all that it says."""
    return "pay-" + sha256_bytes(to_json(core))[:16]
