"""Files that come again or late where a partner sends transactions and a deposit statement: one moves the deposit."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.worked import workspace as w
from tests.worked.story import Story, equal
from tests.worked.test_closed_periods import about, closed, proven

CUT = 49_800
OPENING = 10_000_000
DEPOSIT = "Assets:Deposits:AggE"
USAGE = "Assets:Clearing:Usage:AggE"
SUPPLY = "Assets:Clearing:Supply:AggE"


def may(day: int) -> date:
    return date(2026, 5, day)


def told(root: Path) -> Story:
    """Two orders of the 7th, on all files but the deposit statement."""
    story = Story(root / "books", may(7), partner="AggE", statement=True)
    for ref in ("E1", "E2"):
        story.sold(may(7), ref)
        story.row(may(7), f"T-{ref}", ref, debit=CUT)
    return story


def issue(story: Story, day: date, *debits: tuple[str, int], opening: int = OPENING) -> str:
    """Import a deposit statement with these lines (order, debit), and reconcile; return what was told."""
    statement = w.DepositStatement(day, opening)
    for ref, debit in debits:
        statement.row(f"{day:%d/%m/%Y} 10:00:06", f"M-{ref}", ref, "PEMBELIAN", debit=debit)
    name = statement.drop(story.root, "AggE")
    (report,) = story.books.import_files([story.root / "inbox" / name]).files
    equal(report.verdict, "imported")
    story.books.reconcile()
    return report.message


def breaks(story: Story) -> list[tuple[str, str]]:
    return [(b["class"], b["residue"]) for b in story.books.breaks()]


def in_order(story: Story) -> None:
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(story.root.parent / "rebuilt").differences, [])


@pytest.mark.parametrize(("first", "second"), [(49_500, CUT), (CUT, 49_500)])
def test_the_later_issue_of_a_statement_stands(tmp_path: Path, first: int, second: int) -> None:
    story = told(tmp_path)
    story.missing_statements = {may(7)}
    story.run(may(7))
    issue(story, may(7), ("E1", first), ("E2", CUT))
    issue(story, may(7), ("E1", second), ("E2", CUT))
    equal(story.balance(DEPOSIT, may(7)), OPENING - second - CUT)
    equal(breaks(story), [] if second == CUT else [("unexplained_movement", "-300")])
    proofs = {e.account: e.amount.number for e in story.directives("balance")}
    equal(proofs[DEPOSIT], OPENING - second - CUT)
    [day] = story.books.deposits()
    equal((day["stated"], day["tied"]), (str(OPENING - second - CUT), True))
    in_order(story)


def test_a_line_that_a_later_issue_lacks_is_a_gap_until_the_first_is_withdrawn(
    tmp_path: Path,
) -> None:
    story = told(tmp_path)
    story.missing_statements = {may(7)}
    story.run(may(7))
    issue(story, may(7), ("E1", CUT), ("E2", CUT))
    assert "1 row of -49800" in issue(story, may(7), ("E1", CUT))
    equal(story.balance(DEPOSIT, may(7)), OPENING - CUT)
    equal(breaks(story), [("balance_gap", str(-CUT))])
    first = next(x["batch"] for x in story.books.space.state.lines if x.get("role") == "deposit")
    story.books.withdraw(first, "replaced", "controller-1")
    story.books.reconcile()
    equal(story.balance(DEPOSIT, may(7)), OPENING - CUT)
    equal(breaks(story), [("unexplained_movement", str(-CUT))])
    in_order(story)


def test_a_late_transaction_file_of_a_closed_day_meets_what_the_statement_showed(
    tmp_path: Path,
) -> None:
    """It moves no deposit: its row posts on the open day against Usage, where the open line waits for it."""
    story = told(tmp_path)
    for ref in ("E1", "E2"):
        story.moves(may(7), f"M-{ref}", ref, debit=CUT)
    story.sold(may(7), "E9")
    story.moves(may(7), "M-E9", "E9", debit=CUT)
    story.run(may(7))
    equal(
        sorted(breaks(story)), [("missing_at_partner", "-49800"), ("unexplained_movement", "49800")]
    )
    before = closed(story, may(7))
    story.row(may(7), "T-E9", "E9", debit=CUT)
    statement = w.Statement(may(7), OPENING)
    for cells, more in story.supply[may(7)]:
        statement.row(*cells, **more)
    statement.drop(story.root, "AggE")
    story.work()
    story.run(may(8))
    equal(about(story.load()), {(may(7), "supply", SUPPLY): CUT, (may(7), "supply", USAGE): -CUT})
    equal(breaks(story), [])
    equal(story.balance(USAGE, may(8)), 0)
    equal(story.balance(DEPOSIT, may(8)), OPENING - 3 * CUT)
    proven(story, may(7), before)
    story.proven()


def test_a_corrected_statement_of_a_closed_day_moves_no_deposit_again(tmp_path: Path) -> None:
    """The locked closing is the partner's word; what the correction says otherwise is a break of the open day."""
    story = told(tmp_path)
    story.missing_statements = {may(7)}
    story.run(may(7))
    issue(story, may(7), ("E1", 49_500), ("E2", CUT))
    equal(breaks(story), [("unexplained_movement", "-300")])
    before = closed(story, may(7))
    issue(story, may(7), ("E1", CUT), ("E2", CUT))
    story.stated = OPENING - 49_500 - CUT
    story.run(may(8))
    moved = about(story.load())
    equal({k[2] for k in moved}, set())
    equal(story.balance(DEPOSIT, may(8)), OPENING - 49_500 - CUT)
    equal(breaks(story), [("balance_gap", "-300")])
    proven(story, may(7), before)


def test_a_late_statement_names_a_line_that_closes_its_own_gap(tmp_path: Path) -> None:
    """The balance jumped without a line; the corrected statement of the closed day shows the line."""
    story = told(tmp_path)
    for ref in ("E1", "E2"):
        story.moves(may(7), f"M-{ref}", ref, debit=CUT, jump=-20_000 if ref == "E2" else 0)
    story.run(may(7))
    equal(breaks(story), [("balance_gap", "20000")])
    before = closed(story, may(7))
    statement = w.DepositStatement(may(7), OPENING)
    at = f"{may(7):%d/%m/%Y} 10:00:06"
    statement.row(at, "M-E1", "E1", "PEMBELIAN", debit=CUT)
    statement.row(at, "M-0", "E0", "PEMBELIAN", debit=20_000)
    statement.row(at, "M-E2", "E2", "PEMBELIAN", debit=CUT)
    statement.drop(story.root, "AggE")
    story.work()
    story.run(may(8))
    equal(story.balance(DEPOSIT, may(8)), OPENING - 2 * CUT - 20_000)
    equal(breaks(story), [("unexplained_movement", "20000")])
    proven(story, may(7), before)
