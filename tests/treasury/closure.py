"""Books whose files have the usage of the worked example, up to the evening before the closure of March 2026."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from finops_ledger.books import Books
from tests.treasury.funded import HOURLY, MILLION
from tests.worked import workspace as w

FIRST, LAST = date(2026, 1, 20), date(2026, 3, 16)
#: By how much a weekday is off, more in one week and less in the next: with the holidays of 16 and 17 February left
#: out, the deviations of 54 days make a sigma of 40 million.
OFF = {2: 14 * MILLION, 3: 12 * MILLION, 4: 6 * MILLION}
ON_HAND = 165_900_000
OPENING = 1_000_000

FUNDING = """
[versions.funding]
rails = ["RTGS", "BI-FAST"]
bank = "BCA"
z = "1.65"
prefer = "transfers"
approvers = { days = "business", opens = "08:00", closes = "16:30" }
crediting = { days = "business", opens = "09:00", closes = "20:00", lead = "1h" }

[[versions.funding.events]]
name = "Lebaran"
from = 2026-03-17
to = 2026-03-31
uplift = "1.4"
"""


def used(until: datetime) -> Iterator[tuple[datetime, int]]:
    """What the partner draws, hour by hour of its days (from 23:00), at half past; the last hour by half."""
    day = FIRST
    while day <= date(2026, 3, 17):
        week = (day - FIRST).days // 7
        off = OFF.get(day.weekday(), 0) * (1 if week % 2 else -1)
        start = datetime(day.year, day.month, day.day) - timedelta(hours=1)  # noqa: DTZ001 - as files say it
        for moment in (start + timedelta(hours=n, minutes=30) for n in range(24)):
            if moment > until:
                return
            amount = HOURLY[moment.hour] + (off if 10 <= moment.hour < 15 else 0)
            yield moment, amount // 2 if moment == until else amount
        day += timedelta(days=1)


def rows(statement: w.Statement, part: list[tuple[datetime, int]]) -> None:
    for moment, amount in part:
        own = f"A{moment:%m%d%H}"
        statement.row(f"{moment:%d/%m/%Y %H:%M:%S}", own, f"O{own}", debit=amount)


def books(root: Path, more: str = FUNDING, *, credit: int | None = None, later: int = 0) -> Books:
    """The books as they stand on Tuesday 17 March at 16:30, with 165.9 million on hand.

    ``later``: what the partner credits at five, in the same file.
    """
    made = w.make(root, bank=True, more=more)
    path = root / "finops.toml"
    days = "day = { name = 'AggA_mutasi_(\\d{8})' }"
    text = path.read_text()
    assert days in text
    path.write_text(text.replace(days, days.replace(" }", ', covers = "rows" }')))
    taken = list(used(datetime(2026, 3, 17, 16, 30)))  # noqa: DTZ001
    evening = datetime(2026, 3, 16, 23)  # noqa: DTZ001
    past, today = ([t for t in taken if (t[0] < evening) is before] for before in (True, False))
    total = sum(amount for _, amount in taken)
    history = w.Statement(LAST, OPENING)
    credit = total + ON_HAND - OPENING if credit is None else credit
    history.row("19/01/2026 23:00:00", "T1", "", code="TOPUP", credit=credit)
    rows(history, past)
    history.drop(root)
    today_s(root, today, history.balance, later)
    work(made)
    return made


def today_s(root: Path, part: list[tuple[datetime, int]], opening: int, later: int = 0) -> None:
    """The file of the 17th as it is downloaded at some hour."""
    now = w.Statement(date(2026, 3, 17), opening)
    rows(now, part)
    if later:
        now.row("17/03/2026 17:00:00", "T2", "", code="TOPUP", credit=later)
    now.drop(root)


def work(made: Books) -> None:
    report = made.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    made.reconcile()


def sends(made: Books, day: date, *amounts: int) -> None:
    """The bank's statements up to a day, which shows what we sent; nothing moves on the days since the last one."""
    last = (
        max(b.day for b in [*made.space.state.of_source("bca")])
        if made.space.state.of_source("bca")
        else day
    )
    while (last := last + timedelta(days=1)) < day:
        w.bank(made.root, last, 50_000_000_000, [])
    w.bank(made.root, day, 50_000_000_000, [("TRSF E-BANKING DB TOPUP AGGA", -a) for a in amounts])
    work(made)
