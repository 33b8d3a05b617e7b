"""Resolve: a person's decision about open items, as a transaction in ``decisions/`` (rulings 4, 25; rule R8).

What does not fit is refused before anything is written, because a recorded decision is never edited: the wrong class,
an item that is not open, a closed day, an amount above the limit of the checker's role, one person alone, or what a
file will say by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from finops_ledger.books import (
    authority,
    deciding,
    evidences,
    recovery,
    resolving_items,
    resolving_pairs,
    resolving_undo,
)
from finops_ledger.books.resolving_entry import Composer
from finops_ledger.books.resolving_items import Standing
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake.conditions import suggestion
from finops_ledger.posting.entries import Entry, MetaValue, Posting, write
from finops_ledger.recon import decisions, treatments
from finops_ledger.recon.treatments import Subject, Treatment
from finops_ledger.subledger import files

#: Above so many items a decision lists them beside it, one posting a class (ruling 25).
_APART: Final = 20


@dataclass(frozen=True)
class Request:
    """What a person asks for: which items, how, who decides and who approves."""

    treatment: str
    maker: str
    checker: str
    ids: tuple[str, ...] = ()
    class_: str | None = None
    counterparty: str | None = None
    older_than: timedelta | None = None
    reason: str = ""
    evidence: str = ""
    case: str = ""
    cause: str = ""
    day: date | None = None
    amount: Decimal | None = None
    to: tuple[str, ...] = ()
    anyway: bool = False


@dataclass
class Resolution:
    """What was decided: the journal as text, by file; and the items, as they stood."""

    text: str
    path: Path
    day: date
    items: list[Standing]
    entries: list[Entry]
    written: bool = False
    conflicts: list[str] = field(default_factory=list)


Planned = tuple[Resolution, list[tuple[Path, bytes]]]


def plan(space: Workspace, asked: Request) -> Planned:
    """Return what a decision would be, and the evidence to file; UsageError says why it does not fit."""
    how = _treatment(asked)
    two_people(asked.maker, asked.checker)
    if how.name == decisions.ACCEPT:
        chosen = resolving_pairs.choose(space, asked)
    else:
        chosen = resolving_items.choose(
            space, asked.ids, asked.class_, asked.counterparty, asked.older_than
        )
    day = resolving_items.day_of(space, chosen, asked.day)
    resolving_items.check_open(space, chosen, day)
    kept = evidences.Kept(space)
    told = kept.told(asked.evidence)
    entries: list[Entry] = []
    # What needs no money has no postings to tell items apart: each is a decision of its own.
    apart = how.name == decisions.CLOSE
    for group in dict.fromkeys(one.id if apart else one.counterparty for one in chosen):
        mine = [one for one in chosen if group in (one.id, one.counterparty)]
        entries.append(_entry(space, asked, how, mine, day, told, kept, len(entries)))
    currency = space.config.company.currency
    text = "\n".join(write(entry, currency) for entry in entries)
    return Resolution(text, _path(space, day), day, chosen, entries), kept.files


def record(
    space: Workspace, made: Resolution, kept: Iterable[tuple[Path, bytes]], now: datetime
) -> None:
    """Write a decision: evidence first, then the whole file anew, then the manifest's line.

    A kill before the file is replaced leaves evidence that nobody names; one before the line leaves a decision that
    the next command takes in as if it had been written by hand.
    """
    for path, data in kept:
        if not path.exists():
            files.write_atomic(path, data)
    old = made.path.read_bytes() if made.path.exists() else b""
    if old and not old.endswith(b"\n"):
        old += b"\n"
    data = old + (b"\n" if old and not old.endswith(b"\n\n") else b"") + made.text.encode()
    draft = files.temp_beside(made.path)
    draft.write_bytes(data)
    try:
        decisions.read([draft])
        deciding.check(space, draft, old.count(b"\n"))
    finally:
        draft.unlink()
    files.write_atomic(made.path, data)
    recovery.take_in_decisions(space, now)
    made.written = True


def undone(
    space: Workspace, ids: tuple[str, ...], case: str, maker: str, checker: str, reason: str
) -> Planned:
    """Return what takes the last decision about items, or of a case, back."""
    two_people(maker, checker)
    if not ids and not case:
        raise UsageError("--undo: name the items, or the case with --case")
    entry = resolving_undo.opposite(space, ids, case, maker.strip(), checker.strip(), reason)
    text = write(entry, space.config.company.currency)
    chosen = [one for one in resolving_items.standing(space) if one.id in ids]
    return Resolution(text, _path(space, entry.day), entry.day, chosen, [entry]), []


def _path(space: Workspace, day: date) -> Path:
    return space.root / "decisions" / f"{day.year:04d}" / f"{day:%Y-%m}.beancount"


def conflicts(space: Workspace, made: Resolution) -> list[str]:
    """Return what the runs since say of decisions of that day that do not fit."""
    lines = space.state.proofs_on(made.day)
    return [told for line in lines for told in line["conflicts"]]


def listed(
    space: Workspace, ids: tuple[str, ...], class_: str | None, counterparty: str | None
) -> list[dict[str, Any]]:
    """Return open items with the treatments that fit each, or what closes it."""
    if ids or class_:
        items = resolving_items.choose(space, ids, class_, counterparty, None)
    else:
        items = [
            one
            for one in resolving_items.standing(space)
            if counterparty in (None, one.counterparty)
        ]
    return [
        {
            "id": one.id,
            "class": one.class_,
            "counterparty": one.counterparty,
            "ref": one.ref,
            "residue": plain(one.residue),
            "claimed": plain(one.claimed),
            "treatments": (fits := one.fits),
            "closed_by": "" if fits else treatments.CLOSED_BY.get(one.class_, "a row of a file"),
        }
        for one in items
    ]


def _treatment(asked: Request) -> Treatment:
    how: Treatment | None = treatments.named(asked.treatment)
    if how is None:
        known = list(treatments.TREATMENTS)
        raise UsageError(
            f"--as {asked.treatment}: no such treatment{suggestion(asked.treatment, known)}; "
            f"known: {', '.join(known)}"
        )
    if how.needs_evidence and not asked.evidence.strip():
        raise UsageError(
            f"--as {how.name} needs --evidence: a file, which is kept in the archive, or a text that says what "
            "there is in writing"
        )
    if bool(asked.to) and how.name not in ("identify", "cost"):
        raise UsageError(f"--to is for --as identify and --as cost, not for --as {how.name}")
    if how.name == decisions.CLOSE and not asked.reason.strip():
        raise UsageError("--as close needs --reason: why it is all right as it is")
    if how.name == "identify" and not asked.to:
        raise UsageError("--as identify needs --to ACCOUNT, or several times --to ACCOUNT=AMOUNT")
    return how


def two_people(maker: str, checker: str) -> None:
    """Refuse a decision of one person alone."""
    for option, name in (("--maker", maker), ("--checker", checker)):
        if not name.strip():
            raise UsageError(f"{option}: say who; a decision bears two names")
    if maker.strip().casefold() == checker.strip().casefold():
        raise UsageError(
            f"maker and checker are both {maker}: a decision is approved by somebody else"
        )


def _entry(
    space: Workspace,
    asked: Request,
    how: Treatment,
    items: Sequence[Standing],
    day: date,
    evidence: str,
    kept: evidences.Kept,
    before: int,
) -> Entry:
    """Return the transaction about the items of one counterparty."""
    who = items[0].counterparty
    if how.name == decisions.ACCEPT:
        return _plain_entry(
            space, asked, how, items, day, evidence, resolving_pairs.postings(items)
        )
    if how.name == decisions.CLOSE:
        _subject(space, asked, how, items[0], day)
        return _plain_entry(space, asked, how, items, day, evidence, [])
    subjects = [_subject(space, asked, how, one, day) for one in items]
    cause = _cause(asked, how, items)
    bulk = len(items) > _APART or (not asked.ids and len(items) > 1)
    case = asked.case.strip() or _case(space, how, items, before)
    composer = Composer(space, how.name, asked.to, cause)
    if bulk and asked.amount is not None:
        raise UsageError("--amount: a part is decided item by item")
    made = (
        composer.together(items, subjects, case or how.name, case, kept)
        if bulk
        else composer.one_by_one(items, subjects)
    )
    moved = sum((p.amount for p in made if p.amount > ZERO), ZERO)
    role, limit = authority.of(
        space, how.name, f"--as {how.name}", who, day, asked.checker.strip(), moved
    )
    meta: list[tuple[str, MetaValue]] = [("partner", who), ("treatment", how.name)]
    if len(items) == 1:
        meta.append(("break", items[0].id))
    told = (("case", case), ("cause", cause), ("maker", asked.maker.strip()))
    meta += [(k, v) for k, v in told if v]
    meta.append(("checker", asked.checker.strip()))
    if role:
        meta += [("limit", role), ("up-to", limit)]
    if evidence:
        meta.append(("evidence", evidence))
    return Entry(day, who, _narration(asked, how, items), "decision", tuple(made), tuple(meta))


def _plain_entry(
    space: Workspace,
    asked: Request,
    how: Treatment,
    items: Sequence[Standing],
    day: date,
    evidence: str,
    made: list[Posting],
) -> Entry:
    """Return the transaction of a decision that brings no other account in: what is at risk is its amount."""
    who = items[0].counterparty
    at_risk = sum((p.amount for p in made if p.amount > ZERO), ZERO) or items[0].row["exposure"]
    role, limit = authority.of(
        space, how.name, f"--as {how.name}", who, day, asked.checker.strip(), at_risk
    )
    meta: list[tuple[str, MetaValue]] = [("partner", who), ("treatment", how.name)]
    if len(items) == 1:
        meta.append(("break", items[0].id))
    told = (("case", asked.case.strip()), ("maker", asked.maker.strip()))
    meta += [(k, v) for k, v in told if v]
    meta.append(("checker", asked.checker.strip()))
    if role:
        meta += [("limit", role), ("up-to", limit)]
    if evidence:
        meta.append(("evidence", evidence))
    return Entry(day, who, _narration(asked, how, items), "decision", tuple(made), tuple(meta))


def _narration(asked: Request, how: Treatment, items: Sequence[Standing]) -> str:
    alone = len(items) == 1 or how.name == decisions.ACCEPT
    what = items[0].ref if alone else f"{len(items)} items"
    does = how.does.format(who=items[0].counterparty, other=items[-1].ref)
    reason = " ".join(asked.reason.split())
    return f"Resolved: {what} {does}" + (f": {reason}" if reason else "")


def _subject(space: Workspace, asked: Request, how: Treatment, one: Standing, day: date) -> Subject:
    """Return what is decided of an item; UsageError when the treatment does not fit it."""
    fits = one.fits
    who = one.counterparty
    if not fits:
        closes = treatments.CLOSED_BY.get(one.class_, "a row of a file")
        raise UsageError(
            f"{one.id} is {one.class_}: nothing stands on an account that a decision could move; what closes it "
            f"is {closes}"
        )
    said = treatments.said(one.class_, how.name, who) if not one.is_claimed else ""
    if said and not asked.anyway:
        raise UsageError(f"{one.id} is {one.class_}: {said}. To decide it all the same: --anyway")
    if how.name not in fits:
        raise UsageError(
            f"{one.id} is {one.class_} of {plain(one.residue)}{one.told_claimed}: --as {how.name} does not fit; "
            f"what does: {', '.join(fits)}"
        )
    from_claims = one.is_claimed
    amount = one.claimed if from_claims else one.residue
    if asked.amount is not None:
        if how.name == decisions.CLOSE:
            raise UsageError("--amount: nothing moves, so there is no part of it")
        if how.name in ("recharge",) or (how.name == "refund" and amount < ZERO):
            raise UsageError(
                f"--amount: the customer pays the whole; --as {how.name} takes no part"
            )
        if not ZERO < asked.amount <= abs(amount):
            raise UsageError(
                f"--amount {plain(asked.amount)}: {one.id} is {plain(amount)}; a part of it is more than 0 and no "
                f"more than {plain(abs(amount))}"
            )
        amount = asked.amount.copy_sign(amount)
    return resolving_items.subject(space, one, day, amount, from_claims=from_claims)


def _cause(asked: Request, how: Treatment, items: Sequence[Standing]) -> str:
    if how.name not in ("write-off", "loss"):
        return asked.cause
    found = {treatments.cause_of(one.class_, how.name) for one in items}
    cause = asked.cause or (found.pop() if len(found) == 1 else "")
    if cause not in treatments.CAUSES:
        near = suggestion(cause, treatments.CAUSES) if cause else ""
        raise UsageError(
            f"--cause: say why it is lost{near}; known: {', '.join(treatments.CAUSES)}"
        )
    return cause


def _case(space: Workspace, how: Treatment, items: Sequence[Standing], before: int) -> str:
    """The case of what is claimed already, else the next free number of the treatment's cases."""
    held = {one.case for one in items if one.case}
    if len(held) == 1:
        return held.pop()
    return evidences.next_case(space, how.case, before) if how.case else ""
