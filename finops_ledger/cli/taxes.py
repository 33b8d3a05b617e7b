"""``finops taxes``: what is due by the table of taxes, what was taken, and which slips are missing."""

from __future__ import annotations

import re

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import books_option, cli, csv_option, json_option, opened
from finops_ledger.core.errors import UsageError


@cli.command()
@click.option("--month", metavar="YYYY-MM", help="Only this month.")
@click.option("--rates", "as_rates", is_flag=True, help="The table of rates, with their sources.")
@books_option
@json_option
@csv_option
def taxes(month: str | None, as_rates: bool, as_json: bool, as_csv: bool) -> None:
    """Taxes by month: expected by the table of rates, taken, and without a slip.

    Told below: rates of SOPs that are not the table's, and taxes of the table that the books do not apply.
    """
    from finops_ledger.reports import taxes as laid_out

    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise UsageError(f"--month {month}: write it like 2026-03")
    if as_rates:
        rows, odd = laid_out.rates(), []
        made = laid_out.rate_report(rows)
    else:
        from finops_ledger.books.taxing_odds import odds

        with opened() as books:
            rows = books.taxes(month)
            odd = laid_out.odd(odds(books.space))
        made = laid_out.report(rows)
    if as_json:
        output.print_json(rows)
    elif as_csv:
        click.echo(made.csv(), nl=False)
    else:
        if rows:
            output.report(made)
        else:
            output.note(f"No tax{f' in {month}' if month else ''} yet.")
        _told("Rates of SOPs that are not the table's", odd)
        _told("In the table of taxes, and not applied", laid_out.not_applied())


def _told(title: str, lines: list[str]) -> None:
    if lines:
        output.note()
        output.heading(title)
        for line in lines:
            output.note(line)
