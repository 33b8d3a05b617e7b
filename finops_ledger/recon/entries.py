"""#recon entries: from the items of one leg, counterparty and day to postings, split by account, side, move
and break-on date (ruling 31); and the registers that the items add up to (ruling 3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from finops_ledger.core.ids import account_component as part
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.entries import Posting
from finops_ledger.recon.legs import GATEWAY_FEE, SALE_SUPPLY, Leg
from finops_ledger.subledger import engine as en

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Register:
    """What stands open on one account at a day's end: items, debits, credits, their digest, the oldest's day."""

    count: int
    debits: Decimal
    credits: Decimal
    digest: str
    oldest: date | None = None

    def line(self) -> list[Any]:
        """Return the register as it stands in the manifest."""
        oldest = self.oldest.isoformat() if self.oldest else None
        return [self.count, plain(self.debits), plain(self.credits), self.digest, oldest]

    @classmethod
    def of(cls, line: list[Any]) -> Register:
        """Read a register back from the manifest."""
        oldest = date.fromisoformat(line[4]) if line[4] else None
        return cls(int(line[0]), Decimal(line[1]), Decimal(line[2]), str(line[3]), oldest)


EMPTY = Register(0, ZERO, ZERO, "sha256:" + hashlib.sha256(b"").hexdigest())


def together(parts: Sequence[Register]) -> Register:
    """Add up the registers that several legs keep on one account."""
    filled = [p for p in parts if p.count]
    if len(filled) <= 1:
        return filled[0] if filled else EMPTY
    digest = hashlib.sha256("\n".join(sorted(p.digest for p in filled)).encode()).hexdigest()
    return Register(
        sum(p.count for p in filled),
        sum((p.debits for p in filled), ZERO),
        sum((p.credits for p in filled), ZERO),
        f"sha256:{digest}",
        min((p.oldest for p in filled if p.oldest), default=None),
    )


def registers(
    engine: en.Engine, items: Path | None, leg: Leg, component: str, claims: str
) -> dict[str, Register]:
    """Add up the open items by account: homes, claims, and deposits cut for orders still pending."""
    return {} if items is None else registers_of(engine, [items], leg, component, claims)[0]


def registers_of(
    engine: en.Engine, files: Sequence[Path], leg: Leg, component: str, claims: str
) -> list[dict[str, Register]]:
    """Add up the open items of each of some days, as :func:`registers` those of one; in the order of the files."""
    pending = f"Assets:Clearing:Supply-Pending:{component}"
    parts = [
        "select filename, home as account, id, amount, opened from items where home is not null and amount <> 0",
        f"select filename, {en.literal(claims)}, id, claimed, opened from items where claimed <> 0",
    ]
    if leg.name == SALE_SUPPLY:
        parts.append(
            f"select filename, {en.literal(pending)}, id, right_held, opened from items where right_held <> 0"
        )
    if not files:
        return []
    columns = "filename, home, id, amount, opened, claimed, right_held"
    rows = engine.rows(
        f"with items as ({en.parquet(files, columns, named=True)}), open as ({' union all '.join(parts)}) "
        "select filename, account, count(*) as n, "
        "sum(case when amount > 0 then amount else 0 end) as debits, "
        "sum(case when amount < 0 then -amount else 0 end) as credits, "
        "sha256(string_agg(id || ' ' || cast(amount as varchar), chr(10) order by id, amount)) as digest, "
        "min(opened) as oldest "
        "from open group by filename, account order by filename, account"
    )
    found: dict[str, dict[str, Register]] = {str(file): {} for file in files}
    for r in rows:
        found[r["filename"]][r["account"]] = Register(
            r["n"], r["debits"], r["credits"], f"sha256:{r['digest']}", r["oldest"]
        )
    return [found[str(file)] for file in files]


def open_by_class(engine: en.Engine, files: Sequence[Path]) -> list[dict[str, dict[str, Any]]]:
    """Count and add up the items that are open at the end of each of some days by class; in the order of the files."""
    if not files:
        return []
    columns = "filename, class, amount, exposure, is_closed, claimed"
    rows = engine.rows(
        "select filename, class, count(*) as n, sum(amount) as amount, sum(exposure) as exposure "
        f"from ({en.parquet(files, columns, named=True)}) where not is_closed and (claimed = 0 or amount <> 0) "
        "group by filename, class order by filename, class"
    )
    found: dict[str, dict[str, dict[str, Any]]] = {str(file): {} for file in files}
    for r in rows:
        found[r["filename"]][r["class"]] = {
            "count": r["n"],
            "amount": plain(r["amount"]),
            "exposure": plain(r["exposure"]),
        }
    return [found[str(file)] for file in files]


def _moves_sql() -> str:
    """Each item that changes its home closes there and opens here; nothing is netted."""
    moved = "(home_before is distinct from recon_home or amount_before <> recon_amount)"
    return (
        "select id, home_before as account, -amount_before as amount, 'close' as move, "
        f"cast(null as date) as until from items where amount_before <> 0 and {moved} union all "
        "select id, recon_home, recon_amount, 'open', "
        "case when class = 'timing' then breaks_on end "
        f"from items where recon_amount <> 0 and {moved}"
    )


def postings(
    engine: en.Engine,
    items: Path | None,
    leg: Leg,
    component: str,
    claims: str,
    clearing_moved: Decimal,
    before: Mapping[str, Register],
    after: Mapping[str, Register],
    rows_moved: Register,
    moved: tuple[Decimal, Decimal] = (ZERO, ZERO),
    absorbs: Mapping[str, str] = {},
) -> tuple[Posting, ...]:
    """Return the postings of one #recon entry.

    ``clearing_moved``: what the day's rows moved on the clearing account. ``before``/``after``: registers at
    the end of the day before and of this day (before decisions touch Breaks only). ``rows_moved``: what the
    rows' own postings did to the clearing account's count, debits and credits. ``moved``: both sides of the
    bridge (a gateway's fee and its VAT above the contract leave the accounts on which they were posted).
    ``absorbs``: the account, by rule, of what is let pass and is no cost.
    """
    clearing = leg.clearing(component)
    own_list = leg.waiting(component) == clearing
    made: list[Posting] = []
    if items is not None:
        made += _home_postings(engine, items, clearing if own_list else "")
        made += _claim_postings(engine, items, claims)
        made += _absorbed(engine, items, absorbs)
        made += _recovered(engine, items)
    other = sum((p.amount for p in made), ZERO)
    if own_list:
        made += _own_list(
            clearing, other, before.get(clearing, EMPTY), after.get(clearing, EMPTY), rows_moved
        )
    elif leg.name == GATEWAY_FEE:
        offsets = zip((clearing, "Assets:Tax:PPN-In"), moved, strict=True)
        made += [Posting(a, -n, (("kind", "fee"),)) for a, n in offsets if n != ZERO]
    elif clearing_moved != ZERO:
        made.append(Posting(clearing, -clearing_moved))
    return tuple(made)


def _home_postings(engine: en.Engine, items: Path, without: str) -> list[Posting]:
    found = engine.rows(
        f"with items as ({en.parquet([items])}), moves as ({_moves_sql()}), ranked as ("
        "select *, row_number() over (partition by account, move, amount > 0, until order by id) as nr "
        "from moves) "
        "select account, move, until, sum(amount) as amount, count(*) as n, "
        f"list(id || ' ' || cast(amount as varchar) order by id) filter (where nr <= {_LISTED}) as shown "
        "from ranked group by account, move, amount > 0, until "
        "order by account, move, until nulls first, amount"
    )
    return [_posting(r) for r in found if r["account"] != without]


def _posting(row: dict[str, Any]) -> Posting:
    shown = []
    for text in row["shown"]:
        item, amount = text.split(" ")
        shown.append(f"{item} {plain(Decimal(amount))}")
    rest = row["n"] - len(shown)
    listed = "; ".join(shown) + (f"; … (+{rest} more)" if rest else "")
    meta: list[tuple[str, Any]] = [("count", row["n"]), ("move", row["move"])]
    if row["until"] is not None:
        meta.append(("breaks_on", row["until"]))
    meta.append(("items", listed))
    return Posting(row["account"], row["amount"], tuple(meta))


def _claim_postings(engine: en.Engine, items: Path, claims: str) -> list[Posting]:
    found = engine.rows(
        f"select id, released, claimed from ({en.parquet([items])}) where released <> 0 order by id"
    )
    made = []
    for row in found:
        move: tuple[tuple[str, Any], ...] = (("count", 1), ("move", "close"))
        if row["claimed"] != ZERO:
            side = "debit" if row["claimed"] > ZERO else "credit"
            move = (("count", 0), ("move", "adjust"), ("side", side))
        made.append(Posting(claims, row["released"], (*move, ("break", row["id"]))))
    return made


def _absorbed(engine: en.Engine, items: Path, absorbs: Mapping[str, str]) -> list[Posting]:
    """What is let pass: as cost of its category, or on the account that the SOP names for the rule.

    What it costs and what it saves stand apart: +100 and -100 are two differences, and not none.
    """
    named = ", ".join(en.literal(name) for name in absorbs) or "null"
    found = engine.rows(
        f"with o as (select *, category is null or coalesce(rule in ({named}), false) as by_rule "
        f"from ({en.parquet([items])}) where absorbed <> 0) "
        "select case when not by_rule then category end as category, case when not by_rule then model end as model, "
        "case when by_rule then rule end as rule, absorbed < 0 as saved, sum(absorbed) as amount, count(*) as n from o "
        "group by all order by category, model, rule, saved"
    )
    made = []
    for row in found:
        if row["category"] is None:
            marks = (("outcome", "matched_within_tolerance"), ("rule", row["rule"]))
            made.append(Posting(absorbs[row["rule"]], row["amount"], (*marks, ("items", row["n"]))))
            continue
        name = part(row["category"])
        account = f"Expenses:COGS:{name}" if row["model"] == "principal" else f"Income:Net:{name}"
        meta = (("outcome", "matched_within_tolerance"), ("orders", row["n"]))
        made.append(Posting(account, row["amount"], (("category", row["category"]), *meta)))
    return made


def _recovered(engine: en.Engine, items: Path) -> list[Posting]:
    """What was written off and has come back: income, under the case of the write-off (worked-cases 7)."""
    found = engine.rows(
        f"select id, recovered, case_id from ({en.parquet([items])}) where recovered <> 0 order by id"
    )
    made = []
    for row in found:
        case = (("case", row["case_id"]),) if row["case_id"] else ()
        made.append(
            Posting("Income:Other:Recovery", row["recovered"], (*case, ("break", row["id"])))
        )
    return made


def _own_list(
    clearing: str, other: Decimal, before: Register, after: Register, rows_moved: Register
) -> list[Posting]:
    """What reconciliation takes from a clearing account that is its own list of open items.

    By sides: the list after less the list before less what the rows did. The two sides together are what the
    other postings of the entry need; that they agree is part of the proof.
    """
    debits = after.debits - before.debits - rows_moved.debits
    credits = after.credits - before.credits - rows_moved.credits
    count = after.count - before.count - rows_moved.count
    if debits - credits != -other:
        raise AssertionError(
            f"{clearing}: items move by {plain(debits - credits)}, postings need {plain(-other)}"
        )
    if credits == ZERO and debits < ZERO and count < 0:
        return [Posting(clearing, debits, (("count", -count), ("move", "close")))]
    if debits == ZERO and credits < ZERO and count < 0:
        return [Posting(clearing, -credits, (("count", -count), ("move", "close")))]
    made = []
    for side, amount in (("debit", debits), ("credit", -credits)):
        if amount != ZERO:
            marks = (("count", count), ("move", "adjust"), ("side", side))
            made.append(Posting(clearing, amount, marks))
            count = 0  # the number of items stands on the first posting
    if count and not made:
        # Several rows of one item met: they cancel in money and not in number.
        marks = (("count", count), ("move", "adjust"), ("side", "debit"))
        made.append(Posting(clearing, ZERO, marks))
    return made
