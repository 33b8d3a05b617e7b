"""Bank statements whose layout is a standard: one set of columns for all of them.

``amount`` is signed (plus into our account), written plainly with a dot. Dates are ``YYYY-MM-DD``,
times ``HH:MM:SS``; an empty cell means that the statement does not say. ``docs/reference/
statements.md`` lists the columns and what each kind of file fills them with.

A reader gives its statements and entries to a :class:`Collector`, which keeps the entries as records
and proves what the file says of itself: opening + entries = closing, totals, and that each statement
of an account begins where the one before it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from typing import Final

from finops_ledger.core.errors import InputRefused, Problem
from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.readers.delimited import as_utf8
from finops_ledger.intake.readers.table import CHUNK, LISTED, Cells, TableSource, TableWriter
from finops_ledger.intake.source import Note

COLUMNS: Final = (
    "account",  # number or IBAN of the account, as the file writes it
    "statement",  # its number or id within the file
    "entry",  # number of the entry within the statement, from 1
    "currency",
    "booking_date",
    "value_date",
    "time",  # time of day, where the file has one; else empty
    "amount",
    "status",  # booked, pending, information
    "type",  # transaction type as the file writes it
    "reference",  # our reference, the customer's
    "bank_reference",
    "end_to_end",
    "counterparty",
    "counterparty_account",
    "text",  # remittance information, lines joined by one blank
    "reversal",  # "true" for a reversal
    "level",  # entry; batch for one that sums up several transactions
    "balance",  # running balance after the entry, where stated
)

_BLANKS = re.compile(r"\s+")
#: More digits than any sum of a file of amounts (18 + 5 each) can need.
_EXACT = 80
#: Banks book on the days around a statement's ends. Farther away a year or a month is wrong.
_FAR: Final = timedelta(days=31)


def joined(*parts: str) -> str:
    """Return texts as one line: blanks and line ends made one blank each, empty parts left out."""
    return " ".join(t for t in (_BLANKS.sub(" ", p).strip() for p in parts) if t)


def amount_of(text: str, mark: str = ".") -> Decimal | None:
    """Return an unsigned amount of at most 18 digits and 5 decimals; None when it is none.

    Standards say which character the decimal mark is, and know no thousands separators.
    """
    if not re.fullmatch(rf"\d{{1,18}}(?:{re.escape(mark)}\d{{0,5}})?", text, re.ASCII):
        return None
    return Decimal(text.replace(mark, "."))


@dataclass(slots=True)
class Statement:
    """One statement (or page of one) of one account, with what it says of itself."""

    account: str
    number: str
    line: int
    currency: str = ""
    opening: Decimal | None = None
    closing: Decimal | None = None
    opening_line: int = 0
    closing_line: int = 0
    first_page: bool = True  #: its opening begins a statement, no page comes before it
    last_page: bool = True  #: its closing ends the statement, no page follows
    #: Totals by name: rows, credits, debits (numbers); sum, credit, debit (amounts, unsigned); net.
    stated: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    whole: bool = True  #: every entry could be read
    #: Days of opening and closing, and first and last booking that states its day, with its line.
    since: date | None = None
    until: date | None = None
    first: tuple[date, int] | None = None
    last: tuple[date, int] | None = None
    entries: int = 0
    moved: Decimal = ZERO  #: sum of the booked entries
    #: What the entries give for each of the totals: of all, and of the booked ones.
    given: tuple[dict[str, Decimal], dict[str, Decimal]] = field(
        default_factory=lambda: ({}, {}), repr=False
    )

    def booked_on(self, day: date, line: int) -> None:
        """Keep the day on which an entry of this statement says that it was booked."""
        self.first = min(self.first or (day, line), (day, line))
        self.last = max(self.last or (day, line), (day, line))


@dataclass
class Collector:
    """Keeps the entries of a file and proves its statements."""

    name: str
    folder: Path
    newest_first: bool = False
    statements: list[Statement] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)  #: of the file; any of them refuses it
    broken: list[Problem] = field(default_factory=list)  #: of single entries
    broken_count: int = 0
    #: What else a kind of file states, by account.
    more: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._writer = TableWriter(self.folder / "table.parquet", len(COLUMNS))
        self._rows: list[tuple[int, Cells]] = []

    def statement(self, statement: Statement) -> Statement:
        """Begin a statement."""
        self.statements.append(statement)
        return statement

    def note(self, line: int, text: str) -> None:
        """Keep a line that is no entry."""
        self.notes.append(Note(text, (text,), line))

    def fault(
        self, code: str, message: str, line: int | None = None, value: str | None = None,
        expected: str | None = None, column: str | None = None,
    ) -> None:  # fmt: skip
        """Record what is wrong with the file as a whole."""
        self.faults.append(
            Problem(code, message, self.name, line, column, value and value[:200], expected)
        )

    def unreadable(
        self, statement: Statement | None, code: str, message: str, line: int,
        column: str, value: str, expected: str | None = None,
    ) -> None:  # fmt: skip
        """Count an entry that cannot be read."""
        if statement is not None:
            statement.whole = False
            statement.entries += 1
        self.broken_count += 1
        if len(self.broken) < LISTED:
            problem = Problem(code, message, self.name, line, column, value[:200], expected)
            self.broken.append(problem)

    def entry(self, at: Statement, line: int, amount: Decimal | str, cells: dict[str, str]) -> None:
        """Keep an entry: its signed amount, or its text where the format reads it."""
        at.entries += 1
        booked = cells.get("status", "booked") == "booked"
        if isinstance(amount, Decimal):
            _add(at.given[0], amount)
            if booked:
                _add(at.given[1], amount)
                with localcontext(prec=_EXACT):
                    at.moved += amount
        own = {
            "account": at.account, "statement": at.number, "entry": str(at.entries),
            "currency": at.currency, "status": "booked", "level": "entry", **cells,
            "amount": plain(amount) if isinstance(amount, Decimal) else amount,
        }  # fmt: skip
        self._rows.append((line, [own.get(c) or None for c in COLUMNS]))
        if len(self._rows) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_rows(self._rows)
        self._rows = []

    def finish(self, kind: str) -> TableSource:
        """Prove the statements; return the records and the figures of each account.

        Raises:
            InputRefused: no statement at all, or the file contradicts itself.
        """
        self._flush()
        self._writer.close()
        if not self.statements and not self.faults:
            self.fault("kind-wrong", f"no statement of kind {kind} in this file", 1)
        if wrong := [f for f in self.faults if f.code == "kind-wrong"]:
            raise InputRefused(self.name, wrong[:LISTED], len(wrong))
        for one in self.statements:
            self._prove(one)
        accounts: dict[str, list[Statement]] = {}
        for one in reversed(self.statements) if self.newest_first else self.statements:
            accounts.setdefault(one.account, []).append(one)
        for chain in accounts.values():
            if len(chain) > 1 and not _follow(chain) and _follow(chain[::-1]):
                chain.reverse()  # the balances prove which order the file has
            self._chain(chain)
        if self.faults:
            problems = sorted([*self.faults, *self.broken], key=lambda p: p.line or 0)
            total = len(self.faults) + self.broken_count
            raise InputRefused(self.name, problems[:LISTED], total)
        figures = {a: _figures(s) | self.more.get(a, {}) for a, s in accounts.items()}
        return TableSource(
            self.name,
            self.folder,
            {c: i for i, c in enumerate(COLUMNS)},
            len(COLUMNS),
            tuple(self.notes),
            figures,
            parquet=self._writer.path,
            rows=self._writer.rows,
            broken=self.broken_count,
            problems=tuple(self.broken),
        )

    def _prove(self, one: Statement) -> None:
        """Check the totals that a statement states, and opening + entries = closing."""
        if not one.whole:
            return
        every, booked = one.given
        for name, (said, line) in one.stated.items():
            read = every.get(name, ZERO)
            if said not in (read, booked.get(name, ZERO)):
                self.fault(
                    "total-wrong", f"the statement states {name} {plain(said)}, its entries give "
                    f"{plain(read)}", line, plain(said), plain(read), name,
                )  # fmt: skip
        self._within(one)
        if one.opening is None or one.closing is None:
            return
        with localcontext(prec=_EXACT):
            gives = one.opening + one.moved
        if gives != one.closing:
            self.fault(
                "total-wrong",
                f"opening {plain(one.opening)} and entries {plain(one.moved)} give {plain(gives)}, "
                f"the statement says {plain(one.closing)}",
                one.closing_line, plain(one.closing), plain(gives), "closing",
            )  # fmt: skip

    def _within(self, one: Statement) -> None:
        """Check that no entry is booked far from the days of opening and closing."""
        ends = (
            ("before the opening", one.since, one.first),
            ("behind the closing", one.until, one.last),
        )
        for told, end, booked in ends:
            if end is None or booked is None:
                continue
            beyond = end - booked[0] if end is one.since else booked[0] - end
            if beyond > _FAR:
                self.fault(
                    "day-outside", f"booked {beyond.days} days {told} of its statement",
                    booked[1], booked[0].isoformat(), f"a day near {end}", "booking_date",
                )  # fmt: skip

    def _chain(self, chain: list[Statement]) -> None:
        """Check that the statements of one account follow one another, and their pages are there."""
        before: Statement | None = None
        for one in chain:
            if before is None or before.last_page:
                if not one.first_page:
                    self.fault("file-short", "the pages before this one are missing", one.line)
            elif one.first_page:
                self.fault("file-short", "the last page of this statement is missing", before.line)
            if before is not None and before.currency != one.currency:
                self.fault(
                    "currency-other", "one account in two currencies", one.line, one.currency,
                    before.currency, "currency",
                )  # fmt: skip
            elif before is not None:
                self._follows(before, one)
            before = one
        if before is not None and not before.last_page:
            self.fault("file-short", "the last page of this statement is missing", before.line)

    def _follows(self, before: Statement, one: Statement) -> None:
        ended = before.closing
        if ended is None and before.opening is not None and before.whole:
            with localcontext(prec=_EXACT):
                ended = before.opening + before.moved
        if None not in (ended, one.opening) and ended != one.opening:
            self.fault(
                "balance-chain",
                "a statement does not begin where the one before it ended "
                f"(line {before.closing_line or before.line})",
                one.opening_line, plain(one.opening or ZERO), plain(ended or ZERO), "opening",
            )  # fmt: skip


def _add(given: dict[str, Decimal], amount: Decimal) -> None:
    side = "credit" if amount >= ZERO else "debit"
    size = abs(amount)
    with localcontext(prec=_EXACT):
        for name, value in (
            ("rows", Decimal(1)), (f"{side}s", Decimal(1)), (side, size), ("sum", size), ("net", amount),
        ):  # fmt: skip
            given[name] = given.get(name, ZERO) + value


def _follow(chain: list[Statement]) -> bool:
    """Say whether each statement has balances and begins where the one before it ended."""
    return all(
        one.closing is not None and one.closing == two.opening for one, two in pairwise(chain)
    )


def _figures(chain: list[Statement]) -> dict[str, str]:
    """Return what the statements of an account state together, as plain text."""
    found = {"currency": chain[0].currency}
    if chain[0].opening is not None:
        found["opening"] = plain(chain[0].opening)
    if chain[-1].closing is not None:
        found["closing"] = plain(chain[-1].closing)
    for name in ("rows", "credits", "debits", "credit", "debit", "sum", "net"):
        if all(name in s.stated for s in chain):
            with localcontext(prec=_EXACT):
                found[name] = plain(sum((s.stated[name][0] for s in chain), ZERO))
    return {k: v for k, v in found.items() if v}


def text_lines(
    path: Path, encoding: str, folder: Path, limits: Limits
) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file, from 1, without line ends and framing control characters.

    Raises:
        InputRefused: another encoding, NUL bytes, a line beyond the limit.
    """
    readable = as_utf8(path, encoding, folder)
    raw.scan(readable, encoding if raw.is_utf8(encoding) else "utf-8", 0, 0, "", path.name)
    number = 0
    with readable.open(encoding="utf-8-sig") as file:
        while line := file.readline(limits.max_record_bytes + 1):
            number += 1
            if len(line) > limits.max_record_bytes:
                raise raw.refuse(
                    path.name, "record-too-long",
                    f"more than {limits.max_record_bytes:,} bytes without an end", number,
                    expected="lines; an own limit is set by max_record_bytes in [intake]",
                )  # fmt: skip
            # Start and end of text, and end of file, frame what older systems send.
            yield number, line.rstrip("\n").strip("\x01\x02\x03\x1a")


def head_of(path: Path, limit: int = 1 << 16) -> str:
    """Return the start of a file as text for recognising it, whatever bytes it holds."""
    with path.open("rb") as file:
        return file.read(limit).decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
