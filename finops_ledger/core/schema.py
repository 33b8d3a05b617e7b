"""The row: one line of a source, typed. One Arrow schema for all roles.

``docs/reference/rows.md`` is checked against :data:`ROW_FIELDS` by a test. Money is
``decimal128(18, 4)``; a value beyond it is refused. Ids are text. Times are UTC.
``record`` is stored only when the file has rows that were left out (excluded or refused); else it is
null, and equal to the position in the Parquet file, which every reader of rows fills in for free.

What an SOP says about a row (``partner_day``, expected cost, category, accounts) is never stored
in it (ruling 8).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import pyarrow as pa

MONEY_PRECISION: Final = 18
MONEY_SCALE: Final = 4
MONEY: Final = pa.decimal128(MONEY_PRECISION, MONEY_SCALE)
MONEY_SQL: Final = f"DECIMAL({MONEY_PRECISION}, {MONEY_SCALE})"
UTC: Final = pa.timestamp("us", tz="UTC")


class RowField(NamedTuple):
    """One column of the row: its name, Arrow type and meaning."""

    name: str
    type: pa.DataType
    meaning: str


_TEXT = pa.string()
_DAY = pa.date32()

ROW_FIELDS: Final = (
    RowField("record", pa.int64(), "position of the record in its file, from 1 (see below)"),
    RowField(
        "role", _TEXT, "sale, supply, deposit, settlement, bank or report; it belongs to the source"
    ),
    RowField("source", _TEXT, "name of the source in finops.toml"),
    RowField("batch", _TEXT, "id of the batch that brought the row"),
    RowField("file_day", _DAY, "business day of the file"),
    RowField("occurrence", pa.int32(), "0; 1, 2, … for further identical records under one key"),
    RowField("partner", _TEXT, "supplier of the goods; empty when the order reached none"),
    RowField("gateway", _TEXT, "payment gateway through which the customer paid"),
    RowField("account", _TEXT, "which deposit or bank account the row is about"),
    RowField("channel", _TEXT, "where the order was sold"),
    RowField("ref", _TEXT, "order id that both sides share"),
    RowField("partner_ref", _TEXT, "the counterparty's own id of the transaction"),
    RowField("payment_ref", _TEXT, "key of the gateway leg"),
    RowField("orig_ref", _TEXT, "what a refund or reversal undoes, as the row's own key"),
    RowField("settlement_ref", _TEXT, "the settlement that the row belongs to"),
    RowField("serial", _TEXT, "proof of delivery; secrets as keyed hash and masked tail"),
    RowField("customer", _TEXT, "customer number as keyed hash and masked tail"),
    RowField("product", _TEXT, "product code as the source writes it"),
    RowField("category", _TEXT, "category as the source writes it, if it does"),
    RowField("quantity", MONEY, "how many; 1 unless the source says otherwise"),
    RowField("kind", _TEXT, "what the row is about: usage, topup, refund, fee, payment, …"),
    RowField("status", _TEXT, "success, failed, pending, refunded, reversed or unknown"),
    RowField("status_raw", _TEXT, "the status as the source writes it"),
    RowField("text", _TEXT, "the source's remark or description"),
    RowField("created_at", UTC, "when the order or transaction began"),
    RowField("occurred_at", UTC, "the time of the status that the row states"),
    RowField("paid_at", UTC, "when the customer paid"),
    RowField("refunded_at", UTC, "when the money went back to the customer"),
    RowField("day", _DAY, "accounting day of occurred_at (else created_at) in the books' zone"),
    RowField("paid_day", _DAY, "accounting day of paid_at in the books' zone"),
    RowField("refund_day", _DAY, "accounting day of refunded_at in the books' zone"),
    RowField("currency", _TEXT, "ISO 4217 code"),
    RowField("price", MONEY, "list price, before discounts; gross of a settlement row"),
    RowField("face", MONEY, "nominal or bill value"),
    RowField("discount", MONEY, "discount that we fund"),
    RowField("discount_partner", MONEY, "discount that another party funds"),
    RowField("fee", MONEY, "fee taken from us"),
    RowField("commission", MONEY, "commission granted to us"),
    RowField("vat", MONEY, "VAT on the fee or commission"),
    RowField("withheld", MONEY, "tax withheld"),
    RowField("cost", MONEY, "cost of the goods as the counterparty states it, positive"),
    RowField("amount", MONEY, "the control amount of the row, signed (see docs/reference/rows.md)"),
    RowField("balance", MONEY, "the counterparty's running balance after the row"),
)

ROW_SCHEMA: Final = pa.schema([pa.field(f.name, f.type) for f in ROW_FIELDS])
ROW_NAMES: Final = tuple(f.name for f in ROW_FIELDS)
MONEY_FIELDS: Final = tuple(f.name for f in ROW_FIELDS if f.type == MONEY)
TIME_FIELDS: Final = tuple(f.name for f in ROW_FIELDS if f.type == UTC)
DAY_FIELDS: Final = tuple(f.name for f in ROW_FIELDS if f.type == _DAY)

#: Two versions of one key are the same row when these are equal. Where a row stands (batch, line,
#: file) and what the balance was at that moment do not make another version of it.
CONTENT_FIELDS: Final = tuple(
    n
    for n in ROW_NAMES
    if n not in {"record", "batch", "file_day", "occurrence", "balance", "source", "role"}
)


def duckdb_type(type_: pa.DataType) -> str:
    """Return the DuckDB name of an Arrow type of the row schema."""
    return {
        MONEY: MONEY_SQL,
        UTC: "TIMESTAMPTZ",
        _TEXT: "VARCHAR",
        _DAY: "DATE",
        pa.int64(): "BIGINT",
        pa.int32(): "INTEGER",
    }[type_]
