"""What all declarations share: strict tables, exact numbers, spans of time."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from finops_ledger.core.days import parse_span


class Part(BaseModel):
    """A table of a declaration: unknown keys are refused, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _exact(value: object) -> object:
    # TOML numbers with a point become binary floats; money and rates are written as text.
    if isinstance(value, float):
        raise ValueError(f'write the number as text, "{value}", so that it stays exact')
    return value


def _span(value: object) -> object:
    return parse_span(value) if isinstance(value, str) else value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Span = Annotated[timedelta, BeforeValidator(_span)]
