"""Versions of a row: what came before it under the same key, and whether it says anything new.

Identity looks at its own source only: (source, key, occurrence). Versions are ordered by the time of
their status (else the file's day), then by status rank, then by issue (a file of the same name that comes again
corrects the one before: decision 0010), then by batch and record: never by arrival otherwise (rulings 7
and 24).
"""

from __future__ import annotations

from typing import Any

import ibis

from finops_ledger.core.kinds import STATUS_RANK
from finops_ledger.core.schema import CONTENT_FIELDS

IDENTITY = ("source", "key", "occurrence")
NEW, REVISED, KNOWN = "new", "revised", "known"
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
    """
    names = [n for n in rows.columns if n not in IDENTITY]
    nothing = {f"prev_{n}": ibis.null(rows[n].type()) for n in names}
    if not shared:
        return rows.mutate(**nothing, disposition=ibis.literal(NEW), step=FIRST)
    twice = (
        rows.group_by(list(IDENTITY)).having(lambda t: t.count() > 1).agg(times=lambda t: t.count())
    )
    twice = twice.select(*IDENTITY)
    alone = rows.anti_join(twice, list(IDENTITY)).mutate(
        **nothing, disposition=ibis.literal(NEW), step=FIRST
    )
    order = ibis.window(
        group_by=list(IDENTITY),
        order_by=[
            rows.version_at,
            status_rank(rows.status),
            rows.issue,
            rows.batch,
            rows.record,
        ],
    )
    several = rows.mutate(step=ibis.row_number().over(order).cast("int64")).semi_join(
        twice, list(IDENTITY)
    )
    settled = None
    if locked:
        settled = _settled(several)
        several = several.anti_join(settled, [*IDENTITY, "step"]).drop("step")
        several = several.mutate(step=ibis.row_number().over(order).cast("int64"))
    before = several.select(
        *(several[n].name(f"at_{n}") for n in IDENTITY),
        (several.step + 1).name("at_step"),
        *(several[n].name(f"prev_{n}") for n in names),
    )
    joined = several.left_join(
        before,
        [several[n] == before[f"at_{n}"] for n in IDENTITY] + [several.step == before.at_step],
    )
    same = ibis.literal(True)
    for name in CONTENT_FIELDS:
        same &= joined[name].identical_to(joined[f"prev_{name}"])
    disposition = ibis.cases((joined.at_step.isnull(), NEW), (same, KNOWN), else_=REVISED)
    joined = joined.mutate(disposition=disposition)
    columns = [*rows.columns, *nothing, "disposition", "step"]
    made = alone.select(*columns).union(joined.select(*columns))
    if settled is None:
        return made
    same_again = {f"prev_{n}": settled[n] for n in names}
    settled = settled.mutate(**same_again, disposition=ibis.literal(KNOWN))
    return made.union(settled.select(*columns))


def _settled(several: Any) -> Any:
    """Versions that came after a close and are older than one that stood in the closed days."""
    stood = several.select(
        *(several[n].name(f"at_{n}") for n in IDENTITY),
        several.step.name("at_step"),
        several.closes.name("at_closes"),
        several.day_first.name("at_first"),
    )
    return several.semi_join(
        stood,
        [several[n] == stood[f"at_{n}"] for n in IDENTITY]
        + [
            stood.at_step > several.step,
            stood.at_closes < several.closes,
            stood.at_first < several.opens,
        ],
    )
