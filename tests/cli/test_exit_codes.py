"""How each command ends: 0 clean, 1 not clean, 2 usage, 3 refused, 4 integrity, 5 a bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from finops_ledger.books import Books
from tests.cli.conftest import Finops

Done = subprocess.CompletedProcess[str]


def process(*words: object, code: str = "") -> Done:
    """Run the command as a process of its own."""
    command = ["-c", code] if code else ["-m", "finops_ledger.cli"]
    env = {k: v for k, v in os.environ.items() if k != "FINOPS_BOOKS"}
    return subprocess.run(
        [sys.executable, *command, *map(str, words)],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


def test_0_new_books_are_clean(tmp_path: Path) -> None:
    assert process("init", tmp_path / "b", "--start", "2026-01-01").returncode == 0
    done = process("--books", tmp_path / "b", "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no files are in yet" in done.stdout
    checked = process("--books", tmp_path / "b", "check", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["proven"] is True


def test_1_a_missing_file_makes_the_day_incomplete(finops: Finops, tmp_path: Path) -> None:
    root = tmp_path / "demo"
    finops("demo", root, "--days", 2, "--orders-per-day", 20, "--partners", 1)
    (root / "inbox" / "AggA_mutasi_20260302.csv").rename(tmp_path / "late.csv")
    done = process("--books", root, "run")
    assert done.returncode == 1
    assert "incomplete" in done.stdout
    assert "file_missing agga" in done.stdout
    assert "files are missing of agga" in done.stdout
    assert f"then finops --books {root} run" in done.stdout
    state = process("--books", root, "status", "--json")
    assert state.returncode == 1
    assert json.loads(state.stdout)["verdict"] == "incomplete"
    (tmp_path / "late.csv").rename(root / "inbox" / "AggA_mutasi_20260302.csv")
    assert finops("--books", root, "run", "--json").exit_code in (0, 1)
    assert json.loads(finops("--books", root, "status", "--json").stdout)["verdict"] != "incomplete"


@pytest.mark.parametrize(
    "words",
    [
        ("--books", "{tmp}/nowhere", "status"),
        ("--books", "{tmp}/nowhere", "verify"),
        ("--books", "{demo}", "nonsense"),
        ("--books", "{demo}", "status", "--as-of", "yesterday"),
        ("--books", "{demo}", "import", "{tmp}/missing.csv"),
        ("--books", "{demo}", "reconcile", "--as-of", "2027-01-01"),
        ("--books", "{demo}", "explain", "x-0000000000000000"),
        ("--books", "{demo}", "explain", "b-0000000000000000:1"),
        ("--books", "{demo}", "explain", "nobody-knows-this"),
        ("--books", "{demo}", "query", "no-such-query"),
        ("--books", "{demo}", "query", "SELECT nonsense FROM"),
        ("--books", "{demo}", "revenue", "--month", "march"),
        ("--books", "{demo}", "revenue", "--by", "colour"),
        ("--books", "{demo}", "breaks", "--class", "late_sucess"),
        ("--books", "{demo}", "deposits", "--partner", "AggX"),
        ("demo", "{demo}"),
        ("init", "{demo}"),
        ("init", "{tmp}/new", "--zone", "Mars/Olympus"),
    ],
)
def test_2_wrong_usage(finops: Finops, demo: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = finops(*(w.format(demo=demo, tmp=tmp_path) for w in words))
    assert result.exit_code == 2, result.output
    assert result.stderr
    assert "Traceback" not in result.output


def test_2_in_a_process_of_its_own_and_with_a_hint(demo: Path, tmp_path: Path) -> None:
    done = process("--books", tmp_path, "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert "finops init" in done.stderr
    done = process("--books", demo, "breaks", "--class", "late_sucess")
    assert "did you mean late_success?" in done.stderr


def test_3_a_refused_file_is_named_with_its_line_and_nothing_is_posted(copied: Path) -> None:
    name = "orders_2026-03-04.csv"
    source = copied / "archive" / "Liabilities" / "Customer-Orders" / "Undelivered"
    text = next(source.glob("2026-03-03.*.orders_*.csv")).read_text().splitlines()
    text[1] = text[1].replace(text[1].split(",")[6], "fifty thousand", 1)
    (copied / "inbox" / name).write_text("\n".join(text) + "\n")
    before = (copied / "journal" / "2026" / "2026-03-03.beancount").read_bytes()
    done = process("--books", copied, "import")
    assert done.returncode == 3
    assert f"{name}:2" in done.stderr
    assert "quarantine" in done.stderr
    assert (copied / "journal" / "2026" / "2026-03-03.beancount").read_bytes() == before
    assert not list((copied / "inbox").iterdir())


def test_3_a_file_that_nobody_expects_stays_where_it_is(finops: Finops, copied: Path) -> None:
    (copied / "inbox" / "holiday.jpg").write_text("x")
    result = finops("--books", copied, "run")
    assert result.exit_code == 3
    assert "unrecognised: holiday.jpg" in result.stderr
    told = json.loads(finops("--books", copied, "import", "--json").stdout)
    assert [f["verdict"] for f in told["files"]] == ["unrecognised"]
    assert (copied / "inbox" / "holiday.jpg").exists()


@pytest.mark.parametrize("command", ["status", "run", "verify", "check", "rebuild"])
def test_4_an_edited_manifest(copied: Path, command: str) -> None:
    path = copied / "subledger" / "manifest.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"new":30', b'"new":31', 1))
    done = process("--books", copied, command)
    assert done.returncode == 4, done.stderr
    assert "manifest.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


def test_4_check_says_which_line_of_the_journal_is_wrong(finops: Finops, copied: Path) -> None:
    path = copied / "journal" / "2026" / "2026-03-02.beancount"
    path.write_text(path.read_text() + '\n2026-03-02 * "x" "y"\n  Assets:Deposits:AggA  5 IDR\n')
    result = finops("--books", copied, "check")
    assert result.exit_code == 4
    line = len(path.read_text().splitlines()) - 1
    assert f"journal/2026/2026-03-02.beancount:{line}: " in result.stderr


def test_4_check_compares_registers_with_items(finops: Finops, copied: Path) -> None:
    items = sorted((copied / "subledger" / "breaks" / "leg=sale-gateway").rglob("*.parquet"))
    items[-1].write_bytes(items[0].read_bytes())
    told = json.loads(finops("--books", copied, "check", "--json").stdout)
    assert told["proven"] is False
    assert any("sale-gateway" in text and "register" in text for text in told["registers"])
    assert finops("--books", copied, "check").exit_code == 4


def test_5_a_bug_gives_one_line_and_a_log(copied: Path) -> None:
    code = (
        "import sys; from finops_ledger import cli; from finops_ledger.books import Books\n"
        "def broken(*_): raise RuntimeError('what now')\n"
        "Books.status = broken\n"
        "cli.main()"
    )
    done = process("--books", copied, "status", code=code)
    assert done.returncode == 5
    [line] = done.stderr.splitlines()
    assert line.startswith("finops: internal error: RuntimeError: what now; the log is ")
    log = Path(line.rpartition("the log is ")[2])
    assert log.is_relative_to(copied)
    assert "Traceback" in log.read_text()


def test_5_books_that_cannot_be_written_get_their_log_elsewhere(
    finops: Finops, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / ".finops").write_text("a file where the folder should be")
    monkeypatch.setattr(Books, "breaks", lambda *_, **__: 1 // 0)
    result = finops("--books", copied, "breaks")
    assert result.exit_code == 5
    log = Path(result.stderr.strip().rpartition("the log is ")[2])
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


def test_a_reader_that_goes_away_is_no_error(demo: Path) -> None:
    command = f'"{sys.executable}" -m finops_ledger.cli --books "{demo}" breaks --all | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def ends(result: Result, code: int) -> None:
    assert result.exit_code == code, result.output


def test_proving_commands_on_sound_books(finops: Finops, demo: Path, tmp_path: Path) -> None:
    ends(finops("--books", demo, "verify"), 0)
    assert json.loads(finops("verify", "--books", demo, "--json").stdout) == {
        "proven": True,
        "findings": [],
    }
    ends(finops("--books", demo, "rebuild", "--to", tmp_path / "again"), 0)
    ends(finops("--books", demo, "rebuild", "--to", tmp_path / "again"), 2)
    told = json.loads(finops("--books", tmp_path / "again", "check", "--json").stdout)
    assert told["proven"] is True


def test_the_environment_names_the_books(demo: Path) -> None:
    env = {**os.environ, "FINOPS_BOOKS": str(demo)}
    command = [sys.executable, "-m", "finops_ledger.cli", "deposits", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    assert len(json.loads(done.stdout)["days"]) == 6


def test_a_relative_folder_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finops: Finops
) -> None:
    monkeypatch.chdir(tmp_path)
    ends(finops("demo", "here", "--days", 1, "--orders-per-day", 10, "--partners", 1), 0)
    result = finops("--books", "here", "run", "--json")
    told = json.loads(result.stdout)
    assert {f["verdict"] for f in told["import"]["files"]} == {"imported"}
    assert told["check"]["proven"] is True
    again = json.loads(finops("--books", "here", "run", "--json").stdout)
    assert (again["import"]["files"], again["reconciled"]) == ([], 0)
