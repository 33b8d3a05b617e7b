"""Reference text that follows from the code: written into pages between two comments.

``<!-- from the code: NAME -->`` and ``<!-- end -->`` enclose it; a test compares it, and
``python -m tests.docs`` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import click

from finops_ledger.cli.app import cli
from finops_ledger.core.schema import MONEY, ROW_FIELDS
from finops_ledger.recon.treatments import table
from finops_ledger.reports.taxes import rates

_REGION = re.compile(r"(<!-- from the code: ([a-z]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def rows() -> Iterator[str]:
    """The fields of the row."""
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for field in ROW_FIELDS:
        type_ = "decimal(18, 4)" if field.type == MONEY else str(field.type)
        yield f"| `{field.name}` | {type_} | {field.meaning} |"


def commands() -> Iterator[str]:
    """Every command: what it does, how it is called, its options."""
    context = click.Context(cli, info_name="finops")
    yield from _options(cli, context, "All commands:")
    yield from _below(cli, context, "finops")


def _below(group: click.Group, context: click.Context, called: str) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        own = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from _below(command, own, f"{called} {name}")
            continue
        yield from ["", f"### `{called} {name}`", ""]
        yield from ["```text", " ".join(command.get_usage(own).split()).removeprefix("Usage: ")]
        yield "```"
        yield ""
        yield from _prose(command.help or "")
        yield from _options(command, own)


def _prose(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            yield from ["```text", *paragraph.splitlines()[1:], "```", ""]
        else:
            yield from [" ".join(paragraph.split()), ""]


def _options(command: click.Command, context: click.Context, head: str = "") -> Iterator[str]:
    lines = []
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            record = parameter.get_help_record(context)
            if record and "--help" not in record[0]:
                names, told = record
                lines.append(f"| `{names}` | {' '.join(told.split())} |".replace("[", "\\["))
    if lines:
        yield from [*([head, ""] if head else []), "| option | meaning |", "|---|---|", *lines]


def taxes() -> Iterator[str]:
    """The table of taxes."""
    yield "| tax | from | until | rate | of | rounding | in the books | source |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rates():
        rate = row["rate"] or f"{row['amount']} rupiah"
        if row["no_number"]:
            rate += f"; {row['no_number']} without a tax number"
        base = f"{row['base']} above {row['above']}" if row["above"] else row["base"]
        until = row["until"] or ""
        used = "yes" if row["applied"] else "no"
        cells = (row["from"], until, rate, base, row["rounding"], used, row["source"])
        yield f"| `{row['tax']}` | {' | '.join(cells)} |"


def treatments() -> Iterator[str]:
    """Which treatments fit which class."""
    for class_, plus, minus in table():
        yield f"| `{class_}` | {_listed(plus)} | {_listed(minus)} |"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


REGIONS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "rows": rows,
    "commands": commands,
    "treatments": treatments,
    "taxes": taxes,
}


def written(page: str) -> str:
    """Return a page with every such region as the code has it."""
    return _REGION.sub(lambda m: m[1] + "\n".join(REGIONS[m[2]]()).strip() + "\n" + m[4], page)
