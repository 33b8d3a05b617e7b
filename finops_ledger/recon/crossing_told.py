"""What crossing partners did on a day, as the manifest tells it and as entries post it (see :mod:`.crossing`)."""

from __future__ import annotations

from typing import Any

from finops_ledger.core.money import plain
from finops_ledger.recon.job import CROSS, Crossed, Job
from finops_ledger.subledger import engine as en

#: What a run crossed, as lines of the manifest.
Told = dict[str, list[list[Any]]]
_MONEY = "decimal(18, 4)"


def moved(engine: en.Engine, own: str) -> Told:
    """Say what was restated and released, for the manifest and the entries.

    ``met``: what this supplier's sales were restated to. ``given``: what others' sales released here, by seller: the
    mirror of what their lines say is met. ``own``: this supplier, as SQL.
    """
    met = engine.rows(
        "with moved as (select p, category, model, cost, listed from x_met where p is not null union all "
        "select p_before, category, model, -cost_before, -listed_before from x_met where p_before is not null) "
        f"select p, category, model, count(*) as n, cast(sum(cost) as {_MONEY}) as cost, "
        f"cast(sum(listed) as {_MONEY}) as listed from moved group by p, category, model order by p, category, model"
    )
    given = engine.rows(
        f"with moved as (select q, listed from x_left where p = {own} and is_met union all "
        f"select q, -listed from x_link where p = {own} "
        f"and key in (select key from x_left where p = {own}) union all "
        "select q, -listed from x_taken) "
        f"select q, cast(sum(listed) as {_MONEY}) as listed from moved "
        "group by q having sum(listed) <> 0 order by q"
    )
    told: Told = {
        "met": [
            Crossed(r["p"], r["category"], r["model"], r["n"], r["cost"], r["listed"]).line()
            for r in met
        ],
        "given": [[r["q"], plain(r["listed"])] for r in given],
    }
    return {n: lines for n, lines in told.items() if lines}


def summary(engine: en.Engine, job: Job, told: Told) -> dict[str, Any]:
    """Say what of a day other suppliers' files can still change, and what crossed: for the manifest."""
    if not job.partners:
        return {}
    found = engine.rows(
        f"select count(*) filter (where rule = '{CROSS}') as crossed, "
        "count(*) filter (where (amount <> 0 or recon_amount <> 0) and left(key, 1) not in ('~', '!', '?') "
        f"and (left_batch is null or right_batch is null) and rule is distinct from '{CROSS}') as alone from outcome"
    )[0]
    return {**found, **told} if found["crossed"] or found["alone"] or told else {}
