"""The settlements of the worked cases and of the domain rules, to the rupiah, from files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.treasury.bills import (
    GRANTED,
    INVOICED,
    TRANSIT,
    UNBILLED,
    WITHHELD,
    biller,
    may,
    short,
)
from tests.worked import workspace as w
from tests.worked.story import Story, equal
from tests.worked.test_cases_postpaid import _day_of_bills, _short

pytestmark = pytest.mark.samples
WHAT = ("ref", "state", "gross", "commission", "vat", "withheld", "net", "stated", "paid", "open")


def test_case_19_from_unbilled_to_paid(tmp_path: Path) -> None:
    """10,000 bills: 3,525,000,000 less 13,320,000, their withholding of 240,000 given back: 3,511,920,000."""
    story = biller(tmp_path / "books", '[versions.settlement.schedule]\ncycle = "daily"\nlag = 1')
    _day_of_bills(story)
    story.run(may(13))
    figures = ("3525000000", "12000000", "1320000", "240000", "3511920000")
    [one] = story.books.settlements()
    equal(short([one], *WHAT), [("20260513", "unbilled", *figures, None, "0", "3511920000")])
    equal((one["due"], one["rows"], one["rules"]), ("2026-05-18", 10_000, ["AggB@2026-01-01"]))
    story.run(may(14))
    equal(story.books.settlements(), [])
    [paid] = story.books.settlements(everything=True)
    told = ("20260513", "paid", *figures, "3511920000", "3511920000", "0")
    equal(short([paid], *WHAT), [told])
    equal((paid["paid_on"], paid["flags"], paid["differences"]), ("2026-05-14", ["advance"], []))


def test_case_19_short_commission_and_an_overpayment(tmp_path: Path) -> None:
    """The rows grant 5,600 too little; the list takes the claim with it; the bank pays 1,000 too much."""
    story = biller(tmp_path / "books", '[versions.settlement.schedule]\ncycle = "daily"\nlag = 1')
    _short(story)
    story.run(may(16))
    [one] = story.books.settlements()
    equal(short([one], "net", "disputed", "items"), [("35119200", "5600", 100)])
    story.pays(
        may(18),
        "AggB-20260515",
        (INVOICED, 35_250_000, ""),
        (GRANTED, -133_200, ""),
        (WITHHELD, 2_400, ""),
        (TRANSIT, -35_119_200, ""),
    )
    story.run(may(18))
    [over] = story.books.settlements()
    told = ("paid", "35119200", "35119200", "35119200", "35120200", "1000", ["over"])
    equal(short([over], "state", "net", "stated", "listed", "paid", "difference", "flags"), [told])
    story.run(may(20))
    [back] = story.books.settlements(everything=True)
    equal(short([back], "paid", "difference", "flags"), [("35119200", "0", ["late"])])


def test_j24_gross_settlement_and_the_commission_apart(tmp_path: Path) -> None:
    """J24 to J27: 100,500,000 is paid whole; 333,000 of commission come in April, less 6,000 withheld: 327,000."""
    more = '[versions.settlement.commission]\ncycle = "monthly"\nlag = 10\n'
    more += '[versions.settlement.schedule]\ncycle = "daily"\nlag = 1'
    story = biller(tmp_path / "books", f'netting = "gross"\n{more}')
    sop = story.root / "sops" / "AggB.toml"
    sop.write_text(sop.read_text().replace('amount = "1200"', 'amount = "1000"'))
    for number in range(300):
        story.paid(may(11), f"G{number}")
        story.billed(may(11), f"G{number}", bill=332_500, commission=1_000, ppn=110)
    prices = story.root / "prices" / "AggB.csv"
    prices.write_text(prices.read_text().replace("352500,", "335000,"))
    story.run(may(11))
    pay, receive = story.books.settlements()
    figures = ("direction", "gross", "commission", "vat", "withheld", "net", "due")
    equal(
        short([pay, receive], *figures),
        [
            ("pay", "100500000", "0", "0", "0", "100500000", "2026-05-12"),
            ("receive", "333000", "0", "0", "6000", "327000", "2026-06-15"),
        ],
    )
    story.pays(may(12), "AggB-20260511", (UNBILLED, 100_500_000, ""), (TRANSIT, -100_500_000, ""))
    story.lines[may(12)].append(("TRSF AGGB AggB-20260511", -100_500_000))
    story.run(may(12))
    [left] = story.books.settlements()
    equal(short([left], "direction", "state", "open"), [("receive", "unbilled", "327000")])
    story.pays(
        may(31),
        "AggB-20260531",
        (GRANTED, -333_000, ""),
        (WITHHELD, 6_000, ""),
        (TRANSIT, 327_000, ""),
    )
    story.lines[may(31)].append(("KR AGGB AggB-20260531 KOMISI", 327_000))
    story.run(may(31))
    equal(story.books.settlements(), [])
    _, got = story.books.settlements(everything=True)
    equal(
        short([got], "ref", "paid", "paid_on", "differences"),
        [("20260531", "327000", "2026-05-31", [])],
    )
    equal(story.balance(GRANTED, may(31)), Decimal(0))


def test_j40_virtual_accounts_pay_a_fixed_fee(tmp_path: Path) -> None:
    """J40, J41: 1,000 payments, 500,000,000; 4,000 a payment and VAT on it: 495,560,000 come."""
    fee = '[versions.settlement.fee]\nrate = "0"\namount = "4000"\nvat = "0.11"\nper = "row"'
    story = Story(tmp_path / "books", may(18), gateway="PG2", bank=True, fee=fee)
    for number in range(1_000):
        ref = f"V{number}"
        story.sold(may(18), ref, price=500_000, partner="")
        line = w.settled("PG2-20260519", may(19), ref, "PAYMENT", 500_000, 4_000, 440)
        story.reports[may(19)].append(line)
    story.pays_out(may(19), 495_560_000, "PG2-20260519")
    story.run(may(18))
    [one] = story.books.settlements()
    told = ("pending", "500000000", "4000000", "440000", "495560000", "2026-05-19")
    equal(short([one], "state", "gross", "fee", "vat", "net", "due"), [told])
    story.run(may(19))
    [paid] = story.books.settlements(everything=True)
    told = ("paid", "495560000", "495560000", "495560000", [], [])
    equal(short([paid], "state", "net", "stated", "paid", "differences", "flags"), [told])


def test_case_20_a_fee_above_the_contract_and_a_clearing_fee(tmp_path: Path) -> None:
    fee = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.11"\nper = "report"'
    story = Story(
        tmp_path / "books", may(21), partner="AggD", gateway="PG2", bank=True, lag=1, fee=fee
    )
    for number in range(100):
        ref = f"H{number + 1}"
        story.sold(may(21), ref)
        story.row(may(21), f"D-{ref}", ref, debit=49_900)
        if number:
            vat = 45 if number <= 87 else 44
            line = w.settled("PG2-20260522", may(22), ref, "PAYMENT", 51_000, 408, vat)
            story.reports[may(22)].append(line)
    paid = "2026-05-21 10:00:00"
    story.sold(may(22), "H100", "REFUNDED", paid=paid, refunded="2026-05-22 11:00:00")
    story.restored(may(22), "D-R", "H100", 49_900, orig="D-H100")
    story.reports[may(22)].append(w.settled("PG2-20260522", may(22), "H100", "REFUND", -51_000))
    story.pays_out(may(22), 4_950_265, "PG2-20260522")
    story.run(may(22))
    held, short_paid = sorted(story.books.settlements(), key=lambda s: s["state"], reverse=True)
    equal(short([held], "state", "gross", "due"), [("pending", "51000", "2026-05-22")])
    names = ("state", "gross", "refunds", "fee", "vat", "net", "stated", "paid", "flags")
    told = ("part-paid", "5049000", "51000", "35343", "3888", "4958769", "4953165", "4950265")
    equal(short([short_paid], *names), [(*told, ["due", "short"])])
    equal(
        [(d["component"], d["by"]) for d in short_paid["differences"]],
        [("fee", "5049"), ("vat", "555")],
    )
    equal((short_paid["disputed"], short_paid["difference"]), ("8504", "-8504"))


def test_a_fee_on_each_payment_is_accrued_and_checked(tmp_path: Path) -> None:
    """Two payments at 4,000: accrued on the 31st; the report takes 4,500 of one, 500 too much and 55 of VAT."""
    fee = '[versions.settlement.fee]\nrate = "0"\namount = "4000"\nvat = "0.11"\nper = "row"'
    story = Story(tmp_path / "books", may(31), gateway="PG2", fee=fee)
    june = date(2026, 6, 1)
    for ref, taken in (("V1", 4_000), ("V2", 4_500)):
        story.sold(may(31), ref, price=500_000, partner="")
        line = w.settled("PG2-20260601", june, ref, "PAYMENT", 500_000, taken, taken * 11 // 100)
        story.reports[june].append(line)
    story.run(june)
    equal(story.balance("Expenses:Payment-Fee:PG2", may(31)), Decimal(8_000))
    [excess] = [b for b in story.books.breaks() if b["class"] == "fee_mismatch"]
    equal(excess["residue"], "555")
    [one] = story.books.settlements()
    equal([(d["component"], d["by"]) for d in one["differences"]], [("fee", "500"), ("vat", "55")])
