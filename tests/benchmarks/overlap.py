"""A second file of which half is in already: what importing it costs beside a first import of the same size."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import duckdb

from finops_ledger.books import Books
from tests.worked import workspace as w

#: Of the rows that come again, each tenth has a new status.
_FILE = """
copy (
  select 'INV' || lpad(cast(i as varchar), 9, '0') as order_id, paid as paid_at, 'AggA' as partner,
    'app' as channel, 'P50' as product, '1' as quantity, '51000' as price, '0' as promo,
    case when late then 'PENDING' else 'SUCCESS' end as status,
    case when i % 10 = 0 and not late then '2026-03-03 09:00:00' else paid end as status_at,
    '' as refunded_at, 'PAY' || lpad(cast(i as varchar), 9, '0') as payment_ref, '' as serial,
    '081200001234' as customer
  from (
    select i, i % 10 = 0 and {first} as late, strftime(timestamp '2026-03-02 08:00:00'
      + to_seconds(i % 40000), '%Y-%m-%d %H:%M:%S') as paid
    from range({start}, {end}) as t(i)
  )
) to '{path}' (header, delimiter ',', quote '')
"""


def draw(folder: Path, rows: int) -> list[Path]:
    """Write two files of ``rows`` orders; the second begins in the middle of the first."""
    made = []
    for day, start in ((2, 0), (3, rows // 2)):
        path = folder / f"orders_2026-03-0{day}.csv"
        values = {"first": day == 2, "start": start, "end": start + rows, "path": path}
        duckdb.execute(_FILE.format(**values))
        made.append(path)
    return made


def measure(folder: Path, rows: int, memory: str) -> dict[str, Any]:
    """Import both files into a fresh workspace; the seconds of each, journal and all."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    paths = draw(folder, rows)
    root = folder / "books"
    w.make(root)
    with (root / "finops.toml").open("a") as file:
        file.write(f'\n[engine]\nmemory = "{memory}"\n')
    seconds = []
    with Books(root, clock=lambda: w.NOW) as books:
        for path in paths:
            began = time.perf_counter()
            (report,) = books.import_files([path]).files
            seconds.append(time.perf_counter() - began)
            assert report.verdict == "imported", report.message
        posted = sum(share.rows for share in books.space.state.standing.values())
    # Which of the two files answers for what both say alike is a matter of their ids.
    changed = sum(1 for i in range(rows // 2, rows) if i % 10 == 0)
    assert (posted, report.rows["revised"]) == (rows + rows // 2 + changed, changed), report.rows
    shutil.rmtree(folder)
    return {"first": seconds[0], "seconds": seconds[1], "rows": rows}
