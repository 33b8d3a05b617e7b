"""What a format may say of cells: how numbers, times and statuses are written, what fills a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from finops_ledger.core.kinds import STATUSES
from finops_ledger.intake import forms
from finops_ledger.intake.conditions import Condition, FormatModel, Pattern, Rule
from finops_ledger.intake.spec_file import Texts, as_list
from finops_ledger.intake.times import fixed_offset


def _form(value: str) -> str:
    if isinstance(value, str):
        forms.pattern(value)  # raises for a letter that nobody knows
    return value


Form = Annotated[str, BeforeValidator(_form)]
Forms = Annotated[tuple[Form, ...], BeforeValidator(as_list)]


def one_group(pattern: str | None) -> None:
    """Raise ValueError unless a pattern has exactly one group."""
    if pattern is not None and re.compile(pattern).groups != 1:
        raise ValueError(f"pattern needs exactly one group: {pattern!r}")


class ZoneSpec(FormatModel):
    """A zone by ``name``; or by a ``column`` a record, by a ``row`` (a title or footer line) or the
    ``file_name`` a file, or by ``%Z`` in the time itself, whose values ``map`` to zones or offsets.
    """

    name: str | None = None
    column: str | None = None
    row: Pattern | None = None  #: one group: the zone as the line writes it
    file_name: Pattern | None = None  #: one group: the zone as the name writes it
    map: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_source(self) -> ZoneSpec:
        given = [x for x in (self.name, self.column, self.row, self.file_name) if x is not None]
        if len(given) > 1 or not (given or self.map):
            raise ValueError("give one of name, column, row and file_name, or a map for %Z")
        if (self.name is None) != bool(self.map):
            raise ValueError("a zone by name needs no map, every other one does")
        one_group(self.row)
        one_group(self.file_name)
        for zone in (*self.map.values(), *([self.name] if self.name else [])):
            fixed_offset(zone)  # raises for a zone that nobody knows
        return self

    @property
    def by_letter(self) -> bool:
        """Whether the time itself tells the zone, with ``%Z``."""
        return (self.name or self.column or self.row or self.file_name) is None


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
    #: 1234 is 12.34 in a currency of two decimals; a number: so many, whatever the currency has.
    minor_units: bool | Annotated[int, Field(ge=0, le=4)] = False

    @model_validator(mode="after")
    def _different(self) -> NumberSpec:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        for name in (*self.currency_text, *self.currency_after):
            behind = name in self.currency_after and re.fullmatch(r"[.,](-{1,2}|=)", name)
            if not behind and (re.search(r"[\d()+-]", name) or not re.search(r"[^\s.,'=]", name)):
                raise ValueError(f"{name!r} beside a number can be taken for a part of it")
        if self.bare_fraction and any(n.endswith(self.decimal) for n in self.currency_text):
            raise ValueError("with bare_fraction, the currency may not end with the decimal mark")
        return self

    def but(self, other: NumberSpec | None) -> NumberSpec:
        """Return this, with what ``other`` says in so many words; ValueError when that clashes."""
        if other is None:
            return self
        said = {name: getattr(self, name) for name in self.model_fields_set}
        said |= {name: getattr(other, name) for name in other.model_fields_set}
        return NumberSpec(**said)


#: Forms in which a text is stored, so that two sources that write it otherwise agree (see planner.py).
Writing = Literal["trim", "upper", "strip", "digits", "msisdn"]


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
    signed: bool = False  #: debit cells may be negative (credit ones too, without a marker)
    marker: str | None = None  #: column that holds debit_mark or credit_mark
    debit_mark: Texts = ()
    credit_mark: Texts = ()
    negate: bool = False
    negate_when: tuple[Condition, ...] = ()  #: records on which the sign is the other way round
    numbers: NumberSpec | None = None  #: where this column is written otherwise than [numbers] says
    also: tuple[str, ...] = ()  #: currency: further columns that must say it where they are filled
    rules: tuple[Rule, ...] = ()
    default: str | None = None
    upper: bool = False  #: text is stored in capitals (currency codes)
    #: Text is stored in one form, before it is hashed.
    normalise: Annotated[tuple[Writing, ...], BeforeValidator(as_list)] = ()
    zone: Zone | None = None
    format: Forms = ()
    required: bool | None = None  #: an empty cell is refused (default: by column, see read)
    empty_when_status: tuple[str, ...] = ()  #: statuses under which an empty amount means 0
    zero_when_status: tuple[str, ...] = ()  #: statuses under which the amount stated was not taken

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
        if both := sorted({*self.debit_mark} & {*self.credit_mark}):
            raise ValueError(f"{both[0]!r} marks a debit and a credit")
        one_group(self.pattern)
        return self

    def columns(self) -> tuple[str, ...]:
        """Return the file columns that the field reads."""
        zone = self.zone.column if self.zone else None
        return (
            *(s for s in (self.column, self.marker, zone) if s is not None),
            *self.amounts()[self.column is not None :],
            *self.join,
            *self.also,
            *(r.column for r in self.rules),
            *(c.column for c in self.negate_when),
        )

    def amounts(self) -> tuple[str, ...]:
        """Return the file columns that the field reads as numbers, when its row column is money."""
        singles = (self.column, self.debit, self.credit)
        return (*(s for s in singles if s is not None), *self.sum, *self.minus)

    def conditions(self) -> tuple[Condition, ...]:
        """Return every test on cells."""
        return (*self.rules, *self.negate_when)


FieldOrName = Annotated[FieldSpec, BeforeValidator(_as_field)]


class TimeSpec(FormatModel):
    """How times are written; ``format`` is in strptime's letters (see forms.py)."""

    zone: Zone | None = None  #: default: the books' zone
    format: Forms = ("%Y-%m-%d %H:%M:%S",)  #: several: none may read what another reads otherwise
    months: Literal["en", "id", "en+id"] = "en"  #: language of %b and %B
    year: Literal["cell", "file_day"] = "cell"  #: file_day: dates without a year (see times.py)
    within_days: int = Field(default=62, ge=1, le=183)  #: how far such a date may lie from file_day

    def fault(self, given: tuple[str, ...], zone: ZoneSpec | None) -> str | None:
        """Return why times in the forms ``given``, in ``zone``, cannot be read; None if they can."""
        if not given:
            return "no form of the time"
        if found := forms.clash(given):
            return found
        yearless = [f for f in given if not forms.has_year(f)]
        if yearless and self.year == "cell":
            return f"{yearless[0]!r} has no year: say year = 'file_day' in [times]"
        if zone is not None and all(forms.is_zoned(f) for f in given):
            return "the time carries its zone, and a zone is given"
        letter = [f for f in given if "Z" in forms.told(f)]
        if letter and not (zone is not None and zone.by_letter):
            return f"{letter[0]!r}: %Z needs a zone with nothing but a map"
        if zone is not None and zone.by_letter and not letter:
            return "a zone that is nothing but a map needs %Z in the form"
        return None


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
        if self.map and self.column is None:
            raise ValueError("a map needs a column")
        if (self.codes or self.codes_otherwise) and self.code is None:
            raise ValueError("codes need a code: the column that holds them")
        single = [v for v in (self.constant, self.codes_otherwise) if v is not None]
        known_statuses([*self.map.values(), *self.codes.values(), *single])
        return self


def known_statuses(values: Iterable[str]) -> None:
    """Raise ValueError for the first value that is no status."""
    for value in values:
        if value not in STATUSES:
            raise ValueError(f"{value!r} is not a status; choose from {', '.join(STATUSES)}")
