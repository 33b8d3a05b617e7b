"""Files that hold several accounts: which one is the source's, and what becomes of the others.

A source names its bank's number of the account (``account_number`` in finops.toml); records of other
accounts are left out with a reason. Nothing is guessed: several accounts for a source that names none
refuse the file, and so does a file without the source's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import duckdb

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.intake.model import SourceInfo
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.spec_file import STATEMENTS
from finops_ledger.intake.times import text

OTHER: Final = "another account"
_SHOWN = 20


def column(fmt: Format) -> str | None:
    """Return the column of the account number, if the format has one; statements always have."""
    if fmt.exclude.other_accounts is not None:
        return fmt.exclude.other_accounts
    return "account" if fmt.file.kind in STATEMENTS else None


def bare(number: str) -> str:
    """Return an account number as two of them are compared: without blanks, in capitals."""
    return "".join(number.split()).upper()


def chosen(
    source: Source, fmt: Format, info: SourceInfo, connection: duckdb.DuckDBPyConnection
) -> SourceInfo:
    """Return ``info`` with the account number as this file writes it.

    Raises:
        InputRefused: several accounts and the source names none; or the source's is not among them.
    """
    name = column(fmt)
    if name is None:
        return info
    found = list(dict.fromkeys([*source.figures, *_in_records(source, name, connection)]))
    if info.account_number is None:
        if len(found) > 1:
            raise _refused(source, "several-accounts", "the file holds several accounts", name, found,
                           "one account, or a source with its account_number")  # fmt: skip
        return info
    if not any(found):
        return replace(info, account_number=None)
    own = next((a for a in found if bare(a) == bare(info.account_number or "")), None)
    if own is None:
        raise _refused(source, "account-missing", "the source's account is not in the file", name,
                       found, info.account_number)  # fmt: skip
    return replace(info, account_number=own)


def _in_records(source: Source, name: str, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the account numbers of the records; none where the records cannot be read at all."""
    at = source.columns.get(name)
    if at is None:
        return []
    try:
        rows = connection.execute(
            f"SELECT DISTINCT c{at} FROM ({source.scan()}) WHERE c{at} IS NOT NULL ORDER BY 1"
        ).fetchall()
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return []  # not sound: the pass that lists all faults says why
    return [row[0] for row in rows]


def _refused(
    source: Source, code: str, message: str, name: str, found: list[str], expected: str
) -> InputRefused:
    listed = ", ".join(found[:_SHOWN])
    more = f" … (+{len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    problem = Problem(code, message, source.name, None, name, listed + more, expected)
    return InputRefused(source.name, [problem])


def other(fmt: Format, info: SourceInfo, cell: Callable[[str], str]) -> list[str]:
    """Return the SQL case under which a record is of another account than the source's."""
    name = column(fmt)
    if name is None or info.account_number is None:
        return []
    return [f"WHEN {cell(name)} IS DISTINCT FROM {text(info.account_number)} THEN {text(OTHER)}"]


def figures(source: Source, info: SourceInfo) -> dict[str, str]:
    """Return what the file states of the source's own account; of its only one, if it names none."""
    if info.account_number is not None and info.account_number in source.figures:
        return source.figures[info.account_number]
    return next(iter(source.figures.values()), {})
