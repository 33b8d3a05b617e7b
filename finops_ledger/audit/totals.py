"""What both sides of a leg of few rows moved in total, from the rows themselves.

A transfer may pay for several tickets, and a ticket may come in several transfers: there a row may stand in several
results, which of it take each its share. What holds all the same is the sum: over all results, a side has moved on a
day what its rows that post on the day say. A line that is counted twice in full makes it too much, whoever else has
been made to agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from finops_ledger.audit.day import Day, bank_rules, standing
from finops_ledger.core.kinds import STATUS_RANK
from finops_ledger.core.money import plain
from finops_ledger.subledger.engine import literal

#: Legs on which a row may be shared out over several items, with the kind of the bank's lines that they meet.
SHARED: Final = {
    "topup-bank": ("left", "topup"),
    "settlement-bank": ("right", "payout"),
    "payment-bank": ("right", "payment"),
}
_SUSPENSE: Final = "bank-suspense"
_TRANSIT: Final = "Assets:Clearing:Settlement-In-Transit:"
#: How long a number rests before it may name another row, in days.
_REST: Final = 31


def totals(day: Day) -> Iterator[str]:
    """On the legs to the bank, each side of the results moved what its rows say, and nothing twice."""
    if day.leg in SHARED:
        side, kind = SHARED[day.leg]
        other = "left" if side == "right" else "right"
        said = {side: _lines(day, kind, "who"), other: _others(day)}
    elif day.leg == _SUSPENSE:
        said = {"left": _lines(day, "unknown", "bank")}
    else:
        yield from _shares(day)
        return
    for side, (what, moved) in sorted(said.items()):
        if moved is None:
            continue
        found = _moved(day, side)
        if found != moved:
            yield f"{what} of the day move {plain(moved)} on the {side}; its results say {plain(found)}"
        told = Decimal(day.line["bridge"][side])
        if told != found:
            yield f"the bridge says {plain(told)} on the {side}; the results say {plain(found)}"


def _shares(day: Day) -> Iterator[str]:
    """Where rows of a partner are for several orders, what the orders have of them is what the rows moved.

    Asked where each row has one version, nothing undoes it, and all of them were put together on this day.
    """
    if not day.one_by_one:
        return
    final, held = standing(day)
    for r in day.rows(
        "with shared as (select distinct rule, operands from results where right_kind = 'share' "
        "and rule is not null and operands is not null), "
        "mine as (select m.* from results as m join shared using (rule, operands)), "
        "used as (select distinct rule, operands, right_batch, right_record from mine where right_batch is not null), "
        f"stated as (select u.rule, u.operands, sum({final}) as final, bool_or({held} <> 0 or o.row_key is not null) "
        "as more from used as u join rows as r on r.batch = u.right_batch and r.record = u.right_record "
        "left join rows as o on o.role = 'supply' and (o.row_key = r.row_key or o.orig_ref = r.row_key) "
        "and (o.batch, o.record) <> (r.batch, r.record) group by all) "
        "select min(m.key) as key, count(*) as n, sum(m.right_now) as said, min(s.final) as final from mine as m "
        "join stated as s using (rule, operands) where not s.more and not exists (select 1 from elsewhere as e "
        "where e.rule = m.rule and e.operands = m.operands) group by m.rule, m.operands "
        "having sum(m.right_now) <> min(s.final) order by all"
    ):
        yield (
            f"{r['key']} and {r['n'] - 1} more share rows that move {plain(r['final'])}; "
            f"the results say {plain(r['said'])}"
        )


def _moved(day: Day, side: str) -> Decimal:
    """What the results say that a side has moved since the evening before."""
    now, before = (
        day.rows(f"select coalesce(sum({side}_now), 0) as moved from {name}")[0]["moved"]
        for name in ("results", "prior")
    )
    return Decimal(now) - Decimal(before)


def _lines(day: Day, kind: str, by: str) -> tuple[str, Decimal | None]:
    """What the bank's lines of one kind moved, as a leg counts them: money that leaves our bank is positive."""
    rules = [(b, bank_rules(day, b)) for b in day.state.batches.values() if b.role == "bank"]
    known = {b.id for b, _ in rules}
    if not known:
        return "the bank's lines", Decimal(0)
    # One expression for all batches under the same rules.
    kinds = {r: [b.id for b, own in rules if own == r] for r in {own for _, own in rules}}

    def about(column: int, none: str) -> str:
        cases = []
        for own, batches in sorted(kinds.items()):
            hits = " ".join(
                f"when regexp_matches(coalesce(\"text\", ''), {literal(one[0])}, 's') then {literal(one[column])}"
                for one in own
            )
            said = f"case {hits} else {literal(none)} end" if hits else literal(none)
            cases.append(f"when batch in ({', '.join(map(literal, batches))}) then {said}")
        return f"case {' '.join(cases)} end"

    who = literal(day.counterparty)
    if by == "bank":
        own = [b.id for b, _ in rules if b.counterparty == day.counterparty]
        mine = f"batch in ({', '.join(map(literal, own)) or 'null'})"
    else:
        mine = f"{about(2, '')} = {who}"
    moved = _change(day, "bank", f"{about(1, 'unknown')} = {literal(kind)} and {mine}")
    return f"the bank's lines ({kind})", None if moved is None else -moved


def _others(day: Day) -> tuple[str, Decimal | None]:
    """What the other side's rows moved: settlements reported, top-ups credited, payments decided."""
    who = literal(day.counterparty)
    if day.leg == "settlement-bank":
        moved = _change(day, "settlement", f"gateway = {who}")
        return "the settlements", moved
    if day.leg == "topup-bank":
        role = "deposit" if day.registry.stated(day.counterparty, day.day) else "supply"
        moved = _change(day, role, f"partner = {who} and kind = 'topup'")
        return "their top-ups", None if moved is None else -moved
    return "our payment lists", _decided(day)


def _decided(day: Day) -> Decimal:
    """What decisions of the day put in transit to a supplier."""
    from beancount.core.data import Transaction
    from beancount.parser import parser

    account = _TRANSIT + day.registry.of(day.counterparty).name
    found = Decimal(0)
    for path in sorted((day.root / "decisions").glob("*/*.beancount")):
        for entry in parser.parse_file(str(path))[0]:
            if not isinstance(entry, Transaction) or entry.date != day.day:
                continue
            for posting in entry.postings:
                number: Any = posting.units.number if posting.units else None
                if posting.account == account and isinstance(number, Decimal):
                    found += number
    return found


def _change(day: Day, role: str, which: str) -> Decimal | None:
    """What rows that post on the day changed: each by what it states less what its last version stated.

    None where versions of a row came before and after a close: which of them counts the rows alone do not say.
    """
    ranks = " ".join(f"when {literal(name)} then {rank}" for name, rank in STATUS_RANK.items())
    order = f"order by version_at, case status {ranks} else 0 end, cast(file_day as date), issue, batch, record"
    row = "partition by source, row_key, occurrence"
    placed = (
        f"select *, coalesce(date_diff('day', lag(version_at) over w, version_at) >= {_REST} "
        f"and ref <> lag(ref) over w, false) as anew from rows where role = '{role}' window w as ({row} {order})"
    )
    lives = (
        f"select *, sum(cast(anew as integer)) over ({row} {order} rows unbounded preceding) as life "
        f"from ({placed})"
    )
    change = (
        f"coalesce(amount, 0) - coalesce(lag(coalesce(amount, 0)) over ({row}, life {order}), 0)"
    )
    found = day.rows(
        f"select coalesce(sum(change), 0) as moved, count(*) filter (where mixed) as mixed from "
        f"(select *, {change} as change, min(closes) over v <> max(closes) over v as mixed "
        f"from ({lives}) window v as ({row}, life)) where posting_day = date '{day.day}' and {which}"
    )[0]
    return None if found["mixed"] else Decimal(found["moved"])
