"""Put together what is proven of a file, field by field; what is not proven stays a question."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from finops_ledger.core import msisdn
from finops_ledger.core.errors import UsageError
from finops_ledger.core.kinds import ROLES
from finops_ledger.intake.conditions import unknown
from finops_ledger.intake.infer import ids, words
from finops_ledger.intake.infer.amounts import Amounts, find_amounts
from finops_ledger.intake.infer.clocks import clocks_of, joined
from finops_ledger.intake.infer.draft import UNDECIDED, Table, count, toml
from finops_ledger.intake.infer.look import Look, literal, look, refuse
from finops_ledger.intake.infer.movement import choose_amounts
from finops_ledger.intake.infer.totals import find_totals
from finops_ledger.intake.infer.values import Times, times_of
from finops_ledger.intake.limits import Limits

_IDS = tuple("ref partner_ref payment_ref settlement_ref orig_ref serial customer".split())
_TEXTS = tuple("product category channel partner currency text".split())
_TIMES = ("occurred_at", "created_at", "paid_at", "refunded_at")
_MANY = 40  #: different values that a status or a type may have


@dataclass(frozen=True)
class Proposal:
    """A proposed format."""

    text: str  #: TOML with its evidence as comments
    kind: str
    records: int  #: looked at
    whole: bool  #: whether these were all
    open: int  #: questions that a person must decide


@dataclass
class _Work:
    """What is known of a file while its format is put together."""

    look: Look
    amounts: Amounts
    times: dict[str, Times]
    used: set[str] = field(default_factory=set)
    unnamed: list[str] = field(default_factory=list)  #: columns of ids whose name says nothing

    @property
    def columns(self) -> list[str]:
        return self.look.columns

    def cells(self, name: str) -> list[str | None]:
        return self.look.column(self.columns.index(name))


def propose(
    path: Path,
    name: str,
    role: str | None = None,
    sheet: str | None = None,
    limits: Limits | None = None,
) -> Proposal:
    """Propose a format for a file; ``sheet``: of a workbook, where several are shown.

    Raises:
        InputRefused: empty, or nothing that a format can describe.
        UsageError: no such role.
    """
    if role is not None and role not in ROLES:
        raise UsageError(f"--role: {unknown(role, ROLES)}")
    found = look(path, sheet, limits)
    if not found.columns:
        from finops_ledger.intake.infer.statements import statement

        text = statement(path, found.kind, name)
        return Proposal(text, found.kind, 0, False, text.count(f'"{UNDECIDED}"'))
    if not found.rows:
        raise refuse(
            path,
            "no record is seen below the header",
            "a file with records, to see how they are written",
        )
    with duckdb.connect() as connection:
        times = {}
        for at, column in enumerate(found.columns):
            if (
                seen := times_of(found.column(at), connection, named=words.is_time(column))
            ) is not None:
                times[column] = seen
    clocks = clocks_of(found)
    times = joined(found, {n: t for n, t in times.items() if n not in clocks}, clocks)
    amounts = find_amounts(found, {*times, *clocks})
    choose_amounts(amounts, found, role)
    work = _Work(found, amounts, times)
    tables = _tables(work, path, name, role)
    text = "\n\n".join("\n".join(t.lines()) for t in tables if t.keys or t.remarks) + "\n"
    asked = sum(line.split(" # ")[0].count(f'"{UNDECIDED}"') for line in text.splitlines()
                if not line.startswith("#"))  # fmt: skip
    return Proposal(text, found.kind, len(found.rows), found.whole, asked)


def _tables(work: _Work, path: Path, name: str, role: str | None) -> list[Table]:
    fields, below = _fields(work)
    status = _status(work)
    kind = _kind(work)
    times_ = _times(work)
    _unnamed(work, fields, role)
    head = _head(work, path, name, role, fields)
    private = [n for n in ("customer", "serial") if any(k == n for k, _, _ in fields.keys)]
    privacy = Table("[privacy]")
    if private:
        privacy.put("hash", private, "customer numbers and secrets are not kept in clear")
    identities = [_identity(whole, parts) for whole, parts in work.amounts.equations]
    totals = find_totals(work.look, work.amounts)
    rest = _rest(work)
    return [
        head, _file(work.look), work.amounts.table(), times_, fields, *below, kind, status,
        privacy, *identities, *totals, _exclude(work, bool(totals)), rest,
    ]  # fmt: skip


def _head(work: _Work, path: Path, name: str, role: str | None, fields: Table) -> Table:
    table = Table("")
    looked = count(len(work.look.rows), "record") + (
        "" if work.look.whole else ": the first of more"
    )
    table.remarks = []
    table.put("name", name, f"proposed from {path.name}, {looked}")
    table.put("version", 1)
    if role is not None:
        table.put("role", role)
    else:
        table.put("role", UNDECIDED, f"decide: one of {', '.join(ROLES)}")
    table.put("description", "")
    table.put("source_of_layout", f"Proposed from a file of {len(work.columns)} columns.")
    mapped = {f: v for f, v, _ in fields.keys if isinstance(v, str) and v in work.columns}
    table.put("key", *ids.key(work.look, role, mapped, work.unnamed))
    if work.amounts.order:
        table.put("order", work.amounts.order, work.amounts.why_order)
    return table


def _file(found: Look) -> Table:
    table = Table("[file]")
    for name, value in {**found.file, "header": found.file.get("header", found.columns)}.items():
        table.put(name, value, found.why.get(name, ""))
    if found.titles and found.kind == "csv":
        first = literal(found.delimiter.join(found.titles[0]))
        table.remarks.append(
            f"first_line = {toml(first)} would tell it from other files by its first line"
        )
    return table


def _times(work: _Work) -> Table:
    table = Table("[times]")
    used = [t for n, t in work.times.items() if n in work.used]
    if not used:
        return table
    common = Counter(t.forms for t in used).most_common(1)[0][0]
    first = next(t for t in used if t.forms == common)
    _form(table, first)
    from finops_ledger.intake import forms

    if first.months != "en":
        table.put("months", first.months)
    if any(not forms.has_year(f) for f in common):
        table.put("year", "file_day", "no year is written: it is the one next to the file's day")
    every = [f for t in used for f in t.forms]
    if all(forms.is_zoned(f) or forms.is_date_only(f) for f in every):
        return table
    zones = [c for c in work.columns if words.is_one(c, words.ZONE) and _any(work, c)]
    if zones:
        work.used.add(zones[0])
        map_ = dict.fromkeys(_values(work, zones[0]), UNDECIDED)
        table.put(
            "zone",
            {"column": zones[0], "map": map_},
            "decide: the offset that each one means, as +07:00",
        )
        return table
    every = [f for t in used for f in t.forms]
    if any(not forms.is_zoned(f) and not forms.is_date_only(f) for f in every):
        table.put(
            "zone",
            UNDECIDED,
            'decide: the file names no zone; "Asia/Jakarta" where it means WIB',
        )
    return table


def _form(table: Table, found: Times) -> None:
    if found.decided:
        table.put("format", found.forms[0], found.why)
        return
    readings = " or ".join(found.forms)
    why = found.why if "different value" not in found.why else "no cell tells them apart"
    table.put("format", UNDECIDED, f"decide: {readings}; {why}")


def _fields(work: _Work) -> tuple[Table, list[Table]]:
    table, below = Table("[fields]"), list[Table]()
    main = Counter(t.forms for n, t in work.times.items()).most_common(1)
    taken = work.amounts.columns()
    for name in (*_TIMES, *_IDS, *_TEXTS):
        wanted = [
            c for c in words.candidates(name, work.columns) if c not in taken and c not in work.used
        ]
        if name in _TIMES:
            wanted = [c for c in wanted if c in work.times]
            if name == "occurred_at" and not wanted:
                wanted = [c for c in work.times if c not in work.used and not _is_other_time(c)][:2]
        else:
            wanted = [c for c in wanted if c not in work.times]
        wanted = [c for c in wanted if _any(work, c)]
        if not wanted:
            continue
        if len(wanted) > 1 and words.bare(wanted[0]) == words.bare(wanted[1]):
            wanted = wanted[:1]
        best = sorted(
            wanted,
            key=lambda c: (
                words.NAMES[name].index(words.bare(c)) if words.bare(c) in words.NAMES[name] else 99
            ),
        )
        if len(best) > 1:
            told = [_named(work, c) for c in best]
            table.put(name, UNDECIDED, f"decide, or leave out: {', '.join(told)}")
            work.used.update(best)
            continue
        work.used.add(best[0])
        if name in _TIMES and work.times[best[0]].clock:
            work.used.add(work.times[best[0]].clock)
        table.put(name, *_field(work, name, best[0], main[0][0] if main else ()))
    work.used |= taken
    work.amounts.put(table, below)
    return table, below


def _named(work: _Work, column: str) -> str:
    """Name a column, with that of its time of day."""
    if column in work.times and (clock := work.times[column].clock):
        work.used.add(clock)
        return toml({"join": [column, clock]})
    return repr(column)


def _unnamed(work: _Work, fields: Table, role: str | None) -> None:
    """Ask what the ids are whose name says nothing, where the role matches by ids."""
    if role in {"bank", "report"}:
        return
    open_ = [n for n in ("ref", "partner_ref") if all(n != k for k, _, _ in fields.keys)]
    taken = {*work.used, *work.times, *work.amounts.seen}
    work.unnamed = ids.unnamed(work.look, taken)
    if not open_ or not work.unnamed:
        return
    told = ", ".join(f"{c!r} ({next(filter(None, work.cells(c)))} …)" for c in work.unnamed)
    meant = {"ref": "our id", "partner_ref": "the partner's id"}
    for name in open_:
        why = f"decide, or leave out: {meant[name]}? different in every record: {told}"
        fields.put(name, UNDECIDED, why)
    work.used.update(work.unnamed)


def _is_other_time(column: str) -> bool:
    return any(
        words.bare(column) in words.NAMES[n] for n in ("created_at", "paid_at", "refunded_at")
    )


def _any(work: _Work, column: str) -> bool:
    return any(c is not None for c in work.cells(column))


def _field(work: _Work, name: str, column: str, main: tuple[str, ...]) -> tuple[object, str]:
    if name not in _TIMES:
        filled = [c for c in work.cells(column) if c is not None]
        why = "by its name"
        if len(set(filled)) == len(filled) > 1:
            why += f"; {count(len(filled), 'value')}, all different"
        if name == "customer" and any(
            re.search(msisdn.MOBILE, re.sub(msisdn.BETWEEN, "", c)) for c in filled
        ):
            return {"column": column, "normalise": "msisdn"}, why + "; mobile numbers in one form"
        if name == "currency" and any(c != c.upper() for c in filled):
            return {"column": column, "upper": True}, why + "; in small letters"
        return column, why
    found = work.times[column]
    if found.lone:
        lone = count(found.lone, "record")
        return UNDECIDED, (
            f"decide: {toml({'join': [column, found.clock]})}, or {column!r} alone: {lone} without {found.clock!r}"
        )
    value: dict[str, object] = {"column": column}
    why = "by its name and its cells" if words.bare(column) in words.NAMES[name] else "by its cells"
    if found.clock:
        value = {"join": [column, found.clock]}
        why += f"; the time of day stands in {found.clock!r}"
    if found.pattern:
        value["pattern"] = found.pattern
        why += "; a sign stands before each"
    if found.forms != main:
        value["format"] = found.forms[0] if found.decided else UNDECIDED
        if not found.decided:
            why += f"; decide: {' or '.join(found.forms)}"
    empty = sum(c is None for c in work.cells(column))
    if empty and name in {"occurred_at", "created_at"}:
        value["required"] = False
        why += f"; {count(empty, 'empty cell')}"
    return (column if value == {"column": column} else value), why


def _values(work: _Work, column: str) -> Counter[str]:
    return Counter(c for c in work.cells(column) if c is not None)


def _status(work: _Work) -> Table:
    table = Table("[status]")
    text = [c for c in work.columns if words.is_one(c, words.STATUS) and _any(work, c)]
    code = [c for c in work.columns if words.is_one(c, words.CODE) and _any(work, c)]
    for column, key, map_ in ((text, "column", "map"), (code, "code", "codes")):
        if not column:
            continue
        name = column[0]
        values = _values(work, name)
        if len(values) > _MANY:
            table.remarks.append(
                f"{name!r} has {count(len(values), 'different value')}: no list of statuses"
            )
            continue
        work.used.add(name)
        table.put(key, name, "by its name")
        table.put(map_, dict.fromkeys(values, UNDECIDED), "decide: " + "; ".join(
            f"{v}: {count(n, 'row')}" + (f", likely {m}" if (m := words.likely(v, words.STATUSES)) else "")
            for v, n in values.most_common()))  # fmt: skip
    return table


def _kind(work: _Work) -> Table:
    table = Table("[fields.kind]")
    for name in work.columns:
        if not words.is_one(name, words.KIND) or name in work.used:
            continue
        values = _values(work, name)
        if not values or len(values) > _MANY:
            continue
        work.used.add(name)
        rules: list[dict[str, object]] = [
            {"column": name, "equals": v, "is": UNDECIDED} for v in values
        ]
        if None in work.cells(name):
            rules.append({"column": name, "empty": True, "is": UNDECIDED})
        table.put("rules", rules, "decide: " + "; ".join(
            f"{v}: {count(n, 'row')}" + (f", likely {m}" if (m := words.likely(v, words.KINDS)) else "")
            for v, n in values.most_common()))  # fmt: skip
        break
    return table


def _identity(whole: str, parts: tuple[str, ...]) -> Table:
    table = Table("[[identities]]")
    table.put("left", [whole])
    table.put("right", list(parts), "holds in every record that was looked at")
    return table


def _exclude(work: _Work, stated: bool) -> Table:
    table = Table("[exclude]")
    rules: list[dict[str, object]] = []
    for column, found in work.times.items():
        if column in work.used:
            sign = "'?" if found.pattern else ""
            rules += [
                {"column": column, "pattern": sign + literal(m), "reason": UNDECIDED}
                for m in found.misfits
            ]
    if rules:
        why = "decide: these cells are no times; why are their records left out?"
        if stated:
            rules = [{**r, "in_totals": UNDECIDED} for r in rules]
            why += " in_totals: true where the totals of the file count them all the same"
        table.put("rules", rules, why)
    return table


def _rest(work: _Work) -> Table:
    table = Table("")
    for name in work.columns:
        if name in work.used or name in work.amounts.columns():
            continue
        filled = [c for c in work.cells(name) if c is not None]
        shown = ", ".join(repr(c[:30]) for c in list(dict.fromkeys(filled))[:3])
        what = f"e.g. {shown}" if filled else "always empty"
        table.remarks.append(f"not used: {name!r}, {what}")
    return table
