"""Tax that a partner takes for a deposit (PPh 22 on phone credit): at which rate, and when."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from pydantic import Field, model_validator

from finops_ledger.core import taxes
from finops_ledger.core.errors import UsageError
from finops_ledger.sop.parts import Exact, Part


class TopupTax(Part):
    """Tax that a partner collects on a deposit: its rate, or its code in the table of taxes; and its account.

    ``on``: ``deposit``: on top of what is credited, as goods of one kind are bought with it; ``use``: at the end
    of the month on what was used for ``categories``, out of the deposit, as it is for other goods too (PER-18/PJ/2021
    art. 5(6)-(7)). ``number``: whether the partner has our tax number; without one the rate is higher.
    """

    rate: Exact = Field(default=Decimal(0), ge=0, lt=1)
    code: str = ""
    on: Literal["deposit", "use"] = "deposit"
    categories: tuple[str, ...] = ()
    number: bool = True
    account: str = "Assets:Tax:PPh22-Prepaid"

    @model_validator(mode="after")
    def _agree(self) -> TopupTax:
        if self.code:
            try:
                taxes.of_code(self.code)
            except UsageError as error:
                raise ValueError(str(error)) from error
            if self.rate:
                raise ValueError(
                    f"rate stands in the table of taxes: leave it out beside {self.code}"
                )
        if self.on == "use" and not self.categories:
            raise ValueError(
                'on = "use" needs the categories that are taxed: write categories = ["Pulsa"]'
            )
        if self.on == "use" and not (self.code or self.rate):
            raise ValueError('on = "use" needs a rate: write code = "pph22-phone-credit"')
        if self.categories and self.on != "use":
            raise ValueError('categories belong to on = "use": a deposit is taxed as a whole')
        return self

    @property
    def taken(self) -> bool:
        """Whether the partner takes any tax."""
        return bool(self.code or self.rate)

    def of(self, base: Decimal, day: date) -> Decimal:
        """Return the tax on an amount, on a day: by the table, or the rate, half up to the whole unit."""
        if self.code:
            return taxes.on(self.code, day).of(base, number=self.number).tax
        return (base * self.rate).quantize(Decimal(1), ROUND_HALF_UP)

    def on_top(self, day: date) -> Decimal:
        """Return the rate that is paid on top of a top-up on a day; 0 where the tax is taken on use, or not at all."""
        return self.shown(day) if self.on == "deposit" else Decimal(0)

    def shown(self, day: date) -> Decimal:
        """Return the rate on a day; :meth:`of` rounds, and leaves out what is too small."""
        if not self.code:
            return self.rate
        tax = taxes.on(self.code, day)
        rate = tax.effective if self.number or tax.no_number is None else tax.no_number * tax.base
        return Decimal(rate.numerator) / Decimal(rate.denominator)
