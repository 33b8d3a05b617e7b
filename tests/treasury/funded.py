"""Partners to be funded: the worked example of the reference, and profiles for properties."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from zoneinfo import ZoneInfo

from finops_ledger.core.calendars import load
from finops_ledger.sop.funding import Funding
from finops_ledger.sop.rails import known
from finops_ledger.sop.taxing import TopupTax
from finops_ledger.treasury.forecast import Demand, Profile, Standing
from finops_ledger.treasury.funding import Rules

WIB = ZoneInfo("Asia/Jakarta")
MILLION = 1_000_000

#: Usage by the hour of a day of 180 million, of which two fifths fall between 16:30 and 10:00.
HOURLY = [3_600_000] * 10 + [17_250_000] * 6 + [9_000_000] + [4_500_000] * 7

#: The closure of 18-24 March 2026: approvers and partner are there on business days alone.
FUNDING = {
    "rails": ["RTGS", "BI-FAST"],
    "bank": "BCA",
    "z": "1.65",
    "prefer": "transfers",
    "events": [{"name": "Lebaran", "from": "2026-03-17", "to": "2026-03-31", "uplift": "1.4"}],
    "approvers": {"days": "business", "opens": "08:00", "closes": "16:30"},
    "crediting": {"days": "business", "opens": "09:00", "closes": "20:00", "lead": "1h"},
}


def wib(text: str) -> datetime:
    """A local moment, like ``2026-03-17 16:30``."""
    return datetime.fromisoformat(text).replace(tzinfo=WIB).astimezone(UTC)


def funding(**changed: object) -> Funding:
    """The worked example's rules, with changes; None takes a key away."""
    told = {k: v for k, v in {**FUNDING, **changed}.items() if v is not None}
    return Funding.model_validate(told)


def rules(told: Funding | None = None, **more: object) -> Rules:
    told = told or funding()
    if "tax" in more:
        more["tax"] = partial(TopupTax(rate=more["tax"]).of, day=date(2026, 3, 17))  # type: ignore[arg-type]
    rails = known(())
    return Rules(told, [rails[name] for name in told.rails], load("ID"), **more)  # type: ignore[arg-type]


def worked(told: Funding | None = None) -> Demand:
    """180 million a day with a sigma of 40."""
    mean = {(d, h): Fraction(amount) for d in range(7) for h, amount in enumerate(HOURLY)}
    profile = Profile(mean, Fraction(40 * MILLION) ** 2, "Asia/Jakarta", 56)
    told = told or funding()
    return Demand(profile, Fraction(told.growth), told.event, told.scale)


def standing(at: datetime, balance: int, **more: int) -> Standing:
    return Standing(at, Decimal(balance), **{k: Decimal(v) for k, v in more.items()})
