"""Which files are expected, which are in, and so which legs of which days are complete (ruling 27)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from finops_ledger.books import files_due
from finops_ledger.books.config import Config, Source
from finops_ledger.core.days import days
from finops_ledger.recon.legs import (
    EVERYBODY,
    GATEWAY_FEE,
    LEGS,
    PAYMENT_BANK,
    SUPPLY_STATEMENT,
    Leg,
    Legs,
)
from finops_ledger.sop import contracts
from finops_ledger.sop.registry import Registry
from finops_ledger.subledger.manifest import Batch, LegsOf, State


@dataclass(frozen=True)
class Expected:
    """The calendar of files of one workspace, as far as committed files reach."""

    config: Config
    registry: Registry
    state: State
    legs: Legs = field(default_factory=Legs)

    @cached_property
    def as_of(self) -> date | None:
        """The latest day that any committed file covers."""
        # A financial report is a statement about the books, not one of the files that they wait for.
        reports = {s.name for s in self.config.sources if s.role == "report"}
        found = (max(covered) for name, covered in self._covered.items() if name not in reports)
        return max(found, default=None)

    def in_days(self, source: str) -> set[date]:
        """Days that committed files of a source cover, with all parts of a day in parts."""
        return self._covered.get(source, set()) - self._parts_missing.get(source, {}).keys()

    @cached_property
    def _parts_missing(self) -> dict[str, dict[date, str]]:
        """By source of days in parts, and day: which parts of those begun are not in."""
        parts: dict[str, dict[date, dict[int, int]]] = {}
        for batch in self.state.batches.values():
            if batch.part is not None:
                for day in days(*batch.covers):
                    number, count = batch.part
                    parts.setdefault(batch.source, {}).setdefault(day, {})[number] = count
        found: dict[str, dict[date, str]] = {}
        for source, by_day in parts.items():
            for day, there in by_day.items():
                count = max(there.values())
                gone = [n for n in range(1, count + 1) if n not in there]
                if gone:
                    listed = ", ".join(map(str, gone[:5])) + (" …" if len(gone) > 5 else "")
                    found.setdefault(source, {})[day] = f"part {listed} of {count}"
        return found

    def part_missing(self, source: str, day: date) -> str:
        """Return which parts a day that has begun still waits for (``part 2 of 3``), else nothing."""
        return self._parts_missing.get(source, {}).get(day, "")

    @cached_property
    def defects(self) -> dict[tuple[str, date], Batch]:
        """The files, by source and day, of which rows were refused."""
        return files_due.defects(self.state)

    @cached_property
    def late(self) -> dict[tuple[str, date], str]:
        """The files, by source and day, that came after they were due: when, and when they should have come."""
        told = files_due.came_late(self.config, self.state)
        return {(name, day): text for name in told for day, late, text in told[name] if late}

    @cached_property
    def _first(self) -> dict[str, date]:
        """The first day of each source that has files."""
        return {source: min(covered) for source, covered in self._covered.items()}

    @cached_property
    def _begins(self) -> dict[str, date]:
        """The first day on which rows of each source post: an order may be paid before its source's first file."""
        found = dict(self._first)
        for batch in self.state.batches.values():
            posts = [d for d in batch.days if d >= self.config.company.start]
            found[batch.source] = min([found[batch.source], *posts])
        return found

    @cached_property
    def _covered(self) -> dict[str, set[date]]:
        """Days by source, counted once: an Expected stands for the state as it was when it was made."""
        found: dict[str, set[date]] = {}
        for batch in self.state.batches.values():
            found.setdefault(batch.source, set()).update(days(*batch.covers))
        return found

    def missing(self, source: Source, last: date | None = None) -> list[date]:
        """Days between a source's first file and the as-of day for which no file is in."""
        until = last or self.as_of
        first, covered = self._first.get(source.name), self.in_days(source.name)
        if first is None or until is None or source.every == "none" or source.role == "report":
            return []
        return [d for d in days(first, until) if d not in covered]

    def feeding(self, role: str, counterparty: str) -> list[Source]:
        """Sources of a role whose rows can be about a counterparty."""
        return [s for s in self.config.sources if s.role == role and self._about(s, counterparty)]

    def _about(self, source: Source, counterparty: str) -> bool:
        if counterparty == EVERYBODY or (source.role == "bank" and not self._is_bank(counterparty)):
            return True
        if source.role == "sale" and self._is_gateway(counterparty):
            return source.gateway in (None, counterparty)
        return source.counterparty == counterparty or (
            source.role == "sale" and source.counterparty is None
        )

    def _is_gateway(self, counterparty: str) -> bool:
        sop = self.registry.sops.get(counterparty)
        return sop is not None and sop.type == "gateway"

    def _is_bank(self, counterparty: str) -> bool:
        sop = self.registry.sops.get(counterparty)
        return sop is not None and sop.type == "bank"

    def _charges(self, counterparty: str) -> bool:
        versions = self.registry.sops[counterparty].versions
        return any(v.settlement is not None and v.settlement.fee is not None for v in versions)

    def needs(self, leg: Leg, counterparty: str) -> list[Source]:
        """Sources whose files a leg of a counterparty cannot do without."""
        key = (leg.name, counterparty)
        if key not in self._needs:
            left, right = self._left(leg, counterparty), self._right(leg, counterparty)
            self._needs[key] = list({s.name: s for s in [*left, *right]}.values())
        return self._needs[key]

    @property
    def whole_roles(self) -> frozenset[str]:
        """Roles of the rows that the company's own legs read."""
        return frozenset(role for leg in self.legs.own for role in leg.roles)

    def _left(self, leg: Leg, counterparty: str) -> list[Source]:
        return self._chosen(leg, 0) if leg.declared else self.feeding(leg.left, counterparty)

    def _chosen(self, leg: Leg, at: int) -> list[Source]:
        """Sources of one side of a company's own leg, as it names them."""
        found = []
        for rows in (leg.left_rows, leg.right_rows)[at]:
            named = getattr(rows, "sources", ())
            feeding = self.feeding(rows.role, leg.who)
            found += [s for s in self.config.sources if s.name in named] if named else feeding
        return found

    def _right(self, leg: Leg, counterparty: str) -> list[Source]:
        if leg.declared:
            return self._chosen(leg, 1)
        roles = [role for role in (leg.right, leg.stated) if role]
        return [s for role in roles for s in self.feeding(role, counterparty)]

    def _serves(self, source: Source, leg: Leg, counterparty: str, day: date) -> bool:
        """Say whether a leg of a day is made of a source's rows: one file of a partner moves its deposit."""
        if leg.declared:
            return True
        if source.role == "deposit":
            return self.registry.stated(counterparty, day)
        moves = leg.stated and source.role == leg.right
        return not (moves and self.registry.stated(counterparty, day))

    def _states(self, counterparty: str) -> bool:
        return self.registry.sops[counterparty].stated_from is not None

    def _is_paid(self, counterparty: str) -> bool:
        return "postpaid" in self.registry.sops[counterparty].models

    @cached_property
    def _needs(self) -> dict[tuple[str, str], list[Source]]:
        return {}

    def parties(self) -> Iterator[tuple[Leg, str]]:
        """Every leg with every counterparty that has sources for it, in running order.

        A gateway that sends no report keeps its list of unsettled orders all the same; likewise a report
        without our sales, and top-ups without the bank's statement.
        """
        suppliers = [s.counterparty for s in self.registry.named("supplier")]
        gateways = [s.counterparty for s in self.registry.named("gateway")]
        banks = [s.counterparty for s in self.registry.named("bank")]
        parties = {"supplier": suppliers, "gateway": gateways, "bank": banks, "none": [EVERYBODY]}
        only_some = {
            GATEWAY_FEE: self._charges,
            SUPPLY_STATEMENT: self._states,
            PAYMENT_BANK: self._is_paid,
        }
        for leg in self.legs:
            who = [leg.who] if leg.declared else parties[leg.party]
            only = only_some.get(leg.name)
            for counterparty in filter(only, who) if only else who:
                left, right = self._left(leg, counterparty), self._right(leg, counterparty)
                # Such a leg keeps its list of open items with the files of one side alone: a gateway without a
                # report, a report without sales, top-ups without a bank's statement.
                alone = leg.one_sided and bool(left or right)
                if alone or (left and (right or not leg.right)):
                    yield leg, counterparty

    def span(self, leg: Leg, counterparty: str) -> tuple[date, date] | None:
        """First and last day that a leg has to do with; None before its first file."""
        firsts = [
            self._begins[s.name] for s in self.needs(leg, counterparty) if s.name in self._begins
        ]
        if not firsts or self.as_of is None:
            return None
        first = min(firsts)
        if leg.declared:
            return self._declared_span(leg)
        if leg.name == SUPPLY_STATEMENT:
            first = max(first, self.registry.sops[counterparty].stated_from or first)
        return first, self.as_of

    def _declared_span(self, leg: Leg) -> tuple[date, date] | None:
        """A company's own leg begins when both its sides have begun, on the first day that declares it."""
        begins = []
        for at in (0, 1):
            sides = [self._first[s.name] for s in self._chosen(leg, at) if s.name in self._first]
            if not sides:
                return None
            begins.append(min(sides))
        first, last = self.legs.span(leg)
        span = max(first, self.config.company.start, *begins), min(last, self.as_of or last)
        return span if span[0] <= span[1] else None

    def lacking(self, leg: Leg, counterparty: str, day: date) -> list[str]:
        """Sources whose file of the day, or ``agga part 2 of 3``, a leg still waits for.

        None before the first file of any of them.
        """
        waiting: list[str] = []
        needs = self.needs(leg, counterparty)
        if day < min((self._first[s.name] for s in needs if s.name in self._first), default=day):
            return waiting
        for source in self.needs(leg, counterparty):
            if part := self.part_missing(source.name, day):
                waiting.append(f"{source.name} {part}")
                continue
            if source.every == "none" or day in self.in_days(source.name):
                continue
            if not self._serves(source, leg, counterparty, day):
                continue
            first = self._first.get(source.name)
            if first is None or day >= first or leg.left == source.role:
                waiting.append(source.name)
        return waiting


class Touches(LegsOf):
    """Which legs a batch makes stale: those that one of its role's sides belongs to.

    Codes that come into stock make every later sale of them cost something else: all legs of its days. Orders about
    the day on which a gateway's contract changes say under which of the two a payment in a report was.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        suppliers = registry.named("supplier") if registry is not None else []
        self.stocked = {s.counterparty for s in suppliers if "stock" in s.models}
        gateways = registry.named("gateway") if registry is not None else []
        #: The days from which another contract holds, by gateway.
        self.rated = {s.counterparty: [c.first for c in contracts.in_force(s)] for s in gateways}

    def __call__(self, batch: Batch) -> list[tuple[str | frozenset[str], str]]:
        """Pair each leg that reads the batch's role with the counterparty, or with all of them."""
        if batch.role == "supply" and batch.counterparty in self.stocked:
            return [("*", "*")]
        everybody = batch.role in ("sale", "bank") or batch.counterparty is None
        who = "*" if everybody else str(batch.counterparty)
        own = (frozenset(LEGS), "*")  # whatever the company declares itself may read any rows
        rated = [(GATEWAY_FEE, name) for name in self._rated(batch)]
        return [own, *rated, *((leg.name, who) for leg in LEGS.values() if batch.role in leg.roles)]

    def _rated(self, batch: Batch) -> list[str]:
        """The gateways whose contract changes about the days of a file of orders."""
        if batch.role != "sale" or not batch.days:
            return []
        first, last = batch.days[0].toordinal(), batch.days[-1].toordinal()
        span = contracts.RATED.days
        return [
            name
            for name, changes in self.rated.items()
            if any(first - span < c.toordinal() <= last + span for c in changes)
        ]
