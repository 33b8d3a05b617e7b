"""Tests on the cells of a record, and what they give: the part of a format that rules are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest known word, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def unknown(word: str, known: Iterable[str]) -> str:
    """Return what is said of a name that is not known: the nearest one, or all."""
    names = list(known)
    return f"unknown name {word!r}{suggestion(word, names) or '; known: ' + ', '.join(names)}"


class FormatModel(BaseModel):
    """Base of every table of a format: no other keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {text!r} ({error})") from error
    return text


Pattern = Annotated[str, BeforeValidator(_pattern)]


class Condition(FormatModel):
    """A test on one cell: exactly one of ``equals``, ``one_of``, ``pattern`` or ``empty``."""

    column: str
    equals: str | None = None
    one_of: tuple[str, ...] | None = None
    pattern: Pattern | None = None  #: the whole cell must match
    empty: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        if sum(x is not None for x in (self.equals, self.one_of, self.pattern, self.empty)) != 1:
            raise ValueError("give exactly one of equals, one_of, pattern, empty")
        return self


class Rule(Condition):
    """A condition and the value that it gives."""

    is_: str = Field(alias="is")


class Exclusion(Condition):
    """A condition under which a record is left out, and why."""

    reason: str
    in_totals: bool = True  #: the file's own totals count such records
    and_: tuple[Condition, ...] = Field(default=(), alias="and")  #: what must hold besides

    def conditions(self) -> tuple[Condition, ...]:
        """Return every test of the rule."""
        return (self, *self.and_)
