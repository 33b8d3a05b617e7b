"""Writing to the terminal: tables with amounts to the right, JSON, progress. Plain when piped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from finops_ledger.books.books import Progress
    from finops_ledger.reports.report import Column, Report

_STYLES = {
    "reconciled": "green",
    "pending": "cyan",
    "warnings": "yellow",
    "breaks": "bold red",
    "incomplete": "bold magenta",
}
#: Wide enough for every table when nobody looks at a screen.
_PIPED_WIDTH = 250
#: Flags of a settlement that ask for nothing.
_QUIET = {"due", "advance", "carried", "late"}
#: Of a table whose texts go over several lines.
_FOLDED_WIDTH = 100


def console(*, error: bool = False) -> Console:
    """Return a console for standard output (or error): colours only on a terminal."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    piped = not stream.isatty()
    return Console(
        file=stream,
        highlight=False,
        soft_wrap=piped,
        no_color=True if piped else None,
        color_system=None if piped else "auto",
        width=_PIPED_WIDTH if piped else None,
        # A terminal that knows nothing gets plain text, however wide.
        force_terminal=False if os.environ.get("TERM") in ("dumb", "unknown") else None,
    )


def print_json(value: Any) -> None:
    """Print JSON with two blanks of indent; money is text in it already."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def error(text: str) -> None:
    """Say something on standard error."""
    click.echo(text, err=True)


def count(number: int, noun: str) -> str:
    """Write ``1 day``, ``2 days``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def errors(texts: Sequence[str], limit: int = 20) -> None:
    """Say the first of many faults on standard error, and how many more there are."""
    for text in texts[:limit]:
        error(text)
    if len(texts) > limit:
        error(f"… and {len(texts) - limit} more: --json lists them all")


def note(text: str = "") -> None:
    """Say a plain line."""
    click.echo(text)


def verdict(word: str) -> Any:
    """Return a verdict in its colour."""
    from rich.text import Text

    return Text(word, style=_STYLES.get(word, ""))


def heading(text: str) -> None:
    """Print the title of a table."""
    from rich.text import Text

    console().print(Text(text, style="bold"), soft_wrap=True)


def headline(*parts: Any) -> None:
    """Print texts and verdicts in one line."""
    from rich.text import Text

    console().print(Text.assemble(*parts), soft_wrap=True)


def table(
    headers: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[Any]],
    *,
    last: bool = False,
    fold: bool = False,
) -> None:
    """Print a table; headers are (title, to the right).

    ``last``: the last row is a sum. ``fold``: long texts may go over several lines.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="bold",
    )
    for title, right in headers:
        made.add_column(
            title, justify="right" if right else "left", no_wrap=not fold, overflow="fold"
        )
    listed = list(rows)
    for number, row in enumerate(listed):
        cells = [c if isinstance(c, Text) else Text(str(c)) for c in row]
        if last and number == len(listed) - 1:
            made.add_section()
            made.add_row(*cells, style="bold")
        else:
            made.add_row(*cells)
    screen = console()
    if fold:
        # Piped output has no width of its own: that of the terminal, or of COLUMNS.
        screen.width = min(screen.width, get_terminal_size((_FOLDED_WIDTH, 0)).columns)
    else:
        # No amount is ever cut: what does not fit is left to the terminal to wrap.
        roomy = screen.options.update(max_width=10_000)
        screen.width = max(screen.width, screen.measure(made, options=roomy).maximum)
    screen.print(made, crop=False)


def _widths(found: Report, columns: Sequence[Column]) -> int:
    from finops_ledger.reports.report import written

    rows = [*found.rows, found.totals] if found.totals else found.rows
    return sum(
        2 + max(len(c.title), *(len(written(c, r.get(c.key))) for r in rows)) for c in columns
    )


def _fitting(found: Report) -> list[Column]:
    """Return the columns to show: spare ones go when the screen is too narrow."""
    columns = found.shown()
    width = console().width
    for spare in [c for c in reversed(columns) if c.spare]:
        if not found.rows or _widths(found, columns) <= width + 2:
            break
        columns.remove(spare)
    return columns


def report(found: Report) -> None:
    """Print a report as a table, with its sums below."""
    from rich.text import Text

    from finops_ledger.reports.report import written

    columns = _fitting(found)
    headers = [(c.title, c.kind in ("money", "count")) for c in columns]
    rows: list[list[Any]] = []
    for row in found.rows:
        cells = []
        for column in columns:
            text = written(column, row[column.key])
            bad = (
                column.key in ("below_floor", "overdue", "off")
                or (column.key == "tied" and text == "no")
                or (column.key == "ties" and text.startswith("not"))
            )
            bad = bad or (column.key == "told" and not _QUIET.issuperset(row.get("flags", ())))
            faint = column.key == "bank"
            style = "bold red" if bad and text not in ("", "-") else "dim" if faint else ""
            cells.append(Text(text, style=style))
        rows.append(cells)
    if found.totals and len(rows) > 1:
        sums = [
            written(c, found.totals.get(c.key)) if c.key in found.totals else "" for c in columns
        ]
        rows.append(["Total", *sums[1:]])
    table(headers, rows, last=bool(found.totals) and len(found.rows) > 1)


def progress(what: str) -> Progress | None:
    """Return a progress bar for long work; none unless standard error is a terminal."""
    if not sys.stderr.isatty():
        return None

    def tracked(items: Iterable[Any], total: int) -> Iterable[Any]:
        from rich.progress import track

        return track(
            items, description=what, total=total, console=console(error=True), transient=True
        )

    return tracked
