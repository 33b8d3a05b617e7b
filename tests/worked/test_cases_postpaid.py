"""Worked case 19: a partner that is paid afterwards, net of the commission that it grants."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from finops_ledger.core.errors import UsageError
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import equal, snapshot

pytestmark = pytest.mark.samples
UNBILLED = "Liabilities:Payable:AggB:Unbilled"
INVOICED = "Liabilities:Payable:AggB:Invoiced"
GRANTED = "Assets:Receivable:Commission:AggB"
TRANSIT = "Assets:Clearing:Settlement-In-Transit:AggB"
WITHHELD = "Assets:Tax:PPh23-Prepaid"
CLAIM = "Assets:Claims:Partner:AggB"


def may(day: int) -> date:
    return date(2026, 5, day)


def _short(story: Postpaid) -> None:
    """100 bills with too small a commission, claimed, granted in the statement; we pay 1,000 too much."""
    for number in range(100):
        story.paid(may(15), f"S{number}")
        story.billed(may(15), f"S{number}", commission=1_150, ppn=126)
    story.invoices_(may(18), "AggB-20260515", may(15), 35_250_000, 120_000, 13_200)
    story.lines[may(18)].append(("TRSF AGGB AggB-20260515", -35_120_200))
    story.lines[may(20)].append(("KR AGGB AggB-20260515 KELEBIHAN", 1_000))


def _claimed(story: Postpaid) -> list[str]:
    items = [b["id"] for b in story.books.breaks() if b["class"] == "fee_mismatch"]
    equal(len(items), 100)
    text = f'{may(16)} * "AggB" "Commission claimed" #decision\n'
    text += '  maker: "preparer-1"\n  checker: "approver-1"\n'
    for item in items:
        text += f'  {CLAIM}  56 IDR\n    break: "{item}"\n'
        text += f'  Assets:Breaks:AggB:Fee-Mismatch  -56 IDR\n    break: "{item}"\n'
    w.decide(story.root, may(16), text)
    return items


def _day_of_bills(story: Postpaid) -> None:
    for number in range(10_000):
        story.paid(may(13), f"L{number}")
        story.billed(may(13), f"L{number}")
    story.invoices_(may(14), "AggB-20260513", may(13), 3_525_000_000, 12_000_000, 1_320_000)
    story.pays(
        may(14),
        "AggB-20260513",
        (INVOICED, 3_525_000_000, ""),
        (GRANTED, -13_320_000, ""),
        (WITHHELD, 240_000, ""),
        (TRANSIT, -3_511_920_000, ""),
    )
    story.lines[may(14)].append(("TRSF AGGB AggB-20260513", -3_511_920_000))


def test_case_19_net_settlement_commission_and_withholding(tmp_path: Path) -> None:
    story = Postpaid(tmp_path / "books", may(13))
    _day_of_bills(story)
    _short(story)
    story.run(may(15))
    items = _claimed(story)
    story.run(may(17))
    equal({b["state"] for b in story.books.breaks()}, {"claimed"})
    story.pays(
        may(18),
        "AggB-20260515",
        (INVOICED, 35_250_000, ""),
        (GRANTED, -127_600, ""),
        *((CLAIM, -56, item) for item in items),
        (WITHHELD, 2_400, ""),
        (TRANSIT, -35_119_200, ""),
    )
    story.run(may(18))
    over = [(b["ref"], b["class"], b["residue"]) for b in story.books.breaks()]
    equal(over, [("20260515", "settlement_over", "1000")])
    story.run(may(20))
    equal(story.books.breaks(everything=True), [])
    story.balances_hold(story.same_as(19))
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def _story(root: Path, **more: object) -> Postpaid:
    """Two bills on the 13th: one paid at once, one pending until the 14th; nothing is owed for what is pending."""
    story = Postpaid(root, may(13), **more)
    for ref in ("A1", "A2"):
        story.paid(may(13), ref)
    story.billed(may(13), "A1")
    story.billed(may(13), "A2", "PENDING")
    story.bills[may(14)].append(f"{may(14)} 11:00:00,B-A2,A2,PLN,350000,2500,1200,132,PAID")
    return story


def test_nothing_is_payable_for_a_pending_row(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(may(13))
    equal(story.balance(UNBILLED, may(13)), -352_500)
    equal(story.balance(GRANTED, may(13)), 1_332)
    waiting = [(b["ref"], b["class"]) for b in story.books.breaks(everything=True)]
    equal(waiting, [("A2", "timing")])
    story.run(may(14))
    equal(story.balance(UNBILLED, may(14)), -705_000)
    equal(story.books.breaks(everything=True), [])
    story.proven()
    equal([str(f) for f in story.books.verify()], [])


def test_the_same_in_any_order_of_arrival(tmp_path: Path) -> None:
    in_time, late = _story(tmp_path / "in-time"), _story(tmp_path / "late")
    in_time.run(may(14))
    late.missing = {may(13)}
    late.run(may(14))
    late.bring(may(13))
    made, wanted = snapshot(late.root), snapshot(in_time.root)
    for books in (made, wanted):
        for name in ("manifest", "journal/index.beancount"):
            books.pop(name)
    equal([n for n in sorted({*made, *wanted}) if made.get(n) != wanted.get(n)], [])


@pytest.mark.parametrize(
    "cost", ["face - commission", "face - 1332", "352500 - commission", "351168"]
)
def test_the_cost_may_be_written_in_several_ways(tmp_path: Path, cost: str) -> None:
    story = Postpaid(tmp_path / "books", may(13), cost=cost)
    story.paid(may(13), "A1")
    story.billed(may(13), "A1", commission=1_150, ppn=126)
    story.paid(may(13), "A2")
    story.billed(may(13), "A2", bill=350_500)
    story.run(may(13))
    found = {b["ref"]: (b["class"], b["residue"]) for b in story.books.breaks()}
    equal(found, {"A1": ("fee_mismatch", "56"), "A2": ("cost_mismatch", "500")})
    sale = story.made(may(13), may(13))[may(13), "sale"]
    equal(sale["Liabilities:Tax:PPN-Out -"], -264)
    equal(sale["Income:Net:PLN-Postpaid -"], -2_400)


def test_a_rate_of_the_face_value(tmp_path: Path) -> None:
    """0.34 % of 352,500 is 1,198.5: 1,199, its other base 1,099, PPN 131.88: 132."""
    story = Postpaid(tmp_path / "books", may(13))
    sop = story.root / "sops" / "AggB.toml"
    sop.write_text(sop.read_text().replace('amount = "1200"', 'rate = "0.0034"'))
    story.paid(may(13), "A1")
    story.billed(may(13), "A1", commission=1_199)
    story.run(may(13))
    equal(story.books.breaks(), [])
    equal(story.balance("Income:Net:PLN-Postpaid", may(13)), -1_199)
    equal(story.balance("Liabilities:Tax:PPN-Out", may(13)), -132)


def test_a_payment_that_the_bank_does_not_show(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(may(13))
    story.pays(may(14), "AggB-1", (UNBILLED, 351_168, ""), (TRANSIT, -351_168, ""))
    story.run(may(14))
    waiting = [(b["ref"], b["class"]) for b in story.books.breaks(everything=True)]
    equal(waiting, [("1", "timing")])
    story.run(may(16))
    [late] = story.books.breaks()
    told = (late["class"], late["residue"], late["exposure"], late["account"], late["leg"])
    equal(told, ("settlement_overdue", "0", "351168", TRANSIT, "payment-bank"))
    story.load()


def test_a_payment_must_name_its_settlement(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(may(13))
    text = f'{may(14)} * "AggB" "Payment list" #settlement #decision\n'
    text += '  maker: "preparer-1"\n  checker: "approver-1"\n'
    text += f"  {UNBILLED}  351168 IDR\n  {TRANSIT}  -351168 IDR\n"
    w.decide(story.root, may(14), text)
    with pytest.raises(UsageError, match=r"2026-05.beancount:5: .* must name its settlement"):
        story.run(may(14))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('amount = "1200"\n', "", "give one of amount and rate"),
        ('amount = "1200"', "amount = 1200.5", "write the number as text"),
        ('base = "11/12"', 'base = "0.91"', 'a fraction, like "11/12"'),
        ('vat = "0.12"', 'vat = "12"', "below 1"),
        ('model = "postpaid"', 'model = "prepaid"', "a postpaid partner's"),
        ('model = "postpaid"', 'model = "postpaid"\nstatement = "deposit"', "no deposit statement"),
        (
            "[versions.commission.PLN-Postpaid]",
            "[versions.commission.Water]",
            "needs the commission",
        ),
    ],
)
def test_what_an_sop_may_not_say(tmp_path: Path, old: str, new: str, told: str) -> None:
    story = Postpaid(tmp_path / "books", may(13))
    sop = story.root / "sops" / "AggB.toml"
    assert old in sop.read_text()
    sop.write_text(sop.read_text().replace(old, new))
    with pytest.raises(UsageError, match=re.escape(told)):
        story.run(may(13))


def test_a_supplier_s_settlement_file_holds_invoices_alone(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.run(may(13))
    form = story.root / "formats" / "invoice.toml"
    form.write_text(form.read_text().replace('"invoice" }', '"payment" }'))
    story.invoices_(may(14), "AggB-1", may(13), 352_500, 1_200, 132)
    story.drop(may(14))
    reports = [f for f in story.books.import_files().files if f.verdict == "refused"]
    equal([f.name for f in reports], ["AggB_invoice_20260514.csv"])
    assert "[not-an-invoice]" in reports[0].problems[0]
