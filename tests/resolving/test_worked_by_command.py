"""The decisions of the worked cases, made by the command: the same journal as written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from click.testing import CliRunner

from finops_ledger.books.verify import verify
from finops_ledger.cli import cli
from finops_ledger.core.errors import UsageError
from tests.worked import workspace as w
from tests.worked.story import Story, equal, segment, sums

pytestmark = pytest.mark.samples
CUT = 49_800


def apr(day: int) -> date:
    return date(2026, 4, day)


def resolve(story: Story, day: date, ref: str, class_: str, treatment: str, **more: Any) -> str:
    """Decide about the one open item of a class on an order."""
    item = story.item(ref, class_)
    names = {"maker": "preparer-1", "checker": "approver-1", "day": day, **more}
    made = story.books.resolve([item], treatment, **names)
    assert made.written
    assert made.conflicts == []
    return item


def test_case_1_and_a_claim_that_is_restored(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1), deposit=9_900_400)
    story.sold(apr(1), "D1", serial="SN-1")
    story.row(apr(1), "T2", "D1", debit=CUT, serial="SN-2")
    story.row(apr(1), "T1", "D1", debit=CUT, serial="SN-1")
    story.run(apr(1))
    resolve(story, apr(2), "D1", "duplicate_delivery", "claim")
    story.restored(apr(3), "T9", "D1", CUT, orig="T2")
    story.run(apr(3))
    story.balances_hold(story.same_as(1))
    equal(story.books.breaks(), [])
    story.proven()


def test_case_6_never_billed_and_unknown_here(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(16), grace="24h")
    story.sold(apr(16), "N1")
    story.sold(apr(16), "N2")
    story.row(apr(17), "A-U1", "U1", debit=CUT, at="16/04/2026 22:30:00")
    story.run(apr(17))
    resolve(story, apr(18), "U1", "missing_at_platform", "claim")
    story.row(apr(19), "A-N1", "N1", debit=CUT)
    story.run(apr(19))
    letter = "AggA letter of 29 April"
    resolve(story, apr(30), "N2", "missing_at_partner", "income", evidence=letter)
    story.run(apr(30))
    story.balances_hold(story.same_as(6))
    story.proven()


def test_case_8_price_rise_absorbed_as_cost(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(20))
    story.sold(apr(20), "C1")
    story.row(apr(20), "A-C1", "C1", debit=50_100)
    story.run(apr(20))
    resolve(story, apr(21), "C1", "cost_mismatch", "cost")
    story.run(apr(21))
    story.balances_hold(story.same_as(8))
    story.proven()


def test_case_11_a_lower_cost_is_cost_too(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(20))
    story.sold(apr(20), "C1")
    story.row(apr(20), "A-C1", "C1", debit=49_500)
    story.run(apr(20))
    item = resolve(story, apr(24), "C1", "cost_mismatch", "cost")
    story.run(apr(24))
    [entry] = [e for e in story.directives("transaction") if e.meta.get("break") == item]
    assert [(p.account, p.units.number) for p in entry.postings] == [
        ("Income:Net:Pulsa", -300),
        ("Assets:Breaks:AggA:Cost-Mismatch", 300),
    ]
    story.proven()


def told_apart(monkeypatch: pytest.MonkeyPatch, story: Story) -> None:
    """Our order export with two columns more: what a line is, and which order it is about."""
    shipped = (Path(__file__).parents[2] / "importers" / "orders" / "format.toml").read_text()
    own = shipped.replace('"serial", "customer",', '"serial", "customer", "type", "of_order",')
    own = own.replace('channel = "channel"', 'channel = "channel"\norig_ref = "of_order"')
    rule = '{ column = "type", equals = "RECHARGE", is = "recharge" }'
    own = own.replace("[status]", f'[fields.kind]\nrules = [{rule}]\ndefault = "usage"\n\n[status]')
    (story.root / "formats" / "orders.toml").write_text(own)

    def orders(root: Path, day: date, lines: list[str]) -> None:
        shown = [line if line.count(",") > 14 else f"{line},ORDER," for line in lines]
        text = "\n".join([f"{w.ORDERS_HEADER},type,of_order", *shown]) + "\n"
        (root / "inbox" / f"orders_{day.isoformat()}.csv").write_text(text)

    monkeypatch.setattr(w, "orders", orders)


def charged_again(story: Story, day: date, ref: str, of: str, status: str = "SUCCESS") -> None:
    """A line of our export: the customer pays an order that was refunded."""
    line = w.order(ref, f"{day} 09:00:00", status, f"{day} 09:00:00", partner=story.partner)
    story.sales[day].append(f"{line},RECHARGE,{of}")


def registered(story: Story) -> list[tuple[date, int, int]]:
    """The registers of what customers owe: day, items, debits."""
    found = [e for e in story.directives("custom") if e.type == "finops-register"]
    mine = [e for e in found if e.values[0].value == "Assets:Claims:Customer"]
    return [(e.date, int(e.values[1].value), int(e.values[2].value.number)) for e in mine]


def late_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    first, second = date(2026, 6, 1), date(2026, 6, 2)
    story = Story(tmp_path / "books", first)
    told_apart(monkeypatch, story)
    story.sold(first, "L1", "FAILED", refunded="2026-06-01 10:05:00")
    story.sold(first, "L0")
    story.row(first, "A-L0", "L0", debit=CUT)
    story.row(second, "A-L1", "L1", debit=CUT)
    story.run(second)
    resolve(story, date(2026, 6, 3), "L1", "late_success", "recharge")
    return story


def test_case_22_the_customer_is_charged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = late_success(tmp_path, monkeypatch)
    charged_again(story, date(2026, 6, 4), "L1-R", of="L1")
    story.run(date(2026, 6, 4))
    story.balances_hold(story.same_as(22))
    equal(registered(story), [(date(2026, 6, 3), 1, 51_000), (date(2026, 6, 4), 0, 0)])
    equal([str(f) for f in verify(story.root)], [])
    equal(story.books.breaks(), [])
    [line] = [v for v in story.verdicts() if (v.day, v.counterparty) == (date(2026, 6, 4), "AggA")]
    assert line.verdict == "reconciled"
    story.proven()


def test_a_recharge_that_fails_releases_nothing_and_a_refunded_one_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = late_success(tmp_path, monkeypatch)
    charged_again(story, date(2026, 6, 4), "L1-R", of="L1", status="FAILED")
    charged_again(story, date(2026, 6, 4), "L1-S", of="L1")
    story.run(date(2026, 6, 4))
    owed = "Assets:Claims:Customer"
    assert story.balance(owed, date(2026, 6, 4)) == 0
    again = w.order(
        "L1-S",
        "2026-06-04 09:00:00",
        "REFUNDED",
        "2026-06-05 09:00:00",
        refunded="2026-06-05 09:00:00",
    )
    story.sales[date(2026, 6, 5)].append(f"{again},RECHARGE,L1")
    story.run(date(2026, 6, 5))
    assert story.balance(owed, date(2026, 6, 5)) == 51_000
    days = [date(2026, 6, d) for d in (3, 4, 5)]
    equal(registered(story), list(zip(days, (1, 0, 1), (51_000, 0, 51_000), strict=True)))
    # It is given up by hand: the list is empty then.
    [item] = story.books.space.state.reconciled["sale-supply", "AggA", days[2]]["owed"]
    story.decide(
        date(2026, 6, 6),
        item,
        ("Expenses:Operational-Loss:Unrecovered", 51_000),
        ("Assets:Claims:Customer", -51_000),
    )
    story.run(date(2026, 6, 6))
    equal(registered(story)[-1], (date(2026, 6, 6), 0, 0))
    story.proven()


def test_what_customers_owe_is_proven_by_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A posting to the claim that no decision names is found by the register of the next change."""
    story = late_success(tmp_path, monkeypatch)
    charged_again(story, date(2026, 6, 4), "L1-R", of="L1")
    story.run(date(2026, 6, 4))
    path = story.root / "accounts.beancount"
    path.write_text(
        path.read_text() + '2026-06-03 * "by hand"\n  Assets:Claims:Customer  100 IDR\n'
        '    count: 1\n    move: "open"\n  Equity:Opening-Balances  -100 IDR\n'
    )
    errors = loader.load_file(str(story.root / "main.beancount"))[1]
    told = " ".join(e.message for e in errors)
    assert (
        "Assets:Claims:Customer on 2026-06-03: open items by the postings 2, but the register says 1"
        in told
    )


def test_a_recharge_that_names_no_claim_makes_its_day_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = late_success(tmp_path, monkeypatch)
    day = date(2026, 6, 4)
    charged_again(story, day, "L9-R", of="L9")
    story.run(day)
    [verdict] = [v for v in story.verdicts() if (v.day, v.counterparty) == (day, "AggA")]
    assert verdict.verdict == "incomplete"
    assert "a re-charge of 51000 for L9, whose customer owes 0" in " ".join(verdict.reasons)
    story.load()


FEE = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.11"\nper = "report"'


def test_case_20_bank_charge_excess_fee_and_chargeback(tmp_path: Path) -> None:
    def may(day: int) -> date:
        return date(2026, 5, day)

    story = Story(
        tmp_path / "books", may(21), partner="AggD", gateway="PG2", bank=True, lag=4, fee=FEE
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
    story.reports[may(26)] += [
        w.settled("PG2-20260526", may(26), "H1", "PAYMENT", 51_000, 357, 39),
        w.settled("PG2-20260526", may(26), "Z9", "CHARGEBACK", -51_000),
    ]
    story.lines[may(26)].append(("KR OTOMATIS TANPA KETERANGAN", 5_208))
    story.run(may(26))
    who = {"checker": "controller-1"}
    resolve(story, may(26), "PG2-20260522", "settlement_short", "cost", **who)
    resolve(story, may(26), "PG2-20260522", "fee_mismatch", "claim", **who)
    resolve(story, may(26), "Z9", "chargeback", "loss", evidence="PG2's notice of 26 May", **who)
    made = story.made(may(26), may(26))[may(26), "decision"]
    wanted = {
        "Expenses:Bank-Charge +": 2_900,
        "Assets:Breaks:PG2:Settlement-Short -": -2_900,
        "Assets:Claims:Gateway:PG2 +": 5_604,
        "Assets:Breaks:PG2:Fee-Mismatch -": -5_604,
        "Expenses:Operational-Loss:Chargeback +": 51_000,
        "Assets:Breaks:PG2:Chargeback -": -51_000,
    }
    equal(dict(made), wanted)
    # 27 May: the line that nobody knew is the claim paid back, less what the gateway had carried.
    story.run(may(27))
    [unknown] = [b for b in story.books.breaks() if b["class"] == "unidentified_credit"]
    everything = story.books.breaks(everything=True)
    [carried] = [b for b in everything if b["leg"] == "settlement-bank"]
    [claimed] = [b for b in everything if b["state"] == "claimed"]
    story.books.close()
    words = ["--books", str(story.root), "resolve", unknown["id"], "--as", "identify"]
    words += ["--to", f"Assets:Claims:Gateway:PG2=-5604@{claimed['id']}"]
    words += ["--to", f"Assets:Clearing:Settlement-In-Transit:PG2=396@{carried['id']}"]
    words += ["--maker", "preparer-1", "--checker", "controller-1"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output + done.stderr
    story.books.space.reload()
    reference = segment(20)
    # What a person identifies is a decision (ruling 29); the reference tells it as a reconciliation.
    told = sums(reference, may(27), may(27))[may(27), "recon"]
    equal(dict(story.made(may(27), may(27))[may(27), "decision"]), dict(told))
    story.balances_hold(reference)
    equal(story.books.breaks(everything=True), [])
    story.run(may(28))
    equal(story.books.breaks(everything=True), [])
    story.proven()


def test_case_23_refunded_twice_by_hand(tmp_path: Path) -> None:
    def jun(day: int) -> date:
        return date(2026, 6, day)

    story = Story(tmp_path / "books", jun(4), gateway="PG2", bank=True)
    story.sold(jun(5), "Z1", "FAILED", partner="", refunded="2026-06-05 11:00:00")
    story.reports[jun(5)] += [
        w.settled("PG2-20260605", jun(5), "Z1", "PAYMENT", 51_000),
        w.settled("PG2-20260605", jun(5), "Z1", "REFUND", -51_000),
        w.settled("PG2-20260605", jun(5), "Z1", "REFUND", -51_000),
    ]
    story.run(jun(5))
    resolve(
        story,
        jun(8),
        "Z1",
        "refund_mismatch",
        "loss",
        checker="controller-1",
        case="OPL-017",
        cause="human_error",
        evidence="sha256:1c0d",
    )
    story.run(jun(8))
    story.same_as(23, jun(5), jun(8))
    story.proven()


def test_case_7_written_off_and_recovered_after_all(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(17))
    story.row(apr(17), "A-U1", "U1", debit=CUT)
    story.run(apr(17))
    item = resolve(story, apr(18), "U1", "missing_at_platform", "claim", case="CLM-0002")
    story.run(apr(23))
    resolve(
        story,
        apr(24),
        "U1",
        "missing_at_platform",
        "write-off",
        checker="controller-1",
        evidence="sha256:77aa",
    )
    story.restored(apr(27), "A-R1", "U1", CUT, orig="A-U1")
    story.run(apr(27))
    story.balances_hold(story.same_as(7))
    equal(story.books.breaks(), [])
    recon = [e for e in story.directives("transaction") if e.date == apr(27) and "recon" in e.tags]
    [entry] = [e for e in recon if e.meta["leg"] == "sale-supply"]
    assert entry.meta["case"] == "CLM-0002"
    [income] = [p for p in entry.postings if p.account == "Income:Other:Recovery"]
    assert (income.meta["case"], income.meta["break"]) == ("CLM-0002", item)
    story.proven()


@pytest.mark.parametrize(("back", "breaks"), [(20_000, []), (49_800, []), (60_000, [-10_200])])
def test_what_comes_back_is_income_up_to_what_was_written_off(
    tmp_path: Path, back: int, breaks: list[int]
) -> None:
    story = Story(tmp_path / "books", apr(17))
    story.row(apr(17), "A-U1", "U1", debit=CUT)
    story.run(apr(17))
    resolve(story, apr(17), "U1", "missing_at_platform", "loss", cause="fraud", evidence="a mail")
    story.restored(apr(20), "A-R1", "U1", back, orig="A-U1")
    story.run(apr(20))
    made = story.made(apr(20), apr(20))[apr(20), "recon"]
    assert made["Income:Other:Recovery -"] == -min(back, CUT)
    assert [int(b["residue"]) for b in story.books.breaks()] == breaks
    story.proven()
    # The rest of it comes still later.
    if back < CUT:
        story.restored(apr(22), "A-R2", "U1", CUT - back, orig="A-U1")
        story.run(apr(22))
        made = story.made(apr(22), apr(22))[apr(22), "recon"]
        assert made["Income:Other:Recovery -"] == back - CUT
        story.proven()


def test_a_payout_under_a_wrong_number_is_identified(tmp_path: Path) -> None:
    """What the bank shows under a number of nobody is the settlement that still waits."""

    def jun(day: int) -> date:
        return date(2026, 6, day)

    story = Story(tmp_path / "books", jun(4), gateway="PG2", bank=True)
    story.sold(jun(4), "Z1")
    story.row(jun(4), "A-Z1", "Z1", debit=CUT)
    story.reports[jun(5)].append(w.settled("PG2-20260605", jun(5), "Z1", "PAYMENT", 51_000))
    story.pays_out(jun(5), 51_000, "PG2-20990101")
    story.run(jun(8))
    over = story.item("PG2-20990101", "settlement_over")
    [waits] = [b for b in story.books.breaks() if b["class"] == "settlement_overdue"]
    transit = "Assets:Clearing:Settlement-In-Transit:PG2"
    who = {"maker": "preparer-1", "checker": "approver-1"}
    with pytest.raises(UsageError, match="takes up nothing"):
        story.books.resolve([over], "identify", to=(f"{transit}=-51000",), **who)
    with pytest.raises(UsageError, match="takes up nothing"):
        story.books.resolve([over], "identify", to=(f"{transit}=51000@{waits['id']}",), **who)
    to = f"{transit}=-51000@{waits['id']}"
    made = story.books.resolve([over], "identify", to=(to,), **who)
    assert made.conflicts == []
    equal(story.books.breaks(), [])
    assert story.balance(transit, jun(8)) == 0
    story.run(jun(10))
    equal(story.books.breaks(), [])
    story.proven()
