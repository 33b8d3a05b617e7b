"""``finops settlements``: what is to be paid and received, when, and what does not come to what it should."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

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

_NAMES = {"vat": "VAT"}


@cli.command()
@click.option(
    "--direction", type=click.Choice(["pay", "receive"]), help="Only what we pay, or receive."
)
@click.option(
    "--due-by",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    callback=lambda _c, _p, value: value.date() if value else None,
    help="Only what is due up to this day.",
)
@click.option("--counterparty", metavar="NAME", help="Only with this counterparty.")
@click.option("--calendar", "as_calendar", is_flag=True, help="Amounts by day, with closed days.")
@click.option("--all", "everything", is_flag=True, help="Also what is paid as it should be.")
@as_of_option
@books_option
@json_option
@csv_option
@click.option(
    "--xlsx",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a workbook: settlements, ageing, what is due next, the calendar.",
)
def settlements(
    direction: str | None,
    due_by: date | None,
    counterparty: str | None,
    as_calendar: bool,
    everything: bool,
    as_of: date | None,
    as_json: bool,
    as_csv: bool,
    xlsx: Path | None,
) -> None:
    """Settlements to pay and to receive: pending, due, overdue, short, over.

    Computed row by row, under the contract of each row's day, and compared with invoices, reports, payment lists
    and the bank.
    """
    from finops_ledger.reports import settlements as laid_out

    if xlsx is not None and (as_json or as_csv):
        from finops_ledger.core.errors import UsageError

        raise UsageError("--xlsx writes a workbook: leave --json and --csv out")
    with opened() as books:
        _known(counterparty, books.space.registry.sops)
        found = books.settlements(as_of, direction=direction, due_by=due_by, everything=everything)
        found = [s for s in found if counterparty in (None, s["counterparty"])]
        wanted = as_calendar or xlsx is not None
        days = books.settlement_calendar(found, as_of) if wanted else []
        waiting = "" if as_json or as_csv else summary.not_reconciled(books, as_of)
    if waiting:
        output.note(waiting)
    if xlsx is not None:
        _workbook(xlsx, laid_out.sheets(found, days), len(found))
    elif as_json:
        output.print_json(days if as_calendar else found)
    elif as_csv:
        made = (
            laid_out.calendar(days, every_day=True) if as_calendar else laid_out.everything(found)
        )
        click.echo(made.csv(), nl=False)
    elif not found:
        output.note(
            "Nothing is to be settled." if everything else "Nothing is open. What is paid: --all"
        )
    elif as_calendar:
        output.report(laid_out.calendar(days))
    else:
        _show(found, laid_out)


def _workbook(path: Path, sheets: dict[str, Any], count: int) -> None:
    from finops_ledger.reports import workbook

    workbook.write(path, sheets)
    output.note(f"{path}: {output.count(count, 'settlement')}")


def _known(counterparty: str | None, sops: dict[str, Any]) -> None:
    from finops_ledger.core.errors import UsageError
    from finops_ledger.intake.conditions import suggestion

    if counterparty is not None and counterparty not in sops:
        near = suggestion(counterparty, sops) or f"; known: {', '.join(sorted(sops))}"
        raise UsageError(f"--counterparty {counterparty}: it has no SOP{near}")


def _show(found: list[dict[str, Any]], laid_out: Any) -> None:
    for direction, title in laid_out.DIRECTIONS.items():
        made = laid_out.report(found, direction)
        if made.rows:
            output.heading(title)
            output.report(made)
            output.note()
    aged = laid_out.ageing(found)
    if aged.rows:
        output.heading("Open by days past due")
        output.report(aged)
    told = [line for one in found for line in _told(one)]
    if told:
        output.note()
        for line in told[:20]:
            output.note(line)
        if len(told) > 20:
            output.note(f"… and {len(told) - 20} more: --json has them all")
    disputed = next((s for s in found if s["items"] and s["disputed"] != "0"), None)
    if disputed is not None:
        output.note("Next: " + call(f"breaks --counterparty {disputed['counterparty']}"))


def _told(one: dict[str, Any]) -> list[str]:
    """Say in words where a settlement differs, component by component."""
    from finops_ledger.reports.report import amount

    name = f"{one['counterparty']} {one['ref']}"
    found = [
        f"{name}: {_NAMES.get(d['component'], d['component'])} is {amount(d['theirs'])}, "
        f"by the contract {amount(d['ours'])}: {_signed(d['by'])}."
        for d in one["differences"]
    ]
    if one["state"] in ("paid", "part-paid") and one["listed"] not in (None, one["paid"]):
        found.append(f"{name}: listed {amount(one['listed'])}, paid {amount(one['paid'])}.")
    elif one["type"] == "gateway" and one["state"] == "part-paid":
        found.append(f"{name}: reported {amount(one['stated'])}, paid {amount(one['paid'])}.")
    return found + [f"{name}: {note}." for note in one["notes"]]


def _signed(text: str) -> str:
    from finops_ledger.reports.report import amount

    return amount(text) if text.startswith("-") else f"+{amount(text)}"
