"""Month-end: what is expected to be lost of claims, by their age (``[allowance]`` of finops.toml).

On the last day of a month the allowance for each counterparty moves to its target: the claims that stand open then, at
the rate of their age. Nothing is turned back: the next month-end moves it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.entries import Entry, Posting
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Line
from finops_ledger.treasury.expected import rounded

ACCOUNT: Final = "Assets:Claims:Allowance"
EXPENSE: Final = "Expenses:Credit-Loss"
_DAY: Final = timedelta(days=1)
_POSTED: Final = re.compile(rf"^  {ACCOUNT}\s+(-?[\d.]+) ", re.MULTILINE)


def entries(space: Workspace, day: date, tag: str) -> Iterator[Entry]:
    """Yield what moves the allowance to its target on a month's last day, one entry a counterparty."""
    if not space.config.allowance or (day + _DAY).day != 1:
        return
    before = day.replace(day=1) - _DAY
    for who in sorted({who for _, who in space.state.days_of}):
        target, stands = _target(space, who, day), _standing(space, who, before)
        if target != stands:
            yield _entry(space, who, day, target, target - stands, tag)


def basis(space: Workspace, day: date) -> list[Any]:
    """Return what the allowance of a day is derived from; empty where none can be."""
    if not space.config.allowance or (day + _DAY).day != 1:
        return []
    before = day.replace(day=1) - _DAY
    return [
        [line["leg"], line["counterparty"], line["files"]]
        for ended in (before, day)
        for line in _lines(space, ended)
    ] + [[str(space.state.locked)]]


def _lines(space: Workspace, day: date, who: str = "") -> list[Line]:
    """The last reconciliation of every leg up to a day."""
    found = []
    for leg, party in sorted(space.state.days_of):
        if who in ("", party):
            line = space.state.reconciled.get((leg, party, day))
            line = line or space.state.proof_before(leg, party, day)
            found += [line] if line is not None else []
    return found


def _target(space: Workspace, who: str, day: date) -> Decimal:
    """What the claims that stand open at a day's end are expected to lose."""
    paths = [
        space.root / f for line in _lines(space, day, who) for f in line["files"] if "/breaks/" in f
    ]
    if not paths:
        return ZERO
    rows = space.local.rows(
        f"select opened, sum(claimed) as claimed from ({en.parquet(paths)}) "
        "where not is_closed and claimed > 0 group by opened order by opened"
    )
    sums: dict[Decimal, Decimal] = {}
    for row in rows:
        age = (day - row["opened"]).days
        rate = max((s.rate for s in space.config.allowance if age > s.over), default=ZERO)
        sums[rate] = sums.get(rate, ZERO) + row["claimed"]
    return sum((rounded(amount * rate) for rate, amount in sums.items()), ZERO)


def _standing(space: Workspace, who: str, before: date) -> Decimal:
    """What the allowance stood at: as it is derived; of months that are closed, as their journal has it."""
    if not space.state.is_locked(before):
        return _target(space, who, before)
    days = (
        date.fromisoformat(Path(f).stem) for line in space.state.closes for f in line["journal"]
    )
    stands = ZERO
    for day in sorted(set(days)):
        if (day + _DAY).day == 1:
            path = space.root / "journal" / f"{day.year:04d}" / f"{day.isoformat()}.beancount"
            stands -= _posted(path, who)
    return stands


def _posted(path: Path, who: str) -> Decimal:
    blocks = path.read_text(encoding="utf-8").split("\n\n") if path.exists() else []
    own = [b for b in blocks if f'* "{who}" "Allowance' in b]
    return sum((Decimal(n) for b in own for n in _POSTED.findall(b)), ZERO)


def _entry(
    space: Workspace, who: str, day: date, target: Decimal, moved: Decimal, tag: str
) -> Entry:
    postings = (Posting(EXPENSE, moved), Posting(ACCOUNT, -moved))
    return Entry(
        day=day,
        payee=who,
        narration=f"Allowance for claims: {plain(target)}",
        tag=tag,
        postings=tuple(sorted(postings, key=lambda p: -p.amount)),
        meta=(("partner", who), ("rules", "finops.toml")),
        sort=(who, "allowance"),
    )
