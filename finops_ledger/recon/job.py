"""A job: one leg, one counterparty, one day, with the spans and limits of its SOP; and what its run found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from finops_ledger.core.money import plain
from finops_ledger.recon.legs import SALE_SUPPLY, Leg
from finops_ledger.recon.payments import Payment
from finops_ledger.recon.plain import Pairs
from finops_ledger.recon.returns import Rows
from finops_ledger.recon.rules import Rule, known
from finops_ledger.recon.tickets import Rules
from finops_ledger.sop.contracts import Contract

EPOCH = date(1970, 1, 1)
#: The pass that finds a sale's delivery at another supplier, and the kind of the row that stands for its other side.
CROSS: Final = "cross_partner"
FOREIGN: Final = "foreign"


@dataclass(frozen=True, slots=True)
class Gap:
    """What a statement says beyond its rows: an item without a sale, named by its place in the file."""

    key: str
    batch: str
    record: int
    amount: Decimal
    #: It belongs to a gap that was told before, and takes it back.
    renewed: bool = False
    #: What is wrong with the row at which the balance does not run on.
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """A supplier whose day is complete, as the others' runs see it: what stood there before the day.

    ``items``: open the day before. ``matches``: settled lately. ``crossed``: of any day that met another's sale.
    """

    counterparty: str
    items: tuple[Path, ...] = ()
    matches: tuple[Path, ...] = ()
    crossed: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """Sales that are known and could not be reconciled, because a supplier's file of their day is not in.

    ``keys``: SQL of their references. ``until``: the day on which a row of theirs waits no longer (the file is due
    then); None: it waits until the file is in. ``why``: which file, in words.
    """

    keys: str
    until: date | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Crossed:
    """Sales restated to the list of the supplier who delivered them: what was expected, and what that list says."""

    deliverer: str
    category: str
    model: str
    count: int
    cost: Decimal
    listed: Decimal

    def line(self) -> list[Any]:
        """Return it as it stands in the manifest."""
        money = [plain(self.cost), plain(self.listed)]
        return [self.deliverer, self.category, self.model, self.count, *money]

    @classmethod
    def of(cls, line: list[Any]) -> Crossed:
        """Read it back from the manifest."""
        return cls(line[0], line[1], line[2], int(line[3]), Decimal(line[4]), Decimal(line[5]))


@dataclass(frozen=True)
class Job:
    """What to run: the leg, whose account, the day, and the spans and limits that its SOP gives."""

    leg: Leg
    counterparty: str
    component: str
    day: date
    grace: timedelta
    pending: timedelta
    tolerance: Decimal
    shift_s: int
    claims: str
    #: The gateway's contracts, each with the first and the last day of the rows that it is for.
    fees: tuple[Contract, ...] = ()
    #: Of its leg of fees, where the contract has changed lately: orders, which say when they were paid.
    orders: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    gaps: tuple[Gap, ...] = ()
    payments: tuple[Payment, ...] = ()
    passes: tuple[str, ...] = ("ref", "partner_ref")
    #: The passes after the exact key, in order; those of other legs are among them.
    rules: tuple[Rule, ...] = (known("partner_ref", SALE_SUPPLY),)
    sources: tuple[str, ...] = ()  #: the counterparty's own, in finops.toml
    tickets: Rules = field(default_factory=Rules)  #: what top-ups and payouts may be off by
    stated: bool = False  #: a deposit statement moves the deposit on the day
    products: tuple[str, ...] = ()  #: the codes that the partner's price lists know
    serials: tuple[Path, ...] = ()  #: rows of the days before, among which a serial must not stand
    serials_s: int = 0  #: how far back, in seconds; 0: serials are not looked at
    #: The days whose settlements are not due yet, with the day each breaks on; None: no schedule, ``grace`` counts.
    due: tuple[tuple[date, date], ...] | None = None
    partners: tuple[Partner, ...] = ()  #: suppliers whose day is complete, this one among them
    ours_s: int = 0  #: as ``shift_s``, of our own days: from midnight on, in the books' zone
    payment_rows: tuple[
        Rows, ...
    ] = ()  #: of a gateway: where payments stand that its rows may undo, newest first

    @property
    def clearing(self) -> str:
        """The clearing account of this counterparty."""
        return self.leg.clearing(self.component)

    @property
    def own_rules(self) -> tuple[Rule, ...]:
        """The passes of this leg after the exact key."""
        return tuple(rule for rule in self.rules if rule.leg == self.leg.name)

    @property
    def day_number(self) -> int:
        """The day as days since 1970."""
        return (self.day - EPOCH).days


@dataclass
class Outcome:
    """What a run found: files written, counts and sums by class, the bridge, decisions that no longer fit."""

    files: dict[str, Path] = field(default_factory=dict)
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: Decimal = Decimal(0)
    right: Decimal = Decimal(0)
    residual: Decimal = Decimal(0)
    matched: int = 0
    pairs: Pairs = field(default_factory=Pairs)
    conflicts: list[str] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)
    #: What passes did not look at for its number, in words.
    bounds: list[str] = field(default_factory=list)
    #: What decisions took off an account that is its own list of items: number, debits, credits.
    decided: dict[str, list[Any]] = field(default_factory=dict)
    #: What customers are to pay by decisions of the day, by item.
    owed: dict[str, Decimal] = field(default_factory=dict)
    #: Items that a decision has closed, and no money moved.
    closed: list[str] = field(default_factory=list)
    #: What crossing partners did, as the manifest tells it.
    crossing: dict[str, Any] = field(default_factory=dict)


def _days(span: timedelta) -> int:
    return ceil(span / timedelta(days=1))


def clock(job: Job) -> pa.Table:
    """Return the one row over which a run's expressions know their day, spans, limits and accounts."""
    schema = pa.schema(
        [
            ("day", pa.date32()),
            ("party", pa.string()),
            ("shift", pa.int64()),
            ("day_number", pa.int64()),
            ("ours", pa.int64()),
            ("grace", pa.int64()),
            ("pending", pa.int64()),
            ("tolerance", pa.decimal128(18, 4)),
            ("waits_on", pa.string()),
            ("breaks_on_account", pa.string()),
            ("stated", pa.bool_()),
        ]
    )
    values = [
        job.day,
        job.counterparty,
        job.shift_s,
        job.day_number,
        job.ours_s,
        _days(job.grace),
        _days(job.pending),
        job.tolerance,
        job.leg.waiting(job.component),
        f"Assets:Breaks:{job.component}:",
        job.stated,
    ]
    return pa.table([[v] for v in values], schema=schema)
