"""The command group: options that all commands share, and how errors become exit codes.

Nothing heavy is imported here: ``finops --help`` must not wait for engines and libraries.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from finops_ledger import __version__
from finops_ledger.core.errors import FinopsError

if TYPE_CHECKING:
    from finops_ledger.books import Books

NOT_CLEAN, REFUSED, UNPROVEN, BUG, STOPPED = 1, 3, 4, 5, 130

#: The commands in the order of a day's work.
_ORDER = (
    "init", "demo", "import", "watch", "reconcile", "run", "status", "breaks", "resolve", "deposits", "confirm",
    "topup", "settlements", "pay", "stock", "revenue", "taxes", "explain", "query", "format", "check", "close",
    "withdraw", "verify", "rebuild", "serve",
)  # fmt: skip

_EPILOG = """\b
Exit codes:
  0  clean                               3  an input was refused
  1  the day is not clean                4  the books do not prove themselves
  2  wrong usage or configuration        5  an internal error
"""


class Commands(click.Group):
    """A group whose commands end with the documented exit codes, whatever happens."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of a day's work, not of the alphabet."""
        return [*_ORDER, *(c for c in self.commands if c not in _ORDER)]

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command line; always ends in SystemExit, never in a traceback."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs) or 0)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            click.echo("finops: stopped; the next command repairs what is half done", err=True)
            sys.exit(STOPPED)
        except BrokenPipeError:
            # The reader of our output has gone; there is nobody left to tell.
            sys.stderr.close()
            sys.exit(0)
        except FinopsError as error:
            click.echo(f"finops: {error}", err=True)
            sys.exit(error.exit_code)
        except Exception as error:
            _bug(error)


def _bug(error: Exception) -> NoReturn:
    """Say in one line that something is wrong with the program, and where the traceback is."""
    path = write_log()
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    click.echo(f"finops: internal error: {said}; the log is {path}", err=True)
    sys.exit(BUG)


def write_log() -> Path:
    """Write the traceback of the exception at hand into a log of its own; return its path."""
    import tempfile
    import traceback
    from datetime import UTC, datetime

    text = f"finops {__version__}\n{sys.argv}\n\n{traceback.format_exc()}"
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    if _chosen is not None and (_chosen / "finops.toml").is_file():
        try:
            kept = _chosen / ".finops"
            kept.mkdir(exist_ok=True)
            (kept / name).write_text(text, encoding="utf-8")
            return kept / name
        except OSError:
            pass  # read-only books: the log goes where temporary files go
    path = Path(tempfile.gettempdir()) / f"finops-{name}"
    path.write_text(text, encoding="utf-8")
    return path


#: The books that this command line is about; a log of a failure is kept with them.
_chosen: Path | None = None


def choose(path: Path) -> Path:
    """Take a folder as the books of this command line."""
    global _chosen
    _chosen = path
    click.get_current_context().find_root().obj = path
    return path


def _choose(
    unused_context: click.Context, unused_param: click.Parameter, value: Path | None
) -> None:
    if value is not None:
        choose(value)


def usual() -> Path:
    """Return the books that nobody needs to name: those in ``books``, else those that one stands in."""
    inside = not Path("books", "finops.toml").exists() and Path("finops.toml").exists()
    return Path() if inside else Path("books")


@click.group(
    cls=Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="finops")
@click.option(
    "--books",
    type=click.Path(path_type=Path),
    envvar="FINOPS_BOOKS",
    default=usual,
    show_default="books",
    show_envvar=True,
    is_eager=True,
    expose_value=False,
    callback=_choose,
    help="The folder of the books.",
)
def cli() -> None:
    """Daily books of a digital-goods business: plain text, double entry, reconciled and proven."""


Command = Callable[..., Any]


def books_option(command: Command) -> Command:
    """Let ``--books`` stand behind the command as well as before it."""
    return click.option(
        "--books",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_choose,
        help="The folder of the books.",
        hidden=True,
    )(command)


def json_option(command: Command) -> Command:
    """``--json``: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON; money is text.")(
        command
    )


def csv_option(command: Command) -> Command:
    """``--csv``: for spreadsheets."""
    return click.option("--csv", "as_csv", is_flag=True, help="Print CSV with all columns.")(
        command
    )


def as_of_option(command: Command) -> Command:
    """``--as-of``: the books' day."""
    return click.option(
        "--as-of",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="DAY",
        callback=lambda _c, _p, value: value.date() if value else None,
        help="The day to look at, like 2026-03-31; else the last one that files cover.",
    )(command)


def folder() -> Path:
    """Return the folder that ``--books`` names."""
    path: Path = click.get_current_context().find_root().obj
    return path


def call(words: str) -> str:
    """Write a command line for these books, to be copied."""
    if folder() == Path(os.environ.get("FINOPS_BOOKS") or usual()):
        return f"finops {words}"
    return f"finops --books {shlex.quote(str(folder()))} {words}"


def opened(path: Path | None = None) -> Books:
    """Open the books that the command line names."""
    from finops_ledger.books import open as open_books

    return open_books(folder() if path is None else choose(path))


def located() -> Books:
    """Return the books that the command line names without reading them."""
    from finops_ledger.books import Books
    from finops_ledger.core.errors import UsageError

    if not (folder() / "finops.toml").exists():
        raise UsageError(f"{folder()} is no workspace: it has no finops.toml")
    return Books(folder())


def main() -> None:
    """Run ``finops``."""
    cli(prog_name="finops")
