"""How a partner confirms its deposit: who is written to, in which form, and until when an answer is awaited."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from finops_ledger.sop.parts import Exact, Part, Span


class Confirmation(Part):
    """The balance confirmation letter of a partner.

    ``form``: ``positive`` asks for an answer in any case, ``negative`` for one if the balance differs, ``blank``
    lets the partner fill in the balance. ``member``: our number with the partner. ``above``: below this balance a
    letter is due at the end of the year alone. No answer within ``reply`` is an open action, never an agreement.
    """

    name: str = ""
    address: tuple[str, ...] = ()
    attention: str = ""
    member: str = ""
    form: Literal["positive", "negative", "blank"] = "positive"
    reply: Span = timedelta(days=10)
    above: Exact = Field(default=Decimal(0), ge=0)
