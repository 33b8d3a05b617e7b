"""What a gateway takes, row by row: VAT by the table of taxes, income tax, and a contract that changes in between."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from finops_ledger.books import Books
from finops_ledger.intake.formats import find_format
from finops_ledger.sop import levies
from finops_ledger.sop.levies import Rate
from finops_ledger.sop.terms import Commission, Fee, Settlement
from finops_ledger.subledger.engine_duckdb import DuckEngine
from tests.treasury.bills import short
from tests.worked import workspace as w
from tests.worked.story import Story, equal

LAST_DOWN, FIRST_UP = date(2025, 5, 21), date(2025, 5, 22)
BANK = "Assets:Bank:BCA"


class Gateway(Story):
    """A gateway that settles payments of several days at once, and may take income tax off."""

    def __init__(self, root: Path, first: date, *, paid_at: bool = True, **more: str) -> None:
        super().__init__(root, first, gateway="PG2", bank=True, **more)  # type: ignore[arg-type]
        own = find_format("pg_settlement", root).read_text()
        own = own.replace('name = "pg_settlement"', 'name = "pg_taxed"')
        own = own.replace('"net", "paid_at",', '"net", "paid_at", "pph",')
        own = own.replace('vat = "vat"\n', 'vat = "vat"\nwithheld = "pph"\n')
        own = own.replace('["net", "fee", "vat"]', '["net", "fee", "vat", "pph"]')
        if not paid_at:
            own = own.replace('paid_at = "paid_at"\n', "")
        (root / "formats" / "pg_taxed.toml").write_text(own)
        config = root / "finops.toml"
        text = config.read_text()
        assert "pg_settlement" in text
        config.write_text(text.replace("pg_settlement", "pg_taxed"))
        self.taken: dict[date, list[str]] = {}

    def settles(
        self,
        day: date,
        ref: str,
        paid: str,
        gross: int,
        fee: int,
        vat: int,
        tax: int = 0,
        type_: str = "PAYMENT",
    ) -> None:
        """One line of the report of a day."""
        net = gross - fee - vat - tax
        cells = [
            f"PG2-{day:%Y%m%d}",
            day,
            ref,
            f"PAY-{ref}",
            type_,
            gross,
            fee,
            vat,
            net,
            paid,
            tax,
        ]
        self.taken.setdefault(day, []).append(",".join(map(str, cells)))

    def drop(self, day: date) -> None:
        super().drop(day)
        lines = self.taken.get(day, [])
        sums = [sum(int(line.split(",")[n]) for line in lines) for n in range(5, 9)]
        total = ",".join(["TOTAL", str(len(lines)), "", "", "", *map(str, sums), "", ""])
        text = "\n".join([f"{w.SETTLED_HEADER},pph", *lines, total]) + "\n"
        for folder in (self.root / "inbox", self.kept):
            (folder / f"PG2_settlement_{day:%Y%m%d}.csv").write_text(text)

    def begins(self, day: str) -> None:
        """The books, and what was there before them, begin earlier."""
        config = self.root / "finops.toml"
        config.write_text(config.read_text().replace("2026-01-01", day))
        old = self.root / "decisions" / "2026" / "2026-01.beancount"
        new = self.root / "decisions" / day[:4] / f"{day[:7]}.beancount"
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(old.read_text().replace("2026-01-02", day))
        old.unlink()


def sop(story: Story, more: str, start: str = "") -> None:
    """Append to the gateway's SOP: to its version, or as a new one from a day on."""
    path = story.root / "sops" / "PG2.toml"
    text = path.read_text()
    if start:
        head = f'effective = {start}\nchange_id = "SOP-PG2-2"\nreason = "changed"\n'
        text += f'\n[[versions]]\n{head}author = "preparer-1"\napprover = "approver-1"\n'
        text += "\n[versions.settlement]\n"
    # Beside a schedule, the lag is the schedule's.
    text = text if "schedule" not in more else text.replace("lag = 1\n", "")
    path.write_text(f"{text}\n{more}\n")


def fee(rate: str, vat: str, per: str = "row", more: str = "") -> str:
    return f'[versions.settlement.fee]\nrate = "{rate}"\nvat = "{vat}"\nper = "{per}"\n{more}'


# --- the rule --------------------------------------------------------------------------------------


@given(
    st.decimals(-(10**12), 10**12, places=4),
    st.sampled_from(
        [("1", "0.11"), ("11/12", "0.12"), ("1", "0.1"), ("1", "0.005"), ("11/120", "0.12")]
    ),
    st.booleans(),
)
def test_a_rate_in_columns_is_the_rate_in_decimal(
    amount: Decimal, how: tuple[str, str], half_up: bool
) -> None:
    rate = Rate(Fraction(how[1]), Fraction(how[0]), half_up)
    [row] = ENGINE.rows(f"select {rate.sql(f'cast({amount} as decimal(18, 4))')} as tax")
    assert row["tax"] == rate.of(amount)


ENGINE = DuckEngine()


@pytest.mark.parametrize(
    ("fee", "table", "flat"),
    [(4_000_000, 440_000, 440_000), (35_343, 3_888, 3_888), (408, 45, 45), (1_150, 126, 127)],
)
def test_the_worked_numbers(fee: int, table: int, flat: int) -> None:
    """J41 and worked-cases 20; each step of the table is rounded, so that it may be a rupiah off 11 %."""
    rate = levies.rate_on("ppn", date(2026, 3, 10))
    assert rate.of(Decimal(fee)) == table
    assert levies.rate_on(Decimal("0.11"), date(2026, 3, 10)).of(Decimal(fee)) == flat


def test_a_code_has_the_rate_and_the_rounding_of_each_day() -> None:
    days = [(a, b) for a, b, _ in levies.stretches("ppn", date(2025, 1, 1), date.max)]
    assert days == [(date(2025, 1, 1), LAST_DOWN), (FIRST_UP, date.max)]
    assert levies.rate_on("ppn", LAST_DOWN).of(Decimal(1_352)) == 148
    assert levies.rate_on("ppn", FIRST_UP).of(Decimal(1_352)) == 149


def test_a_rate_that_is_not_the_table_s_is_told() -> None:
    day = date(2026, 1, 1)
    assert levies.at_odds(Decimal("0.11"), levies.VAT, day) is None
    assert levies.at_odds(Decimal("0.12"), levies.VAT, day, "11/12") is None
    found = levies.at_odds(Decimal("0.12"), levies.VAT, day)
    assert found is not None
    assert found.effective == Fraction(11, 100)
    assert levies.at_odds(Decimal("0.12"), levies.VAT, date(2001, 1, 1)) is None


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (Fee, {"rate": "0.007", "vat": "pph23-service"}, "no tax that stands here"),
        (Fee, {"rate": "0.007", "vat": "11"}, "below 1"),
        (Fee, {"rate": "0.007", "vat": 0.11}, "exact"),
        (Commission, {"amount": "1200", "vat": "ppn", "base": "11/12"}, "leave it out"),
        (Commission, {"amount": "1200", "withheld": "ppn"}, "no tax that stands here"),
        (Settlement, {"withheld": "2"}, "below 1"),
        (Settlement, {"tax": {"rate": "ppn"}}, "no tax that stands here"),
        (Settlement, {"tax": {"rate": "1.5"}}, "below 1"),
    ],
)
def test_what_is_no_rate_is_refused(kind: type, given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        kind(**given)


# --- in the books ----------------------------------------------------------------------------------


def test_a_fee_of_the_day_before_has_the_old_rounding(tmp_path: Path) -> None:
    """Two fees of 1,352 paid on 21 and 22 May 2025 come in one report: VAT 148 and 149, by reconciliation and list."""
    story = Gateway(tmp_path / "books", LAST_DOWN)
    story.begins("2025-05-01")
    sop(story, fee("0.001", "ppn"))
    when = FIRST_UP + timedelta(days=1)
    for day, ref, vat in ((LAST_DOWN, "A", 148), (FIRST_UP, "B", 149)):
        story.sold(day, ref, price=1_352_000, partner="")
        story.settles(when, ref, f"{day} 10:00:00", 1_352_000, 1_352, vat)
    story.pays_out(when, 2 * (1_352_000 - 1_352) - 297, "PG2-20250523")
    story.run(FIRST_UP)
    equal([s["vat"] for s in story.books.settlements()], ["148", "149"])
    story.run(when)
    equal([b["class"] for b in story.books.breaks()], [])
    [one] = story.books.settlements(everything=True)
    equal(
        short([one], "state", "fee", "vat", "differences", "flags"),
        [("paid", "2704", "297", [], [])],
    )
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_vat_of_the_other_day_is_a_break(tmp_path: Path) -> None:
    story = Gateway(tmp_path / "books", LAST_DOWN)
    story.begins("2025-05-01")
    sop(story, fee("0.001", "ppn"))
    story.sold(LAST_DOWN, "A", price=1_352_000, partner="")
    story.settles(FIRST_UP, "A", f"{LAST_DOWN} 10:00:00", 1_352_000, 1_352, 149)
    story.run(FIRST_UP)
    [excess] = [b for b in story.books.breaks() if b["class"] == "fee_mismatch"]
    equal(excess["residue"], "1")


@pytest.mark.parametrize("paid_at", [True, False], ids=["stated", "by our order"])
def test_a_contract_that_changes_within_a_settlement(tmp_path: Path, paid_at: bool) -> None:
    """0.7 % until 31 May, 0.8 % from 1 June; the cut-off at 23:00 puts a late payment into June's settlement."""
    may, june, when = date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 2)
    story = Gateway(tmp_path / "books", may, paid_at=paid_at)
    cutoff = '\n[versions.settlement.schedule]\ncycle = "daily"\ncutoff = "23:00"\n'
    sop(story, fee("0.007", "ppn") + cutoff)
    sop(story, fee("0.008", "ppn") + cutoff, "2026-06-01")
    for ref, moment, taken in (("A", f"{may} 23:30:00", 700), ("B", f"{june} 00:30:00", 800)):
        story.sold(
            may if ref == "A" else june, ref, price=100_000, partner="", paid=moment, at=moment
        )
        story.settles(when, ref, moment, 100_000, taken, taken * 11 // 100)
    story.pays_out(when, 200_000 - 1_500 - 165, "PG2-20260602")
    story.run(may)
    equal(story.balance("Expenses:Payment-Fee:PG2", may), Decimal(700))
    story.run(june)
    [both] = story.books.settlements()
    told = ("2", "200000", "1500", "165", "198335", {"first": "2026-06-01", "last": "2026-06-01"})
    equal((str(both["rows"]), *short([both], "gross", "fee", "vat", "net", "period")[0]), told)
    story.run(when)
    equal([b["class"] for b in story.books.breaks()], [])
    [paid] = story.books.settlements(everything=True)
    equal(short([paid], "state", "net", "paid", "differences"), [("paid", "198335", "198335", [])])
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_an_order_that_comes_late_says_under_which_contract_it_was(tmp_path: Path) -> None:
    """The report of 2 June does not say when it was paid: 0.8 % until our file of 31 May is in, and 0.7 % then."""
    may, when = date(2026, 5, 31), date(2026, 6, 2)
    story = Gateway(tmp_path / "books", may, paid_at=False)
    sop(story, fee("0.007", "ppn"))
    sop(story, fee("0.008", "ppn"), "2026-06-01")
    story.sold(may, "A", price=100_000, partner="")
    story.settles(when, "A", f"{may} 10:00:00", 100_000, 700, 77)
    for day in (may, date(2026, 6, 1), when):
        story.drop(day)
    late = story.root / "inbox" / "orders_2026-05-31.csv"
    late.unlink()
    story.work()
    equal([b["residue"] for b in story.books.breaks() if b["class"] == "fee_mismatch"], ["-111"])
    late.write_text((story.kept / late.name).read_text())
    story.work()
    equal([b["class"] for b in story.books.breaks()], [])
    equal([s["differences"] for s in story.books.settlements(everything=True)], [[]])
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_what_is_accrued_is_by_the_contract_of_each_day(tmp_path: Path) -> None:
    """The rate changes on 30 May; on the 31st one payment of either contract waits: 700 and 800."""
    may = date(2026, 5, 29)
    story = Gateway(tmp_path / "books", may)
    sop(story, fee("0.007", "ppn"))
    sop(story, fee("0.008", "ppn"), "2026-05-30")
    path = story.root / "sops" / "PG2.toml"
    # They wait for their settlement until June.
    path.write_text(
        path.read_text()
        .replace("lag = 1", "lag = 5")
        .replace("[versions.settlement]\n\n", "[versions.settlement]\nlag = 5\n\n")
    )
    story.sold(may, "A", price=100_000, partner="")
    story.sold(date(2026, 5, 30), "B", price=100_000, partner="")
    story.run(date(2026, 5, 31))
    [accrued] = [e for e in story.directives("transaction") if e.meta.get("reverse")]
    equal(accrued.postings[0].units.number, Decimal(1_500))
    equal(accrued.narration, "Accrual: fee 0.7 % on 100000 and fee 0.8 % on 100000 not settled")


def test_income_tax_that_a_marketplace_takes_off(tmp_path: Path) -> None:
    """0.5 % of 10,000,000 is 50,000: taken off the money that comes, ours against its slip."""
    first, when = date(2026, 5, 18), date(2026, 5, 19)
    story = Gateway(tmp_path / "books", first)
    sop(story, fee("0.01", "ppn") + '[versions.settlement.tax]\nrate = "pph22-marketplace"')
    for number in range(2):
        ref = f"M{number}"
        story.sold(first, ref, price=5_000_000, partner="")
        story.settles(when, ref, f"{first} 10:00:00", 5_000_000, 50_000, 5_500, 25_000)
    net = 10_000_000 - 100_000 - 11_000 - 50_000
    story.pays_out(when, net, "PG2-20260519")
    story.run(first)
    [pending] = story.books.settlements()
    equal(short([pending], "state", "withheld", "net"), [("pending", "50000", str(net))])
    story.run(when)
    equal(story.books.breaks(), [])
    [one] = story.books.settlements(everything=True)
    figures = ("gross", "fee", "vat", "withheld", "net", "stated", "paid", "differences")
    told = ("10000000", "100000", "11000", "50000", *[str(net)] * 3, [])
    equal(short([one], *figures), [told])
    equal(story.balance("Assets:Tax:PPh22-Prepaid", when), Decimal(50_000))
    equal(story.balance("Assets:Clearing:Gateway:PG2", when), Decimal(0))
    [line] = [r for r in story.books.taxes() if r["tax"] == "pph22-marketplace"]
    equal(
        tuple(
            line[n] for n in ("counterparty", "base", "expected", "taken", "difference", "missing")
        ),
        ("PG2", "10000000", "50000", "50000", "0", "50000"),
    )
    w.decide(
        story.root,
        when,
        f'{when} custom "tax-slip" "PG2" "pph22-marketplace" "2026-05" "BP-7" 50000 IDR\n',
    )
    story.work()
    [line] = [r for r in Books(story.root).taxes() if r["tax"] == "pph22-marketplace"]
    equal((line["missing"], line["numbers"]), ("0", ["BP-7"]))
    equal([str(f) for f in story.books.verify()], [])
    equal(story.books.audit()[1], [])
    equal(story.books.rebuild(tmp_path / "again").differences, [])


def test_more_income_tax_than_agreed_makes_it_short(tmp_path: Path) -> None:
    """Rounded on the settlement: 0.5 % of 100,100 is 501 (500.5, half up); they took 600."""
    first, when = date(2026, 5, 18), date(2026, 5, 19)
    story = Gateway(tmp_path / "books", first)
    sop(story, '[versions.settlement.tax]\nrate = "0.005"\naccount = "Assets:Tax:PPh22-Other"')
    story.sold(first, "A", price=100_100, partner="")
    story.settles(when, "A", f"{first} 10:00:00", 100_100, 0, 0, 600)
    story.pays_out(when, 99_500, "PG2-20260519")
    story.run(when)
    [one] = story.books.settlements(everything=True)
    equal(
        short([one], "withheld", "net", "stated", "flags"), [("501", "99599", "99500", ["short"])]
    )
    equal([(d["component"], d["by"]) for d in one["differences"]], [("withheld", "99")])
    equal(story.balance("Assets:Tax:PPh22-Other", when), Decimal(600))


def test_j42_what_we_withhold_of_a_fee_that_is_taken_whole(tmp_path: Path) -> None:
    """J40 to J44: the gateway takes 4,000,000 whole; 80,000 of PPh 23 is ours to pay, and is reclaimed."""
    first, when = date(2026, 5, 18), date(2026, 5, 19)
    story = Gateway(tmp_path / "books", first)
    each = 'amount = "4000"\n'
    sop(story, fee("0", "ppn", more=each))
    path = story.root / "sops" / "PG2.toml"
    path.write_text(path.read_text().replace("lag = 1", 'lag = 1\nwithheld = "pph23-service"'))
    for number in range(1_000):
        ref = f"V{number}"
        story.sold(first, ref, price=500_000, partner="")
        story.settles(when, ref, f"{first} 10:00:00", 500_000, 4_000, 440)
    story.pays_out(when, 495_560_000, "PG2-20260519")
    story.run(when)
    [one] = story.books.settlements(everything=True)
    told = ("4000000", "440000", "0", "495560000", "495560000")
    equal(short([one], "fee", "vat", "withheld", "net", "paid"), [told])
    columns = ("counterparty", "base", "expected", "taken", "difference")
    equal(_owed(story, *columns), [("PG2", "4000000", "80000", "0", "-80000")])
    text = f'{date(2026, 5, 31)} * "PG2" "PPh 23 on fees, self-paid and reclaimed" #decision\n'
    text += '  maker: "preparer-1"\n  checker: "approver-1"\n'
    text += (
        "  Assets:Receivable:PPh23:PG2  80000 IDR\n  Liabilities:Tax:PPh23-Payable  -80000 IDR\n"
    )
    chart = story.root / "accounts.beancount"
    opens = ("Assets:Receivable:PPh23:PG2", "Liabilities:Tax:PPh23-Payable")
    chart.write_text(chart.read_text() + "".join(f"2026-01-01 open {a} IDR\n" for a in opens))
    w.decide(story.root, date(2026, 5, 31), text)
    story.work()
    equal(_owed(story, *columns), [("PG2", "4000000", "80000", "80000", "0")])


def test_tax_that_the_report_leaves_to_us(tmp_path: Path) -> None:
    """They take their fee less 2 %: 80 more come, and are owed to the tax office."""
    first, when = date(2026, 5, 18), date(2026, 5, 19)
    story = Gateway(tmp_path / "books", first)
    sop(story, fee("0.01", "ppn"))
    path = story.root / "sops" / "PG2.toml"
    path.write_text(path.read_text().replace("lag = 1", 'lag = 1\nwithheld = "0.02"'))
    story.sold(first, "A", price=400_000, partner="")
    story.settles(when, "A", f"{first} 10:00:00", 400_000, 4_000, 440, -80)
    story.pays_out(when, 395_640, "PG2-20260519")
    story.run(when)
    [one] = story.books.settlements(everything=True)
    told = ("-80", "395640", "395640", [])
    equal(short([one], "withheld", "net", "paid", "differences"), [told])
    equal(story.balance("Liabilities:Tax:PPh23-Payable", when), Decimal(-80))
    equal(_owed(story, "base", "expected", "taken"), [("4000", "80", "80")])


def _owed(story: Story, *columns: str) -> list[tuple[str, ...]]:
    rows = [r for r in Books(story.root).taxes() if r["tax"] == "pph23-payable"]
    return [tuple(r[c] for c in columns) for r in rows]
