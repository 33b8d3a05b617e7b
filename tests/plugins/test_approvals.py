"""Four eyes: whoever decides above the limit is not the one who approves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = list[tuple[str, int]]
PLUGIN = 'plugin "finops_ledger.plugins.approvals"'
OPENS = """
2026-01-01 open Assets:Claims:Partner:AggA IDR
2026-01-01 open Assets:Deposits:AggA IDR
2026-01-01 open Equity:Opening
2026-01-01 open Expenses:Operational-Loss:Unrecovered IDR
"""
WRITTEN_OFF = """2026-04-24 * "AggA" "Written off" #decision
  maker: "preparer-1"
  checker: "controller-1"
  limit: "controller"
  up-to: 50000 IDR
  Expenses:Operational-Loss:Unrecovered  49800 IDR
  Assets:Claims:Partner:AggA            -49800 IDR
"""
LEDGER = f"{PLUGIN}{OPENS}{WRITTEN_OFF}"
AT = LEDGER[: LEDGER.index("2026-04-24")].count("\n") + 1


def configured(config: str) -> str:
    return LEDGER.replace(PLUGIN, f'{PLUGIN} "{config}"')


def test_two_people_within_the_limit(check: Callable[[str], Found]) -> None:
    assert check(LEDGER) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('  maker: "preparer-1"\n', "", "approval-maker"),
        ('"preparer-1"', '" "', "approval-maker"),
        ('  checker: "controller-1"\n', "", "approval-checker"),
        ('"controller-1"', '"preparer-1"', "approval-same"),
        ('"controller-1"', '"Preparer-1 "', "approval-same"),
        ("up-to: 50000 IDR", "up-to: 49799 IDR", "approval-limit"),
        ('"controller"', "2026-04-24", "approval-unreadable"),
    ],
)
def test_each_fault_is_told_at_its_entry(
    check: Callable[[str], Found], old: str, new: str, code: str
) -> None:
    assert LEDGER.count(old) == 1
    assert check(LEDGER.replace(old, new)) == [(code, AT)]


def test_who_has_a_role_and_how_far_it_reaches_stand_in_the_configuration(
    check: Callable[[str], Found],
) -> None:
    right = "{'limits': {'controller': '60000'}, 'roles': {'controller': ['controller-1']}}"
    assert check(configured(right)) == []
    assert check(configured("{'limits': {'controller': 40000}}")) == [("approval-limit", AT)]
    assert check(configured("{'limits': {'approver': '60000'}}")) == [("approval-role", AT)]
    assert check(configured("{'roles': {'controller': ['controller-2']}}")) == [
        ("approval-role", AT)
    ]


@pytest.mark.parametrize(
    "config", ["{'alone': -1}", "{'alone': 0.5}", "{'limits': 7}", "{'roles': {'a': 'b'}}", "{'a': 1}"]
)  # fmt: skip
def test_a_wrong_configuration(check: Callable[[str], Found], config: str) -> None:
    assert ("plugin-config", 1) in check(configured(config))


def test_up_to_its_limit_one_person_decides(check: Callable[[str], Found]) -> None:
    alone = LEDGER.replace('  checker: "controller-1"\n', "")
    assert check(alone.replace('limit: "controller"', "limit: 49800 IDR")) == []
    assert check(alone.replace('limit: "controller"', "limit: 49799")) == [("approval-checker", AT)]
    one = f"{OPENS}{WRITTEN_OFF}".replace('  checker: "controller-1"\n', "")
    one = one.replace('  limit: "controller"\n', "")
    assert check(f"{PLUGIN} \"{{'alone': '49800'}}\"{one}") == []
    assert check(f"{PLUGIN}{one}") == [("approval-checker", AT)]


def test_only_decisions_are_asked_and_opening_balances_are_none(
    check: Callable[[str], Found],
) -> None:
    opening = """2026-01-02 * "opening" #decision
  Assets:Deposits:AggA  1000 IDR
  Equity:Opening
"""
    machine = WRITTEN_OFF.replace("#decision", "#recon").replace('  maker: "preparer-1"\n', "")
    assert check(f"{PLUGIN}{OPENS}{opening}{machine}") == []


def test_what_closes_a_break_without_money_bears_two_names(check: Callable[[str], Found]) -> None:
    closed = """
2026-04-24 * "AggA" "Closed as it is" #decision
  treatment: "close"
  break: "x-1111111111111111"
  maker: "preparer-1"
  checker: "controller-1"
"""
    plugin = f"{PLUGIN} \"{{'alone': '49800'}}\"{OPENS}"
    assert check(plugin + closed) == []
    alone = closed.replace('  checker: "controller-1"\n', "")
    assert [code for code, _ in check(plugin + alone)] == ["approval-checker"]
    assert check(plugin + alone.replace("  break:", "  about:")) == []
