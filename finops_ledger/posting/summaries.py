"""Entries of a batch: the summary of one file, counterparty and day; kinds and categories are postings.

Sums come from the engine (few groups); here they become postings, after
``worked-day.beancount`` and ``worked-cases.beancount``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from finops_ledger.core.ids import account_component as part
from finops_ledger.posting.entries import Posting

ZERO = Decimal(0)
#: Batch, counterparty, posting day, and the locked day that the posting is about (ruling 30).
Key = tuple[str, str, date, date | None]


@dataclass
class Draft:
    """An entry in the making: postings by (account, kind, …), and what the batch answers for."""

    lines: dict[tuple[Any, ...], list[Any]] = field(default_factory=dict)
    rows: int = 0
    new: int = 0
    control: Decimal = ZERO

    def add(
        self,
        account: str,
        amount: Decimal,
        kind: str,
        *,
        move: str = "",
        count: int = 0,
        category: str = "",
        settlement: str = "",
        due: date | None = None,
        order: int = 0,
    ) -> None:
        """Add an amount to the posting of this account, kind, move, category and settlement.

        ``due``: by when the settlement is to be met, where a schedule says so (ruling 2).
        """
        if amount == ZERO and count == 0:
            return
        side = amount < ZERO if move else False
        key = (order, kind, account, category, move, settlement, due or date.min, side)
        held = self.lines.setdefault(key, [ZERO, 0])
        held[0] += amount
        held[1] += count

    def postings(self) -> tuple[Posting, ...]:
        """The postings, in the order of the worked day."""
        made = []
        for key in sorted(self.lines):
            _, kind, account, category, move, settlement, due, _ = key
            amount, count = self.lines[key]
            if amount == ZERO:
                continue
            meta: list[tuple[str, Any]] = [("kind", kind)]
            if category:
                meta.append(("category", category))
            if settlement:
                meta.append(("settlement", settlement))
            if due != date.min:
                meta.append(("due", due))
            if move:
                meta += [("count", count), ("move", move)]
            made.append(Posting(account, amount, tuple(meta)))
        return tuple(made)


class Drafts:
    """Entries in the making, by (batch, counterparty, day, locked day)."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Draft] = {}

    def of(self, batch: str, partner: str, day: date, orig: date | None = None) -> Draft:
        """Return the draft of a batch, counterparty, day and locked day."""
        return self.by_key.setdefault((batch, partner, day, orig), Draft())


UNDELIVERED = "Liabilities:Customer-Orders:Undelivered"
CUSTOMERS = "Assets:Claims:Customer"
REFUND_PAYABLE = "Liabilities:Customer-Orders:Refund-Payable"


def add_sale(
    drafts: Drafts,
    row: dict[str, Any],
    component: str,
    day: date,
    orig: date | None,
    sign: int,
    count: int,
) -> None:
    """Post one component of sale rows: taken up (sign 1) or taken back (sign -1)."""
    draft = drafts.of(row["batch"], row["partner"], day, orig)
    gateway = f"Assets:Clearing:Gateway:{part(row['gateway'])}"
    opens, closes = ("open", "close") if sign > 0 else ("close", "open")
    cash = sign * row["cash" if component == "delivered" else component]
    if component == "paid":
        draft.add(gateway, cash, "paid", move=opens, count=count, order=0)
        draft.add(UNDELIVERED, -cash, "paid", move=opens, count=count, order=0)
    elif component == "delivered":
        _delivered(draft, row, sign, cash, closes, count)
    elif component == "failed":
        draft.add(UNDELIVERED, cash, "failed", move=closes, count=count, order=3)
        draft.add(REFUND_PAYABLE, -cash, "failed", move=opens, count=count, order=4)
    else:
        draft.add(REFUND_PAYABLE, cash, "refunded", move=closes, count=count, order=5)
        draft.add(gateway, -cash, "refunded", move=opens, count=count, order=6)


def _delivered(
    draft: Draft, row: dict[str, Any], sign: int, cash: Decimal, move: str, count: int
) -> None:
    kind = "delivered" if sign > 0 else "delivered-reversed"
    if row["model"] == "recharge":
        # Delivered long ago: what the customer pays now releases what he owes (worked-cases 22).
        draft.add(UNDELIVERED, cash, kind, move=move, count=count, order=2)
        draft.add(CUSTOMERS, -cash, kind, move=move, count=count, order=2)
        return
    category = row["category"]
    name = part(category)
    gross = row["model"] in ("principal", "stock")
    income = f"Income:{'Gross' if gross else 'Net'}:{name}"
    order = 2 if sign > 0 else 1
    draft.add(UNDELIVERED, cash, kind, move=move, count=count, category=category, order=order)
    for account, amount, shown in (
        ("Income:Contra:Promo", row["promo"], category),
        (income, -row["net"], category),
        ("Liabilities:Tax:PPN-Out", -row["ppn"], category),
        (f"Expenses:COGS:{name}", row["cogs"], category),
        (f"Assets:Clearing:Supply:{part(row['partner'])}", -row["cost"], ""),
    ):
        draft.add(account, sign * amount, kind, category=shown, order=order)


_AGAINST = {
    "topup": "Assets:Clearing:Deposit-In-Transit:{}",
    "bonus": "Expenses:COGS:Supplier-Rebate",
    "fee": "Expenses:Deposit-Fee",
    "tax": "Assets:Tax:PPh22-Prepaid",
}


def usage(component: str) -> str:
    """Return the account between a partner's transactions and its deposit statement."""
    return f"Assets:Clearing:Usage:{component}"


def add_supply(drafts: Drafts, row: dict[str, Any], component: str, *, stated: bool) -> None:
    """Post the movements of a transaction file's rows of one kind.

    ``stated``: a deposit statement moves the deposit (rule R1). Then the rows stand against Usage, and what
    they say of top-ups, bonuses, fees and taxes the statement posts: these rows count, and post nothing.
    """
    draft = drafts.of(row["batch"], row["partner"], row["day_post"], row["orig"])
    kind = row["post_kind"]
    order = 0 if kind == "topup" else 1
    payable = f"Liabilities:Payable:{component}:Unbilled"
    draft.add(payable, row["payable"], kind, order=order)
    draft.add(f"Assets:Receivable:Commission:{component}", row["granted"], kind, order=order)
    if stated:
        drawn, count = -(row["clearing"] + row["held"]), row["n_drawn"]
        draft.add(usage(component), drawn, kind, move="open", count=count, order=order)
    else:
        drawn = row["deposit"] - row["owed"]
        draft.add(f"Assets:Deposits:{component}", drawn, kind, order=order)
    draft.add(f"Assets:Clearing:Supply:{component}", row["clearing"], kind, order=order)
    pending = f"Assets:Clearing:Supply-Pending:{component}"
    move, count = ("open", row["n_opens"]) if row["n_opens"] else ("close", row["n_closes"])
    draft.add(pending, row["held"], kind, move=move, count=count, order=order)
    if not stated:
        _add_other(draft, row, component, order)


def add_deposit(drafts: Drafts, row: dict[str, Any], component: str) -> None:
    """Post the movements of a deposit statement's rows of one kind: the deposit, against Usage or as told."""
    draft = drafts.of(row["batch"], row["partner"], row["day_post"], row["orig"])
    kind = row["post_kind"]
    order = 0 if kind == "topup" else 1
    draft.add(f"Assets:Deposits:{component}", row["deposit"], kind, order=order)
    count = row["n_drawn"]
    draft.add(usage(component), row["clearing"], kind, move="close", count=count, order=order)
    _add_other(draft, row, component, order)


def _add_other(draft: Draft, row: dict[str, Any], component: str, order: int) -> None:
    """Post what is no order's: top-ups, bonuses, fees and taxes."""
    kind = row["post_kind"]
    if row["other"]:
        topup = kind in ("topup", "adjustment")
        account = _AGAINST["topup" if topup else kind].format(component)
        if topup:
            draft.add(account, row["other"], kind, move="close", count=row["n_other"], order=order)
        else:
            draft.add(account, row["other"], kind, order=order)


#: By when a settlement of a code, told on a day, is to be met; None where no schedule says it.
Due = Callable[[str, date], date | None]


def no_due(unused_code: str, unused_day: date) -> None:
    """No schedule, no date."""


def prepaid_tax(unused_day: date) -> str:
    """Where income tax stands that was taken from us, unless an SOP says otherwise."""
    return _AGAINST["tax"]


def settlement_name(counterparty: str, ref: str) -> str:
    """Name a settlement: ``STL-<counterparty>-<ref>`` (ruling 11); ``none`` for what is in none yet."""
    prefix = f"{counterparty}-"
    return f"STL-{prefix}{ref.removeprefix(prefix) or 'none'}"


def add_settlement(
    drafts: Drafts,
    rows: Iterable[dict[str, Any]],
    gateway: str,
    due: Due = no_due,
    taxed: Callable[[date], str] = prepaid_tax,
) -> None:
    """Post a gateway's report: one posting a settlement for the net, fee and VAT, payments and refunds.

    ``taxed``: the account of income tax that the gateway took off, by day.
    What the gateway holds back, releases or carries from one settlement to the next stands on
    Settlement-Held: money of ours in its hands that no order asks for.
    """
    nets: dict[tuple[str, str, date, date | None], Decimal] = {}
    name = part(gateway)
    for row in rows:
        draft = drafts.of(row["batch"], gateway, row["day_post"], row["orig"])
        key = (row["batch"], row["settlement_ref"], row["day_post"], row["orig"])
        nets[key] = nets.get(key, ZERO) + row["net"]
        draft.add(f"Expenses:Payment-Fee:{name}", row["fees"], "fee", order=1)
        draft.add("Assets:Tax:PPN-In", row["taxes"], "fee", order=2)
        draft.add(taxed(row["day_post"]), row["levied"], "tax", order=2)
        clearing = f"Assets:Clearing:Gateway:{name}"
        draft.add(clearing, -row["gross"], row["kind"], move="close", count=row["count"], order=3)
        draft.add(f"Assets:Clearing:Settlement-Held:{name}", -row["held"], "adjustment", order=4)
    for (batch, ref, day, orig), net in nets.items():
        account = f"Assets:Clearing:Settlement-In-Transit:{name}"
        drafts.of(batch, gateway, day, orig).add(
            account,
            net,
            "payment",
            move="open",
            count=1,
            settlement=settlement_name(gateway, ref),
            due=due(ref, day),
        )


def add_invoice(
    drafts: Drafts, row: dict[str, Any], supplier: str, component: str, due: Due = no_due
) -> None:
    """Post a supplier's invoice: what was owed and not billed is billed now, gross."""
    draft = drafts.of(row["batch"], supplier, row["day_post"], row["orig"])
    name = settlement_name(supplier, row["settlement_ref"])
    for account, amount in (("Unbilled", row["billed"]), ("Invoiced", -row["billed"])):
        target = f"Liabilities:Payable:{component}:{account}"
        by = due(row["settlement_ref"], row["day_post"]) if account == "Invoiced" else None
        draft.add(target, amount, "payment", settlement=name, due=by, order=amount < ZERO)


def add_bank(drafts: Drafts, row: dict[str, Any], bank: str, account: str) -> None:
    """Post lines of a bank statement: Bank, against what the lines are about."""
    draft = drafts.of(row["batch"], bank, row["day_post"], row["orig"])
    kind, who, moved = row["line_kind"], row["who"], row["moved"]
    name = part(who) if who else ""
    if kind in ("payout", "payment"):
        settlement = settlement_name(who, row["line_ref"])
        target = f"Assets:Clearing:Settlement-In-Transit:{name}"
        draft.add(target, -moved, "payment", move="close", count=1, settlement=settlement, order=1)
    elif kind == "topup":
        target = f"Assets:Clearing:Deposit-In-Transit:{name}"
        draft.add(target, -moved, "topup", move="open", count=row["count"], order=1)
    elif kind == "fee":
        draft.add("Expenses:Bank-Charge", -moved, "fee", order=1)
    else:
        target, count = "Liabilities:Suspense:Unidentified", row["count"]
        draft.add(target, -moved, "adjustment", move="open", count=count, order=1)
    draft.add(account, moved, "payment", order=0)
