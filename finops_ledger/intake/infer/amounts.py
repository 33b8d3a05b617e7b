"""Which columns are money, how their numbers are written, and which of them is the amount."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from finops_ledger.intake.cells import parse_number
from finops_ledger.intake.infer import words
from finops_ledger.intake.infer.draft import UNDECIDED, Table
from finops_ledger.intake.infer.look import Look
from finops_ledger.intake.infer.money import Movement, equations, movements
from finops_ledger.intake.infer.values import DIGITS, Numbers, numbers
from finops_ledger.intake.spec_fields import NumberSpec

_MONEY: Final = (
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
_NO_MONEY: Final = ("ref", "partner_ref", "payment_ref", "settlement_ref", "orig_ref", "serial", "customer",
                    "product", "category", "channel", "partner", "text", "currency")  # fmt: skip
_KEYS: Final = ("decimal", "thousands", "currency_text", "currency_after", "parentheses", "minus_behind",
                "bare_fraction", "trim", "plus", "empty")  # fmt: skip

Column = list[Decimal | None]


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

    def table(self) -> Table:
        """Return ``[numbers]``."""
        table = Table("[numbers]")
        if not self.specs:
            return table
        first = self.specs[0]
        if len(self.specs) > 1:
            told = "; ".join(_told(s, self.example) for s in self.specs)
            table.put("decimal", UNDECIDED, f"decide: {self.why}; {told}")
            table.put("thousands", UNDECIDED, "decide: with the line above")
        else:
            table.put("decimal", first.decimal, self.why)
            table.put("thousands", first.thousands)
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
    if any(bare in words.NAMES[f] for f in _NO_MONEY) or words.is_one(name, words.CODE):
        return False
    if words.is_one(name, words.RUNNING):
        return False
    filled = [c for c in cells if c is not None]
    known = {b for f in (*_MONEY, "amount", "balance") for b in words.NAMES[f]}
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
    if not found.seen:
        return found
    cells = {n: look.column(look.columns.index(n)) for n in found.seen}
    _notation(found, cells)
    _proofs(found, look)
    _choose(found, look)
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
    full: list[tuple[NumberSpec, dict[str, Column]]] = []
    for decimal, thousands in sorted(pairs, key=lambda p: bool(p[1])):
        spec = NumberSpec(decimal=decimal, thousands=thousands, **flags)  # type: ignore[arg-type]
        read = {n: _read(cells[n], spec) for n in cells}
        if all(v is not None for v in read.values()):
            values = {n: v for n, v in read.items() if v is not None}
            if all(values != other for _, other in full):
                full.append((spec, values))
    if not full:
        _mixed(found, cells)
        return
    example = next((n.example for n in found.seen.values() if n.example), "")
    found.why = _proof(cells, flags)
    if len(full) > 1:
        sound = [(s, v) for s, v in full if _balances(v)]
        if len(sound) == 1:
            full, found.why = sound, "the running balance holds in this notation alone"
        else:
            found.why = f"{example} stands in the file, and every cell fits"
    found.example = example
    found.specs = [s for s, _ in full]
    found.values = full[0][1]


def _proof(cells: dict[str, list[str | None]], flags: dict[str, object]) -> str:
    """Return a number of the file that can be read in one way only."""
    pairs = [(d, t) for d in ".," for t in ("", ".", ",", " ", "'") if d != t]
    specs = [NumberSpec(decimal=d, thousands=t, **flags) for d, t in pairs]  # type: ignore[arg-type]
    marked = False
    for column in cells.values():
        for cell in dict.fromkeys(c for c in column if c is not None):
            if re.search(r"\d[.,' ]\d", cell):
                marked = True
                if len({parse_number(cell, s, DIGITS) for s in specs} - {None}) == 1:
                    return f"as in {cell.strip()}"
    return "only so can every cell be read" if marked else "no marks in any number"


def _mixed(found: Amounts, cells: dict[str, list[str | None]]) -> None:
    """No notation reads every column: the most frequent one is the file's, others have their own."""
    tally: dict[NumberSpec, int] = {}
    for seen in found.seen.values():
        tally[seen.spec] = tally.get(seen.spec, 0) + seen.decided
    main = max(tally, key=lambda s: tally[s])
    found.specs, found.why = [main], "most columns are written so"
    for name, seen in found.seen.items():
        read = _read(cells[name], main)
        if read is None:
            found.own[name] = seen.spec
            read = _read(cells[name], seen.spec)
        found.values[name] = read or []


def _read(cells: Sequence[str | None], spec: NumberSpec) -> Column | None:
    out: Column = []
    for cell in cells:
        if cell is None or not cell.strip() or cell.strip() in spec.empty:
            out.append(None)
        elif (value := parse_number(cell, spec, DIGITS)) is not None:
            out.append(value)
        else:
            return None
    return out


def _balance_of(values: dict[str, Column]) -> str | None:
    named = [n for n in values if words.bare(n) in words.NAMES["balance"]]
    return named[0] if len(named) == 1 else None


def _balances(values: dict[str, Column]) -> bool:
    balance = _balance_of(values)
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
    if (balance := _balance_of(found.values)) is not None:
        found.moves = movements(found.values, balance, marked)
    money = {n: v for n, v in found.values.items() if n != balance}
    found.equations = list(equations(money))
    if len(found.equations) > 2:
        found.equations = []


def _choose(found: Amounts, look: Look) -> None:
    names = list(found.values)
    balance = _balance_of(found.values)
    debit = [n for n in names if words.is_one(n, words.DEBIT)]
    credit = [n for n in names if words.is_one(n, words.CREDIT)]
    amount = [n for n in names if words.bare(n) in words.NAMES["amount"]]
    taken: set[str] = set() if balance is None else {balance}
    proven = _distinct(found.moves)
    if len(proven) == 1:
        move = proven[0]
        why = (
            f"proven: each {balance!r} is the one before plus this, {move.held:,} of {move.steps:,}"
        )
        found.chosen["amount"] = _of(found, move), why
        taken |= {n for n in (move.amount, move.debit, move.credit) if n}
        if move.order:
            found.order, found.why_order = move.order, "as the running balance is walked"
    elif len(proven) > 1:
        told = "; ".join(_name(m) for m in proven)
        found.chosen["amount"] = (
            UNDECIDED,
            f"decide: each of these moves {balance!r} as it stands: {told}",
        )
    elif len(debit) == 1 and len(credit) == 1:
        why = "by their names" + (f"; {balance!r} does not follow from them" if balance else "")
        pair: dict[str, object] = {"debit": debit[0], "credit": credit[0]}
        low = [v for n in (debit[0], credit[0]) for v in found.values[n] if v is not None and v < 0]
        if low:
            pair["signed"] = UNDECIDED
            why += f"; decide: {low[0]} stands there; signed = true takes it off, or the sign says nothing"
        found.chosen["amount"] = pair, why
        taken |= {debit[0], credit[0]}
    elif len(amount) == 1 and not _rivals(found, amount[0], taken):
        found.chosen["amount"] = (
            _marked(found, amount[0]),
            "by its name; nothing in the file proves it",
        )
        taken.add(amount[0])
    else:
        listed = amount if len(amount) > 1 else [n for n in names if n not in taken]
        if listed:
            told = ", ".join(repr(n) for n in listed)
            sale = "; of a sale it is price less discounts: leave it out" if _priced(names) else ""
            found.chosen["amount"] = (
                UNDECIDED,
                f"decide: the control amount; candidates: {told}{sale}",
            )
    if balance is not None:
        held = (
            f"; {proven[0].held:,} of {proven[0].steps:,} follow from the one before"
            if proven
            else ""
        )
        found.chosen["balance"] = balance, "by its name" + held
    for name in _MONEY:
        fits = [n for n in names if words.bare(n) in words.NAMES[name] and n not in taken]
        if len(fits) == 1:
            found.chosen[name] = _with_own(found, fits[0]), "by its name"
            taken.add(fits[0])
        elif fits:
            found.chosen[name] = UNDECIDED, f"decide, or leave out: {', '.join(map(repr, fits))}"


def _priced(names: list[str]) -> bool:
    return any(words.bare(n) in words.NAMES["price"] for n in names)


def _rivals(found: Amounts, amount: str, taken: set[str]) -> list[str]:
    """Return other columns of money whose name says nothing: each might be the amount."""
    named = {b for f in (*_MONEY, "balance") for b in words.NAMES[f]}
    return [n for n in found.values if n != amount and n not in taken and words.bare(n) not in named
            and not words.is_one(n, (*words.DEBIT, *words.CREDIT))]  # fmt: skip


def _distinct(moves: list[Movement]) -> list[Movement]:
    """Leave out proofs that say the same in more columns than they need."""
    marked = [m for m in moves if m.marker]
    paired = {n for m in moves for n in (m.debit, m.credit) if n}
    return marked or [m for m in moves if m.amount not in paired]


def _name(move: Movement) -> str:
    if move.amount is not None:
        sign = "minus " if move.negate else ""
        return (
            sign + repr(move.amount) + (f" by the marks of {move.marker!r}" if move.marker else "")
        )
    return f"{move.credit!r} less {move.debit!r}"


def _of(found: Amounts, move: Movement) -> object:
    if move.added:
        return {"sum": [move.credit, move.debit]}
    if move.amount is None:
        return {"debit": move.debit, "credit": move.credit}
    if move.marker is not None:
        return _marked(found, move.amount)
    if move.negate:
        return {"column": move.amount, "negate": True}
    return _with_own(found, move.amount)


def _marked(found: Amounts, column: str) -> object:
    if found.marker is None:
        return _with_own(found, column)
    name, debit, credit = found.marker
    if not debit or not credit:  # the other mark has not been met
        return {
            "column": column,
            "marker": name,
            "debit_mark": debit or [UNDECIDED],
            "credit_mark": credit or [UNDECIDED],
        }
    return {"column": column, "marker": name, "debit_mark": debit, "credit_mark": credit}


def _with_own(found: Amounts, column: str) -> object:
    if column not in found.own:
        return column
    spec = found.own[column]
    return {"column": column, "numbers": {"decimal": spec.decimal, "thousands": spec.thousands}}
