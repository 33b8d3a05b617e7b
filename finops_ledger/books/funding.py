"""What ``finops topup`` shows: gathered from files, journal and SOPs, and handed to :mod:`finops_ledger.treasury`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from finops_ledger.books import usage
from finops_ledger.books.funding_told import told, totals
from finops_ledger.books.loading import Loaded
from finops_ledger.books.standing import Lying, lying, on_top
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import quantum
from finops_ledger.sop import rails
from finops_ledger.sop.funding import Funding
from finops_ledger.sop.model import Sop, Version
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury import forecast
from finops_ledger.treasury.funding import Rules, propose

_DAY: Final = timedelta(days=1)
_ORDER: Final = ("red", "amber", "green")


def topup(
    space: Workspace, loaded: Loaded, at: datetime | None = None, partner: str | None = None
) -> dict[str, Any]:
    """Return the proposal of every prepaid partner with ``[versions.funding]``: ``finops topup --json``.

    ``at``: the moment to look from; else the end of the last day that files cover. Amounts are text. A partner of whom
    nothing can be said (no history, and nothing assumed) has ``refused``, the reason. Raises UsageError for a partner
    without a deposit, for books without files, and for SOPs that name no such rail or bank.
    """
    moment = _moment(space, at)
    last = (moment - timedelta(microseconds=1)).astimezone(_zone(space)).date()
    asked, without = _asked(space, last, partner)
    lies = lying(space, loaded, moment, last)
    looked = [_look(lies, sop, version) for sop, version in asked]
    used = usage.hourly(space, {x.sop.counterparty: x.files for x in looked}, moment)
    made = [_one(lies, x, used[x.sop.counterparty]) for x in looked]
    made.sort(key=_urgency)
    return {
        "at": moment.astimezone(_zone(space)).isoformat(timespec="minutes"),
        "as_of": str(space.expected.as_of),
        "default": at is None,
        "currency": space.config.company.currency,
        "partners": made,
        "totals": totals(made, lies.banks()),
        "without": without,
    }


def _urgency(one: Mapping[str, Any]) -> tuple[int, bool, Decimal, str]:
    state, cover = one["state"], one["cover_hours"]
    place = _ORDER.index(state) if state in _ORDER else len(_ORDER)
    return place, cover is None, Decimal(cover or 0), one["partner"]


def _zone(space: Workspace) -> Any:
    return zone(space.config.company.zone)


def _moment(space: Workspace, at: datetime | None) -> datetime:
    last = space.expected.as_of
    if last is None:
        raise UsageError("no file is in the books yet: `finops import` first")
    if at is None:
        return datetime.combine(last + _DAY, time(0), _zone(space))
    moment = at if at.tzinfo is not None else at.replace(tzinfo=_zone(space))
    start = space.config.company.start
    if moment.astimezone(_zone(space)).date() < start:
        raise UsageError(
            f"--at {at.isoformat()}: the books begin on {start}, and know of no deposit before"
        )
    return moment


def _asked(
    space: Workspace, day: date, partner: str | None
) -> tuple[list[tuple[Sop, Version]], list[str]]:
    """The suppliers with a deposit and a way of funding, and the names of those without the latter."""
    found: list[tuple[Sop, Version]] = []
    without: list[str] = []
    suppliers = space.registry.named("supplier")
    if partner and partner not in {s.counterparty for s in suppliers}:
        raise UsageError(f"--partner {partner}: no supplier of that name has an SOP")
    for sop in suppliers:
        if partner not in (None, sop.counterparty):
            continue
        version = sop.on(day)
        if sop.model_on(day) == "postpaid":
            if partner:
                raise UsageError(
                    f"--partner {partner}: is postpaid on {day} and has no deposit to top up"
                )
        elif version.funding is None:
            without.append(sop.counterparty)
        else:
            found.append((sop, version))
    if without and not found:
        raise UsageError(
            f"sops/{without[0]}.toml does not say how its deposit is funded: add [versions.funding] with rails and "
            "bank (docs/reference/sops.md)"
        )
    return found, without


@dataclass(frozen=True, slots=True)
class _Look:
    """What is at hand of one partner: its rules, what lies with it, the files of the sample (none if too few)."""

    sop: Sop
    rules: Rules
    standing: forecast.Standing
    tied: bool | None
    sample: Mapping[date, forecast.Span]
    files: list[Batch]


def _look(lies: Lying, sop: Sop, version: Version) -> _Look:
    funding = version.funding
    assert funding is not None
    rules = _rules(lies.space, sop, version, funding, lies.last)
    windows = lies.windows(sop)
    standing, day, tied = lies.of(sop, windows)
    first = day - (funding.sample_days - 1) * _DAY
    sample = {d: span for d, span in windows.items() if first <= d <= day}
    enough = sample and len(sample) >= funding.history_days
    files = usage.batches(lies.space, sop.counterparty, min(sample), max(sample)) if enough else []
    return _Look(sop, rules, standing, tied, sample, files)


def _rules(space: Workspace, sop: Sop, version: Version, funding: Funding, day: date) -> Rules:
    """The rules of a partner: its rails by name, its calendar, floor and tax; UsageError names what is unknown."""
    path = f"sops/{sop.counterparty}.toml"
    known = rails.known(space.config.rails, funding.bank)
    for name in funding.rails:
        if name not in known:
            raise UsageError(
                f"{path}: rail {name!r} is not known; known are {', '.join(known)}, others are declared under "
                "[[rails]] of finops.toml"
            )
    banks = [s.counterparty for s in space.registry.named("bank")]
    if funding.bank not in banks:
        raise UsageError(
            f"{path}: bank {funding.bank!r} has no SOP; banks are {', '.join(banks) or 'none'}"
        )
    assert version.supply is not None
    return Rules(
        funding,
        [known[name] for name in funding.rails],
        space.calendar(funding.calendar),
        floor=version.deposit.floor,
        tax=on_top(version.deposit.tax, day),
        unit=quantum(space.config.company.currency),
        zone=space.config.company.zone,
        partner_zone=version.supply.window.zone,
    )


def _one(lies: Lying, x: _Look, used: Mapping[datetime, Decimal]) -> dict[str, Any]:
    demand, why_not = _demand(x, used)
    facts = {
        "partner": x.sop.counterparty,
        "bank": x.rules.funding.bank,
        "tied": x.tied,
        "sent_today": lies.sent_today(x.sop),
        "history_days": len(x.sample),
    }
    if demand is None:
        return told(facts, x.standing, None, x.rules, why_not)
    made = propose(demand, x.standing, lies.at, x.rules, others=lies.others(x.sop))
    return told(facts, x.standing, (demand, made), x.rules, "")


def _demand(x: _Look, used: Mapping[datetime, Decimal]) -> tuple[forecast.Demand | None, str]:
    """What is to come: by the files of the sample, or as the SOP assumes; None and why where neither can be said."""
    funding, rules = x.rules.funding, x.rules
    if x.files:

        def closed(day: date) -> bool:
            # Of a year without a table nothing is known: its days count as what their weekday is.
            return rules.calendar.covers(day.year) and rules.calendar.holiday(day) is not None

        profile = forecast.learn(
            used,
            x.sample,
            rules.partner_zone,
            uplift=funding.event,
            skip=closed,
            sigma=funding.sigma,
        )
    elif funding.assumed is not None:
        sigma = funding.sigma if funding.sigma is not None else funding.assumed.sigma
        profile = forecast.assumed(funding.assumed.daily, sigma, rules.partner_zone)
    else:
        days = f"{len(x.sample)} day{'s' * (len(x.sample) != 1)}"
        return None, (
            f"files of {days}, and sops/{x.sop.counterparty}.toml asks for {funding.history_days} "
            '(history_days): give [versions.funding.assumed] daily = "…" and sigma = "…" until they are there'
        )
    return forecast.Demand(profile, Fraction(funding.growth), funding.event, funding.scale), ""
