"""What the journal says of settlements: `due` where a schedule gives it; the plugin over it; invoices refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.treasury.bills import bill, biller, lists, may
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import Story, equal

pytestmark = pytest.mark.samples
STRICT = "\"{'strict': True}\""


def strict(story: Story) -> list[str]:
    """The codes of what the plugin says when it is strict."""
    main = story.root / "main.beancount"
    line = 'plugin "finops_ledger.plugins.settlements"'
    if STRICT not in main.read_text():
        main.write_text(main.read_text().replace(line, f"{line} {STRICT}"))
    story.books.close()
    return [m.partition("] ")[0].rpartition("[")[2] for m in story.books.load().messages()]


def dues(story: Story) -> dict[str, date | None]:
    """Due date by account, of postings that name a settlement."""
    return {
        p.account: p.meta.get("due")
        for e in story.directives("transaction")
        for p in e.postings
        if "settlement" in (p.meta or {}) and "bank" not in e.tags
    }


def invoiced(root: Path, settlement: str) -> Postpaid:
    story = biller(root, settlement)
    bill(story, may(11), "A1")
    story.invoices_(may(12), "AggB-20260511", may(11), 352_500, 1_200, 132)
    story.run(may(12))
    return story


def test_an_invoice_bears_its_due_date(tmp_path: Path) -> None:
    story = invoiced(tmp_path / "books", "[versions.settlement.schedule]\nlag = 3")
    equal(
        dues(story),
        {
            "Liabilities:Payable:AggB:Unbilled": None,
            "Liabilities:Payable:AggB:Invoiced": date(2026, 5, 18),
        },
    )
    equal(strict(story), [])
    lists(story, may(12), "20260511", 352_500, 1_332, 24)
    story.lines[may(13)].append(("TRSF AGGB AggB-20260511", -350_192))
    story.run(may(13))
    equal(strict(story), ["settlement-short"])


def test_without_a_schedule_nothing_bears_one(tmp_path: Path) -> None:
    equal(set(dues(invoiced(tmp_path / "books", "")).values()), {None})


def test_a_report_bears_the_day_by_which_the_bank_must_show_it(tmp_path: Path) -> None:
    """Reported on Wednesday the 13th; Thursday and Friday are holidays: Monday."""
    story = Story(tmp_path / "books", may(12), gateway="PG1", bank=True)
    sop = story.root / "sops" / "PG1.toml"
    sop.write_text(
        sop.read_text().replace("lag = 1\n", "") + "\n[versions.settlement.schedule]\nlag = 1\n"
    )
    story.sold(may(12), "O1")
    story.row(may(12), "A-O1", "O1", debit=49_800)
    story.reports[may(13)] = [w.settled("PG1-20260513", may(13), "O1", "PAYMENT", 51_000)]
    story.run(may(18))
    equal(dues(story), {"Assets:Clearing:Settlement-In-Transit:PG1": date(2026, 5, 18)})
    equal(strict(story), [])
    [one] = story.books.settlements()
    equal((one["due"], one["flags"]), ("2026-05-13", ["overdue"]))
    story.run(may(19))
    equal(strict(story), ["settlement-overdue"])


def test_an_invoice_of_no_period_is_refused(tmp_path: Path) -> None:
    weekly = '[versions.settlement.schedule]\ncycle = "weekly"\nweekdays = ["wed", "sun"]\nlag = 1'
    story = biller(tmp_path / "books", weekly)
    bill(story, may(11), "A1")
    story.run(may(11))
    story.invoices_(may(12), "AggB-20260512", may(12), 352_500, 1_200, 132)
    story.drop(may(12))
    [refused] = [f for f in story.books.import_files().files if f.verdict == "refused"]
    assert "[invoice-period]" in refused.problems[0]
    assert "expected 2026-05-11 or 2026-05-13" in refused.problems[0]


def test_an_invoice_that_no_decree_dates_is_refused_before_it_stands_in_the_books(
    tmp_path: Path,
) -> None:
    """Due on the first business day of 2027, whose holidays nobody has decreed here: the books go on without it."""
    story = biller(tmp_path / "books", '[versions.settlement.schedule]\ncycle = "daily"\nlag = 1')
    day = date(2026, 12, 31)
    story.invoices_(day, "AggB-20261231", day, 352_500, 1_200, 132)
    story.drop(day)
    [refused] = [f for f in story.books.import_files().files if f.verdict == "refused"]
    assert "[holidays-missing]" in refused.problems[0]
    assert "joint leave of 2027 is missing" in refused.problems[0]
    story.load()
