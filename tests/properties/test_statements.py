"""Statements of any content: read back exactly, by another reader too; bytes of any kind: rows or refusal."""

from __future__ import annotations

import re
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import mt940 as second_opinion
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import shipped
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.source import opened
from tests.intake.statement_files import (
    DAY,
    Line,
    Statement,
    bai2,
    camt,
    mt940,
    read_text,
    shipped_format,
)  # fmt: skip

KINDS = ("bai2", "camt052", "camt053", "camt054", "mt940", "mt942", "ofx", "qif")
FAST = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

_REFERENCE = st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True)
_WORDS = st.lists(st.from_regex(r"[A-Z0-9.]{1,8}", fullmatch=True), min_size=1, max_size=6)


@st.composite
def chains(draw: st.DrawFn, largest: int = 10**12) -> list[Statement]:
    """One to three statements of one account that follow one another, a day each."""
    found: list[Statement] = []
    opening = draw(st.integers(-(10**10), 10**12))
    for number in range(draw(st.integers(1, 3))):
        lines = draw(
            st.lists(
                st.builds(
                    Line,
                    st.integers(-largest, largest),
                    st.just(DAY + timedelta(number)),
                    st.just("") | _REFERENCE,
                    st.just("") | _REFERENCE,
                    _WORDS.map(" ".join),
                ),
                max_size=8,
            )
        )
        found.append(Statement(opening, tuple(lines)))
        opening = found[-1].closing
    return found


@pytest.mark.parametrize(("name", "write"), [("mt940", mt940), ("camt053", camt), ("bai2", bai2)])
@FAST
@given(chain=chains())
def test_what_is_written_is_read(name: str, write: object, chain: list[Statement]) -> None:
    assert callable(write)
    with tempfile.TemporaryDirectory() as folder:
        result, rows = read_text(Path(folder), write(*chain), name)
    lines = [line for one in chain for line in one.lines]
    assert [
        (r["amount"], r["day"], r["ref"] or "", r["partner_ref"] or "", r["text"]) for r in rows
    ] == [(x.amount, x.day, x.ref, x.bank_ref, x.text) for x in lines]
    assert (result.opening, result.closing) == (chain[0].opening, chain[-1].closing)
    assert result.rows == len(lines)


@FAST
@given(chain=chains(10**10))  # it drops lines of larger amounts, without a word
def test_another_reader_finds_the_same_lines(chain: list[Statement]) -> None:
    text = mt940(*chain)
    with tempfile.TemporaryDirectory() as folder:
        _, rows = read_text(Path(folder), text, "mt940")
    theirs = second_opinion.parse(text)
    assert [r["amount"] for r in rows] == [Decimal(t.data["amount"].amount) for t in theirs]
    assert [r["day"] for r in rows] == [date(*t.data["entry_date"].timetuple()[:3]) for t in theirs]


def sample(name: str) -> bytes:
    return next(
        p.read_bytes()
        for p in shipped()[name].parent.glob("sample*")
        if p.suffix not in {".toml", ".beancount"}
    )


_PIECES = st.sampled_from(
    [b"", b"\0", b"\xff", b"\n", b"\r", b"-", b":61:", b":86:", b":62F:", b":20:X\n", b"<", b">",
     b"</", b"&amp;", b"&#0;", b"&x;", b"<!DOCTYPE a>", b"]]>", b"88,", b"16,", b"49,", b"99,1,1,1/",
     b"/", b",", b"^", b"\n^\n", b"!Type:Bank\n", b"NaN", b"1e400", b"9" * 40, b"\xe2\x80\x8f",
     b"<STMTTRN>", b"</STMTTRN>", b"<OFX>", b"<Ntry>", b"</Ntry>", b"</Stmt>", b"0230", b"-}",
     b"Infinity", b"T-", b"D\n"]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A sample with some bytes cut out, doubled or replaced."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.sampled_from([at, at + 1, at + 7, at + 60, len(data)]))
        piece = draw(_PIECES | st.just(data[at:end]) | st.binary(max_size=6))
        data = (
            data[:at] + piece + data[end:] if draw(st.booleans()) else data[:at] + piece + data[at:]
        )
    return data


@pytest.mark.parametrize("name", KINDS)
@settings(FAST, max_examples=100)
@given(data=st.data())
def test_any_damage_gives_records_or_a_refusal(name: str, data: st.DataObject) -> None:
    broken, fmt = data.draw(damaged(sample(name))), shipped_format(name)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "file"
        path.write_bytes(broken)
        recognises(fmt, path)
        records, found = -1, []
        try:
            with opened(path, fmt, Path(place)) as source:
                records = source.count() or 0
        except InputRefused as refused:
            found = [p for p in refused.problems if p.code and p.message]
    assert (records < 0) == bool(found)
    if name == "mt940" and records >= 0:
        # No line is ever passed over, whatever stands around it.
        assert records == len(re.findall(rb"(?:^|[\r\n{4:]):61:", broken))


@pytest.mark.parametrize("name", KINDS)
@settings(FAST, max_examples=5)
@given(data=st.data())
def test_what_is_left_of_a_damaged_file_is_conserved(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        try:
            broken = data.draw(damaged(sample(name)))
            result, rows = read_text(Path(place), broken, name, accept_valid=True)
        except InputRefused:
            return
    assert result.rows == len(rows) + result.excluded_rows + result.refused


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    for other in KINDS:
        if other != name:
            with pytest.raises(InputRefused):
                read_text(tmp_path, sample(other), name)
