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


# Two files of one day without balances of their own: 900,000 go before 800,000 come.
SHARED = """\
2026-03-05 * "AggA" "Supply, 1 row" #supply ; early
  batch: "b-4"
  partner: "AggA"
  dip: -2700000
  Assets:Deposits:AggA                        -2700000 IDR
    kind: "usage"
  Assets:Clearing:Supply:AggA
2026-03-05 * "AggA" "Supply, 1 row" #supply
  batch: "b-5"
  partner: "AggA"
  dip: -2700000
  Assets:Deposits:AggA                         2000000 IDR
    kind: "topup"
  Assets:Clearing:Deposit-In-Transit:AggA
"""


def test_the_rows_of_two_files_of_a_day_may_not_overdraw_it_between_them(check: Check) -> None:
    text = CLEAN.replace("'strict': True", "'strict': False") + SHARED
    assert check(text) == []
    text = text.replace("dip: -2700000", "dip: -2780701")
    line = text[: text.index("; early")].count("\n") + 1
    assert check(text) == [("deposit-negative", line)]


def test_an_opening_balance_may_bear_the_date_of_the_first_statement(check: Check) -> None:
    text = CLEAN.replace("2026-03-01 *", "2026-03-02 *")
    assert check(text) == []
    later = '2026-03-04 * "AggA" "by hand"\n  Assets:Deposits:AggA  500 IDR\n  Equity:Opening-Balances\n'
    assert [code for code, _ in check(text + later)] == ["deposit-closing"]
    wrong = text.replace(" 1000000 IDR\n  Equity", " 1000007 IDR\n  Equity")
    assert [code for code, _ in check(wrong)] == ["deposit-opening"]


def test_an_opening_balance_of_the_day_stands_before_its_rows(check: Check) -> None:
    """People's entries have no hour: the deposit of the day is paid in before it is used."""
    text = CLEAN.replace("'strict': True", "'strict': False")
    by_hand = '2026-03-05 * "AggA" "by hand"\n  Assets:Deposits:AggA  500 IDR\n  Equity:Opening-Balances\n'
    dips = SHARED.replace("-2700000", "-2781200")
    assert check(text + by_hand + dips) == []
    assert [code for code, _ in check(text + dips)] == ["deposit-negative"]


def test_a_statement_that_falls_below_zero_names_the_row(
    messages: Callable[[str], list[str]], vary: Vary
) -> None:
    text, _ = vary(CLEAN, "low: 950200", 'low: -1\n  low_at: "agga.csv:17"')
    (message,) = messages(text)
    assert message.startswith(
        "[deposit-negative] Assets:Deposits:AggA on 2026-03-02: the statement falls to -1 IDR (below "
        "zero from agga.csv:17 on), expected 0 or more"
    )


def test_the_floor_holds_within_the_day_too(check: Check, vary: Vary) -> None:
    text, line = vary(CLEAN, "{'AggA': 500000}", "{'AggA': 950201}", "second")
    assert check(text) == [("deposit-floor", line)]
    assert check(text.replace("950201", "950200")) == []


def test_a_deposit_is_kept_in_one_currency(check: Check, vary: Vary) -> None:
    """Where the account's open names a currency, Beancount says so itself; else we do, once an account."""
    dollars = """\
2026-03-05 * "AggA" "Supply, 1 row" #supply ; dollars
  opening: 2780700
  closing: 2780700
  low: 2780700
  Assets:Deposits:AggA                               5 USD
  Assets:Clearing:Supply:AggA
"""
    text = (
        (CLEAN + dollars)
        .replace("Deposits:AggA IDR", "Deposits:AggA")
        .replace("Supply:AggA IDR", "Supply:AggA")
    )
    text = text.replace("'strict': True", "'strict': False")
    line = text[: text.index("; dollars")].count("\n") + 1
    assert ("deposit-currency", line) in check(text)
    assert [code for code, _ in check(text)] == ["deposit-currency"]


def test_the_plugin_is_linear_in_entries() -> None:
    """Four times the days cost no more than six times the time: no pass looks back."""
    import time
    from datetime import date, timedelta
    from decimal import Decimal

    from beancount.core import data
    from beancount.core.amount import Amount

    from finops_ledger.plugins.deposits import deposits

    def ledger(days: int) -> list[data.Directive]:
        made: list[data.Directive] = []
        for number in range(days):
            day = date(2000, 1, 1) + timedelta(days=number)
            for partner in range(5):
                posting = data.Posting(
                    f"Assets:Deposits:P{partner}",
                    Amount(Decimal(1), "IDR"),
                    None,
                    None,
                    None,
                    {"kind": "topup"},
                )
                meta = {
                    **data.new_metadata("x", number), "batch": f"b-{number}", "opening": Decimal(number),
                    "closing": Decimal(number + 1), "low": Decimal(number), "chain": "ok",
                }  # fmt: skip
                made.append(
                    data.Transaction(
                        meta, day, "*", "P", "", frozenset({"supply"}), frozenset(), [posting]
                    )
                )
        return made

    def took(days: int) -> float:
        entries = ledger(days)
        best = None
        for _ in range(3):
            start = time.process_time()
            assert deposits(entries, {})[1] == []
            spent = time.process_time() - start
            best = spent if best is None else min(best, spent)
        assert best is not None
        return best

    took(50)
    assert took(4000) <= 6 * took(1000)


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
