"""Named tables that posting and reconciliation read, with their types, and a few Ibis idioms.

``<role>_rows`` is every row of a set of batches as the sub-ledger stores it, with what its source and SOP add
on reading (ruling 8): ``key``, ``version_at``, ``stated_at``, ``partner_day``,
``settled_day``, ``covers_from/_to``, ``issue``, ``closes``, ``opens``, and ``terms``: how the supplier
whose file it is supplies (prepaid, postpaid, stock).
``rules`` is the registry's cost and recognition by partner, product and time.
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.core.schema import ROW_SCHEMA

MONEY = "decimal(18, 4)"
SUM = "decimal(38, 4)"
#: An amount of money is less than this.
MOST = 10**14
NO_PARTNER = "none"


def _ibis_schema() -> dict[str, str]:
    names = {"decimal128(18, 4)": MONEY, "timestamp[us, tz=UTC]": "timestamp('UTC')"}
    names |= {"string": "string", "date32[day]": "date", "int64": "int64", "int32": "int32"}
    return {f.name: names[str(f.type)] for f in ROW_SCHEMA}


ROWS = {
    **_ibis_schema(),
    "key": "string",
    "version_at": "timestamp('UTC')",
    "stated_at": "timestamp('UTC')",
    "partner_day": "date",
    "settled_day": "date",
    "covers_from": "date",
    "covers_to": "date",
    "issue": "int64",
    "closes": "int64",
    "opens": "date",
    "terms": "string",
}
RULES = {
    "rule_partner": "string",
    "rule_product": "string",
    "rule_category": "string",
    "rule_face": MONEY,
    "rule_cost": MONEY,
    "rule_delta": MONEY,
    "rule_model": "string",
    "rule_tax": "string",
    "rule_grant": MONEY,
    "rule_grant_over": "int64",
    "rule_grant_under": "int64",
    "rule_base_over": "int64",
    "rule_base_under": "int64",
    "rule_vat_over": "int64",
    "rule_vat_under": "int64",
    "rule_vat_up": "int64",
    "rule_ppn_over": "int64",
    "rule_ppn_under": "int64",
    "rule_other_over": "int64",
    "rule_other_under": "int64",
    "rule_ppn_up": "int64",
    "rule_net": "boolean",
    "rule_theirs": "string",
    "rule_from": "timestamp('UTC')",
    "rule_to": "timestamp('UTC')",
}


def posted(day: Any, rows: Any) -> Any:
    """The day on which something posts: its own, or the first open day when that was locked as its file came."""
    return ibis.greatest(day, rows.opens)


def orig(lines: Any, own: Any, before: Any) -> Any:
    """The locked day that a posting is really about (ruling 30); null where that day was open.

    ``own``: the day of a row that is new; ``before``: the day on which the version replaced stands.
    """
    day = ibis.cases((lines.disposition == "new", own), else_=before)
    return ibis.ifelse(day < lines.opens, day, ibis.null("date"))


def rows_table(role: str) -> Any:
    """The rows of the batches at hand, of one role."""
    return ibis.table(ROWS, name=f"{role}_rows")


def rules_table() -> Any:
    """Cost and recognition by partner, product and time."""
    return ibis.table(RULES, name="rules")


def money(value: Any) -> Any:
    """Give an expression the type of money, so that sums and differences keep one scale."""
    return value.cast(MONEY)


def times(value: Any, quantity: Any) -> Any:
    """An amount for so many units, rounded half up to the scale of money.

    The product is given room for every digit: an engine that keeps it as narrow as its factors overflows at ten
    milliards, or works in wide numbers wherever the product might be the result. Null where no amount of money is so
    large: as if there were no price.
    """
    product = (value.cast("decimal(19, 4)") * quantity).cast("decimal(38, 8)")
    within = (product < MOST) & (product > -MOST)
    return ibis.ifelse(within, product.cast(MONEY), ibis.null(MONEY))


def amount(value: int = 0) -> Any:
    """A literal amount."""
    return ibis.literal(value).cast(MONEY)


def or_zero(value: Any) -> Any:
    """An amount, zero where there is none."""
    return value.fill_null(amount(0))


def when(condition: Any, value: Any) -> Any:
    """The amount where the condition holds, else zero."""
    return ibis.ifelse(condition.fill_null(False), value, amount(0)).cast(MONEY)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def divide(_a: int, _b: int) -> int:  # type: ignore[empty-body]
    """The engine's division of whole numbers; Ibis would write ``//`` as a division of floats, rounded down."""


def part_of(value: Any, over: Any, under: Any, up: Any = None) -> Any:
    """``over / under`` of an amount that is not negative, rounded to the whole unit of money.

    Half up; with ``up``, a column of 1 and 0, half up or down.
    """
    # An amount has four decimals: as a whole number it is 10,000 times as large.
    whole = (value.cast(SUM) * ibis.literal(10_000)).cast("decimal(38, 0)").cast("int64")
    half = under * 10_000 if up is None else under * 10_000 * up
    return divide(whole * over * 2 + half, under * 20_000).cast(MONEY)


def total(value: Any) -> Any:
    """An exact sum, zero over nothing."""
    return value.sum().cast(SUM).fill_null(ibis.literal(0).cast(SUM))
