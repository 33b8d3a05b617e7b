"""Commands about formats: which there are, what one would read of a file, one proposed for a file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finops_ledger.cli import output
from finops_ledger.cli.app import REFUSED, books_option, cli, folder, json_option

if TYPE_CHECKING:
    from finops_ledger.books import Books
    from finops_ledger.intake.trial import Trial

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_MEMBER = click.option(
    "--member", metavar="NAME", help="Of a zip file of several: the one to look at."
)
_SHOWN = 20
_WIDEST = 34
_GAPS = 5  #: places of a broken balance that are shown


@cli.group(name="format")
def format_() -> None:
    """Formats: how files are read; list, try and propose them."""


def _at_hand() -> Path | None:
    """Return the folder of the books' own formats, if there are books."""
    return folder() / "formats" if (folder() / "finops.toml").is_file() else None


def _books() -> Books | None:
    from finops_ledger.books import Books

    return Books(folder()) if _at_hand() is not None else None


@format_.command("list")
@click.option("--wide", is_flag=True, help="Say where each layout comes from, too.")
@books_option
@json_option
def list_(wide: bool, as_json: bool) -> None:
    """The formats at hand: shipped ones, and those of the books."""
    from finops_ledger.intake.trial import known_formats

    found = known_formats(_at_hand())
    if as_json:
        output.print_json(
            [
                {
                    "name": k.name,
                    "own": k.own,
                    "path": str(k.path),
                    "kind": k.format.file.kind if k.format else None,
                    "role": k.format.role if k.format else None,
                    "version": k.format.version if k.format else None,
                    "description": k.format.description if k.format else None,
                    "source_of_layout": k.format.source_of_layout if k.format else None,
                    "fault": k.fault or None,
                }
                for k in found
            ]
        )
        return
    rows = []
    for k in found:
        name = f"{k.name} (own)" if k.own else k.name
        if k.format is None:
            rows.append((name, "", "", "cannot be loaded: " + k.fault.splitlines()[0], ""))
            continue
        told = (k.format.description, k.format.source_of_layout)
        rows.append((name, k.format.file.kind, k.format.role or "", *told))
    titles = ("Format", "Kind", "Role", "Description", "Layout from")[: 5 if wide else 4]
    output.table([(t, False) for t in titles], [r[: len(titles)] for r in rows], fold=True)


@format_.command()
@_FILE
@click.option("--format", "named", metavar="NAME|PATH", help="The format; else the one that fits.")
@click.option("--source", metavar="NAME", help="Read it as a file of this source of the books.")
@click.option("--rows", default=10, show_default=True, help="How many rows to show.")
@click.option("--role", metavar="ROLE", help="Without a source: what the file is about.")
@click.option("--currency", default="IDR", show_default=True, help="Without a source.")
@click.option("--zone", default="Asia/Jakarta", show_default=True, help="Without a source.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The file's day.")
@_MEMBER
@books_option
@json_option
def check(
    file: Path,
    named: str | None,
    source: str | None,
    rows: int,
    role: str | None,
    currency: str,
    zone: str,
    day: Any,
    member: str | None,
    as_json: bool,
) -> int:
    """What an import would make of FILE; nothing is kept.

    Shows the first rows as they would be read, what would be left out or refused and why, the totals
    that the file states, its days and its sums. Ends with exit code 3 when an import would refuse it.
    """
    from finops_ledger.books import trying
    from finops_ledger.core.errors import UsageError
    from finops_ledger.intake.trial import as_json as told
    from finops_ledger.intake.trial import known_formats, recognised

    books, own = _books(), _at_hand()
    formats = known_formats(own)
    when: date | None = day.date() if day else None
    with trying.looked_into(file, member, books.space.config.intake if books else None) as (
        path,
        intake,
    ):
        fits = recognised(path, formats, intake.limits)
        if source is not None:
            if books is None:
                raise UsageError(f"--source needs books, and {folder()} is no workspace")
            given = trying.source_of(books, source)
            fmt = trying.chosen(path, named or given.format, formats, own)
            trial = trying.with_books(path, fmt, rows, books, given, when)
        else:
            fmt = trying.chosen(path, named, formats, own)
            trial = trying.without_books(
                path, fmt, rows, role=role, currency=currency, zone=zone, day=when
            )
    if as_json:
        output.print_json({**told(trial), "recognised_by": fits})
    else:
        _show(trial, fits)
    return 0 if trial.clean else REFUSED


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    text = f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "hour") else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _show_balance(trial: Trial) -> None:
    """Say whether the running balance follows, as the books will walk it."""
    found = trial.running
    if found is None:
        return
    if not found.total:
        stated = output.count(found.stated, "row")
        output.note(f"{found.column} follows from row to row ({stated}).")
        return
    end = (
        "a bank's file is refused for it"
        if trial.role == "bank"
        else "an import takes the file, and the books make it a break"
    )
    places = output.count(found.total, "place")
    output.note(f"{found.column} does not follow from row to row, {places}; {end}:")
    for gap in found.gaps[:_GAPS]:
        output.note(
            f"  line {gap.line}: off by {_written(gap.off)}: {_written(gap.balance)} stands there, "
            f"{_written(gap.expected)} follows"
        )
    if found.total > _GAPS:
        output.note(f"  … and {found.total - _GAPS:,} more")


def _show(trial: Trial, fits: list[str]) -> None:
    named = ", ".join(fits) or "no format at hand"
    output.note(f"{trial.file} as {trial.format} ({trial.role}); recognised by: {named}")
    if trial.head:
        output.note()
        columns = [c for c in trial.head[0] if any(row[c] is not None for row in trial.head)]
        money = {c for c in columns if any(isinstance(row[c], Decimal) for row in trial.head)}
        rows = [[_written(row[c]) for c in columns] for row in trial.head]
        output.table([(c, c in money) for c in columns], rows)
        output.note()
    result = trial.result
    if result is not None:
        first, last = result.first_day, result.last_day
        span = "" if first is None else f", {first}" + (f" to {last}" if last != first else "")
        rows_ = output.count(result.rows, "row")
        output.note(f"{rows_}: {result.kept:,} read, {result.excluded_rows:,} left out, "
                    f"{result.refused:,} refused{span}")  # fmt: skip
        for reason, number in result.excluded.items():
            output.note(f"  left out: {number:,}: {reason}")
        if trial.sums:
            output.note("Sums: " + "; ".join(f"{n} {_written(v)}" for n, v in trial.sums.items()))
        if result.totals:
            held = "; ".join(f"{n} {_written(v)}" for n, v in result.totals.items())
            output.note(f"The file states, and its rows hold: {held}")
        elif not trial.total:
            output.note("The file states no totals.")
        for status, raws in trial.statuses.items():
            told = ", ".join(f"{r or '(empty)'} {n:,}" for r, n in list(raws.items())[:8])
            if any(raws):
                output.note(f"Status {status}: {told}")
    if trial.unmapped:
        told = "; ".join(
            f"{r or '(empty)'}: {output.count(n, 'row')}"
            for r, n in list(trial.unmapped.items())[:20]
        )
        output.note(f"Not known, add it to the map in [status]: {told}")
    _show_balance(trial)
    for note in trial.notes:
        output.note(f"Note: {note}.")
    if trial.business_day is not None:
        output.note(f"Business day of the file: {trial.business_day}.")
    if trial.partner_days is not None:
        first, last = trial.partner_days
        output.note(
            f"Partner days, by the SOP's window: {first}"
            + (f" to {last}." if last != first else ".")
        )
    if trial.total:
        by_code = ", ".join(f"{n:,} {code}" for code, n in trial.by_code.items())
        more = (
            "" if trial.total == len(trial.problems) else f"; of the first {len(trial.problems):,}"
        )
        output.note()
        output.note(f"{output.count(trial.total, 'problem')}{more}: {by_code}")
        for problem in trial.problems[:_SHOWN]:
            output.note(f"  {problem}")
        if trial.total > _SHOWN:
            output.note(f"  … and {trial.total - _SHOWN:,} more")
        output.note("An import would refuse the file.")
    else:
        output.note("An import would take the file.")


@format_.command()
@_FILE
@click.option(
    "--role", metavar="ROLE", help="What the file is about: sale, supply, settlement, bank."
)
@click.option("--name", help="The format's name; else that of the output, or of the file.")
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the format there; an existing file is left alone.",
)
@click.option(
    "--sheet", metavar="NAME", help="Of a workbook of several sheets: the one with the records."
)
@_MEMBER
@books_option
@json_option
def infer(
    file: Path,
    role: str | None,
    name: str | None,
    target: Path | None,
    sheet: str | None,
    member: str | None,
    as_json: bool,
) -> int:
    """Propose a format for FILE, with the evidence for each guess.

    What the file does not prove is written as "?", with the readings that are left. Answer these, then
    try it: finops format check FILE --format PATH.
    """
    import re

    from finops_ledger.books import trying
    from finops_ledger.core.errors import InputRefused, UsageError
    from finops_ledger.intake.infer import propose
    from finops_ledger.intake.trial import known_formats, recognised

    chosen = name or (target.stem if target is not None else file.stem)
    chosen = re.sub(r"[^a-z0-9_-]+", "_", chosen.lower()).strip("_") or "format"
    if target is not None and target.exists():
        raise UsageError(f"{target} exists; choose another name or move it away")
    books, known = _books(), known_formats(_at_hand())
    with trying.looked_into(file, member, books.space.config.intake if books else None) as (
        path,
        intake,
    ):
        fits = recognised(path, known, intake.limits)
        reading = [k for k in known if k.name in fits and k.format is not None]
        say = output.note if target is not None else output.error
        for one in [] if as_json else reading:
            assert one.format is not None
            say(f"Already read by the {'own' if one.own else 'shipped'} format {one.name}; a source in "
                f"finops.toml is all you need:\n\n{trying.source_lines(path.name, one.format)}\n")  # fmt: skip
        try:
            proposal = propose(path, chosen, role, sheet, intake.limits)
        except InputRefused as refused:
            if not reading or as_json:
                raise
            say(f"Nothing else is proposed: {refused.problems[0].message}.")
            return 0
        paste = [trying.source_lines(path.name, k.format) for k in reading if k.format is not None]
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(proposal.text, encoding="utf-8")
    if as_json:
        output.print_json(
            {
                "name": chosen,
                "kind": proposal.kind,
                "records": proposal.records,
                "whole": proposal.whole,
                "undecided": proposal.open,
                "recognised_by": fits,
                "sources": paste,
                "toml": proposal.text,
            }
        )
        return 0
    if target is None:
        output.note(proposal.text.rstrip("\n"))
    if proposal.records:
        looked = output.count(proposal.records, "record")
        say(f"Looked at {looked}" + ("." if proposal.whole else ", the first of more."))
    place = str(target) if target is not None else "PATH"
    if target is not None:
        say(f"Written to {target}.")
    if proposal.open:
        questions = output.count(proposal.open, "question")
        say(f'To decide: {questions}, each a "?" with the readings behind it.')
    kept = "" if target is not None else "keep it with -o formats/NAME.toml, "
    answer = "answer the questions, then" if proposal.open else "then"
    say(f"Next: {kept}{answer} finops format check {file} --format {place}")
    return 0
