"""The SOP of a counterparty: ``sops/<counterparty>.toml`` (rulings 26, 38, 39).

A file says who the counterparty is and lists versions, each in force from one day until the next. A
past day always runs under the version of that day.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from finops_ledger.core.days import Window, parse_span, zone
from finops_ledger.sop.matching import Match
from finops_ledger.sop.parts import Exact, Part


class WindowRule(Part):
    """The counterparty's day: when it opens, which end names it, and in which zone."""

    opens: time = time(0)
    named_by: Literal["start", "end"] = "start"
    zone: str = "Asia/Jakarta"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value

    def window(self) -> Window:
        """Return the window as a value."""
        return Window(zone=self.zone, opens=self.opens, named_by=self.named_by)


def _span(value: object) -> object:
    return parse_span(value) if isinstance(value, str) else value


Span = Annotated[timedelta, BeforeValidator(_span)]


class Supply(Part):
    """How goods are supplied. ``grace`` and ``pending``: how long an unmatched, or a not yet final,
    item may wait after its own window has closed before it is a break (ruling 35). ``statement``: which of the
    partner's files moves the deposit, its transactions or a deposit statement beside them (rule R1)."""

    model: Literal["prepaid"] = "prepaid"
    statement: Literal["transactions", "deposit"] = "transactions"
    window: WindowRule = WindowRule()
    grace: Span = timedelta(0)
    pending: Span = timedelta(hours=72)


class Deposit(Part):
    """The deposit with a supplier: below ``floor`` a top-up is overdue; ``crediting`` is how long the partner
    may take to credit one (a bank's line has a date and no hour, the partner's day may end before midnight)."""

    floor: Exact = Decimal(0)
    crediting: Span = timedelta(hours=24)


class Recognition(Part):
    """How revenue of a category is recognised: an agent's margin (net) or the whole price (gross)."""

    model: Literal["agent", "principal"]
    tax: Literal["none", "ppn-margin"] = "none"


class Tolerance(Part):
    """A difference of cost that is absorbed as cost: its limit per order and who answers for it."""

    limit: Exact = Decimal(0)
    owner: str = ""


class Fee(Part):
    """A gateway's fee: a rate of the gross payments, VAT on it, rounded per report or per row."""

    rate: Exact
    vat: Exact = Decimal(0)
    per: Literal["report", "row"] = "report"


class Settlement(Part):
    """A gateway's settlement: how many days after payment an order may wait (calendar days)."""

    lag: int = Field(default=1, ge=0)
    grace: Span = timedelta(0)
    fee: Fee | None = None


class BankLine(Part):
    """One rule for lines of a bank statement: what text says what the line is about."""

    when: str
    kind: Literal["payout", "topup", "fee"]
    counterparty: str = ""
    settlement_ref: str = ""

    @field_validator("when")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value


class Version(Part):
    """One version of an SOP, in force from ``effective`` on."""

    effective: date
    change_id: str
    reason: str
    author: str
    approver: str
    supply: Supply | None = None
    deposit: Deposit = Deposit()
    prices: str | None = None
    recognition: dict[str, Recognition] = Field(default_factory=dict)
    tolerance: dict[Literal["cost"], Tolerance] = Field(default_factory=dict)
    match: Match = Match()
    owners: dict[str, str] = Field(default_factory=dict)
    settlement: Settlement | None = None
    lines: list[BankLine] = Field(default_factory=list)

    @model_validator(mode="after")
    def _four_eyes(self) -> Version:
        if self.author == self.approver:
            raise ValueError(
                f"change {self.change_id}: author and approver are both {self.author!r}; "
                "a version is approved by someone else"
            )
        return self


#: By type of counterparty: the legs that a pass may name, first the one that it is for when it names none.
LEGS_OF: Final[dict[str, tuple[str, ...]]] = {
    "supplier": ("sale-supply", "supply-statement", "topup-bank"),
    "gateway": ("sale-gateway", "settlement-bank"),
    "bank": (),
}


class Sop(Part):
    """All versions of one counterparty's treatment, oldest first."""

    counterparty: str
    type: Literal["supplier", "gateway", "bank"]
    component: str = ""
    aliases: list[str] = Field(default_factory=list)
    versions: list[Version] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Sop:
        starts = [v.effective for v in self.versions]
        if starts != sorted(set(starts)):
            raise ValueError("versions must be listed by effective date, each date once")
        needs = {"supplier": "supply", "gateway": "settlement", "bank": "lines"}[self.type]
        for version in self.versions:
            if needs != "lines" and getattr(version, needs) is None:
                raise ValueError(f"version {version.change_id} lacks [versions.{needs}]")
            for one in version.match.passes:
                for problem in one.problems(LEGS_OF[self.type]):
                    raise ValueError(
                        f"version {version.change_id}: pass {one.name!r}: {problem}"
                    )
        return self

    @property
    def name(self) -> str:
        """The component that stands in account names."""
        return self.component or self.counterparty

    def on(self, day: date) -> Version:
        """Return the version in force on ``day``; before the first one, the first."""
        current = self.versions[0]
        for version in self.versions:
            if version.effective <= day:
                current = version
        return current

    def stated_on(self, day: date) -> bool:
        """Say whether a deposit statement, and not the transaction file, moves the deposit on ``day``."""
        supply = self.on(day).supply
        return supply is not None and supply.statement == "deposit"

    @property
    def stated_from(self) -> date | None:
        """The first day on which a deposit statement moves the deposit; ``date.min`` when it always has."""
        for number, version in enumerate(self.versions):
            if version.supply is not None and version.supply.statement == "deposit":
                return version.effective if number else date.min
        return None

    def rule_id(self, day: date) -> str:
        """Return what an entry states as its rule: ``AggA@2026-01-01``."""
        return f"{self.counterparty}@{self.on(day).effective.isoformat()}"
