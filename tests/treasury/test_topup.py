"""``finops topup`` over books: the worked example of the reference, from files to the proposal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from finops_ledger.books import Books
from finops_ledger.books.demo import lay_out_demo
from finops_ledger.core.errors import UsageError
from finops_ledger.simulator import simulate
from tests.docs.pages import run_finops
from tests.stories.telling import change
from tests.treasury import closure
from tests.treasury.funded import MILLION, wib
from tests.worked import workspace as w
from tests.worked.story import Story

AT = wib("2026-03-17 16:30")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("closure") / "books"
    closure.books(root).close()
    return root


@pytest.fixture
def books(made: Path, tmp_path: Path) -> Iterator[Books]:
    """The books of the example, to be changed."""
    root = tmp_path / "books"
    shutil.copytree(made, root)
    with Books(root, clock=lambda: w.NOW) as opened:
        yield opened


def only(found: dict[str, Any]) -> dict[str, Any]:
    [one] = found["partners"]
    return dict(one)


def test_the_worked_example_from_files_to_the_rupiah(books: Books) -> None:
    found = books.topup(AT)
    one = only(found)
    need = one["need"]
    assert one["refused"] is None
    assert (one["balance"], one["balance_at"]) == ("165900000", "2026-03-17T16:30+07:00")
    assert (one["usage"], one["history_days"], one["daily"]) == ("files", 56, "180000000")
    assert (need["selling_days"], need["sigma"], need["z"]) == ("7.4", "40000000", "1.65")
    assert (need["used_since"], need["expected"], need["safety"]) == (
        "0",
        "1864800000",
        "179539411",
    )
    assert need["total"] == "1878439411"
    assert need["until"] == "2026-03-25T10:00+07:00"
    assert one["amount"] == "1879000000"
    assert (one["rail"], one["fee"], one["send_by"]) == ("RTGS", "25000", "2026-03-17T16:30+07:00")
    told = {o["rail"]: (o["transfers"], o["fee"]) for o in one["options"]}
    assert told == {"RTGS": (1, "25000"), "BI-FAST": (8, "20000")}
    assert (one["state"], one["cover_hours"]) == ("amber", "20.2")
    assert one["events"] == ["Lebaran"]
    [total] = found["totals"]
    assert (total["bank"], total["day"], total["amount"]) == ("BCA", "2026-03-17", "1879000000")
    assert total["lies"] == "500000000"
    assert total["short"] == str(1_879_000_000 + 25_000 - 500_000_000)


def test_what_was_sent_today_is_counted(books: Books) -> None:
    closure.sends(books, date(2026, 3, 17), 1_000 * MILLION, 879 * MILLION)
    one = only(books.topup(AT))
    assert (one["in_transit"], one["sent_today"]) == ("1879000000", "1879000000")
    assert (one["amount"], one["rail"]) == ("0", None)
    assert one["need"]["total"] == str(1_878_439_411 - 1_879_000_000)


def test_of_what_was_sent_with_tax_only_the_credit_is_coming(books: Books) -> None:
    tax = '\n[versions.deposit.tax]\nrate = "0.005"\n\n[versions.funding]\n'
    change(books.root / "sops" / "AggA.toml", "\n[versions.funding]\n", tax)
    books.close()
    one = only(books.topup(AT))
    assert (one["amount"], one["tax"]) == ("1879000000", "9395000")
    assert one["transfer"] == "1888395000"
    closure.sends(books, date(2026, 3, 17), 201 * MILLION)
    assert only(books.topup(AT))["in_transit"] == "200000000"


def test_tax_by_the_table_goes_on_top_of_a_deposit_and_not_of_one_taxed_on_use(
    books: Books,
) -> None:
    change(books.root / "sops" / "AggA.toml", "\n[versions.funding]\n", TAXED)
    books.close()
    one = only(books.topup(AT))
    assert (one["amount"], one["tax"]) == ("1879000000", "9395000")
    use = 'code = "pph22-phone-credit"\non = "use"\ncategories = ["Pulsa"]\n'
    change(books.root / "sops" / "AggA.toml", 'code = "pph22-phone-credit"\n', use)
    books.close()
    assert only(books.topup(AT))["tax"] == "0"


def test_before_and_after_the_partner_credits_it(tmp_path: Path) -> None:
    """Sent on the 17th and credited at five: at half past four it is on its way, at six it is there."""
    made = closure.books(tmp_path / "books", later=1_000 * MILLION)
    for sent in (False, True):
        if sent:
            closure.sends(made, date(2026, 3, 17), 1_000 * MILLION)
        before = only(made.topup(AT))
        assert before["balance"] == "165900000"
        assert before["in_transit"] == ("1000000000" if sent else "0")
        after = only(made.topup(wib("2026-03-17 18:00")))
        assert (after["balance"], after["in_transit"]) == ("1165900000", "0")
        assert after["balance_at"] == "2026-03-17T17:00+07:00"


TAXED = """
[versions.deposit.tax]
code = "pph22-phone-credit"

[versions.funding]
"""
ASSUMED = """
[versions.funding]
rails = ["BI-FAST"]
bank = "BCA"
assumed = { daily = "24000000" }
"""


def test_what_was_ordered_and_not_drawn_is_kept_for_it(tmp_path: Path) -> None:
    """A pending order without a row of the partner's counts at its price, a sold one at its cost.

    What the partner holds already, and what crossed the cut-off into the time that is estimated, does not.
    """
    story = Story(tmp_path / "books", date(2026, 4, 1), bank=True, grace="48h", more=ASSUMED)
    first = date(2026, 4, 1)
    story.sold(first, "P1", "PENDING")
    story.sold(first, "P2", "PENDING")
    story.row(first, "A2", "P2", "PENDING", debit=49_800)
    story.sold(first, "S1")
    story.sold(date(2026, 4, 2), "S2", at="2026-04-02 23:30:00")
    story.run(date(2026, 4, 2))
    one = only(story.books.topup())
    assert one["pending"] == str(51_000 + 49_800)
    assert one["balance"] == str(10_000_000 - 49_800)
    # From the partner's cut-off, 23:00, to the end of the day: one hour is estimated.
    assert (one["balance_at"], one["need"]["used_since"]) == ("2026-04-02T23:00+07:00", "1000000")
    assert one["usage"] == "assumed"


def test_where_books_and_statement_differ_the_lower_balance_counts(tmp_path: Path) -> None:
    """Their transaction file draws 49,800 less than its closing says: what they do not show cannot be drawn."""
    story = Story(tmp_path / "books", date(2026, 4, 1), bank=True, more=ASSUMED)
    story.row(date(2026, 4, 1), "A1", "X1", debit=49_800)
    story.run(date(2026, 4, 1))
    one = only(story.books.topup())
    assert (one["balance"], one["tied"]) == (str(10_000_000 - 49_800), True)
    # A decision that should never have touched the deposit: the books say more than the partner.
    w.decide(
        story.root,
        date(2026, 4, 1),
        """
2026-04-01 * "a mistake" #decision
  Assets:Deposits:AggA        500000 IDR
  Equity:Opening-Balances    -500000 IDR
""",
    )
    story.work()
    one = only(story.books.topup())
    assert (one["balance"], one["tied"]) == (str(10_000_000 - 49_800), False)
    shown, _ = run_finops(["--books", str(story.root), "topup", "--partner", "AggA"])
    assert "do not tie; the lower balance is taken" in shown


def test_a_file_of_the_day_that_is_downloaded_again_counts_once(books: Books) -> None:
    """The partner's file of the 17th comes again in the evening, under its own name, with a credit more."""
    evening = datetime(2026, 3, 16, 23)  # noqa: DTZ001 - as files say it
    day = [t for t in closure.used(datetime(2026, 3, 17, 16, 30)) if t[0] >= evening]  # noqa: DTZ001
    opening = closure.ON_HAND + sum(amount for _, amount in day)
    closure.today_s(books.root, day, opening, 300 * MILLION)
    closure.work(books)
    assert only(books.topup(AT))["balance"] == "165900000"
    assert only(books.topup(wib("2026-03-17 18:00")))["balance"] == "465900000"
    assert only(books.topup(AT))["need"]["total"] == "1878439411"


def test_a_horizon_into_a_year_without_a_table_is_refused(books: Books) -> None:
    with pytest.raises(UsageError, match=r"joint decree of the three ministers .* of 2027"):
        books.topup(wib("2026-12-31 16:00"))
    text, code = run_finops(["--books", str(books.root), "topup", "--at", "2026-12-31T16:00"])
    assert code == 2
    assert "calendar ID has no table of 2027" in text


def test_what_was_never_credited_is_suspect_and_not_counted_on(books: Books) -> None:
    closure.sends(books, date(2026, 3, 12), 300 * MILLION)
    one = only(books.topup(AT))
    assert (one["in_transit"], one["suspect"]) == ("0", "300000000")
    assert one["need"]["total"] == "1878439411"
    # The day after, the bank's file is in for all days, and it is on the break list: the same.
    closure.sends(books, date(2026, 3, 17), 200 * MILLION)
    one = only(books.topup(AT))
    assert (one["in_transit"], one["suspect"]) == ("200000000", "300000000")


def test_a_balance_of_an_earlier_hour_is_carried_to_the_moment(books: Books) -> None:
    """An hour later the file says nothing new: what is sold in the hour is estimated, and named."""
    one = only(books.topup(wib("2026-03-17 17:30")))
    assert one["balance_at"] == "2026-03-17T16:30+07:00"
    assert one["need"]["used_since"] == str(int((4_500_000 + 2_250_000) * 1.4))
    assert one["late"]
    assert one["send_at"] == "2026-03-25T08:00+07:00"


def test_nothing_after_the_moment_is_looked_at(books: Books) -> None:
    """At noon of the 16th, the rows of its afternoon are not known yet, though the file is in."""
    one = only(books.topup(wib("2026-03-16 12:00")))
    balance = closure.ON_HAND + 148_500_000 + 17_250_000 * 4 + 9_000_000 + 4_500_000 * 6
    assert one["balance"] == str(balance - 17_250_000 * 0)
    assert one["balance_at"] == "2026-03-16T12:00+07:00"
    assert one["history_days"] == 55


def test_the_default_is_the_end_of_the_last_day_that_files_cover(books: Books) -> None:
    found = books.topup()
    assert (found["at"], found["default"]) == ("2026-03-18T00:00+07:00", True)
    text, code = run_finops(["--books", str(books.root), "topup"])
    assert code == 0
    assert "As of 2026-03-18 00:00, the end of the last day that files cover." in text


def test_the_command_says_why(books: Books) -> None:
    arguments = ["--books", str(books.root), "topup", "--at", "2026-03-17T16:30+07:00"]
    text, code = run_finops(arguments)
    assert code == 0
    assert (
        "1,864,800,000 expected + 179,539,411 safety − 165,900,000 balance = 1,878,439,411" in text
    )
    assert "RTGS × 1" in text
    assert "BI-FAST: 8 transfers, fee 20,000, send by 2026-03-17 16:30" in text
    shown, _ = run_finops([*arguments, "--json"])
    assert json.loads(shown) == books.topup(AT)
    listed, _ = run_finops([*arguments, "--csv"])
    assert listed.splitlines()[1].startswith("AggA,amber,20.2,165900000,")


def test_a_bank_s_own_cut_off_is_earlier(books: Books) -> None:
    """This bank takes RTGS until three: at half past four it is too late for it, and BI-FAST goes on."""
    with (books.root / "finops.toml").open("a") as file:
        file.write('\n[[rails]]\nname = "RTGS"\nbank = "BCA"\nopens = "08:00"\ncutoff = "15:00"\n')
    books.close()
    one = only(books.topup(AT))
    told = {o["rail"]: (o["in_time"], o["send_at"]) for o in one["options"]}
    assert told["RTGS"] == (False, "2026-03-25T08:00+07:00")
    assert (one["rail"], len(one["transfers"])) == ("BI-FAST", 8)
    assert one["amount"] == "1879000000"


def test_a_frame_has_exact_amounts(books: Books) -> None:
    frame = books.frame("topup", at=AT)
    assert list(frame["amount"]) == [Decimal(1_879_000_000)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--at", "noon"], "'noon' is no moment like 2026-03-17T16:30"),
        (["--partner", "AggX"], "--partner AggX: no supplier of that name has an SOP"),
    ],
)
def test_wrong_arguments_are_refused(books: Books, arguments: list[str], told: str) -> None:
    text, code = run_finops(["--books", str(books.root), "topup", *arguments])
    assert code == 2
    assert told in text


def changed(books: Books, old: str, new: str) -> dict[str, Any]:
    change(books.root / "sops" / "AggA.toml", old, new)
    books.close()
    return books.topup(AT)


def test_without_history_it_is_refused_or_assumed(books: Books) -> None:
    needs = "sample_days = 60\nhistory_days = 60\n"
    found = changed(books, "[versions.funding]\n", f"[versions.funding]\n{needs}")
    one = only(found)
    assert one["state"] == "unknown"
    assert "files of 56 days, and sops/AggA.toml asks for 60 (history_days)" in one["refused"]
    _, code = run_finops(["--books", str(books.root), "topup"])
    assert code == 2
    more = f'{needs}assumed = {{ daily = "240000000", sigma = "1000000" }}\n'
    one = only(changed(books, needs, more))
    assert (one["usage"], one["daily"], one["refused"]) == ("assumed", "240000000", None)
    # 240m a day, the same in every hour: 7 days and 17.5 hours × 1.4
    assert one["need"]["expected"] == "2597000000"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"RTGS", "BI-FAST"', '"RTGSX"', "rail 'RTGSX' is not known; known are BI-FAST, RTGS"),
        ('bank = "BCA"', 'bank = "BRI"', "bank 'BRI' has no SOP; banks are BCA"),
        ('z = "1.65"', 'z = "1.65"\ncalendar = "XX"', "XX"),
        ('from = 2026-03-17', 'from = 2026-04-17', "ends before it begins"),
        ('z = "1.65"', 'zz = "1.65"', "did you mean 'z'"),
    ],
)  # fmt: skip
def test_wrong_rules_are_refused(books: Books, old: str, new: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        changed(books, old, new)
    assert told in str(refused.value)


def test_a_partner_without_rules_is_named(books: Books) -> None:
    path = books.root / "sops" / "AggA.toml"
    path.write_text(path.read_text().partition("[versions.funding]")[0])
    books.close()
    with pytest.raises(UsageError, match=r"add \[versions.funding\] with rails and bank"):
        books.topup(AT)


def test_a_postpaid_partner_has_nothing_to_top_up(books: Books) -> None:
    path = books.root / "sops" / "AggA.toml"
    text = path.read_text().partition("[versions.funding]")[0]
    path.write_text(text.replace("[versions.supply]", '[versions.supply]\nmodel = "postpaid"'))
    books.close()
    with pytest.raises(UsageError, match="is postpaid on 2026-03-17 and has no deposit"):
        books.topup(AT, "AggA")
    path.write_text(path.read_text() + closure.FUNDING)
    books.close()
    with pytest.raises(UsageError, match="a postpaid partner have none"):
        books.topup(AT)


def test_a_deposit_below_zero_is_told(tmp_path: Path) -> None:
    made = closure.books(tmp_path / "books", credit=10_000 * MILLION)
    one = only(made.topup(AT))
    assert Decimal(one["balance"]) < 0
    assert (one["state"], one["cover_hours"]) == ("red", "0")
    assert "below zero" in one["problems"][0]


def test_books_without_files_are_refused(tmp_path: Path) -> None:
    made = w.make(tmp_path / "books", bank=True, more=closure.FUNDING)
    with pytest.raises(UsageError, match="no file is in the books yet"):
        made.topup()


def test_a_moment_without_a_zone_is_in_the_books_own(books: Books) -> None:
    assert books.topup(datetime(2026, 3, 17, 16, 30)) == books.topup(AT)  # noqa: DTZ001


def test_two_partners_share_a_bank_and_a_limit(tmp_path: Path) -> None:
    """Totals by bank and day; a limit by share looks at what lies with the other one."""
    summary = simulate(
        tmp_path / "drawn", start=date(2026, 3, 2), days=1, orders_per_day=10, partners=2
    )
    root = tmp_path / "books"
    lay_out_demo(root, tmp_path / "drawn", list(summary.partners))
    many = 'daily = "300000000"'
    for name in ("AggA", "AggB"):
        change(root / "sops" / f"{name}.toml", 'daily = "4000000"', many)
    change(root / "sops" / "AggB.toml", "assumed =", 'concentration = { share = "0.6" }\nassumed =')
    with Books(root, clock=lambda: w.NOW) as books:
        closure.work(books)
        found = books.topup(wib("2026-03-03 09:30"))
        one, other = sorted(found["partners"], key=lambda p: p["partner"])
        [total] = found["totals"]
        alone = books.topup(wib("2026-03-03 09:30"), "AggA")
    assert [p["partner"] for p in alone["partners"]] == ["AggA"]
    assert one["state"] == other["state"] == "red"
    assert total["partners"] == [p["partner"] for p in found["partners"] if p["rail"]]
    assert total["amount"] == str(int(one["transfer"]) + int(other["transfer"]))
    # At most six tenths of both: half as much again as what lies with AggA.
    assert "the share of all deposits" in other["problems"][0]
    lies = Decimal(other["balance"]) + Decimal(other["in_transit"]) + Decimal(other["amount"])
    assert lies <= (Decimal(one["balance"]) + Decimal(one["in_transit"])) * Decimal("1.5")


def test_a_moment_before_the_books_is_refused(books: Books) -> None:
    with pytest.raises(UsageError, match="the books begin on"):
        books.topup(wib("2020-01-01 09:00"))


def test_what_was_credited_and_never_sent_is_not_counted_on(tmp_path: Path) -> None:
    """One transfer, credited twice: the second credit lies in the balance, and the partner may take it back."""
    story = Story(tmp_path / "books", date(2026, 4, 1), bank=True, more=ASSUMED)
    first = date(2026, 4, 1)
    story.lines[first].append(("TRSF TOPUP AGGA 1", -2_000_000))
    for number in (1, 2):
        story.row(first, f"T{number}", "", code="TOPUP", credit=2_000_000)
    story.run(date(2026, 4, 3))
    one = only(story.books.topup())
    assert (one["balance"], one["unsent"]) == ("14000000", "2000000")
    need = {k: Decimal(one["need"][k]) for k in one["need"] if k not in ("until", "selling_days")}
    plus = sum(need[k] for k in ("expected", "safety", "used_since", "pending", "unsent", "floor"))
    assert plus - need["balance"] - need["in_transit"] == need["total"]
    shown, _ = run_finops(["--books", str(story.root), "topup", "--partner", "AggA"])
    assert "2,000,000 was credited and never sent" in shown
