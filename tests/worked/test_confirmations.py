"""Balance confirmations end to end: a letter from the books, an answer as a decision, and all of it rebuilt."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from finops_ledger.books import Books
from finops_ledger.cli import cli
from finops_ledger.core.errors import UsageError
from finops_ledger.core.ids import sha256_bytes
from tests.worked.story import Story, equal

LAST, FIRST = date(2026, 3, 31), date(2026, 4, 1)
CUT = 49_800
CLOSING = 1_000_000 - CUT

RULES = """[versions.deposit.confirmation]
name = "PT Agregator Alfa"
address = ["Jalan Alfa 2", "Bandung"]
member = "M-7781"
reply = "10d"

[versions.recognition.Pulsa]"""
HEAD = """
[letters]
address = ["Jalan Contoh 1"]
city = "Jakarta"
signatory = "Siti Rahma"
title = "Finance Controller"
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last day of March and the first of April, reconciled."""
    story = Story(
        tmp_path_factory.mktemp("confirmed") / "books", LAST, deposit=1_000_000, bank=True
    )
    sop = story.root / "sops" / "AggA.toml"
    sop.write_text(sop.read_text().replace("[versions.recognition.Pulsa]", RULES))
    with (story.root / "finops.toml").open("a") as file:
        file.write(HEAD)
    story.sold(LAST, "O1")
    story.row(LAST, "A1", "O1", debit=CUT)
    story.lines[LAST].append(("TRSF E-BANKING DB TOPUP AGGA", -5_000_000))
    story.run(FIRST)
    story.books.close()
    return story.root


@pytest.fixture
def root(told: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(told, tmp_path / "books"))


def finops(root: Path, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["--books", str(root), *words])
    assert result.exit_code == code, result.output
    return result.output


def write(root: Path, *more: str, code: int = 0) -> str:
    words = ("--month", "2026-03", "--by", "preparer-1", "--day", "2026-04-02", *more)
    return finops(root, "confirm", "write", *words, code=code)


def reply(
    root: Path, balance: int, evidence: str = "mail", day: str = "2026-04-06", code: int = 0
) -> str:
    words = ("--balance", str(balance), "--evidence", evidence, "--by", "preparer-1", "--day", day)
    return finops(root, "confirm", "reply", "AggA", "--month", "2026-03", *words, code=code)


def listed(root: Path, *more: str) -> dict[str, Any]:
    [one] = json.loads(finops(root, "confirm", "list", "--json", *more), parse_float=pytest.fail)
    return dict(one)


def test_a_month_that_is_over_wants_a_letter(root: Path) -> None:
    one = listed(root)
    equal(
        (one["month"], one["partner"], one["state"], one["now"]),
        ("2026-03", "AggA", "due", str(CLOSING)),
    )
    assert "confirm write --month 2026-03 --by NAME" in finops(root, "confirm")


def test_the_letter_says_what_the_books_say_at_the_partner_s_close(root: Path) -> None:
    shown = write(root)
    assert (
        "AggA: 950,200, answer by 2026-04-12: reports/confirmations/AggA/2026-03.html, .txt"
        in shown
    )
    text = (root / "reports" / "confirmations" / "AggA" / "2026-03.txt").read_text()
    for words in (
        "No. CONF-AggA-2026-03/1", "PT Agregator Alfa", "Jalan Alfa 2", "M-7781", "IDR 950.200",
        "tutup hari 2026-03-31 23:00", "sent, not credited", "IDR 5.000.000", "Siti Rahma",
    ):  # fmt: skip
        assert words in text, text
    page = (root / "reports" / "confirmations" / "AggA" / "2026-03.html").read_bytes()
    decided = (root / "decisions" / "2026" / "2026-04.beancount").read_text()
    assert 'custom "finops-confirmation" "AggA" "2026-03" "sent" 950200 IDR' in decided
    # What went out is kept under its hash, whatever becomes of the folder of reports.
    digest = sha256_bytes(page)
    assert f'evidence: "sha256:{digest}"' in decided
    [kept] = (root / "archive" / "Decisions").glob(f"{digest[:16]}.*")
    equal(kept.read_bytes(), page)
    equal(listed(root)["state"], "sent")
    equal(Books(root).load().messages(), [])


def test_an_answer_is_a_decision_with_its_evidence(root: Path, tmp_path: Path) -> None:
    write(root)
    scan = tmp_path / "reply.pdf"
    scan.write_bytes(b"signed")
    assert "AggA, 2026-03: agreed 2026-04-06." in reply(root, CLOSING, str(scan))
    [kept] = (root / "archive" / "Decisions").glob("*.reply.pdf")
    equal(kept.read_bytes(), b"signed")
    one = listed(root)
    equal((one["state"], one["open"], one["difference"]), ("agreed", False, "0"))
    equal(json.loads(finops(root, "confirm", "list", "--open", "--json")), [])


def test_an_answer_that_differs_says_by_how_much(root: Path) -> None:
    write(root)
    shown = reply(root, CLOSING - CUT)
    assert "differs by -49800, answered 2026-04-06" in shown
    assert "deposits --partner AggA" in shown
    equal((listed(root)["state"], listed(root)["difference"]), ("differs", "-49800"))


def test_no_answer_is_overdue_by_the_books_day(root: Path) -> None:
    write(root)
    equal(listed(root, "--as-of", "2026-04-12")["state"], "sent")
    one = listed(root, "--as-of", "2026-04-13")
    equal((one["state"], one["open"]), ("overdue", True))
    # As it stood before the letter went out.
    equal(listed(root, "--as-of", "2026-04-01")["state"], "due")


def test_it_is_rebuilt_byte_for_byte(root: Path, tmp_path: Path) -> None:
    write(root)
    reply(root, CLOSING)
    books = Books(root)
    report = books.rebuild(tmp_path / "again")
    equal(report.differences, [])
    equal([str(f) for f in books.verify()], [])
    equal(listed(tmp_path / "again"), listed(root))
    for path in (root / "archive" / "Decisions").iterdir():
        equal((tmp_path / "again" / path.relative_to(root)).read_bytes(), path.read_bytes())


def test_a_letter_that_is_gone_from_the_archive_is_missed(root: Path) -> None:
    write(root)
    [kept] = (root / "archive" / "Decisions").glob("*.CONF-*")
    kept.unlink()
    [found] = Books(root).verify()
    assert found.check == "decisions"
    assert "the evidence" in str(found)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("write --month 2026-04 --by me", "2026-04 is not over in the books: the files that are in reach to"),
        ("write --month 2026-3 --by me", "--month 2026-3: write it like 2026-03"),
        ("write --month 2026-03 --by ''", "--by: say who"),
        ("write --month 2026-03 --by me --day 2026-03-30", "is written after 2026-03-31"),
        ("write --month 2026-03 --by me --partner AgA", "AgA is no supplier of these books: did you mean AggA?"),
        ("write --month 2026-03 --by me --form positiv", "--form positiv: known are positive"),
        ("write --month 2026-02 --by me --day 2026-04-02", "no letter of 2026-02 is due"),
        ("reply AggA --month 2026-03 --balance 1 --evidence x --by me", "no letter of 2026-03 was sent to AggA"),
        ("reply AggA --month 2026-03 --balance 1 --evidence '' --by me", "--evidence: the answer itself"),
        ("reply AggA --month 2026-03 --balance 1,5 --evidence x --by me", "is no plain amount"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    root: Path, words: str, says: str
) -> None:
    before = (root / "subledger" / "manifest.jsonl").read_bytes()
    command = CliRunner().invoke(cli, ["--books", str(root), "confirm", *shlex.split(words)])
    assert (command.exit_code, says in command.output) == (2, True), command.output
    equal((root / "subledger" / "manifest.jsonl").read_bytes(), before)
    assert not (root / "reports" / "confirmations").exists()


def test_the_same_letter_does_not_go_out_twice(root: Path) -> None:
    write(root)
    assert "no letter of 2026-03 is due" in write(root, code=2)
    assert "went out on 2026-04-02 and says what the books say" in write(
        root, "--partner", "AggA", code=2
    )


def test_an_answer_is_not_older_than_its_letter(root: Path) -> None:
    write(root)
    assert "was sent on 2026-04-02" in reply(root, CLOSING, day="2026-04-01", code=2)


def test_a_restated_month_wants_a_second_letter(root: Path) -> None:
    """A decision moves what stood at the end of March: the answer to the first letter no longer covers it."""
    write(root)
    reply(root, CLOSING)
    with (root / "decisions" / "2026" / "2026-04.beancount").open("a") as file:
        file.write('\n2026-03-31 * "AggA" "wrong" #decision\n  Assets:Deposits:AggA  5 IDR\n')
        file.write("  Equity:Opening-Balances  -5 IDR\n")
    Books(root).recover()
    one = listed(root)
    equal(
        (one["state"], one["restated"], one["open"], one["now"]),
        ("agreed", True, True, str(CLOSING + 5)),
    )
    write(root, "--day", "2026-04-08")
    one = listed(root)
    equal((one["letters"], one["balance"], one["state"]), (2, str(CLOSING + 5), "sent"))


def test_below_the_threshold_no_letter_is_due(root: Path) -> None:
    sop = root / "sops" / "AggA.toml"
    sop.write_text(sop.read_text().replace('reply = "10d"', 'above = "950201"'))
    equal(json.loads(finops(root, "confirm", "list", "--json")), [])
    write(root, "--partner", "AggA")  # asked for by name it is written all the same
    equal(listed(root)["state"], "sent")


def test_a_directive_written_by_hand_that_says_nothing_is_named_by_its_line(root: Path) -> None:
    path = root / "decisions" / "2026" / "2026-04.beancount"
    path.write_text('2026-04-02 custom "finops-confirmation" "AggA" "2026-03" "answer" 5 IDR\n')
    with pytest.raises(UsageError, match=re.escape("2026-04.beancount:1: write it like  custom")):
        Books(root).confirmations.listed()


def test_python_has_the_same(root: Path) -> None:
    books = Books(root)
    [one] = books.confirmations.write("2026-03", "preparer-1", day=date(2026, 4, 2), form="blank")
    equal(one["state"], "sent")
    text = (root / "reports" / "confirmations" / "AggA" / "2026-03.txt").read_text()
    assert "950.200" not in text
    one = books.confirmations.reply(
        "AggA", "2026-03", Decimal(CLOSING), "mail of 6 April", "preparer-1", date(2026, 4, 6)
    )
    equal((one["state"], one["answer"]), ("agreed", str(CLOSING)))
