"""What a postpaid partner's rows should grant, by the rule of each row's own time.

The same computation as of a sale (:mod:`.sale`), of the partner's row: so that an expected settlement is made of the
rows that it will be paid for.
"""

from __future__ import annotations

from typing import Any, Final

import ibis

from finops_ledger.posting import sale
from finops_ledger.posting import tables as t

#: Versions of a partner's rows as they count: ``sign`` 1 for what stands, -1 for what a revision replaces.
MOVED: Final = {
    "partner": "string",
    "channel": "string",
    "product": "string",
    "face": t.MONEY,
    "quantity": t.MONEY,
    "payable": t.MONEY,
    "commission": t.MONEY,
    "vat": t.MONEY,
    "day_post": "date",
    "stated_at": "timestamp('UTC')",
    "moment": "timestamp('UTC')",
    "sign": "int64",
}


def granted() -> Any:
    """The table ``supply_moved`` with ``category``, ``due`` and ``due_vat``: null for a product that no list knows."""
    rows = ibis.table(MOVED, name="supply_moved")
    rules = t.rules_table()
    rules = rules.mutate(name=ibis.coalesce(rules.rule_theirs, rules.rule_product))
    by = ["rule_partner", "name", "rule_from", "rule_to"]
    # Several products of ours may be one of theirs: what they grant is of theirs.
    kept = [n for n in rules.columns if n not in by and n != "rule_net"]
    rules = rules.group_by(by).agg(**{n: rules[n].min() for n in kept})
    joined = rows.left_join(
        rules,
        [
            rows.partner == rules.rule_partner,
            rows.product == rules.name,
            rows.moment >= rules.rule_from,
            rows.moment < rules.rule_to,
        ],
    )
    face = ibis.coalesce(joined.rule_face, joined.face)
    fee, vat = sale.commission(joined, face)
    quantity = joined.quantity.fill_null(t.amount(1))
    known = joined.rule_partner.notnull()
    return joined.select(
        *MOVED,
        category=joined.rule_category,
        due=ibis.ifelse(known, t.times(fee, quantity), ibis.null(t.MONEY)),
        due_vat=ibis.ifelse(known, t.times(vat, quantity), ibis.null(t.MONEY)),
    )
