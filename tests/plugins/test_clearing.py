"""finops_ledger.plugins.clearing: clean books pass, and each corruption is named in its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Check = Callable[[str], list[tuple[str, int]]]
Vary = Callable[..., tuple[str, int]]

CLEAN = """\
plugin "finops_ledger.plugins.clearing"
2026-01-01 open Assets:Deposits:AggA IDR
2026-01-01 open Assets:Clearing:Supply:AggA IDR
2026-01-01 open Assets:Clearing:Timing:AggA IDR
2026-01-01 open Assets:Clearing:Vouchers:PubC IDR
2026-01-01 open Assets:Breaks:AggA:Cost-Mismatch IDR
2026-01-01 open Assets:Claims:Partner:AggA IDR
2026-01-01 open Liabilities:Customer-Orders:Undelivered IDR
2026-01-01 open Income:Net:Pulsa IDR
2026-03-02 custom "finops-register" Assets:Breaks:AggA:Cost-Mismatch 3 500 IDR 100 IDR "a" ; r1
2026-03-02 custom "finops-register" Assets:Clearing:Timing:AggA 1 0 IDR 49800 IDR "b" ; t1
2026-03-02 * "AggA" "Sales, 5 orders" #sale ; sale
  Liabilities:Customer-Orders:Undelivered      -255000 IDR
    count: 5
    move: "open"
  Liabilities:Customer-Orders:Undelivered       255000 IDR
    count: 5
    move: "close"
  Assets:Clearing:Supply:AggA                  -249000 IDR
  Income:Net:Pulsa                              249000 IDR
2026-03-02 * "AggA" "Supply, 4 rows" #supply ; supply
  Assets:Clearing:Supply:AggA                   199600 IDR
  Assets:Deposits:AggA                         -199600 IDR
2026-03-02 * "AggA" "Reconciled: 1 timing, 3 breaks" #recon ; recon
  partner: "AggA"
  leg: "sale-supply"
  Assets:Breaks:AggA:Cost-Mismatch                 500 IDR
    count: 2
    move: "open"
  Assets:Breaks:AggA:Cost-Mismatch                -100 IDR
    count: 1
    move: "open"
  Assets:Clearing:Timing:AggA                   -49800 IDR
    count: 1
    move: "open"
  Assets:Clearing:Supply:AggA                    49400 IDR
2026-03-02 custom "finops-register" Liabilities:Customer-Orders:Undelivered 0 0 IDR 0 IDR "c" ; u1
2026-03-03 * "AggA" "Supply, 1 row" #supply
  Assets:Clearing:Supply:AggA                    49800 IDR
  Assets:Deposits:AggA                          -49800 IDR
2026-03-03 * "AggA" "Reconciled: 1 matched" #recon ; recon2
  partner: "AggA"
  leg: "sale-supply"
  Assets:Clearing:Timing:AggA                    49800 IDR
    count: 1
    move: "close"
  Assets:Clearing:Supply:AggA                   -49800 IDR
2026-03-03 * "AggA" "Resolved: claimed" #decision ; claim
  break: "x-0000000000000001"
  Assets:Claims:Partner:AggA                       300 IDR
  Assets:Breaks:AggA:Cost-Mismatch                -300 IDR
2026-03-03 * "AggA" "Restated: the other is 250" #decision ; adjust
  Assets:Breaks:AggA:Cost-Mismatch                  50 IDR
    count: 0
    move: "adjust"
    side: "debit"
  Income:Net:Pulsa                                 -50 IDR
2026-03-03 * "AggA" "Resolved in bulk" #decision ; bulk
  Assets:Breaks:AggA:Cost-Mismatch                 100 IDR
    count: 1
    case: "case-7"
  Income:Net:Pulsa                                -100 IDR
2026-03-03 custom "finops-register" Assets:Breaks:AggA:Cost-Mismatch 1 250 IDR 0 IDR "d" ; r2
2026-03-03 custom "finops-register" Assets:Claims:Partner:AggA 1 300 IDR 0 IDR "e" ; c2
2026-03-03 custom "finops-register" Assets:Clearing:Timing:AggA 0 0 IDR 0 IDR "f" ; t2
2026-03-04 * "AggA" "Resolved: AggA paid" #decision
  Assets:Claims:Partner:AggA                      -300 IDR
    break: "x-0000000000000001"
  Assets:Deposits:AggA                             300 IDR
2026-03-04 custom "finops-register" Assets:Claims:Partner:AggA 0 0 IDR 0 IDR "g" ; c3
"""


def test_clean_books_pass(check: Check) -> None:
    assert check(CLEAN) == []


@pytest.mark.parametrize(
    ("codes", "old", "new", "mark"),
    [
        (["clearing-supply"], "199600 IDR\n  Assets:Deposits:AggA                         -199600",
         "199601 IDR\n  Assets:Deposits:AggA                         -199601", "recon"),
        (["clearing-recon"], 'partner: "AggA"\n  leg: "sale-supply"\n  Assets:Breaks',
         'leg: "sale-supply"\n  Assets:Breaks', "recon"),
        # the register's three figures, and the balance behind them
        (["clearing-count"], "3 500 IDR 100 IDR", "2 500 IDR 100 IDR", "r1"),
        (["clearing-debits"], "3 500 IDR 100 IDR", "3 501 IDR 100 IDR", "r1"),
        (["clearing-credits"], "3 500 IDR 100 IDR", "3 500 IDR 99 IDR", "r1"),
        (["clearing-debits", "clearing-credits"], "3 500 IDR 100 IDR", "3 400 IDR 0 IDR", "r1"),
        (["clearing-count"], "Timing:AggA 0 0 IDR", "Timing:AggA 1 0 IDR", "t2"),
        # the register itself
        (["clearing-register"], '3 500 IDR 100 IDR "a"', "3 500 IDR 100 IDR", "r1"),
        (["clearing-register"], "3 500 IDR 100 IDR", "3 500 IDR 100 USD", "r1"),
        (["clearing-register"], "3 500 IDR 100 IDR", "3.5 500 IDR 100 IDR", "r1"),
        (["clearing-register"], "Timing:AggA 1 0 IDR 49800 IDR", "Timing:AggA 1 0 IDR -49800 IDR",
         "t1"),
        (["clearing-register"], "finops-register\" Assets:Clearing:Timing:AggA 1",
         "finops-register\" Assets:Clearing:Supply:AggA 1", "t1"),
        # marks of postings
        (["clearing-unmarked"], '-49800 IDR\n    count: 1\n', "-49800 IDR\n", "recon"),
        (["clearing-unmarked"], 'count: 1\n    move: "open"\n  Assets:Clearing:Timing',
         "count: 1\n  Assets:Clearing:Timing", "recon"),
        (["clearing-unmarked"], 'count: 2\n    move: "open"', 'count: 2\n    move: "opened"',
         "recon"),
        (["clearing-unmarked"], "count: 2\n", 'count: "2"\n', "recon"),
        (["clearing-unmarked"], '    side: "debit"\n', "", "adjust"),
        (["clearing-unmarked"], 'side: "debit"', 'side: "left"', "adjust"),
        (["clearing-unmarked"], '  break: "x-0000000000000001"\n  Assets:Claims:Partner:AggA   ',
         '  Assets:Claims:Partner:AggA   ', "claim"),
        (["clearing-unmarked"], '    case: "case-7"\n', "", "bulk"),
        (["clearing-mixed"], 'count: 2\n    move: "open"', 'count: 2\n    move: "open, close"',
         "recon"),
        (["clearing-mixed"], "count: 2\n", "count: 0\n", "recon"),
        (["clearing-mixed"], "count: 2\n", "count: -1\n", "recon"),
        (["clearing-overclosed"], '49800 IDR\n    count: 1\n    move: "close"',
         '49800 IDR\n    count: 2\n    move: "close"', "recon2"),
        (["plugin-config"], 'plugin "finops_ledger.plugins.clearing"',
         'plugin "finops_ledger.plugins.clearing" "{\'proving\': \'Assets\'}"', ""),
        (["plugin-config"], 'plugin "finops_ledger.plugins.clearing"',
         'plugin "finops_ledger.plugins.clearing" "{\'prooving\': []}"', ""),
    ],
)  # fmt: skip
def test_a_corrupted_copy_is_named(
    check: Check, vary: Vary, codes: list[str], old: str, new: str, mark: str
) -> None:
    text, line = vary(CLEAN, old, new, mark)
    found = check(text)
    # Both postings of the claim are unmarked when it names no break.
    assert list(dict.fromkeys(each for each in found if each[1] == line)) == [
        (code, line) for code in codes
    ]
    # A wrong figure that the next register does not share is off there too, the other way round.
    later = {"clearing-count", "clearing-debits", "clearing-credits"}
    later |= {"clearing-overclosed", "clearing-balance"}
    assert {code for code, _ in found} <= {*codes, *later}


def test_an_unmarked_posting_leaves_the_balance_to_compare(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, "-49800 IDR\n    count: 1\n", "-49800 IDR\n", "recon")
    assert check(text) == [("clearing-unmarked", line)]
    text, register = vary(text, "1 0 IDR 49800 IDR", "1 0 IDR 49801 IDR", "t1")
    found = check(text)
    assert found[:2] == [("clearing-unmarked", line), ("clearing-balance", register)]


def test_an_overclosed_account_is_told_once(check: Check, vary: Vary) -> None:
    text = CLEAN[: CLEAN.index('2026-03-03 * "AggA" "Restated')]
    text, line = vary(text, "300 IDR\n  Assets:Breaks:AggA:Cost-Mismatch                -300 IDR",
                      "600 IDR\n  Assets:Breaks:AggA:Cost-Mismatch                -600 IDR",
                      "claim")  # fmt: skip
    again = text[text.index('2026-03-03 * "AggA" "Resolved: claimed"') :].replace("03-03", "03-04")
    assert check(text + again) == [("clearing-overclosed", line)]


def test_a_close_may_stand_before_its_open_on_the_same_day(check: Check) -> None:
    start, end = CLEAN.index('2026-03-02 * "AggA" "Sales'), CLEAN.index('2026-03-02 * "AggA" "Su')
    sale = CLEAN[start:end]
    opened = sale[: sale.index("  Liabilities:Customer-Orders:Undelivered       255000")]
    closed = sale.replace(opened[opened.index("\n") + 1 :], "")
    balanced = "  Income:Net:Pulsa\n"
    swapped = closed.replace(
        "  Income:Net:Pulsa                              249000 IDR\n", balanced
    )
    assert check(CLEAN[:start] + swapped + opened + balanced + CLEAN[end:]) == []


def test_a_day_without_its_reconciliation_is_not_asked_to_be_empty(check: Check) -> None:
    text = CLEAN[: CLEAN.index('2026-03-02 * "AggA" "Reconciled')]
    text = "\n".join(line for line in text.splitlines() if "finops-register" not in line) + "\n"
    assert check(text) == []
    settled = text + '2026-03-02 * "PG1" "Reconciled" #recon\n  partner: "AggA"\n  leg: "gateway"\n'
    assert check(settled) == []


def test_the_message_names_who_posted_to_clearing(
    messages: Callable[[str], list[str]], vary: Vary
) -> None:
    old = "199600 IDR\n  Assets:Deposits:AggA                         -199600"
    text, _ = vary(CLEAN, old, old.replace("199600", "199601"))
    assert messages(text) == [
        "[clearing-supply] Assets:Clearing:Supply:AggA on 2026-03-02: a reconciled day's postings "
        "sum to 1 IDR (sale -249000, supply 199601, recon 49400), expected 0 IDR; difference 1 "
        "IDR; run finops reconcile for this day, or undo what was posted to clearing by hand"
    ]


def test_further_accounts_may_be_proven(check: Check) -> None:
    voucher = """\
2026-03-05 * "PubC" "one voucher, no marks"
  Assets:Clearing:Vouchers:PubC                      5 IDR
  Income:Net:Pulsa
"""
    assert check(CLEAN + voucher) == []
    text = CLEAN.replace(
        'plugins.clearing"', "plugins.clearing\" \"{'proving': ['Assets:Clearing:Vouchers']}\""
    )
    assert [code for code, _ in check(text + voucher)] == ["clearing-unmarked"]


def test_renamed_roots_are_followed(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, "3 500 IDR 100 IDR", "2 500 IDR 100 IDR", "r1")
    text = 'option "name_assets" "Aktiva"\n' + text.replace("Assets:", "Aktiva:")
    assert check(text)[0] == ("clearing-count", line + 1)


def test_the_message_says_found_expected_and_difference(
    messages: Callable[[str], list[str]], vary: Vary
) -> None:
    text, _ = vary(CLEAN, "1 300 IDR 0 IDR", "1 301 IDR 0 IDR")
    text = text[: text.index("2026-03-04")]
    assert messages(text) == [
        "[clearing-debits] Assets:Claims:Partner:AggA on 2026-03-03: open debits by the postings "
        "300 IDR, but the register says 301 IDR; difference -1 IDR; look for a posting to this "
        "account made or changed by hand since the last register"
    ]
