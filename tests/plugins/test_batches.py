"""finops_ledger.plugins.batches: clean books pass, and each corruption is named in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Books = Callable[..., list[tuple[str, int]]]
Vary = Callable[..., tuple[str, int]]
Chain = Callable[[list[dict[str, Any]]], bytes]

LEDGER = """\
plugin "finops_ledger.plugins.batches"
2026-01-01 open Assets:Deposits:AggA IDR
2026-01-01 open Assets:Clearing:Supply:AggA IDR
2026-03-02 * "AggA" "Supply, 2 rows" #supply ; first
  batch: "b-1"
  partner: "AggA"
  rows: 2
  control: -99600
  Assets:Deposits:AggA        -99600 IDR
  Assets:Clearing:Supply:AggA
2026-03-03 * "AggA" "Supply, 1 row" #supply ; later
  batch: "b-1"
  partner: "AggA"
  rows: 1
  control: -49800
  Assets:Deposits:AggA        -49800 IDR
  Assets:Clearing:Supply:AggA
2026-03-03 * "AggA" "Supply, no rows" #supply ; empty
  batch: "b-2"
  partner: "AggA"
  rows: 0
  control: 0
2026-03-03 custom "finops-head" "0000"
2026-03-03 custom "finops-head" "@HEAD@" ; head
"""

LINES: list[dict[str, Any]] = [
    {"seq": 1, "kind": "batch", "batch": "b-1", "standing": {"b-1": {"rows": 4, "control": "7"}}},
    {"seq": 2, "kind": "rules", "path": "sops/AggA.toml"},
    {"seq": 3, "kind": "batch", "batch": "b-3", "standing": {"b-3": {"rows": 9, "control": "9"}}},
    # b-2 replaces a row of b-1: what stands for b-1 is said again.
    {
        "seq": 4, "kind": "batch", "batch": "b-2",
        "standing": {
            "b-2": {"rows": 0, "control": "0"}, "b-1": {"rows": 3, "control": "-149400.00"},
        },
    },
    {"seq": 5, "kind": "withdraw", "batch": "b-3"},
    {"seq": 6, "kind": "reconcile", "leg": "sale-supply"},
]  # fmt: skip


def test_clean_books_pass(books: Books, chain: Chain) -> None:
    assert books(LEDGER, chain(LINES)) == []


@pytest.mark.parametrize(
    ("code", "old", "new", "mark"),
    [
        ("batch-rows", "rows: 1", "rows: 2", "first"),
        ("batch-control", "control: -49800", "control: -49801", "first"),
        ("batch-head", "@HEAD@", "0123", "head"),
        ("batch-figures", "rows: 1", 'rows: "1"', "later"),
        ("batch-figures", "  control: -49800\n", "", "later"),
        ("batch-figures", '  batch: "b-2"\n', "", "empty"),
        ("plugin-config", 'batches"', "batches\" \"{'standalone': 'no'}\"", ""),
    ],
)
def test_a_corrupted_ledger_is_named(
    books: Books, chain: Chain, vary: Vary, code: str, old: str, new: str, mark: str
) -> None:
    text, line = vary(LEDGER, old, new, mark)
    found = books(text, chain(LINES))
    if "b-2" in old:
        assert found.pop() == ("batch-not-posted", 1)
    assert found == [(code, line)]


def test_a_batch_that_is_not_posted(books: Books, chain: Chain) -> None:
    lines = [
        *LINES,
        {"kind": "batch", "batch": "b-9", "standing": {"b-9": {"rows": 1, "control": "1"}}},
    ]
    assert books(LEDGER, chain(lines)) == [("batch-not-posted", 1)]


def test_a_batch_that_the_manifest_does_not_know(books: Books, chain: Chain, vary: Vary) -> None:
    text, line = vary(LEDGER, 'batch: "b-2"', 'batch: "b-3"', "empty")  # withdrawn
    assert books(text, chain(LINES)) == [("batch-unknown", line), ("batch-not-posted", 1)]
    assert books(LEDGER, chain(LINES[:3])) == [
        ("batch-rows", 4), ("batch-control", 4), ("batch-unknown", 18), ("batch-not-posted", 1),
    ]  # fmt: skip


def test_a_withdrawn_batch_may_come_back(books: Books, chain: Chain) -> None:
    entry = LEDGER[LEDGER.index('2026-03-03 * "AggA" "Supply, no') :].split("2026-03-03 custom")[0]
    again = {"kind": "batch", "batch": "b-3", "standing": {"b-3": {"rows": 0, "control": "0"}}}
    text = LEDGER + entry.replace("b-2", "b-3")
    assert books(text, chain([*LINES, again])) == []
    assert books(text, chain(LINES)) == [("batch-unknown", 25)]


def test_an_entry_that_stands_twice(books: Books, chain: Chain) -> None:
    start, end = LEDGER.index("2026-03-03"), LEDGER.index('2026-03-03 * "AggA" "Supply, no')
    text = LEDGER + LEDGER[start:end]
    assert books(text, chain(LINES)) == [("batch-twice", 25)]
    other_day = text[: len(LEDGER)] + text[len(LEDGER) :].replace('"AggA"\n', '"AggD"\n')
    assert [code for code, _ in books(other_day, chain(LINES))] == ["batch-rows", "batch-control"]


def test_a_torn_last_line(books: Books, chain: Chain) -> None:
    manifest = chain(LINES)
    assert books(LEDGER, manifest + b'{"prev": "12') == [("batch-torn", 1)]
    assert books(LEDGER, manifest.rstrip()) == [("batch-torn", 1)]


def test_the_last_head_counts_and_none_is_an_error(books: Books, chain: Chain) -> None:
    heads = LEDGER[LEDGER.index("2026-03-03 custom") :]
    text = LEDGER.replace(heads, "")
    zeros, right = heads.splitlines(keepends=True)
    assert books(text + right + zeros, chain(LINES)) == [("batch-head", 24)]
    assert books(text, chain(LINES)) == [("batch-head", 1)]


@pytest.mark.parametrize("line", [0, 2, 4])
def test_a_changed_line_breaks_the_chain(books: Books, chain: Chain, line: int) -> None:
    lines = chain(LINES).split(b"\n")
    lines[line] = lines[line].replace(b'"seq": ', b'"seq":  ')
    assert books(LEDGER, b"\n".join(lines)) == [("batch-chain", 1)]


def test_a_removed_line_breaks_the_chain(books: Books, chain: Chain) -> None:
    lines = chain(LINES).split(b"\n")
    assert books(LEDGER, b"\n".join([lines[0], *lines[2:]])) == [("batch-chain", 1)]


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "batch"},
        {"kind": "batch", "batch": "b-1", "standing": {}},
        {"kind": "batch", "batch": "b-1", "standing": {"b-1": {"rows": "3", "control": "1"}}},
        {"kind": "batch", "batch": "b-1", "standing": {"b-1": {"rows": 3, "control": 1}}},
        {"kind": "batch", "batch": "b-1", "standing": {"b-1": {"rows": 3, "control": "NaN"}}},
        {"kind": "batch", "batch": "b-1", "standing": {"b-1": 3}},
        {"kind": "withdraw"},
    ],
)
def test_a_line_that_cannot_be_read(books: Books, chain: Chain, bad: dict[str, Any]) -> None:
    assert books(LEDGER, chain([*LINES, bad])) == [("batch-line", 1)]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b"\xff"])
def test_a_line_that_is_no_object(books: Books, chain: Chain, raw: bytes) -> None:
    assert books(LEDGER, chain(LINES) + raw + b"\n") == [("batch-line", 1)]


def test_no_manifest(books: Books) -> None:
    assert books(LEDGER, None) == [("batch-manifest", 4)]
    assert books(LEDGER.replace('batches"', 'batches" "{\'standalone\': True}"'), None) == []
    assert books(LEDGER[: LEDGER.index("2026-03-02")], None) == []


def test_standalone_still_sees_entries_by_themselves(books: Books, vary: Vary) -> None:
    text, line = vary(LEDGER, "rows: 1", 'rows: "1"', "later")
    text = text.replace('batches"', 'batches" "{\'standalone\': True}"')
    assert books(text, None) == [("batch-figures", line)]


def test_books_that_were_not_read_from_a_file(check: Callable[[str], list[Any]]) -> None:
    assert check(LEDGER) == [("batch-manifest", 4)]


def test_a_reconciliation_or_a_decision_may_name_a_batch(books: Books, chain: Chain) -> None:
    named = '2026-03-04 * "AggA" "Reconciled" #recon\n  batch: "b-1"\n'
    assert books(LEDGER + named + named.replace("recon", "decision"), chain(LINES)) == []
    untagged = named.replace(" #recon", "")
    assert [code for code, _ in books(LEDGER + untagged, chain(LINES))] == ["batch-figures"]


def test_accounts_of_one_bank_file_may_both_be_empty(books: Books, chain: Chain) -> None:
    start = LEDGER.index('2026-03-03 * "AggA" "Supply, no')
    empty = LEDGER[start : LEDGER.index("2026-03-03 custom")]
    assert books(LEDGER + empty, chain(LINES)) == []
