"""The payment list as a workbook: what a checker reads and what stays as evidence of the decision.

No formula stands in it: sums are written as numbers, ids and account numbers as text, whatever they look like. The
same proposal always gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from finops_ledger.core.money import ZERO, plain
from finops_ledger.core.names import harmless

Told = Mapping[str, Any]
#: A column: title, width, and what stands in it: text, an amount, a date.
Column = tuple[str, int, str]

_PAY: Final[Sequence[Column]] = (
    ("No", 5, "count"), ("Settlement", 26, "text"), ("Partner", 14, "text"), ("Beneficiary", 28, "text"),
    ("Bank", 14, "text"), ("Account", 20, "text"), ("From", 24, "text"), ("Rail", 10, "text"),
    ("Value date", 12, "date"), ("Send by", 9, "text"), ("Amount", 18, "money"), ("Fee", 10, "money"),
    ("Reference", 24, "text"), ("Remark", 24, "text"),
)  # fmt: skip
_MADE: Final[Sequence[Column]] = (
    ("Settlement", 26, "text"), ("Partner", 14, "text"), ("From day", 12, "date"), ("To day", 12, "date"),
    ("Due", 12, "date"), ("Gross payable", 18, "money"), ("Commission", 16, "money"), ("VAT", 16, "money"),
    ("Withheld, given back", 18, "money"), ("Claims granted", 16, "money"), ("Rounding", 12, "money"),
    ("Held back", 16, "money"), ("To pay", 18, "money"), ("Their statement", 18, "money"), ("In dispute", 14, "money"),
)  # fmt: skip
_LEFT: Final[Sequence[Column]] = (
    ("Settlement", 26, "text"), ("Partner", 14, "text"), ("Due", 12, "date"), ("Comes to", 18, "money"),
    ("Why it is left out", 110, "text"),
)  # fmt: skip
#: Excel keeps so many digits of a number; what has more is written as text, to the last digit.
_DIGITS: Final = 15


def write(proposal: Told) -> bytes:
    """Return the workbook of a proposal: the list, what each payment is made up of, what is left out, the run."""
    import xlsxwriter  # heavy: only where a workbook is written

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    as_of = datetime.fromisoformat(str(proposal["as_of"]))
    book.set_properties(
        {
            "title": f"Payment list {proposal['run']}",
            "author": harmless(str(proposal["maker"])),
            "company": harmless(str(proposal["company"])),
            # A clock would make other bytes of the same list.
            "created": as_of,
        }
    )
    sheets = _Sheets(book, str(proposal["run"]))
    sheets.table("Payment list", _PAY, _transfers(proposal), totals=True)
    sheets.table("Made up of", _MADE, _made(proposal), totals=True)
    sheets.table("Left out", _LEFT, _left(proposal), totals=False)
    sheets.table("Run", (("What", 22, "text"), ("", 110, "text")), _run(proposal), totals=False)
    book.close()
    return out.getvalue()


class _Sheets:
    """Writes sheets of one workbook, each cell as what it is."""

    def __init__(self, book: Any, run: str) -> None:
        self.book, self.run = book, run
        edge = {"valign": "top"}
        self.forms = {
            "text": book.add_format({**edge, "num_format": "@"}),
            "long": book.add_format({**edge, "num_format": "@", "text_wrap": True}),
            "money": book.add_format({**edge, "num_format": "#,##0.####"}),
            "whole": book.add_format({**edge, "num_format": "#,##0"}),
            "count": book.add_format({**edge, "num_format": "0"}),
            "date": book.add_format({**edge, "num_format": "yyyy-mm-dd"}),
            "head": book.add_format(
                {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
            ),
            "sum": book.add_format({"bold": True, "top": 1, "num_format": "#,##0"}),
            "sum-text": book.add_format({"bold": True, "top": 1, "num_format": "@"}),
        }

    def table(
        self, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, totals: bool
    ) -> None:
        """Write a sheet: titles, rows, and below them the sums of its amounts."""
        sheet = self.book.add_worksheet(name)
        for place, (title, width, _) in enumerate(columns):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, title, self.forms["head"])
        for line, row in enumerate(rows, 1):
            for place, ((_, width, kind), value) in enumerate(zip(columns, row, strict=True)):
                self._cell(sheet, line, place, "long" if width > 60 else kind, value)
        if totals:
            self._sums(sheet, columns, rows)
        sheet.freeze_panes(1, 0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer(f"&L{self.run}&R&P / &N")

    def _cell(self, sheet: Any, line: int, place: int, kind: str, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, Decimal):
            self._amount(sheet, line, place, value, "whole" if value % 1 == ZERO else "money")
        elif isinstance(value, int):
            sheet.write_number(line, place, value, self.forms["count"])
        elif isinstance(value, date):
            sheet.write_datetime(line, place, value, self.forms["date"])
        else:
            form = self.forms["long" if kind == "long" else "text"]
            sheet.write_string(line, place, harmless(str(value)), form)

    def _amount(self, sheet: Any, line: int, place: int, value: Decimal, form: str) -> None:
        if len(plain(value).lstrip("-").replace(".", "")) > _DIGITS:
            sheet.write_string(line, place, plain(value), self.forms["text"])
        else:
            sheet.write_number(line, place, value, self.forms[form])

    def _sums(self, sheet: Any, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
        line = len(rows) + 1
        for place, (_, _, kind) in enumerate(columns):
            if kind == "money":
                total = sum((row[place] for row in rows if row[place] is not None), ZERO)
                self._amount(sheet, line, place, total, "sum")
            else:
                text = "Total" if columns[place][0] == "Settlement" else ""
                sheet.write_string(line, place, text, self.forms["sum-text"])


def _transfers(proposal: Told) -> list[tuple[Any, ...]]:
    return [
        (
            t["number"], line["settlement"], line["counterparty"], line["to"]["name"], line["to"]["bank"],
            line["to"]["number"], f"{line['from']['bank']} {line['from']['number']}", t["rail"], _day(line["day"]),
            t["until"], Decimal(t["amount"]), Decimal(t["fee"]), t["reference"], t["remark"],
        )
        for line in proposal["lines"]
        for t in line["transfers"]
    ]  # fmt: skip


def _made(proposal: Told) -> list[tuple[Any, ...]]:
    return [
        (
            line["settlement"], line["counterparty"], *(_day(d) for d in line["period"] or ["", ""]),
            _day(line["due"]), Decimal(line["gross"]), -Decimal(line["commission"]), -Decimal(line["vat"]),
            Decimal(line["withheld"]), -Decimal(line["claims"]), Decimal(line["rounding"]), -Decimal(line["held"]),
            Decimal(line["amount"]), Decimal(line["stated"]) if line["stated"] else None, Decimal(line["disputed"]),
        )
        for line in proposal["lines"]
    ]  # fmt: skip


def _left(proposal: Told) -> list[tuple[Any, ...]]:
    return [
        (one["settlement"], one["counterparty"], _day(one["due"]), Decimal(one["net"]), one["why"])
        for one in proposal["left_out"]
    ]


def _run(proposal: Told) -> list[tuple[str, str]]:
    asked = proposal["asked"]
    facts = [
        ("Run", proposal["run"]),
        ("Company", proposal["company"]),
        ("Books as of", proposal["as_of"]),
        ("Due by", asked["due_by"]),
        ("Partner", asked["counterparty"] or "all"),
        ("Before they are due", "yes" if asked["advance"] else "no"),
        ("Currency", proposal["currency"]),
        ("Maker", proposal["maker"]),
        ("Settlements", str(len(proposal["lines"]))),
        ("Transfers", str(proposal["totals"]["transfers"])),
        ("Head of the books", proposal["inputs"]["head"]),
    ]
    facts += [(f"Rule {name}", digest) for name, digest in proposal["inputs"]["rules"].items()]
    facts += [
        (f"Warning: {line['settlement']}", warning)
        for line in proposal["lines"]
        for warning in line["warnings"]
    ]
    return facts


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
