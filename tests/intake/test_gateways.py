"""Gateway reports: each rule of a shipped format, proven by a sample with one thing changed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.samples import samples_of
from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, SourceInfo, read
from finops_ledger.intake.recognise import recognises

Rows = list[dict[str, object]]


def taken(
    name: str, folder: Path, *changes: tuple[str, str], accept: bool = False, currency: str = ""
) -> tuple[ReadResult, Rows]:
    """Read the sample of a format with texts replaced, each of which must be there once or more."""
    text = samples_of(name)[0].read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path, out = folder / "report.csv", folder / "rows.parquet"
    path.write_text(text, "utf-8")
    own = currency or ("EUR" if name.endswith("_es") else "USD")
    info = SourceInfo(
        name="s", role="settlement", zone="Asia/Jakarta", currency=own, batch="b-1",
        file_day=date(2026, 3, 3), counterparty="Gateway",
    )  # fmt: skip
    result = read(path, load_format(shipped()[name]), info, out, accept_valid=accept)
    return result, pq.read_table(out).to_pylist()


def refused(name: str, folder: Path, *changes: tuple[str, str]) -> Counter[str]:
    """The codes for which a changed sample is refused."""
    with pytest.raises(InputRefused) as caught:
        taken(name, folder, *changes)
    return Counter(p.code for p in caught.value.problems)


def without(name: str, *marks: str) -> tuple[tuple[str, str], ...]:
    """Changes that leave out the lines of these types."""
    lines = samples_of(name)[0].read_text("utf-8").splitlines(keepends=True)
    return tuple((line, "") for line in lines if line.split(",")[0].strip('"') in marks)


WRONG = [
    # PayPal's sections state gross and fees by currency, and how many rows they have.
    ("paypal_stl", '"SF","USD",13000', '"SF","USD",13001', "total-wrong"),
    ("paypal_stl", "13000,12499", "13000,12498", "total-wrong"),
    ("paypal_stl", "466,87", "466,86", "total-wrong"),
    ("paypal_stl", '"SC",7', '"SC",8', "total-wrong"),
    ("paypal_trr", '"SC",6', '"SC",5', "total-wrong"),
    ("paypal_stl", '117,"USD"', '117,"EUR"', "currency-other"),
    ("paypal_stl", '"CR",10000', '"C",10000', "cell-mark"),
    ("paypal_stl", '"DR",117', '"",117', "cell-mark"),
    ("paypal_stl", '"CR",10000', '"CR",100.00', "cell-number"),
    ("paypal_stl", '"T1105"', '"T7777"', "kind-unknown"),
    ("paypal_stl", '"FF",7', '"XX",7', "line-unknown"),
    ("paypal_trr", '"USD","V"', '"USD","X"', "status-unknown"),
    ("paypal_trr", "00:10:00 -0800,2026/03/02 00:10:00 -0800", "00:10:00,2026/03/02 00:10:00", "cell-time"),
    ("paypal_sar", '"SB","S-0002"', '"SX","S-0002"', "line-unknown"),
    ("paypal_activity", '"19.12"', '"19.13"', "identity"),
    ("paypal_activity", "Website Payment", "Mystery Payment", "kind-unknown"),
    ("paypal_activity", '"PST"', '"WITAA"', "zone-unknown"),
    ("paypal_activity", '"02/03/2026"', '"03/13/2026"', "cell-time"),
    ("paypal_activity", '"Completed"', '"Perhaps"', "status-unknown"),
    ("paypal_statement", '"3/13/2026"', '"13/3/2026"', "cell-time"),
    # Clocks went forward in the night to 8 March: there was no half past two.
    ("paypal_statement", '"3/13/2026","05:00:09"', '"3/8/2026","02:30:00"', "time-ambiguous"),
    ("paypal_statement_es", "1.213,45", "1,213.45", "cell-number"),
    ("dlocal", "HEADER,USD", "HEADER,EUR", "currency-other"),
    ("dlocal", "5,37.62", "5,37.63", "total-wrong"),
    ("dlocal", "26.52,", "26.51,", "total-wrong"),
    # No amount is rounded: what is beyond the cents would be nowhere.
    ("dlocal", "5.00,-0.10,4.90", "5.004,-0.104,4.90", "cell-number"),
    ("dlocal_legacy", "25.00;5.00;BRL", "25.00;;BRL", "cell-empty"),
    ("dlocal_legacy", ";1.10;", ";1.10;0.38", "identity"),
    ("trustly", "TR01,USD,114.65", "TR01,USD,114.66", "total-wrong"),
    ("trustly", "L,5,", "L,6,", "total-wrong"),
    ("trustly", "L,5,115.50", "L,5,115.51", "total-wrong"),
    ("trustly", "2,114.64", "2,114.65", "total-wrong"),
    ("trustly", "\nF,Example Inc,,TR02", "\nT,Example Inc,,TR02", "line-unknown"),
    ("trustly", "H,P11KFUN", "H,P11KREC", "title-wrong"),
    ("amazon_pay", '"-0.59","9.41"', '"-0.58","9.42"', "identity"),
    ("amazon_pay", '"9.41"', '"9.40"', "identity"),
    ("amazon_pay", '"Reserve"', '"Surprise"', "kind-unknown"),
    ("amazon_pay_refunds", '"Completed"', '"Perhaps"', "status-unknown"),
    ("checkoutcom", "120,-3.65,116.35", "120,-3.65,116.36", "identity"),
    ("checkoutcom", "-2,-1.15,-0.4,-0.1,0", "-2,-1.15,-0.4,-0.2,0", "identity"),
    ("checkoutcom", "-0.18,-0.12,0,0,0", "-0.18,-0.12,0,0,-1", "identity"),
    ("gr4vy", "2599,USD,2599", "2599,EUR,2599", "currency-other"),
    ("gr4vy", "2599,USD,2599", "2599,USD,25.99", "cell-number"),
    ("adyen_payment_accounting", "USD,19.40,,0.10", "USD,19.41,,0.10", "identity"),
    ("adyen_payment_accounting", ",Chargeback,", ",Novelty,", "kind-unknown"),
    ("shopify_payments_csv", "$991.90", "$991.91", "identity"),
    ("shopify_payments_csv", ",charge,#1402", ",tip,#1402", "kind-unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "code"), WRONG)
def test_one_thing_wrong_refuses_the_file(
    name: str, old: str, new: str, code: str, tmp_path: Path
) -> None:
    assert code in refused(name, tmp_path, (old, new))


def test_paypal_has_no_net_so_it_is_gross_less_fee(tmp_path: Path) -> None:
    result, rows = taken("paypal_stl", tmp_path)
    assert result.totals == {
        "credit of price": Decimal(130), "debit of price": Decimal("124.99"),
        "absolute of fee": Decimal("5.53"), "rows": 7,
    }  # fmt: skip
    payment, _, refund, *_ = rows
    assert (payment["price"], payment["fee"], payment["amount"]) == (
        25,
        Decimal("1.17"),
        Decimal("23.83"),
    )
    assert (refund["price"], refund["fee"], refund["amount"]) == (
        -25,
        Decimal("-0.87"),
        Decimal("-24.13"),
    )
    assert refund["occurred_at"] == datetime(2026, 3, 2, 18, 0, tzinfo=UTC)


def test_paypal_sections_may_be_missing(tmp_path: Path) -> None:
    whole, _ = taken("paypal_stl", tmp_path)
    bare, _ = taken(
        "paypal_stl",
        tmp_path,
        *without("paypal_stl", "RH", "FH", "SH", "SF", "SC", "RF", "RC", "FF"),
    )
    assert (bare.rows, bare.control) == (whole.rows, whole.control)
    assert bare.totals == {}


def test_a_footer_of_another_currency_is_passed_over(tmp_path: Path) -> None:
    line = '"SF","USD",13000'
    result, _ = taken(
        "paypal_stl", tmp_path, (line, f'"SF","EUR",99,99,9,9,"CR",0,"CR",0,1\n{line}')
    )
    assert result.totals["credit of price"] == 130


def test_yen_have_no_smaller_unit(tmp_path: Path) -> None:
    result, rows = taken("paypal_trr", tmp_path, ('"USD"', '"JPY"'), currency="JPY")
    assert rows[0]["price"] == 2500
    assert result.control == 1413


def test_faults_do_not_hide_a_wrong_total(tmp_path: Path) -> None:
    codes = refused("paypal_stl", tmp_path, ('"T1105"', '"T7777"'), ("13000,12499", "13000,12498"))
    assert codes == {"kind-unknown": 1, "total-wrong": 1}


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("paypal_trr", {"denied: no money moved": 1, "pending: comes again when it is done": 1}),
        ("paypal_sar", {"an agreement: no money moves": 2}),
        ("paypal_activity", {"no money moved": 1, "the payout itself": 1}),
        ("dlocal_legacy", {"pending: comes again when it is done": 1}),
        ("amazon_pay_refunds", {"declined: no money moved": 1, "pending: comes again when it is done": 1}),
        ("gr4vy", {"nothing captured: no money moved": 2}),
        ("adyen_payment_accounting", {"a step on the way: no money is paid": 3}),
        ("shopify_payments_csv", {"in no payout yet: comes again with it": 1}),
    ],
)  # fmt: skip
def test_what_moves_no_money_is_left_out_with_its_reason(
    name: str, reasons: dict[str, int], tmp_path: Path
) -> None:
    result, rows = taken(name, tmp_path)
    assert result.excluded == reasons
    assert result.rows == len(rows) + sum(reasons.values())


def test_a_returned_payment_stands_twice_under_one_id(tmp_path: Path) -> None:
    result, rows = taken("trustly", tmp_path)
    twice = [r for r in rows if r["partner_ref"] == "5000000003"]
    assert [(r["kind"], r["amount"], r["status"]) for r in twice] == [
        ("payment", Decimal("10.39"), "reversed"),
        ("chargeback", Decimal("-10.40"), "reversed"),
    ]
    assert result.totals == {"amount": Decimal("114.64"), "rows": 5, "price": Decimal("115.50")}


def test_months_of_two_downloads_stand_in_another_order(tmp_path: Path) -> None:
    _, activity = taken("paypal_activity", tmp_path)
    _, statement = taken("paypal_statement", tmp_path)
    assert activity[0]["occurred_at"] == datetime(2026, 3, 2, 15, 45, 51, tzinfo=UTC)
    # Summer time by the zone's name: eight hours on 2 March, seven on the 13th.
    assert statement[0]["occurred_at"] == datetime(2026, 3, 3, 5, 15, 11, tzinfo=UTC)
    assert statement[1]["occurred_at"] == datetime(2026, 3, 13, 12, 0, 9, tzinfo=UTC)


def test_fees_that_no_column_explains_are_fees(tmp_path: Path) -> None:
    _, rows = taken("checkoutcom", tmp_path)
    assert [(r["kind"], r["amount"]) for r in rows[-2:]] == [
        ("fee", Decimal("-0.30")), ("fee", Decimal("-2.00"))
    ]  # fmt: skip
    assert (rows[0]["fee"], rows[0]["vat"]) == (Decimal("3.55"), Decimal("0.10"))


def test_a_column_may_stand_twice_and_must_say_the_same(tmp_path: Path) -> None:
    head, *lines = samples_of("adyen_payment_accounting")[0].read_text("utf-8").splitlines()
    changes = [(head, f"{head},Settlement Currency"), *((li, f"{li},USD") for li in lines)]
    result, _ = taken("adyen_payment_accounting", tmp_path, *changes)
    assert result.kept == 3
    changes[1] = (lines[0], f"{lines[0]},EUR")
    assert refused("adyen_payment_accounting", tmp_path, *changes) == {"currency-other": 1}


def test_rows_in_other_money_are_refused_and_the_rest_can_be_taken(tmp_path: Path) -> None:
    change = ('"CR",10000,"USD","DR",349,"USD"', '"CR",10000,"EUR","DR",349,"EUR"')
    codes = refused("paypal_stl", tmp_path, change)
    # The dollars' footer counts rows that are euros now.
    assert codes == {"currency-other": 2, "total-wrong": 2}
    result, rows = taken(
        "paypal_stl", tmp_path, change, ("13000,12499,466", "3000,12499,117"), accept=True
    )
    assert (len(rows), result.refused, result.excluded_rows) == (5, 1, 1)


def test_each_report_of_paypal_is_its_own_format(tmp_path: Path) -> None:
    names = [n for n in shipped() if n.startswith("paypal_")]
    for name in names:
        [sample] = samples_of(name)
        assert [n for n in names if recognises(load_format(shipped()[n]), sample)] == [name]
