"""What the arithmetic of columns proves: which amount moves the balance, which sums hold, what totals are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

Column = Sequence[Decimal | None]
_FEW = 3


@dataclass(frozen=True)
class Movement:
    """How a balance moves: by ``amount`` (one column), or by ``credit`` less ``debit``."""

    balance: str
    amount: str | None
    debit: str | None
    credit: str | None
    order: str  #: oldest-first, newest-first, or "" where both hold
    steps: int  #: pairs of balances looked at
    held: int
    negate: bool = False
    marker: str | None = None
    added: bool = False  #: debits stand with a minus: both columns are added
    signed: bool = False  #: a line taken back stands in its own column with a minus
    opening: Decimal = Decimal(0)  #: before the first record


def _steps(moves: Column, balance: Column, back: bool) -> tuple[int, int]:
    """Return how many balances follow from the one before, and how many were looked at.

    A record without a balance adds to what the next stated balance must show.
    """
    pairs = list(zip(moves, balance, strict=True))
    if back:
        pairs.reverse()
    before: Decimal | None = None
    since = Decimal(0)
    held = looked = 0
    for move, after in pairs:
        since += move or 0
        if after is None:
            continue
        if before is not None:
            looked += 1
            held += before + since == after
        before, since = after, Decimal(0)
    return held, looked


def _before(moves: Column, balance: Column, back: bool) -> Decimal:
    """Return the balance before the first record, as the first stated one gives it."""
    pairs = list(zip(moves, balance, strict=True))
    since = Decimal(0)
    for move, after in reversed(pairs) if back else pairs:
        since += move or 0
        if after is not None:
            return after - since
    return Decimal(0)


def _zeroed(column: Column) -> list[Decimal]:
    return [v or Decimal(0) for v in column]


def movements(
    columns: Mapping[str, Column], balance: str, marked: Mapping[str, tuple[str, Column]]
) -> list[Movement]:
    """Return every way in which ``balance`` is a running balance of other columns.

    ``marked``: amounts with the sign of a column of marks, by a name of their own.
    """
    running = columns[balance]
    found: list[Movement] = []

    def try_(moves: Column, amount: str | None, debit: str | None, credit: str | None,
             negate: bool = False, marker: str | None = None, added: bool = False,
             signed: bool = False) -> None:  # fmt: skip
        ways = {order: _steps(moves, running, order == "newest-first")
                for order in ("oldest-first", "newest-first")}  # fmt: skip
        good = [o for o, (held, looked) in ways.items() if looked >= 2 and held == looked]
        if good and any(moves):
            held, looked = ways[good[0]]
            order = good[0] if len(good) == 1 else ""
            opening = _before(moves, running, good[0] == "newest-first")
            found.append(Movement(balance, amount, debit, credit, order, looked, held,
                                  negate, marker, added, signed, opening))  # fmt: skip

    names = [n for n in columns if n != balance]
    for name in names:
        moved = _zeroed(columns[name])
        try_(moved, name, None, None)
        try_([-m for m in moved], name, None, None, negate=True)
    for name, (marker, moves) in marked.items():
        try_(_zeroed(moves), name, None, None, marker=marker)
    for one, two in combinations(names, 2):
        a, b = _zeroed(columns[one]), _zeroed(columns[two])
        if any(x and y for x, y in zip(a, b, strict=True)):
            continue
        for minus, plus in ((one, two), (two, one)):
            x, y = (_zeroed(columns[n]) for n in (minus, plus))
            if any(v < 0 for v in x) and not any(v > 0 for v in x) and not any(v < 0 for v in y):
                try_([v + w for v, w in zip(x, y, strict=True)], None, minus, plus, added=True)
        if not any(a) or not any(b):
            continue
        signed = any(v < 0 for v in (*a, *b))
        try_([y - x for x, y in zip(a, b, strict=True)], None, one, two, signed=signed)
        try_([x - y for x, y in zip(a, b, strict=True)], None, two, one, signed=signed)
    return found


def equations(columns: Mapping[str, Column]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (whole, parts) where the parts add up to the whole on every record."""
    names = [n for n, c in columns.items() if any(c)]
    if len(names) > 8:
        return
    zeroed = {n: _zeroed(columns[n]) for n in names}
    found: list[tuple[str, frozenset[str]]] = []
    for count in range(2, _FEW + 1):
        for whole in names:
            for parts in combinations([n for n in names if n != whole], count):
                if any(w == whole and p <= set(parts) for w, p in found):
                    continue
                sums = [sum(v) for v in zip(*(zeroed[p] for p in parts), strict=True)]
                if len(sums) >= _FEW and sums == zeroed[whole]:
                    found.append((whole, frozenset(parts)))
                    yield whole, parts
