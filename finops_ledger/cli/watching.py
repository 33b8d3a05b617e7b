"""``finops watch``: import files as they arrive."""

from __future__ import annotations

import json
import signal
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from finops_ledger.cli.app import (
    REFUSED,
    books_option,
    cli,
    folder,
    json_option,
    located,
    write_log,
)

if TYPE_CHECKING:
    from finops_ledger.books.inbox import FileReport
    from finops_ledger.books.watching import Happened


@cli.command()
@click.option(
    "--settle",
    type=click.FloatRange(0),
    default=3,
    show_default=True,
    help="Seconds for which a file must stand still before it is taken.",
)
@click.option(
    "--every",
    type=click.FloatRange(0, min_open=True),
    default=2,
    show_default=True,
    help="Seconds between two looks into the inbox.",
)
@click.option("--once", is_flag=True, help="Try what lies in the inbox now, then end.")
@click.option(
    "--reconcile/--no-reconcile",
    default=True,
    show_default=True,
    help="Whether to reconcile when files have gone in.",
)
@books_option
@json_option
def watch(settle: Any, every: Any, once: bool, reconcile: bool, as_json: bool) -> int:
    """Import files as they arrive in the inbox.

    One line for each thing that happens. A file that does not go in is told once, and tried again when it
    has changed. The books are locked only while there is work. Ends with Ctrl-C or SIGTERM, after the
    file at hand; with --once, exit code 3 says that a file did not go in.
    """
    from finops_ledger.books.config import load
    from finops_ledger.books.watching import Watch

    located()
    stop = Event()

    def end(number: int, unused_frame: Any) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)  # asked twice: at once

    zone = ZoneInfo(load(folder()).company.zone)
    seen = Watch(
        folder().absolute(), _teller(as_json, zone), _failed, settle, every, reconcile, stop
    )
    if not once and not as_json:
        click.echo(f"Watching {folder() / 'inbox'}; Ctrl-C ends it.")
    before = {n: signal.signal(n, end) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        seen.run(once=once)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return REFUSED if once and seen.not_in else 0


def _teller(as_json: bool, zone: ZoneInfo) -> Any:
    def tell(happened: Happened) -> None:
        at = datetime.now(zone).isoformat(timespec="seconds")
        if as_json:
            told = {
                "at": at,
                "event": happened.what,
                "file": happened.file,
                "message": happened.message,
            }
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            click.echo(f"{at} {happened.what}: {happened.message}")

    return tell


def _failed(path: Path, error: Exception) -> FileReport:
    """Report a file on which an exception was raised: one of ours says it all, another goes into the log."""
    from finops_ledger.books.inbox import FileReport, shown
    from finops_ledger.core.errors import FinopsError
    from finops_ledger.core.names import printable

    text = printable(str(error))
    if not isinstance(error, FinopsError):
        text = f"internal error: {type(error).__name__}: {text}; the log is {write_log()}"
    return FileReport(shown(path), "failed", f"{shown(path)}: {text}; left as it is")
