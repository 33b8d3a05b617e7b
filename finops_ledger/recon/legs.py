"""The legs: declarations, read. A leg is two selections of rows that must agree on one clearing account.

What ships with the package stands in ``legs.toml``; a company adds its own in finops.toml and in SOPs (:class:`Legs`
holds both). ``consume``: a right row is used once, further rows of the same key are items of their own
(duplicate_delivery). ``sum``: rows of one key are added up on each side. ``waits_on`` says where an unmatched item
waits: on ``Timing`` when the clearing account must be empty every day, or on the clearing account itself when that is
the list of open items (rule R5). ``tickets``: sums, of few rows that are also told apart by their amounts. A leg
without an account posts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from finops_ledger.intake import toml
from finops_ledger.sop.legs import Classes, LegRule, Moves, OwnClass, Rows
from finops_ledger.sop.parts import Part

SALE_SUPPLY: Final = "sale-supply"
SALE_GATEWAY: Final = "sale-gateway"
GATEWAY_FEE: Final = "gateway-fee"
SETTLEMENT_BANK: Final = "settlement-bank"
SUPPLY_STATEMENT: Final = "supply-statement"
TOPUP_BANK: Final = "topup-bank"
PAYMENT_BANK: Final = "payment-bank"
BANK_SUSPENSE: Final = "bank-suspense"
UNDELIVERED: Final = "undelivered"
REFUND_PAYABLE: Final = "refund-payable"
EVERYBODY: Final = "customers"

#: What of an account rows of a role move, for accounts that no leg of the package clears: a company's own leg may.
FREE: Final[Mapping[str, Mapping[str, str]]] = {
    "Assets:Clearing:Settlement-Held:{}": {"settlement": "-d_held"},
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg: its roles, clearing account, cardinality, home of what waits, and class names.

    ``stated``: the role that takes the place of ``right`` while a deposit statement moves the deposit.
    ``differs``: the class of a difference above and below zero. ``who``: the counterparty of a company's own leg.
    """

    name: str
    left: str
    right: str
    party: Literal["supplier", "gateway", "bank", "none"]
    account: str
    cardinality: Literal["consume", "sum"]
    waits_on: str
    left_only: str = ""
    right_only: str = ""
    differs: tuple[str, str] = ("", "")
    stated: str = ""
    left_rows: tuple[Moves | Rows, ...] = ()
    right_rows: tuple[Moves | Rows, ...] = ()
    reads: tuple[str, str] = ("", "")
    one_sided: bool = False
    waits: str = ""
    who: str = ""
    one_to_one: bool = False
    tickets: bool = False
    grace: timedelta = timedelta(0)
    tolerance: Decimal = Decimal(0)
    own: tuple[tuple[str, OwnClass], ...] = field(default=(), repr=False)

    @property
    def roles(self) -> set[str]:
        """Roles of the rows that either side can be made of."""
        return {self.left, self.right, self.stated} - {""}

    @property
    def declared(self) -> bool:
        """Whether the company declared the leg itself."""
        return bool(self.who)

    @property
    def posts(self) -> bool:
        """Whether its items stand on accounts; else they have an exposure alone."""
        return bool(self.account)

    @property
    def by_source(self) -> bool:
        """Whether its rows name the counterparty by their source alone."""
        return any(getattr(rows, "by", "") == "source" for rows in self.left_rows)

    def clearing(self, name: str) -> str:
        """Return the clearing account for a counterparty's component."""
        return self.account.format(name)

    def waiting(self, name: str) -> str:
        """Return the account on which an item of a counterparty waits."""
        return self.waits_on.format(name)


class _Side(Part):
    """One side of a leg of the package: rows read whole by their own expression, or what rows move."""

    role: str = ""
    rows: str = ""
    moves: tuple[Moves, ...] = ()

    @property
    def roles(self) -> list[str]:
        return [self.role] if self.role else list(dict.fromkeys(m.role for m in self.moves))


class _Shipped(Part):
    """A leg of the package as ``legs.toml`` declares it."""

    name: str
    party: Literal["supplier", "gateway", "bank", "none"]
    account: str
    waits_on: str = ""
    pairs: Literal["one-to-one", "sum", "tickets"]
    grace: str = ""
    one_sided: bool = False
    left: _Side
    right: _Side = _Side()
    classes: Classes = Classes(left_only="")

    def leg(self) -> Leg:
        """Return the leg."""
        right = self.right.roles
        differs = self.classes.differs
        return Leg(
            name=self.name,
            left=self.left.roles[0],
            right=right[0] if right else "",
            party=self.party,
            account=self.account,
            cardinality="consume" if self.pairs == "one-to-one" else "sum",
            waits_on=self.waits_on or self.account,
            left_only=self.classes.left_only,
            right_only=self.classes.right_only,
            differs=(self.classes.more or differs, self.classes.less or differs),
            stated=right[1] if len(right) > 1 else "",
            left_rows=self.left.moves,
            right_rows=self.right.moves,
            reads=(self.left.rows, self.right.rows),
            one_sided=self.one_sided,
            waits=self.grace,
            tickets=self.pairs == "tickets",
        )


class _File(Part):
    legs: Annotated[tuple[_Shipped, ...], BeforeValidator(tuple)] = Field(min_length=1)


def _shipped() -> dict[str, Leg]:
    declared = toml.load(Path(__file__).with_name("legs.toml"), _File)
    return {one.name: one.leg() for one in declared.legs}


#: The legs of the package by name, in the order in which a day runs them.
LEGS: Final = _shipped()
ORDER: Final = tuple(LEGS)

#: By counterparty and name: from which day on a leg is declared how; None where it is declared no more.
Declared = Mapping[tuple[str, str], Sequence[tuple[date, LegRule | None]]]


@dataclass(frozen=True)
class Legs:
    """All legs of one workspace: those of the package, and those that finops.toml and SOPs declare."""

    declared: Declared = field(default_factory=dict)
    parties: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str, who: str, day: date | None = None) -> Leg:
        """Return a leg of a counterparty as it is declared on a day (else lastly).

        One that is declared no more reads what its closed days have left, and runs on no day.
        """
        if name in LEGS:
            return LEGS[name]
        if not self.declares(name, who):
            return Leg(name, "", "", "none", "", "sum", "", who=who)
        found = next(leg for _, leg in reversed(self._own[name, who]) if leg is not None)
        for start, leg in self._own[name, who] if day is not None else ():
            if day is not None and start <= day and leg is not None:
                found = leg
        return found

    def declares(self, name: str, who: str) -> bool:
        """Say whether there is such a leg: of the package, or of the company for this counterparty."""
        return name in LEGS or (name, who) in self._own

    def span(self, leg: Leg) -> tuple[date, date]:
        """Return the first and the last day on which a leg is declared."""
        if not leg.declared:
            return date.min, date.max
        versions = self._own[leg.name, leg.who]
        first = next(start for start, one in versions if one is not None)
        ends = [start for start, one in versions if one is None and start > first]
        return first, min(ends) - timedelta(days=1) if ends else date.max

    @cached_property
    def own(self) -> tuple[Leg, ...]:
        """The company's own legs, each as it is declared lastly."""
        return tuple(self.of(name, who) for name, who in self._own)

    @cached_property
    def _own(self) -> dict[tuple[str, str], list[tuple[date, Leg | None]]]:
        made: dict[tuple[str, str], list[tuple[date, Leg | None]]] = {}
        for (who, name), versions in self.declared.items():
            party = self.parties.get(who, "none")
            made[name, who] = [
                (day, None if rule is None else _of_rule(rule, who, party))
                for day, rule in versions
            ]
        return made

    def __iter__(self) -> Iterator[Leg]:
        yield from LEGS.values()
        yield from self.own

    def place(self, name: str) -> int:
        """Return a leg's place in the order in which a day runs them."""
        return ORDER.index(name) if name in LEGS else len(ORDER)

    @cached_property
    def classes(self) -> dict[str, OwnClass]:
        """The company's own classes, by name."""
        versions = [leg for found in self._own.values() for _, leg in found if leg is not None]
        return {name: one for leg in versions for name, one in leg.own}


def _of_rule(rule: LegRule, who: str, party: str) -> Leg:
    """Return the leg that a company declares, for one counterparty."""
    classes = rule.classes
    return Leg(
        name=rule.name,
        left=rule.left.role,
        right=rule.right.role,
        party=party,  # type: ignore[arg-type]
        account=rule.account,
        cardinality="sum",
        waits_on="Assets:Clearing:Timing:{}" if rule.account else "",
        left_only=classes.left_only,
        right_only=classes.right_only,
        differs=(classes.more or classes.differs, classes.less or classes.differs),
        left_rows=(_with_party(rule.left, party),),
        right_rows=(_with_party(rule.right, party),),
        who=who,
        one_to_one=rule.pairs == "one-to-one",
        grace=rule.grace,
        tolerance=rule.tolerance.limit,
        own=tuple(sorted(rule.own.items())),
    )


def _with_party(rows: Rows, party: str) -> Rows:
    """Fill in which column names the counterparty, where the declaration leaves it open."""
    if rows.party is not None:
        return rows
    column = {"supplier": "partner", "gateway": "gateway"}.get(party, "none")
    fitting = {
        "sale": ("partner", "gateway"),
        "supply": ("partner",),
        "deposit": ("partner",),
        "settlement": ("gateway",),
    }
    fits = column in fitting.get(rows.role, ())
    return rows.model_copy(update={"party": column if fits else "none"})
