"""Worked case 16: a partner that sends its transactions and a deposit statement."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.worked.story import Story, equal, snapshot

pytestmark = pytest.mark.samples
CUT = 49_800
USAGE = "Assets:Clearing:Usage:AggE"
BREAK = "Assets:Breaks:AggE:Unexplained-Movement"


def may(day: int) -> date:
    return date(2026, 5, day)


def _story(root: Path, **more: Any) -> Story:
    return Story(root, may(7), partner="AggE", statement=True, **more)


def _both(story: Story, day: date, ref: str, **more: Any) -> None:
    """An order that is sold, supplied and on the statement."""
    story.sold(day, ref)
    story.row(day, f"T-{ref}", ref, debit=CUT)
    story.moves(day, f"M-{ref}", ref, debit=CUT, **more)


def _breaks(story: Story) -> list[tuple[str, str, str]]:
    return [(b["ref"], b["class"], b["residue"]) for b in story.books.breaks()]


def _same_books(one: Story, other: Story) -> None:
    made, wanted = snapshot(one.root), snapshot(other.root)
    for books in (made, wanted):
        for name in ("manifest", "journal/index.beancount"):
            books.pop(name)
    equal([n for n in sorted({*made, *wanted}) if made.get(n) != wanted.get(n)], [])


def test_case_16_only_the_statement_moves_the_deposit(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    _both(story, may(7), "E2")
    story.moves(may(7), "M-E9", "E9", debit=CUT)
    story.run(may(7))
    story.balances_hold(story.same_as(16))
    equal(_breaks(story), [("E9", "unexplained_movement", str(CUT))])
    proofs = {e.account: e.amount.number for e in story.directives("balance") if e.date == may(8)}
    equal(proofs["Assets:Deposits:AggE"], 10_000_000 - 3 * CUT)
    [line] = [d for d in story.books.deposits() if d["day"] == "2026-05-07"]
    equal((line["closing"], line["stated"], line["tied"]), ("9850600", "9850600", True))
    story.proven()


def test_case_16_in_any_order_of_arrival(tmp_path: Path) -> None:
    def told(root: Path) -> Story:
        story = _story(root)
        for day in (may(7), may(8), may(9)):
            _both(story, day, f"E{day.day}")
        story.moves(may(8), "M-E9", "E9", debit=CUT, jump=-2_000)
        story.row(may(9), "T-E9", "E9", debit=CUT)
        return story

    in_time = told(tmp_path / "in-time")
    in_time.run(may(9))
    statement_late = told(tmp_path / "statement-late")
    statement_late.missing_statements = {may(7), may(8)}
    statement_late.run(may(9))
    statement_late.bring(may(8), "deposit")
    statement_late.bring(may(7), "deposit")
    _same_books(statement_late, in_time)
    rows_late = told(tmp_path / "rows-late")
    rows_late.missing = {may(8)}
    rows_late.run(may(9))
    rows_late.bring(may(8))
    _same_books(rows_late, in_time)
    rows_late.proven()


def test_sales_are_reconciled_while_the_statement_is_missing(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    _both(story, may(8), "E2")
    _both(story, may(9), "E3")
    story.missing_statements = {may(8)}
    story.run(may(9))
    made = story.made(may(8), may(8))
    equal(set(made), {(may(8), "sale"), (may(8), "supply")})
    recons = [e for e in story.directives("transaction") if "recon" in e.tags and e.date == may(8)]
    equal([e.meta["leg"] for e in recons], ["sale-supply"])
    verdicts = {v.day: (v.verdict, v.reasons) for v in story.verdicts() if v.counterparty == "AggE"}
    equal(verdicts[may(8)], ("incomplete", ["file_missing agge-deposit"]))
    equal(verdicts[may(9)][0], "reconciled")
    events = [(e.date, e.type, e.description) for e in story.directives("event")]
    equal(events, [(may(8), "finops:AggE", "incomplete: file_missing agge-deposit")])
    proofs = {(e.date, e.account) for e in story.directives("balance")}
    for day in (may(9), may(10)):
        equal((day, "Assets:Clearing:Supply:AggE") in proofs, True)
        equal((day, "Assets:Deposits:AggE") in proofs, False)
    [missing] = story.books.breaks()
    equal((missing["leg"], missing["class"]), ("files", "file_missing"))
    equal(story.balance(USAGE, may(9)), -CUT)
    story.bring(may(8), "deposit")
    equal(story.balance(USAGE, may(9)), 0)
    story.proven()


def test_a_balance_that_jumps_and_a_remark_then_both_given_back(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    _both(story, may(7), "E2", jump=-20_000)
    story.moves(may(7), "M-1", "", "KOREKSI SALDO", debit=75_000)
    story.moves(may(8), "M-2", "", "REFUND KOREKSI", credit=75_000)
    story.moves(may(8), "M-3", "", "KOREKSI", credit=20_000)
    story.run(may(7))
    equal(
        {c: n for _, c, n in _breaks(story)},
        {"balance_gap": "20000", "unexplained_movement": "75000"},
    )
    deposit = story.made(may(7), may(7))[may(7), "deposit"]
    equal(deposit["Assets:Deposits:AggE -"], -2 * CUT - 95_000)
    story.run(may(8))
    equal(_breaks(story), [])
    story.proven()


def test_a_statement_that_does_not_open_where_the_last_one_closed(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    _both(story, may(8), "E2")
    story.run(may(7))
    story.stated -= 5_000
    story.run(may(8))
    equal([(c, n) for _, c, n in _breaks(story)], [("balance_gap", "5000")])
    story.proven()


def test_a_transaction_without_a_movement_waits_and_then_breaks(tmp_path: Path) -> None:
    story = _story(tmp_path / "books", grace="24h")
    story.sold(may(7), "E1")
    story.row(may(7), "T-E1", "E1", debit=CUT)
    story.sold(may(7), "E2")
    story.row(may(7), "T-E2", "E2", debit=CUT)
    story.moves(may(8), "M-E2", "E2", debit=CUT)
    story.run(may(7))
    waiting = {i["ref"]: (i["class"], i["account"]) for i in story.books.breaks(everything=True)}
    equal(waiting, {"E1": ("timing", USAGE), "E2": ("timing", USAGE)})
    equal(story.balance(USAGE, may(7)), -2 * CUT)
    story.run(may(8))
    equal(_breaks(story), [("E1", "unexplained_movement", str(-CUT))])
    equal(story.balance(USAGE, may(8)), 0)
    story.proven()


def test_amounts_that_differ_are_one_item(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.sold(may(7), "E1")
    story.row(may(7), "T-E1", "E1", debit=CUT)
    story.moves(may(7), "M-E1", "E1", debit=CUT + 200)
    story.run(may(7))
    equal(_breaks(story), [("E1", "unexplained_movement", "200")])
    story.proven()


@pytest.mark.parametrize(
    ("moved", "rows", "told", "short"),
    [
        (2, 1, "extra: their deposit statement has it more often than their transactions", "theirs"),
        (1, 2, "missing: their deposit statement has it less often than their transactions", "theirs"),
        (0, 1, "missing: their deposit statement has no row of it", "theirs"),
    ],
)  # fmt: skip
def test_a_row_that_stands_more_often_in_one_file(
    tmp_path: Path, moved: int, rows: int, told: str, short: str
) -> None:
    story = _story(tmp_path / "books", grace="0h")
    _both(story, may(7), "E1")
    story.sold(may(7), "E2")
    for number in range(rows):
        story.row(may(7), f"T-E2-{number}", "E2", debit=CUT)
    for number in range(moved):
        story.moves(may(7), f"M-E2-{number}", "E2", debit=CUT)
    _both(story, may(8), "E3")
    story.run(may(8))
    [one] = [b for b in story.books.breaks() if b["leg"] == "supply-statement"]
    equal((one["ref"], one["reason"]), ("E2", told))
    [said] = [o for p in story.books.positions() for o in p["differences"] if o["id"] == one["id"]]
    equal(said["short"], short)
    story.proven()


def test_a_pending_row_that_fails_is_given_back_on_the_statement(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    story.sold(may(7), "P1", "PENDING")
    story.row(may(7), "T-P1", "P1", "PENDING", debit=CUT)
    story.moves(may(7), "M-1", "P1", debit=CUT)
    began = {"at": "07/05/2026 10:00:05"}
    story.sold(may(8), "P1", "FAILED", paid="2026-05-07 10:00:00", refunded="2026-05-08 11:00:00")
    story.row(may(8), "T-P1", "P1", "GAGAL", moved=CUT, **began)
    story.moves(may(8), "M-2", "P1", "REFUND", credit=CUT)
    story.run(may(7))
    supply = story.made(may(7), may(7))[may(7), "supply"]
    equal(supply, {"Assets:Clearing:Supply-Pending:AggE +": CUT, f"{USAGE} -": -CUT})
    story.run(may(8))
    equal(_breaks(story), [])
    equal(story.balance("Assets:Clearing:Supply-Pending:AggE", may(8)), 0)
    story.proven()


def test_several_rows_of_one_order_against_one_line(tmp_path: Path) -> None:
    """They cancel in money and not in number; the list of open items is empty all the same."""
    story = _story(tmp_path / "books")
    for number in (1, 2):
        story.row(may(7), f"T-{number}", "E1", debit=CUT)
    story.moves(may(7), "M-1", "E1", debit=2 * CUT)
    story.run(may(7))
    postings = [
        (p.meta["count"], p.meta["move"], p.units.number)
        for e in story.directives("transaction")
        for p in e.postings
        if p.account == USAGE and e.meta.get("leg")
    ]
    equal(postings, [(-1, "adjust", 0)])
    story.proven()


@pytest.mark.parametrize("passes", [("partner_ref", "ref"), ("ref", "partner_ref")])
def test_a_statement_that_names_the_partner_s_number_alone(tmp_path: Path, passes: Any) -> None:
    named = ", ".join(f'"{p}"' for p in passes)
    story = _story(
        tmp_path / "books", grace="24h", more=f"\n[versions.match]\npasses = [{named}]\n"
    )
    story.sold(may(7), "E1")
    story.row(may(7), "T-1", "E1", debit=CUT)
    story.moves(may(7), "T-1", "", debit=CUT)
    story.run(may(7))
    equal(story.books.breaks(everything=True), [])
    story.proven()


def test_the_first_pass_names_an_item_across_days(tmp_path: Path) -> None:
    more = '\n[versions.match]\npasses = ["partner_ref", "ref"]\n'
    story = _story(tmp_path / "books", grace="24h", more=more)
    story.sold(may(7), "E1")
    story.row(may(7), "T-1", "E1", debit=CUT)
    story.moves(may(8), "T-1", "", debit=CUT)
    story.run(may(8))
    equal(story.books.breaks(everything=True), [])
    story.proven()


def test_what_an_open_item_names_stays_with_it(tmp_path: Path) -> None:
    """The statement's line numbers are another count than the transactions', and meet by chance."""
    story = _story(tmp_path / "books", grace="24h")
    story.sold(may(7), "E1")
    story.row(may(7), "1", "E1", debit=CUT)
    story.sold(may(8), "E2")
    story.row(may(8), "2", "E2", debit=CUT)
    story.moves(may(8), "2", "E1", debit=CUT)
    story.run(may(8))
    waiting = [(i["ref"], i["class"]) for i in story.books.breaks(everything=True)]
    equal(waiting, [("E2", "timing")])
    story.proven()


def test_without_passes_the_order_id_alone_pairs(tmp_path: Path) -> None:
    story = _story(tmp_path / "books", more="\n[versions.match]\npasses = []\n")
    _both(story, may(7), "E1")
    story.run(may(7))
    equal(story.books.breaks(everything=True), [])
    story.proven()


def test_top_ups_by_the_statement_alone(tmp_path: Path) -> None:
    """Both files list the top-up; it posts once, by the statement, and meets the bank's line."""
    story = _story(tmp_path / "books", bank=True)
    story.lines[may(7)].append(("TRSF E-BANKING DB TOPUP AGGE 1", -5_000_001))
    story.row(may(7), "T-9", "", code="TOPUP", credit=5_000_001)
    story.moves(may(7), "M-9", "", "TOPUP BCA", credit=5_000_001)
    story.moves(may(7), "M-10", "", "BONUS TOPUP", credit=1_000)
    story.run(may(7))
    made = story.made(may(7), may(7))
    equal(made.get((may(7), "supply")), None)
    equal(
        made[may(7), "deposit"],
        {
            "Assets:Deposits:AggE +": 5_001_001,
            "Assets:Clearing:Deposit-In-Transit:AggE": -5_000_001,
            "Expenses:COGS:Supplier-Rebate -": -1_000,
        },
    )
    equal(story.books.breaks(everything=True), [])
    story.proven()


def test_decisions_find_their_break_on_either_leg(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    story.row(may(7), "T-2", "", code="ADJUST", debit=1_000)  # no order: open against the sales
    story.moves(may(7), "M-9", "E9", debit=CUT)  # no transaction: open against the transactions
    story.moves(may(7), "T-2", "", "KOREKSI", debit=1_000)
    story.run(may(7))
    equal(len(_breaks(story)), 2)
    claims = "Assets:Claims:Partner:AggE"
    for ref, amount in (("T-2", 1_000), ("E9", CUT)):
        item = story.item(ref, "unexplained_movement")
        story.decide(may(8), item, (claims, amount), (BREAK, -amount))
    story.run(may(8))
    equal({b["state"] for b in story.books.breaks()}, {"claimed"})
    verdicts = {v.day: v.reasons for v in story.verdicts() if v.counterparty == "AggE"}
    equal([r for r in verdicts[may(8)] if "decision" in r], [])
    story.moves(may(9), "M-10", "E9", "REFUND", credit=CUT)
    story.run(may(9))
    equal(story.balance(claims, may(9)), 1_000)
    story.proven()


def test_explained_down_to_the_line_of_the_statement(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    story.moves(may(7), "M-9", "E9", debit=CUT)
    story.run(may(7))
    told = story.books.explain("2026-05-07 Assets:Deposits:AggE")
    equal([r["line"] for r in told["rows"]], [4, 5])
    equal(told["facts"]["rows_post"], str(-2 * CUT))
    told = story.books.explain(f"2026-05-07 {USAGE}")
    equal(sorted(r["posts"] for r in told["rows"]), sorted([str(-CUT), str(CUT), str(CUT)]))
    told = story.books.explain(story.item("E9", "unexplained_movement"))
    equal([r["file"] for r in told["rows"]], ["AggE_deposit_20260507.csv"])


def test_from_the_day_on_that_the_procedure_names(tmp_path: Path) -> None:
    """Until then the transaction file moves the deposit; a statement of those days is refused."""
    story = _story(tmp_path / "books")
    sop = story.root / "sops" / "AggE.toml"
    later = sop.read_text().split("[[versions]]")[1]
    later = later.replace("2026-01-01", "2026-05-08").replace("SOP-AggE-1", "SOP-AggE-2")
    sop.write_text(sop.read_text().replace('statement = "deposit"\n', "") + f"[[versions]]{later}")
    story.missing_statements = {may(7)}
    for day in (may(7), may(8)):
        _both(story, day, f"E{day.day}")
    # Cut by the transactions on the 7th, given back by the statement on the 8th.
    story.sold(may(7), "P1", "PENDING")
    story.row(may(7), "T-P1", "P1", "PENDING", debit=CUT)
    story.moves(may(7), "M-P1", "P1", debit=CUT)
    story.sold(may(8), "P1", "FAILED", paid="2026-05-07 10:00:00", refunded="2026-05-08 11:00:00")
    story.row(may(8), "T-P1", "P1", "GAGAL", moved=CUT, at="07/05/2026 10:00:05")
    story.moves(may(8), "M-2", "P1", "REFUND", credit=CUT)
    story.run(may(8))
    made = story.made(may(7), may(8))
    equal(made[may(7), "supply"]["Assets:Deposits:AggE -"], -2 * CUT)
    equal(made[may(8), "supply"][f"{USAGE} -"], -CUT)
    equal(made[may(8), "supply"][f"{USAGE} +"], CUT)
    equal(made[may(8), "deposit"]["Assets:Deposits:AggE -"], -CUT)
    equal(made[may(8), "deposit"]["Assets:Deposits:AggE +"], CUT)
    verdicts = {v.day: v.verdict for v in story.verdicts() if v.counterparty == "AggE"}
    equal(verdicts, {may(7): "pending", may(8): "reconciled"})
    proofs = {(e.date, e.account) for e in story.directives("balance")}
    for day in (may(8), may(9)):
        equal((day, "Assets:Deposits:AggE") in proofs, True)
    name = f"AggE_deposit_{may(7):%Y%m%d}.csv"
    (story.root / "inbox" / name).write_text(story.held[name])
    [report] = story.books.import_files().files
    equal(report.verdict, "refused")
    assert "[statement-not-in-force]" in report.problems[0]
    assert "2026-05-08" in report.problems[0]


def test_what_the_transactions_say_of_a_balance_is_not_the_statement_s(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    story.row(may(7), "T-2", "E2", debit=CUT, jump=-9_000)
    story.sold(may(7), "E2")
    story.moves(may(7), "M-2", "E2", debit=CUT)
    story.run(may(7))
    [supply] = [e for e in story.directives("transaction") if "supply" in e.tags]
    equal({"opening", "closing", "low", "chain"} & supply.meta.keys(), set())
    equal(_breaks(story), [])
    story.proven()


def test_nothing_but_the_statement_touches_the_deposit(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    for day in (may(7), may(8)):
        _both(story, day, f"E{day.day}")
    story.run(may(8))
    tags = {
        min(e.tags)
        for e in story.directives("transaction")
        for p in e.postings
        if p.account == "Assets:Deposits:AggE" and e.date >= may(7)
    }
    equal(tags, {"deposit"})


def test_rebuilt_and_verified(tmp_path: Path) -> None:
    story = _story(tmp_path / "books")
    _both(story, may(7), "E1")
    story.moves(may(7), "M-9", "E9", debit=CUT, jump=-700)
    _both(story, may(8), "E2")
    story.run(may(8))
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])
