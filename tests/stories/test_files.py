"""Stories of files: cut, doubled, empty, missing; numbers and ids as they are written."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.stories.telling import CUT, DEPOSIT, change, opened, verdict, waiting
from tests.worked import workspace as w
from tests.worked.story import Story, equal, snapshot

ROWS = 200_000


def apr(day: int) -> date:
    return date(2026, 4, day)


def test_story_10_cut_at_row_200_000_and_the_rest_comes_late(tmp_path: Path) -> None:
    """The partner's system cuts its report at 200,000 rows; until ``_2`` is in, nothing is called missing."""
    story = Story(tmp_path / "books", apr(1), deposit=20 * ROWS)
    change(
        story.root / "finops.toml",
        'counterparty = "AggA"',
        "counterparty = \"AggA\"\nparts = { name = '_(?P<part>\\d)\\.csv', count = 2 }",
    )
    prices = story.root / "prices" / "AggA.csv"
    prices.write_text("product,category,face,cost,from,to\nP1,Pulsa,,10,,\n")
    count, day = ROWS + 100, apr(1)
    at = f"{day} 10:00:00"
    lines = [w.order(f"C{n}", at, "SUCCESS", at, price=12, product="P1") for n in range(count)]
    w.orders(story.root, day, lines)
    first, second = w.Statement(day, 20 * ROWS), w.Statement(day, 10 * ROWS)
    for n in range(count):
        report = first if n < ROWS else second
        report.row("01/04/2026 10:00:05", f"A{n}", f"C{n}", debit=10, code="P1")
    name = f"AggA_mutasi_{day:%Y%m%d}"
    inbox = story.root / "inbox"
    for number, report in enumerate((first, second), 1):
        report.drop(story.root)
        (inbox / f"{name}.csv").rename(inbox / f"{name}_{number}.csv")
    late = tmp_path / "late.csv"
    shutil.move(inbox / f"{name}_2.csv", late)
    story.work()
    equal(verdict(story, day), "incomplete")
    equal((opened(story), waiting(story)), ([], []))
    [told] = [d for d in story.books.status()["days"] if d["counterparty"] == "AggA"]
    assert "file_missing agga part 2 of 2" in told["reasons"]
    shutil.move(late, inbox / f"{name}_2.csv")
    story.work()
    equal((verdict(story, day), opened(story), waiting(story)), ("reconciled", [], []))
    equal(story.balance(DEPOSIT, day), Decimal(20 * ROWS - 10 * count))


def test_story_10_a_file_shorter_than_its_own_total_is_refused(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1))
    story.sold(apr(1), "C1")
    for number in range(3):
        story.row(apr(1), f"A-{number}", f"C{number}", debit=CUT)
    story.drop(apr(1))
    path = story.root / "inbox" / f"AggA_mutasi_{apr(1):%Y%m%d}.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:-2], lines[-1]]))
    report = story.books.import_files()
    [refused] = [f for f in report.files if f.verdict == "refused"]
    assert refused.name == path.name
    story.books.reconcile()
    equal((verdict(story, apr(1)), opened(story)), ("incomplete", []))
    equal(story.balance(DEPOSIT, apr(1)), Decimal(10_000_000))


def test_story_11_the_same_file_under_two_names(tmp_path: Path) -> None:
    """The second name is known by its bytes: no row, no rupiah, no line in the journal."""
    story = Story(tmp_path / "books", apr(1))
    story.sold(apr(1), "S1")
    story.row(apr(1), "A-1", "S1", debit=CUT)
    story.run(apr(1))
    before = snapshot(story.root)
    again = story.root / "inbox" / f"AggA_mutasi_{apr(1):%Y%m%d} (1).csv"
    shutil.copy2(story.kept / f"AggA_mutasi_{apr(1):%Y%m%d}.csv", again)
    report = story.books.import_files()
    equal([f.verdict for f in report.files], ["known"])
    story.books.reconcile()
    equal(snapshot(story.root), before)
    equal(verdict(story, apr(1)), "reconciled")


def test_story_12_an_empty_file_is_evidence_and_a_missing_one_an_incident(tmp_path: Path) -> None:
    quiet = Story(tmp_path / "quiet", apr(1))
    quiet.sold(apr(1), "Q1")
    quiet.run(apr(1))
    equal((verdict(quiet, apr(1)), opened(quiet)), ("breaks", [("missing_at_partner", "Q1", -CUT)]))
    proof = [e.account for e in quiet.directives("balance")]
    equal(proof, ["Assets:Clearing:Supply:AggA", "Assets:Deposits:AggA"])
    missing = Story(tmp_path / "missing", apr(1))
    missing.sold(apr(1), "Q1")
    missing.missing.add(apr(1))
    missing.run(apr(1))
    equal(verdict(missing, apr(1)), "incomplete")
    assert not any(b["class"] == "missing_at_partner" for b in missing.books.breaks())
    equal(missing.directives("balance"), [])
    events = [e for e in missing.directives("event") if e.type == "finops:AggA"]
    assert "file_missing agga" in events[0].description
    # When it comes, the day stands as if it had come in time.
    missing.bring(apr(1))
    equal(verdict(missing, apr(1)), "breaks")
    day = Path("journal/2026/2026-04-01.beancount")
    equal((missing.root / day).read_bytes(), (quiet.root / day).read_bytes())


def test_story_14_one_thousand_with_a_dot(tmp_path: Path) -> None:
    """``1.000`` is a thousand where the format says that the dot parts thousands; elsewhere it is refused."""
    story = Story(tmp_path / "books", apr(1))
    (story.root / "prices" / "AggA.csv").write_text(
        "product,category,face,cost,from,to\nP1,Pulsa,1000,1000,,\n"
    )
    story.sold(apr(1), "D1", product="P1", price=1_500)
    story.row(apr(1), "A-1", "D1", debit=1_000, code="P1")
    story.run(apr(1))
    assert ";1.000;" in (story.kept / "AggA_mutasi_20260401.csv").read_text()
    equal((verdict(story, apr(1)), opened(story)), ("reconciled", []))
    equal(story.balance(DEPOSIT, apr(1)), Decimal(9_999_000))
    # Our own export has no thousands: the same text there is neither one nor a thousand.
    line = w.order("D2", f"{apr(2)} 10:00:00", "SUCCESS", f"{apr(2)} 10:00:00").replace(
        "51000", "1.000"
    )
    w.orders(story.root, apr(2), [line])
    report = story.books.import_files()
    [refused] = report.files
    equal((refused.verdict, len(refused.problems)), ("refused", 1))
    assert "orders_2026-04-02.csv:2" in str(refused.problems[0])
    assert "1.000" in str(refused.problems[0])


def test_story_15_leading_zeros_and_serials_of_twenty_digits(tmp_path: Path) -> None:
    """``00123`` is not ``123``; two serials that differ in the twentieth digit are two serials."""
    story = Story(tmp_path / "books", apr(1))
    near = ("12345678901234567891", "12345678901234567892")
    story.sold(apr(1), "00123", serial=near[0])
    story.sold(apr(1), "123", serial=near[1])
    # Two deliveries of 00123: the one with the sale's own serial is the pair.
    story.row(apr(1), "0007", "00123", debit=CUT, serial=near[1])
    story.row(apr(1), "0008", "00123", debit=CUT, serial=near[0])
    story.run(apr(1))
    equal(
        opened(story),
        [("duplicate_delivery", "00123", CUT), ("missing_at_partner", "123", -CUT)],
    )
    [second] = [b for b in story.books.breaks() if b["class"] == "duplicate_delivery"]
    told = story.books.explain(second["id"])
    assert "0007" in str(told), told
    assert "0008" not in str(told.get("right", "")), told
    equal(verdict(story, apr(1)), "breaks")
    story.proven()
