"""Stories of the clock: midnight, cut-offs, windows, zones, ids that come again, holidays."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.stories.telling import CUT, DEPOSIT, TIMING, change, moved, opened, verdict, waiting
from tests.worked.story import Story, equal

UNDELIVERED = "Liabilities:Customer-Orders:Undelivered"


def apr(day: int) -> date:
    return date(2026, 4, day)


def mar(day: int) -> date:
    return date(2026, 3, day)


def test_story_1_pending_at_2359_is_settled_at_0003(tmp_path: Path) -> None:
    """The order waits over our midnight; both midnights (theirs is 23:00) are told apart, nothing breaks."""
    story = Story(tmp_path / "books", apr(1))
    paid = "2026-04-01 23:59:00"
    story.sold(apr(1), "N1", "PENDING", at=paid)
    story.sold(apr(2), "N1", at="2026-04-02 00:03:00", paid=paid)
    began = {"at": "01/04/2026 23:59:05", "debit": CUT}
    story.row(apr(2), "A-1", "N1", **began)
    story.run(apr(1))
    equal(waiting(story), [("pending", "sale-supply", "N1"), ("pending", "undelivered", "N1")])
    equal((verdict(story, apr(1)), opened(story)), ("pending", []))
    equal(story.balance(UNDELIVERED, apr(1)), Decimal(-51_000))
    equal(story.balance(DEPOSIT, apr(1)), Decimal(10_000_000))
    story.run(apr(2))
    equal((verdict(story, apr(2)), opened(story), waiting(story)), ("reconciled", [], []))
    equal(story.balance(UNDELIVERED, apr(2)), Decimal(0))
    equal(story.balance(DEPOSIT, apr(2)), Decimal(10_000_000 - CUT))
    story.proven()


def test_story_2_a_window_from_noon_to_noon(tmp_path: Path) -> None:
    """What is sold after noon is in the biller's next day: it waits, with the day named, and is no break."""
    story = Story(tmp_path / "books", apr(1))
    change(story.root / "sops" / "AggA.toml", 'opens = "23:00"', 'opens = "12:00"')
    story.sold(apr(1), "AM", at="2026-04-01 11:59:58")
    story.sold(apr(1), "PM", at="2026-04-01 12:00:00")
    story.row(apr(1), "A-1", "AM", debit=CUT, at="01/04/2026 11:59:59")
    story.row(apr(2), "A-2", "PM", debit=CUT, at="01/04/2026 12:00:01")
    story.run(apr(1))
    equal((verdict(story, apr(1)), opened(story)), ("reconciled", []))
    equal(waiting(story), [("timing", "sale-supply", "PM")])
    [item] = story.books.breaks(everything=True)
    equal((item["breaks_on"], item["residue"]), ("2026-04-02", str(-CUT)))
    equal(story.balance(TIMING, apr(1)), Decimal(-CUT))
    story.run(apr(2))
    equal((verdict(story, apr(2)), opened(story), waiting(story)), ("reconciled", [], []))
    equal(story.balance(TIMING, apr(2)), Decimal(0))
    story.proven()


def test_story_2_what_the_next_window_does_not_bring_is_missing(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    change(story.root / "sops" / "AggA.toml", 'opens = "23:00"', 'opens = "12:00"')
    story.sold(apr(1), "PM", at="2026-04-01 12:00:00")
    story.run(apr(2))
    equal(opened(story), [("missing_at_partner", "PM", -CUT)])
    equal((verdict(story, apr(1)), verdict(story, apr(2))), ("reconciled", "breaks"))


def test_story_2_a_window_from_noon_reaches_into_our_next_day(tmp_path: Path) -> None:
    """What they deliver before noon is theirs of the day before, and ours of the day itself: it waits for that."""
    story = Story(tmp_path / "books", apr(1))
    noon = ('opens = "23:00", named_by = "end"', 'opens = "12:00", named_by = "start"')
    change(story.root / "sops" / "AggA.toml", *noon)
    story.row(apr(1), "A-1", "AM", debit=CUT, at="02/04/2026 08:00:00")
    story.row(apr(1), "A-2", "PM", debit=CUT, at="01/04/2026 20:00:00")
    story.sold(apr(2), "AM", at="2026-04-02 07:59:58")
    story.run(apr(1))
    equal((verdict(story, apr(1)), opened(story)), ("breaks", [("missing_at_platform", "PM", CUT)]))
    [item] = [i for i in story.books.breaks(everything=True) if i["ref"] == "AM"]
    equal((item["class"], item["breaks_on"], item["residue"]), ("timing", "2026-04-02", str(CUT)))
    story.run(apr(2))
    equal(opened(story), [("missing_at_platform", "PM", CUT)])
    equal(story.balance(TIMING, apr(2)), Decimal(0))
    story.proven()


def test_story_2_what_our_next_day_does_not_bring_is_missing_at_the_platform(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path / "books", apr(1))
    noon = ('opens = "23:00", named_by = "end"', 'opens = "12:00", named_by = "start"')
    change(story.root / "sops" / "AggA.toml", *noon)
    story.row(apr(1), "A-1", "AM", debit=CUT, at="02/04/2026 08:00:00")
    story.run(apr(2))
    equal(opened(story), [("missing_at_platform", "AM", CUT)])
    equal((verdict(story, apr(1)), verdict(story, apr(2))), ("reconciled", "breaks"))


ZONED = """
name = "own"
version = 1
role = "supply"
key = ["partner_ref"]

[file]
delimiter = ","
header = ["time", "id", "ref", "status", "price"]

[times]
format = "%Y-%m-%dT%H:%M:%S%z"

[fields]
occurred_at = "time"
partner_ref = "id"
ref = "ref"

[fields.amount]
column = "price"
negate = true
zero_when_status = ["failed"]

[status]
column = "status"
map = { Sukses = "success", Gagal = "failed" }
"""


def test_story_13_utc_0_one_day_and_utc_8_the_next(tmp_path: Path) -> None:
    """The zone stands in each time: the same instant is on the same partner day however it is written."""
    story = Story(tmp_path / "books", apr(1), own_format=ZONED)
    story.sold(apr(1), "Z1", at="2026-04-01 22:59:58")
    story.sold(apr(2), "Z2", at="2026-04-02 22:59:58")
    for day, line in (
        (apr(1), f"2026-04-01T15:59:59+00:00,A-1,Z1,Sukses,{CUT}"),
        (apr(2), f"2026-04-02T23:59:59+08:00,A-2,Z2,Sukses,{CUT}"),
    ):
        story.drop(day)
        path = story.root / "inbox" / f"AggA_mutasi_{day:%Y%m%d}.csv"
        path.write_text(f"time,id,ref,status,price\n{line}\n")
        story.next = date(2026, 4, day.day + 1)
        story.work()
        equal((verdict(story, day), opened(story), waiting(story)), ("reconciled", [], []))
        equal(moved(story, day, "supply")[DEPOSIT], Decimal(-CUT))
        equal(story.balance(TIMING, day), Decimal(0))


def test_story_13_a_time_without_its_zone_is_refused(tmp_path: Path) -> None:
    """Where a file has no zone, none is guessed: the format says one, or the file is refused with its line."""
    story = Story(tmp_path / "books", apr(1), own_format=ZONED)
    story.drop(apr(1))
    path = story.root / "inbox" / f"AggA_mutasi_{apr(1):%Y%m%d}.csv"
    path.write_text(f"time,id,ref,status,price\n2026-04-01T15:59:59,A-1,Z1,Sukses,{CUT}\n")
    report = story.books.import_files()
    [refused] = [f for f in report.files if f.verdict == "refused"]
    assert f"{path.name}:2" in str(refused.problems[0]), refused
    assert "2026-04-01T15:59:59" in str(refused.problems[0])


def test_story_17_an_id_that_comes_again_after_90_days(tmp_path: Path) -> None:
    """Another order under an old id of the partner is no version of the old row: nothing is overwritten."""
    first, again = date(2026, 1, 5), date(2026, 4, 5)
    story = Story(tmp_path / "books", first)
    story.sold(first, "OLD")
    story.row(first, "T-1", "OLD", debit=CUT)
    story.run(first)
    equal(verdict(story, first), "reconciled")
    before = moved(story, first, "supply")
    # Of the days between no file is in: they are asked for, and change nothing here.
    story.next = again
    story.sold(again, "NEW")
    story.row(again, "T-1", "NEW", debit=CUT)
    story.run(again)
    equal(moved(story, first, "supply"), before)
    equal(moved(story, again, "supply")[DEPOSIT], Decimal(-CUT))
    equal((opened(story), waiting(story)), ([], []))
    equal(verdict(story, again), "reconciled")


def test_story_18_due_before_the_holidays_paid_after_them(tmp_path: Path) -> None:
    """Nyepi and Lebaran: the money is in transit under its settlement, overdue by name and no loss."""
    story = Story(tmp_path / "books", mar(17), gateway="PG1", bank=True)
    story.sold(mar(17), "L1")
    story.row(mar(17), "A-1", "L1", debit=CUT)
    from tests.worked import workspace as w

    story.reports[mar(18)].append(w.settled("PG1-20260318", mar(18), "L1", "PAYMENT", 51_000))
    story.pays_out(mar(25), 51_000, "PG1-20260318")
    transit = "Assets:Clearing:Settlement-In-Transit:PG1"
    story.run(mar(24))
    equal(opened(story), [("settlement_overdue", "PG1-20260318", 0)])
    equal(story.balance(transit, mar(24)), Decimal(51_000))
    equal(verdict(story, mar(24), "PG1"), "breaks")
    story.run(mar(25))
    equal((opened(story), waiting(story)), ([], []))
    equal(story.balance(transit, mar(25)), Decimal(0))
    equal(verdict(story, mar(25), "PG1"), "reconciled")
    story.proven()
