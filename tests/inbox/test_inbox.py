"""The inbox: what is left alone and why, odd names, folders and pipes, and the report of what was refused."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finops_ledger.books import Books, importing
from finops_ledger.books.config import Intake
from finops_ledger.books.inbox import FileReport
from finops_ledger.books.refusing import table
from finops_ledger.books.verify import verify
from finops_ledger.cli import cli
from finops_ledger.core.errors import Problem
from finops_ledger.core.names import NAME_BYTES, file_name, harmless, printable
from finops_ledger.intake.limits import Limits
from finops_ledger.subledger.manifest import NAME
from tests.inbox import made
from tests.integrity import workspaces as iw


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return made.make(tmp_path / "books")


def drop(books: Books, name: str, data: bytes | None = None) -> Path:
    data = made.statement(books.root) if data is None else data
    path = books.root / "inbox" / name
    path.write_bytes(data)
    return path


def intake(books: Books, text: str) -> None:
    with (books.root / "finops.toml").open("a") as file:
        file.write(f"\n[intake]\n{text}\n")


def one(books: Books, *paths: Path) -> FileReport:
    [report] = books.import_files(paths or None).files
    return report


def is_left(books: Books, path: Path, *words: str) -> None:
    """The file stays, untouched and told; the exit code says that it is not in the books."""
    data = path.read_bytes()
    report = books.import_files()
    [found] = [f for f in report.files if f.name == printable(path.name)]
    assert found.verdict == "left", found
    assert report.exit_code == 3
    for word in words:
        assert word in found.message
    assert path.read_bytes() == data
    assert not [n for n in iw.lines(books.root) if n["kind"] in ("batch", "refused")]


# --- limits, and files that are still being written --------------------------------------------------


def test_the_limits_of_reading_are_those_of_the_books(books: Books) -> None:
    before = (books.root / "finops.toml").read_text()
    drop(books, made.STATEMENT)
    intake(books, "max_columns = 5")
    refused = one(books)
    assert (refused.verdict, len(refused.problems)) == ("refused", 1)
    assert "[too-many-columns]" in refused.problems[0]
    (books.root / "finops.toml").write_text(before)
    drop(books, made.STATEMENT)
    assert one(books).verdict == "imported"


def test_every_limit_of_intake_has_its_key() -> None:
    """With the same default, and handed on under its own name."""
    names = {f.name for f in dataclasses.fields(Limits)}
    given = {name: at for at, name in enumerate(sorted(names), 7)}
    assert {*Intake.model_fields} - {"ignore"} == names
    assert dataclasses.asdict(Intake(**given).limits) == given
    assert Intake().limits == Limits()


def test_a_file_over_the_limit_is_left_and_the_limit_named(books: Books) -> None:
    intake(books, "max_bytes = 200")
    path = drop(books, made.STATEMENT)
    is_left(books, path, "max_bytes = 200", "[intake]", "finops.toml", str(path.stat().st_size))
    text = (books.root / "finops.toml").read_text()
    (books.root / "finops.toml").write_text(text.replace("200", "20000"))
    assert one(books).verdict == "imported"


@pytest.mark.parametrize(
    "ending", [".part", ".partial", ".crdownload", ".filepart", ".tmp", ".TMP"]
)
def test_the_name_of_a_download_is_left(books: Books, ending: str) -> None:
    is_left(books, drop(books, made.STATEMENT + ending), "download")


def test_a_placeholder_beside_its_download_is_left(books: Books) -> None:
    path = drop(books, made.STATEMENT)
    drop(books, f"{made.STATEMENT}.part", b"half")
    is_left(books, path, "being downloaded")


@pytest.mark.parametrize("mark", [f"~${made.STATEMENT}", f".~lock.{made.STATEMENT}#"])
def test_a_file_that_is_open_in_a_spreadsheet_is_left(books: Books, mark: str) -> None:
    path = drop(books, made.STATEMENT)
    owner = drop(books, mark, b"somebody")
    is_left(books, path, "open in a program")
    owner.unlink()
    assert one(books).verdict == "imported"


def test_a_file_that_another_process_writes_to_is_left(books: Books) -> None:
    path = drop(books, made.STATEMENT)
    code = (
        "import sys, time; f = open(sys.argv[1], 'a'); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        if sys.platform != "linux":
            pytest.skip("only Linux tells")
        is_left(books, path, "open for writing")
        writer.communicate()
    assert one(books).verdict == "imported"


@pytest.mark.parametrize("sound", [True, False])
def test_a_file_that_grows_while_it_is_read_is_left_sound_or_not(
    books: Books, sound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made.statement(books.root)
    path = drop(books, made.STATEMENT, data if sound else data[:-40])
    read = importing.read

    def slowly(*arguments: Any, **more: Any) -> Any:
        with path.open("ab") as file:
            file.write(b"more")
        return read(*arguments, **more)

    monkeypatch.setattr(importing, "read", slowly)
    report = one(books)
    assert report.verdict == "left"
    assert "changed while it was read" in report.message
    assert path.exists()
    assert not [n for n in iw.lines(books.root) if n["kind"] in ("batch", "refused")]
    assert not list((books.root / "quarantine").iterdir())


def test_what_is_written_after_the_commit_stays_in_the_inbox(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(books, made.STATEMENT)
    digest = importing.content_digest

    def late(kept: Path) -> str:
        found = digest(kept)
        os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(importing, "content_digest", late)
    assert one(books).verdict == "imported"
    assert path.exists()
    monkeypatch.undo()
    assert one(books).verdict == "known"
    assert not path.exists()


def test_a_file_that_goes_away_is_told(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop(books, made.STATEMENT)
    read = importing.read

    def gone(*arguments: Any, **more: Any) -> Any:
        path.unlink(missing_ok=True)
        return read(*arguments, **more)

    monkeypatch.setattr(importing, "read", gone)
    assert one(books).verdict == "left"


# --- what else lies in an inbox ---------------------------------------------------------------------


def test_pipes_sockets_links_and_folders_are_survived_and_told(
    books: Books, tmp_path: Path
) -> None:
    inbox = books.root / "inbox"
    os.mkfifo(inbox / "orders_2026-03-02.csv")
    other = tmp_path / "elsewhere.csv"
    other.write_bytes(made.statement(books.root))
    (inbox / made.STATEMENT).symlink_to(other)
    (inbox / "gone.csv").symlink_to(tmp_path / "nowhere")
    (inbox / "sub").mkdir()
    (inbox / "sub" / "x.csv").write_text("x")
    (inbox / "empty").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        cwd = Path.cwd()
        os.chdir(inbox)
        listening.bind("socket")
        os.chdir(cwd)
        found = {f.name: f for f in books.import_files().files}
    assert {n: f.verdict for n, f in found.items()} == dict.fromkeys(
        ["orders_2026-03-02.csv", made.STATEMENT, "gone.csv", "sub", "socket"], "left"
    )
    assert "pipe" in found["orders_2026-03-02.csv"].message
    assert "link" in found[made.STATEMENT].message
    assert "folder" in found["sub"].message
    assert other.exists()


def test_a_link_is_followed_where_the_user_names_it(books: Books, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.csv"
    other.write_bytes(made.statement(books.root))
    link = tmp_path / made.STATEMENT
    link.symlink_to(other)
    assert one(books, link).verdict == "imported"
    assert link.is_symlink()
    assert other.exists()


def test_a_named_pipe_does_not_block(books: Books, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert one(books, tmp_path / "pipe.csv").verdict == "left"


def test_a_folder_stands_for_the_files_in_it(books: Books, tmp_path: Path) -> None:
    folder = tmp_path / "march"
    (folder / "deeper").mkdir(parents=True)
    (folder / "deeper" / "x.csv").write_text("x")
    (folder / made.STATEMENT).write_bytes(made.statement(books.root))
    (folder / made.ORDERS).write_bytes(made.orders(books.root))
    found = {f.name: f.verdict for f in books.import_files([folder]).files}
    assert found == {made.STATEMENT: "imported", made.ORDERS: "imported", "deeper": "left"}
    assert (folder / made.STATEMENT).exists()


def test_names_that_are_ignored_are_told_and_do_no_harm(books: Books) -> None:
    intake(books, 'ignore = ["*.pdf", "done"]')
    drop(books, "Invoice.PDF", b"%PDF")
    (books.root / "inbox" / "done").mkdir()
    (books.root / "inbox" / "done" / "x").write_text("x")
    report = books.import_files()
    assert [(f.name, f.verdict) for f in report.files] == [
        ("Invoice.PDF", "ignored"),
        ("done", "ignored"),
    ]
    assert report.exit_code == 0


def test_an_empty_inbox_and_none_at_all(books: Books) -> None:
    assert books.import_files().files == []
    (books.root / "inbox").rmdir()
    assert books.import_files().files == []


def test_a_file_that_nobody_takes_is_told_the_nearest_sources(books: Books) -> None:
    drop(books, "mutasi AggA.csv")
    drop(books, "holiday.jpg", b"\xff\xd8")
    found = {f.name: f.message for f in books.import_files().files}
    assert (
        "Nearest: agga (match = 'AggA_mutasi_*.csv', the header fits)" in found["mutasi AggA.csv"]
    )
    assert "Nearest" not in found["holiday.jpg"]


# --- odd names ----------------------------------------------------------------------------------------

ODD = (
    b"AggA_mutasi_20260302\n.csv", b"AggA_mutasi_20260302\xff.csv", b"AggA_mutasi_20260302[1]*?.csv",
    b"AggA_mutasi_20260302\"; drop.csv", b"AggA_mutasi_20260302\\..\\x.csv", b"AggA_mutasi_20260302'.csv",
    "AggA_mutasi_20260302\u202evsc.csv".encode(), "AggA_mutasi_20260302 – März.csv".encode(),
    b"AggA_mutasi_20260302" + b"\x01" * 231 + b".csv",
    b"AggA_mutasi_20260302" + b"x" * 231 + b".csv", b"AggA_mutasi_20260302" + "é".encode() * 115 + b".csv",
)  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("sound", [True, False])
def test_an_odd_name_neither_crashes_nor_escapes(
    books: Books, name: bytes, sound: bool, tmp_path: Path
) -> None:
    data = made.statement(books.root)
    path = os.path.join(os.fsencode(books.root), b"inbox", name)  # noqa: PTH118 - bytes
    with open(path, "wb") as file:  # noqa: PTH123 - bytes
        file.write(data if sound else data[:-40])
    outside = set(tmp_path.iterdir())
    result = CliRunner().invoke(cli, ["--books", str(books.root), "import"])
    assert result.exit_code == (0 if sound else 3), result.output
    assert "Traceback" not in result.output
    assert result.output.replace("\n", "").isprintable()
    assert not os.path.lexists(path)
    assert set(tmp_path.iterdir()) == outside
    kept = list((books.root / ("archive" if sound else "quarantine")).rglob("*AggA_*"))
    assert kept
    for one_ in kept:
        assert one_.name.isprintable()
        assert len(one_.name.encode()) <= 240
    assert b"\n" not in (books.root / NAME).read_bytes().splitlines()[-1]
    assert verify(books.root) == []
    if sound:
        assert books.rebuild(tmp_path / "again").differences == []


def test_a_leading_dash_is_a_name_like_any_other(books: Books) -> None:
    text = (books.root / "finops.toml").read_text()
    (books.root / "finops.toml").write_text(text.replace("AggA_mutasi_*.csv", "*AggA_mutasi_*.csv"))
    drop(books, f"-rf {made.STATEMENT}")
    assert one(books).verdict == "imported"


def test_an_engine_pattern_in_a_name_does_not_read_another_file(books: Books) -> None:
    data = made.statement(books.root)
    drop(books, "AggA_mutasi_20260302_1.csv", data.replace(b"49.800", b"10.000"))
    drop(books, "AggA_mutasi_20260302_[1].csv", b"nothing")
    found = {f.name: f.verdict for f in books.import_files().files}
    assert found["AggA_mutasi_20260302_[1].csv"] == "refused"


def test_names_for_show_and_for_keeping() -> None:
    assert printable("a b–é.csv") == "a b–é.csv"
    assert printable(printable("a\x1b\u202e\udcff\U000e0001")) == "a\\x1b\\u202e\\xff\\U000e0001"
    assert file_name("../a\\b\n.csv") == ".._a_b_.csv"
    assert file_name("x" * 300 + ".csv") == "x" * (NAME_BYTES - 4) + ".csv"
    assert len(file_name("é" * 300 + ".csv").encode()) <= NAME_BYTES
    assert file_name("") == "_"


# --- the report of a refusal ----------------------------------------------------------------------------


def test_one_report_lists_a_thousand_and_counts_all(books: Books) -> None:
    head, *rest = made.orders(books.root).decode().splitlines()
    line = rest[0].replace(",51000,", ",fifty,")
    drop(books, made.ORDERS, "\n".join([head, *[line] * 1500]).encode())
    report = one(books)
    assert (report.total, len(report.problems)) == (1500, 1000)
    [text] = (books.root / "quarantine").glob("*.report.txt")
    assert text.read_text().splitlines()[1] == "1500 problems:"
    assert text.read_text().endswith("… and 500 more, not listed\n")
    rows = list(csv.reader(io.StringIO(text.with_suffix(".csv").read_text())))
    assert len(rows) == 1001
    result = CliRunner().invoke(cli, ["--books", str(books.root), "import", "--json"])
    assert json.loads(result.stdout) == {"files": []}


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("＝1+1", "'＝1+1"),
        ("x;=1", "x;'=1"),
        ("x\t@y", "x\\x09@y"),
        ("x|-y", "x|'-y"),
        ("-49.800", "-49.800"),
        ("+62", "+62"),
        ("a\r\nb\u202ec", "a\\x0d\\x0ab\\u202ec"),
        ("plain text", "plain text"),
    ],
)
def test_a_spreadsheet_takes_nothing_of_the_report_for_a_formula(cell: str, shown: str) -> None:
    assert harmless(cell) == shown
    made_ = table([Problem("cell-number", cell, cell, 3, cell, cell, cell)]).decode()
    [_, row] = csv.reader(io.StringIO(made_))
    assert row == [shown, "3", shown, shown, shown, "cell-number", shown]


def test_marks_in_a_value_are_shown_escaped(books: Books) -> None:
    data = made.statement(books.root).replace(b";49.800;", ";49\u202e.800\x1b[31m;".encode(), 1)
    drop(books, made.STATEMENT, data)
    result = CliRunner().invoke(cli, ["--books", str(books.root), "import"])
    assert "\\u202e" in result.output
    for text in (books.root / "quarantine").glob("*.report.*"):
        assert text.read_text().replace("\n", "").isprintable()
        assert "\\u202e" in text.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has leases")
def test_asking_whether_a_file_is_open_survives_those_who_open_it_just_then(tmp_path: Path) -> None:
    """The kernel signals who holds a lease when another opens the file; unasked, that ends the process."""
    path = tmp_path / "x.csv"
    path.write_text("x")
    ask = (
        "import sys, time; from pathlib import Path; from finops_ledger.books.inbox import _by_use\n"
        "until = time.monotonic() + 0.7\n"
        "while time.monotonic() < until: _by_use(Path(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", ask, str(path)]) as asking:
        while asking.poll() is None:
            with path.open("a"):
                pass
    assert asking.returncode == 0
