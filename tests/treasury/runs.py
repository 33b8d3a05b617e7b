"""Settlement runs in tests: a biller that is paid by list, and books whose bank's file comes after the list."""

from __future__ import annotations

import copy
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from finops_ledger.books import Books
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid

PAYMENTS = """
[[payments.accounts]]
account = "Assets:Bank:BCA"
bank = "BCA"
number = "1234567890"
name = "PT CONTOH DIGITAL"
code = "CENAIDJA"
"""

PAY = """
[versions.settlement]
dispute_limit = "{limit}"
{more}

[versions.settlement.schedule]
lag = 1
lag_days = "calendar"
roll = "none"
{schedule}

[versions.settlement.pay]
bank = "Mandiri"
account = "0012345678901"
name = "PT AGREGATOR B"
code = "BMRIIDJA"
remark = "AGGB {{code}}"
"""


def payer(
    root: Path,
    first: date,
    *,
    limit: str = "0",
    schedule: str = "",
    more: str = "",
    payments: str = PAYMENTS,
) -> Postpaid:
    """A biller that is paid the day after, on every day of the year; our account is at BCA."""
    story = Postpaid(root, first)
    config = story.root / "finops.toml"
    told = config.read_text().replace("[company]\n", '[company]\ncalendar = "none"\n')
    config.write_text(told + payments)
    sop = story.root / "sops" / "AggB.toml"
    sop.write_text(sop.read_text() + PAY.format(limit=limit, schedule=schedule, more=more))
    return story


def before_the_bank(story: Postpaid, day: date) -> Path:
    """Run up to a day of which the bank's file is not in yet; return that file, outside of the inbox."""
    while story.next <= day:
        story.drop(story.next)
        story.next += timedelta(days=1)
    name = f"BCA_mutasi_{day:%Y%m%d}.csv"
    held = story.root.parent / name
    held.write_bytes((story.root / "inbox" / name).read_bytes())
    (story.root / "inbox" / name).unlink()
    story.work()
    return held


def the_bank(story: Postpaid, held: Path) -> None:
    """The bank's file comes."""
    (story.root / "inbox" / held.name).write_bytes(held.read_bytes())
    story.work()


def copied(story: Postpaid, root: Path) -> Postpaid:
    """A story told so far, to go on with in books of its own."""
    made = copy.copy(story)
    for name in ("sales", "bills", "invoices", "lines", "supply", "held", "missing"):
        setattr(made, name, copy.deepcopy(getattr(story, name)))
    made.root, made.kept = root, root.parent / f"{root.name}-kept"
    story.books.close()
    shutil.copytree(story.root, made.root)
    shutil.copytree(story.kept, made.kept)
    made.books = Books(root, clock=lambda: w.NOW)
    return made


def pays(story: Postpaid, **how: Any) -> Any:
    """Propose what is due and approve it; return the decision."""
    made = story.books.pay.propose("preparer-1", **how)
    assert made.written
    return story.books.pay.approve(made.run, "approver-1")


__all__ = ["PAYMENTS", "before_the_bank", "copied", "payer", "pays", "the_bank"]
