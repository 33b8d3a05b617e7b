"""Bank statements whose layout is a standard: one set of columns for all of them.

``amount`` is signed (plus into our account), written plainly with a dot. Dates are ``YYYY-MM-DD``,
times ``HH:MM:SS``; an empty cell means that the statement does not say. ``docs/reference/
statements.md`` lists the columns and what each kind of file fills them with.
"""

from __future__ import annotations

from typing import Final

COLUMNS: Final = (
    "account",  # number or IBAN of the account, as the file writes it
    "statement",  # its number or id within the file
    "entry",  # number of the entry within the statement, from 1
    "currency",
    "booking_date",
    "value_date",
    "time",  # time of day, where the file has one; else empty
    "amount",
    "status",  # booked, pending, information
    "type",  # transaction type as the file writes it
    "reference",  # our reference, the customer's
    "bank_reference",
    "end_to_end",
    "counterparty",
    "counterparty_account",
    "text",  # remittance information, lines joined by one blank
    "reversal",  # "true" for a reversal
    "level",  # entry, or detail of a batch entry
    "balance",  # running balance after the entry, where stated
)
