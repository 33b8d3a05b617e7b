"""The plugin on settlements: each net, short, over, overdue, listed twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = list[tuple[str, int]]
Check = Callable[[str], Found]

HEAD = """plugin "finops_ledger.plugins.settlements" "{'strict': True}"
2026-01-01 open Assets:Bank:BCA IDR
2026-01-01 open Assets:Clearing:Gateway:PG1 IDR
2026-01-01 open Assets:Clearing:Settlement-In-Transit:PG1 IDR
2026-01-01 open Assets:Clearing:Settlement-In-Transit:AggB IDR
2026-01-01 open Liabilities:Payable:AggB:Unbilled IDR
2026-01-01 open Liabilities:Payable:AggB:Invoiced IDR
"""
GATEWAY = """2026-03-02 * "PG1" "Settlement report, 5 rows" #settlement
  Assets:Clearing:Settlement-In-Transit:PG1  251235 IDR
    settlement: "STL-PG1-20260302"
    due: 2026-03-03
  Assets:Clearing:Gateway:PG1               -251235 IDR
"""
BANK = """2026-03-03 * "BCA" "Statement, 1 line" #bank
  Assets:Bank:BCA                            251235 IDR
  Assets:Clearing:Settlement-In-Transit:PG1
    settlement: "STL-PG1-20260302"
"""
LATER = """2026-03-04 * "later"
  Assets:Bank:BCA              0 IDR
  Assets:Clearing:Gateway:PG1  0 IDR
"""
INVOICE = """2026-03-02 * "AggB" "Invoice, 1 row" #settlement
  Liabilities:Payable:AggB:Unbilled  352500 IDR
    settlement: "STL-AggB-20260301"
  Liabilities:Payable:AggB:Invoiced -352500 IDR
    settlement: "STL-AggB-20260301"
    due: 2026-03-03
"""
LIST = """2026-03-03 * "AggB" "Payment list" #settlement #decision ^STL-AggB-20260301
  due: 2026-03-03
  Liabilities:Payable:AggB:Invoiced               352500 IDR
  Assets:Clearing:Settlement-In-Transit:AggB
"""
PAID = """2026-03-03 * "BCA" "Statement, 1 line" #bank
  Assets:Bank:BCA                             -352500 IDR
  Assets:Clearing:Settlement-In-Transit:AggB
    settlement: "STL-AggB-20260301"
"""


def test_what_nets_to_zero_is_silent(check: Check) -> None:
    assert check(HEAD + GATEWAY + BANK + INVOICE + LIST + PAID + LATER) == []


def test_what_is_not_due_yet_is_silent(check: Check) -> None:
    assert check(HEAD + GATEWAY) == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (GATEWAY + LATER, "settlement-overdue", 8),
        (GATEWAY + BANK.replace("251235", "248335"), "settlement-short", 13),
        (GATEWAY + BANK.replace("251235", "251242"), "settlement-over", 13),
        (INVOICE + LIST + LATER, "settlement-overdue", 14),
        (INVOICE + LIST + PAID.replace("-352500", "-353500"), "settlement-over", 18),
        (INVOICE + LIST + PAID.replace("-352500", "-352000"), "settlement-short", 18),
    ],
)
def test_a_condition_of_the_business_is_told_when_strict(
    check: Check, text: str, code: str, line: int
) -> None:
    assert check(HEAD + text) == [(code, line)]
    assert check(HEAD.replace(" \"{'strict': True}\"", "") + text) == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (GATEWAY.replace('    settlement: "STL-PG1-20260302"\n', ""), "settlement-unnamed", 8),
        (GATEWAY.replace("due: 2026-03-03", 'due: "soon"'), "settlement-due", 8),
        (INVOICE + LIST + LIST.replace("Invoiced", "Unbilled"), "settlement-twice", 18),
        (INVOICE.replace("352500", "352000") + LIST, "settlement-payable", 14),
    ],
)
def test_an_assertion_that_fails_is_always_told(
    check: Check, text: str, code: str, line: int
) -> None:
    head = HEAD.replace(" \"{'strict': True}\"", "")
    assert check(head + text) == [(code, line)]


def test_a_list_that_is_taken_back_may_be_written_anew(check: Check) -> None:
    back = LIST.replace("352500", "-352500")
    assert check(HEAD + INVOICE + LIST + back + LIST + PAID + LATER) == []


def test_several_in_one_line_of_the_bank_are_met_together(check: Check) -> None:
    second = GATEWAY.replace("20260302", "20260303").replace("251235", "100000")
    line = BANK.replace("251235", "351235")
    third = GATEWAY.replace("20260302", "20260304").replace("due: 2026-03-03", "due: 2026-03-30")
    assert check(HEAD + GATEWAY + second + line + LATER) == []
    assert check(HEAD + GATEWAY + second + line + third + LATER) == []
    found = check(HEAD + GATEWAY + second + line.replace("351235", "351234") + LATER)
    assert [code for code, _ in found] == ["settlement-over", "settlement-overdue"]


def line_of(text: str, mark: str) -> int:
    return text[: text.index(mark)].count("\n") + 1


def test_an_invoice_that_is_due_and_on_no_list_is_overdue(check: Check) -> None:
    text = HEAD + INVOICE + LATER
    assert check(text) == [("settlement-overdue", line_of(text, INVOICE))]
    assert check(text.replace("'strict': True", "'strict': False")) == []
    assert check(HEAD + INVOICE) == []


def test_a_part_of_an_invoice_on_a_list_leaves_the_rest_overdue(check: Check) -> None:
    part = LIST.replace("352500", "300000")
    text = HEAD + INVOICE + part + PAID.replace("352500", "300000") + LATER
    assert check(text) == [("settlement-overdue", line_of(text, INVOICE))]


def test_a_list_under_another_name_pays_the_oldest_invoice(check: Check) -> None:
    """Two invoices, one list whose name is neither's: the later one is what is left."""
    second = INVOICE.replace("20260301", "20260302")
    other = (LIST + PAID).replace("20260301", "77")
    text = HEAD + INVOICE + second + other + LATER
    assert check(text) == [("settlement-overdue", line_of(text, second))]


def test_a_credit_note_is_no_invoice(check: Check) -> None:
    note = """2026-03-02 * "AggB" "Invoice, 1 row" #settlement
  Liabilities:Payable:AggB:Unbilled -352500 IDR
  Liabilities:Payable:AggB:Invoiced  352500 IDR
    settlement: "STL-AggB-CN1"
    due: 2026-03-03
"""
    assert check(HEAD + INVOICE + note + LATER) == []
