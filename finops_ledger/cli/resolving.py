"""The command by which people decide about open items."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import NOT_CLEAN, books_option, call, cli, json_option, opened

if TYPE_CHECKING:
    from finops_ledger.books.resolving import Resolution


def _span(unused_context: Any, unused_param: Any, value: str | None) -> timedelta | None:
    from finops_ledger.core.days import parse_span

    if value is None:
        return None
    try:
        return parse_span(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write it like 30d or 48h") from error


def _money(unused_context: Any, unused_param: Any, value: str | None) -> Decimal | None:
    from finops_ledger.core.money import parse

    if value is None:
        return None
    try:
        return parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no plain amount, like 1500 or 12.50") from error


@cli.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--as",
    "treatment",
    metavar="TREATMENT",
    help="How: claim, refund, cost, write-off, recharge, loss, identify, income, accept or close.",
)
@click.option("--maker", default="", metavar="NAME", help="Who decides; it is recorded.")
@click.option("--checker", default="", metavar="NAME", help="Who approves; somebody else.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the narration.")
@click.option(
    "--evidence",
    default="",
    metavar="FILE|TEXT",
    help="What there is in writing; a file is kept in the archive under its hash.",
)
@click.option(
    "--case",
    default="",
    metavar="ID",
    help="The case; else that of the claim, or the next free number.",
)
@click.option("--cause", default="", metavar="CAUSE", help="Of a loss, like human_error.")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day of the decision; else the last one that is reconciled.",
)
@click.option(
    "--amount", callback=_money, metavar="AMOUNT", help="A part of the item; the rest stays open."
)
@click.option(
    "--to",
    multiple=True,
    metavar="ACCOUNT[=AMOUNT][@ID]",
    help="Where it belongs, as it posts; several times for several accounts.",
)
@click.option(
    "--class", "class_", metavar="CLASS", help="All open breaks of a class, instead of IDs."
)
@click.option(
    "--counterparty", metavar="NAME", help="Of those, only the ones with this counterparty."
)
@click.option(
    "--older-than",
    callback=_span,
    metavar="SPAN",
    help="Of those, only the ones opened so long ago, like 30d.",
)
@click.option(
    "--undo", is_flag=True, help="Take the last decision about the IDs (or of --case) back."
)
@click.option("--anyway", is_flag=True, help="Decide also what a file will say by itself.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the journal and write nothing; without --as, list what fits.",
)
@books_option
@json_option
def resolve(
    ids: tuple[str, ...],
    treatment: str | None,
    undo: bool,
    dry_run: bool,
    as_json: bool,
    **how: Any,
) -> int:
    """Decide about open breaks and claims: claim, absorb, write off, charge again, bear the loss.

    Writes the decision into decisions/ as a transaction, prints it, and reconciles again from its day on. Refused
    when it does not fit: another class, an item that is not open, a closed day, more than the checker's limit, one
    person alone, or what a file will say by itself.
    """
    from finops_ledger.core.errors import UsageError

    day = how.pop("day")
    how["day"] = day.date() if day else None
    with opened() as books:
        if undo:
            made = books.take_back(
                ids, how["case"], how["maker"], how["checker"], how["reason"], dry_run=dry_run
            )
        elif treatment is None:
            if not dry_run:
                raise UsageError(
                    "say how: --as claim, cost, write-off, …; --dry-run lists what fits"
                )
            return _fits(books.treatments(ids, how["class_"], how["counterparty"]), as_json)
        else:
            made = books.resolve(ids, treatment, dry_run=dry_run, **how)
    _show(made, as_json)
    return NOT_CLEAN if made.conflicts else 0


def _fits(found: list[dict[str, Any]], as_json: bool) -> int:
    if as_json:
        output.print_json(found)
        return 0
    headers = [
        ("Item", False),
        ("Class", False),
        ("Residue", True),
        ("Claimed", True),
        ("Fits", False),
    ]
    rows = [
        (
            i["id"],
            i["class"],
            i["residue"],
            i["claimed"],
            ", ".join(i["treatments"]) or i["closed_by"],
        )
        for i in found
    ]
    output.table(headers, rows)
    return 0


def _show(made: Resolution, as_json: bool) -> None:
    if as_json:
        output.print_json(told(made))
        return
    output.note(made.text.rstrip("\n"))
    output.note()
    place = f"decisions/{made.path.parent.name}/{made.path.name}"
    if not made.written:
        output.note(f"Nothing is written yet; it would stand in {place}.")
        return
    output.note(f"Written to {place}.")
    output.errors(made.conflicts)
    output.note(f"Next: {call('breaks')}")


def told(made: Resolution) -> dict[str, Any]:
    """Return a decision as JSON tells it; money is text."""
    from finops_ledger.core.money import plain

    def value(v: object) -> object:
        if isinstance(v, date):
            return v.isoformat()
        return plain(v) if isinstance(v, Decimal) else v

    return {
        "day": made.day.isoformat(),
        "file": f"decisions/{made.path.parent.name}/{made.path.name}",
        "written": made.written,
        "items": [one.id for one in made.items],
        "entries": [
            {
                "payee": entry.payee,
                "narration": entry.narration,
                "meta": {k: value(v) for k, v in entry.meta},
                "postings": [
                    {
                        "account": p.account,
                        "amount": plain(p.amount),
                        "meta": {k: value(v) for k, v in p.meta},
                    }
                    for p in entry.postings
                ],
            }
            for entry in made.entries
        ],
        "text": made.text,
        "conflicts": made.conflicts,
    }


__all__ = ["resolve"]
