"""What was agreed about money: commissions, fees, rebates, differences that are let pass, and settlements."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from finops_ledger.sop.levies import TAKEN, Taxed, Vat, Withheld
from finops_ledger.sop.parts import Exact, Span
from finops_ledger.sop.parts import Part as _Part
from finops_ledger.sop.pay import Pay
from finops_ledger.sop.schedule import Schedule


class Commission(_Part):
    """What a partner grants us for one transaction of a category: ``amount``, or ``rate`` of the face value.

    Both without VAT and rounded half up to the rupiah. VAT is ``vat`` of ``base`` of it, each step rounded half
    up; with ``vat = "ppn"``, and where none is given in a category whose tax is ppn-commission, it is that of the
    table of taxes by the day of payment (12 % of 11/12 since 2025; 1,200 gives 1,100 and 132); any other has none.
    ``withheld``: the income tax that the partner withholds from it, without VAT: a rate, or "pph23-service".
    """

    amount: Exact | None = None
    rate: Exact | None = None
    vat: Vat | None = None
    base: str = "1"
    withheld: Withheld = Decimal(0)

    @field_validator("base")
    @classmethod
    def _fraction(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9]\d{0,3}(/[1-9]\d{0,3})?", value):
            raise ValueError('base is a fraction, like "11/12"')
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> Commission:
        if (self.amount is None) == (self.rate is None):
            raise ValueError("give one of amount and rate")
        if min(_flat(self.amount or self.rate), _flat(self.vat), _flat(self.withheld)) < 0 or (
            max(_flat(self.vat), _flat(self.withheld)) >= 1
        ):
            raise ValueError("amounts and rates are 0 or more, and vat and withheld are below 1")
        if isinstance(self.vat, str) and self.base != "1":
            raise ValueError(f"base stands in the table of taxes: leave it out beside {self.vat}")
        return self

    @property
    def fraction(self) -> tuple[int, int]:
        """``base`` as numerator and denominator."""
        over, _, under = self.base.partition("/")
        return int(over), int(under or 1)


def _flat(value: Decimal | str | None) -> Decimal:
    """Return a rate that is given; 0 where the table of taxes has it, or nothing is said."""
    return value if isinstance(value, Decimal) else Decimal(0)


class Tolerance(_Part):
    """A difference that is let pass: its limit for each order or top-up, its account, and who answers for it.

    A difference of cost goes where its category's cost goes, whatever ``account`` says.
    """

    limit: Exact = Decimal(0)
    owner: str = ""
    account: str = ""


class Fee(_Part):
    """A gateway's fee: a rate of the gross payments, VAT on it, rounded per report or per row; ``amount`` on each
    payment beside it (virtual accounts: rate 0, so much a payment). ``vat``: a rate, rounded half up, or "ppn": as
    the table of taxes has it on the day of each payment (12 % of 11/12 since 2025; its rounding by date).

    ``accrue``: whether the fee of orders that are not settled is accrued at the end of a month (worked-cases 21).
    """

    rate: Exact
    vat: Vat = Decimal(0)
    per: Literal["report", "row"] = "report"
    amount: Exact = Field(default=Decimal(0), ge=0)
    accrue: Literal["month-end", "none"] = "month-end"

    @model_validator(mode="after")
    def _amount_by_row(self) -> Fee:
        if self.amount and self.per == "report":
            raise ValueError('amount is a fee on each payment: write per = "row" beside it')
        if not 0 <= _flat(self.vat) < 1:
            raise ValueError('vat is 0 or more and below 1, or "ppn"')
        return self


class Taken(_Part):
    """Income tax that a gateway takes off what it pays out (art. 22 by a marketplace, art. 23): ``rate``, or a code
    of the table of taxes, ``of`` gross payments or of the fee, rounded on the settlement; without a rate, what the
    report states counts. ``account``: where it stands until its slip proves it.
    """

    rate: Taxed = Decimal(0)
    of: Literal["gross", "fee"] = "gross"
    account: str = Field(
        default="Assets:Tax:PPh22-Prepaid", pattern=r"^Assets:Tax(:[A-Z0-9][\w-]*)+$"
    )

    @model_validator(mode="after")
    def _a_part(self) -> Taken:
        if not 0 <= _flat(self.rate) < 1:
            codes = " or ".join(f'"{c}"' for c in TAKEN)
            raise ValueError(f"rate is 0 or more and below 1, or {codes}")
        return self


class Rebate(_Part):
    """A volume rebate: ``rate`` of a month's whole volume, once the volume has reached ``target``."""

    target: Exact = Field(gt=0)
    rate: Exact = Field(gt=0, lt=1)
    period: Literal["month"] = "month"


class Settlement(_Part):
    """How a gateway settles with us, or we with a postpaid supplier.

    ``schedule``: when; without one, ``lag``: how many calendar days after its day a row is due. ``by_amount``: for
    how long a bank line without a reference may be taken for a settlement by its amount. ``netting``: whether fee
    and commission are taken off (net), or paid apart (gross). ``dispute_limit``: up to how much of open breaks a
    settlement is paid. ``withheld``: the part of a gateway's fee that we withhold for it, without VAT: a rate, or
    "pph23-service".
    ``rounding``: where a difference of rounding goes. ``commission``: when a partner that is paid gross pays us the
    commission; without it, by the month, due on no day."""

    lag: int = Field(default=1, ge=0)
    by_amount: Span = timedelta(days=7)
    grace: Span = timedelta(0)
    fee: Fee | None = None
    schedule: Schedule | None = None
    pay: Pay | None = None
    netting: Literal["net", "gross"] = "net"
    commission: Schedule | None = None
    dispute_limit: Exact = Field(default=Decimal(0), ge=0)
    withheld: Withheld = Decimal(0)
    tax: Taken | None = None
    rounding: str = Field(
        default="Expenses:Rounding", pattern=r"^(Expenses|Income)(:[A-Z0-9][\w-]*)+$"
    )

    @model_validator(mode="after")
    def _one_lag(self) -> Settlement:
        if self.schedule is not None and "lag" in self.model_fields_set:
            raise ValueError(
                "lag stands in the schedule: leave it out beside [versions.settlement.schedule]"
            )
        if self.commission is not None and self.netting == "net":
            raise ValueError(
                'commission is a schedule of its own only with netting = "gross"; net, it is set off'
            )
        if not 0 <= _flat(self.withheld) < 1:
            raise ValueError('withheld is 0 or more and below 1, or "pph23-service"')
        return self

    @property
    def due_by(self) -> Schedule:
        """The schedule; where none is given, daily, by the lag in calendar days."""
        if self.schedule is not None:
            return self.schedule
        return Schedule(lag=self.lag, lag_days="calendar", roll="none", calendar="none")
