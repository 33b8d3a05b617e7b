"""Files by which a bank takes many transfers at once: layouts as data, and how they are written.

What a layout cannot carry as it stands (a name too long, a rail that it has no word for) is refused, never cut.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from finops_ledger.core.errors import UsageError
from finops_ledger.core.names import harmless
from finops_ledger.sop.parts import Part
from finops_ledger.treasury.transfers import Account, Transfer

SHIPPED: Final = Path(__file__).parent / "uploads.toml"

#: What a cell can say of a transfer; ``count`` and ``total`` of the whole file.
Named = Literal[
    "number", "date", "from_account", "from_name", "from_bank", "bank", "bank_code", "account", "name", "currency",
    "amount", "rail", "fee", "reference", "settlement", "counterparty", "remark", "count", "total",
]  # fmt: skip


class Cell(Part):
    """One cell: a field, or the same text in each line. ``width``: how many characters it takes, 0 any number."""

    title: str = ""
    field: Named | None = None
    text: str = ""
    width: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Cell:
        if self.field is not None and self.text:
            raise ValueError("give a field or a text, not both")
        return self


class Layout(Part):
    """How an upload is written: a first record perhaps, titles perhaps, then a line a transfer.

    ``rails``: the bank's word for each rail; without any, our own. ``decimals``: how many an amount is written with.
    """

    description: str = ""
    delimiter: Literal[",", ";", "|", "\t"] = ","
    line_end: Literal["crlf", "lf"] = "crlf"
    header: bool = False
    date: str = "%Y-%m-%d"
    decimals: int = Field(default=0, ge=0, le=4)
    rails: dict[str, str] = Field(default_factory=dict)
    first: tuple[Cell, ...] = ()
    columns: tuple[Cell, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_transfer_a_line(self) -> Layout:
        one = [c.field for c in self.first if c.field not in _WHOLE and c.field is not None]
        if one:
            raise ValueError(
                f"first: {one[0]} is of one transfer; known there: {', '.join(_WHOLE)}"
            )
        if not any(c.field == "account" for c in self.columns):
            raise ValueError("columns: none says the account that is paid")
        if not any(c.field == "amount" for c in self.columns):
            raise ValueError("columns: none says the amount")
        return self


#: What all transfers of a file share.
_WHOLE: Final = (
    "date", "from_account", "from_name", "from_bank", "currency", "count", "total",
)  # fmt: skip


@lru_cache(maxsize=1)
def shipped() -> dict[str, Layout]:
    """Return the layouts that the program ships, by name."""
    data = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    return {name: Layout.model_validate(table) for name, table in data.items()}


def write(
    layout: Layout, name: str, currency: str, source: Account, transfers: Sequence[Transfer]
) -> bytes:
    """Return an upload: transfers from one account of ours on one day; UsageError for what does not fit in."""
    out = io.StringIO()
    end = "\r\n" if layout.line_end == "crlf" else "\n"
    writer = csv.writer(out, delimiter=layout.delimiter, lineterminator=end)
    shared = _shared(layout, currency, source, transfers)
    if layout.first:
        writer.writerow(_cells(layout.first, shared, name, "the first record"))
    if layout.header:
        writer.writerow([cell.title for cell in layout.columns])
    for one in transfers:
        values = {**shared, **_own(layout, name, one)}
        writer.writerow(_cells(layout.columns, values, name, one.reference))
    return out.getvalue().encode("utf-8")


def _shared(
    layout: Layout, currency: str, source: Account, transfers: Iterable[Transfer]
) -> dict[str, str]:
    listed = list(transfers)
    return {
        "date": listed[0].day.strftime(layout.date),
        "from_account": source.number,
        "from_name": source.name,
        "from_bank": source.bank,
        "currency": currency,
        "count": str(len(listed)),
        "total": f"{sum(t.amount for t in listed):.{layout.decimals}f}",
    }


def _own(layout: Layout, name: str, one: Transfer) -> dict[str, str]:
    rail = layout.rails.get(one.rail, "") if layout.rails else one.rail
    if not rail:
        raise UsageError(
            f"layout {name} has no word for {one.rail}, by which {one.settlement} is to be paid; known: "
            f"{', '.join(layout.rails)}"
        )
    if one.amount != round(one.amount, layout.decimals):
        raise UsageError(
            f"layout {name} writes amounts with {layout.decimals} decimals, {one.settlement} is {one.amount}"
        )
    return {
        "number": str(one.number),
        "bank": one.to.bank,
        "bank_code": one.to.code,
        "account": one.to.number,
        "name": one.to.name,
        "amount": f"{one.amount:.{layout.decimals}f}",
        "fee": f"{one.fee:.{layout.decimals}f}",
        "rail": rail,
        "reference": one.reference,
        "settlement": one.settlement,
        "counterparty": one.counterparty,
        "remark": one.remark,
    }


def _cells(cells: Sequence[Cell], values: Mapping[str, str], name: str, about: str) -> list[str]:
    made = []
    for cell in cells:
        text = values[cell.field] if cell.field is not None else cell.text
        if text != harmless(text):
            raise UsageError(
                f"layout {name}: {about}: {text!r} would begin a formula where the file is opened in a spreadsheet"
            )
        if cell.width and len(text) > cell.width:
            raise UsageError(
                f"layout {name}: {about}: {cell.field} is {text!r}, {len(text)} characters; the bank takes "
                f"{cell.width}"
            )
        made.append(text)
    return made
