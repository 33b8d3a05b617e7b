"""Two items that a pass has suggested as one, accepted by people: they close against each other.

The amount is the smaller of the two; what the greater one has beyond it stays open under its id and class, for a row or
another decision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from finops_ledger.books import resolving_items
from finops_ledger.books.resolving_entry import taken
from finops_ledger.books.resolving_items import Standing
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.entries import Posting

if TYPE_CHECKING:
    from finops_ledger.books.resolving import Request

_NAMED: Final = re.compile(r"(?:^|; )(x-[0-9a-f]{16}) ")


def suggested(one: Standing) -> list[str]:
    """Return the ids of the items that passes have suggested for one."""
    return list(dict.fromkeys(_NAMED.findall(one.row["suggestion"] or "")))


def choose(space: Workspace, asked: Request) -> list[Standing]:
    """Return the two items of a suggestion: the one that is named and the only one suggested for it, or the two named.

    UsageError when nothing is suggested, when several are and none is named, or when the two do not cancel out.
    """
    if asked.class_ or asked.counterparty or asked.older_than:
        raise UsageError("--as accept: a suggestion is accepted one by one; name the item")
    if asked.amount is not None:
        raise UsageError("--as accept takes no --amount: the smaller of the two is what closes")
    if not 1 <= len(set(asked.ids)) <= 2:
        raise UsageError("--as accept: name the item, or both items of the suggestion")
    open_ = {one.id: one for one in resolving_items.standing(space, everything=True)}
    pair = [resolving_items.named(space, open_.values(), text) for text in dict.fromkeys(asked.ids)]
    if len(pair) == 1:
        pair.append(_only(pair[0], open_))
    left, right = pair
    if right.id not in suggested(left) and left.id not in suggested(right):
        told = "; ".join(f"{one.id}: {', '.join(suggested(one)) or 'none'}" for one in pair)
        raise UsageError(
            f"--as accept: nothing has suggested that {left.id} and {right.id} are one (suggested for {told})"
        )
    if (left.residue > ZERO) == (right.residue > ZERO) or ZERO in (left.residue, right.residue):
        raise UsageError(
            f"{left.id} is {plain(left.residue)} and {right.id} {plain(right.residue)}: they do not cancel out"
        )
    return pair


def _only(one: Standing, open_: dict[str, Standing]) -> Standing:
    found = [item for item in suggested(one) if item in open_]
    if not found:
        raise UsageError(
            f"{one.id}: nothing is suggested for it; finops explain {one.id} tells what passes have compared"
        )
    if len(found) > 1:
        listed = ", ".join(f"{item} ({open_[item].ref})" for item in found)
        raise UsageError(
            f"{one.id}: several are suggested, and which it is only you can say: {listed}; "
            f"name both: finops resolve {one.id} {found[0]} --as accept"
        )
    return open_[found[0]]


def postings(pair: Sequence[Standing]) -> list[Posting]:
    """Return what closes two items against each other, up to the smaller of the two."""
    size = min(abs(one.residue) for one in pair)
    made = []
    for one in pair:
        amount: Decimal = size.copy_sign(one.residue)
        meta = [("break", one.id), *taken(one.account, amount, one.residue)]
        made.append(Posting(one.account, -amount, tuple(meta)))
    return made
