"""What a day's file asserts of the books: registers of open items, verdicts, balances."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from finops_ledger.books import bank_statement, statement
from finops_ledger.books.jobs import component_of
from finops_ledger.books.verdicts import DayVerdict, incomplete_before
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.entries import balance, custom, quote
from finops_ledger.posting.stock import Stock
from finops_ledger.recon import entries as recon
from finops_ledger.recon.decisions import CUSTOMERS
from finops_ledger.recon.legs import SALE_GATEWAY, SALE_SUPPLY
from finops_ledger.subledger.manifest import Batch, Line

Registers = dict[str, recon.Register]


def before(space: Workspace, line: Line) -> Registers:
    """Return the registers of the last reconciled day before, of the same leg and counterparty."""
    day = date.fromisoformat(line["day"])
    last = space.state.proof_before(line["leg"], line["counterparty"], day)
    return {} if last is None else _of(last)


def _of(line: Line) -> Registers:
    return {a: recon.Register.of(r) for a, r in line["registers"].items()}


def registers(space: Workspace, day: date) -> list[str]:
    """Write a register for each account whose list of open items the day has changed."""
    currency = space.config.company.currency
    made = []
    for account, now in sorted(_changed(space, day).items()):
        made.append(
            custom(
                day,
                "finops-register",
                account,
                str(now.count),
                f"{plain(now.debits)} {currency}",
                f"{plain(now.credits)} {currency}",
                quote(now.digest),
            )
        )
    return made


def _changed(space: Workspace, day: date) -> Registers:
    """Registers that are not what they were, added up over the legs that share an account.

    Left out: what a leg keeps that has not run on the day, or has an earlier day still to run. What the rows of
    that day moved is in the books and not yet on the lists.
    """
    was: dict[str, list[recon.Register]] = {}
    now: dict[str, list[recon.Register]] = {}
    unsure = _withheld(space, day)
    lines = space.state.proofs_on(day)
    for line in lines:
        old, new = before(space, line), _of(line)
        who = line["counterparty"]
        if incomplete_before(space.expected, who, day, space.legs.of(line["leg"], who)):
            unsure |= {*old, *new}
        for account in {*old, *new}:
            was.setdefault(account, []).append(old.get(account, recon.EMPTY))
            now.setdefault(account, []).append(new.get(account, recon.EMPTY))
    for last in absent(space, day):
        unsure |= {a for a, r in _of(last).items() if r.count}
    if CUSTOMERS in now and not _all_ran(space, day):
        unsure.add(CUSTOMERS)
    return {
        a: recon.together(now[a])
        for a in now
        if a not in unsure and recon.together(now[a]) != recon.together(was[a])
    }


def _all_ran(space: Workspace, day: date) -> bool:
    """Say whether every counterparty's day is reconciled: what customers owe stands on one account for all of them."""
    state, expected = space.state, space.expected
    for leg, who in expected.parties():
        if leg.name in (SALE_SUPPLY, SALE_GATEWAY) and (leg.name, who) in state.days_of:
            live = (leg.name, who, day) in state.reconciled
            if not live or incomplete_before(expected, who, day, leg):
                return False
    return True


def absent(space: Workspace, day: date) -> list[Line]:
    """Return the last runs of legs that did not run on a day on which another of the counterparty's legs did."""
    state = space.state
    ran = {(line["leg"], line["counterparty"]) for line in state.proofs_on(day)}
    parties = {who for _, who in ran}
    missing = [p for p in sorted(state.days_of) if p[1] in parties and p not in ran]
    lines = (state.proof_before(leg, who, day) for leg, who in missing)
    return [line for line in lines if line is not None]


def _withheld(space: Workspace, day: date) -> set[str]:
    """Accounts on which a decision of this or an earlier day does not fit: nothing proves them now."""
    found: set[str] = set()
    for (_, _, of_day), line in space.state.reconciled.items():
        if of_day <= day:
            found.update(line["withheld"])
    return found


def verdicts(
    space: Workspace, day: date, of_days: Mapping[tuple[date, str], DayVerdict]
) -> list[str]:
    """Write the verdict of each counterparty's day; an event where it is not complete."""
    made = []
    for (of_day, who), one in sorted(of_days.items()):
        if of_day != day:
            continue
        made.append(custom(day, "finops-day", quote(who), quote(one.verdict)))
        if one.verdict == "incomplete":
            text = quote(f"incomplete: {one.missing}")
            made.append(f"{day.isoformat()} event {quote(f'finops:{who}')} {text}\n")
    accounts = {a for line in space.state.proofs_on(day) for a in line["withheld"]}
    made += [
        custom(day, "finops-withheld", account, quote("a decision does not fit"))
        for account in sorted(accounts)
    ]
    return made


def balances(space: Workspace, day: date) -> list[str]:
    """Write the balances that prove the day: they stand in its file, dated the next day (ruling 36)."""
    after = day + timedelta(days=1)
    currency = space.config.company.currency
    made = []
    ending = [b for b in space.state.ending_on(day) if space.state.speaks(b)]
    for batch in sorted(ending, key=lambda b: b.id):
        if not statement.closes_day(space, batch):
            continue
        if batch.role in statement.LEG_OF and batch.counterparty:
            made += _supplied(space, batch, day, after)
        if batch.role == "bank":
            same = [b for b in ending if b.role == "bank" and b.account == batch.account]
            if batch in bank_statement.at_day_end(same):
                closing = Decimal(batch.line["stated"]["closing"])
                made.append(balance(after, batch.account, closing, currency))
    return made


def units(stock: Stock, day: date) -> list[str]:
    """Write how many codes the vault holds by its rows, where the day has changed it (worked-cases 18)."""
    after = day + timedelta(days=1)
    held = sorted(stock.units.get(day, {}).items())
    return [balance(after, account, number, what) for (account, what), number in held]


def _supplied(space: Workspace, batch: Batch, day: date, after: date) -> list[str]:
    """Clearing is empty, and the deposit is what its statement says, once the leg of the file has run."""
    who, leg = str(batch.counterparty), statement.LEG_OF[batch.role]
    live = (leg, who, day) in space.state.reconciled
    if not live or incomplete_before(space.expected, who, day, space.legs.of(leg, who)):
        return []
    currency = space.config.company.currency
    name = component_of(space, who)
    made = []
    if leg == SALE_SUPPLY and space.registry.model(who, day) != "stock":
        made.append(balance(after, f"Assets:Clearing:Supply:{name}", ZERO, currency))
    found = statement.of_batch(space, batch)
    if found is not None:
        made.append(balance(after, f"Assets:Deposits:{name}", found.closing, currency))
    return made
