"""What a format may say, key by key.

A format names no partner; a source in ``finops.toml`` ties it to one (ruling 26). Every model here
is one table of the TOML file; a key that is not here is refused (:mod:`.formats` explains it).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from finops_ledger.core.kinds import ROLES, ROW_KINDS, STATUSES
from finops_ledger.core.schema import MONEY_FIELDS, ROW_NAMES, TIME_FIELDS
from finops_ledger.intake.conditions import (
    Condition,
    Exclusion,
    FormatModel,
    Pattern,
    Rule,
    suggestion,
    unknown,
)
from finops_ledger.intake.spec_file import FileSpec, Texts, as_list
from finops_ledger.intake.times import fixed_offset, time_pattern

#: Row columns that a format may fill; the rest come from the source or are derived.
MAPPABLE = tuple(
    n
    for n in ROW_NAMES
    if n
    not in {
        "record",
        "role",
        "source",
        "batch",
        "file_day",
        "occurrence",
        "status",
        "status_raw",
        "day",
        "paid_day",
        "refund_day",
    }
)


def _form(text: str) -> str:
    time_pattern(text)
    return text


Form = Annotated[str, BeforeValidator(_form)]
Forms = Annotated[tuple[Form, ...], BeforeValidator(as_list)]


class ZoneSpec(FormatModel):
    """A zone by ``name``; or by a ``column`` a record, by a ``row`` (a title or footer line) or the
    ``file_name`` a file, whose values ``map`` to zones or offsets (+07:00).
    """

    name: str | None = None
    column: str | None = None
    row: Pattern | None = None  #: one group: the zone as the line writes it
    file_name: Pattern | None = None  #: one group: the zone as the name writes it
    map: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_source(self) -> ZoneSpec:
        if sum(x is not None for x in (self.name, self.column, self.row, self.file_name)) != 1:
            raise ValueError("give one of name, column, row and file_name")
        for pattern in filter(None, (self.row, self.file_name)):
            if re.compile(pattern).groups != 1:
                raise ValueError(f"the pattern needs exactly one group: {pattern!r}")
        for zone in (*self.map.values(), *([self.name] if self.name else [])):
            fixed_offset(zone)  # raises for a zone that nobody knows
        return self


def _as_zone(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _as_field(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


Zone = Annotated[ZoneSpec, BeforeValidator(_as_zone)]


class NumberSpec(FormatModel):
    """How numbers are written. Nothing is guessed: what does not fit is refused."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    currency_text: tuple[str, ...] = ()  #: text that may stand before a number, like "Rp"
    currency_after: tuple[str, ...] = ()  #: text that may stand behind it, like ",-"
    parentheses: bool = False  #: (1,234) is negative
    minus_behind: bool = False  #: 1,234- is negative
    bare_fraction: bool = False  #: .50 is allowed
    trim: bool = False  #: blanks around a number are allowed
    plus: bool = False  #: a leading + is allowed
    empty: tuple[str, ...] = ()  #: further cells that mean "none", like "-"
    minor_units: bool = False  #: 1234 is 12.34 in a currency of two decimals

    @model_validator(mode="after")
    def _different(self) -> NumberSpec:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        return self


class FieldSpec(FormatModel):
    """Where one row column comes from. A bare string is short for ``{column = "..."}``.

    Sources, one of them: ``column`` (a cell), ``constant``, ``join`` (several cells as one text),
    ``sum`` (with ``minus``), ``debit`` and ``credit`` (value = credit - debit), ``rules`` (with
    ``default``).
    """

    column: str | None = None
    pattern: Pattern | None = None  #: one group: the part of the cell that is the value
    constant: str | None = None
    join: tuple[str, ...] = ()
    separator: str = " "  #: between the cells of ``join``; empty cells are left out
    sum: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    debit: str | None = None
    credit: str | None = None
    signed: bool = False  #: debit and credit cells may be negative
    marker: str | None = None  #: column that holds debit_mark or credit_mark
    debit_mark: Texts = ()
    credit_mark: Texts = ()
    negate: bool = False
    negate_when: tuple[Condition, ...] = ()  #: records on which the sign is the other way round
    numbers: NumberSpec | None = None  #: where this column is written otherwise than [numbers] says
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    upper: bool = False  #: text is stored in capitals (currency codes)
    zone: Zone | None = None
    format: Forms = ()
    required: bool | None = None  #: an empty cell is refused (default: by column, see read)
    empty_when_status: tuple[str, ...] = ()  #: statuses under which an empty amount means 0

    @model_validator(mode="after")
    def _one_source(self) -> FieldSpec:
        sources = [
            self.column is not None,
            self.constant is not None,
            bool(self.join),
            bool(self.sum),
            self.debit is not None or self.credit is not None,
            bool(self.rules) or self.default is not None,
        ]
        if sum(sources) != 1:
            raise ValueError(
                "give exactly one of column, constant, join, sum, debit and credit, rules and default"
            )
        if (self.debit is None) != (self.credit is None):
            raise ValueError("debit and credit go together")
        marks = (bool(self.debit_mark), bool(self.credit_mark), self.marker is not None)
        if any(marks) and not (all(marks) and self.column is not None):
            raise ValueError("marker, debit_mark, credit_mark and column go together")
        if self.pattern is not None and re.compile(self.pattern).groups != 1:
            raise ValueError(f"pattern needs exactly one group: {self.pattern!r}")
        return self

    def columns(self) -> tuple[str, ...]:
        """Return the file columns that the field reads."""
        singles = (self.column, self.debit, self.credit, self.marker)
        zone = self.zone.column if self.zone else None
        return (
            *(s for s in (*singles, zone) if s is not None),
            *self.join,
            *self.sum,
            *self.minus,
            *(r.column for r in self.rules),
            *(c.column for c in self.negate_when),
        )


FieldOrName = Annotated[FieldSpec, BeforeValidator(_as_field)]


class TimeSpec(FormatModel):
    """How times are written; ``format`` is in strptime's letters (see times.py)."""

    zone: Zone | None = None  #: default: the books' zone
    format: Forms = ("%Y-%m-%d %H:%M:%S",)  #: several: none may read what another reads otherwise
    months: Literal["en", "id", "en+id"] = "en"  #: language of %b and %B
    year: Literal["cell", "file_day"] = "cell"  #: file_day: dates without a year (see times.py)
    within_days: int = Field(default=62, ge=1, le=183)  #: how far such a date may lie from file_day


class StatusSpec(FormatModel):
    """Raw status to status. What the map does not know becomes ``unknown`` and keeps its text.

    With ``code`` two cells speak: the text in ``column`` and the code in ``code``. Where both are
    filled they must say the same; a contradiction is ``unknown``.
    """

    column: str | None = None
    map: dict[str, str] = {}
    constant: str | None = None
    code: str | None = None
    codes: dict[str, str] = {}
    codes_otherwise: str | None = None  #: status of every other code, where the protocol says so

    @model_validator(mode="after")
    def _closed(self) -> StatusSpec:
        if (self.column is None and self.code is None) == (self.constant is None):
            raise ValueError("give a column and a map, a code and codes, both, or a constant")
        single = [v for v in (self.constant, self.codes_otherwise) if v is not None]
        for value in (*self.map.values(), *self.codes.values(), *single):
            if value not in STATUSES:
                raise ValueError(f"{value!r} is not a status; choose from {', '.join(STATUSES)}")
        return self


class PrivacySpec(FormatModel):
    """Row columns stored as keyed hash and masked tail, never in clear."""

    hash: tuple[str, ...] = ()


class Identity(FormatModel):
    """Per row: the sum of the file columns ``left`` equals the sum of ``right``; empty is 0."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    unless: tuple[Condition, ...] = ()
    when_equal: tuple[str, str] | None = None  #: only where these two cells are the same text


class Total(FormatModel):
    """A figure that the file states about itself: in a title or footer line, or by its kind."""

    row: Pattern | None = None  #: searched in the raw line; in grids the cells are joined by tabs
    cell: int | None = Field(default=None, ge=0)  #: position of the figure in that line, from 0
    pattern: Pattern | None = (
        None  #: one group: the part of the cell (else line) that is the figure
    )
    figure: str | None = None  #: what the kind of file states itself, such as a bank's closing
    equals: Literal["rows", "sum", "debit", "credit", "opening", "closing", "currency"]
    field: str = "amount"  #: for sum: the row column that adds up to it
    required: bool = True  #: a file without the line came short

    @model_validator(mode="after")
    def _one_place(self) -> Total:
        if (self.row is None) == (self.figure is None):
            raise ValueError("give a row, or a figure")
        if self.row is not None and self.cell is None and self.pattern is None:
            raise ValueError("give the cell of the figure in the row, or a pattern")
        if self.pattern is not None and re.compile(self.pattern).groups != 1:
            raise ValueError(f"pattern needs exactly one group: {self.pattern!r}")
        return self

    @property
    def name(self) -> str:
        """``rows``, ``closing``, … or the name of the column summed."""
        return self.field if self.equals == "sum" else self.equals


class ExcludeSpec(FormatModel):
    """Records that are left out, each with its reason."""

    rules: tuple[Exclusion, ...] = ()
    #: Column of the account number: records of accounts that are not the source's are left out.
    other_accounts: str | None = None


class Format(FormatModel):
    """One format: how to recognise and read a file."""

    name: str
    version: int = Field(ge=1)
    role: str | None = None  #: what a source has by default
    description: str = ""
    source_of_layout: str = ""
    key: tuple[str, ...] = Field(min_length=1)  #: row columns that identify a row
    order: Literal["oldest-first", "newest-first"] = "oldest-first"
    revisions_in_file: bool = False
    file: FileSpec
    numbers: NumberSpec = NumberSpec()
    times: TimeSpec = TimeSpec()
    fields: dict[str, FieldOrName]
    status: StatusSpec = StatusSpec(constant="success")
    privacy: PrivacySpec = PrivacySpec()
    identities: tuple[Identity, ...] = ()
    totals: tuple[Total, ...] = ()
    exclude: ExcludeSpec = ExcludeSpec()

    @model_validator(mode="after")
    def _consistent(self) -> Format:
        faults = [*self._bad_names(), *self._bad_columns(), *self._bad_values()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _bad_names(self) -> list[str]:
        faults = [
            f"[fields] {unknown(name, MAPPABLE)}" for name in self.fields if name not in MAPPABLE
        ]
        faults += [f"key: {unknown(k, ROW_NAMES)}" for k in self.key if k not in ROW_NAMES]
        faults += [
            f"[privacy] hash: {unknown(n, MAPPABLE)}"
            for n in self.privacy.hash
            if n not in MAPPABLE or n in MONEY_FIELDS or n in TIME_FIELDS
        ]
        faults += [
            f"[[totals]] field: {unknown(t.field, MONEY_FIELDS)}"
            for t in self.totals
            if t.field not in MONEY_FIELDS
        ]
        if self.role is not None and self.role not in ROLES:
            faults.append(f"role: {unknown(self.role, ROLES)}")
        return faults

    def _bad_columns(self) -> list[str]:
        known = self.file.columns()
        return [
            f"{place}: the file has no column {column!r}{suggestion(column, known)}"
            for place, column in self.used_columns()
            if column not in known
        ]

    def _bad_values(self) -> list[str]:
        faults = []
        if kind := self.fields.get("kind"):
            values = [r.is_ for r in kind.rules] + [v for v in (kind.default, kind.constant) if v]
            faults += [
                f"[fields.kind] {unknown(v, ROW_KINDS)}" for v in values if v not in ROW_KINDS
            ]
        if not {"amount", "price"} & set(self.fields):
            faults.append("[fields] maps neither amount nor price: no control amount")
        return faults

    def used_columns(self) -> list[tuple[str, str]]:
        """Return (place in the format, file column) for every column that the format reads."""
        used = [(f"[fields.{n}]", c) for n, spec in self.fields.items() for c in spec.columns()]
        used += [("[status]", c) for c in (self.status.column, self.status.code) if c is not None]
        if self.times.zone is not None and self.times.zone.column is not None:
            used.append(("[times]", self.times.zone.column))
        for identity in self.identities:
            conditions = (c.column for c in identity.unless)
            both = (*identity.left, *identity.right, *conditions, *(identity.when_equal or ()))
            used += [("[[identities]]", c) for c in both]
        if self.exclude.other_accounts is not None:
            used.append(("[exclude]", self.exclude.other_accounts))
        return used + [("[exclude]", e.column) for e in self.exclude.rules]
