"""What a format may say of the file itself: its kind, its layout, where its records stand.

Kinds fall into three families. *Text* (csv): records are read straight from the bytes. *Grids*
(csv of several line types, fixed, xlsx, xls, ods): lines of cells among which a header and records
are found. *Structured* kinds (json, jsonl, xml, and the bank statements, whose columns are fixed by
their standard) know their records and columns by themselves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from finops_ledger.intake.conditions import FormatModel, Pattern, unknown
from finops_ledger.intake.paths import element_column, element_path, json_column, json_records

Kind = Literal[
    "csv", "fixed", "xlsx", "xls", "ods", "json", "jsonl", "xml",
    "mt940", "mt942", "camt", "bai2", "ofx", "qif", "beangulp",
]  # fmt: skip

#: Kinds whose columns are fixed: ``docs/reference/statements.md`` lists them.
STATEMENTS: Final = ("mt940", "mt942", "camt", "bai2", "ofx", "qif", "beangulp")
#: Kinds whose lines are cells among which a header is found.
GRIDS: Final = ("csv", "fixed", "xlsx", "xls", "ods")
WORKBOOKS: Final = ("xlsx", "xls", "ods")
#: Kinds whose records and columns are paths.
DOCUMENTS: Final = ("json", "jsonl", "xml")


def as_list(value: object) -> object:
    """Let a single text stand for a list of one."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(as_list)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(as_list)]


class Piece(FormatModel):
    """One column of a fixed-width line."""

    name: str
    start: int = Field(ge=1)  #: position of its first character, from 1
    width: int | None = Field(default=None, ge=1)  #: none: to the end of the line
    title: str | None = None  #: what the header line has at this place

    @property
    def end(self) -> int | None:
        """Return the position behind its last character, from 0; None: the end of the line."""
        return None if self.width is None else self.start - 1 + self.width


class Continuation(FormatModel):
    """Lines of a fixed-width file that go on with the record before them."""

    line: Pattern  #: what such a line is, whole; its groups, or all of it, are the text
    column: str  #: the piece that the text is appended to, after a blank; or a column of its own


class LinesSpec(FormatModel):
    """Files whose lines are of several types, told by one of their cells.

    A line of a type that is named nowhere here is refused: nothing is skipped unseen.
    """

    cell: int = Field(default=0, ge=0)  #: the cell that tells the type, from 0
    record: Texts = ()  #: types that are records; none: every type not in ``other``
    header: str | None = None  #: type of the line that holds the header
    other: Texts = ()  #: types of lines that are no records; [[totals]] may read them


class FileSpec(FormatModel):
    """How the file is laid out."""

    kind: Kind = "csv"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    encoding: str = "utf-8"
    header: tuple[
        str, ...
    ] = ()  #: exact names in order; with by_name the columns that must be there
    header_row: bool = True  #: false: the file has no header line, the names are ours
    header_lines: int = Field(default=1, ge=1, le=5)  #: lines that the header takes
    repeated_header: bool = False  #: the header may stand again between records, as on each page
    skip_lines: int = Field(default=0, ge=0)  #: title lines before the header
    header_within: int = Field(default=0, ge=0, le=200)  #: search the header in the first N lines
    by_name: bool = False  #: columns in any order, found by name
    optional: tuple[str, ...] = ()  #: columns that may be absent (by_name); absent reads as empty
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    #: With extra_columns = "ignore": unknown columns with such names are refused all the same.
    extra_refused: Patterns = ()
    aliases: dict[str, Texts] = {}  #: other names that a column of ``header`` may have in the file
    ragged: bool = False  #: empty cells at the end of a record may be left out, or be too many
    trim: bool = False  #: blanks and tabs around a cell are no part of it
    first_line: Patterns = ()  #: what the first line must match from its start, one of these
    footer: Patterns = ()  #: searched from the end
    notes: Patterns = ()  #: lines anywhere that are no records: titles of pages, subtotals
    lines: LinesSpec | None = None  #: lines of several types
    pieces: tuple[Piece, ...] = ()  #: fixed: where each column stands
    dense: bool = False  #: fixed: pieces may touch; else a text across the edge of two is refused
    record: Pattern | None = None  #: fixed: how a line begins that is a record; none: every line
    continued: tuple[Continuation, ...] = ()  #: fixed: lines that go on with the record before
    #: Workbooks: name of the sheet, or its names in several languages, of which the first that is there
    #: is read; none: the only visible one.
    sheet: Texts = ()
    more_sheets: Texts = ()  #: workbooks: sheets whose lines [[totals]] may read, where they are there
    numbered: str | None = None  #: column that numbers the records from 1, each number once
    message: Literal["camt.052", "camt.053", "camt.054"] = "camt.053"  #: camt: which it must be
    decimals: int | None = Field(default=None, ge=0, le=4)  #: bai2: implied; none: by ISO 4217
    records: str = ""  #: json, jsonl, xml: path to the records; "" is the document itself
    figures: dict[str, str] = {}  #: json, xml: name -> path of a figure that [[totals]] checks
    must_be_empty: Texts = ()  #: paths that say, when filled, that the file is a part only
    envelope: dict[str, Texts] = {}  #: path -> the texts it may have, such as a result code
    importer: str | None = None  #: beangulp: "module:name" or "file.py:name" of an importer

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
        if self.optional and not self.by_name and self.kind in GRIDS:
            raise ValueError("optional columns need by_name = true")
        for name, others in self.aliases.items():
            if name not in (*self.header, *self.optional):
                raise ValueError(f"aliases: {unknown(name, (*self.header, *self.optional))}")
            for other in others:
                if other in (*self.header, *self.optional) or self.canonical(other) != name:
                    raise ValueError(f"aliases: {other!r} is the name of another column")
        self._fixed()
        if self.extra_refused and self.extra_columns == "refuse":
            raise ValueError("extra_refused goes with extra_columns = 'ignore'")
        if self.sheet and self.kind not in WORKBOOKS:
            raise ValueError("sheet belongs to kind = 'xlsx', 'xls' or 'ods'")
        if self.more_sheets and self.kind not in WORKBOOKS:
            raise ValueError("more_sheets belong to kind = 'xlsx', 'xls' or 'ods'")
        if not self.header and self.kind not in (*STATEMENTS, "fixed"):
            raise ValueError("header must name the columns")
        if self.header and self.kind in STATEMENTS:
            raise ValueError(f"the columns of {self.kind} are fixed; leave header out")
        self._paths()
        if self.decimals is not None and self.kind != "bai2":
            raise ValueError("decimals belong to kind = 'bai2'; see [numbers] minor_units")
        if (self.importer is not None) != (self.kind == "beangulp"):
            raise ValueError("kind = 'beangulp' and importer go together")
        return self

    def _paths(self) -> None:
        """Check every path of a document kind."""
        if self.kind not in DOCUMENTS:
            if self.records or self.figures or self.must_be_empty or self.envelope:
                kinds = ", ".join(DOCUMENTS)
                raise ValueError(f"records, figures, must_be_empty, envelope: kinds {kinds} only")
            return
        if self.aliases:
            raise ValueError("a column of a document has its other names in its path: a|b")
        if self.figures and self.kind == "jsonl":
            raise ValueError("figures belong to one document; a jsonl file has one a line")
        places = (*self.figures.values(), *self.must_be_empty, *self.envelope)
        if self.kind == "xml":
            for text in filter(None, (self.records, *places)):
                element_path(text)
            for text in self.columns():
                element_column(text)
            return
        around = min(len(path.keys) for path in json_records(self.records))
        for text in self.columns():
            if any(path.up > around for path in json_column(text)):
                raise ValueError(f"{text!r}: the records have {around} objects around them")
        if any(path.up > 0 for text in places for path in json_column(text)):
            raise ValueError("figures, must_be_empty and envelope start at the document")

    def _fixed(self) -> None:
        if self.kind == "fixed":
            if not self.pieces:
                raise ValueError("a fixed-width file needs pieces: name, start and width of each")
            if self.header:
                raise ValueError("the columns of a fixed-width file are its pieces, not a header")
            if self.footer:
                raise ValueError("lines of a fixed-width file that are no records are notes")
            ordered = sorted(self.pieces, key=lambda p: p.start)
            for left, right in pairwise(ordered):
                if left.end is None or left.end > right.start - 1:
                    raise ValueError(f"the pieces {left.name!r} and {right.name!r} overlap")
        elif self.pieces or self.continued or self.record is not None:
            raise ValueError("pieces, record and continued belong to kind = 'fixed'")

    def canonical(self, name: str) -> str:
        """Return the name that the format gives to a column which the file calls ``name``."""
        return next((own for own, others in self.aliases.items() if name in others), name)

    def columns(self) -> tuple[str, ...]:
        """Return every column that the format may name."""
        if self.kind == "fixed":
            named = (*(p.name for p in self.pieces), *(c.column for c in self.continued))
            return tuple(dict.fromkeys(named))
        if self.kind in STATEMENTS:
            from finops_ledger.intake.readers.statement import COLUMNS

            return COLUMNS
        return (*self.header, *self.optional)
