"""What goes into reading a file and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from finops_ledger.core.errors import Problem


@dataclass(frozen=True)
class SourceInfo:
    """What the books say about the source of a file."""

    name: str
    role: str
    zone: str  #: the books' zone
    currency: str
    batch: str
    file_day: date
    counterparty: str | None = None
    account: str | None = None
    account_number: str | None = None  #: the bank's number, where files hold several accounts
    gateway: str | None = None
    partner_aliases: dict[str, str] = field(default_factory=dict)  #: raw code -> partner
    status: dict[str, str] = field(default_factory=dict)  #: this source's own map of raw statuses
    codes: dict[str, str] = field(default_factory=dict)  #: and of its codes
    secret: bytes = field(default=b"", repr=False)  #: key of the hashes of customer numbers


@dataclass(frozen=True)
class ReadResult:
    """What was read: ``rows`` = ``kept`` + excluded + ``refused``; money in the books' currency."""

    rows: int
    kept: int
    excluded: dict[str, int]  #: reason -> count
    excluded_control: Decimal
    refused: int
    refused_control: Decimal
    unreadable: int  #: refused rows whose amount cannot be read
    problems: tuple[Problem, ...]  #: of refused rows, the first 1,000
    control: Decimal  #: sum of ``amount`` of the kept rows
    first_day: date | None
    last_day: date | None
    totals: dict[str, Decimal] = field(default_factory=dict)  #: stated by the file and checked
    opening: Decimal | None = None
    closing: Decimal | None = None

    @property
    def excluded_rows(self) -> int:
        """How many records were left out."""
        return sum(self.excluded.values())
