"""A pass as a run knows it: what it compares, on which leg, within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

#: How many pairs of one value are compared one by one, and how many sums are tried for one group of rows,
#: where the SOP does not say.
PAIRS: Final = 1_000
SUMS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One pass after the exact key.

    ``pairs``: (our column, their column, forms that both are brought into). ``exact``: the amounts are equal;
    ``limit``: they may differ so far, and ``account`` takes the difference; neither: they may differ.
    ``cardinality`` as the SOP says. ``suggest``: what is found is never taken.
    """

    name: str
    leg: str
    pairs: tuple[tuple[str, str, tuple[str, ...]], ...]
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    exact: bool = False
    limit: Decimal | None = None
    account: str = ""
    minutes: int | None = None
    cardinality: str = "one-to-one"
    bound: int = PAIRS
    suggest: bool = False

    @property
    def by_amount(self) -> bool:
        """Whether amounts are compared."""
        return self.exact or self.limit is not None


def known(name: str, leg: str) -> Rule:
    """Return the pass of a reference that is known by its name."""
    return Rule(name, leg, ((name, name, ()),))
