"""What every table of an SOP is made of: strict, frozen, and amounts that stay exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _exact(value: object) -> object:
    # TOML numbers with a point become binary floats; money and rates are written as text.
    if isinstance(value, float):
        raise ValueError(f'write the number as text, "{value}", so that it stays exact')
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact)]


class Part(BaseModel):
    """A table of an SOP: an unknown key is an error, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
