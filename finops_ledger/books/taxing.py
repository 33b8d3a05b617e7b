"""Taxes by month: what the table says is due on what the books moved, what was taken or booked, and its slips.

PPN is booked row by row, so that a refund takes back what its sale booked; a return is on the whole of a month. PPh 22
and 23 are taken by partners and credited to us only against their slip: what lacks one is money lost.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books import statement, taxing_gateways
from finops_ledger.books.jobs import component_of
from finops_ledger.books.loading import Loaded
from finops_ledger.books.workspace import Workspace
from finops_ledger.core import taxes
from finops_ledger.core.errors import UsageError
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting import reading
from finops_ledger.sop import levies
from finops_ledger.sop.model import Sop

PPN_OUT: Final = "Liabilities:Tax:PPN-Out"
PPN_IN: Final = "Assets:Tax:PPN-In"
PPH23: Final = "Assets:Tax:PPh23-Prepaid"
#: A slip, as people write it: ``2026-04-10 custom "tax-slip" "AggA" "pph22-phone-credit" "2026-03" "B-17" 50000 IDR``.
SLIP: Final = "tax-slip"
#: What a partner takes at the end of a month may be dated on the first days of the next.
LATE: Final = 5
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_TAGS: Final = ("sale", "recon", "decision")

#: Month, tax, counterparty, category.
Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Line:
    """What is added up for one line: the base, by day; what is expected, where it can be said; what was taken."""

    base: Decimal = ZERO
    expected: Decimal | None = None
    taken: Decimal = ZERO
    slips: Decimal = ZERO
    numbers: list[str] = field(default_factory=list)


def taxes_of(space: Workspace, loaded: Loaded, month: str | None = None) -> list[dict[str, Any]]:
    """Return taxes by month, code, counterparty and category; amounts are text.

    ``base``: without the tax. ``expected``: by the table of taxes on the month's base, None where the books cannot
    say it. ``taken``: booked as output tax, or taken from us. ``slips``: of what was taken, that with a slip;
    ``missing``: without one (None for what needs none). Raises UsageError for a slip that does not read.
    """
    lines: dict[Key, _Line] = defaultdict(_Line)
    for sop in space.registry.named("supplier"):
        _output(space, loaded, sop, lines)
        _collected(space, loaded, sop, lines)
        _withheld(space, loaded, sop, lines)
    _input(loaded, lines)
    for code, when, who, base, due, taken in taxing_gateways.of_gateways(space, loaded):
        line = lines[when, code, who, ""]
        line.base, line.expected, line.taken = base, due, taken
    _slips(space, loaded, lines)
    found = [_shown(key, line) for key, line in sorted(lines.items())]
    return [row for row in found if month in (None, row["month"])]


def _shown(key: Key, line: _Line) -> dict[str, Any]:
    credit = key[1] in (taxes.PPH22, taxes.PPH22_MARKET, taxes.PPH23)
    expected = line.expected
    return {
        "month": key[0],
        "tax": key[1],
        "counterparty": key[2],
        "category": key[3],
        "base": plain(line.base),
        "expected": None if expected is None else plain(expected),
        "taken": plain(line.taken),
        "difference": None if expected is None else plain(line.taken - expected),
        "slips": plain(line.slips) if credit else None,
        "missing": plain(line.taken - line.slips) if credit else None,
        "numbers": line.numbers,
    }


def _month(day: date) -> str:
    return day.isoformat()[:7]


def _moves(loaded: Loaded, who: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield entry, posting and category of everything that names a counterparty."""
    for entry in loaded.transactions():
        if who in (entry.meta.get("partner"), entry.payee):
            for posting in entry.postings:
                yield entry, posting, str((posting.meta or {}).get("category", ""))


# --- value added tax ---------------------------------------------------------------------------


def _output(space: Workspace, loaded: Loaded, sop: Sop, lines: dict[Key, _Line]) -> None:
    """PPN on margins and commissions: booked by row, expected on the whole of the month at each rate in it."""
    who = sop.counterparty
    margins: dict[tuple[str, str, taxes.Tax], Decimal] = defaultdict(lambda: ZERO)
    granted: dict[tuple[str, taxes.Tax], Decimal] = defaultdict(lambda: ZERO)
    commission = f"Assets:Receivable:Commission:{component_of(space, who)}"
    for entry, posting, category in _moves(loaded, who):
        how = sop.on(entry.date).recognition.get(category)
        kind = how.tax if how is not None else ""
        amount, month = posting.units.number, _month(entry.date)
        if posting.account == PPN_OUT and category:
            lines[month, taxes.PPN, who, category].taken -= amount
        if kind == "ppn-margin" and posting.account.startswith(
            ("Income:Gross:", PPN_OUT, "Expenses:COGS:")
        ):
            margins[month, category, taxes.on(taxes.PPN, entry.date)] -= amount
        if (
            posting.account == commission
            and "supply" in entry.tags
            and _by_commission(sop, entry.date)
        ):
            granted[month, taxes.on(taxes.PPN, entry.date)] += amount
    for (month, category, tax), margin in margins.items():
        _expect(lines[month, taxes.PPN, who, category], tax.inside(margin))
    for (month, tax), amount in granted.items():
        taxed = sorted({k[3] for k in lines if k[:3] == (month, taxes.PPN, who)})
        # What a partner's file grants is not parted by category: one line, where there is one.
        if len(taxed) == 1:
            _expect(lines[month, taxes.PPN, who, taxed[0]], tax.inside(amount))


def _by_commission(sop: Sop, day: date) -> bool:
    """Whether all of a partner's commissions of a day bear PPN by the table."""
    version = sop.on(day)
    kinds = {version.recognition[c].tax for c in version.commission if c in version.recognition}
    return kinds == {"ppn-commission"}


def _expect(line: _Line, found: taxes.Taxed) -> None:
    line.base += found.base
    line.expected = (line.expected or ZERO) + found.tax


def _input(loaded: Loaded, lines: dict[Key, _Line]) -> None:
    """Input PPN: what fees and other lines state; what it should be is the contract's (gateway-fee)."""
    for entry in loaded.transactions():
        for posting in entry.postings:
            if posting.account == PPN_IN:
                who = str(entry.meta.get("partner") or entry.payee or "")
                lines[_month(entry.date), "ppn-in", who, ""].taken += posting.units.number


# --- income tax that partners take -------------------------------------------------------------


def _collected(space: Workspace, loaded: Loaded, sop: Sop, lines: dict[Key, _Line]) -> None:
    """PPh 22 on what was credited, or on what was used of the categories that are taxed."""
    if not any(v.deposit.tax.taken for v in sop.versions):
        return
    who = sop.counterparty
    used: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry, posting, category in _moves(loaded, who):
        rule = sop.on(entry.date).deposit.tax
        code = rule.code or taxes.PPH22
        amount = posting.units.number
        if posting.account == rule.account:
            # On use, what is taken on the first days belongs to the month before.
            early = rule.on == "use" and entry.date.day <= LATE
            day = entry.date.replace(day=1) - timedelta(days=1) if early else entry.date
            lines[_month(day), code, who, ""].taken += amount
        elif rule.on == "use" and category in rule.categories and entry.tags & set(_TAGS):
            # Price less margin and tax: all that an entry says of a category adds up to its cost.
            used[_month(entry.date)] += amount
    for day, amount in _credited(space, who):
        rule = sop.on(day).deposit.tax
        if rule.on == "use" or not rule.taken:
            continue
        line = lines[_month(day), rule.code or taxes.PPH22, who, ""]
        line.base += amount
        line.expected = (line.expected or ZERO) + rule.of(amount, day)
    for month, amount in used.items():
        last = _last(month)
        rule = sop.on(last).deposit.tax
        line = lines[month, rule.code or taxes.PPH22, who, ""]
        line.base += amount
        line.expected = (line.expected or ZERO) + rule.of(amount, last)


def _credited(space: Workspace, who: str) -> list[tuple[date, Decimal]]:
    """Each top-up that a partner credited, with its day: what is small enough bears no tax, so sums would not do."""
    batches = [
        b
        for b in space.state.batches.values()
        if b.counterparty == who and b.role in ("supply", "deposit") and statement.moves(space, b)
    ]
    found: list[tuple[date, Decimal]] = []
    for role in sorted({b.role for b in batches}):
        own = [b for b in batches if b.role == role]
        reading.read(space.local, space.root, space.registry, own, space.state, role)
        # A row that several files state is one; identical rows of one file are several.
        rows = space.local.rows(
            "select day, amount, max(n) as n from (select batch, key, amount, "
            "case when partner_day between covers_from and covers_to then partner_day else covers_to end as day, "
            f"count(*) as n from {role}_rows where kind = 'topup' and amount > 0 group by all) "
            "group by key, day, amount order by day, amount"
        )
        found += [(r["day"], r["amount"]) for r in rows for _ in range(r["n"])]
    return found


def _last(month: str) -> date:
    year, number = map(int, month.split("-"))
    return date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)


def _withheld(space: Workspace, loaded: Loaded, sop: Sop, lines: dict[Key, _Line]) -> None:
    """PPh 23 on the commission without VAT, when it was granted; taken by the payment list."""
    who = sop.counterparty
    commission = f"Assets:Receivable:Commission:{component_of(space, who)}"
    if not any(c.withheld for v in sop.versions for c in v.commission.values()):
        return
    for entry, posting, _ in _moves(loaded, who):
        line = (
            lines[_month(entry.date), taxes.PPH23, who, ""]
            if posting.account in (commission, PPH23)
            else None
        )
        if line is None:
            continue
        amount = posting.units.number
        if posting.account == PPH23:
            line.taken += amount
            continue
        rates = {c.withheld for c in sop.on(entry.date).commission.values()}
        if "supply" in entry.tags and len(rates) == 1:
            taxed = _by_commission(sop, entry.date)
            base = taxes.on(taxes.PPN, entry.date).inside(amount).base if taxed else amount
            line.base += base
            due = levies.rate_on(rates.pop(), entry.date).of(base)
            line.expected = (line.expected or ZERO) + due
    for key in [k for k, v in lines.items() if k[1:3] == (taxes.PPH23, who) and v == _Line()]:
        del lines[key]


# --- slips -------------------------------------------------------------------------------------


def _slips(space: Workspace, loaded: Loaded, lines: dict[Key, _Line]) -> None:
    """Slips that people hold, each named once."""
    from beancount.core.data import Custom

    seen: dict[tuple[str, str], str] = {}
    for entry in loaded.entries:
        if not isinstance(entry, Custom) or entry.type != SLIP:
            continue
        place = loaded.place(entry.meta)
        values = [v.value for v in entry.values]
        if len(values) != 5 or not all(isinstance(v, str) for v in values[:4]):
            raise UsageError(
                f'{place}: write {entry.date} custom "{SLIP}" "<counterparty>" "<tax>" "<month>" "<number>" <amount>'
            )
        who, code, month, number, amount = values
        if code not in taxes.codes():
            raise UsageError(f"{place}: unknown tax {code!r}: known are {', '.join(taxes.codes())}")
        if who not in space.registry.sops:
            raise UsageError(f"{place}: there is no SOP of {who!r}")
        if not _MONTH.fullmatch(month):
            raise UsageError(f"{place}: the month is {month!r}; write it like 2026-03")
        if (who, number) in seen:
            raise UsageError(
                f"{place}: slip {number} of {who} stands at {seen[who, number]} already"
            )
        seen[who, number] = place
        if amount.currency != space.registry.currency:
            raise UsageError(
                f"{place}: the slip is in {amount.currency}, the books are in {space.registry.currency}"
            )
        line = lines[month, code, who, ""]
        line.slips += amount.number
        line.numbers.append(number)
