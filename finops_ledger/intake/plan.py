"""The SQL of reading one file: parsed cells, row columns, and checks.

The plan is four layers of one streaming query, each a projection over the one below::

    records   c0 … cn                     text cells; an empty cell is NULL
    taken     t0 … tm                     what the engine takes a cell for, not yet to be trusted
    parsed    p0 … pm                     numbers, moments; NULL when the text does not fit
    named     r_<row column>              one per mapped row column, and status, kind
    rows      the columns of the row schema

Checks stand beside the layers: a row is sound when every check is true. No check ever casts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from finops_ledger.core.schema import ROW_FIELDS, duckdb_type

#: DuckDB variable that holds the key of keyed hashes, so that no SQL text carries it.
SECRET = "finops_intake_secret"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold of a row: ``ok`` is SQL, false or NULL means it does not."""

    code: str
    column: str
    value: str  #: SQL of the text shown
    ok: str
    message: str
    expected: str | None = None


@dataclass
class Plan:
    """The SQL of reading one file."""

    taken: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    derived: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    excluded: str | None = None  #: SQL of the reason why a record is left out, or NULL
    readable: dict[str, str] = field(default_factory=dict)  #: parsed number -> SQL: empty or sound

    @property
    def sound(self) -> str:
        """SQL that is true for a row without faults."""
        return " AND ".join(f"({c.ok})" for c in self.checks) or "true"

    @property
    def amount(self) -> str:
        """SQL of the amount of a record with faults: NULL unless every number in it is sound."""
        parts = dict.fromkeys(re.findall(r"\bp\d+\b", self.derived["amount"]))
        sound = " AND ".join(f"({self.readable[p]})" for p in parts) or "true"
        return f"CASE WHEN {sound} THEN r_amount END"

    def over(self, records: str) -> str:
        """Return the query of all layers over a query of ``records``."""
        parsed = "".join(f", {p}" for p in self.parsed)
        named = "".join(f", {sql} AS r_{n}" for n, sql in self.named.items())
        derived = "".join(f", {sql} AS r_{n}" for n, sql in self.derived.items())
        excluded = f", {self.excluded} AS excluded" if self.excluded else ""
        taken = "".join(f", {t}" for t in self.taken)
        inner = f"SELECT *{parsed} FROM (SELECT *{taken} FROM ({records}))"
        return f"SELECT *{derived} FROM (SELECT *{named}{excluded} FROM ({inner}))"

    def row(self, record: str) -> str:
        """Return the select list of the row schema; ``record`` is SQL of the record number."""
        columns = []
        for column in ROW_FIELDS:
            known = column.name in self.named or column.name in self.derived
            sql = record if column.name == "record" else f"r_{column.name}" if known else "NULL"
            columns.append(f"CAST({sql} AS {duckdb_type(column.type)}) AS {column.name}")
        return ", ".join(columns)
