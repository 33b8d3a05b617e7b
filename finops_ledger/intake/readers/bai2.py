"""BAI2 cash management files (BAI, Cash Management Balance Reporting Specifications, version 2).

Amounts are whole numbers whose decimals are implied: those of the currency by ISO 4217 (two for the
rupiah, on paper), or ``decimals`` of the format. Every control total and record count must hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from finops_ledger.core.money import ZERO
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

#: ISO 4217: currencies whose minor unit is not a hundredth.
_DECIMALS: Final = (
    dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                   "VND", "VUV", "XAF", "XOF", "XPF"), 0)
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    | {"CLF": 4, "UYW": 4}
)  # fmt: skip
_AMOUNT = re.compile(r"[+-]?\d{1,18}", re.ASCII)
#: How many fields a funds type brings with it; D: as many pairs as its first one says.
_FUNDS: Final = {"": 0, "0": 0, "1": 0, "2": 0, "Z": 0, "S": 3, "V": 2}
_OPENING, _CLOSING, _CREDITS, _DEBITS = "010", "015", "100", "400"
_GROUP_STATUS: Final = {"2": "a deletion", "3": "a correction", "4": "a test"}
_INTERIM: Final = {"1", "3"}  #: as-of-date modifier: what the final report states again


@dataclass(slots=True)
class _Record:
    code: str
    line: int
    fields: list[str]
    #: Text of a transaction: behind its last comma, continued on lines 88.
    texts: list[str] = field(default_factory=list)
    lines: int = 1


@dataclass
class _Sums:
    """Control total, number of parts and of physical records of what is open."""

    line: int
    total: int = 0
    parts: int = 0
    records: int = 0


def _fixed(fields: list[str]) -> int | None:
    """Return at which field the text of a transaction begins; None while that is not yet known."""
    if len(fields) < 4:
        return None
    at = _behind_funds(fields, 3)
    return None if at is None or len(fields) <= at + 2 else at + 2


def _behind_funds(fields: list[str], at: int) -> int | None:
    """Return the position behind a funds type and what belongs to it; None when it is cut off."""
    kind = fields[at].strip().upper()
    if kind == "D":
        count = fields[at + 1].strip() if len(fields) > at + 1 else ""
        if not count.isdecimal() or len(count) > 3:
            return None
        return at + 2 + 2 * int(count)
    return None if kind not in _FUNDS else at + 1 + _FUNDS[kind]


def _records(lines: Iterator[tuple[int, str]], out: Collector) -> Iterator[_Record]:
    """Put physical lines together to records: 88 continues the one before it."""
    current: _Record | None = None
    for number, raw_line in lines:
        line = raw_line.rstrip()
        if not line:
            continue
        code, comma, rest = line.partition(",")
        if code not in {"01", "02", "03", "16", "49", "88", "98", "99"} or not comma:
            out.fault("statement-tag", "not a record of BAI2", number, line,
                      "01, 02, 03, 16, 49, 88, 98 or 99")  # fmt: skip
            continue
        body = rest.removesuffix("/")
        if code != "88":
            if current is not None:
                yield current
            current = _Record(code, number, [code])
            _extend(current, body, first=True)
        elif current is None:
            out.fault("statement-order", "a continuation of nothing", number, line)
        else:
            current.lines += 1
            _extend(current, body, first=False)
    if current is not None:
        yield current


def _extend(record: _Record, body: str, *, first: bool) -> None:
    if record.code == "16" and not first and (at := _fixed(record.fields)) is not None:
        record.texts.append(body)
        return
    record.fields += body.split(",")
    if record.code == "16" and (at := _fixed(record.fields)) is not None:
        record.texts = [",".join(record.fields[at:])]
        del record.fields[at:]
        record.fields.append("")


@dataclass
class _Reader:
    out: Collector
    decimals: int | None
    file: _Sums | None = None
    group: _Sums | None = None
    account: _Sums | None = None
    head: list[str] = field(default_factory=list)
    at: Statement | None = None
    done: bool = False
    created: date | None = None  #: day of the file

    def take(self, one: _Record) -> None:
        if self.done:
            self.order(one, "a record behind the end of the file")
        elif one.code == "01":
            self.begin(one, self.file is None, "file")
        elif one.code == "02":
            self.begin(one, self.file is not None and self.group is None, "group")
        elif one.code == "03":
            self.begin(one, self.group is not None and self.account is None, "account")
        elif one.code == "16":
            self.entry(one)
        else:
            self.trailer(one)

    def order(self, one: _Record, message: str) -> None:
        self.out.fault("statement-order", message, one.line, ",".join(one.fields))

    def begin(self, one: _Record, fits: bool, level: str) -> None:
        if not fits:
            self.order(one, f"a new {level} before the end of the one before it, or outside")
        for sums in (self.file, self.group):
            if sums is not None:
                sums.records += one.lines
        setattr(self, level, _Sums(one.line, records=one.lines))
        self.out.note(one.line, ",".join(one.fields))
        if level == "file":
            self.created = _day(one.fields[3]) if len(one.fields) > 3 else None
        elif level == "group":
            self.start_group(one)
        elif level == "account":
            self.start_account(one)

    def start_group(self, one: _Record) -> None:
        self.head = [*one.fields, *[""] * 8]
        status = self.head[3].strip()
        if status in _GROUP_STATUS:
            self.out.fault(
                "statement-status", f"{_GROUP_STATUS[status]} of a group reported before: "
                "what it changes must be decided", one.line, status, "1, an update", "group status",
            )  # fmt: skip
        day = _day(self.head[4])
        if day is None:
            self.out.fault("cell-time", "no such day", one.line, self.head[4], "YYMMDD", "as of")
        elif self.created is not None and day > self.created + timedelta(days=1):
            self.out.fault(
                "day-outside", f"a group of a day after the file was made, {self.created}", one.line,
                self.head[4], f"a day up to {self.created}", "as of",
            )  # fmt: skip

    def start_account(self, one: _Record) -> None:
        fields = [*one.fields, "", ""]
        currency = fields[2].strip() or (self.head[6].strip() if self.head else "") or "USD"
        self.at = at = self.out.statement(
            Statement(fields[1].strip(), self.head[4] if self.head else "", one.line, currency)
        )
        if not at.account:
            self.out.fault("file-short", "an account without its number", one.line)
        place, count = 3, len(one.fields)
        while place < count:
            end = count if place + 3 >= count else _behind_funds(one.fields, place + 3)
            if end is None:
                self.order(one, "funds that do not say how they are split")
                return
            self.summary(one, at, [*one.fields[place : place + 4], "", "", ""])
            place = end

    def summary(self, one: _Record, at: Statement, part: list[str]) -> None:
        code, text, count = (p.strip() for p in part[:3])
        amount = self.number(one, text, code) if text else None
        if amount is None:
            return
        assert self.account is not None
        self.account.total += amount
        value = self.scaled(at, amount)
        if code == _OPENING:
            at.opening, at.opening_line = value, one.line
        elif code == _CLOSING:
            at.closing, at.closing_line = value, one.line
        elif code in {_CREDITS, _DEBITS}:
            name = "credit" if code == _CREDITS else "debit"
            at.stated[name] = (abs(value), one.line)
            if count.isdecimal() and len(count) < 10:
                at.stated[f"{name}s"] = (Decimal(count), one.line)

    def number(self, one: _Record, text: str, column: str) -> int | None:
        if _AMOUNT.fullmatch(text.strip()):
            return int(text)
        self.out.fault("statement-balance", "not a whole number", one.line, text, "digits", column)
        return None

    def scaled(self, at: Statement, amount: int) -> Decimal:
        places = _DECIMALS.get(at.currency, 2) if self.decimals is None else self.decimals
        return Decimal(amount).scaleb(-places)

    def entry(self, one: _Record) -> None:
        at = self.at
        if at is None or self.account is None or self.group is None or self.file is None:
            self.order(one, "a transaction outside of an account")
            return
        for sums in (self.file, self.group, self.account):
            sums.records += one.lines
        fields = [*one.fields, *[""] * 4]
        behind = _behind_funds(fields, 3)
        text = fields[2].strip()
        if text and _AMOUNT.fullmatch(text):
            self.account.total += int(text)
        code = fields[1].strip()
        sign = _sign(code)
        if behind is None or sign is None or (not _AMOUNT.fullmatch(text) and sign):
            told = ("statement-line", "unknown funds type") if behind is None else (
                ("statement-line", "a type code that is neither credit nor debit") if sign is None
                else ("cell-number", "not a whole number"))  # fmt: skip
            shown = fields[3] if behind is None else code if sign is None else text
            self.out.unreadable(at, *told, one.line, "transaction", shown)
            return
        if text.startswith("-"):
            self.out.unreadable(
                at, "cell-sign", "a negative amount beside a type that says the sign", one.line,
                "amount", text, "digits",
            )  # fmt: skip
            return
        assert behind is not None
        assert sign is not None
        value_day = ""
        if fields[3].strip().upper() == "V":
            found = _day(fields[4])
            if found is None:
                self.out.unreadable(at, "cell-time", "no such day", one.line, "value_date",
                                    fields[4], "YYMMDD")  # fmt: skip
                return
            value_day = found.isoformat()
        as_of = _day(self.head[4])
        interim = self.head[7].strip() in _INTERIM
        references = [*fields[behind : behind + 2], "", ""]
        self.out.entry(at, one.line, sign * self.scaled(at, int(text or "0")), {
            "booking_date": as_of.isoformat() if as_of else "", "value_date": value_day,
            "status": "information" if not sign else "pending" if interim else "booked",
            "type": code, "bank_reference": references[0].strip(),
            "reference": references[1].strip(), "text": joined(*one.texts),
        })  # fmt: skip

    def trailer(self, one: _Record) -> None:
        level = {"49": "account", "98": "group", "99": "file"}[one.code]
        sums: _Sums | None = getattr(self, level)
        inner = self.account if level == "group" else self.group if level == "file" else None
        if sums is None or inner is not None:
            self.order(one, f"the end of a {level} that is not open")
            return
        self.out.note(one.line, ",".join(one.fields))
        outer = [s for s in (self.file, self.group) if s is not None and s is not sums]
        sums.records += one.lines
        for other in outer if level != "account" else [self.file, self.group]:
            if other is not None:
                other.records += one.lines
        said = [self.number(one, t, "control") for t in one.fields[1:4] if t]
        gave = [sums.total, sums.records] if level == "account" else [
            sums.total, sums.parts, sums.records]  # fmt: skip
        names = ["control total", "records"] if level == "account" else [
            "control total", "accounts" if level == "group" else "groups", "records"]  # fmt: skip
        if len(said) != len(gave):
            self.order(one, "a trailer that lacks a figure")
        for name, stated, read in zip(names, said, gave, strict=False):
            if stated is not None and stated != read:
                self.out.fault(
                    "total-wrong", f"the {level} states {name} {stated}, its records give {read}",
                    one.line, str(stated), str(read), name,
                )  # fmt: skip
        above = {"account": self.group, "group": self.file, "file": None}[level]
        if above is not None:
            above.total += sums.total
            above.parts += 1
        setattr(self, level, None)
        self.at = None if level == "account" else self.at
        self.done = level == "file"

    def end(self) -> None:
        """Every level must have had its trailer."""
        for level, code in (("account", "49"), ("group", "98"), ("file", "99")):
            sums: _Sums | None = getattr(self, level)
            if sums is not None:
                self.out.fault("file-short", f"a {level} without its trailer: the file came short",
                               sums.line, None, code)  # fmt: skip


def _day(text: str) -> date | None:
    found = re.fullmatch(r"(\d\d)(\d\d)(\d\d)", text.strip(), re.ASCII)
    try:
        return date(2000 + int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _sign(code: str) -> Decimal | None:
    """Return +1, -1, 0 (no money) by the type code; None where the standard does not say."""
    if not re.fullmatch(r"\d{3}", code, re.ASCII):
        return None
    number = int(code)
    if number == 890:
        return ZERO
    if 100 <= number <= 399 or 920 <= number <= 959:
        return Decimal(1)
    if 400 <= number <= 699 or 960 <= number <= 999:
        return Decimal(-1)
    return None


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the accounts of a file; trailers and totals must hold."""
    out = Collector(path.name, folder, fmt.order == "newest-first")
    reader = _Reader(out, fmt.file.decimals)
    for one in _records(text_lines(path, fmt.file.encoding, folder, limits), out):
        reader.take(one)
    reader.end()
    return out.finish("bai2")


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the file begins with a file header of version 2."""
    head = head_of(path).lstrip("\ufeff\xef\xbb\xbf \n")
    first = re.sub(r"/?[ \t]*\n88,", ",", head[:2000]).split("\n", 1)[0]
    return re.fullmatch(r"01(,[^,]*){7},\s*2\s*/?\s*", first) is not None
