"""Real bank files of standard layouts: every one becomes books, or is refused and says why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.samples import Setting, import_file, lay_out_file
from finops_ledger.core.errors import InputRefused
from finops_ledger.core.money import minor_units, plain
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, SourceInfo, read
from finops_ledger.intake.source import opened
from finops_ledger.intake.spec import Format

pytestmark = pytest.mark.samples


@dataclass(frozen=True)
class Case:
    """A file, its format and books, and what it must give."""

    path: str
    format: str
    currency: str
    rows: int
    control: str
    opening: str | None = None
    closing: str | None = None
    account_number: str = ""
    #: Opening of the books, where the file states its closing only.
    given: str | None = None
    excluded: int = 0
    day: date | None = None


PENDING = date(2007, 10, 18)
CASES = [
    Case("mt940/oca__test-ing.940", "mt940", "EUR", 8, "-97.88", "662.23", "564.35"),
    Case("mt940/wolph__ASNB__mt940.txt", "mt940", "EUR", 8, "56.94", "444.29", "501.23"),
    Case("mt940/wolph__citi__mt940.txt", "mt940", "USD", 5, "-1142.75", "17376.67", "16233.92"),
    Case("mt940/wolph__sberbank__171011_01234945.sta", "mt940", "HUF", 3, "-9437", "627311.30",
         "617874.30"),
    Case("mt940/wolph__mBank__mt942.sta", "mt942", "PLN", 3, "0.03"),
    Case("camt/genkgo__camt052.v1.xml", "camt052", "SEK", 1, "-200000"),
    # Pending: left out, and nothing else in the file says its day.
    Case("camt/genkgo__camt052.v4.xml", "camt052", "SEK", 1, "0", excluded=1, day=PENDING),
    Case("camt/genkgo__camt052.v6.xml", "camt052", "SEK", 1, "0", excluded=1, day=PENDING),
    Case("camt/genkgo__camt053.v2.multi.statement.xml", "camt053", "EUR", 2, "1.85", "18.15", "20"),
    Case("camt/genkgo__camt054.v2.xml", "camt054", "SEK", 1, "-200000"),
    Case("camt/genkgo__camt054.v8.xml", "camt054", "SEK", 1, "-200000"),
    Case("camt/oca__test-camt054.xml", "camt054", "EUR", 1, "5"),
    Case("ofx/oca__test_ofx.ofx", "ofx", "USD", 4, "-360", None, "2156.56", "123456", "2516.56"),
    Case("ofx/ofxparse__bank_medium.ofx", "ofx", "CAD", 3, "-345.27", None, "382.34", "", "727.61"),
    Case("ofx/ofxparse__checking.ofx", "ofx", "USD", 3, "-59.50", None, "100.99", "", "160.49"),
    Case("ofx/ofxparse__fail_nice__empty_balance.ofx", "ofx", "CAD", 1, "120"),
    Case("ofx/ofxparse__ofx-v102-empty-tags.ofx", "ofx", "AUD", 1, "12.34"),
    Case("ofx/ofxparse__suncorp.ofx", "ofx", "AUD", 1, "-16.85", None, "1234.12", "", "1250.97"),
]  # fmt: skip

EUR, USD = "EUR", "USD"
#: Files and what is wrong with them, in books of a currency, for a source of an account.
REFUSALS: list[tuple[str, str, str, str, set[str]]] = [
    ("mt940/oca__test-wrong-file.940", "mt940", EUR, "", {"statement-tag"}),
    # Single fields, out of any statement.
    ("mt940/wolph__betterplace__amount_formats.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__betterplace__empty_86.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__betterplace__empty_line.sta", "mt940", EUR, "", {"file-short"}),
    ("mt940/wolph__cmxl__account_balance_debit.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__cmxl__account_identification_legacy.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__cmxl__closing_balance.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__cmxl__reference.sta", "mt940", EUR, "", {"file-short"}),
    ("mt940/wolph__cmxl__statement_line.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__self-provided__sparkassen.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__self-provided__invalid_statement.sta", "mt940", EUR, "", {"kind-wrong"}),
    # Twenty accounts; below each is read for itself.
    ("mt940/wolph__betterplace__sepa_mt9401.sta", "mt940", EUR, "", {"several-accounts"}),
    ("mt940/wolph__betterplace__sepa_mt9401.sta", "mt940", EUR, "1", {"account-missing"}),
    ("mt940/wolph__betterplace__sepa_snippet_broken.sta", "mt940", EUR, "",
     {"statement-order", "total-wrong"}),
    # Figures that were changed by hand: opening and lines do not give the closing.
    ("mt940/wolph__jejik__abnamro.sta", "mt940", EUR, "",
     {"balance-chain", "file-short", "total-wrong"}),
    ("mt940/wolph__jejik__ing.sta", "mt940", EUR, "", {"total-wrong"}),
    ("mt940/wolph__jejik__postfinance.sta", "mt940", "CHF", "", {"total-wrong"}),
    ("mt940/wolph__jejik__rabobank.sta", "mt940", EUR, "", {"balance-chain", "total-wrong"}),
    ("mt940/wolph__jejik__triodos.sta", "mt940", EUR, "", {"total-wrong"}),
    ("mt940/wolph__self-provided__details_60-63.sta", "mt940", EUR, "", {"total-wrong"}),
    ("mt940/wolph__self-provided__malformed_details.sta", "mt940", EUR, "", {"total-wrong"}),
    ("mt940/wolph__self-provided__whitespace.sta", "mt940", EUR, "", {"total-wrong"}),
    ("mt940/wolph__self-provided__february_30.sta", "mt940", EUR, "", {"cell-time"}),
    # A line behind the end of the statement.
    ("mt940/wolph__self-provided__multiline.sta", "mt940", EUR, "", {"statement-order"}),
    ("mt940/wolph__self-provided__raiffeisen-cmi.sta", "mt940", "HUF", "", {"encoding-wrong"}),
    # No booking date.
    ("camt/genkgo__camt052.v2.with-account-name.xml", "camt052", "SEK", "", {"cell-empty"}),
    ("camt/genkgo__camt054.v8-with-UETR.xml", "camt054", "SEK", "", {"cell-empty"}),
    ("camt/genkgo__camt053.v2.all-balance-types.xml", "camt053", EUR, "",
     {"balance-chain", "total-wrong"}),
    # They close in kronor with the other sign.
    ("camt/genkgo__camt053.v2.minimal.ultimate.xml", "camt053", EUR, "",
     {"currency-other", "total-wrong"}),
    ("camt/genkgo__camt053.v2.with-party-ids.xml", "camt053", EUR, "",
     {"currency-other", "total-wrong"}),
    ("camt/genkgo__camt053.v3.xml", "camt053", EUR, "", {"currency-other", "total-wrong"}),
    ("camt/genkgo__camt053.v8.xml", "camt053", EUR, "", {"currency-other", "total-wrong"}),
    ("camt/oca__test-camt053.xml", "camt053", EUR, "", {"total-wrong"}),
    # Another message, another currency than the books'.
    ("camt/oca__test-camt054.xml", "camt053", EUR, "", {"kind-wrong"}),
    ("camt/genkgo__camt052.v1.xml", "camt052", EUR, "", {"currency-other"}),
    ("mt940/wolph__mBank__mt942.sta", "mt940", "PLN", "", {"kind-wrong"}),
    ("bai2/errors__sample-parseError.txt", "bai2", USD, "", {"statement-tag"}),
    # Credits and debits of which only some are listed; a group that corrects another.
    ("bai2/sample2.txt", "bai2", USD, "", {"statement-status", "total-wrong"}),
    # Trailers and totals that do not belong to these records.
    ("bai2/sample4-continuations-newline-delimited.txt", "bai2", USD, "",
     {"day-outside", "total-wrong"}),
    ("ofx/oca__test_ofx.ofx", "ofx", USD, "", {"several-accounts"}),
    ("ofx/ofxparse__multiple_accounts.ofx", "ofx", USD, "", {"several-accounts"}),
    # A list of accounts, and no statement of any.
    ("ofx/ofxparse__account_listing_aggregation.ofx", "ofx", USD, "", {"kind-wrong"}),
    ("ofx/ofxparse__fail_nice__date_missing.ofx", "ofx", USD, "", {"cell-time"}),
    # Day before month is the format's word, and this file's months run to 15.
    ("qif/oca__test_qif.qif", "qif", USD, "", {"cell-time"}),
]  # fmt: skip


def bank(samples: Path, path: str) -> Path:
    return samples / "C_bank" / path


def read_file(
    path: Path, fmt: Format, currency: str, out: Path, account_number: str = ""
) -> tuple[ReadResult, list[dict[str, Any]]]:
    info = SourceInfo(
        name="bank", role="bank", zone="Asia/Jakarta", currency=currency, batch="b-1",
        file_day=date(2026, 3, 2), account="Bank", account_number=account_number or None,
    )  # fmt: skip
    result = read(path, fmt, info, out)
    return result, pq.read_table(out).to_pylist()


def test_every_file_of_these_kinds_is_declared(samples: Path) -> None:
    declared = {c.path for c in CASES} | {r[0] for r in REFUSALS}
    found = {
        f"{kind}/{p.name}"
        for kind in ("mt940", "camt", "bai2", "ofx", "qif")
        for p in (samples / "C_bank" / kind).iterdir()
        # A zip is opened before a reader sees its member.
        if p.is_file() and p.suffix not in {".md", ".zip"}
    }
    assert found == declared


@pytest.mark.parametrize("case", CASES, ids=lambda c: Path(c.path).name)
def test_a_statement_becomes_books(case: Case, samples: Path, tmp_path: Path) -> None:
    setting = Setting(
        counterparty="Bank", currency=case.currency, account_number=case.account_number,
        opening=Decimal(case.given) if case.given else None, day=case.day,
    )  # fmt: skip
    with lay_out_file(tmp_path / "b", bank(samples, case.path), case.format, setting) as books:
        report, line = import_file(books, setting)
        assert report.verdict == "imported", report.problems
        assert line is not None
        assert books.load().messages() == []
        assert line["rows"]["read"] == case.rows
        assert sum(line["rows"]["excluded"].values()) == case.excluded
        assert Decimal(line["control"]["new"]) == Decimal(case.control)
        wanted = {"opening": case.opening, "closing": case.closing}
        stated = {k: line["stated"][k] for k in wanted}
        assert stated == {k: v and plain(Decimal(v)) for k, v in wanted.items()}
        assert books.verify() == []


@pytest.mark.parametrize(
    ("path", "name", "currency", "number", "codes"),
    REFUSALS,
    ids=[f"{Path(r[0]).name}-{r[1]}-{r[2]}{r[3]}" for r in REFUSALS],
)
def test_a_file_is_refused_and_says_why(
    path: str, name: str, currency: str, number: str, codes: set[str], samples: Path, tmp_path: Path
) -> None:
    fmt = load_format(shipped()[name])
    with pytest.raises(InputRefused) as refused:
        read_file(bank(samples, path), fmt, currency, tmp_path / "rows.parquet", number)
    assert {p.code for p in refused.value.problems} == codes, refused.value.problems


def test_each_of_many_accounts_in_one_file_is_read_for_itself(
    samples: Path, tmp_path: Path
) -> None:
    path = bank(samples, "mt940/wolph__betterplace__sepa_mt9401.sta")
    fmt = load_format(shipped()["mt940"])
    with opened(path, fmt, tmp_path) as source:
        figures, every = source.figures, source.count()
    assert every == path.read_text().count(":61:") == 97
    rows = 0
    for account, stated in figures.items():
        result, _ = read_file(path, fmt, "EUR", tmp_path / "rows.parquet", account)
        assert result.rows == every
        assert result.excluded == {"another account": every - result.kept}
        assert result.opening == Decimal(stated["opening"])
        assert result.closing == result.opening + result.control
        rows += result.kept
    assert (len(figures), rows) == (20, every)


@pytest.mark.parametrize(
    "name",
    ["camt052.v1", "camt052.v4", "camt052.v6", "camt054.v2", "camt054.v8"],
)
def test_another_program_reads_the_same_entries(name: str, samples: Path, tmp_path: Path) -> None:
    """Its output stands beside the files: amounts in minor units, by entry."""
    folder = bank(samples, "camt")
    path = folder / f"genkgo__{name}.xml"
    fmt = load_format(shipped()[f"camt{name[4:7]}"])
    with opened(path, fmt, tmp_path) as source:
        table = pq.read_table(tmp_path.glob(".intake-*/table.parquet").__next__())
    at = source.columns
    ours = [
        tuple(row[f"c{at[c]}"] for c in ("amount", "currency", "booking_date", "status"))
        for row in table.to_pylist()
    ]
    said = json.loads((folder / "peer_output" / f"genkgo__{name}.json").read_text())
    theirs = said["getEntries"]
    assert len(ours) == len(theirs)
    for (amount, currency, day, status), entry in zip(ours, theirs, strict=True):
        money = entry["getAmount"]
        assert Decimal(amount).scaleb(minor_units(currency)) == Decimal(money["getAmount"])
        assert currency == money["getCurrency"]["getCode"]
        assert entry["getBookingDate"]["0"].startswith(day)
        assert status == {"BOOK": "booked", "PDNG": "pending"}[entry["getStatus"]]


def test_the_same_entries_in_three_orders_of_day_and_month(samples: Path, tmp_path: Path) -> None:
    """The order is the format's word: one file, and its dates written the two other ways."""
    fmt = load_format(shipped()["qif"])
    path = bank(samples, "qif/oca__test_qif.qif")
    text = path.read_text()
    found = []
    for form in ("{0}/{1}/{2}", "{1}/{0}/{2}", "{2}/{0}/{1}"):
        lines = [
            "D" + form.format(*line[1:].split("/")) if line.startswith("D") else line
            for line in text.splitlines()
        ]
        copy = tmp_path / "copy.qif"
        copy.write_text("\n".join(lines))
        parts = ("%-m", "%-d", "%y")
        own = fmt.model_copy(
            update={"times": fmt.times.model_copy(update={"format": (form.format(*parts),)})}
        )
        result, rows = read_file(copy, own, "USD", tmp_path / "rows.parquet")
        assert (result.rows, result.control) == (5, Decimal("-1896.09"))
        found.append([(r["day"], r["amount"], r["text"]) for r in rows])
    assert found[0] == found[1] == found[2]
    assert [d.isoformat() for d, _, _ in found[0]] == [
        "2013-08-12", "2013-08-15", "2013-03-03", "2013-03-04", "2013-03-03"
    ]  # fmt: skip
