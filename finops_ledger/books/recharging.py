"""What customers owe by decisions, and the re-charges that release it (ruling 28); one that names none is told.

The list is carried from day to day in the reconciliations' lines (``owed``: by item the number of postings that opened
it less those that closed it, and the amount); the account is proven by it, like every other claim (ruling 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.ids import item_id
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.sale import RECHARGE
from finops_ledger.recon import decisions
from finops_ledger.recon.entries import Register
from finops_ledger.recon.job import Job, Outcome
from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Line

#: By item: how many postings have opened it and not closed it, and what is owed.
Owed = dict[str, tuple[int, Decimal]]
_NONE: Final = (0, ZERO)


def check(space: Workspace, one: Job, outcome: Outcome) -> None:
    """Name re-charges of the day for which no decision lets a customer owe so much: the day is then incomplete.

    The line tables of the day must stand. Formats that know no re-charge cost nothing.
    """
    if one.leg.name != SALE_SUPPLY or not _possible(space):
        return
    rows = space.engine.rows(
        "select coalesce(orig_ref, '') as order_, min(batch || ':' || record) as place, "
        "sum(amount) as paid from sale_lines "
        f"where model = {en.literal(RECHARGE)} and state = 'success' and disposition <> 'known' "
        f"and partner = {en.literal(one.counterparty)} and day_state = date '{one.day}' "
        "group by 1 order by 1"
    )
    if not rows:
        return
    owed: dict[str, Decimal] = {}
    for decided in decisions.read(space.decision_files())[0]:
        if decided.day <= one.day:
            owed[decided.item] = owed.get(decided.item, ZERO) + decided.owed
    for row in rows:
        stands = owed.get(item_id(SALE_SUPPLY, one.counterparty, row["order_"]), ZERO)
        if row["paid"] > stands:
            outcome.conflicts.append(
                f"{row['place']}: a re-charge of {plain(row['paid'])} for {row['order_'] or 'no order'}, whose "
                f"customer owes {plain(stands)}; decide it with finops resolve --as recharge"
            )
            outcome.withheld.add(decisions.CUSTOMERS)


def _possible(space: Workspace) -> bool:
    for source in space.config.sources:
        if source.role == "sale":
            kind = space.format(source.format).fields.get("kind")
            if kind is not None and any(rule.is_ == RECHARGE for rule in kind.rules):
                return True
    return False


def owed(
    space: Workspace,
    one: Job,
    outcome: Outcome,
    decided: Sequence[decisions.Decided],
    before: Line | None,
) -> Owed:
    """Return what customers owe at the end of the day for items of a leg and counterparty.

    ``before``: the last reconciliation of an earlier day. The line tables of the day must stand.
    """
    found: Owed = {i: (int(n), Decimal(a)) for i, (n, a) in (before or {}).get("owed", {}).items()}
    moved: dict[str, tuple[Decimal, bool]] = {}
    for made in decided:
        if made.owed and (made.item in outcome.owed or made.item in found):
            amount, part = moved.get(made.item, (ZERO, False))
            moved[made.item] = amount + made.owed, part or made.part
    for item, (amount, part) in moved.items():
        count, stands = found.get(item, _NONE)
        closes = stands != ZERO and (stands > ZERO) != (amount > ZERO)
        step = 0 if part or not amount else -1 if closes else 1
        found[item] = count + step, stands + amount
    if one.leg.name == SALE_SUPPLY and _possible(space):
        for order, rows, paid in _charged(space, one):
            item = item_id(SALE_SUPPLY, one.counterparty, order)
            count, stands = found.get(item, _NONE)
            found[item] = count - rows, stands - paid
    return {i: held for i, held in sorted(found.items()) if held != _NONE}


def _charged(space: Workspace, one: Job) -> list[tuple[str, int, Decimal]]:
    """What the day's re-charges pay, by order: rows that pay less rows that are taken back, and the amount."""
    own, was = (f"{n}model = {en.literal(RECHARGE)} and {n}cash <> 0" for n in ("", "prev_"))
    rows = space.engine.rows(
        "select coalesce(orig_ref, '') as order_, "
        f"sum(case when {own} then 1 else 0 end - case when {was} then 1 else 0 end) as n, "
        f"sum(case when {own} then cash else 0 end - case when {was} then prev_cash else 0 end) as paid "
        f"from sale_lines where ({own} or coalesce({was}, false)) and disposition <> 'known' "
        f"and partner = {en.literal(one.counterparty)} and day_state = date '{one.day}' "
        "group by 1 order by 1"
    )
    return [(r["order_"], int(r["n"]), Decimal(r["paid"])) for r in rows]


def line_of(held: Owed) -> dict[str, dict[str, list[object]]]:
    """Return the list as it stands in the manifest; nothing where nobody owes anything."""
    return {"owed": {i: [n, plain(a)] for i, (n, a) in held.items()}} if held else {}


def registers(line: Line) -> dict[str, Register]:
    """Return the register of what customers owe, as a reconciliation's line lists it."""
    held = [(i, int(n), Decimal(a)) for i, (n, a) in sorted(line.get("owed", {}).items())]
    if not held:
        return {}
    text = "\n".join(f"{item} {amount:.4f}" for item, _, amount in held)
    return {
        decisions.CUSTOMERS: Register(
            sum(n for _, n, _ in held),
            sum((a for _, _, a in held if a > ZERO), ZERO),
            sum((-a for _, _, a in held if a < ZERO), ZERO),
            f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
        )
    }
