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
from finops_ledger.sop.prices import FIRST, LAST, Price
from finops_ledger.sop.registry import PricedRule
from finops_ledger.sop.terms import Commission
from finops_ledger.subledger.compiled import query
from finops_ledger.subledger.engine_duckdb import DuckEngine

DAYS = [date(2022, 1, 3), date(2024, 12, 31), date(2025, 5, 21), date(2025, 5, 22)]
NAMES = ("rule_ppn_over", "rule_ppn_under", "rule_other_over", "rule_other_under", "rule_ppn_up")
ENGINE = DuckEngine()
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
    columns = {"margin": pa.array([Decimal(m) for m in margins], MONEY)}
    columns |= {
        n: pa.array([v] * len(margins), pa.int64()) for n, v in zip(NAMES, rule, strict=True)
    }
    ENGINE.give("margins", pa.table(columns))
    found = ENGINE.arrow(query(build, 0)).column("tax").to_pylist()
    assert found == [tax.inside(Decimal(m)).tax for m in margins]


def rule(commission: Commission, tax: str, ppn: taxes.Tax | None) -> PricedRule:
    price = Price("P", "C", None, None, None, FIRST, LAST)
    return PricedRule("AggB", price, "agent", tax, FIRST, LAST, commission, ppn)


@pytest.mark.parametrize("day", DAYS[1:])
def test_a_commission_without_vat_has_that_of_its_day(day: date) -> None:
    tax = taxes.on(taxes.PPN, day)
    made = rule(Commission(amount=Decimal(1_154)), "ppn-commission", tax)
    grant, _, _, base_over, base_under, over, under, up = reading._granted(made)
    assert grant == 1_154
    base = tax.rounded(taxes.Fraction(1_154) * taxes.Fraction(base_over, base_under))
    assert tax.rounded(taxes.Fraction(int(base)) * taxes.Fraction(over, under)) == tax.of(grant).tax
    assert up == (tax.rounding == "half-up")


def test_what_the_sop_says_of_vat_goes_before_the_table() -> None:
    tax = taxes.on(taxes.PPN, DAYS[-1])
    said = Commission(amount=Decimal(1), vat=Decimal("0.1"))
    assert rule(said, "ppn-commission", tax).vat == (1, 1, 1, 10, 1)
    assert rule(Commission(amount=Decimal(1)), "none", None).vat == (1, 1, 0, 1, 1)
    assert rule(Commission(amount=Decimal(1), vat=Decimal(0)), "ppn-commission", tax).vat == (
        1,
        1,
        0,
        1,
        1,
    )
