"""A supplier's settlement file holds invoices: what it bills us. Payments are seen at the bank (rule R1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from finops_ledger.books import settling_rows as sql
from finops_ledger.books import settling_terms as terms
from finops_ledger.books.config import Source
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.calendars import HolidaysMissing
from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.sop.schedule import Period
from finops_ledger.subledger.engine import parquet
from finops_ledger.treasury import naming


def check(space: Workspace, source: Source, name: str, rows: Path) -> None:
    """Refuse a file of role settlement that nobody can date, and of a supplier what nothing posts or no period has."""
    if source.role != "settlement":
        return
    who, supplied = str(source.counterparty), space.registry.supplies(source.counterparty)
    if supplied:
        _only_invoices(space, source, name, rows)
    problems = list(_of_no_period(space, who, name, rows)) if supplied else []
    problems = problems or list(_of_no_decree(space, who, name, rows, supplied))
    if problems:
        raise InputRefused(name, problems)


def _only_invoices(space: Workspace, source: Source, name: str, rows: Path) -> None:
    kinds = parquet([rows], "coalesce(kind, 'payment') as kind")
    found = space.local.rows(
        f"select kind, count(*) as n from ({kinds}) where kind <> 'invoice' group by kind order by kind"
    )
    if found:
        told = ", ".join(f"{r['n']} of kind {r['kind']}" for r in found)
        text = (
            f"{source.counterparty} is a supplier, so its settlement file holds rows of kind invoice; here are "
            f'{told}: map them in the format, kind = {{ constant = "invoice" }}, or exclude them'
        )
        raise InputRefused(name, [Problem("not-an-invoice", text, name)])


def _of_no_decree(
    space: Workspace, who: str, name: str, rows: Path, supplied: bool
) -> Iterator[Problem]:
    """Yield what is due in a year of which the calendar has no table: its entry would have no due date, ever again."""
    due = terms.due_of_invoice if supplied else terms.due_of_report
    code = "coalesce(settlement_ref, '')" if supplied else "''"
    columns = f"{code} as code, coalesce(day, file_day) as on_day"
    for row in space.local.rows(
        f"select distinct * from ({parquet([rows], columns)}) order by all"
    ):
        try:
            due(space, who, row["code"], row["on_day"])
        except HolidaysMissing as missing:
            text = f"no due date can be told: {missing}"
            yield Problem(
                "holidays-missing",
                text,
                name,
                value=" ".join(filter(None, (row["code"], row["on_day"].isoformat()))),
                expected="a day whose due date lies in a year of the calendar",
            )
            return


def _of_no_period(space: Workspace, who: str, name: str, rows: Path) -> Iterator[Problem]:
    """Yield invoices that name a day which no period of the schedule has at either end: of which rows, nobody knows."""
    columns = (
        f"coalesce(settlement_ref, '') as code, {sql.named('settlement_ref')} as named, "
        "coalesce(channel, '') as channel"
    )
    found: dict[tuple[str, str], dict[date, Period]] = {}
    for row in space.local.rows(
        f"select distinct * from ({parquet([rows], columns)}) order by all"
    ):
        channel = row["channel"]

        def period_of(day: date, channel: str = channel) -> Period | None:
            schedule = terms.schedule_on(space, who, day)
            return schedule.period_of(day, channel) if schedule is not None else None

        day = naming.day_named((row["named"], row["code"]), period_of)
        period = period_of(day) if day is not None else None
        if day is not None and period is not None:
            found.setdefault((row["code"], channel), {})[day] = period
    for (code, _), named in found.items():
        if len(named) > 1 and len(set(named.values())) == 1:
            continue  # one line for each day of a period
        for day, period in named.items():
            if naming.ends(period, day):
                continue
            yield Problem(
                "invoice-period",
                f"invoice {code} names a day that neither begins nor ends a period of {who}'s schedule: ask "
                f"for the invoice of a period, or correct the schedule in sops/{who}.toml",
                name,
                value=day.isoformat(),
                expected=f"{period.first} or {period.last}",
            )
