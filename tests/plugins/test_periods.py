"""A closed period's hash holds, whatever moves about; any change of a transaction is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beancount import loader

from finops_ledger.plugins.periods import digests

Found = list[tuple[str, int]]

BODY = """
2026-01-01 open Assets:Bank IDR
2026-01-01 open Equity:Opening
2026-03-01 * "who" "opening" #a #b ^l
  note: "one"
  Assets:Bank  100 IDR
    kind: "x"
  Equity:Opening  -100 IDR
2026-03-31 * "end of March"
  Assets:Bank  -1 IDR
  Equity:Opening  1 IDR
2026-04-01 * "April"
  Assets:Bank  7 IDR
  Equity:Opening  -7 IDR
"""


def closed(body: str = BODY, day: str = "2026-03-31") -> str:
    """The ledger, closed as it stands."""
    from datetime import date

    entries, _, _ = loader.load_string(body)
    ((_, digest),) = digests(entries, [date.fromisoformat(day)])
    return f'plugin "finops_ledger.plugins.periods"\n{day} custom "finops-close" "{digest}" "c"\n'


def test_the_period_holds(check: Callable[[str], Found]) -> None:
    assert check(closed() + BODY) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('#a #b ^l', "^l #b #a"),
        ("  Assets:Bank  -1 IDR\n  Equity:Opening  1 IDR", "  Equity:Opening  1 IDR\n  Assets:Bank  -1.00 IDR"),
        ("  Assets:Bank  7 IDR\n  Equity:Opening  -7", "  Assets:Bank  8 IDR\n  Equity:Opening  -8"),
        ("\n2026-03-01", "\n\n\n; a comment\n2026-03-01"),
    ],
)  # fmt: skip
def test_what_changes_no_fact_changes_no_hash(
    check: Callable[[str], Found], old: str, new: str
) -> None:
    assert BODY.count(old) == 1
    assert check(closed() + BODY.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            '100 IDR\n    kind: "x"\n  Equity:Opening  -100',
            '101 IDR\n    kind: "x"\n  Equity:Opening  -101',
        ),
        ("Equity:Opening  -100", "Assets:Bank  -100"),
        ('note: "one"', 'note: "two"'),
        ('kind: "x"', 'kind: "y"'),
        ('"who" "opening"', '"who" "opened"'),
        ("2026-03-31 *", "2026-03-30 *"),
        ("2026-03-31 *", "2026-04-01 *"),
        ("2026-04-01 *", "2026-03-31 *"),
        ("#a #b", "#a"),
    ],
)
def test_a_changed_fact_is_told_at_the_close(
    check: Callable[[str], Found], old: str, new: str
) -> None:
    assert BODY.count(old) == 1
    found = check(closed() + BODY.replace(old, new))
    assert ("period-changed", 2) in found


def test_each_close_holds_by_itself(check: Callable[[str], Found]) -> None:
    second = closed(day="2026-04-30").splitlines()[1] + "\n"
    text = closed() + second + BODY
    assert check(text) == []
    april = text.replace(
        "  Assets:Bank  7 IDR\n  Equity:Opening  -7", "  Assets:Bank  8 IDR\n  Equity:Opening  -8"
    )
    assert check(april) == [("period-changed", 3)]


def test_a_close_without_its_hash(check: Callable[[str], Found]) -> None:
    text = 'plugin "finops_ledger.plugins.periods"\n2026-03-31 custom "finops-close" "c"\n'
    assert check(text + BODY) == [("period-line", 2)]
