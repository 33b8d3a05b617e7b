"""What of a deposit does not tie: where books and statement part, and what a statement's rows do not explain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import statement, tracing
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, parted, plain
from finops_ledger.recon.legs import SUPPLY_STATEMENT
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury import rollforward
from finops_ledger.treasury.rollforward import Arises, RolledDay

#: Classes that say that rows do not explain the statement.
UNEXPLAINED: Final = ("balance_gap", "file_defect", "unexplained_movement")
#: So many orders of one price are named as a hint.
HINTS: Final = 3
_NEAR: Final = timedelta(days=1)

Told = dict[str, Any]


def open_amount(item: Told) -> Decimal:
    """What of an item the partner has, or owes us: on its break account and on Claims."""
    return Decimal(item["residue"]) + Decimal(item["claimed"])


def row_of(space: Workspace, name: str | None) -> Told:
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


def row_off(
    space: Workspace, partner: str, days: list[RolledDay], item: Told, mine: list[Told]
) -> Told:
    """A place where the statement's rows do not explain it: posted as a break, so that the books tie."""
    amount = open_amount(item)
    side = item["right"] or item["left"]
    place = row_of(space, side["row"] if side else None)
    known = item["class"] == "balance_gap" or item["leg"] == SUPPLY_STATEMENT
    if str(item["reason"]).startswith("repriced"):
        known = False  # neither file is short
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
        if item["leg"] == SUPPLY_STATEMENT and item["left"] and item["right"]:
            return str(item["reason"])
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


def books_off(
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
        books, said = parted(one.opening), parted(one.said.opening or ZERO)
        told = f"the books open the day at {books}, the statement at {said}: " + (
            "the opening balance of the books is missing or another"
            if off.day == days[0].day
            else _between(days, off.day)
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


def _between(days: list[RolledDay], day: date) -> str:
    """Say what may lie between a statement and the one before: days whose file is not in, first of all."""
    before = [d for d in days if d.day < day]
    silent: list[date] = []
    while before and before[-1].said.closing is None:
        silent.insert(0, before.pop().day)
    if not silent:
        return "something moved between two statements"
    if len(silent) == 1:
        return f"the file of {silent[0]} is not in, and its rows lie between"
    return f"the files of {silent[0]} to {silent[-1]} are not in, and their rows lie between"


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
    batch = next(iter(files_of(space, partner, day, day)), None)
    return row_of(space, f"{batch.id}:1" if batch is not None and batch.rows else None)


def files_of(space: Workspace, partner: str, first: date, last: date) -> list[Batch]:
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
    others = {i["id"]: i for i in mine if i["id"] != item["id"] and i["class"] not in UNEXPLAINED}
    same = rollforward.one_order(amount, ((n, _priced(i)) for n, i in others.items()))
    found: list[Told] = [
        {"ref": others[n]["ref"], "why": others[n]["class"], "id": n, "file": None, "line": None}
        for n in same
    ]
    if len(found) >= HINTS or not amount:
        return found[:HINTS]
    own = {side["row"] for side in (item.get("left"), item.get("right")) if side}
    at = date.fromisoformat(item["opened"])
    for batch in files_of(space, partner, at - _NEAR, at + _NEAR):
        rows = space.local.rows(
            f"select number, ref, status from ({tracing.numbered(space, batch)}) "
            f"where abs(amount) = {plain(abs(amount))} and ref is not null order by number limit {HINTS + 1}"
        )
        for row in rows if len(rows) <= HINTS else ():
            name = f"{batch.id}:{row['number']}"
            if name not in own:
                place = row_of(space, name)
                told = {"ref": row["ref"], "why": f"{row['status']} in their file", "id": None}
                found.append(told | {k: place[k] for k in ("file", "line")})
    return found[:HINTS]


def _priced(item: Told) -> Decimal:
    return abs(open_amount(item)) or Decimal(item["exposure"])
