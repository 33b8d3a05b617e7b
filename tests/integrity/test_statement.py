"""Where a deposit statement moves the deposit: each proof fires on a copy that is corrupted in just its way."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader

from finops_ledger.books import Books
from finops_ledger.books.verify import verify
from finops_ledger.core.errors import UsageError
from tests.integrity import workspaces as iw
from tests.integrity.test_verify import fewer_rows, other_amount
from tests.worked import workspace as w

DAY = date(2026, 5, 7)
ROWS = "subledger/rows/source=agge-deposit/day=2026-05-07/*.parquet"
OPENING = """2026-01-02 * "opening" #decision
  Assets:Deposits:AggE                        10000000 IDR
  Equity:Opening-Balances                    -10000000 IDR
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One day of a partner with two files: two orders on both, one movement on the statement alone."""
    root = tmp_path_factory.mktemp("statement") / "books"
    books = w.make(root, partner="AggE", statement=True, opening=OPENING)
    at = "2026-05-07 10:00:00"
    w.orders(root, DAY, [w.order(f"O{n}", at, "SUCCESS", at, partner="AggE") for n in (1, 2)])
    supply, statement = w.Statement(DAY, 0), w.DepositStatement(DAY, 10_000_000)
    for number in (1, 2):
        supply.row("07/05/2026 10:00:05", f"T{number}", f"O{number}", debit=49_800)
        statement.row("07/05/2026 10:00:06", f"M{number}", f"O{number}", "BELI", debit=49_800)
    statement.row("07/05/2026 10:00:07", "M9", "O9", "BELI", debit=49_800)
    supply.drop(root, "AggE")
    statement.drop(root, "AggE")
    assert {f.verdict for f in books.import_files().files} == {"imported"}
    books.reconcile()
    books.close()
    return root


@pytest.fixture
def copied(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "books"))


def codes(root: Path) -> set[str]:
    """The codes of the plugins' errors."""
    errors = loader.load_file(str(root / "main.beancount"))[1]
    return {found.group(1) for e in errors if (found := re.match(r"\[([a-z-]+)\]", e.message))}


def test_the_books_are_sound(copied: Path) -> None:
    assert codes(copied) == set()
    assert verify(copied) == []


JOURNAL = [
    ("deposit-closing", "  closing: 9850600", "  closing: 9850601"),
    ("deposit-opening", "  opening: 10000000", "  opening: 9999999"),
    ("deposit-negative", "  low: 9850600", "  low: -1"),
    ("deposit-chain", '  chain: "ok"', '  chain: "AggE_deposit_20260507.csv:5"'),
    ("clearing-unmarked", '    count: 3\n    move: "close"\n', '    count: 3\n    move: "shut"\n'),
    (
        "clearing-overclosed",
        '    count: 3\n    move: "close"\n',
        '    count: 4\n    move: "close"\n',
    ),
    ("clearing-count", "Unexplained-Movement 1 49800 IDR", "Unexplained-Movement 2 49800 IDR"),
    ("clearing-debits", "Unexplained-Movement 1 49800 IDR", "Unexplained-Movement 1 49801 IDR"),
    ("batch-control", "  control: -149400", "  control: -149401"),
    ("batch-rows", "  rows: 3\n  control: -149400", "  rows: 4\n  control: -149400"),
]


@pytest.mark.parametrize(("code", "old", "new"), JOURNAL)
def test_a_changed_journal_is_found_by_its_plugin(
    copied: Path, code: str, old: str, new: str
) -> None:
    path = copied / "journal" / "2026" / "2026-05-07.beancount"
    text = path.read_text()
    assert text.count(old) == 1, text
    path.write_text(text.replace(old, new))
    assert code in codes(copied)
    assert {f.check for f in verify(copied)} == {"journal"}


def share(root: Path) -> None:
    """Forge the statement's share: one rupiah more than its rows move."""

    def change(line: dict[str, object]) -> bool:
        if line["kind"] == "batch" and line["role"] == "deposit":
            stands = line["standing"][line["batch"]]  # type: ignore[index]
            stands["control"] = str(Decimal(stands["control"]) + 1)
        return True

    iw.forge(root, change)


def register(root: Path) -> None:
    """Forge the register of the leg between transactions and statement."""

    def change(line: dict[str, object]) -> bool:
        if line.get("leg") == "supply-statement":
            for found in line["registers"].values():  # type: ignore[attr-defined]
                found[0] += 1
        return True

    iw.forge(root, change)


SPOILT: list[tuple[str, Callable[[Path], object]]] = [
    ("digest", lambda root: other_amount(min(root.glob(ROWS)))),
    ("digest", lambda root: fewer_rows(min(root.glob(ROWS)))),
    ("standing", share),
    ("registers", register),
]


@pytest.mark.parametrize(("check", "spoil"), SPOILT)
def test_a_changed_sub_ledger_is_found(
    copied: Path, check: str, spoil: Callable[[Path], object]
) -> None:
    spoil(copied)
    assert check in {f.check for f in verify(copied)}


def test_source_and_procedure_must_say_the_same(copied: Path) -> None:
    sop, config = copied / "sops" / "AggE.toml", copied / "finops.toml"
    whole = sop.read_text()
    sop.write_text(whole.replace('statement = "deposit"\n', ""))
    with pytest.raises(UsageError, match=r"agge-deposit.*write statement = \"deposit\""):
        _ = Books(copied).space
    sop.write_text(whole)
    head, _, tail = config.read_text().partition('[[sources]]\nname = "agge-deposit"')
    config.write_text(head)
    with pytest.raises(UsageError, match='no source of role = "deposit" with counterparty'):
        _ = Books(copied).space
    lines = f'{head}[[sources]]\nname = "agge-deposit"{tail}'.splitlines(keepends=True)
    at = next(n for n, text in enumerate(lines) if "agge-deposit" in text)
    nobody = next(n for n in range(at, len(lines)) if lines[n].startswith("counterparty"))
    config.write_text("".join(lines[:nobody] + lines[nobody + 1 :]))
    with pytest.raises(UsageError, match="write counterparty"):
        _ = Books(copied).space
