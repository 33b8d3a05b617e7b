"""finops.toml: the company, its sources, and the limits of the engine."""

from __future__ import annotations

import fnmatch
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from finops_ledger.books.config_engine import EngineLimits
from finops_ledger.books.config_payments import Payments
from finops_ledger.core import calendars
from finops_ledger.core.days import zone
from finops_ledger.intake import toml
from finops_ledger.intake.conditions import Pattern
from finops_ledger.intake.limits import Limits as IntakeLimits
from finops_ledger.intake.spec_fields import known_statuses
from finops_ledger.sop.legs import LegRule, named_once
from finops_ledger.sop.parts import Exact, Span
from finops_ledger.sop.rails import Rail
from finops_ledger.sop.rails import known as known_rails

NAME = "finops.toml"
#: When a file is due: a local time of the day after the file's own, or ``+N`` days after it.
_DUE = re.compile(r"(?:\+(\d{1,2})\s+)?([01]\d|2[0-3]):([0-5]\d)")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Part):
    """Who keeps these books, in which currency and zone, from which day on."""

    name: str
    currency: str = Field(pattern=r"^[A-Z]{3}$", default="IDR")
    zone: str = "Asia/Jakarta"
    start: date
    calendar: str = Field(pattern=calendars.NAME, default=calendars.DEFAULT)

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        zone(value)
        return value


class Privacy(_Part):
    """The key under which customer numbers and secrets are hashed; it never leaves the workspace."""

    key: str = Field(min_length=16)


class FileDay(_Part):
    """How a file's business day is read from its name, and which days it answers for.

    ``covers = "rows"``: from its first row's day to its own (a statement of a month); else its own day alone.
    """

    name: Pattern
    format: str = "%Y%m%d"
    covers: Literal["day", "rows"] = "day"

    @field_validator("name")
    @classmethod
    def _one_group(cls, value: str) -> str:
        if re.compile(value).groups != 1:
            raise ValueError("the pattern must have exactly one group, the day")
        return value


class Parts(_Part):
    """How the file of a day is parted into several: which part a name is, and of how many.

    ``name``: an expression with the group ``part`` and perhaps ``of``; ``count``: how many where names do not say.
    """

    name: Pattern
    count: int | None = Field(default=None, ge=1, le=9999)

    @field_validator("name")
    @classmethod
    def _groups(cls, value: str) -> str:
        groups = set(re.compile(value).groupindex)
        if "part" not in groups or groups - {"part", "of"}:
            raise ValueError("the pattern must have the group (?P<part>…), and may have (?P<of>…)")
        return value

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.count is None and "of" not in re.compile(self.name).groupindex:
            raise ValueError("say how many parts there are: count, or the group (?P<of>…)")
        return self


class Source(_Part):
    """One kind of file from one place (ruling 26): some eight lines a partner."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    role: Literal["sale", "supply", "deposit", "settlement", "bank", "report"]
    format: str
    match: str
    day: FileDay | Literal["rows"] = "rows"
    counterparty: str | None = None
    account: str | None = None
    account_number: str | None = None
    gateway: str | None = None
    every: Literal["day", "none"] = "day"
    due: str = ""
    parts: Parts | None = None
    status: dict[str, str] = {}  #: raw statuses that mean something else here than in the format
    codes: dict[str, str] = {}  #: likewise codes

    @field_validator("status", "codes")
    @classmethod
    def _statuses(cls, value: dict[str, str]) -> dict[str, str]:
        known_statuses(value.values())
        return value

    @field_validator("due")
    @classmethod
    def _a_time(cls, value: str) -> str:
        if value and not _DUE.fullmatch(value):
            raise ValueError(
                f'due = {value!r}: write a local time of the next day, "06:00", or of the day N days after the '
                'file\'s own, "+0 23:30", "+2 09:00"'
            )
        return value

    def due_at(self, day: date, zone_name: str) -> datetime | None:
        """Return the moment by which the file of a day should be in; None when nothing is said."""
        found = _DUE.fullmatch(self.due)
        if found is None:
            return None
        after = timedelta(days=int(found.group(1) or 1))
        moment = datetime.combine(day + after, datetime.min.time(), zone(zone_name))
        return moment.replace(hour=int(found.group(2)), minute=int(found.group(3)))

    def takes(self, name: str) -> bool:
        """Say whether a file of this name belongs to the source."""
        return fnmatch.fnmatchcase(name, self.match)

    def covers(self, day: date, first: date | None) -> tuple[date, date]:
        """Return the days that a file answers for; ``first`` is the first day of its rows."""
        by_rows = self.day == "rows" or self.day.covers == "rows"
        return (min(first, day) if by_rows and first is not None else day, day)

    def day_of(self, name: str) -> date | None:
        """Return the file's day from its name; None when the rows must say it.

        Raises ValueError when the name does not carry the day as declared.
        """
        if self.day == "rows":
            return None
        found = re.search(self.day.name, name)
        if found is None:
            raise ValueError(
                f"the name {name!r} does not carry the file's day as {self.day.name!r}"
            )
        text = found.group(1)
        return datetime.strptime(text, self.day.format).date()  # noqa: DTZ007 - a date, not a moment


class Letters(_Part):
    """The head and the foot of letters that go out: whose they are, and who signs them."""

    address: tuple[str, ...] = ()
    city: str = ""
    signatory: str = ""
    title: str = ""


class Limits(_Part):
    """Waits that belong to the business: how long an order may stay open, and a refund unsent."""

    undelivered: Span = Field(default="72h", validate_default=True)
    refund: Span = Field(default="48h", validate_default=True)


class Allowance(_Part):
    """What is expected to be lost of claims that are open for more than ``over`` days: ``rate`` of them."""

    over: int = Field(ge=0)
    rate: Exact = Field(ge=0, le=1)


class Intake(_Part):
    """What is left out of the inbox by its name, and how much is taken: the defaults are intake's own."""

    ignore: tuple[str, ...] = ()
    max_bytes: int = Field(default=IntakeLimits.max_bytes, gt=0)
    max_unpacked_bytes: int = Field(default=IntakeLimits.max_unpacked_bytes, gt=0)
    max_ratio: int = Field(default=IntakeLimits.max_ratio, gt=0)
    max_members: int = Field(default=IntakeLimits.max_members, gt=0)
    max_columns: int = Field(default=IntakeLimits.max_columns, gt=0)
    max_record_bytes: int = Field(default=IntakeLimits.max_record_bytes, gt=0)
    max_workbook_bytes: int = Field(default=IntakeLimits.max_workbook_bytes, gt=0)
    max_document_bytes: int = Field(default=IntakeLimits.max_document_bytes, gt=0)
    max_depth: int = Field(default=IntakeLimits.max_depth, gt=0)

    @property
    def limits(self) -> IntakeLimits:
        """The limits, as intake takes them."""
        return IntakeLimits(**self.model_dump(exclude={"ignore"}))


class Config(_Part):
    """The whole of finops.toml."""

    company: Company
    privacy: Privacy
    engine: EngineLimits = EngineLimits()
    limits: Limits = Limits()
    intake: Intake = Intake()
    letters: Letters = Letters()
    roles: dict[str, list[str]] = Field(default_factory=dict)
    payments: Payments = Payments()
    sources: list[Source] = Field(default_factory=list)
    legs: tuple[LegRule, ...] = ()
    rails: tuple[Rail, ...] = ()
    allowance: tuple[Allowance, ...] = ()

    @field_validator("rails")
    @classmethod
    def _agree(cls, value: tuple[Rail, ...]) -> tuple[Rail, ...]:
        named = [(rail.name, rail.bank) for rail in value]
        for name, bank in named:
            if named.count((name, bank)) > 1:
                raise ValueError(f"rail {name} stands twice{f' for bank {bank}' if bank else ''}")
        for bank in {rail.bank for rail in value}:
            known_rails(value, bank)
        return value

    @field_validator("legs")
    @classmethod
    def _named_once(cls, legs: tuple[LegRule, ...]) -> tuple[LegRule, ...]:
        return named_once(legs)

    @field_validator("sources")
    @classmethod
    def _one_source_an_account(cls, sources: list[Source]) -> list[Source]:
        """Only the source that owns a bank account moves it: two would book each line twice."""
        owners: dict[str, str] = {}
        for source in sources:
            if source.role == "bank":
                account = source.account or f"Assets:Bank:{source.counterparty}"
                other = owners.setdefault(account, source.name)
                if other != source.name:
                    raise ValueError(
                        f"{other} and {source.name} both move {account}; one source moves an "
                        "account: leave out the interim reports of an account with statements"
                    )
        return sources

    def source(self, name: str) -> Source:
        """Return a source by name."""
        return next(s for s in self.sources if s.name == name)


def load(root: Path) -> Config:
    """Read a workspace's finops.toml; UsageError names key and line of thought."""
    return toml.load(root / NAME, Config)
