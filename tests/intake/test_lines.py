"""Delimited text that is no plain table: types of lines, repeated headers, notes between records."""

from __future__ import annotations

from pathlib import Path

import pytest

from finops_ledger.intake.formats import load_format
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format
from tests.intake.test_refusals import GOOD, HEADER, make_format, read_bytes, refused

TYPED = """
name = "typed"
version = 1
key = ["ref"]
[file]
header = ["CH", "id", "amount", "note"]
ragged = true
[file.lines]
header = "CH"
record = ["SB"]
other = ["RH", "SH", "SF", "RF"]
[fields]
ref = "id"
amount = "amount"
text = "note"
[[totals]]
row = "^SF"
cell = 1
all = true
equals = "sum"
[[totals]]
row = "^RF"
cell = 1
equals = "rows"
required = false
"""
SECTION = '"SH",day\n"CH",id,"amount",note\n'


def typed(folder: Path) -> Format:
    path = folder / "typed.toml"
    path.write_text(TYPED, encoding="utf-8")
    return load_format(path)


def test_sections_of_lines_of_several_types(tmp_path: Path) -> None:
    fmt = typed(tmp_path)
    data = (
        '\ufeff"RH",x\n' + SECTION + '"SB",A,5,"a\nb"\nSB,B,7\n"SF",12\n'
        + SECTION + "SB,C,-2,\nSF,-2\nRF,3\n"
    )  # fmt: skip
    result, rows = read_bytes(tmp_path, data.encode(), fmt)
    assert [(row["ref"], row["text"]) for row in rows] == [("A", "a\nb"), ("B", None), ("C", None)]
    assert result.totals == {"amount": 10, "rows": 3}
    assert recognises(fmt, tmp_path / "f.csv")
    assert refused(tmp_path, data.replace("SF,-2", "SF,-3").encode(), fmt)[0].code == "total-wrong"


@pytest.mark.parametrize(
    ("line", "code"),
    [("XX,1\n", "line-unknown"), ('"CH",id,"amount",other\n', "header-other"),
     ('SB,"a"b,1\n', "csv-quote"), ("SB,D,1,x,y\n", "cell-count")],
)  # fmt: skip
def test_a_line_that_is_nothing_is_broken_and_told(tmp_path: Path, line: str, code: str) -> None:
    fmt = typed(tmp_path)
    data = SECTION + "SB,A,5\n" + line + "SB,B,7\nSF,12\n"
    [problem] = refused(tmp_path, data.encode(), fmt)
    assert (problem.code, problem.line) == (code, 4)
    result, rows = read_bytes(tmp_path, data.encode(), fmt, accept_valid=True)
    assert (result.rows, result.refused, len(rows)) == (3, 1, 2)


def test_a_header_by_its_type_is_looked_for_in_the_first_lines(tmp_path: Path) -> None:
    fmt = typed(tmp_path)
    data = "SH,x\n" * 250 + SECTION + "SB,A,5\nSF,5\n"
    assert read_bytes(tmp_path, data.encode(), fmt)[0].rows == 1
    assert recognises(fmt, tmp_path / "f.csv")
    [problem] = refused(tmp_path, ("SH,x\n" * 400 + data).encode(), fmt)
    assert problem.code == "header-missing"
    assert not recognises(fmt, tmp_path / "f.csv")


def test_lines_without_any_header(tmp_path: Path) -> None:
    path = tmp_path / "h.toml"
    path.write_text(
        """
name = "h"
version = 1
key = ["ref"]
[file]
header = ["type", "id", "amount", "fee"]
header_row = false
ragged = true
[file.lines]
record = "I"
other = ["H", "F", "L"]
[fields]
ref = "id"
amount = "amount"
[[totals]]
row = "^L"
cell = 1
equals = "rows"
""",
        encoding="utf-8",
    )
    fmt = load_format(path)
    data = b"H,R1,1.0.0,a,b,c,d\nI,A,5,\nI,B,7\nF,x,,12,,,\nL,2,12\n"
    assert read_bytes(tmp_path, data, fmt)[0].control == 12
    assert recognises(fmt, tmp_path / "f.csv")
    assert not recognises(typed(tmp_path), tmp_path / "f.csv")
    empty = b"H,R1,1.0.0,a,b,c,d\nL,0,0\n"
    assert read_bytes(tmp_path, empty, fmt)[0].rows == 0
    assert recognises(fmt, tmp_path / "f.csv")


def test_pages(tmp_path: Path) -> None:
    page = "Page {}\n" + HEADER
    fmt = make_format(
        tmp_path, file="header_within = 5\nrepeated_header = true\nnotes = '^(Page|Subtotal)'"
    )
    data = page.format(1) + GOOD + "Subtotal;1000\n" + page.format(2) + GOOD.replace("A", "B")
    result, _ = read_bytes(tmp_path, (data + "TOTAL;2\n").encode(), fmt)
    assert (result.rows, result.control) == (2, 2000)
    plain = make_format(tmp_path, file="header_within = 5")
    assert refused(tmp_path, data.encode(), plain)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str) -> None:
    fmt = make_format(tmp_path, file=f'ragged = true\nencoding = "{encoding}"')
    data = "sep=;\r" + (HEADER + GOOD).replace("\n", "\r") + "B;02/03/2026 10:00:00;1\r\x1a"
    result, rows = read_bytes(tmp_path, data.replace(";x", ";é").encode(encoding), fmt)
    assert ([row["text"] for row in rows], result.rows) == (["é", None], 2)
    assert recognises(fmt, tmp_path / "f.csv")


def test_records_of_broken_quotes_are_counted_one_by_one(tmp_path: Path) -> None:
    fmt = make_format(tmp_path, file="ragged = true")
    data = HEADER + GOOD + 'B;02/03/2026 10:00:00;5;"x\n' + GOOD.replace("A;", "C;")
    result, rows = read_bytes(tmp_path, data.encode(), fmt, accept_valid=True)
    assert (result.rows, result.refused, [row["ref"] for row in rows]) == (3, 2, ["A"])
