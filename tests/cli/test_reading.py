"""What the reading commands say: shapes, exact figures, and that they agree with the truth."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core.data import Transaction

from finops_ledger.books import Books
from finops_ledger.books.explain import explain
from finops_ledger.reports.report import Column, Report
from tests.cli.conftest import DAYS, Finops


def told(finops: Finops, root: Path, *words: object) -> Any:
    return json.loads(finops("--books", root, *words, "--json").stdout, parse_float=pytest.fail)


def ledger(root: Path) -> list[Transaction]:
    entries, errors, _ = loader.load_file(str(root / "main.beancount"))
    assert errors == []
    return [e for e in entries if isinstance(e, Transaction)]


def test_status_has_the_published_shape(finops: Finops, demo: Path) -> None:
    state = told(finops, demo, "status")
    assert list(state) == ["as_of", "verdict", "head", "days"]
    assert state["as_of"] == "2026-03-03"
    assert len(state["head"]) == 64
    one = next(d for d in state["days"] if d["counterparty"] == "AggA" and d["day"] == "2026-03-02")
    assert list(one) == "day counterparty verdict reasons files legs deposit".split()
    assert {"leg", "rows", "outcomes", "bridge"} <= one["legs"][0].keys()
    assert list(one["legs"][0]["bridge"]) == ["left", "right", "residual"]
    assert list(one["legs"][0]["outcomes"]["matched"]) == ["count", "left", "right"]
    assert [f["source"] for f in one["files"]] == ["orders", "tokopedia", "agga", "bca"]
    assert one["deposit"]["tied"] is True


def test_the_aged_list_adds_up_to_the_breaks(finops: Finops, demo: Path, books: Books) -> None:
    """Items, amounts of each sign and what is at risk: by class and age, and nothing left out."""
    aged = told(finops, demo, "breaks", "--all", "--aged")
    found = books.breaks(everything=True)
    assert sum(a["count"] for a in aged) == len(found)
    amounts = [Decimal(b["residue"]) + Decimal(b["claimed"]) for b in found]
    assert sum(Decimal(a["debits"]) for a in aged) == sum(a for a in amounts if a > 0)
    assert sum(Decimal(a["credits"]) for a in aged) == -sum(a for a in amounts if a < 0)
    assert sum(Decimal(a["exposure"]) for a in aged) == sum(Decimal(b["exposure"]) for b in found)
    assert {a["class"] for a in aged} == {b["class"] for b in found}
    shown = finops("--books", demo, "breaks", "--all", "--aged").stdout
    assert shown.splitlines()[0].split()[:4] == ["Class", "Days", "Items", "Debits"]


def test_breaks_are_the_list_that_the_books_give(finops: Finops, demo: Path, books: Books) -> None:
    assert told(finops, demo, "breaks") == books.breaks()
    everything = told(finops, demo, "breaks", "--all")
    assert {b["class"] for b in everything} >= {"timing"}
    waiting = told(finops, demo, "breaks", "--all", "--class", "timing", "--counterparty", "PG1")
    assert {(b["class"], b["counterparty"]) for b in waiting} == {("timing", "PG1")}
    assert all(isinstance(b["residue"], str) for b in everything)


def test_deposits_are_the_truth_of_the_simulated_partners(demo: Path, books: Books) -> None:
    with (demo / "truth" / "deposits.csv").open() as file:
        truth = list(csv.DictReader(file))
    made = books.deposits()
    assert len(made) == len(truth) == 2 * DAYS
    for day, said in zip(made, truth, strict=True):
        assert [day[k] for k in ("day", "partner", "opening", "topup", "closing")] == [
            said[k] for k in ("day", "partner", "opening", "topup", "closing")
        ]
        used = sum(Decimal(day[k]) for k in ("usage", "pending", "refund", "adjustment"))
        assert used == Decimal(said["refund"]) - Decimal(said["usage"])
        assert (day["tied"], day["tied_since"], day["stated"]) == (
            True,
            "2026-03-01",
            said["closing"],
        )


def test_a_deposit_that_a_later_decision_moves_ties_no_more(finops: Finops, copied: Path) -> None:
    with (copied / "decisions" / "2026" / "2026-02.beancount").open("a") as file:
        file.write('\n2026-03-02 * "wrong" #decision\n  Assets:Deposits:AggA  5 IDR\n')
        file.write("  Equity:Opening-Balances  -5 IDR\n")
    ties = {d["day"]: d for d in told(finops, copied, "deposits", "--partner", "AggA")["days"]}
    assert [d["tied"] for d in ties.values()] == [True, False, False]
    assert ties["2026-03-02"]["adjustment"] == "5"
    text = finops("--books", copied, "deposits").stdout
    assert "AggA does not tie on 2026-03-03: the books are 5 off" in text
    assert "  AggA 2026-03-02  5  our books are off  decisions/2026/2026-02.beancount:" in text
    assert "posted by hand" in text


def test_revenue_is_the_movement_of_income_and_cost(finops: Finops, demo: Path) -> None:
    rows = told(finops, demo, "revenue")
    moved = {
        "gross": "Income:Gross:",
        "net": "Income:Net:",
        "promo": "Income:Contra:",
        "cogs": "Expenses:COGS",
    }
    postings = [p for e in ledger(demo) for p in e.postings]
    for key, account in moved.items():
        sign = 1 if key in ("promo", "cogs") else -1
        in_ledger = sum(sign * p.units.number for p in postings if p.account.startswith(account))
        assert sum(Decimal(r[key]) for r in rows) == in_ledger
    result = -sum(
        p.units.number for p in postings if p.account.startswith(("Income", "Expenses:COGS"))
    )
    assert sum(Decimal(r["margin"]) for r in rows) == result != 0


def test_orders_of_the_revenue_report_are_the_delivered_ones(demo: Path, books: Books) -> None:
    with (demo / "truth" / "totals.csv").open() as file:
        days = list(csv.DictReader(file))
    truth = sum(int(d["delivered_count"]) - int(d["reversed_count"]) for d in days)
    assert sum(r["orders"] for r in books.revenue()) == truth


def test_revenue_groups_and_filters(finops: Finops, demo: Path) -> None:
    whole = told(finops, demo, "revenue", "--by", "month")
    assert [r["month"] for r in whole] == ["2026-03"]
    by = told(finops, demo, "revenue", "--by", "partner,category")
    assert list(by[0])[:2] == ["partner", "category"]
    assert sum(Decimal(r["margin"]) for r in by) == Decimal(whole[0]["margin"])
    assert told(finops, demo, "revenue", "--month", "2026-02") == []


def test_csv_is_exact_and_whole(finops: Finops, demo: Path, books: Books) -> None:
    text = finops("--books", demo, "deposits", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [r["closing"] for r in rows] == [d["closing"] for d in books.deposits()]
    assert rows[0]["tied"] == "yes"


def test_tables_are_plain_when_piped(finops: Finops, demo: Path) -> None:
    for words in (("status",), ("breaks", "--all"), ("deposits",), ("revenue",), ("query",)):
        result = finops("--books", demo, *words)
        assert "\x1b" not in result.stdout
        assert "…" not in result.stdout
        assert result.stderr == ""
    assert "1,000,001" in finops("--books", demo, "deposits", "--all").stdout


def test_every_figure_of_a_day_is_the_sum_of_rows_of_files(demo: Path, books: Books) -> None:
    """All postings of batches, by day and account, against the rows that explain names."""
    sums: dict[str, Decimal] = {}
    for entry in ledger(demo):
        for posting in entry.postings:
            if "batch" in entry.meta:
                place = f"{entry.date} {posting.account}"
                sums[place] = sums.get(place, Decimal(0)) + posting.units.number
    assert len(sums) > 50
    for place, moved in sums.items():
        found = explain(books.space, books.load(), place, limit=1)
        assert Decimal(found["facts"].get("rows_post", "0")) == moved, place
        for row in found["rows"]:
            assert row["line"] > 1


@pytest.mark.parametrize("kind", ["item", "batch", "row", "reference", "figure"])
def test_explain_leads_to_the_line_of_the_original(
    finops: Finops, demo: Path, books: Books, kind: str
) -> None:
    item = next(b for b in books.breaks(everything=True) if b["leg"] == "sale-supply")
    row = (item["left"] or item["right"])["row"]
    batch = row.partition(":")[0]
    what = {
        "item": item["id"],
        "batch": batch,
        "row": row,
        "reference": item["ref"],
        "figure": "2026-03-02 Assets:Deposits:AggA",
    }[kind]
    found = told(finops, demo, "explain", what, "--limit", 500)
    assert found["kind"] == kind
    assert list(found) == "id kind title facts proofs rows more_rows entries history".split()
    assert found["rows"]
    for one in found["rows"]:
        lines = (demo / one["archive"]).read_text().splitlines()
        assert lines[one["line"] - 1] == one["text"]
    if kind in ("item", "row", "reference"):
        assert item["ref"] in found["rows"][0]["text"]
        assert item["id"] in {h["id"] for h in found["history"]}
    assert found["rows"][0]["file"] in finops("--books", demo, "explain", *what.split()).stdout


def test_explain_reads_a_line_of_the_journal(finops: Finops, demo: Path) -> None:
    path = demo / "journal" / "2026" / "2026-03-02.beancount"
    lines = path.read_text().splitlines()
    number = next(i for i, t in enumerate(lines, 1) if "Assets:Deposits:AggA" in t)
    found = told(finops, demo, "explain", f"journal/2026/2026-03-02.beancount:{number}")
    assert found["facts"]["account"] == "Assets:Deposits:AggA"
    assert found["facts"]["moved"] == found["facts"]["rows_post"]


def test_queries_by_name_and_as_typed_stay_exact(finops: Finops, demo: Path, books: Books) -> None:
    names = told(finops, demo, "query")
    assert names.keys() == books.queries().keys()
    for name in names:
        assert finops("--books", demo, "query", name).exit_code == 0
    bql = (
        "SELECT account, sum(number) AS n WHERE account ~ 'Deposits' "
        "GROUP BY account ORDER BY account"
    )
    closing = {d["account"]: d["closing"] for d in books.deposits()}
    expected = [{"account": a, "n": closing[a]} for a in sorted(closing)]
    assert told(finops, demo, "query", bql) == expected
    text = finops("--books", demo, "query", bql, "--csv").stdout
    assert list(csv.DictReader(io.StringIO(text))) == expected


@pytest.mark.parametrize("text", ["=1+1", "+1+1|x", "@SUM(A1)", "x;=1+1", "-1+1"])
def test_csv_holds_no_formula(text: str) -> None:
    """Neither in a cell nor in a title; amounts stay numbers."""
    columns = [Column(text, text), Column("n", "n", "money")]
    found = Report("any", columns, [{text: text, "n": "-5"}]).csv()
    head, cells = list(csv.reader(io.StringIO(found)))
    assert head[0] == cells[0] == text.replace("=", "'=") if ";" in text else f"'{text}"
    assert cells[1] == "-5"


def test_frames_hold_exact_decimals(books: Books) -> None:
    frame = books.frame("deposits")
    assert {type(v) for v in frame["closing"]} == {Decimal}
    assert [str(v) for v in frame["closing"]] == [d["closing"] for d in books.deposits()]
    assert len(books.frame("breaks", everything=True)) == len(books.breaks(everything=True))
    assert books.frame("days").columns.tolist() == ["day", "counterparty", "verdict", "reasons"]
