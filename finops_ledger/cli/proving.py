"""Commands that prove the books, build them again, and show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from finops_ledger.cli import output, summary
from finops_ledger.cli.app import (
    as_of_option,
    books_option,
    call,
    cli,
    folder,
    json_option,
    located,
    opened,
)

if TYPE_CHECKING:
    from finops_ledger.core.findings import Finding


@cli.command()
@as_of_option
@books_option
@json_option
def check(as_of: date | None, as_json: bool) -> int:
    """Check the journal, and give the verdict.

    As bean-check does; and every register must be equal to the items behind it.
    """
    with opened() as books:
        found = books.check(as_of)
    if as_json:
        output.print_json(found.as_dict())
    summary.tell_faults(found)
    if not as_json:
        if found.proven:
            output.note(f"{found.entries:,} entries without error; every register is its items.")
        output.headline(f"As of {found.as_of or 'no file yet'}: ", output.verdict(found.verdict))
        for day in found.not_clean[-5:]:
            text = summary.reasons(day["reasons"])
            output.note(f"  {day['day']} {day['counterparty']}: {day['verdict']}: {text}")
        if len(found.not_clean) > 5:
            output.note(f"  … and {len(found.not_clean) - 5} days before: {call('status --all')}")
    return summary.exit_code(found.verdict) if found.proven else 4


@cli.command()
@click.option(
    "--recon",
    is_flag=True,
    help="Check the reconciliation instead: every match, item and sum again, by another program.",
)
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    callback=lambda _c, _p, value: value.date() if value else None,
    help="With --recon: this day only.",
)
@click.option("--counterparty", metavar="NAME", help="With --recon: this counterparty only.")
@click.option("--leg", metavar="LEG", help="With --recon: this leg only.")
@books_option
@json_option
def verify(
    recon: bool, day: date | None, counterparty: str | None, leg: str | None, as_json: bool
) -> int:
    """Prove the books from the ground.

    Hashes, the chain of the manifest, conservation, sub-ledger against journal.
    """
    from finops_ledger.core.errors import UsageError

    proven = "The books prove themselves."
    more: dict[str, int] = {}
    found: Sequence[Finding]
    if recon:
        with opened() as books:
            looked, found = books.audit(day=day, counterparty=counterparty, leg=leg)
        if not looked:
            raise UsageError("nothing is reconciled that fits; see: finops status")
        more = {"results": looked}
        proven = f"{output.count(looked, 'result')} checked again: every match, item and sum holds."
    elif day or counterparty or leg:
        raise UsageError("--day, --counterparty and --leg go with --recon")
    else:
        # Books whose manifest is broken cannot be opened; to say what is wrong they need not be.
        found = located().verify()
    if as_json:
        listed = [{"check": f.check, "message": f.message, "place": str(f.place)} for f in found]
        output.print_json({"proven": not found, **more, "findings": listed})
    elif not found:
        output.note(proven)
    shown = [f"{f.place}: {f.check}: {f.message}" if f.place else f.message for f in found]
    output.errors(shown)
    if found:
        output.error(
            f"finops: {output.count(len(found), 'finding')}; the books do not prove themselves"
        )
    return 4 if found else 0


@cli.command()
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    help="Where to build; must be empty.  [default: a temporary folder, removed afterwards]",
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    help="Build on this engine.  [default: the one of finops.toml]",
)
@books_option
@json_option
def rebuild(target: Path | None, engine: Literal["duckdb", "spark"] | None, as_json: bool) -> int:
    """Build the books again, and compare.

    From archived originals, rules and decisions; what comes out must be the same, byte for byte.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="finops-rebuild-") as place:
        found = located().rebuild(target or Path(place) / "books", engine)
    if as_json:
        told = {"equal": found.equal, "differences": list(found.differences)}
        output.print_json({**told, "target": str(found.target) if target else None})
    elif found.equal:
        output.note("The same books came out again" + (f" in {target}." if target else "."))
    output.errors(found.differences)
    if not found.equal:
        output.error(
            f"finops: other books came out: {output.count(len(found.differences), 'difference')}"
        )
    return 0 if found.equal else 4


@cli.command()
@click.argument("folder_", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("-p", "--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option(
    "--read-only/--read-write",
    default=True,
    show_default=True,
    help="Whether Fava may write into the books.",
)
@books_option
def serve(folder_: Path | None, port: int, read_only: bool) -> None:
    """Show the books in Fava, on this machine.

    At http://127.0.0.1:PORT; nobody else can reach it.
    """
    import socket

    from fava import cli as fava

    from finops_ledger.core.errors import UsageError

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(f"port {port} cannot be used: {error.strerror}; try --port") from error
    with opened(folder_):
        main_file = (folder() / "main.beancount").resolve()
    options = ["--host", "127.0.0.1", "--port", str(port), *(["--read-only"] if read_only else [])]
    fava.main([str(main_file), *options], prog_name="finops serve", standalone_mode=False)
