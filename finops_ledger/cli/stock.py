"""``finops stock``: codes in the vault, lot by lot, with their expiry and what was counted."""

from __future__ import annotations

from datetime import date

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import as_of_option, books_option, cli, csv_option, json_option, opened


@cli.command()
@as_of_option
@books_option
@json_option
@csv_option
def stock(as_of: date | None, as_json: bool, as_csv: bool) -> None:
    """Codes in stock: each lot with its cost, its value, and until when it may be sold; what was counted."""
    from finops_ledger.reports import stock as laid_out

    with opened() as books:
        found = books.stock(as_of)
    made = laid_out.report(found)
    if as_json:
        output.print_json(found)
    elif as_csv:
        click.echo(made.csv(), nl=False)
    elif not found["lots"] and not found["counts"]:
        output.note("No codes are in stock.")
    else:
        output.report(made)
        below = list(laid_out.below(found))
        for line in ["", *below] if below else ():
            output.note(line)
