"""A proposal as plain data: the JSON of ``finops topup``, amounts as text, times of the books' zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from finops_ledger.core.days import zone
from finops_ledger.core.money import ZERO, plain
from finops_ledger.treasury.forecast import Demand, Standing
from finops_ledger.treasury.funding import Option, Proposal, Rules

#: What a partner of whom nothing can be said has in place of figures.
UNKNOWN = "unknown"


def told(
    facts: Mapping[str, Any],
    standing: Standing,
    found: tuple[Demand, Proposal] | None,
    rules: Rules,
    why_not: str,
) -> dict[str, Any]:
    """Return one partner's part of the answer; ``why_not`` where nothing could be proposed."""
    made: dict[str, Any] = {
        **facts,
        "sent_today": plain(facts["sent_today"]),
        "state": UNKNOWN,
        "refused": why_not or None,
        "balance": plain(standing.balance),
        "balance_at": _when(standing.since, rules),
        "in_transit": plain(standing.in_transit),
        "suspect": plain(standing.suspect),
        "pending": plain(standing.pending),
        "unsent": plain(standing.unsent),
        "cover_hours": None,
        "amount": "0",
    }
    if found is not None:
        made |= _proposal(*found, rules)
    return made


def _proposal(demand: Demand, made: Proposal, rules: Rules) -> dict[str, Any]:
    need, span, chosen = made.need, made.horizon, made.chosen
    base = plainly(demand.profile.daily, 0)
    sends = chosen.sends if chosen is not None else ()
    return {
        "state": made.state,
        "cover_hours": None
        if made.cover is None
        else plainly(Fraction(_seconds(made.cover), 3600), 1),
        "cover_until": _when(made.cover_until, rules),
        "safe_until": _when(made.safe_until, rules),
        "usage": "files" if demand.profile.days else "assumed",
        "daily": base,
        "growth": plain(rules.funding.growth),
        "events": _events(made, rules),
        "need": {
            "until": _when(need.until, rules),
            "used_since": plain(need.used),
            "expected": plain(need.expected),
            "selling_days": plainly(need.days, 4),
            "z": plain(need.z),
            "sigma": plain(need.sigma),
            "safety": plain(need.safety),
            "floor": plain(need.floor),
            "threshold": plain(need.threshold),
            "balance": plain(need.standing.balance),
            "in_transit": plain(need.standing.in_transit),
            "pending": plain(need.standing.pending),
            "unsent": plain(need.standing.unsent),
            "total": plain(need.total),
        },
        "amount": plain(made.amount),
        "tax": plain(sum((s.tax for s in sends), ZERO)),
        "transfer": plain(made.transfer),
        "rail": chosen.rail if chosen is not None else None,
        "transfers": [
            {"credited": plain(s.credited), "tax": plain(s.tax), "amount": plain(s.amount)}
            for s in sends
        ],
        "fee": plain(chosen.fee) if chosen is not None else "0",
        "send_at": _when(chosen.send_at, rules) if chosen is not None else None,
        "send_by": _when(made.send_by, rules),
        "credited_at": _when(chosen.credited_at, rules) if chosen is not None else None,
        "late": made.late,
        "next_chance": _when(span.next_send, rules),
        "options": [_option(o, rules) for o in made.options],
        "capped": plain(made.capped),
        "limits": list(made.limits),
        "problems": list(made.problems),
    }


def _option(one: Option, rules: Rules) -> dict[str, Any]:
    return {
        "rail": one.rail,
        "transfers": len(one.sends),
        "fee": plain(one.fee),
        "send_at": _when(one.send_at, rules),
        "send_by": _when(one.send_by, rules),
        "credited_at": _when(one.credited_at, rules),
        "in_time": one.timely,
        "why_not": one.why_not or None,
    }


def _events(made: Proposal, rules: Rules) -> list[str]:
    """Names of the events that the horizon touches."""
    local = zone(rules.partner_zone)
    first, last = (m.astimezone(local).date() for m in (made.need.standing.since, made.need.until))
    return [e.name for e in rules.funding.events if e.first <= last and first <= e.last]


def _when(moment: datetime | None, rules: Rules) -> str | None:
    return (
        None
        if moment is None
        else moment.astimezone(zone(rules.zone)).isoformat(timespec="minutes")
    )


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)


def plainly(value: Fraction, places: int) -> str:
    """Write a fraction with so many decimals, halves up."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return plain(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def totals(made: Sequence[Mapping[str, Any]], banks: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """Add up what leaves each bank on each day, with fees, beside what lies there."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for one in made:
        if one.get("rail") is None:
            continue
        key = one["bank"], one["send_at"][:10]
        held = sums.setdefault(key, {"partners": [], "transfers": 0, "amount": ZERO, "fees": ZERO})
        held["partners"].append(one["partner"])
        held["transfers"] += len(one["transfers"])
        held["amount"] += Decimal(one["transfer"])
        held["fees"] += Decimal(one["fee"])
    found = []
    for (bank, day), held in sorted(sums.items(), key=lambda item: item[0]):
        lies = banks.get(bank)
        leaves = held["amount"] + held["fees"]
        found.append(
            {
                "bank": bank,
                "day": day,
                "partners": held["partners"],
                "transfers": held["transfers"],
                "amount": plain(held["amount"]),
                "fees": plain(held["fees"]),
                "lies": None if lies is None else plain(lies),
                "short": plain(max(leaves - lies, ZERO)) if lies is not None else "0",
            }
        )
    return found
