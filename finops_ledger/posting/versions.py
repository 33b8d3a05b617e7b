"""Versions of a row: what came before it under the same key, and whether it says anything new.

Identity looks at its own source only: (source, key, occurrence). An id that comes again for another order, a month
or more after its last word, is another row: senders begin their numbers anew. Versions are ordered by the time of
their status (else the file's day), then by status rank, then by the file's day (an order that failed on the 2nd
is refunded in the file of the 3rd, and says the time at which it failed), then by issue (a file of the same name that
comes again corrects the one before: decision 0010), then by batch and record: never by arrival otherwise (rulings 7
and 24).
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.core.kinds import STATUS_RANK
from finops_ledger.core.schema import CONTENT_FIELDS

IDENTITY = ("source", "key", "occurrence")
NEW, REVISED, KNOWN = "new", "revised", "known"
#: How long a sender lets a number rest before it may name another row.
REST_DAYS = 31
#: What tells one version of a row from all others.
PLACE = ("batch", "record")
#: The place of a version among those of its row.
FIRST = ibis.literal(0).cast("int64")


def status_rank(status: Any) -> Any:
    """The life order of statuses at one moment, as a number."""
    ranked = ibis.cases(
        *((status == name, ibis.literal(rank)) for name, rank in STATUS_RANK.items()), else_=0
    )
    return ranked.cast("int64")


def with_previous(rows: Any, *, shared: bool, locked: bool = False) -> Any:
    """Add to each row its predecessor's columns (``prev_…``), its ``disposition`` and ``step``, its place.

    ``shared`` says whether any key of ``rows`` can stand there twice; if none can, no window and no join is
    spent on it. ``locked`` says that a period was closed between the commits of some of them: what is older
    than a version that stood in the closed days is known, it changes nothing any more.

    Versions are put in order by the few columns that say it; the whole rows are only joined, never sorted.
    """
    names = [n for n in rows.columns if n not in IDENTITY]
    if not shared:
        nothing = {f"prev_{n}": ibis.null(rows[n].type()) for n in names}
        return rows.mutate(**nothing, disposition=ibis.literal(NEW), step=FIRST)
    several = _several(rows)
    settled = None
    if locked:
        settled = _settled(several)
        several = _placed(several.anti_join(settled, list(PLACE)))
    order = several.select(
        several.batch.name("v_batch"),
        several.record.name("v_record"),
        several.step,
        several.before.batch.name("b_batch"),
        several.before.record.name("b_record"),
    )
    if settled is not None:
        # It stands as its own predecessor: there is nothing that it changes.
        itself = settled.select(
            settled.batch.name("v_batch"),
            settled.record.name("v_record"),
            settled.step,
            settled.batch.name("b_batch"),
            settled.record.name("b_record"),
        )
        order = order.union(itself)
    before = rows.select(*(rows[n].name(f"prev_{n}") for n in names))
    joined = rows.left_join(
        order, [rows.batch == order.v_batch, rows.record == order.v_record]
    ).left_join(before, [order.b_batch == before.prev_batch, order.b_record == before.prev_record])
    same = ibis.literal(True)
    for name in CONTENT_FIELDS:
        same &= joined[name].identical_to(joined[f"prev_{name}"])
    return joined.mutate(
        disposition=ibis.cases((joined.prev_batch.isnull(), NEW), (same, KNOWN), else_=REVISED),
        step=ibis.coalesce(joined.step, FIRST),
    ).select(*rows.columns, *(f"prev_{n}" for n in names), "disposition", "step")


def _several(rows: Any) -> Any:
    """What orders the versions of those rows of which there are several, with the place of each and what precedes."""
    narrow = rows.select(
        *IDENTITY,
        "version_at",
        status_rank(rows.status).name("rank"),
        *("ref", "file_day", "issue", "batch", "record", "closes", "opens", "day_first"),
    )
    twice = narrow.group_by(list(IDENTITY)).agg(times=narrow.count())
    twice = twice.filter(twice.times > 1).select(*IDENTITY)
    return _placed(narrow.semi_join(twice, list(IDENTITY)))


def _placed(narrow: Any) -> Any:
    """Add ``step``, the place among the versions of a row, and ``before``, the one at the place before it."""
    own = [n for n in narrow.columns if n not in ("step", "before", "life")]
    narrow = narrow.select(*own)
    by = ["version_at", "rank", "file_day", "issue", *PLACE]
    order = ibis.window(group_by=list(IDENTITY), order_by=by)
    rested = (
        narrow.version_at.epoch_seconds() - narrow.version_at.epoch_seconds().lag().over(order)
    ) >= REST_DAYS * 86_400
    begins = (rested & (narrow.ref != narrow.ref.lag().over(order))).fill_null(False)
    narrow = narrow.mutate(begins=begins.cast("int64"))
    # As rows, not as a range: a version that begins anew takes those after it along, not its equals before.
    narrow = narrow.mutate(
        life=narrow.begins.sum().over(
            ibis.window(group_by=list(IDENTITY), order_by=by, rows=(None, 0))
        )
    ).drop("begins")
    order = ibis.window(group_by=[*IDENTITY, "life"], order_by=by)
    place = ibis.struct({n: narrow[n] for n in PLACE})
    return narrow.mutate(
        step=ibis.row_number().over(order).cast("int64"), before=place.lag().over(order)
    )


def _settled(several: Any) -> Any:
    """Versions that came after a close and are older than one that stood in the closed days."""
    stood = several.select(
        *(several[n].name(f"at_{n}") for n in (*IDENTITY, "life")),
        several.step.name("at_step"),
        several.closes.name("at_closes"),
        several.day_first.name("at_first"),
    )
    return several.semi_join(
        stood,
        [several[n] == stood[f"at_{n}"] for n in (*IDENTITY, "life")]
        + [
            stood.at_step > several.step,
            stood.at_closes < several.closes,
            stood.at_first < several.opens,
        ],
    )
