"""``finops --help`` is there at once: nothing heavy is imported before it is needed."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Finops

HEAVY = ("duckdb", "pandas", "pyarrow", "ibis", "beancount", "fava", "pydantic", "rich", "numpy")
READING = "breaks deposits confirm topup revenue status check query verify rebuild run import reconcile explain"
COMMANDS = (
    "init demo import watch reconcile run status breaks resolve deposits confirm topup settlements pay stock revenue "
    "taxes explain query format check close withdraw verify rebuild serve"
).split()


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = f"import sys, finops_ledger.cli; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_takes_less_than_a_third_of_a_second() -> None:
    """Of the processor's time, so that a busy machine is not a fault of ours."""
    took = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "finops_ledger.cli", "--help"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(took) <= 0.3


def test_the_help_lists_every_command_in_the_order_of_the_work(finops: Finops) -> None:
    text = finops("--help").stdout
    listed = text.partition("Commands:")[2].partition("Exit codes:")[0]
    assert [line.split()[0] for line in listed.splitlines() if line[:3].strip()] == COMMANDS
    assert "5  an internal error" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(finops: Finops, command: str) -> None:
    result = finops(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: cli {command}")


@pytest.mark.parametrize("command", READING.split())
def test_what_reads_speaks_json(finops: Finops, command: str) -> None:
    assert "--json" in finops(command, "--help").stdout


def test_books_that_one_stands_in_need_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finops: Finops
) -> None:
    monkeypatch.delenv("FINOPS_BOOKS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert finops("status").exit_code == 2
    assert finops("init", "books").exit_code == 0
    assert "Put files into books/inbox" in finops("status").stdout
    monkeypatch.chdir(tmp_path / "books")
    within = finops("status")
    assert within.exit_code == 0
    assert "Put files into inbox: finops run" in within.stdout
