"""Files that do not come as they should: never, cut short, too late, with rows that cannot be read (leg files)."""

from __future__ import annotations

from typing import Final

from finops_ledger.simulator.players import EVERYBODY, LAPSE, PULSA
from finops_ledger.simulator.stage import Stage

FILES: Final = "files"
_NAME: Final = LAPSE.name


def every_day(s: Stage) -> None:
    """Something is sold and delivered on each day, whether the file of it comes or not."""
    for d in range(s.world.days):
        o = s.order(_NAME, PULSA, d)
        s.supply(_NAME, d, o.ref, debit=PULSA.cost, code=PULSA.code)


def file_missing(s: Stage, d: int) -> None:
    """The partner's file of a day never comes."""
    s.absent.add((_NAME, d))
    s.true(FILES, _NAME, _ref(s, d), "file_missing", 0, d)


def file_short(s: Stage, d: int) -> None:
    """It comes without its end, is refused, and never comes whole."""
    s.short.add((_NAME, d))
    s.true(FILES, _NAME, _ref(s, d), "file_short", 0, d)


def file_late(s: Stage, d: int) -> None:
    """It comes three hours after it is due; the one of the day after comes in time."""
    s.late.add((_NAME, d))
    s.true(FILES, _NAME, _ref(s, d), "file_late", 0, d, d + 1)


def file_defect(s: Stage, d: int) -> None:
    """A line of our own sales cannot be read; nothing else says what it was."""
    s.defects.add(("shop", d))
    s.sales[d].append(f"SHOP-X{s.number('unread'):05},not a time,{_NAME}")
    s.true(FILES, EVERYBODY, f"shop {s.world.date(d)}", "file_defect", 0, d)


def _ref(s: Stage, d: int) -> str:
    return f"{_NAME.lower()} {s.world.date(d)}"
