"""What lies with each partner at a moment: the deposit, what is on its way to it, and what is still to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from finops_ledger.books import items, statement, usage
from finops_ledger.books.jobs import component_of
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.days import Window
from finops_ledger.core.money import ZERO, quantum
from finops_ledger.posting.store import LineStore
from finops_ledger.recon.legs import SALE_SUPPLY, TOPUP_BANK
from finops_ledger.sop.model import Sop
from finops_ledger.sop.taxing import TopupTax
from finops_ledger.subledger import engine as en
from finops_ledger.treasury.forecast import Span, Standing
from finops_ledger.treasury.funding import Tax, coming, no_tax

_DAY: Final = timedelta(days=1)
TRANSIT: Final = "Assets:Clearing:Deposit-In-Transit:"
DEPOSIT: Final = "Assets:Deposits:"
#: What was sent and what was credited stands on the transit account by files; what #recon and people move there is
#: told by the items.
_FILES: Final = frozenset({"bank", "supply", "deposit"})


@dataclass(frozen=True)
class Lying:
    """What the books say on deposits, up to ``last``, the local day of ``at``: one look at journal and items.

    ``moves``: by account, the day and amount of each movement. ``waiting``: every open item. ``reconciled``: by
    partner, the last day on which top-ups and bank were reconciled.
    """

    space: Workspace
    at: datetime
    last: date
    moves: Mapping[str, list[tuple[date, Decimal]]]
    waiting: Sequence[Mapping[str, Any]]
    reconciled: Mapping[str, date]

    def stands(self, account: str, until: date | None = None) -> Decimal:
        """Return what stands on an account at the end of a day."""
        until = until or self.last
        return sum((amount for day, amount in self.moves[account] if day <= until), ZERO)

    def sent_today(self, sop: Sop) -> Decimal:
        """Return what the bank's lines of the day say was sent."""
        mine = self.moves[TRANSIT + component_of(self.space, sop.counterparty)]
        return sum((n for day, n in mine if day == self.last and n > 0), ZERO)

    def others(self, sop: Sop) -> Decimal:
        """Return what lies with all other partners."""
        mine = DEPOSIT + component_of(self.space, sop.counterparty)
        return sum(
            (self.stands(a) for a in self.moves if a.startswith(DEPOSIT) and a != mine), ZERO
        )

    def banks(self) -> dict[str, Decimal]:
        """Return what lies in each bank."""
        return {bank: self.stands(account) for bank, account in bank_accounts(self.space).items()}

    # --- one partner --------------------------------------------------------------------------

    def windows(self, sop: Sop) -> dict[date, Span]:
        """Return from when until when each day ran whose file is in, the one that moves the deposit."""
        found: dict[date, Span] = {}
        for source in self.space.config.sources:
            if source.counterparty != sop.counterparty or source.role not in ("supply", "deposit"):
                continue
            for day in self.space.expected.in_days(source.name):
                if source.role == statement.mover(self.space, sop.counterparty, day):
                    window = _window(sop, day)
                    span = window.closes(day - _DAY), window.closes(day)
                    if span[1] <= self.at:
                        found[day] = span
        return dict(sorted(found.items()))

    def of(self, sop: Sop, windows: Mapping[date, Span]) -> tuple[Standing, date, bool | None]:
        """Return what lies with a partner, the last whole day that its files cover, and whether that day ties.

        Where the books and the partner's statement differ, the lower balance counts: what the partner does not see
        cannot be drawn, and what we do not see may be claimed. None: the statement states no balance.
        """
        who, unit = sop.counterparty, quantum(self.space.config.company.currency)
        beyond = self._beyond(sop, windows)
        ours = self.stands(DEPOSIT + component_of(self.space, who), beyond.day)
        theirs = self._stated(sop, beyond.day)
        sent, overdue, lost = self._sent(sop, beyond)
        tax = on_top(sop.on(self.last).deposit.tax, self.last)
        standing = Standing(
            since=beyond.since,
            balance=(ours if theirs is None else min(ours, theirs)) + beyond.moved,
            in_transit=coming(sent, tax, unit),
            suspect=overdue + lost,
            pending=self._pending(who, beyond.day),
            unsent=self._unsent(who),
        )
        return standing, beyond.day, None if theirs is None else ours == theirs

    def _beyond(self, sop: Sop, windows: Mapping[date, Span]) -> _Beyond:
        """What rows say of the day that has not ended at ``at``: up to that moment, and nothing after it."""
        space, ended = self.space, max(windows, default=None)
        day = ended if ended is not None else space.config.company.start - _DAY
        listed = usage.batches(space, sop.counterparty, day + _DAY, self.last + _DAY)
        files = [b for b in listed if b.rows]
        since = windows[ended][1] if ended is not None else None
        if not files:
            return _Beyond(day if ended is not None else self.last, since or self.at)
        store = LineStore(space.local, space.root, space.registry, space.state)
        store.load_batches(files, roles=("supply", "deposit"))
        known = self.reconciled.get(sop.counterparty, date.min)
        moment = f"timestamptz {en.literal(self.at.isoformat())}"
        parts = (
            f"select kind, d_deposit, stated_at, day_post, coalesce(stated_at <= {moment}, true) as by_then "
            f"from {role}_lines where disposition <> 'known' and day_post > date '{day}'"
            for role in ("supply", "deposit")
        )
        topups = "sum(d_deposit) filter (kind = 'topup' and"
        row = space.local.rows(
            "select coalesce(sum(d_deposit) filter (by_then), 0) as moved, "
            "max(stated_at) filter (by_then) as latest, bool_or(not by_then) as more, "
            f"coalesce({topups} by_then and day_post > date '{known}'), 0) as credited, "
            f"coalesce({topups} not by_then and day_post <= date '{known}'), 0) as later "
            f"from ({' union all '.join(parts)})"
        )[0]
        reached = since or _window(sop, files[0].covers[0]).closes(files[0].covers[0] - _DAY)
        if row["more"]:
            reached = self.at
        elif row["latest"] is not None:
            reached = max(reached, row["latest"])
        told = [Decimal(row[name]) for name in ("moved", "credited", "later")]
        return _Beyond(day, reached, *told)

    def _sent(self, sop: Sop, beyond: _Beyond) -> tuple[Decimal, Decimal, Decimal]:
        """What was sent and is awaited, what should be there by now, and what is on the break list.

        Items say it as of the last day that was reconciled. What the bank sent after that day is added, and what the
        partner has credited after it is taken off: it is in the balance already.
        """
        who = sop.counterparty
        known = self.reconciled.get(who, date.min)
        awaited = overdue = lost = ZERO
        for item in self.waiting:
            if (item["leg"], item["counterparty"]) != (TOPUP_BANK, who):
                continue
            if item["left"] is None or item["right"] is not None:
                continue
            amount = max(Decimal(item["left"]["amount"]), ZERO)
            if item["class"] != "timing":
                lost += amount
                continue
            awaited += amount
            if (item["breaks_on"] or "9999") <= beyond.day.isoformat():
                overdue += amount
        moves = self.moves[TRANSIT + component_of(self.space, who)]
        after = [(day, n) for day, n in moves if known < day <= self.last]
        awaited += sum((n for _, n in after if n > 0), ZERO)
        awaited += sum((n for day, n in after if n < 0 and day <= beyond.day), ZERO)
        awaited = max(awaited + beyond.credited_later - beyond.credited, ZERO)
        overdue = min(overdue, awaited)
        return awaited - overdue, overdue, lost

    def _unsent(self, who: str) -> Decimal:
        """What the partner has credited beyond what was sent, and may take back: breaks of top-ups in our favour."""
        return -sum(
            (
                min(Decimal(item["residue"]) + Decimal(item["claimed"]), ZERO)
                for item in self.waiting
                if (item["leg"], item["counterparty"]) == (TOPUP_BANK, who)
                and item["class"] == "topup_mismatch"
            ),
            ZERO,
        )

    def _pending(self, who: str, day: date) -> Decimal:
        """What was ordered and not yet drawn: what waits for a row of the partner's.

        At the cost that the sale has posted; a pending one has posted none, and counts at what the customer paid.
        What only crossed the cut-off of the last whole day is not counted: the time since is estimated.
        """
        total = ZERO
        for item in self.waiting:
            if (item["leg"], item["counterparty"]) != (SALE_SUPPLY, who):
                continue
            if item["right"] is not None or item["left"] is None:
                continue
            crossed = item["class"] == "timing" and item["opened"] >= day.isoformat()
            if item["class"] in ("pending", "timing") and not crossed:
                posted = abs(Decimal(item["left"]["amount"]))
                total += posted or Decimal(item["exposure"])
        return total

    def _stated(self, sop: Sop, day: date) -> Decimal | None:
        """The closing balance that the partner's file of a day states."""
        closing = None
        for batch in usage.batches(self.space, sop.counterparty, day, day):
            if batch.covers[1] == day and batch.line["stated"]["closing"] is not None:
                closing = Decimal(batch.line["stated"]["closing"])
        return closing


@dataclass(frozen=True, slots=True)
class _Beyond:
    """The last whole day of a partner's files, and what rows say from there to ``since``: the balance's moment.

    ``credited``: top-ups in ``moved`` that no reconciliation has seen; ``credited_later``: such as one has seen, and
    that came only after the moment.
    """

    day: date
    since: datetime
    moved: Decimal = ZERO
    credited: Decimal = ZERO
    credited_later: Decimal = ZERO


def lying(space: Workspace, loaded: Loaded, at: datetime, last: date) -> Lying:
    """Gather what the books say on deposits at a moment."""
    wanted: dict[str, list[tuple[date, Decimal]]] = {a: [] for a in bank_accounts(space).values()}
    for sop in space.registry.named("supplier"):
        component = component_of(space, sop.counterparty)
        wanted |= {DEPOSIT + component: [], TRANSIT + component: []}
    for entry in loaded.transactions():
        for posting in entry.postings:
            moved = wanted.get(posting.account)
            if moved is None or (posting.account.startswith(TRANSIT) and not entry.tags & _FILES):
                continue
            moved.append((entry.date, posting.units.number))
    lines = items.last_lines(space, last)
    reconciled = {
        line["counterparty"]: date.fromisoformat(line["day"])
        for line in lines
        if line["leg"] == TOPUP_BANK
    }
    waiting = items.open_items(space, last, everything=True)
    return Lying(space, at, last, wanted, waiting, reconciled)


def on_top(tax: TopupTax, day: date) -> Tax:
    """Return what is paid on top of a top-up on a day; nothing where the tax is taken on use."""
    return partial(tax.of, day=day) if tax.taken and tax.on == "deposit" else no_tax


def bank_accounts(space: Workspace) -> dict[str, str]:
    """Return the account of each bank, by its counterparty."""
    return {
        str(s.counterparty): s.account or f"Assets:Bank:{s.counterparty}"
        for s in space.config.sources
        if s.role == "bank" and s.counterparty
    }


def _window(sop: Sop, day: date) -> Window:
    supply = sop.on(day).supply
    return supply.window.window() if supply is not None else Window()
