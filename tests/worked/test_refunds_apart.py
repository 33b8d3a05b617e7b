"""A gateway's refunds under numbers of their own, days after the payment, joined by what they undo."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finops_ledger.books.verify import verify
from tests.worked import workspace as w
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
SHIPPED = Path(__file__).parents[2] / "importers" / "pg_settlement" / "format.toml"
LAG = 4


def may(day: int) -> date:
    return date(2026, 5, day)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's report with two columns more: its own number of a row, and what the row undoes."""

    def report(root: Path, day: date, lines: list[str], name: str) -> None:
        shown = [line if line.count(",") > 9 else f"{line},," for line in lines]
        sums = [sum(int(line.split(",")[n]) for line in shown) for n in range(5, 9)]
        total = ",".join(["TOTAL", str(len(shown)), "", "", "", *map(str, sums), "", "", ""])
        text = "\n".join([f"{w.SETTLED_HEADER},number,undoes", *shown, total]) + "\n"
        (root / "inbox" / f"{name}_settlement_{day:%Y%m%d}.csv").write_text(text)

    monkeypatch.setattr(w, "gateway_report", report)


def at_work(root: Path, key: str = '["payment_ref", "kind"]') -> Story:
    """A gateway whose format says what a row undoes."""
    own = SHIPPED.read_text()
    own = own.replace('"net", "paid_at",\n', '"net", "paid_at", "number", "undoes",\n')
    own = own.replace('key = ["settlement_ref", "payment_ref", "kind"]', f"key = {key}")
    own = own.replace(
        'paid_at = "paid_at"\n',
        'paid_at = "paid_at"\npartner_ref = "number"\norig_ref = "undoes"\n',
    )
    story = Story(root, may(21), gateway="PG2", bank=True, lag=LAG)
    (story.root / "formats" / "pg_settlement.toml").write_text(own)
    return story


def sold(story: Story, day: int, ref: str) -> None:
    """An order that is delivered, and settled on the next day."""
    story.sold(may(day), ref)
    story.row(may(day), f"A-{ref}", ref, debit=49_800)
    reported(story, day + 1, ref, "PAYMENT", 51_000, f"N-{ref}")


def refunded(story: Story, day: int, ref: str) -> None:
    """Our file says that an order of the 21st was refunded."""
    paid = "2026-05-21 10:00:00"
    story.sold(may(day), ref, "REFUNDED", paid=paid, refunded=f"{may(day)} 11:00:00")
    story.restored(may(day), f"A-R-{ref}", ref, 49_800, orig=f"A-{ref}")


def reported(
    story: Story, day: int, ref: str, type_: str, gross: int, number: str, undoes: str = ""
) -> None:
    """A row of the gateway's report, and the payout of the day's net."""
    line = w.settled(f"PG2-{may(day):%Y%m%d}", may(day), ref, type_, gross)
    story.reports[may(day)].append(f"{line},{number},{undoes}")


def returned(story: Story, day: int, number: str, amount: int, undoes: str) -> None:
    """A refund under a number of its own."""
    reported(story, day, number, "REFUND", -amount, f"N-{number}", undoes)


def open_on(story: Story, *, everything: bool = False) -> list[tuple[Any, ...]]:
    """What stands open at the gateway: reference, occurrence, class, residue."""
    found = story.books.breaks(everything=everything)
    return sorted(
        (b["ref"], b["occurrence"], b["class"], b["residue"])
        for b in found
        if b["leg"] == "sale-gateway"
    )


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize(
    ("key", "undoes"),
    [
        ('["payment_ref", "kind"]', "PAY-O1"),
        ('["partner_ref"]', "PAY-O1"),
        ('["partner_ref"]', "N-O1"),
        ('["partner_ref"]', "O1"),
    ],
    ids=["payment", "payment-by-number", "number", "order"],
)
def test_a_refund_under_its_own_number_meets_the_order_days_later(
    tmp_path: Path, key: str, undoes: str
) -> None:
    story = at_work(tmp_path / "books", key)
    sold(story, 21, "O1")
    refunded(story, 22, "O1")
    returned(story, 25, "RF-1", 51_000, undoes)
    story.run(may(24))
    equal(open_on(story, everything=True), [("PAY-O1", "refund", "timing", "-51000")])
    [waiting] = [b for b in story.books.breaks(everything=True) if b["leg"] == "sale-gateway"]
    story.run(may(25))
    equal(open_on(story, everything=True), [])
    told = story.books.explain(waiting["id"])
    [proof] = told["proofs"]
    equal((proof["rule"], proof["residue"]), ("orig_ref", "0"))
    of = "" if undoes == "PAY-O1" else " of PAY-O1"
    equal(proof["compared"], [f"orig_ref: PAY-RF-1 undoes {undoes}{of}"])
    equal(
        [proof[s]["file"] for s in ("left", "right")],
        ["orders_2026-05-22.csv", "PG2_settlement_20260525.csv"],
    )
    assert story.balance("Assets:Clearing:Gateway:PG2", may(25)) == 0
    story.proven()
    equal([str(f) for f in verify(story.root)], [])


@pytest.mark.usefixtures("apart")
def test_two_partial_refunds_are_one_refund(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    sold(story, 21, "O1")
    refunded(story, 22, "O1")
    returned(story, 24, "RF-1", 20_000, "PAY-O1")
    returned(story, 26, "RF-2", 31_000, "PAY-O1")
    story.run(may(24))
    equal(open_on(story), [("PAY-O1", "refund", "refund_mismatch", "-31000")])
    item = story.item("PAY-O1", "refund_mismatch")
    story.run(may(26))
    equal(open_on(story, everything=True), [])
    told = story.books.explain(item)
    rows = {r["values"]["payment_ref"] for r in told["rows"]}
    equal(rows, {"PAY-O1", "PAY-RF-1", "PAY-RF-2"})
    for number in ("PAY-RF-1", "PAY-RF-2"):
        told = story.books.explain(number)
        mine = [p for p in told["proofs"] if p["leg"] == "sale-gateway"]
        equal([(p["item"], p["rule"]) for p in mine], [(item, "orig_ref")])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_two_partial_refunds_of_one_report(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    sold(story, 21, "O1")
    refunded(story, 22, "O1")
    returned(story, 24, "RF-1", 20_000, "PAY-O1")
    returned(story, 24, "RF-2", 31_000, "PAY-O1")
    story.run(may(24))
    equal(open_on(story, everything=True), [])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_a_refund_of_another_amount_is_a_refund_mismatch(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    sold(story, 21, "O1")
    refunded(story, 22, "O1")
    returned(story, 24, "RF-1", 50_000, "PAY-O1")
    story.run(may(24))
    equal(open_on(story), [("PAY-O1", "refund", "refund_mismatch", "-1000")])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_a_refund_that_we_have_not_waits_for_our_row(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    sold(story, 21, "O1")
    returned(story, 23, "RF-1", 51_000, "PAY-O1")
    refunded(story, 25, "O1")
    story.run(may(24))
    equal(open_on(story, everything=True), [("PAY-O1", "refund", "timing", "51000")])
    story.run(may(25))
    equal(open_on(story, everything=True), [])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_a_refund_of_nothing_that_we_know_breaks_after_the_gateway_s_lag(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    sold(story, 21, "O1")
    returned(story, 22, "RF-9", 51_000, "PAY-OLD")
    story.run(may(22 + LAG - 1))
    equal(open_on(story, everything=True), [("PAY-OLD", "refund", "timing", "51000")])
    story.run(may(22 + LAG))
    equal(open_on(story), [("PAY-OLD", "refund", "refund_mismatch", "51000")])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_its_own_reference_comes_first(tmp_path: Path) -> None:
    """Where a row bears the payment's own reference, what it says of another number changes nothing."""
    story = at_work(tmp_path / "books", '["partner_ref"]')
    sold(story, 21, "O1")
    sold(story, 21, "O2")
    refunded(story, 22, "O1")
    reported(story, 25, "O1", "REFUND", -51_000, "N-RF", "PAY-O2")
    story.run(may(25))
    equal(open_on(story, everything=True), [])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_a_chargeback_names_the_payment_that_it_takes_back(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    sold(story, 21, "O1")
    reported(story, 24, "CB-1", "CHARGEBACK", -51_000, "N-CB", "PAY-O1")
    story.run(may(24))
    equal(open_on(story), [("PAY-O1", "chargeback", "chargeback", "51000")])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_the_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    """Our file of the day of the payment comes last of all."""
    story = at_work(tmp_path / "books", '["partner_ref"]')
    sold(story, 21, "O1")
    refunded(story, 22, "O1")
    returned(story, 25, "RF-1", 51_000, "N-O1")
    late = story.root / "inbox" / "PG2_settlement_20260522.csv"
    held = tmp_path / late.name
    for day in range(21, 26):
        story.drop(may(day))
        if day == 22:
            shutil.move(late, held)
    story.next = may(26)
    story.work()
    shutil.move(held, late)
    story.work()
    equal(open_on(story, everything=True), [])
    story.proven()


@pytest.mark.usefixtures("apart")
def test_the_second_program_sees_that_payments_share_their_key(tmp_path: Path) -> None:
    story = at_work(tmp_path / "books")
    for ref in ("O1", "O2"):
        story.sold(may(21), ref)
        story.row(may(21), f"A-{ref}", ref, debit=49_800)
        reported(story, 21, ref, "PAYMENT", 51_000, f"N-{ref}")
    story.run(may(21))
    equal([str(f) for f in story.books.audit()[1]], [])
    (path,) = story.root.glob("subledger/matches/leg=sale-gateway/**/*.parquet")
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    one, two = rows
    one["right_record"], two["right_record"] = two["right_record"], one["right_record"]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    found = [f for f in story.books.audit()[1] if f.check == "keys"]
    assert [f.message.partition(":")[0].partition(" was")[0] for f in found] == ["PAY-O1", "PAY-O2"]
    assert "do not share it" in found[0].message


def test_a_refund_that_the_gateway_never_takes(tmp_path: Path) -> None:
    """Refunded by us and in no report: a difference of refunds, which they lose, and not a payment that is missing."""
    story = Story(tmp_path / "books", may(2), gateway="PG1", bank=True)
    story.sold(may(2), "O1", partner="")
    story.reports[may(3)] = [w.settled("PG1-20260503", may(3), "O1", "PAYMENT", 51_000)]
    story.pays_out(may(3), 51_000, "PG1-20260503")
    story.sold(
        may(3),
        "O1",
        "FAILED",
        partner="",
        paid=f"{may(2)} 10:00:00",
        at=f"{may(3)} 09:00:00",
        refunded=f"{may(3)} 09:00:00",
    )
    story.run(may(5))
    [one] = [b for b in story.books.breaks() if b["leg"] == "sale-gateway"]
    equal(
        [one[k] for k in ("class", "residue", "priority", "treatments")],
        ["refund_mismatch", "-51000", 3, ["income"]],
    )
    equal(story.balance("Assets:Breaks:PG1:Refund-Mismatch", may(5)), -51_000)
    story.proven()


def test_a_payment_that_is_settled_again_is_a_difference_of_that_order(tmp_path: Path) -> None:
    """Settled on the 3rd, and on the 5th once more: the order is known, so it is not money for nobody's order."""
    story = Story(tmp_path / "books", may(2), gateway="PG1", bank=True)
    story.sold(may(2), "O1", partner="")
    for day in (3, 5):
        name = f"PG1-202605{day:02}"
        story.reports[may(day)] = [w.settled(name, may(day), "O1", "PAYMENT", 51_000)]
        story.pays_out(may(day), 51_000, name)
    story.run(may(4))
    equal([b for b in story.books.breaks() if b["leg"] == "sale-gateway"], [])
    story.run(may(5))
    [one] = [b for b in story.books.breaks() if b["leg"] == "sale-gateway"]
    equal(
        [one[k] for k in ("class", "residue", "priority", "opened")],
        ["amount_mismatch", "-51000", 3, "2026-05-05"],
    )
    # They notice, and take it back: both settlements stand, and nothing is open.
    story.reports[may(6)] = [w.settled("PG1-20260506", may(6), "O1", "PAYMENT", -51_000)]
    story.pays_out(may(6), -51_000, "PG1-20260506")
    story.run(may(6))
    equal([b for b in story.books.breaks(everything=True) if b["leg"] == "sale-gateway"], [])
    story.proven()
    equal([str(f) for f in verify(story.root)], [])
    equal([str(f) for f in story.books.audit()[1]], [])
    again = story.books.rebuild(tmp_path / "again")
    equal((again.equal, again.differences), (True, []))
