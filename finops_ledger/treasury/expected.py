"""What a settlement should come to, from its rows; what the other side states; and in which component they differ.

Commission, its VAT and a fee per row are rounded row by row before they come here. What a contract takes on the
whole is rounded on the settlement: tax that is withheld (one slip a settlement), and a fee per report with its VAT
(ruling 10). Amounts are as one side counts them: all positive, in the direction in which the money goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeVar

from finops_ledger.core.money import ZERO
from finops_ledger.sop.levies import Rate

K = TypeVar("K")
#: The rate of a fee that is rounded on the settlement, its VAT, the income tax taken of it.
Reported = tuple[Decimal, Rate, Rate | None]

#: The components by which two statements are compared, in the order in which they are told.
COMPONENTS: Final = (
    "gross",
    "refunds",
    "chargebacks",
    "commission",
    "fee",
    "vat",
    "withheld",
    "claims",
    "adjustments",
)
#: By which sign a component makes up the net, by direction.
_SIGNS: Final[Mapping[str, Mapping[str, int]]] = {
    "pay": {"gross": 1, "commission": -1, "fee": -1, "vat": -1, "withheld": 1, "claims": -1},
    "receive": {
        "gross": 1,
        "refunds": -1,
        "chargebacks": -1,
        "commission": -1,
        "fee": -1,
        "vat": -1,
        "withheld": -1,
        "adjustments": 1,
    },
}


def rounded(amount: Decimal) -> Decimal:
    """Round half up, in whole rupiah, as tax is (domain rules, 2.1).

    >>> rounded(Decimal("131.5")), rounded(Decimal("-131.5"))
    (Decimal('132'), Decimal('-132'))
    """
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Amounts:
    """One side of a settlement, component by component. ``net`` is made of them unless it is stated."""

    gross: Decimal = ZERO
    refunds: Decimal = ZERO
    chargebacks: Decimal = ZERO
    commission: Decimal = ZERO
    fee: Decimal = ZERO
    vat: Decimal = ZERO
    withheld: Decimal = ZERO
    claims: Decimal = ZERO
    adjustments: Decimal = ZERO

    def net(self, direction: str, components: Iterable[str] = COMPONENTS) -> Decimal:
        """Return what is to be paid or received by these components."""
        signs = _SIGNS[direction]
        return sum((signs.get(c, 0) * getattr(self, c) for c in components), ZERO)

    def plus(self, other: Amounts) -> Amounts:
        """Return both added up."""
        return Amounts(*(getattr(self, c) + getattr(other, c) for c in COMPONENTS))


@dataclass(frozen=True, slots=True)
class Expected:
    """The rows of a settlement by the contract of each row's own day.

    ``amounts``: what is rounded row by row. ``bases``: commission by the tax that is withheld from it.
    ``granted`` and ``granted_vat``: the commission and its VAT that their rows grant, which is what we may set off.
    ``reported``: gross payments by the rate of a fee per report, its VAT, and the income tax that is taken of it.
    ``taxed``: what else a gateway takes income tax of, by the tax.
    """

    amounts: Amounts = Amounts()
    bases: Mapping[Rate, Decimal] = field(default_factory=dict)
    reported: Mapping[Reported, Decimal] = field(default_factory=dict)
    rows: int = 0
    unpriced: int = 0
    rule_ids: tuple[str, ...] = ()
    granted: Decimal = ZERO
    granted_vat: Decimal = ZERO
    taxed: Mapping[Rate, Decimal] = field(default_factory=dict)

    def plus(self, other: Expected) -> Expected:
        """Return the rows of both."""
        return Expected(
            self.amounts.plus(other.amounts),
            _added(self.bases, other.bases),
            _added(self.reported, other.reported),
            self.rows + other.rows,
            self.unpriced + other.unpriced,
            tuple(sorted({*self.rule_ids, *other.rule_ids})),
            self.granted + other.granted,
            self.granted_vat + other.granted_vat,
            _added(self.taxed, other.taxed),
        )

    def whole(self) -> Amounts:
        """Return all components: with what is rounded on the settlement as a whole."""
        bases = (*self.bases.items(), *self.taxed.items())
        withheld = sum((tax.of(base) for tax, base in bases), ZERO)
        fee, vat = ZERO, ZERO
        for (rate, by, levied), gross in self.reported.items():
            taken = rounded(gross * rate)
            fee, vat = fee + taken, vat + by.of(taken)
            withheld += levied.of(taken) if levied is not None else ZERO
        return self.amounts.plus(Amounts(fee=fee, vat=vat, withheld=withheld))


def _added(one: Mapping[K, Decimal], other: Mapping[K, Decimal]) -> dict[K, Decimal]:
    found = {k: one.get(k, ZERO) + other.get(k, ZERO) for k in (*one, *other)}
    return {k: v for k, v in found.items() if v}


@dataclass(frozen=True, slots=True)
class Statement:
    """What the other side states: an invoice, or a gateway's report.

    ``said``: the components that it speaks of at all; an invoice may state its gross alone.
    """

    amounts: Amounts
    net: Decimal
    said: frozenset[str]
    rows: int = 0

    def plus(self, other: Statement) -> Statement:
        """Return two statements of one settlement as one."""
        return Statement(
            self.amounts.plus(other.amounts),
            self.net + other.net,
            self.said | other.said,
            self.rows + other.rows,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One component in which two sides differ: what ours is, what theirs is."""

    component: str
    ours: Decimal
    theirs: Decimal

    @property
    def by(self) -> Decimal:
        """How much theirs is above ours."""
        return self.theirs - self.ours


def differences(ours: Amounts, theirs: Statement) -> tuple[Difference, ...]:
    """Return in which components a statement differs from what its rows come to; only those that it states."""
    return tuple(
        Difference(c, getattr(ours, c), getattr(theirs.amounts, c))
        for c in COMPONENTS
        if c in theirs.said and getattr(ours, c) != getattr(theirs.amounts, c)
    )
