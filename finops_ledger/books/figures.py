"""Figures summed from journal entries: deposits by day, revenue by month, category and partner.

Amounts are text in the results, as in every ``--json``; sums are exact decimals until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import statement
from finops_ledger.books.jobs import component_of
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import days as each_day
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain

#: Movements of a deposit, in the order in which they are shown.
MOVEMENTS: Final = (
    "topup", "bonus", "refund", "usage", "pending", "fee", "tax", "adjustment", "difference",
)  # fmt: skip
_MOVEMENT_OF: Final = {
    "statement-difference": "difference",
    "pending-resolved": "pending",
    "pending-restored": "pending",
    "pending-failed": "pending",
}
GROUPS: Final = ("month", "category", "partner")
AMOUNTS: Final = ("gross", "net", "other", "promo", "revenue", "cogs", "margin")
#: Where the running balance of a statement ends, by batch and partner.
Ends = dict[tuple[str, str], Decimal]
UNDELIVERED: Final = "Liabilities:Customer-Orders:Undelivered"


def deposits(space: Workspace, loaded: Loaded, as_of: date | None = None) -> list[dict[str, Any]]:
    """Return each deposit's roll-forward by day: opening + movements = closing.

    ``tied`` says that the books' closing is what the partner's statement of the day says: its closing
    total, or where it has none, where the running balance of its rows ends, as its entry tells it.
    ``tied_since`` is the first day of the unbroken run of tied days that ends here. A day without a
    statement is not tied.
    """
    last = as_of or space.expected.as_of
    if last is None:
        return []
    made: list[dict[str, Any]] = []
    ends = _ends(loaded)
    for sop in space.registry.named("supplier"):
        account = f"Assets:Deposits:{component_of(space, sop.counterparty)}"
        made += _roll_forward(space, loaded, ends, sop.counterparty, account, last)
    return sorted(made, key=lambda d: (d["day"], d["partner"]))


def _roll_forward(
    space: Workspace, loaded: Loaded, ends: Ends, partner: str, account: str, last: date
) -> list[dict[str, Any]]:
    stated = _stated(space, ends, partner)
    if not stated:
        return []
    first = min(stated)
    opening, moved, low = _movements(loaded, account, first)
    made: list[dict[str, Any]] = []
    since: date | None = None
    for day in each_day(first, last):
        todays = {m: moved.get((day, m), ZERO) for m in MOVEMENTS}
        closing = opening + sum(todays.values(), ZERO)
        said = stated.get(day)
        tied = said is not None and said == closing
        since = (since or day) if tied else None
        floor = space.registry.of(partner).on(day).deposit.floor
        lowest = min([opening, closing, *low.get(day, [])])
        made.append(
            {
                "day": day.isoformat(),
                "partner": partner,
                "account": account,
                "opening": plain(opening),
                **{m: plain(a) for m, a in todays.items()},
                "closing": plain(closing),
                "stated": None if said is None else plain(said),
                "tied": tied,
                "tied_since": since.isoformat() if since else None,
                "low": plain(lowest),
                "floor": plain(floor),
                "below_floor": bool(floor) and lowest < floor,
            }
        )
        opening = closing
    return made


def _ends(loaded: Loaded) -> Ends:
    """Where the running balance of each statement ends, as the entry of its batch says."""
    return {
        (entry.meta["batch"], entry.meta["partner"]): entry.meta["closing"]
        for entry in loaded.transactions()
        if "closing" in entry.meta and entry.tags & statement.LEG_OF.keys()
    }


def _stated(space: Workspace, ends: Ends, partner: str) -> dict[date, Decimal | None]:
    """What the partner's statements say stood at the end of each day; None when one does not say.

    Of a day in parts the last part says it, whichever came last.
    """
    found: dict[date, Decimal | None] = {}
    for batch in sorted(space.state.batches.values(), key=lambda b: b.part or (0, 0)):
        if batch.counterparty != partner or not statement.moves(space, batch):
            continue
        if not space.state.speaks(batch):
            continue
        closing = batch.line["stated"]["closing"]
        value = ends.get((batch.id, partner)) if closing is None else Decimal(closing)
        day = batch.covers[1]
        found[day] = value if value is not None else found.get(day)
        found.setdefault(batch.covers[0], None)
    return found


def _movements(
    loaded: Loaded, account: str, first: date
) -> tuple[Decimal, dict[tuple[date, str], Decimal], dict[date, list[Decimal]]]:
    """Sum an account by day and movement; what lies before the first file is the opening."""
    opening = ZERO
    moved: dict[tuple[date, str], Decimal] = {}
    low: dict[date, list[Decimal]] = {}
    for entry in loaded.transactions():
        mine = [p for p in entry.postings if p.account == account]
        for posting in mine:
            amount = posting.units.number
            if entry.date < first:
                opening += amount
                continue
            kind = (posting.meta or {}).get("kind", "adjustment")
            name = _MOVEMENT_OF.get(kind, kind if kind in MOVEMENTS else "adjustment")
            moved[entry.date, name] = moved.get((entry.date, name), ZERO) + amount
        if "low" in entry.meta and entry.tags & statement.LEG_OF.keys() and mine:
            low.setdefault(entry.date, []).append(Decimal(entry.meta["low"]))
    return opening, moved, low


def revenue(
    loaded: Loaded, month: str | None = None, by: Sequence[str] = GROUPS
) -> list[dict[str, Any]]:
    """Return revenue by month, category and partner (or fewer of them): from orders to margin.

    gross: sales as principal. net: an agent's margin. other: other income (recoveries). promo:
    discounts we fund. revenue = gross + net + other - promo; margin = revenue - cogs. All rows
    together are the movement of Income and Expenses:COGS in the general ledger.
    """
    wrong = [g for g in by if g not in GROUPS]
    if wrong:
        raise UsageError(f"--by {wrong[0]}: group by any of {', '.join(GROUPS)}")
    sums: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in loaded.transactions():
        shown = entry.date.isoformat()[:7]
        if month is not None and shown != month:
            continue
        for posting in entry.postings:
            line = _line_of(posting)
            if line is None:
                continue
            partner = str(
                (posting.meta or {}).get("partner")
                or entry.meta.get("partner")
                or entry.payee
                or ""
            )
            values = {"month": shown, "category": _category(posting), "partner": partner}
            key = tuple(values[g] for g in by)
            held = sums.setdefault(key, {"orders": 0, **dict.fromkeys(AMOUNTS, ZERO)})
            name, amount = line
            held[name] += amount
    return [_revenue_line(by, key, sums[key]) for key in sorted(sums)]


def _line_of(posting: Any) -> tuple[str, Any] | None:
    """Say which line of the report a posting belongs to, and with what."""
    account, meta = posting.account, posting.meta or {}
    if (
        account == UNDELIVERED
        and str(meta.get("kind", "")).startswith("delivered")
        and "category" in meta
    ):
        count = int(meta["count"])
        return "orders", count if meta["kind"] == "delivered" else -count
    amount = posting.units.number
    if account.startswith("Income:Contra:"):
        return "promo", amount
    if account.startswith("Income:"):
        name = {"Gross": "gross", "Net": "net"}.get(account.split(":")[1], "other")
        return name, -amount
    return ("cogs", amount) if account.startswith("Expenses:COGS") else None


def _category(posting: Any) -> str:
    meta = posting.meta or {}
    return str(meta.get("category") or posting.account.split(":")[-1])


def _revenue_line(by: Iterable[str], key: tuple[str, ...], held: dict[str, Any]) -> dict[str, Any]:
    held["revenue"] = held["gross"] + held["net"] + held["other"] - held["promo"]
    held["margin"] = held["revenue"] - held["cogs"]
    groups = dict(zip(by, key, strict=True))
    return {**groups, "orders": held["orders"], **{n: plain(held[n]) for n in AMOUNTS}}


def ledger_result(loaded: Loaded, month: str | None = None) -> Decimal:
    """Return what Income and cost of goods sold moved in the ledger: the margin of the report."""
    total = ZERO
    for entry in loaded.transactions():
        if month is not None and entry.date.isoformat()[:7] != month:
            continue
        for posting in entry.postings:
            if posting.account.startswith(("Income:", "Expenses:COGS")):
                total -= posting.units.number
    return total
