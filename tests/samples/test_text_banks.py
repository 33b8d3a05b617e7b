"""Real text files of banks become books: text layers of statements, and the sheets of importers.

Every file is imported with each row posted, and its balances held, or refused for what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finops_ledger.books.samples import Setting, import_file, lay_out_file

pytestmark = pytest.mark.samples

TEXT = "C_bank/id_pdf_text"
SHEET = "C_bank/generic_sheet"
BCA = Setting(counterparty="BCA")
NEO = Setting(counterparty="Neobank")
USD = Setting(counterparty="Bank", currency="USD")
EUR = Setting(counterparty="Bank", currency="EUR")


def superbank(day: date) -> Setting:
    return Setting(counterparty="Superbank", day=day)


@dataclass(frozen=True)
class Case:
    """A real file, how it is read, and what comes of it: rows, opening and closing, if proven."""

    path: str
    format: str
    setting: Setting
    rows: int
    opening: str | None = None
    closing: str | None = None
    moved: str | None = None


CASES = [
    Case(f"{TEXT}/bca_01.txt", "bca_text", BCA, 7, "5500000", "17027500"),
    Case(f"{TEXT}/bca_03.txt", "bca_text", BCA, 7, "24472500", "33043500"),
    Case(f"{TEXT}/bca_05.txt", "bca_text", BCA, 7, "44484000", "56574000"),
    Case(f"{TEXT}/neobank_01.txt", "neobank_text", NEO, 6, "3250000", "6062500"),
    Case(f"{TEXT}/neobank_03.txt", "neobank_text", NEO, 7, "10499500", "14134500"),
    Case(f"{TEXT}/neobank_05.txt", "neobank_text", NEO, 7, "14139500", "14430000"),
    Case(f"{TEXT}/superbank_01.txt", "superbank_text", superbank(date(2025, 6, 30)), 4,
         "2500000", "6284376"),
    Case(f"{TEXT}/superbank_03.txt", "superbank_text", superbank(date(2025, 8, 31)), 5,
         "14962376", "26023610"),
    Case(f"{TEXT}/superbank_05.txt", "superbank_text", superbank(date(2025, 10, 31)), 6,
         "33115610", "36699566"),
    Case(f"{SHEET}/oca__original_currency_no_header.csv", "generic_sheet_plain", USD, 1,
         moved="1525"),
]  # fmt: skip


def named(case: Case) -> str:
    return Path(case.path).stem


@pytest.mark.parametrize("case", CASES, ids=named)
def test_statement_becomes_books(case: Case, samples: Path, tmp_path: Path) -> None:
    with lay_out_file(tmp_path / "b", samples / case.path, case.format, case.setting) as books:
        report, line = import_file(books, case.setting)
        assert report.verdict == "imported", report.problems
        assert line is not None
        assert books.load().messages() == []
        assert (line["rows"]["read"], line["rows"]["new"]) == (case.rows, case.rows)
        stated = line["stated"]
        assert (stated["opening"], stated["closing"]) == (case.opening, case.closing)
        moved = Decimal(line["control"]["new"])
        if case.opening is not None and case.closing is not None:
            assert Decimal(case.opening) + moved == Decimal(case.closing)
        else:
            assert moved == Decimal(case.moved or 0)
        assert books.verify() == []


@pytest.mark.parametrize(
    ("path", "format_", "setting", "code", "words"),
    [
        # Its closing balance is two cents off.
        (f"{SHEET}/oca__meta_data_separated_credit_debit.xlsx", "generic_sheet_meta_xlsx", EUR,
         "total-wrong", "give 31070.09, the file states closing 31070.11"),
        # One line of four has its sign the other way round.
        (f"{SHEET}/oca__debit_credit_amount.csv", "generic_sheet_debit_credit", USD,
         "balance-chain", "off by 3000"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(
    path: str, format_: str, setting: Setting, code: str, words: str,
    samples: Path, tmp_path: Path,
) -> None:  # fmt: skip
    with lay_out_file(tmp_path / "b", samples / path, format_, setting) as books:
        report, _ = import_file(books, setting)
        assert report.verdict == "refused"
        [problem] = report.problems
        assert f"[{code}]" in str(problem)
        assert words in str(problem)
        assert list(books.load().transactions()) == []


@pytest.mark.parametrize("case", CASES[:9], ids=named)
def test_a_figure_that_was_changed_is_noticed(case: Case, samples: Path, tmp_path: Path) -> None:
    """Each statement with one amount changed is refused: its balances prove every line."""
    text = (samples / case.path).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    at = max(i for i, line in enumerate(lines) if line[:1].isdigit() and "," in line)
    figure = next(w for w in lines[at].split() if w.endswith(",00") or w.endswith(",50"))
    turned = figure[:-4] + ("1" if figure[-4] != "1" else "2") + figure[-3:]
    lines[at] = lines[at].replace(figure, turned, 1)
    spoilt = tmp_path / Path(case.path).name
    spoilt.write_text("".join(lines), encoding="utf-8")
    with lay_out_file(tmp_path / "b", spoilt, case.format, case.setting) as books:
        report, _ = import_file(books, case.setting)
        assert report.verdict == "refused"
        assert any(c in str(report.problems) for c in ("balance-chain", "total-wrong"))
