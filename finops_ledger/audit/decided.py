"""What people decided without other accounts: two items that are one, and breaks that are all right as they are.

Read from ``decisions/`` again, with Beancount's own parser: what a result says of a decision stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finops_ledger.audit.day import Day
from finops_ledger.core.money import plain

_GOODS: Final = "('product_mismatch', 'serial_reused')"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision that stands: its day, how it decides, and what it moves of each item."""

    day: date
    how: str
    moved: dict[str, Decimal]
    place: str


def standing(day: Day) -> list[Decision]:
    """Return the decisions by which items are accepted as one, or closed, that nobody has taken back."""
    from beancount.core.data import Transaction
    from beancount.parser import parser

    found: list[Decision] = []
    back: set[str] = set()
    for path in sorted((day.root / "decisions").glob("*/*.beancount")):
        entries, _, _ = parser.parse_file(str(path))
        name = path.relative_to(day.root).as_posix()
        for entry in entries:
            if not isinstance(entry, Transaction) or "decision" not in (entry.tags or ()):
                continue
            how = str(entry.meta.get("treatment", ""))
            if "taken-back" in entry.meta:
                back.add(str(entry.meta["taken-back"]))
            elif how in ("accept", "close"):
                moved: dict[str, Decimal] = {}
                if "break" in entry.meta:
                    moved[str(entry.meta["break"])] = Decimal(0)
                for posting in entry.postings:
                    item: Any = (posting.meta or {}).get("break", entry.meta.get("break"))
                    number: Any = posting.units.number if posting.units else 0
                    moved[str(item)] = moved.get(str(item), Decimal(0)) + number
                found.append(Decision(entry.date, how, moved, f"{name}:{entry.meta['lineno']}"))
    return [one for one in found if one.place not in back]


def closed(day: Day) -> list[str]:
    """Return the items that decisions up to the day have closed without money."""
    found = (one for one in standing(day) if one.how == "close" and one.day <= day.day)
    return sorted({item for one in found for item in one.moved})


def decided(day: Day) -> Iterator[str]:
    """Two items are one, and a break is closed without money, only where a decision of that day says so."""
    one = day.rows(
        "select key, id, amount from items as i where i.rule = 'accepted' and not exists (select 1 from before as b "
        "where b.id = i.id and b.rule = 'accepted') order by all"
    )
    goods = day.rows(
        "select i.key, i.id, b.class from items as i join before as b on b.id = i.id "
        f"where b.class in {_GOODS} and i.is_closed and not i.touched order by all"
    )
    unposted = day.rows(
        "select i.key, i.id, b.class from items as i join before as b on b.id = i.id where b.home is null "
        "and b.amount <> 0 and i.is_closed and not i.touched order by all"
    )
    # Closed on the day on which it was found: nothing of it has moved on an account, and it was no plain match.
    left = "i.recon_amount = 0" if day.posts else "true"
    at_once = day.rows(
        "select i.key, i.id, 'found that day' as class from items as i where i.is_closed "
        f"and i.opened = date '{day.day}' and {left} and i.released = 0 and i.absorbed = 0 "
        "and i.recovered = 0 and i.claimed = 0 and coalesce(i.lost, 0) = 0 "
        "and i.rule is distinct from 'accepted' order by all"
    )
    if not one and not goods and not unposted and not at_once:
        return
    there = standing(day)
    accepted = {i: d for d in there if d.how == "accept" and d.day <= day.day for i in d.moved}
    for r in one:
        decision = accepted.get(r["id"])
        if decision is None:
            yield f"{r['key']} ({r['id']}) is accepted as one with another item, and no decision says so"
            continue
        if len(decision.moved) != 2 or sum(decision.moved.values()) != 0:
            told = ", ".join(f"{i} {plain(n)}" for i, n in sorted(decision.moved.items()))
            yield f"{decision.place} accepts items as one that do not cancel out: {told}"
        other = next((i for i in decision.moved if i != r["id"]), "")
        # Where one of the two no longer fits, the day is incomplete and says so.
        fits = not day.line["conflicts"]
        if fits and not day.rows(f"select 1 from items where id = '{other}' and rule = 'accepted'"):
            yield f"{r['key']} ({r['id']}) is accepted as one with {other}, which the day does not say of that"
    shut = {i for d in there if d.how == "close" and d.day == day.day for i in d.moved}
    for r in (*goods, *unposted, *at_once):
        if r["id"] not in shut:
            yield f"{r['key']} ({r['id']}) was {r['class']} and is closed; no row and no decision of the day says why"
