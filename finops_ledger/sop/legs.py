"""A leg, declared: two selections of rows that must agree, by key and by what they measure (DESIGN §8).

The legs that ship with the package are declarations of the same model (``recon/legs.toml``); a company adds its own
under ``[[legs]]`` in finops.toml, or for one counterparty under ``[[versions.legs]]`` in an SOP.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from finops_ledger.core.kinds import ROW_KINDS, STATUSES
from finops_ledger.core.schema import MONEY_FIELDS
from finops_ledger.intake.conditions import suggestion
from finops_ledger.sop.parts import Exact, Part, Span

Role = Literal["sale", "supply", "deposit", "settlement", "bank", "report"]
#: ``day``: the day on which a row posts, as text, for what the other side states a day.
KeyColumn = Literal[
    "ref", "partner_ref", "payment_ref", "orig_ref", "settlement_ref", "serial", "customer", "key", "day"
]  # fmt: skip
#: What rows can be compared by: an amount that they state, or how many there are.
MEASURES: Final = (*MONEY_FIELDS, "rows")


def _listed(value: object) -> object:
    return (value,) if isinstance(value, dict | str) else value


class Rows(Part):
    """One selection of rows.

    ``sources``: only theirs (else all of the role). ``party``: the column that must name the leg's counterparty.
    ``key``: the columns that name an item, the first that is filled. ``measure``: what is compared, with a minus
    in front when its sign is the other way round.
    """

    role: Role
    sources: tuple[str, ...] = ()
    party: Literal["partner", "gateway", "none"] | None = None
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    key: Annotated[tuple[KeyColumn, ...], BeforeValidator(_listed)] = Field(
        default=("ref",), min_length=1
    )
    measure: str = ""

    @field_validator("kinds", "statuses")
    @classmethod
    def _known(cls, value: tuple[str, ...], info: object) -> tuple[str, ...]:
        known = ROW_KINDS if getattr(info, "field_name", "") == "kinds" else STATUSES
        for name in value:
            if name not in known:
                raise ValueError(f"unknown {name!r}{suggestion(name, known)}")
        return value

    @field_validator("measure")
    @classmethod
    def _measured(cls, value: str) -> str:
        if value and value.removeprefix("-") not in MEASURES:
            near = suggestion(value.removeprefix("-"), MEASURES)
            raise ValueError(f"rows have no amount {value!r}{near}; known: {', '.join(MEASURES)}")
        return value


class Moves(Part):
    """A selection of what rows move on an account, for the legs that ship with the package.

    ``by``: the column that names the counterparty. ``day``: which day of the row it moves on. ``lines``: kinds of
    bank lines. ``measure``: a column of the line table, or ``part:<column>``, what a version changes of one.
    ``occurrence``: a word, or ``by-kind``: payments by their key alone, others beside it.
    """

    role: Role
    by: Literal["partner", "gateway", "who", "source", "none"]
    day: Literal["day_post", "day_paid", "day_state", "day_refund"] = "day_post"
    kinds: tuple[str, ...] = ()
    not_kinds: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    moving: Literal["", "stated", "transactions"] = ""
    key: tuple[str, ...]
    measure: str
    occurrence: str = ""


Selection = Rows | Moves


class Classes(Part):
    """The class of a row of the left side alone, of the right side alone, and of two that differ.

    ``more``/``less``: where the difference, left less right, is positive or negative; else ``differs``.
    """

    left_only: str
    right_only: str = ""
    differs: str = ""
    more: str = ""
    less: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """Every class that is named."""
        told = (self.left_only, self.right_only, self.differs, self.more, self.less)
        return tuple(dict.fromkeys(c for c in told if c))


class OwnClass(Part):
    """A class of a company's own: how soon it is looked at (1 first), and who answers for it."""

    priority: int = Field(default=2, ge=1, le=3)
    owner: str = ""


class Within(Part):
    """A difference that is let pass: its limit for each item, and who answers for it."""

    limit: Exact = Field(default=Decimal(0), ge=0)
    owner: str = ""


class LegRule(Part):
    """A leg of a company's own.

    ``pairs``: one row against one (a further row of a key is an item of its own), or the sums of both sides.
    Without ``account`` it posts nothing: what it finds has an exposure and no residue.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    counterparty: str = ""
    left: Rows
    right: Rows
    pairs: Literal["one-to-one", "sum"] = "one-to-one"
    account: str = ""
    grace: Span = Field(default="0h", validate_default=True)
    tolerance: Within = Within()
    classes: Classes
    own: dict[str, OwnClass] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> LegRule:
        if not (self.classes.right_only and (self.classes.differs or self.classes.more)):
            raise ValueError("classes must name left_only, right_only and differs")
        if bool(self.classes.more) != bool(self.classes.less):
            raise ValueError("classes: more and less are named together, or neither")
        for side, rows in (("left", self.left), ("right", self.right)):
            if not (rows.measure or self.account):
                raise ValueError(f'{side}: say what is compared: measure = "amount", for one')
            if rows.measure and self.account:
                raise ValueError(
                    f"{side}: what moves {self.account} is compared; leave out measure"
                )
        if self.account and self.tolerance.limit:
            raise ValueError(
                f"tolerance: what is let pass of {self.account} would stay on it; leave it out"
            )
        if self.left == self.right:
            raise ValueError("both sides are the same rows")
        return self


def named_once(legs: tuple[LegRule, ...]) -> tuple[LegRule, ...]:
    """Return the legs; ValueError when two bear one name."""
    names = [leg.name for leg in legs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two legs are called {name!r}")
    return legs
