"""A file tried under a format: what would be read, what would be refused, and nothing kept.

``finops format check`` shows it. The file is read by the same code as an import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finops_ledger.core.days import zone as find_zone
from finops_ledger.core.errors import FinopsError, InputRefused, Problem
from finops_ledger.core.money import plain
from finops_ledger.core.schema import MONEY_FIELDS
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.limits import Limits
from finops_ledger.intake.model import ReadResult, SourceInfo
from finops_ledger.intake.read import locate, read
from finops_ledger.intake.recognise import recognises
from finops_ledger.intake.running import WALKED, Running, walk
from finops_ledger.intake.spec import Format

#: Key of the hashes where no books are at hand: they are shown, never kept.
SECRET = b"a key for a look at a file"
_ALWAYS = ("day", "kind", "status", "amount")


@dataclass(frozen=True)
class Trial:
    """What would become of a file. ``columns`` are the row columns that the format fills."""

    file: str
    format: str
    role: str
    columns: tuple[str, ...]
    head: tuple[dict[str, Any], ...]  #: the first rows, as they would be read
    result: ReadResult | None  #: of the sound records; none: not even they can be read
    sums: dict[str, Decimal] = field(default_factory=dict)
    statuses: dict[str, dict[str, int]] = field(default_factory=dict)  #: status -> raw -> rows
    problems: tuple[Problem, ...] = ()  #: the first 1,000
    total: int = 0  #: of problems, listed or not
    notes: tuple[str, ...] = ()  #: what a look without books cannot tell
    moments: tuple[datetime, datetime] | None = (
        None  #: of the first and the last row that says its time
    )
    business_day: date | None = None  #: of the file, as a source says it
    partner_days: tuple[date, date] | None = (
        None  #: of its rows, by the window of the partner's SOP
    )
    running: Running | None = None  #: the balance, walked as the books will
    unmapped: dict[str, int] = field(default_factory=dict)  #: statuses that no map knows -> rows

    @property
    def clean(self) -> bool:
        """Whether an import would take the file whole."""
        return not self.total

    @property
    def by_code(self) -> dict[str, int]:
        """How many of the listed problems have each code, the most frequent first."""
        return dict(Counter(p.code for p in self.problems).most_common())


def try_file(
    path: Path, fmt: Format, info: SourceInfo, rows: int = 10, limits: Limits | None = None
) -> Trial:
    """Read a file as an import would, and tell what came out.

    A source without aliases (no books at hand) has its partner codes left unread.
    """
    notes = []
    if "partner" in fmt.fields and not info.partner_aliases:
        fields = {n: s for n, s in fmt.fields.items() if n != "partner"}
        fmt = fmt.model_copy(update={"fields": fields})
        notes.append("partner codes are not looked at: only the books know them")
    if fmt.privacy.hash and not info.secret:
        info = replace(info, secret=SECRET)
    columns = (*_ALWAYS[:3], *(n for n in fmt.fields if n not in {"kind", "amount"}), "amount")
    blank = Trial(path.name, fmt.name, info.role, columns, (), None, notes=tuple(notes))
    with TemporaryDirectory(prefix="finops-") as folder:
        out = Path(folder) / "rows.parquet"
        try:
            result = read(path, fmt, info, out, limits=limits)
            return _filled(blank, result, out, rows, info.zone, path, fmt)
        except InputRefused as refused:
            blank = replace(blank, problems=tuple(refused.problems), total=refused.total)
        try:
            result = read(path, fmt, info, out, accept_valid=True, limits=limits)
        except InputRefused:
            return blank
        return _filled(blank, result, out, rows, info.zone, path, fmt)


def _filled(
    trial: Trial, result: ReadResult, out: Path, rows: int, zone: str, path: Path, fmt: Format
) -> Trial:
    table = pq.read_table(out)
    shown = [c for c in trial.columns if c in table.column_names]
    money = [c for c in MONEY_FIELDS if c in trial.columns and c not in {"balance", "quantity"}]
    sums = {}
    for name in money:
        found = pc.sum(table[name].cast(pa.decimal128(38, 4))).as_py()
        if found is not None:
            sums[name] = found
    statuses: dict[str, dict[str, int]] = {}
    counted = table.group_by(["status", "status_raw"]).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(counted, key=lambda r: -r["count_all"]):
        statuses.setdefault(row["status"], {})[row["status_raw"] or ""] = row["count_all"]
    where = find_zone(zone)
    head = tuple(
        {n: v.astimezone(where) if isinstance(v, datetime) else v for n, v in row.items()}
        for row in table.select(shown).slice(0, rows).to_pylist()
    )
    said = pc.coalesce(*(table[n] for n in ("occurred_at", "created_at", "paid_at")))
    ends = pc.min_max(said).as_py()
    moments = None if ends["min"] is None else (ends["min"], ends["max"])
    trial = replace(trial, head=head, result=result, sums=sums, statuses=statuses, moments=moments)
    known = {**fmt.status.map, **fmt.status.codes}
    unmapped = {r: n for r, n in statuses.get("unknown", {}).items() if known.get(r) != "unknown"}
    notes = [*trial.notes, *_unmatched(trial.role, fmt, result)]
    trial = replace(trial, unmapped=unmapped, notes=tuple(notes))
    return trial if result.refused else _walked(trial, table, path, fmt)


def _unmatched(role: str, fmt: Format, result: ReadResult) -> list[str]:
    """Say which ids are missing that the rows of a role are matched by."""
    if role not in {"sale", "supply"} or not result.kept or "ref" in fmt.fields:
        return []
    if role == "sale":
        return ["ref is not mapped: sales are matched with their partner's rows by the order id"]
    if "partner_ref" in fmt.fields:
        return [
            "ref (our order id) is not mapped: rows are matched with sales by it, unless the SOP's "
            "[versions.match] says partner_ref"
        ]
    return ["ref (our order id) is not mapped: rows cannot be matched with sales"]


def _walked(trial: Trial, table: pa.Table, path: Path, fmt: Format) -> Trial:
    """Walk the running balance; a bank's file is refused where it does not follow, as an import does."""
    spec = fmt.fields.get("balance")
    if spec is None or trial.role not in WALKED:
        return trial
    column = spec.column or "balance"
    found = walk(table, column, fmt.order)
    if found is None or not found.total:
        return replace(trial, running=found)
    gaps = tuple(replace(g, line=locate(path, fmt, g.record)[0]) for g in found.gaps)
    trial = replace(trial, running=replace(found, gaps=gaps))
    if trial.role != "bank":
        return trial
    faults = tuple(
        Problem(
            "balance-chain",
            f"the balance does not follow from the one before it: off by {plain(g.off)}",
            path.name,
            g.line,
            column,
            plain(g.balance),
            plain(g.expected),
        )
        for g in gaps
    )
    return replace(trial, problems=(*trial.problems, *faults), total=trial.total + found.total)


@dataclass(frozen=True, slots=True)
class Known:
    """One format at hand."""

    name: str
    path: Path
    own: bool  #: of the books, not shipped
    format: Format | None
    fault: str = ""  #: why it cannot be loaded


def known_formats(own: Path | None = None) -> list[Known]:
    """Return every format at hand, those of the books first where names are the same."""
    found: dict[str, tuple[Path, bool]] = {n: (p, False) for n, p in shipped().items()}
    for path in sorted(own.glob("*.toml")) if own is not None else []:
        found[path.stem] = (path, True)
    known = []
    for name, (path, of_books) in sorted(found.items()):
        try:
            known.append(Known(name, path, of_books, load_format(path)))
        except FinopsError as error:
            known.append(Known(name, path, of_books, None, str(error)))
    return known


def recognised(path: Path, formats: list[Known], limits: Limits | None = None) -> list[str]:
    """Return the names of the formats whose layout the file has."""
    return [k.name for k in formats if k.format is not None and recognises(k.format, path, limits)]


def as_json(trial: Trial) -> Mapping[str, Any]:
    """Return a trial for programs; money is text."""

    def text(value: Any) -> Any:
        return value if value is None or isinstance(value, (str, int)) else str(value)

    result = trial.result
    return {
        "file": trial.file,
        "format": trial.format,
        "role": trial.role,
        "clean": trial.clean,
        "rows": None
        if result is None
        else {
            "read": result.rows,
            "kept": result.kept,
            "excluded": result.excluded,
            "refused": result.refused,
        },
        "days": None if result is None else [text(result.first_day), text(result.last_day)],
        "business_day": text(trial.business_day),
        "partner_days": None if trial.partner_days is None else [*map(str, trial.partner_days)],
        "control": None if result is None else str(result.control),
        "sums": {n: str(v) for n, v in trial.sums.items()},
        "stated": {} if result is None else {n: str(v) for n, v in result.totals.items()},
        "statuses": trial.statuses,
        "unmapped_statuses": trial.unmapped,
        "balance": None
        if trial.running is None
        else {
            "column": trial.running.column,
            "stated": trial.running.stated,
            "follows": not trial.running.total,
            "gaps": trial.running.total,
            "listed": [
                {
                    "line": g.line,
                    "balance": str(g.balance),
                    "expected": str(g.expected),
                    "off": str(g.off),
                }
                for g in trial.running.gaps
            ],
        },
        "head": [{n: text(v) for n, v in row.items()} for row in trial.head],
        "problems": {
            "total": trial.total,
            "by_code": trial.by_code,
            "listed": [str(p) for p in trial.problems],
        },
        "notes": list(trial.notes),
    }
