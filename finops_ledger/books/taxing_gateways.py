"""Income tax between gateways and us, by month: what they took off their payouts, and what we withhold of their fee.

What they took is ours against a slip. What we withhold is owed to the tax office, whether the gateway left it to us or
took its fee whole and gives it back against our slip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import settling_terms as terms
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core import taxes
from finops_ledger.core.money import ZERO
from finops_ledger.sop import levies
from finops_ledger.sop.levies import Rate
from finops_ledger.sop.terms import Settlement, Taken

#: How the table calls what we withhold and owe.
OWED: Final = "pph23-payable"
#: Code, month, gateway; base, what it comes to (None: nothing was agreed), what was taken or booked.
Line = tuple[str, str, str, Decimal, Decimal | None, Decimal]


def of_gateways(space: Workspace, loaded: Loaded) -> Iterator[Line]:
    """Yield one line a tax, month and gateway; none where no tax moved and none was agreed."""
    entries: dict[str, list[Any]] = {}
    for entry in loaded.transactions():
        for who in {entry.meta.get("partner"), entry.payee}:
            if isinstance(who, str):
                entries.setdefault(who, []).append(entry)
    for sop in space.registry.named("gateway"):
        who = sop.counterparty
        own: dict[tuple[str, str], _Sum] = {}
        for entry in entries.get(who, ()):
            rule = sop.on(entry.date).settlement
            month = entry.date.isoformat()[:7]
            account = terms.taxed_to(space, who, entry.date)
            if account != terms.PAYABLE and "settlement" in entry.tags:
                one = own.setdefault((_code(rule, account), month), _Sum())
                one.taken += _moved(entry, lambda a: a == account)  # noqa: B023 - called at once
                agreed = rule.tax if rule is not None else None
                if agreed is not None and agreed.rate:
                    one.add(agreed.rate, entry, _base(entry, agreed.of))
            if rule is not None and rule.withheld:
                one = own.setdefault((OWED, month), _Sum())
                one.taken -= _moved(entry, lambda a: a == terms.PAYABLE)
                if "settlement" in entry.tags:
                    one.add(rule.withheld, entry, _base(entry, "fee"))
        for (code, month), one in own.items():
            if one.taken or one.bases:
                base = sum(one.bases.values(), ZERO)
                due = sum((tax.of(amount) for tax, amount in one.bases.items()), ZERO)
                yield code, month, who, base, due if one.bases else None, one.taken


class _Sum:
    """What is added up for one line: bases by their tax, and what was taken."""

    def __init__(self) -> None:
        self.bases: dict[Rate, Decimal] = {}
        self.taken = ZERO

    def add(self, levy: Decimal | str, entry: Any, base: Decimal) -> None:
        """Add a base at the tax of the entry's day; on a day of which the table has none, nothing."""
        for _, _, tax in levies.stretches(levy, entry.date, entry.date):
            self.bases[tax] = self.bases.get(tax, ZERO) + base


def _code(rule: Settlement | None, account: str) -> str:
    agreed = (rule.tax if rule is not None else None) or Taken()
    if isinstance(agreed.rate, str):
        return agreed.rate
    return taxes.PPH23 if "PPh23" in account else taxes.PPH22_MARKET


def _moved(entry: Any, within: Callable[[str], bool]) -> Decimal:
    return sum((p.units.number for p in entry.postings if within(p.account)), ZERO)


def _base(entry: Any, of: str) -> Decimal:
    if of == "fee":
        return _moved(entry, lambda a: a.startswith("Expenses:Payment-Fee:"))
    paid = (
        p.units.number
        for p in entry.postings
        if p.account.startswith("Assets:Clearing:Gateway:")
        and (p.meta or {}).get("kind") == "payment"
    )
    return -sum(paid, ZERO)
