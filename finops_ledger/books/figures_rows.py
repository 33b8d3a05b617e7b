"""Which rows stand behind a posting of a batch's entry, and what each of them posts there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from finops_ledger.books.workspace import Workspace
from finops_ledger.core.money import ZERO, plain
from finops_ledger.posting.store import LineStore
from finops_ledger.subledger import engine as en


@dataclass(frozen=True, slots=True)
class Behind:
    """The first rows behind a figure (batch, record, what it posts), their number and sum."""

    rows: list[tuple[str, int, str]]
    count: int
    total: Decimal


#: By role and the beginning of the account: the column that posts there.
_COLUMNS = {
    "supply": (
        ("Assets:Deposits:", "d_deposit - d_owed"),
        ("Liabilities:Payable:", "d_payable"),
        ("Assets:Receivable:Commission:", "d_granted"),
        ("Assets:Inventory:", "d_stock"),
        ("Assets:Clearing:Supply:", "d_clearing"),
        ("Assets:Clearing:Supply-Pending:", "d_held"),
        ("Assets:Clearing:Usage:", "-(d_clearing + d_held)"),
        ("", "d_other"),
    ),
    "deposit": (
        ("Assets:Deposits:", "d_deposit"),
        ("Assets:Clearing:Usage:", "d_clearing"),
        ("", "d_other"),
    ),
    "settlement": (
        ("Assets:Clearing:Settlement-In-Transit:", "d_net"),
        ("Assets:Clearing:Gateway:", "-d_gross"),
        ("Liabilities:Payable:", "d_billed"),
        ("Expenses:Payment-Fee", "d_fees"),
        ("Assets:Clearing:Settlement-Held:", "-d_held"),
        ("Assets:Tax:PPN-In", "d_taxes"),
        ("", "d_levied"),
    ),
    "bank": (("Assets:Bank", "d_moved"), ("", "-d_moved")),
    "report": (("", "d_moved"),),
}
#: Sales post by component: the day that counts, the amount (its predecessor's is taken off).
_SALE = (
    ("Assets:Clearing:Gateway:", (("day_paid", "paid", 1), ("day_refund", "refunded", -1))),
    (
        "Liabilities:Customer-Orders:Undelivered",
        (("day_paid", "paid", -1), ("day_state", "cash", 1), ("day_state", "failed", 1)),
    ),
    (
        "Liabilities:Customer-Orders:Refund-Payable",
        (("day_state", "failed", -1), ("day_refund", "refunded", 1)),
    ),
    ("Income:Contra:Promo", (("day_state", "promo", 1),)),
    ("Income:", (("day_state", "net", -1),)),
    ("Expenses:COGS:", (("day_state", "cogs", 1),)),
    ("Assets:Inventory:", (("day_state", "cogs", -1),)),
    ("Liabilities:Tax:PPN-Out", (("day_state", "ppn", -1),)),
    ("Assets:Clearing:Supply:", (("day_state", "cost", -1),)),
)


def behind(space: Workspace, entry: Any, account: str, limit: int) -> Behind:
    """Return the rows behind an entry's postings to an account, and what all of them post there.

    Only entries of batches have rows; others have items (``#recon``) or a person's reason.
    Without an account, rows of the batch on that day are returned with their control amount.
    """
    name = entry.meta.get("batch")
    batch = space.state.batches.get(name) if name else None
    if batch is None:
        return Behind([], 0, ZERO)
    store = LineStore(space.local, space.root, space.registry, space.state)
    store.load_batches([batch])
    day, partner = entry.date.isoformat(), str(entry.meta.get("partner", ""))
    if batch.role == "sale":
        posts, where = _sale(account, day, partner)
    else:
        columns = _COLUMNS[batch.role]
        posts = next(c for start, c in columns if account.startswith(start))
        posts = posts if account else columns[0][1]
        where = f"day_post = date '{day}'"
        if batch.role in ("supply", "deposit"):
            where += f" and partner = {en.literal(partner)}"
        elif batch.role == "bank" and not account.startswith("Assets:Bank") and account:
            where += _bank(account)
    query = (
        f"select record, {posts} as posts from {batch.role}_lines "
        f"where batch = {en.literal(batch.id)} and disposition <> 'known' and {where}"
    )
    query = f"select record, posts from ({query}) where posts <> 0"
    whole = space.local.rows(
        f"select count(*) as n, coalesce(sum(posts), 0) as total from ({query})"
    )[0]
    rows = space.local.rows(f"{query} order by record limit {max(limit, 0)}")
    named = [(batch.id, int(r["record"]), plain(Decimal(r["posts"]))) for r in rows]
    return Behind(named, int(whole["n"]), Decimal(whole["total"]))


def _bank(account: str) -> str:
    """Lines of a statement that stand against an account."""
    start, _, who = account.rpartition(":")
    kinds = {
        "Assets:Clearing:Settlement-In-Transit": "('payout', 'payment')",
        "Assets:Clearing:Deposit-In-Transit": "('topup')",
    }
    if start in kinds:
        return f" and line_kind in {kinds[start]} and who = {en.literal(who)}"
    if account == "Expenses:Bank-Charge":
        return " and line_kind = 'fee'"
    return " and coalesce(line_kind, '') not in ('payout', 'payment', 'topup', 'fee')"


def _sale(account: str, day: str, partner: str) -> tuple[str, str]:
    parts = next((p for start, p in _SALE if account.startswith(start)), (("day_paid", "paid", 1),))
    if not account:
        parts = (("day_paid", "paid", 1), ("day_state", "cash", 1), ("day_state", "failed", 1))
    sums, new = [], "disposition = 'new'"
    for on, column, sign in parts:
        # A revision posts what it changes on the day of the new status, or of the refund.
        late = "day_refund" if column == "refunded" else "day_state"
        when = f"(case when {new} then {on} else {late} end) = date '{day}'"
        changed = f"coalesce({column}, 0) - coalesce(prev_{column}, 0)"
        sums.append(f"case when {when} then {sign} * ({changed}) else 0 end")
    where = f"(partner = {en.literal(partner)} or prev_partner = {en.literal(partner)})"
    first, _, category = account.rpartition(":")
    if first in ("Income:Net", "Income:Gross", "Expenses:COGS"):
        spelled = "lower(regexp_replace(category, '[^A-Za-z0-9]+', '-', 'g'))"
        where += f" and {spelled} = {en.literal(category.lower())}"
    return f"({' + '.join(sums)})", where
