"""What we pay to postpaid suppliers: rows by period, their invoices, our payment lists, the bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from finops_ledger.books import settling_rows as sql
from finops_ledger.books import settling_terms as terms
from finops_ledger.books.jobs import component_of
from finops_ledger.books.settling_bills import Bills, compared
from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO
from finops_ledger.recon import payments
from finops_ledger.recon.legs import PAYMENT_BANK
from finops_ledger.recon.payments import Payment
from finops_ledger.sop.schedule import Period
from finops_ledger.treasury import naming
from finops_ledger.treasury.expected import Amounts, Difference, Expected, Statement, differences
from finops_ledger.treasury.settlements import Direction, Settlement, flagged

#: What a settlement is made of while it is put together: a period of a channel, or a code.
Node = tuple[str, str, Period | None]


@dataclass
class _Side:
    """All that is known of one counterparty in one direction, by channel and period, and by code."""

    who: str
    direction: Direction
    period_of: Callable[[date, str], Period]
    due: Callable[[Period, str], date | None]
    bills: Bills
    expected: dict[tuple[str, Period], Expected] = field(default_factory=dict)
    invoices: dict[str, list[tuple[dict[str, Any], Period | None]]] = field(default_factory=dict)
    lists: dict[str, list[Payment]] = field(default_factory=dict)
    links: list[tuple[Node, Node]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


def of_suppliers(
    space: Workspace, last: date, disputes: list[dict[str, Any]]
) -> Iterator[Settlement]:
    """Yield every settlement with postpaid suppliers up to a day."""
    suppliers = [s for s in space.registry.named("supplier") if "postpaid" in s.models]
    if not suppliers:
        return
    names = [s.counterparty for s in suppliers]
    rows = sql.supplied(space, sql.batches(space, "supply", names), last.isoformat())
    invoices = sql.invoiced(space, sql.batches(space, "settlement", names), last.isoformat())
    bills = compared(space, last.isoformat())
    bank = [b for b in space.state.batches.values() if b.role == "bank"]
    seen = sql.banked(space, "payment", bank, last.isoformat())
    read = payments.standing(payments.read(space.decision_files()))
    lists = [p for p in read if p.day <= last]
    for who in names:
        own = [d for d in disputes if d["counterparty"] == who]
        yield from _supplier(
            space,
            who,
            last,
            [r for r in rows if r["partner"] == who],
            [r for r in invoices if r["party"] == who],
            [p for p in lists if p.component == component_of(space, who)],
            {code: day for (party, code), day in seen.items() if party == who},
            own,
            bills,
        )


def _supplier(
    space: Workspace,
    who: str,
    last: date,
    rows: list[dict[str, Any]],
    invoices: list[dict[str, Any]],
    lists: list[Payment],
    seen: dict[str, date],
    disputes: list[dict[str, Any]],
    bills: Bills,
) -> Iterator[Settlement]:
    standing = sql.standing(space, PAYMENT_BANK, who, last)
    pay = _Side(
        who,
        "pay",
        lambda day, channel: terms.period_of(space, who, day, channel),
        lambda period, channel: terms.due(space, who, period, channel),
        bills,
    )
    receive = _Side(
        who,
        "receive",
        lambda day, _: terms.commission_on(space, who, day).period_of(day),
        lambda period, _: terms.commission_due(space, who, period),
        bills,
    )
    for row in rows:
        _take(space, pay, receive, row)
    for invoice in invoices:
        _invoice(pay, invoice)
    codes: dict[str, Payment] = {}
    for one in lists:
        codes.setdefault(one.key(who), one)
        side = receive if one.amount > ZERO else pay
        side.lists.setdefault(one.key(who), []).append(one)
    for code, item in standing.items():
        if code not in codes and item["right_now"]:
            side = pay if item["right_now"] > ZERO else receive
            side.lists.setdefault(code, [])
    for side in (pay, receive):
        _name_lists(side, seen)
        _carry(space, side)
        for group in naming.together(side.links):
            yield _settlement(space, side, group, last, standing, seen, disputes)


def _take(space: Workspace, pay: _Side, receive: _Side, row: dict[str, Any]) -> None:
    """Take up rows of one day and rule: on the payable, and where it is settled gross, the commission apart."""
    day, who = row["day"], pay.who
    schedule = terms.schedule_on(space, who, day)
    channel = row["channel"] if schedule and row["channel"] in schedule.channels else ""
    rule = terms.rule_on(space, who, day)
    unknown = row["rule"] is None
    commission = row["granted"] if unknown else row["commission"]
    vat = row["granted_vat"] if unknown else row["vat"]
    tax = row["withhold"]
    rules = () if unknown else (str(row["rule"]),)
    count, unpriced = int(row["rows"]), int(row["unpriced"])
    granted = Amounts(commission=commission, vat=vat)
    bases = {tax: commission} if tax is not None and tax.rate else {}
    gross = rule is not None and rule.netting == "gross"
    whole = Amounts(gross=row["gross"]) if gross else replace(granted, gross=row["gross"])
    theirs = (ZERO, ZERO) if gross else (row["granted"], row["granted_vat"])
    _add(
        pay,
        (channel, pay.period_of(day, channel)),
        Expected(whole, {} if gross else bases, {}, count, unpriced, rules, *theirs),
    )
    if gross:
        # They pay the commission with its VAT, and withhold: the other way round than where it is set off.
        taken = Amounts(gross=commission + vat)
        _add(receive, ("", receive.period_of(day, "")), Expected(taken, bases, {}, count, 0, rules))


def _add(side: _Side, key: tuple[str, Period], more: Expected) -> None:
    side.expected[key] = side.expected[key].plus(more) if key in side.expected else more
    node: Node = ("period", *key)
    side.links.append((node, node))


def _invoice(side: _Side, row: dict[str, Any]) -> None:
    code = sql.bare(side.who, row["code"] or "none")
    taken = {p for lines in side.invoices.values() for _, p in lines}
    free = [p for _, p in side.expected if p not in taken]
    channel = row["channel"] if any(row["channel"] == c for c, _ in side.expected) else ""
    period, day = naming.period_named(
        (row["named"], row["code"] or ""),
        row["day_post"],
        free,
        lambda d: side.period_of(d, channel),
    )
    many = side.invoices.setdefault(code, [])
    if day is None and many:
        period = many[0][1]  # further rows of an invoice are of its period
    many.append((row, period))
    side.notes.pop(code, None)
    # One line for each day of a period needs no word.
    alone = len({r["named"] for r, _ in many}) == 1
    if period is not None and day is not None and alone and not naming.ends(period, day):
        side.notes[code] = f"names {day}, within the period {period.first} to {period.last}"
    node: Node = ("code", code, None)
    side.links.append((node, ("period", channel, period) if period else node))


def _name_lists(side: _Side, seen: dict[str, date]) -> None:
    """Link each payment list, and what the bank alone shows, to the period that its code names."""
    for code, many in side.lists.items():
        node: Node = ("code", code, None)
        side.links.append((node, node))
        if code in side.invoices:
            continue
        known = {naming.code_of(p, c): (c, p) for c, p in side.expected}
        if code in known:
            side.links.append((node, ("period", *known[code])))
            continue
        said_on = many[0].day if many else seen.get(code)
        if said_on is None:
            continue
        named = (
            {p for pair in side.links for kind, _, p in pair if kind == "period"} if many else set()
        )
        free = [p for _, p in side.expected if p not in named]
        period, _ = naming.period_named((code,), said_on, free, lambda d: side.period_of(d, ""))
        # A code may name a period that has no rows yet: paid in advance.
        if period is not None:
            side.links.append((node, ("period", "", period)))


def _carry(space: Workspace, side: _Side) -> None:
    """Link what is below the minimum, and was asked for by nobody, to the period with which it is settled."""
    if side.direction != "pay":
        return
    named = {
        n for pair in side.links for n in pair if n[0] == "period" and pair[0][0] != pair[1][0]
    }
    for channel in sorted({c for c, _ in side.expected}):
        free = sorted(p for c, p in side.expected if c == channel and ("period", c, p) not in named)
        if not free:
            continue
        schedule = terms.schedule_on(space, side.who, free[-1].last)
        if schedule is None or not schedule.of(channel).minimum:
            continue
        nets = [(p, side.expected[channel, p].whole().net("pay")) for p in free]
        for period, target in zip(free, schedule.settled_with(nets, channel), strict=True):
            to: Node = ("period", channel, target) if target else ("waits", channel, None)
            side.links.append((("period", channel, period), to))


def _settlement(
    space: Workspace,
    side: _Side,
    group: Sequence[Node],
    last: date,
    standing: dict[str, Any],
    seen: dict[str, date],
    disputes: list[dict[str, Any]],
) -> Settlement:
    who = side.who
    keys = sorted((c, p) for kind, c, p in group if kind == "period" and p is not None)
    codes = [c for kind, c, _ in group if kind == "code"]
    waits = any(kind == "waits" for kind, _, _ in group)
    expected = Expected()
    for key in keys:
        expected = expected.plus(side.expected.get(key, Expected()))
    channel = keys[-1][0] if keys else ""
    period = Period(min(p.first for _, p in keys), max(p.last for _, p in keys)) if keys else None
    due = side.due(max(p for _, p in keys), channel) if keys and not waits else None
    ours = expected.whole()
    net = ours.net(side.direction)
    stated, said = _stated(side, codes, ours, net)
    listed, found = _listed(side, codes, ours)
    stands = [standing[c] for c in codes if c in standing]
    paid = sum((s["right_now"] for s in stands), ZERO) * (1 if side.direction == "pay" else -1)
    # A list that was met on its own day was never open; what the bank shows of its code later stands without it.
    apart = [c for c in codes if c not in standing or not standing[c]["left_now"]]
    missed = [p for c in apart for p in side.lists.get(c, ())]
    done = _reconciled(space, who, missed)
    paid += abs(sum((p.amount for p in missed), ZERO)) if done else ZERO
    asked = net if listed is None else listed
    closed = bool(stands or missed) and done and all(s["closed"] for s in stands)
    if paid and (paid >= asked or closed):
        state = "paid"
    elif paid:
        state = "part-paid"
    elif listed is not None:
        state = "listed"
    else:
        state = "invoiced" if stated is not None else "unbilled"
    days = [seen[c] for c in codes if c in seen] or [s["day"] for s in stands if s["right_now"]]
    own = [d for d in disputes if side.direction == "pay" and _of(d, who, period, codes)]
    made = Settlement(
        counterparty=who,
        component=component_of(space, who),
        type="supplier",
        direction=side.direction,
        ref=naming.first_of(codes, period) if codes else _code(side, keys),
        channel=channel,
        period=period,
        due=due or _list_due(side, codes),
        currency=space.config.company.currency,
        **{c: getattr(ours, c) for c in ("gross", "commission", "fee", "vat", "withheld")},
        claims=_claims(side, codes),
        net=net,
        stated=stated,
        listed=listed,
        paid=paid,
        paid_on=max(days) if paid and days else None,
        disputed=sum((abs(Decimal(d["residue"])) + abs(Decimal(d["claimed"])) for d in own), ZERO),
        rule_ids=expected.rule_ids,
        state=state,  # type: ignore[arg-type]
        flags=frozenset({"carried"} if waits or _carried(group) else ()),
        rows=expected.rows,
        items=len(own),
        codes=tuple(codes),
        differences=(*said, *found),
        notes=_notes(side, codes, expected, period, said),
        granted=expected.granted,
        granted_vat=expected.granted_vat,
        claimed=tuple(
            (d["id"], d["class"], claimed) for d in own if (claimed := Decimal(d["claimed"]))
        ),
    )
    return flagged(made, last, terms.tolerance(space, who, period.last if period else last))


def _stated(
    side: _Side, codes: Sequence[str], ours: Amounts, net: Decimal
) -> tuple[Decimal | None, tuple[Difference, ...]]:
    """What their invoices ask for, and in which components they differ from the rows."""
    found: Statement | None = None
    for row, _ in (r for c in codes for r in side.invoices.get(c, ())):
        said = {"gross"} | {n for n in ("commission", "vat", "withheld") if row[f"has_{n}"]}
        amounts = Amounts(gross=row["gross"], commission=row["commission"], vat=row["vat"])
        amounts = replace(amounts, withheld=row["withheld"])
        one = Statement(amounts, row["net"], frozenset(said), int(row["rows"]))
        found = one if found is None else found.plus(one)
    if found is None:
        return None, ()
    told = differences(ours, found)
    if "commission" in found.said and ours.commission:
        return found.net, told
    # It bills the gross alone: what we set off is ours to say.
    return net + found.amounts.gross - ours.gross, tuple(d for d in told if d.component == "gross")


def _listed(
    side: _Side, codes: Sequence[str], ours: Amounts
) -> tuple[Decimal | None, list[Difference]]:
    """What approved lists pay, and which parts of them are not what the rows come to."""
    lists = [p for c in codes for p in side.lists.get(c, ())]
    amount = sum((p.amount for p in lists), ZERO)
    if not amount:
        return None, []
    found = []
    if all(p.parts for p in lists):
        parts = {
            "withheld in the list": (ours.withheld, _part(lists, "Assets:Tax:")),
            "commission in the list": (
                ours.commission + ours.vat if side.direction == "pay" else ours.gross,
                -_part(lists, "Assets:Receivable:Commission:", "Assets:Claims:"),
            ),
        }
        found = [Difference(n, a, b) for n, (a, b) in parts.items() if a != b]
    return abs(amount), found


def _part(lists: Sequence[Payment], *accounts: str) -> Decimal:
    return sum((n for p in lists for account, n in p.parts if account.startswith(accounts)), ZERO)


def _claims(side: _Side, codes: Sequence[str]) -> Decimal:
    return -_part([p for c in codes for p in side.lists.get(c, ())], "Assets:Claims:")


def _list_due(side: _Side, codes: Sequence[str]) -> date | None:
    return next((p.due for c in codes for p in side.lists.get(c, ()) if p.due), None)


def _reconciled(space: Workspace, who: str, lists: Sequence[Payment]) -> bool:
    """Say whether the days of some lists are: what was never open at such a day's end was met on it."""
    days = space.state.days_of.get((PAYMENT_BANK, who), [])
    return {p.day for p in lists} <= set(days)


def _code(side: _Side, keys: Sequence[tuple[str, Period]]) -> str:
    code = naming.code_of(keys[-1][1], keys[-1][0])
    return f"COM-{code}" if side.direction == "receive" else code


def _carried(group: Sequence[Node]) -> bool:
    return sum(kind == "period" for kind, _, _ in group) > 1 and not any(
        k == "code" for k, _, _ in group
    )


def _notes(
    side: _Side,
    codes: Sequence[str],
    expected: Expected,
    period: Period | None,
    said: Sequence[Difference],
) -> tuple[str, ...]:
    found = [f"{c} {side.notes[c]}" for c in codes if c in side.notes]
    if any(c in side.invoices for c in codes):
        off = sum((d.theirs - d.ours for d in said if d.component == "gross"), ZERO)
        found += side.bills.notes(side.who, codes, period, off)
    for code in codes:
        days = sorted({str(row["day_post"]) for row, _ in side.invoices.get(code, ())})
        if len(days) > 1:
            found.append(f"{code} is billed more than once, on {', '.join(days)}")
    if expected.unpriced:
        found.append(
            f"{expected.unpriced} rows of products that no price list knows: their commission is as they grant it"
        )
    return tuple(found)


def _of(item: dict[str, Any], who: str, period: Period | None, codes: Sequence[str]) -> bool:
    if item["leg"] == PAYMENT_BANK:
        return sql.bare(who, item["ref"]) in codes
    day = item.get("arose") or date.fromisoformat(item["day"])
    return period is not None and period.first <= day <= period.last
