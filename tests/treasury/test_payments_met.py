"""Our payments and the bank's lines: one list in several lines, several lists in one line, without a code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.treasury.bills import TRANSIT, UNBILLED, bill, biller, may, short
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
NET = 351_192  # of one bill: 352,500 - 1,200 - 132 + 24


@pytest.fixture
def story(tmp_path: Path) -> Postpaid:
    """Two days of one bill each, on two lists of the 13th."""
    story = biller(tmp_path / "books")
    bill(story, may(11), "A1")
    bill(story, may(12), "A2")
    for day in (11, 12):
        story.pays(may(13), f"AggB-202605{day}", (UNBILLED, NET, ""), (TRANSIT, -NET, ""))
    return story


def transit(story: Postpaid) -> list[tuple[str, str, str]]:
    found = story.books.breaks(everything=True)
    return [(b["ref"], b["class"], b["residue"]) for b in found if b["leg"] == "payment-bank"]


def test_one_list_in_several_lines(story: Postpaid) -> None:
    story.lines[may(13)] += [("TRSF AGGB AggB-20260511", -n) for n in (250_000, NET - 250_000)]
    story.lines[may(13)].append(("TRSF AGGB AggB-20260512", -NET))
    story.run(may(13))
    equal(transit(story), [])
    equal(
        short(story.books.settlements(everything=True), "ref", "paid"),
        [("20260511", str(NET)), ("20260512", str(NET))],
    )
    story.proven()


def test_a_part_today_and_the_rest_tomorrow(story: Postpaid) -> None:
    story.lines[may(13)] += [
        ("TRSF AGGB AggB-20260511", -250_000),
        ("TRSF AGGB AggB-20260512", -NET),
    ]
    story.lines[may(14)].append(("TRSF AGGB AggB-20260511", -(NET - 250_000)))
    story.run(may(13))
    [part] = story.books.settlements()
    equal(
        short([part], "ref", "state", "paid", "open", "flags"),
        [("20260511", "part-paid", "250000", "101192", ["short"])],
    )
    equal(transit(story), [("20260511", "settlement_short", "-101192")])
    story.run(may(14))
    equal((transit(story), story.books.settlements()), ([], []))
    story.proven()


def test_several_lists_in_one_line(story: Postpaid) -> None:
    story.lines[may(13)].append(("TRSF AGGB AggB-20260512", -2 * NET))
    story.run(may(13))
    equal((transit(story), story.books.settlements()), ([], []))
    equal(
        short(story.books.settlements(everything=True), "ref", "paid"),
        [("20260511", str(NET)), ("20260512", str(NET))],
    )
    story.proven()


def test_a_line_without_a_code_meets_both_by_their_sum_and_neither_by_its_amount(
    story: Postpaid,
) -> None:
    story.lines[may(13)].append(("TRSF AGGB TAGIHAN", -NET))
    story.run(may(13))
    # Either of the two could be meant: nothing is decided.
    equal(len(transit(story)), 3)
    equal([s["state"] for s in story.books.settlements()], ["listed", "listed"])
    story.proven()


def test_in_one_line_without_a_code(story: Postpaid) -> None:
    story.lines[may(13)].append(("TRSF AGGB TAGIHAN", -2 * NET))
    story.run(may(13))
    equal((transit(story), story.books.settlements()), ([], []))
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.audit()[1], [])


def test_paid_before_anything_is_delivered(tmp_path: Path) -> None:
    """The list names the period by its last day; the rows that come later meet it there."""
    story = biller(tmp_path / "books", "[versions.settlement.schedule]\nlag = 1")
    story.pays(may(11), "AggB-20260512", (UNBILLED, NET, ""), (TRANSIT, -NET, ""))
    story.lines[may(11)].append(("TRSF AGGB AggB-20260512", -NET))
    story.run(may(11))
    names = ("ref", "net", "paid", "due", "flags")
    told = ("20260512", "0", str(NET), "2026-05-13", ["over", "advance"])
    equal(short(story.books.settlements(everything=True), *names), [told])
    bill(story, may(12), "A1")
    story.run(may(12))
    told = ("20260512", str(NET), str(NET), "2026-05-13", ["advance"])
    equal(short(story.books.settlements(everything=True), *names), [told])


def test_what_the_bank_has_not_said_is_not_paid(tmp_path: Path) -> None:
    """The bank's file of the day is missing; the next day's is in, and says nothing of it."""
    story = Story(tmp_path / "books", may(12), gateway="PG1", bank=True)
    story.sold(may(12), "O1", partner="")
    story.reports[may(12)] = [w.settled("PG1-20260512", may(12), "O1", "PAYMENT", 51_000)]
    story.pays_out(may(12), 51_000, "PG1-20260512")
    story.drop(may(12))
    name = "BCA_mutasi_20260512.csv"
    (story.root / "inbox" / name).unlink()
    story.drop(may(13))
    story.work()
    [one] = story.books.settlements()
    equal(short([one], "state", "paid", "open"), [("in-transit", "0", "51000")])
    shutil.copy2(story.kept / name, story.root / "inbox" / name)
    story.work()
    equal(story.books.settlements(), [])


def test_a_settlement_that_the_bank_pays_twice(story: Postpaid) -> None:
    """Paid on its day, paid again two days later, and paid back: once more is over, and back is paid once."""
    story.lines[may(13)] += [(f"TRSF AGGB AggB-202605{n}", -NET) for n in (11, 12)]
    story.lines[may(15)].append(("TRSF AGGB AggB-20260511", -NET))
    story.lines[may(20)].append(("TRSF AGGB KEMBALI AggB-20260511", NET))
    names = ("ref", "state", "paid", "open", "flags")
    story.run(may(15))
    twice, once = short(story.books.settlements(everything=True), *names)
    equal(twice, ("20260511", "paid", str(2 * NET), "0", ["over"]))
    equal(once, ("20260512", "paid", str(NET), "0", []))
    story.run(may(20))
    equal(
        short(story.books.settlements(everything=True), *names)[0],
        ("20260511", "paid", str(NET), "0", []),
    )
    equal(transit(story), [])
    story.proven()


def test_a_report_that_the_bank_pays_out_twice(tmp_path: Path) -> None:
    made = Story(tmp_path / "books", may(12), gateway="PG1", bank=True)
    made.sold(may(12), "O1")
    made.row(may(12), "A-O1", "O1", debit=49_800)
    made.reports[may(13)].append(w.settled("PG1-20260513", may(13), "O1", "PAYMENT", 51_000))
    made.pays_out(may(13), 51_000, "PG1-20260513")
    made.pays_out(may(15), 51_000, "PG1-20260513")
    made.run(may(15))
    [one] = [s for s in made.books.settlements(everything=True) if s["ref"] == "20260513"]
    equal((one["state"], one["paid"], "over" in one["flags"]), ("paid", "102000", True))


def test_what_a_report_settles_is_pending_no_more_before_its_day_is_reconciled(
    tmp_path: Path,
) -> None:
    """The report of the 13th is in and our orders of that day are not: a payment in it stands once, not twice."""
    made = Story(tmp_path / "books", may(12), gateway="PG1")
    for ref in ("O1", "O2"):
        made.sold(may(12), ref)
        made.row(may(12), f"A-{ref}", ref, debit=49_800)
    made.run(may(12))
    line = w.settled("PG1-20260513", may(13), "O1", "PAYMENT", 51_000)
    w.gateway_report(made.root, may(13), [line])
    made.work()
    found = made.books.settlements(everything=True, direction="receive")
    equal(
        sorted(short(found, "ref", "state", "gross")),
        [("20260513", "in-transit", "51000"), ("pending-20260512", "pending", "51000")],
    )
