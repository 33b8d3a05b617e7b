"""Subsets: which units of one side add up to one unit of the other, tried within a bound.

Only what is unmistakable is taken: a sum that is the only one for its unit, of units that no other sum needs. What
is tried is bounded; a group of which not everything could be tried decides nothing, and the run says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: More units of one value than this are not tried at all.
CANDIDATES: Final = 200
#: How many groups' bounds one pass may use up in a run.
GROUPS: Final = 20


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A unit of either side: what it has left, in the smallest unit of money; left and right have opposite signs."""

    name: str
    amount: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One sum: the units of both sides, one of which is alone."""

    left: frozenset[str]
    right: frozenset[str]

    @property
    def members(self) -> frozenset[tuple[str, str]]:
        """Every unit with its side."""
        return frozenset({("l", n) for n in self.left} | {("r", n) for n in self.right})


class BoundHit(Exception):
    """Not everything could be tried."""


class _Budget:
    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self) -> None:
        if not self.left:
            raise BoundHit
        self.left -= 1


def search(
    left: Sequence[Candidate], right: Sequence[Candidate], bound: int
) -> tuple[list[Found], list[Found], int]:
    """Return the sums that are unmistakable, those between which a person decides, and the steps taken.

    Raises BoundHit when more than ``bound`` steps would be needed: nothing is known then.
    """
    budget = _Budget(bound)
    sums: set[Found] = set()
    for one in sorted(left):
        for some in _sums(-one.amount, right, budget):
            sums.add(Found(frozenset({one.name}), some))
    for one in sorted(right):
        for some in _sums(-one.amount, left, budget):
            sums.add(Found(some, frozenset({one.name})))
    fresh = {("l", c.name) for c in left if c.fresh} | {("r", c.name) for c in right if c.fresh}
    uses: dict[tuple[str, str], int] = {}
    for found in sums:
        for member in found.members:
            uses[member] = uses.get(member, 0) + 1
    alone = [f for f in sums if all(uses[m] == 1 for m in f.members)]
    new = [f for f in sums if f.members & fresh]
    order = sorted(new, key=lambda f: (sorted(f.left), sorted(f.right)))
    taken = [f for f in order if f in set(alone)]
    return taken, [f for f in order if f not in set(alone)], bound - budget.left


def _sums(
    target: int, candidates: Sequence[Candidate], budget: _Budget
) -> Iterator[frozenset[str]]:
    """Yield every set of candidates that adds up to ``target``: largest first, all of the target's sign."""
    sign = 1 if target > 0 else -1
    usable = sorted(
        ((c.amount * sign, c.name) for c in candidates if 0 < c.amount * sign <= target * sign),
        key=lambda c: (-c[0], c[1]),
    )
    rest = [0] * (len(usable) + 1)  # what all from here on come to
    for n in range(len(usable) - 1, -1, -1):
        rest[n] = rest[n + 1] + usable[n][0]
    # (place, still needed, chosen): depth first, without recursion
    stack: list[tuple[int, int, tuple[str, ...]]] = [(0, target * sign, ())]
    while stack:
        budget.spend()
        at, need, chosen = stack.pop()
        if need == 0:
            yield frozenset(chosen)
            continue
        if at == len(usable) or rest[at] < need:
            continue
        amount, name = usable[at]
        stack.append((at + 1, need, chosen))
        if amount <= need:
            stack.append((at + 1, need - amount, (*chosen, name)))


def search_all(
    groups: Mapping[str, tuple[Sequence[Candidate], Sequence[Candidate]]], bound: int
) -> tuple[dict[str, list[Found]], dict[str, list[Found]], list[str]]:
    """Search every group, in the order of its value; return taken, doubtful and the values left alone.

    All groups together may take ``GROUPS`` times the bound of one, so that a day on which everything is left over
    ends as well.
    """
    taken: dict[str, list[Found]] = {}
    doubtful: dict[str, list[Found]] = {}
    hit: list[str] = []
    left_over = GROUPS * bound
    for value in sorted(groups):
        left, right = groups[value]
        if not left_over or len(left) + len(right) > CANDIDATES:
            hit.append(value)
            continue
        allowed = min(bound, left_over)
        try:
            taken[value], doubtful[value], steps = search(left, right, allowed)
        except BoundHit:
            hit.append(value)
            steps = allowed
        left_over -= steps
    return taken, doubtful, hit
