"""Commands that read the books and change nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from finops_ledger.cli import output, summary
from finops_ledger.cli.app import (
    as_of_option,
    books_option,
    call,
    cli,
    csv_option,
    json_option,
    opened,
)

if TYPE_CHECKING:
    from finops_ledger.reports.report import Report


@cli.command()
@click.option("--all", "every_day", is_flag=True, help="Every day, not only the last.")
@as_of_option
@books_option
@json_option
def status(every_day: bool, as_of: date | None, as_json: bool) -> int:
    """The verdict of the books, by day and counterparty, and why.

    Ends with exit code 1 when it is incomplete or has breaks.
    """
    with opened() as books:
        found = books.status(as_of)
        if as_json:
            output.print_json(found)
        else:
            summary.show(books, found, every_day=every_day)
    return summary.exit_code(found["verdict"])


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Also what only waits: pending, timing.")
@click.option("--class", "class_", metavar="CLASS", help="Only this class, like late_success.")
@click.option("--counterparty", metavar="NAME", help="Only with this counterparty.")
@click.option("--aged", is_flag=True, help="Count and amount by class and age.")
@as_of_option
@books_option
@json_option
@csv_option
def breaks(
    everything: bool,
    class_: str | None,
    counterparty: str | None,
    aged: bool,
    as_of: date | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Open breaks and claims, worst first."""
    from finops_ledger.reports import ageing
    from finops_ledger.reports import breaks as laid_out

    with opened() as books:
        check_known(class_, counterparty, books.space.registry.sops, books.space.legs.classes)
        found = [
            b
            for b in books.breaks(as_of, everything=everything)
            if class_ in (None, b["class"]) and counterparty in (None, b["counterparty"])
        ]
        waiting = "" if as_json or as_csv else summary.not_reconciled(books, as_of)
    if waiting:
        output.note(waiting)
    sums = ageing.aged(found) if aged else []
    if as_json:
        output.print_json(sums if aged else found)
        return
    if not found and not as_csv:
        output.note("Nothing is open." if everything else "No break is open.")
        return
    if aged:
        _show(ageing.report(sums), as_csv)
        return
    _show(laid_out.report(found), as_csv)
    if not as_csv:
        output.note()
        output.note(
            "Residue: what stands on the account of the break. At risk: what may be lost. "
            "Pr 1 is looked at first."
        )
        late = sum(b["overdue"] for b in found)
        if late:
            output.note(f"{output.count(late, 'item')} past the deadline of the SOP.")
        output.note("Next: " + call(f"explain {found[0]['id']}"))


def check_known(
    class_: str | None, counterparty: str | None, sops: Any, own: Any, named: str = "--counterparty"
) -> None:
    """Refuse a class or a counterparty that nobody knows; the message names the nearest."""
    from difflib import get_close_matches

    from finops_ledger.core.errors import UsageError
    from finops_ledger.recon.classes import CLASSES, NOT_BREAKS
    from finops_ledger.recon.legs import EVERYBODY

    choices = {
        "--class": (class_, [*CLASSES, *NOT_BREAKS, *own]),
        named: (counterparty, [*sops, EVERYBODY]),
    }
    for option, (value, known) in choices.items():
        if value is not None and value not in known:
            same = [k for k in known if k.casefold() == value.casefold()]
            near = same or get_close_matches(value, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            raise UsageError(f"{option} {value}: {hint}")


@cli.command()
@click.option("--month", metavar="YYYY-MM", help="Only this month.")
@click.option(
    "--by",
    default="month,category,partner",
    show_default=True,
    help="Group by any of these, in this order.",
)
@books_option
@json_option
@csv_option
def revenue(month: str | None, by: str, as_json: bool, as_csv: bool) -> None:
    """Orders, revenue, cost and margin.

    Equal to what Income and cost of goods sold moved in the ledger.
    """
    import re

    from finops_ledger.core.errors import UsageError
    from finops_ledger.reports import revenue as laid_out

    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise UsageError(f"--month {month}: write it like 2026-03")
    groups = tuple(dict.fromkeys(g.strip() for g in by.split(",") if g.strip()))
    with opened() as books:
        found = books.revenue(month, groups)
        if as_json:
            output.print_json(found)
            return
    if not found and not as_csv:
        output.note(f"No revenue{f' in {month}' if month else ''} yet.")
        return
    _show(laid_out.report(found, groups), as_csv)


def _show(report: Report, as_csv: bool) -> None:
    if as_csv:
        click.echo(report.csv(), nl=False)
    else:
        output.report(report)


@cli.command()
@click.argument("what", nargs=-1, required=True, metavar="ID")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@books_option
@json_option
def explain(what: tuple[str, ...], limit: int, as_json: bool) -> None:
    """From any id or figure to the lines of the original files.

    \b
    ID is one of
      b-…                            a file (batch)
      b-…:17                         a row
      x-…                            a break, or what waits
      m-…                            a match, by the name that its proof shows
      INV123, STL-PG1-20260303       a reference: order, transaction, payment, settlement
      2026-03-02 Assets:Deposits:A   a figure of the journal: day and account
      journal/….beancount:17         a place in the journal
    """
    from finops_ledger.cli import explaining

    with opened() as books:
        found = books.explain(" ".join(what), limit)
    if as_json:
        output.print_json(found)
    else:
        explaining.show(found)


@cli.command()
@click.argument("what", nargs=-1, metavar="[NAME | BQL]")
@books_option
@json_option
@csv_option
def query(what: tuple[str, ...], as_json: bool, as_csv: bool) -> None:
    """Run a stored query by name, or BQL.

    Without either, list the queries that the books keep.
    """
    from finops_ledger.books.bql import shown
    from finops_ledger.reports.report import Column, Report

    with opened() as books:
        if not what:
            stored = books.queries()
            if as_json:
                output.print_json(stored)
            else:
                output.table([("Query", False), ("BQL", False)], _one_line(stored), fold=True)
            return
        table = books.query(" ".join(what))
    if as_json:
        output.print_json(table.as_list())
    elif as_csv:
        columns = [
            Column(n, n, "money" if k else "text")
            for n, k in zip(table.names, table.numeric, strict=True)
        ]
        click.echo(Report("query", columns, table.as_list()).csv(), nl=False)
    else:
        headers = list(zip(table.names, table.numeric, strict=True))
        years = {n for n in table.names if n in ("year", "month", "day")}
        output.table(
            headers,
            [
                [shown(v, "" if n in years else ",") for n, v in zip(table.names, row, strict=True)]
                for row in table.rows
            ],
        )


def _one_line(stored: dict[str, str]) -> list[list[str]]:
    return [[name, " ".join(text.split())] for name, text in stored.items()]
