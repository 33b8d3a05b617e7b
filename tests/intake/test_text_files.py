"""Delimited text as it really comes: encodings, line ends, quotes, blank lines, headers, huge lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from finops_ledger.core.errors import InputRefused, Problem, UsageError
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.read import locate, read
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.records import records
from tests.intake.test_refusals import (
    GOOD,
    HEADER,
    TOTALS,
    make_format,
    make_info,
    read_bytes,
    refused,
)

SECOND = GOOD.replace("A;", "B;")


def texts(folder: Path, data: bytes, **format_: str) -> list[object]:
    _, rows = read_bytes(folder, data, make_format(folder, **format_))
    return [row["text"] for row in rows]


def limited(folder: Path, data: bytes, limits: Limits) -> Problem:
    path = folder / "f.csv"
    path.write_bytes(data)
    with pytest.raises(InputRefused) as caught:
        read(path, make_format(folder), make_info(), folder / "out.parquet", limits=limits)
    return caught.value.problems[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("marked", [True, False])
def test_declared_encodings(tmp_path: Path, encoding: str, marked: bool) -> None:
    text = HEADER + GOOD.replace("x\n", "café\n")
    wide = encoding != "latin-1" and encoding.endswith("e")
    data = ("\ufeff" if marked and wide else "").encode(encoding) + text.encode(encoding)
    assert texts(tmp_path, data, file=f'encoding = "{encoding}"') == ["café"]


@pytest.mark.parametrize(
    ("declared", "data", "line", "words"),
    [
        ("latin-1", (HEADER + GOOD).encode() + b"B;02/03/2026 10:00:00;1;\x93x\x94\n", 3, "0x93"),
        ("cp1252", (HEADER + GOOD).encode() + "B;x;1;café\n".encode(), 3, "valid UTF-8"),
        ("cp1252", (HEADER + "B;x;1;caf").encode() + b"\x81\n", 2, "0x81"),
        ("utf-8", (HEADER + GOOD).encode() + b"B;02/03/2026 10:00:00;1;caf\xe9\n", 3, "0xE9"),
        ("utf-16-le", (HEADER + GOOD).encode("utf-16-be"), None, None),
        ("utf-16-be", b"\xff\xfe" + (HEADER + GOOD).encode("utf-16-le"), 1, "utf-16-le"),
        ("utf-16-le", (HEADER + GOOD).encode("utf-16-le")[:-1], 2, "utf-16-le"),
    ],
)
def test_another_encoding_than_declared(
    tmp_path: Path, declared: str, data: bytes, line: int | None, words: str | None
) -> None:
    problem = refused(tmp_path, data, make_format(tmp_path, file=f'encoding = "{declared}"'))[0]
    if words is not None:
        assert (problem.code, problem.line) == ("encoding-wrong", line)
        assert words in problem.message


def test_lines_of_two_encodings_are_told(tmp_path: Path) -> None:
    data = (HEADER.encode() + GOOD.replace("x\n", "é\n").encode("cp1252")
            + SECOND.replace("x\n", "é\n").encode())  # fmt: skip
    problem = refused(tmp_path, data, make_format(tmp_path, file='encoding = "cp1252"'))[0]
    assert (problem.line, problem.code) == (3, "encoding-wrong")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("title", ["", "Report 1\n\n"])
def test_line_ends(tmp_path: Path, end: str, title: str) -> None:
    text = (title + HEADER + GOOD + SECOND + "TOTAL;2;2000;\n").replace("\n", end)
    fmt = make_format(tmp_path, file="header_within = 9", more=TOTALS)
    result, _ = read_bytes(tmp_path, text.encode(), fmt)
    assert (result.rows, result.control) == (2, 2000)
    assert locate(tmp_path / "f.csv", fmt, 2)[0] == (3 if not title else 5)


def test_mixed_line_ends(tmp_path: Path) -> None:
    lines = [HEADER, GOOD.replace("\n", "\r"), SECOND.replace("\n", "\r\n"), GOOD.replace("A", "C")]
    result, rows = read_bytes(tmp_path, "".join(lines).encode())
    assert [row["ref"] for row in rows] == ["A", "B", "C"]
    assert result.rows == 3


@pytest.mark.parametrize(
    "data",
    [
        HEADER + "\n" + GOOD + "\n;;;\n" + SECOND,
        HEADER + GOOD + SECOND + "\n\n;;;\n",
        HEADER + GOOD + SECOND + "\x1a",
        HEADER + GOOD + SECOND[:-1] + "\x1a",
        HEADER + GOOD + SECOND + "TOTAL;2;2000;\n\x1a\x1a",
        HEADER + GOOD.replace("x\n", "x;\n") + SECOND.replace("x\n", "x;\n"),
        HEADER.replace("note\n", "note;;\n") + GOOD.replace("x\n", "x;;\n") + SECOND,
        HEADER.replace("id;", ' "id" ;').replace("note", " note ") + GOOD + SECOND,
        "sep=;\n" + HEADER + GOOD + SECOND,
        "\ufeffsep=;\r\n" + HEADER + GOOD + SECOND,
        "\ufeff" + HEADER.replace("id", '"id"') + GOOD + SECOND,
        HEADER + GOOD.replace("x\n", ' "x"\n') + SECOND.replace("x\n", '"x" \n'),
    ],
)
def test_the_same_two_records(tmp_path: Path, data: str) -> None:
    result, rows = read_bytes(tmp_path, data.encode())
    assert (result.rows, result.control) == (2, 2000)
    assert [(row["ref"], row["text"]) for row in rows] == [("A", "x"), ("B", "x")]
    assert recognises(make_format(tmp_path), tmp_path / "f.csv")


def test_a_separator_line_of_another_delimiter(tmp_path: Path) -> None:
    assert refused(tmp_path, ("sep=,\n" + HEADER + GOOD).encode())[0].code == "delimiter-wrong"


def test_a_filled_cell_beyond_the_header_is_broken(tmp_path: Path) -> None:
    data = HEADER + GOOD.replace("x\n", "x;\n") + SECOND.replace("x\n", "x;y\n")
    [problem] = refused(tmp_path, data.encode())
    assert (problem.code, problem.line) == ("cell-count", 3)


def test_trimmed_cells(tmp_path: Path) -> None:
    data = 'id\t;"time\t";amount ;note\n"A\t";02/03/2026 10:00:00\t; 1000\t;"  x\t"\n;\t; ;\n'
    assert texts(tmp_path, data.encode(), file="trim = true") == ["x"]
    assert {p.code for p in refused(tmp_path, data.encode())} >= {"cell-number", "cell-time"}


def test_cells_as_formulas_and_after_apostrophes(tmp_path: Path) -> None:
    data = HEADER + '="0123";02/03/2026 10:00:00;5;x\n"=""0124""";02/03/2026 10:00:00;5;y\n'
    fmt = make_format(tmp_path)
    ref = fmt.fields["ref"].model_copy(update={"pattern": '="(.*)"'})
    fmt = fmt.model_copy(update={"fields": {**fmt.fields, "ref": ref}})
    _, rows = read_bytes(tmp_path, data.encode(), fmt)
    assert [row["ref"] for row in rows] == ["0123", "0124"]


def test_first_line_of_several(tmp_path: Path) -> None:
    file = "skip_lines = 1\nfirst_line = ['Mutasi', 'Transactions']"
    for title in ("Mutasi 2026", "Transactions 2026"):
        assert texts(tmp_path, f"{title}\n{HEADER}{GOOD}".encode(), file=file) == ["x"]
    fmt = make_format(tmp_path, file=file)
    assert refused(tmp_path, f"Umsatz\n{HEADER}{GOOD}".encode(), fmt)[0].code == "title-wrong"


ALIASES = '[file.aliases]\namount = ["Jumlah", "nominal"]\nnote = "Keterangan"'


@pytest.mark.parametrize("more", ["", "ragged = true\n"])
def test_a_column_of_several_names(tmp_path: Path, more: str) -> None:
    header = "id;time;Jumlah;Keterangan\n"
    assert texts(tmp_path, (header + GOOD).encode(), file=more + ALIASES) == ["x"]
    assert texts(tmp_path, (HEADER + GOOD).encode(), file=more + ALIASES) == ["x"]
    fmt = make_format(tmp_path, file=more + ALIASES)
    both = "id;time;amount;Jumlah;note\n"
    assert "header-duplicate" in {p.code for p in refused(tmp_path, both.encode(), fmt)}


def test_an_alias_of_two_columns_is_a_fault_of_the_format(tmp_path: Path) -> None:
    for aliases in ('sum = ["x"]', 'amount = ["note"]', 'amount = ["x"]\nnote = ["x"]'):
        with pytest.raises(UsageError, match="aliases"):
            make_format(tmp_path, file=f"[file.aliases]\n{aliases}")


@pytest.mark.parametrize("more", ["", "ragged = true"])
def test_two_columns_of_one_name(tmp_path: Path, more: str) -> None:
    fmt = make_format(tmp_path, file=more)
    file = fmt.file.model_copy(update={"header": ("id", "time", "amount", "note", "note (2)")})
    fmt = fmt.model_copy(update={"file": file})
    data = HEADER.replace("note", "note;note") + GOOD.replace("x\n", "x;y\n")
    assert read_bytes(tmp_path, data.encode(), fmt)[1][0]["text"] == "x"
    assert "header-duplicate" in {
        p.code for p in refused(tmp_path, data.encode(), make_format(tmp_path, file=more))
    }


def test_marks_that_cannot_be_seen_are_written_out(tmp_path: Path) -> None:
    problems = refused(tmp_path, (HEADER.replace("note", "no\u200bte") + GOOD).encode())
    assert {p.column for p in problems} == {"note", "no\\u200bte"}
    [problem] = refused(tmp_path, (HEADER + GOOD.replace("1000", "\u202e1000\xa0")).encode())
    assert problem.value == "\\u202e1000\\xa0"


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\u00ad", "\xa0", "\u2003", "\ufeff"])
def test_an_id_is_what_it_looks_like(tmp_path: Path, mark: str) -> None:
    """In a text such marks are kept; in an id they would part what belongs together."""
    data = HEADER + GOOD.replace("x\n", f"x{mark}y\n") + SECOND.replace("B;", "é;")
    assert read_bytes(tmp_path, data.encode())[1][0]["text"] == f"x{mark}y"
    [problem] = refused(tmp_path, (HEADER + GOOD + SECOND.replace("B;", f"B{mark};")).encode())
    assert (problem.code, problem.line, problem.column) == ("cell-unseen", 3, "id")
    assert problem.value is not None
    assert problem.value.isascii()


def test_too_many_columns(tmp_path: Path) -> None:
    for width in (10_000, 200_000):
        header = ";".join(f"c{i}" for i in range(width)) + "\n"
        for more in ("", "ragged = true"):
            fmt = make_format(tmp_path, file=more)
            assert refused(tmp_path, header.encode(), fmt)[0].code == "too-many-columns"


def test_one_column(tmp_path: Path) -> None:
    fmt = make_format(tmp_path)
    file = fmt.file.model_copy(update={"header": ("amount",), "footer": ()})
    amount = {"amount": fmt.fields["amount"]}
    fmt = fmt.model_copy(update={"file": file, "fields": amount, "key": ("amount",)})
    result, _ = read_bytes(tmp_path, b"amount\n1\n\n2\n\n\n", fmt)
    assert (result.rows, result.control) == (2, 3)


@pytest.mark.parametrize("more", ["", "ragged = true"])
@pytest.mark.parametrize("place", ["title", "header", "late"])
def test_nul_anywhere(tmp_path: Path, more: str, place: str) -> None:
    lines = {"title": "\0\n" + HEADER, "header": HEADER.replace("id", "i\0d"), "late": HEADER}[
        place
    ]
    data = lines + GOOD + "".join(f"K{i};02/03/2026 10:00:00;1;x\n" for i in range(3000))
    data += "\0" if place == "late" else ""
    codes = {p.code for p in refused(tmp_path, data.encode(), make_format(tmp_path, file=more))}
    assert codes == {"nul-byte"}


def test_a_quote_never_closed_is_told_by_its_line(tmp_path: Path) -> None:
    data = HEADER + GOOD + 'B;02/03/2026 10:00:00;5;"x\n' + GOOD.replace("A;", "C;")
    problems = refused(tmp_path, data.encode())
    assert [(p.line, p.code) for p in problems] == [(3, "csv-quote"), (4, "csv-quote")]
    assert "never closed" in problems[0].message
    result, rows = read_bytes(tmp_path, data.encode(), accept_valid=True)
    assert ([row["ref"] for row in rows], result.rows, result.refused) == (["A"], 3, 2)


def test_lines_that_a_broken_quote_took_in_are_not_lost(tmp_path: Path) -> None:
    data = (HEADER + 'B;02/03/2026 10:00:00;5;"x\n' + GOOD + 'C;02/03/2026 10:00:00;5;"x"y\n'
            + SECOND.replace("B", "D"))  # fmt: skip
    result, rows = read_bytes(tmp_path, data.encode(), accept_valid=True)
    assert (result.rows, result.refused, [row["ref"] for row in rows]) == (4, 3, ["D"])
    assert [p.line for p in result.problems] == [2, 3, 4]


@pytest.mark.parametrize("start", ["", '"'])
def test_a_line_without_an_end(tmp_path: Path, start: str) -> None:
    small = Limits(max_record_bytes=10_000)
    data = (HEADER + GOOD + f"B;02/03/2026 10:00:00;1;{start}" + "x" * 50_000).encode()
    problem = limited(tmp_path, data, small)
    assert problem.code == "record-too-long"
    quoted = (HEADER + 'B;02/03/2026 10:00:00;1;"' + "x\n" * 50_000).encode()
    problem = limited(tmp_path, quoted, small)
    assert (problem.code, problem.line) == ("csv-quote", 2)


def test_a_huge_line_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(HEADER)
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * (1 << 20))
    with pytest.raises(InputRefused) as caught:
        read(path, make_format(tmp_path), make_info(), tmp_path / "out.parquet")
    assert caught.value.problems[0].code == "record-too-long"
    assert caught.value.problems[0].line == 2
    assert recognises(make_format(tmp_path), path)


def test_a_long_record_within_the_limit(tmp_path: Path) -> None:
    data = (HEADER + GOOD.replace("x\n", "y" * 3_000_000 + "\n")).encode()
    assert [len(str(t)) for t in texts(tmp_path, data)] == [3_000_000]


def test_a_long_quoted_cell_is_cut_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text('"' + '""x\n' * 800_000 + '"\n', encoding="utf-8")
    span = (0, path.stat().st_size)
    [record] = records(path, "f", span, 1, ";", '"', Limits())
    assert record.cells[0].count('"') == 800_000


def test_totals_of_several_sections_are_added(tmp_path: Path) -> None:
    totals = TOTALS.replace("equals", "all = true\nequals").replace("^TOTAL;", "^TOTAL")
    fmt = make_format(tmp_path, more=totals, file='notes = "^TOTAL"')
    data = HEADER + GOOD + "TOTAL;1;1000\n" + SECOND + "TOTAL;1;1000\n"
    result, _ = read_bytes(tmp_path, data.encode(), fmt)
    assert result.totals == {"rows": 2, "amount": 2000}
    wrong = data.replace("1;1000\nB", "1;999\nB")
    assert refused(tmp_path, wrong.encode(), fmt)[0].code == "total-wrong"
