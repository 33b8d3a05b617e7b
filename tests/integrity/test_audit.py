"""The second program finds what is wrong with a reconciliation: each check on a copy made wrong in just that way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from finops_ledger.audit import CHECKS, Finding
from finops_ledger.books import Books
from finops_ledger.cli import cli
from finops_ledger.subledger import matches
from finops_ledger.subledger.manifest import Line
from tests.integrity import workspaces as iw
from tests.worked import workspace as w

Rows = list[dict[str, Any]]
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("audit") / "books"
    iw.history(root).close()
    return root


def audited(root: Path) -> list[Finding]:
    books = Books(root, clock=lambda: w.NOW)
    try:
        return books.audit()[1]
    finally:
        books.close()


def rewritten(
    kind: str, day: str, change: Callable[[Rows], object], leg: str = "sale-supply"
) -> Spoil:
    """Change the rows of a leg's file of matches or items, whatever its digest says."""

    def spoil(root: Path) -> None:
        (path,) = root.glob(f"subledger/{kind}/leg={leg}/counterparty=AggA/day={day}/*.parquet")
        table = pq.ParquetFile(path).read()
        if kind == "matches":  # a plain pair is stored by what varies: write every match whole
            table = duckdb.sql(matches.read([path])).to_arrow_table()
        rows = table.to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)

    return spoil


def delivered(ref: str, product: str) -> Spoil:
    """Change the product in the partner's row of an order, as the sub-ledger keeps it."""

    def spoil(root: Path) -> None:
        (path,) = root.glob(f"subledger/rows/source=agga/day={D2}/*.parquet")
        table = pq.ParquetFile(path).read()
        rows = table.to_pylist()
        next(r for r in rows if r["ref"] == ref).update(product=product)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)

    return spoil


def said(change: Callable[[Line], object]) -> Spoil:
    """Change what the manifest says of the first reconciliation of sales and supply."""

    def fits(line: Line) -> bool:
        own = line["kind"] == "reconcile" and line["leg"] == "sale-supply"
        return own and line["day"] == iw.D2.isoformat()

    def spoil(root: Path) -> None:
        before = ""
        raws = []
        for line in iw.lines(root):
            if fits(line):
                change(line)
            line["prev"] = before
            raws.append(iw.encode(line))
            before = iw.sha256_bytes(raws[-1])
        (root / iw.NAME).write_bytes(b"".join(raw + b"\n" for raw in raws))

    return spoil


def of(rows: Rows, key: str) -> dict[str, Any]:
    return next(r for r in rows if r["key"] == key)


def swap(rows: Rows) -> None:
    one, two = of(rows, "O1"), of(rows, "O3") if any(r["key"] == "O3" for r in rows) else rows[1]
    one["right_record"], two["right_record"] = two["right_record"], one["right_record"]


def put(key: str, **values: Any) -> Callable[[Rows], None]:
    return lambda rows: of(rows, key).update(values)


def more(key: str, **by: int) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        row = of(rows, key)
        for name, amount in by.items():
            row[name] += Decimal(amount)

    return change


def drop(key: str) -> Callable[[Rows], None]:
    return lambda rows: rows.remove(of(rows, key))


@dataclass(frozen=True)
class Case:
    check: str
    spoil: Spoil
    says: str


D2, D3 = iw.D2.isoformat(), iw.D3.isoformat()

CASES = (
    Case("rows", rewritten("matches", D2, put("O1", left_record=99)), "O1: its left row"),
    Case("keys", rewritten("matches", D2, put("O1", right_record=3)), "do not share it"),
    Case(
        "once", rewritten("breaks", D2, put("O2", right_record=2)), "is used 2 times, by O1 and O2"
    ),
    Case(
        "totals",
        rewritten(
            "matches", D2, more("topup 100000001.0000", left_now=1, settled=1), leg="topup-bank"
        ),
        "the bank's lines (topup) of the day move 100000001 on the left; its results say 100000002",
    ),
    Case("sums", rewritten("breaks", D2, more("O2", right_now=1)), "left + right - settled"),
    Case(
        "amounts",
        rewritten("matches", D2, more("O1", right_now=1, settled=1)),
        "moves 49800 and holds 0; the result says 49801 and 0",
    ),
    Case("outcome", rewritten("matches", D2, drop("O1")), "has no outcome"),
    Case("lost", rewritten("breaks", D3, drop("O3")), "was open the day before and is nowhere now"),
    Case("counts", said(lambda m: m["outcomes"]["cost_mismatch"].update(count=2)), "counts 2"),
    Case("bridge", said(lambda m: m["bridge"].update(residual="1")), "the bridge leaves 1"),
    Case("bridge", said(lambda m: m["bridge"].update(left="-1")), "the items move by"),
    Case(
        "classes",
        rewritten("breaks", D2, put("O2", left_state="failed")),
        "is cost_mismatch, with failed on our side and success on theirs",
    ),
    Case(
        "goods",
        delivered("O1", "T50"),
        "O1 is matched, and P50 was sold where T50 was delivered",
    ),
    Case(
        "decided",
        rewritten("breaks", D2, put("O2", rule="accepted")),
        "is accepted as one with another item, and no decision says so",
    ),
    Case(
        "homes",
        rewritten("breaks", D2, put("O2", home="Assets:Breaks:AggA:Late-Success")),
        "is cost_mismatch and stands on Assets:Breaks:AggA:Late-Success",
    ),
    Case(
        "crossed",
        said(
            lambda m: m.update(crossing={"met": [["AggD", "Pulsa", "agent", 1, "49800", "49900"]]})
        ),
        "it crosses AggD, whose day is not reconciled",
    ),
    Case("rules", said(lambda m: m.update(rules="AggA@2025-01-01")), "in force on 2026-03-02 is"),
)


def test_a_sound_reconciliation_has_no_finding(sound: Path) -> None:
    assert audited(sound) == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.check}: {c.says}")
def test_each_check_fires_on_a_corrupted_copy(case: Case, sound: Path, tmp_path: Path) -> None:
    root = tmp_path / "books"
    shutil.copytree(sound, root)
    case.spoil(root)
    found = audited(root)
    told = [f.message for f in found if f.check == case.check]
    assert any(case.says in message for message in told), [str(f) for f in found]


def test_every_check_is_proven() -> None:
    assert {c.check for c in CASES} == set(CHECKS)


def test_every_check_is_told() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "recover-and-verify.md"
    text = page.read_text()
    assert [c for c in CHECKS if f"| `{c}` | " not in text] == []


def test_the_command_says_what_does_not_hold(sound: Path, tmp_path: Path) -> None:
    def finops(*words: object) -> Result:
        return CliRunner(env={"FINOPS_BOOKS": None}).invoke(cli, ["verify", *map(str, words)])

    done = finops("--recon", "--books", sound, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["proven"], told["findings"]) == (0, True, [])
    assert told["results"] > 4

    root = tmp_path / "books"
    shutil.copytree(sound, root)
    CASES[0].spoil(root)
    done = finops("--recon", "--books", root, "--day", D2)
    assert done.exit_code == 4
    assert "O1: its left row" in done.stderr

    assert finops("--books", sound, "--day", D2).exit_code == 2
    assert finops("--recon", "--books", sound, "--day", "2026-01-01").exit_code == 2
