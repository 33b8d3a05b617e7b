"""The goods themselves: another product than was sold, a serial that another order has had; one break an order."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.recon.classes import CLASSES, PRIORITY, RESIDUE_ZERO
from tests.worked.story import Story, equal

CUT = 49_800
OWNERS = """
[versions.owners]
default = "desk-supply"
cost_mismatch = "buyer"

[versions.deadlines]
default = "72h"
cost_mismatch = "24h"
"""


def apr(day: int) -> date:
    return date(2026, 4, day)


def told(story: Story, as_of: date | None = None, **how: Any) -> dict[str, dict[str, Any]]:
    """The open breaks by order."""
    return {b["ref"]: b for b in story.books.breaks(as_of, **how)}


def classes(story: Story, as_of: date | None = None) -> dict[str, list[str]]:
    return {ref: [b["class"], *b["also"]] for ref, b in told(story, as_of).items()}


def codes(story: Story, text: str) -> None:
    (story.root / "prices" / "AggA.csv").write_text(text)


def test_another_product_or_a_serial_of_another_order(tmp_path: Path) -> None:
    """We sold pulsa; what came was a token of the same cost, or the serial of the order before."""
    story = Story(tmp_path / "books", apr(1), more=OWNERS)
    for ref in ("G1", "G2", "G3", "G4", "G5"):
        story.sold(apr(1), ref)
    story.row(apr(1), "A-1", "G1", debit=CUT, code="T50", serial="SN-1")
    story.row(apr(1), "A-2", "G2", debit=CUT, code="no list knows it", serial="SN-2")
    story.row(apr(1), "A-3", "G3", debit=CUT, serial="SN-3")
    # The serial of G3 once more, later the same day; and of the wrong product at another price.
    story.row(apr(1), "A-4", "G4", debit=CUT, serial="SN-3", at="01/04/2026 11:00:00")
    story.row(apr(1), "A-5", "G5", debit=CUT + 300, code="T50", serial="SN-5")
    # A month later the serial of G2 stands on another order; two months later that of G3 does.
    story.sold(apr(30), "G6")
    story.row(apr(30), "A-6", "G6", debit=CUT, serial="SN-2")
    story.run(apr(1))
    wanted = {
        "G1": ["product_mismatch"],
        "G4": ["serial_reused"],
        "G5": ["cost_mismatch", "product_mismatch"],
    }
    equal(classes(story), wanted)
    found = told(story)
    equal([found[r]["residue"] for r in wanted], ["0", "0", "300"])
    equal([found[r]["exposure"] for r in wanted], ["51000", "51000", "300"])
    equal(found["G1"]["reason"], "P50 sold, T50 delivered")
    equal(found["G4"]["reason"], "serial delivered before for G3")
    equal([found[r]["owner"] for r in wanted], ["desk-supply", "desk-supply", "buyer"])
    equal([found[r]["due"] for r in wanted], ["2026-04-04", "2026-04-04", "2026-04-02"])

    # Our platform corrects G1 to the product that came: the break closes. The rest stays, under one id each.
    story.sold(apr(3), "G1", product="T50", paid="2026-04-01 10:00:00")
    story.run(apr(3))
    equal(classes(story), {r: c for r, c in wanted.items() if r != "G1"})
    later = told(story)
    equal([later[r]["id"] for r in ("G4", "G5")], [found[r]["id"] for r in ("G4", "G5")])
    equal([later[r]["age"] for r in ("G4", "G5")], [2, 2])
    equal([later[r]["overdue"] for r in ("G4", "G5")], [False, True])
    story.run(apr(30))
    equal(classes(story), {"G4": wanted["G4"], "G5": wanted["G5"], "G6": ["serial_reused"]})

    # A decision on the difference of G5 settles the order: its other class opens no break of its own.
    story.decide(
        apr(30),
        told(story)["G5"]["id"],
        ("Income:Net:Pulsa", 300),
        ("Assets:Breaks:AggA:Cost-Mismatch", -300),
    )
    story.work()
    equal(set(classes(story)), {"G4", "G6"})
    story.proven()


def test_the_partners_own_code_stands_in_the_price_list(tmp_path: Path) -> None:
    """S50 is what they call our P50: a row with it agrees, one with the code of our T50 does not."""
    story = Story(tmp_path / "books", apr(1), more=OWNERS)
    codes(
        story,
        "product,partner_product,category,face,cost,from,to\n"
        f"P50,S50,Pulsa,50000,{CUT},,\nT50,PLN50,PLN-Token,50000,{CUT},,\n",
    )
    story.sold(apr(1), "K1")
    story.sold(apr(1), "K2")
    story.row(apr(1), "A-1", "K1", debit=CUT, code="S50")
    story.row(apr(1), "A-2", "K2", debit=CUT, code="PLN50")
    story.run(apr(1))
    equal(classes(story), {"K2": ["product_mismatch"]})
    equal(told(story)["K2"]["reason"], "S50 sold, PLN50 delivered")


def test_opposite_signs_stand_apart_and_both_stay_open(tmp_path: Path) -> None:
    """One order 1,000 too dear and one 1,000 too cheap: two postings, two items, no netting."""
    story = Story(tmp_path / "books", apr(1), more=OWNERS)
    for ref, cost in (("N1", CUT + 1_000), ("N2", CUT - 1_000)):
        story.sold(apr(1), ref)
        story.row(apr(1), f"A-{ref}", ref, debit=cost)
    story.run(apr(1))
    account = "Assets:Breaks:AggA:Cost-Mismatch"
    posted = [
        p.units.number
        for e in story.load()
        if "recon" in (getattr(e, "tags", None) or ())
        for p in e.postings
        if p.account == account
    ]
    equal(sorted(posted), [-1_000, 1_000])
    equal({r: b["residue"] for r, b in told(story).items()}, {"N1": "1000", "N2": "-1000"})
    register = next(e for e in story.directives("custom") if account in [v.value for v in e.values])
    told_register = [str(v.value) for v in register.values][1:4]
    equal([t.split()[0] for t in told_register], ["2", "1000", "1000"])
    equal(story.verdicts()[0].reasons, ["2 cost_mismatch"])


def test_a_class_changes_under_one_id(tmp_path: Path) -> None:
    """They bill an order that we do not know; then our row comes, failed: another class, the same break."""
    story = Story(tmp_path / "books", apr(1), more=OWNERS)
    story.row(apr(1), "A-1", "H1", debit=CUT)
    story.sold(apr(2), "H1", "FAILED", paid="2026-04-02 09:00:00")
    story.run(apr(1))
    before = told(story)["H1"]
    story.run(apr(2))
    after = told(story)["H1"]
    equal((before["id"], before["class"]), (after["id"], "missing_at_platform"))
    equal(
        after["history"],
        [
            {"class": "missing_at_platform", "since": "2026-04-01"},
            {"class": "late_success", "since": "2026-04-02"},
        ],
    )
    days = story.books.explain(after["id"])["history"]
    equal(
        [(d["day"], d["class"]) for d in days], [(h["since"], h["class"]) for h in after["history"]]
    )


@pytest.mark.parametrize(
    ("class_", "first", "second"),
    [
        ("missing_at_partner", ("SUCCESS", None), (None, "SUKSES")),
        ("missing_at_platform", (None, "SUKSES"), ("SUCCESS", None)),
        ("late_success", ("FAILED", "SUKSES"), (None, "REFUND")),
        ("duplicate_delivery", ("SUCCESS", "SUKSES SUKSES"), (None, "REFUND")),
        ("cost_mismatch", ("SUCCESS", "DEAR"), (None, "BACK")),
        ("delivered_not_recorded", ("PENDING", "SUKSES"), ("SUCCESS", None)),
    ],
)
def test_the_missing_row_closes_the_break(
    tmp_path: Path, class_: str, first: tuple[Any, Any], second: tuple[Any, Any]
) -> None:
    """Each class that a row can close: open on the first evening, gone when the row has come."""
    story = Story(tmp_path / "books", apr(1), pending="0h")
    for day, (ours, theirs) in ((apr(1), first), (apr(2), second)):
        if ours:
            story.sold(day, "C1", ours, paid="2026-04-01 10:00:00")
        for number, what in enumerate((theirs or "").split()):
            if what in ("REFUND", "BACK"):
                amount, orig = (300, "A-0") if what == "BACK" else (CUT, "A-0")
                if class_ == "duplicate_delivery":
                    orig = "A-1"
                story.restored(day, "A-R", "C1", amount, orig=orig)
            else:
                story.row(day, f"A-{number}", "C1", debit=CUT + 300 * (what == "DEAR"))
    story.run(apr(1))
    equal([b["class"] for b in story.books.breaks() if b["leg"] == "sale-supply"], [class_])
    story.run(apr(2))
    equal([b for b in story.books.breaks() if b["leg"] == "sale-supply"], [])
    story.proven()


def test_the_table_of_classes_is_whole() -> None:
    """Every class has its priority; a class without money has its home nowhere."""
    assert set(PRIORITY) == set(CLASSES)
    assert set(RESIDUE_ZERO) <= set(CLASSES)
    assert len(set(CLASSES)) == len(CLASSES)


def test_within_the_tolerance_the_goods_may_still_be_others(tmp_path: Path) -> None:
    """Fifty rupiah are absorbed as cost; that another product came stays to be asked."""
    tolerance = '[versions.tolerance.cost]\nlimit = "100"\nowner = "buyer"\n'
    story = Story(tmp_path / "books", apr(1), more=tolerance)
    for ref, code in (("W1", "P50"), ("W2", "T50")):
        story.sold(apr(1), ref)
        story.row(apr(1), f"A-{ref}", ref, debit=CUT + 50, code=code)
    story.run(apr(2))
    equal(classes(story), {"W2": ["product_mismatch"]})
    equal(story.balance("Assets:Breaks:AggA:Cost-Mismatch", apr(2)), 0)
    equal(story.balance("Income:Net:Pulsa", apr(2)), -2 * (51_000 - CUT - 50))
