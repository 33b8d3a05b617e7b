"""Settlement runs in the books: proposed, approved, refused when anything has changed, recorded as decisions."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from finops_ledger.books import Books
from finops_ledger.cli import cli
from finops_ledger.core.errors import UsageError
from finops_ledger.core.ids import sha256_file
from tests.treasury.bills import bill, may
from tests.treasury.runs import PAYMENTS, before_the_bank, copied, payer, pays, the_bank
from tests.worked import workspace as w
from tests.worked.postpaid import Postpaid
from tests.worked.story import equal

BILL, NET = 352_500, 351_192  # less 1,200 and 132, with 24 given back
PAYABLE = "Liabilities:Payable:AggB:Invoiced"


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Postpaid:
    """Two days of bills, both billed to us; the bank's file of the 15th is not in."""
    made = payer(tmp_path_factory.mktemp("told") / "books", may(13), limit="168")
    made.lines[may(15)] += [("TRSF AGGB AggB-20260513", -NET), ("TRSF AGGB AggB-20260514", -NET)]
    two_days(made)
    return made


@pytest.fixture
def story(beginning: Postpaid, tmp_path: Path) -> Iterator[Postpaid]:
    """The same books again for each test."""
    made = copied(beginning, tmp_path / "books")
    yield made
    made.books.close()


def two_days(made: Postpaid) -> None:
    """Bills of the 13th and the 14th, and an invoice on each next day."""
    for day in (13, 14):
        bill(made, may(day), f"A{day}")
        made.invoices_(may(day + 1), f"AggB-202605{day}", may(day), BILL, 1_200, 132)
    before_the_bank(made, may(15))


def folder(story: Postpaid, run: str) -> Path:
    return story.root / "reports" / "payments" / run


def decisions(story: Postpaid) -> str:
    path = story.root / "decisions" / "2026" / "2026-05.beancount"
    return path.read_text() if path.exists() else ""


def propose(story: Postpaid, **how: object) -> str:
    made = story.books.pay.propose("preparer-1", **how)  # type: ignore[arg-type]
    assert made.written
    return made.run


def refused(story: Postpaid, run: str, told: str, checker: str = "approver-1") -> None:
    """It is not approved, for this reason, and nothing is written."""
    before = decisions(story), len(story.books.space.state.lines)
    with pytest.raises(UsageError, match=told):
        story.books.pay.approve(run, checker)
    equal((decisions(story), len(story.books.space.state.lines)), before)


# --- proposing ------------------------------------------------------------------------------------


def test_a_proposal_is_files_and_nothing_in_the_books(story: Postpaid) -> None:
    lines = len(story.books.space.state.lines)
    made = story.books.pay.propose("preparer-1")
    equal([line.of.link for line in made.lines], ["STL-AggB-20260513", "STL-AggB-20260514"])
    equal([line.amount for line in made.lines], [Decimal(NET)] * 2)
    equal(
        sorted(p.name for p in folder(story, made.run).iterdir()),
        ["payment-list.xlsx", "proposal.json", "upload-BCA-2026-05-15.csv"],
    )
    equal((decisions(story), len(story.books.space.state.lines)), ("", lines))
    kept = json.loads((folder(story, made.run) / "proposal.json").read_text())
    equal(kept["totals"], {"transfers": 2, "amount": str(2 * NET), "fees": "5000"})
    for name, digest in kept["files"].items():
        equal(digest, f"sha256:{sha256_file(folder(story, made.run) / name)}")
    sheet = openpyxl.load_workbook(folder(story, made.run) / "payment-list.xlsx")["Payment list"]
    equal(sheet["F2"].value, "0012345678901")
    text = (folder(story, made.run) / "upload-BCA-2026-05-15.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    equal([r["amount"] for r in rows], [str(NET)] * 2)
    equal([r["remark"] for r in rows], ["AGGB AggB-20260513", "AGGB AggB-20260514"])


def test_the_same_books_give_the_same_run(story: Postpaid, tmp_path: Path) -> None:
    run = propose(story)
    before = {p.name: p.read_bytes() for p in folder(story, run).iterdir()}
    equal(propose(story), run)
    equal({p.name: p.read_bytes() for p in folder(story, run).iterdir()}, before)
    later = Books(story.root, clock=lambda: w.NOW.replace(year=2027))
    equal(later.pay.propose("preparer-1").run, run)
    dry = story.books.pay.propose("preparer-2", due_by=may(14), dry_run=True)
    assert not dry.written
    assert dry.run != run
    equal([p.name for p in folder(story, run).parent.iterdir()], [run])


def test_a_settlement_stands_on_one_open_list(story: Postpaid) -> None:
    run = propose(story, due_by=may(14))
    second = story.books.pay.propose("preparer-2")
    equal([line.of.ref for line in second.lines], ["20260514"])
    [left] = second.left_out
    equal((left.guard, run in left.why), ("proposed", True))
    with pytest.raises(UsageError, match=f"STL-AggB-20260513: it is on the open list {run}"):
        story.books.pay.propose("preparer-2", named=["STL-AggB-20260513"])
    cancelled = story.books.pay.cancel(run, "preparer-1", "twice")
    equal(cancelled.state, "cancelled")
    refused(story, run, "was cancelled; propose a new list")
    third = story.books.pay.propose("preparer-2", named=["STL-AggB-20260513"])
    equal([line.of.ref for line in third.lines], ["20260513"])


def test_a_list_that_was_cancelled_can_be_proposed_again(story: Postpaid) -> None:
    run = propose(story)
    story.books.pay.cancel(run, "preparer-1")
    equal(propose(story), run)
    equal([r.state for r in story.books.pay.runs()], ["proposed"])


def test_nothing_that_is_due_is_told(story: Postpaid) -> None:
    made = story.books.pay.propose("preparer-1", due_by=may(12))
    equal((made.lines, made.left_out, made.written), ([], [], False))
    assert not folder(story, made.run).exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: _toml(s, PAYMENTS, ""), r"has no account to pay from: add one under \[\[payments"),
        (lambda s: _sop(s, 'name = "PT AGREGATOR B"', 'name = "=PT"'), "letters, digits, blanks"),
        (lambda s: _sop(s, 'remark = "AGGB {code}"', 'from = "Assets:Bank:BNI"'), "no account Assets:Bank:BNI, which"),
        (lambda s: _toml(s, "[[payments", '[payments]\nlayout = "mandri"\n[[payments'), "did you mean 'mandiri'"),
    ],
)  # fmt: skip
def test_what_is_declared_wrongly(
    story: Postpaid, change: Callable[[Postpaid], None], told: str
) -> None:
    change(story)
    with pytest.raises(UsageError, match=told):
        _run_and_propose(story)


def _run_and_propose(story: Postpaid) -> None:
    story.books.reconcile()
    story.books.pay.propose("preparer-1")


def _sop(story: Postpaid, old: str, new: str) -> None:
    path = story.root / "sops" / "AggB.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def _toml(story: Postpaid, old: str, new: str) -> None:
    path = story.root / "finops.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_what_is_not_reconciled_is_not_paid(story: Postpaid) -> None:
    """A file has come in, or a rule has changed: nobody knows what is in dispute before the next run."""
    run = propose(story)
    bill(story, may(14), "B14", commission=1_150, ppn=126)
    (story.root / "inbox" / "AggB_mutasi_20260514.csv").write_text(
        "time,trx,order_id,product,bill,admin,commission,ppn,status\n"
        + "\n".join(story.bills[may(14)])
        + "\n"
    )
    story.books.import_files()
    refused(
        story,
        run,
        "STL-AggB-20260514: 2026-05-14 is not reconciled, so nobody knows what of it is in dispute",
    )
    made = story.books.pay.propose("preparer-2", due_by=may(15))
    equal({one.guard for one in made.left_out}, {"proposed"})
    story.books.pay.cancel(run, "preparer-1")
    made = story.books.pay.propose("preparer-2")
    equal([one.of.ref for one in made.left_out if one.guard == "unreconciled"], ["20260514"])
    equal([line.of.ref for line in made.lines], ["20260513"])


def test_a_partner_without_an_account_is_left_out(story: Postpaid) -> None:
    path = story.root / "sops" / "AggB.toml"
    path.write_text(path.read_text().partition("[versions.settlement.pay]")[0])
    story.books.reconcile()
    made = story.books.pay.propose("preparer-1")
    equal({one.guard for one in made.left_out}, {"beneficiary"})
    assert "sops/AggB.toml has no [versions.settlement.pay]" in made.left_out[0].why


# --- approving ------------------------------------------------------------------------------------


def test_an_approved_list_is_a_decision_with_its_files_as_evidence(story: Postpaid) -> None:
    run = propose(story)
    made = story.books.pay.approve(run, "approver-1")
    equal((made.written, made.conflicts), (True, []))
    text = decisions(story)
    assert text.startswith(
        '2026-05-15 * "AggB" "Payment list" #settlement #decision ^STL-AggB-20260513\n'
    )
    for line in ('maker: "preparer-1"', 'checker: "approver-1"', f'run: "{run}"', "due: 2026-05-15",
                 'pay-to: "Mandiri 0012345678901 PT AGREGATOR B"'):  # fmt: skip
        assert line in text
    for name in ("payment-list.xlsx", "upload-BCA-2026-05-15.csv"):
        digest = sha256_file(folder(story, run) / name)
        assert f'evidence: "sha256:{digest}"' in text
        [kept] = (story.root / "archive" / "Decisions").glob(f"{digest[:16]}.*")
        equal(sha256_file(kept), digest)
    equal(
        [(r.run, r.state, r.checker) for r in story.books.pay.runs()],
        [(run, "approved", "approver-1")],
    )
    equal({s["state"] for s in story.books.settlements()}, {"listed"})
    refused(
        story, run, f"{run} is approved already, by approver-1: decisions/2026/2026-05.beancount:1"
    )
    equal(story.books.pay.propose("preparer-1").left_out, [])
    with pytest.raises(UsageError, match="it is on an approved list already: decisions/2026"):
        story.books.pay.propose("preparer-1", named=["STL-AggB-20260513"])
    with pytest.raises(UsageError, match=r"is approved .*: two people take it back"):
        story.books.pay.cancel(run, "preparer-1")


def test_the_bank_s_line_clears_it_and_the_books_prove_themselves(
    beginning: Postpaid, story: Postpaid, tmp_path: Path
) -> None:
    pays(story)
    the_bank(story, beginning.root.parent / "BCA_mutasi_20260515.csv")
    equal(story.books.breaks(everything=True), [])
    equal(story.balance("Assets:Clearing:Settlement-In-Transit:AggB", may(15)), 0)
    equal(story.balance(PAYABLE, may(15)), 0)
    story.proven()
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_a_payment_that_is_split_is_met_by_several_lines(tmp_path: Path) -> None:
    """800 bills: 280,953,600, by BI-FAST in two transfers, each a line of the bank."""
    story = payer(tmp_path / "books", may(13))
    _sop(story, 'remark = "AGGB {code}"', 'remark = "AGGB {code}"\nrails = ["BI-FAST"]')
    bill(story, may(13), *(f"A{n}" for n in range(800)))
    story.invoices_(may(14), "AggB-20260513", may(13), 800 * BILL, 960_000, 105_600)
    story.lines[may(14)] += [
        ("DB AGGB AggB-20260513", -250_000_000),
        ("DB AGGB AggB-20260513", -30_953_600),
    ]
    held = before_the_bank(story, may(14))
    made = story.books.pay.propose("preparer-1")
    equal([int(t.amount) for t in made.lines[0].transfers], [250_000_000, 30_953_600])
    story.books.pay.approve(made.run, "approver-1")
    the_bank(story, held)
    equal(story.books.breaks(everything=True), [])
    story.load()


def test_a_claim_that_is_granted_is_released_by_its_name(tmp_path: Path) -> None:
    story = payer(tmp_path / "books", may(13), limit="168")
    bill(story, may(13), "S1", "S2", "S3", commission=1_150, ppn=126)
    story.invoices_(may(15), "AggB-20260513", may(13), 3 * BILL, 3_600, 396)
    story.run(may(14))
    items = sorted(b["id"] for b in story.books.breaks())
    story.books.resolve(items, "claim", maker="preparer-1", checker="approver-1", day=may(14))
    story.lines[may(15)].append(("TRSF AGGB AggB-20260513", -3 * NET))
    held = before_the_bank(story, may(15))
    made = pays(story)
    equal(made.conflicts, [])
    [entry] = made.entries
    claims = [p for p in entry.postings if p.account.startswith("Assets:Claims:")]
    equal([(p.amount, p.meta) for p in claims], [(Decimal(-56), (("break", i),)) for i in items])
    the_bank(story, held)
    equal(story.books.breaks(), [])
    story.proven()


def test_maker_and_checker_are_two_people(story: Postpaid) -> None:
    run = propose(story)
    refused(story, run, "maker and checker are both preparer-1", "Preparer-1 ")
    with pytest.raises(UsageError, match="--by: say who proposes"):
        story.books.pay.propose(" ")


def test_the_checker_s_limit_is_that_of_all_that_a_partner_is_paid(story: Postpaid) -> None:
    """Two payments of 352,524 in debits each: the limit of one does not reach for both together."""
    _toml(
        story, "[[payments", '[roles]\ncontroller = ["approver-1"]\nhead = ["head-1"]\n\n[[payments'
    )
    _sop(
        story,
        "[versions.supply]",
        '[versions.limits.payment]\ncontroller = "400000"\nhead = "800000"\n\n[versions.supply]',
    )
    story.books.reconcile()
    run = propose(story)
    refused(
        story,
        run,
        "run pay-.* of 705048 with AggB is above the limit of approver-1; limits: controller 400000",
    )
    refused(story, run, "--checker approver-2 has no role", "approver-2")
    story.books.pay.approve(run, "head-1")
    assert 'limit: "head"\n  up-to: 800000' in decisions(story)
    story.load()


def _swap(text: str) -> str:
    return text.replace("0012345678901", "0099999999999")


@pytest.mark.parametrize(
    ("name", "how", "told"),
    [
        ("upload-BCA-2026-05-15.csv", lambda d: _swap(d.decode()).encode(), "is not the file that was proposed"),
        ("payment-list.xlsx", lambda d: d[:-1] + b"\x01", "is not the file that was proposed"),
        ("proposal.json", lambda d: _swap(d.decode()).encode(), "has been changed since it was proposed"),
        ("proposal.json", lambda d: b"{", "is no proposal as it was written"),
        ("proposal.json", lambda d: b"[1]", "is no proposal as it was written"),
    ],
)  # fmt: skip
def test_a_list_that_somebody_touched_is_not_approved(
    story: Postpaid, name: str, how: Callable[[bytes], bytes], told: str
) -> None:
    run = propose(story)
    path = folder(story, run) / name
    path.write_bytes(how(path.read_bytes()))
    refused(story, run, told)
    equal(propose(story), run)
    story.books.pay.approve(run, "approver-1")


def test_hashes_that_were_changed_along_with_a_file_do_not_help(story: Postpaid) -> None:
    run = propose(story)
    upload, proposal = (
        folder(story, run) / n for n in ("upload-BCA-2026-05-15.csv", "proposal.json")
    )
    old = sha256_file(upload)
    upload.write_text(_swap(upload.read_text()))
    proposal.write_text(proposal.read_text().replace(old, sha256_file(upload)))
    refused(story, run, "is not the file that was proposed")


def test_a_file_that_is_gone(story: Postpaid) -> None:
    run = propose(story)
    (folder(story, run) / "payment-list.xlsx").unlink()
    refused(story, run, "payment-list.xlsx is gone")


def test_a_run_of_a_changed_name_is_told_in_the_list(story: Postpaid) -> None:
    run = propose(story)
    folder(story, run).rename(folder(story, "pay-0000000000000000"))
    equal([r.state for r in story.books.pay.runs()], ["changed"])
    refused(story, "pay-0000000000000000", "has been changed since it was proposed")
    refused(story, "../../sops", "there is no such run")
    refused(story, run[:9], "there is no such run")


def test_figures_that_changed_since_are_named(story: Postpaid) -> None:
    """A bill of the 14th is taken back on the 16th; what was proposed on the day before is not paid."""
    run = propose(story)
    head = story.books.space.state.head
    story.bills[may(16)].append(f"{may(16)} 11:00:00,B-A14,A14,PLN,350000,2500,1150,126,PAID")
    before_the_bank(story, may(16))
    assert story.books.space.state.head != head
    refused(story, run, r"(?s)proposed on other figures; propose it again.*STL-AggB-20260514: ")


def test_other_files_that_change_no_figure_do_not_matter(story: Postpaid) -> None:
    run = propose(story)
    bill(story, may(16), "A16")
    before_the_bank(story, may(16))
    equal(story.books.pay.approve(run, "approver-1").conflicts, [])
    assert decisions(story).startswith("2026-05-15 ")


def test_another_account_in_the_sop_is_another_list(story: Postpaid) -> None:
    run = propose(story)
    _sop(story, "0012345678901", "0099999999999")
    story.books.reconcile()
    refused(
        story, run, "to was Mandiri 0012345678901 PT AGREGATOR B BMRIIDJA, is Mandiri 0099999999999"
    )


def test_a_dispute_that_came_up_since(story: Postpaid) -> None:
    run = propose(story)
    _sop(story, 'dispute_limit = "168"', 'dispute_limit = "0"')
    story.bills[may(16)].append(f"{may(16)} 11:00:00,B-A14,A14,PLN,350000,2500,1150,126,PAID")
    before_the_bank(story, may(16))
    refused(story, run, "can no longer be paid as proposed: STL-AggB-20260514")


def test_a_changed_account_is_told_to_the_checker(story: Postpaid) -> None:
    """The account changes by a new version of the SOP: the next payment says so, and says how to check it."""
    pays(story, due_by=may(14))
    path = story.root / "sops" / "AggB.toml"
    first = path.read_text()
    new = first[first.index("[[versions]]") :].replace("2026-01-01", "2026-05-15")
    new = new.replace("SOP-AggB-1", "SOP-AggB-2").replace("0012345678901", "0099999999999")
    path.write_text(f"{first}\n{new}")
    story.books.reconcile()
    [line] = story.books.pay.propose("preparer-1").lines
    equal(line.terms.to.number, "0099999999999")
    changed, new_one = line.warnings
    assert changed.startswith(
        "the account has changed: paid to Mandiri 0012345678901 PT AGREGATOR B on 2026-05-15"
    )
    assert new_one.startswith("the account is new since 2026-05-15 (SOP-AggB-2)")


def test_a_list_by_hand_counts_as_one(story: Postpaid) -> None:
    story.pays(
        may(15),
        "AggB-20260513",
        (PAYABLE, BILL, ""),
        ("Assets:Receivable:Commission:AggB", -1_332, ""),
        ("Assets:Tax:PPh23-Prepaid", 24, ""),
        ("Assets:Clearing:Settlement-In-Transit:AggB", -NET, ""),
    )
    story.books.reconcile()
    made = story.books.pay.propose("preparer-1")
    equal([line.of.ref for line in made.lines], ["20260514"])
    with pytest.raises(UsageError, match="it is on an approved list already"):
        story.books.pay.propose("preparer-1", named=["STL-AggB-20260513"])


def test_one_for_a_day_that_no_file_covers_is_on_a_list_all_the_same(story: Postpaid) -> None:
    """Approved for its value date: it waits for the files of that day, and is not proposed a second time."""
    _sop(story, "lag = 1", "lag = 3")
    story.books.reconcile()
    made = story.books.pay.propose("preparer-1", due_by=may(16))
    equal([(line.of.ref, line.day) for line in made.lines], [("20260513", may(16))])
    story.books.pay.approve(made.run, "approver-1")
    assert decisions(story).startswith("2026-05-16 ")
    equal(story.books.pay.propose("preparer-1", due_by=may(16)).lines, [])
    with pytest.raises(UsageError, match="it is on an approved list already"):
        story.books.pay.propose("preparer-1", named=["STL-AggB-20260513"], advance=True)


def test_the_lists_of_two_months_are_two_runs(story: Postpaid) -> None:
    _sop(story, "lag = 1", "lag = 18")
    story.books.reconcile()
    with pytest.raises(UsageError, match="would pay in 2 months: propose what is due in the first"):
        propose(story, due_by=date(2026, 6, 30))
    [line] = story.books.pay.propose("preparer-1", due_by=date(2026, 5, 31)).lines
    equal(line.day, date(2026, 5, 31))


def test_explain_leads_from_the_code_to_the_list_and_its_evidence(story: Postpaid) -> None:
    run = propose(story)
    story.books.pay.approve(run, "approver-1")
    told = story.books.explain("STL-AggB-20260513")
    equal(told["facts"]["checker"], "approver-1")
    equal(told["facts"]["run"], run)
    [entry] = [e for e in told["entries"] if "decision" in e["tags"]]
    equal([p["amount"] for p in entry["postings"]], ["352500", "-1332", "24", "-351192"])
    equal(len(story.books.explain(run)["entries"]), 2)


def test_an_approved_list_that_the_bank_has_not_paid_is_taken_back_by_two(
    beginning: Postpaid, story: Postpaid
) -> None:
    run = propose(story)
    story.books.pay.approve(run, "approver-1")
    for people, told in ((("p1", "p1"), "both p1"), (("p1", ""), "--checker: say who")):
        with pytest.raises(UsageError, match=told):
            story.books.pay.take_back(run, *people)
    made = story.books.pay.take_back(run, "preparer-1", "approver-1", "sent back: account closed")
    equal(made.conflicts, [])
    equal({e.links for e in made.entries}, {("STL-AggB-20260513",), ("STL-AggB-20260514",)})
    equal([r.state for r in story.books.pay.runs()], ["taken back"])
    refused(story, run, "was taken back; propose a new list")
    story.load()
    equal({s["state"] for s in story.books.settlements()}, {"invoiced"})
    again = propose(story)
    assert again != run
    story.books.pay.approve(again, "approver-1")
    the_bank(story, beginning.root.parent / "BCA_mutasi_20260515.csv")
    equal(story.books.breaks(everything=True), [])
    story.proven()
    with pytest.raises(UsageError, match="is paid: what the bank has paid is not taken back"):
        story.books.pay.take_back(again, "preparer-1", "approver-1")


# --- the command ----------------------------------------------------------------------------------


def finops(story: Postpaid, *words: str) -> Result:
    runner = CliRunner(env={"FINOPS_BOOKS": None})
    return runner.invoke(cli, ["--books", str(story.root), "pay", *words], catch_exceptions=False)


def test_the_command_from_proposal_to_decision(story: Postpaid) -> None:
    dry = finops(story, "propose", "--by", "preparer-1", "--dry-run")
    assert "nothing is written yet" in dry.output
    made = finops(story, "propose", "--by", "preparer-1")
    [run] = [r.run for r in story.books.pay.runs()]
    equal((made.exit_code, "STL-AggB-20260513" in made.output, run in made.output), (0, True, True))
    assert "702,384" in finops(story, "list").output
    assert "Look at STL-AggB-20260513: first payment" in finops(story, "show", run).output
    equal(finops(story, "approve", run, "--by", "preparer-1").exit_code, 2)
    equal(finops(story, "approve", run).exit_code, 2)
    equal(finops(story, "approve", run, "--by", "approver-1").exit_code, 0)
    assert "No payment list waits" in finops(story, "list").output
    [told] = json.loads(finops(story, "list", "--all", "--json").output)
    equal(
        (told["state"], told["amount"], told["checker"]), ("approved", str(2 * NET), "approver-1")
    )
    again = finops(story, "propose", "--by", "preparer-1")
    equal((again.exit_code, "Nothing to pay." in again.output), (0, True))
    equal(finops(story, "cancel", run, "--by", "preparer-1").exit_code, 2)
    back = finops(story, "cancel", run, "--by", "preparer-1", "--checker", "approver-1", "--json")
    equal((back.exit_code, json.loads(back.output)["written"]), (0, True))


def test_the_command_ends_with_1_when_nothing_that_is_due_can_be_paid(story: Postpaid) -> None:
    path = story.root / "sops" / "AggB.toml"
    path.write_text(path.read_text().partition("[versions.settlement.pay]")[0])
    story.books.reconcile()
    made = finops(story, "propose", "--by", "preparer-1")
    equal((made.exit_code, "Nothing that is due can be paid." in made.output), (1, True))
    assert "Left out:\n  STL-AggB-20260513: no account to pay to" in made.output
    equal(json.loads(finops(story, "propose", "--by", "p", "--json").output)["lines"], [])
