"""A postpaid biller whose settlements follow a schedule; and the list of settlements told shortly."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tests.worked.postpaid import Postpaid

UNBILLED = "Liabilities:Payable:AggB:Unbilled"
INVOICED = "Liabilities:Payable:AggB:Invoiced"
GRANTED = "Assets:Receivable:Commission:AggB"
TRANSIT = "Assets:Clearing:Settlement-In-Transit:AggB"
WITHHELD = "Assets:Tax:PPh23-Prepaid"


def may(day: int) -> date:
    return date(2026, 5, day)


def biller(root: Path, settlement: str = "", **more: Any) -> Postpaid:
    """A biller; ``settlement``: what its SOP says under [versions.settlement]."""
    story = Postpaid(root, may(11), **more)
    if settlement:
        sop = story.root / "sops" / "AggB.toml"
        sop.write_text(sop.read_text() + f"\n[versions.settlement]\n{settlement}\n")
    return story


def bill(story: Postpaid, day: date, *refs: str, **more: Any) -> None:
    """Bills of 350,000 + 2,500 that both files have."""
    for ref in refs:
        story.paid(day, ref)
        story.billed(day, ref, **more)


def lists(story: Postpaid, day: date, code: str, gross: int, granted: int, withheld: int) -> None:
    """Our payment list of a settlement, out of what was invoiced."""
    story.pays(
        day,
        f"AggB-{code}",
        (INVOICED, gross, ""),
        (GRANTED, -granted, ""),
        (WITHHELD, withheld, ""),
        (TRANSIT, -(gross - granted + withheld), ""),
    )


def short(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Return some figures of each settlement."""
    return [tuple(r[n] for n in names) for r in rows]
