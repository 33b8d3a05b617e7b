"""Periods, cut-offs, channels, minimum, exceptions, and a rate that changes inside a period; statements that differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finops_ledger.core.errors import UsageError
from tests.treasury.bills import bill, biller, may, short
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
WEEKLY = '[versions.settlement.schedule]\ncycle = "weekly"\nweekdays = ["wed", "sun"]\nlag = 1\n'


def weekly(root: Path, more: str = "") -> Postpaid:
    """A biller who settles on Wednesdays and Sundays, on the next business day."""
    return biller(root, WEEKLY + more)


def test_rows_are_settled_by_their_period(tmp_path: Path) -> None:
    """Monday to Wednesday, due after two closed days and a weekend; Thursday to Sunday, due on Monday too."""
    story = weekly(tmp_path / "books")
    for day in (11, 12, 13, 15, 18):
        bill(story, may(day), f"A{day}")
    story.run(may(18))
    made = short(story.books.settlements(), "ref", "rows", "due", "flags")
    equal(
        made,
        [
            ("20260513", 3, "2026-05-18", ["due"]),
            ("20260517", 1, "2026-05-18", ["due"]),
            ("20260520", 1, "2026-05-21", []),
        ],
    )
    period = story.books.settlements()[0]["period"]
    equal(period, {"first": "2026-05-11", "last": "2026-05-13"})
    days = story.books.settlement_calendar(story.books.settlements())
    first = days[0]
    told = (first["day"], first["pay"], first["refs"])
    equal(told, ("2026-05-18", "1404768", ["STL-AggB-20260513", "STL-AggB-20260517"]))
    closed = [(d["day"], d["bank"]) for d in days if d["bank"] and "weekend" not in d["bank"]]
    equal(closed[0], ("2026-05-27", "closed: Eid al-Adha"))


def test_a_dated_exception_moves_one_due_date(tmp_path: Path) -> None:
    more = "[[versions.settlement.schedule.exceptions]]\n"
    more += 'period = 2026-05-13\ndue = 2026-05-22\nreason = "agreed by letter"\n'
    story = weekly(tmp_path / "books", more)
    bill(story, may(12), "A1")
    story.run(may(18))
    equal(short(story.books.settlements(), "due", "flags"), [("2026-05-22", [])])


def test_what_is_below_the_minimum_waits_for_the_next_period(tmp_path: Path) -> None:
    more = WEEKLY.replace("lag = 1", 'lag = 1\nminimum = "1000000"')
    story = biller(tmp_path / "books", more)
    bill(story, may(12), "A1")
    story.run(may(14))
    names = ("ref", "rows", "due", "state", "flags")
    equal(
        short(story.books.settlements(), *names), [("20260513", 1, None, "unbilled", ["carried"])]
    )
    bill(story, may(15), "A2", "A3")
    story.run(may(17))
    [one] = story.books.settlements()
    equal(short([one], *names), [("20260517", 3, "2026-05-18", "unbilled", ["carried"])])
    equal(one["period"], {"first": "2026-05-11", "last": "2026-05-17"})


def test_a_rate_that_changes_inside_a_period_counts_by_the_row_s_day(tmp_path: Path) -> None:
    """Monday at 1,200 and Tuesday at 1,000 a bill: 2,200; PPN 132 + 110; withheld 2 % of the one, 4 % of the other."""
    story = weekly(tmp_path / "books")
    sop = story.root / "sops" / "AggB.toml"
    head, _, version = sop.read_text().partition("[[versions]]")
    later = version.replace("2026-01-01", "2026-05-12").replace("SOP-AggB-1", "SOP-AggB-2")
    later = later.replace('"1200"', '"1000"').replace('"0.02"', '"0.04"')
    sop.write_text(f"{head}[[versions]]{version}\n[[versions]]{later}")
    bill(story, may(11), "A1")
    bill(story, may(12), "A2", commission=1_000, ppn=110)
    story.run(may(12))
    [one] = story.books.settlements()
    equal(short([one], "commission", "vat", "withheld", "net"), [("2200", "242", "64", "702622")])
    equal(one["rules"], ["AggB@2026-01-01", "AggB@2026-05-12"])


def test_rows_after_the_cut_off_belong_to_the_next_period(tmp_path: Path) -> None:
    story = biller(tmp_path / "books", '[versions.settlement.schedule]\ncutoff = "10:00"\nlag = 1')
    bill(story, may(11), "A1")  # at 10:00:05
    story.paid(may(11), "A2")
    story.billed(may(11), "A2")
    story.bills[may(11)][-1] = story.bills[may(11)][-1].replace("10:00:05", "09:59:59")
    story.run(may(11))
    equal(short(story.books.settlements(), "ref", "rows"), [("20260511", 1), ("20260512", 1)])


def test_a_reversal_is_taken_off_in_its_own_period(tmp_path: Path) -> None:
    story = biller(tmp_path / "books", "[versions.settlement.schedule]\nlag = 1")
    bill(story, may(11), "A1")
    cells = f"{may(12)} 11:00:00,B-A1,A1,PLN,350000,2500,1200,132,FAILED"
    story.paid(may(12), "A2")
    story.billed(may(12), "A2")
    story.bills[may(12)].append(cells)
    story.run(may(12))
    made = short(story.books.settlements(), "ref", "rows", "gross", "commission")
    equal(made, [("20260511", 1, "352500", "1200"), ("20260512", 0, "0", "0")])


def invoiced(root: Path, gross: int, fee: int, ppn: int, more: str = "") -> dict[str, Any]:
    """Two bills of a day, and the invoice that comes for them."""
    story = biller(root, f"[versions.settlement.schedule]\nlag = 1\n{more}")
    bill(story, may(11), "A1", "A2")
    story.invoices_(may(12), "AggB-20260511", may(11), gross, fee, ppn)
    story.run(may(12))
    [one] = story.books.settlements()
    return one


@pytest.mark.parametrize(
    ("gross", "fee", "ppn", "component", "by", "flag"),
    [
        (705_000, 2_400, 264, None, "0", []),
        (1_057_500, 2_400, 264, "gross", "352500", ["over"]),
        (352_500, 2_400, 264, "gross", "-352500", ["short"]),
        (705_000, 2_400, 260, "vat", "-4", ["over"]),
    ],
)
def test_an_invoice_is_compared_component_by_component(
    tmp_path: Path, gross: int, fee: int, ppn: int, component: str | None, by: str, flag: list[str]
) -> None:
    """Beyond what was delivered: over. Rows that it leaves out: short. By how much, and in what."""
    one = invoiced(tmp_path / "books", gross, fee, ppn)
    found = [(d["component"], d["by"]) for d in one["differences"]]
    equal(found, [(component, by)] if component else [])
    equal((one["state"], [f for f in one["flags"] if f in ("over", "short")]), ("invoiced", flag))


def test_a_difference_within_the_tolerance_is_rounding(tmp_path: Path) -> None:
    one = invoiced(
        tmp_path / "books", 705_000, 2_400, 260, '[versions.tolerance.settlement]\nlimit = "5"\n'
    )
    equal((one["rounding"], one["difference"], one["flags"]), ("4", "0", ["due"]))


def test_gateways_settle_each_channel_by_its_own_calendar(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", may(12), gateway="PG1")
    sop = story.root / "sops" / "PG1.toml"
    text = sop.read_text().replace("lag = 1\n", "")
    sop.write_text(
        text + "\n[versions.settlement.schedule]\nlag = 2\nchannels = { app = { lag = 1 } }\n"
    )
    story.sold(may(12), "O1")
    story.row(may(12), "A-O1", "O1", debit=49_800)
    story.run(may(12))
    [one] = story.books.settlements()
    equal(short([one], "channel", "ref", "due"), [("app", "pending-20260512-app", "2026-05-13")])


def test_a_due_date_beyond_the_table_of_holidays_is_never_guessed(tmp_path: Path) -> None:
    story = weekly(tmp_path / "books")
    bill(story, may(12), "A1")
    story.run(may(12))
    sop = story.root / "sops" / "AggB.toml"
    sop.write_text(sop.read_text().replace("lag = 1", "lag = 250"))
    story.books.close()
    with pytest.raises(UsageError, match="calendar ID has no table of 2027: the joint decree"):
        story.books.settlements()


def test_a_gateway_s_rate_that_changes_inside_a_settlement(tmp_path: Path) -> None:
    """0.7 % until the 11th, 1 % from the 12th on: 357 and 510 are no break, and the list says the same."""
    fee = '[versions.settlement.fee]\nrate = "0.007"\nper = "report"'
    story = Story(tmp_path / "books", may(11), gateway="PG1", fee=fee)
    sop = story.root / "sops" / "PG1.toml"
    head, _, version = sop.read_text().partition("[[versions]]")
    later = version.replace("2026-01-01", "2026-05-12").replace("SOP-PG1-1", "SOP-PG1-2")
    later = later.replace('"0.007"', '"0.01"')
    sop.write_text(f"{head}[[versions]]{version}\n[[versions]]{later}")
    for day, taken in ((11, 357), (12, 510)):
        story.sold(may(day), f"O{day}", partner="")
        line = w.settled("PG1-20260512", may(12), f"O{day}", "PAYMENT", 51_000, taken)
        story.reports[may(12)].append(line.replace("2026-05-12 08", f"{may(day)} 08"))
    story.run(may(12))
    equal([b["class"] for b in story.books.breaks()], [])
    [one] = story.books.settlements()
    equal((one["fee"], one["differences"]), ("867", []))
    equal(one["rules"], ["PG1@2026-01-01", "PG1@2026-05-12"])


def _listed(story: Postpaid, code: str, *refs: str) -> None:
    """An invoice that lists bills, or days of bills: one line each."""
    for ref in refs:
        story.invoices[may(14)].append(f"{code},{may(14)},{ref},1,352500,1200,132,24,351192")


@pytest.mark.parametrize(
    ("code", "refs"),
    [
        # Numbers of orders that hold their day, which is no end of the period.
        ("AggB-20260513", ("INV-20260511-1", "INV-20260511-2", "INV-20260512-1", "INV-20260513-1")),
        ("AggB-7", ("INV-20260511-1", "INV-20260511-2", "INV-20260512-1", "INV-20260513-1")),
        # One line a day: three days, all of the one period.
        ("AggB-7", ("2026-05-11", "2026-05-11", "2026-05-12", "2026-05-13")),
        ("AggB-20260513", ("INV-20260512-1",) * 4),
    ],
)
def test_an_invoice_may_list_the_bills_of_a_period(
    tmp_path: Path, code: str, refs: tuple[str, ...]
) -> None:
    story = weekly(tmp_path / "books")
    bills = refs if refs[0].startswith("INV") and len(set(refs)) > 1 else ("A1", "A2", "A3", "A4")
    for day, ref in zip((11, 11, 12, 13), bills, strict=True):
        bill(story, may(day), ref)
    _listed(story, code, *refs)
    story.run(may(14))
    [one] = story.books.settlements()
    equal(
        (one["ref"], one["state"], one["net"], one["stated"], one["notes"], one["differences"]),
        (code.removeprefix("AggB-"), "invoiced", "1404768", "1404768", [], []),
    )
    equal(one["period"], {"first": "2026-05-11", "last": "2026-05-13"})


def _notes(story: Postpaid) -> list[str]:
    [one] = story.books.settlements()
    return list(one["notes"])


def test_an_invoice_that_lists_bills_is_compared_bill_by_bill(tmp_path: Path) -> None:
    """One bill is not on it and another stands for it: the sums agree, the rows do not, and both are named."""
    story = weekly(tmp_path / "books")
    bill(story, may(11), "A1", "A2")
    bill(story, may(13), "A3")
    _listed(story, "AggB-20260513", "A1", "A2", "GHOST")
    story.run(may(14))
    [one] = story.books.settlements()
    equal((one["stated"], one["difference"]), (one["net"], "0"))
    equal(
        one["notes"],
        [
            "20260513 lists bills that no row of theirs has: GHOST (352500)",
            "no invoice lists A3 (352500)",
        ],
    )


def test_bills_of_another_amount_are_named(tmp_path: Path) -> None:
    story = weekly(tmp_path / "books")
    bill(story, may(11), "A1", "A2", "A3")
    _listed(story, "AggB-20260513", "A1", "A2")
    story.invoices[may(14)].append(f"AggB-20260513,{may(14)},A3,1,352600,1200,132,24,351292")
    story.run(may(14))
    equal(_notes(story), ["20260513 lists bills with another amount than their rows: A3 (100)"])


def test_what_is_not_billed_yet_is_no_bill_that_lacks(tmp_path: Path) -> None:
    """Rows of the next period are of the next invoice."""
    story = weekly(tmp_path / "books")
    bill(story, may(11), "A1", "A2")
    bill(story, may(14), "A3")
    _listed(story, "AggB-20260513", "A1", "A2")
    story.run(may(14))
    equal([s["notes"] for s in story.books.settlements()], [[], []])


def test_a_credit_note_does_not_name_the_settlement(tmp_path: Path) -> None:
    story = weekly(tmp_path / "books")
    bill(story, may(11), "A1", "A2")
    story.invoices[may(14)] += [
        f"AggB-A-CREDIT,{may(14)},2026-05-13,1,-352500,-1200,-132,-24,-351192",
        f"AggB-20260513,{may(14)},2026-05-13,1,705000,2400,264,48,702384",
    ]
    story.run(may(14))
    [one] = story.books.settlements()
    equal((one["ref"], one["codes"]), ("20260513", ["A-CREDIT", "20260513"]))
    equal((one["stated"], one["difference"], one["flags"]), ("351192", "-351192", ["short"]))
