"""What the benchmarks run on: a simulated day, and workspaces that hold it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

import xlsxwriter

from finops_ledger.books import Books
from finops_ledger.books.demo import lay_out_demo
from finops_ledger.simulator import simulate, simulate_pair
from tests.benchmarks.pair import Pair
from tests.worked import workspace

#: The columns of the workbook: what is mapped, and what only has to be read.
SHEET: Final = ("ref", "text", "time", "kind", "amount", *(f"c{i}" for i in range(15)))


def draw(folder: Path, rows: int) -> None:
    """Simulate a day of ``rows`` orders."""
    simulate_pair(folder, rows)


def lay_out(root: Path, of: Pair, memory: str) -> None:
    """A fresh workspace whose inbox holds the files (linked, not copied)."""
    shutil.rmtree(root, ignore_errors=True)
    opening = json.loads((of.folder / "opening.json").read_text())
    deposit = int(opening["deposits"]["AggA"])
    workspace.make(
        root,
        opening='2026-01-02 * "opening" #decision\n'
        f"  Assets:Deposits:AggA  {deposit} IDR\n  Equity:Opening-Balances  -{deposit} IDR\n",
    )
    with (root / "finops.toml").open("a") as file:
        file.write(f'\n[engine]\nmemory = "{memory}"\n')
    shutil.copyfile(of.prices, root / "prices" / "AggA.csv")
    for path in (of.orders, of.supply):
        (root / "inbox" / path.name).hardlink_to(path)


def some_days(root: Path, days: int, partners: int) -> None:
    """Books of several days and partners, run to the end; and the same without our plugins."""
    drawn = root.with_name(f"{root.name}-files")
    for folder in (root, drawn):
        shutil.rmtree(folder, ignore_errors=True)
    summary = simulate(drawn, days=days, orders_per_day=max(20, 8 * partners), partners=partners)
    lay_out_demo(root, drawn, list(summary.partners))
    with Books(root) as books:
        books.import_files()
        books.reconcile()
    lines = (root / "main.beancount").read_text().splitlines()
    plain = [line for line in lines if not line.startswith('plugin "finops_ledger.')]
    (root / "plain.beancount").write_text("\n".join(plain) + "\n")


def draw_workbook(path: Path, rows: int) -> None:
    """Write a sheet of 20 columns: texts, times, whole numbers and amounts."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Rows")
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, SHEET)
        for row in range(1, rows + 1):
            sheet.write_row(row, 0, [f"ORD-{row:08d}", f"Text {row % 977}"])
            sheet.write_number(row, 2, 46_082 + row % 86_400 / 86_400, moment)
            amounts = (row * 37 % 1_000_000 + column for column in range(len(SHEET) - 9))
            sheet.write_row(row, 3, [row % 9, *amounts])
            sheet.write_row(row, 15, [row * 1.25 for _ in range(2)])
            sheet.write_row(row, 17, [f"Note {row % 7}", "SUCCESS", "IDR"])
