"""What a story asks of the books, in the words of the people who read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from beancount.core import data

from tests.worked.story import Story

CUT = 49_800  #: what AggA charges for P50
TIMING = "Assets:Clearing:Timing:AggA"
DEPOSIT = "Assets:Deposits:AggA"


def opened(story: Story) -> list[tuple[str, str, int]]:
    """The break list: class, order and residue of each."""
    found = (
        (b["class"], b["ref"], int(Decimal(b["residue"])))
        for b in story.books.breaks()
        if b["leg"] != "files"
    )
    return sorted(found)


def waiting(story: Story) -> list[tuple[str, str, str]]:
    """What waits and is no break yet: class, leg and order."""
    every = story.books.breaks(everything=True)
    return sorted(
        (b["class"], b["leg"], b["ref"]) for b in every if b["class"] in ("timing", "pending")
    )


def verdict(story: Story, day: date, who: str = "AggA") -> str:
    """The verdict of one counterparty's day."""
    [found] = [v.verdict for v in story.verdicts() if (v.day, v.counterparty) == (day, who)]
    return found


def change(path: Path, old: str, new: str) -> None:
    """Change a file of rules, as somebody with an editor does."""
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


def moved(story: Story, day: date, tag: str) -> dict[str, Decimal]:
    """What the entries of a day and tag moved, net by account."""
    found: dict[str, Decimal] = {}
    for entry in story.load():
        if isinstance(entry, data.Transaction) and entry.date == day and tag in entry.tags:
            for posting in entry.postings:
                found[posting.account] = found.get(posting.account, Decimal(0)) + (
                    posting.units.number
                )
    return {account: amount for account, amount in found.items() if amount}
