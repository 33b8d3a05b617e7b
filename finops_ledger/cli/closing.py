"""Commands that close a period, and take a wrong import back."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import books_option, call, cli, json_option, opened

_BY = click.option("--by", required=True, metavar="NAME", help="Who decides it; it is recorded.")


def _day(unused_context: Any, unused_param: Any, value: str) -> date:
    """Read a day, or a month as its last day."""
    try:
        if len(value) == len("2026-03"):
            first = date.fromisoformat(f"{value}-01")
            return first.replace(day=monthrange(first.year, first.month)[1])
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(
            f"{value!r} is neither a day like 2026-03-31 nor a month like 2026-03"
        ) from error


@cli.command()
@click.argument("through", callback=_day)
@_BY
@books_option
@json_option
def close(through: date, by: str, as_json: bool) -> None:
    """Lock every day up to THROUGH: 2026-03-31, or 2026-03 for the whole month.

    Nothing in a closed period changes any more: what a later file says of it posts on the first open day,
    with orig_date. Refused when a day of the period is incomplete.
    """
    with opened() as books:
        line = books.close_period(through, by)
    if as_json:
        output.print_json({k: line[k] for k in ("through", "by", "as_of", "digest")})
        return
    output.note(
        f"Closed up to {through} by {by}: {output.count(len(line['journal']), 'day')} locked."
    )
    output.note(f"Proof: {line['digest']}")
    output.note(f"Next: {call('verify')}")


@cli.command()
@click.argument("batch")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is recorded.")
@_BY
@books_option
@json_option
def withdraw(batch: str, reason: str, by: str, as_json: bool) -> None:
    """Take a wrong import back: BATCH, like b-5e0c6a1f00d2c3b4, counts for nothing any more.

    The books are then those into which its file never came. The file can be imported again. Refused for what
    stands in a closed period.
    """
    with opened() as books:
        line = books.withdraw(batch, reason, by)
    if as_json:
        output.print_json({k: line[k] for k in ("batch", "reason", "by", "touches", "standing")})
        return
    output.note(f"{batch} is withdrawn; {output.count(len(line['touches']), 'day')} changed.")
    if line["standing"]:
        output.note(f"What these post has changed: {', '.join(line['standing'])}")
    output.note(f"Next: {call('run')}")


__all__ = ["close", "withdraw"]
