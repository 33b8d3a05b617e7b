"""Statements that were damaged on their way: read with the same truth, or refused with a line and a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import InputRefused
from tests.intake.statement_files import read_text

#: Kinds whose balances or control totals prove every entry.
PROVEN = ("mt940", "camt053", "bai2")
#: How each writes the amounts of its entries.
AMOUNTS = {
    "mt940": rb"^:61:\d{10}[CD](\d+),", "camt053": rb"<Ntry>\s*<Amt Ccy=\"IDR\">(\d+)\.",
    "bai2": rb"^16,\d{3},(\d+),",
}  # fmt: skip
ENTRY = {
    "mt940": rb"^:61:.*\n(?:(?!:61:|:62F:).*\n)*", "camt053": rb" *<Ntry>(?:.|\n)*?</Ntry>\n",
    "bai2": rb"^16,.*\n(?:88,.*\n)*",
}  # fmt: skip


def truth(folder: Path, data: bytes, name: str) -> tuple[Any, ...] | None:
    """Days, amounts and ends of a file; None when it is refused, and it says where or what."""
    try:
        result, rows = read_text(folder, data, name)
    except InputRefused as refused:
        return None if all(p.line or p.column or p.expected for p in refused.problems) else ()
    return Counter((r["day"], r["amount"]) for r in rows), result.opening, result.closing


def sample(name: str) -> bytes:
    return samples_of(name)[0].read_bytes()


def entries(name: str) -> Iterator[re.Match[bytes]]:
    found = re.finditer(ENTRY[name], sample(name), re.MULTILINE)
    return (one for one in found if b"PDNG" not in one[0])


@pytest.mark.parametrize("name", PROVEN)
def test_no_entry_is_lost_or_doubled(name: str, tmp_path: Path) -> None:
    data = sample(name)
    found = [*entries(name)]
    assert len(found) == 8
    for one in found:
        assert truth(tmp_path, data[: one.start()] + data[one.end() :], name) is None
        assert truth(tmp_path, data[: one.end()] + data[one.start() :], name) is None
    first, second = found[:2]
    turned = data[: first.start()] + second[0] + first[0] + data[second.end() :]
    assert truth(tmp_path, turned, name) == truth(tmp_path, data, name)


@pytest.mark.parametrize("name", PROVEN)
def test_no_figure_of_an_entry_changes(name: str, tmp_path: Path) -> None:
    data = sample(name)
    for found in list(re.finditer(AMOUNTS[name], data, re.MULTILINE))[:8]:
        changed = str(int(found[1]) + 1).encode()
        assert (
            truth(tmp_path, data[: found.start(1)] + changed + data[found.end(1) :], name) is None
        )


@pytest.mark.parametrize("name", [*PROVEN, "ofx", "qif", "mt942"])
def test_line_ends_and_a_byte_order_mark_change_nothing(name: str, tmp_path: Path) -> None:
    data = sample(name)
    whole = truth(tmp_path, data, name)
    assert whole is not None
    assert truth(tmp_path, data.replace(b"\n", b"\r\n"), name) == whole
    if name != "ofx":  # which says that it is of another encoding
        assert truth(tmp_path, b"\xef\xbb\xbf" + data, name) == whole


@pytest.mark.parametrize("name", PROVEN)
def test_a_cut_file_is_whole_statements_or_refused(name: str, tmp_path: Path) -> None:
    data = sample(name)
    whole = truth(tmp_path, data, name)
    for at in range(7, len(data), max(len(data) // 40, 1)):
        got = truth(tmp_path, data[:at], name)
        assert got in (None, whole) or (name == "mt940" and sum(got[0].values()) == 3)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        # A year that no balance knows of.
        ("mt940", b":61:2603020302C4", b":61:2803020302C4"),
        ("camt053", b"<BookgDt><Dt>2026-03-03", b"<BookgDt><Dt>2027-03-03"),
        ("bai2", b"02,CONTOHDIG,CONTIDJA,1,260303", b"02,CONTOHDIG,CONTIDJA,1,260403"),
        # The closing is gone; the next opening tells.
        ("bai2", b"015,2780985000,,/\n88,100", b"045,2780985001,,/\n88,100"),
        ("bai2", b",,015,2780985000", b",,045,2780985000"),
        # The same entry under the same id.
        ("ofx", b"<STMTTRN>", b"@"),
        # Ends that are missing: two entries, an entry and the balance, would run together.
        ("ofx", b"</STMTTRN>\n<STMTTRN>\n", b"<STMTTRN>\n</STMTTRN>\n"),
        ("ofx", b"</STMTTRN>\n<STMTTRN>\n", b""),
        ("ofx", b"<DTPOSTED>2026", b"<DTPOSTED>2036"),
        # An interim report that broke off between two entries.
        ("mt942", b":90D:2IDR2002500,\n:90C:2IDR6122625,\n-}\n", b""),
        ("qif", b"T-2,000,000\n", b"T-2,000,000\nU-2,000,001\n"),
        ("qif", b"T-2,000,000\n", b"T-2,000,000\nSA\n$-1,999,999\n"),
    ],
)  # fmt: skip
def test_what_contradicts_is_refused(name: str, old: bytes, new: bytes, tmp_path: Path) -> None:
    data = sample(name)
    assert old in data
    if new == b"@":
        [one, *_] = re.findall(rb"<STMTTRN>(?:.|\n)*?</STMTTRN>\n", data)
        old, new = one, one + one
    changed = data.replace(old, new, 1)
    if new == b",,045,2780985000":  # only the name of the balance; the chain still holds
        assert truth(tmp_path, changed, name) == truth(tmp_path, data, name)
        changed = changed.replace(b"010,2780985000", b"010,2780985001", 1)
    assert truth(tmp_path, changed, name) is None
