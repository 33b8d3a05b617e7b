"""What concerns a closed period posts on an open day, and says which day it is really about (orig_date)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from beancount.core import data

from finops_ledger.core.errors import UsageError
from tests.worked import workspace as w
from tests.worked.story import Story, equal, segment, sums

CUT = 49_800
DEPOSIT = "Assets:Deposits:AggA"
Moves = dict[tuple[date, str, str], Decimal]


def mar(day: int) -> date:
    return date(2026, 3, day)


def apr(day: int) -> date:
    return date(2026, 4, day)


def about(entries: list[data.Directive]) -> Moves:
    """What entries with an orig_date moved, net, by orig_date, tag and account."""
    found: Moves = {}
    for entry in entries:
        if isinstance(entry, data.Transaction) and "orig_date" in entry.meta:
            for posting in entry.postings:
                key = (entry.meta["orig_date"], min(entry.tags), posting.account)
                found[key] = found.get(key, Decimal(0)) + posting.units.number
    return {k: n for k, n in found.items() if n}


def dates(entries: list[data.Directive]) -> set[tuple[date, str, date]]:
    """Which days the entries of which days are about."""
    return {
        (e.date, min(e.tags), e.meta["orig_date"])
        for e in entries
        if isinstance(e, data.Transaction) and "orig_date" in e.meta
    }


def closed(story: Story, through: date) -> dict[str, bytes]:
    """Close, and return what is locked, byte for byte."""
    story.books.close_period(through, "controller-1")
    return locked(story, through)


def locked(story: Story, through: date) -> dict[str, bytes]:
    days = sorted((story.root / "journal").glob("*/*.beancount"))
    return {p.name: p.read_bytes() for p in days if date.fromisoformat(p.stem) <= through}


def proven(story: Story, through: date, before: dict[str, bytes]) -> None:
    """Nothing locked has changed, the books prove themselves and come out again."""
    equal(locked(story, through), before)
    equal([str(f) for f in story.books.verify()], [])
    found = story.books.rebuild(story.root.parent / "again")
    equal(found.differences, [])


@pytest.mark.samples
def test_case_11_a_corrected_row_of_a_closed_day(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", mar(20))
    story.sold(mar(20), "C11")
    story.row(mar(20), "A-11", "C11", debit=CUT)
    story.run(mar(31))
    before = closed(story, mar(31))
    corrected = {"debit": 49_500, "moved": 300, "at": "20/03/2026 10:00:05"}
    story.row(apr(23), "A-11", "C11", **corrected)
    story.run(apr(23))
    item = story.item("C11", "cost_mismatch")
    story.decide(
        apr(24), item, ("Assets:Breaks:AggA:Cost-Mismatch", 300), ("Income:Net:Pulsa", -300)
    )
    story.run(apr(24))
    reference = story.same_as(11)
    equal(about(story.load()), about(reference))
    story.balances_hold(reference)
    proven(story, mar(31), before)
    story.proven()


@pytest.mark.samples
def test_case_12_the_refused_row_of_a_closed_day_comes_after_all(tmp_path: Path) -> None:
    """(a), (b) and (c) on the 25th, closed; on the 26th the corrected file and what the partner restores."""
    story = Story(tmp_path / "books", apr(25), deposit=9_601_600, grace="24h")
    story.sold(apr(25), "G1")
    story.row(apr(25), "A-1", "", code="ADJUST", debit=75_000, text="KOREKSI")
    # The balance drops by 20,000 before a row that moves nothing and states it.
    story.row(apr(25), "A-2", "", "GAGAL", jump=-20_000)
    story.row(apr(25), "A-G1", "G1", debit=CUT)
    name = f"AggA_mutasi_{apr(25):%Y%m%d}.csv"
    story.drop(apr(25))
    story.next = apr(26)
    path = story.root / "inbox" / name
    good = path.read_text()
    path.write_text(good.replace("49.800;;", "49.8OO;;", 1))
    story.work(accept_valid=True)
    before = closed(story, apr(25))
    (story.root / "inbox" / name).write_text(good)
    story.row(apr(26), "A-3", "", code="REFUND", credit=75_000, orig="A-1")
    story.row(apr(26), "A-4", "", code="REFUND", credit=20_000)
    story.run(apr(26))
    reference = segment(12)
    equal(net(story.load(), apr(25), apr(26)), net(reference, apr(25), apr(26)))
    equal(dates(story.load()), dates(reference))
    equal(story.books.breaks(), [])
    proven(story, apr(25), before)


def net(entries: list[data.Directive], first: date, last: date) -> Moves:
    """By day, tag and account, in and out of one account set off: the reference leaves those out."""
    found: Moves = {}
    for (day, tag), moved in sums(entries, first, last).items():
        for account, number in moved.items():
            key = (day, tag, account.split(" ")[0])
            found[key] = found.get(key, Decimal(0)) + number
    return {k: n for k, n in found.items() if n}


def two_days(root: Path) -> tuple[Story, dict[str, bytes]]:
    """1 April closed with one order delivered and one pending; 2 April open."""
    story = Story(root / "books", apr(1), grace="24h", pending="240h")
    story.sold(apr(1), "R1", promo=1000)
    story.sold(apr(1), "R2", "PENDING")
    story.row(apr(1), "A-R1", "R1", debit=CUT)
    story.row(apr(1), "A-R2", "R2", "PENDING", debit=CUT)
    story.run(apr(2))
    return story, closed(story, apr(1))


def bring(story: Story, name: str, day: date, *lines: str) -> dict[str, int]:
    """A further file of our sales, under a name of its own; return what became of its rows."""
    w.orders(story.root, day, lines)
    path = (story.root / "inbox" / f"orders_{day}.csv").rename(
        story.root / "inbox" / f"orders_{day}_{name}.csv"
    )
    (report,) = story.books.import_files([path]).files
    equal(report.verdict, "imported")
    story.books.reconcile()
    return {k: n for k, n in report.rows.items() if n and k != "excluded"}


def test_a_new_row_of_a_locked_day_posts_on_the_first_open_day(tmp_path: Path) -> None:
    story, before = two_days(tmp_path)
    at = "2026-04-01 11:00:00"
    equal(bring(story, "late", apr(1), w.order("R9", at, "SUCCESS", at)), {"new": 1, "read": 1})
    equal(dates(story.load()), {(apr(2), "sale", apr(1))})
    equal(story.balance("Assets:Breaks:AggA:Missing-At-Partner", apr(2)), -CUT)
    proven(story, apr(1), before)


def test_a_refund_and_a_late_success_of_a_locked_day_keep_their_own_day(tmp_path: Path) -> None:
    """Worked-cases 9 and 4: the posting day is that of the new status, which is open; orig_date says the other."""
    story, before = two_days(tmp_path)
    paid = "2026-04-01 10:00:00"
    story.sold(apr(3), "R1", "REFUNDED", paid=paid, promo=1000, refunded="2026-04-03 11:00:00")
    story.sold(apr(3), "R2", paid=paid)
    story.row(apr(3), "A-R2", "R2", debit=CUT, moved=0, at="01/04/2026 10:00:05")
    story.run(apr(3))
    equal(dates(story.load()), {(apr(3), "sale", apr(1)), (apr(3), "supply", apr(1))})
    moved = about(story.load())
    equal(moved[apr(1), "sale", "Income:Contra:Promo"], -1000)
    equal(moved[apr(1), "supply", "Assets:Clearing:Supply-Pending:AggA"], -CUT)
    # What replaces the version of 3 April, an open day, is about no locked day.
    story.sold(apr(4), "R2", "FAILED", paid=paid)
    story.run(apr(4))
    equal({d for d in dates(story.load()) if d[0] == apr(4)}, set())
    proven(story, apr(1), before)
    story.proven()


def test_an_older_version_after_the_close_changes_nothing(tmp_path: Path) -> None:
    story, before = two_days(tmp_path)
    journal = {p.name: p.read_bytes().partition(b"\n")[2] for p in story.root.glob("journal/*/*")}
    older = w.order("R1", "2026-04-01 08:00:00", "PENDING", "2026-04-01 08:00:00", promo=1000)
    equal(bring(story, "old", apr(1), older), {"known": 1, "read": 1})
    for name, text in journal.items():
        after = next(story.root.glob(f"journal/*/{name}")).read_bytes().partition(b"\n")[2]
        if name != f"{apr(2)}.beancount":  # that one shows the document and an entry of no rows
            equal(after, text)
    proven(story, apr(1), before)


def test_while_the_day_is_open_the_same_version_is_taken_in_order(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.sold(apr(1), "R1")
    story.row(apr(1), "A-R1", "R1", debit=CUT)
    story.run(apr(1))
    older = w.order("R1", "2026-04-01 08:00:00", "PENDING", "2026-04-01 08:00:00")
    equal(bring(story, "old", apr(1), older), {"new": 1, "read": 1})
    equal(story.books.breaks(), [])
    equal(story.books.verify(), [])


def test_a_locked_statement_restated_without_any_movement(tmp_path: Path) -> None:
    """The partner issues 1 April again, 300 dearer, and gives nothing: what its rows say posts, the deposit stays."""
    story, before = two_days(tmp_path)
    statement = w.Statement(apr(1), 10_000_000)
    statement.row("01/04/2026 10:00:05", "A-R1", "R1", debit=CUT + 300)
    statement.row("01/04/2026 10:00:05", "A-R2", "R2", "PENDING", debit=CUT)
    statement.drop(story.root)
    story.work()
    equal(dates(story.load()), {(apr(2), "supply", apr(1))})
    equal(story.balance(DEPOSIT, apr(2)), 10_000_000 - 2 * CUT)
    found = {b["class"]: b["residue"] for b in story.books.breaks()}
    equal(found, {"cost_mismatch": "300", "balance_gap": "-300"})
    proven(story, apr(1), before)


def test_changed_rules_make_open_days_stale_only(tmp_path: Path) -> None:
    story, before = two_days(tmp_path)
    with (story.root / "prices" / "AggA.csv").open("a") as file:
        file.write("P100,Pulsa,100000,98000,,\n")
    story.books.reconcile()
    days = {
        x["day"]
        for x in story.books.space.state.lines
        if x["kind"] == "reconcile" and x["seq"] > story.books.space.state.closes[-1]["seq"]
    }
    equal(days, {"2026-04-02"})
    proven(story, apr(1), before)


def test_a_decision_in_a_closed_period_is_refused(tmp_path: Path) -> None:
    story, _ = two_days(tmp_path)
    story.decide(apr(1), "x-0", (DEPOSIT, 1), ("Assets:Bank:BCA", -1))
    with pytest.raises(UsageError, match=r"2026-04\.beancount:\d+: 2026-04-01 is closed"):
        story.books.reconcile()


def test_a_second_close_goes_on_from_the_first(tmp_path: Path) -> None:
    story, _ = two_days(tmp_path)
    story.run(apr(3))
    before = closed(story, apr(2))
    at = "2026-04-01 11:00:00"
    bring(story, "late", apr(1), w.order("R9", at, "SUCCESS", at))
    equal(dates(story.load()), {(apr(3), "sale", apr(1))})
    proven(story, apr(2), before)


@pytest.mark.parametrize(
    ("through", "by", "says"),
    [
        (apr(3), "c", "reach to 2026-04-02"),
        (apr(1), "c", "is closed already"),
        (apr(2), " ", "who closes"),
    ],
)
def test_what_cannot_be_closed(tmp_path: Path, through: date, by: str, says: str) -> None:
    story, _ = two_days(tmp_path)
    with pytest.raises(UsageError, match=says):
        story.books.close_period(through, by)


def test_an_incomplete_day_cannot_be_closed_and_is_named(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.sold(apr(1), "R1")
    story.row(apr(1), "A-R1", "R1", debit=CUT)
    story.missing.add(apr(2))
    story.run(apr(3))
    with pytest.raises(UsageError, match="2026-04-02 AggA: file_missing agga"):
        story.books.close_period(apr(3), "controller-1")
    equal(story.books.space.state.locked, None)


@pytest.mark.parametrize(
    ("damage", "checks"),
    [
        (lambda t: t.replace("49800 IDR", "49801 IDR"), "locked"),
        (None, "locked"),
    ],
)
def test_a_changed_or_lost_day_is_found(tmp_path: Path, damage: object, checks: str) -> None:
    story, _ = two_days(tmp_path)
    path = next(story.root.glob(f"journal/*/{apr(1)}.beancount"))
    if callable(damage):
        path.write_text(damage(path.read_text()))
    else:
        path.unlink()
    found = {f.check for f in story.books.verify()}
    assert checks in found
    story.books.recover()  # does not write it again: a locked day is never derived
    assert checks in {f.check for f in story.books.verify()}


def test_a_decision_added_to_a_closed_period_past_the_program_is_found(tmp_path: Path) -> None:
    """A hand that writes into the main file: no file of ours changes, the hash of the period does."""
    story, _ = two_days(tmp_path)
    with (story.root / "main.beancount").open("a") as file:
        file.write(
            '\n2026-04-01 * "by hand"\n  Assets:Bank:BCA  1 IDR\n  Equity:Opening-Balances  -1 IDR\n'
        )
    equal({f.check for f in story.books.verify()}, {"closes"})
    told = story.books.load().messages()
    assert len(told) == 1
    assert "[period-changed]" in told[0]
