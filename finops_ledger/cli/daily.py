"""The daily work: lay out books, import, reconcile, run; and the demo."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ledger.cli import output, summary
from finops_ledger.cli.app import (
    as_of_option,
    books_option,
    call,
    choose,
    cli,
    folder,
    json_option,
    opened,
)

if TYPE_CHECKING:
    from finops_ledger.books.books import Books, ImportReport

_FOLDER = click.Path(file_okay=False, path_type=Path)


def _day(unused_context: Any, unused_param: Any, value: Any) -> date | None:
    return value.date() if value else None


@cli.command()
@click.argument("folder_", metavar="[DIR]", type=_FOLDER, required=False)
@click.option("--title", default="Our books", show_default=True, help="The company's name.")
@click.option("--currency", default="IDR", show_default=True, help="ISO 4217 code.")
@click.option("--zone", default="Asia/Jakarta", show_default=True, help="The books' time zone.")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    help="First day of the books.  [default: the first of this year]",
)
def init(folder_: Path | None, title: str, currency: str, zone: str, start: date | None) -> None:
    """Lay out new books in DIR (empty or missing)."""
    from datetime import UTC, datetime

    from finops_ledger.books import Books
    from finops_ledger.core.days import zone as zone_of
    from finops_ledger.core.errors import UsageError

    root = choose(folder_) if folder_ else folder()
    try:
        zone_of(zone)
    except ValueError as error:
        raise UsageError(f"--zone: {error}") from error
    if len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise UsageError(f"--currency {currency}: an ISO 4217 code has three capital letters")
    first = start or datetime.now(UTC).date().replace(month=1, day=1)
    Books.init(root, title=title, start=first, currency=currency, zone=zone)
    output.note(f"New books in {root}, from {first.isoformat()} on, in {currency}.")
    output.note(
        f"Next: name your sources in {root / 'finops.toml'}, their treatment in {root / 'sops'}; "
        f"then put files into {root / 'inbox'} and call: {call('run')}"
    )


@cli.command()
@click.argument("folder_", metavar="[DIR]", type=_FOLDER, default=Path("demo"))
@click.option("--days", type=click.IntRange(1, 3660), default=7, show_default=True)
@click.option("--orders-per-day", type=click.IntRange(1), default=200, show_default=True)
@click.option("--partners", type=click.IntRange(1, 26), default=2, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other files.")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_day,
    default="2026-03-01",
    show_default=True,
    help="The first day.",
)
@click.option(
    "--scenes",
    type=click.IntRange(0, 1000),
    default=0,
    show_default=True,
    help="How often each class of break is played, with further partners and a gateway.",
)
@click.option("--run", "and_run", is_flag=True, help="Import and reconcile all days as well.")
@click.option(
    "--samples",
    type=_FOLDER,
    help="Make books of each shipped sample too, in this folder (empty or missing).",
)
def demo(
    folder_: Path,
    days: int,
    orders_per_day: int,
    partners: int,
    seed: int,
    start: date,
    scenes: int,
    and_run: bool,
    samples: Path | None,
) -> None:
    """Lay out the books of a made-up company.

    In DIR, its files waiting in the inbox. The same options make the same files; what really
    happened stands in DIR/truth.
    """
    import tempfile

    from finops_ledger.books import Books
    from finops_ledger.books.demo import lay_out_demo
    from finops_ledger.simulator import Faults, simulate

    root = choose(folder_)
    with tempfile.TemporaryDirectory(prefix="finops-demo-") as place:
        made = simulate(
            Path(place),
            start=start,
            days=days,
            orders_per_day=orders_per_day,
            partners=partners,
            seed=seed,
            faults=Faults(scenes=scenes),
        )
        lay_out_demo(root, Path(place), list(made.partners))
    waiting = sum(1 for p in (root / "inbox").iterdir() if p.is_file())
    output.note(f"Demo books in {root}: {made.orders:,} orders over {days} days, {waiting} files.")
    if and_run:
        with Books(root) as books:
            books.import_files(progress=output.progress("Importing"), derive=False)
            books.reconcile(progress=output.progress("Reconciling"))
            summary.show(books, books.status())
    if samples is not None:
        _show_samples(samples)
    output.note(f"To see them in Fava: finops serve {root}" if and_run else f"Next: {call('run')}")


def _show_samples(folder_: Path) -> None:
    """Make books of every shipped sample, and say what became of each."""
    from finops_ledger.books.samples import import_shipped_samples
    from finops_ledger.reports.report import amount

    made = import_shipped_samples(folder_)
    output.note()
    output.note(f"The shipped samples, each in books of its own in {folder_}:")
    output.table(
        [
            ("File", False),
            ("Rows", True),
            ("Posted", True),
            ("Excluded", True),
            ("Refused", True),
            ("Control amount", True),
            ("Currency", False),
            ("Balanced", False),
        ],
        [
            [
                m.name,
                str(m.rows),
                str(m.posted),
                str(m.excluded),
                str(m.refused),
                amount(m.control) if m.control else "",
                m.currency,
                "yes" if m.balanced else "no",
            ]
            for m in made
        ],
    )
    for one in made:
        output.errors([f"{one.name}: {e}" for e in one.errors])


@cli.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--accept-valid",
    is_flag=True,
    help="Take the sound rows of a file with faults; the others are recorded as refused.",
)
@books_option
@json_option
def import_(files: tuple[Path, ...], accept_valid: bool, as_json: bool) -> int:
    """Import FILES, or everything in the inbox; a folder stands for the files in it.

    Each file is one commit, and moves into the archive. A gzip is what it holds; a zip is one commit for
    each file in it, all or none. A file with faults moves into quarantine with a report, and nothing of it
    is posted. One that is still being written, or over a limit, is left. The same file again changes nothing.
    """
    with opened() as books:
        report = books.import_files(
            list(files) or None,
            accept_valid=accept_valid,
            progress=output.progress("Importing"),
        )
        if as_json:
            output.print_json(_import_json(report))
        else:
            _tell_rules(books)
            _show_import(report, named=bool(files))
    return report.exit_code


def _tell_rules(books: Books) -> None:
    """Say which rules were found changed: under them every open day is reconciled again."""
    if books.changed_rules:
        output.note(
            f"Rules changed: {', '.join(books.changed_rules)}; every open day is reconciled again under them."
        )


@cli.command()
@as_of_option
@books_option
@json_option
def reconcile(as_of: date | None, as_json: bool) -> int:
    """Reconcile every day whose files are in, leg by leg."""
    with opened() as books:
        done = books.reconcile(as_of, progress=output.progress("Reconciling"))
        found = books.status(as_of)
        if as_json:
            output.print_json({"reconciled": done, "status": found})
        else:
            _tell_rules(books)
            output.note(f"{done} legs and days reconciled." if done else "Nothing was due.")
            summary.show(books, found)
    return summary.exit_code(found["verdict"])


@cli.command()
@click.option("--accept-valid", is_flag=True, help="As with import.")
@as_of_option
@books_option
@json_option
def run(accept_valid: bool, as_of: date | None, as_json: bool) -> int:
    """The daily job: import the inbox, reconcile, check.

    Ends with the gravest finding: books that do not prove themselves (4), a refused file (3), a day
    that is not clean (1).
    """
    with opened() as books:
        report = books.import_files(
            accept_valid=accept_valid, progress=output.progress("Importing"), derive=False
        )
        done = books.reconcile(as_of, progress=output.progress("Reconciling"))
        checked = books.check(as_of)
        if as_json:
            told = {"import": _import_json(report), "reconciled": done, "check": checked.as_dict()}
            output.print_json(told)
        else:
            _tell_rules(books)
            _show_import(report)
            summary.show(books, books.status(as_of))
        summary.tell_faults(checked)
    if not checked.proven:
        return 4
    return report.exit_code or summary.exit_code(checked.verdict)


def _import_json(report: ImportReport) -> dict[str, Any]:
    from dataclasses import asdict

    return {"files": [asdict(f) for f in report.files]}


def _show_import(report: ImportReport, *, named: bool = False) -> None:
    counts = {v: sum(f.verdict == v for f in report.files) for v in ("imported", "known")}
    if not report.files:
        output.note(
            "There are no files to import."
            if named
            else f"No files are waiting in {folder() / 'inbox'}."
        )
        return
    rows = sum(int(f.rows.get("read", 0)) for f in report.files)
    told = f"{output.count(counts['imported'], 'file')} imported, {output.count(rows, 'row')}"
    output.note(told + (f"; {counts['known']} known already" if counts["known"] else "") + ".")
    for file in report.files:
        if file.verdict == "imported" and file.problems:
            output.error(f"{file.message}; {file.total} rows refused:")
            for problem in file.problems[:5]:
                output.error(f"  {problem}")
        elif file.verdict not in ("imported", "known"):
            output.error(f"{file.verdict}: {file.message}")
        elif file.notes:
            output.error(file.message)
    if any(f.verdict == "refused" for f in report.files):
        output.error(f"The reports are in {folder() / 'quarantine'}; nothing of these is posted.")
