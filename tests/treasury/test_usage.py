"""Usage by the hour out of the sub-ledger: each row once, by its last version, from the files of the days asked for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from finops_ledger.books import usage
from tests.treasury.funded import wib
from tests.worked.story import Story

CUT = 49_800
DAY = timedelta(days=1)


def apr(day: int) -> date:
    return date(2026, 4, day)


def used(story: Story, first: int, last: int, until: str = "2026-04-30 00:00") -> dict[str, int]:
    """What was drawn, by local hour."""
    space = story.books.space
    files = usage.batches(space, "AggA", apr(first), apr(last))
    found = usage.hourly(space, {"AggA": files}, wib(until))["AggA"]
    return {f"{at + timedelta(hours=7):%d %H}": int(n) for at, n in sorted(found.items()) if n}


def test_top_ups_are_no_usage_and_what_is_given_back_is_taken_off(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.row(apr(1), "T-1", "", code="TOPUP", credit=1_000_000)
    story.row(apr(1), "A-1", "O1", debit=CUT)
    story.row(apr(1), "A-2", "O2", debit=CUT)
    story.row(apr(1), "A-3", "", code="REFUND", credit=CUT, orig="A-2", at="01/04/2026 12:30:00")
    story.row(apr(1), "A-4", "O4", "GAGAL")
    story.run(apr(1))
    assert used(story, 1, 1) == {"01 10": 2 * CUT, "01 12": -CUT}


def test_a_row_of_two_files_counts_once_by_its_last_version(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    at = "01/04/2026 10:00:05"
    for number in (1, 2):
        story.row(apr(1), f"A-{number}", f"O{number}", "PENDING", debit=CUT, at=at)
    story.row(apr(2), "A-1", "O1", debit=CUT, moved=0, at=at)
    story.row(apr(2), "A-2", "O2", "GAGAL", credit=0, moved=CUT, at=at)
    story.run(apr(1))
    assert used(story, 1, 1) == {"01 10": 2 * CUT}
    story.run(apr(2))
    assert used(story, 1, 2) == {"01 10": CUT}


def test_a_file_that_comes_again_counts_by_its_last_issue(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.row(apr(1), "A-1", "O1", debit=CUT)
    story.run(apr(1))
    story.deposit += CUT
    story.row(apr(1), "A-2", "O2", debit=CUT)
    story.drop(apr(1))
    (story.root / "inbox" / "orders_2026-04-01.csv").unlink()
    story.work()
    assert len(story.books.space.state.of_source("agga")) == 2
    assert used(story, 1, 1) == {"01 10": 2 * CUT}


def test_only_the_files_of_the_days_are_opened(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    for day in (1, 2, 3):
        story.row(apr(day), f"A-{day}", f"O{day}", debit=CUT)
    story.run(apr(3))
    oldest = story.books.space.state.of_source("agga")[0]
    (story.root / oldest.file).unlink()
    assert used(story, 2, 3) == {"02 10": CUT, "03 10": CUT}


def test_nothing_after_the_moment_counts(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.row(apr(1), "A-1", "O1", debit=CUT, at="01/04/2026 09:00:00")
    story.row(apr(1), "A-2", "O2", debit=CUT, at="01/04/2026 09:00:01")
    story.run(apr(1))
    assert used(story, 1, 1, "2026-04-01 09:00") == {"01 09": CUT}


def test_where_a_statement_moves_the_deposit_its_lines_count(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1), statement=True)
    story.row(apr(1), "A-1", "O1", debit=CUT)
    story.moves(apr(1), "M-1", "O1", debit=CUT)
    story.run(apr(1))
    assert used(story, 1, 1) == {"01 10": CUT}


def test_a_partner_without_files_has_no_usage(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    at = datetime(2026, 4, 1, tzinfo=wib("2026-04-01 00:00").tzinfo)
    assert usage.hourly(story.books.space, {"AggA": []}, at) == {"AggA": {}}


def test_amounts_stay_exact(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.row(apr(1), "A-1", "O1", debit=CUT)
    story.run(apr(1))
    files = usage.batches(story.books.space, "AggA", apr(1), apr(1))
    [amount] = usage.hourly(story.books.space, {"AggA": files}, wib("2026-04-02 00:00"))[
        "AggA"
    ].values()
    assert isinstance(amount, Decimal)
