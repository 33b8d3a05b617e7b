"""Month-end: a volume rebate is earned when its target is reached, not when it is credited (domain rules, J5).

Accrued on the last day of the month at the rate of the highest target that the month's volume has reached, and
turned back on the next day: the partner's own row brings it (kind bonus), on the day on which it credits it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books.jobs import component_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.entries import Entry, Posting
from finops_ledger.posting.store import LineStore
from finops_ledger.sop.terms import Rebate
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.engine_duckdb import DuckEngine
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury.expected import rounded

_DAY: Final = timedelta(days=1)
#: Volumes worked out, by the files that they are made of and the rules.
_VOLUMES: Final[dict[tuple[Any, ...], Decimal]] = {}


def entries(space: Workspace, day: date, tag: str) -> Iterator[Entry]:
    """Yield the rebates of a month on its last day, and those of the day before turned back."""
    for ended, sign in ((day, 1), (day - _DAY, -1)):
        for who, found in _earning(space, ended):
            volume = _volume(space, who, ended, found)
            reached = [r for r in _rebates(space, who, ended) if volume >= r.target]
            if not reached:
                continue
            best = max(reached, key=lambda r: r.target)
            due = rounded(volume * best.rate)
            if due:
                yield _entry(space, who, ended, sign * due, _told(best, volume), tag)


def basis(space: Workspace, day: date) -> list[Any]:
    """Return what the rebates of a day, and those turned back on it, are derived from."""
    return [
        [who, sorted([b.id, sorted(n.id for n in space.state.neighbours(b.id))] for b in found)]
        for ended in (day, day - _DAY)
        for who, found in _earning(space, ended)
    ]


def reversals(space: Workspace) -> set[date]:
    """Return the days on which a rebate may be turned back."""
    who = {
        s.counterparty for s in space.registry.sops.values() if any(v.rebates for v in s.versions)
    }
    days = {d for b in space.state.batches.values() if b.counterparty in who for d in b.days}
    ends = {d for d in days if (d + _DAY).day == 1}
    return {d + _DAY for d in ends if any(True for _ in _earning(space, d))}


def _rebates(space: Workspace, who: str, day: date) -> list[Rebate]:
    return list(space.registry.of(who).on(day).rebates)


def _earning(space: Workspace, ended: date) -> Iterator[tuple[str, list[Batch]]]:
    """Who may have earned a rebate in a month, with the files of its rows: only once the month's last day is in."""
    if (ended + _DAY).day != 1:
        return
    first = ended.replace(day=1)
    for sop in space.registry.named("supplier"):
        who = sop.counterparty
        if not sop.on(ended).rebates:
            continue
        own = [
            b
            for b in space.state.batches.values()
            if b.counterparty == who and b.role == "supply" and b.days
        ]
        found = [b for b in own if b.days[-1] >= first and b.days[0] <= ended]
        if any(b.covers[0] <= ended <= b.covers[1] for b in found):
            yield who, sorted(found, key=lambda b: b.id)


def _volume(space: Workspace, who: str, ended: date, found: list[Batch]) -> Decimal:
    """What the partner's rows of a month came to: drawn, owed or bought, less what was given back."""
    rules = tuple(sorted(space.state.rules.items()))
    name = (str(space.root), who, ended, tuple(b.id for b in found), space.state.changes, rules)
    if name not in _VOLUMES:
        limits = space.limits
        # A connection of its own: the day that is being written has its tables in the other one.
        engine = DuckEngine(memory=limits.memory, threads=limits.threads)
        try:
            store = LineStore(engine, space.root, space.registry, space.state)
            store.load_batches(found, ["supply"])
            row = engine.rows(
                "select coalesce(sum(d_clearing + d_granted + d_stock), 0) as volume from supply_lines "
                f"where disposition <> 'known' and partner = {en.literal(who)} and day_post between "
                f"date '{ended.replace(day=1)}' and date '{ended}'"
            )[0]
        finally:
            engine.close()
        _VOLUMES[name] = Decimal(row["volume"])
    return _VOLUMES[name]


def _told(best: Rebate, volume: Decimal) -> str:
    return f"rebate {plain(best.rate * 100)} % on {plain(volume)}, target {plain(best.target)}"


def _entry(space: Workspace, who: str, ended: date, due: Decimal, what: str, tag: str) -> Entry:
    after, back = ended + _DAY, due < ZERO
    accounts = (
        (f"Assets:Receivable:Rebate:{component_of(space, who)}", due),
        ("Expenses:COGS:Supplier-Rebate", -due),
    )
    postings = tuple(Posting(account, n, (("kind", "bonus"),)) for account, n in accounts)
    return Entry(
        day=after if back else ended,
        payee=who,
        narration=f"Accrual turned back: {what}" if back else f"Accrual: {what}",
        tag=tag,
        postings=tuple(sorted(postings, key=lambda p: -p.amount)),
        meta=(
            ("partner", who),
            ("rules", space.registry.of(who).rule_id(ended)),
            (("accrued", ended) if back else ("reverse", after)),
        ),
        sort=(who, "rebate"),
    )
