"""A tax that an SOP states beside a fee or a commission: a rate of its own, or a code of the table of taxes.

A rate is the same on every day and is rounded half up. A code has the rate, the base and the rounding of each day, so
that a row is taxed by the rule of its own day, whenever its report or invoice comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Final

from pydantic import BeforeValidator

from finops_ledger.core import taxes

#: Which codes of the table stand for VAT, and which for income tax that is withheld from a fee or a commission.
VAT: Final = (taxes.PPN,)
WITHHELD: Final = (taxes.PPH23,)
#: What a gateway, or a marketplace, may take off what it pays to us.
TAKEN: Final = (taxes.PPH22_MARKET, taxes.PPH23)


def _levy(codes: Sequence[str]) -> BeforeValidator:
    """Return what reads a rate as text ("0.11"), or one of some codes of the table."""

    def read(value: object) -> object:
        if isinstance(value, float):
            raise ValueError(f'write the number as text, "{value}", so that it stays exact')
        if not isinstance(value, str) or value in codes:
            return value
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
        known = ", ".join(f'"{c}"' for c in codes)
        raise ValueError(
            f'{value!r} is no tax that stands here: write a rate as text ("0.11") or {known}, '
            "which is taken from the table of taxes"
        )

    return BeforeValidator(read)


Vat = Annotated[Decimal | str, _levy(VAT)]
Withheld = Annotated[Decimal | str, _levy(WITHHELD)]
Taxed = Annotated[Decimal | str, _levy(TAKEN)]


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax while one rule holds: ``rate`` of ``base`` of an amount, to the whole rupiah.

    Each step is rounded, half up or down; a base of 1 is the amount itself, and no step.
    """

    rate: Fraction = Fraction(0)
    base: Fraction = Fraction(1)
    half_up: bool = True

    @property
    def effective(self) -> Fraction:
        """The part of the amount that the tax is."""
        return self.rate * self.base

    def of(self, amount: Decimal) -> Decimal:
        """Return the tax on an amount; odd in it, so that a reversal takes back all.

        >>> Rate(Fraction(12, 100), Fraction(11, 12)).of(Decimal("-4000000"))
        Decimal('-440000')
        """
        other = amount if self.base == 1 else self._rounded(Fraction(amount) * self.base)
        return self._rounded(Fraction(other) * self.rate)

    def _rounded(self, value: Fraction) -> Decimal:
        whole = int(abs(value) + (Fraction(1, 2) if self.half_up else 0))
        return Decimal(whole if value >= 0 else -whole)

    def sql(self, amount: str) -> str:
        """Return SQL of the same on an amount of four decimals, for any engine."""
        up, rate, base = str(int(self.half_up)), self.rate, self.base
        if base != 1:
            amount = _step(amount, str(base.numerator), str(base.denominator), up)
        return _step(amount, str(rate.numerator), str(rate.denominator), up)


def tax_sql(amount: str, columns: Sequence[str]) -> str:
    """Return SQL of a tax by columns: its base over and under, its rate likewise, half up."""
    base_over, base_under, over, under, half_up = columns
    stepped = _step(amount, base_over, base_under, half_up)
    base = f"case when {base_over} = {base_under} then {amount} else {stepped} end"
    return _step(base, over, under, half_up)


def _step(amount: str, over: str, under: str, half_up: str) -> str:
    # An amount has four decimals: as a whole number it is 10,000 times as large. With more than 18 digits engines
    # multiply it without an overflow.
    size = f"cast(abs(cast({amount} as decimal(22, 4))) * 10000 as bigint)"
    whole = f"(({size} * {over} * 2 + {under} * 10000 * {half_up}) // ({under} * 20000))"
    return f"cast((case when {amount} < 0 then -1 else 1 end) * {whole} as decimal(18, 4))"


def rate_on(levy: Decimal | str, day: date, base: str = "1") -> Rate:
    """Return a tax as it is on a day; TaxMissing where the table has no line of it."""
    if isinstance(levy, Decimal):
        return Rate(Fraction(levy), Fraction(base))
    tax = taxes.on(levy, day)
    return Rate(tax.rate, tax.base, tax.rounding == "half-up")


def stretches(
    levy: Decimal | str, first: date, last: date, base: str = "1"
) -> Iterator[tuple[date, date, Rate]]:
    """Cut a stretch of days where the table of taxes changes; a day that it does not know is left out."""
    if isinstance(levy, Decimal):
        yield first, last, rate_on(levy, first, base)
        return
    for tax in taxes.of_code(levy):
        start, end = max(first, tax.valid_from), min(last, tax.until or date.max)
        if start <= end:
            yield start, end, rate_on(levy, start)


def at_odds(levy: Decimal | str, codes: Sequence[str], day: date, base: str = "1") -> Rate | None:
    """Return what the table of taxes says on a day where a stated rate is another; None where they agree.

    No tax at all (0) is no rate, the rate of who has no tax number is one of the table's, and a day of which the
    table has no line has nothing to say.
    """
    if isinstance(levy, str) or not levy:
        return None
    own = rate_on(levy, day, base).effective
    for code in codes:
        try:
            tax = taxes.on(code, day)
        except taxes.TaxMissing:
            return None
        without = None if tax.no_number is None else tax.no_number * tax.base
        if own not in (tax.effective, without):
            return Rate(tax.rate, tax.base, tax.rounding == "half-up")
    return None
