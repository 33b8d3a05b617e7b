"""The files of a payment list: the workbook that a checker reads, and what a bank's portal takes."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from pydantic import ValidationError

from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import plain
from finops_ledger.sop.pay import Pay
from finops_ledger.treasury import payment_list, proposals, uploads
from finops_ledger.treasury.paying import Line
from finops_ledger.treasury.transfers import total
from finops_ledger.treasury.uploads import Layout
from tests.treasury.test_paying import OURS, TERMS, THEIRS, D, run, settlement

LONG = settlement("20260516", gross=D(3_525_000_000), commission=D(12_000_000), vat=D(1_320_000),
                  granted=D(12_000_000), granted_vat=D(1_320_000), withheld=D(240_000),
                  net=D(3_511_920_000), stated=D(3_511_920_000))  # fmt: skip


def document(*lines: Line, **more: Any) -> dict[str, Any]:
    every = [t for line in lines for t in line.transfers]
    amount, fees = total(every)
    return {
        "run": "pay-0123456789abcdef",
        "company": "PT Contoh Digital",
        "currency": "IDR",
        "maker": "preparer-1",
        "as_of": "2026-05-18",
        "asked": {"due_by": "2026-05-18", "counterparty": "", "named": [], "advance": False},
        "inputs": {"head": "00" * 32, "rules": {"sops/AggB.toml": "sha256:11"}},
        "lines": [proposals.told(line) for line in lines],
        "left_out": [],
        "totals": {"transfers": len(every), "amount": plain(amount), "fees": plain(fees)},
        **more,
    }


def opened(told: dict[str, Any]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(payment_list.write(told)))


def cells(sheet: Any) -> Iterator[Any]:
    return (cell for row in sheet.iter_rows() for cell in row)


def column(sheet: Any, title: str) -> list[Any]:
    [place] = [c.column for c in sheet[1] if c.value == title]
    return [sheet.cell(row, place) for row in range(2, sheet.max_row + 1)]


def two() -> tuple[Line, Line]:
    lines, left = run(settlement(), LONG)
    assert left == []
    return lines[0], lines[1]


# --- the workbook ---------------------------------------------------------------------------------


def test_the_workbook_says_what_is_paid_to_whom_and_its_total() -> None:
    sheet = opened(document(*two()))["Payment list"]
    assert [c.value for c in column(sheet, "Settlement")] == [
        "STL-AggB-20260515", "STL-AggB-20260516", "Total",
    ]  # fmt: skip
    assert [c.value for c in column(sheet, "Amount")] == [35_119_200, 3_511_920_000, 3_547_039_200]
    assert [c.value for c in column(sheet, "Fee")] == [2_500, 25_000, 27_500]
    assert [c.value for c in column(sheet, "Rail")][:2] == ["BI-FAST", "RTGS"]
    assert column(sheet, "Value date")[0].value.date() == date(2026, 5, 18)


def test_account_numbers_and_codes_are_text_to_the_last_zero() -> None:
    sheet = opened(document(*two()))["Payment list"]
    for title in ("Account", "Settlement", "Reference", "From"):
        assert {c.data_type for c in column(sheet, title)[:2]} == {"s"}
    assert column(sheet, "Account")[0].value == "0012345678901"
    assert {c.number_format for c in column(sheet, "Account")[:2]} == {"@"}


def test_what_each_payment_is_made_up_of_comes_to_what_is_paid() -> None:
    book = opened(document(*two()))
    sheet = book["Made up of"]
    parts = (
        "Gross payable",
        "Commission",
        "VAT",
        "Withheld, given back",
        "Claims granted",
        "Rounding",
        "Held back",
    )
    for row in range(3):
        made = sum(column(sheet, title)[row].value or 0 for title in parts)
        assert made == column(sheet, "To pay")[row].value
    assert column(sheet, "To pay")[2].value == column(book["Payment list"], "Amount")[2].value


def test_no_formula_stands_in_it_whatever_others_write() -> None:
    left = {
        "settlement": "=2+3",
        "counterparty": "@SUM(A1)",
        "due": "",
        "net": "1",
        "guard": "g",
        "why": "+1+cmd|'x'",
    }
    told = document(*two(), left_out=[left], maker="-2+3", company='=HYPERLINK("x")')
    told["lines"][0]["warnings"] = ["=1+1"]
    told["lines"][0]["to"]["name"] = "=cmd|' /C calc'!A0"
    book = opened(told)
    every = [c for sheet in book for c in cells(sheet) if c.value is not None]
    assert {c.data_type for c in every} <= {"s", "n", "d"}, "none is a formula"
    texts = [c.value for c in every if c.data_type == "s"]
    assert [t for t in texts if t[:1] in tuple("=+-@")] == []
    assert "'=2+3" in texts
    assert "'=cmd|' /C calc'!A0" in texts


def test_an_amount_that_a_number_cannot_hold_is_text() -> None:
    told = document(*two())
    told["lines"][0]["transfers"][0]["amount"] = "9007199254740993.25"
    amount, _, sum_ = column(opened(told)["Payment list"], "Amount")
    assert (amount.data_type, amount.value) == ("s", "9007199254740993.25")
    assert (sum_.data_type, sum_.value) == ("s", "9007202766660993.25")


def test_left_out_and_the_run_stand_beside_it() -> None:
    left = {"settlement": "STL-AggB-1", "counterparty": "AggB", "due": "2026-05-01", "net": "5", "guard": "minimum",
            "why": "it waits"}  # fmt: skip
    book = opened(document(*two(), left_out=[left]))
    assert book.sheetnames == ["Payment list", "Made up of", "Left out", "Run"]
    assert [c.value for c in column(book["Left out"], "Why it is left out")] == ["it waits"]
    facts = dict(row for row in book["Run"].iter_rows(min_row=2, values_only=True))
    assert facts["Run"] == "pay-0123456789abcdef"
    assert (facts["Maker"], facts["Rule sops/AggB.toml"]) == ("preparer-1", "sha256:11")


def test_the_same_list_is_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told = document(*two())
    first = payment_list.write(told)
    later = time.time() + 90_000
    monkeypatch.setattr(time, "time", lambda: later)
    assert payment_list.write(told) == first


# --- uploads --------------------------------------------------------------------------------------


def upload(layout: Layout | str = "generic", *lines: Line) -> list[list[str]]:
    name = layout if isinstance(layout, str) else "own"
    of = uploads.shipped()[layout] if isinstance(layout, str) else layout
    every = [t for line in lines or two() for t in line.transfers]
    data = uploads.write(of, name, "IDR", OURS, every)
    assert data.endswith(b"\r\n")
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def test_the_generic_layout() -> None:
    head, *rows = upload()
    [first, _] = [dict(zip(head, row, strict=True)) for row in rows]
    assert first == {
        "number": "1",
        "value_date": "2026-05-18",
        "from_account": "1234567890",
        "to_bank": "Mandiri",
        "to_bank_code": "BMRIIDJA",
        "to_account": "0012345678901",
        "to_name": "PT AGREGATOR B",
        "currency": "IDR",
        "amount": "35119200",
        "rail": "BI-FAST",
        "reference": "AggB-20260515",
        "remark": "AggB-20260515",
    }


def test_the_layout_of_mandiri() -> None:
    """A first record of type P with number and sum; each rail by the bank's word."""
    first, *rows = upload("mandiri")
    assert first == ["P", "20260518", "1234567890", "2", "3547039200"]
    assert [row[9] for row in rows] == ["BAU", "RBU"]
    assert rows[0] == [
        "0012345678901", "PT AGREGATOR B", "", "", "", "IDR", "35119200", "AggB-20260515", "AggB-20260515", "BAU",
        "BMRIIDJA", "Mandiri",
    ]  # fmt: skip


def own(**more: Any) -> Layout:
    columns = [{"field": "account"}, {"field": "name"}, {"field": "amount"}, {"field": "rail"}]
    return Layout.model_validate({"columns": columns} | more)


def test_a_layout_of_ones_own() -> None:
    made = own(delimiter=";", decimals=2, header=True, rails={"BI-FAST": "F", "RTGS": "R"})
    rows = [row[0] for row in upload(made)]
    assert rows == [
        ";;;",
        "0012345678901;PT AGREGATOR B;35119200.00;F",
        "0012345678901;PT AGREGATOR B;3511920000.00;R",
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"rails": {"BI-FAST": "F"}}, "layout own has no word for RTGS, by which STL-AggB-20260516"),
        ({"columns": [{"field": "account"}, {"field": "amount"}, {"field": "name", "width": 5}]},
         "name is 'PT AGREGATOR B', 14 characters; the bank takes 5"),
    ],
)  # fmt: skip
def test_what_the_bank_would_not_take_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        upload(own(**more))


def test_a_fraction_that_the_layout_would_round_is_refused() -> None:
    line = two()[0]
    cents = replace(line, transfers=(replace(line.transfers[0], amount=Decimal("1.5")),))
    with pytest.raises(
        UsageError, match=r"writes amounts with 0 decimals, STL-AggB-20260515 is 1\.5"
    ):
        upload(own(), cents)


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "a\x1b[2J", "-1+2", "A,=1"])
def test_an_upload_holds_no_formula(text: str) -> None:
    line = two()[0]
    hostile = replace(line, transfers=(replace(line.transfers[0], to=replace(THEIRS, name=text)),))
    with pytest.raises(UsageError, match="would begin a formula"):
        upload(own(), hostile)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"columns": [{"field": "amount"}]}, "none says the account"),
        ({"columns": [{"field": "account"}]}, "none says the amount"),
        ({"first": [{"field": "account"}]}, "first: account is of one transfer"),
        ({"columns": [{"field": "account", "text": "x"}]}, "give a field or a text"),
        ({"columns": []}, "at least 1"),
        ({"columns": [{"field": "iban"}]}, "Input should be"),
    ],
)
def test_what_a_layout_may_not_say(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        own(**more)


# --- the account of a beneficiary -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("name", "=1+1", "letters, digits"),
        ("name", "PT\u202eB", "letters, digits"),
        ("name", "PT B\n", "letters, digits"),
        ("name", "X" * 71, "at most 70"),
        ("account", "123-456-789", "5 to 34 digits"),
        ("account", 123456789, "valid string"),
        ("account", "١٢٣٤٥٦", "5 to 34 digits"),
        ("remark", "{password}", "{password} is not known"),
        ("remark", "{code", "remark"),
        ("remark", "={code}", "letters, digits"),
        ("code", "BMRI IDJA", "pattern"),
        ("iban", "x", "Extra inputs"),
    ],
)
def test_what_an_account_may_not_be(key: str, value: Any, told: str) -> None:
    good = {"bank": "Mandiri", "account": "0012345678901", "name": "PT AGREGATOR B"}
    assert Pay.model_validate(good).told == TERMS.to.told
    with pytest.raises(ValidationError, match=told):
        Pay.model_validate(good | {key: value})
