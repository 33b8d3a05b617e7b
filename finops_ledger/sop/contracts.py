"""A gateway's contracts: fee and VAT by the day of a payment, cut where a version or the table of taxes changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from finops_ledger.sop import levies
from finops_ledger.sop.levies import Rate
from finops_ledger.sop.model import Sop
from finops_ledger.sop.terms import Fee

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Contract:
    """What holds for payments of some days, the last one included. ``fee`` is None where nothing was agreed."""

    first: date
    last: date
    fee: Fee | None
    vat: Rate
    rule: str = ""


def of(sop: Sop) -> Iterator[Contract]:
    """Yield the contracts of a gateway by day; the first version holds for what was before it, too."""
    for number, version in enumerate(sop.versions):
        fee = version.settlement.fee if version.settlement is not None else None
        later = sop.versions[number + 1 :]
        first = version.effective if number else date.min
        last = later[0].effective - _DAY if later else date.max
        rule = sop.rule_id(version.effective)
        if fee is None:
            yield Contract(first, last, None, Rate(), rule)
            continue
        for start, end, vat in levies.stretches(fee.vat, first, last):
            yield Contract(start, end, fee, vat, rule)


def in_force(sop: Sop) -> tuple[Contract, ...]:
    """Return the contracts that there are; one that goes on unchanged under a later version, once."""
    found: list[Contract] = []
    for one in of(sop):
        if one.fee is None:
            continue
        last = found[-1] if found else None
        if (
            last is not None
            and last.last + _DAY == one.first
            and (last.fee, last.vat) == (one.fee, one.vat)
        ):
            found[-1] = Contract(last.first, one.last, one.fee, one.vat)
        else:
            found.append(Contract(one.first, one.last, one.fee, one.vat))
    return tuple(found)
