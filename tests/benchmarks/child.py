"""One measurement in a process of its own: prints its figures as one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def steps(folder: str, out: str) -> dict[str, str]:
    """The steps of ``baseline.sql`` for one pair of files."""
    from tests.benchmarks.pair import Pair

    of = Pair(Path(folder))
    text = (HERE / "baseline.sql").read_text()
    names = {"orders": of.orders, "supply": of.supply, "prices": of.prices, "out": out}
    for name, value in names.items():
        text = text.replace(f"${name}", str(value))
    parts = [part.partition("\n") for part in text.split("\n-- step: ")[1:]]
    return {name: sql for name, _, sql in parts}


def baseline(folder: str, out: str, memory: str) -> dict[str, Any]:
    """The hand-written SQL, step by step."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{memory}'")
        connection.execute(f"set temp_directory = '{out}/spill'")
        phases: dict[str, float] = {}
        rows: list[Any] = []
        for name, sql in steps(folder, out).items():
            began = time.perf_counter()
            rows = connection.execute(sql).fetchall() if name != "begin" else _run(connection, sql)
            phases[name] = time.perf_counter() - began
    return {"phases": phases, "classes": {r[0]: r[1] for r in rows}}


def _run(connection: Any, sql: str) -> list[Any]:
    connection.execute(sql)
    return []


def baseline_join(folder: str, out: str, memory: str) -> dict[str, Any]:
    """The join alone, on Parquet that is there."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{memory}'")
        connection.execute(f"set temp_directory = '{out}/spill'")
        wanted = steps(folder, out)
        began = time.perf_counter()
        connection.execute(wanted["join"])
        rows = connection.execute(wanted["counts"]).fetchall()
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "classes": {r[0]: r[1] for r in rows}}


def _clocked(phases: dict[str, float]) -> None:
    """Let the phases of ours be measured: intake, identity, digests, reconcile, journal."""
    from finops_ledger.books import importing, journal, reconciling
    from finops_ledger.posting import identity

    def clock(module: Any, name: str, phase: str) -> None:
        call = getattr(module, name)

        def timed(*values: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*values, **options)
            finally:
                phases[phase] = phases.get(phase, 0) + time.perf_counter() - began

        setattr(module, name, timed)

    clock(importing, "read", "intake")
    clock(identity, "describe", "identity")
    clock(importing, "content_digest", "digest of rows")
    clock(reconciling, "reconcile", "reconcile")
    clock(journal, "derive", "journal")


def _books(root: str) -> Any:
    from finops_ledger.books import Books
    from tests.worked.workspace import NOW

    return Books(Path(root), clock=lambda: NOW)


def _classes(books: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for (leg, _, _), line in books.space.state.reconciled.items():
        if leg == "sale-supply":
            for name, one in line["outcomes"].items():
                found[name] = found.get(name, 0) + one["count"]
    return found


def ours(root: str) -> dict[str, Any]:
    """Both files imported and reconciled in a workspace laid out for them."""
    phases: dict[str, float] = {}
    _clocked(phases)
    books = _books(root)
    report = books.import_files(derive=False)  # as `finops run` does: derived once, at the end
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    books.reconcile()
    return {"phases": phases, "classes": _classes(books)}


def ours_import(root: str) -> dict[str, Any]:
    """Both files imported."""
    books = _books(root)
    report = books.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    return {}


def ours_reconcile(root: str) -> dict[str, Any]:
    """What is imported, reconciled; modules and queries are loaded before the clock starts."""
    from finops_ledger.books import reconciling

    phases: dict[str, float] = {}
    _clocked(phases)
    books = _books(root)
    assert reconciling
    began = time.perf_counter()
    books.reconcile()
    return {
        "seconds": phases["reconcile"],
        "with journal": time.perf_counter() - began,
        "classes": _classes(books),
    }


def ours_intake(folder: str, out: str) -> dict[str, Any]:
    """Validated CSV to Parquet, both files."""
    from finops_ledger.intake.formats import find_format, load_format
    from finops_ledger.intake.model import SourceInfo
    from finops_ledger.intake.read import read
    from tests.benchmarks.pair import DAY, Pair

    of = Pair(Path(folder))
    seconds, used = 0.0, _processor()
    for path, name, role in ((of.orders, "orders", "sale"), (of.supply, "aggregator", "supply")):
        form = load_format(find_format(name, Path(out)))
        info = SourceInfo(
            name=name,
            role=role,
            zone="Asia/Jakarta",
            currency="IDR",
            batch="b-0",
            file_day=date.fromisoformat(DAY),
            counterparty="AggA" if role == "supply" else None,
            account=None,
            gateway=None,
            partner_aliases={"AggA": "AggA"},
            secret=b"0123456789abcdef0123456789abcdef",
        )
        began = time.perf_counter()
        read(path, form, info, Path(out) / f"ours-{name}.parquet")
        seconds += time.perf_counter() - began
    return {"seconds": seconds, "processor": _processor() - used}


def bare_intake(folder: str, out: str) -> dict[str, Any]:
    """DuckDB's read_csv to Parquet and nothing else: text in, text out."""
    import duckdb

    from tests.benchmarks.pair import Pair

    of = Pair(Path(folder))
    seconds, used = 0.0, _processor()
    with duckdb.connect() as connection:
        for path, delimiter, skip, width in ((of.orders, ",", 1, 14), (of.supply, ";", 3, 13)):
            columns = ", ".join(f"'c{i}': 'varchar'" for i in range(width))
            began = time.perf_counter()
            connection.execute(
                f"copy (from read_csv('{path}', auto_detect = false, header = false, "
                f"skip = {skip}, delim = '{delimiter}', quote = '\"', escape = '\"', "
                f"columns = {{{columns}}})) to '{out}/bare.parquet' (format parquet)"
            )
            seconds += time.perf_counter() - began
    return {"seconds": seconds, "processor": _processor() - used}


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def csvbase(folder: str) -> dict[str, Any]:
    """Beangulp's csvbase importer on the order export."""
    from beangulp.importers import csvbase as base

    from tests.benchmarks.pair import Pair

    class Importer(base.Importer):  # type: ignore[misc]
        date = base.Date("paid_at", "%Y-%m-%d %H:%M:%S")
        narration = base.Columns("order_id", "product", "status")
        amount = base.Amount("price")

        def identify(self, filepath: str) -> bool:
            return True

    importer = Importer("Assets:Sales", "IDR")
    began = time.perf_counter()
    entries = importer.extract(str(Pair(Path(folder)).orders), [])
    return {"seconds": time.perf_counter() - began, "rows": len(entries)}


def check(path: str) -> dict[str, Any]:
    """Load books as ``bean-check`` does, after one load that reads the modules; errors are told."""
    from beancount import loader

    loader.load_file(path)
    began = time.perf_counter()
    entries, errors, _ = loader.load_file(path)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "entries": len(entries), "errors": [e.message for e in errors]}


def draw(folder: str, rows: str) -> dict[str, Any]:
    """Simulate the files."""
    from tests.benchmarks.files import draw as simulate

    simulate(Path(folder), int(rows))
    return {}


def lay_out(root: str, folder: str, memory: str) -> dict[str, Any]:
    """A fresh workspace for the files."""
    from tests.benchmarks.files import lay_out as fresh
    from tests.benchmarks.pair import Pair

    fresh(Path(root), Pair(Path(folder)), memory)
    return {}


def overlap(folder: str, rows: str, memory: str) -> dict[str, Any]:
    """A file of which half is in already, after a small one that loads modules and queries."""
    from tests.benchmarks.overlap import measure

    measure(Path(folder), 200, memory)
    return measure(Path(folder), int(rows), memory)


def some_days(root: str, days: str, partners: str) -> dict[str, Any]:
    """Books of some days."""
    from tests.benchmarks.files import some_days as run

    run(Path(root), int(days), int(partners))
    return {}


def pandas(folder: str, out: str) -> dict[str, Any]:
    """pandas: read, validate, merge, classify, write."""
    from tests.benchmarks.by_pandas import classified

    return {"classes": classified(folder, out)}


def polars(folder: str, out: str) -> dict[str, Any]:
    """polars: read, validate, join, classify, write."""
    from tests.benchmarks.by_polars import classified

    return {"classes": classified(folder, out)}


def datacompy(folder: str) -> dict[str, Any]:
    """datacompy on what polars has read: joined and compared, not classified."""
    from tests.benchmarks.by_polars import compared

    return {"found": compared(folder)}


def draw_many(folder: str, into: str, copies: str) -> dict[str, Any]:
    """A pair many times as long."""
    from tests.benchmarks.many import draw_many as draw_them
    from tests.benchmarks.pair import Pair

    draw_them(Pair(Path(folder)), Path(into), int(copies))
    return {}


def draw_workbook(path: str, rows: str) -> dict[str, Any]:
    """A workbook of one sheet."""
    from tests.benchmarks.files import draw_workbook as draw_it

    draw_it(Path(path), int(rows))
    return {}


def workbook(path: str, out: str) -> dict[str, Any]:
    """A workbook read, validated and written as typed rows."""
    import pyarrow as pa

    from finops_ledger.intake.read import SourceInfo, read
    from finops_ledger.intake.readers import workbook as reader
    from finops_ledger.intake.spec import Format
    from tests.benchmarks.files import SHEET

    assert reader
    pa.array([1])  # modules are loaded before the clock starts; this loads pandas

    fmt = Format(
        name="sheet", version=1, key=("ref",), file={"kind": "xlsx", "header": SHEET},
        fields={"ref": "ref", "text": "text", "occurred_at": "time", "amount": "amount"},
    )  # fmt: skip
    info = SourceInfo("s", "bank", "Asia/Jakarta", "IDR", "b-1", date(2026, 3, 1), account="Bank")
    began = time.perf_counter()
    found = read(Path(path), fmt, info, Path(out) / "sheet.parquet")
    return {"seconds": time.perf_counter() - began, "rows": found.kept}


def bare_workbook(path: str) -> dict[str, Any]:
    """Calamine's own reading of the sheet into lists of lists, nothing done with them."""
    from python_calamine import CalamineWorkbook

    began = time.perf_counter()
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return {"seconds": time.perf_counter() - began, "rows": len(rows) - 1}


def draw_document(kind: str, path: str, rows: str) -> dict[str, Any]:
    """A file of another kind."""
    from tests.benchmarks.documents import draw_document as draw_it

    draw_it(kind, Path(path), int(rows))
    return {}


def document(kind: str, path: str, out: str) -> dict[str, Any]:
    """One file of another kind read, validated and written as typed rows."""
    from finops_ledger.intake.formats import load_format
    from finops_ledger.intake.read import SourceInfo, read
    from tests.benchmarks.documents import NAMES

    name = NAMES[kind]
    fmt = load_format(HERE.parents[1] / "importers" / name / "format.toml")
    info = SourceInfo(
        "s", fmt.role, "Asia/Jakarta", "IDR", "b-1", date(2026, 3, 1), counterparty="P",
        account="0123456789" if fmt.role == "bank" else None, secret=b"0123456789abcdef",
    )  # fmt: skip
    began = time.perf_counter()
    found = read(Path(path), fmt, info, Path(out) / f"{kind}.parquet")
    return {"seconds": time.perf_counter() - began, "rows": found.kept}


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    f.__name__: f
    for f in (
        baseline,
        baseline_join,
        ours,
        ours_import,
        ours_reconcile,
        ours_intake,
        bare_intake,
        csvbase,
        check,
        draw,
        lay_out,
        overlap,
        some_days,
        pandas,
        polars,
        datacompy,
        draw_many,
        draw_workbook,
        draw_document,
        document,
        workbook,
        bare_workbook,
    )
}


def main() -> None:
    name, *arguments = sys.argv[1:]
    found = WORK[name](*arguments)
    own, begun = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = own.ru_maxrss + begun.ru_maxrss
    spent = {"processor": sum(w.ru_utime + w.ru_stime for w in (own, begun))}
    print(json.dumps({**spent, **found, "peak": peak * 1024}))


if __name__ == "__main__":
    main()
