"""A proposal as it is kept and compared: plain values, all that is approved as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from finops_ledger.core.money import plain
from finops_ledger.treasury.paying import LeftOut, Line
from finops_ledger.treasury.transfers import Account


def told(line: Line) -> dict[str, Any]:
    """Return a line as a proposal keeps it: everything that is approved, as text."""
    one, terms = line.of, line.terms
    return {
        "settlement": one.link,
        "counterparty": one.counterparty,
        "period": [one.period.first.isoformat(), one.period.last.isoformat()] if one.period else [],
        "due": one.due.isoformat() if one.due else "",
        "state": one.state,
        "gross": plain(one.gross),
        "commission": plain(one.granted),
        "vat": plain(one.granted_vat),
        "withheld": plain(one.withheld),
        "claims": plain(line.claims),
        "rounding": plain(one.rounding),
        "net": plain(one.net),
        "stated": plain(one.stated) if one.stated is not None else "",
        "disputed": plain(one.disputed),
        "held": plain(line.held),
        "amount": plain(line.amount),
        "rules": list(one.rule_ids),
        "from": {"account": terms.ledger, **_account(terms.source)},
        "to": _account(terms.to),
        "day": line.day.isoformat(),
        "transfers": [
            {
                "number": t.number,
                "reference": t.reference,
                "remark": t.remark,
                "rail": t.rail,
                "amount": plain(t.amount),
                "fee": plain(t.fee),
                "until": t.until,
            }
            for t in line.transfers
        ],
        "postings": [
            {
                "account": p.account,
                "amount": plain(p.amount),
                "claims": [[c.item, plain(c.amount)] for c in p.claims],
            }
            for p in line.parts
        ],
        "warnings": list(line.warnings),
    }


def told_left(one: LeftOut) -> dict[str, Any]:
    """Return what was left out, as a proposal keeps it."""
    return {
        "settlement": one.of.link,
        "counterparty": one.of.counterparty,
        "due": one.of.due.isoformat() if one.of.due else "",
        "net": plain(one.of.net),
        "guard": one.guard,
        "why": one.why,
    }


def _account(one: Account) -> dict[str, str]:
    return {"bank": one.bank, "number": one.number, "name": one.name, "code": one.code}


#: How an account is told; a document that was read back has its keys in another order.
_ORDER: Final = ("account", "bank", "number", "name", "code")


def changes(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say in which figures two proposals of the same settlements differ, settlement by settlement."""
    then = {str(line["settlement"]): line for line in before}
    lines = {str(line["settlement"]): line for line in now}
    found = []
    for name in sorted({*then, *lines}):
        if name not in lines or name not in then:
            found.append(f"{name} is {'no longer' if name in then else 'not yet'} on the list")
            continue
        for key in then[name]:
            old, new = then[name][key], lines[name].get(key)
            if key not in ("warnings", "state", "rules") and old != new:
                found.append(f"{name}: {key} was {_shown(old)}, is {_shown(new)}")
    return found


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        names = [n for n in _ORDER if n in value] or sorted(value)
        return " ".join(str(value[n]) for n in names if value[n])
    if isinstance(value, list):
        return "; ".join(_shown(v) for v in value) or "nothing"
    return str(value) or "nothing"
