"""Posting works in columns: the expression gives what the table gives, row by row, whatever the date."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finops_ledger.core import taxes
from finops_ledger.core.schema import MONEY
from finops_ledger.posting import reading, sale
from finops_ledger.posting import tables as t
from finops_ledger.sop.model import Commission
from finops_ledger.subledger.engine_duckdb import DuckEngine

DAYS = [date(2022, 1, 3), date(2024, 12, 31), date(2025, 5, 21), date(2025, 5, 22)]
NAMES = ("rule_ppn_over", "rule_ppn_under", "rule_other_over", "rule_other_under", "rule_ppn_up")
COLUMNS = {"margin": t.MONEY, **dict.fromkeys(NAMES, "int64")}


def build(_: int) -> object:
    rows = ibis.table(COLUMNS, name="margins")
    by = SimpleNamespace(**{n: rows[n] for n in NAMES})
    return rows.select(tax=sale._ppn(rows.margin, by))


@settings(max_examples=20)
@given(st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=200), st.sampled_from(DAYS))
def test_a_column_of_margins(margins: list[int], day: date) -> None:
    tax = taxes.on(taxes.PPN, day)
    rule = reading._taxed(tax)
    engine = DuckEngine()
    columns = {"margin": pa.array([Decimal(m) for m in margins], MONEY)}
    columns |= {
        n: pa.array([v] * len(margins), pa.int64()) for n, v in zip(NAMES, rule, strict=True)
    }
    engine.give("margins", pa.table(columns))
    found = engine.arrow(engine_query(build)).column("tax").to_pylist()
    engine.close()
    assert found == [tax.inside(Decimal(m)).tax for m in margins]


def engine_query(build: object) -> object:
    from finops_ledger.subledger.compiled import query

    return query(build, 0)


@pytest.mark.parametrize("day", DAYS[1:])
def test_a_commission_without_vat_has_that_of_its_day(day: date) -> None:
    tax = taxes.on(taxes.PPN, day)
    commission = Commission(amount=Decimal(1_154))
    rule = SimpleNamespace(commission=commission, ppn=tax, tax="ppn-commission")
    grant, _, _, base_over, base_under, over, under, up = reading._granted(rule)
    assert grant == 1_154
    base = tax.rounded(taxes.Fraction(1_154) * taxes.Fraction(base_over, base_under))
    assert tax.rounded(taxes.Fraction(int(base)) * taxes.Fraction(over, under)) == tax.of(grant).tax
    assert up == (tax.rounding == "half-up")
    said = SimpleNamespace(
        commission=Commission(amount=Decimal(1), vat=Decimal("0.1")), ppn=None, tax="none"
    )
    assert reading._granted(said)[3:] == (1, 1, 1, 10, 1)
