"""A settlement run: which settlements are paid, what each payment is made up of, and why others are left out.

Guards of a payment, in the order in which they are looked at (each names one settlement and says why)::

    named twice · on a list already · on another open list · paid already · they pay us · another currency ·
    they owe us · not due yet · not reconciled · no account to pay to · not billed yet · below the minimum ·
    in dispute · their statement differs · more than the books owe · no rail

A settlement is paid by the smaller of what its rows come to and what their statement asks. What is asked beyond
that and is in dispute stays on the payable, beside its break or claim; it is never paid to be asked back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import combinations

from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.intake.conditions import suggestion
from finops_ledger.treasury import guards
from finops_ledger.treasury import transfers as sending
from finops_ledger.treasury.guards import Refused
from finops_ledger.treasury.settlements import PREFIX, Settlement
from finops_ledger.treasury.terms import Around, Asked, Terms
from finops_ledger.treasury.transfers import Transfer, Way


@dataclass(frozen=True, slots=True)
class Claim:
    """An open claim on a row of a settlement."""

    item: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """One posting of the payment list: account, signed amount, and the claims that it releases."""

    account: str
    amount: Decimal
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One settlement as it is to be paid: ``amount`` of it, by ``parts``; ``held`` stays on the payable."""

    of: Settlement
    amount: Decimal
    claims: Decimal
    held: Decimal
    parts: tuple[Part, ...]
    terms: Terms
    day: date
    transfers: tuple[Transfer, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A settlement that is due and is not paid, and why; ``guard`` is the name of the reason."""

    of: Settlement
    guard: str
    why: str


def propose(
    settlements: Iterable[Settlement], asked: Asked, around: Around
) -> tuple[list[Line], list[LeftOut]]:
    """Return what a run pays, and what is due and left out.

    Raises UsageError when a settlement that is named does not exist or cannot be paid.
    """
    chosen = _chosen(list(settlements), asked)
    lines: list[Line] = []
    left: list[LeftOut] = []
    for one in chosen:
        try:
            lines.append(_line(one, asked, around))
        except Refused as refused:
            if asked.named:
                raise UsageError(f"{one.link}: {refused}") from refused
            left.append(LeftOut(one, refused.guard, str(refused)))
    return _numbered(lines), left


def _chosen(known: list[Settlement], asked: Asked) -> list[Settlement]:
    """Return the settlements that a run is about, by link: those named, else all of ours that are due and open."""
    by_link: dict[str, list[Settlement]] = {}
    for one in known:
        by_link.setdefault(one.link, []).append(one)
    if asked.named:
        names = [n if n.startswith(PREFIX) else PREFIX + n for n in asked.named]
        for name, times in Counter(names).items():
            if times > 1:
                raise UsageError(f"{name} is named {times} times: a settlement is paid once")
            if name not in by_link:
                near = suggestion(name, by_link)
                raise UsageError(f"{name}: there is no such settlement{near}")
        found = [one for name in names for one in by_link[name]]
    else:
        found = [
            one
            for one in known
            if one.direction == "pay"
            and one.state not in guards.GONE
            and (one.net or one.stated)
            and (asked.advance or (one.due is not None and one.due <= asked.due_by))
            and asked.counterparty in (None, one.counterparty)
        ]
    for one in found:
        if len(by_link[one.link]) > 1:
            raise UsageError(
                f"{one.link} stands {len(by_link[one.link])} times in the list of settlements: a code is paid once; "
                "tell them apart by their invoices"
            )
    return sorted(found, key=lambda one: one.link)


def _line(one: Settlement, asked: Asked, around: Around) -> Line:
    """Return a settlement as it is to be paid; Refused names the guard that holds."""
    guards.not_twice(one, around)
    guards.ours(one, asked, around)
    day = max(one.due or asked.as_of, asked.as_of)
    terms = around.terms(one.counterparty, day)
    if isinstance(terms, str):
        raise Refused("beneficiary", terms)
    asks = one.net if one.stated is None else one.stated
    if one.stated is None and not terms.before_statement:
        raise Refused(
            "unbilled",
            "they have not billed it yet; before_statement = true in [versions.settlement.pay] pays by our figures",
        )
    if ("carried" in one.flags or one.net < terms.minimum) and not asked.advance:
        raise Refused(
            "minimum",
            f"{plain(one.net)} is below the minimum of {plain(terms.minimum)} and waits for the next period; "
            "--advance pays it all the same",
        )
    guards.in_dispute(one, terms, asks)
    amount = min(one.net + one.rounding, asks)
    parts, granted, held = _parts(one, terms, amount, asks)
    found = sending.way(
        amount,
        around.rails(terms.source.bank),
        terms.rails,
        day,
        around.calendar,
        within=terms.to.bank.casefold() == terms.source.bank.casefold(),
    )
    if isinstance(found, str):
        raise Refused("rail", found)
    return Line(
        of=one,
        amount=amount,
        claims=granted,
        held=held,
        parts=parts,
        terms=terms,
        day=found.day,
        transfers=_transfers(one, terms, found),
        warnings=tuple(guards.warnings(one, terms, found, around)),
    )


def _parts(
    one: Settlement, terms: Terms, amount: Decimal, asks: Decimal
) -> tuple[tuple[Part, ...], Decimal, Decimal]:
    """Return the postings of a payment, what of claims their statement grants, and what stays on the payable.

    What the books owe for the settlement beyond the payment is granted, where the statement asks no more than we pay
    and open claims come to it; else it stays on the payable.
    """
    rest = one.gross - one.granted - one.granted_vat + one.withheld + one.rounding - amount
    taken = _granted(one, rest) if asks == amount and one.stated is not None else ()
    claims = sum((c.amount for c in taken), ZERO)
    held, of = rest - claims, one.component
    if held < ZERO or held >= one.gross:
        raise Refused(
            "unexplained",
            f"the books owe {plain(rest + amount)} for it (gross {plain(one.gross)}, commission with VAT "
            f"{plain(one.granted + one.granted_vat)}, withheld {plain(one.withheld)}), less than {plain(amount)}; "
            "list it by hand",
        )
    billed = "Unbilled" if one.state == "unbilled" else "Invoiced"
    parts = [
        Part(f"Liabilities:Payable:{of}:{billed}", one.gross - held),
        Part(f"Assets:Receivable:Commission:{of}", -one.granted - one.granted_vat),
        Part(f"Assets:Claims:Partner:{of}", -claims, taken),
        Part("Assets:Tax:PPh23-Prepaid", one.withheld),
        Part(terms.rounding, one.rounding),
        Part(f"Assets:Clearing:Settlement-In-Transit:{of}", -amount),
    ]
    return tuple(p for p in parts if p.amount), claims, held


def _granted(one: Settlement, rest: Decimal) -> tuple[Claim, ...]:
    """Return the open claims that their statement grants: those classes of them that come to just the rest.

    None where nothing is left, and none where several classes could be meant: nothing is guessed.
    """
    if rest <= ZERO:
        return ()
    classes: dict[str, list[Claim]] = {}
    for item, class_, amount in one.claimed:
        classes.setdefault(class_, []).append(Claim(item, amount))
    fits = [
        tuple(claim for name in names for claim in classes[name])
        for size in range(1, len(classes) + 1)
        for names in combinations(sorted(classes), size)
        if sum((c.amount for name in names for c in classes[name]), ZERO) == rest
    ]
    return tuple(sorted(fits[0], key=lambda c: c.item)) if len(fits) == 1 else ()


def _transfers(one: Settlement, terms: Terms, found: Way) -> tuple[Transfer, ...]:
    code = one.link.removeprefix(PREFIX)
    names = {
        "settlement": one.link,
        "code": code,
        "ref": one.ref,
        "counterparty": one.counterparty,
    }
    several = len(found.parts) > 1
    return tuple(
        Transfer(
            number=place,
            settlement=one.link,
            counterparty=one.counterparty,
            reference=f"{code}/{place}" if several else code,
            remark=terms.remark.format(**names),
            to=terms.to,
            amount=part,
            rail=found.rail,
            fee=found.fee,
            day=found.day,
            until=found.until,
        )
        for place, part in enumerate(found.parts, 1)
    )


def _numbered(lines: Sequence[Line]) -> list[Line]:
    """Number the transfers through the whole list."""
    made, number = [], 0
    for line in lines:
        own = tuple(replace(t, number=number + place) for place, t in enumerate(line.transfers, 1))
        number += len(own)
        made.append(replace(line, transfers=own))
    return made
