"""Real workbooks, read in place: every row read, or a refusal that says why.

The same reports ship as CSV; a workspace that gets them as workbooks has a copy of the format with
another ``kind``, as here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, SourceInfo, read
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.spec import Format

SHEET = "C_bank/generic_sheet"
ADYEN = "B_gateways/adyen_settlement_details"

pytestmark = pytest.mark.samples


def as_workbook(name: str, folder: Path) -> Format:
    """A shipped format for the same report as a workbook."""
    text = (
        shipped()[name]
        .read_text("utf-8")
        .replace('[file]\ndelimiter = ","', '[file]\nkind = "xlsx"')
    )
    path = folder / "format.toml"
    path.write_text(text, encoding="utf-8")
    return load_format(path)


#: A sheet with lines above the header, the closing among them, and the opening in its last row.
AROUND = """
name = "around"
version = 1
key = ["account", "ref"]
[file]
kind = "xlsx"
header_within = 10
header = ["Date", "Operation Number", "Label", "Debit", "Credit", "Detail"]
footer = "^Balance at start"
[numbers]
decimal = ","
plus = true
[times]
format = "%d/%m/%y"
[fields]
occurred_at = "Date"
ref = "Operation Number"
text = "Label"
amount = { sum = ["Debit", "Credit"] } # debits are negative already
[[totals]]
row = "^Balance at end"
pattern = "([+-][0-9]+,[0-9]+)"
equals = "closing"
[[totals]]
row = "^Balance at start"
pattern = "([+-][0-9]+,[0-9]+)"
equals = "opening"
"""


def info(role: str, currency: str) -> SourceInfo:
    return SourceInfo("s", role, "UTC", currency, "b-1", date(2026, 3, 1), account="Bank")


def taken(path: Path, fmt: Format, tmp_path: Path, role: str, currency: str) -> ReadResult:
    return read(path, fmt, info(role, currency), tmp_path / "rows.parquet")


@dataclass(frozen=True)
class Refusal:
    """A real workbook and what is wrong with it: code -> how often."""

    path: str
    format: str
    role: str = "bank"
    codes: dict[str, int] = field(default_factory=dict)


REFUSALS = [
    # References of 16 digits were typed as numbers: the file itself has lost the last of them.
    Refusal(f"{ADYEN}/oca_adyen_test.xlsx", "adyen_settlement_details", "settlement",
            {"cell-digits": 38}),
    Refusal(f"{SHEET}/oca__sample_statement_en_empty_values.xlsx", "generic_sheet", "bank",
            {"header-missing": 3, "header-extra": 2}),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=lambda c: Path(c.path).stem)
def test_a_workbook_is_refused_for_what_is_wrong(
    case: Refusal, samples: Path, tmp_path: Path
) -> None:
    fmt = as_workbook(case.format, tmp_path)
    with pytest.raises(InputRefused) as told:
        taken(samples / case.path, fmt, tmp_path, case.role, "USD")
    found: dict[str, int] = {}
    for problem in told.value.problems:
        found[problem.code] = found.get(problem.code, 0) + 1
    assert found == case.codes


def test_a_header_without_records_is_an_empty_statement(samples: Path, tmp_path: Path) -> None:
    fmt = as_workbook("generic_sheet", tmp_path)
    path = samples / SHEET / "oca__empty_statement_en.xlsx"
    assert recognises(fmt, path)
    result = taken(path, fmt, tmp_path, "bank", "EUR")
    assert (result.rows, result.control) == (0, Decimal(0))


def test_stated_balances_that_contradict_the_rows(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "format.toml"
    path.write_text(AROUND, encoding="utf-8")
    with pytest.raises(InputRefused) as told:
        taken(
            samples / SHEET / "oca__meta_data_separated_credit_debit.xlsx", load_format(path), tmp_path,
            "bank", "EUR",
        )  # fmt: skip
    [problem] = told.value.problems
    assert (problem.code, problem.value, problem.expected) == (
        "total-wrong",
        "31070.11",
        "31070.09",
    )
