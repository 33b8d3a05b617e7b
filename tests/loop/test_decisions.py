"""What people decide: it fits, it fits no more, it is taken back, it is a part."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from beancount import loader
from click.testing import CliRunner

from finops_ledger.books import Books
from finops_ledger.cli import cli
from tests.worked import workspace as w

D2, D3, D4 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """O4 failed and refunded here, delivered there: late_success 49,800 on 2 March."""
    made = w.make(tmp_path / "books", bank=True)
    at = "2026-03-02 10:04:00"
    w.orders(made.root, D2, [w.order("O4", at, "FAILED", at, refunded=at)])
    w.Statement(D2, 1_000_000).row("02/03/2026 10:04:05", "A4", "O4", debit=49_800).drop(made.root)
    w.bank(made.root, D2, 500_000_000, [])
    run(made)
    return made


def run(books: Books) -> None:
    report = books.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    books.reconcile()


def quiet_day(books: Books, day: date, balance: int) -> None:
    """A day on which nothing happens."""
    w.orders(books.root, day, [])
    w.Statement(day, balance).drop(books.root)
    w.bank(books.root, day, 500_000_000, [])
    run(books)


def claim(books: Books, day: date, amount: int, more: str = "") -> None:
    item = next(b["id"] for b in books.breaks() if b["ref"] == "O4")
    w.decide(books.root, day, decision(item, day, amount, more))


def decision(item: str, day: date, amount: int, more: str = "") -> str:
    return f"""
{day} * "AggA" "O4 claimed" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{item}"
  Assets:Claims:Partner:AggA           {amount} IDR
  Assets:Breaks:AggA:Late-Success     {-amount} IDR
{more}"""


def errors(books: Books) -> list[str]:
    books.close()
    return [e.message for e in loader.load_file(str(books.root / "main.beancount"))[1]]


def test_a_claim_keeps_its_class_and_its_risk_until_it_is_settled(books: Books) -> None:
    claim(books, D3, 49_800)
    quiet_day(books, D3, 950_200)
    quiet_day(books, D4, 950_200)
    assert errors(books) == []
    [item] = books.breaks()
    assert (item["class"], item["state"], item["claimed"]) == ("late_success", "claimed", "49800")
    assert (item["priority"], item["exposure"]) == (1, "49800")


def test_a_decision_that_fits_no_more_makes_its_day_incomplete_and_can_be_taken_back(
    books: Books,
) -> None:
    claim(books, D3, 49_800)
    item = books.breaks()[0]["id"]
    w.orders(books.root, D3, [])
    # The partner restores the money on the very day: the break is gone before the decision.
    restored = w.Statement(D3, 950_200)
    restored.row("03/03/2026 09:00:00", "A4-R", "O4", credit=49_800, code="REFUND", orig="A4")
    restored.drop(books.root)
    w.bank(books.root, D3, 500_000_000, [])
    run(books)
    assert errors(books) == []
    result = CliRunner().invoke(cli, ["--books", str(books.root), "check"])
    assert result.exit_code == 1, result.output
    assert "decision does not fit" in result.output + result.stderr
    assert item in result.output + result.stderr
    w.decide(books.root, D3, decision(item, D3, -49_800))
    books.reconcile()
    assert errors(books) == []
    result = CliRunner().invoke(cli, ["--books", str(books.root), "check"])
    assert result.exit_code in (0, 1), result.output
    day = [v for v in books.status()["days"] if v["day"] == "2026-03-03"]
    assert {v["counterparty"]: v["verdict"] for v in day}["AggA"] == "reconciled"


def test_a_part_must_say_so_and_the_rest_stays_a_break(books: Books) -> None:
    item = books.breaks()[0]["id"]
    part = f"""
2026-03-03 * "AggA" "20,000 of O4 claimed" #decision
  maker: "preparer-1"
  checker: "approver-1"
  break: "{item}"
  Assets:Claims:Partner:AggA           20000 IDR
  Assets:Breaks:AggA:Late-Success     -20000 IDR
    count: 0
    move: "adjust"
    side: "debit"
"""
    w.decide(books.root, D3, part)
    quiet_day(books, D3, 950_200)
    assert errors(books) == []
    [left] = books.breaks()
    assert (left["residue"], left["claimed"]) == ("29800", "20000")
    line = books.space.state.reconciled["sale-supply", "AggA", D3]
    assert line["open"]["late_success"]["count"] == 1


def test_a_part_that_does_not_say_so_is_named(books: Books) -> None:
    claim(books, D3, 20_000)
    quiet_day(books, D3, 950_200)
    assert errors(books) == []
    line = books.space.state.reconciled["sale-supply", "AggA", D3]
    assert "a part must say so" in line["conflicts"][0]


@pytest.mark.parametrize(
    ("posting", "word"),
    [
        ("  Assets:Bank:BCA -4 IDR", "does not balance"),
        ("  Assets:Bank:BCD -5 IDR", "nobody opens"),
    ],
)
def test_a_slip_is_refused_before_it_is_recorded(books: Books, posting: str, word: str) -> None:
    path = books.root / "decisions" / "2026" / "2026-03.beancount"
    w.decide(
        books.root,
        D3,
        f'2026-03-03 * "AggA" "slip" #decision\n  Expenses:Bank-Charge 5 IDR\n{posting}\n',
    )
    result = CliRunner().invoke(cli, ["--books", str(books.root), "run"])
    told = " ".join((result.output + result.stderr).split())
    assert result.exit_code == 2, told
    assert word in told
    assert f"{path.name}:" in told
    path.unlink()
    books.reconcile()
    assert errors(books) == []


def test_a_changed_rule_is_told(books: Books) -> None:
    sop = books.root / "sops" / "AggA.toml"
    sop.write_text(sop.read_text().replace('grace = "0h"', 'grace = "24h"'))
    result = CliRunner().invoke(cli, ["--books", str(books.root), "run"])
    assert "Rules changed: sops/AggA.toml" in result.output + result.stderr


def test_a_missing_price_list_changes_nothing(books: Books) -> None:
    manifest = books.root / "subledger" / "manifest.jsonl"
    before = manifest.read_bytes()
    (books.root / "prices" / "AggA.csv").unlink()
    result = CliRunner().invoke(cli, ["--books", str(books.root), "run"])
    assert result.exit_code == 2
    assert manifest.read_bytes() == before


def test_rebuild_takes_a_relative_path(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.close()
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["--books", "books", "rebuild", "--to", "again"])
    assert result.exit_code == 0, result.output + result.stderr
    assert (tmp_path / "again" / "main.beancount").is_file()
