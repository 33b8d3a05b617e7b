"""The state of the books by day (``finops status``), and what they prove (``finops check``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from finops_ledger.books import deposits, unsold, verdicts
from finops_ledger.books.expected import Expected
from finops_ledger.books.loading import Loaded
from finops_ledger.books.registered import register_faults
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.kinds import worst


def status(
    space: Workspace, rolled: list[dict[str, Any]], as_of: date | None = None
) -> dict[str, Any]:
    """Return the verdict of the books and of every counterparty's day up to ``as_of`` (ruling 37).

    ``rolled``: the deposits' roll-forward, of which each day shows its own.
    """
    last = as_of or space.expected.as_of
    by_day = {(d["partner"], d["day"]): d for d in rolled}
    days: list[dict[str, Any]] = []
    expected = space.expected
    for one in verdicts.of_days(expected):
        if last is not None and one.day > last:
            continue
        shown = one.day.isoformat()
        _warn(expected, one, by_day.get((one.counterparty, shown)))
        days.append(
            {
                "day": shown,
                "counterparty": one.counterparty,
                "verdict": one.verdict,
                "reasons": one.reasons,
                "files": _files(space, one),
                "legs": one.legs,
                "deposit": by_day.get((one.counterparty, shown)),
            }
        )
    _unsold(space, days, last)
    return {
        "as_of": last.isoformat() if last else None,
        "verdict": worst([d["verdict"] for d in days]),
        "head": space.state.head,
        "days": days,
    }


def _unsold(space: Workspace, days: list[dict[str, Any]], last: date | None) -> None:
    """Add to the days what stands unknown with suppliers of whom we have no sales: each day from its own on."""
    opened: dict[str, list[str]] = {}
    for one in unsold.items(space, last):
        opened.setdefault(one["counterparty"], []).append(one["opened"].isoformat())
    for who, since in opened.items():
        own = [d for d in days if d["counterparty"] == who]
        for day in sorted(set(since) - {d["day"] for d in own}):
            none: dict[str, Any] = {"files": [], "legs": [], "deposit": None}
            own.append(
                {"day": day, "counterparty": who, "verdict": "breaks", "reasons": [], **none}
            )
            days.append(own[-1])
        for known in own:
            count = sum(s <= known["day"] for s in since)
            if count:
                known["reasons"].append(f"{count} status_unknown")
                known["verdict"] = worst([known["verdict"], "breaks"])
    days.sort(key=lambda d: (d["day"], d["counterparty"]))


def _warn(expected: Expected, one: verdicts.DayVerdict, deposit: dict[str, Any] | None) -> None:
    """Add what does not spoil a day and still wants to be seen (ruling 34): a late file, a low deposit, a suggestion.

    The journal does not say so: its days are the same bytes whenever a file came.
    """
    told = []
    names = {
        s.name
        for leg in one.legs
        for s in expected.needs(expected.legs.of(leg["leg"], one.counterparty), one.counterparty)
    }
    for name in sorted(names):
        if (name, one.day) in expected.late and not expected.state.is_locked(one.day):
            told.append(f"file_late {name}: {expected.late[name, one.day]}")
    if deposit is not None and deposit["below_floor"]:
        told.append(f"deposit below its floor: {deposit['low']} of {deposit['floor']}")
    suggested = sum(leg.get("suggested", 0) for leg in one.legs)
    if suggested:
        told.append(f"{suggested} suggested")
    told += [text for leg in one.legs for text in leg.get("bound_hit", [])]
    if told:
        one.reasons += told
        one.verdict = worst([one.verdict, "warnings"])


def _files(space: Workspace, one: verdicts.DayVerdict) -> list[dict[str, Any]]:
    """The files that a counterparty's day rests on: in, or missing."""
    names: dict[str, bool] = {}
    for leg in one.legs:
        for source in space.expected.needs(
            space.legs.of(leg["leg"], one.counterparty), one.counterparty
        ):
            names[source.name] = source.every == "day"
    made: list[dict[str, Any]] = []
    lacking = {
        r.removeprefix("file_missing ") for r in one.reasons if r.startswith("file_missing ")
    }
    for name in names:
        there = [b for b in space.state.of_source(name) if b.covers[0] <= one.day <= b.covers[1]]
        for batch in there:
            made.append(
                {
                    "source": name,
                    "state": "in",
                    "name": batch.name,
                    "batch": batch.id,
                    "rows": batch.rows,
                }
            )
        part = space.expected.part_missing(name, one.day) or None
        if part or (not there and name in lacking):
            made.append(
                {"source": name, "state": "missing", "name": part, "batch": None, "rows": None}
            )
    return made


@dataclass
class CheckReport:
    """What ``finops check`` found: errors of the books, registers that differ, and the verdict."""

    errors: list[str] = field(default_factory=list)
    registers: list[str] = field(default_factory=list)
    entries: int = 0
    verdict: str = "reconciled"
    as_of: str | None = None
    not_clean: list[dict[str, Any]] = field(default_factory=list)

    @property
    def proven(self) -> bool:
        """Whether the books prove themselves."""
        return not self.errors and not self.registers

    def as_dict(self) -> dict[str, Any]:
        """Return the report as ``check --json`` shows it."""
        return {
            "as_of": self.as_of,
            "proven": self.proven,
            "entries": self.entries,
            "errors": self.errors,
            "registers": self.registers,
            "verdict": self.verdict,
            "not_clean": self.not_clean,
        }


def check(space: Workspace, loaded: Loaded, as_of: date | None = None) -> CheckReport:
    """Prove the books: no error when loaded, registers equal to their items; and the verdict."""
    state = status(space, deposits.deposits(space, loaded, as_of), as_of)
    return CheckReport(
        errors=loaded.messages(),
        registers=register_faults(space),
        entries=len(loaded.entries),
        verdict=state["verdict"],
        as_of=state["as_of"],
        not_clean=[
            {k: d[k] for k in ("day", "counterparty", "verdict", "reasons")}
            for d in state["days"]
            if d["verdict"] in ("incomplete", "breaks")
        ],
    )
