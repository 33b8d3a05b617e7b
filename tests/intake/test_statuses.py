"""Statuses: by text, by code, by both; what contradicts is unknown and keeps what it said."""

from __future__ import annotations

from itertools import product

import pytest

from finops_ledger.core.errors import UsageError
from tests.intake.cells_at_hand import read_cells

WORDS = """
[fields]
ref = "id"
amount = "n"
[status]
{status}
"""
BOTH = """
column = "status"
map = { Sukses = "success", Gagal = "failed", Pending = "pending" }
code = "rc"
codes = { "00" = "success", "02" = "failed", "03" = "pending" }
"""


def statuses(table: str, *cells: tuple[str, str], **given: object) -> list[tuple[str, str | None]]:
    rows = [[f"K{n}", "1", *pair] for n, pair in enumerate(cells)]
    got = read_cells(WORDS.format(status=table), ["id", "n", "status", "rc"], rows, **given)
    return [(r["status"], r["status_raw"]) for r in got]


@pytest.mark.parametrize(
    ("cells", "status", "raw"),
    [
        (("Sukses", "00"), "success", "Sukses / 00"),
        (("Gagal", "02"), "failed", "Gagal / 02"),
        (("Sukses", "02"), "unknown", "Sukses / 02"),
        (("Pending", "00"), "unknown", "Pending / 00"),
        (("Sukses", ""), "success", "Sukses"),
        (("", "02"), "failed", "02"),
        (("", ""), "unknown", None),
        (("Sukses", "68"), "unknown", "Sukses / 68"),
        (("Batal", "02"), "unknown", "Batal / 02"),
        (("Batal", "68"), "unknown", "Batal / 68"),
        (("sukses", ""), "unknown", "sukses"),
    ],
)  # fmt: skip
def test_text_and_code(cells: tuple[str, str], status: str, raw: str | None) -> None:
    assert statuses(BOTH, cells) == [(status, raw)]


def test_code_alone_with_all_others() -> None:
    status = 'code = "rc"\ncodes = { "00" = "success", "03" = "pending", "" = "pending" }\ncodes_otherwise = "failed"'
    got = statuses(status, ("", "00"), ("", "03"), ("", "40"), ("", ""))
    assert got == [("success", "00"), ("pending", "03"), ("failed", "40"), ("pending", None)]


def test_an_empty_code_is_not_one_of_the_others() -> None:
    status = 'code = "rc"\ncodes = { "00" = "success" }\ncodes_otherwise = "failed"'
    assert statuses(status, ("", "")) == [("unknown", None)]


def test_a_partner_means_another_thing_by_a_code() -> None:
    """The same protocol, and 68 is pending with this partner."""
    cells = [("", "68"), ("Sukses", "68"), ("Pending", "68"), ("TOLAK", "02")]
    given = {"codes": {"68": "pending"}, "status": {"TOLAK": "failed"}}
    assert [s for s, _ in statuses(BOTH, *cells)] == ["unknown"] * 4
    assert [s for s, _ in statuses(BOTH, *cells, **given)] == [
        "pending",
        "unknown",
        "pending",
        "failed",
    ]


def test_the_source_goes_before_the_format() -> None:
    assert statuses(BOTH, ("Gagal", ""), status={"Gagal": "reversed"}) == [("reversed", "Gagal")]


def test_a_map_for_a_cell_that_the_format_does_not_read() -> None:
    with pytest.raises(UsageError, match="maps codes"):
        statuses(
            'column = "status"\nmap = { Sukses = "success" }', ("Sukses", ""), codes={"1": "failed"}
        )
    with pytest.raises(UsageError, match="maps status"):
        statuses('constant = "success"', ("", ""), status={"1": "failed"})


@pytest.mark.parametrize(
    "status",
    ['map = { A = "success" }', 'codes = { A = "success" }\ncolumn = "status"',
     'code = "rc"\ncodes = { A = "good" }', 'code = "rc"\ncodes_otherwise = "good"',
     'code = "rc"\nconstant = "success"', 'column = "status"\ncode = "rk"'],
)  # fmt: skip
def test_faults_of_the_table(status: str) -> None:
    with pytest.raises(UsageError):
        statuses(status, ("", ""))


def test_every_pair_agrees_or_is_unknown() -> None:
    words = {"Sukses": "success", "Gagal": "failed", "Pending": "pending", "": None, "Lain": "?"}
    codes_ = {"00": "success", "02": "failed", "03": "pending", "": None, "99": "?"}
    pairs = list(product(words, codes_))
    for (word, code), (status, _) in zip(pairs, statuses(BOTH, *pairs), strict=True):
        said = {words[word], codes_[code]} - {None}
        expected = said.pop() if len(said) == 1 and "?" not in said else "unknown"
        assert status == expected, (word, code)
