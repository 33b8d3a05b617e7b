"""The list of settlements, both directions, gathered from the sub-ledger, decisions and reconciliation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import items
from finops_ledger.books.settling_gateways import of_gateways
from finops_ledger.books.settling_suppliers import of_suppliers
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import days as each_day
from finops_ledger.core.money import ZERO, plain
from finops_ledger.treasury.settlements import FLAGS, Settlement, bucket, order

#: Settlements that were paid are told for so many days; open ones always.
KEPT: Final = timedelta(days=92)
#: A calendar shows so many days at least, and at most.
_SHORTEST: Final = timedelta(days=13)
_LONGEST: Final = timedelta(days=61)
_DAY: Final = timedelta(days=1)
#: The amounts of a settlement, as text.
MONEY: Final = (
    "gross refunds chargebacks commission fee vat withheld claims adjustments rounding net stated listed paid open "
    "difference disputed"
).split()


def of_books(
    space: Workspace, as_of: date | None = None, since: date | None = None
) -> list[Settlement]:
    """Return every settlement up to a day (the last that any file covers), by due date.

    ``since``: from which day on those are told that are paid (92 days before); what is open is told however old it
    is. Raises UsageError for a schedule whose calendar has no table of a year that is asked about, and for a payment
    list that names no settlement.
    """
    last = as_of or space.expected.as_of
    if last is None:
        return []
    first = since or last - KEPT
    arose = items.arose(space, last)
    disputes = [{**d, "arose": arose.get(d["id"])} for d in items.open_items(space, last)]
    found = [*of_suppliers(space, last, disputes), *of_gateways(space, last, first, disputes)]
    kept = [s for s in found if s.state != "paid" or s.disputed or (s.paid_on or last) >= first]
    return sorted(kept, key=order)


def listed(
    space: Workspace,
    as_of: date | None = None,
    *,
    direction: str | None = None,
    due_by: date | None = None,
    everything: bool = False,
) -> list[dict[str, Any]]:
    """Return the settlements as plain values (``settlements --json``); money as text.

    Without ``everything``, those that are paid as they should be, and nothing is left to do about, are left out.
    """
    last = as_of or space.expected.as_of
    found = of_books(space, as_of)
    return [
        _plain(one, last or date.min)
        for one in found
        if direction in (None, one.direction)
        and (due_by is None or (one.due is not None and one.due <= due_by))
        and (everything or _to_do(one))
    ]


def _to_do(one: Settlement) -> bool:
    return one.state != "paid" or bool(one.disputed)


def _plain(one: Settlement, last: date) -> dict[str, Any]:
    past_due = None if one.due is None else (last - one.due).days
    money = {n: getattr(one, n) for n in MONEY}
    return {
        "counterparty": one.counterparty,
        "type": one.type,
        "direction": one.direction,
        "ref": one.ref,
        "link": one.link,
        "channel": one.channel,
        "period": None
        if one.period is None
        else {"first": one.period.first.isoformat(), "last": one.period.last.isoformat()},
        "due": one.due.isoformat() if one.due is not None else None,
        "state": one.state,
        "flags": [f for f in FLAGS if f in one.flags],
        "age": one.age,
        "bucket": bucket(past_due),
        "currency": one.currency,
        **{n: None if a is None else plain(a) for n, a in money.items()},
        "paid_on": one.paid_on.isoformat() if one.paid_on is not None else None,
        "rows": one.rows,
        "items": one.items,
        "rules": list(one.rule_ids),
        "codes": list(one.codes),
        "differences": [
            {
                "component": d.component,
                "ours": plain(d.ours),
                "theirs": plain(d.theirs),
                "by": plain(d.by),
            }
            for d in one.differences
        ],
        "notes": list(one.notes),
    }


def calendar_days(
    space: Workspace, rows: Iterable[dict[str, Any]], as_of: date | None = None
) -> list[dict[str, Any]]:
    """Return the days from the books' day on, each with what is due to be paid and received.

    The first line holds what is overdue. A day on which banks are closed says why; up to the last due date, two weeks
    at least and two months at most.
    """
    first = as_of or space.expected.as_of
    if first is None:
        return []
    open_ = [r for r in rows if r["due"] is not None and Decimal(r["open"]) != ZERO]
    ends = [date.fromisoformat(r["due"]) for r in open_]
    last = min(max([first + _SHORTEST, *ends]), first + _LONGEST)
    calendar = space.calendar()
    late = [r for r in open_ if date.fromisoformat(r["due"]) < first]
    made = [_line("overdue", "", "", late)] if late else []
    for day in each_day(first, last):
        own = [r for r in open_ if r["due"] == day.isoformat()]
        holiday = calendar.holiday(day)
        bank = "" if calendar.is_business(day) else holiday.name if holiday else "weekend"
        made.append(_line(day.isoformat(), f"{day:%a}", bank, own))
    return made


def _line(day: str, weekday: str, bank: str, own: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {
        d: sum((Decimal(r["open"]) for r in own if r["direction"] == d), ZERO)
        for d in ("pay", "receive")
    }
    return {
        "day": day,
        "weekday": weekday,
        "bank": f"closed: {bank}" if bank else "",
        "pay": plain(sums["pay"]),
        "receive": plain(sums["receive"]),
        "net": plain(sums["receive"] - sums["pay"]),
        "what": ", ".join(f"{r['counterparty']} {r['ref']}" for r in own),
        "refs": [r["link"] for r in own],
    }
