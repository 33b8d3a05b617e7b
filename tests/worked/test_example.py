"""The example that is checked in: clean, complete, and made of nothing but its own sources."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data

from finops_ledger.books.rebuild import rebuild
from finops_ledger.books.workspace import Workspace
from finops_ledger.subledger.engine import content_digest
from tests.worked import make_example
from tests.worked.make_example import EXAMPLE, KEPT

REFRESH = "if that is meant: python -m tests.worked.make_example"


def files(root: Path) -> list[Path]:
    """All files but what belongs to the checkout or to a run."""
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return [path for path in found if path.name not in {*KEPT, ".finops.lock"}]


def contents(root: Path) -> dict[str, str]:
    """What each file says; of Parquet, the rows in their order, whoever wrote the bytes."""
    return {
        path.relative_to(root).as_posix(): content_digest(path)
        if path.suffix == ".parquet"
        else path.read_bytes().decode()
        for path in files(root)
    }


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """A copy as a clone has it: without the folders that are empty."""
    root = tmp_path / "books"
    for path in files(EXAMPLE):
        copy = root / path.relative_to(EXAMPLE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return root


def test_bean_check_is_clean() -> None:
    entries, errors, _ = loader.load_file(str(EXAMPLE / "main.beancount"))
    assert [e.message for e in errors] == []
    balances = {
        (e.date.day, e.account): e.amount.number for e in entries if isinstance(e, data.Balance)
    }
    assert balances[3, "Assets:Deposits:AggA"] == Decimal(100_800_501)
    assert balances[4, "Assets:Deposits:AggA"] == Decimal(100_750_701)
    assert balances[4, "Assets:Bank:BCA"] == Decimal(400_251_234)


def test_it_is_rebuilt_from_its_own_sources(books: Path, tmp_path: Path) -> None:
    report = rebuild(books, tmp_path / "again")
    assert (report.equal, report.differences) == (True, [])
    kept, again = contents(EXAMPLE), contents(tmp_path / "again")
    assert [n for n in sorted({*kept, *again}) if kept.get(n) != again.get(n)] == []


def test_the_script_makes_what_is_checked_in(tmp_path: Path) -> None:
    make_example.make(tmp_path / "made")
    kept, made = contents(EXAMPLE), contents(tmp_path / "made")
    assert [n for n in sorted({*kept, *made}) if kept.get(n) != made.get(n)] == [], REFRESH


def test_every_original_in_the_manifest_is_in_the_archive() -> None:
    lines = [json.loads(x) for x in (EXAMPLE / "subledger/manifest.jsonl").read_text().splitlines()]
    batches = [line for line in lines if line["kind"] == "batch"]
    assert len(batches) == 8
    assert all((EXAMPLE / b["original"]["archive"]).is_file() for b in batches)


def test_decisions_name_their_breaks_and_one_break_is_left(books: Path) -> None:
    space = Workspace.open(books)
    last = {k[0]: v for k, v in space.state.reconciled.items() if str(k[2]) == "2026-03-03"}
    space.close()
    assert last["sale-supply"]["open"]["missing_at_partner"]["count"] == 1
    assert [c for line in last.values() for c in line["conflicts"]] == []
