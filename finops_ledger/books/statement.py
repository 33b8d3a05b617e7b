"""A partner's statement of a day: its running balance, and where the rows do not explain it.

It is the file that moves the deposit (rule R1): the deposit statement where the SOP of the day says that the
partner sends one, else the transaction file.

What the statement says beyond readable rows is posted as ``statement-difference`` and is a break:
a ``balance_gap``, or a ``file_defect`` where rows were refused; also where two days do not join.
A file that was issued again speaks for its day by its last issue (decision 0010).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from finops_ledger.books.config import Source
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.money import ZERO
from finops_ledger.posting import chain
from finops_ledger.recon.job import Gap
from finops_ledger.recon.legs import SALE_SUPPLY, SUPPLY_STATEMENT, Leg
from finops_ledger.subledger.engine import literal, parquet
from finops_ledger.subledger.manifest import Batch


@dataclass(frozen=True, slots=True)
class Statement:
    """What a batch says about the deposit: opening, closing, gaps, and where the first one is."""

    opening: Decimal
    closing: Decimal
    low: Decimal
    gaps: tuple[Gap, ...]
    place: str
    #: The row at which it falls below zero for the first time; empty while it does not.
    negative: str = ""

    @property
    def lost(self) -> tuple[Gap, ...]:
        """What left the deposit without a row."""
        return tuple(g for g in self.gaps if g.amount < ZERO)

    @property
    def gained(self) -> tuple[Gap, ...]:
        """What came into the deposit without a row."""
        return tuple(g for g in self.gaps if g.amount > ZERO)


_TOTALS: Final = ("opening", "closing")
#: The leg against which the rows of the file that moves the deposit are reconciled, by the file's role.
LEG_OF: Final = {"supply": SALE_SUPPLY, "deposit": SUPPLY_STATEMENT}


def mover(space: Workspace, counterparty: str, day: date) -> str:
    """Return the role of the file that moves a supplier's deposit on a day; none moves that of a postpaid one."""
    if space.registry.model(counterparty, day) == "postpaid":
        return "none"
    return "deposit" if space.registry.stated(counterparty, day) else "supply"


def moves(space: Workspace, batch: Batch) -> bool:
    """Say whether a batch moves a deposit at the end of the days that it covers."""
    return batch.counterparty is not None and (
        batch.role == mover(space, batch.counterparty, batch.covers[1])
    )


def check_role(space: Workspace, source: Source, name: str, first: date) -> None:
    """Refuse a deposit statement of days on which the SOP lets the transaction file move the deposit."""
    who = str(source.counterparty)
    if source.role == "deposit" and not space.registry.stated(who, first):
        since = space.registry.of(who).stated_from
        from_then = f"the statement counts from {since} on"
        raise InputRefused(
            name,
            [
                Problem(
                    "statement-not-in-force",
                    f"a deposit statement of {first}, when by sops/{who}.toml the transaction file moves "
                    "the deposit; one file moves it, never both"
                    + (f": {from_then}" if since is not None and since > first else ""),
                    name,
                )
            ],
        )


def read(space: Workspace, batch: Batch, *, across: bool) -> Statement | None:
    """Read the statement of a batch whose lines stand in the engine; None when it states no balances.

    ``across``: compare its opening with the closing that the file of the day before states. Only the batch that
    speaks for its day has a statement: the last issue of its file that came before the day was locked.
    """
    if not moves(space, batch) or not space.state.speaks(batch):
        return None
    whole = _walk(space, batch)
    before = closing_before(space, batch) if across and whole is not None else None
    if whole is not None and before is not None and before != whole.opening:
        opening = _gap(batch, "opening", 1, whole.opening - before, defect=False)
        whole = replace(whole, opening=before, gaps=(opening, *whole.gaps))
    if whole is None or not whole.gaps:
        return whole
    return replace(whole, place=f"{batch.name}:{whole.gaps[0].key.split(' ')[-1]}")


def _walk(space: Workspace, batch: Batch) -> Statement | None:
    """Walk the running balance of a batch, over the rows of the earlier issues of its file too."""
    earlier = [b.id for b in space.state.issues(batch) if b.issue < batch.issue]
    found = _chain(space, batch)
    if found is None:
        return None
    refused = bool(batch.line["rows"]["refused"])
    gaps = [
        _gap(
            batch,
            str(g.record),
            g.record,
            g.amount,
            defect=refused and g.rows_missing,
            told=g.told(),
        )
        for g in found.gaps
    ]
    negative = f"{batch.name}:{found.negative}" if found.negative is not None else ""
    whole = Statement(found.opening, found.closing, found.low, tuple(gaps), "ok", negative)
    stated = batch.line["stated"]["closing"]
    if refused and stated is not None and Decimal(stated) != found.closing:
        last = _gap(batch, "closing", 1, Decimal(stated) - found.closing, defect=True)
        whole = replace(whole, closing=Decimal(stated), gaps=(*whole.gaps, last))
    still = chain.absent(space.engine, batch.role, batch.id, earlier) if earlier else ZERO
    if still != ZERO:
        # Rows that this issue no longer has are posted and not in its closing.
        rest = _gap(batch, "absent", 1, -still, defect=False)
        whole = replace(whole, gaps=(*whole.gaps, rest))
    return whole


def _chain(space: Workspace, batch: Batch) -> chain.Chain | None:
    """Walk what a batch, with the earlier issues of its file, says of the balance: by its rows, else by its totals."""
    earlier = [b.id for b in space.state.issues(batch) if b.issue < batch.issue]
    if earlier or space.state.neighbours(batch.id):
        return _told(space, batch, earlier)
    if batch.id not in space.chains:  # its rows alone, which never change
        space.chains[batch.id] = _told(space, batch, [])
    return space.chains[batch.id]


def _told(space: Workspace, batch: Batch, earlier: list[str]) -> chain.Chain | None:
    found = chain.read(space.engine, batch.role, batch.id, batch.order, issues=earlier)
    if found is not None:
        return found
    said = batch.line["stated"]
    opening, closing = (None if said[k] is None else Decimal(said[k]) for k in _TOTALS)
    if batch.line["rows"]["refused"]:
        closing = None  # what the refused rows moved is not known
    return chain.of_totals(
        space.engine, batch.role, batch.id, batch.order, opening, closing, issues=earlier
    )


def shared(space: Workspace, batch: Batch, day: date) -> bool:
    """Say whether rows of another file of the counterparty post on a day: neither file's balance is then the day's.

    Issues of one file are one file, and so are the parts of a day, which go on from each other.
    """
    return any(
        other.counterparty == batch.counterparty
        and other.role == batch.role
        and other.sent_as != batch.sent_as
        and (other.part is None or batch.part is None)
        for other in space.state.posting_on(day)
    )


def of_locked_day(space: Workspace, batch: Batch) -> bool:
    """Say whether the day of a late file has a statement already, so that its rows move no deposit any more.

    The deposit moved on that day as the statement said; what the rows now explain, or put otherwise, is
    taken back beside them (worked-cases 12). A file that moves no deposit on the day on which it posts has
    nothing to take back.
    """
    if not batch.late or batch.opens is None or batch.counterparty is None:
        return False
    moving = batch.role == mover(space, batch.counterparty, batch.opens)
    return moving and _before(space, batch) is not None


def _before(space: Workspace, batch: Batch) -> Batch | None:
    """The file that stated the locked day of a late one: the issue before it, else the one that speaks."""
    issues = [b for b in space.state.issues(batch) if b.issue < batch.issue]
    others = [
        b
        for b in space.state.of_source(batch.source)
        if b.covers[1] == batch.covers[1] and space.state.speaks(b) and b.id != batch.id
    ]
    others.sort(key=lambda b: b.part != batch.part)  # the same part of the day before another
    found = next((b for b in [*reversed(issues), *others]), None)
    return found if found is not None and _states(space, found) else None


def _states(space: Workspace, batch: Batch) -> bool:
    """Say whether a file states balances: a closing total, or a running balance on its rows."""
    if batch.line["stated"]["closing"] is not None:
        return True
    rows = parquet([space.root / batch.file], "count(balance) as n")
    return bool(space.local.rows(rows)[0]["n"])


def _late_gaps(space: Workspace, batch: Batch) -> list[Gap]:
    """What a late file takes back: first the gaps of its locked day that it explains, then the rest."""
    before = _before(space, batch)
    if before is None or not of_locked_day(space, batch):
        return []
    own = f"batch = {literal(batch.id)} and disposition <> 'known'"
    moved = space.engine.rows(
        f"select coalesce(sum(d_deposit), 0) as moved from {batch.role}_lines where {own}"
    )[0]["moved"]
    told, tells = _walk(space, before), _walk(space, batch)
    still = {g.key[1:] for g in tells.gaps} if tells else set()
    made = [
        Gap(g.key, batch.id, g.record, -g.amount, renewed=True)
        for g in (told.gaps if told and moved else ())
        if g.key[1:] not in still
    ]
    rest = -Decimal(moved) - sum((g.amount for g in made), ZERO)
    if rest != ZERO:
        made.append(_gap(batch, f"again {batch.id}", 1, rest, defect=False))
    return made


def of_batch(space: Workspace, batch: Batch) -> Statement | None:
    """Return the statement that a batch is, as the journal tells it; None when it states no balances.

    Its opening is compared only when its day has been reconciled: the difference is an item of that run.
    """
    key = (LEG_OF[batch.role], str(batch.counterparty), batch.covers[1])
    return read(space, batch, across=key in space.state.reconciled)


def _gap(
    batch: Batch, where: str, record: int, amount: Decimal, *, defect: bool, told: str | None = None
) -> Gap:
    mark = "?" if defect else "!"
    if batch.part is not None:
        where = f"part {batch.part[0]} {where}"
    return Gap(f"{mark}{batch.source} {batch.day} {where}", batch.id, record, amount, told=told)


def closing_before(space: Workspace, batch: Batch) -> Decimal | None:
    """The closing that a statement goes on from: of the part before, else of the file of the day before.

    The day before states it, or ends there row by row, if its file is in, through days without rows. A part's is
    where its own running balance ends; parts of a day follow one another by their number, whatever their order of
    arrival.
    """
    by_day: dict[date, list[Batch]] = {}
    for other in space.state.of_source(batch.source):
        if not space.state.speaks(other):
            continue
        by_day.setdefault(other.covers[1], []).append(other)
    own = by_day.get(batch.covers[1], [])
    if not _one_file(own):
        return None
    for earlier in sorted(own, key=_part, reverse=True):
        if _part(earlier) < _part(batch):
            found = _walk(space, earlier)
            if found is not None:
                return found.closing
    day = batch.covers[0] - timedelta(days=1)
    while _one_file(files := by_day.get(day, [])):
        for last in sorted(files, key=_part, reverse=True):
            closing = _closes(space, last)
            if closing is not None or last.rows:
                return closing
        day = min(f.covers[0] for f in files) - timedelta(days=1)
    return None


def _closes(space: Workspace, batch: Batch) -> Decimal | None:
    """Where a file of another day ends: the closing that it states, else the balance of its last row.

    None where rows that move the deposit stand behind the last balance, or none states one.
    """
    closing = batch.line["stated"]["closing"]
    if closing is not None or not batch.rows:
        return None if closing is None else Decimal(closing)
    if batch.id not in space.ends:
        rows = parquet([space.root / batch.file], position=True)
        first = "desc" if batch.order != "newest-first" else "asc"
        found = space.local.rows(
            f"select balance from ({rows}) where balance is not null or coalesce(amount, 0) <> 0 "
            f"order by coalesce(record, file_row_number + 1) {first} limit 1"
        )
        said = found[0]["balance"] if found else None
        space.ends[batch.id] = None if said is None else Decimal(said)
    return space.ends[batch.id]


def _part(batch: Batch) -> int:
    return batch.part[0] if batch.part else 0


def _one_file(found: list[Batch]) -> bool:
    """Say whether batches of one day are one file: a single one, or parts of which each is there once."""
    if len(found) == 1:
        return True
    return (
        bool(found) and all(b.part for b in found) and len({_part(b) for b in found}) == len(found)
    )


def closes_day(space: Workspace, batch: Batch) -> bool:
    """Say whether a statement's closing is its day's: only of the batch that speaks for its file.

    A part's is not while a later part goes on from it.
    """
    if not space.state.speaks(batch):
        return False
    for later in space.state.of_source(batch.source) if batch.part else ():
        if later.covers[1] != batch.covers[1] or _part(later) <= _part(batch):
            continue
        if not space.state.speaks(later):
            continue
        if later.line["stated"]["closing"] is not None:
            return False
        if later.role in LEG_OF and _chain(space, later) is not None:
            return False
    return True


def gaps(space: Workspace, leg: Leg, counterparty: str, day: date) -> tuple[Gap, ...]:
    """Return what a leg of a day has to answer for beyond rows.

    The gaps of all statements of a supplier that end on the day, and what late files take back on it.
    """
    found: list[Gap] = []
    if leg.name != LEG_OF.get(mover(space, counterparty, day)):
        return ()
    ending = space.state.ending_on(day)
    late = [b for b in space.state.batches.values() if b.late and b.opens == day]
    for batch in sorted({b.id: b for b in [*ending, *late]}.values(), key=lambda b: b.id):
        if batch.counterparty == counterparty and batch.covers[1] == day and moves(space, batch):
            one = read(space, batch, across=True)
            found += one.gaps if one else ()
        if batch.late and batch.opens == day and batch.counterparty == counterparty:
            found += _late_gaps(space, batch)
    return tuple(found)
