"""Where each partner's deposit stands: since when it ties, what does not, what is under way, how low it went.

The figures are those of :func:`finops_ledger.books.deposits.deposits`; beside them stand the open items of the
partner and the rows of its files, each with file and line.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import deposits as rolled
from finops_ledger.books import items, tracing, untied
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import Window, zone
from finops_ledger.core.money import ZERO, plain
from finops_ledger.recon.legs import TOPUP_BANK
from finops_ledger.treasury import rollforward
from finops_ledger.treasury.rollforward import Arises, RolledDay

SUSPECT: Final = ("topup_not_credited", "topup_mismatch")
#: Over so many days usage is taken for what a balance lasts.
RECENT: Final = timedelta(days=7)
_NEAR: Final = timedelta(days=1)

Told = dict[str, Any]


def positions(space: Workspace, loaded: Loaded, as_of: date | None = None) -> list[Told]:
    """Return where each partner's deposit stands at the end of a day, by partner; amounts are text.

    Each has the figures of its last day, and

    ``ours``        what it would be by our own records: the closing, and what is open with the partner (``disputed``)
    ``differences`` what does not tie: the day, by how much, the row, which side is short, orders of that price
    ``in_transit``  top-ups sent and not credited, and those credited before the bank shows them
    ``suspect``     top-ups that are overdue, or credited by another amount
    ``lowest``      the lowest point of the last day: amount, time, row
    ``opens``, ``closes``, ``zone``  its last day, by the partner's clock
    ``hours``       for how many hours it lasts at the rate of the last seven days; None when nothing was used
    """
    found = items.open_items(space, as_of, everything=True)
    return [
        _partner(space, loaded, partner, account, days, found)
        for partner, account, days in sorted(rolled.rolled(space, loaded, as_of))
    ]


def _partner(
    space: Workspace,
    loaded: Loaded,
    partner: str,
    account: str,
    days: list[RolledDay],
    found: list[Told],
) -> Told:
    last = days[-1]
    mine = [i for i in found if i["counterparty"] == partner and i["day"] <= last.day.isoformat()]
    topups = [i for i in mine if i["leg"] == TOPUP_BANK]
    others = [i for i in mine if i["leg"] != TOPUP_BANK and i["class"] not in ("timing", "pending")]
    disputed = rollforward.Disputed(
        last.closing, {i["id"]: amount for i in others if (amount := untied.open_amount(i))}
    )
    recent = [d for d in days if d.day > last.day - RECENT]
    used = -sum((d.moved[m] for d in recent for m in ("usage", "pending", "refund")), ZERO)
    transit = [_topup(space, i, last.day) for i in topups if i["class"] == "timing"]
    suspect = [_topup(space, i, last.day) for i in topups if i["class"] in SUSPECT]
    first_off = next((d.day for d in _untied(days)), None)
    return {
        **rolled.told(space, partner, account, last),
        **window(space, partner, last.day),
        "untied_since": first_off.isoformat() if first_off else None,
        "ours": plain(disputed.ours),
        "disputed": [
            {
                "id": i["id"],
                "class": i["class"],
                "ref": _ref(i),
                "amount": plain(untied.open_amount(i)),
            }
            for i in others
            if i["id"] in disputed.items
        ],
        "differences": sorted(
            [
                *(
                    untied.books_off(space, loaded, partner, account, days, a, mine)
                    for a in _arisen(days)
                ),
                *(
                    untied.row_off(space, partner, days, i, mine)
                    for i in mine
                    if i["class"] in untied.UNEXPLAINED
                ),
            ],
            key=lambda d: d["day"],
        ),
        "in_transit": transit,
        "in_transit_total": plain(sum((Decimal(t["amount"]) for t in transit), ZERO)),
        "suspect": suspect,
        "suspect_total": plain(sum((Decimal(t["amount"]) for t in suspect), ZERO)),
        "lowest": lowest(space, partner, last),
        "hours": rollforward.hours(last.closing, used, timedelta(days=len(recent))),
    }


def _ref(item: Told) -> str:
    """Name an item as people read it: of a place in a statement the day and the row."""
    ref = str(item["ref"])
    if ref[:1] not in ("!", "?") or ref.count(" ") < 2:
        return ref
    day, where = ref.split(" ")[1:3]
    return f"{day} row {where}" if where.isdigit() else f"{day} {where}"


def _untied(days: list[RolledDay]) -> list[RolledDay]:
    """The unbroken run of days at the end that do not tie."""
    run: list[RolledDay] = []
    for one in reversed(days):
        if one.tied:
            break
        run.insert(0, one)
    return run


def _arisen(days: list[RolledDay]) -> list[Arises]:
    """What still parts books and statement: nothing once a later day ties again."""
    told = rollforward.arises(days)
    ties = max((d.day for d in days if d.tied), default=date.min)
    return [a for a in told if a.day > ties]


def _topup(space: Workspace, item: Told, now: date) -> Told:
    """A top-up on its way: sent and not credited (+), or credited and not seen at the bank (−)."""
    amount = untied.open_amount(item)
    side = item["left"] or item["right"]
    return {
        "id": item["id"],
        "class": item["class"],
        "amount": plain(amount),
        "direction": "sent" if amount > ZERO else "credited",
        "since": item["opened"],
        "age": (now - date.fromisoformat(item["opened"])).days,
        "breaks_on": item["breaks_on"],
        **untied.row_of(space, side["row"] if side else None),
    }


# --- how low it went ----------------------------------------------------------------------------------


def lowest(space: Workspace, partner: str, one: RolledDay) -> Told:
    """Return the lowest point of a day: ``amount at row file line``; without a row it is the day's opening or closing.

    ``at`` is the row's time in the partner's zone.
    """
    none: Told = {"amount": plain(one.low), "at": None, **untied.row_of(space, None)}
    if one.low in (one.opening, one.closing):
        return none
    for batch in untied.files_of(space, partner, one.day, one.day):
        rows = space.local.rows(
            "select number, coalesce(occurred_at, created_at) as at "
            f"from ({tracing.numbered(space, batch)}) where balance = {plain(one.low)} order by number limit 1"
        )
        if rows:
            version = space.registry.of(partner).on(one.day)
            name = version.supply.window.zone if version.supply else space.config.company.zone
            at = rows[0]["at"]
            local = at.astimezone(zone(name)).strftime("%Y-%m-%d %H:%M:%S") if at else None
            return {**none, "at": local, **untied.row_of(space, f"{batch.id}:{rows[0]['number']}")}
    return none


def window(space: Workspace, partner: str, day: date) -> Told:
    """Return when a partner's day opens and closes, in its own zone: ``opens closes zone``."""
    supply = space.registry.of(partner).on(day).supply
    rule = supply.window.window() if supply else Window(zone=space.config.company.zone)
    ends = [rule.closes(d).astimezone(zone(rule.zone)) for d in (day - _NEAR, day)]
    opens, closes = (moment.strftime("%Y-%m-%d %H:%M") for moment in ends)
    return {"opens": opens, "closes": closes, "zone": rule.zone}
