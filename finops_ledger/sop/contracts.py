"""A gateway's contracts: fee and VAT by the day of a payment, cut where a version or the table of taxes changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from finops_ledger.sop import levies
from finops_ledger.sop.levies import Rate
from finops_ledger.sop.model import Sop
from finops_ledger.sop.terms import Fee

#: For so many days after a change of the contract, payments from before it may come in reports.
RATED: Final = timedelta(days=62)
_DAY = timedelta(days=1)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Contract:
    """What holds for payments of some days, the last one included. ``fee`` is None where nothing was agreed."""

    first: date
    last: date
    fee: Fee | None
    vat: Rate
    rule: str = ""
    #: What the gateway takes off for income tax, of gross payments or of its fee; None where nothing was agreed.
    tax: Rate | None = None
    taxed: str = ""


def of(sop: Sop) -> Iterator[Contract]:
    """Yield the contracts of a gateway by day; the first version holds for what was before it, too."""
    for number, version in enumerate(sop.versions):
        fee = version.settlement.fee if version.settlement is not None else None
        later = sop.versions[number + 1 :]
        first = version.effective if number else date.min
        last = later[0].effective - _DAY if later else date.max
        rule = sop.rule_id(version.effective)
        agreed = version.settlement.tax if version.settlement is not None else None
        for start, end, vat in levies.stretches(fee.vat if fee is not None else _ZERO, first, last):
            if agreed is None or not agreed.rate:
                yield Contract(start, end, fee, vat, rule)
                continue
            for since, until, tax in _whole(agreed.rate, start, end):
                yield Contract(since, until, fee, vat, rule, tax, agreed.of if tax else "")


def _whole(
    levy: Decimal | str, first: date, last: date
) -> Iterator[tuple[date, date, Rate | None]]:
    """Cut a stretch as :func:`.levies.stretches` does; before the tax there was none of it."""
    start = first
    for since, until, tax in levies.stretches(levy, first, last):
        if start < since:
            yield start, since - _DAY, None
        yield since, until, tax
        if until >= last:
            return
        start = until + _DAY
    yield start, last, None


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
