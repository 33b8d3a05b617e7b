"""``finops confirm``: letters by which partners confirm their deposits, and what they answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import (
    Command,
    as_of_option,
    books_option,
    call,
    cli,
    json_option,
    opened,
)

_MONTH = click.option("--month", required=True, metavar="YYYY-MM", help="The month.")
_BY = click.option("--by", required=True, metavar="NAME", help="Who does it; it is recorded.")


def _money(unused_context: Any, unused_param: Any, value: str) -> Decimal:
    from finops_ledger.core.money import parse

    try:
        return parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no plain amount, like 165890600") from error


def _day(what: str) -> Callable[[Command], Command]:
    return click.option(
        "--day",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="DAY",
        callback=lambda _c, _p, value: value.date() if value else None,
        help=what,
    )


@cli.group(invoke_without_command=True)
@books_option
@json_option
@click.pass_context
def confirm(context: click.Context, as_json: bool) -> None:
    """Balance confirmations: letters to partners, and their answers.

    Without a command: list.
    """
    if context.invoked_subcommand is None:
        context.invoke(listed, as_json=as_json)


@confirm.command("list")
@click.option("--month", metavar="YYYY-MM", help="Only this month.")
@click.option("--partner", metavar="NAME", help="Only this partner.")
@click.option("--open", "only_open", is_flag=True, help="Only what is left to do.")
@as_of_option
@books_option
@json_option
def listed(
    month: str | None = None,
    partner: str | None = None,
    only_open: bool = False,
    as_of: date | None = None,
    as_json: bool = False,
) -> None:
    """What was sent, agreed, differs, is overdue or due, by month and partner.

    No answer is an open action, never an agreement.
    """
    with opened() as books:
        found = books.confirmations.listed(as_of, month, partner)
    found = [f for f in found if f["open"] or not only_open]
    if as_json:
        output.print_json(found)
    elif not found:
        output.note("No confirmation is due yet.")
    else:
        _show(found)
        due = next((f for f in found if f["state"] == "due"), None)
        if due is not None:
            output.note()
            output.note("Next: " + call(f"confirm write --month {due['month']} --by NAME"))


def _show(found: list[dict[str, Any]]) -> None:
    from finops_ledger.reports.confirming import report

    output.report(report(found))


@confirm.command("write")
@_MONTH
@click.option(
    "--partner", metavar="NAME", help="Only to this partner; else to all to whom it is due."
)
@_BY
@_day("The date of the letter; else today.")
@click.option(
    "--form", default="", metavar="FORM", help="positive, negative or blank; else by SOP."
)
@books_option
@json_option
def write(
    month: str, partner: str | None, by: str, day: date | None, form: str, as_json: bool
) -> None:
    """Write the letters of a month, and record them as sent.

    From the books: the balance at the partner's own close of the last day, the roll-forward of the month, top-ups in
    transit, open differences. One page (HTML, to be printed or made a PDF) and one text for each partner.
    """
    with opened() as books:
        made = books.confirmations.write(month, by, partner, day, form)
    if as_json:
        output.print_json(made)
        return
    from finops_ledger.books.confirming import FOLDER
    from finops_ledger.reports.report import amount

    for one in made:
        place = f"{FOLDER}/{one['partner']}/{one['month']}"
        output.note(
            f"{one['partner']}: {amount(one['balance'])}, answer by {one['answer_by']}: {place}.html, .txt"
        )


@confirm.command("reply")
@click.argument("partner")
@_MONTH
@click.option(
    "--balance", required=True, callback=_money, metavar="AMOUNT", help="What the partner states."
)
@click.option(
    "--evidence",
    required=True,
    metavar="FILE|TEXT",
    help="The answer itself; a file is kept in the archive under its hash.",
)
@_BY
@_day("The date of the answer; else today.")
@click.option("--reason", default="", metavar="TEXT", help="What the partner says of a difference.")
@books_option
@json_option
def reply(
    partner: str,
    month: str,
    balance: Decimal,
    evidence: str,
    by: str,
    day: date | None,
    reason: str,
    as_json: bool,
) -> None:
    """Record what PARTNER answered to the last letter of a month.

    As a decision, with the answer as its evidence. Whether it agrees follows from the figures.
    """
    with opened() as books:
        made = books.confirmations.reply(partner, month, balance, evidence, by, day, reason)
    if as_json:
        output.print_json(made)
    else:
        output.note(f"{partner}, {month}: {made['told']}.")
        if made["state"] == "differs":
            output.note("Next: " + call(f"deposits --partner {partner}"))
