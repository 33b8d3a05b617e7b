"""What a format may say, key by key.

A format names no partner; a source in ``finops.toml`` ties it to one (ruling 26). Every model here
is one table of the TOML file; a key that is not here is refused (:mod:`.formats` explains it).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from finops_ledger.core.kinds import ROLES, ROW_KINDS
from finops_ledger.core.schema import MONEY_FIELDS, ROW_NAMES, TIME_FIELDS
from finops_ledger.intake import forms
from finops_ledger.intake.conditions import (
    Condition,
    Exclusion,
    FormatModel,
    Pattern,
    Rule,
    suggestion,
    unknown,
)
from finops_ledger.intake.spec_fields import (
    FieldOrName,
    FieldSpec,
    Forms,
    NumberSpec,
    StatusSpec,
    TimeSpec,
    ZoneSpec,
)
from finops_ledger.intake.spec_file import FileSpec

__all__ = [
    "MAPPABLE", "Condition", "ExcludeSpec", "Exclusion", "FieldSpec", "FileSpec", "Format",
    "Identity", "NumberSpec", "Period", "PrivacySpec", "Rule", "StatusSpec", "TimeSpec", "Total", "ZoneSpec",
]  # fmt: skip

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


def _as_cells(value: object) -> object:
    return (value,) if isinstance(value, int) else value


Cells = Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_as_cells)]


class PrivacySpec(FormatModel):
    """Row columns stored as keyed hash and masked tail, never in clear."""

    hash: tuple[str, ...] = ()


class Identity(FormatModel):
    """Per row: the sum of the file columns ``left`` equals the sum of ``right``; empty is 0."""

    left: tuple[str, ...] = Field(min_length=1)
    right: tuple[str, ...] = ()  #: none: the left side is 0
    unless: tuple[Condition, ...] = ()
    when_equal: tuple[str, str] | None = None  #: only where these two cells are the same text


class Period(FormatModel):
    """The days that a file says it covers, in a title or footer line; no row may lie outside."""

    row: Pattern  #: searched like that of a total; two groups: the first day and the last
    format: Forms = ("%d/%m/%Y",)

    @model_validator(mode="after")
    def _two_days(self) -> Period:
        if re.compile(self.row).groups != 2:
            raise ValueError(f"row needs exactly two groups: {self.row!r}")
        if not all(forms.has_year(f) for f in self.format):
            raise ValueError("the days of a period need their year")
        return self


class Total(FormatModel):
    """A figure that the file states about itself: in a title or footer line, or by its kind."""

    row: Pattern | None = None  #: searched in the raw line; in grids the cells are joined by tabs
    #: Position of the figure in that line, from 0; several: their numbers are added up.
    cell: Cells = ()
    #: Position of the currency in that line; lines of another than the books' are passed over.
    currency: int | None = Field(default=None, ge=0)
    pattern: Pattern | None = (
        None  #: one group: the part of the cell (else line) that is the figure
    )
    figure: str | None = None  #: what the kind of file states itself, such as a bank's closing
    equals: Literal["rows", "sum", "absolute", "debit", "credit", "opening", "closing", "currency"]
    field: str = "amount"  #: for sum, absolute, debit and credit: the row column that adds up to it
    numbers: NumberSpec | None = None  #: where the figure is written otherwise than [numbers] says
    all: bool = False  #: every line that matches counts, as of several sections: they are added up
    required: bool = True  #: a file without the line came short

    @model_validator(mode="after")
    def _one_place(self) -> Total:
        if (self.row is None) == (self.figure is None):
            raise ValueError("give a row, or a figure")
        if self.row is not None and not self.cell and self.pattern is None:
            raise ValueError("give the cell of the figure in the row, or a pattern")
        if self.pattern is not None and re.compile(self.pattern).groups != 1:
            raise ValueError(f"pattern needs exactly one group: {self.pattern!r}")
        return self

    @property
    def name(self) -> str:
        """``rows``, ``closing``, … or the name of the column summed; else ``debit of price``."""
        if self.equals in {"rows", "opening", "closing", "currency"}:
            return self.equals
        if self.equals == "sum":
            return self.field
        plain = self.field == "amount" and self.equals != "absolute"
        return self.equals if plain else f"{self.equals} of {self.field}"


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
    period: Period | None = None
    exclude: ExcludeSpec = ExcludeSpec()

    @model_validator(mode="after")
    def _consistent(self) -> Format:
        faults = [
            *self._bad_names(),
            *self._bad_columns(),
            *self._bad_values(),
            *self._bad_numbers(),
            *self._bad_times(),
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _bad_names(self) -> list[str]:
        faults = [
            f"[fields] {unknown(name, MAPPABLE)}" for name in self.fields if name not in MAPPABLE
        ]
        faults += [f"key: {unknown(k, ROW_NAMES)}" for k in self.key if k not in ROW_NAMES]
        faults += [
            f"[fields.{n}] also: is for the currency"
            for n, s in self.fields.items()
            if s.also and n != "currency"
        ]
        faults += [
            f"[fields.{n}] normalise: is for texts"
            for n, s in self.fields.items()
            if s.normalise and (n in MONEY_FIELDS or n in TIME_FIELDS)
        ]
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

    def _bad_numbers(self) -> list[str]:
        faults = []
        own: dict[str, NumberSpec] = {}
        for name, spec in self.fields.items():
            if spec.numbers is None:
                continue
            if name not in MONEY_FIELDS:
                faults.append(f"[fields.{name}] is no number: numbers has no meaning")
                continue
            faults += [
                f"[fields.{name}] numbers: another field reads column {c!r} otherwise"
                for c in spec.amounts()
                if own.setdefault(c, spec.numbers) != spec.numbers
            ]
        given = [(f"[fields.{n}]", s.numbers) for n, s in self.fields.items()]
        for place, numbers in [*given, *(("[[totals]]", t.numbers) for t in self.totals)]:
            try:
                self.numbers.but(numbers)
            except ValueError as error:
                faults.append(f"{place} numbers: {error}")
        return faults

    def _bad_times(self) -> list[str]:
        faults = []
        times = self.times
        for name, spec in self.fields.items():
            if name not in TIME_FIELDS:
                if spec.format or spec.zone:
                    faults.append(f"[fields.{name}] is no time: format and zone have no meaning")
                continue
            given = spec.format or times.format
            # A zone in [times] is for the fields that need one.
            zone = spec.zone or times.zone
            if spec.format and spec.zone is None and all(map(forms.is_zoned, given)):
                zone = None
            if fault := times.fault(given, zone):
                place = f"[fields.{name}]" if spec.format or spec.zone else "[times]"
                faults.append(f"{place} {fault}")
        return list(dict.fromkeys(faults))

    def numbers_of(self, column: str) -> NumberSpec:
        """Return how the numbers of a file column are written."""
        fields = ((n, s) for n, s in self.fields.items() if n in MONEY_FIELDS)
        own = (s.numbers for _, s in fields if s.numbers is not None and column in s.amounts())
        return self.numbers.but(next(own, None))

    def numbers_of_total(self, total: Total) -> NumberSpec:
        """Return how a stated figure is written: as it says itself, else as its column is."""
        field = {"opening": "balance", "closing": "balance"}.get(total.equals, total.field)
        spec = self.fields.get(field)
        amounts = spec.amounts() if spec is not None and total.equals != "rows" else ()
        own = self.numbers_of(amounts[0]) if amounts else self.numbers
        return own.but(total.numbers)

    def used_columns(self) -> list[tuple[str, str]]:
        """Return (place in the format, file column) for every column that the format reads."""
        used = [(f"[fields.{n}]", c) for n, spec in self.fields.items() for c in spec.columns()]
        used += [("[file] numbered", c) for c in (self.file.numbered,) if c is not None]
        used += [("[status]", c) for c in (self.status.column, self.status.code) if c is not None]
        if self.times.zone is not None and self.times.zone.column is not None:
            used.append(("[times]", self.times.zone.column))
        for identity in self.identities:
            conditions = (c.column for c in identity.unless)
            both = (*identity.left, *identity.right, *conditions, *(identity.when_equal or ()))
            used += [("[[identities]]", c) for c in both]
        if self.exclude.other_accounts is not None:
            used.append(("[exclude]", self.exclude.other_accounts))
        return used + [("[exclude]", c.column) for e in self.exclude.rules for c in e.conditions()]
