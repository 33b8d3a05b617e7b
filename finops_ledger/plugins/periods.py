"""A closed period stays as it was closed: the hash of all its transactions still holds.

Closing writes one directive, dated the last day of the period::

    2026-03-31 custom "finops-close" "sha256:9f2c…" "controller-1"

The hash is over the canonical text of every transaction up to that day, whoever wrote it and in whatever file it
stands: date, flag, payee, narration, tags, links, metadata and postings, none of them by their order.
When any of them has changed, has gone or has been added::

    [period-changed] the period up to 2026-03-31 was closed as sha256:9f2c… and is sha256:1b07… now; ...

What ``pad`` fills in is not part of it. One pass: the hash runs on from one close to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from beancount.core.amount import Amount
from beancount.core.data import Custom, Directive, Posting, Transaction

from finops_ledger.plugins.errors import ProofError, Report, plain, read_config, word

__plugins__ = ("periods",)

CLOSE = "finops-close"
_NAME = "finops_ledger.plugins.periods"
_PREFIX = "sha256:"
_PLACES = ("filename", "lineno")


def periods(
    entries: list[Directive], options_map: dict[str, Any], config: str | None = None
) -> tuple[list[Directive], list[ProofError]]:
    """Compare the hash of every closed period with the one under which it was closed."""
    report = Report(options_map)
    read_config(report, _NAME, config, {})
    closes: dict[date, list[tuple[Custom, str]]] = {}
    for entry in entries:
        if isinstance(entry, Custom) and entry.type == CLOSE:
            stated = word(entry.values[0].value) if entry.values else None
            if stated is None or not stated.startswith(_PREFIX):
                report.add(
                    "period-line",
                    f"the close of {entry.date} does not state its hash, expected "
                    f'"{_PREFIX}…"; the index is machine-written: derive the journal again',
                    entry,
                )
                continue
            closes.setdefault(entry.date, []).append((entry, stated))
    for day, found in digests(entries, closes):
        for entry, stated in closes[day]:
            if stated != found:
                report.add(
                    "period-changed",
                    f"the period up to {day} was closed as {stated} and is {found} now: a "
                    "transaction of it was changed, removed or added; restore its files from a "
                    "backup (finops verify names them), and correct on an open day",
                    entry,
                )
    return entries, report.errors


def digests(entries: Iterable[Directive], wanted: Iterable[date]) -> Iterator[tuple[date, str]]:
    """Yield the hash of all transactions up to each of the days, in order of the days.

    ``entries`` in date order, as Beancount loads them.
    """
    running = hashlib.sha256()
    days = sorted(set(wanted))
    for day, of_day in groupby(entries, key=attrgetter("date")):
        while days and days[0] < day:
            yield days.pop(0), _PREFIX + running.hexdigest()
        if not days:
            return
        texts = [_text(e) for e in of_day if isinstance(e, Transaction) and e.flag != "P"]
        for text in sorted(texts):
            running.update(text.encode())
    for day in days:
        yield day, _PREFIX + running.hexdigest()


def _text(entry: Transaction) -> str:
    """The canonical text of a transaction: the same for the same facts, wherever and however they are written."""
    head = [entry.date.isoformat(), entry.flag or "", entry.payee or "", entry.narration or ""]
    marks = [" ".join(sorted(entry.tags or ())), " ".join(sorted(entry.links or ()))]
    postings = sorted(_posting(p) for p in entry.postings)
    return "\x1e".join(["\x1f".join(head + marks), _meta(entry.meta), *postings]) + "\n"


def _posting(posting: Posting) -> str:
    parts = [posting.account, _value(posting.units), _value(posting.cost), _value(posting.price)]
    return "\x1f".join([*parts, posting.flag or "", _meta(posting.meta)])


def _meta(meta: dict[str, Any] | None) -> str:
    kept = {k: v for k, v in (meta or {}).items() if k not in _PLACES and not k.startswith("__")}
    return "\x1f".join(f"{key}={_value(kept[key])}" for key in sorted(kept))


def _value(value: object) -> str:
    if isinstance(value, Amount) and isinstance(value.number, Decimal):
        return f"{plain(value.number)} {value.currency}"
    return plain(value) if isinstance(value, Decimal) else str(value)
