"""finops_ledger.plugins.deposits: clean books pass, and each corruption is named in its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Check = Callable[[str], list[tuple[str, int]]]
Vary = Callable[..., tuple[str, int]]

CLEAN = """\
plugin "finops_ledger.plugins.deposits" "{'floor': {'AggA': 500000}, 'strict': True}"
2026-01-01 open Equity:Opening-Balances
2026-01-01 open Assets:Bank:BCA IDR
2026-01-01 open Assets:Deposits:AggA IDR
2026-01-01 open Assets:Clearing:Deposit-In-Transit:AggA IDR
2026-01-01 open Assets:Clearing:Supply:AggA IDR
2026-03-01 * "opening" ; opening
  Assets:Deposits:AggA                         1000000 IDR
  Equity:Opening-Balances
2026-03-02 * "AggA" "Supply, 2 rows and a top-up" #supply ; second
  batch: "b-1"
  partner: "AggA"
  opening: 1000000
  closing: 2830500
  low: 950200
  chain: "ok"
  Assets:Deposits:AggA                         2000000 IDR
    kind: "topup"
  Assets:Clearing:Deposit-In-Transit:AggA     -2000000 IDR
    kind: "topup"
  Assets:Deposits:AggA                         -119700 IDR
    kind: "usage"
  Assets:Deposits:AggA                          -49800 IDR
    kind: "pending"
  Assets:Clearing:Supply:AggA
2026-03-03 balance Assets:Deposits:AggA        2830500 ~ 0 IDR ; balance
2026-03-03 * "AggA" "Supply, no rows" #supply ; third
  batch: "b-2"
  partner: "AggA"
  opening: 2830500
  closing: 2830500
  low: 2830500
  chain: "ok"
2026-03-04 * "AggA" "Statement, 1 row" #deposit ; fourth
  batch: "b-3"
  opening: 2830500
  closing: 2780700
  low: 2780700
  chain: "ok"
  Assets:Deposits:AggA                          -49800 IDR
    kind: "usage"
  Assets:Clearing:Supply:AggA
"""

MISSING = '2026-03-02 event "finops:AggA" "incomplete: file_missing agga"\n'

# A second file of the 4th, whose rows come after the first one's; its batch id sorts before.
AFTER = """\
2026-03-04 * "AggA" "Statement, 1 more row" #deposit ; after
  batch: "b-0"
  opening: 2780700
  closing: 2730900
  low: 2730900
  Assets:Deposits:AggA                          -49800 IDR
    kind: "usage"
  Assets:Clearing:Supply:AggA
"""


def test_clean_books_pass(check: Check) -> None:
    assert check(CLEAN) == []


@pytest.mark.parametrize(
    ("code", "old", "new", "mark"),
    [
        # the books, or the statement, are a rupiah off
        ("deposit-closing", "-119700 IDR", "-119701 IDR", "second"),
        ("deposit-closing", "closing: 2780700", "closing: 2780699", "fourth"),
        ("deposit-opening", "1000000 IDR", "999999 IDR", "second"),
        # something moved between two statements
        ("deposit-opening", "opening: 2830500\n  closing: 2780700",
         "opening: 2830400\n  closing: 2780600", "fourth"),
        # an empty day's statement has no postings, and must tie all the same
        ("deposit-opening", "opening: 2830500\n  closing: 2830500",
         "opening: 2830400\n  closing: 2830400", "third"),
        ("deposit-chain", '950200\n  chain: "ok"', '950200\n  chain: "agga.csv:17"', "second"),
        ("deposit-negative", "low: 950200", "low: -1", "second"),
        ("deposit-statement", "low: 950200", 'low: "950200"', "second"),
        ("deposit-statement", '950200\n  chain: "ok"', "950200\n  chain: 17", "second"),
        ("deposit-statement", '  partner: "AggA"\n  opening: 2830500', "  opening: 2830500",
         "third"),
        ("balance-tolerance", "2830500 ~ 0 IDR", "2830500 IDR", "balance"),
        ("balance-tolerance", "2830500 ~ 0 IDR", "2830500 ~ 1 IDR", "balance"),
        ("plugin-config", "'strict': True", "'stricter': True", ""),
        ("plugin-config", "'strict': True", "'strict': 1", ""),
        ("plugin-config", "500000", "'a lot'", ""),
        ("plugin-config", "{'AggA': 500000}", "5", ""),
        ("plugin-config", "'strict': True}", "'strict': True", ""),
        ("plugin-config", "{'floor': {'AggA': 500000}, 'strict': True}", "open('x')", ""),
        ("plugin-config", "{'floor': {'AggA': 500000}, 'strict': True}", "5000000", ""),
    ],
)  # fmt: skip
def test_a_corrupted_copy_is_named(
    check: Check, vary: Vary, code: str, old: str, new: str, mark: str
) -> None:
    text, line = vary(CLEAN, old, new, mark)
    if mark == "third":  # a statement that is off is off from the next one too
        text = text[: text.index("2026-03-04")]
    assert check(text) == [(code, line)]


def test_the_message_lists_the_roll_forward(
    messages: Callable[[str], list[str]], vary: Vary
) -> None:
    text, _ = vary(CLEAN, "closing: 2780700", "closing: 2780699")
    (message,) = messages(text)
    assert message == (
        "[deposit-closing] Assets:Deposits:AggA on 2026-03-04: opening 2830500, usage -49800 = "
        "2780700 IDR in the books, but the statement closes at 2780699 IDR; difference 1 IDR; find "
        "the rows that were not posted or posted twice, or post the gap with kind "
        "statement-difference"
    )


def test_a_difference_is_told_once_and_a_second_one_again(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, "-119700 IDR", "-119701 IDR", "second")
    text, fourth = vary(text, "closing: 2780700", "closing: 2780699", "fourth")
    assert check(text) == [("deposit-closing", line), ("deposit-closing", fourth)]


def test_a_missing_file_silences_its_day_and_all_later_ones(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, "-119700 IDR", "-119701 IDR", "second")
    assert check(text + MISSING) == []
    later = MISSING.replace("03-02", "03-03")
    assert check(text + later) == [("deposit-closing", line)]
    other = MISSING.replace("finops:AggA", "finops:AggD")
    assert check(text + other) == [("deposit-closing", line)]
    reconcile = MISSING.replace("file_missing agga", "not reconciled")
    assert check(text + reconcile) == [("deposit-closing", line)]


def test_a_missing_file_does_not_excuse_the_chain(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, '950200\n  chain: "ok"', '950200\n  chain: "agga.csv:17"', "second")
    assert check(text + MISSING) == [("deposit-chain", line)]


def test_a_statement_difference_explains_a_broken_chain(check: Check, vary: Vary) -> None:
    text, _ = vary(CLEAN, '950200\n  chain: "ok"', '950200\n  chain: "agga.csv:17"')
    text, _ = vary(text, '-119700 IDR\n    kind: "usage"',
                   '-119700 IDR\n    kind: "statement-difference"')  # fmt: skip
    assert check(text) == []


def test_the_books_may_not_be_overdrawn(check: Check) -> None:
    overdrawn = """\
2026-03-05 * "AggA" "by hand" ; fifth
  Assets:Deposits:AggA                        -2780701 IDR
  Equity:Opening-Balances
2026-03-06 * "AggA" "by hand, still overdrawn"
  Assets:Deposits:AggA                              -1 IDR
  Equity:Opening-Balances
"""
    text = CLEAN.replace(", 'strict': True", "") + overdrawn
    line = text[: text.index("; fifth")].count("\n") + 1
    assert check(text) == [("deposit-negative", line)]


def test_below_the_floor_is_an_error_only_when_strict(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, "{'AggA': 500000}", "{'AggA': 2780701}", "fourth")
    # Below on the 1st already, above on the 2nd, below again on the 4th: each fall once.
    assert check(text) == [("deposit-floor", 7), ("deposit-floor", line)]
    assert check(text.replace("True", "False")) == []


def test_two_statements_of_a_day_make_one_in_any_order(check: Check) -> None:
    start = CLEAN.index("2026-03-04")
    assert check(CLEAN + AFTER) == []
    assert check(CLEAN[:start] + AFTER + CLEAN[start:]) == []
    assert check(CLEAN + AFTER.replace("2730900", "2730901")) == [("deposit-closing", 43)]


def test_a_gap_between_the_statements_of_a_day(check: Check) -> None:
    text = CLEAN + AFTER.replace("2780700", "2780600")
    assert check(text) == [("deposit-sequence", 43)]


def test_a_day_whose_statements_come_back_to_their_start(check: Check) -> None:
    back = AFTER.replace("2730900", "2830500").replace("-49800", "49800")
    assert check(CLEAN + back) == []


def test_entries_of_one_batch_and_day_may_repeat_its_statement(check: Check) -> None:
    repeated = CLEAN[CLEAN.index("2026-03-04") :].replace("-49800", "-20000")
    text = CLEAN.replace('-49800 IDR\n    kind: "usage"', '-29800 IDR\n    kind: "usage"')
    assert check(text + repeated) == []


def test_plugins_need_no_configuration_and_no_finops_entries(check: Check) -> None:
    assert check('plugin "finops_ledger.plugins.deposits"\n2026-01-01 open Assets:Cash\n') == []
