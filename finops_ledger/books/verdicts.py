"""The verdict of a counterparty's day, from what is in and what reconciliation found (ruling 34)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from finops_ledger.books import files_due
from finops_ledger.books.expected import Expected
from finops_ledger.core.days import days
from finops_ledger.core.kinds import worst
from finops_ledger.recon.classes import NOT_BREAKS
from finops_ledger.recon.legs import LEGS, SALE_SUPPLY, Leg
from finops_ledger.subledger.manifest import Line


@dataclass
class DayVerdict:
    """One counterparty, one day: the verdict, why, and the lines of its legs."""

    day: date
    counterparty: str
    verdict: str
    reasons: list[str] = field(default_factory=list)
    legs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def missing(self) -> str:
        """What the event directive says: which files are missing, or why the day is not complete."""
        return next(
            (r for r in self.reasons if r.startswith("file_missing")), "; ".join(self.reasons)
        )


def of_leg(expected: Expected, leg: Leg, counterparty: str, day: date) -> tuple[str, list[str]]:
    """Return the verdict of one leg of a day, and its reasons."""
    lacking = expected.lacking(leg, counterparty, day)
    if lacking and not expected.state.is_locked(day):
        return "incomplete", [f"file_missing {name}" for name in lacking]
    line = expected.state.reconciled.get((leg.name, counterparty, day))
    if line is None:
        return "incomplete", [f"not reconciled: {leg.name}"]
    reasons = [f"decision does not fit: {c}" for c in line["conflicts"]]
    reasons += [f"no_price {p}" for p in line["no_price"]]
    if line["bridge"]["residual"] != "0":
        reasons.append(f"bridge of {leg.name} leaves {line['bridge']['residual']}")
    if reasons:
        return "incomplete", reasons
    breaks = {c: o for c, o in line["open"].items() if c not in NOT_BREAKS}
    reasons = [f"{o['count']} {c}" for c, o in sorted(breaks.items())]
    if breaks and "first" in line:
        reasons.append(line["first"])
    reasons += (
        _refused_rows(expected, leg, counterparty, day) if "file_defect" not in breaks else []
    )
    if reasons:
        return "breaks", reasons
    if "pending" in line["open"]:
        return "pending", [f"{line['open']['pending']['count']} pending"]
    return "reconciled", []


def _refused_rows(expected: Expected, leg: Leg, counterparty: str, day: date) -> Iterator[str]:
    """The files of a leg's day of which rows were refused, where no item of the statement says so."""
    for source in expected.needs(leg, counterparty):
        batch = expected.defects.get((source.name, day))
        if batch is not None:
            yield f"file_defect {source.name}: {files_due.refused_rows(batch)}"


def of_days(expected: Expected, wanted: set[date] | None = None) -> Iterator[DayVerdict]:
    """Yield the verdict of each counterparty and day, by day then counterparty."""
    found: dict[tuple[date, str], DayVerdict] = {}
    for leg, counterparty in expected.parties():
        span = expected.span(leg, counterparty)
        if span is None:
            continue
        for day in days(*span):
            if wanted is not None and day not in wanted:
                continue
            if _never_was(expected, leg, counterparty, day):
                continue
            if leg.party == "bank" and not _says_something(expected, leg, counterparty, day):
                continue
            verdict, reasons = of_leg(expected, leg, counterparty, day)
            one = found.setdefault((day, counterparty), DayVerdict(day, counterparty, "reconciled"))
            one.verdict = worst([one.verdict, verdict])
            one.reasons += [r for r in reasons if r not in one.reasons]
            one.legs.append(leg_line(expected, leg, counterparty, day))
    for key in sorted(found):
        one = found[key]
        if any(r.endswith(" file_defect") for r in one.reasons):
            # The balance shows on one leg what the refused rows moved: said once.
            one.reasons = [r for r in one.reasons if not r.startswith("file_defect ")]
        yield one


def _says_something(expected: Expected, leg: Leg, counterparty: str, day: date) -> bool:
    """Say whether a bank's day has anything of its own: lines that no rule names. Else its legs are others'."""
    line = expected.state.reconciled.get((leg.name, counterparty, day))
    return line is not None and bool(line["outcomes"] or line["open"] or line["conflicts"])


def _never_was(expected: Expected, leg: Leg, counterparty: str, day: date) -> bool:
    """Say whether a leg came into being after the day had been closed: nothing is asked of it there."""
    state = expected.state
    return state.is_locked(day) and (leg.name, counterparty, day) not in state.reconciled


def leg_line(expected: Expected, leg: Leg, counterparty: str, day: date) -> dict[str, Any]:
    """Return what ``status --json`` says about a leg of a day."""
    line: Line | None = expected.state.reconciled.get((leg.name, counterparty, day))
    if line is None:
        return {"leg": leg.name, "rows": None, "outcomes": {}, "bridge": None, "open": {}}
    return {
        "leg": leg.name,
        "rows": line["rows"],
        "outcomes": line["outcomes"],
        "bridge": line["bridge"],
        "open": line["open"],
        **{k: line[k] for k in ("suggested", "bound_hit") if line.get(k)},
    }


def incomplete_before(
    expected: Expected, counterparty: str, day: date, leg: Leg = LEGS[SALE_SUPPLY]
) -> bool:
    """Say whether an earlier open day of a leg is not reconciled, so that balances and lists prove nothing yet."""
    span = expected.span(leg, counterparty)
    if span is None:
        return True
    if day < span[0]:
        return True
    first = max(span[0], expected.state.first_open or span[0])
    if day <= first:
        return False
    done = expected.state.days_of.get((leg.name, counterparty), [])
    return bisect_left(done, day) - bisect_left(done, first) != (day - first).days
