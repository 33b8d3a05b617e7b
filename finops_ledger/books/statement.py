"""A partner's statement of a day: its running balance, and where the rows do not explain it.

What the statement says beyond readable rows is posted as ``statement-difference`` and is a break:
a ``balance_gap``, or a ``file_defect`` where rows were refused; also where two days do not join.
A file that was issued again speaks for its day by its last issue (decision 0010).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO
from finops_ledger.posting import chain, store
from finops_ledger.recon.run import Gap
from finops_ledger.subledger.engine import literal
from finops_ledger.subledger.manifest import Batch


@dataclass(frozen=True, slots=True)
class Statement:
    """What a batch says about the deposit: opening, closing, gaps, and where the first one is."""

    opening: Decimal
    closing: Decimal
    low: Decimal
    gaps: tuple[Gap, ...]
    place: str

    @property
    def lost(self) -> Decimal:
        """What left the deposit without a row."""
        return sum((g.amount for g in self.gaps if g.amount < ZERO), ZERO)

    @property
    def gained(self) -> Decimal:
        """What came into the deposit without a row."""
        return sum((g.amount for g in self.gaps if g.amount > ZERO), ZERO)


def read(space: Workspace, batch: Batch, *, across: bool) -> Statement | None:
    """Read the statement of a batch whose lines stand in the engine; None without balances.

    ``across``: compare its opening with the closing that the file of the day before states. Only the batch that
    speaks for its day has a statement: the last issue of its file that came before the day was locked.
    """
    if not space.state.speaks(batch):
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
    streamed = batch.rows > store.KEEP_ROWS and not space.state.neighbours(batch.id)
    found = chain.read(space.engine, batch.id, batch.order, streamed=streamed, issues=earlier)
    if found is None:
        return None
    refused = bool(batch.line["rows"]["refused"])
    gaps = [
        _gap(batch, str(g.record), g.record, g.amount, defect=refused and g.rows_missing)
        for g in found.gaps
    ]
    whole = Statement(found.opening, found.closing, found.low, tuple(gaps), "ok")
    stated = batch.line["stated"]["closing"]
    if refused and stated is not None and Decimal(stated) != found.closing:
        last = _gap(batch, "closing", 1, Decimal(stated) - found.closing, defect=True)
        whole = replace(whole, closing=Decimal(stated), gaps=(*whole.gaps, last))
    still = chain.absent(space.engine, batch.id, earlier) if earlier else ZERO
    if still != ZERO:
        # Rows that this issue no longer has are posted and not in its closing.
        rest = _gap(batch, "absent", 1, -still, defect=False)
        whole = replace(whole, gaps=(*whole.gaps, rest))
    return whole


def of_locked_day(space: Workspace, batch: Batch) -> bool:
    """Say whether the day of a late file has a statement already, so that its rows move no deposit any more.

    The deposit moved on that day as the statement said; what the rows now explain, or put otherwise, is
    taken back beside them (worked-cases 12).
    """
    return batch.late and _before(space, batch) is not None


def _before(space: Workspace, batch: Batch) -> Batch | None:
    """The file that stated the locked day of a late one: the issue before it, else the one that speaks."""
    issues = [b for b in space.state.issues(batch) if b.issue < batch.issue]
    others = [
        b
        for b in space.state.of_source(batch.source)
        if b.covers[1] == batch.covers[1] and space.state.speaks(b) and b.id != batch.id
    ]
    found = next((b for b in [*reversed(issues), *others]), None)
    return found if found is not None and found.line["stated"]["closing"] is not None else None


def _late_gaps(space: Workspace, batch: Batch) -> list[Gap]:
    """What a late file takes back: first the gaps of its locked day that it explains, then the rest."""
    before = _before(space, batch)
    if before is None:
        return []
    own = f"batch = {literal(batch.id)} and disposition <> 'known'"
    moved = space.engine.rows(
        f"select coalesce(sum(d_deposit), 0) as moved from supply_lines where {own}"
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


def _gap(batch: Batch, where: str, record: int, amount: Decimal, *, defect: bool) -> Gap:
    mark = "?" if defect else "!"
    return Gap(f"{mark}{batch.source} {batch.day} {where}", batch.id, record, amount)


def closing_before(space: Workspace, batch: Batch) -> Decimal | None:
    """The closing that the file of the day before states, if in, through days without rows."""
    by_day: dict[date, list[Batch]] = {}
    for other in space.state.of_source(batch.source):
        if not space.state.speaks(other):
            continue
        by_day.setdefault(other.covers[1], []).append(other)
    if len(by_day.get(batch.covers[1], ())) != 1:
        return None
    day = batch.covers[0] - timedelta(days=1)
    while len(found := by_day.get(day, [])) == 1:
        closing = found[0].line["stated"]["closing"]
        if closing is not None:
            return Decimal(closing)
        day = found[0].covers[0] - timedelta(days=1)
    return None


def gaps(space: Workspace, counterparty: str, day: date) -> tuple[Gap, ...]:
    """Return the gaps of all statements of a supplier that end on a day, and what late files take back on it."""
    found: list[Gap] = []
    for batch in sorted(space.state.batches.values(), key=lambda b: b.id):
        if batch.role == "supply" and batch.counterparty == counterparty and batch.covers[1] == day:
            one = read(space, batch, across=True)
            found += one.gaps if one else ()
        late = batch.late and batch.opens == day
        if late and batch.role == "supply" and batch.counterparty == counterparty:
            found += _late_gaps(space, batch)
    return tuple(found)
