"""Invoices that list bills, compared bill by bill with the rows that the supplier delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finops_ledger.books.settling_rows import ALONE, bare
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.tables import SUM
from finops_ledger.sop.schedule import Period

#: So many bills are named, and the rest counted.
_NAMED: Final = 3
_FIRST: Final = f"list_slice(list(ref order by ref), 1, {_NAMED})"


@dataclass(frozen=True, slots=True)
class Apart:
    """Bills that an invoice and the rows do not both have, or with another amount: how many, the first, their sum.

    ``amount``: by how much these bills make the invoice more than the rows.
    """

    count: int
    amount: Decimal
    refs: tuple[str, ...]

    def told(self) -> str:
        """Name the first bills, and count the rest."""
        more = self.count - len(self.refs)
        return ", ".join(self.refs) + (f" and {more} more" if more else "")


@dataclass(frozen=True, slots=True)
class Bills:
    """What is apart between the rows and the invoices of all suppliers that list bills.

    ``beyond`` and ``other``, by supplier and code: bills that no row has; bills of another amount. ``without``, by
    supplier and day: rows that no invoice lists.
    """

    beyond: dict[tuple[str, str], Apart]
    other: dict[tuple[str, str], Apart]
    without: dict[tuple[str, date], Apart]

    def notes(
        self, who: str, codes: Iterable[str], period: Period | None, difference: Decimal
    ) -> Iterator[str]:
        """Say which bills make a settlement's invoices differ by ``difference`` of gross, or only seem not to."""
        explained = ZERO
        for code in codes:
            for found, what in (
                (self.beyond, "lists bills that no row of theirs has"),
                (self.other, "lists bills with another amount than their rows"),
            ):
                if apart := found.get((who, code)):
                    explained += apart.amount
                    yield f"{code} {what}: {apart.told()} ({plain(apart.amount)})"
        days = [a for (w, d), a in self.without.items() if w == who and period and _in(period, d)]
        lacking = -sum((a.amount for a in days), ZERO)
        # At a cut-off a row of the last day may be the next invoice's: told only where it is the difference.
        if days and explained - lacking == difference:
            refs = [r for a in days for r in a.refs][:_NAMED]
            apart = Apart(sum(a.count for a in days), lacking, tuple(refs))
            yield f"no invoice lists {apart.told()} ({plain(lacking)})"


def _in(period: Period, day: date) -> bool:
    return period.first <= day <= period.last


def compared(space: Workspace, last: str) -> Bills:
    """Compare the bills that invoices list, up to a day, with rows.

    ``supply_due`` and ``settlement_due`` must stand (:func:`finops_ledger.books.settling_rows.lay_out`).
    """
    engine = space.local
    mine = "partition by gateway, settlement_ref"
    engine.view(
        "bills_listed",
        f"select gateway as party, settlement_ref as code, ref, cast(sum(d_billed) as {SUM}) as gross from "
        f"(select *, min(ref) over ({mine}) is distinct from max(ref) over ({mine}) and not {ALONE} as lists "
        "from settlement_due where disposition <> 'known' and kind = 'invoice' "
        f"and day_post <= date '{last}') where lists group by all",
    )
    engine.view(
        "bills_delivered",
        "select partner as party, ref, min(day_post) as day, "
        f"cast(-sum(payable - coalesce(prev_payable, 0)) as {SUM}) as gross from supply_due "
        f"where disposition <> 'known' and day_post <= date '{last}' "
        "and partner in (select party from bills_listed) group by partner, ref having gross <> 0",
    )
    once = "(select party, ref, sum(gross) as gross, min(code) as code from bills_listed group by party, ref)"
    beyond = engine.rows(
        f"select l.party, l.code, count(*) as n, sum(l.gross) as amount, {_FIRST.replace('ref', 'l.ref')} as refs "
        "from bills_listed as l anti join bills_delivered using (party, ref) group by all"
    )
    other = engine.rows(
        "select l.party, l.code, count(*) as n, sum(l.gross - d.gross) as amount, "
        f"{_FIRST.replace('ref', 'l.ref')} as refs from {once} as l join bills_delivered as d using (party, ref) "
        "where l.gross <> d.gross group by all"
    )
    without = engine.rows(
        f"select party, day, count(*) as n, -sum(gross) as amount, {_FIRST} as refs "
        "from bills_delivered anti join bills_listed using (party, ref) group by all"
    )
    return Bills(
        {(r["party"], bare(r["party"], r["code"])): _apart(r) for r in beyond},
        {(r["party"], bare(r["party"], r["code"])): _apart(r) for r in other},
        {(r["party"], r["day"]): _apart(r) for r in without},
    )


def _apart(row: dict[str, Any]) -> Apart:
    return Apart(int(row["n"]), Decimal(row["amount"]), tuple(str(r) for r in row["refs"]))
