"""Files on the break list: missing, late, short, with rows refused; and what only warns."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from finops_ledger.books import Books
from finops_ledger.core.days import zone
from tests.worked.story import Story, equal

CUT = 49_800
OWNED = """
[versions.owners]
default = "desk-supply"

[versions.deadlines]
file_missing = "24h"

[versions.deposit]
floor = 9900000
"""


def apr(day: int) -> date:
    return date(2026, 4, day)


def story_due(root: Path, due: str = "06:00") -> Story:
    """Books in which the partner's file is due at six the next morning (Jakarta)."""
    story = Story(root, apr(1), more=OWNED)
    path = story.root / "finops.toml"
    text = path.read_text()
    path.write_text(
        text.replace('match = "AggA_mutasi_*.csv"', f'match = "AggA_mutasi_*.csv"\ndue = "{due}"')
    )
    return story


def at(story: Story, day: int, hour: int) -> None:
    """From now on it is this hour of the day, in Jakarta."""
    now = datetime(2026, 4, day, hour, tzinfo=zone("Asia/Jakarta"))
    story.books = Books(story.root, clock=lambda: now)


def files(story: Story, as_of: date | None = None) -> list[dict[str, Any]]:
    return [b for b in story.books.breaks(as_of) if b["leg"] == "files"]


def told(story: Story, as_of: date | None = None) -> dict[str, str]:
    return {b["ref"]: b["class"] for b in files(story, as_of)}


def days(story: Story) -> dict[str, tuple[str, list[str]]]:
    found = story.books.status()["days"]
    return {d["day"]: (d["verdict"], d["reasons"]) for d in found if d["counterparty"] == "AggA"}


def test_a_late_file_warns_and_a_missing_one_leaves_the_day_incomplete(tmp_path: Path) -> None:
    story = story_due(tmp_path / "books")
    story.missing = {apr(2)}
    at(story, 2, 8)
    story.run(apr(1))
    late = "file_late agga: came 2026-04-02 08:00, due 2026-04-02 06:00"
    equal(days(story), {"2026-04-01": ("warnings", [late])})
    equal(told(story), {"agga 2026-04-01": "file_late"})

    # The file of the 2nd does not come; that of the 3rd does, in time.
    at(story, 4, 5)
    story.run(apr(3))
    equal(told(story), {"agga 2026-04-02": "file_missing"})
    equal(days(story)["2026-04-02"], ("incomplete", ["file_missing agga"]))
    (missing,) = files(story)
    equal(
        [missing[k] for k in ("owner", "opened", "due", "overdue", "age", "residue", "priority")],
        ["desk-supply", "2026-04-02", "2026-04-03", False, 1, "0", 2],
    )
    equal(story.books.explain(missing["id"])["facts"]["reason"], "not in")
    equal(told(story, apr(1)), {"agga 2026-04-01": "file_late"})

    # It comes after all, days late: the same id, now late, until the next one comes in time.
    at(story, 9, 9)
    story.bring(apr(2))
    equal(days(story)["2026-04-02"][0], "warnings")
    equal(told(story), {})
    evening = {b["ref"]: (b["id"], b["class"]) for b in files(story, apr(2))}
    equal(evening["agga 2026-04-02"], (missing["id"], "file_late"))


def test_a_file_that_came_short_is_refused_and_named(tmp_path: Path) -> None:
    story = story_due(tmp_path / "books")
    story.sold(apr(1), "S1")
    story.row(apr(1), "A-1", "S1", debit=CUT)
    story.run(apr(1))
    story.sold(apr(2), "S2")
    story.row(apr(2), "A-2", "S2", debit=CUT)
    story.drop(apr(2))
    path = story.root / "inbox" / "AggA_mutasi_20260402.csv"
    whole = path.read_text()
    path.write_text(whole[: whole.index("TOTAL")])
    story.books.import_files()
    story.books.reconcile()
    short = next(f for f in files(story) if f["class"] == "file_short")
    equal(
        (short["class"], short["also"], short["ref"]),
        ("file_short", ["file_missing"], "agga 2026-04-02"),
    )
    equal(short["reason"], "AggA_mutasi_20260402.csv was refused: file-short")
    equal(days(story)["2026-04-02"][0], "incomplete")
    path.write_text(whole)
    story.work()
    equal([f["class"] for f in files(story)], ["file_late"] * 2)


def test_refused_rows_are_a_defect_until_the_file_comes_whole(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", apr(1), more=OWNED)
    story.sold(apr(1), "D1")
    story.drop(apr(1))
    path = story.root / "inbox" / "orders_2026-04-01.csv"
    whole = path.read_text()
    bad = whole.replace("SUCCESS", "NOT A STATUS,BUT TWO CELLS", 1)
    path.write_text(whole + bad.splitlines()[1] + "\n")
    story.books.import_files(accept_valid=True)
    story.books.reconcile()
    (defect,) = files(story)
    equal(
        (defect["class"], defect["counterparty"], defect["residue"]),
        ("file_defect", "customers", "0"),
    )
    equal(defect["reason"], "orders_2026-04-01.csv: 1 row refused")
    verdict, reasons = days(story)["2026-04-01"]
    equal(verdict, "breaks")
    assert "file_defect orders: 1 row refused" in reasons, reasons
    (story.root / "inbox" / path.name).write_text(whole)
    story.work()
    equal(files(story), [])


def test_a_deposit_below_its_floor_warns(tmp_path: Path) -> None:
    """The floor is 9,900,000: two orders leave 9,900,400, a third falls below it. Nobody is sent home for it."""
    story = Story(tmp_path / "books", apr(1), more=OWNED)
    for day, refs in ((1, ("F1", "F2")), (2, ("F3",))):
        for ref in refs:
            story.sold(apr(day), ref)
            story.row(apr(day), f"A-{ref}", ref, debit=CUT)
    story.run(apr(2))
    equal(
        days(story),
        {
            "2026-04-01": ("reconciled", []),
            "2026-04-02": ("warnings", ["deposit below its floor: 9850600 of 9900000"]),
        },
    )
    equal(story.books.check().not_clean, [])
    equal(files(story), [])


def test_an_unmapped_status_is_a_break_without_sales_too(tmp_path: Path) -> None:
    """Only the partner's file is declared: a status that its format does not know is asked about all the same."""
    story = Story(tmp_path / "books", apr(1), more=OWNED)
    path = story.root / "finops.toml"
    text = path.read_text()
    head, _, rest = text.partition('[[sources]]\nname = "orders"')
    path.write_text(head + rest[rest.index("[[sources]]") :])
    story.books = Books(story.root)
    story.row(apr(1), "A-1", "U1", "MENUNGGU RESTU", debit=CUT)
    story.drop(apr(1))
    (story.root / "inbox" / "orders_2026-04-01.csv").unlink()
    story.work()
    (unknown,) = story.books.breaks()
    equal(
        [
            unknown[k]
            for k in ("class", "leg", "counterparty", "ref", "residue", "exposure", "owner")
        ],
        ["status_unknown", "sale-supply", "AggA", "U1", "0", "49800", "desk-supply"],
    )
    equal(days(story)["2026-04-01"], ("breaks", ["1 status_unknown"]))
