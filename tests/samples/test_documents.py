"""Real answers of APIs: transactions become books, everything else is refused; every JSON file at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.samples import Setting, import_file, lay_out_file
from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import SourceInfo, read
from finops_ledger.intake.recognise import recognises

pytestmark = pytest.mark.samples

DIGITAL, GATEWAYS, MARKETS = "D_digital_goods", "B_gateways", "A_marketplace"
SUPPLIER = Setting(
    counterparty="P", day=date(2026, 3, 2), opening=Decimal(10_000_000), partners={"P": ""}
)
DATED = SUPPLIER.model_copy(update={"day": None})
GATEWAY = Setting(counterparty="P", currency="USD")

#: Folder -> format (or, by the start of the name, several) and setting; file -> rows, sum and statuses
#: when it is imported, else the codes of its refusal.
Outcome = tuple[int, str, str] | set[str]
NOT_ONE = {"header-missing"}
OUTCOMES: dict[str, tuple[str, Setting, dict[str, Outcome]]] = {
    f"{DIGITAL}/digiflazz": ("digiflazz", SUPPLIER, {
        "bayar_bpjs_response": (1, "-24700", "success"),
        "bayar_pdam_response": (1, "-11500", "success"),
        "cek_saldo_response": NOT_ONE,
        "deposit_ticket_response": NOT_ONE,
        "inquiry_pln_response": NOT_ONE,
        "pasca_gagal_response": (1, "0", "failed"),
        "price_list_prepaid_response": NOT_ONE,
        "topup_pending_response": (1, "-25000", "pending"),
        "webhook_prepaid_create": (1, "-199800", "success"),
    }),
    f"{DIGITAL}/iak/json/prepaid": ("iak_prepaid", SUPPLIER, {
        "prepaid__callback__02": (1, "-16500", "success"),
        "prepaid__callback__06": (1, "-25000", "success"),
        "prepaid__callback__10": (1, "0", "failed"),
        "prepaid__core__v2__check-status__02": (1, "-25000", "success"),
        "prepaid__core__v2__inquiry__pln__02": NOT_ONE,
        "prepaid__core__v2__transaction__top-up__02": (1, "-25000", "pending"),
    }),
    f"{DIGITAL}/iak/json/postpaid": ("iak_postpaid", SUPPLIER, {
        "postpaid__core__check-status__02": (1, "-133510", "success"),
        "postpaid__core__check-status__06": (1, "-51170", "pending"),
        "postpaid__core__price-list__02": NOT_ONE,
        "postpaid__core__product__esamsat__payment__02": (1, "-2277000", "success"),
        "postpaid__core__product__pdam__payment__04": (1, "-36790", "success"),
        "postpaid__core__product__pln__inquiry__02": NOT_ONE,
        "postpaid__core__product__telco__payment__02": (1, "-54000", "success"),
    }),
    f"{DIGITAL}/alterra_sepulsa": ("alterra", DATED, {
        "bill": (1, "-101000", "pending"),
        "bpjs_kesehatan_detail": (1, "-5000", "success"),
        "credit_card": (1, "-90000", "pending"),
        "donation_detail": (1, "-99000", "success"),
        "education": (1, "-502500", "pending"),
        "ewallet_detail": (1, "-10000", "success"),
        "game_detail": (1, "-5000", "success"),
        "inquire_bpjs_kesehatan": NOT_ONE,
        "inquire_mobile_postpaid": NOT_ONE,
        "inquire_multifinance": NOT_ONE,
        "inquire_pbb": NOT_ONE,
        "inquire_pkb": NOT_ONE,
        "inquire_pln_postpaid": NOT_ONE,
        "inquire_tv_prepaid": NOT_ONE,
        "mobile_postpaid_detail": (1, "-5000", "success"),
        "mobile_prepaid": (1, "-100000", "pending"),
        "multifinance_detail": (1, "-718500", "success"),
        "pbb_detail": (1, "-192500", "success"),  # no text, the code speaks
        "pdam": (1, "-60700", "pending"),
        "pdam_operator": NOT_ONE,
        "pkb_detail": (1, "-452500", "success"),
        "pln_postpaid_detail": (1, "-5000", "success"),
        "pln_prepaid": (1, "-5000", "pending"),
        "products": {"file-short"},
        "telkom": (1, "-5000", "pending"),
        "transactions": {"file-short"},  # page 4 of 6
        "tv_bill": (1, "-5000", "pending"),
        "tv_prepaid_detail": (1, "-49000", "success"),
        "voucher_detail": (1, "-101000", "success"),
    }),
    f"{MARKETS}/tiktok_finance_api": ("tiktok_finance_api", GATEWAY, {
        "FinanceGetOrderStatementTransactionsResponse": (1, "130", "success"),
        "FinanceGetStatementsResponse": {"file-short", "records-missing"},
        "FinanceGetWithdrawalsResponse": {"file-short", "records-missing"},
        "OrderGetOrderPriceDetailResponse": {"records-missing"},
        "legacy_FinanceSearchSettlementsResponse": {"records-missing"},
    }),
    f"{MARKETS}/shopify_payments_api": ("shopify_payments_api", GATEWAY, {
        "balance": {"records-missing"},
        "payout": {"records-missing"},
        "payouts": {"records-missing"},
    }),
    f"{GATEWAYS}/braintree": ("braintree", GATEWAY, {
        "raw_settlement_batch_report": (3, "9.20", "success"),
        "settlement_batch_report_2022-06-27": (2, "13.33", "success"),
        "settlement_batch_report_refund_2022-06-27": (2, "-15.00", "success"),
    }),
    f"{GATEWAYS}/stripe_api_fixtures": ("stripe_api", GATEWAY, {"fixtures3": NOT_ONE}),
}  # fmt: skip


def files(samples: Path, place: str) -> Iterator[Path]:
    """The files of a folder; behind ``json/``, those whose names begin so."""
    folder, _, start = place.partition("/json/")
    if start:
        yield from sorted((samples / folder / "json").glob(f"{start}*.json"))
    else:
        yield from sorted((samples / folder).glob("*.json"))


CASES = [(place, name) for place, (_, _, told) in OUTCOMES.items() for name in told]


@pytest.mark.parametrize("place", OUTCOMES)
def test_every_file_is_told(place: str, samples: Path) -> None:
    assert {p.stem for p in files(samples, place)} == set(OUTCOMES[place][2])


@pytest.mark.parametrize(("place", "name"), CASES, ids=[name for _, name in CASES])
def test_real_answer(place: str, name: str, samples: Path, tmp_path: Path) -> None:
    fmt, setting, told = OUTCOMES[place]
    path = next(p for p in files(samples, place) if p.stem == name)
    outcome, out = told[name], tmp_path / "rows.parquet"
    loaded = load_format(shipped()[fmt])
    info = SourceInfo(
        name="s", role=loaded.role or "", zone="Asia/Jakarta", currency=setting.currency,
        batch="b-1", file_day=date(2026, 3, 2), counterparty="P", secret=b"a key",
    )  # fmt: skip
    if isinstance(outcome, set):
        with pytest.raises(InputRefused) as refused:
            read(path, loaded, info, out)
        assert {p.code for p in refused.value.problems} == outcome
        return
    result = read(path, loaded, info, out)
    rows, control, status = outcome
    assert (result.rows, result.kept, result.control) == (rows, rows, Decimal(control))
    assert set(pq.read_table(out, columns=["status"])["status"].to_pylist()) == {status}


WHOLE = {
    place: next(name for name, outcome in told.items() if isinstance(outcome, tuple))
    for place, (_, _, told) in OUTCOMES.items()
    if any(isinstance(outcome, tuple) for outcome in told.values())
}


@pytest.mark.parametrize("place", WHOLE)
def test_one_of_each_kind_becomes_books(place: str, samples: Path, tmp_path: Path) -> None:
    fmt, setting, told = OUTCOMES[place]
    path = next(p for p in files(samples, place) if p.stem == WHOLE[place])
    outcome = told[WHOLE[place]]
    assert isinstance(outcome, tuple)
    with lay_out_file(tmp_path / "books", path, fmt, setting) as books:
        report, line = import_file(books, setting)
        assert report.verdict == "imported", report.problems
        assert line is not None
        assert Decimal(line["control"]["new"]) == Decimal(outcome[1])
        assert books.load().messages() == []
        assert books.verify() == []


@pytest.mark.parametrize("place", OUTCOMES)
def test_recognised_by_its_own_format_or_by_none(place: str, samples: Path) -> None:
    formats = [load_format(path) for path in shipped().values()]
    fmt, _, told = OUTCOMES[place]
    for path in files(samples, place):
        found = {f.name for f in formats if recognises(f, path)}
        whole = isinstance(told[path.stem], tuple) or path.stem == "transactions"
        assert found == ({fmt} if whole else set()), path.name


def test_a_page_is_taken_when_it_is_the_only_one(samples: Path, tmp_path: Path) -> None:
    page = json.loads((samples / f"{DIGITAL}/alterra_sepulsa/transactions.json").read_text())
    del page["next"]
    only = tmp_path / "transactions.json"
    only.write_text(json.dumps(page))
    with lay_out_file(tmp_path / "books", only, "alterra", DATED) as books:
        report, line = import_file(books, DATED)
        assert report.verdict == "imported", report.problems
        assert line is not None
        assert (line["rows"]["new"], line["control"]["new"]) == (1, "-5000")


def test_one_resource_of_stripe_s_fixtures(samples: Path, tmp_path: Path) -> None:
    fixtures = (samples / f"{GATEWAYS}/stripe_api_fixtures/fixtures3.json").read_text("utf-8")
    alone = tmp_path / "transactions.json"
    alone.write_text(json.dumps(json.loads(fixtures)["resources"]["balance_transaction"]))
    with lay_out_file(tmp_path / "books", alone, "stripe_api", GATEWAY) as books:
        report, line = import_file(books, GATEWAY)
        assert report.verdict == "imported", report.problems
        assert line is not None
        assert Decimal(line["control"]["new"]) == 1  # 100 of the smallest unit
