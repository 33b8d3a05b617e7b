"""Each fault of a file is refused, with its place; next to each case stands one that passes."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.core.errors import InputRefused, Problem, UsageError
from finops_ledger.intake.formats import load_format
from finops_ledger.intake.read import ReadResult, SourceInfo, locate, read
from finops_ledger.intake.spec import Format

FORMAT = """
name = "t"
version = 1
key = ["ref"]
[file]
delimiter = ";"
header = ["id", "time", "amount", "note"]
footer = "^TOTAL;"
{file}
[numbers]
{numbers}
[times]
zone = "Asia/Jakarta"
format = "%d/%m/%Y %H:%M:%S"
[fields]
ref = "id"
occurred_at = "time"
amount = "amount"
text = "note"
{more}
"""
HEADER = "id;time;amount;note\n"
GOOD = "A;02/03/2026 10:00:00;1000;x\n"


def make_format(folder: Path, *, file: str = "", numbers: str = "", more: str = "") -> Format:
    path = folder / "t.toml"
    path.write_text(FORMAT.format(file=file, numbers=numbers, more=more), encoding="utf-8")
    return load_format(path)


def make_info(**more: object) -> SourceInfo:
    given: dict[str, object] = {
        "name": "s", "role": "bank", "zone": "Asia/Jakarta", "currency": "IDR", "batch": "b-1",
        "file_day": date(2026, 3, 2), "account": "BCA", **more,
    }  # fmt: skip
    return SourceInfo(**given)  # type: ignore[arg-type]


def read_bytes(
    folder: Path,
    data: bytes,
    fmt: Format | None = None,
    info: SourceInfo | None = None,
    *,
    accept_valid: bool = False,
) -> tuple[ReadResult, list[dict[str, object]]]:
    path, out = folder / "f.csv", folder / "out.parquet"
    path.write_bytes(data)
    result = read(
        path, fmt or make_format(folder), info or make_info(), out, accept_valid=accept_valid
    )
    return result, pq.read_table(out).to_pylist()


def refused(
    folder: Path, data: bytes, fmt: Format | None = None, info: SourceInfo | None = None
) -> list[Problem]:
    with pytest.raises(InputRefused) as caught:
        read_bytes(folder, data, fmt, info)
    assert caught.value.total >= len(caught.value.problems) > 0
    assert all(p.file == "f.csv" for p in caught.value.problems)
    return list(caught.value.problems)


def test_sound_file(tmp_path: Path) -> None:
    result, rows = read_bytes(tmp_path, (HEADER + GOOD).encode())
    assert (result.rows, int(result.control)) == (1, 1000)
    assert rows[0]["day"] == date(2026, 3, 2)


@pytest.mark.parametrize(
    "amount",
    [
        "1e3", " 5 ", "5 ", "1_000", "12.34567", "NaN", "inf", "-inf", "1.000", "1,000", "0.5",
        "--1", "+1", "", "x", "1.", ".5", "123456789012345", "१२", "0x10", "1.00.00", "(5)",
    ],
)  # fmt: skip
def test_amount_with_another_reading_is_refused(tmp_path: Path, amount: str) -> None:
    data = (HEADER + GOOD + f"B;02/03/2026 10:00:00;{amount};x\n").encode()
    problem = refused(tmp_path, data)[0]
    assert (problem.line, problem.column, problem.value) == (3, "amount", amount)
    assert problem.code == ("cell-number" if amount else "cell-empty")
    assert problem.expected


@pytest.mark.parametrize(
    ("amount", "value"), [("1000.00", 1000), ("-7", -7), ("99999999999999", 99999999999999)]
)
def test_plain_amounts(tmp_path: Path, amount: str, value: int) -> None:
    _, rows = read_bytes(tmp_path, (HEADER + f"B;02/03/2026 10:00:00;{amount};x\n").encode())
    assert rows[0]["amount"] == value


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        ("1.000", "1000"), ("1.234.567,00", "1234567"), ("1000", "1000"), ("1.00", None),
        ("1,000", None), ("1.0000", None), ("12.34", None), (".000", None), ("1.000.00", None),
    ],
)  # fmt: skip
def test_dot_thousands(tmp_path: Path, amount: str, value: str | None) -> None:
    fmt = make_format(tmp_path, numbers='decimal = ","\nthousands = "."')
    data = (HEADER + f"B;02/03/2026 10:00:00;{amount};x\n").encode()
    if value is None:
        assert refused(tmp_path, data, fmt)[0].code == "cell-number"
    else:
        assert read_bytes(tmp_path, data, fmt)[1][0]["amount"] == Decimal(value)


@pytest.mark.parametrize(
    ("amount", "value"), [("12.34", "12.34"), ("12.3400", "12.34"), ("12.345", None)]
)
def test_cents(tmp_path: Path, amount: str, value: str | None) -> None:
    data = (HEADER + f"B;02/03/2026 10:00:00;{amount};x\n").encode()
    info = make_info(currency="USD")
    if value is None:
        assert refused(tmp_path, data, None, info)[0].code == "cell-number"
    else:
        assert read_bytes(tmp_path, data, None, info)[1][0]["amount"] == Decimal(value)


def test_minor_units(tmp_path: Path) -> None:
    fmt = make_format(tmp_path, numbers="minor_units = true")
    data = (HEADER + "B;02/03/2026 10:00:00;12345;x\n").encode()
    assert read_bytes(tmp_path, data, fmt, make_info(currency="USD"))[1][0]["amount"] == Decimal(
        "123.45"
    )
    assert refused(tmp_path, data.replace(b"12345", b"123.45"), fmt, make_info(currency="USD"))


@pytest.mark.parametrize(
    "amount", ["Rp 1.000", "Rp1.000,00", "-Rp 1.000", "Rp -1.000", " Rp 1.000 "]
)
def test_currency_text(tmp_path: Path, amount: str) -> None:
    numbers = 'decimal = ","\nthousands = "."\ncurrency_text = ["Rp"]\ntrim = true'
    fmt = make_format(tmp_path, numbers=numbers)
    data = (HEADER + f"B;02/03/2026 10:00:00;{amount};x\n").encode()
    assert abs(read_bytes(tmp_path, data, fmt)[0].control) == 1000


@pytest.mark.parametrize(
    "moment",
    [
        "02/03/26 10:00:00", "2/3/2026 10:00:00", "31/02/2026 10:00:00", "02/03/2026", "",
        "02/03/2026 24:00:00", "02/03/2026 10:00:00 ", "02/03/0026 10:00:00", "2026-03-02",
    ],
)  # fmt: skip
def test_time_in_another_form_is_refused(tmp_path: Path, moment: str) -> None:
    problem = refused(tmp_path, (HEADER + f"B;{moment};1;x\n").encode())[0]
    assert (problem.line, problem.column, problem.value) == (2, "time", moment)
    assert problem.code == ("cell-time" if moment else "cell-empty")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("id;time;amount", "header-missing"),
        ("id;time;amount;note;more", "header-extra"),
        ("id;time;amount;note;note", "header-duplicate"),
        ("id;amount;time;note", "header-order"),
        ("id,time,amount,note", "delimiter-wrong"),
        ("Id;time;amount;note", "header-missing"),
    ],
)
def test_wrong_header(tmp_path: Path, header: str, code: str) -> None:
    problems = refused(tmp_path, f"{header}\n{GOOD}".encode())
    assert code in {p.code for p in problems}
    assert {p.line for p in problems} == {1}


def test_by_name_takes_any_order_and_ignores_more(tmp_path: Path) -> None:
    fmt = make_format(tmp_path, file='by_name = true\nextra_columns = "ignore"')
    data = b"more;note;amount;time;id\nq;x;5;02/03/2026 10:00:00;A\n"
    _, rows = read_bytes(tmp_path, data, fmt)
    assert (rows[0]["ref"], rows[0]["amount"]) == ("A", 5)
    assert refused(tmp_path, data.replace(b"amount", b"sum"), fmt)[0].code == "header-missing"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        ((HEADER + GOOD).encode("utf-16"), "encoding-wrong"),
        (HEADER.encode() + b"A;02/03/2026 10:00:00;1;caf\xe9\n", "encoding-wrong"),
        (HEADER.encode() + b"A;02/03/2026 10:00:00;1;a\0b\n", "nul-byte"),
        (HEADER.encode() + b"x" * 5000 + b"\0\n", "nul-byte"),
        (HEADER.encode() + b"A;02/03/2026 10:00:00;1\n", "cell-count"),
        (HEADER.encode() + b"A;02/03/2026 10:00:00;1;x;y\n", "cell-count"),
        (HEADER.encode() + b'A;02/03/2026 10:00:00;1;"x\n', "csv-quote"),
        (HEADER.encode() + b'A;02/03/2026 10:00:00;1;"x" y\n', "csv-quote"),
        (b"\n\n", "header-missing"),
    ],
)
def test_broken_bytes(tmp_path: Path, data: bytes, code: str) -> None:
    assert code in {p.code for p in refused(tmp_path, data)}


def test_declared_encodings(tmp_path: Path) -> None:
    text = HEADER + "A;02/03/2026 10:00:00;1;café\n"
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8-sig", "utf-8"):
        fmt = make_format(tmp_path, file=f'encoding = "{encoding}"')
        _, rows = read_bytes(tmp_path, text.encode(encoding), fmt)
        assert rows[0]["text"] == "café", encoding
    fmt = make_format(tmp_path, file='encoding = "cp1252"')
    assert refused(tmp_path, text.encode("utf-8"), fmt)[0].code == "encoding-wrong"
    fmt = make_format(tmp_path, file='encoding = "utf-16"')
    assert refused(tmp_path, text.encode("latin-1"), fmt)[0].code == "encoding-wrong"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(tmp_path: Path, end: str, last: bool) -> None:
    text = HEADER + GOOD + GOOD.replace("A;", "B;")
    text = text if last else text[:-1]
    result, rows = read_bytes(tmp_path, text.replace("\n", end).encode())
    assert result.rows == 2
    assert rows[1]["text"] == "x"


def test_mixed_line_ends_and_blank_lines_lose_nothing(tmp_path: Path) -> None:
    text = HEADER + GOOD.replace("\n", "\r\n") + "\n" + GOOD.replace("A;", "B;") + "\n\n"
    assert read_bytes(tmp_path, text.encode())[0].rows == 2


def test_quoted_line_break_counts_once_and_is_found_again(tmp_path: Path) -> None:
    text = HEADER + 'A;02/03/2026 10:00:00;1;"a\nb"\n' + GOOD.replace("A;", "B;")
    result, rows = read_bytes(tmp_path, text.encode())
    assert result.rows == 2
    assert rows[0]["text"] == "a\nb"
    assert locate(tmp_path / "f.csv", make_format(tmp_path), 2)[0] == 4


def test_header_only_is_no_rows(tmp_path: Path) -> None:
    result, rows = read_bytes(tmp_path, HEADER.encode())
    assert (result.rows, rows, result.first_day) == (0, [], None)


TOTALS = '[[totals]]\nrow = "^TOTAL;"\ncell = 1\nequals = "rows"\n' \
    '[[totals]]\nrow = "^TOTAL;"\ncell = 2\nequals = "sum"\n'  # fmt: skip


@pytest.mark.parametrize("footer", ["TOTAL;1;1000;\n", "TOTAL;1;1000\n", "TOTAL;1;1000;\n\n"])
def test_footer_is_checked(tmp_path: Path, footer: str) -> None:
    fmt = make_format(tmp_path, more=TOTALS)
    result, _ = read_bytes(tmp_path, (HEADER + GOOD + footer).encode(), fmt)
    assert result.totals == {"rows": 1, "amount": 1000}


@pytest.mark.parametrize(
    ("footer", "code", "words"),
    [
        ("TOTAL;2;1000;\n", "total-wrong", "came short: it says 2 rows, and has 1"),
        ("TOTAL;1;1001;\n", "total-wrong", "amount 1001"),
        ("TOTAL;one;1000;\n", "cell-number", "rows"),
        ("", "file-short", "came short"),
    ],
)
def test_wrong_footer(tmp_path: Path, footer: str, code: str, words: str) -> None:
    fmt = make_format(tmp_path, more=TOTALS)
    problem = refused(tmp_path, (HEADER + GOOD + footer).encode(), fmt)[0]
    assert problem.code == code
    assert words in problem.message


def test_all_faults_are_counted_and_the_first_thousand_listed(tmp_path: Path) -> None:
    lines = "".join(f"K{i};02/03/2026 10:00:00;bad;x\n" for i in range(1500))
    with pytest.raises(InputRefused) as caught:
        read_bytes(tmp_path, (HEADER + lines + "Z;;1\n").encode())
    assert caught.value.total == 1501
    assert [p.line for p in caught.value.problems[:3]] == [2, 3, 4]
    assert len(caught.value.problems) == 1000


def test_accept_valid_keeps_the_sound_rows(tmp_path: Path) -> None:
    text = (
        HEADER + GOOD + "B;02/03/2026 10:00:00;x;y\n" + "C;nonsense;70;y\n" + "D;1\n"
        + GOOD.replace("A;", "E;")
    )  # fmt: skip
    result, rows = read_bytes(tmp_path, text.encode(), accept_valid=True)
    assert (result.rows, result.kept, result.refused, result.unreadable) == (5, 2, 3, 2)
    assert (result.control, result.refused_control) == (Decimal(2000), Decimal(70))
    assert [row["record"] for row in rows] == [1, 5]
    assert [(p.line, p.code) for p in result.problems] == [
        (3, "cell-number"), (4, "cell-time"), (5, "cell-count"),
    ]  # fmt: skip


def test_identical_lines_are_occurrences(tmp_path: Path) -> None:
    text = HEADER + GOOD + GOOD.replace("A;", "B;") + GOOD + GOOD
    _, rows = read_bytes(tmp_path, text.encode())
    assert [(r["ref"], r["occurrence"]) for r in rows] == [("A", 0), ("B", 0), ("A", 1), ("A", 2)]


def test_one_key_with_different_contents_is_refused(tmp_path: Path) -> None:
    text = HEADER + GOOD + GOOD.replace("A;", "B;") + GOOD.replace("1000", "1001")
    (problem,) = refused(tmp_path, text.encode())
    assert problem.code == "key-conflict"
    assert "lines 2 and 4 (amount)" in problem.message
    result, rows = read_bytes(tmp_path, text.encode(), accept_valid=True)
    assert (result.kept, result.refused, int(result.refused_control)) == (1, 2, 2001)
    assert [(r["ref"], r["record"]) for r in rows] == [("B", 2)]
    again = make_format(tmp_path)
    revised = again.model_copy(update={"revisions_in_file": True})
    assert read_bytes(tmp_path, text.encode(), revised)[0].kept == 3


def test_excluded_rows_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    more = '[exclude]\nrules = [{ column = "note", equals = "test", reason = "a test order" }]'
    fmt = make_format(tmp_path, more=TOTALS + more)
    text = HEADER + "T;??;50;test\n" + GOOD + "U;;bad;test\n"
    result, rows = read_bytes(tmp_path, (text + "TOTAL;3;1050;\n").encode(), fmt)
    assert (result.rows, result.kept, result.excluded) == (3, 1, {"a test order": 2})
    assert result.excluded_control == 50
    assert rows[0]["record"] == 2
    clean = (HEADER + GOOD + "TOTAL;1;1000;\n").encode()
    assert read_bytes(tmp_path, clean, fmt)[1][0]["record"] is None


def test_hashing_needs_a_key(tmp_path: Path) -> None:
    fmt = make_format(tmp_path, more='customer = "note"\n[privacy]\nhash = ["customer"]')
    data = (HEADER + GOOD + GOOD.replace("A;", "B;")).encode()
    with pytest.raises(UsageError, match="no key"):
        read_bytes(tmp_path, data, fmt)
    one = read_bytes(tmp_path, data, fmt, make_info(secret=b"k"))[1]
    other = read_bytes(tmp_path, data, fmt, make_info(secret=b"l"))[1]
    assert one[0]["customer"] == one[1]["customer"] != other[0]["customer"]
    assert one[0]["customer"] == hashlib.sha256(b"kx").hexdigest()[:16] + "~x"


def test_sale_contradictions(tmp_path: Path) -> None:
    """A success that was refunded, a discount of another's, and a partner that nobody knows."""
    path = tmp_path / "sale.toml"
    path.write_text(
        """
name = "sale"
version = 1
key = ["ref"]
[file]
header = ["id", "partner", "price", "promo", "theirs", "status", "refunded", "zone"]
[times]
format = "%Y-%m-%d"
[fields]
ref = "id"
partner = "partner"
price = "price"
discount = "promo"
discount_partner = "theirs"
refunded_at = "refunded"
[status]
column = "status"
map = { OK = "success", BACK = "refunded" }
""",
        encoding="utf-8",
    )
    fmt = load_format(path)
    info = make_info(role="sale", partner_aliases={"AGGA": "AggA"})
    header = ",".join(fmt.file.header) + "\n"
    good = "A,AGGA,100,10,,OK,,\nB,,100,0,0,BACK,2026-03-02,\n"
    _, rows = read_bytes(tmp_path, (header + good).encode(), fmt, info)
    assert [(r["amount"], r["partner"], r["status"]) for r in rows] == [
        (90, "AggA", "success"), (100, None, "refunded"),
    ]  # fmt: skip
    for row, code in (
        ("A,AGGA,100,10,5,OK,,", "discount-partner"),
        ("A,AGGA,100,10,,OK,2026-03-02,", "refund-contradicts"),
        ("A,AGGZ,100,10,,OK,,", "partner-unknown"),
        ("A,AGGA,,10,,OK,,", "cell-empty"),
    ):
        problems = refused(tmp_path, f"{header}{row}\n".encode(), fmt, info)
        assert code in {p.code for p in problems}


def test_debit_and_credit_in_one_record(tmp_path: Path) -> None:
    path = tmp_path / "d.toml"
    text = FORMAT.format(file="", numbers="", more="[fields.amount]\ndebit='amount'\ncredit='note'")
    path.write_text(text.replace('amount = "amount"\n', "").replace('text = "note"\n', ""))
    fmt = load_format(path)
    data = HEADER + "A;02/03/2026 10:00:00;5;0\nB;02/03/2026 10:00:00;;7\n"
    assert [r["amount"] for r in read_bytes(tmp_path, data.encode(), fmt)[1]] == [-5, 7]
    for amount, note, code in (("5", "7", "debit-and-credit"), ("-5", "", "cell-sign"),
                               ("", "", "cell-empty")):  # fmt: skip
        bad = HEADER + f"A;02/03/2026 10:00:00;{amount};{note}\n"
        assert refused(tmp_path, bad.encode(), fmt)[0].code == code
    half = HEADER + "A;02/03/2026 10:00:00;5;bad\nB;02/03/2026 10:00:00;;7\n"
    result, _ = read_bytes(tmp_path, half.encode(), fmt, accept_valid=True)
    assert (result.unreadable, result.refused_control, result.kept) == (1, Decimal(0), 1)
