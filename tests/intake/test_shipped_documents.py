"""The samples of sources whose answers are JSON, and of reports with a line for each part of a payment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.rebuild import rebuild
from finops_ledger.books.samples import Setting, import_file, lay_out_file, samples_of, setting_of
from finops_ledger.core.errors import InputRefused
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import read
from tests.intake.test_shipped import info, read_sample

SUPPLIERS = ("digiflazz", "iak_prepaid", "iak_postpaid", "alterra")


def brief(rows: list[dict[str, Any]]) -> list[tuple[str, str, Decimal]]:
    return [(r["ref"], r["status"], r["amount"]) for r in rows]


def test_digiflazz(tmp_path: Path) -> None:
    result, rows = read_sample("digiflazz", tmp_path / "rows.parquet")
    assert result.excluded == {"an inquiry, nothing was paid": 1}
    assert brief(rows) == [
        ("ORD-3001", "pending", -10250),
        ("ORD-3002", "pending", -25100),
        ("ORD-3001", "success", -10250),
        ("ORD-3002", "failed", 0),
        ("ORD-3003", "success", -50150),
        ("ORD-3004", "success", -151100),
        ("ORD-3005", "failed", 0),
        ("ORD-3006", "unknown", -49800),  # Sukses with the code of a failure
        ("ORD-3003", "refunded", 0),
    ]
    assert rows[7]["status_raw"] == "Sukses / 02"


def test_iak(tmp_path: Path) -> None:
    _, rows = read_sample("iak_prepaid", tmp_path / "rows.parquet")
    assert brief(rows) == [
        ("ORD-3101", "pending", -10300),
        ("ORD-3101", "success", -10300),
        ("ORD-3102", "success", -50200),
        ("ORD-3103", "failed", 0),
        ("ORD-3104", "pending", -19500),
    ]
    assert rows[2]["product"] == "PLN50"  # version 1 calls it code
    _, rows = read_sample("iak_postpaid", tmp_path / "rows.parquet")
    assert [(r["status"], r["amount"], r["face"]) for r in rows] == [
        ("success", -301900, 300000),
        ("pending", -152100, 150000),
        ("failed", 0, 49870),
        ("success", -152100, 150000),
    ]
    assert [r["created_at"] is None for r in rows] == [False, True, False, False]


def test_alterra(tmp_path: Path) -> None:
    _, rows = read_sample("alterra", tmp_path / "rows.parquet")
    assert [(r["status"], r["amount"], r["face"]) for r in rows] == [
        ("success", -10200, 10000),
        ("success", -50100, 50000),
        ("pending", -53000, 51000),  # written 00000051000
        ("failed", 0, 10000),
        ("success", -192500, 190000),  # no text, the code alone
    ]
    assert rows[1]["serial"].endswith("~777")  # the token, not the reference


@pytest.mark.parametrize("name", SUPPLIERS)
def test_no_secret_is_stored(name: str, tmp_path: Path) -> None:
    """Neither a token nor a customer's number stands in the rows or in the books."""
    sample = samples_of(name)[0]
    setting = setting_of(name)
    with lay_out_file(tmp_path / "books", sample, name, setting) as books:
        import_file(books, setting)
        for secret in ("1111-2222", "11112222", "0813000000", "WARGA"):
            for path in (tmp_path / "books" / "subledger").rglob("*.parquet"):
                for column in pq.read_table(path).columns:
                    assert not any(secret in str(v) for v in column.to_pylist()), (path, secret)
            for path in (tmp_path / "books" / "journal").rglob("*.beancount"):
                assert secret not in path.read_text()


def test_midtrans(tmp_path: Path) -> None:
    result, rows = read_sample("midtrans", tmp_path / "rows.parquet")
    assert result.excluded == {"not accepted": 1, "not paid": 2}
    assert [(r["kind"], r["status"], r["amount"]) for r in rows] == [
        ("payment", "success", 50000),
        ("payment", "success", 151500),
        ("payment", "success", 151500),  # captured, then settled: versions of one payment
        ("refund", "success", -50000),
    ]
    partial = tmp_path / "partial.jsonl"
    partial.write_text(
        samples_of("midtrans")[0].read_text().replace('"refund"', '"partial_refund"')
    )
    with pytest.raises(InputRefused, match="kind-unknown"):
        read(partial, load_format(shipped()["midtrans"]), info("midtrans", "settlement"),
             tmp_path / "rows.parquet")  # fmt: skip


def test_xendit(tmp_path: Path) -> None:
    result, rows = read_sample("xendit_balance", tmp_path / "rows.parquet")
    # What the withdrawal took is what the other lines add up to.
    assert (result.control, result.excluded_control) == (234060, -234060)
    kinds = {k: sum(r["amount"] for r in rows if r["kind"] == k) for k in {r["kind"] for r in rows}}
    assert kinds == {"payment": 303500, "refund": -60000, "fee": -9000, "tax": -440}


def test_xendit_reads_debits_without_a_minus(tmp_path: Path) -> None:
    sample = samples_of("xendit_balance")[0].read_text()
    plain = tmp_path / "plain.csv"
    plain.write_text(sample.replace(",IDR,-", ",IDR,"))
    fmt, source = load_format(shipped()["xendit_balance"]), info("xendit_balance", "settlement")
    assert read(plain, fmt, source, tmp_path / "rows.parquet").control == 234060


@pytest.mark.parametrize(
    ("name", "control", "excluded"),
    [
        ("shopify_payments_api", "77.10", {"a test": 1, "the payout itself": 1}),
        ("tiktok_finance_api", "133.25", {}),
        ("braintree", "19.75", {"not settled": 1}),
        ("stripe_api", "140500", {"the payout itself": 1}),
    ],
)
def test_gateways(name: str, control: str, excluded: dict[str, int], tmp_path: Path) -> None:
    result, _ = read_sample(name, tmp_path / "rows.parquet")
    assert (result.control, result.excluded) == (Decimal(control), excluded)


@pytest.mark.parametrize("currency", ["jpy", "vnd", "bhd"])
def test_stripe_takes_currencies_of_two_decimals_only(currency: str, tmp_path: Path) -> None:
    text = samples_of("stripe_api")[0].read_text().replace('"idr"', f'"{currency}"')
    path = tmp_path / "list.json"
    path.write_text(text)
    source = info("stripe_api", "settlement", currency=currency.upper())
    with pytest.raises(InputRefused) as refused:
        read(path, load_format(shipped()["stripe_api"]), source, tmp_path / "rows.parquet")
    assert {p.code for p in refused.value.problems} >= {"currency-other"}


def deposit(folder: Path, lines: list[str]) -> tuple[Decimal, dict[str, Any]]:
    """The deposit after a file of some lines, and the file's line of the manifest."""
    file = folder / "digi.jsonl"
    folder.mkdir()
    file.write_text("".join(lines))
    setting = setting_of("digiflazz")
    with lay_out_file(folder / "books", file, "digiflazz", setting) as books:
        report, line = import_file(books, Setting(**{**setting.model_dump()}))
        assert report.verdict == "imported", report.problems
        assert line is not None
        assert books.load().messages() == []
        assert books.verify() == []
        table = books.query(
            "select sum(number) as n where account = 'Assets:Deposits:Digi' and 'supply' in tags"
        )
        return Decimal(table.rows[0][0] or 0), line


def test_versions_in_one_file_take_the_deposit_once(tmp_path: Path) -> None:
    lines = samples_of("digiflazz")[0].read_text().splitlines(keepends=True)
    begun, ended = lines[0], lines[2]
    both, line = deposit(tmp_path / "both", [begun, ended])
    assert both == deposit(tmp_path / "one", [ended])[0] == -10250
    assert (line["rows"]["new"], line["rows"]["revised"]) == (1, 1)
    assert deposit(tmp_path / "again", [begun, begun, ended])[0] == -10250


def test_a_refund_in_the_same_file_gives_the_deposit_back(tmp_path: Path) -> None:
    lines = samples_of("digiflazz")[0].read_text().splitlines(keepends=True)
    bought = next(n for n in lines if "ORD-3003" in n)
    refunded = lines[-1]
    assert deposit(tmp_path / "back", [bought, refunded])[0] == 0
    assert deposit(tmp_path / "turned", [refunded, bought])[0] == 0


def test_versions_within_files_and_across_them_in_any_order(tmp_path: Path) -> None:
    """Two days of webhooks, each telling of the same orders several times."""
    lines = samples_of("digiflazz")[0].read_text().splitlines(keepends=True)
    begun, other, ended, failed = lines[:4]
    days = {
        date(2026, 3, 2): [begun, other, begun],
        date(2026, 3, 3): [other, ended, begun, failed],
    }
    journals = []
    for order in (sorted(days), sorted(days, reverse=True)):
        first, second = order
        file = tmp_path / "w.jsonl"
        file.write_text("".join(days[first]))
        setting = setting_of("digiflazz").model_copy(update={"day": first})
        root = tmp_path / f"{first}"
        with lay_out_file(root, file, "digiflazz", setting) as books:
            assert import_file(books, setting)[0].verdict == "imported"
            (root / "inbox" / f"w_{second:%Y%m%d}.jsonl").write_text("".join(days[second]))
            assert [f.verdict for f in books.import_files().files] == ["imported"]
            books.reconcile()
            assert books.load().messages() == []
            assert books.verify() == []
            table = books.query(
                "select date, account, sum(number) as n where 'supply' in tags "
                "group by date, account order by date, account"
            )
            journals.append(table.rows)
        assert rebuild(root, tmp_path / f"rebuilt-{first}").equal
    assert journals[0] == journals[1]
    assert sum(row[2] for row in journals[0] if "Deposits" in row[1]) == -10250
