"""Making and writing a proposal: from the books as they stand to a list, its uploads and its document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from finops_ledger.books import paying_runs, paying_terms
from finops_ledger.books.paying_runs import CANCELLED, LIST, PROPOSAL, Document, folder, to_json
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.core.money import plain
from finops_ledger.recon.decisions import SHA
from finops_ledger.subledger import files
from finops_ledger.treasury import paying, payment_list, proposals, transfers, uploads
from finops_ledger.treasury.paying import LeftOut, Line
from finops_ledger.treasury.terms import Asked


@dataclass
class Proposal:
    """What a run would pay: the document that is kept, its files by name, and where it lies once written."""

    run: str
    document: Document
    files: dict[str, bytes]
    lines: Sequence[Line]
    left_out: Sequence[LeftOut]
    folder: Path
    written: bool = False


def make(
    space: Workspace,
    maker: str,
    named: tuple[str, ...] = (),
    due_by: date | None = None,
    counterparty: str | None = None,
    as_of: date | None = None,
    advance: bool = False,
) -> Proposal:
    """Return what a maker proposes from the books as they stand."""
    last = space.expected.as_of
    day = as_of or last
    if day is None:
        raise UsageError("there are no files in the books yet, so nothing is owed")
    if counterparty is not None:
        space.registry.of(counterparty)
    asked = Asked(day, due_by or day, counterparty, named, advance)
    own = _same(space, asked, maker)
    lines, left = paying.propose(
        paying_terms.settlements(space, as_of),
        asked,
        paying_terms.around(space, proposed(space, own)),
    )
    months = {(line.day.year, line.day.month) for line in lines}
    if len(months) > 1:
        # A list is one decision, and decisions stand by month.
        raise UsageError(
            f"the list would pay in {len(months)} months: propose what is due in the first one by itself, with --due-by"
        )
    core: Document = {
        "version": 1,
        "company": space.config.company.name,
        "currency": space.config.company.currency,
        "maker": maker,
        "as_of": day.isoformat(),
        "asked": {
            "due_by": asked.due_by.isoformat(),
            "counterparty": counterparty or "",
            "named": list(named),
            "advance": advance,
        },
        "inputs": _inputs(space, lines),
        "lines": [proposals.told(line) for line in lines],
        "left_out": [proposals.told_left(one) for one in left],
        "totals": _totals(lines),
    }
    run = paying_runs.name_of(core)
    made = files_of(space, {"run": run, **core}, lines)
    document = {
        "run": run,
        **core,
        "files": {name: SHA + sha256_bytes(data) for name, data in sorted(made.items())},
    }
    return Proposal(run, document, made, lines, left, folder(space, run))


def _same(space: Workspace, asked: Asked, maker: str) -> str:
    """Return an open run in which the same maker asked for the same: proposing again does not stand in its own way."""
    for one in paying_runs.runs(space):
        if one.state != "proposed":
            continue
        told = one.document
        same = (
            told["asked"]["due_by"] == asked.due_by.isoformat()
            and told["asked"]["counterparty"] == (asked.counterparty or "")
            and tuple(told["asked"]["named"]) == asked.named
            and told["asked"]["advance"] == asked.advance
            and told["as_of"] == asked.as_of.isoformat()
            and told["maker"] == maker
            and told["inputs"]["head"] == (space.state.head or "")
        )
        if same:
            return one.run
    return ""


def proposed(space: Workspace, own: str) -> dict[str, str]:
    """Return which settlement stands on which open run, but for one run."""
    return {
        line["settlement"]: one.run
        for one in paying_runs.runs(space)
        if one.state == "proposed" and one.run != own
        for line in one.document["lines"]
    }


def _inputs(space: Workspace, lines: Sequence[Line]) -> Document:
    """What a proposal was made from: the head of the books, and the rules by which it was made."""
    names = ["finops.toml", *sorted({f"sops/{line.of.counterparty}.toml" for line in lines})]
    paths = [(name, space.root / name) for name in names]
    return {
        "head": space.state.head or "",
        "rules": {n: SHA + sha256_bytes(p.read_bytes()) for n, p in paths if p.is_file()},
    }


def _totals(lines: Sequence[Line]) -> Document:
    every = [t for line in lines for t in line.transfers]
    amount, fees = transfers.total(every)
    return {"transfers": len(every), "amount": plain(amount), "fees": plain(fees)}


def files_of(space: Workspace, document: Document, lines: Sequence[Line]) -> dict[str, bytes]:
    """Return the files of a list: the workbook, and an upload for each account of ours and day."""
    if not lines:
        return {}
    made = {LIST: payment_list.write(document)}
    for name, of in uploads_of(lines).items():
        account = next(a for a in space.config.payments.accounts if a.account == of[0].terms.ledger)
        layout_name, layout = space.config.payments.layout_of(account)
        every = [t for line in of for t in line.transfers]
        currency = space.config.company.currency
        made[name] = uploads.write(layout, layout_name, currency, account.at_bank, every)
    return made


def uploads_of(lines: Sequence[Line]) -> dict[str, list[Line]]:
    """Return the lines of each upload by its name: one for each account of ours and day."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        bank = line.terms.ledger.removeprefix("Assets:Bank:").replace(":", "-")
        found.setdefault(f"upload-{bank}-{line.day.isoformat()}.csv", []).append(line)
    return found


def write_down(made: Proposal) -> None:
    """Write a proposal: the files that it names first, then itself."""
    for name, data in made.files.items():
        files.write_atomic(made.folder / name, data)
    files.write_atomic(made.folder / PROPOSAL, to_json(made.document))
    files.remove(made.folder / CANCELLED)
    made.written = True
