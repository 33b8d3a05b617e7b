"""QIF: letters at line starts, records ended by ``^``.

Neither the order of day and month nor the way numbers are written is in the file: dates and amounts
stay text, and the format's ``[times]`` and ``[numbers]`` say how they are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

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

_MONEY: Final = {"bank", "cash", "ccard", "oth a", "oth l"}
_LISTS: Final = {"cat", "class", "tag", "memorized"}
_LETTERS: Final = frozenset("DTUCNPMALSE$%F")


class _Reader:
    def __init__(self, out: Collector) -> None:
        self.out = out
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

    def entry(self, at: Statement, line: int, record: dict[str, list[str]]) -> None:
        strange = sorted(set(record) - _LETTERS)
        once = [k for k in "DTPMN" if len(record.get(k, [])) > 1]
        if strange or once or not record.get("D") or not record.get("T"):
            message = (
                f"unknown letters {' '.join(strange)}" if strange
                else f"{once[0]} stands twice" if once
                else "no date (D)" if not record.get("D") else "no amount (T)"
            )  # fmt: skip
            shown = " ".join(f"{k}{v}" for k, texts in record.items() for v in texts)
            self.out.unreadable(at, "statement-line", message, line, "record", shown, "D, T, P, ^")
            return
        one = {k: texts[0] for k, texts in record.items()}
        if not at.entries and one.get("P", "").lower() == "opening balance":
            self.out.note(line, f"Opening Balance {one['T']}")
            self.out.more.setdefault(at.account, {})["opening"] = one["T"]
            return
        splits = [
            f"{k}{v}"
            for parts in zip(record.get("S", []), record.get("$", []), strict=False)
            for k, v in zip("S$", parts, strict=True)
        ]
        self.out.entry(at, line, one["T"], {
            "booking_date": one["D"], "reference": one.get("N", ""),
            "counterparty": joined(one.get("P", "")), "type": one.get("L", ""),
            "text": joined(one.get("P", ""), one.get("M", ""), *record.get("A", []), *splits),
            "status": "booked", "bank_reference": "",
            "level": "batch" if splits else "entry",
        })  # fmt: skip


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the records of a file; a record that is cut off refuses it."""
    out = Collector(path.name, folder, fmt.order == "newest-first")
    reader = _Reader(out)
    for number, text in text_lines(path, fmt.file.encoding, folder, limits):
        reader.take(number, text)
    reader.unended()
    return out.finish("qif")


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the file begins with a section header."""
    return head_of(path).lstrip("\ufeff\xef\xbb\xbf \n").lower().startswith(
        ("!type:", "!account", "!option")
    )  # fmt: skip
