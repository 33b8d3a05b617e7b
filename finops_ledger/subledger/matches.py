"""The files of matches: how they are laid out, and the one way to read them.

Nearly every match is a plain pair (one sale, one row, of one amount), of which most columns follow from the others.
A plain pair is stored by what varies alone: its ``class`` is null, and so is every column of :data:`FOLLOWS`. That is
layout 2, as the manifest's line says; files of layout 1 state every column of every match and read the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from finops_ledger.subledger.engine import parquet

LAYOUT: Final = 2
_ZERO: Final = "cast(0 as decimal(18, 4))"

#: What a match keeps: enough to find the pair again when a later row touches it.
COLUMNS: Final = (
    "key occurrence left_batch left_record left_state left_now left_value left_anchor left_serial category "
    "model right_batch right_record right_key right_state right_kind right_now right_held right_anchor "
    "settled claimed class home amount opened rule id operands rejected"
).split()
#: What says of whom and of which day each match is.
STAMP: Final = ("leg", "counterparty", "day")

#: What follows of a plain pair, from its other columns.
FOLLOWS: Final[Mapping[str, str]] = {
    "occurrence": "''",
    "left_state": "'success'",
    "right_state": "'success'",
    "right_now": "cast(-left_now as decimal(18, 4))",
    "right_held": _ZERO,
    "settled": _ZERO,
    "claimed": _ZERO,
    "class": "'matched'",
    "amount": _ZERO,
    "opened": "day",
    "rule": "'ref'",
}
#: Columns that a plain pair does not have.
WITHOUT: Final = ("home", "id", "operands", "rejected")


def read(paths: Sequence[Path], columns: Iterable[str] = (*STAMP, *COLUMNS)) -> str:
    """Return SQL of the matches in the given files, every column stated, whatever the layout of each.

    ``columns``: which, in their order.
    """
    listed = ", ".join(f'"{c}"' for c in columns)
    return f"select {listed} from ({whole(parquet(paths))})"


def whole(stored: str) -> str:
    """Return SQL of matches as they are stored (SQL), with what follows of plain pairs stated."""
    stated = ", ".join(
        f'case when class is null then coalesce("{c}", {sql}) else "{c}" end as "{c}"'
        for c, sql in FOLLOWS.items()
    )
    return f"select * replace ({stated}) from ({stored})"
