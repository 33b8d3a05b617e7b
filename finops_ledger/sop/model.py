"""The SOP of a counterparty: ``sops/<counterparty>.toml`` (rulings 26, 38, 39).

A file says who the counterparty is and lists versions, each in force from one day until the next. A
past day always runs under the version of that day.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from finops_ledger.core.days import Window, zone
from finops_ledger.core.kinds import LIMITED
from finops_ledger.intake.conditions import suggestion
from finops_ledger.sop.confirmation import Confirmation
from finops_ledger.sop.funding import Funding
from finops_ledger.sop.legs import LegRule, named_once
from finops_ledger.sop.matching import LEGS_OF, Match
from finops_ledger.sop.parts import Exact, Span
from finops_ledger.sop.parts import Part as _Part
from finops_ledger.sop.taxing import TopupTax as TopupTax
from finops_ledger.sop.terms import Commission, Rebate, Settlement, Tolerance


class WindowRule(_Part):
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


class Supply(_Part):
    """How goods are supplied. ``grace`` and ``pending``: how long an unmatched, or a not yet final,
    item may wait after its own window has closed before it is a break (ruling 35); ``transit``: how long a payment of
    ours may take to show at the bank. ``serials``: within which time one serial must not be on two orders; 0 where
    the partner's serials are none. ``statement``: which of the
    partner's files moves the deposit, its transactions or a deposit statement beside them (rule R1).

    ``model``: ``prepaid`` draws on a deposit; ``postpaid`` is billed afterwards, against a commission
    (worked-cases 19); ``stock`` is codes bought into the vault and taken from it, oldest lot first (18). ``shelf``: how
    long after they came such codes may be sold."""

    model: Literal["prepaid", "postpaid", "stock"] = "prepaid"
    statement: Literal["transactions", "deposit"] = "transactions"
    window: WindowRule = WindowRule()
    grace: Span = timedelta(0)
    pending: Span = timedelta(hours=72)
    transit: Span = timedelta(hours=24)
    serials: Span = timedelta(days=31)
    shelf: Span | None = None

    @model_validator(mode="after")
    def _one_file(self) -> Supply:
        if self.model != "prepaid" and self.statement == "deposit":
            raise ValueError(
                f'model = "{self.model}" has no deposit statement: leave statement = "deposit" out'
            )
        if self.shelf is not None and self.model != "stock":
            raise ValueError(
                f'shelf is of codes in stock: leave it out beside model = "{self.model}"'
            )
        return self


class Deposit(_Part):
    """The deposit with a supplier: below ``floor`` a top-up is overdue; ``crediting`` is how long the partner
    may take to credit one (a bank's line has a date and no hour, the partner's day may end before midnight).
    ``nearest``: by which share of what was sent a credit may be off, to be taken for that top-up at all.
    ``adjusts``: an adjustment is about a top-up, and not about an order, when this expression finds its
    ``orig_ref``, ``ref`` or text."""

    floor: Exact = Decimal(0)
    crediting: Span = timedelta(hours=24)
    tax: TopupTax = TopupTax()
    nearest: Exact = Field(default=Decimal("0.25"), ge=0, lt=1)
    adjusts: str = ""
    confirmation: Confirmation = Confirmation()

    @field_validator("adjusts")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value


class Recognition(_Part):
    """How revenue of a category is recognised: an agent's margin (net) or the whole price (gross)."""

    model: Literal["agent", "principal"]
    tax: Literal["none", "ppn-margin", "ppn-commission"] = "none"


class BankLine(_Part):
    """One rule for lines of a bank statement: what text says what the line is about."""

    when: str
    kind: Literal["payout", "payment", "topup", "fee"]
    counterparty: str = ""
    settlement_ref: str = ""

    @field_validator("when")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value


class Version(_Part):
    """One version of an SOP, in force from ``effective`` on."""

    effective: date
    change_id: str
    reason: str
    author: str
    approver: str
    supply: Supply | None = None
    deposit: Deposit = Deposit()
    funding: Funding | None = None
    prices: str | None = None
    recognition: dict[str, Recognition] = Field(default_factory=dict)
    commission: dict[str, Commission] = Field(default_factory=dict)
    tolerance: dict[Literal["cost", "topup", "settlement"], Tolerance] = Field(default_factory=dict)
    match: Match = Match()
    owners: dict[str, str] = Field(default_factory=dict)
    deadlines: dict[str, Span] = Field(default_factory=dict)
    limits: dict[str, dict[str, Exact]] = Field(default_factory=dict)
    settlement: Settlement | None = None
    lines: list[BankLine] = Field(default_factory=list)
    rebates: tuple[Rebate, ...] = ()
    legs: tuple[LegRule, ...] = ()

    @field_validator("legs")
    @classmethod
    def _named_once(cls, legs: tuple[LegRule, ...]) -> tuple[LegRule, ...]:
        return named_once(legs)

    def owner(self, class_: str) -> str:
        """Return who answers for a class of break; empty when nobody is named."""
        return self.owners.get(class_, self.owners.get("default", ""))

    def deadline(self, class_: str) -> timedelta | None:
        """Return how long a break of a class may stay open; None when nothing is said."""
        return self.deadlines.get(class_, self.deadlines.get("default"))

    @field_validator("limits")
    @classmethod
    def _known_treatments(
        cls, value: dict[str, dict[str, Decimal]]
    ) -> dict[str, dict[str, Decimal]]:
        for name, roles in value.items():
            if name not in (*LIMITED, "default"):
                raise ValueError(f"limits of {name!r}: known are {', '.join(LIMITED)} and default")
            if any(limit < 0 for limit in roles.values()):
                raise ValueError(f"limits of {name!r}: a limit is 0 or more")
        return value

    @model_validator(mode="after")
    def _four_eyes(self) -> Version:
        if self.author == self.approver:
            raise ValueError(
                f"change {self.change_id}: author and approver are both {self.author!r}; "
                "a version is approved by someone else"
            )
        return self


class Sop(_Part):
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
            if version.commission and (
                version.supply is None or version.supply.model != "postpaid"
            ):
                raise ValueError(
                    f"version {version.change_id} has [versions.commission], which is a postpaid partner's: "
                    'write model = "postpaid" under [versions.supply]'
                )
            if version.settlement is not None:
                _settles(self.type, version)
            if version.rebates and self.type != "supplier":
                raise ValueError(
                    f"version {version.change_id} has [[versions.rebates]], which a supplier grants"
                )
            if version.funding is not None and (
                version.supply is None or version.supply.model == "postpaid"
            ):
                raise ValueError(
                    f"version {version.change_id} has [versions.funding], which is for a deposit: a gateway, a bank "
                    "and a postpaid partner have none"
                )
            if needs != "lines" and getattr(version, needs) is None:
                raise ValueError(f"version {version.change_id} lacks [versions.{needs}]")
            for one in version.match.passes:
                unknown = [c for c in one.categories if c not in version.recognition]
                if unknown and version.recognition:
                    near = suggestion(unknown[0], version.recognition)
                    raise ValueError(
                        f"version {version.change_id}: pass {one.name!r}: categories: {unknown[0]!r} is none of "
                        f"{', '.join(version.recognition)}{near}"
                    )
                for problem in one.problems(LEGS_OF[self.type]):
                    raise ValueError(f"version {version.change_id}: pass {one.name!r}: {problem}")
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

    def model_on(self, day: date) -> str:
        """Return how goods are supplied on ``day``: prepaid, postpaid or stock; empty for who supplies none."""
        supply = self.on(day).supply
        return supply.model if supply is not None else ""

    @property
    def models(self) -> set[str]:
        """Return every model that any version names."""
        return {v.supply.model for v in self.versions if v.supply is not None}

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


def _settles(type_: str, version: Version) -> None:
    """Refuse a settlement with whom nothing is settled, and what only a gateway has."""
    place = f"version {version.change_id} has [versions.settlement]"
    if type_ == "gateway" or version.settlement is None:
        return
    if type_ == "bank" or version.supply is None or version.supply.model != "postpaid":
        raise ValueError(
            f"{place}, which is a gateway's or a postpaid partner's: a deposit is topped up and a vault is paid "
            "when it is bought"
        )
    for key in ("fee", "by_amount", "withheld", "tax"):
        if key in version.settlement.model_fields_set:
            told = (
                " ([versions.commission] says what a partner withholds)"
                if key in ("withheld", "tax")
                else ""
            )
            raise ValueError(f"{place} with {key}, which only a gateway has{told}")
