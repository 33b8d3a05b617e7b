"""Real files through the whole loop: imported, posted, reconciled, proven by Beancount, each its own books.

The files are read in place: a workspace in a temporary folder takes a copy, as an inbox does.
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
from finops_ledger.core.money import plain

ADYEN, STRIPE = "B_gateways/adyen_settlement_details", "B_gateways/stripe_reports"
BCA, SHEET = "C_bank/id_bca", "C_bank/generic_sheet"
AS_ADYEN = Setting(counterparty="Adyen", currency="USD")
AS_STRIPE = Setting(counterparty="Stripe", currency="USD")
AS_BANK = Setting(counterparty="Bank", currency="USD")
AS_BCA = Setting(counterparty="BCA", day=date(2026, 2, 5))

pytestmark = pytest.mark.samples


@dataclass(frozen=True)
class Case:
    """A real file and what it must give."""

    path: str
    format: str
    setting: Setting
    read: int
    excluded: int
    #: What is in transit, by settlement; or the statement's opening and closing (empty: states none).
    figures: dict[str, str]
    days: int = 1


REPORTS = [
    Case(f"{ADYEN}/oca_settlement_detail_report_batch_238.csv", "adyen_settlement_details",
         AS_ADYEN, 3, 0, {"STL-Adyen-238": "0"}),
    Case(f"{ADYEN}/settlement_detail_report_donation-ach.csv", "adyen_settlement_details",
         AS_ADYEN, 2, 1, {"STL-Adyen-1061": "0.78"}),
    Case(f"{ADYEN}/settlement_detail_report_donation-ideal.csv", "adyen_settlement_details",
         AS_ADYEN, 2, 1, {"STL-Adyen-630": "5.43"}),
    Case(f"{ADYEN}/settlement_detail_report_donation.csv", "adyen_settlement_details",
         AS_ADYEN, 2, 1, {"STL-Adyen-2": "0.76"}),
    Case(f"{ADYEN}/settlement_detail_report_emptynetcredit.csv", "adyen_settlement_details",
         AS_ADYEN, 1, 0, {"STL-Adyen-1136": "-0.03"}),
    Case(f"{ADYEN}/settlement_detail_report_ignore.csv", "adyen_settlement_details",
         AS_ADYEN, 2, 1, {"STL-Adyen-2": "0.76"}),
    Case(f"{ADYEN}/settlement_detail_report_refund.csv", "adyen_settlement_details",
         AS_ADYEN, 3, 1, {"STL-Adyen-3": "-2.80"}),
    Case(f"{STRIPE}/settlement_report.csv", "stripe_settlement", AS_STRIPE, 7, 1,
         {"STL-Stripe-po_test123": "23.05", "STL-Stripe-none": "3.35"}),
    Case(f"{STRIPE}/payments_activity.csv", "stripe_settlement", AS_STRIPE, 2, 0,
         {"STL-Stripe-po_abc": "28.80", "STL-Stripe-po_def": "-45.00"}),
]  # fmt: skip
STATEMENTS = [
    Case(f"{BCA}/rikky__sample_bca_working.csv", "klikbca", AS_BCA, 5, 0,
         {"opening": "1000000", "closing": "2150000"}, 5),
    Case(f"{SHEET}/oca__balance.csv", "generic_sheet", AS_BANK, 2, 0,
         {"opening": "10.00", "closing": "1510.00"}),
    Case(f"{SHEET}/oca__sample_statement_en.csv", "generic_sheet", AS_BANK, 2, 0, {}),
    Case(f"{SHEET}/oca__original_currency.csv", "generic_sheet", AS_BANK, 1, 0, {}),
]  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """A real file, from whom and in which books, and the codes of what is wrong with it."""

    path: str
    format: str
    setting: Setting
    codes: frozenset[str]


REFUSALS = [
    # It states one figure of four, and that one contradicts the balances of its lines.
    Refusal(f"{BCA}/rikky__bca-sample.csv", "bca", AS_BCA.model_copy(update={"day": None}),
            frozenset({"total-wrong", "file-short"})),
    # A statement in other money than the books: rupiah have no fractions.
    Refusal(f"{SHEET}/oca__balance.csv", "generic_sheet", Setting(counterparty="Bank"),
            frozenset({"cell-number"})),
    Refusal(f"{STRIPE}/settlement_report.csv", "stripe_settlement", Setting(counterparty="Stripe"),
            frozenset({"cell-number", "currency-other", "identity"})),
    Refusal(f"{ADYEN}/settlement_detail_report_donation.csv", "adyen_settlement_details",
            Setting(counterparty="Adyen"), frozenset({"cell-number", "currency-other", "identity"})),
    # Credits in the debit column: another layout than the one the source names.
    Refusal(f"{SHEET}/oca__debit_credit_amount.csv", "generic_sheet", AS_BANK,
            frozenset({"header-missing", "header-extra"})),
]  # fmt: skip


def named(case: Case | Refusal) -> str:
    return f"{Path(case.path).stem}-{case.setting.currency}"


def sums(books: Books, where: str) -> dict[str, Decimal]:
    table = books.query(f"select account, sum(number) as n where {where} group by account")
    return {row[0]: Decimal(row[1]) for row in table.rows}


def in_transit(books: Books) -> dict[str, Decimal]:
    """What stands in transit by settlement."""
    found: dict[str, Decimal] = {}
    for entry in books.load().transactions():
        for posting in entry.postings:
            ref = (posting.meta or {}).get("settlement")
            if ref is not None:
                found[ref] = found.get(ref, Decimal(0)) + posting.units.number
    return found


def conserved(line: dict[str, object]) -> None:
    """Every row and every amount of the file has a place."""
    rows, control = line["rows"], line["control"]
    assert isinstance(rows, dict)
    assert isinstance(control, dict)
    kept = rows["new"] + rows["revised"] + rows["known"] + rows["refused"]
    assert rows["read"] == kept + sum(rows["excluded"].values())
    parts = ("new", "revised", "known", "excluded", "refused")
    assert Decimal(control["read"]) == sum(Decimal(control[p]) for p in parts)


def again(books: Books, case: Case, samples: Path) -> None:
    """The same file a second time changes nothing."""
    before = (books.root / "subledger" / "manifest.jsonl").read_bytes()
    path = samples / case.path
    day = case.setting.day
    name = path.name if day is None else f"{path.stem}_{day:%Y%m%d}{path.suffix}"
    (books.root / "inbox" / name).write_bytes(path.read_bytes())
    [report] = books.import_files().files
    assert report.verdict == "known"
    assert books.reconcile() == 0
    assert (books.root / "subledger" / "manifest.jsonl").read_bytes() == before


def go(case: Case, samples: Path, root: Path) -> tuple[Books, dict[str, object]]:
    """Take a real file through import and reconciliation; the books must be clean."""
    books = lay_out_file(root, samples / case.path, case.format, case.setting)
    report, line = import_file(books, case.setting)
    assert report.verdict == "imported", report.problems
    assert line is not None
    assert books.load().messages() == []
    assert (line["rows"]["read"], sum(line["rows"]["excluded"].values())) == (
        case.read,
        case.excluded,
    )
    conserved(line)
    assert (samples / case.path).exists()
    return books, line


@pytest.mark.parametrize("case", REPORTS, ids=named)
def test_gateway_report_becomes_books(case: Case, samples: Path, tmp_path: Path) -> None:
    books, line = go(case, samples, tmp_path / "books")
    with books:
        wanted = {k: Decimal(v) for k, v in case.figures.items() if Decimal(v)}
        assert {k: v for k, v in in_transit(books).items() if v} == wanted
        control = line["control"]
        assert isinstance(control, dict)
        assert sum(wanted.values()) == Decimal(control["new"])
        # Nothing else than transit, fees, what is held and what waits for an order.
        rest = sums(books, "account ~ '^(Assets|Expenses|Liabilities)'")
        assert sum(rest.values()) == 0
        assert all(
            account.split(":")[1] in ("Clearing", "Breaks", "Payment-Fee", "Tax")
            for account in rest
        )
        assert books.verify() == []
        again(books, case, samples)


@pytest.mark.parametrize("case", STATEMENTS, ids=named)
def test_bank_statement_becomes_books(case: Case, samples: Path, tmp_path: Path) -> None:
    from beancount.core.data import Balance

    books, line = go(case, samples, tmp_path / "books")
    with books:
        account = f"Assets:Bank:{case.setting.counterparty}"
        stated = line["stated"]
        control = line["control"]
        assert isinstance(stated, dict)
        assert isinstance(control, dict)
        proven = [e for e in books.load().entries if isinstance(e, Balance)]
        moved = sums(books, f"account = '{account}'")[account]
        if not case.figures:
            assert stated["closing"] is None
            assert proven == []
            assert moved == Decimal(control["new"])
        else:
            opening, closing = (Decimal(case.figures[k]) for k in ("opening", "closing"))
            assert stated["opening"] == plain(opening)
            assert stated["closing"] == plain(closing)
            assert opening + Decimal(control["new"]) == closing == moved
            assert [(b.account, b.amount.number) for b in proven] == [(account, closing)]
        posted = {e.date for e in books.load().transactions() if "bank" in e.tags}
        assert len(posted) == case.days
        assert books.verify() == []
        again(books, case, samples)


@pytest.mark.parametrize("case", REFUSALS, ids=named)
def test_contradictions_are_refused(case: Refusal, samples: Path, tmp_path: Path) -> None:
    with lay_out_file(tmp_path / "books", samples / case.path, case.format, case.setting) as books:
        report, line = import_file(books, case.setting)
        assert (report.verdict, line) == ("refused", None)
        assert books.load().messages() == []
        assert list(books.load().transactions()) == []
        [kept] = (books.root / "quarantine").glob("*.report.csv")
        with kept.open(encoding="utf-8", newline="") as file:
            found = {row["code"] for row in csv.DictReader(file)}
        assert found == case.codes, report.problems
