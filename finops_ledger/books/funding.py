"""What ``finops topup`` shows: gathered from files, journal and SOPs, and handed to :mod:`finops_ledger.treasury`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from finops_ledger.books import items, statement, usage
from finops_ledger.books.funding_told import told, totals
from finops_ledger.books.jobs import component_of
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import Window, zone
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, quantum
from finops_ledger.posting.store import LineStore
from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.sop import rails
from finops_ledger.sop.funding import Funding
from finops_ledger.sop.model import Sop, Version
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury import forecast
from finops_ledger.treasury.funding import Rules, coming, propose

_DAY: Final = timedelta(days=1)
TRANSIT: Final = "Assets:Clearing:Deposit-In-Transit:"
#: Movements of the accounts that are asked for: by account, the day and the amount of each.
Moves = Mapping[str, list[tuple[date, Decimal]]]


def topup(
    space: Workspace, loaded: Loaded, at: datetime | None = None, partner: str | None = None
) -> dict[str, Any]:
    """Return the proposal of every prepaid partner with ``[versions.funding]``: ``finops topup --json``.

    ``at``: the moment to look from; else the end of the last day that files cover. Amounts are text. A partner for whom
    nothing can be said (no history, and nothing assumed) has ``refused``, the reason. Raises UsageError for a partner
    without a deposit, for books without files, and for SOPs that name no such rail or bank.
    """
    moment = _moment(space, at)
    last = (moment - timedelta(microseconds=1)).astimezone(_zone(space)).date()
    asked, without = _asked(space, last, partner)
    moves = _moves(space, loaded)
    looked = [_look(space, moves, sop, version, moment, last) for sop, version in asked]
    used = usage.hourly(space, {x.who: x.files for x in looked}, moment)
    made = [_one(moves, x, used[x.who], moment, last) for x in looked]
    order = {"red": 0, "amber": 1, "green": 2}
    made.sort(
        key=lambda p: (order.get(p["state"], 3), Decimal(p["cover_hours"] or 10**6), p["partner"])
    )
    return {
        "at": moment.astimezone(_zone(space)).isoformat(timespec="minutes"),
        "as_of": str(space.expected.as_of),
        "default": at is None,
        "currency": space.config.company.currency,
        "partners": made,
        "totals": totals(made, _banks(space, moves, last)),
        "without": without,
    }


def _zone(space: Workspace) -> Any:
    return zone(space.config.company.zone)


def _moment(space: Workspace, at: datetime | None) -> datetime:
    last = space.expected.as_of
    if last is None:
        raise UsageError("no file is in the books yet: `finops import` first")
    if at is None:
        return datetime.combine(last + _DAY, time(0), _zone(space))
    return at if at.tzinfo is not None else at.replace(tzinfo=_zone(space))


def _asked(
    space: Workspace, day: date, partner: str | None
) -> tuple[list[tuple[Sop, Version]], list[str]]:
    """The suppliers with a deposit and a way of funding, and the names of those without the latter."""
    found: list[tuple[Sop, Version]] = []
    without: list[str] = []
    for sop in space.registry.named("supplier"):
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
    if partner and partner not in {s.counterparty for s in space.registry.named("supplier")}:
        raise UsageError(f"--partner {partner}: no supplier of that name has an SOP")
    if without and not found:
        raise UsageError(
            f"sops/{without[0]}.toml does not say how its deposit is funded: add [versions.funding] with rails and "
            "bank (docs/reference/sops.md)"
        )
    return found, without


def _moves(space: Workspace, loaded: Loaded) -> Moves:
    """Movements of deposits, of what is in transit or was never credited, and of banks: one look at the journal."""
    wanted: dict[str, list[tuple[date, Decimal]]] = {a: [] for a in _bank_accounts(space).values()}
    for sop in space.registry.named("supplier"):
        for account in _accounts(component_of(space, sop.counterparty)):
            wanted[account] = []
    for entry in loaded.transactions():
        for posting in entry.postings:
            moved = wanted.get(posting.account)
            if moved is not None:
                moved.append((entry.date, posting.units.number))
    return wanted


def _accounts(component: str) -> tuple[str, str, str]:
    """Where a partner's deposit stands, what is on its way to it, and what was sent and never credited."""
    return (
        f"Assets:Deposits:{component}",
        f"{TRANSIT}{component}",
        f"Assets:Breaks:{component}:Topup-Not-Credited",
    )


def _stands(moves: Moves, account: str, day: date) -> Decimal:
    return sum((amount for on, amount in moves[account] if on <= day), ZERO)


def _bank_accounts(space: Workspace) -> dict[str, str]:
    """The account of each bank, by its counterparty."""
    return {
        str(s.counterparty): s.account or f"Assets:Bank:{s.counterparty}"
        for s in space.config.sources
        if s.role == "bank" and s.counterparty
    }


def _banks(space: Workspace, moves: Moves, day: date) -> dict[str, Decimal]:
    return {bank: _stands(moves, account, day) for bank, account in _bank_accounts(space).items()}


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far the files of a partner reach: the last whole day, its end, and what rows say beyond it until ``at``."""

    day: date
    since: datetime
    moved: Decimal = ZERO
    credited_later: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class _Look:
    """What is at hand of one partner: its rules, what lies with it, the files of the sample (none if too few)."""

    who: str
    component: str
    rules: Rules
    standing: forecast.Standing
    tied: bool | None
    sample: Mapping[date, forecast.Span]
    files: list[Batch]


def _look(
    space: Workspace, moves: Moves, sop: Sop, version: Version, at: datetime, last: date
) -> _Look:
    who, funding = sop.counterparty, version.funding
    assert funding is not None
    windows = _windows(space, sop, at)
    reach = _reach(space, sop, windows, at, last)
    standing, tied = _standing(space, moves, sop, version, reach, last)
    first = reach.day - (funding.sample_days - 1) * _DAY
    sample = {day: span for day, span in windows.items() if first <= day <= reach.day}
    enough = sample and len(sample) >= funding.history_days
    files = usage.batches(space, who, min(sample), max(sample)) if enough else []
    rules = _rules(space, sop, version, funding)
    return _Look(who, component_of(space, who), rules, standing, tied, sample, files)


def _one(
    moves: Moves, x: _Look, used: Mapping[datetime, Decimal], at: datetime, last: date
) -> dict[str, Any]:
    _, transit, _ = mine = _accounts(x.component)
    demand, why_not = _demand(x, used)
    facts = {
        "partner": x.who,
        "bank": x.rules.funding.bank,
        "tied": x.tied,
        "sent_today": sum((n for on, n in moves[transit] if on == last and n > 0), ZERO),
        "history_days": len(x.sample),
    }
    if demand is None:
        return told(facts, x.standing, None, x.rules, why_not)
    others = sum(
        (
            _stands(moves, account, last)
            for account in moves
            if account.startswith(("Assets:Deposits:", TRANSIT)) and account not in mine
        ),
        ZERO,
    )
    made = propose(demand, x.standing, at, x.rules, others=others)
    return told(facts, x.standing, (demand, made), x.rules, "")


def _rules(space: Workspace, sop: Sop, version: Version, funding: Funding) -> Rules:
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
        tax=version.deposit.tax.rate,
        unit=quantum(space.config.company.currency),
        zone=space.config.company.zone,
        partner_zone=version.supply.window.zone,
    )


def _windows(space: Workspace, sop: Sop, at: datetime) -> dict[date, forecast.Span]:
    """From when until when each day ran for which the file that moves the deposit is in, up to a moment."""
    found: dict[date, forecast.Span] = {}
    for source in space.config.sources:
        if source.counterparty != sop.counterparty or source.role not in ("supply", "deposit"):
            continue
        for day in space.expected.in_days(source.name):
            if source.role == statement.mover(space, sop.counterparty, day):
                window = _window(sop, day)
                span = window.closes(day - _DAY), window.closes(day)
                if span[1] <= at:
                    found[day] = span
    return dict(sorted(found.items()))


def _window(sop: Sop, day: date) -> Window:
    supply = sop.on(day).supply
    return supply.window.window() if supply is not None else Window()


def _reach(
    space: Workspace, sop: Sop, windows: Mapping[date, forecast.Span], at: datetime, last: date
) -> _Reach:
    """How far files reach; rows of a day that has not ended at ``at`` count up to that moment, and none after it."""
    ended = max(windows, default=None)
    begin = ended if ended is not None else space.config.company.start - _DAY
    beyond = [
        b for b in usage.batches(space, sop.counterparty, begin + _DAY, last + _DAY) if b.rows
    ]
    since = windows[begin][1] if ended is not None else at
    if not beyond:
        return _Reach(begin if ended is not None else last, since)
    store = LineStore(space.local, space.root, space.registry, space.state)
    store.load_batches(beyond, roles=("supply", "deposit"))
    moment = f"timestamptz {en.literal(at.isoformat())}"
    told_by = f"coalesce(stated_at <= {moment}, true)"
    row = space.local.rows(
        "select coalesce(sum(d_deposit) filter (by_then), 0) as moved, "
        "max(stated_at) filter (by_then) as latest, bool_or(not by_then) as more, "
        f"coalesce(sum(case when by_then and day_post > date '{last}' then -d_deposit "
        f"when not by_then and day_post <= date '{last}' then d_deposit else 0 end) "
        "filter (kind = 'topup'), 0) as topups from ("
        + " union all ".join(
            f"select kind, d_deposit, stated_at, day_post, {told_by} as by_then from {role}_lines "
            f"where disposition <> 'known' and day_post > date '{begin}'"
            for role in ("supply", "deposit")
        )
        + ")"
    )[0]
    first = (
        since
        if ended is not None
        else _window(sop, beyond[0].covers[0]).closes(beyond[0].covers[0] - _DAY)
    )
    reached = at if row["more"] or row["latest"] is None else max(first, row["latest"])
    return _Reach(begin, reached, Decimal(row["moved"]), Decimal(row["topups"]))


def _standing(
    space: Workspace, moves: Moves, sop: Sop, version: Version, reach: _Reach, last: date
) -> tuple[forecast.Standing, bool | None]:
    """What lies with a partner, and whether the books and its statement agree (None: it states no balance).

    Where they differ, the lower of the two counts: what the partner does not see cannot be drawn, and what we do not
    see may be claimed.
    """
    deposit, transit, lost = _accounts(component_of(space, sop.counterparty))
    ours, theirs = _stands(moves, deposit, reach.day), _stated(space, sop, reach.day)
    balance = (ours if theirs is None else min(ours, theirs)) + reach.moved
    way = max(_stands(moves, transit, last) + reach.credited_later, ZERO)
    unit = quantum(space.config.company.currency)
    return (
        forecast.Standing(
            since=reach.since,
            balance=balance,
            in_transit=coming(way, version.deposit.tax.rate, unit),
            suspect=max(_stands(moves, lost, last), ZERO),
            pending=_pending(space, sop.counterparty, reach.day),
        ),
        None if theirs is None else ours == theirs,
    )


def _stated(space: Workspace, sop: Sop, day: date) -> Decimal | None:
    """The closing balance that the partner's file of a day states."""
    closing = None
    for batch in usage.batches(space, sop.counterparty, day, day):
        if batch.covers[1] == day and batch.line["stated"]["closing"] is not None:
            closing = Decimal(batch.line["stated"]["closing"])
    return closing


def _pending(space: Workspace, who: str, day: date) -> Decimal:
    """What was ordered and not yet drawn: at our cost, what has no row of the partner's.

    What only crossed the cut-off of the last whole day is not counted: it lies in the time since, which is estimated.
    """
    total = ZERO
    for item in items.open_items(space, day, everything=True):
        if item["counterparty"] != who or item["leg"] != SALE_SUPPLY or item["right"] is not None:
            continue
        waits = item["class"] == "pending"
        waits = waits or (item["class"] == "timing" and item["opened"] < day.isoformat())
        if waits and item["left"] is not None:
            total += abs(Decimal(item["left"]["amount"]))
    return total


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
        return None, (
            f"files of {len(x.sample)} days, and sops/{x.who}.toml asks for {funding.history_days} (history_days): "
            'give [versions.funding.assumed] daily = "…" and sigma = "…" until they are there'
        )
    return forecast.Demand(profile, Fraction(funding.growth), funding.event, funding.scale), ""
