"""The checks, each a question in SQL that has no answer when the day is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from finops_ledger.audit.day import Day, standing
from finops_ledger.audit.decided import closed, decided
from finops_ledger.audit.totals import SHARED, totals
from finops_ledger.core.ids import account_component
from finops_ledger.core.money import plain

#: A finding before it is named: what is wrong.
Check = Callable[[Day], Iterator[str]]
#: How many findings of one check are told one by one.
TOLD: Final = 20
_DONE: Final = ("matched", "matched_within_tolerance", "excluded")
_WAITING: Final = ("timing", "pending")


def rows_exist(day: Day) -> Iterator[str]:
    """Every row that a result names is a row of a live batch; a payment is a line of a file of decisions.

    What a statement without rows says stands at its first line: such a batch is live, and has no row.
    """
    empty = {b.id for b in day.state.batches.values() if not b.rows}
    for side in ("left", "right"):
        for r in day.rows(
            f"select key, {side}_batch as batch, {side}_record as record from results as m "
            f"where {side}_batch is not null and not starts_with({side}_batch, 'decisions/') "
            "and not exists (select 1 from rows as r "
            f"where r.batch = m.{side}_batch and r.record = m.{side}_record) order by all"
        ):
            if r["batch"] in empty and r["key"].startswith("!"):
                continue
            yield f"{_order(r)}: its {side} row {r['batch']}:{r['record']} is in no batch"


def keys_equal(day: Day) -> Iterator[str]:
    """The rows of a match carry the key that its rule says they share; of a sum, its first rows."""
    same = KEYS.get(day.leg, {})
    for rule, equal in same.items():
        for r in day.rows(
            "select m.key, l.batch as l_batch, l.record as l_record, r.batch as r_batch, r.record as r_record "
            "from results as m join rows as l on l.batch = m.left_batch and l.record = m.left_record "
            "join rows as r on r.batch = m.right_batch and r.record = m.right_record "
            f"where m.rule = '{rule}' and coalesce(m.right_kind, '') not in ('refund', 'adjustment') "
            f"and not coalesce({equal}, false) order by all"
        ):
            left = day.original(r["l_batch"], r["l_record"])
            right = day.original(r["r_batch"], r["r_record"])
            yield f"{_order(r)} was matched by {rule}, but {left} and {right} do not share it"


#: By leg and rule: what the two rows of a match must have in common. What passes of an SOP compare stands in the proof.
KEYS: Final = {
    "sale-supply": {
        "ref": "l.ref = r.ref",
        "cross_partner": "l.ref = r.ref",
        "partner_ref": "l.partner_ref = coalesce(r.partner_ref, r.row_key)",
    },
    "sale-gateway": {
        "ref": "coalesce(l.payment_ref, l.ref) = m.key and coalesce(r.payment_ref, r.ref, r.row_key) = m.key",
        "orig_ref": "coalesce(l.payment_ref, l.ref) = m.key",
    },
}


def used_once(day: Day) -> Iterator[str]:
    """No row stands in two results, nor on two days under two orders.

    Where rows are added up by key, a row may be paid under one occurrence and refunded under another of its key.
    What a statement says beyond its rows (``!``, ``?``) is no row: it only stands beside one. A transfer may pay for
    several tickets, and a ticket may come in several transfers; and a partner's row for several orders of ours stands
    on one of them, of which the others take their shares: there the sums are asked (:mod:`.totals`).
    """
    if day.leg in SHARED:
        return
    a_row = "left(m.key, 1) not in ('!', '?') and coalesce(m.right_kind, '') <> 'share'"
    use, other = (
        ("count(*)", "(e.key <> m.key or e.occurrence <> m.occurrence)")
        if day.one_by_one
        else ("count(distinct key)", "e.key <> m.key")
    )
    for side in ("left", "right"):
        for r in day.rows(
            f"select {side}_batch as batch, {side}_record as record, {use} as n, min(key) as key, "
            f"max(key) as other from results as m where {side}_batch is not null and {a_row} "
            f"group by {side}_batch, {side}_record having {use} > 1 order by all"
        ):
            where = day.original(r["batch"], r["record"])
            yield f"{where} is used {r['n']} times, by {r['key']} and {r['other']}"
        for r in day.rows(
            f"select m.{side}_batch as batch, m.{side}_record as record, m.key, e.key as other "
            f"from results as m join elsewhere as e on e.{side}_batch = m.{side}_batch "
            f"and e.{side}_record = m.{side}_record where m.{side}_batch is not null "
            f"and {a_row} and left(e.key, 1) not in ('!', '?') and coalesce(e.right_kind, '') <> 'share' "
            f"and {other} order by all"
        ):
            where = day.original(r["batch"], r["record"])
            yield f"{where} is used by {r['key']}, and on another day by {r['other']}"


def sums_right(day: Day) -> Iterator[str]:
    """What is left of a result is what both sides moved, less what has been settled."""
    for r in day.rows(
        "select key, left_now, right_now, settled, amount from results "
        "where left_now + right_now - settled <> amount order by key"
    ):
        told = " ".join(
            f"{n} {plain(r[n])}" for n in ("left_now", "right_now", "settled", "amount")
        )
        yield f"{_order(r)}: {told}: left + right - settled is not the amount"
    for r in day.rows(
        "select key, class, amount from results where class in ('matched', 'excluded') "
        "and amount <> 0 order by key"
    ):
        yield f"{_order(r)} is {r['class']} and leaves {plain(r['amount'])}"


def amounts_from_rows(day: Day) -> Iterator[str]:
    """What a result says its right row moved is what that row says, where the order has one row and one version."""
    if not day.one_by_one:
        return
    single = (
        "select ref, partner, min(batch) as batch, min(record) as record from rows "
        "where role = 'supply' and ref is not null and coalesce(kind, 'usage') = 'usage' "
        "group by ref, partner having count(*) = 1"
    )
    final, held = standing(day)
    for r in day.rows(
        f"with single as ({single}) select m.key, r.batch, r.record, m.right_now, m.right_held, "
        f"{final} as final, {held} as held from results as m "
        "join single as s on s.batch = m.right_batch and s.record = m.right_record "
        "join rows as r on r.batch = s.batch and r.record = s.record "
        f"where r.partner = {_text(day.counterparty)} "
        "and m.key = r.ref and m.key not in (select key from before union all select key from elsewhere) "
        "and not exists (select 1 from rows as o where o.role = 'supply' "
        "and (o.ref = r.ref or o.orig_ref = r.row_key or o.row_key = r.row_key) "
        "and (o.batch, o.record) <> (r.batch, r.record)) "
        f"and (m.right_now <> {final} or m.right_held <> {held}) order by all"
    ):
        where = day.original(r["batch"], r["record"])
        yield (
            f"{_order(r)}: {where} moves {plain(r['final'])} and holds {plain(r['held'])}; "
            f"the result says {plain(r['right_now'])} and {plain(r['right_held'])}"
        )


def one_outcome(day: Day) -> Iterator[str]:
    """Every row of the day has exactly one outcome; one without moves nothing and belongs to no order of ours."""
    if not day.one_by_one:
        return
    for r in day.rows(
        "with p as (select batch, record, side, source, occurrence, coalesce(ref, '~' || row_key) as key, row_key, "
        "orig_ref, kind, status, coalesce(amount, 0) as amount from posted where coalesce(kind, 'usage') not in "
        # Refunds and adjustments are added to the order that they name: the sums say whether they were.
        "('topup', 'bonus', 'fee', 'tax', 'refund', 'adjustment')) "
        "select batch, record, key, side, status, amount from p where not exists (select 1 from results as m "
        "where (p.side = 'left' and m.left_batch = p.batch and m.left_record = p.record) "
        "or (p.side = 'right' and m.right_batch = p.batch and m.right_record = p.record)) "
        "and key not in (select key from results) "
        "and row_key not in (select right_key from results where right_key is not null) "
        "and (orig_ref is null or orig_ref not in (select right_key from results where right_key is not null)) "
        "and not (side = 'right' and amount = 0 and status in ('failed', 'reversed', 'refunded')) "
        "and not (side = 'left' and status in ('failed', 'reversed', 'refunded')) "
        # What comes into stock, and what is sold from it, passes no clearing account.
        f"and not ({_text(day.model)} = 'stock' and (side = 'left' or status in ('success', 'reversed'))) "
        # The same row came on an earlier day, and has its outcome there.
        "and not exists (select 1 from rows as o where o.source = p.source and o.row_key = p.row_key "
        "and o.occurrence = p.occurrence and (o.batch, o.record) <> (p.batch, p.record)) order by all"
    ):
        where = day.original(r["batch"], r["record"])
        yield f"{where} ({r['status']}, {plain(r['amount'])}) has no outcome"


def nothing_lost(day: Day) -> Iterator[str]:
    """What was open the evening before is still open, or was closed today."""
    for r in day.rows(
        "select b.key, b.id, b.amount from before as b where not exists (select 1 from results as m "
        "where (m.key = b.key and m.occurrence = b.occurrence) or (m.id is not null and m.id = b.id)) "
        "order by all"
    ):
        yield f"{_order(r)} ({r['id']}, {plain(r['amount'])}) was open the day before and is nowhere now"


def counts_right(day: Day) -> Iterator[str]:
    """The classes that the manifest counts are those of the files."""
    stated = {c: o["count"] for c, o in day.line["outcomes"].items() if c not in _DONE}
    found = {
        r["class"]: r["n"]
        for r in day.rows("select class, count(*) as n from items group by class")
        if r["class"] not in _DONE
    }
    for class_ in sorted(stated.keys() | found.keys()):
        if stated.get(class_, 0) != found.get(class_, 0):
            yield (
                f"{class_}: the manifest counts {stated.get(class_, 0)}, "
                f"the day's items are {found.get(class_, 0)}"
            )


def bridge(day: Day) -> Iterator[str]:
    """Both sides' totals are what the items took up and gave back; nothing is left over."""
    told = {n: Decimal(day.line["bridge"][n]) for n in ("left", "right", "residual")}
    if told["residual"]:
        yield f"the bridge leaves {plain(told['residual'])}"
    found = day.rows(
        "select coalesce(sum(recon_amount - amount_before + released + absorbed + recovered), 0) as moved "
        "from items"
    )[0]["moved"]
    if told["left"] + told["right"] != found:
        yield (
            f"left {plain(told['left'])} and right {plain(told['right'])} leave "
            f"{plain(told['left'] + told['right'])}; the items move by {plain(found)}"
        )


#: What the states of an item's sides must be for its class; where a class is not named, nothing is asked.
STATES: Final = {
    "missing_at_partner": "left_state = 'success' and (right_state is null or right_state in ('pending', 'unknown'))",
    "missing_at_platform": "left_state is null and right_state is not null",
    "partner_failed": "left_state = 'success' and right_state = 'failed'",
    "late_success": "left_state = 'failed' and (amount > 0 or claimed > 0 or is_closed)",
    "duplicate_delivery": "occurrence <> '' and right_state is not null",
    "cost_mismatch": "left_state = 'success' and right_state = 'success'",
    "delivered_not_recorded": "left_state in ('pending', 'unknown') and right_state = 'success'",
    "cross_partner_delivery": "right_state = 'success'",
    "product_mismatch": "left_state = 'success' and right_state = 'success' and amount = 0",
    "serial_reused": "left_state = 'success' and right_state = 'success' and amount = 0",
}


def classes_hold(day: Day) -> Iterator[str]:
    """An item is of a class whose condition it meets; what waits is not yet due, a break no longer waits."""
    if day.leg == "sale-supply":
        for class_, condition in STATES.items():
            for r in day.rows(
                f"select key, left_state, right_state, amount from items where class = '{class_}' "
                f"and not is_closed and not coalesce({condition}, false) order by all"
            ):
                yield (
                    f"{_order(r)} is {class_}, with {r['left_state'] or 'nothing'} on our side and "
                    f"{r['right_state'] or 'nothing'} on theirs"
                )
    waiting = ", ".join(_text(c) for c in _WAITING)
    for r in day.rows(
        "select key, class, breaks_on from items where not is_closed and "
        f"((class in ({waiting}) and breaks_on <= date '{day.day}') "
        f"or (class not in ({waiting}) and breaks_on > date '{day.day}')) order by all"
    ):
        yield f"{_order(r)} is {r['class']} on {day.day}, and its wait is over on {r['breaks_on']}"


def goods(day: Day) -> Iterator[str]:
    """What matched is the same product on both sides, as far as a price list knows the partner's code."""
    if day.leg != "sale-supply":
        return
    sop = day.registry.sops[day.counterparty]
    lists = sorted({v.prices for v in sop.versions if v.prices})
    theirs: dict[str, set[str]] = {}
    for price in (p for path in lists for p in day.registry.price_list(path)):
        theirs.setdefault(price.product, set()).add(price.theirs)
    known = ", ".join(sorted({_text(c) for codes in theirs.values() for c in codes}))
    pairs = ", ".join(
        f"({_text(ours)}, {_text(code)})"
        for ours, codes in theirs.items()
        for code in sorted(codes)
    )
    if not pairs:
        return
    found = day.rows(
        f"with codes as (select * from (values {pairs}) as c(ours, theirs)) "
        "select m.key, m.id, l.product as sold, r.product as delivered from results as m "
        "join posted as l on l.batch = m.left_batch and l.record = m.left_record "
        "join posted as r on r.batch = m.right_batch and r.record = m.right_record "
        "where m.class in ('matched', 'matched_within_tolerance') and m.settled = 0 "
        f"and m.left_state = 'success' and m.right_state = 'success' and r.product in ({known}) "
        "and l.product in (select ours from codes) "
        "and (l.product, r.product) not in (select ours, theirs from codes) order by all"
    )
    # People may have said that the goods were right all the same.
    let_pass = closed(day) if found else []
    for r in found:
        if r["id"] not in let_pass:
            yield f"{_order(r)} is matched, and {r['sold']} was sold where {r['delivered']} was delivered"


def homes(day: Day) -> Iterator[str]:
    """What an item leaves stands on the account of its class; the accounts add up to the registers."""
    for r in day.rows(
        "select key, class, home, amount from items where amount <> 0 and home like 'Assets:Breaks:%' order by all"
    ):
        if r["home"].rpartition(":")[2] != account_component(r["class"]):
            yield f"{_order(r)} is {r['class']} and stands on {r['home']}"
    for r in day.rows(
        "select key, amount from items where amount <> 0 and home is null order by all"
        if day.posts
        else "select key, amount from items where false"
    ):
        yield f"{_order(r)} leaves {plain(r['amount'])} and stands on no account"
    found = {
        r["home"]: (r["n"], r["debits"], r["credits"])
        for r in day.rows(
            "select home, count(*) as n, sum(greatest(amount, 0)) as debits, sum(greatest(-amount, 0)) as credits "
            "from items where amount <> 0 and home is not null group by home"
        )
    }
    registers = day.line["registers"]
    for account, (count, debits, credits) in sorted(found.items()):
        stated = registers.get(account, [0, "0", "0"])
        if [count, debits, credits] != [stated[0], Decimal(stated[1]), Decimal(stated[2])]:
            yield (
                f"{account}: the register says {stated[0]} items, {stated[1]} and {stated[2]}; "
                f"the items are {count}, {plain(debits)} and {plain(credits)}"
            )
    for account in sorted(set(registers) - set(found)):
        if account.startswith("Assets:Breaks:") and registers[account][0]:
            yield f"{account}: the register says {registers[account][0]} items; there is none"


def crossed(day: Day) -> Iterator[str]:
    """What one supplier's sales were settled with at another's list, the other's line says too."""
    if day.leg != "sale-supply":
        return
    lines = {n["counterparty"]: n for n in day.state.proofs_on(day.day) if n["leg"] == day.leg}
    own = day.counterparty
    named = {n[0] for name in ("met", "given") for n in _crossing(day.line, name)}
    for other in sorted(named | set(lines) - {own}):
        if other not in lines:
            yield f"it crosses {other}, whose day is not reconciled"
            continue
        for seller, deliverer in ((own, other), (other, own)):
            sold = _sum(n[-1] for n in _crossing(lines[seller], "met") if n[0] == deliverer)
            released = _sum(n[-1] for n in _crossing(lines[deliverer], "given") if n[0] == seller)
            if sold != released:
                yield (
                    f"sales of {seller} were met at {deliverer} with {plain(sold)}; "
                    f"{deliverer} released {plain(released)}"
                )


def _sum(numbers: Iterator[str]) -> Decimal:
    return sum((Decimal(n) for n in numbers), Decimal(0))


def _crossing(line: dict[str, Any], name: str) -> list[list[Any]]:
    found: list[list[Any]] = line.get("crossing", {}).get(name, [])
    return found


def rules_named(day: Day) -> Iterator[str]:
    """The result names the SOP version that was in force on its day."""
    sop = day.registry.sops.get(day.counterparty)
    if sop is not None and day.line["rules"] != sop.rule_id(day.day):
        yield f"it was made under {day.line['rules']}; in force on {day.day} is {sop.rule_id(day.day)}"


def _order(row: dict[str, Any]) -> str:
    return str(row["key"])


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


#: All checks by name, in the order in which they run.
CHECKS: Final[dict[str, Check]] = {
    "rows": rows_exist,
    "keys": keys_equal,
    "once": used_once,
    "totals": totals,
    "sums": sums_right,
    "amounts": amounts_from_rows,
    "outcome": one_outcome,
    "lost": nothing_lost,
    "counts": counts_right,
    "bridge": bridge,
    "classes": classes_hold,
    "goods": goods,
    "decided": decided,
    "homes": homes,
    "crossed": crossed,
    "rules": rules_named,
}
