"""A closed day's file comes again, 100 cheaper in a row: the deposit stays, whether or not it states a closing."""

from __future__ import annotations

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from finops_ledger.cli import cli
from finops_ledger.intake.formats import find_format
from finops_ledger.subledger.manifest import Batch
from tests.worked import workspace as w
from tests.worked.story import Story, equal
from tests.worked.test_closed_periods import closed, proven

CUT = 49_800
OPENING = 1_000_000
DEPOSIT = "Assets:Deposits:AggE"


def mar(day: int) -> date:
    return date(2026, 3, day)


def told(root: Path, role: str, *, closing: bool) -> Story:
    """Three orders on the 5th and two on the 6th, both days reconciled, the 5th not yet closed."""
    story = Story(
        root / "books", mar(5), partner="AggE", deposit=OPENING, statement=role == "deposit"
    )
    if not closing:
        name = "aggregator" if role == "supply" else "deposit_statement"
        without_closing(story.root, name)
    for day, refs in ((5, ("E1", "E2", "E3")), (6, ("F1", "F2"))):
        for ref in refs:
            story.sold(mar(day), ref)
            story.row(mar(day), f"T-{ref}", ref, debit=CUT)
            story.moves(mar(day), f"M-{ref}", ref, debit=CUT)
    return story


def without_closing(root: Path, name: str) -> None:
    """Give the source a format of its own that reads no closing: every row has its running balance."""
    text = find_format(name, root).read_text().replace(f'name = "{name}"', 'name = "unclosed"')
    parts = re.split(r"(?m)^(?=\[)", text)
    kept = "".join(p for p in parts if 'equals = "closing"' not in p)
    assert kept != text
    (root / "formats" / "unclosed.toml").write_text(kept)
    config = (root / "finops.toml").read_text()
    (root / "finops.toml").write_text(config.replace(f'"{name}"', '"unclosed"'))


def again(story: Story, role: str, *debits: int) -> None:
    """The file of the 5th under its own name, with these debits."""
    rows = list(zip(("E1", "E2", "E3"), debits, strict=True))
    if role == "deposit":
        statement = w.DepositStatement(mar(5), OPENING)
        for ref, debit in rows:
            at = f"{mar(5):%d/%m/%Y} 10:00:06"
            statement.row(at, f"M-{ref}", ref, "PEMBELIAN", debit=debit)
        statement.drop(story.root, "AggE")
    else:
        supply = w.Statement(mar(5), OPENING)
        for ref, debit in rows:
            supply.row(f"{mar(5):%d/%m/%Y} 10:00:05", f"T-{ref}", ref, debit=debit)
        supply.drop(story.root, "AggE")
    story.work()


def gaps(story: Story) -> list[str]:
    return [b["residue"] for b in story.books.breaks() if b["class"] == "balance_gap"]


@pytest.mark.parametrize("closing", [True, False])
@pytest.mark.parametrize("role", ["supply", "deposit"])
def test_the_deposit_stays_what_the_last_statement_says(
    tmp_path: Path, role: str, closing: bool
) -> None:
    story = told(tmp_path, role, closing=closing)
    story.run(mar(5))
    before = closed(story, mar(5))
    story.run(mar(6))
    last = OPENING - 5 * CUT
    again(story, role, CUT, CUT - 100, CUT)
    equal(story.balance(DEPOSIT, mar(6)), last)
    day = story.books.deposits()[-1]
    equal((day["closing"], day["stated"], day["tied"]), (str(last), str(last), True))
    equal((day["adjustment"], day["difference"]), ("100", "-100"))
    equal(gaps(story), ["100"])
    proven(story, mar(5), before)
    shutil.rmtree(tmp_path / "again")
    again(story, role, CUT, CUT - 100, CUT - 50)  # a third issue takes back its own part only
    equal(story.balance(DEPOSIT, mar(6)), last)
    equal(sorted(gaps(story)), ["100", "50"])
    proven(story, mar(5), before)


@pytest.mark.parametrize("role", ["supply", "deposit"])
def test_the_running_balance_ties_a_day_whose_file_states_no_closing(
    tmp_path: Path, role: str
) -> None:
    story = told(tmp_path, role, closing=False)
    story.run(mar(6))
    found = story.books.deposits()
    equal([d["stated"] for d in found], [str(OPENING - 3 * CUT), str(OPENING - 5 * CUT)])
    equal([d["tied"] for d in found], [True, True])
    equal(found[-1]["tied_since"], "2026-03-05")
    assert all(b.line["stated"]["closing"] is None for b in moving(story, role))


def test_a_file_that_states_no_balance_at_all_moves_the_deposit_when_it_comes_again(
    tmp_path: Path,
) -> None:
    """Nobody said where the deposit stood on the closed day, so what the rows say later counts."""
    story = told(tmp_path, "supply", closing=False)
    path = story.root / "formats" / "unclosed.toml"
    path.write_text(path.read_text().replace('balance = "Saldo"\n', ""))
    story.run(mar(5))
    before = closed(story, mar(5))
    story.run(mar(6))
    again(story, "supply", CUT, CUT - 100, CUT)
    equal(story.balance(DEPOSIT, mar(6)), OPENING - 5 * CUT + 100)
    equal([d["stated"] for d in story.books.deposits()], [None, None])
    equal(gaps(story), [])
    proven(story, mar(5), before)


def moving(story: Story, role: str) -> list[Batch]:
    return [b for b in story.books.space.state.batches.values() if b.role == role]


def test_a_running_balance_that_the_books_do_not_hold_does_not_tie(tmp_path: Path) -> None:
    """The books opened 7 short of what the partner's rows say."""
    story = told(tmp_path, "supply", closing=False)
    story.deposit += 7
    story.run(mar(5))
    [day] = story.books.deposits()
    difference = Decimal(day["stated"]) - Decimal(day["closing"])
    equal((difference, day["tied"]), (Decimal(7), False))


def test_an_item_that_a_later_issue_closed_is_explained(tmp_path: Path) -> None:
    story = told(tmp_path, "supply", closing=True)
    story.supply[mar(5)][1][1]["debit"] = CUT - 100
    story.run(mar(6))
    items = {b["id"]: b for b in story.books.breaks()}
    again(story, "supply", CUT, CUT, CUT)
    left = {b["id"] for b in story.books.breaks(everything=True)}
    gone = next(i for i in items if i not in left)
    found = story.books.explain(gone)
    equal(found["facts"]["state"], "superseded")
    equal(found["facts"]["residue"], items[gone]["residue"])
    equal([h["day"] for h in found["history"]], ["2026-03-05", "2026-03-06"])
    assert "superseded" in found["facts"]
    books = ["--books", str(story.root), "explain"]
    shown = CliRunner().invoke(cli, [*books, gone])
    equal((shown.exit_code, shown.output if shown.exit_code else ""), (0, ""))
    assert "superseded" in shown.output
    unknown = CliRunner().invoke(cli, [*books, "x-0123456789abcdef"])
    assert "no reconciliation has ever known" in unknown.output
    assert "--all" not in unknown.output
