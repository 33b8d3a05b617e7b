"""The one list of settlements: what we pay to postpaid suppliers, and what gateways pay to us.

========== ==================================== =======================================================
state      we pay                               they pay
========== ==================================== =======================================================
unbilled   delivered, no invoice yet
invoiced   their invoice is in
listed     on an approved payment list
pending                                         paid by customers, in no report yet
in-transit                                      in their report, not yet at the bank
part-paid  the bank shows less than was listed  the bank shows less than was reported
paid       the bank shows it                    the bank shows it
========== ==================================== =======================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from finops_ledger.core.money import ZERO
from finops_ledger.sop.schedule import Period
from finops_ledger.treasury.expected import Difference

Direction = Literal["pay", "receive"]
State = Literal["unbilled", "invoiced", "listed", "part-paid", "paid", "pending", "in-transit"]
STATES: Final = ("pending", "unbilled", "invoiced", "listed", "in-transit", "part-paid", "paid")
FLAGS: Final = ("overdue", "due", "short", "over", "late", "advance", "carried")
PREFIX: Final = "STL-"
#: The last day past due of each bucket, and how it is called; beyond the last one is :data:`OLDEST`.
BUCKETS: Final = ((-1, "not due"), (0, "today"), (7, "1-7"), (30, "8-30"), (90, "31-90"))
OLDEST: Final = ">90"
NO_DATE: Final = "no date"
BUCKET_NAMES: Final = (NO_DATE, *(name for _, name in BUCKETS), OLDEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One settlement. All amounts are positive in the direction in which the money goes.

    ``ref`` is its code without the counterparty's name; ``codes`` are all names under which files and lists speak of
    it. ``net`` is what is to be paid or received by the rows and the contract of each row's day; ``stated`` what
    their invoice or report says, None before it; ``listed`` what an approved list pays; ``paid`` what the bank shows.
    ``rounding`` is a difference within the SOP's tolerance. ``disputed`` is the residue of open breaks of its rows,
    claims included. ``items`` counts rows and items behind it that are open; ``age`` the days past ``due``.
    """

    counterparty: str
    component: str
    type: Literal["supplier", "gateway"]
    direction: Direction
    ref: str
    channel: str = ""
    period: Period | None = None
    due: date | None = None
    currency: str = "IDR"
    gross: Decimal = ZERO
    refunds: Decimal = ZERO
    chargebacks: Decimal = ZERO
    commission: Decimal = ZERO
    fee: Decimal = ZERO
    vat: Decimal = ZERO
    withheld: Decimal = ZERO
    claims: Decimal = ZERO
    adjustments: Decimal = ZERO
    rounding: Decimal = ZERO
    net: Decimal = ZERO
    stated: Decimal | None = None
    listed: Decimal | None = None
    paid: Decimal = ZERO
    paid_on: date | None = None
    disputed: Decimal = ZERO
    rule_ids: tuple[str, ...] = ()
    state: State
    flags: frozenset[str] = frozenset()
    age: int = 0
    rows: int = 0
    items: int = 0
    codes: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    #: The commission and its VAT as their rows grant them: what stands on the receivable, and can be set off.
    granted: Decimal = ZERO
    granted_vat: Decimal = ZERO
    #: Open claims on its rows: item, class, amount.
    claimed: tuple[tuple[str, str, Decimal], ...] = ()

    @property
    def link(self) -> str:
        """The name of the settlement in the journal: ``STL-<counterparty>-<ref>`` (ruling 11)."""
        return f"{PREFIX}{self.counterparty}-{self.ref}"

    @property
    def asked(self) -> Decimal:
        """What is asked for in the end: as listed, else what their report states, else what the rows come to.

        An invoice is what they ask, not what we owe: ours stands until a list is approved.
        """
        if self.listed is not None:
            return self.listed
        if self.type == "gateway" and self.stated is not None:
            return self.stated
        return self.net

    @property
    def open(self) -> Decimal:
        """What is still to be paid or received."""
        return ZERO if self.state == "paid" else self.asked - self.paid

    @property
    def difference(self) -> Decimal:
        """How much what was paid, listed or stated is above what the rows come to; rounding left out."""
        if self.state in ("paid", "part-paid"):
            return self.paid - self.net - self.rounding
        told = self.listed if self.listed is not None else self.stated
        return ZERO if told is None else told - self.net - self.rounding


def flagged(one: Settlement, as_of: date, tolerance: Decimal = ZERO) -> Settlement:
    """Return a settlement with its rounding, its flags and its age on a day.

    ``tolerance``: up to how much a statement may differ from the rows by rounding alone.
    """
    flags = {"carried"} & one.flags
    if one.stated is not None and ZERO < abs(one.stated - one.net) <= tolerance:
        one = replace(one, rounding=one.stated - one.net)
    if one.difference:
        flags.add("over" if one.difference > ZERO else "short")
    age = 0
    if one.due is not None and one.state == "paid":
        if one.paid_on is not None and one.paid_on > one.due:
            flags.add("late")
            age = (one.paid_on - one.due).days
    elif one.due is not None and (one.open or one.disputed) and as_of >= one.due:
        flags.add("overdue" if as_of > one.due else "due")
        age = (as_of - one.due).days
    if _early(one):
        flags.add("advance")
    return replace(one, flags=frozenset(flags), age=age)


def _early(one: Settlement) -> bool:
    """Say whether the money came before the period had closed, or before it was due."""
    if one.paid_on is None or not one.paid:
        return False
    closed = one.period is not None and one.paid_on <= one.period.last
    return closed or (one.due is not None and one.paid_on < one.due)


def bucket(past_due: int | None) -> str:
    """Return the bucket of a number of days past due.

    >>> [bucket(n) for n in (None, -3, 0, 1, 7, 8, 90, 91)]
    ['no date', 'not due', 'today', '1-7', '1-7', '8-30', '31-90', '>90']
    """
    if past_due is None:
        return NO_DATE
    return next((name for last, name in BUCKETS if past_due <= last), OLDEST)


def order(one: Settlement) -> tuple[date, str, str, str]:
    """Return the place of a settlement in the list: by due date, counterparty, channel and code."""
    first = one.due or (one.period.last if one.period else date.max)
    return first, one.counterparty, one.channel, one.ref
