"""SWIFT MT940 statements and MT942 interim reports.

A small strict reader of our own (``docs/decisions/0015-statements-read-strictly.md``): every line of
a file is a field that is known, the text of one, or the envelope around a message; what is none of
these refuses the file. The published standard is followed (SWIFT MT940, MT942), and what real banks
are known to do beside it: fields without a reference, ``:28:`` for ``:28C:``, blanks for the entry
date, several ``:86:`` an entry, ``:NS:`` fields, texts of any length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from finops_ledger.core.money import ZERO
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.statement import (
    Collector,
    Statement,
    amount_of,
    head_of,
    joined,
    text_lines,
)  # fmt: skip
from finops_ledger.intake.readers.swift_fields import HEADINGS, KNOWN, Field, fields
from finops_ledger.intake.readers.swift_text import Remittance, remittance
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec import Format

_OF_STATEMENTS = {"60F", "60M", "62F", "62M", "64", "65"}
_OF_REPORTS = {"34F", "90D", "90C"}
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})([\d,]+)")
_TOTAL = re.compile(r"(\d{1,5})([A-Z]{3})([\d,]+)")
_LIMIT = re.compile(r"([A-Z]{3})([CD])?([\d,]+)")
_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}| {4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?"
    r"(?P<amount>[\d,]+)(?P<type>[NSF][A-Z0-9 ]{3})(?P<rest>.*)"
)


@dataclass(slots=True)
class _Entry:
    line: int
    found: re.Match[str] | None  #: None: not a statement line; what follows still belongs to it
    supplementary: list[str]
    details: list[str] = field(default_factory=list)


class _Reader:
    """Puts fields together to statements."""

    def __init__(self, out: Collector, kind: str) -> None:
        self.out, self.interim = out, kind == "mt942"
        self.kind = kind
        self.head: dict[str, Field] = {}
        self.at: Statement | None = None
        self.closed = False
        self.entry: _Entry | None = None

    def take(self, one: Field) -> None:
        tag = one.tag
        if tag not in {"86", "NS"}:
            self.flush()
        if tag == "-":
            self.end()
        elif tag in HEADINGS:
            self.out.note(one.line, f":{tag}:")
            if tag != self.kind[2:]:
                self.wrong(one)
        elif tag not in KNOWN:
            self.out.fault(
                "statement-tag", "an unknown field", one.line, f":{tag}:{one.lines[0]}",
                "a field of MT940 or MT942",
            )  # fmt: skip
        elif tag == "20":
            self.end()
            self.head = {"20": one}
        elif not self.head:
            self.misplaced(one, "a field outside of a statement; a statement begins with :20:")
        else:
            self.inside(one)

    def inside(self, one: Field) -> None:
        tag = one.tag
        if tag in (_OF_STATEMENTS if self.interim else _OF_REPORTS):
            self.wrong(one)
        elif tag in {"13", "13D"}:  # when the report was made
            self.out.note(one.line, f":{tag}:{joined(*one.lines)}")
        elif tag in {"21", "25", "25P", "28", "28C"}:
            if self.at is not None:
                self.misplaced(one, "a field of the head behind the first balance or line")
            elif tag[:2] in self.head:
                self.misplaced(one, "a field stands twice")
            else:
                self.head[tag[:2]] = one
                self.out.note(one.line, f":{tag}:{joined(*one.lines)}")
        elif tag in {"60F", "60M"}:
            self.open(one)
        elif tag == "34F":
            self.limit(one)
        elif tag == "61":
            self.line(one)
        elif tag in {"86", "NS"}:
            self.text(one)
        elif tag in {"62F", "62M"}:
            self.close(one)
        elif tag in {"90D", "90C"}:
            self.total(one)
        else:  # 64, 65: what is available, now and later
            self.out.note(one.line, f":{tag}:{joined(*one.lines)}")
            if not self.closed:
                self.misplaced(one, "an available balance before the closing balance")

    def wrong(self, one: Field) -> None:
        told = "a field of a statement in an interim report" if self.interim else (
            "a field of an interim report in a statement")  # fmt: skip
        self.out.fault("kind-wrong", told, one.line, f":{one.tag}:", f"an {self.kind.upper()} file")

    def misplaced(self, one: Field, message: str) -> None:
        self.out.fault("statement-order", message, one.line, f":{one.tag}:{one.lines[0]}")

    def begin(self, line: int) -> Statement:
        account = self.head.get("25")
        number = self.head.get("28")
        if account is None or not account.lines[0].strip():
            self.out.fault("file-short", "a statement without its account", line, None, ":25:")
        self.closed = False
        self.at = self.out.statement(
            Statement(
                account.lines[0].strip() if account else "",
                "".join(number.lines).strip() if number else "",
                self.head["20"].line,
            )
        )
        return self.at

    def balance(self, one: Field) -> tuple[Decimal, str, date | None] | None:
        found = _BALANCE.fullmatch("".join(one.lines).strip())
        amount = _amount(found[4]) if found else None
        if found is None or amount is None:
            self.out.fault(
                "statement-balance", "not a balance", one.line, "".join(one.lines),
                "C or D, date, currency, amount with a decimal comma", f":{one.tag}:",
            )  # fmt: skip
            return None
        day = _date(found[2])
        if day is None:
            self.out.fault("cell-time", "no such day", one.line, found[2], "YYMMDD", f":{one.tag}:")
        return (amount if found[1] == "C" else ZERO - amount), found[3], day

    def open(self, one: Field) -> None:
        if self.at is not None:
            self.misplaced(one, "a second opening balance")
            return
        at = self.begin(one.line)
        at.first_page, at.opening_line = one.tag == "60F", one.line
        if found := self.balance(one):
            at.opening, at.currency, day = found
            at.since = day if at.first_page else None  # that of a page may be of any day

    def close(self, one: Field) -> None:
        at = self.at
        if at is None or self.closed:
            self.misplaced(one, "a closing balance without an opening balance")
            return
        self.closed = True
        at.last_page, at.closing_line = one.tag == "62F", one.line
        if found := self.balance(one):
            at.closing, at.until = found[0], found[2]
            if found[1] != at.currency:
                self.out.fault(
                    "currency-other", "closing in another currency than opening", one.line,
                    found[1], at.currency, f":{one.tag}:",
                )  # fmt: skip

    def limit(self, one: Field) -> None:
        found = _LIMIT.fullmatch("".join(one.lines).strip())
        at = self.at or self.begin(one.line)
        if found is None or _amount(found[3]) is None:
            self.out.fault(
                "statement-balance", "not a limit", one.line, "".join(one.lines),
                "currency, perhaps C or D, amount", ":34F:",
            )  # fmt: skip
        else:
            at.currency = at.currency or found[1]
            self.out.note(one.line, f":34F:{found[0]}")

    def total(self, one: Field) -> None:
        at = self.at or self.begin(one.line)
        self.closed = True
        found = _TOTAL.fullmatch("".join(one.lines).strip())
        amount = _amount(found[3]) if found else None
        if found is None or amount is None:
            self.out.fault(
                "statement-balance", "not a total", one.line, "".join(one.lines),
                "number, currency, amount with a decimal comma", f":{one.tag}:",
            )  # fmt: skip
            return
        side = "debit" if one.tag == "90D" else "credit"
        at.stated[f"{side}s"] = (Decimal(found[1]), one.line)
        at.stated[side] = (amount, one.line)
        at.currency = at.currency or found[2]
        if found[2] != at.currency:
            self.out.fault(
                "currency-other", "a total in another currency", one.line, found[2], at.currency,
                f":{one.tag}:",
            )  # fmt: skip

    def line(self, one: Field) -> None:
        if self.at is None or self.closed:
            self.misplaced(one, "a line outside of opening and closing")
            return
        found = _LINE.fullmatch(one.lines[0])
        if found is None:
            self.out.unreadable(
                self.at, "statement-line", "not a statement line", one.line, ":61:", one.lines[0],
                "date, C or D, amount with a decimal comma, type, reference",
            )  # fmt: skip
        self.entry = _Entry(one.line, found, one.lines[1:])

    def text(self, one: Field) -> None:
        if self.entry is not None:
            lines = self.entry.details if one.tag == "86" else self.entry.supplementary
            lines.extend(one.lines)
        elif self.closed or (one.tag == "NS" and self.at is None):
            self.out.note(one.line, f":{one.tag}:{joined(*one.lines)}")
        else:
            self.misplaced(one, "a text that belongs to no line")

    def flush(self) -> None:
        """Keep the entry whose fields are all in."""
        entry, self.entry = self.entry, None
        if entry is None or entry.found is None or self.at is None:
            return
        found, out = entry.found, self.out
        amount = _amount(found["amount"])
        if amount is None:
            out.unreadable(
                self.at, "cell-number", "not an amount", entry.line, "amount", found["amount"],
                "digits with a decimal comma",
            )  # fmt: skip
            return
        value = _date(found["value"])
        booked = value and (
            _near(found["entry"], value) if (found["entry"] or "").strip() else value
        )
        if value is None or booked is None:
            bad = found["value"] if value is None else found["entry"]
            column = "value_date" if value is None else "booking_date"
            out.unreadable(
                self.at, "cell-time", "no such day", entry.line, column, bad,
                "YYMMDD" if value is None else "MMDD",
            )  # fmt: skip
            return
        if (found["entry"] or "").strip():
            self.at.booked_on(booked, entry.line)
        mark = found["mark"]
        if mark[0] == "E" and not self.interim:
            out.unreadable(
                self.at, "cell-mark", "an expected entry in a statement", entry.line, "amount",
                mark, "C, D, RC or RD",
            )  # fmt: skip
            return
        reference, _, bank = found["rest"].partition("//")
        said: Remittance = remittance(entry.details)
        out.entry(
            self.at,
            entry.line,
            amount if mark in {"C", "RD", "EC"} else ZERO - amount,
            {
                "booking_date": booked.isoformat(),
                "value_date": value.isoformat(),
                "status": "pending" if mark[0] == "E" else "booked",
                "type": found["type"].strip(),
                "reference": _reference(reference),
                "bank_reference": _reference(bank),
                "end_to_end": said.end_to_end,
                "counterparty": said.name,
                "counterparty_account": said.account,
                "text": joined(said.text, *entry.supplementary),
                "reversal": "true" if mark[0] == "R" else "",
            },
        )

    def end(self) -> None:
        """End a message; one without closing balance came short."""
        self.flush()
        if self.head and self.at is None:
            at = self.head["20"].line
            if self.interim:
                self.out.fault("file-short", "no limit and no total: nothing reported", at)
            else:
                self.out.fault("file-short", "a statement without an opening balance", at,
                               None, ":60F:")  # fmt: skip
        elif self.at is not None and not self.interim and self.at.closing_line == 0:
            self.out.fault(
                "file-short", "a statement without a closing balance: the file came short",
                self.at.line, None, ":62F:",
            )  # fmt: skip
        self.head, self.at, self.closed = {}, None, False


def _amount(text: str) -> Decimal | None:
    """Return an amount; some banks write ``,50`` for ``0,50``."""
    return amount_of(f"0{text}" if text.startswith(",") and text != "," else text, ",")


def _reference(text: str) -> str:
    """Return a reference; some words only say that there is none, or that it stands in ``:86:``."""
    found = text.strip()
    return "" if found in {"NONREF", "EREF", "PREF", "MARF"} else found


def _date(text: str) -> date | None:
    """Return a YYMMDD date: 80 to 99 are of the last century."""
    year = int(text[:2])
    try:
        return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


def _near(text: str, value: date) -> date | None:
    """Return the MMDD date that lies nearest to the value date: the year may have turned."""
    found = []
    for year in (value.year - 1, value.year, value.year + 1):
        try:
            found.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    return min(found, key=lambda d: abs(d - value), default=None)


def open_source(path: Path, fmt: Format, folder: Path, limits: Limits) -> Source:
    """Read the statements of a file; see :class:`.statement.Collector` for what is proven."""
    out = Collector(path.name, folder, fmt.order == "newest-first")
    reader = _Reader(out, fmt.file.kind)
    lines = text_lines(path, fmt.file.encoding, folder, limits)
    for one in fields(lines, out, interim=reader.interim):
        reader.take(one)
    reader.end()
    return out.finish(fmt.file.kind)


def recognises(path: Path, fmt: Format, limits: Limits) -> bool:
    """Say whether the first statement of a file is of this kind: by its balances or its limit."""
    head = head_of(path).removeprefix("\xef\xbb\xbf")
    if not re.search(r"(^|\{4:):20:", head, re.MULTILINE):
        return False
    first = re.search(r"^:(60[FM]|34F|90[DC]):", head, re.MULTILINE)
    return first is not None and (first[1][:2] == "60") == (fmt.file.kind == "mt940")
