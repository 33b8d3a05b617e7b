"""Where each partner's deposit stands: since when it ties, what does not, what is under way, how low it went.

The figures are those of :func:`finops_ledger.books.deposits.deposits`; beside them stand the open items of the
partner and the rows of its files, each with file and line.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import deposits as rolled
from finops_ledger.books import items, statement, tracing
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import Window, zone
from finops_ledger.core.money import ZERO, plain
from finops_ledger.recon.legs import SUPPLY_STATEMENT, TOPUP_BANK
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury import rollforward
from finops_ledger.treasury.rollforward import Arises, RolledDay

#: Classes that say that rows do not explain the statement.
UNEXPLAINED: Final = ("balance_gap", "file_defect", "unexplained_movement")
SUSPECT: Final = ("topup_not_credited", "topup_mismatch")
#: So many orders of one price are named as a hint.
HINTS: Final = 3
#: Over so many days usage is taken for what a balance lasts.
RECENT: Final = timedelta(days=7)
_NEAR: Final = timedelta(days=1)
_MOVING: Final = ("supply", "deposit")

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
        last.closing, {i["id"]: amount for i in others if (amount := _open(i))}
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
            {"id": i["id"], "class": i["class"], "ref": _ref(i), "amount": plain(_open(i))}
            for i in others
            if i["id"] in disputed.items
        ],
        "differences": sorted(
            [
                *(
                    _books_off(space, loaded, partner, account, days, a, mine)
                    for a in _arisen(days)
                ),
                *(
                    _row_off(space, partner, days, i, mine)
                    for i in mine
                    if i["class"] in UNEXPLAINED
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


def _open(item: Told) -> Decimal:
    """What of an item the partner has, or owes us: on its break account and on Claims."""
    return Decimal(item["residue"]) + Decimal(item["claimed"])


def _topup(space: Workspace, item: Told, now: date) -> Told:
    """A top-up on its way: sent and not credited (+), or credited and not seen at the bank (−)."""
    amount = _open(item)
    side = item["left"] or item["right"]
    return {
        "id": item["id"],
        "class": item["class"],
        "amount": plain(amount),
        "direction": "sent" if amount > ZERO else "credited",
        "since": item["opened"],
        "age": (now - date.fromisoformat(item["opened"])).days,
        "breaks_on": item["breaks_on"],
        **_row(space, side["row"] if side else None),
    }


def _row(space: Workspace, name: str | None) -> Told:
    """Return where a row stands: ``row file line text``; all None without one."""
    none: Told = {"row": name, "file": None, "line": None, "text": None}
    if name is None:
        return none
    batch_id, _, record = name.rpartition(":")
    batch = space.state.batches.get(batch_id)
    if batch is None:
        return none
    if not batch.rows:
        return {**none, "file": batch.name}
    place = tracing.original(space, batch, int(record))
    return {"row": name, **{k: place[k] for k in ("file", "line", "text")}}


# --- what does not tie --------------------------------------------------------------------------------


def _row_off(
    space: Workspace, partner: str, days: list[RolledDay], item: Told, mine: list[Told]
) -> Told:
    """A place where the statement's rows do not explain it: posted as a break, so that the books tie."""
    amount = _open(item)
    side = item["right"] or item["left"]
    place = _row(space, side["row"] if side else None)
    known = item["class"] == "balance_gap" or item["leg"] == SUPPLY_STATEMENT
    short = "theirs" if known else "ours" if item["class"] == "file_defect" else ""
    return {
        "day": item["opened"],
        "kind": item["class"],
        "amount": plain(amount),
        "short": short,
        "told": _gap_told(item, amount, days),
        "id": item["id"],
        **place,
        "orders": orders_of(space, partner, amount, item, mine),
    }


def _gap_told(item: Told, amount: Decimal, days: list[RolledDay]) -> str:
    """Say what a gap is; ``amount`` is what the account of the break holds: + it left the deposit."""
    off = plain(abs(amount))
    where = item["ref"].rsplit(" ", 1)[-1]
    if item["class"] == "unexplained_movement":
        if item["leg"] == SUPPLY_STATEMENT:
            lacks = "statement has" if item["left"] else "transactions have"
            return f"in one of the partner's two files alone: its {lacks} nothing of it"
        return "a movement that names no order and no top-up: ask the partner what it is"
    if item["class"] == "file_defect":
        return f"rows of the file were refused: by its own totals they move {off}"
    way = "left the deposit" if amount > ZERO else "came into the deposit"
    if where == "opening":
        before = next((d.opening for d in days if d.day.isoformat() == item["opened"]), ZERO)
        return (
            f"the statement opens at {plain(before - amount)}, the one before closed at {plain(before)}: {off} {way} "
            "between the two; ask for the rows between them, or for a corrected statement"
        )
    if where == "absent":
        return f"rows of {off} that the file had when it first came are not in it now"
    return item["reason"] or f"{off} {way} without a row"


def _books_off(
    space: Workspace,
    loaded: Loaded,
    partner: str,
    account: str,
    days: list[RolledDay],
    off: Arises,
    mine: list[Told],
) -> Told:
    """Books and statement part: by what people posted, by an opening that differs, or by rows."""
    one = next(d for d in days if d.day == off.day)
    by_hand = _by_hand(loaded, account, off.day)
    same = [e for e in by_hand if _moved(e, account) == off.amount]
    place: Told = {"row": None, "file": None, "line": None, "text": None}
    if same:
        name, _, line = loaded.place(same[0].meta).rpartition(":")
        place |= {"file": name, "line": int(line), "text": same[0].narration}
        told = (
            "posted by hand; the partner's files alone move a deposit: take it back by its opposite"
        )
    elif off.before:
        place = _first_row(space, partner, off.day)
        books, said = plain(one.opening), plain(one.said.opening or ZERO)
        told = f"the books open the day at {books}, the statement at {said}: " + (
            "the opening balance of the books is missing or another"
            if off.day == days[0].day
            else "something moved between two statements"
        )
    else:
        place = _first_row(space, partner, off.day)
        told = "rows of the day move another amount than its statement says"
    return {
        "day": off.day.isoformat(),
        "kind": "books",
        "amount": plain(off.amount),
        "short": "ours",
        "told": told,
        "id": None,
        **place,
        "orders": orders_of(
            space, partner, off.amount, {"id": "", "opened": off.day.isoformat()}, mine
        ),
    }


def _by_hand(loaded: Loaded, account: str, day: date) -> list[Any]:
    return [
        e
        for e in loaded.transactions()
        if e.date == day
        and not e.tags & statement.LEG_OF.keys()
        and any(p.account == account for p in e.postings)
    ]


def _moved(entry: Any, account: str) -> Decimal:
    return sum((p.units.number for p in entry.postings if p.account == account), ZERO)


def _first_row(space: Workspace, partner: str, day: date) -> Told:
    batch = next(iter(_files(space, partner, day, day)), None)
    return _row(space, f"{batch.id}:1" if batch is not None and batch.rows else None)


def _files(space: Workspace, partner: str, first: date, last: date) -> list[Batch]:
    """The files that move a partner's deposit on any of the days."""
    return [
        b
        for b in sorted(space.state.batches.values(), key=lambda b: (b.covers, b.part or (0, 0)))
        if b.counterparty == partner and b.covers[0] <= last and b.covers[1] >= first
        if statement.moves(space, b)
    ]


def orders_of(
    space: Workspace, partner: str, amount: Decimal, item: Told, mine: Iterable[Told]
) -> list[Told]:
    """Name what has just this amount: open items of the partner first, then rows of its files of the days around.

    A hint: a difference equal to one price is nearly always one order. ``item`` itself is none of them.
    """
    found: list[Told] = [
        {"ref": i["ref"], "why": i["class"], "id": i["id"], "file": None, "line": None}
        for i in mine
        if i["id"] != item["id"] and i["class"] not in UNEXPLAINED and _priced(i) == abs(amount)
    ]
    if len(found) >= HINTS or not amount:
        return found[:HINTS] if amount else []
    own = {side["row"] for side in (item.get("left"), item.get("right")) if side}
    at = date.fromisoformat(item["opened"])
    for batch in _files(space, partner, at - _NEAR, at + _NEAR):
        rows = space.local.rows(
            f"select number, ref, status from ({tracing.numbered(space, batch)}) "
            f"where abs(amount) = {plain(abs(amount))} and ref is not null order by number limit {HINTS + 1}"
        )
        for row in rows if len(rows) <= HINTS else ():
            name = f"{batch.id}:{row['number']}"
            if name not in own:
                place = _row(space, name)
                told = {"ref": row["ref"], "why": f"{row['status']} in their file", "id": None}
                found.append(told | {k: place[k] for k in ("file", "line")})
    return found[:HINTS]


def _priced(item: Told) -> Decimal:
    return abs(_open(item)) or Decimal(item["exposure"])


# --- how low it went ----------------------------------------------------------------------------------


def lowest(space: Workspace, partner: str, one: RolledDay) -> Told:
    """Return the lowest point of a day: ``amount at row file line``; without a row it is the day's opening or closing.

    ``at`` is the row's time in the partner's zone.
    """
    none: Told = {"amount": plain(one.low), "at": None, **_row(space, None)}
    if one.low in (one.opening, one.closing):
        return none
    for batch in _files(space, partner, one.day, one.day):
        rows = space.local.rows(
            "select number, coalesce(occurred_at, created_at) as at "
            f"from ({tracing.numbered(space, batch)}) where balance = {plain(one.low)} order by number limit 1"
        )
        if rows:
            version = space.registry.of(partner).on(one.day)
            name = version.supply.window.zone if version.supply else space.config.company.zone
            at = rows[0]["at"]
            local = at.astimezone(zone(name)).strftime("%Y-%m-%d %H:%M:%S") if at else None
            return {**none, "at": local, **_row(space, f"{batch.id}:{rows[0]['number']}")}
    return none


def window(space: Workspace, partner: str, day: date) -> Told:
    """Return when a partner's day opens and closes, in its own zone: ``opens closes zone``."""
    supply = space.registry.of(partner).on(day).supply
    rule = supply.window.window() if supply else Window(zone=space.config.company.zone)
    ends = [rule.closes(d).astimezone(zone(rule.zone)) for d in (day - _NEAR, day)]
    opens, closes = (moment.strftime("%Y-%m-%d %H:%M") for moment in ends)
    return {"opens": opens, "closes": closes, "zone": rule.zone}
