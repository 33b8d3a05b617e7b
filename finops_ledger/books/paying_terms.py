"""What a settlement run is made from: settlements, terms of SOPs, rails, open claims, earlier lists and runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from finops_ledger.books import paying_lists, settling
from finops_ledger.books.jobs import component_of
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.errors import UsageError
from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.sop import rails
from finops_ledger.sop.model import Sop
from finops_ledger.sop.pay import Pay
from finops_ledger.treasury.settlements import PREFIX, Settlement
from finops_ledger.treasury.terms import Around, Terms
from finops_ledger.treasury.transfers import Account


def settlements(space: Workspace, as_of: date | None) -> list[Settlement]:
    """Return the settlements of the books as they stand on a day, else on the last one that files cover."""
    day = as_of or space.expected.as_of
    return settling.of_books(space, day) if day is not None else []


def around(space: Workspace, proposed: Mapping[str, str]) -> Around:
    """Return what a run has to know beside the settlements; ``proposed``: which settlement is on which open run."""
    lists = paying_lists.of(space)
    standing = paying_lists.standing(lists)
    links: dict[str, str] = {}
    paid_to: dict[str, tuple[date, str]] = {}
    for who in (sop.counterparty for sop in space.registry.named("supplier")):
        component = component_of(space, who)
        mine = [one for (of, _), one in standing.items() if of == component]
        links |= {_link(who, one.settlement): one.place for one in mine}
        if mine:
            last = max(mine, key=lambda one: one.day)
            paid_to[who] = last.day, last.to or _told_on(space, who, last.day)
    return Around(
        currency=space.config.company.currency,
        calendar=space.calendar(),
        terms=lambda who, day: terms(space, who, day),
        rails=lambda bank: rails.known(space.config.rails, bank),
        listed=links,
        proposed=proposed,
        paid_to=paid_to,
        unproven=lambda one: _unproven(space, one),
        watch=space.config.payments.watch,
    )


def _unproven(space: Workspace, one: Settlement) -> date | None:
    """Return the first day of a settlement with rows that have not been compared with our sales."""
    if one.period is None:
        return None
    days = {
        day
        for batch in space.state.batches.values()
        if batch.role == "supply" and batch.counterparty == one.counterparty
        for day in batch.days
        if one.period.first <= day <= one.period.last
    }
    done = space.state.reconciled
    return min((d for d in days if (SALE_SUPPLY, one.counterparty, d) not in done), default=None)


def _link(who: str, name: str) -> str:
    return f"{PREFIX}{who}-{name.removeprefix(PREFIX).removeprefix(f'{who}-')}"


def _told_on(space: Workspace, who: str, day: date) -> str:
    """Return the account that the SOP named on the day of a list that was written by hand."""
    pay = _pay_on(space.registry.of(who), day)
    return pay.told if pay is not None else "an account that no SOP named"


def _pay_on(sop: Sop, day: date) -> Pay | None:
    settlement = sop.on(day).settlement
    return settlement.pay if settlement is not None else None


def terms(space: Workspace, who: str, day: date) -> Terms | str:
    """Return how a counterparty is paid on a day, or why it cannot be.

    UsageError when finops.toml has no account of ours to pay from, or not the one that the SOP names.
    """
    sop = space.registry.of(who)
    version = sop.on(day)
    pay = _pay_on(sop, day)
    if pay is None or version.settlement is None:
        return (
            f"no account to pay to: sops/{who}.toml has no [versions.settlement.pay] with bank, account and name in "
            f"force on {day}"
        )
    accounts = space.config.payments.accounts
    ours = next((a for a in accounts if pay.from_ in ("", a.account)), None)
    if ours is None:
        named = f" {pay.from_}, which sops/{who}.toml names" if pay.from_ else ""
        raise UsageError(
            f"finops.toml has no account{named} to pay from: add one under [[payments.accounts]], with account, bank, "
            "number and name"
        )
    since, change = _since(sop, day, pay)
    schedule = version.settlement.due_by
    return Terms(
        to=Account(pay.bank, pay.account, pay.name, pay.code),
        source=ours.at_bank,
        ledger=ours.account,
        rails=pay.rails,
        remark=pay.remark,
        dispute_limit=version.settlement.dispute_limit,
        minimum=schedule.minimum,
        before_statement=pay.before_statement,
        rounding=version.settlement.rounding,
        since=since,
        change=change,
    )


def _since(sop: Sop, day: date, now: Pay) -> tuple[date, str]:
    """Return since when the account is what it is, and by which change; no change where it never was another."""
    found, change = date.min, ""
    before: str | None = None
    for version in sop.versions:
        if version.effective > day:
            break
        pay = version.settlement.pay if version.settlement is not None else None
        told = pay.told if pay is not None else None
        if told == now.told and before not in (None, told):
            found, change = version.effective, version.change_id
        before = told or before
    return found, change
