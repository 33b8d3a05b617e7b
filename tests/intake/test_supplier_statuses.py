"""What the answers of suppliers' APIs say of a transaction: by text and code, and day after day."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from finops_ledger.books.books import Books
from finops_ledger.books.rebuild import rebuild
from finops_ledger.books.samples import import_file, lay_out_file, setting_of
from finops_ledger.intake.formats import load_format, shipped
from finops_ledger.intake.read import ReadResult, read
from tests.intake.test_shipped import info

FIRST = date(2026, 3, 2)
#: Digiflazz: codes under which a transaction exists and failed, and those under which none was made.
MADE = "01 02 50 51 52 53 54 55 57 58 59 60 70 71 72 73 84 85 86".split()
TURNED_AWAY = (
    "40 41 42 43 44 45 47 49 56 61 62 63 64 65 66 67 68 69 80 81 82 83 87 88".split()
)  # fmt: skip


def digi(ref: str, status: str, rc: str, price: int | None = 10250) -> str:
    """An answer of Digiflazz."""
    data: dict[str, Any] = {"ref_id": ref, "customer_no": "0813", "buyer_sku_code": "TSEL10",
                            "message": "-", "status": status, "rc": rc, "sn": ""}  # fmt: skip
    return json.dumps({"data": data | ({} if price is None else {"price": price})}) + "\n"


def iak(status: str, rc: str) -> str:
    """An answer of IAK, prepaid."""
    return json.dumps({"data": {
        "ref_id": "O-1", "status": status, "product_code": "XL25", "customer_id": "0817",
        "price": 25150, "message": "-", "tr_id": 7, "rc": rc,
    }})  # fmt: skip


def iak_bill(status: str | None, code: str) -> str:
    """An answer of IAK, postpaid; answers to payments have no status."""
    data = {"tr_id": 8, "ref_id": "O-2", "code": "BPJS", "hp": "88", "nominal": 1000, "admin": 50,
            "price": 1050, "selling_price": 1020, "response_code": code, "message": "-",
            "balance": 5}  # fmt: skip
    return json.dumps({"data": data | ({} if status is None else {"status": status})})


def answer(folder: Path, name: str, text: str) -> tuple[ReadResult, list[tuple[Any, ...]]]:
    path, out = folder / "answer.jsonl", folder / "rows.parquet"
    path.write_text(text)
    result = read(path, load_format(shipped()[name]), info(name, "supply"), out)
    rows = pq.read_table(out).to_pylist()
    return result, [(r["status"], r["status_raw"], int(r["amount"])) for r in rows]


def test_every_code_of_digiflazz(tmp_path: Path) -> None:
    expected = {"00": ("Sukses", "success", -10250), "03": ("Pending", "pending", -10250),
                "99": ("Pending", "pending", -10250), "74": ("Gagal", "refunded", 0)}  # fmt: skip
    expected |= dict.fromkeys(MADE, ("Gagal", "failed", 0))
    text = "".join(digi(f"O-{rc}", word, rc) for rc, (word, _, _) in expected.items())
    _, rows = answer(tmp_path, "digiflazz", text)
    assert rows == [(s, f"{word} / {rc}", n) for rc, (word, s, n) in expected.items()]
    away = "".join(digi(f"O-{rc}", "Gagal", rc) for rc in TURNED_AWAY)
    result, rows = answer(tmp_path, "digiflazz", away)
    assert (sum(result.excluded.values()), rows) == (len(TURNED_AWAY), [])


@pytest.mark.parametrize(
    ("status", "rc"),
    [("Sukses", "44"), ("Sukses", "74"), ("Pending", "00"), ("Pending", "49"), ("Gagal", "00"),
     ("Gagal", "03"), ("gagal", "02"), ("Refund", "74"), ("Sukses", "77")],
)  # fmt: skip
def test_text_and_code_of_digiflazz_that_contradict(status: str, rc: str, tmp_path: Path) -> None:
    assert answer(tmp_path, "digiflazz", digi("O-1", status, rc))[1] == [
        ("unknown", f"{status} / {rc}", -10250)
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        *(("iak_prepaid", iak(*pair), [(said, " / ".join(pair), n)]) for pair, said, n in [
            (("0", "39"), "pending", -25150), (("0", "201"), "pending", -25150),
            (("1", "00"), "success", -25150), (("2", "07"), "failed", 0), (("2", "17"), "failed", 0),
            (("2", "207"), "failed", 0), (("1", "07"), "unknown", -25150),
            (("2", "00"), "unknown", -25150), (("3", "00"), "unknown", -25150),
            (("1", "204"), "unknown", -25150),
        ]),
        *(("iak_prepaid", iak("2", rc), []) for rc in ("06", "102", "107", "117", "204", "205")),
        *(("iak_postpaid", iak_bill(s, c), [(said, c if s is None else f"{s} / {c}", n)])
          for s, c, said, n in [
            (None, "00", "success", -1020), (None, "05", "pending", -1020), (None, "37", "failed", 0),
            ("3", "39", "pending", -1020), ("2", "38", "failed", 0), ("0", "42", "failed", 0),
            ("1", "11", "unknown", -1020), ("2", "39", "unknown", -1020),
        ]),
        *(("iak_postpaid", iak_bill(s, c), []) for s in (None, "2") for c in ("06", "11", "100")),
    ],
)  # fmt: skip
def test_iak(name: str, text: str, said: list[tuple[Any, ...]], tmp_path: Path) -> None:
    assert answer(tmp_path, name, text)[1] == said


# Day after day, through books


def days_of(folder: Path, *days: str) -> Books:
    """Books of Digiflazz answers, a file a day from the second of March on."""
    file = folder / "w.jsonl"
    file.write_text(days[0])
    setting = setting_of("digiflazz").model_copy(update={"day": FIRST})
    books = lay_out_file(folder / "books", file, "digiflazz", setting)
    report, _ = import_file(books, setting)
    assert report.verdict == "imported", report.problems
    for n, text in enumerate(days[1:], 1):
        day = FIRST.replace(day=FIRST.day + n)
        (folder / "books" / "inbox" / f"w_{day:%Y%m%d}.jsonl").write_text(text)
        assert [f.verdict for f in books.import_files().files] == ["imported"]
        books.reconcile()
    assert books.load().messages() == []
    assert books.verify() == []
    return books


def moved(books: Books, account: str) -> list[tuple[date, Decimal]]:
    """What the supply files moved on an account, day by day."""
    table = books.query(
        f"select date, sum(number) as n where account = '{account}' and 'supply' in tags "
        "group by date order by date"
    )
    return [(row[0], Decimal(row[1])) for row in table.rows]


DEPOSIT, PENDING = "Assets:Deposits:Digi", "Assets:Clearing:Supply-Pending:Digi"


ORDERS = """
[[sources]]
name = "orders"
role = "sale"
format = "orders"
match = "orders_*.csv"
"""
ORDER = (
    "order_id,paid_at,partner,channel,product,quantity,price,promo,status,status_at,refunded_at,"
    "payment_ref,serial,customer\n"
    "O-1,2026-03-02 08:00:00,DIGI,app,TSEL10,1,11000,0,SUCCESS,2026-03-02 08:00:21,,PAY-1,,0813\n"
)


def test_an_unknown_status_waits_and_is_told(tmp_path: Path) -> None:
    """The order was sold; the supplier's text and code contradict."""
    setting = setting_of("digiflazz").model_copy(update={"day": FIRST})
    file, root = tmp_path / "w.jsonl", tmp_path / "books"
    file.write_text(digi("O-1", "Sukses", "02"))
    with lay_out_file(root, file, "digiflazz", setting) as books:
        rules = (root / "finops.toml").read_text()
        (root / "finops.toml").write_text(rules.replace('match = "*"', 'match = "w_*"') + ORDERS)
        (root / "inbox" / "orders_20260302.csv").write_text(ORDER)
        assert [f.verdict for f in books.import_files().files] == ["imported"] * 2
        books.reconcile()
        assert moved(books, DEPOSIT) == [(FIRST, -10250)]
        assert moved(books, PENDING) == [(FIRST, 10250)]
        [found] = books.breaks()
        assert (found["class"], found["ref"]) == ("status_unknown", "O-1")
        [rows] = (root / "subledger" / "rows" / "source=digi").rglob("*.parquet")
        assert pq.read_table(rows).to_pylist()[0]["status_raw"] == "Sukses / 02"
        assert books.status()["verdict"] == "breaks"


@pytest.mark.parametrize(
    ("days", "deposit"),
    [
        # Pending, and restored on the next day.
        ((digi("O-1", "Pending", "03"), digi("O-1", "Gagal", "55")), [-10250, 10250]),
        # Unknown, and then what it was.
        ((digi("O-1", "Sukses", "02"), digi("O-1", "Gagal", "02")), [-10250, 10250]),
        # Delivered, and refunded days later; the answer comes again.
        ((digi("O-1", "Sukses", "00"), "", digi("O-1", "Gagal", "74"),
          digi("O-1", "Gagal", "74") + digi("O-8", "Gagal", "55")),
         [-10250, 10250]),
        # Delivered; the same request once more is turned away, which undoes nothing.
        ((digi("O-1", "Sukses", "00"), digi("O-1", "Gagal", "49"), digi("O-1", "Gagal", "45")), [-10250]),
        # The refund names no price.
        ((digi("O-1", "Sukses", "00"), digi("O-1", "Gagal", "74", None)), [-10250, 10250]),
    ],
)  # fmt: skip
def test_late_changes(days: tuple[str, ...], deposit: list[int], tmp_path: Path) -> None:
    days = tuple(d or digi("O-9", "Gagal", "55") for d in days)
    with days_of(tmp_path, *days) as books:
        assert [n for _, n in moved(books, DEPOSIT) if n] == deposit
        assert sum((n for _, n in moved(books, PENDING)), Decimal(0)) == 0
    assert rebuild(tmp_path / "books", tmp_path / "rebuilt").equal
