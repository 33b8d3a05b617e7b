"""Which columns are ids, and which row columns identify a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from finops_ledger.intake.infer import words
from finops_ledger.intake.infer.draft import UNDECIDED, count
from finops_ledger.intake.infer.look import Look

_PROVEN = 100  #: records in which a column never repeats, so that it is taken for a key
_ID = re.compile(r"[A-Za-z0-9][\w./:#-]*[A-Za-z0-9]")
_SHORTEST = 3  #: characters of an id


def _different(cells: Sequence[str | None]) -> bool:
    return None not in cells and len(set(cells)) == len(cells) > 1


def unnamed(look: Look, taken: Collection[str]) -> list[str]:
    """Return the other columns whose cells look like ids and differ in every record."""
    found = []
    for at, name in enumerate(look.columns):
        if name in taken or words.is_one(name, words.RUNNING):
            continue
        cells = look.column(at)
        if not _different(cells) or not all(_is_id(c) for c in cells if c is not None):
            continue
        found.append(name)
    return found


def _is_id(cell: str) -> bool:
    return (
        len(cell) >= _SHORTEST
        and _ID.fullmatch(cell) is not None
        and any(c.isdigit() for c in cell)
    )


def key(
    look: Look, role: str | None, mapped: Mapping[str, str], others: Sequence[str]
) -> tuple[object, str]:
    """Return the row columns that identify a row, and why: ids that are filled and never the same.

    ``mapped``: row column -> file column. ``others``: columns of ids that no row column takes yet.
    """

    def cells(name: str) -> list[str | None]:
        return look.column(look.columns.index(name))

    named = ("ref", "partner_ref", "payment_ref", "settlement_ref")
    unique = [n for n in named if n in mapped and _different(cells(mapped[n]))]
    if len(unique) == 1 and len(look.rows) >= _PROVEN and not others:
        number = count(len(look.rows), "record")
        return unique, f"{mapped[unique[0]]} is different in each of {number}"
    if unique:
        told = ", ".join(f"{n} ({mapped[n]})" for n in unique)
        told += "".join(f"; {c!r}, once it is mapped" for c in others)
        return [
            UNDECIDED
        ], f"decide: different in every record of this file, and must be so in every other: {told}"
    if role == "bank":
        refs = [n for n in ("ref", "partner_ref") if n in mapped]
        more = ["balance"] if "balance" in mapped else []
        parts = ["account", "day", *refs, "text", "amount", *more]
        return (
            parts,
            "no column identifies a record: what is printed on the line does, with occurrences",
        )
    if others:
        told = ", ".join(map(repr, others))
        return [UNDECIDED], (
            "decide: the row column that takes one of these, different in every record of this file: "
            f"{told}"
        )
    why = "decide: which row columns identify a row?"
    if len(look.rows) > 1:
        why += " No column that looks like ids is different in every record"
    return [UNDECIDED], why
