"""Open breaks by class and age: how many, and how much of each sign."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from finops_ledger.core.money import ZERO, plain
from finops_ledger.reports.report import Column, Report, Row, total

#: The last day of each bucket, and how it is called; beyond the last one is :data:`OLDEST`.
BUCKETS: Final = ((1, "0-1"), (3, "2-3"), (7, "4-7"), (30, "8-30"), (90, "31-90"))
OLDEST: Final = ">90"

COLUMNS = (
    Column("class", "Class"),
    Column("bucket", "Days"),
    Column("count", "Items", "count"),
    Column("debits", "Debits", "money"),
    Column("credits", "Credits", "money"),
    Column("exposure", "At risk", "money"),
    Column("overdue", "Overdue", "count", optional=True),
)


def bucket(age: int) -> str:
    """Return the bucket of an age in days.

    >>> [bucket(n) for n in (0, 1, 2, 7, 8, 90, 91)]
    ['0-1', '0-1', '2-3', '4-7', '8-30', '31-90', '>90']
    """
    return next((name for last, name in BUCKETS if age <= last), OLDEST)


def aged(items: Sequence[Row]) -> list[Row]:
    """Count items and add up their residues by class and bucket, debits and credits apart.

    Classes stand in the order in which ``items`` first has them (worst first), buckets from young to old. What is
    claimed counts with its claim. Amounts are text.
    """
    order = [name for _, name in BUCKETS] + [OLDEST]
    classes = list(dict.fromkeys(i["class"] for i in items))
    groups: dict[tuple[int, int], list[Row]] = {}
    for item in items:
        place = (classes.index(item["class"]), order.index(bucket(item["age"])))
        groups.setdefault(place, []).append(item)
    made = []
    for (class_, age), found in sorted(groups.items()):
        amounts = [Decimal(i["residue"]) + Decimal(i["claimed"]) for i in found]
        made.append(
            {
                "class": classes[class_],
                "bucket": order[age],
                "count": len(found),
                "debits": plain(sum((a for a in amounts if a > ZERO), ZERO)),
                "credits": plain(sum((-a for a in amounts if a < ZERO), ZERO)),
                "exposure": plain(sum((Decimal(i["exposure"]) for i in found), ZERO)),
                "overdue": sum(i["overdue"] for i in found),
            }
        )
    return made


def report(rows: Sequence[Row]) -> Report:
    """Lay out what :func:`aged` gives, with its sums."""
    sums = total(rows, "count", "debits", "credits", "exposure", "overdue")
    return Report("ageing", COLUMNS, rows, sums)
