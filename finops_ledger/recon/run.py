"""One run: one leg, one counterparty, one day. Reads both sides, writes matches and items, says what it found.

Each step makes tables of the tables before it and changes none in place:

=============  ==============================================================================
``prior``      items open at the end of the day before, and matched ones that the day touches
``lhs, rhs``   the day's rows of both sides that are no plain pair
``placed``     right rows with their item; ``additions`` what refunds and adjustments add to one
``outcome``    every item of the day with its class, home and id
=============  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finops_ledger.recon import (
    crossing,
    crossing_told,
    deciding,
    due,
    history,
    inputs,
    passes,
    results,
)
from finops_ledger.recon import tables as rt
from finops_ledger.recon.decisions import Decided
from finops_ledger.recon.history import Matched
from finops_ledger.recon.job import Absent, Job, Outcome, clock
from finops_ledger.recon.outcome import outcomes
from finops_ledger.recon.passes import finishing
from finops_ledger.subledger import engine as en
from finops_ledger.subledger.compiled import query


def run(
    engine: en.Engine,
    job: Job,
    *,
    before: Sequence[Path],
    earlier: Sequence[Matched],
    decided: Sequence[Decided],
    out: Path,
    absent: Sequence[Absent] = (),
) -> Outcome:
    """Run one leg of one day. The line tables of the day must stand in the engine.

    ``before``: the items file of the last run of this leg and counterparty. ``earlier``: matches files of
    earlier days, oldest first. ``decided``: decisions dated this day. ``absent``: orders that could not be
    reconciled yet, for want of a file; a right row of theirs is no break. Writes
    ``matches.parquet`` and ``items.parquet`` into ``out`` (only when they have rows).
    """
    engine.give("clock", clock(job))
    inputs.lay_out_prior(engine, before)
    result = Outcome(pairs=inputs.lay_out(engine, job))
    if not decided and len(job.partners) < 2 and inputs.nothing(engine, result.pairs):
        engine.keep("outcome", en.empty(rt.sql_types(rt.OUTCOME)))
        return result
    told = crossing.run(engine, job)
    history.add(engine, job, earlier)
    waiting = [one for one in absent if one.until is None or one.until > job.day]
    passes.run(engine, job, result, " union all ".join(one.keys for one in waiting) or None)
    if job.due is not None:
        engine.give("due", due.table(job.due))
    scheduled = {} if job.due is None else {"scheduled": True}
    engine.keep("outcome", query(outcomes, job.leg, **scheduled))
    finishing.tell(engine)
    for one in waiting:
        _wait_for_absent(engine, job, one)
    deciding.name_items(engine, job)
    finishing.suggest(engine)
    result.crossing = crossing_told.summary(engine, job, told)
    deciding.apply(engine, job, decided, result)
    results.sum_up(engine, result)
    results.write(engine, job, out, result)
    return result


def _wait_for_absent(engine: en.Engine, job: Job, absent: Absent) -> None:
    """A right row whose sale lies on a day that is not reconciled yet waits with that day."""
    waiting = en.literal(job.leg.waiting(job.component))
    waits = (
        "left_batch is null and amount <> 0 and class in ('missing_at_platform', 'duplicate_delivery') "
        f"and key in ({absent.keys})"
    )
    until = "null" if absent.until is None else f"date '{absent.until}'"
    why = f"coalesce(operands, {en.literal(absent.why)})" if absent.why else "operands"
    engine.keep(
        "outcome",
        f"select * exclude (waits) replace (case when waits then 'timing' else class end as class, "
        f"case when waits then {waiting} else home end as home, "
        f"case when waits then {waiting} else recon_home end as recon_home, "
        f"case when waits then cast({until} as date) else breaks_on end as breaks_on, "
        f"case when waits then {why} else operands end as operands, "
        "case when waits then 'file_missing' else reason end as reason) "
        f"from (select *, coalesce({waits}, false) as waits from outcome)",
    )
