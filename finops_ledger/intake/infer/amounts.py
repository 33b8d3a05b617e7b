"""Which columns are money, how their numbers are written, and which of them is the amount."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from finops_ledger.intake.cells import parse_number
from finops_ledger.intake.infer import words
from finops_ledger.intake.infer.draft import UNDECIDED, Table
from finops_ledger.intake.infer.look import Look
from finops_ledger.intake.infer.money import Movement, equations, movements
from finops_ledger.intake.infer.notation import (
    DIGITS,
    Column,
    Numbers,
    misfits,
    numbers,
    proof,
    read_column,
    readings,
)  # fmt: skip
from finops_ledger.intake.spec_fields import NumberSpec

MONEY: Final = (
    "price",
    "cost",
    "face",
    "discount",
    "fee",
    "commission",
    "vat",
    "withheld",
    "quantity",
)
_NOMONEY: Final = ("ref", "partner_ref", "payment_ref", "settlement_ref", "orig_ref", "serial", "customer",
                    "product", "category", "channel", "partner", "text", "currency")  # fmt: skip
_KEYS: Final = ("decimal", "thousands", "currency_text", "currency_after", "parentheses", "minus_behind",
                "bare_fraction", "trim", "plus", "empty")  # fmt: skip

_SEVERAL: Final = 3  #: different amounts from which their common end says something


@dataclass
class Amounts:
    """What is known of the money of a file."""

    seen: dict[str, Numbers] = field(default_factory=dict)  #: column -> how it can be read
    specs: list[NumberSpec] = field(default_factory=list)  #: the notation of the file, or several
    own: dict[str, NumberSpec] = field(default_factory=dict)  #: columns that are written otherwise
    why: str = ""
    example: str = ""  #: a number that the notations read differently
    values: dict[str, Column] = field(default_factory=dict)
    equations: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    moves: list[Movement] = field(default_factory=list)
    chosen: dict[str, tuple[object, str]] = field(default_factory=dict)  #: row column -> value, why
    odd: list[str] = field(
        default_factory=list
    )  #: columns that are money for the most part, and what is not
    order: str = ""
    why_order: str = ""
    marker: tuple[str, list[str], list[str]] | None = None

    def columns(self) -> set[str]:
        """Return the file columns that a row column of money reads."""
        found: set[str] = set()
        for value, _ in self.chosen.values():
            if isinstance(value, str):
                found.add(value)
            elif isinstance(value, dict):
                found |= {
                    v for k, v in value.items() if k in {"column", "debit", "credit", "marker"}
                }
        return found - {UNDECIDED}

    def hundreds(self) -> str | None:
        """Return an amount where all are whole numbers that end in 00, so that they may be minor units."""
        if any(s.thousands or s.currency_text or s.currency_after for s in self.specs) or self.own:
            return None
        every = {abs(v) for column in self.values.values() for v in column if v}
        if len(every) < _SEVERAL or any(v % 100 for v in every):
            return None
        return str(max(every))

    def table(self) -> Table:
        """Return ``[numbers]``."""
        table = Table("[numbers]")
        if not self.specs:
            if self.odd:
                table.put("decimal", UNDECIDED, self.odd[0])
                table.remarks += self.odd[1:]
            return table
        first = self.specs[0]
        if len(self.specs) > 1:
            told = "; ".join(_told(s, self.example) for s in self.specs)
            table.put("decimal", UNDECIDED, f"decide: {self.why}; {told}")
            table.put("thousands", UNDECIDED, "decide: with the line above")
        else:
            table.put("decimal", first.decimal, self.why)
            table.put("thousands", first.thousands)
        table.remarks += self.odd
        if (whole := self.hundreds()) is not None:
            why = (
                f"decide: every amount ends in 00: {whole} is {whole} with false, "
                f"{whole[:-2] + '.' + whole[-2:]} with 2"
            )
            table.put("minor_units", UNDECIDED, why)
        for name in _KEYS[2:]:
            if (value := getattr(first, name)) not in (False, ()):
                table.put(name, value)
        return table

    def put(self, table: Table, below: list[Table]) -> None:
        """Add the fields of money."""
        for name, (value, why) in self.chosen.items():
            if isinstance(value, dict):
                sub = Table(f"[fields.{name}]")
                for key, part in value.items():
                    sub.put(key, part)
                sub.remarks.append(why)
                below.append(sub)
            else:
                table.put(name, value, why)


def _told(spec: NumberSpec, example: str) -> str:
    marks = f'decimal = "{spec.decimal}", thousands = "{spec.thousands}"'
    return f"{marks} reads it as {parse_number(example, spec, DIGITS)}"


def _is_money(name: str, cells: Sequence[str | None]) -> bool:
    """Say whether a column of digits may be money, not a number of something."""
    bare = words.bare(name)
    if any(bare in words.NAMES[f] for f in _NOMONEY) or words.is_one(name, words.CODE):
        return False
    if words.is_one(name, words.RUNNING):
        return False
    filled = [c for c in cells if c is not None]
    known = {b for f in (*MONEY, "amount", "balance") for b in words.NAMES[f]}
    if bare in {*known, *words.DEBIT, *words.CREDIT}:
        return True
    # Codes and telephone numbers have zeros in front, or one length and no marks.
    if any(re.match(r"0\d", c) for c in filled):
        return False
    return not re.search(r"(^|[^a-z])(id|ref|no|number|code|kode|nomor)($|[^a-z])", name.lower())


def find_amounts(look: Look, times: set[str]) -> Amounts:
    """Find the columns of money of a file, their notation, and what their arithmetic proves."""
    found = Amounts()
    for at, name in enumerate(look.columns):
        column = look.column(at)
        if name in times or not _is_money(name, column):
            continue
        if (seen := numbers(column)) is not None:
            found.seen[name] = seen
        elif (told := misfits(column, look.lines)) is not None:
            found.odd.append(f"decide: {name!r} {told}")
    if not found.seen:
        return found
    cells = {n: look.column(look.columns.index(n)) for n in found.seen}
    _notation(found, cells)
    _proofs(found, look)
    return found


def _notation(found: Amounts, cells: dict[str, list[str | None]]) -> None:
    """Find the notations in which all columns of money can be read, and keep those that differ."""
    flags: dict[str, object] = {}
    for seen in found.seen.values():
        for name in seen.spec.model_fields_set - {"decimal", "thousands"}:
            value = getattr(seen.spec, name)
            known = flags.get(name, ())
            if isinstance(value, tuple) and isinstance(known, tuple):
                value = tuple(dict.fromkeys([*known, *value]))
            flags[name] = value
    pairs = dict.fromkeys((s.decimal, s.thousands) for n in found.seen.values() for s in n.specs)
    full = readings(cells, pairs, flags)
    if not full:
        _mixed(found, cells)
        return
    example = next((n.example for n in found.seen.values() if n.example), "")
    found.why = proof(cells, flags)
    if len(full) > 1:
        sound = [(s, v) for s, v in full if _balances(v)]
        if len(sound) == 1:
            full, found.why = sound, "the running balance holds in this notation alone"
        else:
            found.why = f"{example} stands in the file, and every cell fits"
    found.example = example
    found.specs = [s for s, _ in full]
    found.values = full[0][1]


def _mixed(found: Amounts, cells: dict[str, list[str | None]]) -> None:
    """No notation reads every column: the most frequent one is the file's, others have their own."""
    tally: dict[NumberSpec, int] = {}
    for seen in found.seen.values():
        tally[seen.spec] = tally.get(seen.spec, 0) + seen.decided
    main = max(tally, key=lambda s: tally[s])
    found.specs, found.why = [main], "most columns are written so"
    for name, seen in found.seen.items():
        read = read_column(cells[name], main)
        if read is None:
            found.own[name] = seen.spec
            read = read_column(cells[name], seen.spec)
        found.values[name] = read or []


def balance_of(values: dict[str, Column]) -> str | None:
    """Return the one column that is named as a balance."""
    named = [n for n in values if words.bare(n) in words.NAMES["balance"]]
    return named[0] if len(named) == 1 else None


def _balances(values: dict[str, Column]) -> bool:
    balance = balance_of(values)
    return balance is not None and bool(movements(values, balance, {}))


def _proofs(found: Amounts, look: Look) -> None:
    marked: dict[str, tuple[str, Column]] = {}
    for at, name in enumerate(look.columns):
        cells = look.column(at)
        filled = {c for c in cells if c is not None}
        if name in found.seen or (marks := words.marks(filled)) is None or None in cells:
            continue
        found.marker = (name, *marks)
        for amount, values in found.values.items():
            if all(v is None or v >= 0 for v in values):
                signed = [None if v is None else -v if c in marks[0] else v
                          for v, c in zip(values, cells, strict=True)]  # fmt: skip
                marked[amount] = (name, signed)
    if (balance := balance_of(found.values)) is not None:
        found.moves = movements(found.values, balance, marked)
    money = {n: v for n, v in found.values.items() if n != balance}
    found.equations = list(equations(money))
    if len(found.equations) > 2:
        found.equations = []
