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
    field_validator,
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


class ZoneSpec(FormatModel):
    """A zone by ``name``, or by a ``column`` whose values ``map`` to zones or offsets (+07:00)."""

    name: str | None = None
    column: str | None = None
    map: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_source(self) -> ZoneSpec:
        if (self.name is None) == (self.column is None):
            raise ValueError("give a zone name, or a column and a map")
        for zone in (*self.map.values(), *([self.name] if self.name else [])):
            fixed_offset(zone)  # raises for a zone that nobody knows
        return self


def _as_zone(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _as_field(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Zone = Annotated[ZoneSpec, BeforeValidator(_as_zone)]


class FieldSpec(FormatModel):
    """Where one row column comes from. A bare string is short for ``{column = "..."}``.

    Sources, one of them: ``column`` (a cell), ``constant``, ``sum`` (with ``minus``), ``debit`` and
    ``credit`` (value = credit - debit), ``rules`` (with ``default``).
    """

    column: str | None = None
    pattern: Pattern | None = None  #: one group: the part of the cell that is the value
    constant: str | None = None
    sum: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    debit: str | None = None
    credit: str | None = None
    signed: bool = False  #: debit and credit cells may be negative
    marker: str | None = None  #: column that holds debit_mark or credit_mark
    debit_mark: str | None = None
    credit_mark: str | None = None
    negate: bool = False
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    upper: bool = False  #: text is stored in capitals (currency codes)
    zone: Zone | None = None
    format: Form | None = None
    required: bool | None = None  #: an empty cell is refused (default: by column, see read)
    empty_when_status: tuple[str, ...] = ()  #: statuses under which an empty amount means 0

    @model_validator(mode="after")
    def _one_source(self) -> FieldSpec:
        sources = [
            self.column is not None,
            self.constant is not None,
            bool(self.sum),
            self.debit is not None or self.credit is not None,
            bool(self.rules) or self.default is not None,
        ]
        if sum(sources) != 1:
            raise ValueError(
                "give exactly one of column, constant, sum, debit and credit, rules and default"
            )
        if (self.debit is None) != (self.credit is None):
            raise ValueError("debit and credit go together")
        marks = (self.marker, self.debit_mark, self.credit_mark)
        if any(m is not None for m in marks) and (None in marks or self.column is None):
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
            *self.sum,
            *self.minus,
            *(r.column for r in self.rules),
        )


FieldOrName = Annotated[FieldSpec, BeforeValidator(_as_field)]


class FileSpec(FormatModel):
    """How the file is laid out."""

    kind: Literal["csv"] = "csv"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    encoding: str = "utf-8"
    header: tuple[str, ...]  #: exact names in order; with by_name the columns that must be there
    header_row: bool = True  #: false: the file has no header line, the names are ours
    skip_lines: int = Field(default=0, ge=0)  #: title lines before the header
    header_within: int = Field(default=0, ge=0, le=200)  #: search the header in the first N lines
    by_name: bool = False  #: columns in any order, found by name
    optional: tuple[str, ...] = ()  #: columns that may be absent (by_name); absent reads as empty
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    first_line: Pattern | None = None  #: what the first line must match from its start
    footer: Annotated[tuple[Pattern, ...], BeforeValidator(_as_list)] = ()  #: searched from the end

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as error:
            raise ValueError(f"unknown encoding {value!r}") from error
        return value.lower().replace("_", "-")

    @model_validator(mode="after")
    def _names(self) -> FileSpec:
        double = sorted({n for n in self.header if self.header.count(n) > 1})
        if double:
            raise ValueError(f"header names a column twice: {double}")
        if self.optional and not self.by_name:
            raise ValueError("optional columns need by_name = true")
        if not self.header:
            raise ValueError("header must name the columns")
        return self


class NumberSpec(FormatModel):
    """How numbers are written. Nothing is guessed: what does not fit is refused."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    currency_text: tuple[str, ...] = ()  #: text that may stand before a number, like "Rp"
    trim: bool = False  #: blanks around a number are allowed
    plus: bool = False  #: a leading + is allowed
    empty: tuple[str, ...] = ()  #: further cells that mean "none", like "-"
    minor_units: bool = False  #: 1234 is 12.34 in a currency of two decimals

    @model_validator(mode="after")
    def _different(self) -> NumberSpec:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        return self


class TimeSpec(FormatModel):
    """How times are written; ``format`` is in strptime's letters (Y y m d H M S f, -d, -m)."""

    zone: Zone | None = None  #: default: the books' zone
    format: Form = "%Y-%m-%d %H:%M:%S"
    year: Literal["cell", "file_day"] = "cell"  #: file_day: dates without a year (see times.py)
    within_days: int = Field(default=62, ge=1, le=183)  #: how far such a date may lie from file_day


class StatusSpec(FormatModel):
    """Raw status to status. What the map does not know becomes ``unknown`` and keeps its text."""

    column: str | None = None
    map: dict[str, str] = {}
    constant: str | None = None

    @model_validator(mode="after")
    def _closed(self) -> StatusSpec:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give a column and a map, or a constant")
        for value in (*self.map.values(), *([self.constant] if self.constant else [])):
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
    """A figure that the file states about itself, in a title or footer line."""

    row: Pattern  #: searched in the raw line
    cell: int = Field(ge=0)  #: position of the figure in that line, from 0
    equals: Literal["rows", "sum", "debit", "credit", "opening", "closing", "currency"]
    field: str = "amount"  #: for sum: the row column that adds up to it
    required: bool = True  #: a file without the line came short

    @property
    def name(self) -> str:
        """``rows``, ``closing``, … or the name of the column summed."""
        return self.field if self.equals == "sum" else self.equals


class ExcludeSpec(FormatModel):
    """Records that are left out, each with its reason."""

    rules: tuple[Exclusion, ...] = ()


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
        known = (*self.file.header, *self.file.optional)
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
        if self.status.column is not None:
            used.append(("[status]", self.status.column))
        if self.times.zone is not None and self.times.zone.column is not None:
            used.append(("[times]", self.times.zone.column))
        for identity in self.identities:
            conditions = (c.column for c in identity.unless)
            both = (*identity.left, *identity.right, *conditions, *(identity.when_equal or ()))
            used += [("[[identities]]", c) for c in both]
        return used + [("[exclude]", e.column) for e in self.exclude.rules]
