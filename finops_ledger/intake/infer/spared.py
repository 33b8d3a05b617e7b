"""A price that some statuses do not take: what the running balance proves of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from finops_ledger.intake.infer import words
from finops_ledger.intake.infer.draft import UNDECIDED, count, toml
from finops_ledger.intake.infer.look import Look
from finops_ledger.intake.infer.money import Column

_MANY = 40  #: different values that a status may have


@dataclass(frozen=True)
class Spared:
    """How a column moves the balance, and which values of a status leave it where it was."""

    amount: str
    negate: bool
    order: str
    held: int  #: records that move the balance by their amount
    kept: dict[str, int]  #: value of the status -> records that left the balance
    unseen: tuple[str, ...]  #: values of which no record shows what they do
    zero: tuple[str, ...]  #: the statuses that the values in ``kept`` likely mean

    def field(self) -> dict[str, object]:
        """Return the amount as a format says it."""
        named: dict[str, object] = {"column": self.amount}
        if self.negate:
            named["negate"] = True
        return {**named, "zero_when_status": list(self.zero)}

    def told(self, balance: str) -> str:
        """Say what proves it."""
        way = "less" if self.negate else "plus"
        kept = ", ".join(f"{v} ({count(n, 'record')})" for v, n in self.kept.items())
        text = (
            f"proven: {balance!r} is the one before {way} {self.amount!r} in {count(self.held, 'record')}, "
            f"and stays the same with {kept}"
        )
        if self.unseen:
            text += f"; nothing shows what {', '.join(self.unseen)} does"
        return text


def spared(look: Look, values: Mapping[str, Column], balance: str) -> list[Spared]:
    """Return every reading in which all amounts but those of some statuses move the balance.

    A reading in which a success moves nothing is left out while there is another one.
    """
    running = values[balance]
    if any(b is None for b in running):
        return []
    found = []
    for name in look.columns:
        if not words.is_one(name, words.STATUS):
            continue
        status = look.column(look.columns.index(name))
        if len(set(status)) > _MANY:
            continue
        for amount in (n for n in values if n != balance):
            for order in ("oldest-first", "newest-first"):
                for negate in (True, False):
                    one = _read(values[amount], running, status, amount, order, negate)
                    if one is not None:
                        found.append(one)
    likely = [f for f in found if all(words.likely(v, words.STATUSES) != "success" for v in f.kept)]
    return likely or found


def _read(
    amounts: Column,
    running: Column,
    status: Sequence[str | None],
    amount: str,
    order: str,
    negate: bool,
) -> Spared | None:
    rows = list(zip(amounts, running, status, strict=True))
    if order == "newest-first":
        rows.reverse()
    moved: dict[str, int] = {}
    kept: dict[str, int] = {}
    for (_, before, _), (price, after, value) in pairwise(rows):
        step = (after or Decimal(0)) - (before or Decimal(0))
        if not price:
            if step:
                return None
            continue
        if step == (-price if negate else price):
            moved[value or ""] = moved.get(value or "", 0) + 1
        elif not step:
            kept[value or ""] = kept.get(value or "", 0) + 1
        else:
            return None
    if not moved or not kept or set(moved) & set(kept):
        return None
    means = {words.likely(v, words.STATUSES) for v in kept}
    others = {words.likely(v, words.STATUSES) for v in moved}
    zero = sorted(m for m in means if m is not None)
    if None in means or means & others:
        zero = [UNDECIDED]
    unseen = sorted({v or "" for v in status} - {*moved, *kept})
    if any(words.likely(v, words.STATUSES) not in (means | others) - {None} for v in unseen):
        zero = [*zero, UNDECIDED] if UNDECIDED not in zero else zero
    return Spared(amount, negate, order, sum(moved.values()), kept, tuple(unseen), tuple(zero))


def readings(found: Sequence[Spared]) -> str:
    """Name several readings."""
    return "; ".join(f"{toml(f.field())}, {f.order}" for f in found)
