"""The terms of settlement that SOPs give: schedules, calendars, netting, tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.calendars import Calendar
from finops_ledger.core.money import ZERO
from finops_ledger.recon.due import reported
from finops_ledger.sop.schedule import Period, Schedule
from finops_ledger.sop.terms import Settlement as Rule
from finops_ledger.sop.terms import Taken
from finops_ledger.treasury import naming

#: Income tax that we withhold of a fee, and owe to the tax office.
PAYABLE: Final = "Liabilities:Tax:PPh23-Payable"
#: Without a schedule each day is settled by itself.
DAILY: Final = Schedule(cycle="daily", lag=0, lag_days="calendar", roll="none")


def rule_on(space: Workspace, who: str, day: date) -> Rule | None:
    """Return ``[versions.settlement]`` of a counterparty on a day; None where nothing is said."""
    sop = space.registry.sops.get(who)
    return sop.on(day).settlement if sop is not None else None


def schedule_on(space: Workspace, who: str, day: date) -> Schedule | None:
    """Return the schedule in force for rows of a day.

    A gateway without one settles each day after ``lag`` calendar days; a supplier without one has none.
    """
    return _schedule(space, who, rule_on(space, who, day))


def _schedule(space: Workspace, who: str, rule: Rule | None) -> Schedule | None:
    if rule is None:
        return None
    return rule.due_by if space.registry.of(who).type == "gateway" else rule.schedule


def period_of(space: Workspace, who: str, day: date, channel: str = "") -> Period:
    """Return the period of a schedule's day; a day by itself where nothing is said."""
    return (schedule_on(space, who, day) or DAILY).period_of(day, channel)


def due(space: Workspace, who: str, period: Period, channel: str = "") -> date | None:
    """Return when a period falls due by the schedule of its last day; None where nothing is said.

    Raises HolidaysMissing when the calendar has no table of the year.
    """
    schedule = schedule_on(space, who, period.last)
    if schedule is None:
        return None
    return schedule.due(period, calendar(space, schedule, channel), channel)


def calendar(space: Workspace, schedule: Schedule, channel: str = "") -> Calendar:
    """Return the calendar of a schedule's channel: the one that it names, else the company's."""
    return space.calendar(schedule.of(channel).calendar)


def due_of_report(space: Workspace, gateway: str, unused_code: str, day: date) -> date | None:
    """Return by when the bank must show what a gateway's report of a day settles; None without a schedule."""
    rule = rule_on(space, gateway, day)
    if rule is None or rule.schedule is None:
        return None
    return reported(rule.schedule, space.calendar, day, space.config.company.start)


def due_of_invoice(space: Workspace, supplier: str, code: str, day: date) -> date | None:
    """Return by when an invoice is to be paid: of the period that its code names, else of the last that has ended."""
    if schedule_on(space, supplier, day) is None:
        return None
    period = period_of(space, supplier, naming.day_in(code) or day)
    if period.last > day:
        period = period_of(space, supplier, period.first - timedelta(days=1))
    return due(space, supplier, period)


def taxed_to(space: Workspace, gateway: str, day: date) -> str:
    """Return the account of income tax that stands in a gateway's report: taken from us, or left to us to pay."""
    rule = rule_on(space, gateway, day)
    if rule is not None and rule.tax is None and rule.withheld:
        return PAYABLE
    return (rule.tax if rule is not None and rule.tax is not None else Taken()).account


def tolerance(space: Workspace, who: str, day: date) -> Decimal:
    """Return up to how much a statement may be off by rounding."""
    within = space.registry.of(who).on(day).tolerance.get("settlement")
    return within.limit if within is not None else ZERO


def schedules(space: Workspace, type_: str) -> Iterator[tuple[str, date, str, Schedule]]:
    """Yield every schedule of every counterparty of a type: the later version first, channels before the rest."""
    for sop in space.registry.named(type_):
        for number in range(len(sop.versions) - 1, -1, -1):
            version = sop.versions[number]
            start = version.effective if number else date.min
            schedule = _schedule(space, sop.counterparty, version.settlement)
            if schedule is None:
                # What an earlier version says of a cut-off ends with this one.
                yield sop.counterparty, start, "", DAILY
                continue
            for channel in (*schedule.channels, ""):
                yield sop.counterparty, start, channel, schedule.of(channel)


def commission_on(space: Workspace, who: str, day: date) -> Schedule:
    """Return the schedule by which a supplier pays the commission that is not set off; else the month."""
    rule = rule_on(space, who, day)
    return (rule.commission if rule is not None else None) or Schedule(cycle="monthly")


def commission_due(space: Workspace, who: str, period: Period) -> date | None:
    """Return when such a commission falls due; None where nothing is said."""
    rule = rule_on(space, who, period.last)
    if rule is None or rule.commission is None:
        return None
    return rule.commission.due(period, calendar(space, rule.commission))
