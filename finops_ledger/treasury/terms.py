"""What a settlement run is made from, beside the settlements: terms, what is asked for, what was paid before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from finops_ledger.core.calendars import Calendar
from finops_ledger.core.money import ZERO
from finops_ledger.sop.rails import Rail
from finops_ledger.treasury.settlements import Settlement
from finops_ledger.treasury.transfers import Account


@dataclass(frozen=True, slots=True)
class Terms:
    """How a counterparty is paid on a day, by its SOP: to which account, from which of ours, under which guards.

    ``since`` and ``change``: the version since which the account is what it is.
    """

    to: Account
    source: Account
    ledger: str
    rails: tuple[str, ...] = ()
    remark: str = "{code}"
    dispute_limit: Decimal = ZERO
    minimum: Decimal = ZERO
    before_statement: bool = False
    rounding: str = "Expenses:Rounding"
    since: date = date.min
    change: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a maker asks for: settlements due by a day, of one counterparty or all, or those that are named."""

    as_of: date
    due_by: date
    counterparty: str | None = None
    named: tuple[str, ...] = ()
    advance: bool = False


@dataclass(frozen=True)
class Around:
    """What a run has to know beside the settlements: calendars, rails, what was listed and paid before.

    ``listed``: where each settlement is on a recorded list; ``proposed``: on which open run; ``paid_to``: the account
    that a counterparty was last paid to, and when. ``terms`` says how a counterparty is paid on a day, or why it
    cannot be; ``rails`` are those of a bank; ``unproven``: a day of a settlement that is not reconciled, so that nobody
    knows what of it is in dispute.
    """

    currency: str
    calendar: Calendar
    terms: Callable[[str, date], Terms | str]
    rails: Callable[[str], Mapping[str, Rail]]
    listed: Mapping[str, str]
    proposed: Mapping[str, str]
    paid_to: Mapping[str, tuple[date, str]]
    unproven: Callable[[Settlement], date | None] = lambda _: None
    watch: timedelta = timedelta(days=30)
