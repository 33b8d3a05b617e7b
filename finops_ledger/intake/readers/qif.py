"""QIF: letters at line starts, records ended by ``^``.

Neither the order of day and month nor the way numbers are written is in the file: dates and amounts
stay text, and the format's ``[times]`` and ``[numbers]`` say how they are read.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final

from finops_ledger.core.money import ZERO
from finops_ledger.core.schema import MONEY_SCALE
from finops_ledger.intake.cells import parse_number
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.statement import (
    Collector,
    Statement,
    head_of,
    joined,
    text_lines,
)  # fmt: skip
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format
from finops_ledger.intake.spec_fields import NumberSpec

_MONEY: Final = {"bank", "cash", "ccard", "oth a", "oth l"}
_LISTS: Final = {"cat", "class", "tag", "memorized"}
_LETTERS: Final = frozenset("DTUCNPMALSE$%F")


class _Reader:
    def __init__(self, out: Collector, numbers: NumberSpec) -> None:
        self.out, self.numbers = out, numbers
        self.section = ""  #: money, list, account
        self.account = ""
        self.at: Statement | None = None
        self.record: dict[str, list[str]] = {}
        self.begun = 0

    def take(self, number: int, text: str) -> None:
        if text.startswith("!"):
            self.header(number, text)
        elif text.strip() == "^":
            self.end(number)
        elif text.strip():
            if not self.section:
                self.out.fault("kind-wrong", "a line before any !Type", number, text, "!Type:Bank")
                return
            self.begun = self.begun or number
            self.record.setdefault(text[0], []).append(text[1:].strip())

    def header(self, number: int, text: str) -> None:
        self.unended()
        self.out.note(number, text)
        what, _, kind = text[1:].strip().lower().partition(":")
        if what == "account":
            self.section = "account"
        elif what == "type" and kind in _MONEY:
            self.section = "money"
            self.at = self.out.statement(Statement(self.account, "", number))
        elif what == "type" and kind in _LISTS:
            self.section = "list"
        elif what not in {"option", "clear"}:
            self.out.fault("kind-wrong", "a section that is no account's", number, text,
                           "!Type:Bank, Cash, CCard, Oth A or Oth L")  # fmt: skip
            self.section = "list"  # its lines are not told one by one

    def unended(self) -> None:
        if self.record:
            self.out.fault(
                "file-short", "a record without its end: the file came short", self.begun, None, "^"
            )
        self.record, self.begun = {}, 0

    def end(self, number: int) -> None:
        record, line = self.record, self.begun or number
        self.record, self.begun = {}, 0
        if not record:
            return
        if self.section == "account":
            self.account = "".join(record.get("N", []))
        if self.section != "money":
            self.out.note(line, " ".join(f"{k}{v}" for k, texts in record.items() for v in texts))
        elif self.at is not None:
            self.entry(self.at, line, record)

    def fault_of(self, record: dict[str, list[str]]) -> tuple[str, str] | None:
        """Return code and message of what is wrong with a record, or None."""
        strange = sorted(set(record) - _LETTERS)
        once = [k for k in "DTUPMN" if len(record.get(k, [])) > 1]
        if strange:
            return "statement-line", f"unknown letters {' '.join(strange)}"
        if once:
            return "statement-line", f"{once[0]} stands twice"
        for letter, name in (("D", "date"), ("T", "amount")):
            if not record.get(letter):
                return "statement-line", f"no {name} ({letter})"
        names, parts = record.get("S", []), record.get("$", [])
        if len(names) != len(parts):
            return "statement-line", f"{len(names)} splits (S) with {len(parts)} amounts ($)"
        total = self.number(record["T"][0])
        again = self.number(record.get("U", record["T"])[0])
        if total is None or again is None:
            return None  # the amount's own cell says so; U is not read
        if total != again:
            return "identity", "the amounts T and U differ"
        split = [self.number(p) for p in parts]
        if parts and (None in split or sum((n for n in split if n is not None), ZERO) != total):
            return "identity", "the splits ($) do not add up to the amount (T)"
        return None

    def number(self, written: str) -> Decimal | None:
        return parse_number(written, self.numbers, MONEY_SCALE)

    def entry(self, at: Statement, line: int, record: dict[str, list[str]]) -> None:
        if told := self.fault_of(record):
            shown = " ".join(f"{k}{v}" for k, texts in record.items() for v in texts)
            self.out.unreadable(at, *told, line, "record", shown, "D, T, P, ^")
            return
        one = {k: texts[0] for k, texts in record.items()}
        if not at.entries and one.get("P", "").lower() == "opening balance":
            self.out.note(line, f"Opening Balance {one['T']}")
            self.out.more.setdefault(at.account, {})["opening"] = one["T"]
            return
        if one.get("P", "").lower() == "opening balance":
            self.out.unreadable(
                at, "statement-line", "an opening balance behind other records", line, "P",
                one["P"], "the first record of its account, or a movement under another name",
            )  # fmt: skip
            return
        splits = [
            f"{k}{v}"
            for parts in zip(record.get("S", []), record.get("$", []), strict=False)
            for k, v in zip("S$", parts, strict=True)
        ]
        self.out.entry(at, line, one["T"], {
            # Quicken fills days and months up with blanks: 2/ 3'26.
            "booking_date": one["D"].replace(" ", ""), "reference": one.get("N", ""),
            "counterparty": joined(one.get("P", "")), "type": one.get("L", ""),
            "text": joined(one.get("P", ""), one.get("M", ""), *record.get("A", []), *splits),
            "status": "booked", "bank_reference": "",
            "level": "batch" if splits else "entry",
        })  # fmt: skip


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the records of a file; a record that is cut off refuses it."""
    out = Collector(path.name, folder, fmt.order == "newest-first")
    reader = _Reader(out, fmt.numbers)
    for number, text in text_lines(path, fmt.file.encoding, folder, limits):
        reader.take(number, text)
    reader.unended()
    return out.finish("qif")


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the file begins with a section header."""
    return head_of(path).lstrip("\ufeff\xef\xbb\xbf \n").lower().startswith(
        ("!type:", "!account", "!option")
    )  # fmt: skip
