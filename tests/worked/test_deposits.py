"""Deposits from files to proof: windows, days without rows, never below zero, and where each partner stands."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from click.testing import CliRunner

from finops_ledger.books import Books
from finops_ledger.cli import cli
from finops_ledger.intake.formats import find_format
from tests.worked import workspace as w
from tests.worked.story import Story, equal

DEPOSIT = "Assets:Deposits:AggA"
CUT = 49_800


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


def balances(root: Path, account: str = DEPOSIT) -> dict[date, tuple[Decimal, Decimal | None]]:
    """The native balance directives of an account, as they stand in the journal: amount and tolerance."""
    entries, errors, _ = loader.load_file(str(root / "main.beancount"))
    equal([e.message for e in errors], [])
    return {
        e.date: (e.amount.number, e.tolerance)
        for e in entries
        if isinstance(e, data.Balance) and e.account == account
    }


def run(books: Books) -> None:
    equal([f.message for f in books.import_files().files if f.verdict != "imported"], [])
    books.reconcile()


# --- windows ------------------------------------------------------------------------------------------

#: Of each window: rows at its edges, and of which day they are.
WINDOWS = {
    ("23:00", "end"): [
        ("30/03/2026 23:00:00", 31), ("31/03/2026 22:59:59", 31), ("31/03/2026 23:00:00", 32),
        ("01/04/2026 22:59:59", 32),
    ],
    ("12:00", "start"): [
        ("31/03/2026 12:00:00", 31), ("01/04/2026 11:59:59", 31), ("01/04/2026 12:00:00", 32),
        ("02/04/2026 11:59:59", 32),
    ],
    ("12:00", "end"): [
        ("30/03/2026 12:00:00", 31), ("31/03/2026 11:59:59", 31), ("31/03/2026 12:00:00", 32),
        ("01/04/2026 11:59:59", 32),
    ],
    ("00:00", "start"): [
        ("31/03/2026 00:00:00", 31), ("31/03/2026 23:59:59", 31), ("01/04/2026 00:00:00", 32),
        ("01/04/2026 23:59:59", 32),
    ],
}  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS, ids=" ".join)
def test_the_closing_of_a_partner_day_is_asserted_the_day_after(
    tmp_path: Path, window: tuple[str, str]
) -> None:
    """Over the end of a month, with a day without rows behind it, and a last one whose file states no closing."""
    books = w.make(tmp_path / "books")
    root = books.root
    change(
        root / "sops" / "AggA.toml",
        'opens = "23:00", named_by = "end"',
        f'opens = "{window[0]}", named_by = "{window[1]}"',
    )
    first, balance = date(2026, 3, 31), 1_000_000
    closings = []
    for offset in range(3):  # 31 March, 1 April, and 2 April without rows
        day = first + timedelta(days=offset)
        statement = w.Statement(day, balance)
        for number, (at, of) in enumerate(WINDOWS[window]):
            if of == 31 + offset:
                statement.row(at, f"A{of}-{number}", f"O{of}-{number}", debit=CUT)
        statement.drop(root)
        w.orders(root, day, [])
        balance = statement.balance
        closings.append(balance)
    equal(closings, [1_000_000 - 2 * CUT, 1_000_000 - 4 * CUT, 1_000_000 - 4 * CUT])
    run(books)
    days = [first + timedelta(days=n + 1) for n in range(3)]
    equal(
        balances(root),
        {day: (Decimal(n), Decimal(0)) for day, n in zip(days, closings, strict=True)},
    )
    rows = Books(root).deposits()
    equal([d["usage"] for d in rows], [str(-2 * CUT), str(-2 * CUT), "0"])
    equal([(d["stated_opening"], d["tied"]) for d in rows], [
        ("1000000", True), (str(closings[0]), True), (str(closings[1]), True),
    ])  # fmt: skip


def test_a_partner_who_is_spelled_otherwise_in_accounts(tmp_path: Path) -> None:
    """A day without rows has no posting that shows the account; a missing file silences it all the same."""
    books = w.make(tmp_path / "books", opening=w.OPENING.replace("Deposits:AggA", "Deposits:Alfa"))
    root = books.root
    change(
        root / "sops" / "AggA.toml", 'type = "supplier"', 'type = "supplier"\ncomponent = "Alfa"'
    )
    for day in (1, 2, 4):
        w.orders(root, date(2026, 4, day), [])
        w.Statement(date(2026, 4, day), 1_000_000 - (day == 4)).drop(root)
    w.orders(root, date(2026, 4, 3), [])
    run(books)
    alfa = balances(root, "Assets:Deposits:Alfa")
    equal({d.day: n for d, (n, _) in alfa.items()}, {2: Decimal(1_000_000), 3: Decimal(1_000_000)})
    equal([d["tied"] for d in Books(root).deposits()], [True, True, False, False])


def without_closing(root: Path) -> None:
    """Let the partner's file be read by a format that knows no closing total."""
    text = find_format("aggregator", root).read_text()
    parts = re.split(r"(?m)^(?=\[)", text.replace('name = "aggregator"', 'name = "own"'))
    kept = "".join(p for p in parts if 'equals = "closing"' not in p)
    (root / "formats" / "own.toml").write_text(kept)
    change(root / "finops.toml", 'format = "aggregator"', 'format = "own"')


def test_a_file_that_states_no_closing_asserts_where_its_rows_end(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", date(2026, 3, 31), deposit=1_000_000)
    without_closing(story.root)
    day = date(2026, 3, 31)
    story.row(day, "A1", "O1", debit=CUT)
    story.run(day + timedelta(days=1))
    equal(balances(story.root), {date(2026, 4, 1): (Decimal(1_000_000 - CUT), Decimal(0))})
    # The file of 1 April has no rows and states nothing: nothing is asserted, and the day is not tied.
    equal([d["tied"] for d in story.books.deposits()], [True, False])


def test_a_running_balance_that_begins_elsewhere_is_a_gap_between_two_days(tmp_path: Path) -> None:
    """The files state no closing: the last row of one and the first of the next say it all the same."""
    day, after = date(2026, 3, 31), date(2026, 4, 1)
    story = Story(tmp_path / "books", day, deposit=1_000_000)
    without_closing(story.root)
    for on, ref in ((day, "O1"), (after, "O2")):
        story.sold(on, ref)
        story.row(on, f"A-{ref}", ref, debit=CUT)
    story.jumps[after] = -2_500
    story.run(after)
    [gap] = [b for b in story.books.breaks() if b["class"] == "balance_gap"]
    equal((gap["residue"], gap["day"]), ("2500", "2026-04-01"))
    [stand] = story.books.positions()
    [told] = stand["differences"]
    equal((told["file"], told["line"]), ("AggA_mutasi_20260401.csv", 4))
    assert told["told"].startswith(
        "the statement opens at 947700, the one before closed at 950200: 2500 left"
    )
    last = Decimal(1_000_000 - 2 * CUT - 2_500)
    equal(balances(story.root)[date(2026, 4, 2)], (last, Decimal(0)))
    story.proven()


def test_an_empty_file_that_closes_elsewhere_is_a_gap_between_two_days(tmp_path: Path) -> None:
    day = date(2026, 3, 31)
    story = Story(tmp_path / "books", day, deposit=1_000_000)
    story.row(day, "A1", "O1", debit=CUT)
    story.sold(day, "O1")
    story.jumps[day + timedelta(days=1)] = -1_000
    story.run(day + timedelta(days=1))
    [gap] = [b for b in story.books.breaks() if b["class"] == "balance_gap"]
    equal((gap["residue"], gap["day"]), ("1000", "2026-04-01"))
    last = Decimal(1_000_000 - CUT - 1_000)
    equal(balances(story.root)[date(2026, 4, 2)], (last, Decimal(0)))
    [stand] = story.books.positions()
    [told] = stand["differences"]
    equal((told["kind"], told["amount"], told["short"]), ("balance_gap", "1000", "theirs"))
    assert told["told"].startswith("the statement opens at 949200, the one before closed at 950200")
    equal((told["file"], told["line"]), ("AggA_mutasi_20260401.csv", None))
    equal(story.books.explain(gap["id"])["facts"]["residue"], "1000")
    story.proven()


# --- below zero ---------------------------------------------------------------------------------------


def messages(root: Path) -> list[str]:
    errors = loader.load_file(str(root / "main.beancount"))[1]
    return [f"{Path(e.source['filename']).name}: {e.message}" for e in errors]


def test_a_statement_below_zero_names_the_row_at_the_entry(tmp_path: Path) -> None:
    """Overdrawn in the morning, paid in at noon: the evening looks sound and the day is not."""
    day = date(2026, 3, 2)
    story = Story(tmp_path / "books", day, deposit=60_000)
    story.row(day, "A1", "O1", debit=CUT, at="02/03/2026 09:00:00")
    story.row(day, "A2", "O2", debit=CUT, at="02/03/2026 09:30:00")
    story.row(day, "A3", "", code="TOPUP", credit=500_000, at="02/03/2026 12:00:00")
    story.run(day)
    [told] = messages(story.root)
    assert told.startswith(
        "2026-03-02.beancount: [deposit-negative] Assets:Deposits:AggA on 2026-03-02"
    )
    assert "falls to -39600 IDR (below zero from AggA_mutasi_20260302.csv:5 on)" in told
    [stand] = story.books.positions()
    equal(
        (stand["lowest"]["amount"], stand["lowest"]["at"], stand["lowest"]["line"]),
        ("-39600", "2026-03-02 09:30:00", 5),
    )


PLAIN = """
name = "own"
version = 1
role = "supply"
key = ["partner_ref"]
order = "oldest-first"

[file]
delimiter = ";"
header = ["Tanggal", "ID", "Ref", "Kode", "Status", "Debet", "Kredit"]

[numbers]
decimal = ","
thousands = "."

[times]
zone = "Asia/Jakarta"
format = "%d/%m/%Y %H:%M:%S"

[fields]
created_at = "Tanggal"
partner_ref = "ID"
ref = "Ref"
product = "Kode"

[fields.amount]
debit = "Debet"
credit = "Kredit"

[fields.kind]
rules = [{ column = "Kode", equals = "TOPUP", is = "topup" }]
default = "usage"

[status]
column = "Status"
map = { SUKSES = "success", GAGAL = "failed", PENDING = "pending" }
"""


@pytest.mark.parametrize(("paid_in", "sound"), [("12:00:00", False), ("08:00:00", True)])
def test_the_rows_of_two_files_share_the_day(tmp_path: Path, paid_in: str, sound: bool) -> None:
    """Usage in one file, top-ups in another, neither with a balance: the hours of both decide."""
    books = w.make(tmp_path / "books", own_format=PLAIN)
    root = books.root
    change(
        root / "finops.toml",
        "match = \"AggA_mutasi_*.csv\"\nday = { name = 'AggA_mutasi_(\\d{8})' }",
        'match = "AggA_*.csv"\nday = { name = \'AggA_[a-z]+_(\\d{8})\' }\nevery = "none"',
    )
    head = "Tanggal;ID;Ref;Kode;Status;Debet;Kredit\n"
    used = "".join(f"02/03/2026 1{n}:00:00;A{n};O{n};P50;SUKSES;600.000;\n" for n in range(2))
    (root / "inbox" / "AggA_usage_20260302.csv").write_text(head + used)
    topup = f"02/03/2026 {paid_in};T1;;TOPUP;SUKSES;;700.000\n"
    (root / "inbox" / "AggA_topups_20260302.csv").write_text(head + topup)
    w.orders(root, date(2026, 3, 2), [])
    run(books)
    told = messages(root)
    if sound:
        equal(told, [])
    else:
        [message] = told
        assert (
            "in the order of its rows the day opens at 1000000 and falls to -200000 IDR" in message
        )
    [row] = Books(root).deposits()
    equal((row["closing"], row["low"]), ("500000", "500000" if sound else "-200000"))


def test_a_row_in_another_currency_is_refused_with_its_line(tmp_path: Path) -> None:
    with_currency = PLAIN.replace('"Debet", "Kredit"]', '"Debet", "Kredit", "Valuta"]')
    with_currency = with_currency.replace(
        'product = "Kode"', 'product = "Kode"\ncurrency = "Valuta"'
    )
    books = w.make(tmp_path / "books", own_format=with_currency)
    rows = "02/03/2026 10:00:00;A1;O1;P50;SUKSES;600.000;;IDR\n02/03/2026 11:00:00;A2;O2;P50;SUKSES;6;;USD\n"
    head = "Tanggal;ID;Ref;Kode;Status;Debet;Kredit;Valuta\n"
    (books.root / "inbox" / "AggA_mutasi_20260302.csv").write_text(head + rows)
    [report] = books.import_files().files
    equal(report.verdict, "refused")
    [problem] = report.problems
    equal(
        problem,
        "AggA_mutasi_20260302.csv:3: Valuta: 'USD': [currency-other] not the currency of the books; "
        "expected IDR",
    )


# --- where a partner stands ---------------------------------------------------------------------------

BONUS = '  { column = "Kode Produk", equals = "ADJUST", is = "adjustment" },\n'


def the_worked_day(root: Path) -> Story:
    """The trade's own example: 250 million in the morning, one order that they delivered and we refunded."""
    text = (
        find_format("aggregator", root).read_text().replace('name = "aggregator"', 'name = "own"')
    )
    bonus = BONUS + BONUS.replace("ADJUST", "BONUS").replace("adjustment", "bonus")
    day, before = date(2026, 3, 3), date(2026, 3, 2)
    story = Story(
        root, before, deposit=250_498_000, own_format=text.replace(BONUS, bonus), bank=True
    )
    prices = story.root / "prices" / "AggA.csv"
    more = {"BIG": 183_412_600, "LATER": 1_245_000, "BACK": 498_000}
    prices.write_text(
        prices.read_text() + "".join(f"{c},Pulsa,{n},{n},,\n" for c, n in more.items())
    )
    story.sold(
        before, "O-9", "FAILED", price=500_000, product="BACK", refunded=f"{before} 11:00:00"
    )
    story.row(before, "A-9", "O-9", "GAGAL", debit=498_000, moved=-498_000, code="BACK")
    story.lines[day].append(("TRSF E-BANKING DB TOPUP AGGA", -100_000_000))
    story.row(day, "A-1", "", code="TOPUP", credit=100_000_000)
    story.row(day, "A-2", "", code="BONUS", credit=100_000)
    story.restored(day, "A-3", "O-9", 498_000)
    story.sold(day, "O-16", price=190_000_000, product="BIG")
    story.row(day, "A-4", "O-16", debit=183_412_600, code="BIG")
    story.sold(day, "O-17", "FAILED", refunded=f"{day} 10:30:00")
    story.row(day, "A-5", "O-17", debit=CUT)
    story.sold(day, "O-18", "PENDING", price=1_300_000, product="LATER")
    story.row(day, "A-6", "O-18", "PENDING", debit=1_245_000, moved=-1_245_000, code="LATER")
    story.run(day)
    return story


def test_the_roll_forward_of_the_trade(tmp_path: Path) -> None:
    story = the_worked_day(tmp_path / "books")
    row = story.books.deposits()[-1]
    equal(
        {k: row[k] for k in ("opening", "topup", "bonus", "refund", "usage", "pending", "closing", "stated")},
        {
            "opening": "250000000", "topup": "100000000", "bonus": "100000", "refund": "498000",
            "usage": "-183462400", "pending": "-1245000", "closing": "165890600", "stated": "165890600",
        },
    )  # fmt: skip
    [stand] = story.books.positions()
    equal((stand["tied"], stand["ours"]), (True, "165940400"))
    equal(
        [(i["class"], i["ref"], i["amount"]) for i in stand["disputed"]],
        [("late_success", "O-17", "49800")],
    )
    story.proven()


def said(story: Story, *words: str) -> str:
    result = CliRunner().invoke(cli, ["--books", str(story.root), "deposits", *words])
    equal((result.exit_code, result.output if result.exit_code else ""), (0, ""))
    return result.output


def test_a_day_is_shown_as_a_proof(tmp_path: Path) -> None:
    story = the_worked_day(tmp_path / "books")
    shown = said(story, "--partner", "AggA", "--day", "2026-03-03")
    lines = [line.split() for line in shown.splitlines()]
    for line in (
        ["Opening", "250,000,000", "250,000,000"],
        ["Usage", "-183,462,400"],
        ["Closing", "165,890,600", "165,890,600", "ties"],
    ):
        assert line in lines, shown
    assert "AggA, 2026-03-03: from 2026-03-02 23:00 to 2026-03-03 23:00, Asia/Jakarta" in shown
    assert "by our own records 165,940,400: late_success O-17 49,800" in shown


def test_a_difference_of_one_price_names_its_order(tmp_path: Path) -> None:
    """The balance jumps by the price of an order: the row, the side that is short, and which order it may be."""
    day = date(2026, 3, 2)
    story = Story(tmp_path / "books", day, deposit=1_000_000, grace="48h")
    story.sold(day, "O1")
    story.row(day, "A1", "O1", debit=CUT)
    story.sold(day, "O2")  # its row is missing, and the balance moved all the same
    story.sold(day, "O3", price=21_000, product="T50")
    story.row(day, "A3", "O3", debit=CUT, jump=-CUT)
    story.run(day)
    [stand] = story.books.positions()
    [told] = stand["differences"]
    equal(
        (told["day"], told["amount"], told["short"], told["file"], told["line"]),
        ("2026-03-02", "49800", "theirs", "AggA_mutasi_20260302.csv", 5),
    )
    assert "their file is short of a row of -49800 before row 2" in told["told"]
    equal([o["ref"] for o in told["orders"]][:1], ["O2"])
    shown = said(story)
    assert "their file is short  AggA_mutasi_20260302.csv:5" in shown
    assert "of that price: O2 (timing" in shown


def test_top_ups_under_way_and_suspect_ones_stand_with_their_bank_line(tmp_path: Path) -> None:
    day = date(2026, 3, 2)
    story = Story(tmp_path / "books", day, bank=True)
    story.lines[day].append(("TRSF E-BANKING DB TOPUP AGGA", -5_000_000))
    story.run(day)
    [stand] = story.books.positions()
    [sent] = stand["in_transit"]
    equal(
        (sent["amount"], sent["direction"], sent["since"], sent["age"], sent["file"]),
        ("5000000", "sent", "2026-03-02", 0, "BCA_mutasi_20260302.csv"),
    )
    assert "TOPUP AGGA" in sent["text"]
    equal(stand["in_transit_total"], "5000000")
    story.run(day + timedelta(days=3))
    [stand] = story.books.positions()
    equal(
        (stand["in_transit"], [s["class"] for s in stand["suspect"]]), ([], ["topup_not_credited"])
    )
    equal(stand["suspect"][0]["age"], 3)
    assert "Suspect top-ups:" in said(story)


def test_an_opening_balance_that_is_missing_is_said_with_both_figures(tmp_path: Path) -> None:
    day = date(2026, 3, 2)
    story = Story(tmp_path / "books", day, deposit=1_000_000)
    story.deposit += 7
    story.row(day, "A1", "O1", debit=CUT)
    story.run(day)
    [stand] = story.books.positions()
    [told] = stand["differences"]
    equal((told["kind"], told["amount"], told["short"]), ("books", "-7", "ours"))
    assert told["told"].startswith(
        "the books open the day at 1,000,000, the statement at 1,000,007"
    )
    assert "not since 2026-03-02" in said(story)


def test_an_opening_balance_of_the_day_of_the_first_statement_is_one(tmp_path: Path) -> None:
    day = date(2026, 3, 2)
    story = Story(tmp_path / "books", day, deposit=1_000_000)
    [before] = story.root.glob("decisions/2026/*.beancount")
    text = before.read_text().replace("2026-01-02 *", "2026-03-02 *")
    before.unlink()
    (before.parent / "2026-03.beancount").write_text(text)
    story.row(day, "A1", "O1", debit=CUT)
    story.run(day)
    assert messages(story.root) == []
    [stand] = story.books.positions()
    equal((stand["opening"], stand["adjustment"], stand["differences"]), ("1000000", "0", []))


def test_json_csv_and_workbook_have_the_same_figures(tmp_path: Path) -> None:
    import csv
    import io
    import json

    import openpyxl

    story = the_worked_day(tmp_path / "books")
    told: dict[str, Any] = json.loads(said(story, "--json"), parse_float=pytest.fail)
    equal((told["as_of"], len(told["partners"]), len(told["days"])), ("2026-03-03", 1, 2))
    rows = list(csv.DictReader(io.StringIO(said(story, "--csv"))))
    equal([r["closing"] for r in rows], [d["closing"] for d in told["days"]])
    path = tmp_path / "deposits.xlsx"
    said(story, "--xlsx", str(path))
    book = openpyxl.load_workbook(path)
    equal(book.sheetnames, ["Positions", "Days", "Does not tie"])
    sheet = book["Days"]
    titles = [c.value for c in sheet[1]]
    closing = titles.index("Closing") + 1
    equal(
        [sheet.cell(line, closing).value for line in (2, 3)],
        [int(d["closing"]) for d in told["days"]],
    )
    only = json.loads(said(story, "--from", "2026-03-03", "--to", "2026-03-03", "--json"))
    equal([d["day"] for d in only["days"]], ["2026-03-03"])
