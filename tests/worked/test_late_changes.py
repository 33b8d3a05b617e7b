"""What turns out days later: a status that changes back, a reversal in an overlapping file."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.worked.story import Story, equal

CUT = 49_800
DAY = date(2026, 4, 5)


def apr(day: int) -> date:
    return date(2026, 4, day)


def test_a_status_that_changes_back(tmp_path: Path) -> None:
    """Success, failed two days later, success again two days after that: earned once, on three days told apart."""
    story = Story(tmp_path / "books", apr(1))
    paid = "2026-04-01 10:00:00"
    story.sold(apr(1), "G1")
    story.row(apr(1), "A-G1", "G1", debit=CUT)
    story.sold(apr(3), "G1", "FAILED", paid=paid)
    story.sold(apr(5), "G1", "SUCCESS", paid=paid)
    story.run(apr(4))
    equal({b["class"]: b["residue"] for b in story.books.breaks()}["late_success"], "49800")
    story.run(apr(5))
    equal(story.books.breaks(), [])
    earned = [story.balance("Income:Net:Pulsa", apr(day)) for day in range(1, 6)]
    equal(earned, [-1200, -1200, 0, 0, -1200])
    story.proven()
    equal(story.books.verify(), [])


def test_a_reversal_days_later_in_a_file_that_overlaps(tmp_path: Path) -> None:
    """The partner's file of the 4th states the rows of the 1st again, one of them failed and given back."""
    story = Story(tmp_path / "books", apr(1))
    for ref in ("G1", "G2"):
        story.sold(apr(1), ref)
        story.row(apr(1), f"A-{ref}", ref, debit=CUT)
    began = {"at": "01/04/2026 10:00:05"}
    story.row(apr(4), "A-G1", "G1", debit=CUT, moved=0, **began)
    story.row(apr(4), "A-G2", "G2", "GAGAL", moved=CUT, **began)
    story.run(apr(4))
    line = next(x for x in story.books.space.state.lines if x.get("day") == "2026-04-04"
                and x.get("source") == "agga")  # fmt: skip
    equal({k: line["rows"][k] for k in ("new", "revised")}, {"new": 0, "revised": 1})
    equal(story.balance("Assets:Deposits:AggA", apr(3)), 10_000_000 - 2 * CUT)
    equal(story.balance("Assets:Deposits:AggA", apr(4)), 10_000_000 - CUT)
    equal({b["class"]: b["residue"] for b in story.books.breaks()}, {"late_reversal": "-49800"})
    story.proven()
    equal(story.books.verify(), [])


@pytest.mark.parametrize("status", ["PENDING", "SUCCESS"])
def test_an_order_paid_before_our_first_file(tmp_path: Path, status: str) -> None:
    """It stands on Undelivered from the day on which it was paid, and on the list of what is."""
    story = Story(tmp_path / "books", DAY)
    paid = f"{DAY - timedelta(days=2)} 10:00:00"
    story.sold(DAY, "G1", status, paid=paid)
    if status == "SUCCESS":
        story.row(DAY, "A-G1", "G1", debit=49_800)
    story.run(DAY)
    undelivered = "Liabilities:Customer-Orders:Undelivered"
    equal(story.balance(undelivered, DAY - timedelta(days=2)), -51_000)
    equal(story.balance(undelivered, DAY), 0 if status == "SUCCESS" else -51_000)
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_the_file_of_the_later_day_has_the_later_word(tmp_path: Path) -> None:
    """Failed at ten to midnight, refunded after it: both files say when it failed, the second that it is refunded."""
    story = Story(tmp_path / "books", date(2026, 4, 1), gateway="PG1")
    days = [date(2026, 4, n) for n in range(1, 8)]
    for day, after in pairwise(days):
        failed = {"at": f"{day} 23:50:33", "paid": f"{day} 23:50:23"}
        story.sold(day, f"M{day.day}", "FAILED", **failed)
        story.sold(after, f"M{day.day}", "FAILED", refunded=f"{after} 00:03:43", **failed)
    story.run(days[-1])
    payable = "Liabilities:Customer-Orders:Refund-Payable"
    equal([story.balance(payable, day) for day in days], [*[-51_000] * 6, 0])
    equal([str(f) for f in story.books.verify()], [])


def test_what_was_settled_and_comes_up_again_is_opened_anew(tmp_path: Path) -> None:
    """Delivered on the 2nd; refunded, or given back, on the 9th: a break of the 9th, and not a week old at once."""
    first, late = date(2026, 3, 2), date(2026, 3, 9)
    more = '[versions.deadlines]\ndefault = "24h"\n'
    story = Story(tmp_path / "books", first, more=more)
    for ref in ("O1", "O2"):
        story.sold(first, ref)
        story.row(first, f"A-{ref}", ref, debit=49_800)
    story.sold(
        late,
        "O1",
        "FAILED",
        paid=f"{first} 10:00:00",
        at=f"{late} 09:00:00",
        refunded=f"{late} 09:00:00",
    )
    story.restored(late, "A-3", "O2", 49_800, orig="A-O2")
    story.run(late)
    found = {b["ref"]: b for b in story.books.breaks()}
    equal({r: b["class"] for r, b in found.items()}, {"O1": "late_success", "O2": "late_reversal"})
    for one in found.values():
        equal((one["opened"], one["age"], one["overdue"]), ("2026-03-09", 0, False))
        equal(one["due"], "2026-03-10")
    story.run(date(2026, 3, 11))
    equal(
        {(b["opened"], b["age"], b["overdue"]) for b in story.books.breaks()},
        {("2026-03-09", 2, True)},
    )
    story.proven()


def test_what_has_waited_is_not_overdue_as_it_breaks(tmp_path: Path) -> None:
    """Sold on the 2nd and waited for until the 4th: a deadline of a day is kept on the 5th, and missed on the 6th."""
    more = '[versions.deadlines]\ndefault = "24h"\n'
    story = Story(tmp_path / "books", date(2026, 3, 2), more=more, grace="48h")
    story.sold(date(2026, 3, 2), "O1")
    seen = {}
    for day in (4, 5, 6):
        story.run(date(2026, 3, day))
        [one] = story.books.breaks()
        seen[day] = (one["opened"], one["since"], one["due"], one["overdue"], one["age"])
    told = ("2026-03-02", "2026-03-04", "2026-03-05")
    equal(seen, {4: (*told, False, 2), 5: (*told, False, 3), 6: (*told, True, 4)})
