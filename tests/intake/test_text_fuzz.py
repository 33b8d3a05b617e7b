"""Whatever the bytes: rows, each line accounted for, or a refusal. Nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake import raw
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.read import read
from finops_ledger.intake.readers.delimited import fitted, read_csv
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.records import records
from finops_ledger.intake.spec_file import FileSpec
from tests.intake.test_fixed import GOOD as FIXED
from tests.intake.test_fixed import fixed
from tests.intake.test_lines import SECTION, typed
from tests.intake.test_refusals import GOOD, HEADER, make_format, make_info

CONNECTION = duckdb.connect()
HOSTILE = [
    b"\0", b'"', b'""', b'"\n', b";", b",", b"\r", b"\n", b"\r\n", b"\x1a", b"\t", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xc3", b"\x85", b"1e400", b"NaN", b"Infinity", b"9" * 40,
    b"=", b"'", b"sep=,\n", b"TOTAL;", b" ", b"x" * 3000,
]  # fmt: skip
PLAIN = (HEADER + "".join(GOOD.replace("A;", f"K{i};") for i in range(4)) + "TOTAL;4\n").encode()
TYPED = ('"RH",x\n' + SECTION + 'SB,A,5,"a\nb"\nSB,B,7\nSF,12\n').encode()


@st.composite
def spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes put in, taken out or doubled here and there."""
    for _ in range(draw(st.integers(0, 4))):
        at, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        what = draw(st.sampled_from(HOSTILE))
        way = draw(st.sampled_from(["put", "over", "cut", "end", "twice"]))
        if way == "put":
            data = data[:at] + what + data[at:]
        elif way == "over":
            data = data[:at] + what + data[at + len(what) :]
        elif way == "cut":
            data = data[:at] + data[end:]
        elif way == "end":
            data = data[:end]
        else:
            data = data[:end] + data[at:]
    return data


def go(kind: str, data: bytes, accept_valid: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fmt = {
            "plain": lambda: make_format(folder),
            "trimmed": lambda: make_format(folder, file="trim = true\nheader_within = 4"),
            "latin": lambda: make_format(folder, file='encoding = "latin-1"'),
            "ragged": lambda: make_format(folder, file="ragged = true\nnotes = '^TOTAL'"),
            "typed": lambda: typed(folder),
            "fixed": lambda: fixed(folder),
        }[kind]()
        path = folder / "f.csv"
        path.write_bytes(data)
        assert recognises(fmt, path) in (True, False)
        try:
            result = read(path, fmt, make_info(), folder / "out", accept_valid=accept_valid,
                          connection=CONNECTION)  # fmt: skip
        except InputRefused as refusal:
            problems = refusal.problems
        else:
            assert result.rows == result.kept + result.excluded_rows + result.refused
            assert accept_valid or not result.refused
            return
    assert problems
    assert all(p.code and p.message and p.file == "f.csv" for p in problems)


@settings(max_examples=150)
@given(kind=st.sampled_from(["plain", "trimmed", "latin", "ragged"]), data=spoilt(PLAIN),
       accept_valid=st.booleans())  # fmt: skip
def test_delimited(kind: str, data: bytes, accept_valid: bool) -> None:
    go(kind, data, accept_valid)


@settings(max_examples=80)
@given(data=spoilt(TYPED), accept_valid=st.booleans())
def test_lines(data: bytes, accept_valid: bool) -> None:
    go("typed", data, accept_valid)


@settings(max_examples=80)
@given(data=spoilt(FIXED.encode()), accept_valid=st.booleans())
def test_fixed(data: bytes, accept_valid: bool) -> None:
    go("fixed", data, accept_valid)


PARTS = ["a", "é", " ", ";", '"', '""', '"x"', '"a;b"', ';"y"', "\n", "\r\n", "\r", "\t", "b"]


@settings(max_examples=400)
@given(text=st.lists(st.sampled_from(PARTS), min_size=1, max_size=14).map("".join))
def test_the_engine_and_we_cut_alike(text: str) -> None:
    """What the engine takes in as many records as were counted is cut into the same cells by us."""
    file, limits = FileSpec(delimiter=";", header=("a", "b")), Limits()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "f"
        path.write_bytes(text.encode())
        span = (0, path.stat().st_size)
        try:
            query = f"SELECT * FROM {read_csv(path, file, 2, 0)}"
            fast = CONNECTION.execute(query).fetchall()
        except duckdb.Error:
            return
        if raw.scan(path, "utf-8", *span, '"', "f").records != len(fast):
            return
        ours = list(records(path, "f", span, 1, ";", '"', limits))
    if all(record.fault is None for record in ours):  # the engine joins "a" "b"
        slow = [[c or None for c in fitted(record.cells, 2) or ()] for record in ours]
        assert [list(cells) for cells in fast if any(cells)] == slow


@settings(max_examples=40)
@given(kind=st.sampled_from(["plain", "typed", "fixed"]), data=st.binary(max_size=400))
def test_anything(kind: str, data: bytes) -> None:
    go(kind, data, accept_valid=True)
