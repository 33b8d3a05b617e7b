"""A transfer that pays for several tickets: each takes its share of it, and the second program adds them up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finops_ledger.books import Books
from tests.integrity.workspaces import NAME, encode, lines, sha256_bytes
from tests.treasury.bills import TRANSIT, UNBILLED, bill, biller, may
from tests.worked import workspace as w
from tests.worked.story import Story, equal

D = date(2026, 5, 13)
NET = 351_192
Rows = list[dict[str, Any]]


def top_ups(root: Path) -> Story:
    """Two transfers, credited in one top-up."""
    story = Story(root, D, bank=True)
    for amount in (2_000_000, 3_000_000):
        story.lines[D].append(("TRSF E-BANKING DB TOPUP AGGA", -amount))
    story.row(D, "A-1", "", code="TOPUP", credit=5_000_000)
    return story


def settlements(root: Path) -> Story:
    """Two settlements of a gateway in one payout."""
    story = Story(root, D, gateway="PG1", bank=True)
    for number, price in ((1, 51_000), (2, 52_000)):
        story.sold(D, f"O{number}", partner="", price=price)
        one = w.settled(f"PG1-2026051{number}", D, f"O{number}", "PAYMENT", price)
        story.reports[D].append(one)
    story.pays_out(D, 103_000, "PG1-20260511")
    return story


def payments(root: Path) -> Story:
    """Two payment lists in one line."""
    story = biller(root)
    bill(story, may(11), "A1")
    bill(story, may(12), "A2")
    for day in (11, 12):
        story.pays(D, f"AggB-202605{day}", (UNBILLED, NET, ""), (TRANSIT, -NET, ""))
    story.lines[D].append(("TRSF AGGB AggB-20260512", -2 * NET))
    return story


LEGS: dict[str, tuple[Callable[[Path], Story], str]] = {
    "topup-bank": (top_ups, "left"),
    "settlement-bank": (settlements, "right"),
    "payment-bank": (payments, "right"),
}


@pytest.fixture(scope="module", params=sorted(LEGS))
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    make, side = LEGS[request.param]
    story = make(tmp_path_factory.mktemp(request.param) / "books")
    story.run(D)
    story.books.close()
    return story.root, request.param, side


def told(root: Path) -> list[tuple[str, str]]:
    books = Books(root, clock=lambda: w.NOW)
    try:
        return [(f.check, f.message) for f in books.audit()[1]]
    finally:
        books.close()


def spoilt(root: Path, to: Path, leg: str, change: Callable[[Rows], object]) -> Path:
    shutil.copytree(root, to)
    (path,) = to.glob(f"subledger/matches/leg={leg}/*/day={D}/*.parquet")
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    equal(len(rows), 2)
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return to


def test_two_that_share_a_line_are_right(shared: tuple[Path, str, str]) -> None:
    equal(told(shared[0]), [])


def test_a_line_counted_twice_in_full_is_found(
    shared: tuple[Path, str, str], tmp_path: Path
) -> None:
    """Each of the two takes the whole line, and says of what is too much that it has been settled."""
    root, leg, side = shared

    def twice(rows: Rows) -> None:
        whole = sum((r[f"{side}_now"] for r in rows), Decimal(0))
        for row in rows:
            row["settled"] += whole - row[f"{side}_now"]
            row[f"{side}_now"] = whole

    found = told(spoilt(root, tmp_path / "books", leg, twice))
    equal({check for check, _ in found}, {"totals"})
    assert "the bank's lines" in found[0][1]


def test_so_it_is_where_the_other_side_is_made_to_agree(
    shared: tuple[Path, str, str], tmp_path: Path
) -> None:
    root, leg, _ = shared

    def twice(rows: Rows) -> None:
        for name in ("left_now", "right_now"):
            rows[0][name] += rows[0][name]

    found = told(spoilt(root, tmp_path / "books", leg, twice))
    equal([check for check, _ in found], ["totals"] * 4)  # both sides, and the bridge of both


def test_what_the_manifest_says_of_a_side_is_asked_too(
    shared: tuple[Path, str, str], tmp_path: Path
) -> None:
    root, leg, _ = shared
    to = tmp_path / "books"
    shutil.copytree(root, to)
    before, raws = "", []
    for line in lines(to):
        if line["kind"] == "reconcile" and line["leg"] == leg and line["day"] == str(D):
            for name, more in (("left", 1), ("right", -1)):
                line["bridge"][name] = str(Decimal(line["bridge"][name]) + more)
        line["prev"] = before
        raws.append(encode(line))
        before = sha256_bytes(raws[-1])
    (to / NAME).write_bytes(b"".join(raw + b"\n" for raw in raws))
    found = told(to)
    equal([check for check, _ in found], ["totals"] * 2)
    assert "the bridge says" in found[0][1]


def test_a_line_that_no_rule_names_is_held_to_the_bank_as_well(tmp_path: Path) -> None:
    """Money of unknown origin: the item and the bridge say more than the bank's lines did."""
    story = Story(tmp_path / "books", D, bank=True)
    story.lines[D] += [("SETORAN TUNAI", 75_000), ("KLIRING 0099", 25_000)]
    story.run(D)
    story.books.close()
    equal(told(story.root), [])

    to = tmp_path / "spoilt"
    shutil.copytree(story.root, to)
    (path,) = to.glob(f"subledger/breaks/leg=bank-suspense/*/day={D}/*.parquet")
    table = pq.ParquetFile(path).read()
    rows = table.to_pylist()
    equal(sorted(r["left_now"] for r in rows), [-75_000, -25_000])
    rows[0]["left_now"] *= 2
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    found = [message for check, message in told(to) if check == "totals"]
    assert found
    assert "the bank's lines (unknown)" in found[0]
    assert "the bridge says" in found[1]
