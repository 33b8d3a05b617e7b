"""A file that comes again under its own name with other bytes: the later issue corrects the earlier one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from finops_ledger.cli import cli
from tests.worked import workspace as w
from tests.worked.story import Story, equal

CUT = 49_800
DAY = date(2026, 4, 20)
OPENING = 10_000_000
DEPOSIT = "Assets:Deposits:AggA"


def issue(story: Story, rows: list[tuple[str, int]], *, spoil: str = "", **how: bool) -> str:
    """Import the partner's file of the day with these rows (order, debit); return what was told."""
    statement = w.Statement(DAY, OPENING)
    for ref, debit in rows:
        statement.row(f"{DAY:%d/%m/%Y} 10:00:05", f"A-{ref}", ref, debit=debit)
    statement.drop(story.root)
    path = story.root / "inbox" / f"AggA_mutasi_{DAY:%Y%m%d}.csv"
    if spoil:
        text = path.read_text()
        line = next(x for x in text.split("\n") if f";{spoil};" in x)
        path.write_text(text.replace(line, line.replace("49.800;;", "49.8OO;;")))
    (report,) = story.books.import_files([path], **how).files
    assert report.verdict == "imported", report.message
    story.books.reconcile()
    return report.message


def sold(root: Path, *refs: str) -> Story:
    """Books in which our sales of the day are in, and nothing of the partner."""
    story = Story(root / "books", DAY)
    w.orders(
        story.root, DAY, [w.order(r, f"{DAY} 10:00:00", "SUCCESS", f"{DAY} 10:00:00") for r in refs]
    )
    story.books.import_files()
    return story


def breaks(story: Story) -> dict[str, str]:
    return {b["class"]: b["residue"] for b in story.books.breaks()}


@pytest.mark.parametrize(("first", "second"), [(49_500, CUT), (CUT, 49_500)])
def test_the_later_issue_stands_and_the_deposit_is_its_closing(
    tmp_path: Path, first: int, second: int
) -> None:
    """Either way round: what the ids of the two batches happen to be decides nothing."""
    story = sold(tmp_path, "G1", "G2")
    issue(story, [("G1", first), ("G2", CUT)])
    issue(story, [("G1", second), ("G2", CUT)])
    equal(story.balance(DEPOSIT, DAY), OPENING - second - CUT)
    equal(breaks(story), {} if second == CUT else {"cost_mismatch": "-300"})
    line = story.books.space.state.lines[-1]
    batches = [x for x in story.books.space.state.lines if x["kind"] == "batch"]
    equal([x["issue"] for x in batches], [0, 0, 1])
    equal(batches[-1]["absent"], {"rows": 0, "control": "0"})
    equal(line["kind"], "reconcile")
    equal(story.books.verify(), [])


def test_a_row_that_is_gone_still_counts_and_the_difference_is_a_break(tmp_path: Path) -> None:
    story = sold(tmp_path, "G1", "G2")
    issue(story, [("G1", CUT), ("G2", CUT)])
    told = issue(story, [("G1", CUT)])
    assert "1 row of -49800" in told
    assert "finops withdraw" in told
    equal(story.balance(DEPOSIT, DAY), OPENING - CUT)
    equal(breaks(story), {"balance_gap": "-49800"})
    equal(story.books.verify(), [])


def test_the_command_tells_of_rows_that_are_gone(tmp_path: Path) -> None:
    story = sold(tmp_path, "G1", "G2")
    issue(story, [("G1", CUT), ("G2", CUT)])
    w.Statement(DAY, OPENING).row(f"{DAY:%d/%m/%Y} 10:00:05", "A-G1", "G1", debit=CUT).drop(
        story.root
    )
    ran = CliRunner().invoke(cli, ["--books", str(story.root), "import"], standalone_mode=False)
    assert "1 row of -49800 that the file of this name had before is not in it" in ran.output


def test_nothing_in_common_with_the_issue_before(tmp_path: Path) -> None:
    story = sold(tmp_path, "G1", "G2")
    issue(story, [("G1", CUT)])
    issue(story, [("G2", CUT)])
    equal(story.balance(DEPOSIT, DAY), OPENING - CUT)
    equal(breaks(story), {"balance_gap": "-49800"})
    equal(story.books.verify(), [])


def test_case_12_on_an_open_day_the_refused_row_now_reads(tmp_path: Path) -> None:
    """The row takes the place of the difference that stood for it; it is not posted beside it."""
    story = sold(tmp_path, "G0", "G1", "G2")
    rows = [("G0", CUT), ("G1", CUT), ("G2", CUT)]
    issue(story, rows, spoil="A-G1", accept_valid=True)
    equal(breaks(story), {"file_defect": "49800", "missing_at_partner": "-49800"})
    issue(story, rows)
    equal(breaks(story), {})
    equal(story.balance(DEPOSIT, DAY), OPENING - 3 * CUT)
    equal(story.books.verify(), [])


def test_three_issues_of_sales(tmp_path: Path) -> None:
    """Our own export, corrected twice at one status time: the last one stands."""
    story = Story(tmp_path / "books", DAY)
    at = f"{DAY} 10:00:00"
    for price in (51_000, 52_000, 50_500):
        w.orders(story.root, DAY, [w.order("G1", at, "SUCCESS", at, price=price)])
        story.books.import_files()
    issue(story, [("G1", CUT)])
    equal(story.balance("Income:Net:Pulsa", DAY), -(50_500 - CUT))
    equal(story.books.verify(), [])
