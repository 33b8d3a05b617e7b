"""Approving a run: nothing may have changed since it was proposed; then it is a decision (worked-cases 19)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from finops_ledger.books import authority, evidences, paying_terms, resolving_undo
from finops_ledger.books.paying_proposal import Proposal, files_of, proposed, uploads_of
from finops_ledger.books.paying_runs import LIST, folder, read
from finops_ledger.books.resolving import Resolution, two_people
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.ids import sha256_bytes
from finops_ledger.core.money import ZERO
from finops_ledger.posting.entries import Entry, MetaValue, Posting, write
from finops_ledger.recon.decisions import SHA
from finops_ledger.treasury import paying, proposals
from finops_ledger.treasury.terms import Asked

#: More claims than so many are listed beside the decision, one posting for all (ruling 25).
_APART: Final = 20


def plan(space: Workspace, run: str, checker: str) -> tuple[Resolution, list[tuple[Path, bytes]]]:
    """Return the decision that approves a run, and its evidence; UsageError says why it cannot be approved."""
    checker = checker.strip()
    found = read(space, run)
    told = found.document
    if found.state == "approved":
        raise UsageError(f"{run} is approved already, by {found.checker}: {found.places[0]}")
    if found.state != "proposed":
        raise UsageError(f"{run} was {found.state}; propose a new list")
    two_people(told["maker"], checker)
    fresh = _again(space, run, told)
    _unchanged(space, run, fresh, told)
    kept = evidences.Kept(space)
    entries = _entries(space, fresh, run, told["maker"], checker, kept)
    day = min(entry.day for entry in entries)
    return _resolution(space, day, entries), kept.files


def opposite(
    space: Workspace, run: str, maker: str, checker: str, reason: str
) -> tuple[Resolution, list[tuple[Path, bytes]]]:
    """Return what takes an approved run back that the bank has not paid; UsageError says why it cannot be."""
    maker, checker = maker.strip(), checker.strip()
    found = read(space, run)
    two_people(maker, checker)
    if found.state != "approved":
        raise UsageError(f"{run} is {found.state}: only what is approved is taken back")
    states = {one.link: one.state for one in paying_terms.settlements(space, None)}
    for line in found.document["lines"]:
        name = str(line["settlement"])
        if (state := states.get(name, "listed")) != "listed":
            raise UsageError(f"{name} is {state}: what the bank has paid is not taken back")
    entries = [
        resolving_undo.turned(
            entry,
            resolving_undo.place_of(space, path, entry),
            maker,
            checker,
            " ".join(reason.split()),
        )
        for entry, path in resolving_undo.standing(space)
        if entry.meta.get("run") == run
    ]
    day = min(entry.day for entry in entries)
    if space.state.is_locked(day):
        raise UsageError(
            f"{run} stands in a period that is closed (up to {space.state.locked}): what was decided then stays"
        )
    return _resolution(space, day, entries), []


def _resolution(space: Workspace, day: date, entries: list[Entry]) -> Resolution:
    currency = space.config.company.currency
    text = "\n".join(write(entry, currency) for entry in entries)
    path = space.root / "decisions" / f"{day.year:04d}" / f"{day:%Y-%m}.beancount"
    return Resolution(text, path, day, [], entries)


def _again(space: Workspace, run: str, told: Mapping[str, Any]) -> Proposal:
    """Make the proposal again from the books as they stand now; UsageError names every figure that has changed."""
    asked = told["asked"]
    named = tuple(line["settlement"] for line in told["lines"])
    on = Asked(
        date.fromisoformat(told["as_of"]),
        date.fromisoformat(asked["due_by"]),
        None,
        named,
        asked["advance"],
    )
    try:
        lines, _ = paying.propose(
            paying_terms.settlements(space, None),
            on,
            paying_terms.around(space, proposed(space, run)),
        )
    except UsageError as error:
        raise UsageError(f"{run} can no longer be paid as proposed: {error}") from error
    now = [proposals.told(line) for line in lines]
    changed = proposals.changes(told["lines"], now)
    if changed:
        listed = "\n  ".join(changed)
        raise UsageError(
            f"{run} was proposed on other figures; propose it again. Since then:\n  {listed}"
        )
    document = {k: v for k, v in told.items() if k != "files"}
    made = files_of(space, document, lines)
    return Proposal(run, dict(told), made, lines, [], folder(space, run))


def _unchanged(space: Workspace, run: str, fresh: Proposal, told: Mapping[str, Any]) -> None:
    """Refuse a list of which a file is not as it was proposed, byte for byte."""
    for name, stated in told["files"].items():
        path = folder(space, run) / name
        data = path.read_bytes() if path.is_file() and Path(name).name == name else None
        if data is None:
            raise UsageError(f"{path} is gone; propose the list again")
        if SHA + sha256_bytes(data) != stated or data != fresh.files.get(name):
            raise UsageError(
                f"{path} is not the file that was proposed; somebody has changed it. Propose the list again, and "
                "find out who did"
            )
    if told["files"].keys() != fresh.files.keys():
        raise UsageError(f"{run}: the layout of uploads has changed since; propose the list again")


def _entries(
    space: Workspace,
    made: Proposal,
    run: str,
    maker: str,
    checker: str,
    kept: evidences.Kept,
) -> list[Entry]:
    """Return one entry a settlement, each under the authority of the checker for all that its partner is paid."""
    listed = kept.keep(LIST, made.files[LIST])
    sent = {
        line.of.link: kept.keep(name, made.files[name])
        for name, lines in uploads_of(made.lines).items()
        for line in lines
    }
    sums: dict[str, Decimal] = {}
    for line in made.lines:
        debits = sum((p.amount for p in line.parts if p.amount > ZERO), ZERO)
        sums[line.of.counterparty] = sums.get(line.of.counterparty, ZERO) + debits
    entries = []
    for line in made.lines:
        who = line.of.counterparty
        role, limit = authority.of(
            space, "payment", f"run {run}", who, line.day, checker, sums[who]
        )
        meta: list[tuple[str, MetaValue]] = [("partner", who), ("run", run)]
        meta += [("pay-to", line.terms.to.told), ("maker", maker), ("checker", checker)]
        meta += [("limit", role), ("up-to", limit)] if role else []
        # By when the bank must show it, which the plugin ``settlements`` looks after.
        meta += [("due", line.day)]
        meta += [("evidence", listed), ("upload-evidence", sent[line.of.link])]
        postings = tuple(p for part in line.parts for p in _postings(part, kept, line.of.link))
        entries.append(
            Entry(
                line.day,
                who,
                "Payment list",
                "settlement #decision",
                postings,
                tuple(meta),
                (line.of.link,),
            )
        )
    return entries


def _postings(part: paying.Part, kept: evidences.Kept, link: str) -> list[Posting]:
    """Return a part as it posts: claims one by one, or many of them with their list."""
    if not part.claims:
        return [Posting(part.account, part.amount)]
    if len(part.claims) <= _APART:
        return [
            Posting(part.account, -claim.amount, (("break", claim.item),)) for claim in part.claims
        ]
    rows = [(claim.item, part.account, -claim.amount) for claim in part.claims]
    digest = kept.listing(f"{link}.csv", rows)
    meta: tuple[tuple[str, MetaValue], ...] = (
        ("count", len(rows)), ("move", "close"), ("evidence", digest),
    )  # fmt: skip
    return [Posting(part.account, part.amount, meta)]
