"""A demo of three days, made once by the command itself; and the command, called in-process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from finops_ledger.books import Books
from finops_ledger.cli import cli

DAYS, ORDERS = 3, 30

Finops = Callable[..., Result]


@pytest.fixture(scope="session")
def finops() -> Finops:
    """Call ``finops`` with some words; nothing of this machine's environment counts."""
    runner = CliRunner(env={"FINOPS_BOOKS": None})
    return lambda *words: runner.invoke(cli, [str(w) for w in words], catch_exceptions=False)


@pytest.fixture(scope="session")
def demo(finops: Finops, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Demo books, run; for reading only."""
    root = tmp_path_factory.mktemp("cli") / "demo"
    words = ("--days", DAYS, "--orders-per-day", ORDERS, "--partners", 2, "--run")
    result = finops("demo", root, *words)
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def copied(demo: Path, tmp_path: Path) -> Path:
    """Demo books to change."""
    root = tmp_path / "books"
    shutil.copytree(demo, root)
    return root


@pytest.fixture(scope="session")
def books(demo: Path) -> Books:
    """The demo books, opened."""
    return Books(demo)
