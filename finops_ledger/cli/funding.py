"""The command that proposes top-ups: ``finops topup``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import books_option, cli, csv_option, json_option, opened


def _moment(unused_context: Any, unused_param: Any, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is no moment like 2026-03-17T16:30 or 2026-03-17T16:30+07:00"
        ) from error


@cli.command()
@click.option("--partner", metavar="NAME", help="Only this partner, with every operand.")
@click.option(
    "--at",
    metavar="MOMENT",
    callback=_moment,
    help="The moment to look from, like 2026-03-17T16:30 (the books' zone, or +07:00 behind it); else the end of the "
    "last day that files cover.",
)
@books_option
@json_option
@csv_option
def topup(partner: str | None, at: datetime | None, as_json: bool, as_csv: bool) -> int:
    """What to send to each prepaid partner: how much, by when, by which rail, and why.

    By usage of each weekday and hour, the events and hours of [versions.funding], and the days on which banks are
    closed. Ends with exit code 2 when nothing can be said of a partner (no history, and nothing assumed).
    """
    from finops_ledger.reports import topup as laid_out

    with opened() as books:
        found = books.topup(at, partner)
    if as_json:
        output.print_json(found)
    elif as_csv:
        click.echo(laid_out.report(found).csv(), nl=False)
    else:
        output.note(laid_out.looked_from(found))
        output.report(laid_out.report(found))
        for line in laid_out.below(found, every=partner is not None):
            output.note(line)
    refused = [p for p in found["partners"] if p["refused"]]
    for one in refused:
        output.error(f"finops: {one['partner']}: {one['refused']}")
    return 2 if refused else 0
