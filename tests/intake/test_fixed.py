"""Text in fixed columns: what stands at its place is a cell, and what does not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from finops_ledger.core.errors import UsageError
from finops_ledger.intake.formats import load_format
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format
from tests.intake.test_refusals import read_bytes, refused

FORMAT = """
name = "fixed"
version = 1
key = ["ref"]
[file]
kind = "fixed"
header_within = 9
{file}
record = '[A-Z]\\d '
notes = ['^(Bank|Page) ', '^ +Opening']
pieces = [
  {{ name = "Id", start = 1, width = 3, title = "Id" }},
  {{ name = "Text", start = 4, width = 10, title = "Text" }},
  {{ name = "Amount", start = 16, width = 8, title = "Amount" }},
  {{ name = "Balance", start = 24, title = "Balance" }},
]
continued = [
  {{ line = '(\\d\\d:\\d\\d) [AP]M', column = "Time" }},
  {{ line = 'a/n .*', column = "Text" }},
]
[numbers]
decimal = ","
thousands = "."
[times]
format = "%H:%M"
[fields]
ref = "Id"
text = "Text"
serial = "Time"
amount = "Amount"
balance = "Balance"
[[totals]]
row = "^ +Opening"
pattern = '([\\d.,]+)$'
equals = "opening"
required = false
"""


def row(id_: str, text: str, amount: str, balance: str) -> str:
    return f"{id_:<3}{text:<12}{amount:>8}{balance:>9}\n"


HEAD = "Bank X\n\n" + row("Id", "Text", "Amount", "Balance") + row("", "", "Opening", "1.000,00")
GOOD = (
    HEAD + row("A1", "Gehäüs", "10,00", "1.010,00") + "09:14 PM\n\na/n Budi\n"
    + "\fPage 2\n" + row("B2", "x x x x x", "-10,00", "1.000,00")
)  # fmt: skip


def fixed(folder: Path, file: str = "") -> Format:
    path = folder / "fixed.toml"
    path.write_text(FORMAT.format(file=file), encoding="utf-8")
    return load_format(path)


def test_records_and_what_continues_them(tmp_path: Path) -> None:
    fmt = fixed(tmp_path)
    result, rows = read_bytes(tmp_path, GOOD.encode(), fmt)
    found = [(r["ref"], r["text"], r["serial"], r["amount"], r["balance"]) for r in rows]
    assert found == [
        ("A1", "Gehäüs a/n Budi", "09:14", 10, 1010),
        ("B2", "x x x x x", None, -10, 1000),
    ]
    assert (result.rows, result.opening) == (2, 1000)
    assert recognises(fmt, tmp_path / "f.csv")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_and_encodings(tmp_path: Path, end: str) -> None:
    fmt = fixed(tmp_path, 'encoding = "cp1252"')
    data = (GOOD + "\x1a").replace("\n", end).encode("cp1252")
    assert read_bytes(tmp_path, data, fmt)[0].rows == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (row("C3", "y\t", "1,00", "999,00"), "fixed-tab"),
        (row("C3", "y          1", "1,00", "999,00"), "fixed-outside"),
        (row("C3", "y" * 12, "1,00", "999,00"), "fixed-outside"),
        (row("C3", "y", "1,00", "199999,00"), "fixed-edge"),
        (row("C3y", "y", "1,00", "999,00"), "line-unknown"),
        (row("tot", "al", "1,00", "999,00"), "line-unknown"),
    ],
)
def test_a_line_that_does_not_lie_in_its_columns(tmp_path: Path, line: str, code: str) -> None:
    [problem] = refused(tmp_path, (GOOD + line).encode(), fixed(tmp_path))
    assert (problem.code, problem.line) == (code, 11)
    if code != "line-unknown":  # what continues a broken record is part of it
        more = (GOOD + line + "10:00 AM\n").encode()
        result, _ = read_bytes(tmp_path, more, fixed(tmp_path), accept_valid=True)
        assert (result.rows, result.refused) == (3, 1)


def test_a_figure_that_moved_is_not_cut_in_two(tmp_path: Path) -> None:
    moved = GOOD.replace("-10,00 1.000,00", "-10,001.000,00")
    assert refused(tmp_path, moved.encode(), fixed(tmp_path))[0].code == "fixed-edge"


def test_titles_at_other_places(tmp_path: Path) -> None:
    other = GOOD.replace("Text          Amount", "Text Amount         ")
    assert refused(tmp_path, other.encode(), fixed(tmp_path))[0].code == "header-missing"
    assert not recognises(fixed(tmp_path), tmp_path / "f.csv")


def test_a_continuation_of_nothing(tmp_path: Path) -> None:
    [problem] = refused(tmp_path, (HEAD + "09:00 AM\n").encode(), fixed(tmp_path))
    assert (problem.code, problem.line) == ("line-unknown", 5)


def test_fields_that_touch(tmp_path: Path) -> None:
    """A switch's file: numbers filled with zeros, texts with blanks, nothing between them."""
    path = tmp_path / "dense.toml"
    path.write_text(
        """
name = "dense"
version = 1
key = ["ref"]
[file]
kind = "fixed"
dense = true
pieces = [
  { name = "switcher", start = 1, width = 7 },
  { name = "meter", start = 8, width = 11 },
  { name = "name", start = 19, width = 10 },
  { name = "admin", start = 29, width = 10 },
]
[fields]
ref = "meter"
text = "name"
amount = "admin"
""",
        encoding="utf-8",
    )
    fmt = load_format(path)
    data = b"000000112345678901BUDI S    0000002500\n0000001123456789020123456789" + b"0000001500\n"
    _, rows = read_bytes(tmp_path, data, fmt)
    assert [(r["ref"], r["text"], r["amount"]) for r in rows] == [
        ("12345678901", "BUDI S", 2500), ("12345678902", "0123456789", 1500),
    ]  # fmt: skip
    assert recognises(fmt, tmp_path / "f.csv")
    longer = data.replace(b"2500\n", b"25007\n")
    assert refused(tmp_path, longer, fmt)[0].code == "fixed-outside"


def test_pieces_that_overlap_are_a_fault_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "fixed.toml"
    path.write_text(FORMAT.format(file="").replace("width = 10", "width = 13"), encoding="utf-8")
    with pytest.raises(UsageError, match="overlap"):
        load_format(path)
