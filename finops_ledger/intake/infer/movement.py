"""Which of the columns of money is the amount, by what sums prove, else by names, else a question."""

from __future__ import annotations

import re

from finops_ledger.intake.infer import words
from finops_ledger.intake.infer.amounts import MONEY, Amounts, balance_of
from finops_ledger.intake.infer.draft import UNDECIDED, toml
from finops_ledger.intake.infer.look import Look
from finops_ledger.intake.infer.money import Movement
from finops_ledger.intake.infer.spared import readings, spared


def choose_amounts(found: Amounts, look: Look, role: str | None = None) -> None:
    """Decide which columns are the amount, the balance and other money; what nothing proves stays a question.

    Of a supplier's file (role supply, deposit) the sign must be proven or told: a price has none.
    """
    names = list(found.values)
    balance = balance_of(found.values)
    debit = [n for n in names if words.is_one(n, words.DEBIT)]
    credit = [n for n in names if words.is_one(n, words.CREDIT)]
    amount = [n for n in names if words.bare(n) in words.NAMES["amount"]]
    taken: set[str] = set() if balance is None else {balance}
    proven = _distinct(found.moves)
    by_status = spared(look, found.values, balance) if balance is not None and not proven else []
    deposit = role in {"supply", "deposit"}
    beside = _left_out(found, proven[0], [*debit, *credit]) if len(proven) == 1 else []
    if beside:
        why = (
            f"decide: {_name(proven[0])} moves {balance!r} from the second record on, and "
            f"{', '.join(map(repr, beside))} is filled where no balance stands before it"
        )
        found.chosen["amount"] = UNDECIDED, why
    elif len(proven) == 1:
        move = proven[0]
        why = (
            f"proven: each {balance!r} is the one before plus this, {move.held:,} of {move.steps:,}"
        )
        found.chosen["amount"] = _of(found, move), why
        taken |= {n for n in (move.amount, move.debit, move.credit) if n}
        if move.order:
            found.order, found.why_order = move.order, "as the running balance is walked"
    elif len(proven) > 1:
        told = "; ".join(_name(m) for m in proven)
        found.chosen["amount"] = (
            UNDECIDED,
            f"decide: each of these moves {balance!r} as it stands: {told}",
        )
    elif len(by_status) == 1 and balance is not None:
        one = by_status[0]
        found.chosen["amount"] = one.field(), one.told(balance)
        found.chosen["balance"] = balance, "by its name; it proves the amount"
        taken.add(one.amount)
        found.order, found.why_order = one.order, "as the running balance is walked"
    elif by_status:
        found.chosen["amount"] = UNDECIDED, f"decide: {balance!r} fits each: {readings(by_status)}"
    elif len(debit) == 1 and len(credit) == 1:
        why = "by their names" + (f"; {balance!r} does not follow from them" if balance else "")
        pair: dict[str, object] = {"debit": debit[0], "credit": credit[0]}
        low = [v for n in (debit[0], credit[0]) for v in found.values[n] if v is not None and v < 0]
        below = [v for v in found.values[debit[0]] if v]
        if below and all(v < 0 for v in below):
            why += (
                f"; decide: every {debit[0]!r} has a minus: sum = [{debit[0]!r}, {credit[0]!r}] where it "
                "takes off, debit and credit with signed = true where it gives back"
            )
            found.chosen["amount"] = UNDECIDED, why
            pair = {}
        elif low:
            pair["signed"] = UNDECIDED
            why += f"; decide: {low[0]} stands there; signed = true takes it off, or the sign says nothing"
        if pair:
            found.chosen["amount"] = pair, why
        taken |= {debit[0], credit[0]}
    elif len(amount) == 1 and (beside := _unexplained(found, amount[0], taken)):
        told = ", ".join(map(repr, beside))
        why = f"decide: {amount[0]!r} alone, or with {told} added or taken off: no sum tells"
        found.chosen["amount"] = UNDECIDED, why
    elif deposit and (one_price := _unsigned(found, amount, taken)) is not None:
        negated = toml({"column": one_price, "negate": True})
        found.chosen["amount"] = (
            UNDECIDED,
            (
                f"decide: no balance proves the sign, it must be told: {negated} where it leaves the deposit, "
                f"{toml(one_price)} where it comes in; with zero_when_status for statuses that take nothing"
            ),
        )
    elif len(amount) == 1 and not _rivals(found, amount[0], taken):
        found.chosen["amount"] = (
            _marked(found, amount[0]),
            "by its name; nothing in the file proves it",
        )
        taken.add(amount[0])
    else:
        listed = amount if len(amount) > 1 else [n for n in names if n not in taken]
        if listed:
            told = ", ".join(repr(n) for n in listed)
            sale = ""
            if role in {None, "sale"} and _priced(names):
                sale = "; of a sale it is price less discounts: leave it out"
            elif deposit:
                sale = "; what leaves the deposit is negative: the sign must be told, see negate"
            found.chosen["amount"] = (
                UNDECIDED,
                f"decide: the control amount; candidates: {told}{sale}",
            )
    if "balance" in found.chosen:
        pass
    elif balance is not None and proven:
        held = f"{proven[0].held:,} of {proven[0].steps:,} follow from the one before"
        found.chosen["balance"] = balance, f"by its name; {held}"
    elif balance is not None:
        why = f"decide, or leave out: {balance!r}, by its name alone; no column of amounts moves it"
        found.chosen["balance"] = UNDECIDED, why
    for name in MONEY:
        fits = [n for n in names if words.bare(n) in words.NAMES[name] and n not in taken]
        if len(fits) == 1:
            found.chosen[name] = _with_own(found, fits[0]), "by its name"
            taken.add(fits[0])
        elif fits:
            found.chosen[name] = UNDECIDED, f"decide, or leave out: {', '.join(map(repr, fits))}"


def _left_out(found: Amounts, move: Movement, sides: list[str]) -> list[str]:
    """Return columns of debits or credits that hold money and take no part in a proof."""
    part = {move.amount, move.debit, move.credit}
    return [n for n in sides if n not in part and any(found.values[n])]


def _unsigned(found: Amounts, amount: list[str], taken: set[str]) -> str | None:
    """Return the one column of an amount or price, where no mark and no minus tells its sign."""
    priced = [n for n in found.values if words.bare(n) in words.NAMES["price"]]
    one = amount or priced
    if len(one) != 1 or found.marker is not None or _rivals(found, one[0], taken):
        return None
    return one[0] if all(v is None or v >= 0 for v in found.values[one[0]]) else None


def _priced(names: list[str]) -> bool:
    return any(words.bare(n) in words.NAMES["price"] for n in names)


def _rivals(found: Amounts, amount: str, taken: set[str]) -> list[str]:
    """Return other columns of money whose name says nothing: each might be the amount."""
    named = {b for f in (*MONEY, "balance") for b in words.NAMES[f]}
    return [n for n in found.values if n != amount and n not in taken and words.bare(n) not in named
            and not words.is_one(n, (*words.DEBIT, *words.CREDIT))]  # fmt: skip


def _unexplained(found: Amounts, amount: str, taken: set[str]) -> list[str]:
    """Return columns of fees and the like that no sum ties to the amount: it may be before or after them."""
    tied = {
        n for whole, parts in found.equations for n in (whole, *parts) if amount in (whole, *parts)
    }
    named = {b for f in ("fee", "commission", "vat", "withheld") for b in words.NAMES[f]}
    return [n for n in found.values if n not in {*taken, *tied, amount} and any(found.values[n])
            and (words.bare(n) in named or re.search(r"fee|biaya|admin|tax|ppn", n.lower()))]  # fmt: skip


def _distinct(moves: list[Movement]) -> list[Movement]:
    """Leave out proofs that say the same in more columns than they need."""
    marked = [m for m in moves if m.marker]
    paired = {n for m in moves for n in (m.debit, m.credit) if n}
    return marked or [m for m in moves if m.amount not in paired]


def _name(move: Movement) -> str:
    if move.amount is not None:
        sign = "minus " if move.negate else ""
        return (
            sign + repr(move.amount) + (f" by the marks of {move.marker!r}" if move.marker else "")
        )
    return f"{move.credit!r} less {move.debit!r}"


def _of(found: Amounts, move: Movement) -> object:
    if move.added:
        return {"sum": [move.credit, move.debit]}
    if move.amount is None:
        pair: dict[str, object] = {"debit": move.debit, "credit": move.credit}
        return {**pair, "signed": True} if move.signed else pair
    if move.marker is not None:
        return _marked(found, move.amount)
    if move.negate:
        return {"column": move.amount, "negate": True}
    return _with_own(found, move.amount)


def _marked(found: Amounts, column: str) -> object:
    if found.marker is None:
        return _with_own(found, column)
    name, debit, credit = found.marker
    if not debit or not credit:  # the other mark has not been met
        return {
            "column": column,
            "marker": name,
            "debit_mark": debit or [UNDECIDED],
            "credit_mark": credit or [UNDECIDED],
        }
    return {"column": column, "marker": name, "debit_mark": debit, "credit_mark": credit}


def _with_own(found: Amounts, column: str) -> object:
    if column not in found.own:
        return column
    spec = found.own[column]
    if not found.seen[column].decided:
        return {"column": column, "numbers": {"decimal": UNDECIDED, "thousands": UNDECIDED}}
    return {"column": column, "numbers": {"decimal": spec.decimal, "thousands": spec.thousands}}
