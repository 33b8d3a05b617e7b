"""Figures summed from journal entries: revenue by month, category and partner.

Amounts are text in the results, as in every ``--json``; sums are exact decimals until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books.loading import Loaded
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain

GROUPS: Final = ("month", "category", "partner")
AMOUNTS: Final = ("gross", "net", "other", "promo", "revenue", "cogs", "margin")
UNDELIVERED: Final = "Liabilities:Customer-Orders:Undelivered"


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
