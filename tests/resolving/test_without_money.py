"""Decisions that bring no other account in: a suggestion that is accepted, a break that is all right as it is."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finops_ledger.books import Books
from finops_ledger.books.verify import verify
from finops_ledger.cli import cli
from tests.loop import test_own_legs as own
from tests.worked import workspace as w
from tests.worked.story import Story, equal

D2, D3, D4 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
CUT = 49_800
WHO = ("--maker", "preparer-1", "--checker", "approver-1")
GUESS = """
[[versions.match.passes]]
name = "ref"

[[versions.match.passes]]
name = "guess"
on = ["customer", "product"]
minutes = 30
suggest = true
"""
LIMITS = """
[versions.limits.default]
lead = "20000"
"""


def finops(story: Story, *words: str) -> Result:
    story.books.close()
    result = CliRunner().invoke(cli, ["--books", str(story.root), *words])
    story.books.space.reload()
    return result


def done(story: Story, *words: str) -> str:
    """Run a command that decides; return what it prints."""
    result = finops(story, "resolve", *words, *WHO)
    assert result.exit_code == 0, result.output + result.stderr
    return result.output


def refused(story: Story, *words: str, who: tuple[str, ...] = WHO) -> str:
    result = finops(story, "resolve", *words, *who)
    assert result.exit_code == 2, result.output + result.stderr
    return " ".join(result.stderr.split())


def broken(story: Story, **how: Any) -> list[tuple[str, str, str]]:
    """What is open: order, class, residue."""
    return sorted((b["ref"], b["class"], b["residue"]) for b in story.books.breaks(**how))


def items(story: Story) -> dict[str, str]:
    return {b["ref"]: b["id"] for b in story.books.breaks(everything=True)}


def guessed(root: Path, theirs: int = CUT, **more: Any) -> Story:
    """An order of ours, and a row of theirs under another reference, which the last pass suggests as one."""
    story = Story(root, D2, more=GUESS, **more)
    story.sold(D2, "T1")
    story.row(D2, "A1", "X1", debit=theirs)
    story.run(D2)
    return story


def test_a_suggestion_is_accepted_and_both_items_close(tmp_path: Path) -> None:
    story = guessed(tmp_path / "books")
    equal(
        broken(story),
        [("T1", "missing_at_partner", "-49800"), ("X1", "missing_at_platform", "49800")],
    )
    ids = items(story)
    assert {"accept"} <= set(
        next(b for b in story.books.breaks() if b["ref"] == "X1")["treatments"]
    )
    told = done(story, ids["T1"], "--as", "accept", "--reason", "their number was typed wrong")
    assert 'treatment: "accept"' in told
    assert all(item in told for item in ids.values())
    equal(broken(story, everything=True), [])
    for name in ("Missing-At-Partner", "Missing-At-Platform"):
        equal(story.balance(f"Assets:Breaks:AggA:{name}", D2), 0)
    for ref, other in (("T1", "X1"), ("X1", "T1")):
        found = story.books.explain(ids[ref])
        equal((found["facts"]["state"], found["facts"]["class"]), ("closed", "matched"))
        [proof] = found["proofs"]
        equal(proof["rule"], "accepted")
        assert ids[other] in " ".join(proof["compared"])
        assert any("decisions/2026/2026-03.beancount" in e["place"] for e in found["entries"])
    story.run(D3)
    equal(broken(story, everything=True), [])
    story.proven()
    equal([str(f) for f in verify(story.root)], [])
    again = story.books.rebuild(tmp_path / "again")
    equal((again.equal, again.differences), (True, []))


def test_a_row_that_comes_after_all_is_a_second_delivery(tmp_path: Path) -> None:
    story = guessed(tmp_path / "books")
    done(story, items(story)["T1"], "--as", "accept")
    story.row(D3, "A2", "T1", debit=CUT)
    # What was accepted is given back: the order has been paid for and not delivered.
    story.restored(D4, "A3", "X1", CUT, orig="A1")
    story.run(D3)
    equal(broken(story), [("T1", "duplicate_delivery", "49800")])
    story.run(D4)
    assert ("T1", "duplicate_delivery", "49800") in broken(story)
    equal(sum(int(residue) for _, _, residue in broken(story)), 0)
    story.proven()


def test_what_is_accepted_is_taken_back(tmp_path: Path) -> None:
    story = guessed(tmp_path / "books")
    before, ids = broken(story), items(story)
    done(story, ids["X1"], "--as", "accept")
    assert "decides about" in refused(story, ids["X1"], "--undo")
    done(story, ids["X1"], ids["T1"], "--undo", "--reason", "they were two")
    equal(broken(story), before)
    story.run(D3)
    equal(broken(story), before)
    story.proven()


@pytest.mark.parametrize(
    ("theirs", "rest"),
    [
        (50_000, ("X1", "missing_at_platform", "200")),
        (49_700, ("T1", "missing_at_partner", "-100")),
    ],
)
def test_what_one_has_beyond_the_other_stays_a_break(
    tmp_path: Path, theirs: int, rest: tuple[str, str, str]
) -> None:
    story = guessed(tmp_path / "books", theirs)
    ids = items(story)
    done(story, ids["T1"], "--as", "accept")
    equal(broken(story), [rest])
    story.run(D3)
    equal(broken(story), [rest])
    story.proven()


def test_what_only_waits_is_accepted_too(tmp_path: Path) -> None:
    story = guessed(tmp_path / "books", grace="48h")
    equal([c for _, c, _ in broken(story, everything=True)], ["timing", "timing"])
    done(story, items(story)["T1"], "--as", "accept")
    equal(broken(story, everything=True), [])
    equal(story.balance("Assets:Clearing:Timing:AggA", D2), 0)
    story.run(D4)
    equal(broken(story, everything=True), [])
    story.proven()


def test_between_several_suggestions_a_person_names_the_other_item(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", D2, more=GUESS)
    story.sold(D2, "T1")
    story.row(D2, "A1", "X1", debit=CUT)
    story.row(D2, "A2", "X2", debit=CUT)
    story.sold(D2, "T9", product="T50")
    story.run(D2)
    ids = items(story)
    said = refused(story, ids["T1"], "--as", "accept")
    assert "several are suggested" in said
    assert ids["X1"] in said
    assert ids["X2"] in said
    assert "nothing has suggested" in refused(story, ids["T9"], ids["X2"], "--as", "accept")
    assert "nothing is suggested" in refused(story, ids["T9"], "--as", "accept")
    assert "one by one" in refused(story, "--class", "missing_at_partner", "--as", "accept")
    assert "takes no --amount" in refused(story, ids["T1"], "--as", "accept", "--amount", "5")
    done(story, ids["T1"], ids["X2"], "--as", "accept")
    equal([ref for ref, _, _ in broken(story)], ["T9", "X1"])
    story.run(D3)
    equal([ref for ref, _, _ in broken(story)], ["T9", "X1"])
    [found] = [b for b in story.books.breaks() if b["ref"] == "X1"]
    assert "accept" not in found["treatments"]
    story.proven()


def test_four_eyes_and_limits(tmp_path: Path) -> None:
    story = guessed(tmp_path / "books")
    sop = story.root / "sops" / "AggA.toml"
    sop.write_text(sop.read_text() + LIMITS)
    with (story.root / "finops.toml").open("a") as config:
        config.write('\n[roles]\nlead = ["approver-1"]\n')
    story.books.space.reload()
    story.books.reconcile()
    ids = items(story)
    said = refused(story, ids["T1"], "--as", "accept")
    assert "--as accept of 49800 with AggA is above the limit of approver-1" in said
    alone = ("--maker", "approver-1", "--checker", "approver-1")
    assert "approved by somebody else" in refused(story, ids["T1"], "--as", "accept", who=alone)


def wrong_goods(root: Path, **more: Any) -> Story:
    """One order of which another product came, for the same cost."""
    story = Story(root, D2, **more)
    story.sold(D2, "G1")
    story.sold(D2, "G2")
    story.row(D2, "A1", "G1", debit=CUT, code="T50", serial="SN-1")
    story.row(D2, "A2", "G2", debit=CUT, serial="SN-1", at="02/03/2026 11:00:00")
    story.run(D2)
    return story


def test_a_break_of_goods_is_closed_without_money(tmp_path: Path) -> None:
    story = wrong_goods(tmp_path / "books")
    equal(broken(story), [("G1", "product_mismatch", "0"), ("G2", "serial_reused", "0")])
    ids = items(story)
    assert "needs --reason" in refused(story, ids["G1"], "--as", "close")
    assert "does not fit; what does: close" in refused(
        story, ids["G1"], "--as", "claim", "--reason", "x"
    )
    why = ("--reason", "the customer wanted a token")
    told = done(story, ids["G1"], "--as", "close", *why)
    assert "closed as it is: the customer wanted a token" in told
    assert "Assets:" not in told
    equal(broken(story), [("G2", "serial_reused", "0")])
    story.run(D3)
    equal(broken(story), [("G2", "serial_reused", "0")])
    found = story.books.explain(ids["G1"])
    equal((found["facts"]["state"], found["facts"]["class"]), ("closed", "matched"))
    assert any("the customer wanted a token" in e["narration"] for e in found["entries"])
    verdicts = {v.counterparty: v.reasons for v in story.verdicts() if v.day == D3}
    equal(verdicts["AggA"], ["1 serial_reused"])
    story.proven()
    equal([str(f) for f in verify(story.root)], [])
    again = story.books.rebuild(tmp_path / "again")
    equal((again.equal, again.differences), (True, []))
    # A second delivery of it is known for what it is.
    story.row(D4, "A3", "G1", debit=CUT)
    story.run(D4)
    assert ("G1", "duplicate_delivery", "49800") in broken(story)


def test_what_was_closed_is_opened_again(tmp_path: Path) -> None:
    story = wrong_goods(tmp_path / "books")
    before, ids = broken(story), items(story)
    done(story, "--class", "product_mismatch", "--as", "close", "--reason", "all right")
    equal([ref for ref, _, _ in broken(story)], ["G2"])
    assert "is closed: decided in decisions/" in refused(
        story, ids["G1"], "--as", "close", "--reason", "twice"
    )
    done(story, ids["G1"], "--undo", "--reason", "it was not")
    equal(broken(story), before)
    story.proven()


def test_what_has_money_is_not_closed_without(tmp_path: Path) -> None:
    story = Story(tmp_path / "books", D2)
    story.sold(D2, "O1")
    story.row(D2, "A1", "O1", debit=CUT + 300)
    story.run(D2)
    item = items(story)["O1"]
    said = refused(story, item, "--as", "close", "--reason", "so what")
    assert "--as close does not fit; what does: claim, cost, write-off" in said
    # Written by hand it does not fit, and its day says so.
    path = story.root / "decisions" / "2026" / "2026-03.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'2026-03-02 * "AggA" "Closed" #decision\n  treatment: "close"\n  break: "{item}"\n'
        '  maker: "a"\n  checker: "b"\n'
    )
    story.books.import_files()
    story.books.reconcile()
    [verdict] = [v for v in story.verdicts() if v.counterparty == "AggA"]
    equal(verdict.verdict, "incomplete")
    assert "a decision that moves no money does not close it" in " ".join(verdict.reasons)


def test_by_hand_it_bears_two_names(tmp_path: Path) -> None:
    story = wrong_goods(tmp_path / "books")
    item = items(story)["G1"]
    path = story.root / "decisions" / "2026" / "2026-03.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'2026-03-02 * "AggA" "Closed" #decision\n  treatment: "close"\n  break: "{item}"\n'
        '  maker: "a"\n  checker: "a"\n'
    )
    result = finops(story, "run")
    assert result.exit_code == 2
    assert "expected two people" in " ".join(result.stderr.split())


def test_what_a_leg_without_an_account_finds_is_closed(tmp_path: Path) -> None:
    story = own.declared(tmp_path / "books")
    own.sold(story, 2, "O1")
    own.market(story, 2, ("O1", "SUCCESS", 50_000))
    story.run(D2)
    [found] = [b for b in story.books.breaks() if b["leg"] == "market-orders"]
    equal(found["treatments"], ["close"])
    done(story, found["id"], "--as", "close", "--reason", "a voucher of the marketplace")
    equal(own.found(story), [])
    story.run(D3)
    equal(own.found(story), [])
    result = finops(story, "breaks", "--json")
    equal([b for b in json.loads(result.output) if b["leg"] == "market-orders"], [])


GATEWAY_GUESS = """
[[versions.match.passes]]
name = "same-amount"
on = ["amount"]
suggest = true
"""


@pytest.mark.parametrize(("settled", "rest"), [(51_000, []), (50_000, [("PAY-O1", "1000")])])
def test_payments_are_accepted_on_the_gateway_s_own_list(
    tmp_path: Path, settled: int, rest: list[tuple[str, str]]
) -> None:
    """Both wait on Clearing:Gateway, which is the list of what waits; it stays what is left of it."""
    guess = GATEWAY_GUESS
    if settled != 51_000:
        guess = guess.replace('on = ["amount"]', 'on = ["ref"]')
    story = Story(tmp_path / "books", D2, gateway="PG1", bank=True, lag=4, fee=guess)
    story.sold(D2, "O1")
    story.row(D2, "A1", "O1", debit=CUT)
    line = w.settled("PG1-20260302", D2, "O1", "PAYMENT", settled)
    story.reports[D2].append(line.replace("PAY-O1", "PAY-WRONG"))
    story.pays_out(D2, settled, "PG1-20260302")
    story.run(D2)
    ids = items(story)
    done(story, ids["PAY-O1"], "--as", "accept")
    left = [b for b in story.books.breaks(everything=True) if b["leg"] == "sale-gateway"]
    equal([(b["ref"], b["residue"]) for b in left], rest)
    equal(story.balance("Assets:Clearing:Gateway:PG1", D2), 51_000 - settled)
    story.run(D3)
    story.proven()
    equal([str(f) for f in verify(story.root)], [])


def forgotten(story: Story, to: Path) -> list[tuple[str, str]]:
    """What the second program says of a copy in which nobody has decided anything."""
    story.books.close()
    shutil.copytree(story.root, to)
    (to / "decisions" / "2026" / "2026-03.beancount").unlink()
    books = Books(to, clock=lambda: w.NOW)
    found = [(f.check, f.message) for f in books.audit()[1]]
    books.close()
    return found


@pytest.mark.parametrize("day", [D2, D3], ids=["the day it was found", "the day after"])
@pytest.mark.parametrize("ref", ["G1", "G2"])
def test_goods_closed_without_a_decision_are_found(tmp_path: Path, ref: str, day: date) -> None:
    story = wrong_goods(tmp_path / "books")
    story.run(day)
    done(story, items(story)[ref], "--as", "close", "--reason", "all right")
    equal(story.books.audit()[1], [])
    found = forgotten(story, tmp_path / "copy")
    assert any(
        check == "decided" and ref in message and "no decision" in message
        for check, message in found
    ), found


@pytest.mark.parametrize("day", [D2, D3], ids=["the day it was found", "the day after"])
def test_what_a_leg_finds_closed_without_a_decision_is_found(tmp_path: Path, day: date) -> None:
    story = own.declared(tmp_path / "books")
    own.sold(story, 2, "O1")
    own.market(story, 2, ("O1", "SUCCESS", 50_000))
    if day == D3:
        own.market(story, 3)
    story.run(day)
    [item] = [b["id"] for b in story.books.breaks() if b["leg"] == "market-orders"]
    done(story, item, "--as", "close", "--reason", "a voucher of the marketplace")
    equal(story.books.audit()[1], [])
    found = forgotten(story, tmp_path / "copy")
    assert any(check == "decided" and "O1" in message for check, message in found), found
