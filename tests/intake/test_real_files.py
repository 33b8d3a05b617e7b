"""Real files beside the checkout: each record kept, left out with a reason, or refused with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import find_format, load_format
from finops_ledger.intake.read import SourceInfo, read
from finops_ledger.intake.recognise import recognises

ADYEN = "B_gateways/adyen_settlement_details"
STRIPE = "B_gateways/stripe_reports"
BCA = "C_bank/id_bca"
SHEET = "C_bank/generic_sheet"


@dataclass(frozen=True)
class Case:
    """A real file, its format, and what must come out: kept rows and control, or refusals."""

    path: str
    format: str
    currency: str
    kept: int = 0
    control: str = "0"
    codes: frozenset[str] = field(default_factory=frozenset)
    day: date = date(2026, 3, 1)


CASES = [
    Case(f"{ADYEN}/oca_settlement_detail_report_batch_238.csv", "adyen_settlement_details", "USD",
         3, "0.00"),
    Case(f"{ADYEN}/settlement_detail_report_donation-ach.csv", "adyen_settlement_details", "USD",
         1, "0.78"),
    Case(f"{ADYEN}/settlement_detail_report_donation-ideal.csv", "adyen_settlement_details", "USD",
         1, "5.43"),
    Case(f"{ADYEN}/settlement_detail_report_donation.csv", "adyen_settlement_details", "USD",
         1, "0.76"),
    Case(f"{ADYEN}/settlement_detail_report_donation.csv", "adyen_settlement_details", "EUR",
         codes=frozenset({"currency-other"})),
    Case(f"{ADYEN}/settlement_detail_report_emptynetcredit.csv", "adyen_settlement_details", "USD",
         1, "-0.03"),
    Case(f"{ADYEN}/settlement_detail_report_ignore.csv", "adyen_settlement_details", "USD",
         1, "0.76"),
    Case(f"{ADYEN}/settlement_detail_report_refund.csv", "adyen_settlement_details", "USD",
         2, "-2.80"),
    Case(f"{STRIPE}/settlement_report.csv", "stripe_settlement", "USD", 6, "26.40"),
    Case(f"{STRIPE}/payments_activity.csv", "stripe_settlement", "USD", 2, "-16.20"),
    Case(f"{BCA}/rikky__sample_bca_working.csv", "klikbca", "IDR", 5, "1150000",
         day=date(2026, 2, 5)),
    # The day of the file lies too far from the dates in it.
    Case(f"{BCA}/rikky__sample_bca_working.csv", "klikbca", "IDR", day=date(2026, 8, 5),
         codes=frozenset({"cell-time"})),
    # Its only footer has no figure where the statement's own has one, and its balances do not fit.
    Case(f"{BCA}/rikky__bca-sample.csv", "bca", "IDR",
         codes=frozenset({"total-wrong", "file-short"})),
    Case(f"{SHEET}/oca__balance.csv", "generic_sheet", "USD", 2, "1500.00"),
    Case(f"{SHEET}/oca__sample_statement_en.csv", "generic_sheet", "USD", 2, "1491.50"),
    Case(f"{SHEET}/oca__original_currency.csv", "generic_sheet", "USD", 1, "1525.00"),
    Case(f"{SHEET}/oca__debit_credit_amount.csv", "generic_sheet", "USD",
         codes=frozenset({"header-missing", "header-extra"})),
    Case(f"{SHEET}/oca__original_currency_no_header.csv", "generic_sheet", "USD",
         codes=frozenset({"header-missing"})),
]  # fmt: skip


@pytest.mark.samples
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{Path(c.path).stem}-{c.currency}-{c.day}")
def test_real_file(case: Case, samples: Path, tmp_path: Path) -> None:
    path, fmt = samples / case.path, load_format(find_format(case.format, None))
    info = SourceInfo(
        name="s", role=fmt.role or "", zone="Asia/Jakarta", currency=case.currency, batch="b-1",
        file_day=case.day, counterparty="X", account="X", secret=b"k",
    )  # fmt: skip
    out = tmp_path / "rows.parquet"
    if case.codes:
        with pytest.raises(InputRefused) as caught:
            read(path, fmt, info, out)
        assert {p.code for p in caught.value.problems} == case.codes
        return
    assert recognises(fmt, path)
    result = read(path, fmt, info, out)
    assert (result.kept, result.control) == (case.kept, Decimal(case.control))
    assert result.kept == pq.read_metadata(out).num_rows
    assert result.rows == result.kept + result.excluded_rows


@pytest.mark.samples
def test_every_real_csv_of_these_folders_has_a_case(samples: Path) -> None:
    found = {
        f"{folder}/{path.name}"
        for folder in (ADYEN, STRIPE, BCA, SHEET)
        for path in (samples / folder).glob("*.csv")
    }
    assert found == {case.path for case in CASES}
