"""Taxes by date: rate, base, rounding and source of each, and what they come to.

``taxes.toml`` is the one source. PPN of a price, a margin or a commission, what partners collect or withhold, and
stamp duty are looked up by code and day; a day without a line is never guessed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import plain

TABLE: Final = Path(__file__).parent / "taxes.toml"
PPN: Final = "ppn"
PPN_VOUCHER: Final = "ppn-voucher"
PPH22: Final = "pph22-phone-credit"
PPH22_MARKET: Final = "pph22-marketplace"
PPH23: Final = "pph23-service"
STAMP: Final = "stamp-duty"
_ZERO: Final = Decimal(0)


class TaxMissing(UsageError):
    """A tax is asked about on a day of which the table has no line."""


@dataclass(frozen=True, slots=True)
class Taxed:
    """What a tax comes to: the base (DPP), the part of it that is taxed, the tax; and what rounding leaves.

    ``rounding`` is price less base less tax, where a price includes the tax: -1, 0 or 1.
    """

    base: Decimal
    other: Decimal
    tax: Decimal
    rounding: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Tax:
    """One tax while one rule of it is in force. ``until``: the last day; None: still."""

    code: str
    name: str
    on: str
    rate: Fraction
    base: Fraction
    rounding: Literal["half-up", "down"]
    valid_from: date
    until: date | None
    source: str
    no_number: Fraction | None = None
    above: Decimal = _ZERO
    amount: Decimal | None = None

    @property
    def effective(self) -> Fraction:
        """The part of the base that the tax is: 12 % of 11/12 is 11 %."""
        return self.rate * self.base

    def rounded(self, value: Fraction) -> Decimal:
        """Round to the whole rupiah by the rule of the time; odd in the value, so that a reversal takes back all."""
        size = abs(value)
        whole = int(size + Fraction(1, 2)) if self.rounding == "half-up" else int(size)
        return Decimal(whole if value >= 0 else -whole)

    def of(self, base: Decimal, *, number: bool = True) -> Taxed:
        """Return the tax on an amount without it: each step rounded. Nothing on what is not ``above``.

        ``number``: whether the taxpayer has a tax number. 12,000,000 gives 11,000,000 and 1,320,000 of PPN.
        """
        exact = self.rounded(Fraction(base))
        if self.above and abs(base) <= self.above:
            return Taxed(exact, _ZERO, _ZERO)
        if self.amount is not None:
            return Taxed(exact, _ZERO, self.amount if base >= 0 else -self.amount)
        other = self.rounded(Fraction(exact) * self.base)
        rate = self.rate if number or self.no_number is None else self.no_number
        return Taxed(exact, other, self.rounded(Fraction(other) * rate))

    def inside(self, price: Decimal) -> Taxed:
        """Return the tax that an amount includes: 51,000 gives 45,946, 42,117 and 5,054 of PPN."""
        base = self.rounded(Fraction(price) / (1 + self.effective))
        other = self.rounded(Fraction(base) * self.base)
        tax = self.rounded(Fraction(other) * self.rate)
        return Taxed(base, other, tax, price - base - tax)


@dataclass(frozen=True, slots=True)
class Use:
    """What the program does with a tax: whether it books or checks it, and where; or why not, and what to do."""

    code: str
    applied: bool
    what: str


@lru_cache(maxsize=1)
def uses() -> dict[str, Use]:
    """Return what is done with each tax, by its code."""
    data = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {u["code"]: Use(u["code"], u["applied"], u["what"]) for u in data["uses"]}


@lru_cache(maxsize=1)
def table() -> tuple[Tax, ...]:
    """Return every line of the table, by code and day."""
    data = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    found = [
        Tax(
            code=line["code"],
            name=line["name"],
            on=line["on"],
            rate=Fraction(line.get("rate", "0")),
            base=Fraction(line.get("base", "1")),
            rounding=line["rounding"],
            valid_from=line["from"],
            until=line.get("until"),
            source=line["source"],
            no_number=Fraction(line["no_number"]) if "no_number" in line else None,
            above=Decimal(line.get("above", "0")),
            amount=Decimal(line["amount"]) if "amount" in line else None,
        )
        for line in data["taxes"]
    ]
    return tuple(sorted(found, key=lambda one: (one.code, one.valid_from)))


def codes() -> list[str]:
    """Return the codes of the table."""
    return sorted({one.code for one in table()})


def of_code(code: str) -> list[Tax]:
    """Return the lines of a code, oldest first; UsageError for one that the table does not know."""
    found = [one for one in table() if one.code == code]
    if not found:
        raise UsageError(f"unknown tax {code!r}: known are {', '.join(codes())}")
    return found


def on(code: str, day: date) -> Tax:
    """Return a tax as it is on a day; TaxMissing names the days that are known."""
    for one in of_code(code):
        if one.valid_from <= day and (one.until is None or day <= one.until):
            return one
    known = "; ".join(f"{o.valid_from} to {o.until or 'now'}" for o in of_code(code))
    raise TaxMissing(f"the table has no {code} for {day}: it knows {known}")


def percent(rate: Fraction) -> str:
    """Write a rate in percent.

    >>> percent(Fraction(11, 100)), percent(Fraction(1, 200))
    ('11 %', '0.5 %')
    """
    whole = rate * 100
    return f"{plain(Decimal(whole.numerator) / whole.denominator)} %"
