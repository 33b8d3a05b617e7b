"""A re-charge releases the claim on the customer that it names (ruling 28); one that names none is told."""

from __future__ import annotations

from decimal import Decimal

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.ids import item_id
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.sale import RECHARGE
from finops_ledger.recon import decisions
from finops_ledger.recon.job import Job, Outcome
from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.subledger import engine as en


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
