"""Price lists: the expected cost of a product at a moment (ruling 39).

A list is a CSV file ``product,category,face,cost,from,to``, perhaps with a column ``partner_product``: the partner's
code, where it is not ours. ``cost`` is a number or a rule on the face value (``face - 1332``, ``face``), and either
may end with ``- commission``: less what the SOP says that the partner grants, with its VAT. ``from`` and ``to`` are
local times, empty = open.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from finops_ledger.core import money
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError

HEADER = ["product", "category", "face", "cost", "from", "to"]
#: A further column that a list may have, wherever: what the partner calls our product.
THEIRS = "partner_product"
_RULE = re.compile(r"face(?:\s*([+-])\s*(\d+(?:\.\d+)?))?")
_NET = re.compile(r"(.*\S)\s*-\s*commission")
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Price:
    """The cost of one product over one stretch of time (UTC, end exclusive)."""

    product: str
    category: str
    face: Decimal | None
    cost: Decimal | None
    delta: Decimal | None
    start: datetime
    end: datetime
    net: bool = False  #: less the commission of the SOP, with its VAT
    partner_product: str = ""  #: what the partner calls the product; empty: as we do

    @property
    def theirs(self) -> str:
        """The code under which the product stands in the partner's files."""
        return self.partner_product or self.product


def load(path: Path, zone_name: str) -> list[Price]:
    """Read a price list; raise UsageError with file and line for anything that is not clear."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such price list") from error
    reader = csv.reader(text.splitlines())
    header = next(reader, [])
    place = header.index(THEIRS) if THEIRS in header else None
    if [h for n, h in enumerate(header) if n != place] != HEADER:
        raise UsageError(
            f"{path}:1: header is {','.join(header)}; expected {','.join(HEADER)}, and perhaps {THEIRS}"
        )
    prices = [
        _price(path, number, cells, zone_name, place)
        for number, cells in enumerate(reader, start=2)
        if cells
    ]
    for problem in _overlaps(prices):
        raise UsageError(f"{path}: {problem}")
    return prices


def _price(path: Path, number: int, cells: list[str], zone_name: str, theirs: int | None) -> Price:
    place = f"{path}:{number}"
    expected = len(HEADER) + (theirs is not None)
    if len(cells) != expected:
        raise UsageError(f"{place}: {len(cells)} cells; expected {expected}")
    partner_product = cells.pop(theirs).strip() if theirs is not None else ""
    product, category, face, cost, start, end = (c.strip() for c in cells)
    if not product or not category:
        raise UsageError(f"{place}: product and category must be given")
    less = _NET.fullmatch(cost)
    rule = _RULE.fullmatch(less.group(1) if less else cost)
    try:
        fixed = None if rule else money.parse(less.group(1) if less else cost)
        delta = Decimal((rule.group(1) or "") + (rule.group(2) or "0")) if rule else None
        return Price(
            product=product,
            category=category,
            face=money.parse(face) if face else None,
            cost=fixed,
            delta=delta,
            start=_moment(start, zone_name) if start else FIRST,
            end=_moment(end, zone_name) if end else LAST,
            net=bool(less),
            partner_product=partner_product,
        )
    except ValueError as error:
        raise UsageError(f"{place}: {error}") from error


def _moment(text: str, zone_name: str) -> datetime:
    pattern = "%Y-%m-%d %H:%M:%S" if " " in text else "%Y-%m-%d"
    local = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is put on in the next line
    return local.replace(tzinfo=zone(zone_name)).astimezone(UTC)


def _overlaps(prices: list[Price]) -> Iterator[str]:
    ordered = sorted(prices, key=lambda p: (p.product, p.start))
    for one, two in pairwise(ordered):
        if one.product == two.product and two.start < one.end:
            yield (
                f"product {one.product} has two costs from {two.start.isoformat()}; "
                "close the earlier one with 'to'"
            )
