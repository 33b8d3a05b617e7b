"""What people may decide about a break: which treatments fit which class, and where the other side goes.

One table for the command, the break list and the documentation (worked-day, worked-cases, home of each class). A debit
residue (+) is what we were charged and do not owe, a credit (-) what we have not been charged.

People journal only what no source will ever say (rule R8): where a file will say it, the treatment stands in
:data:`SAID` with the file that does, and is refused unless it is asked for all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finops_ledger.core import taxes
from finops_ledger.core.ids import account_component as part
from finops_ledger.core.money import ZERO
from finops_ledger.recon.classes import NOT_BREAKS

CUSTOMERS: Final = "Assets:Claims:Customer"
SUSPENSE: Final = "Liabilities:Suspense:Unidentified"
LOSS: Final = "Expenses:Operational-Loss:"

#: Why an asset is gone: each has its account below Operational-Loss.
CAUSES: Final = (
    "duplicate_delivery",
    "unrecovered",
    "chargeback",
    "human_error",
    "late_success",
    "system_error",
    "price_table_late",
    "fraud",
)
_CAUSE_OF: Final = {
    "duplicate_delivery": "duplicate_delivery",
    "cross_partner_delivery": "duplicate_delivery",
    "chargeback": "chargeback",
    "late_success": "late_success",
}


@dataclass(frozen=True, slots=True)
class Treatment:
    """One way to resolve: what it says of an item, and what a decision of it must bear."""

    name: str
    does: str  #: for the narration; ``{who}`` is the counterparty
    means: str
    needs_evidence: bool = False
    case: str = ""  #: prefix of the cases that it opens
    from_claims: bool = False  #: fits also what is claimed already


TREATMENTS: Final = {
    t.name: t
    for t in (
        Treatment("claim", "claimed from {who}", "the counterparty owes it", case="CLM"),
        Treatment("refund", "refunded", "the money goes back to the customer, or comes back to us"),
        Treatment("cost", "absorbed as cost", "it is the cost of the goods or of the service"),
        Treatment(
            "write-off",
            "written off",
            "it is owed and will not be paid",
            needs_evidence=True,
            case="OPL",
            from_claims=True,
        ),
        Treatment(
            "recharge",
            "customer charged again by agreement",
            "the customer pays it",
            from_claims=True,
        ),
        Treatment(
            "loss",
            "loss accepted",
            "the asset is gone, for a cause of our own",
            needs_evidence=True,
            case="OPL",
            from_claims=True,
        ),
        Treatment("identify", "identified", "it belongs to the accounts that are named"),
        Treatment("income", "never to be billed", "nobody will ask for it", needs_evidence=True),
        Treatment("accept", "accepted as one with {other}", "it and what is suggested are one"),
        Treatment("close", "closed as it is", "it is all right, and no money moves"),
    )
}

_OWED = "claim+ write-off+ loss+"
#: Treatments by class; the sign says of which residue, none of either.
_FITS: Final = {
    "missing_at_partner": "income-",
    "missing_at_platform": _OWED,
    "partner_failed": "refund- income-",
    "late_success": f"{_OWED} recharge+ cost+ refund+",
    "duplicate_delivery": f"{_OWED} refund+",
    "cross_partner_delivery": f"{_OWED} refund+",
    "cost_mismatch": "claim+ cost write-off+",
    "product_mismatch": "claim+ cost write-off+",
    "fee_mismatch": "claim+ cost write-off+",
    "late_reversal": "refund- income-",
    "restore_missing": f"{_OWED} refund+",
    "delivered_not_recorded": f"{_OWED} recharge+ cost+",
    "topup_not_credited": f"{_OWED} refund+",
    "topup_mismatch": f"{_OWED} cost income-",
    "unexplained_movement": f"{_OWED} cost+ identify income-",
    "balance_gap": f"{_OWED} cost+ income-",
    "file_defect": f"{_OWED} cost+ income-",
    "amount_mismatch": f"{_OWED} identify income-",
    "unknown_in_settlement": "identify- income-",
    "missing_in_settlement": f"{_OWED} refund+",
    "refund_mismatch": f"{_OWED} recharge+ income-",
    "chargeback": f"{_OWED} recharge+",
    "settlement_short": f"{_OWED} cost+ refund+",
    "settlement_over": f"{_OWED} identify income- refund+",
    "unidentified_credit": "identify",
}

_OUR_ROW = (
    "our sales file will say it: the platform corrects the row, and that row closes the break"
)
_THEIR_ROW = (
    "a file of {who} will say it: ask for the money with --as claim, and the row that brings it "
    "meets the claim"
)
#: What a source will say by itself (R8), by class and treatment; ``*`` is every treatment of the class.
SAID: Final = {
    ("partner_failed", "refund"): _OUR_ROW,
    ("late_reversal", "refund"): _OUR_ROW,
    ("delivered_not_recorded", "*"): _OUR_ROW,
    **{
        (class_, "refund"): _THEIR_ROW
        for class_, fits in _FITS.items()
        if "refund+" in fits.split()
    },
}

#: Classes without money that a decision closes, with a reason: the goods were right after all, or are let pass.
GOODS: Final = ("product_mismatch", "serial_reused")

#: Classes that leave the money where it is: what closes them is a row, never a journal of people.
CLOSED_BY: Final = {
    "undelivered_overdue": "the row of our sales file that says delivered, failed or refunded",
    "refund_overdue": "the row of our sales file that says when the refund was sent",
    "status_unknown": "a row with a status that the format maps, or the format with this status mapped",
    "settlement_overdue": "the bank's line",
    "file_missing": "the file",
    "file_late": "nothing: it is told",
    "file_short": "the whole file",
}

#: What ``cost`` is for classes that are no cost of goods.
_COST: Final = {
    "settlement_short": "Expenses:Bank-Charge",
    "topup_mismatch": "Expenses:Deposit-Fee",
    "unexplained_movement": "Expenses:Deposit-Fee",
    "balance_gap": "Expenses:Deposit-Fee",
    "file_defect": "Expenses:Deposit-Fee",
}
_INCOME: Final = {"topup_mismatch": "Expenses:COGS:Supplier-Rebate"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about: an item, what of it is decided, and the accounts of its counterparty.

    ``amount``: signed, what leaves ``account`` (a Breaks account, or Claims when ``claimed``). ``value``: what the
    customer paid. ``parts``: fee and VAT of a fee_mismatch at a gateway.
    """

    item: str
    class_: str
    counterparty: str
    component: str
    account: str
    amount: Decimal
    claims: str
    claimed: bool = False
    category: str = ""
    model: str = ""
    tax: str = ""
    value: Decimal = ZERO
    parts: tuple[Decimal, Decimal] | None = None
    day: date = date.max  #: of the sale: by it goes the tax


@dataclass(frozen=True, slots=True)
class Line:
    """A posting of the other side: account, signed amount, category where the account is one of a category."""

    account: str
    amount: Decimal
    category: str = ""


class Unfit(ValueError):
    """The treatment does not fit; the text says why and what does."""


def fitting(
    class_: str,
    residue: Decimal,
    *,
    claimed: bool = False,
    stands: bool = True,
    suggested: bool = False,
) -> list[str]:
    """Return the treatments that fit a class of this residue, or what is claimed of it, in the order of the table.

    ``stands``: whether the residue stands on an account; what a leg without an account finds has an exposure alone.
    ``suggested``: whether a pass has named the item that it may be one with.

    >>> fitting("cost_mismatch", Decimal(-300))
    ['cost']
    >>> fitting("late_success", Decimal(0), claimed=True)
    ['write-off', 'recharge', 'loss', 'cost']
    >>> fitting("product_mismatch", Decimal(0)), fitting("amount_mismatch", Decimal(5), stands=False)
    (['close'], ['close'])
    """
    sign = "-" if residue < ZERO else "+"
    if residue == ZERO and not claimed:
        return ["close"] if class_ in GOODS else []
    if not stands and not claimed:
        return [] if class_ in NOT_BREAKS else ["close"]
    found = ["accept"] if suggested and residue != ZERO else []
    for word in _FITS.get(class_, "").split():
        name, on = word.rstrip("+-"), word[-1] if word[-1] in "+-" else sign
        later = not claimed or TREATMENTS[name].from_claims or name == "cost"
        if on == sign and later:
            found.append(name)
    if claimed and not found:
        found = [t.name for t in TREATMENTS.values() if t.from_claims and t.name != "recharge"]
    return sorted(found, key=lambda n: _order(n, claimed=claimed))


def _order(name: str, *, claimed: bool) -> int:
    """What is claimed has been asked for: what is left is to give it up."""
    names = list(TREATMENTS)
    return names.index(name) + (len(names) if claimed and name == "cost" else 0)


def said(class_: str, treatment: str, who: str) -> str:
    """Return which file will say it (R8), or nothing."""
    return SAID.get((class_, treatment), SAID.get((class_, "*"), "")).format(who=who)


def cause_of(class_: str, treatment: str) -> str:
    """Return the cause of a loss that its class names; a write-off is what could not be recovered."""
    return "unrecovered" if treatment == "write-off" else _CAUSE_OF.get(class_, "")


def other_side(name: str, one: Subject, cause: str = "") -> list[Line]:
    """Return the postings against the account that an item stands on: they sum to the amount that leaves it.

    Raises Unfit where the item does not say what the posting needs (its category).
    """
    return list(_other_side(name, one, cause))


def _other_side(name: str, one: Subject, cause: str) -> Iterator[Line]:
    if name in ("write-off", "loss"):
        yield Line(LOSS + part(cause), one.amount)
    elif name == "claim" or (name == "refund" and one.amount > ZERO):
        yield Line(one.claims, one.amount)
    elif name == "income":
        yield Line(_INCOME.get(one.class_, "Income:Other:Unbilled-Cost"), one.amount)
    elif name == "cost" and one.class_ == "fee_mismatch" and one.parts is not None:
        if sum(one.parts, ZERO) != one.amount:
            raise Unfit("a part of a fee and its VAT cannot be absorbed: absorb the whole of it")
        yield Line(f"Expenses:Payment-Fee:{one.component}", one.parts[0])
        if one.parts[1]:
            yield Line("Assets:Tax:PPN-In", one.parts[1])
    elif name == "cost":
        yield _cost(one)
    else:
        yield from _sold_again(one)


def _cost(one: Subject) -> Line:
    """Cost of the goods: an agent's net revenue falls, a principal's cost of goods rises (worked-cases 8)."""
    if one.class_ in _COST:
        return Line(_COST[one.class_], one.amount)
    category = _category(one)
    account = "Expenses:COGS:" if one.model == "principal" else "Income:Net:"
    return Line(account + part(category), one.amount, category)


def _category(one: Subject) -> str:
    if not one.category:
        raise Unfit(
            f"no sale of {one.item} says its category; name the account with --to, like --to Income:Net:Pulsa"
        )
    return one.category


def _sold_again(one: Subject) -> Iterator[Line]:
    """The customer pays what he got (worked-cases 22), or gets back what he paid: price against cost is income."""
    if one.value == ZERO or one.class_ in ("refund_mismatch", "chargeback"):
        yield Line(CUSTOMERS, one.amount)
        return
    sign = 1 if one.amount > ZERO else -1
    cost = abs(one.amount)
    category = _category(one)
    name = part(category)
    yield Line(CUSTOMERS, sign * one.value)
    if one.model == "principal":
        tax = (
            taxes.on(taxes.PPN, one.day).inside(one.value - cost).tax
            if one.tax == "ppn-margin"
            else ZERO
        )
        yield Line(f"Expenses:COGS:{name}", one.amount, category)
        yield Line(f"Income:Gross:{name}", -sign * (one.value - tax), category)
        if tax:
            yield Line("Liabilities:Tax:PPN-Out", -sign * tax, category)
    elif one.value != cost:
        yield Line(f"Income:Net:{name}", -sign * (one.value - cost), category)


def table() -> list[tuple[str, list[str], list[str]]]:
    """Return for each class the treatments of a debit and of a credit residue."""
    return [(c, fitting(c, Decimal(1)), fitting(c, Decimal(-1))) for c in _FITS]


def named(name: str) -> Any:
    """Return a treatment by name; None when there is none."""
    return TREATMENTS.get(name)
