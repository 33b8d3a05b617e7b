"""Worked case 18: codes held in stock, bought in lots and sold oldest first."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount.core import data

from finops_ledger.core.errors import UsageError
from tests.worked.story import Story, equal, snapshot

pytestmark = pytest.mark.samples
STOCK = "Assets:Inventory:Game-Voucher"

CODES = """name = "own"
version = 1
role = "supply"
description = "Codes bought for the vault: one line a code, with the lot that it came in."
source_of_layout = "Written for this project."
key = ["partner_ref"]
order = "oldest-first"

[file]
delimiter = ","
header = ["time", "code_id", "lot", "product", "units", "paid", "state"]

[numbers]
decimal = "."

[times]
zone = "Asia/Jakarta"
format = "%Y-%m-%d %H:%M:%S"

[fields]
occurred_at = "time"
partner_ref = "code_id"
ref = "lot"
product = "product"
quantity = "units"
amount = { column = "paid", negate = true, zero_when_status = ["reversed"] }

[status]
column = "state"
map = { OK = "success", WAIT = "pending", BACK = "reversed" }
"""

PRICES = "product,category,face,cost,from,to\n{products}"


def may(day: int) -> date:
    return date(2026, 5, day)


class Vault(Story):
    """Sales of codes, and the files by which codes come into the vault."""

    def __init__(self, root: Path, products: tuple[str, ...] = ("MLBB86",), **more: Any) -> None:
        super().__init__(root, may(11), partner="PubC", gateway="PG1", own_format=CODES, **more)
        sop = root / "sops" / "PubC.toml"
        sop.write_text(
            sop.read_text()
            .replace("[versions.supply]\n", '[versions.supply]\nmodel = "stock"\n')
            .replace('{ opens = "23:00", named_by = "end" }', '{ opens = "00:00" }')
        )
        lines = "".join(f"{p},Game-Voucher,,19000,,\n" for p in products)
        (root / "prices" / "PubC.csv").write_text(PRICES.format(products=lines))
        self.codes: dict[date, list[str]] = defaultdict(list)

    def lot(
        self,
        day: date,
        label: str,
        count: int,
        cost: str,
        product: str = "MLBB86",
        *,
        units: int = 1,
        state: str = "OK",
        at: str = "09:00:00",
    ) -> None:
        """So many rows of codes of one lot."""
        for number in range(count):
            cells = [f"{day} {at}", f"{label}-{number}", label, product, units, cost, state]
            self.codes[day].append(",".join(map(str, cells)))

    def sale(self, day: date, ref: str, price: int = 20_500, **more: Any) -> None:
        """A code that a customer bought."""
        self.sold(day, ref, more.pop("status", "SUCCESS"), product=more.pop("product", "MLBB86"),
                  price=price * more.pop("times", 1), **more)  # fmt: skip

    def drop(self, day: date) -> None:
        """Write the files of one day into the inbox."""
        super().drop(day)
        name = f"PubC_mutasi_{day:%Y%m%d}.csv"
        text = "\n".join(["time,code_id,lot,product,units,paid,state", *self.codes[day]]) + "\n"
        if name in self.held:
            self.held[name] = text
            (self.kept / name).unlink(missing_ok=True)
        else:
            for folder in (self.root / "inbox", self.kept):
                (folder / name).write_text(text)

    def lots(self, day: date) -> list[tuple[Decimal, Decimal, str]]:
        """What Beancount says lies in the vault at the end of a day: units, cost and lot."""
        held: dict[tuple[str, Decimal, str], Decimal] = defaultdict(Decimal)
        for entry in self.load():
            if isinstance(entry, data.Transaction) and entry.date <= day:
                for posting in entry.postings:
                    if posting.account == STOCK:
                        key = (posting.units.currency, posting.cost.number, posting.cost.label)
                        held[key] += posting.units.number
        return [(n, cost, label) for (_, cost, label), n in sorted(held.items()) if n]

    def right(self, again: Path) -> None:
        """The books prove themselves and come out again the same."""
        self.proven()
        equal([str(f) for f in self.books.verify()], [])
        equal(self.books.rebuild(again).differences, [])


def _case(root: Path) -> Vault:
    story = Vault(root)
    story.lot(may(11), "B-2605-01", 100, "19000")
    story.lot(may(11), "B-2605-02", 100, "19500")
    for number in range(120):
        story.sale(may(12), f"V{number}", at=f"2026-05-12 10:{number // 60:02}:{number % 60:02}")
    return story


def test_case_18_codes_held_in_stock(tmp_path: Path) -> None:
    story = _case(tmp_path / "books")
    story.run(may(12))
    reference = story.same_as(18)
    [proof] = [e for e in reference if isinstance(e, data.Balance)]
    made = [e for e in story.directives("balance") if e.account == proof.account]
    equal([(e.date, e.amount) for e in made][-1:], [(proof.date, proof.amount)])
    equal(story.lots(may(12)), [(80, 19_500, "B-2605-02")])
    verdicts = {v.day: v.verdict for v in story.verdicts() if v.counterparty == "PubC"}
    equal(verdicts, {may(11): "reconciled", may(12): "reconciled"})
    accounts = {p.account for e in story.directives("transaction") for p in e.postings}
    equal([a for a in accounts if a.startswith("Assets:Clearing:Supply")], [])
    story.right(tmp_path / "again")


def _of_day(story: Vault, day: date, tag: str, account: str) -> list[tuple[Decimal, str]]:
    return [
        (p.units.number, p.units.currency)
        for e in story.load()
        if isinstance(e, data.Transaction) and e.date == day and tag in e.tags
        for p in e.postings
        if p.account == account
    ]


def test_more_is_sold_than_there_is(tmp_path: Path) -> None:
    """The order that the vault does not cover stays undelivered; the day names it, until the codes are in."""
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 2, "19000")
    story.lot(may(12), "B-2", 5, "19500")
    story.missing = {may(12)}
    for number in range(4):
        story.sale(may(12), f"V{number}", at=f"2026-05-12 10:00:0{number}")
    story.sale(may(13), "V9")
    story.run(may(13))
    equal(_of_day(story, may(12), "sale", STOCK), [(-2, "MLBB86")])
    equal(story.balance("Liabilities:Customer-Orders:Undelivered", may(13)), -3 * 20_500)
    story.bring(may(12))
    equal(story.lots(may(13)), [(2, 19_500, "B-2")])
    equal(story.balance("Liabilities:Customer-Orders:Undelivered", may(13)), 0)
    story.load()


def test_the_day_says_what_it_lacks(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 1, "19000")
    for number in range(2):
        story.sale(may(11), f"V{number}", at=f"2026-05-11 10:00:0{number}")
    story.run(may(11))
    [verdict] = [v for v in story.verdicts() if v.counterparty == "PubC"]
    told = "no_price MLBB86 on 2026-05-11 (more is sold than stands in stock)"
    equal((verdict.verdict, verdict.reasons), ("incomplete", [told]))
    story.load()


def test_an_order_of_several_codes_waits_as_a_whole(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 1, "19000", units=3)
    story.lot(may(11), "B-2", 2, "19500")
    line = "{0},2026-05-12 10:00:0{1},PubC,app,MLBB86,{2},{3},0,SUCCESS,2026-05-12 10:00:0{1},,PAY-{0},,1"
    story.sales[may(12)] += [line.format("Q1", 1, 4, 82_000), line.format("Q2", 2, 2, 41_000)]
    story.run(may(12))
    equal(story.balance("Liabilities:Customer-Orders:Undelivered", may(12)), -41_000)
    story.load()


def test_costs_that_do_not_divide_lie_on_one_unit(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 1, "1000000", units=3)
    story.lot(may(11), "B-2", 2, "19000")
    for number in range(4):
        story.sale(may(12), f"V{number}", price=400_000, at=f"2026-05-12 10:00:0{number}")
    story.run(may(12))
    equal(story.balance("Expenses:COGS:Game-Voucher", may(12)), 1_019_000)
    equal(story.lots(may(12)), [(1, 19_000, "B-2")])
    story.load()


def test_a_refunded_code_goes_back_to_its_lot(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 2, "19000")
    story.lot(may(12), "B-2", 2, "19500")
    for number in range(3):
        story.sale(may(12), f"V{number}", at=f"2026-05-12 10:00:0{number}")
    story.sale(may(13), "V0", status="REFUNDED", paid="2026-05-12 10:00:00",
               refunded="2026-05-13 11:00:00")  # fmt: skip
    story.sale(may(14), "V7")
    story.run(may(13))
    equal(story.lots(may(13)), [(1, 19_000, "B-1"), (1, 19_500, "B-2")])
    equal(story.balance("Expenses:COGS:Game-Voucher", may(13)), 19_000 + 19_500)
    story.run(may(14))
    equal(story.lots(may(14)), [(1, 19_500, "B-2")])
    story.right(tmp_path / "again")


def test_the_partner_takes_codes_back(tmp_path: Path) -> None:
    """What still lies in its lot leaves it; of a code that is sold only the money comes back."""
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 2, "19000")
    for number in range(2):
        if number:
            story.codes[may(13)].append("2026-05-13 09:00:00,B-1-1,B-1,MLBB86,1,19000,BACK")
        story.sale(may(12 + 2 * number), f"V{number}")
    story.run(may(13))
    equal(story.lots(may(13)), [])
    equal(story.balance("Assets:Deposits:PubC", may(13)), 10_000_000 - 19_000)
    story.run(may(14))
    [verdict] = [v for v in story.verdicts() if v.day == may(14) and v.counterparty == "PubC"]
    equal(verdict.verdict, "incomplete")
    story.codes[may(15)].append("2026-05-15 09:00:00,B-1-0,B-1,MLBB86,1,19000,BACK")
    story.run(may(15))
    equal(story.balance("Expenses:COGS:Game-Voucher", may(15)), 0)
    equal(story.balance("Assets:Deposits:PubC", may(15)), 10_000_000)
    equal([str(f) for f in story.books.verify()], [])


def test_several_products_and_codes_that_come_the_same_day(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books", ("MLBB86", "ff-70"))
    story.lot(may(11), "A-1", 2, "19000")
    story.lot(may(11), "F-1", 2, "9500", "ff-70")
    story.sale(may(11), "V1", at="2026-05-11 08:00:00")
    story.sale(may(11), "V2", 12_000, product="ff-70")
    story.run(may(11))
    equal(_of_day(story, may(11), "sale", STOCK), [(-1, "MLBB86"), (-1, "FF-70")])
    equal(story.lots(may(11)), [(1, 9_500, "F-1"), (1, 19_000, "A-1")])
    equal(story.balance("Expenses:COGS:Game-Voucher", may(11)), 28_500)
    story.load()


def test_a_code_that_is_not_there_yet_is_paid_for_and_pending(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 1, "19000", state="WAIT")
    story.lot(may(12), "B-1", 1, "19000")
    story.run(may(11))
    equal(story.balance("Assets:Clearing:Supply-Pending:PubC", may(11)), 19_000)
    equal(story.lots(may(11)), [])
    story.run(may(12))
    equal(story.balance("Assets:Clearing:Supply-Pending:PubC", may(12)), 0)
    equal(story.lots(may(12)), [(1, 19_000, "B-1")])
    equal(story.books.breaks(everything=True), [])
    story.load()


def test_in_any_order_of_arrival(tmp_path: Path) -> None:
    def told(root: Path) -> Vault:
        story = Vault(root)
        for day, cost in ((11, "19000"), (12, "19500"), (13, "19900")):
            story.lot(may(day), f"B-{day}", 3, cost)
            for number in range(2):
                story.sale(may(day), f"V{day}-{number}", at=f"2026-05-{day} 10:00:0{number}")
        return story

    in_time, late = told(tmp_path / "in-time"), told(tmp_path / "late")
    in_time.run(may(13))
    late.missing = {may(11), may(12)}
    late.run(may(13))
    late.bring(may(12))
    late.bring(may(11))
    made, wanted = snapshot(late.root), snapshot(in_time.root)
    for books in (made, wanted):
        for name in ("manifest", "journal/index.beancount"):
            books.pop(name)
    equal([n for n in sorted({*made, *wanted}) if made.get(n) != wanted.get(n)], [])
    late.right(tmp_path / "again")


def test_nobody_moves_codes_by_hand(tmp_path: Path) -> None:
    story = Vault(tmp_path / "books")
    story.lot(may(11), "B-1", 2, "19000")
    story.run(may(11))
    loss = ("Expenses:Operational-Loss:Unrecovered", 19_000)
    story.decide(may(12), "x-0123456789abcdef", loss, (STOCK, -19_000))
    with pytest.raises(UsageError, match=r"name the lot in full|with a minus"):
        story.run(may(12))
