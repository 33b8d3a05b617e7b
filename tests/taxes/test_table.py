"""The table of taxes: the worked numbers, the rounding rules, and rates by date."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ledger.core import taxes
from finops_ledger.core.errors import UsageError
from finops_ledger.core.taxes import Taxed, TaxMissing

NOW = date(2026, 3, 2)
PPN = taxes.on(taxes.PPN, NOW)


def d(amount: int | str) -> Decimal:
    return Decimal(amount)


@pytest.mark.parametrize(
    ("price", "base", "other", "tax"),
    [
        (51_000, 45_946, 42_117, 5_054), (49_800, 44_865, 41_126, 4_935), (1_200, 1_081, 991, 119),
        (1_400, 1_261, 1_156, 139), (1_500, 1_351, 1_238, 149), (1_000, 901, 826, 99),
        (15_000, 13_514, 12_388, 1_487), (13_500, 12_162, 11_149, 1_338), (0, 0, 0, 0),
    ],
)  # fmt: skip
def test_ppn_inside_a_price(price: int, base: int, other: int, tax: int) -> None:
    found = PPN.inside(d(price))
    assert (found.base, found.other, found.tax) == (base, other, tax)
    back = PPN.inside(d(-price))
    assert (back.base, back.other, back.tax) == (-base, -other, -tax)


@pytest.mark.parametrize(
    ("amount", "other", "tax"),
    [(12_000_000, 11_000_000, 1_320_000), (1_200, 1_100, 132), (1_150, 1_054, 126), (300_000, 275_000, 33_000)],
)  # fmt: skip
def test_ppn_on_a_commission(amount: int, other: int, tax: int) -> None:
    assert PPN.of(d(amount)) == Taxed(d(amount), d(other), d(tax))


def test_income_taxes() -> None:
    pph22, pph23 = taxes.on(taxes.PPH22, NOW), taxes.on(taxes.PPH23, NOW)
    assert pph22.of(d(100_000_000)).tax == 500_000  # on a deposit for phone credit
    assert pph22.of(d(480_000_000)).tax == 2_400_000  # on the use of a mixed one
    assert pph22.of(d(10_000_000)).tax == 50_000
    assert pph22.of(d(10_000_000), number=False).tax == 100_000
    assert [pph22.of(d(a)).tax for a in (2_000_000, 2_000_001)] == [0, 10_000]
    assert pph23.of(d(12_000_000)).tax == 240_000
    assert pph23.of(d(12_000_000), number=False).tax == 480_000
    assert pph23.of(d(4_000_000)).tax == 80_000
    assert pph23.of(d(300_000)).tax == 6_000


def test_vouchers_and_stamps() -> None:
    voucher, stamp = taxes.on(taxes.PPN_VOUCHER, NOW), taxes.on(taxes.STAMP, NOW)
    assert voucher.effective == taxes.Fraction(11, 1000)
    assert voucher.of(d(1_000_000)).tax == 11_000
    assert [stamp.of(d(a)).tax for a in (5_000_000, 5_000_001)] == [0, 10_000]


def test_rounding_each_order_is_not_rounding_the_day() -> None:
    each = PPN.inside(d(51_000)).tax * 10_000
    whole = PPN.inside(d(51_000) * 10_000).tax
    # 11 % of the whole's base at once is 50,540,540; by the other base, each step rounded, one more.
    assert (each, whole) == (50_540_000, 50_540_541)
    assert PPN.rounded(taxes.Fraction(int(PPN.inside(d(510_000_000)).base) * 11, 100)) == 50_540_540


def test_how_often_the_steps_differ_from_eleven_percent() -> None:
    """All prices from 1,000 to 200,000: by the other base, against 11 % of the base at once."""
    direct = missed = 0
    for price in range(1_000, 200_001):
        found = PPN.inside(d(price))
        direct += found.tax != PPN.rounded(taxes.Fraction(int(found.base) * 11, 100))
        missed += found.rounding != 0
        assert abs(found.rounding) <= 1
    assert (direct, missed) == (9_560, 19_721)


def test_rounding_was_down_until_it_was_half_up() -> None:
    before, after = date(2025, 5, 21), date(2025, 5, 22)
    old, new = taxes.on(taxes.PPN, before), taxes.on(taxes.PPN, after)
    assert (old.rounding, new.rounding) == ("down", "half-up")
    assert (old.rate, old.base) == (new.rate, new.base)
    # 1,150: 11/12 of it is 1,054.17, of which 12 % is 126.48; 1,200 is even.
    assert (old.of(d(1_154)).tax, new.of(d(1_154)).tax) == (126, 127)
    assert (old.inside(d(51_000)).base, new.inside(d(51_000)).base) == (45_945, 45_946)
    assert taxes.on(taxes.PPH22, before).of(d(2_000_199)).tax == 10_000
    assert taxes.on(taxes.PPH22, after).of(d(2_000_199)).tax == 10_001


def test_the_rate_of_the_day() -> None:
    known = {date(2022, 3, 31): "1/10", date(2022, 4, 1): "11/100", date(2024, 12, 31): "11/100"}
    for day, effective in known.items():
        found = taxes.on(taxes.PPN, day)
        assert (found.effective, found.base) == (taxes.Fraction(effective), 1)
    assert taxes.on(taxes.PPN, date(2025, 1, 1)).rate == taxes.Fraction(12, 100)
    assert taxes.on(taxes.PPN, date(2025, 1, 1)).effective == taxes.Fraction(11, 100)


@pytest.mark.parametrize(
    ("code", "day", "told"),
    [
        (taxes.PPN, date(2009, 1, 1), "no ppn for 2009-01-01: it knows 2010-04-01 to 2022-03-31"),
        (taxes.PPN_VOUCHER, date(2025, 1, 15), "2025-02-04 to 2025-05-21; 2025-05-22 to now"),
    ],
)
def test_a_day_without_a_line_is_not_guessed(code: str, day: date, told: str) -> None:
    with pytest.raises(TaxMissing) as error:
        taxes.on(code, day)
    assert told in str(error.value)


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(
        UsageError,
        match="unknown tax 'vat': known are pph22-marketplace, pph22-phone-credit, pph23-service, ppn",
    ):
        taxes.on("vat", NOW)


def test_each_line_has_a_source_and_none_overlaps() -> None:
    for code in taxes.codes():
        lines = taxes.of_code(code)
        assert all(one.source and one.name and one.on for one in lines)
        assert lines[-1].until is None
        for one, two in pairwise(lines):
            assert one.until is not None
            assert one.until < two.valid_from
            gap = (two.valid_from - one.until) > timedelta(1)
            assert gap == (code == taxes.PPN_VOUCHER and two.valid_from == date(2025, 2, 4))


@given(st.integers(-(10**12), 10**12), st.sampled_from([date(2024, 6, 1), date(2025, 3, 1), NOW]))
def test_taxes_are_whole_odd_and_within_a_rupiah(price: int, day: date) -> None:
    one = taxes.on(taxes.PPN, day)
    found, back = one.inside(d(price)), one.inside(d(-price))
    assert (found.base, found.other, found.tax) == (-back.base, -back.other, -back.tax)
    assert found.base + found.tax + found.rounding == price
    assert abs(found.rounding) <= 2
    exact = taxes.Fraction(price) * one.effective / (1 + one.effective)
    assert abs(taxes.Fraction(found.tax) - exact) < 2


def test_each_tax_says_what_is_done_with_it() -> None:
    assert sorted(taxes.uses()) == taxes.codes()
    assert all("table only" in use.what for use in taxes.uses().values() if not use.applied)
