"""What gateways pay to us: orders that no report has settled, settlements in reports, the bank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import settling_rows as sql
from finops_ledger.books import settling_terms as terms
from finops_ledger.books.items import files_of, last_lines
from finops_ledger.books.jobs import component_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO
from finops_ledger.recon.legs import GATEWAY_FEE, SALE_GATEWAY, SETTLEMENT_BANK
from finops_ledger.sop.contracts import Contract
from finops_ledger.sop.levies import Rate
from finops_ledger.sop.schedule import Period
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.manifest import Batch
from finops_ledger.treasury import naming
from finops_ledger.treasury.expected import (
    COMPONENTS,
    Amounts,
    Expected,
    Reported,
    Statement,
    differences,
)
from finops_ledger.treasury.settlements import Settlement, flagged

#: Orders of so many days before a report are looked up for the days on which its payments were made.
_BEFORE: Final = timedelta(days=62)
_KINDS: Final = {"refund": "refunds", "chargeback": "chargebacks"}


@dataclass
class _Report:
    """One settlement of a gateway's reports, as its rows come in."""

    settled: date
    currency: str
    told: set[date] = field(default_factory=set)
    expected: Expected = field(default_factory=Expected)
    taken: Amounts = field(default_factory=Amounts)
    net: Decimal = ZERO
    rows: int = 0
    days: dict[tuple[date, str], int] = field(default_factory=dict)


def of_gateways(
    space: Workspace, last: date, since: date, disputes: list[dict[str, Any]]
) -> Iterator[Settlement]:
    """Yield the settlements of gateways up to a day: what is pending or open, and what was settled since a day."""
    names = [s.counterparty for s in space.registry.named("gateway")]
    if not names:
        return
    items = _open_items(space, names, last)
    reports = _since(
        sql.batches(space, "settlement", names), since, _named_by(space, items["bank"])
    )
    sales = [b for b in space.state.batches.values() if b.role == "sale"]
    near = _since(sales, since - _BEFORE, _named_by(space, items["sale"]))
    bank = [b for b in space.state.batches.values() if b.role == "bank"]
    rows = sql.settled(space, reports, near, last.isoformat()) if reports else []
    seen = sql.banked(space, "payout", _since(bank, since, set()), last.isoformat())
    for who in names:
        own = [d for d in disputes if d["counterparty"] == who]
        dates = {code: day for (party, code), day in seen.items() if party == who}
        yield from _reported(space, who, last, [r for r in rows if r["party"] == who], dates, own)
    yield from _pending(
        space, last, sql.pending(space, items["sale"], near, reported=bool(rows)), disputes
    )


def _open_items(space: Workspace, names: list[str], last: date) -> dict[str, list[Any]]:
    """The files of what stands open between sales, reports and the bank."""
    lines = [line for line in last_lines(space, last) if line["counterparty"] in names]
    return {
        short: files_of(space, [line for line in lines if line["leg"] == leg], "breaks")
        for short, leg in (("sale", SALE_GATEWAY), ("bank", SETTLEMENT_BANK))
    }


def _named_by(space: Workspace, paths: list[Any]) -> set[str]:
    if not paths:
        return set()
    found = space.local.rows(
        f"select distinct left_batch as b from ({en.parquet(paths)}) where not is_closed and left_batch is not null"
    )
    return {r["b"] for r in found}


def _since(batches: list[Batch], first: date, named: set[str]) -> list[Batch]:
    return [b for b in batches if b.id in named or (b.days and b.days[-1] >= first)]


def _reported(
    space: Workspace,
    who: str,
    last: date,
    rows: list[dict[str, Any]],
    seen: dict[str, date],
    disputes: list[dict[str, Any]],
) -> Iterator[Settlement]:
    reports: dict[str, _Report] = {}
    for row in rows:
        code = sql.bare(who, row["code"]) or "none"
        one = reports.setdefault(code, _Report(row["day_post"], row["currency"] or ""))
        one.settled = max(one.settled, row["day_post"])
        one.told.add(row["day_post"])
        _take(one, row)
    standing = sql.standing(space, SETTLEMENT_BANK, who, last)
    days = {d for d in space.state.days_of.get((SETTLEMENT_BANK, who), []) if d <= last}
    on: dict[date, list[str]] = {}
    for code, one in reports.items():
        on.setdefault(one.settled, []).append(code)
    for code, one in reports.items():
        alone = len(on[one.settled]) == 1
        own = [d for d in disputes if _of(d, who, code, one.settled, alone=alone)]
        stands = standing.get(code)
        # What was never open at a day's end was met on its day: but for a day that is not reconciled.
        met = one.told <= days
        # What was met on its own day was never open; a second payout of the code stands without it.
        apart = met and not (stands and stands["left_now"])
        paid = (-stands["right_now"] if stands else ZERO) + (one.net if apart else ZERO)
        closed = stands["closed"] if stands else met
        yield _settlement(
            space, who, code, one, last, own, paid, closed, _paid_on(one, stands, seen, code, paid)
        )


def _take(one: _Report, row: dict[str, Any]) -> None:
    kind, count = row["kind"], int(row["rows"])
    gross = row["gross"]
    as_told = {_KINDS[kind]: -gross} if kind in _KINDS else {"gross": gross}
    same = {**as_told, "adjustments": row["held"]}
    contract: Contract | None = row["contract"]
    # Without a contract, a fee is what was taken.
    due = contract is not None and contract.fee is not None
    fee, vat = (row["due_fee"], row["due_vat"]) if due else (row["fees"], row["taxes"])
    # Without an agreed rate, so is the tax that they withheld.
    levied = {} if contract is not None and contract.tax else {"withheld": row["withheld"]}
    paid = gross if kind == "payment" else ZERO
    one.expected = one.expected.plus(
        Expected(
            Amounts(**same, **levied, fee=fee, vat=vat),
            reported=_reported_at(contract, paid),
            taxed=_taxed(contract, paid, fee),
            rows=count,
            rule_ids=(contract.rule,) if contract else (),
        )
    )
    theirs = Amounts(**same, withheld=row["withheld"], fee=row["fees"], vat=row["taxes"])
    one.taken = one.taken.plus(theirs)
    one.net += row["net"]
    one.rows += count
    place = (row["day"], row["channel"])
    one.days[place] = one.days.get(place, 0) + (count if kind == "payment" else 0)


def _reported_at(one: Contract | None, gross: Decimal) -> dict[Reported, Decimal]:
    """Return payments whose fee is rounded on the settlement, by its rate and its taxes."""
    if one is None or one.fee is None or one.fee.per != "report" or not gross:
        return {}
    return {(one.fee.rate, one.vat, one.tax if one.taxed == "fee" else None): gross}


def _taxed(one: Contract | None, gross: Decimal, fee: Decimal) -> dict[Rate, Decimal]:
    """Return of what a gateway takes income tax: gross payments, or a fee that is rounded by row or only told."""
    if one is None or one.tax is None:
        return {}
    return {one.tax: gross if one.taxed == "gross" else fee}


def _settlement(
    space: Workspace,
    who: str,
    code: str,
    one: _Report,
    last: date,
    own: list[dict[str, Any]],
    paid: Decimal,
    closed: bool,
    paid_on: date | None,
) -> Settlement:
    # Most of its payments say which period a settlement is of.
    (day, channel), _ = max(one.days.items(), key=lambda d: (d[1], d[0]))
    schedule = terms.schedule_on(space, who, day)
    channel = channel if schedule is not None and channel in schedule.channels else ""
    period = terms.period_of(space, who, day, channel)
    ours = one.expected.whole()
    stated = Statement(one.taken, one.net, frozenset(COMPONENTS), one.rows)
    state = (
        "paid" if closed or (paid and paid >= one.net) else "part-paid" if paid else "in-transit"
    )
    made = Settlement(
        counterparty=who,
        component=component_of(space, who),
        type="gateway",
        direction="receive",
        ref=code,
        channel=channel,
        period=period,
        due=terms.due(space, who, period, channel),
        currency=one.currency or space.config.company.currency,
        **{c: getattr(ours, c) for c in COMPONENTS},
        net=ours.net("receive"),
        stated=one.net,
        paid=paid,
        paid_on=paid_on,
        disputed=disputed(own),
        rule_ids=one.expected.rule_ids,
        state=state,  # type: ignore[arg-type]
        rows=one.rows,
        items=len(own),
        codes=(code,),
        differences=differences(ours, stated),
        notes=(f"it is reported on {', '.join(map(str, sorted(one.told)))}",)
        if len(one.told) > 1
        else (),
    )
    return flagged(made, last, terms.tolerance(space, who, period.last))


def _paid_on(
    one: _Report, stands: dict[str, Any] | None, seen: dict[str, date], code: str, paid: Decimal
) -> date | None:
    if not paid:
        return None
    if code in seen:
        return seen[code]
    # One line of the bank for several settlements names one of them.
    return stands["day"] if stands else one.settled


def _pending(
    space: Workspace, last: date, rows: list[dict[str, Any]], disputes: list[dict[str, Any]]
) -> Iterator[Settlement]:
    found: dict[tuple[str, str, Period], Expected] = {}
    for row in rows:
        who, day = row["party"], row["day"]
        schedule = terms.schedule_on(space, who, day)
        channel = row["channel"] if schedule and row["channel"] in schedule.channels else ""
        key = (who, channel, terms.period_of(space, who, day, channel))
        more = Expected(
            Amounts(
                gross=row["gross"], refunds=row["refunds"], fee=row["due_fee"], vat=row["due_vat"]
            ),
            reported=_reported_at(row["contract"], row["gross"]),
            taxed=_taxed(row["contract"], row["gross"], row["due_fee"]),
            rows=int(row["rows"]),
            rule_ids=(row["contract"].rule,) if row["contract"] else (),
        )
        found[key] = found[key].plus(more) if key in found else more
    by_channel: dict[tuple[str, str], list[Period]] = {}
    for who, channel, period in sorted(found):
        by_channel.setdefault((who, channel), []).append(period)
    for (who, channel), periods in by_channel.items():
        for together, target in _carried(space, who, channel, periods, found):
            expected = found[who, channel, together[0]]
            for more_of in together[1:]:
                expected = expected.plus(found[who, channel, more_of])
            ours = expected.whole()
            period = Period(together[0].first, together[-1].last)
            own = [d for d in disputes if d["counterparty"] == who and _within(d, period)]
            made = Settlement(
                counterparty=who,
                component=component_of(space, who),
                type="gateway",
                direction="receive",
                # The gateway names it when it reports it: its code must not be taken for one of theirs.
                ref=f"pending-{naming.code_of(period, channel)}",
                channel=channel,
                period=period,
                due=terms.due(space, who, target, channel) if target else None,
                currency=space.config.company.currency,
                **{c: getattr(ours, c) for c in COMPONENTS},
                net=ours.net("receive"),
                disputed=disputed(own),
                rule_ids=expected.rule_ids,
                state="pending",
                flags=frozenset({"carried"} if len(together) > 1 or target is None else ()),
                rows=expected.rows,
                items=expected.rows,
            )
            yield flagged(made, last)


def _carried(
    space: Workspace,
    who: str,
    channel: str,
    periods: list[Period],
    found: dict[tuple[str, str, Period], Expected],
) -> Iterator[tuple[list[Period], Period | None]]:
    """Yield which periods are settled together, and with which one: what is below the minimum waits."""
    schedule = terms.schedule_on(space, who, periods[-1].last)
    if schedule is None or not schedule.of(channel).minimum:
        yield from (([p], p) for p in periods)
        return
    nets = [(p, found[who, channel, p].whole().net("receive")) for p in periods]
    groups: dict[Period | None, list[Period]] = {}
    for period, target in zip(periods, schedule.settled_with(nets, channel), strict=True):
        groups.setdefault(target, []).append(period)
    for target, together in groups.items():
        yield together, target


def disputed(items: list[dict[str, Any]]) -> Decimal:
    """Return the residue of open breaks, claims included."""
    return sum((abs(Decimal(d["residue"])) + abs(Decimal(d["claimed"])) for d in items), ZERO)


def _of(item: dict[str, Any], who: str, code: str, settled: date, *, alone: bool) -> bool:
    if item["leg"] in (SETTLEMENT_BANK, GATEWAY_FEE):
        return sql.bare(who, item["ref"]) == code
    # What only the report has says no settlement of its own: that of its day, where there is one.
    return (
        item["leg"] == SALE_GATEWAY
        and item["left"] is None
        and alone
        and item["day"] == settled.isoformat()
    )


def _within(item: dict[str, Any], period: Period) -> bool:
    if item["leg"] != SALE_GATEWAY or item["left"] is None or item["right"] is not None:
        return False
    return period.first <= date.fromisoformat(item["day"]) <= period.last
