"""``finops resolve``: what it writes, what it refuses, parts, many at once, taking back."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from click.testing import CliRunner, Result

from finops_ledger.books import Books
from finops_ledger.books.verify import verify
from finops_ledger.cli import cli
from tests.worked import workspace as w

D2, D3, D4 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
WHO = ["--maker", "preparer-1", "--checker", "approver-1"]
LIMITS = """
[versions.limits.write-off]
lead = "20000"
controller = "60000"

[versions.limits.default]
lead = "100000"
"""
ROLES = """
[roles]
lead = ["approver-1", "lead-2"]
controller = ["controller-1"]
"""


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """O4 delivered though refunded, O3 not delivered though sold, O5 failed there and sold here, O6 too dear."""
    return at_work(tmp_path / "books")


def at_work(root: Path, orders: int = 1, **more: Any) -> Books:
    made = w.make(root, bank=True, **more)
    at = "2026-03-02 10:04:00"
    late = [f"O4{n or ''}" for n in range(orders)]
    sold = [w.order(ref, at, "FAILED", at, refunded=at) for ref in late]
    sold += [w.order(ref, at, "SUCCESS", at) for ref in ("O3", "O5", "O6")]
    w.orders(made.root, D2, sold)
    theirs = w.Statement(D2, 1_000_000)
    for ref in late:
        theirs.row("02/03/2026 10:04:05", f"A-{ref}", ref, debit=49_800)
    theirs.row("02/03/2026 10:04:06", "A5", "O5", "GAGAL")
    theirs.row("02/03/2026 10:04:07", "A6", "O6", debit=50_000)
    theirs.drop(made.root)
    w.bank(made.root, D2, 500_000_000, [])
    run(made)
    return made


def run(books: Books) -> None:
    report = books.import_files()
    assert [f.message for f in report.files if f.verdict != "imported"] == []
    books.reconcile()


def quiet_day(books: Books, day: date, balance: int, *restored: tuple[str, str, str, int]) -> None:
    w.orders(books.root, day, [])
    theirs = w.Statement(day, balance)
    for own, ref, orig, amount in restored:
        at = f"{day:%d/%m/%Y} 09:00:00"
        theirs.row(at, own, ref, credit=amount, code="REFUND", orig=orig)
    theirs.drop(books.root)
    w.bank(books.root, day, 500_000_000, [])
    run(books)


def finops(books: Books, *words: str) -> Result:
    books.close()
    return CliRunner().invoke(cli, ["--books", str(books.root), *words])


def item(books: Books, ref: str) -> str:
    return str(next(b["id"] for b in books.breaks() if b["ref"] == ref))


def refused(books: Books, *words: str) -> str:
    """Run a command that must be refused, and see that nothing has changed; return what it says."""
    manifest = (books.root / "subledger" / "manifest.jsonl").read_bytes()
    decided = {p: p.read_bytes() for p in books.root.glob("decisions/**/*") if p.is_file()}
    result = finops(books, "resolve", *words)
    assert result.exit_code == 2, result.output + result.stderr
    assert (books.root / "subledger" / "manifest.jsonl").read_bytes() == manifest
    assert {p: p.read_bytes() for p in books.root.glob("decisions/**/*") if p.is_file()} == decided
    return " ".join(result.stderr.split())


def errors(books: Books) -> list[str]:
    books.close()
    return [e.message for e in loader.load_file(str(books.root / "main.beancount"))[1]]


def test_it_prints_the_journal_writes_it_and_reconciles(books: Books) -> None:
    late = item(books, "O4")
    result = finops(books, "resolve", late, "--as", "claim", *WHO, "--reason", "AggA was slow")
    assert result.exit_code == 0, result.output + result.stderr
    path = books.root / "decisions" / "2026" / "2026-03.beancount"
    text = path.read_text()
    assert text in result.output
    assert text.startswith(
        '2026-03-02 * "AggA" "Resolved: O4 claimed from AggA: AggA was slow" #decision\n'
        f'  partner: "AggA"\n  treatment: "claim"\n  break: "{late}"\n  case: "CLM-0001"\n'
        '  maker: "preparer-1"\n  checker: "approver-1"\n  Assets:Claims:Partner:AggA '
    )
    assert errors(books) == []
    assert verify(books.root) == []
    assert books.space.state.lines[-1]["kind"] == "reconcile"
    [one] = [b for b in books.breaks() if b["id"] == late]
    assert (one["state"], one["residue"], one["claimed"]) == ("claimed", "0", "49800")


def test_a_dry_run_writes_nothing_and_lists_what_fits(books: Books, tmp_path: Path) -> None:
    late = item(books, "O4")
    before = (books.root / "subledger" / "manifest.jsonl").read_bytes()
    result = finops(books, "resolve", late, "--as", "claim", *WHO, "--dry-run", "--json")
    told = json.loads(result.output)
    assert told["written"] is False
    assert [(p["account"], p["amount"]) for p in told["entries"][0]["postings"]] == [
        ("Assets:Claims:Partner:AggA", "49800"),
        ("Assets:Breaks:AggA:Late-Success", "-49800"),
    ]
    assert (books.root / "subledger" / "manifest.jsonl").read_bytes() == before
    assert not (books.root / "decisions" / "2026" / "2026-03.beancount").exists()
    listed = json.loads(finops(books, "resolve", "--dry-run", "--json").output)
    fits = {i["ref"]: i["treatments"] for i in listed}
    assert fits == {
        "O3": ["income"],
        "O4": ["claim", "refund", "cost", "write-off", "recharge", "loss"],
        "O5": ["refund", "income"],
        "O6": ["claim", "cost", "write-off"],
    }


@pytest.mark.parametrize(
    ("ref", "words", "said"),
    [
        ("O3", ["--as", "claim", *WHO], "--as claim does not fit; what does: income"),
        ("O4", ["--as", "clam", *WHO], "did you mean 'claim'?"),
        ("O4", ["--as", "claim", "--maker", "ann", "--checker", "Ann "], "approved by somebody else"),
        ("O4", ["--as", "claim", "--maker", "ann"], "--checker: say who"),
        ("O4", ["--as", "loss", "--cause", "bad_luck", "--evidence", "a mail", *WHO], "--cause"),
        ("O4", ["--as", "write-off", *WHO], "needs --evidence"),
        ("O4", ["--as", "write-off", *WHO, "--evidence", "letter.pdf"], "there is no such file"),
        ("O4", ["--as", "claim", *WHO, "--amount", "49801"], "no more than 49800"),
        ("O4", ["--as", "claim", *WHO, "--amount", "0"], "more than 0"),
        ("O4", ["--as", "recharge", *WHO, "--amount", "100"], "takes no part"),
        ("O4", ["--as", "claim", *WHO, "--day", "2026-03-01"], "was not open on 2026-03-01"),
        ("O4", ["--as", "claim", *WHO, "--to", "Income:Other:Recovery"], "--to is for"),
        ("O4", ["--as", "cost", *WHO, "--to", "Assets:Clearing:Supply:AggA"], "files move this"),
        ("O4", ["--as", "cost", *WHO, "--to", "Expenses:Rounding"], "files move this"),
        ("O4", ["--as", "cost", *WHO, "--to", "Expenses:Bank-Charge=1"], "difference is 49799"),
        ("O5", ["--as", "refund", *WHO], "our sales file will say it"),
        ("O4", ["--as", "refund", *WHO], "a file of AggA will say it"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(books: Books, ref: str, words: list[str], said: str) -> None:
    assert said in refused(books, item(books, ref), *words)


def test_an_unknown_id_is_told_with_its_neighbours(books: Books) -> None:
    late = item(books, "O4")
    assert late in refused(books, late[:-1] + "z", "--as", "claim", *WHO)
    assert late in refused(books, "O4", "--as", "claim", *WHO)
    assert "finops breaks lists" in refused(books, "nonsense", "--as", "claim", *WHO)
    finops(books, "resolve", late, "--as", "cost", *WHO)
    assert "is closed: decided in decisions/" in refused(books, late, "--as", "claim", *WHO)


def test_what_a_file_will_say_can_be_decided_all_the_same(books: Books) -> None:
    failed = item(books, "O5")
    result = finops(books, "resolve", failed, "--as", "refund", "--anyway", *WHO, "--json")
    assert result.exit_code == 0, result.output + result.stderr
    [entry] = json.loads(result.output)["entries"]
    assert [(p["account"], p["amount"]) for p in entry["postings"]] == [
        ("Assets:Claims:Customer", "-51000"),
        ("Income:Net:Pulsa", "1200"),
        ("Assets:Breaks:AggA:Partner-Failed", "49800"),
    ]
    assert errors(books) == []


def test_a_closed_day_and_a_later_one(books: Books) -> None:
    quiet_day(books, D3, 900_200)
    late = item(books, "O4")
    books.close_period(D2, "controller-1")
    assert "closed up to 2026-03-02" in refused(
        books, late, "--as", "claim", *WHO, "--day", "2026-03-02"
    )
    # A decision for a day to come waits for its files; until then the item is decided.
    assert (
        finops(books, "resolve", late, "--as", "claim", *WHO, "--day", "2026-03-04").exit_code == 0
    )
    assert "is decided already, for 2026-03-04" in refused(books, late, "--as", "claim", *WHO)
    quiet_day(books, D4, 900_200)
    assert errors(books) == []
    assert [b["claimed"] for b in books.breaks() if b["id"] == late] == ["49800"]


def limited(root: Path) -> Books:
    books = at_work(root, more=LIMITS)
    with (root / "finops.toml").open("a") as file:
        file.write(ROLES)
    books.reconcile()
    return books


def test_the_checker_s_role_says_up_to_how_much(tmp_path: Path) -> None:
    books = limited(tmp_path / "books")
    late = item(books, "O4")
    off = [late, "--as", "write-off", "--evidence", "AggA's mail", "--maker", "preparer-1"]
    assert "above the limit of approver-1; limits: lead 20000, controller 60000" in refused(
        books, *off, "--checker", "approver-1"
    )
    assert "has no role" in refused(books, *off, "--checker", "somebody")
    part = finops(books, "resolve", *off, "--checker", "lead-2", "--amount", "20000")
    assert part.exit_code == 0, part.output + part.stderr
    assert 'limit: "lead"\n  up-to: 20000\n' in part.output
    rest = finops(books, "resolve", *off, "--checker", "controller-1")
    assert rest.exit_code == 0, rest.output + rest.stderr
    assert "29800 IDR" in rest.output
    assert 'limit: "controller"' in rest.output
    assert errors(books) == []
    assert [b for b in books.breaks() if b["id"] == late] == []


def test_a_part_leaves_the_rest_open_and_a_claim_grows(books: Books) -> None:
    late = item(books, "O4")
    for amount in ("20000", "10000"):
        done = finops(books, "resolve", late, "--as", "claim", *WHO, "--amount", amount)
        assert done.exit_code == 0, done.output + done.stderr
        assert errors(books) == []
    [one] = [b for b in books.breaks() if b["id"] == late]
    assert (one["state"], one["residue"], one["claimed"]) == ("claimed", "19800", "30000")
    done = finops(books, "resolve", late, "--as", "cost", *WHO)
    assert done.exit_code == 0, done.output + done.stderr
    assert errors(books) == []
    # The partner gives back what is claimed: nothing is left.
    quiet_day(books, D3, 900_200, ("A-R", "O4", "A-O4", 30_000))
    assert errors(books) == []
    assert [b for b in books.breaks() if b["id"] == late] == []
    assert verify(books.root) == []


def test_a_claim_is_refused_and_written_off_under_its_case(books: Books, tmp_path: Path) -> None:
    late = item(books, "O4")
    finops(books, "resolve", late, "--as", "claim", *WHO)
    letter = tmp_path / "their letter.txt"
    letter.write_text("AggA will not pay.\n")
    done = finops(
        books, "resolve", late, "--as", "write-off", *WHO, "--evidence", str(letter), "--json"
    )
    assert done.exit_code == 0, done.output + done.stderr
    [entry] = json.loads(done.output)["entries"]
    assert (entry["meta"]["case"], entry["meta"]["cause"]) == ("CLM-0001", "unrecovered")
    assert [(p["account"], p["amount"]) for p in entry["postings"]] == [
        ("Expenses:Operational-Loss:Unrecovered", "49800"),
        ("Assets:Claims:Partner:AggA", "-49800"),
    ]
    [kept] = (books.root / "archive" / "Decisions").iterdir()
    assert kept.read_text() == letter.read_text()
    assert entry["meta"]["evidence"].startswith(f"sha256:{kept.name[:16]}")
    assert errors(books) == []
    assert verify(books.root) == []
    kept.write_text("AggA will pay.\n")
    assert [f.check for f in verify(books.root)] == ["decisions"]


def test_a_decision_is_taken_back(books: Books) -> None:
    late = item(books, "O4")
    before = [b for b in books.breaks() if b["id"] == late]
    finops(books, "resolve", late, "--as", "claim", *WHO)
    done = finops(books, "resolve", late, "--undo", *WHO, "--reason", "the wrong order")
    assert done.exit_code == 0, done.output + done.stderr
    assert "Taken back: Resolved: O4 claimed from AggA: the wrong order" in done.output
    assert errors(books) == []
    assert [b for b in books.breaks() if b["id"] == late] == before
    assert "no decision that could be taken back" in refused(books, late, "--undo", *WHO)
    # And it can be decided again, on the same day.
    assert finops(books, "resolve", late, "--as", "cost", *WHO).exit_code == 0
    assert errors(books) == []
    assert [b for b in books.breaks() if b["id"] == late] == []


def test_many_at_once_are_one_posting_a_class(tmp_path: Path) -> None:
    books = at_work(tmp_path / "books", orders=12)
    chosen = ["--class", "late_success", "--counterparty", "AggA"]
    assert "did you mean 'late_success'?" in refused(
        books, "--class", "late_sucess", "--as", "claim", *WHO
    )
    assert "no open break of class" in refused(
        books, *chosen, "--older-than", "30d", "--as", "claim", *WHO
    )
    done = finops(books, "resolve", *chosen, "--older-than", "0d", "--as", "claim", *WHO, "--json")
    assert done.exit_code == 0, done.output + done.stderr
    told = json.loads(done.output)
    assert len(told["items"]) == 12
    [entry] = told["entries"]
    claims, breaks = entry["postings"]
    assert (claims["account"], claims["amount"]) == ("Assets:Claims:Partner:AggA", "597600")
    assert (breaks["account"], breaks["amount"]) == ("Assets:Breaks:AggA:Late-Success", "-597600")
    assert [(p["meta"]["count"], p["meta"]["move"]) for p in (claims, breaks)] == [
        (12, "open"),
        (12, "close"),
    ]
    assert breaks["meta"]["case"] == "CLM-0001"
    assert errors(books) == []
    claimed = [b for b in books.breaks() if b["class"] == "late_success"]
    assert {b["claimed"] for b in claimed} == {"49800"}
    assert verify(books.root) == []
    assert books.rebuild(tmp_path / "again").differences == []
    one = claimed[0]["id"]
    assert "decides about" in refused(books, one, "--undo", *WHO)
    done = finops(books, "resolve", "--undo", "--case", "CLM-0001", *WHO)
    assert done.exit_code == 0, done.output + done.stderr
    assert errors(books) == []
    assert {b["claimed"] for b in books.breaks()} == {"0"}
    [listed] = (books.root / "archive" / "Decisions").iterdir()
    listed.write_text(listed.read_text().replace("49800", "49801", 1))
    books.close()
    assert "decisions" in [f.check for f in verify(books.root)]


def test_decided_by_hand_it_needs_two_names_as_well(books: Books) -> None:
    late = item(books, "O4")
    text = f"""
2026-03-02 * "AggA" "by one alone" #decision
  maker: "preparer-1"
  checker: "preparer-1"
  break: "{late}"
  Assets:Claims:Partner:AggA           49800 IDR
  Assets:Breaks:AggA:Late-Success     -49800 IDR
"""
    w.decide(books.root, D2, text)
    result = finops(books, "run")
    assert result.exit_code == 2
    assert "[approval-same]" in result.stderr
    assert "2026-03.beancount:1" in " ".join(result.stderr.split())
