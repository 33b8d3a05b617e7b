"""A settlement is billed in one file: what comes again under its code is a correction, or is refused."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest

from finops_ledger.books.inbox import FileReport
from tests.treasury.bills import INVOICED, bill, biller, may, short
from tests.worked.postpaid import Postpaid
from tests.worked.story import equal

HEAD = "invoice,date,of_day,bills,gross,commission,ppn,withheld,net"
CODE = "AggB-20260511"


def line(code: str, of: date, gross: int = 352_500) -> str:
    net = gross - 1_200 - 132 + 24
    return f"{code},2026-05-12,{of},1,{gross},1200,132,24,{net}"


@pytest.fixture
def story(tmp_path: Path) -> Postpaid:
    """Two days of bills, the first of which is billed on the 12th."""
    made = biller(tmp_path / "books", '[versions.settlement.schedule]\ncycle = "daily"\nlag = 1')
    bill(made, may(11), "A1")
    bill(made, may(12), "B1")
    made.invoices_(may(12), CODE, may(11), 352_500, 1_200, 132)
    made.run(may(12))
    return made


def brings(story: Postpaid, name: str, *lines: str) -> FileReport:
    """A further file of the biller; what became of it."""
    (story.root / "inbox" / name).write_text("\n".join([HEAD, *lines]) + "\n")
    [report] = story.books.import_files().files
    story.books.reconcile()
    return report


def invoiced(story: Postpaid) -> Decimal:
    return -story.balance(INVOICED, may(31))


@pytest.mark.parametrize("code", [CODE, "20260511", "STL-AggB-20260511"])
def test_another_file_that_bills_a_code_again_is_refused(story: Postpaid, code: str) -> None:
    """However the code is written: the line, the first file, and what to do are told, and nothing is posted."""
    lines = (line("AggB-20260512", may(12)), line(code, may(12)))
    report = brings(story, "AggB_invoice_20260513.csv", *lines)
    equal(report.verdict, "refused")
    [problem] = report.problems
    assert problem.startswith(
        f"AggB_invoice_20260513.csv:3: '{code.removeprefix('STL-').removeprefix('AggB-')}'"
    )
    for told in (
        "[billed-again] AggB_invoice_20260512.csv bills this settlement of AggB already",
        "finops withdraw b-",
        "give it its name and day",
        "ask for a code of its own",
    ):
        assert told in problem
    equal(invoiced(story), Decimal(352_500))
    assert list((story.root / "quarantine").glob("*.AggB_invoice_20260513.csv"))


def test_the_same_file_corrected_takes_its_place(story: Postpaid) -> None:
    """Under its own name and day it is a re-issue: a row it changes, and one that it had forgotten."""
    lines = (line(CODE, may(11), 352_400), line(CODE, may(12)))
    report = brings(story, "AggB_invoice_20260512.csv", *lines)
    equal((report.verdict, report.problems), ("imported", []))
    equal(invoiced(story), Decimal(352_400 + 352_500))


def test_rows_that_are_in_are_billed_by_any_file(story: Postpaid) -> None:
    """A file of two days has the row of the first again, and a code of its own for the second: nothing is doubled."""
    lines = (line(CODE, may(11)), line("AggB-20260512", may(12)))
    report = brings(story, "AggB_invoice_20260513.csv", *lines)
    equal((report.verdict, report.problems), ("imported", []))
    equal(invoiced(story), Decimal(2 * 352_500))
    # A later version of such a row is a correction, whatever its file is called.
    report = brings(story, "AggB_invoice_20260514.csv", line(CODE, may(11), 352_400))
    equal((report.verdict, invoiced(story)), ("imported", Decimal(352_400 + 352_500)))


def test_what_was_withdrawn_is_billed_no_more(story: Postpaid) -> None:
    name = "AggB_invoice_20260513.csv"
    lines = (line(CODE, may(11)), line(CODE, may(12)))
    equal(brings(story, name, *lines).verdict, "refused")
    [first] = [b for b in story.books.space.state.batches.values() if b.role == "settlement"]
    story.books.withdraw(first.id, reason="half of it", by="approver-1")
    report = brings(story, name, *lines)
    equal((report.verdict, invoiced(story)), ("imported", Decimal(2 * 352_500)))
    [one] = short(story.books.settlements(), "ref", "stated")
    equal(one, ("20260511", str(2 * (352_500 - 1_200 - 132 + 24))))


def test_two_files_of_one_container(story: Postpaid) -> None:
    """Neither is in yet: the second is refused, and with it the container."""
    path = story.root / "inbox" / "may.zip"
    with ZipFile(path, "w") as file:
        for day in (13, 14):
            text = f"{HEAD}\n{line('AggB-20260512', may(day - 1))}\n"
            file.writestr(f"AggB_invoice_202605{day}.csv", text)
    [report] = story.books.import_files().files
    equal(report.verdict, "refused")
    assert "AggB_invoice_20260513.csv bills this settlement of AggB already" in report.problems[0]
    equal(invoiced(story), Decimal(352_500))


def test_it_stays_so_in_a_rebuild(story: Postpaid, tmp_path: Path) -> None:
    brings(story, "AggB_invoice_20260513.csv", line(CODE, may(12)))
    brings(story, "AggB_invoice_20260512.csv", line(CODE, may(11), 352_400))
    equal(story.books.rebuild(tmp_path / "again").differences, [])
    shutil.rmtree(tmp_path / "again")
