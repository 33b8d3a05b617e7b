"""What holds for all plugins: they change nothing, never raise, keep the place, and are linear."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from beancount.core.amount import Amount
from beancount.parser import printer
from hypothesis import given, settings
from hypothesis import strategies as st

from finops_ledger.plugins.approvals import approvals
from finops_ledger.plugins.batches import batches
from finops_ledger.plugins.clearing import clearing
from finops_ledger.plugins.deposits import deposits
from finops_ledger.plugins.settlements import settlements

PLUGINS = [deposits, clearing, settlements, batches, approvals]
OPTIONS: dict[str, Any] = {"filename": "<string>", "operating_currency": ["IDR"]}


def _posting(account: str, number: int, **meta: Any) -> data.Posting:
    return data.Posting(account, Amount(Decimal(number), "IDR"), None, None, None, meta or None)


def _ledger(size: int) -> list[Any]:
    """Entries as the journal has them, four a day."""
    entries: list[Any] = []
    for number in range(size // 4):
        day = date(2000, 1, 1) + timedelta(days=number)
        meta = data.new_metadata("journal", number * 10)
        stated = {"opening": 1000 - number, "closing": 999 - number, "low": 1, "chain": "ok"}
        figures = {"batch": f"b-{number}", "rows": Decimal(1), "control": Decimal(1)}
        account = "Assets:Breaks:AggA:Late-Success"
        entries += [
            data.Transaction(
                meta | {k: Decimal(v) if isinstance(v, int) else v for k, v in stated.items()}
                | figures, day, "*", "AggA", "Supply", frozenset({"supply"}), frozenset(),
                [_posting("Assets:Deposits:AggA", -1), _posting("Assets:Clearing:Supply:AggA", 1)],
            ),
            data.Transaction(
                meta | {"partner": "AggA", "leg": "sale-supply"}, day, "*", "AggA", "Reconciled",
                frozenset({"recon"}), frozenset(),
                [_posting("Assets:Clearing:Supply:AggA", -1),
                 _posting(account, 1, count=Decimal(1), move="open")],
            ),
            data.Custom(meta, day, "finops-register", [
                _Value(account), _Value(Decimal(number + 1)),
                _Value(Amount(Decimal(number + 1), "IDR")), _Value(Amount(Decimal(0), "IDR")),
                _Value("sha256:0"),
            ]),
            data.Event(meta, day, "finops:AggD", "incomplete: file_missing aggd"),
        ]  # fmt: skip
    return entries


class _Value:
    """A value of a custom directive, as the parser makes them."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def _seconds(plugin: Any, entries: list[Any]) -> tuple[float, int]:
    """Return the least processor time of a few runs, and how many errors there were.

    The collector is off: it walks all entries, which is not the plugin's work.
    """
    times, errors = [], 0
    gc.disable()
    try:
        for _ in range(5):
            start = time.process_time()
            errors = len(plugin(entries, OPTIONS)[1])
            times.append(time.process_time() - start)
    finally:
        gc.enable()
    return min(times), errors


@pytest.mark.parametrize("plugin", PLUGINS)
def test_ten_times_the_entries_take_about_ten_times_as_long(plugin: Any) -> None:
    ledgers = [_ledger(size) for size in (2_000, 20_000)]
    times = []
    for _ in range(5):
        (small, few), (large, many) = (_seconds(plugin, ledger) for ledger in ledgers)
        # What is wrong here (no opening balance, no manifest) is told once, however long it lasts.
        assert few == many < 3
        times.append(large / small)
        if times[-1] < 25:
            break  # a busy machine makes a run longer, never shorter; a square would be 100 every time
    assert min(times) < 25


VALUES = st.one_of(
    st.none(), st.booleans(), st.text(max_size=4), st.integers(-3, 3),
    st.sampled_from([Decimal("NaN"), Decimal("1.5"), Decimal(2), Amount(Decimal(1), "IDR")]),
    st.sampled_from(["ok", "open", "close", "adjust", "debit", "AggA", "sale-supply", "x-1"]),
)  # fmt: skip
KEYS = st.sampled_from(
    ["opening", "closing", "low", "chain", "partner", "leg", "count", "move", "side", "break",
     "case", "batch", "rows", "control", "kind", "filename", "lineno"]
)  # fmt: skip
META = st.dictionaries(KEYS, VALUES, max_size=6)
ACCOUNTS = st.sampled_from(
    ["Assets:Deposits:AggA", "Assets:Deposits:AggD", "Assets:Clearing:Supply:AggA",
     "Assets:Breaks:AggA:Late-Success", "Assets:Claims:Partner:AggA", "Equity:Other",
     "Liabilities:Customer-Orders:Undelivered"]
)  # fmt: skip
POSTINGS = st.builds(
    lambda account, units, meta: data.Posting(account, units, None, None, None, meta),
    ACCOUNTS, st.none() | st.integers(-3, 3).map(lambda n: Amount(Decimal(n), "IDR")),
    st.none() | META,
)  # fmt: skip
DAYS = st.sampled_from([date(2026, 3, 1), date(2026, 3, 2)])
TAGS = st.frozensets(st.sampled_from(["supply", "deposit", "sale", "recon", "decision"]))
ENTRIES = st.one_of(
    st.builds(
        lambda meta, day, tags, postings: data.Transaction(
            meta, day, "*", "AggA", "", tags, frozenset(), postings
        ),
        META, DAYS, TAGS, st.lists(POSTINGS, max_size=4),
    ),
    st.builds(
        lambda meta, day, kind, values: data.Custom(meta, day, kind, [_Value(v) for v in values]),
        META, DAYS, st.sampled_from(["finops-register", "finops-head"]),
        st.lists(ACCOUNTS | VALUES, max_size=6),
    ),
)  # fmt: skip


@given(st.lists(ENTRIES, max_size=12))
@settings(max_examples=300, deadline=None)
def test_whatever_the_entries_say_the_answer_is_a_list_of_placed_errors(entries: list[Any]) -> None:
    entries.sort(key=lambda entry: entry.date)
    before = [repr(entry) for entry in entries]
    for plugin in PLUGINS:
        same, errors = plugin(entries, OPTIONS)
        assert same is entries
        for error in errors:
            assert error.message.startswith(f"[{error.code}] ")
            assert set(error.source) == {"filename", "lineno"}
            assert printer.format_error(error._replace(entry=None))
    assert [repr(entry) for entry in entries] == before


@pytest.mark.parametrize("name", ["deposits", "clearing", "batches"])
def test_the_loader_finds_the_plugin_and_needs_no_columns(name: str) -> None:
    module = importlib.import_module(f"finops_ledger.plugins.{name}")
    assert [getattr(module, each) for each in module.__plugins__] in [[p] for p in PLUGINS]
    code = (
        f"import sys, finops_ledger.plugins.{name}; "
        "sys.exit(any(m in sys.modules for m in ('duckdb', 'pyarrow', 'pandas', 'ibis')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_place_an_error_stands_at_the_main_file() -> None:
    text = "plugin \"finops_ledger.plugins.batches\" \"{'standalone': True, 'x': 1}\"\n"
    (error,) = loader.load_string(text)[1]
    assert error.source == {"filename": "<string>", "lineno": 1}
    assert error.entry is None
