"""The commands of settlement runs: propose, approve, list, cancel."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import (
    NOT_CLEAN,
    as_of_option,
    books_option,
    call,
    cli,
    json_option,
    opened,
)

if TYPE_CHECKING:
    from finops_ledger.books.paying import Proposal, Run
    from finops_ledger.books.resolving import Resolution


@cli.group()
def pay() -> None:
    """Pay settlements: one person proposes a list, another approves it."""


def _day(_context: Any, _param: Any, value: Any) -> date | None:
    return value.date() if value else None


@pay.command()
@click.argument("settlements", nargs=-1, metavar="[STL-…]...")
@click.option(
    "--due-by",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    metavar="DAY",
    help="All that are due up to this day; else up to the books' day.",
)
@click.option("--counterparty", metavar="NAME", help="Only those of this partner.")
@click.option("--advance", is_flag=True, help="Also what is not due yet, or below the minimum.")
@click.option("--by", default="", metavar="NAME", help="Who proposes; it is recorded.")
@click.option("--dry-run", is_flag=True, help="Show the list and write nothing.")
@as_of_option
@books_option
@json_option
def propose(
    settlements: tuple[str, ...],
    due_by: date | None,
    counterparty: str | None,
    advance: bool,
    by: str,
    dry_run: bool,
    as_of: date | None,
    as_json: bool,
) -> int:
    """Propose a payment list: what is due, what each payment is made up of, to which account, by which rail.

    Writes a workbook and the bank's upload into reports/payments/<run>/, and nothing into the books. Settlements that
    are due and are not paid are told with the reason; of those named by their code, each must be payable. Exit code 1
    when nothing could be listed though something is due.
    """
    with opened() as books:
        made = books.pay.propose(
            by,
            named=settlements,
            due_by=due_by,
            counterparty=counterparty,
            as_of=as_of,
            advance=advance,
            dry_run=dry_run,
        )
    if as_json:
        output.print_json({**made.document, "written": made.written})
    else:
        _show(made)
    return NOT_CLEAN if made.left_out and not made.lines else 0


@pay.command()
@click.argument("run")
@click.option(
    "--by", default="", metavar="NAME", help="Who approves; somebody else than who proposed."
)
@click.option("--dry-run", is_flag=True, help="Print the journal and write nothing.")
@books_option
@json_option
def approve(run: str, by: str, dry_run: bool, as_json: bool) -> int:
    """Approve a payment list: write it into the books as a decision of two people.

    Refused when the approver is the maker or has no authority for the sum, when a file of the list has been changed,
    or when a figure is no longer what was proposed.
    """
    from finops_ledger.cli.resolving import told
    from finops_ledger.core.errors import UsageError

    if not by.strip():
        raise UsageError("--by: say who approves the list; somebody else than who proposed it")
    with opened() as books:
        made = books.pay.approve(run, by, dry_run=dry_run)
        document = next(r.document for r in books.pay.runs() if r.run == run)
    if as_json:
        output.print_json({"run": run, **told(made)})
        return NOT_CLEAN if made.conflicts else 0
    output.note(made.text.rstrip("\n"))
    output.note()
    place = f"decisions/{made.path.parent.name}/{made.path.name}"
    for line in document["lines"]:
        output.errors([f"Look at {line['settlement']}: {w}" for w in line["warnings"]])
    if not made.written:
        output.note(f"Nothing is written yet; it would stand in {place}.")
        return 0
    output.note(f"Written to {place}.")
    output.errors(made.conflicts)
    uploads = [name for name in document["files"] if name.startswith("upload-")]
    output.note(
        f"For the bank: {', '.join(f'reports/payments/{run}/{u}' for u in sorted(uploads))}"
    )
    return NOT_CLEAN if made.conflicts else 0


@pay.command()
@click.argument("run")
@books_option
@json_option
def show(run: str, as_json: bool) -> int:
    """Show a payment list again, as it was proposed."""
    with opened() as books:
        found = books.pay.run(run)
    if as_json:
        output.print_json({"state": found.state, "checker": found.checker, **found.document})
        return 0
    _list(found.document)
    output.note()
    output.note(
        f"Run {run}, proposed by {found.document['maker']} from the books of {found.document['as_of']}:"
    )
    by = f" by {found.checker}: {', '.join(found.places)}" if found.places else ""
    output.note(f"  {found.state}{by}")
    return 0


@pay.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those approved and cancelled.")
@books_option
@json_option
def list_(everything: bool, as_json: bool) -> int:
    """List payment lists that wait for approval."""
    with opened() as books:
        found = [r for r in books.pay.runs() if everything or r.state == "proposed"]
    if as_json:
        output.print_json([_told(one) for one in found])
        return 0
    if not found:
        output.note("No payment list waits for approval.")
        return 0
    headers = [
        ("Run", False), ("Books of", False), ("By", False), ("State", False), ("Checker", False),
        ("Settlements", True), ("Transfers", True), ("Amount", True),
    ]  # fmt: skip
    rows = [
        (
            one.run,
            one.document["as_of"],
            one.document["maker"],
            one.state,
            one.checker,
            len(one.document["lines"]),
            one.document["totals"]["transfers"],
            _amount(one.document["totals"]["amount"]),
        )
        for one in found
    ]
    output.table(headers, rows)
    return 0


@pay.command()
@click.argument("run")
@click.option("--by", default="", metavar="NAME", help="Who takes it away; it is recorded.")
@click.option(
    "--checker", default="", metavar="NAME", help="Of an approved list: who agrees; somebody else."
)
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@books_option
@json_option
def cancel(run: str, by: str, checker: str, reason: str, as_json: bool) -> int:
    """Take a payment list away that the bank has not paid.

    One person cancels what nobody has approved. An approved list is taken back by two: its opposite is written below
    it, on the same day, and its settlements can be proposed again.
    """
    with opened() as books:
        if checker.strip():
            return _taken_back(books.pay.take_back(run, by, checker, reason), run, as_json)
        found = books.pay.cancel(run, by, reason)
    if as_json:
        output.print_json(_told(found))
    else:
        output.note(f"{run} is cancelled; its settlements can be proposed again.")
    return 0


def _taken_back(made: Resolution, run: str, as_json: bool) -> int:
    from finops_ledger.cli.resolving import told

    if as_json:
        output.print_json({"run": run, **told(made)})
    else:
        output.note(made.text.rstrip("\n"))
        output.note()
        output.note(f"Written to decisions/{made.path.parent.name}/{made.path.name}.")
        output.errors(made.conflicts)
    return NOT_CLEAN if made.conflicts else 0


def _told(one: Run) -> dict[str, Any]:
    totals = one.document["totals"]
    return {
        "run": one.run,
        "state": one.state,
        "as_of": one.document["as_of"],
        "maker": one.document["maker"],
        "checker": one.checker,
        "settlements": [line["settlement"] for line in one.document["lines"]],
        **totals,
        "decisions": one.places,
    }


def _amount(text: str) -> str:
    from finops_ledger.reports.report import amount

    return amount(Decimal(text))


def _show(made: Proposal) -> None:
    """Print a proposal, and what comes next."""
    _list(made.document)
    output.note()
    if not made.lines:
        output.note("Nothing to pay." if not made.left_out else "Nothing that is due can be paid.")
    elif made.written:
        output.note(
            f"Run {made.run}, in reports/payments/{made.run}/: {', '.join(sorted(made.files))}"
        )
        output.note(f"Next, by somebody else: {call(f'pay approve {made.run} --by NAME')}")
    else:
        output.note(f"Run {made.run}; nothing is written yet.")


def _list(told: dict[str, Any]) -> None:
    """Print the payments, how each is made up, what is left out, what to look at."""
    if told["lines"]:
        _payments(told)
        _made_up(told)
    if told["left_out"]:
        output.note()
        output.note("Left out:")
        for one in told["left_out"]:
            output.note(f"  {one['settlement']}: {one['why']}")
    warned = [(line["settlement"], w) for line in told["lines"] for w in line["warnings"]]
    if warned:
        output.note()
        for name, warning in warned:
            output.note(f"Look at {name}: {warning}")


def _payments(told: dict[str, Any]) -> None:
    headers = [
        ("Settlement", False), ("To", False), ("Due", False), ("Value date", False), ("Rail", False),
        ("Send by", False), ("Transfers", True), ("Fee", True), ("To pay", True),
    ]  # fmt: skip
    rows = []
    for line in told["lines"]:
        sent = line["transfers"]
        fees = sum((Decimal(t["fee"]) for t in sent), Decimal(0))
        to = f"{line['to']['bank']} {line['to']['number']} {line['to']['name']}"
        rows.append(
            (line["settlement"], to, line["due"], line["day"], sent[0]["rail"], sent[0]["until"], len(sent),
             _amount(str(fees)), _amount(line["amount"]))
        )  # fmt: skip
    totals = told["totals"]
    rows.append(
        ("Total", "", "", "", "", "", totals["transfers"], _amount(totals["fees"]), _amount(totals["amount"]))
    )  # fmt: skip
    output.table(headers, rows, last=True)


_PARTS = (
    ("gross", "Gross", 1), ("commission", "Commission", -1), ("vat", "VAT", -1), ("withheld", "Withheld", 1),
    ("claims", "Claims", -1), ("rounding", "Rounding", 1), ("held", "Held back", -1), ("amount", "To pay", 1),
    ("stated", "Stated", 1),
)  # fmt: skip


def _made_up(told: dict[str, Any]) -> None:
    """How each payment is made up; columns that say nothing of any of them are left out."""
    shown = [p for p in _PARTS if any(Decimal(line[p[0]] or 0) for line in told["lines"])]
    headers = [("Settlement", False), *((title, True) for _, title, _ in shown)]
    rows = [
        (line["settlement"], *(_signed(line[key], sign) for key, _, sign in shown))
        for line in told["lines"]
    ]
    output.note()
    output.table(headers, rows)


def _signed(text: str, sign: int) -> str:
    return "-" if not text or not Decimal(text) else _amount(str(sign * Decimal(text)))


__all__ = ["pay"]
