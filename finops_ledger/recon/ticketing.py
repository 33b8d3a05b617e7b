"""Top-ups and payouts, row by row: which row of either side belongs to which ticket (see :mod:`.tickets`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from finops_ledger.core.money import ZERO, plain
from finops_ledger.core.schema import MONEY, UTC
from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.recon.job import Job
from finops_ledger.recon.legs import PAYMENT_BANK, TOPUP_BANK
from finops_ledger.recon.tickets import Solver, Ticket
from finops_ledger.subledger import engine as en

Row = dict[str, Any]
_TYPES: Final = {
    "string": pa.string(),
    "int64": pa.int64(),
    "boolean": pa.bool_(),
    rt.TIME: UTC,
    t.MONEY: MONEY,
}
_SCHEMA: Final = pa.schema([(name, _TYPES[ty]) for name, ty in rt.SIDE.items()])


def assign(engine: en.Engine, job: Job) -> None:
    """Give every row of ``lhs`` and ``rhs`` the key and occurrence of its item; a row for several items is split."""
    lefts, rights = (_ordered(engine, name) for name in ("lhs", "rhs"))
    if not lefts and not rights:
        return
    prior = engine.rows(
        "select key, occurrence, amount + claimed as rest, left_batch, right_batch, right_key, left_anchor, "
        "right_anchor, opened from prior where amount + claimed <> 0 order by opened, key, occurrence"
    )
    made = _Tickets(job, prior)
    # A later version of a row that stands already stays with its item, and so does what undoes it.
    stands = {p["right_key"]: (p["key"], p["occurrence"]) for p in prior if p["right_key"]}
    again = [stands.get(row["own_key"]) or stands.get(row["orig"]) for row in rights]
    back = [
        made.takes_back(row) if item is None else None
        for item, row in zip(again, rights, strict=True)
    ]
    for at, row in enumerate(lefts):
        made.left(at, row)
    for at, row in enumerate(rights):
        if again[at] is None and not back[at]:
            made.right(at, row)
    solver = Solver(job.tickets, [t for t in made.lefts if t.rest], list(made.rights))
    solver.run()
    placed = [dict(row) for row in lefts]
    for ticket, at in made.rows:
        placed[at] |= _named(ticket.key, ticket.occurrence, ticket.via, ticket.operands)
    shared = [
        {
            **rights[s.row],
            **_named(s.key, s.occurrence, s.via, s.operands),
            **_moved(made.sign * s.amount),
        }
        for s in solver.right_shares
    ]
    for row, item, credit in zip(rights, again, back, strict=True):
        if item is not None:
            shared.append({**row, **_named(*item, "ref", None)})
        elif credit is not None:
            told = f"takes back {plain(row['move'])}, which no top-up of ours has met"
            shared.append({**row, **_named(credit.key, credit.occurrence, "amount", told)})
    engine.give("lhs", pa.Table.from_pylist(placed, schema=_SCHEMA))
    engine.give("rhs", pa.Table.from_pylist(shared, schema=_SCHEMA))


def _ordered(engine: en.Engine, name: str) -> list[Row]:
    columns = ", ".join(f'"{column}"' for column in rt.SIDE)
    rows = engine.rows(f"select {columns} from {name}")
    return sorted(rows, key=lambda r: (str(r["at"]), str(r["own_key"]), r["batch"], r["record"]))


def _named(key: str, occurrence: str, via: str, operands: str | None) -> Row:
    return {"key": key, "occurrence": occurrence, "via": via, "operands": operands}


def _moved(amount: Decimal) -> Row:
    return {"move": amount, "value": abs(amount)}


class _Tickets:
    """Tickets of what stood open and of the day's rows, each under a name of its own."""

    def __init__(self, job: Job, prior: list[Row]) -> None:
        self.job = job
        self.by_size = job.leg.name == TOPUP_BANK
        # What we pay leaves the bank: a ticket counts what it lacks, whichever way the money goes.
        self.sign = -1 if job.leg.name == PAYMENT_BANK else 1
        self.lefts: list[Ticket] = []
        self.rights: list[Ticket] = []
        self.rows: list[tuple[Ticket, int]] = []
        self.taken = {(p["key"], p["occurrence"]) for p in prior}
        for number, item in enumerate(prior):
            both = item["left_batch"] is not None, item["right_batch"] is not None
            ticket = Ticket(item["key"], item["occurrence"], self.sign * item["rest"], (0, number))
            ticket.touched, ticket.ref = all(both), item["key"]
            ticket.anchor = item["left_anchor"] or item["right_anchor"] or job.day_number
            if both[0]:
                self.lefts.append(ticket)
            else:
                ticket.rest = -ticket.rest
                self.rights.append(ticket)

    def left(self, at: int, row: Row) -> None:
        """Take a row of the left side: a ticket of its own, or more of one that its reference names."""
        ref = row["key"] or ""
        known = next((t for t in self.lefts if ref and ref == t.ref), None)
        if known is None and self.by_size and row["move"] < ZERO:
            # A transfer that came back: it takes up the ticket that it undoes.
            known = next((t for t in self.lefts if not t.touched and t.rest == -row["move"]), None)
        if known is not None:
            known.rest += self.sign * row["move"]
            known.row = at
            self.rows.append((known, at))
            return
        ticket = self._new(at, row, self.sign * row["move"], ref)
        self.lefts.append(ticket)
        self.rows.append((ticket, at))

    def takes_back(self, row: Row) -> Ticket | None:
        """Return the open credit that a row takes back to the rupiah: one that has met no top-up, the oldest first.

        The credit is then no ticket any more: nothing else can meet it.
        """
        if not self.by_size or row["move"] <= ZERO:
            return None
        found = next((t for t in self.rights if t.rest == row["move"]), None)
        if found is not None:
            self.rights.remove(found)
        return found

    def right(self, at: int, row: Row) -> None:
        """Take a row of the right side."""
        self.rights.append(self._new(at, row, -self.sign * row["move"], row["key"] or ""))

    def _new(self, at: int, row: Row, rest: Decimal, ref: str) -> Ticket:
        key = ref or (f"topup {_size(rest)}" if self.by_size else f"~{row['own_key']}")
        occurrence = ""
        # Rows that name a reference are of one item; others are told apart.
        if not ref:
            if (key, occurrence) in self.taken:
                occurrence = str(row["own_key"])
            if (key, occurrence) in self.taken:
                occurrence = f"{row['own_key']} {row['batch']}:{row['record']}"
        self.taken.add((key, occurrence))
        order = (1, at)
        return Ticket(key, occurrence, rest, order, at, ref, anchor=self.job.day_number)


def _size(amount: Decimal) -> str:
    return f"{abs(amount):.4f}"
