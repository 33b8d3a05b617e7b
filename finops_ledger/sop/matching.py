"""The passes of matching that an SOP declares: ``[[versions.match.passes]]``.

A pass says which columns of both sides must be equal, what may differ within a limit, and how many rows of one
side may stand against how many of the other. Two exact passes are known by name alone: ``ref`` (the order id that
both sides share) and ``partner_ref`` (the partner's own id).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from finops_ledger.intake.conditions import suggestion
from finops_ledger.sop.parts import Exact, Part

#: Passes that are known by name alone.
KNOWN: Final = ("ref", "partner_ref")
#: By leg: the columns that a pass may compare. ``amount`` is what is open of both.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "sale-supply": ("ref", "partner_ref", "serial", "customer", "product", "amount"),
    "supply-statement": ("ref", "partner_ref", "amount"),
    "sale-gateway": ("payment_ref", "ref", "amount"),
}
#: By type of counterparty: the legs that a pass may name, first the one that it is for when it names none.
#: (Top-ups and payouts have passes of their own.)
LEGS_OF: Final[dict[str, tuple[str, ...]]] = {
    "supplier": ("sale-supply", "supply-statement"),
    "gateway": ("sale-gateway",),
    "bank": (),
}
#: Names that stand for rules of the program in items and matches.
TAKEN: Final = (
    *("tolerance", "tax", "amount", "sum", "nearest", "cross-partner", "cross_partner"),
    *("orig_ref", "accepted"),
)
#: Columns that stand in the rows as keyed hashes; their form is made one before they are hashed.
HASHED: Final = ("customer", "serial")
FORMS: Final = ("trim", "upper", "strip", "digits", "msisdn")
_ACCOUNT: Final = re.compile(
    r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+"
)

Cardinality = Literal["one-to-one", "one-to-many", "many-to-one", "groups", "subset"]
Form = Literal["trim", "upper", "strip", "digits", "msisdn"]


class Within(Part):
    """A difference that a pass takes: up to ``limit`` an item, posted to ``account``; ``owner`` answers for it."""

    limit: Exact = Field(gt=0)
    account: str
    owner: str = Field(min_length=1)

    @field_validator("account")
    @classmethod
    def _spelt(cls, value: str) -> str:
        if not _ACCOUNT.fullmatch(value):
            raise ValueError(
                f"{value!r} is no account: write it in full, like Expenses:Differences"
            )
        return value


def _forms(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _difference(value: object) -> object:
    if isinstance(value, dict):
        lacking = [n for n in Within.model_fields if n not in value]
        if lacking:
            raise ValueError(
                f"a difference needs limit, account and owner; {' and '.join(lacking)} is not given"
            )
    elif value not in (None, "exact") and not isinstance(value, Within):
        raise ValueError(f'{value!r} is neither "exact" nor {{ limit, account, owner }}')
    return value


Forms = Annotated[tuple[Form, ...], BeforeValidator(_forms)]


class Pass(Part):
    """One way to find the partner's row of an item that no pass before has met."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    leg: str = ""
    on: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    normalise: dict[str, Forms] = Field(default_factory=dict)
    amount: Annotated[Literal["exact"] | Within | None, BeforeValidator(_difference)] = None
    minutes: int | None = Field(default=None, ge=0)
    cardinality: Cardinality = "one-to-one"
    bound: int | None = Field(default=None, gt=0)
    suggest: bool = False

    @property
    def known(self) -> bool:
        """Whether the pass is one of the two that are known by name alone."""
        return self.name in KNOWN

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The columns that must be equal: (ours, theirs); ``amount`` is not among them."""
        both = (tuple(c.strip() for c in one.split("=")) for one in self.on)
        named = ((c[0], c[-1]) for c in both)
        return tuple(p for p in named if p != ("amount", "amount"))

    @property
    def exact(self) -> bool:
        """Whether amounts must be equal; of sums they must, unless a limit is given."""
        if isinstance(self.amount, Within):
            return False
        return self.amount == "exact" or "amount" in self.on or self.cardinality != "one-to-one"

    @property
    def within(self) -> Within | None:
        """The difference that is taken."""
        return self.amount if isinstance(self.amount, Within) else None

    def problems(self, legs: tuple[str, ...]) -> list[str]:
        """Say what does not fit a counterparty with these legs, the first being what is meant without ``leg``."""
        if self.known:
            return []
        if not legs:
            return ["a bank's lines have rules, and no passes; leave [versions.match] out"]
        leg = self.leg or legs[0]
        if leg not in legs:
            return [f"leg: {leg!r} is none of {', '.join(legs)}{suggestion(leg, legs)}"]
        known = COLUMNS[leg]
        found = [
            f"on: {leg} has no column {column!r}{suggestion(column, known)}; it has {', '.join(known)}"
            for pair in self.pairs
            for column in dict.fromkeys(pair)
            if column not in known
        ]
        if leg != "sale-supply":
            found += [
                f"{name}: rows of {leg} have none; leave it out"
                for name in ("products", "categories")
                if getattr(self, name)
            ]
        return found

    @model_validator(mode="after")
    def _sound(self) -> Pass:
        if not self.known and self.model_fields_set == {"name"}:
            raise ValueError(
                f"{self.name!r} is no pass that is known by its name ({', '.join(KNOWN)})"
                f"{suggestion(self.name, KNOWN)}; declare what it compares: [[versions.match.passes]]"
            )
        if self.name in TAKEN:
            raise ValueError(f"{self.name!r} is the name of a rule of the program; take another")
        faults = [*self._bad_columns(), *self._bad_forms(), *self._bad_amounts()]
        if faults:
            raise ValueError(f"pass {self.name!r}: {'; '.join(faults)}")
        return self

    def _bad_columns(self) -> list[str]:
        given = self.model_fields_set - {"name"}
        if self.known:
            what = "exact and known by its name: give another name to a pass of your own"
            return [what] if given else []
        faults = [f"on: {one!r} has more than one '='" for one in self.on if one.count("=") > 1]
        mixed = [p for p in self.pairs if "amount" in p]
        faults += [f"on: amount is compared with amount, not {a} = {b}" for a, b in mixed]
        if len(set(self.on)) < len(self.on):
            faults.append("on: a column stands twice")
        if not self.pairs and self.amount is None and "amount" not in self.on:
            faults.append('compares nothing: give on = ["…"], or an amount')
        return faults

    def _bad_forms(self) -> list[str]:
        named = {c for pair in self.pairs for c in pair}
        faults = [
            f"normalise: {c!r} is not compared{suggestion(c, sorted(named))}"
            for c in self.normalise
            if c not in named
        ]
        faults += [
            f"normalise: {c} is stored as a keyed hash; give its format [fields.{c}] normalise, "
            "so that its form is one before it is hashed"
            for c in self.normalise
            if c in HASHED
        ]
        return faults

    def _bad_amounts(self) -> list[str]:
        faults = []
        if self.within and "amount" in self.on:
            faults.append("amount: equal (on) and within a limit at once")
        if self.within and self.cardinality == "subset":
            faults.append("amount: a subset adds up exactly; it takes no limit")
        if self.within and self.suggest:
            faults.append("amount: what is only suggested absorbs nothing; leave the limit out")
        return faults


def _named(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    return [{"name": one} if isinstance(one, str) else one for one in value]


class Match(Part):
    """The passes of matching, in order; between two files of one partner the first one names an item."""

    passes: Annotated[tuple[Pass, ...], BeforeValidator(_named)] = (
        Pass(name="ref"),
        Pass(name="partner_ref"),
    )

    @model_validator(mode="after")
    def _each_once(self) -> Match:
        names = [p.name for p in self.passes]
        again = sorted({n for n in names if names.count(n) > 1})
        if again:
            raise ValueError(f"pass {again[0]!r} stands twice")
        own = [n for n, p in enumerate(self.passes) if not p.known]
        after = [p.name for p in self.passes[own[0] :] if p.name == "ref"] if own else []
        if after:
            raise ValueError("exact first: 'ref' stands before the passes that are declared")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the passes that are known by name alone, in order."""
        return tuple(p.name for p in self.passes if p.known)


__all__ = ["COLUMNS", "FORMS", "KNOWN", "LEGS_OF", "Match", "Pass", "Within"]
