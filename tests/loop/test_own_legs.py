"""Legs that a company declares itself, in finops.toml or in an SOP: from files to breaks, and what is refused."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.books.rebuild import rebuild
from finops_ledger.books.verify import verify
from finops_ledger.core.errors import UsageError
from finops_ledger.intake.formats import find_format
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import Story, equal

MARKET = """
name = "market"
version = 1
role = "report"
description = "The marketplace's list of orders."
source_of_layout = "Written for this project."
key = ["{key}"]
order = "oldest-first"

[file]
delimiter = ","
header = ["order", "part", "at", "status", "paid"]

[times]
zone = "Asia/Jakarta"
format = "%Y-%m-%d %H:%M:%S"

[fields]
ref = "order"
partner_ref = "part"
occurred_at = "at"
amount = "paid"

[status]
column = "status"
map = {{ SUCCESS = "success", FAILED = "failed" }}
"""
REPORT = """
[[sources]]
name = "market"
role = "report"
format = "market"
match = "market_*.csv"
day = { name = 'market_(\\d{4}-\\d{2}-\\d{2})', format = "%Y-%m-%d" }
"""
LEG = """
[[legs]]
name = "market-orders"
grace = "24h"
tolerance = { limit = "1", owner = "finance" }

[legs.left]
role = "report"
key = ["ref"]
measure = "amount"
statuses = ["success"]

[legs.right]
role = "sale"
sources = ["orders"]
key = ["ref"]
measure = "amount"
statuses = ["success"]

[legs.classes]
left_only = "not_in_our_sales"
right_only = "not_in_their_report"
differs = "amount_mismatch"

[legs.own.not_in_our_sales]
priority = 1
owner = "market desk"

[legs.own.not_in_their_report]
priority = 2
"""
SOP_LEG = """
[[versions.legs]]
name = "serials"
[versions.legs.left]
role = "sale"
key = ["ref"]
measure = "rows"
statuses = ["success"]
[versions.legs.right]
role = "supply"
key = ["ref"]
measure = "rows"
statuses = ["success"]
[versions.legs.classes]
left_only = "missing_at_partner"
right_only = "missing_at_platform"
differs = "product_unclear"
[versions.legs.own.product_unclear]
"""
CUT = 49_800


def mar(day: int) -> date:
    return date(2026, 3, day)


def market(story: Story, day: int, *orders: tuple[Any, ...]) -> None:
    """The marketplace's report of a day: reference, status, price."""
    lines = [
        f"{ref},{ref}-{n},{mar(day)} 10:00:00,{status},{price}"
        for n, (ref, status, price) in enumerate(orders)
    ]
    text = "\n".join(["order,part,at,status,paid", *lines]) + "\n"
    (story.root / "inbox" / f"market_{mar(day).isoformat()}.csv").write_text(text)


def declared(root: Path, leg: str = LEG, source: str = REPORT, key: str = "ref") -> Story:
    """A workspace whose finops.toml declares a leg."""
    story = Story(root, mar(2))
    (story.root / "formats" / "market.toml").write_text(MARKET.format(key=key))
    path = story.root / "finops.toml"
    path.write_text(path.read_text() + source + leg)
    return story


def sold(story: Story, day: int, *refs: str, price: int = 51_000) -> None:
    """Orders that the partner delivers on the same day."""
    for ref in refs:
        story.sold(mar(day), ref, price=price)
        story.row(mar(day), f"A-{ref}", ref, debit=CUT)


def found(story: Story, leg: str = "market-orders", *, everything: bool = False) -> Any:
    """What stands open on a leg: reference, class, residue, exposure."""
    items = story.books.breaks(everything=everything)
    shown = [(i["ref"], i["class"], i["residue"], i["exposure"]) for i in items if i["leg"] == leg]
    return sorted(shown)


def test_a_report_is_held_against_our_sales(tmp_path: Path) -> None:
    story = declared(tmp_path / "books")
    sold(story, 2, "O1", "O2", "O3", "O4")
    market(
        story, 2, ("O1", "SUCCESS", 51_000), ("O2", "SUCCESS", 50_000), ("O4", "SUCCESS", 51_001)
    )
    market(story, 3, ("O9", "SUCCESS", 20_000), ("O8", "FAILED", 20_000))
    market(story, 4, ("O3", "SUCCESS", 51_000))
    story.run(mar(2))
    equal(
        found(story, everything=True),
        [("O2", "amount_mismatch", "0", "1000"), ("O3", "timing", "0", "51000")],
    )
    story.run(mar(3))
    equal(
        found(story),
        [
            ("O2", "amount_mismatch", "0", "1000"),
            ("O3", "not_in_their_report", "0", "51000"),
        ],
    )
    story.run(mar(4))
    equal(
        found(story),
        [("O2", "amount_mismatch", "0", "1000"), ("O9", "not_in_our_sales", "0", "20000")],
    )
    items = {b["ref"]: b for b in story.books.breaks()}
    equal((items["O9"]["priority"], items["O9"]["owner"]), (1, "market desk"))
    told = story.books.explain(items["O9"]["id"])
    equal((told["facts"]["leg"], len(told["rows"])), ("market-orders", 1))
    verdicts = {(v.day, v.counterparty): v.verdict for v in story.verdicts()}
    equal(verdicts[mar(4), "customers"], "breaks")
    bridges = [x["bridge"]["residual"] for v in story.verdicts() for x in v.legs if x["bridge"]]
    equal(set(bridges), {"0"})
    # It posts nothing: no entry names it, and the books prove themselves.
    equal([e for e in story.load() if "market-orders" in str(e.meta)], [])
    for path in story.kept.iterdir():
        if path.name.startswith("market_"):
            path.unlink()
    story.proven()


def test_it_is_rebuilt_and_verified(tmp_path: Path) -> None:
    story = declared(tmp_path / "books")
    sold(story, 2, "O1")
    market(story, 2, ("O1", "SUCCESS", 50_000))
    story.run(mar(2))
    equal([str(f) for f in verify(story.root)], [])
    again = rebuild(story.root, tmp_path / "again")
    equal((again.equal, again.differences), (True, []))


def test_the_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    story = declared(tmp_path / "books")
    sold(story, 2, "O1", "O2")
    sold(story, 3, "O3")
    story.run(mar(3))
    equal(found(story), [])
    market(story, 2, ("O1", "SUCCESS", 51_000))
    story.work()
    market(story, 3, ("O3", "SUCCESS", 51_000), ("O2", "SUCCESS", 51_000))
    story.work()
    equal(found(story, everything=True), [])


def test_a_leg_of_an_sop_is_in_force_from_its_version_on(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", mar(2))
    sop = story.root / "sops" / "AggA.toml"
    first = sop.read_text()
    second = first[first.index("[[versions]]") :].replace("2026-01-01", "2026-03-03")
    second = second.replace("SOP-AggA-1", "SOP-AggA-2")
    sop.write_text(first + second + SOP_LEG)
    for day in (2, 3):
        sold(story, day, f"O{day}", f"P{day}")
        story.row(mar(day), f"A-X{day}", f"O{day}", debit=CUT)
    story.run(mar(3))
    ran = sorted(day for leg, _, day in story.books.space.state.reconciled if leg == "serials")
    equal(ran, [mar(3)])
    # One against one: the partner's second row of an order is an item of its own.
    equal(found(story, "serials"), [("O3", "missing_at_platform", "0", "1")])


def test_two_rows_of_a_key_are_summed_where_the_leg_says_so(tmp_path: Path) -> None:
    leg = LEG.replace('grace = "24h"', 'grace = "24h"\npairs = "sum"')
    story = declared(tmp_path / "books", leg, key="partner_ref")
    sold(story, 2, "O1")
    market(story, 2, ("O1", "SUCCESS", 50_000), ("O1", "SUCCESS", 1_000))
    story.run(mar(2))
    equal(found(story, everything=True), [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'sources = ["orders"]',
            'sources = ["order"]',
            "no source 'order'; did you mean 'orders'?",
        ),
        ('sources = ["orders"]', 'sources = ["agga"]', "has the role supply, not sale"),
        (
            'role = "report"',
            'role = "settlement"',
            "no source of finops.toml has the role settlement",
        ),
        ('measure = "amount"', 'measure = "amout"', "did you mean 'amount'?"),
        ('left_only = "not_in_our_sales"', 'left_only = "not_in_our_sale"', "no class of the leg"),
        (
            'differs = "amount_mismatch"',
            'differs = "amount_mismatsh"',
            "did you mean 'amount_mismatch'",
        ),
        ('name = "market-orders"', 'name = "sale-supply"', "name of a leg of the package"),
        ('grace = "24h"', 'grace = "24h"\ncounterparty = "Nobody"', "has no SOP"),
        ('grace = "24h"', 'grace = "24h"\ncardinality = "sum"', "unknown key"),
        ('role = "report"', 'role = "report"\nparty = "partner"', "needs the counterparty"),
        ('statuses = ["success"]', 'statuses = ["sucess"]', "did you mean 'success'?"),
        ('limit = "1"', "limit = 1.5", "write the number as text"),
    ],
)
def test_a_leg_that_cannot_be_followed_is_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    leg = LEG.replace(old, new, 1)
    assert leg != LEG
    story = declared(tmp_path / "books", leg)
    with pytest.raises(UsageError) as refused:
        story.books.space.reload()
    assert said in str(refused.value)
    assert "finops.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("Assets:Clearing:Supply:{}", "the leg sale-supply clears it already"),
        ("Assets:Bank:BCA", "no rows move it"),
        ("Assets:Clearing:Settlement-Held:{}", "rows of role report do not post to"),
    ],
)
def test_a_leg_with_an_account_that_its_rows_do_not_move_is_refused(
    tmp_path: Path, account: str, said: str
) -> None:
    leg = LEG.replace('measure = "amount"\n', "").replace('limit = "1"', 'limit = "0"')
    leg = leg.replace('grace = "24h"', f'account = "{account}"\ncounterparty = "AggA"')
    story = declared(tmp_path / "books", leg)
    with pytest.raises(UsageError, match=said):
        story.books.space.reload()


def test_a_leg_that_changes_is_a_change_of_rules(tmp_path: Path) -> None:
    story = declared(tmp_path / "books")
    sold(story, 2, "O1")
    market(story, 2, ("O1", "SUCCESS", 50_000))
    story.run(mar(2))
    path = story.root / "finops.toml"
    path.write_text(path.read_text().replace('limit = "1"', 'limit = "1000"'))
    story.books.space.reload()
    shutil.copy2(next(iter(story.kept.glob("orders_*"))), story.root / "inbox")
    story.books.import_files()
    story.books.reconcile()
    equal(found(story), [])


HELD = """
[[legs]]
name = "held-by-gateway"
counterparty = "PG1"
pairs = "sum"
account = "Assets:Clearing:Settlement-Held:{}"
grace = "24h"
[legs.left]
role = "settlement"
kinds = ["adjustment"]
key = ["ref"]
[legs.right]
role = "settlement"
kinds = ["payout"]
key = ["ref"]
[legs.classes]
left_only = "settlement_short"
right_only = "settlement_over"
differs = "amount_mismatch"
"""


def test_a_leg_with_an_account_clears_it(tmp_path: Path) -> None:
    """What a gateway holds back waits, breaks when it is not released in time, and closes when it is."""
    story = Story(tmp_path / "books", mar(2), gateway="PG1")
    path = story.root / "finops.toml"
    path.write_text(path.read_text() + HELD)
    shipped = find_format("pg_settlement", tmp_path).read_text()
    rule = '  { column = "type", equals = "FEE", is = "fee" },\n'
    adjusts = rule.replace("FEE", "ADJUSTMENT").replace('"fee"', '"adjustment"')
    (story.root / "formats" / "pg_settlement.toml").write_text(
        shipped.replace(rule, rule + adjusts)
    )
    sold(story, 2, "O1")
    hold, release = (
        w.settled("PG1-A", mar(d), "O1", "ADJUSTMENT", n) for d, n in ((2, -5), (4, 5))
    )
    story.reports[mar(2)] = [w.settled("PG1-20260302", mar(2), "O1", "PAYMENT", 51_000), hold]
    story.reports[mar(4)] = [release.replace("PG1-A", "PG1-B")]
    story.run(mar(2))
    equal(found(story, "held-by-gateway", everything=True), [("O1", "timing", "5", "5")])
    story.run(mar(3))
    equal(found(story, "held-by-gateway"), [("O1", "settlement_short", "5", "5")])
    equal(story.balance("Assets:Breaks:PG1:Settlement-Short", mar(3)), 5)
    story.run(mar(4))
    equal(found(story, "held-by-gateway"), [])
    for account in ("Clearing:Settlement-Held:PG1", "Breaks:PG1:Settlement-Short"):
        equal(story.balance(f"Assets:{account}", mar(4)), 0)
    story.proven()


def test_a_leg_that_is_taken_away_after_a_close_leaves_its_closed_days_readable(
    tmp_path: Path,
) -> None:
    story = declared(tmp_path / "books")
    sold(story, 2, "O1", "O2")
    market(story, 2, ("O1", "SUCCESS", 50_000))
    market(story, 3, ("O2", "SUCCESS", 51_000))
    story.run(mar(2))
    item = next(b["id"] for b in story.books.breaks() if b["leg"] == "market-orders")
    story.books.close_period(mar(2), "controller-1")
    story.run(mar(3))
    path = story.root / "finops.toml"
    path.write_text(path.read_text().replace(LEG, ""))
    story.books.space.reload()
    story.run(mar(4))
    # It posted nothing, so that nothing is left of it but what the closed day says.
    equal(found(story), [])
    assert story.books.explain(item)["title"].startswith("amount_mismatch O1")
    equal([str(f) for f in verify(story.root)], [])
    equal([str(f) for f in story.books.audit()[1]], [])
    again = rebuild(story.root, tmp_path / "again")
    equal((again.equal, again.differences), (True, []))
    assert story.verdicts()


def test_a_leg_with_an_account_that_is_taken_away_still_lists_its_money(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", mar(2), gateway="PG1")
    path = story.root / "finops.toml"
    path.write_text(path.read_text() + HELD)
    shipped = find_format("pg_settlement", tmp_path).read_text()
    rule = '  { column = "type", equals = "FEE", is = "fee" },\n'
    adjusts = rule.replace("FEE", "ADJUSTMENT").replace('"fee"', '"adjustment"')
    own = story.root / "formats" / "pg_settlement.toml"
    own.write_text(shipped.replace(rule, rule + adjusts))
    hold = w.settled("PG1-A", mar(2), "O1", "ADJUSTMENT", -5)
    story.reports[mar(2)] = [w.settled("PG1-20260302", mar(2), "O1", "PAYMENT", 51_000), hold]
    sold(story, 2, "O1")
    story.run(mar(3))
    story.books.close_period(mar(3), "controller-1")
    story.run(mar(4))
    path.write_text(path.read_text().replace(HELD, ""))
    story.books.space.reload()
    story.run(mar(5))
    [item] = [b for b in story.books.breaks() if b["leg"] == "held-by-gateway"]
    equal((item["class"], item["residue"]), ("settlement_short", "5"))
    with pytest.raises(UsageError, match="is declared no more"):
        story.books.resolve([item["id"]], "cost", maker="a", checker="b")
    story.load()
    equal([str(f) for f in verify(story.root)], [])


def test_what_a_biller_invoices_is_held_against_its_transactions_day_by_day(tmp_path: Path) -> None:
    """The leg as the how-to page declares it."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "add-a-leg.md").read_text()
    leg = re.search(r"```toml\n(\[\[legs\]\]\nname = \"invoiced-unbilled\".*?)```", page, re.DOTALL)
    assert leg is not None
    story = Postpaid(tmp_path / "books", mar(2))
    path = story.root / "finops.toml"
    path.write_text(path.read_text() + "\n" + leg[1])
    for day, bills in ((2, 3), (3, 2), (4, 1), (5, 1)):
        for number in range(bills):
            story.paid(mar(day), f"B{day}{number}")
            story.billed(mar(day), f"B{day}{number}")
    gross = 352_500
    story.invoices_(mar(3), "AggB-1", mar(2), 3 * gross, 3_600, 396)
    story.invoices_(mar(4), "AggB-2", mar(3), 3 * gross, 3_600, 396)
    story.invoices_(mar(6), "AggB-3", mar(1), gross, 1_200, 132)
    story.run(mar(6))
    equal(
        found(story, "invoiced-unbilled", everything=True),
        [
            ("2026-03-01", "timing", "0", "352500"),
            # The leg begins with the first invoice.
            ("2026-03-02", "billed_for_nothing", "0", "1057500"),
            ("2026-03-03", "billed_too_much", "0", "352500"),
            ("2026-03-04", "timing", "0", "352500"),
            ("2026-03-05", "timing", "0", "352500"),
        ],
    )
    story.run(mar(7))
    assert ("2026-03-04", "not_billed", "0", "352500") in found(story, "invoiced-unbilled")
    story.proven()
    equal([str(f) for f in story.books.audit()[1]], [])


def test_what_agreed_and_is_corrected_days_later_differs(tmp_path: Path) -> None:
    """The marketplace states another price for an order of the day before yesterday: it is known in our sales."""
    story = declared(tmp_path / "books")
    sold(story, 2, "O1", "O2")
    market(story, 2, ("O1", "SUCCESS", 51_000), ("O2", "SUCCESS", 51_000))
    market(story, 3)
    market(story, 4, ("O1", "SUCCESS", 50_500))
    story.run(mar(3))
    equal(found(story, everything=True), [])
    story.run(mar(4))
    equal(found(story, everything=True), [("O1", "amount_mismatch", "0", "500")])
    market(story, 5, ("O1", "SUCCESS", 51_000))
    story.run(mar(5))
    equal(found(story, everything=True), [])
    equal([str(f) for f in story.books.audit()[1]], [])
    again = rebuild(story.root, tmp_path / "again")
    equal((again.equal, again.differences), (True, []))
