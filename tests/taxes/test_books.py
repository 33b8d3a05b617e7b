"""Taxes in the books: PPN by the date of each row, PPh 22 on deposit and on use, PPh 23, and slips."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from finops_ledger.books import Books
from finops_ledger.cli.app import cli
from finops_ledger.core.errors import UsageError
from finops_ledger.intake.formats import find_format
from finops_ledger.sop.taxing import TopupTax
from tests.stories.telling import CUT
from tests.worked import workspace as w
from tests.worked.postpaid import SOP, Postpaid
from tests.worked.story import Story


def may(day: int) -> date:
    return date(2026, 5, day)


def told(books: Books, tax: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[c] for c in columns) for row in books.taxes() if row["tax"] == tax]


def story(tmp_path: Path, tax: str) -> Story:
    """A partner whose deposit is taxed; its file knows a row of tax."""
    shipped = find_format("aggregator", tmp_path).read_text()
    first = '  { column = "Kode Produk", equals = "TOPUP"'
    own = shipped.replace('name = "aggregator"', 'name = "own"')
    own = own.replace(
        first, '  { column = "Kode Produk", equals = "PAJAK", is = "tax" },\n' + first
    )
    more = f"[versions.deposit]\ntax = {tax}\n"
    return Story(tmp_path / "books", may(4), bank=True, own_format=own, more=more)


def test_on_deposit_the_tax_is_on_top_and_small_payments_have_none(tmp_path: Path) -> None:
    made = story(tmp_path, '{ code = "pph22-phone-credit" }')
    for number, amount in enumerate((10_050_000, 2_000_000)):
        made.lines[may(4)].append((f"TRSF E-BANKING DB TOPUP AGGA {number}", -amount))
    made.row(may(4), "T-1", "", code="TOPUP", credit=10_000_000)
    made.row(may(4), "T-2", "", code="TOPUP", credit=2_000_000)
    made.run(may(4))
    assert made.books.breaks(everything=True) == []
    assert made.balance("Assets:Tax:PPh22-Prepaid", may(4)) == 50_000
    columns = ("month", "counterparty", "base", "expected", "taken", "missing")
    assert told(made.books, "pph22-phone-credit", *columns) == [
        ("2026-05", "AggA", "12000000", "50000", "50000", "50000")
    ]


MIXED = '{ code = "pph22-phone-credit", on = "use", categories = ["Pulsa"] }'


def test_on_use_it_is_taken_from_a_mixed_deposit(tmp_path: Path) -> None:
    """50 phone credits and a token in May; on 1 June the partner takes 0.5 % of the credits alone."""
    made = story(tmp_path, MIXED)
    for number in range(50):
        made.sold(may(30), f"P{number}")
        made.row(may(30), f"A{number}", f"P{number}", debit=CUT)
    made.sold(may(30), "T", product="T50")
    made.row(may(30), "AT", "T", debit=CUT, code="T50")
    made.first = made.next = may(30)
    made.row(date(2026, 6, 1), "X", "", code="PAJAK", debit=12_450)
    w.decide(
        made.root,
        date(2026, 6, 10),
        '2026-06-10 custom "tax-slip" "AggA" "pph22-phone-credit" "2026-05" "BP-1" 12000 IDR\n',
    )
    made.run(date(2026, 6, 1))
    assert made.books.breaks(everything=True) == []
    columns = (
        "month",
        "counterparty",
        "base",
        "expected",
        "taken",
        "difference",
        "slips",
        "missing",
        "numbers",
    )
    [found] = told(made.books, "pph22-phone-credit", *columns)
    assert found == ("2026-05", "AggA", "2490000", "12450", "12450", "0", "12000", "450", ["BP-1"])
    made.proven()


def test_postpaid_vat_by_the_table_and_what_the_partner_withholds(tmp_path: Path) -> None:
    made = Postpaid(tmp_path / "books", may(13))
    sop = SOP.replace('vat = "0.12"\nbase = "11/12"\n', "")
    assert sop != SOP
    (made.root / "sops" / "AggB.toml").write_text(sop)
    for number in range(3):
        made.paid(may(13), f"L{number}")
        made.billed(may(13), f"L{number}")
    made.run(may(13))
    assert made.books.breaks(everything=True) == []
    columns = ("month", "counterparty", "category", "base", "expected", "taken", "missing")
    assert told(made.books, "ppn", *columns) == [
        ("2026-05", "AggB", "PLN-Postpaid", "3600", "396", "396", None)
    ]
    assert told(made.books, "pph23-service", *columns[:2], *columns[3:]) == [
        ("2026-05", "AggB", "3600", "72", "0", "0")
    ]


def test_one_settlement_over_a_change_of_the_table(tmp_path: Path) -> None:
    """A commission of 1,225 on either side of 22 May 2025: VAT 134 and 135, withheld 24 and 25 (24.5)."""
    down, up = date(2025, 5, 21), date(2025, 5, 22)
    made = Postpaid(tmp_path / "books", down)
    config = made.root / "finops.toml"
    config.write_text(config.read_text().replace("2026-01-01", "2025-05-01"))
    old = made.root / "decisions" / "2026" / "2026-01.beancount"
    w.decide(made.root, date(2025, 5, 1), old.read_text().replace("2026-01-02", "2025-05-01"))
    old.unlink()
    rates = 'amount = "1200"\nvat = "0.12"\nbase = "11/12"\nwithheld = "0.02"\n'
    assert rates in SOP
    text = SOP.replace(rates, 'amount = "1225"\nvat = "ppn"\nwithheld = "pph23-service"\n')
    weekly = '[versions.settlement.schedule]\ncycle = "weekly"\nweekdays = ["fri"]\n'
    (made.root / "sops" / "AggB.toml").write_text(f"{text}\n{weekly}")
    for day, ppn in ((down, 134), (up, 135)):
        made.paid(day, f"C{day.day}")
        made.billed(day, f"C{day.day}", commission=1_225, ppn=ppn)
    made.run(up)
    assert made.books.breaks() == []
    [one] = made.books.settlements()
    figures = ("commission", "vat", "withheld", "net")
    assert [one[n] for n in figures] == ["2450", "269", "49", str(705_000 - 2_450 - 269 + 49)]
    # The rows state what the table gives: one rupiah more of VAT on the day before is a break.
    made.paid(up + timedelta(days=1), "X", at="2025-05-23 00:10:00", paid="2025-05-21 23:50:00")
    made.billed(up + timedelta(days=1), "X", commission=1_225, ppn=135)
    made.run(up + timedelta(days=1))
    [found] = made.books.breaks()
    assert (found["class"], found["residue"]) == ("fee_mismatch", "-1")


def test_each_row_is_taxed_by_its_own_day(tmp_path: Path) -> None:
    """The last day of rounding down, and the first of half up, in one file: margin 1,500 each."""
    books = w.make(tmp_path / "books")
    config = books.root / "finops.toml"
    config.write_text(config.read_text().replace("2026-01-01", "2025-05-01"))
    (books.root / "decisions" / "2026" / "2026-01.beancount").unlink()
    lines = [
        w.order(
            f"O{n}", f"{day} 10:00:00", "SUCCESS", f"{day} 10:00:05", price=20_500, product="V20"
        )
        for n, day in enumerate(("2025-05-21", "2025-05-22"))
    ]
    w.orders(books.root, date(2025, 5, 22), lines)
    [report] = books.import_files().files
    assert report.verdict == "imported", report.problems
    taken = {
        entry.date: -posting.units.number
        for entry in Books(books.root).load().transactions()
        for posting in entry.postings
        if posting.account == "Liabilities:Tax:PPN-Out"
    }
    assert taken == {date(2025, 5, 21): Decimal(148), date(2025, 5, 22): Decimal(149)}
    [row] = Books(books.root).taxes("2025-05")
    assert (row["taken"], row["expected"], row["base"]) == ("297", "297", "2702")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"AggA" "pph22-phone-credit" "2026-05" "BP-1"', "<counterparty>"),
        ('"AggA" "pph22" "2026-05" "BP-1" 1 IDR', "unknown tax 'pph22'"),
        ('"AggX" "pph23-service" "2026-05" "BP-1" 1 IDR', "no SOP of 'AggX'"),
        ('"AggA" "pph23-service" "May" "BP-1" 1 IDR', "write it like 2026-03"),
        (
            '"AggA" "pph23-service" "2026-05" "BP-1" 1 USD',
            "the slip is in USD, the books are in IDR",
        ),
    ],
)
def test_a_slip_that_does_not_read_is_refused(tmp_path: Path, line: str, message: str) -> None:
    books = w.make(tmp_path / "books")
    w.decide(books.root, may(4), f'2026-05-04 custom "tax-slip" {line}')
    books.recover()
    with pytest.raises(UsageError, match=message) as error:
        Books(books.root).taxes()
    assert "2026-05.beancount:1" in str(error.value)


def test_a_slip_counts_once(tmp_path: Path) -> None:
    books = w.make(tmp_path / "books")
    slip = '2026-05-04 custom "tax-slip" "AggA" "pph23-service" "2026-05" "BP-1" 1 IDR\n'
    w.decide(books.root, may(4), slip + slip)
    books.recover()
    with pytest.raises(UsageError, match=r"slip BP-1 of AggA stands at .*:1 already"):
        Books(books.root).taxes()


def test_the_command_shows_taxes_and_rates(tmp_path: Path) -> None:
    books = w.make(tmp_path / "books")
    run = CliRunner().invoke
    assert "No tax yet" in run(cli, ["taxes", "--books", str(books.root)]).output
    rates = json.loads(run(cli, ["taxes", "--rates", "--json"]).output)
    now = {r["tax"]: r for r in rates if r["until"] is None}
    assert (now["ppn"]["rate"], now["ppn"]["base"][:5]) == ("12 %", "11/12")
    assert (now["pph22-phone-credit"]["rate"], now["pph22-phone-credit"]["no_number"]) == (
        "0.5 %",
        "1 %",
    )
    assert all(r["source"] for r in rates)
    assert {r["tax"] for r in rates if not r["applied"]} == {"ppn-voucher", "stamp-duty"}
    assert all(r["use"] for r in rates)
    assert run(cli, ["taxes", "--month", "May"]).exit_code == 2


def test_the_command_says_what_is_not_applied_and_which_rates_are_not_the_table_s(
    tmp_path: Path,
) -> None:
    """A fee's VAT of 12 % was never the law on a fee; what the partner withholds is 2 %, or 4 % without a number."""
    made = Postpaid(tmp_path / "books", may(13), gateway="PG2")
    sop = made.root / "sops" / "PG2.toml"
    fee = '[versions.settlement.fee]\nrate = "0.007"\nvat = "0.12"\n'
    sop.write_text(sop.read_text() + fee)
    biller = made.root / "sops" / "AggB.toml"
    biller.write_text(biller.read_text().replace('withheld = "0.02"', 'withheld = "0.04"'))
    made.paid(may(13), "L1")
    made.billed(may(13), "L1")
    made.run(may(13))
    shown = CliRunner().invoke(cli, ["taxes", "--books", str(made.root)]).output
    told = "sops/PG2.toml, SOP-PG2-1: settlement.fee.vat is 0.12, the table of taxes has 11 % (ppn)"
    assert f"{told} on 2026-01-01." in shown
    assert "AggB.toml" not in shown
    for code, source in (("ppn-voucher", "PMK 11/2025"), ("stamp-duty", "Law 10/2020")):
        [line] = [x for x in shown.splitlines() if x.startswith(f"{code} (")]
        assert source in line
        assert "in the table only" in line
    sop.write_text(sop.read_text().replace('vat = "0.12"', 'vat = "ppn"'))
    shown = CliRunner().invoke(cli, ["taxes", "--books", str(made.root)]).output
    assert "PG2.toml" not in shown


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"code": "pph99"}, "unknown tax 'pph99'"),
        ({"code": "pph22-phone-credit", "rate": "0.005"}, "rate stands in the table of taxes"),
        ({"on": "use", "code": "pph22-phone-credit"}, "needs the categories"),
        ({"on": "use", "categories": ["Pulsa"]}, "needs a rate"),
        ({"rate": "0.005", "categories": ["Pulsa"]}, "a deposit is taxed as a whole"),
    ],
)
def test_a_deposit_tax_that_is_not_clear_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TopupTax.model_validate(keys)


def test_rates_of_a_deposit_tax() -> None:
    day = may(4)
    told = TopupTax(code="pph22-phone-credit", number=False)
    assert (told.on_top(day), told.of(Decimal(10_000_000), day)) == (Decimal("0.01"), 100_000)
    mixed = TopupTax.model_validate(
        {"code": "pph22-phone-credit", "on": "use", "categories": ["Pulsa"]}
    )
    assert (mixed.on_top(day), mixed.shown(day)) == (0, Decimal("0.005"))
    assert TopupTax(rate=Decimal("0.005")).of(Decimal(1_000), day) == 5
