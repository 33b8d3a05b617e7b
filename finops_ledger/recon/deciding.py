"""What people decided, applied to the items of the day; what no longer fits is named, never bent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from finops_ledger.core.money import ZERO
from finops_ledger.core.money import plain as money
from finops_ledger.core.schema import MONEY
from finops_ledger.recon.classes import leg_of
from finops_ledger.recon.decisions import ACCEPTED, CLAIMS, Decided, together
from finops_ledger.recon.job import Job, Outcome
from finops_ledger.recon.legs import SALE_SUPPLY
from finops_ledger.recon.treatments import GOODS
from finops_ledger.subledger import engine as en

_DECIDED = pa.schema(
    [
        ("item", pa.string()),
        ("breaks", MONEY),
        ("claims", MONEY),
        ("lost", MONEY),
        ("case_id", pa.string()),
        ("rule", pa.string()),
        ("told", pa.string()),
        ("closes", pa.bool_()),
    ]
)


def name_items(engine: en.Engine, job: Job) -> None:
    """Give every item that is, or was, open its id; one that has an id keeps it."""
    prefix = en.literal(f"{job.leg.name}\x1f{job.counterparty}\x1f")
    engine.keep(
        "outcome",
        "select * replace (case when id is not null then id "
        "when class not in ('matched', 'excluded') or amount_before <> 0 or claimed <> 0 "
        "or released <> 0 or absorbed <> 0 or right_held <> 0 "
        f"then 'x-' || left(sha256({prefix} || key || chr(31) || occurrence), 16) end as id) from outcome",
    )


def apply(engine: en.Engine, job: Job, decided: Sequence[Decided], result: Outcome) -> None:
    """Let the day's decisions move what they name; name the ones whose break has gone or changed."""
    own, list_ = f"Assets:Breaks:{job.component}:", job.leg.waiting(job.component)
    concerned = [
        one
        for one in together(decided)
        if any(a.startswith(own) or a in (job.claims, list_) for a in one.accounts)
        or (one.closes > 0 and one.who in (job.counterparty, job.component))
    ]
    items = _items(engine, concerned)
    fitting = []
    for one in concerned:
        found = items.get(one.item)
        if found is None and not _answers(engine, job, one):
            continue
        problem = _misfit(one, found)
        if problem:
            result.conflicts.append(f"{one.place}: {problem}")
            result.withheld.update(one.accounts)
        else:
            if found and found["home"] == job.clearing:
                _take_off(result, job.clearing, found["amount"], one.breaks)
            if one.closes > 0 and found:
                # What stands on no account is at risk, and is so no more.
                one = replace(one, breaks=-found["amount"])
                result.closed.append(one.item)
            if one.owed:
                result.owed[one.item] = one.owed
            fitting.append(
                (one.item, one.breaks, one.claims, one.lost, one.case or None, *_told(one, items))
            )
    if not fitting:
        return
    columns = [list(c) for c in zip(*fitting, strict=True)]
    engine.give("decided", pa.table(columns, schema=_DECIDED))
    moved = "cast(o.{0} {1} coalesce(d.{2}, 0) as decimal(18, 4))"
    amount = moved.format("amount", "+", "breaks")
    engine.keep(
        "outcome",
        f"select o.* replace ({amount} as amount, {moved.format('settled', '-', 'breaks')} as settled, "
        f"{moved.format('claimed', '+', 'claims')} as claimed, {moved.format('lost', '+', 'lost')} as lost, "
        "coalesce(d.case_id, o.case_id) as case_id, "
        f"case when {amount} <> 0 then o.home end as home, "
        f"case when {_DONE} and {amount} = 0 then 'matched' else o.class end as class, "
        f"case when {_DONE} and {amount} = 0 then date '{job.day}' else o.since end as since, "
        f"case when {_DONE} and {amount} = 0 then null else o.also end as also, "
        f"case when {_DONE} and {amount} = 0 then null else o.suggestion end as suggestion, "
        "coalesce(d.rule, o.rule) as rule, coalesce(d.told, o.operands) as operands) "
        "from outcome as o left join decided as d on o.id = d.item",
    )


#: SQL: the decision says that the item is one with another one, or all right as it is.
_DONE: Final = f"(coalesce(d.rule = '{ACCEPTED}', false) or coalesce(d.closes, false))"


def _told(one: Decided, items: dict[str, dict[str, Any]]) -> tuple[str | None, str | None, bool]:
    """What a decision leaves on its item for the proof: its rule, which other item or why, whether it closes it."""
    if one.closes > 0:
        return None, f"closed as it is: {one.place}", True
    if not one.other:
        return None, None, False
    other = items.get(one.other)
    row = "" if other is None else f", {other['place']}"
    return ACCEPTED, f"accepted as one with {one.other}{row}: {one.place}", False


def _items(engine: en.Engine, decided: Sequence[Decided]) -> dict[str, dict[str, Any]]:
    if not decided:
        return {}
    named = ", ".join(en.literal(one.item) for one in decided)
    place = "coalesce(left_batch, right_batch) || ':' || coalesce(left_record, right_record)"
    rows = engine.rows(
        f"select id, amount, home, claimed, class, {place} as place from outcome where id in ({named})"
    )
    return {r["id"]: r for r in rows}


def _answers(engine: en.Engine, job: Job, one: Decided) -> bool:
    """Say whether this leg answers for a decision whose item it does not know: no other leg will."""
    if one.closes > 0:
        return job.leg.name == SALE_SUPPLY and not _elsewhere(engine, job, one)
    if job.leg.waiting(job.component) in one.accounts:
        return True
    breaks = [a.rpartition(":")[2] for a in one.accounts if a.startswith("Assets:Breaks:")]
    if breaks:
        classes = {b.lower().replace("-", "_") for b in breaks}
        legs = {leg_of(c, job.leg.party, stated=job.stated) for c in classes}
    else:
        legs = {leg_of("", job.leg.party)}
    if job.leg.name not in legs:
        return False
    return not _elsewhere(engine, job, one)


def _elsewhere(engine: en.Engine, job: Job, one: Decided) -> bool:
    """Say whether another leg of the counterparty knows the item."""
    known = f"select 1 from ({en.parquet(job.others)}) where id = {en.literal(one.item)}"
    return bool(job.others and engine.rows(known))


def _take_off(result: Outcome, account: str, amount: Decimal, moved: Decimal) -> None:
    """Note what decisions take off an account that is its own list: reconciliation must not take it again."""
    held = result.decided.setdefault(account, [0, ZERO, ZERO])
    held[0] -= amount + moved == ZERO
    held[1 if amount > ZERO else 2] += moved if amount > ZERO else -moved


def _misfit(one: Decided, found: dict[str, Any] | None) -> str | None:
    """Say why a decision does not fit the item that it names, or nothing."""
    if found is None:
        return f"{one.item} is not open on this day; the decision must be taken back or renewed"
    amount, home, claimed = found["amount"], found["home"], found["claimed"]
    if one.closes > 0:
        return _not_closed(one, found)
    if one.breaks:
        account = next(a for a in one.accounts if not a.startswith(CLAIMS))
        if home != account:
            where = home or "no account any more"
            return f"{one.item} stands on {where}, the decision says {account}"
        if (amount > 0) == (one.breaks > 0) or abs(one.breaks) > abs(amount):
            return f"{one.item} is {money(amount)}, the decision moves {money(one.breaks)}"
        if abs(one.breaks) < abs(amount) and not one.part:
            side = "debit" if amount > 0 else "credit"
            return (
                f"{one.item} is {money(amount)}, the decision moves {money(one.breaks)} of it; a part must say so: "
                f'count: 0, move: "adjust", side: "{side}" below the posting'
            )
    if not one.breaks and one.claims and abs(one.claims) > abs(claimed):
        return f"{one.item} has {money(claimed)} claimed, the decision moves {money(one.claims)}"
    return None


def _not_closed(one: Decided, found: dict[str, Any]) -> str | None:
    """Say why an item is not closed by a decision without money, or nothing."""
    if found["home"] is not None or found["claimed"]:
        where = found["home"] or CLAIMS.rstrip(":")
        amount = money(found["amount"] or found["claimed"])
        return f"{one.item} stands on {where} with {amount}; a decision that moves no money does not close it"
    if found["amount"] == ZERO and found["class"] not in GOODS:
        return f"{one.item} is {found['class']}: there is nothing to close"
    return None
