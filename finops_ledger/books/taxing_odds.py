"""Rates of VAT and of withheld tax that an SOP states by itself, and that are not those of the table of taxes.

A stated rate counts as it stands: a contract may be in another country, or the table behind the law. It is told, so
that a rate which was right until the law changed does not go on in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from finops_ledger.books.workspace import Workspace
from finops_ledger.core import taxes
from finops_ledger.core.money import plain
from finops_ledger.sop import levies
from finops_ledger.sop.model import Version

#: The currency of the table's law.
_CURRENCY = "IDR"


def odds(space: Workspace, as_of: date | None = None) -> list[dict[str, Any]]:
    """Return rates of SOPs that are at odds with the table, on the first day on which they are.

    Nothing in books of another currency than rupiah: the table is Indonesian law.
    """
    last = as_of or space.expected.as_of
    if last is None or space.registry.currency != _CURRENCY:
        return []
    found = []
    for sop in space.registry.sops.values():
        for number, version in enumerate(sop.versions):
            later = sop.versions[number + 1 :]
            for key, levy, codes, base in _stated(version):
                told = _first_odd(levy, codes, base, version.effective, last, later)
                if told is not None:
                    found.append(
                        {
                            "counterparty": sop.counterparty,
                            "change_id": version.change_id,
                            "key": key,
                            "stated": plain(levy) if base == "1" else f"{plain(levy)} of {base}",
                            "table": taxes.percent(told[1].effective),
                            "tax": codes[0],
                            "day": told[0].isoformat(),
                        }
                    )
    return sorted(found, key=lambda row: (row["counterparty"], row["day"], row["key"]))


def _stated(version: Version) -> Iterator[tuple[str, Decimal, Sequence[str], str]]:
    """Yield every rate of a version that the table could say: its key, the rate, the codes, its base."""
    for category, one in version.commission.items():
        if isinstance(one.vat, Decimal):
            yield f"commission.{category}.vat", one.vat, levies.VAT, one.base
        if isinstance(one.withheld, Decimal):
            yield f"commission.{category}.withheld", one.withheld, levies.WITHHELD, "1"
    rule = version.settlement
    if rule is None:
        return
    if rule.fee is not None and isinstance(rule.fee.vat, Decimal):
        yield "settlement.fee.vat", rule.fee.vat, levies.VAT, "1"
    if isinstance(rule.withheld, Decimal):
        yield "settlement.withheld", rule.withheld, levies.WITHHELD, "1"


def _first_odd(
    levy: Decimal,
    codes: Sequence[str],
    base: str,
    first: date,
    last: date,
    later: Sequence[Version],
) -> tuple[date, levies.Rate] | None:
    end = min(last, later[0].effective) if later else last
    days = [first, *(t.valid_from for t in taxes.of_code(codes[0]) if first < t.valid_from <= end)]
    for day in days:
        found = levies.at_odds(levy, codes, day, base)
        if found is not None and day <= end:
            return day, found
    return None
