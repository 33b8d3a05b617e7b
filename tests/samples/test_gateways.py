"""Real gateway reports become books: imported with every row posted or left out for a reason, or refused.

Settled figures are what stands in transit, by settlement; ``none`` where a report names no settlement.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ledger.books import Books
from finops_ledger.books.samples import Setting, import_file, lay_out_file
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import SourceInfo, read

pytestmark = pytest.mark.samples

GATEWAYS = "B_gateways"
STL, TRR, SAR = (f"{GATEWAYS}/paypal_{n}" for n in ("stl", "trr", "sar"))
ACTIVITY, TRUSTLY = f"{GATEWAYS}/paypal_activity", f"{GATEWAYS}/trustly"
AMAZON, ADYEN = f"{GATEWAYS}/amazon_pay", f"{GATEWAYS}/adyen_payment_accounting"
DLOCAL, GR4VY, CHECKOUT = (f"{GATEWAYS}/{n}" for n in ("dlocal", "gr4vy", "checkoutcom"))
PAYOUT = "the payout itself"


def of(counterparty: str, currency: str = "USD", day: date | None = None) -> Setting:
    return Setting(counterparty=counterparty, currency=currency, day=day)


PAYPAL, IN_YEN = of("PayPal"), of("PayPal", "JPY")


@dataclass(frozen=True)
class Case:
    """A real file and what it must give: rows, those left out by reason, what is in transit."""

    path: str
    format: str
    setting: Setting
    rows: int
    excluded: dict[str, int]
    in_transit: dict[str, str]


IMPORTED = [
    # A payment and one sent; the footer of the report is not that of a section.
    Case(f"{STL}/stl_dr_payment.csv", "paypal_stl", PAYPAL, 2, {}, {"STL-PayPal-none": "363.00"}),
    # A settlement report with the columns of the other one.
    Case(f"{STL}/stl_chargeback_reversal.csv", "paypal_trr", PAYPAL, 2, {},
         {"STL-PayPal-none": "46.00"}),
    Case(f"{TRR}/trr_dr_payment.csv", "paypal_trr", PAYPAL, 1, {}, {"STL-PayPal-none": "-154.99"}),
    Case(f"{TRR}/trr_express_checkout_donation.csv", "paypal_trr", IN_YEN, 1, {},
         {"STL-PayPal-none": "10700"}),
    Case(f"{TRR}/trr_express_checkout_donation_denied.csv", "paypal_trr",
         of("PayPal", "JPY", date(2022, 10, 21)), 1, {"denied: no money moved": 1}, {}),
    Case(f"{TRR}/trr_express_checkout_refund.csv", "paypal_trr", IN_YEN, 1, {},
         {"STL-PayPal-none": "-10700"}),
    Case(f"{TRR}/trr_giving_fund.csv", "paypal_trr", IN_YEN, 1, {}, {"STL-PayPal-none": "10700"}),
    Case(f"{SAR}/sar_classic_subscr_signup.csv", "paypal_sar",
         of("PayPal", "EUR", date(2017, 4, 30)), 1, {"an agreement: no money moves": 1}, {}),
    Case(f"{TRUSTLY}/P11KFUN-3618-r-code-reversal.csv", "trustly", of("Trustly"), 2, {},
         {"STL-Trustly-T5": "-0.01"}),
    Case(f"{TRUSTLY}/P11KFUN-3618-refund-long-merchant-reference.csv", "trustly", of("Trustly"), 1,
         {}, {"STL-Trustly-T6": "-5.00"}),
    Case(f"{AMAZON}/2015-10-01-SETTLEMENT_DATA_371273040777777.csv", "amazon_pay", of("Amazon"), 2,
         {PAYOUT: 1}, {"STL-Amazon-5984862222": "9.41"}),
    Case(f"{AMAZON}/2015-10-06-REFUND_DATA_414749300022222.csv", "amazon_pay_refunds", of("Amazon"),
         2, {"pending: comes again when it is done": 1}, {"STL-Amazon-none": "-1.00"}),
    # One cent less than its payout report says, by the fees' rounding.
    Case(f"{CHECKOUT}/settlement-breakdown_ent_testcheckoutfixture_20260702_00000003k599_1.csv",
         "checkoutcom", of("Checkout"), 9, {}, {"STL-Checkout-00000003K599": "79.50"}),
    Case(f"{GR4VY}/all_transactions_report_no_captured_trnxs.csv", "gr4vy",
         of("Gr4vy", day=date(2024, 8, 8)), 2, {"nothing captured: no money moved": 2}, {}),
    Case(f"{ADYEN}/payments_accounting_report_gravy_chargeback.csv", "adyen_payment_accounting",
         of("Adyen"), 1, {}, {"STL-Adyen-1131": "-9.74"}),
    Case(f"{ADYEN}/payments_accounting_report_nyce.csv", "adyen_payment_accounting", of("Adyen"), 4,
         {"a step on the way: no money is paid": 3}, {"STL-Adyen-none": "10.02"}),
]  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """A real file and the codes of what is wrong with it, each with how often."""

    path: str
    format: str
    setting: Setting
    codes: dict[str, int]


REFUSED = [
    # Two currencies; and what the pounds' footer states is not what their rows are, nor the dollars'.
    Refusal(f"{STL}/stl.csv", "paypal_stl", of("PayPal", "GBP"),
            {"currency-other": 4, "total-wrong": 1}),
    Refusal(f"{STL}/stl.csv", "paypal_stl", of("PayPal", "AUD"),
            {"currency-other": 4, "total-wrong": 1}),
    Refusal(f"{STL}/stl_brl_refund.csv", "paypal_stl", of("PayPal", "BRL"), {"currency-other": 1}),
    Refusal(f"{STL}/stl_brl_refund.csv", "paypal_stl", PAYPAL, {"currency-other": 3}),
    Refusal(f"{TRR}/trr_giving_fund.csv", "paypal_trr", PAYPAL, {"currency-other": 2}),
    # Without rows, and nothing else says of which day it is.
    Refusal(f"{TRR}/trr_express_checkout_donation_denied.csv", "paypal_trr", IN_YEN, {"no-day": 1}),
    Refusal(f"{ACTIVITY}/activity_en.csv", "paypal_activity", PAYPAL, {"currency-other": 17}),
    Refusal(f"{ACTIVITY}/statement_en.csv", "paypal_statement", PAYPAL, {"currency-other": 4}),
    # Six decimals, where the dollar has two.
    Refusal(f"{DLOCAL}/Wikimedia_Settlement_Reports_20260110.csv", "dlocal",
            of("dLocal", day=date(2026, 1, 10)), {"cell-number": 12}),
    # A refund in reais, of which nothing says what it was in dollars.
    Refusal(f"{DLOCAL}/refund.csv", "dlocal_legacy", of("dLocal"), {"cell-empty": 1}),
    # Shortened: two items, and a trailer that counts 146.
    Refusal(f"{TRUSTLY}/P11KFUN-3618-20260201120000-20260202120000-0001of0001.csv", "trustly",
            of("Trustly"), {"total-wrong": 1}),
    Refusal(f"{GR4VY}/all_transactions_report.csv", "gr4vy", of("Gr4vy"), {"currency-other": 1}),
]  # fmt: skip

#: Formats of this family whose files are in another table.
ELSEWHERE = {"adyen_settlement_details", "stripe_reports", "spec_only"}


def named(case: Case | Refusal) -> str:
    return f"{Path(case.path).stem}-{case.setting.currency}-{case.setting.day or ''}"


def in_transit(books: Books) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for entry in books.load().transactions():
        for posting in entry.postings:
            ref = (posting.meta or {}).get("settlement")
            if ref is not None:
                found[ref] = found.get(ref, Decimal(0)) + posting.units.number
    return found


def test_every_file_is_in_a_table(samples: Path) -> None:
    there = {
        f"{GATEWAYS}/{path.relative_to(samples / GATEWAYS)}"
        for path in (samples / GATEWAYS).rglob("*.csv")
        if path.relative_to(samples / GATEWAYS).parts[0] not in ELSEWHERE
    }
    assert there == {case.path for case in (*IMPORTED, *REFUSED)}


@pytest.mark.parametrize("case", IMPORTED, ids=named)
def test_report_becomes_books(case: Case, samples: Path, tmp_path: Path) -> None:
    with lay_out_file(tmp_path / "b", samples / case.path, case.format, case.setting) as books:
        report, line = import_file(books, case.setting)
        assert report.verdict == "imported", report.problems
        assert books.load().messages() == []
        assert line is not None
        rows, control = line["rows"], line["control"]
        assert (rows["read"], rows["excluded"]) == (case.rows, case.excluded)
        assert rows["read"] == rows["new"] + sum(rows["excluded"].values())
        assert in_transit(books) == {k: Decimal(v) for k, v in case.in_transit.items()}
        assert sum(in_transit(books).values()) == Decimal(control["new"])
        assert Decimal(control["read"]) == Decimal(control["new"]) + Decimal(control["excluded"])
        found = books.query("select account, sum(number) as n group by account").rows
        assert sum(Decimal(row[1]) for row in found) == 0
        kinds = ("Clearing", "Breaks", "Payment-Fee", "Tax")
        assert all(row[0].split(":")[1] in kinds for row in found)
        assert books.verify() == []


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_contradictions_are_refused(case: Refusal, samples: Path, tmp_path: Path) -> None:
    with lay_out_file(tmp_path / "b", samples / case.path, case.format, case.setting) as books:
        report, line = import_file(books, case.setting)
        assert (report.verdict, line) == ("refused", None)
        assert list(books.load().transactions()) == []
        [kept] = (books.root / "quarantine").glob("*.report.csv")
        with kept.open(encoding="utf-8", newline="") as file:
            codes = [row["code"] for row in csv.DictReader(file)]
        assert {code: codes.count(code) for code in codes} == case.codes


@dataclass(frozen=True)
class Part:
    """What ``--accept-valid`` takes of a file in several currencies: the rows in the books' own."""

    path: str
    format: str
    currency: str
    kept: int
    excluded: int
    refused: int
    control: str


PARTS = [
    Part(f"{ACTIVITY}/activity_en.csv", "paypal_activity", "USD", 45, 14, 17, "1.90"),
    Part(f"{ACTIVITY}/statement_en.csv", "paypal_statement", "USD", 11, 4, 4, "280.30"),
    Part(f"{ACTIVITY}/statement_en.csv", "paypal_statement", "EUR", 4, 4, 11, "17346.31"),
    Part(f"{STL}/stl_brl_refund.csv", "paypal_stl", "BRL", 2, 0, 1, "0.00"),
    Part(f"{GR4VY}/all_transactions_report.csv", "gr4vy", "JPY", 1, 2, 1, "5000"),
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=lambda p: f"{Path(p.path).stem}-{p.currency}")
def test_rows_in_the_currency_of_the_books(part: Part, samples: Path, tmp_path: Path) -> None:
    info = SourceInfo(
        name="s", role="settlement", zone="UTC", currency=part.currency, batch="b-1",
        file_day=date(2026, 3, 1), counterparty="Gateway",
    )  # fmt: skip
    fmt = load_format(shipped()[part.format])
    result = read(samples / part.path, fmt, info, tmp_path / "rows.parquet", accept_valid=True)
    assert (result.kept, result.excluded_rows, result.refused) == (
        part.kept,
        part.excluded,
        part.refused,
    )
    assert result.control == Decimal(part.control)
