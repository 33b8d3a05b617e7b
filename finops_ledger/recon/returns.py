"""Refunds and chargebacks under a number of their own: which payment a gateway's row undoes (``orig_ref``).

A gateway's report may give a refund an id of its own, days after the payment, and name the payment beside it. Such
a row belongs to the order whose payment it undoes. Its own reference comes first: where it names a payment that is
known, the row stays there. Else the payment is looked up by what the row undoes: among what stands open, then among
the sales and payments of the days up to this one, the newest first, by payment reference, order, and the gateway's own
number. What nobody knows keeps the reference that it names, where that is in the namespace of its own key (ruling 21),
and waits there for the order.

============  ========================================================================================
``returned``  the day's rows that undo a payment, each with its own reference and the one that it undoes
``names``     references that stand for a known payment, with the key of its item
``originals`` rows that belong to another key than their own, with that key and why
============  ========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ibis

from finops_ledger.posting import store
from finops_ledger.posting import tables as t
from finops_ledger.recon import tables as rt
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query

if TYPE_CHECKING:
    from finops_ledger.recon.job import Job

#: The rule of an item that such a row has joined.
RULE: Final = "orig_ref"
#: Kinds of a gateway's rows that undo a payment.
KINDS: Final = ("refund", "chargeback")
#: So many files are looked into at a time, the newest first.
_AT_ONCE: Final = 62
_NAMES: Final = {"name": "string", "item": "string"}
_ORIGINALS: Final = {"u_batch": "string", "u_record": "int64", "undone": "string", "told": "string"}
#: What names a payment, in the order in which it is asked.
_BY: Final = ("payment_ref", "ref", "partner_ref")


@dataclass(frozen=True, slots=True)
class Rows:
    """A file of rows in which payments may stand: sales, or payments of the gateway, with the key of its format."""

    path: Path
    key: tuple[str, ...]


def lay_out(engine: en.Engine, job: Job) -> bool:
    """Lay out ``originals``; return whether there are any. ``lhs``, ``prior`` and the line tables must stand."""
    if not engine.keep("returned", query(returned)):
        return False
    engine.keep("names", query(at_hand))
    for files in _newest_first(job.payment_rows):
        if not engine.keep("asked", query(asked)):
            break
        found = engine.keep("more_names", _named(files, job))
        if found:
            engine.keep(
                "names", "select name, item from names union all select name, item from more_names"
            )
    return engine.keep("originals", query(originals)) > 0


def _newest_first(rows: tuple[Rows, ...]) -> Iterator[list[Rows]]:
    for at in range(0, len(rows), _AT_ONCE):
        yield list(rows[at : at + _AT_ONCE])


def returned() -> Any:
    """The day's rows that undo a payment of another number than their own."""
    rows = store.table("settlement").cross_join(rt.clock())
    rows = rows.filter(
        (rows.gateway == rows.party)
        & (rows.day_post == rows.day)
        & (rows.disposition != "known")
        & rows.kind.isin(list(KINDS))
        & rows.orig_ref.notnull()
        & (rows.d_gross != t.amount(0))
    )
    own = ibis.coalesce(rows.payment_ref, rows.ref)
    apart = ibis.literal(chr(31))
    by_payment = (apart + rows.key + apart).contains(apart + rows.payment_ref + apart)
    return rows.select(
        "batch",
        "record",
        own=own,
        orig=rows.orig_ref,
        # Its own key says in which namespace it names what it undoes.
        same=own.isnull() | by_payment.fill_null(False),
    )


def _returned() -> Any:
    types = {
        "batch": "string",
        "record": "int64",
        "own": "string",
        "orig": "string",
        "same": "boolean",
    }
    return ibis.table(types, name="returned")


def _names() -> Any:
    return ibis.table(_NAMES, name="names")


def at_hand() -> Any:
    """The keys of our orders that move on the day, or stand open."""
    left, prior = rt.side("lhs"), rt.prior()
    stood = prior.filter(prior.left_batch.notnull()).select("key")
    keys = left.select("key").union(stood).distinct()
    return keys.select(name=keys.key, item=keys.key)


def asked() -> Any:
    """References that are still to be looked up: of rows whose own reference is not known."""
    rows, names = _returned(), _names()
    rows = rows.filter(rows.own.isnull() | rows.own.notin(names.name))
    rows = rows.filter(rows.orig.notin(names.name))
    both = rows.select(name=rows.own).union(rows.select(name=rows.orig))
    return both.filter(both.name.notnull()).distinct()


def _named(files: list[Rows], job: Job) -> str:
    """Return SQL of the references asked for that name a payment in the files, each with the key of its item.

    A reference that names several payments equally well names none.
    """
    parts = []
    for key in sorted({one.key for one in files}):
        paths = [one.path for one in files if one.key == key]
        own = " || chr(31) || ".join(f"coalesce(cast({k} as varchar), '')" for k in key)
        parts.append(
            f"select payment_ref, ref, partner_ref, coalesce(payment_ref, ref, {own}) as item "
            f"from ({en.parquet(paths)}) where (role = 'sale' or coalesce(kind, 'payment') = 'payment') "
            f"and coalesce(paid_day, day, file_day) <= date '{job.day}'"
        )
    known = " union all ".join(parts)
    by = " union all ".join(
        f"select {column} as name, item, {place} as place from ({known}) where {column} in (select name from asked)"
        for place, column in enumerate(_BY)
    )
    one = (
        "select name, place, min(item) as item from "
        f"({by}) group by name, place having count(distinct item) = 1"
    )
    return f"select name, arg_min(item, place) as item from ({one}) group by name"


def originals() -> Any:
    """The rows whose payment bears another key than their own, and what told it."""
    rows, names = _returned(), _names()
    rows = rows.filter(rows.own.isnull() | rows.own.notin(names.name))
    found = names.select(of=names.name, item=names.item)
    rows = rows.left_join(found, rows.orig == found.of)
    undone = ibis.coalesce(rows.item, ibis.ifelse(rows.same, rows.orig, ibis.null("string")))
    rows = rows.mutate(undone=undone).filter(undone.notnull())
    by_name = ibis.ifelse(rows.undone == rows.orig, "", ibis.literal(" of ") + rows.undone)
    return rows.select(
        u_batch=rows.batch,
        u_record=rows.record,
        undone=rows.undone,
        told=ibis.literal("orig_ref: ")
        + ibis.coalesce(rows.own, rows.batch + ":" + rows.record.cast("string"))
        + " undoes "
        + rows.orig
        + by_name,
    )


def beside(rows: Any) -> Any:
    """Add to settlement rows the key of the payment that each undoes (``undone``), with rule and proof."""
    found = ibis.table(_ORIGINALS, name="originals")
    joined = rows.left_join(found, [rows.batch == found.u_batch, rows.record == found.u_record])
    rule = ibis.ifelse(joined.undone.notnull(), ibis.literal(RULE), ibis.null("string"))
    return joined.mutate(undo_rule=rule, undo_told=joined.told).drop("u_batch", "u_record", "told")
