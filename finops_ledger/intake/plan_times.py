"""The times of a record: which form a cell is in, in which zone, and on which day of the books."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from finops_ledger.core.errors import UsageError
from finops_ledger.intake import forms, raw, times
from finops_ledger.intake.source import Source
from finops_ledger.intake.spec_fields import FieldSpec, ZoneSpec

if TYPE_CHECKING:
    from finops_ledger.intake.planner import Planner
    from finops_ledger.intake.spec import Format


def add(plan: Planner, name: str, spec: FieldSpec) -> None:
    """Add a column of time to a plan in the making: its moment, its day, its checks.

    A cell may be in one of several forms; no text is in two of them (:func:`.forms.clash`).
    """
    given = plan.fmt.times
    column = spec.column or (spec.join[0] if spec.join else None)
    if column is None:
        raise UsageError(f"format {plan.fmt.name}: [fields.{name}] is a time: give a column")
    cell, shown = plan.extracted(plan.written(spec), spec), plan.written(spec)
    known = spec.format or given.format
    wanted = "a time like " + " or ".join(known)
    if not all(forms.has_year(f) for f in known):
        wanted += f", within {plan.within} days of {plan.near_by}"
    locals_, moments, days = [], [], []
    for form in known:
        local = _local(plan, cell, form)
        locals_.append(local)
        moment = _moment(plan, name, spec, form, cell, local)
        moments.append(moment)
        days.append(_day(plan, spec, form, local, moment))
    one = len(known) == 1
    plan.plan.named[name] = moments[0] if one else f"coalesce({', '.join(moments)})"
    plan.plan.named[f"{name}_day"] = days[0] if one else f"coalesce({', '.join(days)})"
    read = " OR ".join(f"{local} IS NOT NULL" for local in locals_)
    plan.check(
        "cell-time", column, f"{read} OR {shown} IS NULL", "not a time in the declared form",
        wanted, shown,
    )  # fmt: skip
    if _may_be_twice(plan, spec):
        plan.check(
            "time-ambiguous", column, f"r_{name} IS NOT NULL OR NOT ({read}) OR {_no_zone(plan, spec)}",
            "a local time that its zone has twice, or not at all", "a time outside the change of clocks",
            shown,
        )  # fmt: skip
    required = name in {"occurred_at", "created_at"} if spec.required is None else spec.required
    if required:
        plan.check("cell-empty", column, f"{shown} IS NOT NULL", f"no {name}", wanted, shown)


def _parsed(plan: Planner, sql: str) -> str:
    name = f"p{len(plan.plan.parsed)}"
    plan.plan.parsed.append(f"{sql} AS {name}")
    return name


def _local(plan: Planner, cell: str, form: str) -> str:
    given = plan.fmt.times
    if form == times.ISO:
        taken = f"t{len(plan.plan.taken)}"
        plan.plan.taken.append(f"{times.cast_iso(cell)} AS {taken}")
        return _parsed(plan, times.proven_iso(cell, taken))
    if forms.has_year(form):
        return _parsed(plan, times.local_time(cell, form, given.months))
    return _parsed(plan, times.yearless_time(cell, form, plan.near, plan.within, given.months))


def _zone(plan: Planner, spec: FieldSpec, form: str) -> ZoneSpec:
    books = ZoneSpec(name=plan.info.zone)
    return books if forms.is_date_only(form) else spec.zone or plan.fmt.times.zone or books


def _moment(plan: Planner, name: str, spec: FieldSpec, form: str, cell: str, local: str) -> str:
    months = plan.fmt.times.months
    if forms.is_zoned(form):
        return times.at_offset(local, _parsed(plan, times.offset_seconds(cell, form, months)))
    zone = _zone(plan, spec, form)
    if zone.name is not None:
        return times.to_utc(local, zone.name)
    if zone.by_letter:
        told, column = _parsed(plan, times.abbreviation(cell, form, months)), spec.column or name
        shown = told
    else:
        assert zone.column is not None, "zones by row or file name were resolved before"
        told, column = plan.cell(zone.column), zone.column
        shown = told
    plan.check(
        "zone-unknown",
        column,
        f"{_known(told, zone)} OR {local} IS NULL",
        "unknown time zone",
        "one of " + ", ".join(sorted(zone.map)),
        shown,
    )
    return times.to_utc_by_column(local, told, zone.map)


def _known(told: str, zone: ZoneSpec) -> str:
    names = ", ".join(times.text(k) for k in zone.map)
    return f"coalesce({told} IN ({names}), false)"


def _day(plan: Planner, spec: FieldSpec, form: str, local: str, moment: str) -> str:
    same = not forms.is_zoned(form) and _zone(plan, spec, form).name == plan.info.zone
    books = plan.info.zone
    return f"CAST({local} AS DATE)" if same else times.day_in(f"({moment})", books)


def _may_be_twice(plan: Planner, spec: FieldSpec) -> bool:
    for form in spec.format or plan.fmt.times.format:
        if forms.is_zoned(form):
            continue
        zone = _zone(plan, spec, form)
        zones = [zone.name] if zone.name else [*zone.map.values()]
        if any(times.fixed_offset(z) is None for z in zones):
            return True
    return False


def _no_zone(plan: Planner, spec: FieldSpec) -> str:
    """SQL: the zone is not known, which is a fault of its own."""
    zone = spec.zone or plan.fmt.times.zone
    if zone is None or zone.column is None:
        return "false"
    return f"NOT {_known(plan.cell(zone.column), zone)}"


def with_zones_of(fmt: Format, source: Source) -> Format:
    """Return the format with every zone that the file states (in a line, in its name) put in.

    Raises:
        InputRefused: the file states none, or one that the map does not know.
    """
    times_ = fmt.times
    if times_.zone is not None:
        times_ = times_.model_copy(update={"zone": _stated(times_.zone, source)})
    fields = {
        name: spec
        if spec.zone is None
        else spec.model_copy(update={"zone": _stated(spec.zone, source)})
        for name, spec in fmt.fields.items()
    }
    return fmt.model_copy(update={"times": times_, "fields": fields})


def _stated(zone: ZoneSpec, source: Source) -> ZoneSpec:
    if zone.row is None and zone.file_name is None:
        return zone
    line = None
    if zone.row is not None:
        hits = ((n.line, re.search(zone.row, n.text)) for n in source.notes)
        line, found = next(((at, f) for at, f in hits if f), (None, None))
        where = f"a line that matches {zone.row}"
    else:
        assert zone.file_name is not None
        found = re.search(zone.file_name, source.name)
        where = f"a file name that matches {zone.file_name}"
    if found is None:
        raise raw.refuse(
            source.name, "zone-unknown", "nothing states the time zone", expected=where
        )
    told = found[1] or ""
    if told not in zone.map:
        raise raw.refuse(
            source.name, "zone-unknown", "unknown time zone", line, value=told,
            expected="one of " + ", ".join(sorted(zone.map)),
        )  # fmt: skip
    return ZoneSpec(name=zone.map[told])
