"""Exact money: parsing, quanta and writing. Never a float.

Amounts are :class:`decimal.Decimal` in Python and ``decimal128(18, 4)`` in columns.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from finops_ledger.core.schema import MONEY_PRECISION, MONEY_SCALE

ZERO: Final = Decimal(0)

#: Minor units by currency (ISO 4217). The rupiah has two on paper and none in use: an amount with a
#: fraction of a rupiah is a fault of the file, and is refused.
MINOR_UNITS: Final = {
    "IDR": 0,
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}
_PLAIN = re.compile(r"[+-]?\d{1,14}(\.\d{1,4})?")


def minor_units(currency: str) -> int:
    """Return how many decimals an amount of ``currency`` may carry (2 unless listed)."""
    return MINOR_UNITS.get(currency, 2)


def quantum(currency: str) -> Decimal:
    """Return the smallest amount of ``currency``: 1 for IDR, 0.01 for USD."""
    return Decimal(1).scaleb(-minor_units(currency))


def parse(text: str) -> Decimal:
    """Parse a plain decimal (``-1234.50``); anything else is a :class:`ValueError`.

    No thousands separators, exponents, blanks, NaN or infinities: those belong to formats.
    """
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"not a plain amount: {text!r}")
    return Decimal(text)


def round_half_up(value: Decimal, currency: str) -> Decimal:
    """Round to the currency's quantum, halves away from zero (the rule of Indonesian tax)."""
    return value.quantize(quantum(currency), rounding=ROUND_HALF_UP)


def plain(value: Decimal) -> str:
    """Write an amount without exponent and without needless zeros: ``49800``, ``0.5``, ``-3``."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def parted(value: Decimal) -> str:
    """Write an amount for people, its thousands parted: ``-1,234,567.5``."""
    return f"{Decimal(plain(value)):,f}"


def fits(value: Decimal) -> bool:
    """Say whether ``value`` can be stored exactly as decimal128(18, 4)."""
    scaled = value.scaleb(MONEY_SCALE)
    return scaled == scaled.to_integral_value() and abs(scaled) < 10**MONEY_PRECISION
