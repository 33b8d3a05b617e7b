"""Passes that an SOP declares, from the files to the books, the verdict and the proof."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from finops_ledger.books import Books
from finops_ledger.cli import cli, summary
from tests.worked.story import Story

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)
TIDY = """
[[versions.match.passes]]
name = "ref"

[[versions.match.passes]]
name = "tidy"
on = ["ref"]
normalise = { ref = ["trim", "upper", "strip"] }

[[versions.match.passes]]
name = "near"
on = ["customer", "product"]
amount = { limit = "250", account = "Expenses:Differences", owner = "finops-1" }
minutes = 30

[[versions.match.passes]]
name = "guess"
on = ["customer", "product"]
amount = "exact"
suggest = true
"""


SUBSET = """
[[versions.match.passes]]
name = "ref"

[[versions.match.passes]]
name = "parts"
on = ["customer"]
cardinality = "subset"
bound = 20
"""


def status(story: Story) -> dict[str, Any]:
    """What ``finops status --json`` says of AggA's first day."""
    result = CliRunner().invoke(cli, ["--books", str(story.root), "status", "--json"])
    days = json.loads(result.output)["days"]
    (found,) = [d for d in days if d["counterparty"] == "AggA" and d["day"] == DAY.isoformat()]
    return dict(found)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    made = Story(tmp_path_factory.mktemp("passes") / "books", DAY, more=TIDY)
    made.sold(DAY, "T-0001")
    made.row(DAY, "A1", "t0001", debit=49_800)
    made.sold(DAY, "T-0002", at=f"{DAY} 12:00:00")
    made.row(DAY, "A2", "X2", debit=49_990, at=f"{DAY:%d/%m/%Y} 12:04:00")
    made.sold(DAY, "T-0003", at=f"{DAY} 15:00:00")
    made.row(DAY, "A3", "X3", debit=49_800, at=f"{DAY:%d/%m/%Y} 17:00:00")
    made.run(DAY)
    return made


def explained(story: Story, what: str) -> str:
    result = CliRunner().invoke(cli, ["--books", str(story.root), "explain", what])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_books_prove_and_the_difference_stands_on_its_account(story: Story) -> None:
    line = story.books.space.state.reconciled["sale-supply", "AggA", DAY]
    assert line["matched"] == 2
    assert line["suggested"] == 2
    assert {c: o["count"] for c, o in line["outcomes"].items()} == {
        "matched": 1, "matched_within_tolerance": 1, "missing_at_partner": 1, "missing_at_platform": 1,
    }  # fmt: skip
    assert story.balance("Expenses:Differences", NEXT) == 190
    assert story.balance("Assets:Breaks:AggA:Missing-At-Partner", NEXT) == -49_800
    story.proven()


def test_the_verdict_names_what_is_suggested(story: Story) -> None:
    found = status(story)
    assert found["verdict"] == "breaks"
    assert "2 suggested" in found["reasons"]


def test_the_proof_of_a_match(story: Story) -> None:
    told = explained(story, "T-0001")
    for part in (
        "by tidy, SOP AggA@2026-01-01",
        "ref: T-0001 = t0001 (trim, upper, strip)",
        "orders_2026-03-02.csv:2",
        "AggA_mutasi_20260302.csv:4",
        "-49,800 + 49,800 - 0 = 0",
    ):
        assert part in told
    name = next(w.rstrip(":") for w in told.split() if w.startswith("m-"))
    assert "by tidy, SOP AggA@2026-01-01" in explained(story, name)


def test_the_proof_of_a_suggestion(story: Story) -> None:
    item = story.item("T-0003", "missing_at_partner")
    told = explained(story, item)
    assert "suggested" in told
    assert "guess: customer: …234 = …234" in told
    result = CliRunner().invoke(cli, ["--books", str(story.root), "explain", "--json", item])
    (proof,) = json.loads(result.output)["proofs"]
    assert proof["suggested"][0]["item"] == story.item("X3", "missing_at_platform")
    assert (proof["left"]["line"], proof["right"], proof["residue"]) == (4, None, "-49800")


def test_suggestions_alone_are_a_warning(tmp_path: Path) -> None:
    made = Story(tmp_path / "books", DAY, more=TIDY, grace="72h")
    made.sold(DAY, "T-0003", at=f"{DAY} 15:00:00")
    made.row(DAY, "A3", "X3", debit=49_800, at=f"{DAY:%d/%m/%Y} 17:00:00")
    made.run(DAY)
    found = status(made)
    assert (found["verdict"], found["reasons"]) == ("warnings", ["2 suggested"])


def test_a_bound_that_was_hit_is_said(tmp_path: Path) -> None:
    made = Story(tmp_path / "books", DAY, more=SUBSET, grace="72h")
    for n in range(9):
        made.row(DAY, f"A{n}", f"X{n}", debit=10_000 + n)
    made.sold(DAY, "T1")
    made.run(DAY)
    line = made.books.space.state.reconciled["sale-supply", "AggA", DAY]
    told = (
        "pass parts: the search for sums hit its bound (20 steps, 200 rows) at 1 of 1 values; "
        "nothing is decided there"
    )
    assert line["bound_hit"] == [told]
    assert (status(made)["verdict"], status(made)["reasons"]) == ("warnings", [told])
    assert told in " ".join(explained(made, "T1").split())


def test_a_version_of_the_sop_holds_from_its_day(tmp_path: Path) -> None:
    second = """
[[versions]]
effective = 2026-03-03
change_id = "SOP-AggA-2"
reason = "their references changed their form"
author = "preparer-1"
approver = "approver-1"
prices = "prices/AggA.csv"
[versions.supply]
window = { opens = "23:00", named_by = "end" }
grace = "72h"
[versions.recognition.Pulsa]
model = "agent"
[versions.recognition.PLN-Token]
model = "agent"
[versions.recognition.Game-Voucher]
model = "principal"
tax = "ppn-margin"
"""
    made = Story(tmp_path / "books", DAY, more=second + TIDY, grace="72h")
    for day, ref in ((DAY, "T1"), (NEXT, "T2")):
        made.sold(day, ref)
        made.row(day, f"A-{ref}", ref.lower(), debit=49_800)
    made.run(NEXT)
    lines = made.books.space.state.reconciled
    assert [lines["sale-supply", "AggA", day]["matched"] for day in (DAY, NEXT)] == [0, 1]
    made.proven()


BOTH_WAYS = """
[[versions.match.passes]]
name = "ref"

[[versions.match.passes]]
name = "lump"
on = ["product"]
products = ["T50"]
cardinality = "many-to-one"

[[versions.match.passes]]
name = "near"
on = ["product"]
amount = { limit = "100", account = "Expenses:Differences", owner = "finops-1" }
minutes = 5
"""


@pytest.fixture(scope="module")
def lumped(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Two tokens delivered in one row; one voucher 100 too dear, one 100 too cheap."""
    story = Story(tmp_path_factory.mktemp("lumped") / "books", DAY, more=BOTH_WAYS)
    for ref in ("L1", "L2"):
        story.sold(DAY, ref, product="T50")
    story.row(DAY, "A1", "Z1", code="T50", debit=99_600)
    for hour, cost in ((12, 19_100), (14, 18_900)):
        story.sold(DAY, f"N{hour}", product="V20", price=21_000, at=f"{DAY} {hour}:00:00")
        at = f"{DAY:%d/%m/%Y} {hour}:01:00"
        story.row(DAY, f"B{hour}", f"Z{hour}", code="V20", debit=cost, at=at)
    story.run(DAY)
    return story


def test_what_is_too_dear_and_what_is_too_cheap_stand_apart(lumped: Story) -> None:
    posted = [
        (p.units.number, p.meta["items"])
        for entry in lumped.load()
        for p in getattr(entry, "postings", ())
        if p.account == "Expenses:Differences"
    ]
    assert posted == [(100, 1), (-100, 1)]
    lumped.proven()


def test_a_row_for_two_orders_is_used_once_and_adds_up(lumped: Story, tmp_path: Path) -> None:
    assert [str(f) for f in lumped.books.audit()[1]] == []
    lumped.books.close()
    root = tmp_path / "books"
    shutil.copytree(lumped.root, root)
    (path,) = root.glob(f"subledger/matches/leg=sale-supply/*/day={DAY}/*.parquet")
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    share = next(r for r in rows if r["right_kind"] == "share")
    for name in ("right_now", "settled"):  # it takes 1,000 more than there is
        share[name] += 1_000
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    books = Books(root)
    told = [f.message for f in books.audit()[1] if f.check == "totals"]
    books.close()
    assert told == ["L1 and 1 more share rows that move 99600; the results say 100600"]


def test_what_a_pass_has_not_decided_is_said_beside_however_much_else() -> None:
    bound = "pass parts: the search for sums hit its bound (20 steps, 200 rows) at 1 of 1 values"
    few = ["2 missing_at_partner", "1 missing_at_platform"]
    assert summary.reasons([*few, bound]) == "; ".join([*few, bound])
    many = [*few, "1 late_success", "2 suggested"]
    assert summary.reasons([*many, bound]).endswith(f"1 late_success; {bound}; and 1 more")
